#include <cstddef>
#include <iostream>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <prefopt/core/error.hpp>
#include <prefopt/core/stream_purpose.hpp>
#include <prefopt/pair/named_sampler.hpp>

#include "commands.hpp"
#include "support/row_output.hpp"
#include "support/scored_rows.hpp"

namespace tools {
namespace {

struct pairing_settings {
  std::string input = "-";
  std::string output = "-";
  std::string sampler = "best-vs-worst";
  std::size_t pairs_per_prompt = 1;
  std::size_t seed = 0;
  bool quiet = false;
};

json pair_row(const scored_prompt& prompt, const scored_row& winner, const scored_row& loser) {
  json row{{"prompt", prompt.prompt},
           {"chosen", winner.response},
           {"rejected", loser.response},
           {"score_chosen", *winner.score},
           {"score_rejected", *loser.score}};
  if (!prompt.prompt_ids.empty()) row["prompt_ids"] = prompt.prompt_ids;
  if (!winner.response_ids.empty()) row["chosen_ids"] = winner.response_ids;
  if (!loser.response_ids.empty()) row["rejected_ids"] = loser.response_ids;
  return row;
}

void pair(const pairing_settings& chosen) {
  finished_before(chosen.output);
  const auto prompts = read_scored_prompts(chosen.input, true);
  const prefopt::any_pair_sampler draw =
      prefopt::named_sampler(chosen.sampler, chosen.pairs_per_prompt);
  row_output out(chosen.output);
  std::size_t responses = 0;
  std::size_t pairs = 0;
  std::size_t ties = 0;
  std::size_t without = 0;
  std::vector<double> scores;
  for (std::size_t p = 0; p < prompts.size(); ++p) {
    const auto& list = prompts[p].responses;
    scores.clear();
    for (const scored_row& row : list) scores.push_back(*row.score);
    auto random = prefopt::stream_for(prefopt::stream_purpose::pairs, chosen.seed,
                                      static_cast<std::uint32_t>(p));
    const prefopt::sampled_pairs drawn = draw(scores, random);
    for (const prefopt::ranked_pair& each : drawn.pairs) {
      out.write(pair_row(prompts[p], list[each.winner], list[each.loser]));
    }
    responses += list.size();
    pairs += drawn.pairs.size();
    ties += drawn.ties;
    without += drawn.pairs.empty() ? 1 : 0;
  }
  out.commit();
  if (!chosen.quiet) {
    std::cerr << fmt::format(
        "{} pairs of {} responses to {} prompts; left out: {} ties; without a pair: {} prompts\n",
        pairs, responses, prompts.size(), ties, without);
  }
}

}  // namespace

std::function<void()> define_pair(command& to) {
  auto chosen = std::make_shared<pairing_settings>();
  to.describe(
      "Pairs the scored responses of each prompt: rows {\"prompt\", \"chosen\", \"rejected\",\n"
      "\"score_chosen\", \"score_rejected\"}, TRL's columns, and \"prompt_ids\", \"chosen_ids\",\n"
      "\"rejected_ids\" where the tokens are known. A tie is never a pair.",
      "prefopt pair --input scored.jsonl --sampler all --output pairs.jsonl");
  to.add("--input", chosen->input, "JSON Lines with prompt, response and score; -: standard input");
  to.add("--output", chosen->output, "JSON Lines; -: standard output");
  to.add("--sampler", chosen->sampler,
         "all pairs, the k best against the k worst, k at random, or the first two responses")
      .one_of(prefopt::sampler_names());
  to.add("--pairs-per-prompt", chosen->pairs_per_prompt, "k of best-vs-worst and random")
      .at_least(1);
  to.add_seed(chosen->seed, "of random pairs");
  to.flag("--quiet", chosen->quiet, "no summary on stderr");
  return [chosen] { pair(*chosen); };
}

}  // namespace tools
