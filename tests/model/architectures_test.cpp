#include <prefopt/model/architectures.hpp>

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "support/damage.hpp"

namespace prefopt {
namespace {

using nlohmann::ordered_json;
using kind = rope_scaling::kind;

/// As it would stand in a file.
transformer_config read(const ordered_json& fields) {
  return read_config(ordered_json::parse(fields.dump()), "config.json").config;
}

/// Reading fails with `words` after `changes` were put into `fields`.
void refuse(ordered_json fields, const ordered_json& changes, const std::string& words) {
  fields.update(changes);
  test::expect_error<checkpoint_error>([&] { read(fields); }, words);
}

// Configurations as transformers 4 or the models' makers wrote them.

ordered_json llama_3_1() {
  return ordered_json::parse(R"({
    "architectures": ["LlamaForCausalLM"], "attention_bias": false, "attention_dropout": 0.0,
    "bos_token_id": 128000, "eos_token_id": [128001, 128008, 128009], "hidden_act": "silu",
    "hidden_size": 4096, "initializer_range": 0.02, "intermediate_size": 14336,
    "max_position_embeddings": 131072, "mlp_bias": false, "model_type": "llama",
    "num_attention_heads": 32, "num_hidden_layers": 32, "num_key_value_heads": 8,
    "pretraining_tp": 1, "rms_norm_eps": 1e-05,
    "rope_scaling": {"factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                     "original_max_position_embeddings": 8192, "rope_type": "llama3"},
    "rope_theta": 500000.0, "tie_word_embeddings": false, "torch_dtype": "bfloat16",
    "transformers_version": "4.43.0", "use_cache": true, "vocab_size": 128256})");
}

ordered_json gpt_neo() {
  return ordered_json::parse(R"({
    "activation_function": "gelu_new", "architectures": ["GPTNeoForCausalLM"],
    "attention_dropout": 0, "attention_layers": ["global", "local", "global", "local"],
    "attention_types": [[["global", "local"], 2]], "bos_token_id": 50256, "embed_dropout": 0,
    "eos_token_id": 50256, "gradient_checkpointing": false, "hidden_size": 2048,
    "initializer_range": 0.02, "intermediate_size": null, "layer_norm_epsilon": 1e-05,
    "max_position_embeddings": 2048, "model_type": "gpt_neo", "num_heads": 16, "num_layers": 4,
    "resid_dropout": 0, "summary_activation": null, "summary_first_dropout": 0.1,
    "summary_proj_to_labels": true, "summary_type": "cls_index", "summary_use_proj": true,
    "transformers_version": "4.9.0.dev0", "use_cache": true, "vocab_size": 50257,
    "window_size": 256, "tokenizer_class": "GPT2Tokenizer"})");
}

ordered_json gptj() {
  return ordered_json::parse(R"({
    "activation_function": "gelu_new", "architectures": ["GPTJForCausalLM"], "attn_pdrop": 0.0,
    "bos_token_id": 50256, "embd_pdrop": 0.0, "eos_token_id": 50256,
    "gradient_checkpointing": false, "initializer_range": 0.02, "layer_norm_epsilon": 1e-05,
    "model_type": "gptj", "n_embd": 4096, "n_head": 16, "n_inner": null, "n_layer": 28,
    "n_positions": 2048, "resid_pdrop": 0.0, "rotary": true, "rotary_dim": 64,
    "scale_attn_weights": true, "summary_activation": null, "summary_first_dropout": 0.1,
    "summary_proj_to_labels": true, "summary_type": "cls_index", "summary_use_proj": true,
    "tie_word_embeddings": false, "tokenizer_class": "GPT2Tokenizer", "use_cache": true,
    "vocab_size": 50400})");
}

ordered_json pythia() {
  return ordered_json::parse(R"({
    "architectures": ["GPTNeoXForCausalLM"], "bos_token_id": 0, "eos_token_id": 0,
    "hidden_act": "gelu", "hidden_size": 512, "initializer_range": 0.02,
    "intermediate_size": 2048, "layer_norm_eps": 1e-05, "max_position_embeddings": 2048,
    "model_type": "gpt_neox", "num_attention_heads": 8, "num_hidden_layers": 6,
    "rotary_emb_base": 10000, "rotary_pct": 0.25, "tie_word_embeddings": false,
    "torch_dtype": "float16", "transformers_version": "4.24.0", "use_cache": true,
    "use_parallel_residual": true, "vocab_size": 50304})");
}

ordered_json qwen2() {
  return ordered_json::parse(R"({
    "architectures": ["Qwen2ForCausalLM"], "attention_dropout": 0.0, "bos_token_id": 151643,
    "eos_token_id": 151645, "hidden_act": "silu", "hidden_size": 896, "initializer_range": 0.02,
    "intermediate_size": 4864, "max_position_embeddings": 32768, "max_window_layers": 21,
    "model_type": "qwen2", "num_attention_heads": 14, "num_hidden_layers": 24,
    "num_key_value_heads": 2, "rms_norm_eps": 1e-06, "rope_theta": 1000000.0,
    "sliding_window": 32768, "tie_word_embeddings": true, "torch_dtype": "bfloat16",
    "transformers_version": "4.43.1", "use_cache": true, "use_sliding_window": false,
    "vocab_size": 151936})");
}

ordered_json qwen3() {
  return ordered_json::parse(R"({
    "architectures": ["Qwen3ForCausalLM"], "attention_bias": false, "attention_dropout": 0.0,
    "bos_token_id": 151643, "eos_token_id": 151645, "head_dim": 128, "hidden_act": "silu",
    "hidden_size": 1024, "initializer_range": 0.02, "intermediate_size": 3072,
    "max_position_embeddings": 40960, "max_window_layers": 28, "model_type": "qwen3",
    "num_attention_heads": 16, "num_hidden_layers": 28, "num_key_value_heads": 8,
    "rms_norm_eps": 1e-06, "rope_scaling": null, "rope_theta": 1000000, "sliding_window": null,
    "tie_word_embeddings": true, "torch_dtype": "bfloat16", "use_cache": true,
    "use_sliding_window": false, "vocab_size": 151936})");
}

ordered_json mistral() {
  return ordered_json::parse(R"({
    "architectures": ["MistralForCausalLM"], "bos_token_id": 1, "eos_token_id": 2,
    "hidden_act": "silu", "hidden_size": 4096, "initializer_range": 0.02,
    "intermediate_size": 14336, "max_position_embeddings": 32768, "model_type": "mistral",
    "num_attention_heads": 32, "num_hidden_layers": 32, "num_key_value_heads": 8,
    "rms_norm_eps": 1e-05, "rope_theta": 10000.0, "sliding_window": 4096,
    "tie_word_embeddings": false, "torch_dtype": "bfloat16", "use_cache": true,
    "vocab_size": 32000})");
}

ordered_json smollm3() {
  return ordered_json::parse(R"({
    "architectures": ["SmolLM3ForCausalLM"], "attention_bias": false, "attention_dropout": 0.0,
    "eos_token_id": 128012, "hidden_act": "silu", "hidden_size": 2048, "initializer_range": 0.02,
    "intermediate_size": 11008, "layer_types": ["full_attention", "full_attention",
    "full_attention", "full_attention"], "max_position_embeddings": 65536,
    "max_window_layers": 28, "mlp_bias": false, "model_type": "smollm3",
    "no_rope_layer_interval": 4, "no_rope_layers": [1, 1, 1, 0], "num_attention_heads": 16,
    "num_hidden_layers": 4, "num_key_value_heads": 4, "pretraining_tp": 2, "rms_norm_eps": 1e-06,
    "rope_scaling": null, "rope_theta": 5000000.0, "sliding_window": null,
    "torch_dtype": "bfloat16", "use_cache": false, "use_sliding_window": false,
    "vocab_size": 128256, "pad_token_id": 128004})");
}

TEST(architectures, llama_3_1_has_scaled_rotation) {
  const transformer_config config = read(llama_3_1());
  EXPECT_EQ(config.scaling, (rope_scaling{kind::llama3, 8.0, 1.0, 4.0, 8192}));
  EXPECT_EQ(config.rope_theta, 500000.0);
  EXPECT_EQ(config.head_width, 128U);
  EXPECT_EQ(config.kv_heads, 8U);
  EXPECT_FALSE(config.qkv_bias || config.output_bias || config.feed_forward_bias);
}

TEST(architectures, rotation_reads_alike_as_either_transformers_writes_it) {
  ordered_json newer = llama_3_1();
  newer["rope_parameters"] = newer["rope_scaling"];
  newer["rope_parameters"]["rope_theta"] = newer["rope_theta"];
  newer.erase("rope_scaling");
  newer.erase("rope_theta");
  EXPECT_TRUE(read(newer) == read(llama_3_1()));
  newer["rope_scaling"] = newer["rope_parameters"];
  EXPECT_TRUE(read(newer) == read(llama_3_1()));
  newer["rope_scaling"]["factor"] = 4.0;
  refuse(newer, ordered_json::object(), "field 'rope_parameters': contradicts rope_scaling");

  ordered_json linear = llama_3_1();
  linear["rope_scaling"] = {{"type", "linear"}, {"factor", 2.0}};  // the oldest spelling
  EXPECT_EQ(read(linear).scaling, (rope_scaling{.type = kind::linear, .factor = 2.0}));
  refuse(llama_3_1(), {{"rope_scaling", {{"type", "dynamic"}, {"factor", 2.0}}}}, "is 'dynamic'");
  refuse(llama_3_1(), {{"rope_scaling", {{"type", "linear"}, {"factor", 2.0}, {"beta_fast", 3}}}},
         "field 'rope_scaling.beta_fast'");
  refuse(llama_3_1(), {{"partial_rotary_factor", 0.5}}, "field 'partial_rotary_factor'");
}

TEST(architectures, gpt_neo_alternates_and_does_not_scale) {
  const transformer_config config = read(gpt_neo());
  EXPECT_THAT(config.windows, testing::ElementsAre(0, 256, 0, 256));
  EXPECT_EQ(config.score_scale, 1.0);
  EXPECT_EQ(config.hidden, 8192U);
  EXPECT_FALSE(config.qkv_bias);
  EXPECT_TRUE(config.output_bias && config.tied_head);
  ordered_json all_global = gpt_neo();
  all_global["attention_types"] = ordered_json::parse(R"([[["global"], 4]])");
  all_global.erase("attention_layers");
  EXPECT_THAT(read(all_global).windows, testing::IsEmpty());
  refuse(gpt_neo(), {{"num_layers", 5}}, "does not name as many layers as num_layers, 5");
  refuse(gpt_neo(), {{"attention_types", {{{"global"}, 2000000000}}}}, "as many layers");
  refuse(gpt_neo(), {{"attention_types", {{{"sparse"}, 4}}}}, "holds \"sparse\"");
  refuse(gpt_neo(), {{"attention_types", {3}}}, "holds 3; expected [kinds, times]");
  refuse(gpt_neo(), {{"attention_layers", {"local", "local", "local", "local"}}},
         "field 'attention_layers'");
}

TEST(architectures, gptj_turns_neighbours_behind_one_norm) {
  const transformer_config config = read(gptj());
  EXPECT_EQ(config.positions, position_kind::rotary_interleaved);
  EXPECT_EQ(config.residual, residual_kind::parallel_one_norm);
  EXPECT_EQ(config.head_width, 256U);
  EXPECT_EQ(config.rotary_width, 64U);
  EXPECT_TRUE(config.head_bias && config.feed_forward_bias);
  EXPECT_FALSE(config.tied_head || config.qkv_bias || config.output_bias);
  refuse(gptj(), {{"rotary_dim", 63}}, "field 'rotary_dim'");
  refuse(gptj(), {{"rotary_dim", 258}}, "field 'rotary_dim'");
  refuse(gptj(), {{"rotary", false}}, "field 'rotary': is false");
  refuse(gptj(), {{"rope_theta", 5.0}}, "field 'rope_theta': is a field that this library does");
}

TEST(architectures, pythia_turns_a_quarter) {
  transformer_config config = read(pythia());
  EXPECT_EQ(config.residual, residual_kind::parallel);
  EXPECT_EQ(config.head_width, 64U);
  EXPECT_EQ(config.rotary_width, 16U);
  EXPECT_TRUE(config.qkv_bias && config.output_bias && !config.tied_head);
  ordered_json newer = pythia();
  newer.erase("rotary_pct");
  newer.erase("rotary_emb_base");
  newer["rope_parameters"] = {
      {"rope_type", "default"}, {"rope_theta", 10000.0}, {"partial_rotary_factor", 0.25}};
  EXPECT_TRUE(read(newer) == config);
  newer["use_parallel_residual"] = false;
  newer["rope_parameters"]["partial_rotary_factor"] = 1.0;
  config = read(newer);
  EXPECT_EQ(config.residual, residual_kind::sequential);
  EXPECT_EQ(config.rotary_width, 0U);
  refuse(pythia(), {{"rotary_pct", 0.24}}, "makes 15 coordinates of a head turn");
  refuse(pythia(), {{"rotary_pct", 1.5}}, "field 'partial_rotary_factor': exceeds 1");
}

TEST(architectures, mistral_has_one_window_for_all_layers) {
  EXPECT_EQ(read(mistral()).windows, std::vector<std::size_t>(32, 4096));
  ordered_json later = mistral();
  later["sliding_window"] = nullptr;
  EXPECT_THAT(read(later).windows, testing::IsEmpty());
  refuse(mistral(), {{"attention_bias", true}}, "field 'attention_bias'");
}

TEST(architectures, qwen2_has_biases_and_perhaps_windows) {
  const transformer_config config = read(qwen2());
  EXPECT_TRUE(config.qkv_bias && config.tied_head);
  EXPECT_FALSE(config.output_bias);
  EXPECT_THAT(config.windows, testing::IsEmpty());
  ordered_json windowed = qwen2();
  windowed["use_sliding_window"] = true;
  EXPECT_EQ(read(windowed).window(20), 0U);
  EXPECT_EQ(read(windowed).window(21), 32768U);
  windowed["layer_types"] = std::vector<std::string>(24, "sliding_attention");
  EXPECT_EQ(read(windowed).window(0), 32768U);
  refuse(windowed, {{"layer_types", {"sliding_attention"}}}, "names 1 layers of 24");
  refuse(windowed, {{"layer_types", {"chunked_attention"}}}, "holds \"chunked_attention\"");
  refuse(windowed, {{"use_sliding_window", false}}, "asks for sliding_attention");
}

TEST(architectures, qwen3_norms_heads_of_their_own_width) {
  const transformer_config config = read(qwen3());
  EXPECT_TRUE(config.head_norm);
  EXPECT_EQ(config.head_width, 128U);
  EXPECT_FALSE(config.qkv_bias);
  ordered_json bare = qwen3();
  bare.erase("head_dim");
  EXPECT_EQ(read(bare).head_width, 128U);  // not hidden_size / num_attention_heads
}

TEST(architectures, smollm3_has_layers_without_positions) {
  const transformer_config config = read(smollm3());
  EXPECT_THAT(config.unrotated, testing::ElementsAre(3));
  EXPECT_TRUE(config.rotates(2) && !config.rotates(3) && config.tied_head);
  ordered_json bare = smollm3();
  bare.erase("no_rope_layers");
  EXPECT_TRUE(read(bare) == config);
  refuse(smollm3(), {{"no_rope_layers", {1, 1}}}, "names 2 layers of 4");
  refuse(smollm3(), {{"no_rope_layers", {1, 2, 1, 1}}}, "holds 2; expected 0 or 1");
}

TEST(architectures, read_what_they_write) {
  for (const auto& fields :
       {llama_3_1(), gpt_neo(), gptj(), pythia(), qwen2(), qwen3(), mistral(), smollm3()}) {
    const model_description description = read_config(fields, "config.json");
    ordered_json written = find_architecture(description.model_type).write(description.config);
    written["model_type"] = description.model_type;
    EXPECT_TRUE(read(written) == description.config) << description.model_type;
  }
}

TEST(architectures, refuse_fields_that_may_change_the_mathematics) {
  for (const auto& fields :
       {llama_3_1(), gpt_neo(), gptj(), pythia(), qwen2(), qwen3(), mistral(), smollm3()}) {
    refuse(fields, {{"logit_scale", 0.5}}, "field 'logit_scale': is a field that this library");
    refuse(fields, {{"num_experts", 8}}, "field 'num_experts'");
    refuse(fields, {{"vocab_size", 0}}, "field 'vocab_size': is 0");
  }
}

}  // namespace
}  // namespace prefopt
