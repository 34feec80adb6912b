// Turns a GGUF file (or a checkpoint folder) into a folder that transformers loads, or into a GGUF
// file that llama.cpp loads:
//
//     convert_checkpoint SmolLM2-135M-Instruct.Q4_1.gguf smollm2 [float32|float16|bfloat16] [MB]
//     convert_checkpoint smollm2 smollm2.gguf [f32|f16|bf16|q8_0]
//
// MB is the largest size of a weights file; more becomes several with an index. The weights pass
// through prefopt's own parameters, so this is the way in and the way out of every fine-tuning.

#include <cstddef>
#include <exception>
#include <filesystem>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include <prefopt/model/checkpoint.hpp>
#include <prefopt/model/load_weights.hpp>
#include <prefopt/model/save_checkpoint.hpp>
#include <prefopt/model/save_gguf.hpp>

int main(int argc, char** argv) {
  if (argc < 3 || argc > 5) {
    std::cerr << "usage: convert_checkpoint SOURCE FOLDER [float32|float16|bfloat16] [MB]\n"
                 "       convert_checkpoint SOURCE FILE.gguf [f32|f16|bf16|q8_0]\n";
    return 2;
  }
  try {
    const bool gguf = std::filesystem::path(argv[2]).extension() == ".gguf";
    prefopt::save_options options;
    auto gguf_format = prefopt::gguf_format::f32;
    if (argc > 3 && gguf) gguf_format = prefopt::gguf_format_named(argv[3]);
    if (argc > 3 && !gguf) options.format = prefopt::float_format_named(argv[3]);
    if (argc > 4) options.max_shard_bytes = std::stoul(argv[4]) * 1'000'000;

    const auto checkpoint = prefopt::open_checkpoint(argv[1]);
    std::vector<std::vector<float>> values;
    std::vector<prefopt::parameter> parameters;
    std::size_t total = 0;
    for (const auto& entry : prefopt::transformer_layout(checkpoint.config)) {
      std::size_t count = 1;
      for (const std::size_t side : entry.shape) count *= side;
      total += count;
      values.emplace_back(count);
      parameters.push_back({entry.name, entry.shape, values.back(), {}, entry.decays});
    }
    prefopt::load_weights(checkpoint, parameters);
    if (gguf) {
      prefopt::save_gguf(argv[2], checkpoint, parameters, gguf_format);
    } else {
      prefopt::save_checkpoint(argv[2], checkpoint, parameters, options);
    }
    std::cout << argv[2] << ": " << checkpoint.model_type << ", " << total << " parameters, "
              << (gguf ? prefopt::name_of(gguf_format) : prefopt::name_of(options.format)) << "\n";
    if (!checkpoint.tokenizer_problem.empty()) {
      std::cout << "no tokenizer is written: " << checkpoint.tokenizer_problem << "\n";
    }
  } catch (const std::exception& e) {
    std::cerr << e.what() << "\n";
    return 1;
  }
  return 0;
}
