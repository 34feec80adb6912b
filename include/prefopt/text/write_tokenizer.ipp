#pragma once

#include <prefopt/text/write_tokenizer.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <prefopt/core/atomic_file.hpp>
#include <prefopt/core/config.hpp>

namespace prefopt {

PREFOPT_INLINE nlohmann::ordered_json tokenizer_to_json(const bpe_description& description) {
  using json = nlohmann::ordered_json;
  json added = json::array();
  auto tokens = description.added;
  std::sort(tokens.begin(), tokens.end(),
            [](const added_token& a, const added_token& b) { return a.id < b.id; });
  for (const auto& each : tokens) {
    added.push_back({{"id", each.id},
                     {"content", each.content},
                     {"single_word", false},
                     {"lstrip", each.takes_left},
                     {"rstrip", each.takes_right},
                     {"normalized", false},
                     {"special", each.special}});
  }
  const auto byte_level = [](bool prefix) {
    return json{{"type", "ByteLevel"},
                {"add_prefix_space", prefix},
                {"trim_offsets", true},
                {"use_regex", true}};
  };
  json words = byte_level(description.add_prefix_space);
  if (description.words == bpe_description::pre_tokenizer::digits_gpt2) {
    const json digits{{"type", "Digits"}, {"individual_digits", true}};
    words = {{"type", "Sequence"}, {"pretokenizers", json::array({digits, words})}};
  }
  std::vector<std::pair<const std::string, json>> vocabulary;
  vocabulary.reserve(description.vocabulary.size());
  for (std::size_t i = 0; i < description.vocabulary.size(); ++i) {
    const auto& token = description.vocabulary[i];
    if (!token.empty()) vocabulary.emplace_back(token, i);  // empty: an id that no token has
  }
  std::string unknown;
  if (description.unknown) {
    for (const auto& each : tokens) {
      if (each.id == *description.unknown) unknown = each.content;
    }
    const auto id = static_cast<std::size_t>(*description.unknown);
    if (unknown.empty()) unknown = description.vocabulary.at(id);
  }
  json merges = json::array();
  for (const auto& [left, right] : description.merges) {
    merges.push_back(json::array({left, right}));
  }
  return {{"version", "1.0"},
          {"truncation", nullptr},
          {"padding", nullptr},
          {"added_tokens", std::move(added)},
          {"normalizer", nullptr},
          {"pre_tokenizer", std::move(words)},
          {"post_processor", byte_level(false)},
          {"decoder", byte_level(true)},
          {"model",
           {{"type", "BPE"},
            {"dropout", nullptr},
            {"unk_token", unknown.empty() ? json(nullptr) : json(unknown)},
            {"continuing_subword_prefix", nullptr},
            {"end_of_word_suffix", nullptr},
            {"fuse_unk", false},
            {"byte_fallback", false},
            {"ignore_merges", false},
            // Not key by key: an ordered object looks through all it has at every insertion.
            {"vocab", json::object_t(vocabulary.begin(), vocabulary.end())},
            {"merges", std::move(merges)}}}};
}

PREFOPT_INLINE void write_tokenizer(const bpe_description& description,
                                    const std::filesystem::path& folder) {
  using json = nlohmann::ordered_json;
  const auto dump = [](const json& value) {
    return value.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
  };
  write_file_atomically(folder / "tokenizer.json", dump(tokenizer_to_json(description)));
  json config{{"tokenizer_class", "PreTrainedTokenizerFast"},
              {"add_prefix_space", description.add_prefix_space},
              {"clean_up_tokenization_spaces", false}};
  if (description.end) {
    std::string content;
    const auto id = static_cast<std::size_t>(*description.end);
    if (id < description.vocabulary.size()) content = description.vocabulary[id];
    for (const auto& each : description.added) {
      if (each.id == *description.end) content = each.content;
    }
    if (!content.empty()) config["eos_token"] = content;
  }
  write_file_atomically(folder / "tokenizer_config.json", dump(config));
}

}  // namespace prefopt
