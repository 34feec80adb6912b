#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <prefopt/core/progress.hpp>
#include <prefopt/data/json_row.hpp>

#include "commands.hpp"
#include "support/row_output.hpp"
#include "support/run_settings.hpp"
#include "support/stopped.hpp"
#include "support/text_coding.hpp"
#include "support/text_scorer.hpp"

namespace tools {
namespace {

struct settings {
  std::string input = "-";
  std::string output = "-";
  scorer_settings scorer;
  run_settings run;
};

void score(const settings& chosen) {
  chosen.run.apply();
  const text_scorer scorer = open_scorer(chosen.scorer);
  std::vector<json> rows;
  std::vector<std::string> texts;
  prefopt::for_each_json_row(input_path(chosen.input), [&](const prefopt::json_row& row) {
    stop_if_asked();
    refuse_chat(row);
    auto response = row.find_text("response");
    if (!response) response = row.find_text("completion");
    if (!response) row.fail("response", "is missing; expected response or completion");
    texts.push_back((chosen.scorer.whole_text ? row.text("prompt") : "") + *response);
    rows.push_back(json::parse(simdjson::minify(row.object())));
  });
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  prefopt::progress shown("scoring", rows.size(), chosen.run.progress());
  const std::vector<double> scores = scorer(std::span(views), [&](std::size_t done) {
    stop_if_asked();
    shown.update(done);
  });
  row_output out(chosen.output);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    rows[i]["score"] = scores[i];
    out.write(rows[i]);
  }
  out.commit();
  shown.finish();
}

}  // namespace

std::function<void()> define_score(command& to) {
  auto chosen = std::make_shared<settings>();
  to.describe(
      "Puts \"score\" into each row of the input, which has prompt and response (or completion);\n"
      "its other fields stay. Higher is better.",
      "prefopt score --input sampled.jsonl --lexicon vader_lexicon.txt --output scored.jsonl");
  to.add("--input", chosen->input, "JSON Lines; -: standard input");
  to.add("--output", chosen->output, "JSON Lines; -: standard output");
  add_options(to, chosen->scorer);
  add_options(to, chosen->run);
  return [chosen] { score(*chosen); };
}

}  // namespace tools
