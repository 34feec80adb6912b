#include "judging.hpp"

#include <cstdlib>
#include <filesystem>
#include <iostream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <prefopt/core/error.hpp>
#include <prefopt/eval/chat_http.hpp>
#include <prefopt/train/stop_signal.hpp>

namespace experiment {

void add_judge_options(CLI::App& app, judge_settings& o) {
  const char* group = "Judge (may be added to a finished run with --resume)";
  const auto positive = CLI::Range(std::size_t{1}, std::size_t{1} << 30U);
  app.add_option("--judge-url", o.url,
                 "an OpenAI-compatible endpoint, e.g. http://localhost:8080/v1; without it nothing "
                 "is judged")
      ->group(group);
  app.add_option("--judge-model", o.model, "the model's name there")->group(group);
  app.add_option("--judge-key-variable", o.key_variable,
                 "environment variable with the key; where it is not set, none is sent")
      ->capture_default_str()
      ->group(group);
  app.add_option("--judge-prompt", o.question,
                 "file with the question: a text with <post>, <summary_a>, <summary_b>")
      ->check(CLI::ExistingFile)
      ->group(group);
  app.add_option("--judge-order", o.order,
                 "random: which summary is A is drawn by --seed (paper); both: asked both ways "
                 "round, a tie unless they agree")
      ->check(CLI::IsMember({"random", "both"}))
      ->capture_default_str()
      ->group(group);
  app.add_option("--judge-cache", o.cache,
                 "file of answers, so that none is paid for twice "
                 "(default: judge.jsonl in --out)")
      ->group(group);
  app.add_option("--judge-parallel", o.parallel, "most requests under way at once")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str()
      ->group(group);
  app.add_option("--judge-asks", o.asks, "how often an answer that cannot be read is asked for")
      ->check(positive)
      ->capture_default_str()
      ->group(group);
  app.add_option("--judge-tries", o.tries, "of a request that fails")
      ->check(positive)
      ->capture_default_str()
      ->group(group);
  app.add_option("--judge-first-wait", o.first_wait,
                 "seconds before the second try; doubled with each")
      ->check(CLI::Range(0.0, 3600.0))
      ->capture_default_str()
      ->group(group);
  app.add_option("--judge-timeout", o.timeout, "seconds for an answer")
      ->check(CLI::Range(0.001, 86400.0))
      ->capture_default_str()
      ->group(group);
  app.add_option("--judge-temperature", o.temperature)
      ->check(CLI::Range(0.0, 10.0))
      ->capture_default_str()
      ->group(group);
  app.add_option("--judge-max-tokens", o.max_tokens, "longest answer")
      ->check(positive)
      ->capture_default_str()
      ->group(group);
  app.add_option("--judge-request", o.extra,
                 "JSON that is merged into every request, e.g. {\"max_tokens\": null, "
                 "\"max_completion_tokens\": 500}")
      ->group(group);
  app.add_option("--judge-certificates", o.certificates, "PEM file of certificates to trust")
      ->check(CLI::ExistingFile)
      ->group(group);
  app.add_option("--judge-price-prompt", o.price_prompt, "of a million prompt tokens")
      ->check(CLI::Range(0.0, 1e6))
      ->capture_default_str()
      ->group(group);
  app.add_option("--judge-price-answer", o.price_completion, "of a million tokens of answers")
      ->check(CLI::Range(0.0, 1e6))
      ->capture_default_str()
      ->group(group);
}

std::optional<prefopt::chat_judge_options> read_judge(const judge_settings& o, const options& run) {
  if (o.url.empty()) {
    if (!o.model.empty()) throw prefopt::usage_error("--judge-model needs --judge-url");
    return std::nullopt;
  }
  if (o.model.empty()) throw prefopt::usage_error("--judge-url needs --judge-model");
  prefopt::chat_judge_options how;
  how.chat.model = o.model;
  how.chat.temperature = o.temperature;
  how.chat.max_tokens = o.max_tokens;
  if (!o.extra.empty()) {
    how.chat.extra = nlohmann::json::parse(o.extra, nullptr, false);
    if (!how.chat.extra.is_object()) {
      throw prefopt::usage_error("--judge-request is '" + o.extra + "'; expected a JSON object");
    }
  }
  if (!o.question.empty()) how.question = prefopt::judge_prompt::load(o.question);
  how.asks = o.asks;
  how.parallel = o.parallel;
  how.retry.tries = o.tries;
  how.retry.first_wait = o.first_wait;
  how.retry.stop_asked = [] { return prefopt::stop_signal::pending() != 0; };
  how.cache = o.cache.empty() ? std::filesystem::path(run.out) / "judge.jsonl"
                              : std::filesystem::path(o.cache);
  how.price_prompt = o.price_prompt;
  how.price_completion = o.price_completion;
  static_cast<void>(judge_transport(o));  // what is wrong with the address shows now
  return how;
}

prefopt::chat_transport judge_transport(const judge_settings& o) {
  const char* key = std::getenv(o.key_variable.c_str());
  return prefopt::chat_over_http({.url = o.url,
                                  .key = key != nullptr ? key : "",
                                  .timeout = o.timeout,
                                  .certificates = o.certificates});
}

prefopt::win_rate_options judge_win_rate(const judge_settings& o, const options& run) {
  return {.order = o.order == "both" ? prefopt::judge_order::both : prefopt::judge_order::random,
          .seed = run.seed,
          .bootstrap = {.level = run.interval}};
}

void print_usage(const prefopt::chat_usage& u, const judge_settings& chosen) {
  std::cout << fmt::format(
      "Judge: {} questions, {} without a readable answer; {} answers asked of {}, {} known before; "
      "{} asked again, {} requests repeated\n",
      u.questions, u.unparsed, u.requests, chosen.model, u.cached, u.asked_again, u.retries);
  std::cout << fmt::format("Judge: {} prompt tokens, {} answer tokens", u.prompt_tokens,
                           u.completion_tokens);
  if (chosen.price_prompt > 0 || chosen.price_completion > 0) {
    std::cout << fmt::format(", {:.4f} at the prices given", u.cost);
  }
  std::cout << '\n';
}

}  // namespace experiment
