#include "responses.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include <prefopt/core/error.hpp>
#include <prefopt/core/progress.hpp>
#include <prefopt/core/stream_purpose.hpp>
#include <prefopt/data/preferences_file.hpp>
#include <prefopt/data/scored_responses_file.hpp>
#include <prefopt/pair/named_sampler.hpp>
#include <prefopt/sample/sampler.hpp>

#include "stopped.hpp"

namespace experiment {
namespace {

constexpr std::size_t prompts_per_part = 64;

/// Samples for prompts [first, last); `shown` counts all the request's responses.
std::vector<prefopt::scored_response> sample_part(language& from, const sampling_request& request,
                                                  const options& chosen, const task& what,
                                                  std::size_t first, std::size_t last,
                                                  prefopt::progress& shown) {
  std::vector<prefopt::token_sequence> prompts;
  for (std::size_t p = first; p < last; ++p) {
    prompts.push_back(from.tokenizer.encode(request.prompts[p], {.special_tokens = false}));
  }
  const prefopt::sampling_options how{.temperature = request.how.temperature,
                                      .top_k = request.how.top_k,
                                      .top_p = request.how.top_p,
                                      .max_new_tokens = chosen.max_new_tokens,
                                      .end_tokens = end_tokens_of(from),
                                      .responses = request.responses,
                                      .batch_rows = chosen.batch_rows,
                                      .seed = request.seed,
                                      .first_prompt = static_cast<std::uint32_t>(first)};
  auto sampled = prefopt::sample(from.model, std::span<const prefopt::token_sequence>(prompts), how,
                                 [&](std::size_t done, std::size_t) {
                                   stop_if_asked();
                                   shown.update(first * request.responses + done);
                                 });
  std::vector<prefopt::scored_response> result;
  for (std::size_t p = first; p < last; ++p) {
    for (auto& response : sampled[p - first]) {
      prefopt::scored_response scored;
      scored.prompt = request.prompts[p];
      scored.text = from.tokenizer.decode(response.tokens, {.special_tokens = false});
      scored.score = what.score(scored.prompt, scored.text);
      scored.tokens = std::move(response.tokens);
      result.push_back(std::move(scored));
    }
  }
  return result;
}

/// A stored part must be the one that would be sampled: the same prompts, each as often.
void check_part(std::span<const prefopt::scored_response> part, const sampling_request& request,
                std::size_t first, std::size_t last, const std::filesystem::path& file) {
  bool same = part.size() == (last - first) * request.responses;
  for (std::size_t r = 0; same && r < part.size(); ++r) {
    same =
        part[r].prompt == request.prompts[first + r / request.responses] && !part[r].tokens.empty();
  }
  if (same) return;
  throw prefopt::data_error(file.string(), 0, "",
                            "does not hold the responses that this run asks for; remove it to have "
                            "them sampled again");
}

}  // namespace

std::vector<prefopt::token_id> end_tokens_of(const language& of) {
  std::vector<prefopt::token_id> ends = of.description.ends;
  if (const auto end = of.tokenizer.end_token()) ends.push_back(*end);
  return ends;
}

std::vector<prefopt::scored_response> sample_and_score(language& from,
                                                       const sampling_request& request,
                                                       const options& chosen, const task& what) {
  prefopt::progress shown(request.label, request.prompts.size() * request.responses);
  auto result = sample_part(from, request, chosen, what, 0, request.prompts.size(), shown);
  shown.finish();
  return result;
}

std::vector<prefopt::scored_response> stored_responses(language& from,
                                                       const sampling_request& request,
                                                       const options& chosen, const task& what,
                                                       const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder);
  std::vector<prefopt::scored_response> all;
  prefopt::progress shown(request.label, request.prompts.size() * request.responses);
  for (std::size_t first = 0; first < request.prompts.size(); first += prompts_per_part) {
    const std::size_t last = std::min(request.prompts.size(), first + prompts_per_part);
    const auto file = folder / fmt::format("part-{:05}.jsonl", first / prompts_per_part);
    std::vector<prefopt::scored_response> part;
    if (std::filesystem::exists(file)) {
      part = prefopt::read_scored_responses(file);
      check_part(part, request, first, last, file);
    } else {
      part = sample_part(from, request, chosen, what, first, last, shown);
      prefopt::write_scored_responses(file, part);
    }
    shown.update(last * request.responses);
    std::move(part.begin(), part.end(), std::back_inserter(all));
  }
  shown.finish();
  return all;
}

drawn_pairs draw_pairs(std::span<const prefopt::scored_response> responses, const options& chosen) {
  const prefopt::any_pair_sampler sampler =
      prefopt::named_sampler(chosen.pair_sampler, chosen.pairs_per_prompt);
  drawn_pairs drawn;
  std::vector<double> scores;
  std::uint32_t prompt = 0;
  for (std::size_t begin = 0; begin < responses.size(); ++prompt) {
    std::size_t end = begin;
    scores.clear();
    while (end < responses.size() && responses[end].prompt == responses[begin].prompt) {
      scores.push_back(responses[end++].score);
    }
    prefopt::random_stream random =
        prefopt::stream_for(prefopt::stream_purpose::pairs, chosen.seed, prompt);
    const prefopt::sampled_pairs found = sampler(std::span<const double>(scores), random);
    for (const prefopt::ranked_pair& pair : found.pairs) {
      drawn.pairs.push_back({begin + pair.winner, begin + pair.loser});
    }
    drawn.ties += found.ties;
    begin = end;
  }
  return drawn;
}

void write_pairs(const std::filesystem::path& file,
                 std::span<const prefopt::scored_response> responses,
                 std::span<const prefopt::ranked_pair> pairs) {
  std::vector<prefopt::preference_pair> rows;
  for (const prefopt::ranked_pair& pair : pairs) {
    const auto& winner = responses[pair.winner];
    const auto& loser = responses[pair.loser];
    rows.push_back({winner.prompt, winner.text, loser.text, winner.score, loser.score});
  }
  prefopt::write_preferences(file, rows);
}

}  // namespace experiment
