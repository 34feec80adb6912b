#include <prefopt/model/classifier_checkpoint.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <prefopt/model/eigen_classifier.hpp>
#include <prefopt/model/json_file.hpp>
#include <prefopt/model/save_classifier.hpp>

#include "support/damage.hpp"
#include "support/data.hpp"
#include "support/temporary_folder.hpp"

namespace prefopt {
namespace {

namespace fs = std::filesystem;

class classifier_checkpoint_of : public testing::Test {
 protected:
  /// A copy of a golden model with a changed config.
  template <class Change>
  fs::path changed(const char* name, Change change) {
    const fs::path to = folder_ / name;
    fs::remove_all(to);
    fs::copy(test::golden("model/classifiers") / name, to);
    auto config = read_checkpoint_json(to / "config.json");
    change(config);
    test::write_plainly(to / "config.json", config.dump());
    return to;
  }
  template <class Change>
  void refused(const char* name, Change change, const std::string& words) {
    const fs::path path = changed(name, change);
    test::expect_error<checkpoint_error>([&] { (void)open_classifier(path); }, words);
  }
  test::temporary_folder folder_;
};

TEST_F(classifier_checkpoint_of, every_architecture) {
  const auto config = [](const char* name) {
    return open_classifier(test::golden("model/classifiers") / name).config;
  };
  EXPECT_EQ(config("tiny-bert").labels, (std::vector<std::string>{"worst", "middle", "best"}));
  EXPECT_EQ(config("tiny-bert").problem, problem_kind::single_label);
  EXPECT_EQ(config("tiny-bert").activation, activation_kind::gelu_tanh);
  EXPECT_EQ(config("tiny-roberta").problem, problem_kind::regression);
  EXPECT_EQ(config("tiny-roberta").max_tokens(), 30U);
  EXPECT_EQ(config("tiny-distilbert").problem, problem_kind::multi_label);
  EXPECT_EQ(config("tiny-distilbert").head_activation, activation_kind::relu);
}

TEST_F(classifier_checkpoint_of, an_encoder_gets_a_new_head) {
  const fs::path path = test::golden("model/classifiers") / "tiny-minilm";
  test::expect_error<checkpoint_error>(
      [&] { (void)open_classifier(path); },
      "2 tensors of the classification head are missing, so this encoder is no classifier yet");
  const auto checkpoint = open_classifier(path, {.new_labels = {"NO", "YES"}});
  // The pooler is the encoder's.
  EXPECT_EQ(checkpoint.fresh, (std::vector<std::string>{"head.output.weight", "head.output.bias"}));
  auto model = load_classifier<eigen_classifier>(checkpoint, 5);
  auto same = load_classifier<eigen_classifier>(checkpoint, 5);
  auto other = load_classifier<eigen_classifier>(checkpoint, 6);
  const auto head = [](eigen_classifier& m) {
    const auto value = m.parameters()[m.parameters().size() - 2].value;
    return std::vector<float>(value.begin(), value.end());
  };
  EXPECT_EQ(head(model), head(same));
  EXPECT_NE(head(model), head(other));

  save_classifier(folder_ / "saved", checkpoint, model);
  const auto again = open_classifier(folder_ / "saved");
  EXPECT_EQ(again.config, checkpoint.config);
  EXPECT_TRUE(again.fresh.empty());
  auto loaded = load_classifier<eigen_classifier>(again);
  EXPECT_EQ(head(model), head(loaded));
  // A head that is there is replaced too.
  EXPECT_EQ(
      open_classifier(folder_ / "saved", {.new_labels = {"a", "b", "c"}}).config.labels.size(), 3U);
}

TEST_F(classifier_checkpoint_of, a_model_from_no_file_can_be_saved) {
  classifier_description made;
  for (const char* type : {"bert", "roberta", "distilbert"}) {
    made.model_type = type;
    made.config =
        open_classifier(test::golden("model/classifiers") / ("tiny-" + std::string(type))).config;
    eigen_classifier model(made.config);
    model.initialize(1);
    save_classifier(folder_ / type, made, model, {.format = float_format::bfloat16});
    EXPECT_EQ(open_classifier(folder_ / type).config, made.config) << type;
  }
}

TEST_F(classifier_checkpoint_of, old_names_of_norms_are_known) {
  const auto checkpoint = open_classifier(test::golden("model/classifiers") / "tiny-bert");
  auto model = load_classifier<eigen_classifier>(checkpoint);
  auto tensors = detail::pending_classifier(checkpoint, model.parameters());
  for (auto& tensor : tensors) tensor.name = detail::older_name(tensor.name);
  const fs::path path = changed("tiny-bert", [](auto&) {});
  write_safetensors(path / "model.safetensors", tensors);
  auto old = load_classifier<eigen_classifier>(path);
  const std::vector<token_sequence> text{{1, 2, 3}};
  std::vector<float> a(3);
  std::vector<float> b(3);
  model.logits(text, a);
  old.logits(text, b);
  EXPECT_EQ(a, b);
}

TEST_F(classifier_checkpoint_of, what_is_wrong_is_named) {
  const auto set = [](const char* key, const nlohmann::ordered_json& value) {
    return [=](auto& config) { config[key] = value; };
  };
  refused("tiny-bert", set("model_type", "gpt2"), "'gpt2', which is no classifier");
  refused("tiny-bert", set("num_attention_heads", 7), "'num_attention_heads': does not divide");
  refused("tiny-bert", set("position_embedding_type", "relative_key"), "'position_embedding_type'");
  refused("tiny-bert", set("hidden_act", "mish"), "'hidden_act': is 'mish'");
  refused("tiny-bert", set("is_decoder", true), "'is_decoder': is true");
  refused("tiny-bert", set("new_kind_of_attention", 1), "'new_kind_of_attention': is a field");
  refused("tiny-bert", set("problem_type", "ranking"), "'problem_type': is 'ranking'");
  refused("tiny-bert", set("num_hidden_layers", 3), "16 tensors are missing");
  refused("tiny-bert", set("num_hidden_layers", 1), "16 tensors are unexpected");
  refused("tiny-bert", set("vocab_size", 54), "1 tensors have a wrong shape");
  refused("tiny-roberta", set("pad_token_id", 40), "leaves no position");
  refused("tiny-roberta", set("max_position_embeddings", 2147483647), "wrong shape");
  refused("tiny-bert", set("num_hidden_layers", 2147483647), "should have 2147483647 layers");
  const fs::path path = changed("tiny-bert", [](auto&) {});
  fs::remove(path / "model.safetensors");
  test::expect_error<checkpoint_error>([&] { (void)open_classifier(path); },
                                       "has neither model.safetensors nor");
  test::expect_error<checkpoint_error>([&] { (void)open_classifier(folder_ / "none"); },
                                       "has no config.json");
}

TEST_F(classifier_checkpoint_of, damage_is_an_error_or_does_no_harm) {
  const fs::path path = changed("tiny-bert", [](auto&) {});
  for (const char* name : {"config.json", "model.safetensors"}) {
    const std::string good = test::file_bytes(path / name);
    const auto outcome = test::try_damaged(good, 150, [&](const std::string& bytes) {
      test::write_plainly(path / name, bytes);
      (void)load_classifier<eigen_classifier>(path);
    });
    EXPECT_GT(outcome.refused, 20) << name;
    test::write_plainly(path / name, good);
  }
}

}  // namespace
}  // namespace prefopt
