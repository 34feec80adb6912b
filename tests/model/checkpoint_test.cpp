#include <prefopt/model/checkpoint.hpp>

#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <prefopt/model/json_file.hpp>
#include <prefopt/model/load_weights.hpp>
#include <prefopt/model/safetensors.hpp>
#include <prefopt/model/safetensors_writer.hpp>

#include "support/bare_model.hpp"
#include "support/damage.hpp"
#include "support/data.hpp"
#include "support/json_file.hpp"
#include "support/temporary_folder.hpp"

namespace prefopt {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;
using test::expect_error;

/// tests/data/checkpoint/tiny.json: what prefopt's parameters should be, by numpy.
nlohmann::json expected_models() {
  return test::json_file(test::golden("checkpoint/tiny.json"));
}

TEST(checkpoint, LoadsFoldersAndGguf) {
  const auto expected = expected_models();
  ASSERT_EQ(expected.size(), 4U);
  for (const auto& [name, parameters] : expected.items()) {
    const auto model = load_transformer<test::bare_model>(test::golden("checkpoint/" + name));
    test::expect_parameters(model, parameters, name);
    EXPECT_EQ(model.changes(), 1);
    const fs::path gguf = test::golden("checkpoint/" + name + ".gguf");
    if (name == "gpt2-bare-sharded") continue;
    test::expect_parameters(load_transformer<test::bare_model>(gguf), parameters, gguf.string());
  }
}

TEST(checkpoint, ReadsTheConfiguration) {
  const auto folder = open_checkpoint(test::golden("checkpoint/llama"));
  const transformer_config& config = folder.config;
  EXPECT_EQ(folder.model_type, "llama");
  EXPECT_EQ(config.vocabulary, 13U);
  EXPECT_EQ(config.width, 8U);
  EXPECT_EQ(config.layers, 2U);
  EXPECT_EQ(config.heads, 2U);
  EXPECT_EQ(config.kv_heads, 1U);
  EXPECT_EQ(config.head_width, 6U);
  EXPECT_EQ(config.hidden, 6U);
  EXPECT_EQ(config.max_positions, 9U);
  EXPECT_EQ(config.rope_theta, 5000.0);
  EXPECT_EQ(config.norm_epsilon, 1e-6);
  EXPECT_FALSE(config.tied_head);
  EXPECT_FALSE(config.qkv_bias || config.output_bias);
  EXPECT_EQ(folder.end, 0);
  EXPECT_EQ(folder.companions.size(), 1U);  // generation_config.json
  for (const std::string name : {"gpt2", "llama", "llama-bias"}) {
    EXPECT_EQ(open_checkpoint(test::golden("checkpoint/" + name)).config,
              open_checkpoint(test::golden("checkpoint/" + name + ".gguf")).config)
        << name;
  }
  const auto gpt2 = open_checkpoint(test::golden("checkpoint/gpt2")).config;
  EXPECT_EQ(gpt2.hidden, 10U);
  EXPECT_EQ(gpt2.head_width, 2U);
  EXPECT_EQ(gpt2.norm_epsilon, 1e-4);
  EXPECT_TRUE(gpt2.tied_head);
}

TEST(checkpoint, ReadsTheTokenizerOfGguf) {
  const auto checkpoint = open_checkpoint(test::golden("checkpoint/llama.gguf"));
  ASSERT_TRUE(checkpoint.tokenizer);
  const bpe_description& tokenizer = *checkpoint.tokenizer;
  EXPECT_EQ(tokenizer.vocabulary.size(), 13U);
  EXPECT_EQ(tokenizer.vocabulary[1], "a");
  EXPECT_EQ(tokenizer.words, bpe_description::pre_tokenizer::digits_gpt2);
  ASSERT_EQ(tokenizer.merges.size(), 1U);
  EXPECT_EQ(tokenizer.merges[0], (std::pair<std::string, std::string>("a", "b")));
  ASSERT_EQ(tokenizer.added.size(), 1U);
  EXPECT_EQ(tokenizer.added[0].content, "<end>");
  EXPECT_TRUE(tokenizer.added[0].special);
  EXPECT_EQ(tokenizer.end, 0);
  EXPECT_EQ(checkpoint.chat_template, "{{ messages }}");
}

TEST(checkpoint, LoadsTheRealModel) {
  const auto path = test::smollm2_gguf();
  PREFOPT_SKIP_WITHOUT(path, "SmolLM2's GGUF file");
  const auto checkpoint = open_checkpoint(*path);
  EXPECT_EQ(checkpoint.config.vocabulary, 49152U);
  EXPECT_EQ(checkpoint.config.layers, 30U);
  EXPECT_EQ(checkpoint.config.kv_heads, 3U);
  EXPECT_EQ(checkpoint.config.rope_theta, 100000.0);
  EXPECT_EQ(checkpoint.config.norm_epsilon, 1e-5);
  EXPECT_TRUE(checkpoint.config.tied_head);
  ASSERT_TRUE(checkpoint.tokenizer) << checkpoint.tokenizer_problem;
  EXPECT_EQ(checkpoint.tokenizer->vocabulary.size(), 49152U);
  EXPECT_EQ(checkpoint.tokenizer->merges.size(), 48900U);
  EXPECT_EQ(checkpoint.tokenizer->added.size(), 17U);
  EXPECT_EQ(checkpoint.end, 2);
}

/// A copy of the tiny Llama folder that a test may spoil.
class spoiled_checkpoint : public testing::Test {
 protected:
  void SetUp() override { copy("llama"); }

  void copy(const std::string& name) {
    fs::remove_all(folder);
    fs::copy(test::golden("checkpoint/" + name), folder);
    fields = read_checkpoint_json(folder / "config.json");
  }
  /// Opening must fail with `words` after these fields were put into config.json.
  void refuse(const ordered_json& changes, const std::string& words) const {
    ordered_json changed = fields;
    changed.update(changes);
    test::write_plainly(folder / "config.json", changed.dump());
    expect_error<checkpoint_error>([&] { open_checkpoint(folder); }, words);
  }
  void accept(const ordered_json& changes) const {
    ordered_json changed = fields;
    changed.update(changes);
    test::write_plainly(folder / "config.json", changed.dump());
    EXPECT_EQ(open_checkpoint(folder).matches.size(), 17U) << changes;
  }
  /// Rewrites the weights after `change`.
  void change_tensors(const std::function<void(std::vector<named_tensor>&)>& change) {
    std::vector<named_tensor> tensors;
    values.clear();
    {
      const safetensors_file source(test::golden("checkpoint/llama/model.safetensors"));
      for (const auto& name : source.names()) {
        std::size_t count = 0;
        ASSERT_TRUE(count_elements(source.shape(name), count));
        values.emplace_back(count);
        source.read(name, values.back());
        tensors.push_back({name, source.shape(name), values.back()});
      }
    }
    change(tensors);
    write_safetensors(folder / "model.safetensors", tensors);
  }

  test::temporary_folder outer;
  fs::path folder = outer / "checkpoint";
  ordered_json fields;
  std::vector<std::vector<float>> values;
};

TEST_F(spoiled_checkpoint, NamesFieldsThatChangeTheMathematics) {
  refuse({{"model_type", "mamba"}}, "type 'mamba', which is not supported; expected one of gpt2");
  refuse({{"model_type", nullptr}}, "field 'model_type': is absent");
  refuse({{"hidden_act", "relu"}}, "field 'hidden_act': is 'relu'");
  refuse({{"hidden_act", 3}}, "field 'hidden_act': is 3; expected a string");
  refuse({{"rope_scaling", {{"rope_type", "yarn"}, {"factor", 8.0}}}},
         "field 'rope_scaling.rope_type': is 'yarn', which is not supported");
  refuse({{"rope_scaling", {{"factor", 8.0}}}}, "field 'rope_scaling.factor'");
  refuse({{"rope_parameters", {{"rope_type", "linear"}}}},
         "field 'rope_parameters.factor': is absent");
  refuse({{"rope_parameters", {{"partial_rotary_factor", 0.5}}}}, "partial_rotary_factor");
  refuse({{"rope_parameters", 7}}, "field 'rope_parameters': is 7; expected an object");
  refuse({{"rope_interleaved", true}}, "field 'rope_interleaved'");
  refuse({{"sliding_window", 4096}}, "field 'sliding_window': is a field that this library does");
  refuse({{"quantization_config", {{"bits", 4}}}}, "field 'quantization_config'");
  refuse({{"is_encoder_decoder", true}}, "field 'is_encoder_decoder': is true");
  refuse({{"pruned_heads", {{"0", {1}}}}}, "field 'pruned_heads'");
  refuse({{"vocab_size", -1}}, "field 'vocab_size': is -1; expected a whole number");
  refuse({{"vocab_size", 1e99}}, "field 'vocab_size'");
  refuse({{"vocab_size", 0}}, "field 'vocab_size': is 0");
  refuse({{"num_hidden_layers", 2.5}}, "field 'num_hidden_layers'");
  refuse({{"num_key_value_heads", 3}}, "does not divide num_attention_heads");
  refuse({{"num_attention_heads", 2000}}, "num_attention_heads");
  refuse({{"head_dim", 5}}, "field 'head_dim': makes 5 coordinates of a head turn");
  refuse({{"rms_norm_eps", 0}}, "field 'rms_norm_eps': is 0; expected a number over 0");
  refuse({{"tie_word_embeddings", "yes"}}, "expected true or false");
  accept({{"sliding_window", nullptr}, {"_name_or_path", "x"}, {"rope_scaling", nullptr}});
  accept({{"torch_dtype", "float16"}, {"temperature", 0.7}, {"pretraining_tp", 2}});

  copy("gpt2");
  refuse({{"scale_attn_by_inverse_layer_idx", true}}, "'scale_attn_by_inverse_layer_idx': is true");
  refuse({{"scale_attn_weights", false}}, "'scale_attn_weights': is false");
  refuse({{"add_cross_attention", true}}, "'add_cross_attention': is true");
  refuse({{"n_head", 4}}, "field 'n_head': does not divide n_embd");
  refuse({{"activation_function", "relu"}}, "field 'activation_function': is 'relu'");
}

TEST_F(spoiled_checkpoint, ComparesTheConfigurationWithTheTensors) {
  refuse({{"num_hidden_layers", 3}}, "9 tensors are missing: model.layers.2.input_layernorm");
  refuse({{"num_hidden_layers", 1}}, "9 tensors are unexpected: model.layers.1.input_layernorm");
  refuse({{"num_hidden_layers", 3000}}, "should have 3000 layers, but has only 21");
  refuse({{"num_hidden_layers", 2000000000}}, "expected at most 10000 layers");
  refuse({{"vocab_size", 2000000000}}, "2 tensors have a wrong shape");
  refuse({{"hidden_size", 2000000000}}, "tensors have a wrong shape");
  refuse({{"hidden_size", 2000000000}, {"vocab_size", 2000000000}}, "larger than memory");
  refuse({{"head_dim", 4}}, "model.layers.0.self_attn.q_proj.weight (12, 8), expected (8, 8)");
  refuse({{"attention_bias", true}}, "8 tensors are missing: model.layers.0.self_attn.q_proj.bias");
}

TEST_F(spoiled_checkpoint, NamesMissingAndUnexpectedTensors) {
  change_tensors([](auto& tensors) { tensors.erase(tensors.begin() + 1); });
  expect_error<checkpoint_error>([&] { open_checkpoint(folder); },
                                 "1 tensors are missing: model.embed_tokens.weight");
  change_tensors([&](auto& tensors) { tensors.push_back({"model.extra", {13, 8}, values[1]}); });
  expect_error<checkpoint_error>([&] { open_checkpoint(folder); },
                                 "1 tensors are unexpected: model.extra");
  change_tensors([&](auto& tensors) {
    tensors.push_back({"model.layers.0.self_attn.rotary_emb.inv_freq", {13, 8}, values[1]});
  });
  EXPECT_NO_THROW(open_checkpoint(folder));
}

TEST_F(spoiled_checkpoint, ATiedHeadMayBeStoredIfItIsTheEmbedding) {
  refuse({{"tie_word_embeddings", true}},
         "tensor 'lm_head.weight': differs from the embedding, but config.json says that they");
  change_tensors([&](auto& tensors) { tensors[0].values = values[1]; });
  const auto checkpoint = open_checkpoint(folder);
  EXPECT_TRUE(checkpoint.config.tied_head);
  EXPECT_EQ(checkpoint.matches.size(), 16U);
}

TEST_F(spoiled_checkpoint, SeveralTokensMayEndAText) {
  EXPECT_EQ(open_checkpoint(folder).ends, token_sequence{0});
  accept({{"eos_token_id", {3, 4}}});  // but generation_config.json says 0
  EXPECT_EQ(open_checkpoint(folder).ends, token_sequence{0});
  EXPECT_EQ(open_checkpoint(folder).end, 3);
  test::write_plainly(folder / "generation_config.json", R"({"eos_token_id": [5, 3]})");
  EXPECT_EQ(open_checkpoint(folder).ends, (token_sequence{5, 3}));
  test::write_plainly(folder / "generation_config.json", R"({"eos_token_id": [5, 50256]})");
  EXPECT_EQ(open_checkpoint(folder).ends, token_sequence{5});  // there are 13 tokens
  fs::remove(folder / "generation_config.json");
  EXPECT_EQ(open_checkpoint(folder).ends, (token_sequence{3, 4}));
  accept({{"eos_token_id", nullptr}});
  EXPECT_TRUE(open_checkpoint(folder).ends.empty());
  EXPECT_FALSE(open_checkpoint(folder).end);
}

TEST_F(spoiled_checkpoint, NamesMissingFiles) {
  expect_error<checkpoint_error>([&] { open_checkpoint(outer.path()); }, "has no config.json");
  expect_error<checkpoint_error>([&] { open_checkpoint(folder / "model.safetensors"); },
                                 "give the folder");
  fs::remove(folder / "model.safetensors");
  expect_error<checkpoint_error>([&] { open_checkpoint(folder); }, "has neither model.safetensors");
  expect_error<checkpoint_error>([&] { open_checkpoint(folder / "config.json"); },
                                 "is no GGUF file");
  expect_error<data_error>([&] { open_checkpoint(folder / "absent"); }, "absent");
}

TEST_F(spoiled_checkpoint, WantsTheParametersOfItsConfiguration) {
  const auto checkpoint = open_checkpoint(folder);
  transformer_config other = checkpoint.config;
  other.hidden += 1;
  expect_error<usage_error>([&] { load_weights(checkpoint, test::bare_model(other).parameters()); },
                            "no parameter 'layers.0.feed_forward.gate.weight' of shape (6, 8)");
  other.layers = 1;
  expect_error<usage_error>([&] { load_weights(checkpoint, test::bare_model(other).parameters()); },
                            "the model has 10 parameters");
}

TEST_F(spoiled_checkpoint, SurvivesRandomDamage) {
  for (const std::string name : {"config.json", "model.safetensors"}) {
    copy("llama");
    const auto outcome =
        test::try_damaged(test::file_bytes(folder / name), 1000, [&](const std::string& bytes) {
          test::write_plainly(folder / name, bytes);
          load_transformer<test::bare_model>(folder);
        });
    EXPECT_GT(outcome.refused, 100) << name;
    EXPECT_GT(outcome.loaded, 10) << name;
  }
  for (const std::string name : {"llama.gguf", "gpt2.gguf"}) {
    const fs::path path = outer / name;
    const std::string good = test::file_bytes(test::golden("checkpoint/" + name));
    const auto outcome = test::try_damaged(good, 2000, [&](const std::string& bytes) {
      test::write_plainly(path, bytes);
      load_transformer<test::bare_model>(path);
    });
    EXPECT_GT(outcome.refused, 500) << name;
    EXPECT_GT(outcome.loaded, 50) << name;
  }
}

}  // namespace
}  // namespace prefopt
