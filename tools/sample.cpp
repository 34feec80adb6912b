#include <algorithm>
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
#include <prefopt/data/line_reader.hpp>
#include <prefopt/sample/sampler.hpp>
#include <prefopt/text/utf8.hpp>
#include <prefopt/train/content_hash.hpp>

#include "commands.hpp"
#include "support/input_rows.hpp"
#include "support/language.hpp"
#include "support/ranks.hpp"
#include "support/row_output.hpp"
#include "support/run_settings.hpp"
#include "support/sampling_settings.hpp"
#include "support/stopped.hpp"
#include "support/text_coding.hpp"

namespace tools {
namespace {

struct sample_settings {
  std::string model;
  std::filesystem::path adapter;
  std::string prompts = "-";
  std::string output = "-";
  bool resume = false;
  text_settings text;
  sampling_settings sampling;
  run_settings run;
};

std::vector<text_coding::prompt> read_prompts(const sample_settings& chosen,
                                              const text_coding& coding, std::size_t window) {
  std::vector<text_coding::prompt> prompts;
  const std::size_t new_tokens = std::min(chosen.sampling.max_new_tokens, window - 1);
  std::size_t cut = 0;
  const auto add = [&](text_coding::prompt prompt, const auto& fail) {
    // A prompt that is not to be cut may shorten its responses, but needs room for one token.
    const bool cuts = chosen.text.truncate != "refuse";
    try {
      const bool shorter = coding.fit_prompt(prompt.ids, window - (cuts ? new_tokens : 1)) > 0;
      cut += shorter ? 1 : 0;
      if (shorter || chosen.text.begin_token || chosen.text.plain_text) prompt.show_ids = true;
    } catch (const prefopt::usage_error& problem) {
      fail(problem.what());
    }
    prompts.push_back(std::move(prompt));
  };
  if (std::filesystem::path(chosen.prompts).extension() == ".txt") {
    prefopt::line_reader lines(chosen.prompts);
    while (lines.next()) {
      if (lines.blank()) continue;
      if (prefopt::valid_utf8_length(lines.line()) < lines.line().size()) {
        lines.fail("", "is not UTF-8");
      }
      add(coding.code_prompt(std::string(lines.line())),
          [&](const char* problem) { lines.fail("", problem); });
    }
    if (prompts.empty()) throw prefopt::data_error(chosen.prompts, 0, "", "has no rows");
  } else {
    for_each_row(chosen.prompts, [&](const prefopt::json_row& row) {
      add(coding.read_prompt(row, true), [&](const char* what) { row.fail("prompt", what); });
    });
  }
  if (cut > 0) {
    prefopt::progress("", 0, chosen.run.progress())
        .message(fmt::format("{} of {} prompts were cut on the {}", cut, prompts.size(),
                             chosen.text.truncate));
  }
  return prompts;
}

std::string identity_of(const sample_settings& chosen, prefopt::any_transformer& model,
                        std::span<const text_coding::prompt> prompts) {
  const sampling_settings& s = chosen.sampling;
  prefopt::content_hash hash;
  hash.add(std::string_view(prefopt::hash_of(model.parameters())));
  for (const auto& prompt : prompts) {
    hash.add(std::span<const prefopt::token_id>(prompt.ids));
    hash.add(std::string_view(prompt.text)).add(std::size_t{prompt.show_ids});
  }
  hash.add(std::string_view(identity_of(chosen.run.on)));
  hash.add(fmt::format("{} {} {} {} {} {} {}", s.responses, s.max_new_tokens, s.temperature,
                       s.top_p, s.top_k, s.seed, chosen.text.no_end_token));
  return "sample " + hash.text();
}

/// Responses of this many are sampled in one call and then written.
constexpr std::size_t responses_a_part = 256;

void sample(const sample_settings& chosen) {
  chosen.run.apply();
  const device on = chosen.run.open_device();  // first: it may be what joins several processes
  if (finished_before(chosen.output, chosen.resume)) return;
  prefopt::sampling_options options = sampling_options_of(chosen.sampling);
  prefopt::validate(options);
  const opened_language opened = open_language(chosen.model);
  const text_coding coding(opened, chosen.text);
  if (!chosen.text.no_end_token) {
    options.end_tokens = opened.checkpoint.ends;
    options.end_tokens.push_back(end_token_of(opened));
  }
  const auto prompts = read_prompts(chosen, coding, opened.checkpoint.config.max_positions);
  prefopt::any_transformer model = load_model(opened, on, chosen.adapter);
  row_output out(chosen.output, identity_of(chosen, model, prompts), chosen.resume);

  const std::size_t total = prompts.size() * options.responses;
  // A prompt whose responses are not all there is sampled anew, and what is there is passed over.
  const std::size_t known = std::min(out.done(), total);
  auto how = chosen.run.progress();
  how.start = known;
  prefopt::progress shown("sampling", total, how);
  const std::size_t part =
      ranks().size() * std::max<std::size_t>(1, responses_a_part / options.responses);
  for (std::size_t first = known / options.responses; first < prompts.size(); first += part) {
    const std::size_t last = std::min(first + part, prompts.size());
    std::vector<prefopt::token_sequence> ids;
    for (std::size_t p = first; p < last; ++p) ids.push_back(prompts[p].ids);
    options.first_prompt = static_cast<std::uint32_t>(first);
    const auto sampled = prefopt::sample(
        model, std::span<const prefopt::token_sequence>(ids), options,
        [&](std::size_t own, std::size_t) {
          stop_if_asked();
          const std::size_t done = first * options.responses + own * ranks().size();
          shown.update(std::min(total, std::max(known, done)));
        },
        ranks());
    for (std::size_t p = first; p < last; ++p) {
      for (std::size_t r = 0; r < options.responses; ++r) {
        if (p * options.responses + r < known) continue;
        const prefopt::sampled_response& response = sampled[p - first][r];
        json row{{"prompt", prompts[p].text}};
        if (prompts[p].show_ids) row["prompt_ids"] = prompts[p].ids;
        row["response"] = coding.decode(response.tokens);
        row["response_ids"] = response.tokens;
        row["logprob"] = response.log_prob;
        row["ended"] = response.ended;
        out.write(row);
      }
    }
    out.flush();
  }
  out.commit();
  shown.finish();
}

}  // namespace

std::function<void()> define_sample(command& to) {
  auto chosen = std::make_shared<sample_settings>();
  to.describe(
      "For each prompt --responses rows {\"prompt\", \"response\", \"response_ids\", \"logprob\",\n"
      "\"ended\"}, in the order of the prompts. logprob is that of the model itself, whatever\n"
      "temperature, top-p and top-k; ended says whether the response came to its end token, which\n"
      "is the last of its ids then, or was cut off by --max-new-tokens or the model's window. The\n"
      "same seed gives the same responses, whatever else is sampled. Rows have \"prompt_ids\" too "
      "where\n"
      "the prompt's tokens are not just those of its text, so that what reads them needs no "
      "options.",
      "prefopt sample --model gpt2 --prompts prompts.jsonl --responses 8 --output sampled.jsonl");
  to.add("--model", chosen->model, "checkpoint folder, GGUF file, or name in Hugging Face's cache")
      .required();
  to.add("--adapter", chosen->adapter, "an adapter of it, a folder as PEFT writes it");
  to.add("--prompts", chosen->prompts,
         "JSON Lines with prompt (or text) or prompt_ids, or a .txt file with one a line; -: "
         "standard input");
  to.add("--output", chosen->output, "JSON Lines; -: standard output");
  to.flag("--resume", chosen->resume, "go on with a run that was stopped, from OUTPUT.partial");
  to.resumes_when([chosen] { return keeps_rows(chosen->output); });
  to.shares_work();
  add_options(to, chosen->sampling);
  to.flag("--no-end-token", chosen->text.no_end_token,
          "go on over the end token, to --max-new-tokens");
  to.group("Texts");
  add_prompt_options(to, chosen->text);
  add_options(to, chosen->run);
  return [chosen] { sample(*chosen); };
}

}  // namespace tools
