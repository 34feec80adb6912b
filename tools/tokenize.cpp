#include <cstddef>
#include <memory>
#include <string>

#include <prefopt/core/error.hpp>
#include <prefopt/data/json_row.hpp>

#include "commands.hpp"
#include "support/input_rows.hpp"
#include "support/language.hpp"
#include "support/row_output.hpp"

namespace tools {
namespace {

struct tokenize_settings {
  std::string model;
  std::string input = "-";
  std::string output = "-";
  bool plain_text = false;
};

void tokenize(const tokenize_settings& chosen) {
  finished_before(chosen.output);
  const prefopt::byte_level_bpe tokenizer = open_tokenizer(chosen.model);
  row_output out(chosen.output);
  for_each_row(chosen.input, [&](const prefopt::json_row& row) {
    const auto ids = tokenizer.encode(row.text("text"), {.special_tokens = !chosen.plain_text});
    out.write({{"ids", ids}});
  });
  out.commit();
}

}  // namespace

std::function<void()> define_tokenize(command& to) {
  auto chosen = std::make_shared<tokenize_settings>();
  to.describe(
      "For each {\"text\": ...} of the input one row {\"ids\": [...]}, in order: the ids that\n"
      "transformers' tokenizer gives with add_special_tokens=False.",
      "prefopt tokenize --model gpt2 --input texts.jsonl --output ids.jsonl");
  to.add("--model", chosen->model,
         "checkpoint folder, GGUF file, tokenizer.json, or name in Hugging Face's cache")
      .required();
  to.add("--input", chosen->input, "JSON Lines with text; -: standard input");
  to.add("--output", chosen->output, "JSON Lines; -: standard output");
  to.flag("--plain-text", chosen->plain_text,
          "text that spells a special token (<|endoftext|>) is text like any other");
  return [chosen] { tokenize(*chosen); };
}

}  // namespace tools
