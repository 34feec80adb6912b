// Toxicity control, the second task of Amini et al. (2024), section 6.2: a language model learns
// not to go on in the tone of toxic prompts, from pairs of its own responses.
//
//     toxic prompts -> sampled responses -> p(not toxic) -> pairs -> DPO, ODPO, SLiC -> toxicity,
//     KL
//
// Two sources of the score:
//   --classifier NAME   a sequence classifier in Hugging Face's format
//   --tweets FILE       an n-gram classifier trained on tweets that people have classified

#include <cstddef>
#include <filesystem>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <omp.h>

#include <prefopt/core/error.hpp>
#include <prefopt/core/stream_purpose.hpp>
#include <prefopt/data/toxicity_prompts_file.hpp>
#include <prefopt/data/tweets_file.hpp>
#include <prefopt/score/classifier_scorer.hpp>
#include <prefopt/score/ngram_classifier.hpp>
#include <prefopt/score/reward.hpp>

#include "experiment/classifier_score.hpp"
#include "experiment/command_line.hpp"
#include "experiment/ngram_score.hpp"
#include "experiment/prompts.hpp"
#include "experiment/run.hpp"

namespace {

namespace fs = std::filesystem;

struct toxicity_options {
  std::string prompt_file;
  double threshold = 0.3;
  std::string classifier;
  std::string label;
  std::string tweets;
  std::string toxic = "hate-and-offensive";
  std::string reward = "probability";
  bool score_prompt = false;
};

std::vector<std::string> toxic_prompts(const toxicity_options& chosen) {
  std::vector<std::string> prompts;
  std::size_t rated = 0;
  const auto all = prefopt::read_toxicity_prompts(chosen.prompt_file);
  for (const auto& prompt : all) {
    rated += prompt.toxicity ? 1 : 0;
    if (prompt.text.empty() || !prompt.toxicity || *prompt.toxicity <= chosen.threshold) continue;
    prompts.push_back(prompt.text);
  }
  std::cerr << fmt::format("prompts: {} of {} are rated, {} of them above {}\n", rated, all.size(),
                           prompts.size(), chosen.threshold);
  return prompts;
}

/// A text, and whether it is not toxic.
struct tweet_split {
  std::vector<prefopt::labelled_text> training;
  std::vector<prefopt::labelled_text> held_out;
};

/// A tenth is held out. Of the rest, the rarer kind is repeated until both are about as many, so
/// that the classifier's p does not begin with the share of toxic tweets that somebody collected.
tweet_split split_tweets(const std::vector<prefopt::tweet>& tweets, const std::string& toxic,
                         std::uint64_t seed) {
  std::vector<prefopt::labelled_text> texts;
  for (const auto& each : tweets) {
    const bool offensive = each.what == prefopt::tweet::kind::offensive;
    if (offensive && toxic == "hate") continue;  // neither here nor there
    texts.push_back({each.text, each.what == prefopt::tweet::kind::neither});
  }
  auto random = prefopt::stream_for(prefopt::stream_purpose::texts, seed);
  prefopt::shuffle(texts, random);
  tweet_split split;
  const std::size_t kept = texts.size() - texts.size() / 10;
  split.held_out.assign(texts.begin() + static_cast<std::ptrdiff_t>(kept), texts.end());
  texts.resize(kept);
  std::size_t counts[2] = {0, 0};
  for (const auto& each : texts) ++counts[each.positive ? 1 : 0];
  for (const auto& each : texts) {
    const std::size_t own = counts[each.positive ? 1 : 0];
    const std::size_t other = counts[each.positive ? 0 : 1];
    const std::size_t times = own < other ? (other + own / 2) / own : 1;
    split.training.insert(split.training.end(), times, each);
  }
  return split;
}

/// The mean of the two kinds' shares that the classifier is right about.
double balanced_accuracy(const prefopt::ngram_classifier& of,
                         const std::vector<prefopt::labelled_text>& texts) {
  std::vector<prefopt::labelled_text> kinds[2];
  for (const auto& each : texts) kinds[each.positive ? 1 : 0].push_back(each);
  if (kinds[0].empty() || kinds[1].empty()) return experiment::accuracy(of, texts);
  return (experiment::accuracy(of, kinds[0]) + experiment::accuracy(of, kinds[1])) / 2;
}

prefopt::ngram_classifier tweets_classifier(const toxicity_options& chosen,
                                            const experiment::options& o) {
  const auto tweets = prefopt::read_tweets(chosen.tweets);
  const tweet_split split = split_tweets(tweets, chosen.toxic, o.seed);
  auto trained = experiment::ngram_classifier_of(split.training, o);
  if (!split.held_out.empty()) {
    std::cerr << fmt::format(
        "classifier: right on {:.2f} % of {} held-out tweets, {:.2f} % with both kinds weighing "
        "the same\n",
        100 * experiment::accuracy(trained, split.held_out), split.held_out.size(),
        100 * balanced_accuracy(trained, split.held_out));
  }
  return trained;
}

/// A score of text, given the response alone or with its prompt before it.
template <class Score>
auto scored_text(Score score, bool with_prompt) {
  return [score, with_prompt](const std::string& prompt, const std::string& response) {
    return score(with_prompt ? prompt + response : response);
  };
}

void run(const toxicity_options& chosen, const experiment::options& o) {
  experiment::validate(o);
  const auto form = prefopt::reward_form_named(chosen.reward);
  if (o.threads > 0) omp_set_num_threads(o.threads);
  if (o.sft)
    throw prefopt::usage_error("--sft: this task has no texts to tune on, as in the paper");
  if (chosen.tweets.empty() == chosen.classifier.empty()) {
    throw prefopt::usage_error(
        "give one source of the score: --classifier NAME, or --tweets FILE to learn it from");
  }
  if (!chosen.label.empty() && chosen.classifier.empty()) {
    throw prefopt::usage_error("--label names a class of --classifier, which is not given");
  }
  auto identity = experiment::identity_of(o);
  identity.insert(identity.end(), {experiment::file_setting("--prompt-file", chosen.prompt_file),
                                   {"--threshold", fmt::format("{}", chosen.threshold)},
                                   experiment::file_setting("--classifier", chosen.classifier),
                                   {"--label", chosen.label},
                                   experiment::file_setting("--tweets", chosen.tweets),
                                   {"--toxic", chosen.toxic},
                                   {"--reward", chosen.reward},
                                   {"--score-prompt", fmt::format("{}", chosen.score_prompt)}});
  // Whatever is wrong with the model or the data shows before the folder is made.
  experiment::check_run(o, identity);
  experiment::language base = experiment::open_language(o.model, tools::open_device(o.on, false));
  experiment::task task;
  task.name = "toxicity";
  experiment::divide_prompts(toxic_prompts(chosen), o, task);
  std::optional<prefopt::ngram_classifier> trained;
  if (chosen.classifier.empty()) {
    trained = tweets_classifier(chosen, o);
    const prefopt::classifier_scorer scorer(*trained, *form);
    task.score = scored_text([scorer](std::string_view text) { return scorer("", text); },
                             chosen.score_prompt);
  } else {
    task.score =
        scored_text(experiment::classifier_score(chosen.classifier, chosen.label, *form, base.on),
                    chosen.score_prompt);
  }
  const std::string text = chosen.score_prompt ? "prompt and response" : "response";
  const std::string by = trained ? ", n-gram classifier" : ", classifier";
  if (*form == prefopt::reward_form::probability) {
    task.score_name = "p(not toxic) of the " + text + by;
    task.complement_name = "toxicity";
  } else {
    task.score_name = "1 + p(not toxic) or 1 - p(toxic) of the " + text + by;
  }
  const auto lock = experiment::start_run(o, identity);
  if (trained && !fs::exists(experiment::classifier_file(o))) {
    trained->save(experiment::classifier_file(o));
  }
  const bool risen = experiment::run_experiment(base, o, task);
  if (o.expect_rise && !risen) {
    throw prefopt::error("a reward did not rise: its interval does not lie above the one before");
  }
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app(
      "Toxicity control: fine-tunes a language model to go on from toxic prompts in a harmless "
      "way,\n"
      "by DPO, ODPO and SLiC on preference pairs of its own responses (Amini et al. 2024, section\n"
      "6.2). The paper: GPT-Neo 2.7B as it is, 10,000 prompts of RealToxicityPrompts with a\n"
      "toxicity over 0.3, two pairs a prompt; 8000, 9000 and 10000 pairs; beta 0.05, 0.1, 0.2, "
      "0.3,\n"
      "0.4 and 0.5. examples/presets/ has its settings as a file.",
      "toxicity_odpo");
  toxicity_options chosen;
  experiment::options common;
  const char* group = "Prompts and scores";
  app.add_option("--prompt-file", chosen.prompt_file,
                 "RealToxicityPrompts, one JSON object a line (plain, .gz, .xz, .zst)")
      ->required()
      ->check(CLI::ExistingFile)
      ->group(group);
  app.add_option("--threshold", chosen.threshold, "prompts of a toxicity above it are used")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str()
      ->group(group);
  app.add_option("--classifier", chosen.classifier,
                 "a sequence classifier in Hugging Face's format (BERT, DistilBERT, RoBERTa, "
                 "MiniLM): the score is its p(not toxic)")
      ->group(group);
  app.add_option(
         "--label", chosen.label,
         "the classifier's class of text that is not toxic, where it is not clear by itself "
         "(nothate is)")
      ->group(group);
  app.add_option("--tweets", chosen.tweets,
                 "Davidson's classified tweets (CSV): the score is an n-gram classifier's, trained "
                 "on them")
      ->check(CLI::ExistingFile)
      ->group(group);
  app.add_option("--toxic", chosen.toxic, "which tweets are: hate leaves the offensive ones out")
      ->check(CLI::IsMember({"hate", "hate-and-offensive"}))
      ->capture_default_str()
      ->group(group);
  app.add_option("--reward", chosen.reward,
                 "p(not toxic) as it is, or the authors' form: 1 + p where it is over a half")
      ->check(CLI::IsMember({"probability", "paper"}))
      ->capture_default_str()
      ->group(group);
  app.add_flag("--score-prompt", chosen.score_prompt,
               "score the prompt with the response; else the response alone, as the authors do")
      ->group(group);
  experiment::add_options(app, common);
  return experiment::run_program(app, argc, argv, [&] { run(chosen, common); });
}
