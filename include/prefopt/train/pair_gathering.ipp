#pragma once

#include <prefopt/train/pair_gathering.hpp>

#include <string>
#include <unordered_map>
#include <utility>

#include <prefopt/core/config.hpp>
#include <prefopt/core/error.hpp>

namespace prefopt {

PREFOPT_INLINE gathered_pairs gather_pairs(const preference_dataset& data,
                                           std::span<const std::size_t> numbers,
                                           const pair_sources& sources) {
  struct group {
    std::size_t prompt;
    std::vector<std::size_t> responses;
  };
  std::vector<group> groups;
  std::unordered_map<std::size_t, std::size_t> group_of;     // prompt -> place in `groups`
  std::unordered_map<std::size_t, std::size_t> position_of;  // response -> place in the batch
  const auto use = [&](std::size_t response) {
    if (!position_of.emplace(response, 0).second) return;
    const std::size_t prompt = data.responses[response].prompt;
    const auto [place, added] = group_of.emplace(prompt, groups.size());
    if (added) groups.push_back({prompt, {}});
    groups[place->second].responses.push_back(response);
  };
  for (const std::size_t number : numbers) {
    use(data.pairs[number].winner);
    use(data.pairs[number].loser);
    if (!sources.targets.empty()) use(sources.targets[number]);
  }

  gathered_pairs gathered;
  std::size_t position = 0;
  for (const group& g : groups) {
    response_group packed{data.prompts[g.prompt], {}};
    gathered.tokens += packed.prompt.size();
    for (const std::size_t r : g.responses) {
      position_of[r] = position++;
      packed.responses.emplace_back(data.responses[r].tokens);
      gathered.tokens += data.responses[r].tokens.size();
      gathered.scores.push_back(data.responses[r].score);
      if (!sources.reference_log_probs.empty()) {
        gathered.reference_log_probs.push_back(sources.reference_log_probs[r]);
      }
    }
    gathered.batch.responses.groups.push_back(std::move(packed));
  }
  for (const std::size_t number : numbers) {
    const ranked_pair pair = data.pairs[number];
    gathered.pairs.push_back({position_of[pair.winner], position_of[pair.loser]});
    gathered.pair_numbers.push_back(number);
    if (!sources.targets.empty()) {
      gathered.targets.push_back(position_of[sources.targets[number]]);
    }
  }
  gathered.batch.pairs = gathered.pairs;
  gathered.batch.reference_log_probs = gathered.reference_log_probs;
  gathered.batch.scores = gathered.scores;
  gathered.batch.targets = gathered.targets;
  gathered.batch.pair_numbers = gathered.pair_numbers;
  return gathered;
}

PREFOPT_INLINE void validate(const preference_dataset& data) {
  const auto fail = [](const std::string& problem) {
    throw usage_error("preference_dataset: " + problem);
  };
  if (data.pairs.empty()) fail("there is no pair");
  for (std::size_t i = 0; i < data.pairs.size(); ++i) {
    const ranked_pair pair = data.pairs[i];
    const std::string name = "pair " + std::to_string(i) + ": ";
    for (const std::size_t r : {pair.winner, pair.loser}) {
      const std::string response = "response " + std::to_string(r);
      if (r >= data.responses.size()) {
        fail(name + response + " of " + std::to_string(data.responses.size()));
      }
      const std::size_t prompt = data.responses[r].prompt;
      if (prompt >= data.prompts.size()) {
        fail(name + response + " continues prompt " + std::to_string(prompt) + " of " +
             std::to_string(data.prompts.size()));
      }
      if (data.responses[r].tokens.empty()) fail(name + response + " is empty");
      if (data.prompts[prompt].empty()) fail(name + "the prompt is empty");
    }
    if (pair.winner == pair.loser) fail(name + "a response cannot beat itself");
    if (data.responses[pair.winner].prompt != data.responses[pair.loser].prompt) {
      fail(name + "the responses continue different prompts");
    }
  }
}

}  // namespace prefopt
