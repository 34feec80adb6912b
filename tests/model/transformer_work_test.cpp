// What a step has to do, counted: a regression guard that no machine's noise can move. A prompt is
// computed once for its responses, the head sees the rows from which something is predicted, and of
// the forward pass the backward pass computes again what is cheaper than to keep: the layers' norms
// and activations, and the logits.
#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <prefopt/backend/operation_profile.hpp>
#include <prefopt/data/response_batch.hpp>
#include <prefopt/model/eigen_transformer.hpp>

#include "support/test_models.hpp"

namespace prefopt {
namespace {

using work_by_name = std::map<std::string, operation_profile::row>;

class transformer_work : public testing::TestWithParam<transformer_config> {
 protected:
  /// Two prompts of 4 and 1 tokens, with responses of 3 and 1, and of 2 and 5.
  const std::vector<token_sequence> prompts{{1, 2, 3, 4}, {5}};
  const std::vector<token_sequence> responses{{6, 7, 8}, {9}, {10, 11}, {12, 13, 14, 15, 16}};
  const response_batch batch{
      {{prompts[0], {responses[0], responses[1]}}, {prompts[1], {responses[2], responses[3]}}}};
  static constexpr double rows = 4 + 2 + 0 + 1 + 1 + 4;   // all tokens but responses' last ones
  static constexpr double head_rows = 2 + 2 + 0 + 1 + 4;  // prompts' last rows and responses'

  /// FLOPs of one product of all layers' weights with `rows` rows, and of the head's with its own.
  [[nodiscard]] double layers() const {
    const transformer_config& c = GetParam();
    const auto n = [](std::size_t count) { return static_cast<double>(count); };
    const double heads = n(c.heads * c.head_width);
    const double all_heads = n((c.heads + 2 * c.kv_heads) * c.head_width);
    const double in_layer =
        n(c.width) * all_heads + heads * n(c.width) + (c.gated ? 3 : 2) * n(c.width) * n(c.hidden);
    return 2 * rows * n(c.layers) * in_layer;
  }
  [[nodiscard]] double head() const {
    return 2 * head_rows * static_cast<double>(GetParam().width * GetParam().vocabulary);
  }

  template <class Body>
  static work_by_name counted(Body body) {
    profile.start();
    body();
    profile.stop();
    work_by_name found;
    for (const operation_profile::row& row : profile.rows()) found[std::string(row.name)] = row;
    return found;
  }
};

INSTANTIATE_TEST_SUITE_P(models, transformer_work,
                         testing::Values(test::odd_gpt2(), test::odd_llama()));

/// The operations that a step is made of, each under its name, and no others.
TEST_P(transformer_work, of_a_step_is_measured_by_operation) {
  eigen_transformer model = test::random_transformer(GetParam());
  std::vector<double> log_probs(4);
  const work_by_name found = counted([&] {
    model.forward(batch, log_probs);
    model.backward(std::vector<double>(4, 0.5));
  });
  std::set<std::string> expected{"activations",
                                 "activations' gradients",
                                 "attention",
                                 "attention's gradient",
                                 "copies",
                                 "embedding",
                                 "embedding's gradient",
                                 "fills",
                                 "log-probs",
                                 "log-probs' gradient",
                                 "norms",
                                 "norms' gradients",
                                 "products, forward",
                                 "products, gradients",
                                 "residuals",
                                 "rows",
                                 "weights for products"};
  if (GetParam().rotary()) expected.insert("rotation");
  std::set<std::string> names;
  for (const auto& [name, row] : found) names.insert(name);
  EXPECT_EQ(names, expected);
}

TEST_P(transformer_work, of_a_step_is_what_its_rows_and_weights_make_it) {
  eigen_transformer model = test::random_transformer(GetParam());
  std::vector<double> log_probs(4);
  work_by_name forward = counted([&] { model.forward(batch, log_probs); });
  work_by_name backward = counted([&] { model.backward(std::vector<double>(4, 0.5)); });
  EXPECT_EQ(forward["products, forward"].work.products, layers());
  EXPECT_EQ(forward["log-probs"].work.products, head());
  EXPECT_EQ(backward["products, gradients"].work.products, 2 * layers());
  EXPECT_EQ(backward["log-probs' gradient"].work.products, 3 * head());
  EXPECT_EQ(backward.count("products, forward"), 0U);
  const std::size_t depth = GetParam().layers;
  EXPECT_EQ(forward["attention"].calls, depth);
  EXPECT_EQ(forward["norms"].calls, 2 * depth + 1);
  EXPECT_EQ(forward["activations"].calls, depth);
  EXPECT_EQ(forward["residuals"].calls, 2 * depth);
  EXPECT_EQ(forward["weights for products"].calls, forward["products, forward"].calls + 1);
  EXPECT_EQ(backward["attention's gradient"].calls, depth);
  EXPECT_EQ(backward["norms' gradients"].calls, 2 * depth + 1);
  EXPECT_EQ(backward["norms"].calls, 2 * depth);
  EXPECT_EQ(backward["activations"].calls, depth);
  EXPECT_EQ(backward.count("attention"), 0U);
  EXPECT_EQ(backward.count("weights for products"), 0U);
}

/// Weights are prepared once until they change.
TEST_P(transformer_work, of_a_second_pass_prepares_no_weight) {
  eigen_transformer model = test::random_transformer(GetParam());
  std::vector<double> log_probs(4);
  model.log_probs(batch, log_probs);
  EXPECT_EQ(counted([&] { model.log_probs(batch, log_probs); }).count("weights for products"), 0U);
  model.parameters_changed();
  EXPECT_EQ(counted([&] { model.log_probs(batch, log_probs); }).count("weights for products"), 1U);
}

/// With checkpoints each layer's forward pass is computed once more, up to its last product, which
/// no gradient needs, and the head's is not.
TEST_P(transformer_work, with_activation_checkpoints_is_a_forward_pass_more) {
  eigen_transformer model = test::random_transformer(GetParam());
  model.checkpoint_activations(true);
  std::vector<double> log_probs(4);
  model.forward(batch, log_probs);
  work_by_name backward = counted([&] { model.backward(std::vector<double>(4, 0.5)); });
  const transformer_config& c = GetParam();
  const double last = 2 * rows * static_cast<double>(c.layers * c.width * c.hidden);
  EXPECT_EQ(backward["products, forward"].work.products, layers() - last);
  EXPECT_EQ(backward["products, gradients"].work.products, 2 * layers());
  EXPECT_EQ(backward["log-probs' gradient"].work.products, 3 * head());
}

}  // namespace
}  // namespace prefopt
