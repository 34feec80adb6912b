// A model of your own: three functions make it a language_model, and train_step trains it.
//
// Here a table of logits, one row for the word before, with plain gradient descent. The model could
// as well live in libtorch, in ggml or on a GPU: prefopt only asks for log-probs and hands back one
// weight a response.

#include <array>
#include <cmath>
#include <cstdio>
#include <vector>

#include <prefopt/odpo.hpp>

namespace {

const std::array<const char*, 6> words{"film", "was", "a", "dull", "good", "wonderful"};
constexpr std::size_t vocabulary = words.size();

class bigram_model {
 public:
  // 1. Log-probs of the responses; what backward needs is kept.
  void forward(const prefopt::response_batch& batch, std::span<double> log_probs) {
    batch_ = batch;
    this->log_probs(batch, log_probs);
  }

  // 2. The same numbers, keeping nothing.
  void log_probs(const prefopt::response_batch& batch, std::span<double> log_probs) const {
    std::size_t r = 0;
    for (const prefopt::response_group& group : batch.groups) {
      for (const auto& response : group.responses) {
        double sum = 0;
        prefopt::token_id before = group.prompt.back();
        for (const prefopt::token_id token : response) {
          sum += std::log(probability(before, token));
          before = token;
        }
        log_probs[r++] = sum;
      }
    }
  }

  // 3. gradient += sum_r weights[r] * d log pi(y_r | x) / d logits
  void backward(std::span<const double> weights) {
    std::size_t r = 0;
    for (const prefopt::response_group& group : batch_.groups) {
      for (const auto& response : group.responses) {
        prefopt::token_id before = group.prompt.back();
        for (const prefopt::token_id token : response) {
          for (std::size_t v = 0; v < vocabulary; ++v) {
            const auto other = static_cast<prefopt::token_id>(v);
            gradient_[row(before) + v] +=
                weights[r] * ((other == token ? 1.0 : 0.0) - probability(before, other));
          }
          before = token;
        }
        ++r;
      }
    }
  }

  // The rest is yours: prefopt's optimizers are optional.
  void descend(double rate) {
    for (std::size_t i = 0; i < logits_.size(); ++i) logits_[i] -= rate * gradient_[i];
    gradient_.fill(0);
  }

  [[nodiscard]] double probability(prefopt::token_id before, prefopt::token_id token) const {
    double sum = 0;
    for (std::size_t v = 0; v < vocabulary; ++v) sum += std::exp(logits_[row(before) + v]);
    return std::exp(logits_[row(before) + static_cast<std::size_t>(token)]) / sum;
  }

 private:
  static std::size_t row(prefopt::token_id before) {
    return static_cast<std::size_t>(before) * vocabulary;
  }

  std::array<double, vocabulary * vocabulary> logits_{};    // (word before, word)
  std::array<double, vocabulary * vocabulary> gradient_{};  // the same
  prefopt::response_batch batch_;
};

static_assert(prefopt::language_model<bigram_model>);

}  // namespace

int main() {
  // A prompt, "film was", and three responses with a score each.
  const prefopt::token_sequence prompt{0, 1};
  const std::vector<prefopt::token_sequence> responses{{2, 3}, {2, 4}, {2, 5}};  // a dull, ...
  const std::vector<double> scores{0.1, 1.2, 1.9};

  // Scored responses make pairs: each of the three computed once a step, for all of its pairs.
  prefopt::random_stream stream(1);
  const auto pairs = prefopt::all_pairs{}(scores, stream).pairs;
  const prefopt::response_batch batch{{{prompt, {responses[0], responses[1], responses[2]}}}};

  bigram_model policy;
  std::vector<double> reference(batch.size());
  policy.log_probs(batch, reference);  // the reference is the policy before training

  const auto loss = prefopt::odpo(/*beta=*/0.5, /*alpha=*/1.0);
  const auto report = [&](const char* when) {
    std::printf("%-6s after \"a\":", when);
    for (prefopt::token_id token = 3; token < 6; ++token) {
      std::printf("  %s %.3f", words[static_cast<std::size_t>(token)],
                  policy.probability(2, token));
    }
    std::printf("\n");
  };

  report("before");
  for (std::size_t step = 0; step <= 200; ++step) {
    const prefopt::preference_metrics metrics =
        prefopt::train_step(policy, {batch, pairs, reference, scores}, loss, {.step = step});
    policy.descend(/*rate=*/0.5);
    if (step % 100 == 0) {
      std::printf("step %3zu: loss %.4f, rewards/margins %.4f, rewards/accuracies %.2f\n", step,
                  metrics.loss(), metrics.reward_margin(), metrics.accuracy());
    }
  }
  report("after");
  return policy.probability(2, 5) > policy.probability(2, 4) &&
                 policy.probability(2, 4) > policy.probability(2, 3)
             ? 0
             : 1;
}
