#include "summaries_judging.hpp"

#include <utility>

#include <prefopt/core/progress.hpp>
#include <prefopt/eval/chat_judge.hpp>

#include "stopped.hpp"

namespace experiment {
namespace {

std::string trimmed(const std::string& text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

/// Asks the judge, with one bar for all of its questions.
class judging {
 public:
  judging(const judge_settings& settings, const options& chosen, std::size_t questions)
      : how_(judge_win_rate(settings, chosen)),
        shown_("judge", questions * (how_.order == prefopt::judge_order::both ? 2 : 1)) {
    auto asked = *read_judge(settings, chosen);
    asked.on_verdict = [this](std::size_t done, std::size_t) { shown_.update(before_ + done); };
    judge_.emplace(judge_transport(settings), std::move(asked));
  }

  prefopt::win_rate_result compare(const std::vector<prefopt::comparison>& comparisons) {
    try {
      const auto result = prefopt::win_rate(*judge_, comparisons, how_);
      before_ += comparisons.size() * (how_.order == prefopt::judge_order::both ? 2 : 1);
      return result;
    } catch (const prefopt::chat_stopped&) {
      stop_if_asked();
      throw;
    }
  }
  prefopt::chat_usage finish() {
    shown_.finish();
    return judge_->usage();
  }

 private:
  prefopt::win_rate_options how_;
  prefopt::progress shown_;
  std::size_t before_ = 0;
  std::optional<prefopt::chat_judge> judge_;
};

/// Policies that differ in the method alone: the later one of the sweep against the earlier, so
/// that with `dpo, odpo` ODPO stands first.
std::vector<std::array<std::size_t, 2>> find_rivals(const std::vector<policy_summaries>& policies) {
  std::vector<std::array<std::size_t, 2>> found;
  for (std::size_t a = 0; a < policies.size(); ++a) {
    for (std::size_t b = 0; b < a; ++b) {
      if (!policies[a].point || !policies[b].point) continue;
      const sweep_point& p = *policies[a].point;
      const sweep_point& q = *policies[b].point;
      const bool betas = p.beta == q.beta || p.beta == 0 || q.beta == 0;  // SLiC has none
      if (p.series() != q.series() && betas && p.pairs == q.pairs && p.seed == q.seed) {
        found.push_back({a, b});
      }
    }
  }
  return found;
}

}  // namespace

summary_verdicts judge_summaries(const std::vector<policy_summaries>& policies,
                                 const summary_references& references, const judge_settings& judge,
                                 const options& chosen) {
  summary_verdicts verdicts;
  if (judge.url.empty() || references.temperatures.empty()) return verdicts;
  verdicts.rivals = find_rivals(policies);
  const std::size_t temperatures = references.temperatures.size();
  judging asked(judge, chosen,
                (policies.size() + verdicts.rivals.size()) * temperatures *
                    policies.front().by_temperature.front().size());
  const auto compare = [&](const std::vector<prefopt::scored_response>& first,
                           const std::vector<prefopt::scored_response>* second) {
    std::vector<prefopt::comparison> comparisons;
    for (std::size_t i = 0; i < first.size(); ++i) {
      const auto& reference = references.by_prompt.at(first[i].prompt);
      comparisons.push_back({reference.post, trimmed(first[i].text),
                             trimmed(second != nullptr ? (*second)[i].text : reference.summary)});
    }
    return asked.compare(comparisons);
  };
  for (const auto& policy : policies) {
    auto& row = verdicts.against_human.emplace_back();
    for (std::size_t t = 0; t < temperatures; ++t) {
      row.push_back(compare(policy.by_temperature[t], nullptr));
    }
  }
  for (const auto& [a, b] : verdicts.rivals) {
    auto& row = verdicts.against_rival.emplace_back();
    for (std::size_t t = 0; t < temperatures; ++t) {
      row.push_back(compare(policies[a].by_temperature[t], &policies[b].by_temperature[t]));
    }
  }
  verdicts.usage = asked.finish();
  return verdicts;
}

}  // namespace experiment
