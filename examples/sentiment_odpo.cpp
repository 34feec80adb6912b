// Sentiment control, the first task of Amini et al. (2024), section 6.1: a language model learns to
// write film reviews that a classifier finds positive, from pairs of its own responses.
//
//     prompts -> sampled responses -> scores -> preference pairs -> DPO, ODPO, SLiC -> reward, KL
//
// Three sources of prompts and scores:
//   --data DIR                  IMDB reviews; the score is an n-gram classifier trained on them
//   --openings F --lexicon F    prompts from a file; the score is a valence lexicon's
//   --model embedded            a grammar's reviews; nothing is read or fetched

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <omp.h>

#include <prefopt/core/error.hpp>
#include <prefopt/core/stream_purpose.hpp>
#include <prefopt/data/line_reader.hpp>
#include <prefopt/data/reviews_file.hpp>
#include <prefopt/score/classifier_scorer.hpp>
#include <prefopt/score/lexicon_scorer.hpp>
#include <prefopt/score/ngram_classifier.hpp>
#include <prefopt/score/reward.hpp>
#include <prefopt/score/whole_text.hpp>

#include "embedded/embedded_language.hpp"
#include "experiment/command_line.hpp"
#include "experiment/ngram_score.hpp"
#include "experiment/prompts.hpp"
#include "experiment/run.hpp"

namespace {

namespace fs = std::filesystem;

struct sentiment_options {
  std::string data;
  std::string openings;
  std::string lexicon;
  std::string reward = "probability";
  std::size_t prompt_words = 5;
};

/// The first words of a text; nothing where it has no more than those.
std::string first_words(const std::string& text, std::size_t count) {
  std::size_t at = 0;
  for (std::size_t word = 0; word < count; ++word) {
    at = text.find(' ', at == 0 ? 0 : at + 1);
    if (at == std::string::npos) return {};
  }
  return text.substr(0, at);
}

/// A task, and the classifier that scores it, where one does: it is kept with the run.
struct sentiment_task {
  experiment::task task;
  std::optional<prefopt::ngram_classifier> trained;
};

void score_with(prefopt::ngram_classifier trained, prefopt::reward_form form,
                experiment::task& task) {
  const prefopt::whole_text scorer{prefopt::classifier_scorer(std::move(trained), form)};
  task.score = [scorer](const std::string& prompt, const std::string& response) {
    return scorer(prompt, response);
  };
  task.score_name = form == prefopt::reward_form::paper ? "1 + p(positive) or 1 - p(negative)"
                                                        : "p(positive), n-gram classifier";
}

fs::path find_reviews(const fs::path& folder, const std::string& split) {
  const std::string wanted = "*" + split + "*.tsv (plain, .gz, .xz or .zst)";
  fs::path found;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (name.find(split) == std::string::npos || name.find(".tsv") == std::string::npos) continue;
    if (!found.empty()) {
      throw prefopt::usage_error("--data " + folder.string() + " has two files named " + wanted +
                                 ": " + found.filename().string() + " and " + name);
    }
    found = entry.path();
  }
  if (found.empty()) {
    throw prefopt::usage_error("--data " + folder.string() + " has no file named " + wanted);
  }
  return found;
}

sentiment_task imdb_task(const sentiment_options& chosen, const experiment::options& o,
                         prefopt::reward_form form) {
  const auto training = prefopt::read_reviews(find_reviews(chosen.data, "train"));
  const auto test = prefopt::read_reviews(find_reviews(chosen.data, "test"));
  experiment::task task;
  const auto prompts_of = [&](const std::vector<prefopt::review>& reviews) {
    std::vector<std::string> prompts;
    for (const auto& review : reviews) {
      std::string prompt = first_words(review.text, chosen.prompt_words);
      if (!prompt.empty() && prompt.find('<') == std::string::npos) {
        prompts.push_back(std::move(prompt));
      }
    }
    return prompts;
  };
  task.prompts = experiment::choose_prompts(prompts_of(training), o.prompts, o.seed, "--prompts");
  // Held out: openings that no training review has.
  const auto seen_list = prompts_of(training);
  const std::set<std::string> seen(seen_list.begin(), seen_list.end());
  auto unseen = prompts_of(test);
  std::erase_if(unseen, [&](const std::string& prompt) { return seen.contains(prompt); });
  task.eval_prompts =
      experiment::choose_prompts(std::move(unseen), o.eval_prompts, o.seed, "--eval-prompts");
  if (o.sft) {
    for (const auto& review : training) {
      task.sft_texts.push_back({prefopt::with_line_breaks(review.text)});
    }
    auto random = prefopt::stream_for(prefopt::stream_purpose::texts, o.seed);
    prefopt::shuffle(task.sft_texts, random);
    task.sft_texts.resize(std::min(task.sft_texts.size(), o.sft_texts));
  }
  const auto labelled = [](const std::vector<prefopt::review>& reviews) {
    std::vector<prefopt::labelled_text> texts;
    for (const auto& review : reviews) texts.push_back({review.text, review.positive});
    return texts;
  };
  auto trained = experiment::ngram_classifier_of(labelled(training), o);
  std::cerr << fmt::format("classifier: right on {:.2f} % of {} test reviews\n",
                           100 * experiment::accuracy(trained, labelled(test)), test.size());
  score_with(trained, form, task);
  return {std::move(task), std::move(trained)};
}

sentiment_task openings_task(const sentiment_options& chosen, const experiment::options& o) {
  if (chosen.lexicon.empty()) {
    throw prefopt::usage_error("--openings needs --lexicon, the file that scores what is written");
  }
  std::vector<std::string> all;
  prefopt::line_reader lines(chosen.openings);
  while (lines.next()) {
    if (!lines.line().empty()) all.emplace_back(lines.line());
  }
  experiment::task task;
  experiment::divide_prompts(all, o, task);
  const auto scorer = std::make_shared<const prefopt::whole_text<prefopt::lexicon_scorer>>(
      prefopt::lexicon_scorer(fs::path(chosen.lexicon)));
  task.score = [scorer](const std::string& prompt, const std::string& response) {
    return (*scorer)(prompt, response);
  };
  task.score_name = "(compound + 1) / 2, valence lexicon";
  return {std::move(task), std::nullopt};
}

sentiment_task embedded_task(const experiment::options& o, prefopt::reward_form form) {
  experiment::task task;
  experiment::divide_prompts(prefopt::embedded::openings(), o, task);
  const auto reviews = experiment::embedded_reviews(4000, 2);
  std::vector<prefopt::labelled_text> texts;
  for (const auto& review : reviews) {
    task.sft_texts.push_back({review.text});
    texts.push_back({review.text, review.positive});
  }
  auto trained = experiment::ngram_classifier_of(texts, o);
  score_with(trained, form, task);
  return {std::move(task), std::move(trained)};
}

void run(const sentiment_options& chosen, const experiment::options& o) {
  experiment::validate(o);
  const auto form = prefopt::reward_form_named(chosen.reward);
  if (o.threads > 0) omp_set_num_threads(o.threads);
  const bool embedded = o.model == "embedded";
  if (embedded && !(chosen.data.empty() && chosen.openings.empty())) {
    throw prefopt::usage_error(
        "--model embedded writes in a grammar of its own: it cannot go with "
        "--data or --openings");
  }
  if (!chosen.data.empty() && !(chosen.openings.empty() && chosen.lexicon.empty())) {
    throw prefopt::usage_error(
        "--data brings its own prompts and classifier: it cannot go with "
        "--openings or --lexicon");
  }
  if (!embedded && chosen.data.empty() && chosen.openings.empty()) {
    throw prefopt::usage_error(
        "give --data DIR (the IMDB reviews), or --openings FILE with "
        "--lexicon FILE, or --model embedded");
  }
  auto identity = experiment::identity_of(o);
  identity.insert(identity.end(), {experiment::file_setting("--data", chosen.data),
                                   experiment::file_setting("--openings", chosen.openings),
                                   experiment::file_setting("--lexicon", chosen.lexicon),
                                   {"--reward", chosen.reward},
                                   {"--prompt-words", std::to_string(chosen.prompt_words)}});
  // Whatever is wrong with the model or the data shows before the folder is made.
  experiment::check_run(o, identity);
  const tools::device on = tools::open_device(o.on, false);
  std::optional<experiment::language> base;
  if (!embedded) base = experiment::open_language(o.model, on);
  sentiment_task made = embedded              ? embedded_task(o, *form)
                        : chosen.data.empty() ? openings_task(chosen, o)
                                              : imdb_task(chosen, o, *form);
  made.task.name = "sentiment";
  const auto lock = experiment::start_run(o, identity);
  if (made.trained && !fs::exists(experiment::classifier_file(o)))
    made.trained->save(experiment::classifier_file(o));
  if (embedded) base = experiment::embedded_language(fs::path(o.out) / "embedded", on);
  const bool risen = experiment::run_experiment(*base, o, made.task);
  if (o.expect_rise && !risen) {
    throw prefopt::error("a reward did not rise: its interval does not lie above the one before");
  }
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app(
      "Sentiment control: fine-tunes a language model to write positive film reviews, by DPO, "
      "ODPO\n"
      "and SLiC on preference pairs of its own responses (Amini et al. 2024, section 6.1).\n"
      "The paper: GPT2-Large tuned on 25,000 IMDB reviews (--sft), 10,000 prompts, 2 responses to\n"
      "each, all unequal pairs; 5000, 7500 and 10000 pairs; beta 0.1 to 1 and 1 to 5; alpha 1;\n"
      "log-diff, diff-log and identity offsets; SLiC's margin 1. examples/presets/ has its "
      "settings\n"
      "as a file.",
      "sentiment_odpo");
  sentiment_options chosen;
  experiment::options common;
  const char* group = "Prompts and scores";
  app.add_option("--data", chosen.data,
                 "folder with the IMDB reviews: *train*.tsv and *test*.tsv (plain, .gz, .xz, .zst)")
      ->check(CLI::ExistingDirectory)
      ->group(group);
  app.add_option("--openings", chosen.openings, "prompts, one a line")
      ->check(CLI::ExistingFile)
      ->group(group);
  app.add_option("--lexicon", chosen.lexicon, "valences of words, in VADER's format")
      ->check(CLI::ExistingFile)
      ->group(group);
  app.add_option("--reward", chosen.reward,
                 "the classifier's p(positive) as it is, or the paper's form: 1 + p if positive")
      ->check(CLI::IsMember({"probability", "paper"}))
      ->capture_default_str()
      ->group(group);
  app.add_option("--prompt-words", chosen.prompt_words, "words of a review that make a prompt")
      ->check(CLI::Range(1, 100))
      ->capture_default_str()
      ->group(group);
  experiment::add_options(app, common);
  return experiment::run_program(app, argc, argv, [&] { run(chosen, common); });
}
