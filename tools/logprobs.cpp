#include <algorithm>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <prefopt/core/error.hpp>
#include <prefopt/core/progress.hpp>
#include <prefopt/data/json_row.hpp>
#include <prefopt/data/response_batch.hpp>
#include <prefopt/train/content_hash.hpp>

#include "commands.hpp"
#include "support/input_rows.hpp"
#include "support/language.hpp"
#include "support/ranks.hpp"
#include "support/row_output.hpp"
#include "support/run_settings.hpp"
#include "support/stopped.hpp"
#include "support/text_coding.hpp"

namespace tools {
namespace {

struct logprobs_settings {
  std::string model;
  std::filesystem::path adapter;
  std::string input = "-";
  std::string output = "-";
  bool resume = false;
  std::size_t batch_tokens = 4096;
  text_settings text;
  run_settings run;
};

struct text_row {
  prefopt::token_sequence prompt;
  prefopt::token_sequence response;
  std::size_t line = 0;
};

std::vector<text_row> read_rows(const logprobs_settings& chosen, const text_coding& coding,
                                std::size_t window) {
  std::vector<text_row> rows;
  std::size_t cut = 0;
  for_each_row(chosen.input, [&](const prefopt::json_row& row) {
    text_row read{coding.read_prompt(row).ids, coding.read_response(row), row.line()};
    if (read.response.size() >= window) {
      row.fail("response", fmt::format("has {} tokens; the model's window is {}, prompt included",
                                       read.response.size(), window));
    }
    try {
      cut += coding.fit_prompt(read.prompt, window - read.response.size()) > 0 ? 1 : 0;
    } catch (const prefopt::usage_error& problem) {
      row.fail("prompt", problem.what());
    }
    rows.push_back(std::move(read));
  });
  if (cut > 0 && !chosen.run.quiet) {
    prefopt::progress("", 0, chosen.run.progress())
        .message(fmt::format("{} of {} prompts were cut on the {}", cut, rows.size(),
                             chosen.text.truncate));
  }
  return rows;
}

/// As many rows, from the first on, as have about so many tokens, as a batch: a prompt that comes
/// again and again is computed once. Returns how many.
std::size_t take_batch(std::span<const text_row> rows, std::size_t tokens,
                       prefopt::response_batch& batch) {
  batch.groups.clear();
  std::size_t filled = 0;
  std::size_t taken = 0;
  for (const text_row& row : rows) {
    const bool open =
        !batch.groups.empty() && std::ranges::equal(batch.groups.back().prompt, row.prompt);
    filled += row.response.size() + (open ? 0 : row.prompt.size());
    if (filled > tokens && taken > 0) break;
    if (!open) batch.groups.push_back({row.prompt, {}});
    batch.groups.back().responses.emplace_back(row.response);
    ++taken;
  }
  return taken;
}

json output_row(const std::string& input, const text_row& row,
                const std::vector<float>& log_probs) {
  double sum = 0.0;
  for (const float value : log_probs) sum += static_cast<double>(value);
  if (!std::isfinite(sum)) {
    throw prefopt::data_error(input, row.line, "response", fmt::format("has the log-prob {}", sum));
  }
  return {{"logprob", sum}, {"token_logprobs", log_probs}, {"ids", row.response}};
}

std::string identity_of(const opened_language& opened, prefopt::any_transformer& model,
                        std::span<const text_row> rows, const device_settings& on) {
  prefopt::content_hash hash;
  hash.add(std::string_view(identity_of(on)));
  hash.add(std::string_view(opened.checkpoint.model_type));
  hash.add(std::string_view(prefopt::hash_of(model.parameters())));
  for (const text_row& row : rows) {
    hash.add(std::span<const prefopt::token_id>(row.prompt));
    hash.add(std::span<const prefopt::token_id>(row.response));
  }
  return "logprobs " + hash.text();
}

void logprobs(const logprobs_settings& chosen) {
  chosen.run.apply();
  const device on = chosen.run.open_device();  // first: it may be what joins several processes
  if (finished_before(chosen.output, chosen.resume)) return;
  const opened_language opened = open_language(chosen.model);
  const text_coding coding(opened, chosen.text);
  const auto rows = read_rows(chosen, coding, opened.checkpoint.config.max_positions);
  prefopt::any_transformer model = load_model(opened, on, chosen.adapter);
  row_output out(chosen.output, identity_of(opened, model, rows, chosen.run.on), chosen.resume);
  std::size_t done = std::min(out.done(), rows.size());
  auto how = chosen.run.progress();
  how.start = done;
  prefopt::progress shown("log-probs", rows.size(), how);
  prefopt::response_batch batch;
  while (done < rows.size()) {
    stop_if_asked();
    // A batch for each process, of the rows that come next.
    std::size_t count = 0;
    std::vector<std::vector<float>> log_probs;
    for (std::size_t rank = 0; rank < ranks().size(); ++rank) {
      const auto left = std::span(rows).subspan(done + count);
      const std::size_t taken = take_batch(left, chosen.batch_tokens, batch);
      for (const text_row& row : left.first(taken)) log_probs.emplace_back(row.response.size());
      if (rank == ranks().rank() && taken > 0) {
        std::ranges::move(model.token_log_probs(batch),
                          log_probs.begin() + static_cast<std::ptrdiff_t>(count));
      }
      count += taken;
    }
    for (std::size_t i = 0; i < count; ++i) {
      ranks().sum(std::span<float>(log_probs[i]));
      out.write(output_row(chosen.input, rows[done + i], log_probs[i]));
    }
    out.flush();
    done += count;
    shown.update(done);
  }
  out.commit();
  shown.finish();
}

}  // namespace

std::function<void()> define_logprobs(command& to) {
  auto chosen = std::make_shared<logprobs_settings>();
  to.describe(
      "For each row of the input one row, in order: {\"logprob\": the sum in nats,\n"
      "\"token_logprobs\": [...], \"ids\": [the response's tokens]}. A row of the input has "
      "prompt\n"
      "and response (or completion) as text, or prompt_ids and response_ids, which are taken as\n"
      "they are. Prompt and response are tokenized apart and joined as tokens; the end token is\n"
      "put after a response that is text.",
      "prefopt logprobs --model gpt2 --input rows.jsonl --output logprobs.jsonl");
  to.add("--model", chosen->model, "checkpoint folder, GGUF file, or name in Hugging Face's cache")
      .required();
  to.add("--adapter", chosen->adapter, "an adapter of it, a folder as PEFT writes it");
  to.add("--input", chosen->input, "JSON Lines; -: standard input");
  to.add("--output", chosen->output, "JSON Lines; -: standard output");
  to.flag("--resume", chosen->resume, "go on with a run that was stopped, from OUTPUT.partial");
  to.resumes_when([chosen] { return keeps_rows(chosen->output); });
  to.shares_work();
  to.group("Texts");
  add_prompt_options(to, chosen->text);
  add_response_options(to, chosen->text);
  add_options(to, chosen->run);
  to.add("--batch-tokens", chosen->batch_tokens, "tokens computed at once, about").at_least(1);
  return [chosen] { logprobs(*chosen); };
}

}  // namespace tools
