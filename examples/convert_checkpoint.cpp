// Turns a GGUF file (or a checkpoint folder) into a folder that transformers loads:
//
//     convert_checkpoint SmolLM2-135M-Instruct.Q4_1.gguf smollm2 [float32|float16|bfloat16] [MB]
//
// MB is the largest size of a weights file; more becomes several with an index. The weights pass
// through prefopt's own parameters, so this is the way in and the way out of every fine-tuning.

#include <cstddef>
#include <exception>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include <prefopt/model/checkpoint.hpp>
#include <prefopt/model/load_weights.hpp>
#include <prefopt/model/save_checkpoint.hpp>

int main(int argc, char** argv) {
  if (argc < 3 || argc > 5) {
    std::cerr << "usage: convert_checkpoint SOURCE FOLDER [float32|float16|bfloat16] [MB]\n";
    return 2;
  }
  try {
    prefopt::save_options options;
    if (argc > 3) options.format = prefopt::float_format_named(argv[3]);
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
    prefopt::save_checkpoint(argv[2], checkpoint, parameters, options);
    std::cout << argv[2] << ": " << checkpoint.model_type << ", " << total << " parameters, "
              << prefopt::name_of(options.format) << "\n";
    if (!checkpoint.tokenizer_problem.empty()) {
      std::cout << "no tokenizer is written: " << checkpoint.tokenizer_problem << "\n";
    }
  } catch (const std::exception& e) {
    std::cerr << e.what() << "\n";
    return 1;
  }
  return 0;
}
