#include <prefopt/model/save_checkpoint.hpp>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <prefopt/model/load_weights.hpp>
#include <prefopt/text/load_tokenizer.hpp>

#include "support/bare_model.hpp"
#include "support/damage.hpp"
#include "support/data.hpp"
#include "support/json_file.hpp"
#include "support/temporary_folder.hpp"

namespace prefopt {
namespace {

namespace fs = std::filesystem;
using test::expect_error;

// What was loaded from files that transformers wrote is written as transformers wrote it.
TEST(save_checkpoint, WritesTheBytesThatTransformersWrote) {
  for (const std::string name : {"gpt2", "llama", "llama-bias"}) {
    const test::temporary_folder outer;
    const fs::path source = test::golden("checkpoint/" + name);
    const auto checkpoint = open_checkpoint(source);
    const auto model = load_transformer<test::bare_model>(checkpoint);
    save_checkpoint(outer / "saved", checkpoint, model);
    EXPECT_EQ(test::file_bytes(outer / "saved/model.safetensors"),
              test::file_bytes(source / "model.safetensors"))
        << name;
    EXPECT_EQ(test::json_file(outer / "saved/config.json"), test::json_file(source / "config.json"))
        << name;
    EXPECT_EQ(test::json_file(outer / "saved/generation_config.json"),
              test::json_file(source / "generation_config.json"))
        << name;
  }
}

TEST(save_checkpoint, WritesGgufAsHuggingFaceFiles) {
  for (const std::string name : {"gpt2", "llama", "llama-bias"}) {
    const test::temporary_folder outer;
    const auto checkpoint = open_checkpoint(test::golden("checkpoint/" + name + ".gguf"));
    const auto model = load_transformer<test::bare_model>(checkpoint);
    save_checkpoint(outer / "saved", checkpoint, model);
    EXPECT_EQ(test::file_bytes(outer / "saved/model.safetensors"),
              test::file_bytes(test::golden("checkpoint/" + name) / "model.safetensors"))
        << name;
    const auto again = open_checkpoint(outer / "saved");
    EXPECT_EQ(again.config, checkpoint.config) << name;
    EXPECT_EQ(again.end, checkpoint.end) << name;
    EXPECT_EQ(test::json_file(outer / "saved/generation_config.json")["eos_token_id"], 0) << name;
  }
}

TEST(save_checkpoint, WritesTheTokenizerOfGguf) {
  const test::temporary_folder outer;
  const auto checkpoint = open_checkpoint(test::golden("checkpoint/llama.gguf"));
  const auto model = load_transformer<test::bare_model>(checkpoint);
  save_checkpoint(outer / "saved", checkpoint, model);
  const auto tokenizer = load_tokenizer(outer / "saved");
  EXPECT_EQ(tokenizer.encode("cab<end>"), (token_sequence{3, 12, 0}));
  EXPECT_EQ(tokenizer.end_token(), 0);
  const auto config = test::json_file(outer / "saved/tokenizer_config.json");
  EXPECT_EQ(config["eos_token"], "<end>");
  EXPECT_EQ(config["chat_template"], "{{ messages }}");
  EXPECT_EQ(config["model_max_length"], 9);
  EXPECT_EQ(test::json_file(outer / "saved/special_tokens_map.json")["eos_token"], "<end>");

  // Saved once more, from the folder: its files are copied.
  const auto folder = open_checkpoint(outer / "saved");
  save_checkpoint(outer / "again", folder, model);
  for (const auto& entry : fs::directory_iterator(outer / "saved")) {
    EXPECT_EQ(test::file_bytes(entry.path()),
              test::file_bytes(outer / "again" / entry.path().filename()))
        << entry.path();
  }

  checkpoint_description wrong = checkpoint;
  wrong.padding = 13;
  expect_error<usage_error>([&] { save_checkpoint(outer / "wrong", wrong, model); },
                            "pad_token is 13, which is not in the tokenizer's vocabulary");
}

// A model that came from no file: config, tokenizer and weights are all that is needed.
TEST(save_checkpoint, WritesAModelMadeHere) {
  const test::temporary_folder outer;
  checkpoint_description description;
  description.model_type = "gpt2";
  description.config = open_checkpoint(test::golden("checkpoint/gpt2")).config;
  bpe_description tokenizer;
  tokenizer.vocabulary = {"a", "b", "ab"};
  tokenizer.merges = {{"a", "b"}};
  tokenizer.added = {{3, "<end>"}};
  tokenizer.end = 3;
  description.tokenizer = tokenizer;
  const test::bare_model model(description.config);
  save_checkpoint(outer / "made", description, model);
  const auto again = open_checkpoint(outer / "made");
  EXPECT_EQ(again.config, description.config);
  EXPECT_EQ(again.end, 3);
  EXPECT_EQ(load_tokenizer(outer / "made").encode("abb<end>"), (token_sequence{2, 1, 3}));
}

TEST(save_checkpoint, ShardsAndNarrowsOnRequest) {
  const test::temporary_folder outer;
  const auto checkpoint = open_checkpoint(test::golden("checkpoint/gpt2-bare-sharded"));
  const auto model = load_transformer<test::bare_model>(checkpoint);
  // The source is bfloat16, so nothing is lost.
  save_checkpoint(outer / "saved", checkpoint, model,
                  {.format = float_format::bfloat16, .max_shard_bytes = 600});
  EXPECT_TRUE(fs::exists(outer / "saved/model.safetensors.index.json"));
  EXPECT_FALSE(fs::exists(outer / "saved/model.safetensors"));
  const auto fields = test::json_file(outer / "saved/config.json");
  EXPECT_EQ(fields["dtype"], "bfloat16");
  EXPECT_EQ(fields["architectures"], nlohmann::json{"GPT2LMHeadModel"});
  const auto again = load_transformer<test::bare_model>(outer / "saved");
  for (std::size_t i = 0; i < model.parameters().size(); ++i) {
    EXPECT_TRUE(std::ranges::equal(model.parameters()[i].value, again.parameters()[i].value));
  }
}

TEST(save_checkpoint, CopiesWhatBelongsToTheModel) {
  const test::temporary_folder outer;
  fs::copy(test::golden("checkpoint/llama"), outer / "source");
  for (const auto name : companion_names()) {
    test::write_plainly(outer / "source" / name, "{\"of\": \"" + std::string(name) + "\"}");
  }
  const auto checkpoint = open_checkpoint(outer / "source");
  const auto model = load_transformer<test::bare_model>(checkpoint);
  // Onto itself: files are read before the old folder goes.
  save_checkpoint(outer / "source", checkpoint, model);
  for (const auto name : companion_names()) {
    EXPECT_EQ(test::json_file(outer / "source" / name)["of"], name);
  }
  // A file that has gone meanwhile is an error, and the old checkpoint stays.
  fs::remove(outer / "source" / "vocab.json");
  expect_error<data_error>([&] { save_checkpoint(outer / "source", checkpoint, model); },
                           "vocab.json");
  EXPECT_TRUE(fs::exists(outer / "source" / "merges.txt"));
}

TEST(save_checkpoint, RefusesWhatIsWrong) {
  const test::temporary_folder outer;
  const auto checkpoint = open_checkpoint(test::golden("checkpoint/llama"));
  auto model = load_transformer<test::bare_model>(checkpoint);
  fs::create_directory(outer / "photos");
  test::write_plainly(outer / "photos/a.jpg", "");
  expect_error<usage_error>([&] { save_checkpoint(outer / "photos", checkpoint, model); },
                            "holds a.jpg, which is no file of a checkpoint");
  EXPECT_TRUE(fs::exists(outer / "photos/a.jpg"));
  // Nor where somebody's own file lies beside a checkpoint's.
  fs::copy(test::golden("checkpoint/llama"), outer / "noted");
  test::write_plainly(outer / "noted/notes.md", "mine");
  expect_error<usage_error>([&] { save_checkpoint(outer / "noted", checkpoint, model); },
                            "holds notes.md");
  EXPECT_TRUE(fs::exists(outer / "noted/notes.md"));

  checkpoint_description other = checkpoint;
  other.config.hidden += 1;
  expect_error<usage_error>([&] { save_checkpoint(outer / "saved", other, model); },
                            "'layers.0.feed_forward.gate.weight' (7, 8) is expected");
  other = checkpoint;
  other.config.rope_theta = 1.0;
  expect_error<usage_error>([&] { save_checkpoint(outer / "saved", other, model); },
                            "not the one of its config.json");
  other.model_type = "mamba";
  expect_error<checkpoint_error>([&] { save_checkpoint(outer / "saved", other, model); }, "mamba");
  model.parameters()[0].value[0] = 1e20F;
  expect_error<checkpoint_error>(
      [&] {
        save_checkpoint(outer / "saved", checkpoint, model, {.format = float_format::float16});
      },
      "tensor 'model.embed_tokens.weight': has a number too large for float16");
  EXPECT_FALSE(fs::exists(outer / "saved"));
}

}  // namespace
}  // namespace prefopt
