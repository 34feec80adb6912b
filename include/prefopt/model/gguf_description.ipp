#pragma once

#include <prefopt/model/gguf_description.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <prefopt/core/config.hpp>
#include <prefopt/core/error.hpp>
#include <prefopt/data/token.hpp>
#include <prefopt/model/architectures.hpp>
#include <prefopt/text/load_tokenizer.hpp>

namespace prefopt {

PREFOPT_INLINE std::string_view gguf_pre_tokenizer(bpe_description::pre_tokenizer words) {
  switch (words) {
    case bpe_description::pre_tokenizer::gpt2:
      return "gpt-2";
    case bpe_description::pre_tokenizer::digits_gpt2:
      return "smollm";
    default:
      return {};
  }
}

namespace detail {

inline std::uint32_t gguf_count(std::size_t value) {
  if (value > 0x7FFFFFFF) throw usage_error("a GGUF file holds no count over 2147483647");
  return static_cast<std::uint32_t>(value);
}

/// What llama.cpp computes a model from, under the keys of its converter. Its architectures fix
/// what has no key here (kind of norm, activation, biases by the tensors that there are).
inline gguf_pairs gguf_model_pairs(const architecture& kind, const transformer_config& config) {
  const std::string name(kind.in_gguf());
  gguf_pairs pairs{{"general.architecture", name}};
  const auto put = [&](const char* key, gguf_value value) {
    pairs.emplace_back(name + "." + key, std::move(value));
  };
  put("context_length", gguf_count(config.max_positions));
  put("embedding_length", gguf_count(config.width));
  put("block_count", gguf_count(config.layers));
  put("feed_forward_length", gguf_count(config.hidden));
  put("attention.head_count", gguf_count(config.heads));
  put("attention.head_count_kv", gguf_count(config.kv_heads));
  put(config.norm == norm_kind::rms ? "attention.layer_norm_rms_epsilon"
                                    : "attention.layer_norm_epsilon",
      static_cast<float>(config.norm_epsilon));
  put("vocab_size", gguf_count(config.vocabulary));
  if (kind.model_type == "gpt_neox") {
    put("use_parallel_residual", config.residual != residual_kind::sequential);
  }
  if (!config.rotary()) return pairs;
  put("attention.key_length", gguf_count(config.head_width));
  put("attention.value_length", gguf_count(config.head_width));
  put("rope.dimension_count", gguf_count(config.turned_width()));
  put("rope.freq_base", static_cast<float>(config.rope_theta));
  const rope_scaling& scaling = config.scaling;
  if (scaling.type == rope_scaling::kind::linear) {
    put("rope.scaling.type", "linear");
    put("rope.scaling.factor", static_cast<float>(scaling.factor));
  }
  if (scaling.type == rope_scaling::kind::llama3) {  // for `read_rope_factors`
    pairs.emplace_back("prefopt.rope.factor", static_cast<float>(scaling.factor));
    pairs.emplace_back("prefopt.rope.low_frequency_factor",
                       static_cast<float>(scaling.low_frequency_factor));
    pairs.emplace_back("prefopt.rope.high_frequency_factor",
                       static_cast<float>(scaling.high_frequency_factor));
    pairs.emplace_back("prefopt.rope.original_positions", gguf_count(scaling.original_positions));
  }
  return pairs;
}

/// The tokenizer of a description, wherever it has it: in itself, or among its companions. Throws
/// `checkpoint_error` for one that is not byte-level BPE.
inline std::optional<bpe_description> tokenizer_of(const checkpoint_description& description) {
  if (description.tokenizer) return description.tokenizer;
  for (const auto& file : description.companions) {
    for (const std::string_view name : {"tokenizer.json", "vocab.json"}) {
      if (file.filename() == name) return read_tokenizer_folder(file.parent_path());
    }
  }
  return {};
}

/// Byte-level BPE as llama.cpp's converter writes it. Numbers that no token has become unused ones,
/// so that there are as many tokens as rows of the embedding.
inline void put_gguf_tokenizer(const bpe_description& tokenizer, std::size_t vocabulary,
                               gguf_pairs& pairs) {
  constexpr std::int32_t normal = 1;
  constexpr std::int32_t control = 3;
  constexpr std::int32_t user_defined = 4;
  constexpr std::int32_t unused = 5;
  const std::string_view cut = gguf_pre_tokenizer(tokenizer.words);
  if (cut.empty() || tokenizer.add_prefix_space) {
    throw checkpoint_error(tokenizer.source, "",
                           "this tokenizer cuts words as no tokenizer of a GGUF file does");
  }
  std::vector<std::string> tokens = tokenizer.vocabulary;
  std::vector<std::int32_t> types(std::max(tokens.size(), vocabulary), normal);
  tokens.resize(types.size());
  for (const auto& each : tokenizer.added) {
    const auto id = static_cast<std::size_t>(each.id);
    if (id >= tokens.size()) {
      throw checkpoint_error(tokenizer.source, "",
                             "token '" + each.content + "' has number " + std::to_string(id) +
                                 ", but the model has " + std::to_string(vocabulary) + " tokens");
    }
    tokens[id] = each.content;
    types[id] = each.special ? control : user_defined;
  }
  if (tokens.size() > vocabulary) {
    throw checkpoint_error(tokenizer.source, "",
                           "has " + std::to_string(tokens.size()) + " tokens, the model " +
                               std::to_string(vocabulary));
  }
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (!tokens[i].empty()) continue;
    tokens[i] = "[PAD" + std::to_string(i) + "]";
    types[i] = unused;
  }
  std::vector<std::string> merges;
  for (const auto& [left, right] : tokenizer.merges) merges.push_back(left + " " + right);
  pairs.emplace_back("tokenizer.ggml.model", "gpt2");
  pairs.emplace_back("tokenizer.ggml.pre", std::string(cut));
  pairs.emplace_back("tokenizer.ggml.tokens", std::move(tokens));
  pairs.emplace_back("tokenizer.ggml.token_type", std::move(types));
  pairs.emplace_back("tokenizer.ggml.merges", std::move(merges));
  pairs.emplace_back("tokenizer.ggml.add_bos_token", false);
  pairs.emplace_back("tokenizer.ggml.add_space_prefix", false);
}

PREFOPT_INLINE gguf_pairs gguf_pairs_of(const checkpoint_description& description) {
  const auto& kind = find_architecture(description.model_type);
  if (kind.gguf_names.empty()) {
    throw usage_error("llama.cpp has no architecture for models of type '" +
                      description.model_type + "', so no GGUF file of one is written");
  }
  gguf_pairs pairs = gguf_model_pairs(kind, description.config);
  const auto put_token = [&](const char* key, const std::optional<token_id>& token) {
    if (!token) return;
    pairs.emplace_back(std::string("tokenizer.ggml.") + key + "_token_id",
                       gguf_count(static_cast<std::size_t>(*token)));
  };
  if (const auto tokenizer = tokenizer_of(description)) {
    put_gguf_tokenizer(*tokenizer, description.config.vocabulary, pairs);
    put_token("bos", description.begin);
    put_token("eos", tokenizer->end ? tokenizer->end : description.end);
    put_token("padding", description.padding);
    if (!description.chat_template.empty()) {
      pairs.emplace_back("tokenizer.chat_template", description.chat_template);
    }
  } else {
    pairs.emplace_back("tokenizer.ggml.model", "none");  // llama.cpp then takes token numbers only
  }
  return pairs;
}

}  // namespace detail

}  // namespace prefopt
