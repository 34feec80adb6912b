// Summarization, the third task of Amini et al. (2024), section 6.3: a language model learns to
// summarize Reddit posts from summaries that people have scored from 1 to 7.
//
//     scored summaries -> pairs -> DPO, ODPO, SLiC -> summaries at five temperatures
//                                                  -> a judge's win rates, ROUGE-L, log-probs

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <iostream>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <omp.h>

#include <prefopt/core/error.hpp>
#include <prefopt/data/rated_posts_file.hpp>
#include <prefopt/data/summarized_posts_file.hpp>
#include <prefopt/eval/report.hpp>
#include <prefopt/eval/rouge.hpp>

#include "experiment/command_line.hpp"
#include "experiment/judging.hpp"
#include "experiment/prompts.hpp"
#include "experiment/run.hpp"
#include "experiment/summaries.hpp"

namespace {

namespace fs = std::filesystem;

struct summarization_options {
  std::string posts;
  std::string references;
  std::vector<std::string> subreddits = {"relationships", "relationship_advice"};
  std::size_t post_tokens = 400;
  std::string cut = "end";
  std::vector<double> temperatures = {0, 0.25, 0.5, 0.75, 1};
};

constexpr const char* prompt_end = "\n\nTL;DR:";

/// A post of at most `limit` tokens, cut between words: at its end, or at its beginning.
std::string cut_post(const std::string& post, const prefopt::byte_level_bpe& tokenizer,
                     std::size_t limit, bool at_end) {
  const auto tokens = tokenizer.encode(post, {.special_tokens = false});
  if (tokens.size() <= limit) return post;
  const std::span<const prefopt::token_id> all(tokens);
  std::string kept =
      tokenizer.decode(at_end ? all.first(limit) : all.last(limit), {.special_tokens = false});
  if (at_end) {
    kept.erase(std::min(kept.find_last_of(" \n"), kept.size()));
  } else {
    const std::size_t space = kept.find_first_of(" \n");
    kept.erase(0, space == std::string::npos ? 0 : space + 1);
  }
  return kept;
}

/// Posts as prompts, and how many of them were cut.
class prompt_maker {
 public:
  prompt_maker(const prefopt::byte_level_bpe& tokenizer, const summarization_options& chosen)
      : tokenizer_(tokenizer), limit_(chosen.post_tokens), at_end_(chosen.cut == "end") {}

  std::string operator()(const std::string& post) {
    const std::string kept = cut_post(post, tokenizer_, limit_, at_end_);
    ++posts_;
    cut_ += kept.size() != post.size() ? 1 : 0;
    return "POST: " + kept + prompt_end;
  }
  [[nodiscard]] std::size_t posts() const { return posts_; }
  [[nodiscard]] std::size_t cut() const { return cut_; }

 private:
  const prefopt::byte_level_bpe& tokenizer_;
  std::size_t limit_;
  bool at_end_;
  std::size_t posts_ = 0;
  std::size_t cut_ = 0;
};

/// The summaries that were scored, of --prompts posts that the seed chooses; 0: of all.
std::vector<prefopt::scored_response> rated_summaries(const summarization_options& chosen,
                                                      const experiment::options& o,
                                                      prompt_maker& prompt_of) {
  const auto all = prefopt::read_rated_posts(chosen.posts);
  std::vector<std::string> posts;
  for (const auto& each : all) {
    if (posts.empty() || posts.back() != each.prompt) posts.push_back(each.prompt);
  }
  if (o.prompts != 0) posts = experiment::choose_prompts(posts, o.prompts, o.seed, "--prompts");
  const std::set<std::string> wanted(posts.begin(), posts.end());
  std::vector<prefopt::scored_response> result;
  const std::string* post = nullptr;
  std::string prompt;
  for (const auto& each : all) {
    if (!wanted.contains(each.prompt)) continue;
    if (post == nullptr || *post != each.prompt) prompt = prompt_of(each.prompt);
    post = &each.prompt;
    result.push_back(each);
    result.back().prompt = prompt;
  }
  return result;
}

/// Held-out posts with the summaries that people wrote; the others of the file are there for --sft.
void add_references(const summarization_options& chosen, const experiment::options& o,
                    prompt_maker& prompt_of, experiment::task& task,
                    experiment::summary_references& references) {
  std::set<std::string> trained_on;
  for (const auto& each : task.given) trained_on.insert(each.prompt);
  std::map<std::string, experiment::summary_references::entry> by_prompt;
  std::vector<std::string> prompts;
  for (const auto& each : prefopt::read_summarized_posts(chosen.references)) {
    const auto& from = chosen.subreddits;
    const bool wanted = from.empty() || each.subreddit.empty() ||
                        std::find(from.begin(), from.end(), each.subreddit) != from.end();
    if (!wanted || each.summary.empty()) continue;
    const std::string prompt = prompt_of(each.text);
    if (trained_on.contains(prompt)) continue;
    if (!by_prompt.emplace(prompt, experiment::summary_references::entry{each.text, each.summary})
             .second) {
      continue;
    }
    prompts.push_back(prompt);
  }
  const std::size_t count = prompts.size();
  prompts = experiment::choose_prompts(std::move(prompts), count, o.seed, "--eval-prompts");
  if (count < o.eval_prompts) {
    throw prefopt::usage_error(
        fmt::format("--eval-prompts asks for {} posts, but --references has {} of these subreddits",
                    o.eval_prompts, count));
  }
  for (std::size_t i = 0; i < count; ++i) {
    const auto& entry = by_prompt.at(prompts[i]);
    if (i < o.eval_prompts) {
      task.eval_prompts.push_back(prompts[i]);
      references.by_prompt.emplace(prompts[i], entry);
    } else if (o.sft && task.sft_texts.size() < o.sft_texts) {
      task.sft_texts.push_back({" " + entry.summary, prompts[i]});
    }
  }
}

/// How far apart the offset wants the pairs: a gap of 1 between two scores gives log 1 = 0, where
/// ODPO is DPO.
void print_offsets(const prefopt::preference_dataset& pairs, const fs::path& file) {
  std::map<double, std::size_t> gaps;
  for (const auto& pair : pairs.pairs) {
    ++gaps[pairs.responses[pair.winner].score - pairs.responses[pair.loser].score];
  }
  const auto right = prefopt::table::alignment::right;
  prefopt::table shown({{"score gap", right},
                        {"offset log(gap)", right},
                        {"log(1 + gap)", right},
                        {"pairs", right},
                        {"share", right}});
  prefopt::table exact({{"gap"}, {"offset"}, {"pairs"}});
  for (const auto& [gap, count] : gaps) {
    shown.add_row({fmt::format("{}", gap), prefopt::format_number(std::log(gap)),
                   prefopt::format_number(std::log1p(gap)), std::to_string(count),
                   fmt::format("{:.1f} %", 100.0 * static_cast<double>(count) /
                                               static_cast<double>(pairs.pairs.size()))});
    exact.add_row(
        {prefopt::format_exact(gap), prefopt::format_exact(std::log(gap)), std::to_string(count)});
  }
  prefopt::write_csv(exact, file);
  std::cout << "Offsets of the pairs (alpha 1)\n\n" << prefopt::to_text(shown) << '\n';
}

void run(const summarization_options& chosen, const experiment::judge_settings& judge,
         const experiment::options& o) {
  experiment::validate(o);
  if (o.threads > 0) omp_set_num_threads(o.threads);
  static_cast<void>(experiment::read_judge(judge, o));
  for (const double temperature : chosen.temperatures) {
    if (!(temperature >= 0 && std::isfinite(temperature))) {
      throw prefopt::usage_error("--temperatures: expected numbers that are not negative");
    }
  }
  auto identity = experiment::identity_of(o);
  identity.insert(identity.end(),
                  {experiment::file_setting("--posts", chosen.posts),
                   experiment::file_setting("--references", chosen.references),
                   {"--subreddits", fmt::format("{}", fmt::join(chosen.subreddits, ","))},
                   {"--post-tokens", fmt::format("{}", chosen.post_tokens)},
                   {"--cut", chosen.cut},
                   {"--temperatures", fmt::format("{}", fmt::join(chosen.temperatures, ","))}});
  // Whatever is wrong with the model or the data shows before the folder is made.
  experiment::check_run(o, identity);
  experiment::language base = experiment::open_language(o.model, tools::open_device(o.on, false));
  experiment::task task;
  task.name = "summarization";
  prompt_maker prompt_of(base.tokenizer, chosen);
  task.given = rated_summaries(chosen, o, prompt_of);
  experiment::summary_references references;
  references.temperatures = chosen.temperatures;
  add_references(chosen, o, prompt_of, task, references);
  std::cerr << fmt::format("posts: {} of {} cut to {} tokens\n", prompt_of.cut(), prompt_of.posts(),
                           chosen.post_tokens);
  task.score = [&](const std::string& prompt, const std::string& response) {
    return prefopt::rouge_l(response, references.by_prompt.at(prompt).summary).f;
  };
  task.score_name = "ROUGE-L F against the human summary";
  task.on_pairs = [&](const prefopt::preference_dataset& pairs) {
    print_offsets(pairs, fs::path(o.out) / "offsets.csv");
  };
  task.evaluate_more = [&](experiment::language& policy, const std::string& label,
                           const fs::path& folder) {
    experiment::write_summaries(policy, label, folder, references, o, task);
  };
  task.report_more = [&](const std::vector<experiment::point_result>& results) {
    experiment::report_summaries(results, references, judge, o, task);
  };
  const auto lock = experiment::start_run(o, identity);
  const bool risen = experiment::run_experiment(base, o, task);
  if (o.expect_rise && !risen) {
    throw prefopt::error("a reward did not rise: its interval does not lie above the one before");
  }
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app(
      "Summarization: fine-tunes a language model by DPO, ODPO and SLiC on summaries that people\n"
      "have scored (Amini et al. 2024, section 6.3). Every two summaries of a post with unequal\n"
      "scores are a pair; the offset is the logarithm of their difference. The policies' "
      "summaries\n"
      "of held-out posts, at several temperatures, are compared with those that people wrote: by "
      "a\n"
      "judge, if --judge-url names one, by ROUGE-L and by the log-prob of the human summary. The\n"
      "paper: GPT-J 6B tuned on TL;DR, beta 0.5, alpha 1, 100 held-out posts, temperatures 0 to "
      "1,\n"
      "GPT-4 as the judge. examples/presets/ has its settings as a file.",
      "summarization_odpo");
  summarization_options chosen;
  experiment::judge_settings judge;
  experiment::options common;
  common.prompts = 0;
  common.pair_sampler = "all";
  common.max_new_tokens = 48;
  const char* group = "Posts and summaries";
  app.add_option(
         "--posts", chosen.posts,
         "scored summaries: a JSON object {post: {\"responses\": [...], \"rewards\": [...]}}"
         " (plain, .gz, .xz, .zst)")
      ->required()
      ->check(CLI::ExistingFile)
      ->group(group);
  app.add_option("--references", chosen.references,
                 "other posts with the summaries that people wrote: one JSON object a line, with "
                 "\"instruction\" and \"gold_response\"")
      ->required()
      ->check(CLI::ExistingFile)
      ->group(group);
  app.add_option("--subreddits", chosen.subreddits,
                 "which of --references are used (paper: relationships, relationship_advice)")
      ->delimiter(',')
      ->capture_default_str()
      ->group(group);
  app.add_option("--post-tokens", chosen.post_tokens,
                 "longest post; a prompt is \"POST: \", the post and \"TL;DR:\"")
      ->check(CLI::Range(std::size_t{1}, std::size_t{1} << 20U))
      ->capture_default_str()
      ->group(group);
  app.add_option("--cut", chosen.cut, "which part of a longer post is left out")
      ->check(CLI::IsMember({"end", "beginning"}))
      ->capture_default_str()
      ->group(group);
  app.add_option("--temperatures", chosen.temperatures, "of the summaries that are compared")
      ->delimiter(',')
      ->capture_default_str()
      ->group(group);
  experiment::add_judge_options(app, judge);
  experiment::add_options(app, common, experiment::response_source::given);
  return experiment::run_program(app, argc, argv, [&] { run(chosen, judge, common); });
}
