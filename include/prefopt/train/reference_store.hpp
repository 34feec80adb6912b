#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <prefopt/core/communicator.hpp>
#include <prefopt/core/progress.hpp>
#include <prefopt/data/preference_dataset.hpp>
#include <prefopt/data/response_batch.hpp>
#include <prefopt/model/language_model.hpp>

namespace prefopt {

/// log pi_ref(y | x), in nats, of every response of the data set that a pair uses; NaN for the
/// others. A prompt is computed once for its responses; a call of the model gets about `tokens`
/// tokens at most (more where one prompt with one response is longer). `stop`, if given, is asked
/// before each; where it says true, the rest stays NaN. Every rank computes its share of the
/// prompts, and gets what all computed: the same numbers, however many they are.
template <language_model Model, communicator Communicator>
std::vector<double> compute_log_probs(Model& model, const preference_dataset& data,
                                      std::size_t tokens, progress_options options,
                                      const std::function<bool()>& stop, Communicator& ranks) {
  const rank_share own = own_share(ranks, data.prompts.size());
  const auto is_own = [&](std::size_t response) {
    const std::size_t prompt = data.responses[response].prompt;
    return prompt >= own.begin && prompt < own.end;
  };
  std::vector<std::vector<std::size_t>> wanted(data.prompts.size());  // responses, by prompt
  std::vector<bool> used(data.responses.size(), false);
  std::size_t count = 0;
  for (const ranked_pair& pair : data.pairs) {
    for (const std::size_t r : {pair.winner, pair.loser}) {
      if (used[r]) continue;
      used[r] = true;
      if (!is_own(r)) continue;
      ++count;
      wanted[data.responses[r].prompt].push_back(r);
    }
  }
  std::vector<double> result(data.responses.size(), std::numeric_limits<double>::quiet_NaN());
  response_batch batch;
  std::vector<std::size_t> numbers;  // responses of the batch
  std::size_t filled = 0;
  std::size_t done = 0;
  if (ranks.rank() != 0) options.style = progress_style::silent;
  progress shown("reference log-probs", count, options);
  bool stopped = false;
  const auto flush = [&] {
    stopped = stopped || (stop && stop());
    if (numbers.empty() || stopped) return;
    std::vector<double> log_probs(numbers.size());
    model.log_probs(batch, std::span<double>(log_probs));
    for (std::size_t i = 0; i < numbers.size(); ++i) result[numbers[i]] = log_probs[i];
    done += numbers.size();
    shown.update(done);
    batch.groups.clear();
    numbers.clear();
    filled = 0;
  };
  for (std::size_t p = 0; p < wanted.size() && !stopped; ++p) {
    bool open = false;  // the prompt is in the batch
    for (const std::size_t r : wanted[p]) {
      const std::size_t cost =
          data.responses[r].tokens.size() + (open ? 0 : data.prompts[p].size());
      if (filled + cost > tokens && !numbers.empty()) {
        flush();
        if (stopped) break;
        open = false;
      }
      if (!open) {
        batch.groups.push_back({data.prompts[p], {}});
        filled += data.prompts[p].size();
        open = true;
      }
      batch.groups.back().responses.emplace_back(data.responses[r].tokens);
      filled += data.responses[r].tokens.size();
      numbers.push_back(r);
    }
  }
  flush();
  shown.finish();
  if (ranks.size() > 1) {
    for (std::size_t r = 0; r < result.size(); ++r) {
      if (!is_own(r)) result[r] = 0.0;
    }
    ranks.sum(std::span<double>(result));
  }
  return result;
}

/// The same in one process.
template <language_model Model>
std::vector<double> compute_log_probs(Model& model, const preference_dataset& data,
                                      std::size_t tokens = 4096,
                                      const progress_options& options = {},
                                      const std::function<bool()>& stop = {}) {
  single_process alone;
  return compute_log_probs(model, data, tokens, options, stop, alone);
}

/// A file that keeps reference log-probs from run to run, under the hash of the weights and of the
/// tokens that they were computed from.
class reference_store {
 public:
  explicit reference_store(std::filesystem::path path) : path_(std::move(path)) {}

  /// What `find` found.
  struct found {
    std::vector<double> log_probs;  ///< empty: none that can be used
    std::string why_not;            ///< then: why, for people; empty where there is no file
  };

  /// The stored log-probs, if they belong to these weights and tokens. A damaged file is a
  /// `checkpoint_error`.
  [[nodiscard]] found find(const std::string& weights, const std::string& tokens,
                           std::size_t responses) const;

  void save(const std::string& weights, const std::string& tokens,
            std::span<const double> log_probs) const;

 private:
  static constexpr const char* format = "prefopt reference log-probs 1";
  std::filesystem::path path_;
};

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/train/reference_store.ipp>
#endif
