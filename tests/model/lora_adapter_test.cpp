// Adapters against PEFT (tests/goldens/lora.py): log-probs within 1e-4, gradients within 1e-3
// relative; what is written is what PEFT wrote.

#include <prefopt/model/lora_adapter.hpp>

#include <cmath>
#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <prefopt/model/eigen_transformer.hpp>
#include <prefopt/model/load_weights.hpp>

#include "model/expect_log_probs.hpp"
#include "support/damage.hpp"
#include "support/data.hpp"
#include "support/groups.hpp"
#include "support/json_file.hpp"
#include "support/temporary_folder.hpp"

namespace prefopt {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;
using test::expect_error;

struct golden_adapter {
  explicit golden_adapter(const std::string& name)
      : folder(test::golden("lora/" + name)),
        expected(test::json_file(folder / "expected.json")),
        checkpoint(open_checkpoint(test::golden("model/" + expected["base"].get<std::string>()))),
        model(load_transformer<eigen_transformer>(checkpoint)),
        groups(test::read_groups(expected["groups"])) {}

  fs::path folder;
  nlohmann::json expected;
  model_checkpoint checkpoint;
  eigen_transformer model;
  test::golden_groups groups;
};

class lora_golden : public testing::TestWithParam<const char*> {};

TEST_P(lora_golden, ComputesAsPeft) {
  golden_adapter golden(GetParam());
  auto& model = golden.model;
  const auto& batch = golden.groups.batch;
  load_adapter(model, golden.checkpoint, golden.folder);
  test::expect_token_log_probs(model, batch, golden.expected["token_log_probs"]);
  test::expect_token_log_probs(model, batch, golden.expected["merged"]);

  std::vector<double> log_probs(batch.size());
  model.zero_gradients();
  model.forward(batch, std::span<double>(log_probs));
  model.backward(golden.expected["weights"].get<std::vector<double>>());
  ASSERT_EQ(model.parameters().size(), golden.expected["gradients"].size());
  const std::size_t rank = model.adapter_options().rank;
  for (std::size_t p = 0; p < model.parameters().size(); ++p) {
    const parameter& each = model.parameters()[p];
    const auto reference = golden.expected["gradients"].at(each.name).get<std::vector<double>>();
    ASSERT_EQ(each.gradient.size(), reference.size()) << each.name;
    std::vector<float> found(each.gradient.begin(), each.gradient.end());
    if (p % 2 == 1) {  // B, whose rows GPT-NeoX has in another order
      to_stored(detail::lora_b_part(model.adapter_modules()[p / 2], rank), each.gradient, found);
    }
    double difference = 0;
    double size = 0;
    for (std::size_t i = 0; i < reference.size(); ++i) {
      difference += std::pow(static_cast<double>(found[i]) - reference[i], 2);
      size += reference[i] * reference[i];
    }
    EXPECT_GT(size, 0.0) << each.name;
    EXPECT_LT(std::sqrt(difference), 1e-3 * std::sqrt(size)) << each.name;
  }

  model.activate_adapter(false);
  test::expect_token_log_probs(model, batch, golden.expected["without"]);
  model.activate_adapter(true);
  const auto before = model.token_log_probs(batch);
  model.merge_adapter();
  EXPECT_FALSE(model.has_adapter());
  const auto merged = model.token_log_probs(batch);
  for (std::size_t r = 0; r < before.size(); ++r) {
    for (std::size_t i = 0; i < before[r].size(); ++i) {
      EXPECT_NEAR(before[r][i], merged[r][i], 1e-5);
    }
  }
}

TEST_P(lora_golden, IsWrittenAsPeftWrites) {
  golden_adapter golden(GetParam());
  const test::temporary_folder outer;
  load_adapter(golden.model, golden.checkpoint, golden.folder);
  save_adapter(outer / "saved", golden.model, golden.expected["base"]);
  EXPECT_EQ(test::file_bytes(outer / "saved/adapter_model.safetensors"),
            test::file_bytes(golden.folder / "adapter_model.safetensors"));
  auto expected = test::json_file(golden.folder / "adapter_config.json");
  const auto found = test::json_file(outer / "saved/adapter_config.json");
  for (const auto& [key, value] : found.items()) EXPECT_EQ(value, expected[key]) << key;
  for (const char* key : {"peft_type", "r", "lora_alpha", "target_modules", "fan_in_fan_out"}) {
    EXPECT_TRUE(found.contains(key)) << key;
  }
  eigen_transformer again = load_transformer<eigen_transformer>(golden.checkpoint);
  load_adapter(again, golden.checkpoint, outer / "saved");
  EXPECT_EQ(again.token_log_probs(golden.groups.batch),
            golden.model.token_log_probs(golden.groups.batch));
}

INSTANTIATE_TEST_SUITE_P(adapters, lora_golden,
                         testing::Values("gpt2", "llama", "llama-all", "gpt-neox", "qwen3"),
                         [](const auto& tested) {
                           std::string name = tested.param;
                           for (char& c : name) c = c == '-' ? '_' : c;
                           return name;
                         });

/// A copy of PEFT's adapter of the tiny Llama that a test may spoil.
class spoiled_adapter : public testing::Test {
 protected:
  void SetUp() override {
    fs::copy(golden.folder, folder);
    fields = test::json_file(folder / "adapter_config.json");
  }
  void load() { load_adapter(golden.model, golden.checkpoint, folder); }
  void refuse(const ordered_json& changes, const std::string& words) {
    ordered_json changed = fields;
    changed.update(changes);
    test::write_plainly(folder / "adapter_config.json", changed.dump());
    expect_error<checkpoint_error>([&] { load(); }, words);
    EXPECT_FALSE(golden.model.has_adapter());
  }

  golden_adapter golden{"llama"};
  test::temporary_folder outer;
  fs::path folder = outer / "adapter";
  ordered_json fields;
};

TEST_F(spoiled_adapter, NamesWhatIsNotSupported) {
  refuse({{"peft_type", "IA3"}}, "field 'peft_type': is 'IA3'; expected LORA");
  refuse({{"r", 0}}, "field 'r': is 0");
  refuse({{"r", 5}}, "lora_A.weight': has shape (4, 30), expected (5, 30)");
  refuse({{"lora_alpha", -1}}, "field 'lora_alpha': is -1");
  refuse({{"target_modules", "q_.*"}}, "field 'target_modules': is no list of names");
  refuse({{"target_modules", {"q_proj", 3}}}, "holds what is not a name");
  refuse({{"target_modules", {"c_attn"}}}, "target 'c_attn' is no matrix of a layer of 'llama'");
  refuse({{"target_modules", {"lm_head"}}}, "expected one of all-linear, down_proj, gate_proj");
  refuse({{"target_modules", {"q_proj"}}}, "v_proj.lora_A.weight': is unexpected");
  refuse({{"target_modules", {"q_proj", "k_proj", "v_proj"}}}, "k_proj.lora_A.weight': is missing");
  refuse({{"bias", "all"}}, "field 'bias': is \"all\"");
  refuse({{"use_dora", true}}, "field 'use_dora': is true");
  refuse({{"rank_pattern", {{"q_proj", 2}}}}, "field 'rank_pattern'");
  refuse({{"modules_to_save", {"lm_head"}}}, "field 'modules_to_save'");
  refuse({{"layers_to_transform", {0}}}, "field 'layers_to_transform': is a field that this");
  refuse({{"init_lora_weights", "pissa"}}, "field 'init_lora_weights': is \"pissa\"");
  refuse({{"fan_in_fan_out", true}}, "field 'fan_in_fan_out': does not fit the model");
  refuse({{"something_new", 1}}, "field 'something_new': is a field that this library does not");
  test::write_plainly(folder / "adapter_config.json", fields.dump());
  EXPECT_NO_THROW(load());
}

TEST_F(spoiled_adapter, SurvivesRandomDamage) {
  for (const std::string name : {"adapter_config.json", "adapter_model.safetensors"}) {
    const auto good = test::file_bytes(folder / name);
    const auto outcome = test::try_damaged(good, 300, [&](const std::string& bytes) {
      test::write_plainly(folder / name, bytes);
      load();
      golden.model.remove_adapter();
    });
    EXPECT_FALSE(golden.model.has_adapter());
    EXPECT_GT(outcome.refused, 30) << name;
    test::write_plainly(folder / name, good);
  }
}

TEST_F(spoiled_adapter, ReplacesNothingButAnAdapter) {
  load();
  fs::create_directory(outer / "other");
  test::write_plainly(outer / "other/notes.txt", "notes");
  expect_error<usage_error>([&] { save_adapter(outer / "other", golden.model); },
                            "holds files but no adapter");
  save_adapter(folder, golden.model);
  EXPECT_FALSE(fs::exists(folder / "expected.json"));  // replaced as a whole
  expect_error<data_error>([&] { save_adapter(outer / "no/where", golden.model); }, "no/where");
}

}  // namespace
}  // namespace prefopt
