#include <prefopt/model/save_gguf.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <prefopt/model/ggml_blocks.hpp>
#include <prefopt/model/gguf.hpp>
#include <prefopt/model/gguf_description.hpp>
#include <prefopt/model/gguf_writer.hpp>
#include <prefopt/model/load_weights.hpp>
#include <prefopt/text/write_tokenizer.hpp>

#include "support/bare_model.hpp"
#include "support/bpe.hpp"
#include "support/damage.hpp"
#include "support/data.hpp"
#include "support/json_file.hpp"
#include "support/temporary_folder.hpp"

namespace prefopt {
namespace {

namespace fs = std::filesystem;
using test::expect_error;

std::vector<float> numbers_of(const test::bare_model& model) {
  std::vector<float> all;
  for (const auto& each : model.parameters()) {
    all.insert(all.end(), each.value.begin(), each.value.end());
  }
  return all;
}

// The folders hold weights as transformers wrote them, and tiny.json what numpy makes of them.
TEST(save_gguf, IsReadBackBitForBit) {
  const test::temporary_folder outer;
  const auto expected = test::json_file(test::golden("checkpoint/tiny.json"));
  for (const std::string name : {"gpt2", "llama", "llama-bias"}) {
    const auto checkpoint = open_checkpoint(test::golden("checkpoint/" + name));
    const auto model = load_transformer<test::bare_model>(checkpoint);
    const fs::path path = outer / (name + ".gguf");
    save_gguf(path, checkpoint, model);
    const auto again = open_checkpoint(path);
    EXPECT_EQ(again.model_type, checkpoint.model_type);
    EXPECT_EQ(again.config, checkpoint.config) << name;
    EXPECT_FALSE(again.tokenizer);
    test::expect_parameters(load_transformer<test::bare_model>(again), expected[name], name);
  }
}

// What gguf-py writes and we read is written with the same tensors, bytes and keys.
TEST(save_gguf, WritesTheTensorsThatGgufWrites) {
  const test::temporary_folder outer;
  for (const std::string name : {"gpt2", "llama", "llama-bias"}) {
    const fs::path golden = test::golden("checkpoint/" + name + ".gguf");
    const auto checkpoint = open_checkpoint(golden);
    const auto model = load_transformer<test::bare_model>(checkpoint);
    save_gguf(outer / "again.gguf", checkpoint, model);
    const gguf_file theirs(golden);
    const gguf_file ours(outer / "again.gguf");
    auto expected = theirs.names();
    if (name == "gpt2") std::erase(expected, "output.weight");  // the embedding, stored twice
    ASSERT_EQ(ours.names(), expected);
    for (const auto& tensor : expected) {
      ASSERT_EQ(ours.shape(tensor), theirs.shape(tensor));
      std::size_t count = 0;
      ASSERT_TRUE(count_elements(theirs.shape(tensor), count));
      std::vector<float> left(count);
      std::vector<float> right(count);
      ours.read(tensor, left);
      theirs.read(tensor, right);
      EXPECT_EQ(left, right) << tensor;
    }
    for (const auto& key : theirs.metadata().keys()) {
      ASSERT_TRUE(ours.metadata().contains(key)) << name << " " << key;
      EXPECT_EQ(ours.metadata().at(key), theirs.metadata().at(key)) << name << " " << key;
    }
  }
}

/// A small model of that kind with numbers in it, as `config` says.
test::bare_model model_of(const transformer_config& config) {
  test::bare_model model(config);
  for (const auto& each : model.parameters()) {
    for (std::size_t i = 0; i < each.value.size(); ++i) {
      each.value[i] = std::sin(static_cast<float>(i * i % 1009 + each.name.size()));
    }
  }
  return model;
}

/// The description of a golden model whose configuration `change` has changed.
template <class Change>
checkpoint_description changed(const std::string& name, Change change) {
  checkpoint_description description = open_checkpoint(test::golden("model/" + name));
  description.fields = nullptr;
  change(description.config);
  return description;
}

void expect_kept(const checkpoint_description& description, const std::string& name) {
  const test::temporary_folder outer;
  const auto model = model_of(description.config);
  save_gguf(outer / "model.gguf", description, model);
  const auto again = open_checkpoint(outer / "model.gguf");
  EXPECT_EQ(again.model_type, description.model_type) << name;
  EXPECT_EQ(again.config, description.config) << name;
  EXPECT_EQ(numbers_of(load_transformer<test::bare_model>(again)), numbers_of(model)) << name;
  EXPECT_EQ(std::distance(fs::directory_iterator(outer.path()), fs::directory_iterator()), 1);
}

// Every kind of decoder that llama.cpp computes; it was tried with these files.
TEST(save_gguf, KeepsEveryArchitecture) {
  const auto as_it_is = [](transformer_config&) {};
  for (const std::string name : {"tiny-gpt2", "tiny-gpt-neox", "tiny-llama", "tiny-llama-tied",
                                 "tiny-llama3", "tiny-llama-linear"}) {
    expect_kept(changed(name, as_it_is), name);
  }
  const auto of_llama_cpp = [](transformer_config& config) {
    config.windows.clear();
    config.output_bias = config.feed_forward_bias = false;
    if (config.unrotated.empty()) return;
    config.qkv_bias = false;
    config.layers = 9;
    config.unrotated = {3, 7};
  };
  for (const std::string name : {"tiny-qwen2", "tiny-qwen3", "tiny-smollm3"}) {
    expect_kept(changed(name, of_llama_cpp), name);
  }
  expect_kept(changed("tiny-gpt-neox",
                      [](auto& config) {
                        config.residual = residual_kind::sequential;
                        config.rotary_width = 0;
                      }),
              "tiny-gpt-neox");
  expect_kept(changed("tiny-gpt-neox", [](auto& config) { config.tied_head = true; }),
              "a tied head of GPT-NeoX");
}

TEST(save_gguf, WritesMistralAsLlama) {
  const test::temporary_folder outer;
  const auto description = changed("tiny-mistral", [](auto& config) { config.windows.clear(); });
  const auto model = model_of(description.config);
  save_gguf(outer / "model.gguf", description, model);
  const auto again = open_checkpoint(outer / "model.gguf");
  EXPECT_EQ(again.model_type, "llama");
  EXPECT_EQ(again.config, description.config);
  EXPECT_EQ(numbers_of(load_transformer<test::bare_model>(again)), numbers_of(model));
}

TEST(save_gguf, RefusesWhatLlamaCppDoesNotCompute) {
  const test::temporary_folder outer;
  const auto refuse = [&](const std::string& name, const auto& change, const std::string& words) {
    const auto description = changed(name, change);
    const auto model = model_of(description.config);
    expect_error<usage_error>([&] { save_gguf(outer / "x.gguf", description, model); }, words);
    EXPECT_TRUE(fs::is_empty(outer.path())) << name;
  };
  const auto as_it_is = [](transformer_config&) {};
  const std::string has_not = "has what llama.cpp's models of that kind have not";
  refuse("tiny-gpt-neo", as_it_is, "llama.cpp has no architecture for models of type 'gpt_neo'");
  refuse("tiny-gptj", as_it_is, "llama.cpp has no architecture for models of type 'gptj'");
  refuse("tiny-mistral", as_it_is, has_not);  // a window
  refuse("tiny-qwen2", as_it_is, has_not);    // windows of some layers
  refuse(
      "tiny-qwen3", [](auto& config) { config.output_bias = true; }, has_not);
  refuse("tiny-smollm3", as_it_is, has_not);  // other layers without positions than every fourth
  refuse(
      "tiny-gpt2", [](auto& config) { config.activation = activation_kind::silu; }, has_not);
  refuse(
      "tiny-gpt2", [](auto& config) { config.score_scale = 1.0; }, has_not);
  refuse(
      "tiny-gpt-neox", [](auto& config) { config.activation = activation_kind::silu; }, has_not);
}

TEST(gguf_rope, ReadsLlama3sFactorsAndNoOthers) {
  const test::temporary_folder outer;
  auto description = changed("tiny-llama3", [](auto& config) {
    config.head_width = 64;
    config.rope_theta = 500000.0;
    config.scaling = {rope_scaling::kind::llama3, 8.0, 1.0, 4.0, 8192};
  });
  const auto model = model_of(description.config);
  save_gguf(outer / "ours.gguf", description, model);
  // llama.cpp's converter writes the factors alone, and they may be any.
  const auto rewrite = [&](auto change) {
    const gguf_file file(outer / "ours.gguf");
    gguf_pairs pairs;
    for (const auto& pair : detail::gguf_pairs_of(description)) {
      if (!pair.first.starts_with("prefopt.")) pairs.push_back(pair);
    }
    std::vector<gguf_tensor> tensors;
    for (const auto& name : file.names()) {
      std::size_t count = 0;
      EXPECT_TRUE(count_elements(file.shape(name), count));
      std::vector<float> values(count);
      file.read(name, values);
      if (name == "rope_freqs.weight") change(values);
      tensors.push_back({{name, file.shape(name),
                          [values](std::span<float> out) {
                            std::copy(values.begin(), values.end(), out.begin());
                          }},
                         find_ggml_type(0)});
    }
    write_gguf(outer / "theirs.gguf", pairs, tensors);
  };
  rewrite([](std::vector<float>&) {});
  EXPECT_EQ(open_checkpoint(outer / "theirs.gguf").config, description.config);
  const auto refuse = [&](auto change, const std::string& words) {
    rewrite(change);
    expect_error<checkpoint_error>([&] { open_checkpoint(outer / "theirs.gguf"); }, words);
  };
  const std::string not_llama3 = "holds factors of rotation that are not Llama 3's";
  refuse([](std::vector<float>& values) { values[0] *= 1.1F; }, not_llama3);
  refuse([](std::vector<float>& values) { values[20] = 0.0F; }, not_llama3);
  refuse([](std::vector<float>& values) { values[3] = std::nanf(""); }, not_llama3);
}

TEST(save_gguf, KeepsNormsAndPositionsAsTheyAre) {
  const test::temporary_folder outer;
  const auto checkpoint = open_checkpoint(test::golden("model/tiny-gpt2"));
  const auto model = load_transformer<test::bare_model>(checkpoint);
  const auto values = numbers_of(model);
  struct expectation {
    gguf_format format;
    const char* type;
    float relative;
  };
  for (const auto& [format, type, relative] : {expectation{gguf_format::f16, "F16", 0x1.0p-11F},
                                               expectation{gguf_format::bf16, "BF16", 0x1.0p-8F}}) {
    save_gguf(outer / "model.gguf", checkpoint, model, format);
    const gguf_file file(outer / "model.gguf");
    EXPECT_EQ(file.type("token_embd.weight"), type);
    EXPECT_EQ(file.type("blk.1.ffn_up.weight"), type);
    for (const char* name : {"position_embd.weight", "blk.0.attn_norm.weight",
                             "blk.0.attn_qkv.bias", "output_norm.bias"}) {
      EXPECT_EQ(file.type(name), "F32") << name;
    }
    const auto found = numbers_of(load_transformer<test::bare_model>(outer / "model.gguf"));
    ASSERT_EQ(found.size(), values.size());
    float largest = 0;
    for (std::size_t i = 0; i < found.size(); ++i) {
      const float least = std::max(std::fabs(values[i]), 0x1.0p-14F);  // below, halves are coarser
      largest = std::max(largest, std::fabs(found[i] - values[i]) / least);
    }
    EXPECT_LE(largest, relative) << type;
    EXPECT_GT(largest, relative / 4) << type;
  }
}

TEST(save_gguf, QuantizesWhatFitsIntoBlocks) {
  const test::temporary_folder outer;
  transformer_config config;
  config.vocabulary = 40;
  config.width = 64;
  config.layers = config.heads = config.kv_heads = 1;
  config.head_width = 64;
  config.hidden = 48;
  config.max_positions = 8;
  test::bare_model model(config);
  for (const auto& each : model.parameters()) {
    for (std::size_t i = 0; i < each.value.size(); ++i) {
      each.value[i] = std::sin(static_cast<float>(i * i % 1009));
    }
  }
  checkpoint_description description;
  description.model_type = "gpt2";
  description.config = config;
  save_gguf(outer / "model.gguf", description, model, gguf_format::q8_0);
  const gguf_file file(outer / "model.gguf");
  EXPECT_EQ(file.type("token_embd.weight"), "Q8_0");
  EXPECT_EQ(file.type("blk.0.ffn_up.weight"), "Q8_0");
  EXPECT_EQ(file.type("blk.0.ffn_down.weight"), "F16");  // rows of 48 are no whole blocks
  EXPECT_EQ(file.metadata().whole("general.file_type"), 7U);
  const auto values = numbers_of(model);
  const auto found = numbers_of(load_transformer<test::bare_model>(outer / "model.gguf"));
  for (std::size_t i = 0; i < found.size(); ++i)
    ASSERT_NEAR(found[i], values[i], 0.5 / 127 + 0x1.0p-11);
}

TEST(save_gguf, QuantizesAsGgml) {
  const auto golden = test::json_file(test::golden("checkpoint/q8_0.json"));
  const auto values = golden["values"].get<std::vector<float>>();
  const auto expected = golden["bytes"].get<std::vector<int>>();
  std::vector<std::byte> bytes(expected.size());
  const ggml_type& type = *find_ggml_type(8);
  ASSERT_TRUE(quantize(type, values, bytes));
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    ASSERT_EQ(std::to_integer<int>(bytes[i]), expected[i]) << "block " << i / 34 << ":" << i % 34;
  }
  std::vector<float> block(32, 1e-38F);
  std::vector<float> back(32, 1.0F);
  bytes.resize(34);
  EXPECT_TRUE(quantize(type, block, bytes));
  dequantize(type, bytes, back);
  EXPECT_EQ(back, std::vector<float>(32, 0.0F));
  block[7] = 65520.0F * 127;
  EXPECT_FALSE(quantize(type, block, bytes));
  block[7] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_FALSE(quantize(type, block, bytes));
  EXPECT_THROW(quantize(*find_ggml_type(12), std::vector<float>(256), bytes), usage_error);
}

checkpoint_description small_gpt2(std::size_t vocabulary) {
  checkpoint_description description;
  description.model_type = "gpt2";
  auto& config = description.config;
  config.vocabulary = vocabulary;
  config.width = config.head_width = 8;
  config.layers = config.heads = config.kv_heads = 1;
  config.hidden = 8;
  config.max_positions = 8;
  return description;
}

TEST(save_gguf, WritesTheTokenizer) {
  const test::temporary_folder outer;
  auto description = small_gpt2(270);  // ten more than the tokenizer has
  const test::bare_model model(description.config);
  const auto check = [&] {
    save_gguf(outer / "model.gguf", description, model);
    const auto again = open_checkpoint(outer / "model.gguf");
    ASSERT_TRUE(again.tokenizer) << again.tokenizer_problem;
    const auto expected = test::small_bpe();
    EXPECT_EQ(again.tokenizer->vocabulary, expected.vocabulary);
    EXPECT_EQ(again.tokenizer->merges, expected.merges);
    ASSERT_EQ(again.tokenizer->added.size(), 1U);
    EXPECT_EQ(again.tokenizer->added[0].content, "<end>");
    EXPECT_EQ(again.end, 259);
    const gguf_file file(outer / "model.gguf");
    EXPECT_EQ(file.metadata().texts("tokenizer.ggml.tokens").size(), 270U);
    EXPECT_EQ(file.metadata().texts("tokenizer.ggml.tokens")[269], "[PAD269]");
    EXPECT_EQ(file.metadata().integers("tokenizer.ggml.token_type")[269], 5);
    EXPECT_FALSE(file.metadata().flag("tokenizer.ggml.add_bos_token"));
  };
  description.tokenizer = test::small_bpe();
  description.chat_template = "{{ messages }}";
  check();
  EXPECT_EQ(open_checkpoint(outer / "model.gguf").chat_template, "{{ messages }}");
  // The same from a folder's files.
  description.tokenizer.reset();
  write_tokenizer(test::small_bpe(), outer.path());
  description.companions = {outer / "tokenizer_config.json", outer / "tokenizer.json"};
  check();
}

TEST(save_gguf, RefusesWhatGgufCannotHold) {
  const test::temporary_folder outer;
  const fs::path path = outer / "model.gguf";
  auto description = small_gpt2(20);
  test::bare_model model(description.config);
  test::write_plainly(path, "before");
  const auto save = [&](gguf_format format = gguf_format::f32) {
    save_gguf(path, description, model, format);
  };
  model.parameters()[0].value[3] = 1e6F;
  expect_error<checkpoint_error>([&] { save(gguf_format::f16); },
                                 "tensor 'token_embd.weight': has a number that F16 cannot hold");
  description.tokenizer = test::small_bpe();
  expect_error<checkpoint_error>([&] { save(); }, "has 260 tokens, the model 20");
  description.tokenizer->added[0].id = 300;
  expect_error<checkpoint_error>([&] { save(); }, "token '<end>' has number 300, but the model");
  description.tokenizer->add_prefix_space = true;
  expect_error<checkpoint_error>([&] { save(); }, "cuts words as no tokenizer of a GGUF file");
  description.tokenizer.reset();
  description.config.hidden = 9;
  expect_error<usage_error>([&] { save(); }, "these are not the parameters of the configuration");
  description.model_type = "bloom";
  expect_error<checkpoint_error>([&] { save(); }, "'bloom', which is not supported");
  EXPECT_EQ(test::file_bytes(path), "before");
  EXPECT_EQ(std::distance(fs::directory_iterator(outer.path()), fs::directory_iterator()), 1);
  EXPECT_EQ(gguf_format_named("q8_0"), gguf_format::q8_0);
  expect_error<usage_error>([] { gguf_format_named("q4_k"); }, "expected f32, f16, bf16 or q8_0");
}

TEST(gguf_writer, RefusesTensorsThatGgufHasNot) {
  const test::temporary_folder outer;
  const auto tensor = [](std::string name, std::vector<std::size_t> shape, std::uint32_t type) {
    return gguf_tensor{{std::move(name), std::move(shape), [](std::span<float>) {}},
                       find_ggml_type(type)};
  };
  const auto refuse = [&](const std::vector<gguf_tensor>& tensors, const std::string& words) {
    expect_error<checkpoint_error>([&] { write_gguf(outer / "x.gguf", {}, tensors); }, words);
    EXPECT_FALSE(fs::exists(outer / "x.gguf"));
  };
  refuse({tensor("a", {4}, 0), tensor("a", {4}, 0)}, "tensor 'a': stands there twice");
  refuse({tensor("a", {31}, 8)}, "has rows of 31 numbers");
  refuse({tensor("a", {1, 1, 1, 1, 1}, 0)}, "1 to 4 dimensions");
  refuse({tensor(std::string(64, 'a'), {1}, 0)}, "1 to 63 bytes");
  refuse({tensor("a", {std::size_t{1} << 40U, std::size_t{1} << 40U}, 0)}, "is too large");
}

}  // namespace
}  // namespace prefopt
