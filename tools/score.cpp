#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <prefopt/core/progress.hpp>
#include <prefopt/data/json_row.hpp>
#include <prefopt/train/content_hash.hpp>

#include "commands.hpp"
#include "support/input_rows.hpp"
#include "support/ranks.hpp"
#include "support/row_output.hpp"
#include "support/run_settings.hpp"
#include "support/stopped.hpp"
#include "support/text_coding.hpp"
#include "support/text_scorer.hpp"

namespace tools {
namespace {

struct score_settings {
  std::string input = "-";
  std::string output = "-";
  bool resume = false;
  scorer_settings scorer;
  run_settings run;
};

/// Rows scored between two looks at the file: enough for a classifier to put texts of one length
/// together, in each process.
constexpr std::size_t rows_at_once = 512;

std::string identity_of(const score_settings& chosen, std::span<const json> rows) {
  prefopt::content_hash hash;
  hash.add(std::string_view(identity_of(chosen.scorer)));
  hash.add(std::string_view(identity_of(chosen.run.on)));
  for (const json& row : rows) hash.add(std::string_view(to_line(row)));
  return "score " + hash.text();
}

void score(const score_settings& chosen) {
  chosen.run.apply();
  check_rows_output(chosen.output);
  // Before what ranks do together: its device may be what joins them.
  const text_scorer scorer = open_scorer(chosen.scorer, chosen.run);
  if (finished_before(chosen.output, chosen.resume)) return;
  std::vector<json> rows;
  std::vector<std::string> texts;
  for_each_row(chosen.input, [&](const prefopt::json_row& row) {
    refuse_chat(row);
    auto response = row.find_text("response");
    if (!response) response = row.find_text("completion");
    if (!response) row.fail("response", "is missing; expected response or completion");
    texts.push_back((chosen.scorer.whole_text ? row.text("prompt") : "") + *response);
    rows.push_back(json::parse(simdjson::minify(row.object())));
  });
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  row_output out(chosen.output, identity_of(chosen, rows), chosen.resume);
  std::size_t done = std::min(out.done(), rows.size());
  auto how = chosen.run.progress();
  how.start = done;
  prefopt::progress shown("scoring", rows.size(), how);
  while (done < rows.size()) {
    const std::size_t count = std::min(ranks().size() * rows_at_once, rows.size() - done);
    const prefopt::rank_share own = prefopt::own_share(ranks(), count);
    const auto found =
        scorer(std::span(views).subspan(done + own.begin, own.size()), [&](std::size_t finished) {
          stop_if_asked();
          shown.update(done + std::min(count, finished * ranks().size()));
        });
    std::vector<double> scores(count, 0.0);
    std::ranges::copy(found, scores.begin() + static_cast<std::ptrdiff_t>(own.begin));
    ranks().sum(std::span<double>(scores));
    for (const double value : scores) {
      json& row = rows[done++];
      row["score"] = value;
      out.write(row);
    }
    out.flush();
  }
  out.commit();
  shown.finish();
}

}  // namespace

std::function<void()> define_score(command& to) {
  auto chosen = std::make_shared<score_settings>();
  to.describe(
      "Puts \"score\" into each row of the input, which has prompt and response (or completion);\n"
      "its other fields stay. Higher is better.",
      "prefopt score --input sampled.jsonl --lexicon vader_lexicon.txt --output scored.jsonl");
  to.add("--input", chosen->input, "JSON Lines; -: standard input");
  to.add("--output", chosen->output, "JSON Lines; -: standard output");
  to.flag("--resume", chosen->resume, "go on with a run that was stopped, from OUTPUT.partial");
  to.resumes_when([chosen] { return keeps_rows(chosen->output); });
  to.shares_work();
  add_options(to, chosen->scorer);
  add_options(to, chosen->run);
  return [chosen] { score(*chosen); };
}

}  // namespace tools
