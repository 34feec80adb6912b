#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <prefopt/core/error.hpp>
#include <prefopt/data/response_batch.hpp>
#include <prefopt/data/token.hpp>
#include <prefopt/eval/bootstrap.hpp>
#include <prefopt/model/distribution_model.hpp>

namespace prefopt {

/// A divergence that has no finite value, or a model that does not keep its promises. The message
/// names the response.
class kl_error : public error {
 public:
  /// `response` counts from 0 through the batch.
  kl_error(std::size_t response, const std::string& problem)
      : error("response " + std::to_string(response) + ": " + problem), response_(response) {}

  [[nodiscard]] std::size_t response() const noexcept { return response_; }

 private:
  std::size_t response_;
};

/// Which tokens of a prompt and its response count. The default is what the policy decided: every
/// token of the response, the end token too, and none of the prompt.
struct kl_counting {
  bool prompt = false;  ///< the prompt's tokens as well, from its second on
  /// A response's last token does not count if it is one of these; `sampling_options::end_tokens`
  /// are meant.
  std::vector<token_id> leave_out_ends = {};

  /// What the code of Amini et al. (2024) counts, for comparison with their figures (which are k3):
  /// the prompt, which the policy did not write, and not the end, which it did.
  static kl_counting as_odpo_authors(std::vector<token_id> ends) { return {true, std::move(ends)}; }

  [[nodiscard]] bool leaves_out(token_id last) const {
    return std::find(leave_out_ends.begin(), leave_out_ends.end(), last) != leave_out_ends.end();
  }
};

struct kl_options {
  kl_counting counting = {};
  bootstrap_options bootstrap = {};  ///< of the means; prompts are drawn with all their responses
  /// Logits of the policy held at once; a group with more is cut between responses. 2^26 floats are
  /// 256 MiB. One response is always held whole.
  std::size_t held_logits = std::size_t{1} << 26U;
};

/// Three estimates of KL(policy || reference) from one response, in nats, summed over its tokens.
struct response_kl {
  double exact = 0.0;  ///< sum_t sum_v p_t(v) log(p_t(v) / q_t(v)), never negative
  double k1 = 0.0;     ///< sum_t r_t, with r_t = log p_t(y_t) - log q_t(y_t)
  double k3 = 0.0;     ///< sum_t exp(-r_t) - 1 + r_t, never negative
  std::size_t tokens = 0;
};

struct kl_result {
  std::vector<response_kl> responses;  ///< in the batch's order
  mean_estimate exact;                 ///< nats a response
  mean_estimate k1;
  mean_estimate k3;
};

namespace detail {

/// The three terms of one token. Logits are float; everything else is double, and where the two
/// rows are equal, all three are exactly 0.
class token_divergence {
 public:
  token_divergence();
  token_divergence(const token_divergence&) = delete;
  token_divergence& operator=(const token_divergence&) = delete;
  ~token_divergence();

  /// Both rows: (vocabulary). `token` is the one that was sampled.
  [[nodiscard]] response_kl operator()(std::span<const float> policy,
                                       std::span<const float> reference, token_id token);

 private:
  struct rows;

  std::unique_ptr<rows> rows_;
};

bool all_finite(std::span<const float> logits);

/// The responses of one call to a model, and what of them counts.
struct kl_chunk {
  response_batch batch;                             // one group
  std::vector<token_sequence> texts;                // what `batch` views, where prompts count
  std::vector<std::size_t> offsets;                 // first position of each response, and the end
  std::vector<std::span<const token_id>> counting;  // tokens that count; a start of the response's
};

kl_chunk make_kl_chunk(const response_group& group, std::size_t first, std::size_t last,
                       const kl_counting& counting);

/// Visits the positions of a chunk that count, and checks that the model shows what it has to.
template <class Model, class Use>
void visit_counting(Model& model, const char* name, const kl_chunk& chunk, std::size_t number,
                    std::size_t vocabulary, Use&& use) {
  std::vector<std::size_t> seen(chunk.counting.size(), 0);
  model.visit_logits(
      chunk.batch, [&](std::size_t r, std::size_t position, std::span<const float> logits) {
        if (r >= seen.size() || position != seen[r] ||
            position >= chunk.batch.groups[0].responses[r].size()) {
          throw kl_error(number + r, std::string("the ") + name + " shows position " +
                                         std::to_string(position) + " out of its turn");
        }
        ++seen[r];
        if (position >= chunk.counting[r].size()) return;
        const auto fail = [&](const std::string& problem) {
          throw kl_error(number + r, "token " + std::to_string(position) + ": " + problem);
        };
        if (logits.size() != vocabulary) {
          fail(std::string("the ") + name + " shows " + std::to_string(logits.size()) +
               " logits; expected " + std::to_string(vocabulary));
        }
        if (!all_finite(logits)) fail(std::string("the ") + name + "'s logits are not all finite");
        const token_id token = chunk.counting[r][position];
        if (token < 0 || static_cast<std::size_t>(token) >= vocabulary) {
          fail("is " + std::to_string(token) + ", beyond the vocabulary of " +
               std::to_string(vocabulary));
        }
        use(r, position, logits, token);
      });
  for (std::size_t r = 0; r < seen.size(); ++r) {
    if (seen[r] != chunk.batch.groups[0].responses[r].size()) {
      throw kl_error(number + r, std::string("the ") + name + " shows " + std::to_string(seen[r]) +
                                     " positions; expected " +
                                     std::to_string(chunk.batch.groups[0].responses[r].size()));
    }
  }
}

/// A sum of terms that may come out below 0 by rounding, and by no more than that.
double not_negative(double value, std::size_t response, const char* name);

}  // namespace detail

/// KL(policy || reference) of responses that were sampled from the policy at temperature 1, as
/// three estimates of the same expectation, in nats a response (Schulman 2020, "Approximating KL
/// Divergence", names k1 and k3; `exact` sums over the vocabulary at every sampled position, so
/// only the choice of prefixes is left to chance). Each model runs once over every group; the
/// policy's logits of one group (at most `held_logits`) are held while the reference runs.
///
/// Throws `usage_error` for an empty batch or models of different vocabularies, `kl_error` where
/// logits or a result are not finite.
template <distribution_model Policy, distribution_model Reference>
kl_result kl_divergence(Policy& policy, Reference& reference, const response_batch& batch,
                        const kl_options& options = {}) {
  const auto vocabulary = static_cast<std::size_t>(policy.vocabulary_size());
  if (vocabulary != static_cast<std::size_t>(reference.vocabulary_size())) {
    throw usage_error("KL divergence: the policy's vocabulary has " + std::to_string(vocabulary) +
                      " tokens, the reference's " + std::to_string(reference.vocabulary_size()));
  }
  if (batch.size() == 0) throw usage_error("KL divergence: there are no responses");
  kl_result result;
  std::vector<std::size_t> groups;  // of every response
  std::vector<float> held;          // (positions, vocabulary)
  detail::token_divergence divergence;
  for (std::size_t g = 0; g < batch.groups.size(); ++g) {
    const response_group& group = batch.groups[g];
    const std::size_t number = result.responses.size();  // of the group's first response
    for (std::size_t r = 0; r < group.responses.size(); ++r) {
      if (group.prompt.empty()) throw kl_error(number + r, "its prompt has no tokens");
      if (group.responses[r].empty()) throw kl_error(number + r, "has no tokens");
    }
    result.responses.resize(number + group.responses.size());
    groups.resize(result.responses.size(), g);
    const std::size_t more = options.counting.prompt ? group.prompt.size() - 1 : 0;
    for (std::size_t first = 0; first < group.responses.size();) {
      std::size_t last = first;
      std::size_t size = 0;
      while (last < group.responses.size()) {
        const std::size_t longer = size + (group.responses[last].size() + more) * vocabulary;
        if (last > first && longer > options.held_logits) break;
        size = longer;
        ++last;
      }
      const auto chunk = detail::make_kl_chunk(group, first, last, options.counting);
      held.resize(std::max(held.size(), size));
      const auto row = [&](std::size_t r, std::size_t position) {
        return std::span(held).subspan((chunk.offsets[r] + position) * vocabulary, vocabulary);
      };
      detail::visit_counting(policy, "policy", chunk, number + first, vocabulary,
                             [&](std::size_t r, std::size_t position, auto logits, token_id) {
                               std::copy(logits.begin(), logits.end(), row(r, position).begin());
                             });
      detail::visit_counting(
          reference, "reference", chunk, number + first, vocabulary,
          [&](std::size_t r, std::size_t position, auto logits, token_id token) {
            const response_kl terms = divergence(row(r, position), logits, token);
            response_kl& sum = result.responses[number + first + r];
            sum.exact += detail::not_negative(terms.exact, number + first + r, "exact KL");
            sum.k1 += terms.k1;
            sum.k3 += detail::not_negative(terms.k3, number + first + r, "k3");
            sum.tokens += 1;
          });
      first = last;
    }
  }
  const auto mean = [&](double response_kl::*estimate) {
    std::vector<double> values;
    values.reserve(result.responses.size());
    for (const response_kl& response : result.responses) values.push_back(response.*estimate);
    return bootstrap_mean(values, groups, options.bootstrap);
  };
  result.exact = mean(&response_kl::exact);
  result.k1 = mean(&response_kl::k1);
  result.k3 = mean(&response_kl::k3);
  return result;
}

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/eval/kl.ipp>
#endif
