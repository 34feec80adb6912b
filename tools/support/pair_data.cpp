#include "pair_data.hpp"

#include <algorithm>
#include <limits>
#include <span>
#include <utility>

#include <fmt/format.h>

#include <prefopt/core/error.hpp>
#include <prefopt/data/preferences_file.hpp>
#include <prefopt/loss/validate.hpp>
#include <prefopt/text/tokenize_dataset.hpp>

#include "input_rows.hpp"
#include "text_coding.hpp"

namespace tools {

void add_options(command& to, pair_settings& settings) {
  to.group("Texts");
  to.add("--max-prompt", settings.max_prompt,
         "tokens of a prompt; 0: 512, or half the model's window if that is less");
  to.add("--max-response", settings.max_response,
         "tokens of a response, the end token included; 0: as for the prompt. A longer one loses "
         "its end");
  to.add("--truncate", settings.text.truncate,
         "a prompt that is too long loses its beginning (left) or its end (right); refuse: it is "
         "an error, and so is a response that is too long")
      .one_of({"left", "right", "refuse"});
  add_token_options(to, settings.text);
  add_response_options(to, settings.text);
}

void fit_lengths(pair_settings& settings, std::size_t window) {
  const std::size_t usual = std::min<std::size_t>(512, window / 2);
  const auto rest = [&](std::size_t other) {
    return other == 0 || other >= window ? usual : std::min<std::size_t>(512, window - other);
  };
  if (settings.max_response == 0) settings.max_response = rest(settings.max_prompt);
  if (settings.max_prompt == 0) settings.max_prompt = rest(settings.max_response);
  if (settings.max_prompt > window || settings.max_response > window - settings.max_prompt) {
    throw prefopt::usage_error(
        fmt::format("--max-prompt {} and --max-response {} are more than the model's window of {} "
                    "tokens together",
                    settings.max_prompt, settings.max_response, window));
  }
}

namespace {

/// One reading of a file.
class reader {
 public:
  reader(const opened_language& opened, const prefopt::any_pair_loss& loss,
         const pair_settings& settings)
      : loss_(loss), settings_(settings), coding_(opened, settings.text) {
    data_.prompts = {"prompts", {}, settings.max_prompt};
    data_.responses = {"responses", {}, settings.max_response};
  }

  void add(const prefopt::json_row& row) {
    refuse_chat(row);
    prefopt::preference_pair pair = prefopt::read_preference(row);
    read_prompt(row, pair);
    const auto& prompt = pair.prompt_tokens;
    if (prompt.empty()) row.fail("prompt", "is empty; a model needs a token to begin with");
    note(row, "prompt", prompt.size(), data_.prompts);
    read_response(row, "chosen", pair, pair.chosen, pair.chosen_tokens);
    read_response(row, "rejected", pair, pair.rejected, pair.rejected_tokens);
    check_scores(row, pair);
    rows_.push_back(std::move(pair));
  }

  pair_data finish(const prefopt::byte_level_bpe& tokenizer) {
    using side = prefopt::tokenize_options::side;
    auto made = prefopt::tokenize_preferences(
        std::span<const prefopt::preference_pair>(rows_), tokenizer,
        {.max_prompt = settings_.max_prompt,
         .max_response = settings_.max_response,
         .prompt_loses = settings_.text.truncate == "right" ? side::right : side::left,
         .end_token = false});  // the rows have their tokens
    data_.pairs = std::move(made.data);
    data_.rows = rows_.size();
    data_.prompts_cut = made.prompts_cut;
    data_.responses_cut = made.responses_cut;
    data_.identical = made.identical_pairs;
    data_.repeated = made.repeated_pairs;
    return std::move(data_);
  }

 private:
  void note(const prefopt::json_row& row, const char* field, std::size_t length, lengths& where) {
    where.values.push_back(length);
    if (length <= where.limit || settings_.text.truncate != "refuse") return;
    row.fail(field, fmt::format("has {} tokens, more than {}; --truncate left or right cuts it",
                                length, where.limit));
  }

  /// Puts in the tokens, those of `prompt_ids` as they are.
  void read_prompt(const prefopt::json_row& row, prefopt::preference_pair& pair) {
    if (pair.prompt_tokens.empty()) {
      pair.prompt_tokens = coding_.code_prompt(pair.prompt).ids;
    } else if (coding_.find_ids(row, "prompt_ids") &&  // which refuses what the model lacks
               !coding_.may_be_prompt(pair.prompt_tokens, pair.prompt)) {
      row.fail("prompt_ids", "are not tokens of prompt for this model's tokenizer; leave them out");
    }
  }

  /// Puts in the tokens, those of `chosen_ids` or `rejected_ids` as they are.
  void read_response(const prefopt::json_row& row, const std::string& field,
                     const prefopt::preference_pair& pair, const std::string& text,
                     prefopt::token_sequence& tokens) {
    if (!tokens.empty()) {
      const auto known = coding_.find_ids(row, field + "_ids");  // refuses what the model lacks
      if (as_json(coding_.decode(tokens)) != as_json(text)) {
        row.fail(field + "_ids",
                 "are not the tokens of " + field + " for this model's tokenizer; leave them out");
      }
    } else {
      tokens = coding_.code_response(text);
      if (tokens.empty()) row.fail(field, "is empty, and no end token is to be put after it");
      if (!row.find("prompt_ids")) {
        auto joined = pair.prompt_tokens;
        joined.insert(joined.end(), tokens.begin(), tokens.end());
        if (!settings_.text.no_end_token) joined.pop_back();
        if (coding_.code_prompt(pair.prompt + text).ids != joined) ++data_.merging;
      }
    }
    note(row, field.c_str(), tokens.size(), data_.responses);
  }

  /// By the row's line: a data set knows no lines.
  void check_scores(const prefopt::json_row& row, const prefopt::preference_pair& pair) {
    constexpr double none = std::numeric_limits<double>::quiet_NaN();
    if (!pair.score_chosen && !prefopt::accepts_scores(loss_, none, none)) {
      row.fail("score_chosen", "is missing; the loss's offset needs both responses' scores");
    }
    try {
      prefopt::validate_scores(loss_, rows_.size(), pair.score_chosen.value_or(none),
                               pair.score_rejected.value_or(none));
    } catch (const prefopt::score_error& problem) {
      row.fail("score_chosen", problem.what());
    }
  }

  const prefopt::any_pair_loss& loss_;
  const pair_settings& settings_;
  text_coding coding_;
  std::vector<prefopt::preference_pair> rows_;
  pair_data data_;
};

}  // namespace

pair_data read_pairs(const std::filesystem::path& file, const opened_language& opened,
                     const prefopt::any_pair_loss& loss, const pair_settings& settings) {
  reader rows(opened, loss, settings);
  for_each_row(file, [&](const prefopt::json_row& row) { rows.add(row); });
  pair_data data = rows.finish(opened.tokenizer);
  if (data.pairs.pairs.empty()) {
    throw prefopt::usage_error(file.string() + " has no pairs of different responses");
  }
  return data;
}

std::string summary(const std::filesystem::path& file, const pair_data& data,
                    const pair_settings& settings) {
  std::string text = fmt::format(
      "{}: {} pairs of {} responses to {} prompts; cut: {} prompts (to {} tokens, on the {}), {} "
      "responses (to {}); left out: {} pairs of identical responses; stood there before, and "
      "count again: {}\n",
      file.string(), data.pairs.pairs.size(), data.pairs.responses.size(),
      data.pairs.prompts.size(), data.prompts_cut, settings.max_prompt,
      settings.text.truncate == "right" ? "right" : "left", data.responses_cut,
      settings.max_response, data.identical, data.repeated);
  if (data.merging > 0) {
    text += fmt::format(
        "{} of {} responses begin within a token of prompt and response together: they are joined "
        "as tokens. (A prompt that ends in a space is the usual cause; the space belongs to the "
        "response.)\n",
        data.merging, 2 * data.rows);
  }
  return text;
}

}  // namespace tools
