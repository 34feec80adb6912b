#pragma once

#include <prefopt/text/tokenizer_json.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <prefopt/core/config.hpp>
#include <prefopt/core/error.hpp>
#include <prefopt/text/tokenizer_file.hpp>
#include <prefopt/text/tokenizer_json_fields.hpp>

namespace prefopt {

namespace detail {

/// The pattern of GPT-2 as tokenizer.json files spell it in a `Split`.
inline constexpr const char* gpt2_split_pattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

/// Reads one tokenizer.json, and names the place of whatever it does not know.
class bpe_json_reader : tokenizer_json_fields {
 public:
  using tokenizer_json_fields::tokenizer_json_fields;

  bpe_description read() {
    bpe_description description;
    description.source = file_;
    if (const auto& n = member(root_, "normalizer"); !n.is_null()) {
      fail("normalizer", "expected none, found " + kind_of(n));
    }
    read_words(member(root_, "pre_tokenizer"), description);
    read_decoder(member(root_, "decoder"));
    read_model(member(root_, "model"), description);
    return description;
  }

 private:
  void read_words(const json& part, bpe_description& description) const {
    using kind = bpe_description::pre_tokenizer;
    const std::string place = "pre_tokenizer";
    std::vector<json> steps{part};
    if (is_kind(part, "Sequence")) {
      const json& list = member(part, "pretokenizers");
      if (!list.is_array()) fail(place + ".pretokenizers", "expected a list");
      steps.assign(list.begin(), list.end());
    }
    bool digits = false;
    bool split = false;
    bool bytes = false;
    for (const auto& step : steps) {
      if (is_kind(step, "Digits") && !digits && !split && !bytes) {
        digits = true;
        if (!flag(step, "individual_digits", false, place)) {
          fail(place, "Digits without individual_digits is not supported");
        }
      } else if (is_kind(step, "Split") && !split && !bytes) {
        split = true;
        check_split(step);
      } else if (is_kind(step, "ByteLevel") && !bytes) {
        bytes = true;
        description.add_prefix_space = flag(step, "add_prefix_space", true, place);
        if (flag(step, "use_regex", true, place) == split) {
          fail(place, split ? "cuts words twice" : "ByteLevel without use_regex is not supported");
        }
      } else {
        fail(place, "expected ByteLevel, Digits before ByteLevel, or Split by GPT-2's pattern " +
                        std::string("before ByteLevel; found ") + kind_of(step));
      }
    }
    if (!bytes) fail(place, "expected a ByteLevel step");
    description.words = digits ? kind::digits_gpt2 : kind::gpt2;
    if (digits && description.add_prefix_space) {
      fail(place, "add_prefix_space together with Digits is not supported");
    }
    if (split && description.add_prefix_space) {
      fail(place, "add_prefix_space together with Split is not supported");
    }
  }

  void check_split(const json& step) const {
    const std::string place = "pre_tokenizer.Split";
    if (member(member(step, "pattern"), "Regex") != gpt2_split_pattern) {
      fail(place, "unknown pattern " + quote_json(member(step, "pattern")));
    }
    if (member(step, "behavior") != "Isolated" || flag(step, "invert", false, place)) {
      fail(place, "expected behavior Isolated, not inverted");
    }
  }

  void read_decoder(const json& part) const {
    if (!part.is_null() && !is_kind(part, "ByteLevel")) {
      fail("decoder", "expected ByteLevel, found " + kind_of(part));
    }
  }

  void read_model(const json& model, bpe_description& description) const {
    // Older files leave the type out.
    if (!model.is_object() || (model.contains("type") && !is_kind(model, "BPE"))) {
      fail("model", "expected BPE, found " + kind_of(model));
    }
    for (const char* key : {"dropout", "continuing_subword_prefix", "end_of_word_suffix",
                            "byte_fallback", "ignore_merges"}) {
      must_be_off(model, key, "model");
    }
    const json& added = member(root_, "added_tokens");
    const std::size_t more = added.is_array() ? added.size() : 0;
    description.vocabulary =
        vocabulary_from_json(member(model, "vocab"), more, file_, "model.vocab");
    read_merges(member(model, "merges"), description);
    description.added = read_added(description.vocabulary.size());
    if (const json& unknown = member(model, "unk_token"); !unknown.is_null() && unknown != "") {
      if (flag(model, "fuse_unk", false, "model")) fail("model.fuse_unk", "is not supported");
      description.unknown = find_id(unknown, description);
    }
  }

  void read_merges(const json& merges, bpe_description& description) const {
    if (!merges.is_array()) fail("model.merges", "expected a list");
    description.merges.reserve(merges.size());
    for (const auto& merge : merges) {
      if (merge.is_string()) {
        if (auto parts = split_merge(merge.get_ref<const std::string&>())) {
          description.merges.push_back(std::move(*parts));
          continue;
        }
      } else if (merge.is_array() && merge.size() == 2 && merge[0].is_string() &&
                 merge[1].is_string()) {
        description.merges.emplace_back(merge[0].get<std::string>(), merge[1].get<std::string>());
        continue;
      }
      fail("model.merges", "item " + std::to_string(description.merges.size()) +
                               " is not two tokens: " + quote_json(merge));
    }
  }

  token_id find_id(const json& token, const bpe_description& description) const {
    if (token.is_string()) {
      for (const auto& each : description.added) {
        if (token == each.content) return each.id;
      }
      const auto& all = description.vocabulary;
      const auto found = std::find(all.begin(), all.end(), token.get<std::string>());
      if (found != all.end()) return static_cast<token_id>(found - all.begin());
    }
    fail("model.unk_token", quote_json(token) + " is not in the vocabulary");
  }
};

}  // namespace detail

PREFOPT_INLINE bpe_description read_tokenizer_json(const std::filesystem::path& path) {
  return detail::bpe_json_reader(path).read();
}

}  // namespace prefopt
