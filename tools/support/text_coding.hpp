#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include <prefopt/data/json_row.hpp>
#include <prefopt/data/token.hpp>
#include <prefopt/text/byte_level_bpe.hpp>

#include "command.hpp"
#include "language.hpp"

namespace tools {

/// How texts of rows become tokens.
struct text_settings {
  std::string truncate = "refuse";  ///< a prompt that is too long: left, right, refuse
  bool begin_token = false;
  bool no_end_token = false;
  bool plain_text = false;
};

/// --begin-token and --plain-text: how a text becomes tokens, which must be the same for all that
/// are compared with each other.
void add_token_options(command& to, text_settings& settings);
/// These and --truncate.
void add_prompt_options(command& to, text_settings& settings);
void add_response_options(command& to, text_settings& settings);

/// Reads prompts and responses out of rows, as text or as ids, and says which field is wrong. Text
/// is UTF-8; prompt and response are tokenized apart and joined as tokens.
class text_coding {
 public:
  text_coding(const opened_language& opened, const text_settings& settings);

  /// A prompt's text and tokens.
  struct prompt {
    std::string text;  ///< of ids: what they decode to
    prefopt::token_sequence ids;
    bool show_ids = false;  ///< they are not those of the text alone
  };

  /// Of `prompt_ids`, else of `prompt` (or `text`, where `text_too`).
  [[nodiscard]] prompt read_prompt(const prefopt::json_row& row, bool text_too = false) const;
  [[nodiscard]] prompt code_prompt(std::string text) const;

  /// Of `response_ids`, as they are, else of `response` (or `completion`) with the end token.
  [[nodiscard]] prefopt::token_sequence read_response(const prefopt::json_row& row) const;

  /// Tokens of a text that stands alone: with the begin token, where that is asked for, and as a
  /// response ends.
  [[nodiscard]] prefopt::token_sequence code_text(const std::string& text) const;

  /// Tokens of a response that is text, with the end token unless that is switched off.
  [[nodiscard]] prefopt::token_sequence code_response(const std::string& text) const;

  /// Cuts the prompt to `room` tokens as the settings say. Returns the number of tokens cut; throws
  /// `usage_error` without the place where it is not to be cut or no token would be left.
  std::size_t fit_prompt(prefopt::token_sequence& ids, std::size_t room) const;

  /// The ids of a field; nothing where it is absent. Each is a token of the model.
  [[nodiscard]] std::optional<prefopt::token_sequence> find_ids(const prefopt::json_row& row,
                                                                const std::string& field) const;

  /// Whether the tokens may be a prompt with this text: all of it or, where it was cut, a piece.
  [[nodiscard]] bool may_be_prompt(prefopt::token_sequence ids, const std::string& text) const;

  [[nodiscard]] const prefopt::byte_level_bpe& tokenizer() const { return tokenizer_; }
  /// The text of tokens, with or without special ones.
  [[nodiscard]] std::string decode(const prefopt::token_sequence& ids, bool special = false) const;

 private:
  prefopt::byte_level_bpe tokenizer_;
  text_settings settings_;
  std::size_t vocabulary_;
  std::optional<prefopt::token_id> model_begin_;
  std::optional<prefopt::token_id> begin_;  // put before a prompt
  std::optional<prefopt::token_id> end_;
};

/// Text as JSON can hold it: what was cut within a character is not UTF-8.
std::string as_json(const std::string& text);

/// Refuses rows of chat messages by name, with what to do.
void refuse_chat(const prefopt::json_row& row);

}  // namespace tools
