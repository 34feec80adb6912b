#include <algorithm>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <prefopt/core/error.hpp>
#include <prefopt/model/checkpoint.hpp>
#include <prefopt/model/eigen_transformer.hpp>
#include <prefopt/model/find_model.hpp>
#include <prefopt/model/load_weights.hpp>
#include <prefopt/model/lora_adapter.hpp>
#include <prefopt/model/save_checkpoint.hpp>
#include <prefopt/model/save_gguf.hpp>
#include <prefopt/model/transformer_layout.hpp>

#include "commands.hpp"
#include "support/output_path.hpp"

namespace tools {
namespace {

struct convert_settings {
  std::string model;
  std::filesystem::path adapter;
  std::filesystem::path output;
  std::string dtype = "float32";
  std::size_t max_shard_mb = 5000;
};

/// The parameters of a checkpoint with their values, in float32. Not a model, which has gradients
/// too; an adapter needs one to become part of the weights.
struct weights {
  std::vector<std::vector<float>> values;
  std::optional<prefopt::eigen_transformer> model;
  std::vector<prefopt::parameter> parameters;
  std::size_t count = 0;

  weights(const prefopt::model_checkpoint& checkpoint, const std::filesystem::path& adapter) {
    if (!adapter.empty()) {
      model = prefopt::load_transformer<prefopt::eigen_transformer>(checkpoint);
      prefopt::load_adapter(*model, checkpoint, adapter);
      model->merge_adapter();
      for (const auto& each : model->parameters()) parameters.push_back(each);
    } else {
      for (const auto& entry : prefopt::transformer_layout(checkpoint.config)) {
        std::size_t size = 1;
        for (const std::size_t side : entry.shape) size *= side;
        values.emplace_back(size);
        parameters.push_back({entry.name, entry.shape, values.back(), {}, entry.decays});
      }
      prefopt::load_weights(checkpoint, parameters);
    }
    for (const auto& each : parameters) count += each.value.size();
  }
};

prefopt::gguf_format gguf_format_of(const std::string& dtype) {
  if (dtype == "float32") return prefopt::gguf_format::f32;
  if (dtype == "float16") return prefopt::gguf_format::f16;
  if (dtype == "bfloat16") return prefopt::gguf_format::bf16;
  return prefopt::gguf_format_named(dtype);
}

/// The files are written into a folder beside the one that was asked for, whose name says nothing.
[[noreturn]] void throw_with_name(const std::filesystem::path& asked,
                                  const prefopt::data_error& problem) {
  std::string text = problem.what();
  const std::size_t begin = text.find(asked.string() + ".tmp-");
  const std::size_t end =
      text.find_first_of("/:", begin == std::string::npos ? begin : begin + asked.string().size());
  if (begin == std::string::npos || end == std::string::npos) throw problem;
  throw prefopt::error(text.replace(begin, end - begin, asked.string()));
}

void convert(const convert_settings& chosen) {
  const bool gguf = chosen.output.extension() == ".gguf";
  if (!gguf && chosen.dtype == "q8_0") {
    throw prefopt::usage_error("--dtype q8_0 is for GGUF files: let --output end in .gguf");
  }
  if (gguf) {
    check_output_file("--output", chosen.output);
  } else {
    check_output_folder("--output", chosen.output);
  }
  const auto checkpoint = prefopt::open_checkpoint(prefopt::find_model(chosen.model));
  const weights read(checkpoint, chosen.adapter);
  for (const prefopt::parameter& each : read.parameters) {
    if (std::ranges::all_of(each.value, [](float value) { return std::isfinite(value); })) continue;
    throw prefopt::checkpoint_error(checkpoint.path.string(), each.name,
                                    "has values that are NaN or infinite; nothing is written");
  }
  if (gguf) {
    prefopt::save_gguf(chosen.output, checkpoint, read.parameters, gguf_format_of(chosen.dtype));
  } else {
    try {
      prefopt::save_checkpoint(chosen.output, checkpoint, read.parameters,
                               {.format = prefopt::float_format_named(chosen.dtype),
                                .max_shard_bytes = chosen.max_shard_mb * 1'000'000});
    } catch (const prefopt::data_error& problem) {
      throw_with_name(chosen.output, problem);
    }
  }
  std::cout << fmt::format("{}: {}, {} parameters, {}\n", chosen.output.string(),
                           checkpoint.model_type, read.count, chosen.dtype);
  if (!checkpoint.tokenizer_problem.empty()) {
    std::cout << "no tokenizer is written: " << checkpoint.tokenizer_problem << '\n';
  }
}

}  // namespace

std::function<void()> define_convert(command& to) {
  auto chosen = std::make_shared<convert_settings>();
  to.describe(
      "Reads a checkpoint folder or a GGUF file, quantized or not, and writes a folder that\n"
      "transformers loads or, where the name ends in .gguf, a file that llama.cpp loads.",
      "prefopt convert --model SmolLM2-135M.Q4_1.gguf --output smollm2 --dtype bfloat16");
  to.add("--model", chosen->model, "checkpoint folder, GGUF file, or name in Hugging Face's cache")
      .required();
  to.add("--adapter", chosen->adapter,
         "an adapter (LoRA) of it, a folder as PEFT writes it, to become part of the weights");
  to.add("--output", chosen->output, "a folder, or a file that ends in .gguf").required();
  to.add("--dtype", chosen->dtype, "of the weights; q8_0 for GGUF alone")
      .one_of({"float32", "float16", "bfloat16", "q8_0"});
  to.add("--max-shard-mb", chosen->max_shard_mb,
         "of a folder: larger weights go into several files")
      .at_least(1);
  return [chosen] { convert(*chosen); };
}

}  // namespace tools
