#include "summaries.hpp"

#include <algorithm>
#include <cstddef>
#include <span>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <prefopt/core/atomic_file.hpp>
#include <prefopt/core/progress.hpp>
#include <prefopt/data/response_batch.hpp>
#include <prefopt/data/scored_responses_file.hpp>

#include "responses.hpp"
#include "stopped.hpp"

namespace experiment {
namespace {

namespace fs = std::filesystem;

// None of the streams that training responses or the evaluation's are sampled with.
constexpr std::uint64_t summary_streams = 0x73756d6dULL << 32U;
constexpr std::size_t rows_at_once = 8;

std::vector<double> reference_log_probs(language& policy, const std::string& label,
                                        const summary_references& references, const task& what) {
  std::vector<double> result;
  prefopt::progress shown(label + ": log-probs of human summaries", what.eval_prompts.size());
  for (std::size_t begin = 0; begin < what.eval_prompts.size(); begin += rows_at_once) {
    stop_if_asked();
    const std::size_t end = std::min(what.eval_prompts.size(), begin + rows_at_once);
    std::vector<prefopt::token_sequence> prompts;
    std::vector<prefopt::token_sequence> responses;
    for (std::size_t i = begin; i < end; ++i) {
      const std::string& prompt = what.eval_prompts[i];
      prompts.push_back(policy.tokenizer.encode(prompt, {.special_tokens = false}));
      responses.push_back(policy.tokenizer.encode(" " + references.by_prompt.at(prompt).summary,
                                                  {.special_tokens = false}));
      responses.back().push_back(*policy.tokenizer.end_token());
    }
    prefopt::response_batch batch;
    for (std::size_t i = 0; i < prompts.size(); ++i) {
      batch.groups.push_back({prompts[i], {responses[i]}});
    }
    std::vector<double> log_probs(prompts.size());
    policy.model.log_probs(batch, std::span<double>(log_probs));
    result.insert(result.end(), log_probs.begin(), log_probs.end());
    shown.update(result.size());
  }
  shown.finish();
  return result;
}

}  // namespace

fs::path summaries_file(const fs::path& folder, double temperature) {
  return folder / fmt::format("summaries_{}.jsonl", temperature);
}

fs::path reference_log_probs_file(const fs::path& folder) {
  return folder / "reference_log_probs.json";
}

void write_summaries(language& policy, const std::string& label, const fs::path& folder,
                     const summary_references& references, const options& chosen,
                     const task& what) {
  for (const double temperature : references.temperatures) {
    const auto file = summaries_file(folder, temperature);
    if (fs::exists(file)) continue;
    const sampling_request request{what.eval_prompts, 1, chosen.seed + summary_streams,
                                   drawing{.temperature = temperature},
                                   fmt::format("{}: summaries at {}", label, temperature)};
    prefopt::write_scored_responses(file, sample_and_score(policy, request, chosen, what));
  }
  if (fs::exists(reference_log_probs_file(folder))) return;
  const nlohmann::json json{{"log_probs", reference_log_probs(policy, label, references, what)}};
  prefopt::write_file_atomically(reference_log_probs_file(folder), json.dump() + "\n");
}

}  // namespace experiment
