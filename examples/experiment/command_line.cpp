#include "command_line.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <csignal>
#include <cstdint>
#include <string>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include <prefopt/core/error.hpp>
#include <prefopt/loss/named_loss.hpp>
#include <prefopt/pair/named_sampler.hpp>
#include <prefopt/sample/sampling_options.hpp>

#include "support/exit_code.hpp"

namespace experiment {
namespace {

void add_model_options(CLI::App& app, options& o) {
  const char* group = "Model and run";
  app.add_option("--model", o.model,
                 "a checkpoint folder (Hugging Face format), a GGUF file, or 'embedded'")
      ->required()
      ->group(group);
  app.add_option("--out", o.out, "folder for everything that the run writes")
      ->required()
      ->group(group);
  app.add_flag("--resume", o.resume, "go on with the run in --out; what is done is not done again")
      ->group(group);
  app.add_option("--seed", o.seed, "seed of the sampled responses")
      ->capture_default_str()
      ->group(group);
  app.add_option("--threads", o.threads, "0: as many as there are processors")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str()
      ->group(group);
  app.add_option("--device", o.on.device, tools::device_help)->capture_default_str()->group(group);
  app.add_option("--precision", o.on.precision, tools::precision_help)
      ->check(CLI::IsMember({"float32", "tf32", "bfloat16"}))
      ->capture_default_str()
      ->group(group);
  app.add_flag("--profile", o.on.profile, tools::profile_help)->group(group);
}

void add_drawing(CLI::App& app, const char* group, const std::string& prefix, drawing& d) {
  app.add_option("--" + prefix + "temperature", d.temperature, "of sampling; 0 is greedy")
      ->capture_default_str()
      ->group(group);
  app.add_option("--" + prefix + "top-p", d.top_p,
                 "sample from the smallest set of this probability")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str()
      ->group(group);
  app.add_option("--" + prefix + "top-k", d.top_k,
                 "sample from the k likeliest tokens; 0: from all (authors' code: 50)")
      ->capture_default_str()
      ->group(group);
}

void add_pair_options(CLI::App& app, options& o, response_source source) {
  const char* group = "Responses and pairs";
  const auto positive = CLI::Range(std::size_t{1}, std::size_t{1} << 40U);
  const bool sampled = source == response_source::sampled;
  app.add_option("--prompts", o.prompts,
                 sampled ? "prompts to sample training responses for"
                         : "prompts whose responses are used, chosen by --seed; 0: all")
      ->check(CLI::Range(std::size_t{sampled ? 1U : 0U}, std::size_t{1} << 40U))
      ->capture_default_str()
      ->group(group);
  if (sampled) {
    app.add_option("--responses", o.responses, "responses a prompt (paper: 2)")
        ->check(CLI::Range(2, 1000))
        ->capture_default_str()
        ->group(group);
  }
  app.add_option("--max-new-tokens", o.max_new_tokens, "longest response")
      ->check(positive)
      ->capture_default_str()
      ->group(group);
  if (sampled) add_drawing(app, group, "", o.sampling);
  app.add_option("--batch-rows", o.batch_rows, "responses sampled side by side")
      ->check(positive)
      ->capture_default_str()
      ->group(group);
  app.add_option("--pair-sampler", o.pair_sampler, "which responses of a prompt become pairs")
      ->check(CLI::IsMember(prefopt::sampler_names()))
      ->capture_default_str()
      ->group(group);
  app.add_option("--pairs-per-prompt", o.pairs_per_prompt,
                 "best-vs-worst: the k best against the k worst; random: k pairs")
      ->check(positive)
      ->capture_default_str()
      ->group(group);
}

void add_training_options(CLI::App& app, options& o) {
  const char* group = "Preference training (lists make a sweep)";
  const auto positive = CLI::Range(std::size_t{1}, std::size_t{1} << 40U);
  const auto list = [&](CLI::Option* option) {
    option->delimiter(',')->capture_default_str()->group(group);
  };
  list(app.add_option("--method", o.methods,
                      "dpo, odpo, slic, ipo, cdpo, ... (a wrong name lists all)")
           ->check(CLI::IsMember(prefopt::loss_names())));
  list(app.add_option("--offset", o.offsets, "ODPO's f: log-diff (paper), diff-log, identity")
           ->check(CLI::IsMember(prefopt::offset_names())));
  list(app.add_option("--alpha", o.alphas, "ODPO's factor of the offset (paper: 1)"));
  list(app.add_option("--beta", o.betas, "strength of the tie to the reference"));
  list(app.add_option("--pairs", o.pairs, "how many pairs to train on; 0: all"));
  list(app.add_option("--seeds", o.seeds, "of the choice and order of pairs"));
  list(app.add_option("--margin", o.margins, "SLiC's delta (paper: 1), SimPO's gamma"));
  list(app.add_option("--lambda", o.lambdas, "weight of SLiC's likelihood of the winner"));
  app.add_option("--epsilon", o.epsilon, "share of wrong labels: cdpo, robust-dpo")
      ->capture_default_str()
      ->group(group);
  app.add_option("--optimizer", o.optimizer, "adamw, rmsprop (the authors' code), sgd")
      ->check(CLI::IsMember({"adamw", "rmsprop", "sgd"}))
      ->capture_default_str()
      ->group(group);
  app.add_option("--schedule", o.schedule, "of the learning rate after the warm-up")
      ->check(CLI::IsMember({"constant", "linear", "cosine"}))
      ->capture_default_str()
      ->group(group);
  app.add_option("--learning-rate", o.learning_rate, "after the warm-up (authors' code: 5e-7)")
      ->capture_default_str()
      ->group(group);
  app.add_option("--warmup-steps", o.warmup_steps, "steps of linear warm-up (authors' code: 150)")
      ->capture_default_str()
      ->group(group);
  app.add_option("--clip", o.clip, "largest gradient norm (authors' code: 10); 0: no clipping")
      ->capture_default_str()
      ->group(group);
  app.add_option("--batch", o.batch, "pairs a step (authors' code: 64)")
      ->check(positive)
      ->capture_default_str()
      ->group(group);
  app.add_option("--accumulate", o.accumulate, "parts that a step's pairs are computed in")
      ->check(positive)
      ->capture_default_str()
      ->group(group);
  app.add_option("--epochs", o.epochs)->check(positive)->capture_default_str()->group(group);
  app.add_option("--save-every", o.save_every, "steps between checkpoints of a run; 0: none")
      ->capture_default_str()
      ->group(group);
  app.add_flag("--keep-models,!--no-keep-models", o.keep_models,
               "save every fine-tuned model (default); a large sweep may not want to")
      ->group(group);
}

void add_sft_options(CLI::App& app, options& o) {
  const char* group = "Supervised fine-tuning before it";
  app.add_flag("--sft", o.sft, "fine-tune on the task's texts first; the result is the reference")
      ->group(group);
  app.add_option("--sft-texts", o.sft_texts, "texts to tune on (paper: all 25,000 reviews)")
      ->capture_default_str()
      ->group(group);
  app.add_option("--sft-tokens", o.sft_tokens, "tokens of a text that are used")
      ->check(CLI::Range(2, 1 << 20))
      ->capture_default_str()
      ->group(group);
  app.add_option("--sft-batch", o.sft_batch, "texts a step")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str()
      ->group(group);
  app.add_option("--sft-epochs", o.sft_epochs)
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str()
      ->group(group);
  app.add_option("--sft-learning-rate", o.sft_learning_rate)->capture_default_str()->group(group);
}

void add_evaluation_options(CLI::App& app, options& o) {
  const char* group = "Evaluation";
  app.add_option("--eval-prompts", o.eval_prompts, "held-out prompts (paper: 256)")
      ->check(CLI::Range(std::size_t{1}, std::size_t{1} << 40U))
      ->capture_default_str()
      ->group(group);
  app.add_option("--eval-responses", o.eval_responses, "responses to each")
      ->check(CLI::Range(std::size_t{1}, std::size_t{1} << 20U))
      ->capture_default_str()
      ->group(group);
  add_drawing(app, group, "eval-", o.eval_sampling);
  app.add_option(
         "--kl-counting", o.kl_counting,
         "tokens that the divergence counts: the response's with its end token, or, as the\n"
         "authors' code does, the prompt's and the response's without it")
      ->check(CLI::IsMember({"response", "authors"}))
      ->capture_default_str()
      ->group(group);
  app.add_option("--interval", o.interval, "level of the bootstrap intervals (paper: 0.9)")
      ->check(CLI::Range(0.5, 0.999))
      ->capture_default_str()
      ->group(group);
  app.add_flag("--expect-rise", o.expect_rise,
               "fail unless every method's reward interval ends up above the one before")
      ->group(group);
}

/// Numbers that count or name something: CLI11 reads "-1" as the largest of them.
void refuse_wrapped_numbers(CLI::App& app) {
  const CLI::Validator whole(
      [](const std::string& text) {
        std::uint64_t value = 0;
        const char* const end = text.data() + text.size();
        const auto parsed = std::from_chars(text.data(), end, value);
        return parsed.ec == std::errc() && parsed.ptr == end
                   ? std::string()
                   : "'" + text + "' is not a whole number from 0 to 18446744073709551615";
      },
      "");
  for (CLI::Option* option : app.get_options()) {
    if (option->get_type_name().starts_with("UINT")) option->check(whole);
  }
}

}  // namespace

void add_options(CLI::App& app, options& chosen, response_source source) {
  app.allow_config_extras(false);
  app.set_config("--config", "", "TOML file with any of these options; the command line wins");
  app.get_formatter()->column_width(34);
  add_model_options(app, chosen);
  add_pair_options(app, chosen, source);
  add_training_options(app, chosen);
  add_sft_options(app, chosen);
  add_evaluation_options(app, chosen);
  refuse_wrapped_numbers(app);
}

void validate(const options& o) {
  tools::validate(o.on);
  const auto number = [](const char* name, double value, bool above_zero) {
    if (std::isfinite(value) && (above_zero ? value > 0 : value >= 0)) return;
    throw prefopt::usage_error(std::string(name) + " is " + std::to_string(value) +
                               "; expected a " + (above_zero ? "positive" : "non-negative") +
                               " finite number");
  };
  for (const double beta : o.betas) number("--beta", beta, true);
  for (const double alpha : o.alphas) number("--alpha", alpha, false);
  for (const double margin : o.margins) number("--margin", margin, false);
  for (const double lambda : o.lambdas) number("--lambda", lambda, false);
  number("--clip", o.clip, false);
  for (const auto& [name, rate] : {std::pair("--learning-rate", o.learning_rate),
                                   std::pair("--sft-learning-rate", o.sft_learning_rate)}) {
    number(name, rate, true);
    if (rate > 1)
      throw prefopt::usage_error(fmt::format("{} is {}; expected at most 1", name, rate));
  }
  if (!(o.interval > 0 && o.interval < 1)) {
    throw prefopt::usage_error("--interval must lie between 0 and 1");
  }
  for (const drawing& d : {o.sampling, o.eval_sampling}) {
    prefopt::validate(prefopt::sampling_options{.temperature = d.temperature,
                                                .top_k = d.top_k,
                                                .top_p = d.top_p,
                                                .max_new_tokens = o.max_new_tokens,
                                                .responses = o.responses,
                                                .batch_rows = o.batch_rows});
  }
  if (o.pair_sampler == "best-vs-worst" && 2 * o.pairs_per_prompt > o.responses) {
    throw prefopt::usage_error("--pairs-per-prompt " + std::to_string(o.pairs_per_prompt) +
                               " needs --responses of at least twice as many, not " +
                               std::to_string(o.responses));
  }
  if (o.accumulate > o.batch) {
    throw prefopt::usage_error("--accumulate must not exceed --batch");
  }
}

int run_program(CLI::App& app, int argc, char** argv, const std::function<void()>& body) {
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& problem) {
    const int code = app.exit(problem);  // --help goes to stdout with 0, errors to stderr
    return code == 0 ? 0 : 2;
  }
  std::signal(SIGPIPE, SIG_IGN);  // a judge's server that hangs up is an error of that request
  return tools::exit_code_of(app.get_name(), body);
}

}  // namespace experiment
