#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <iostream>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <prefopt/core/error.hpp>
#include <prefopt/data/json_row.hpp>
#include <prefopt/train/sft_trainer.hpp>
#include <prefopt/train/sharded.hpp>

#include "commands.hpp"
#include "support/adapter_settings.hpp"
#include "support/input_rows.hpp"
#include "support/language.hpp"
#include "support/length_table.hpp"
#include "support/ranks.hpp"
#include "support/run_settings.hpp"
#include "support/stopped.hpp"
#include "support/text_coding.hpp"
#include "support/training_memory.hpp"
#include "support/training_settings.hpp"

namespace tools {
namespace {

namespace fs = std::filesystem;

struct sft_settings {
  std::string model;
  fs::path data;
  fs::path held_out;
  bool dry_run = false;
  std::size_t max_tokens = 0;
  text_settings text{.truncate = "left"};
  adapter_settings adapter;
  training_settings training;
  run_settings run;
};

struct text_data {
  std::vector<prefopt::sft_example> examples;
  lengths all{"texts", {}, 0};
  std::size_t cut = 0;
};

/// A text, or a prompt and a response, as an example of at most `limit` tokens.
prefopt::sft_example example_of(const prefopt::json_row& row, const text_coding& coding,
                                const sft_settings& chosen, std::size_t limit, text_data& data) {
  const auto cut_end = [&](prefopt::token_sequence& ids, std::size_t room, const char* field) {
    if (ids.size() <= room) return;
    if (chosen.text.truncate == "refuse") {
      row.fail(field,
               fmt::format("has {} tokens, more than {}; --truncate left or right cuts its end",
                           ids.size(), room));
    }
    ids.resize(room);
  };
  if (auto text = row.find_text("text")) {
    auto ids = coding.code_text(*text);
    data.all.values.push_back(ids.size());
    cut_end(ids, limit, "text");
    if (ids.size() < 2) row.fail("text", "has fewer than two tokens, so there is nothing to learn");
    return prefopt::example_of_text(ids);
  }
  auto prompt = coding.read_prompt(row).ids;
  auto response = coding.read_response(row);
  data.all.values.push_back(prompt.size() + response.size());
  cut_end(response, limit - 1, "response");
  try {
    coding.fit_prompt(prompt, limit - response.size());
  } catch (const prefopt::usage_error& problem) {
    row.fail("prompt", problem.what());
  }
  return {std::move(prompt), std::move(response)};
}

text_data read_texts(const fs::path& file, const opened_language& opened,
                     const sft_settings& chosen, std::size_t limit) {
  const text_coding coding(opened, chosen.text);
  text_data data;
  data.all.limit = limit;
  for_each_row(file, [&](const prefopt::json_row& row) {
    refuse_chat(row);
    data.examples.push_back(example_of(row, coding, chosen, limit, data));
  });
  for (const std::size_t length : data.all.values) data.cut += length > limit ? 1 : 0;
  std::cout << fmt::format("{}: {} texts; cut to {} tokens: {}\n", file.string(),
                           data.examples.size(), limit, data.cut);
  return data;
}

void sft(const sft_settings& chosen) {
  chosen.run.apply();
  if (!chosen.dry_run) check_out(chosen.training);
  prefopt::training_options options = training_options_of(chosen.training, chosen.run, "sft");
  options.keep_checkpoints = 1;
  const opened_language opened = open_language(chosen.model);
  const std::size_t window = opened.checkpoint.config.max_positions;
  const std::size_t limit =
      chosen.max_tokens == 0 ? std::min<std::size_t>(1024, window) : chosen.max_tokens;
  if (limit < 2 || limit > window) {
    throw prefopt::usage_error(fmt::format(
        "--max-tokens is {}; expected 2 to the model's window of {} tokens", limit, window));
  }
  const text_data data = read_texts(chosen.data, opened, chosen, limit);
  text_data held_out;
  if (!chosen.held_out.empty()) held_out = read_texts(chosen.held_out, opened, chosen, limit);
  if (chosen.dry_run) {
    std::vector<std::size_t> sizes;
    for (const std::size_t length : data.all.values) sizes.push_back(std::min(length, limit));
    std::sort(sizes.rbegin(), sizes.rend());
    const std::size_t a_part =
        (options.batch_size + options.accumulation - 1) / options.accumulation;
    std::size_t tokens = 0;  // of a part of the longest texts
    for (std::size_t i = 0; i < std::min(a_part, sizes.size()); ++i) tokens += sizes[i];
    if (options.part_tokens != 0 && !sizes.empty()) {
      tokens = std::min(tokens, std::max(options.part_tokens, sizes.front()));
    }
    std::cout << '\n'
              << length_table({data.all}) << '\n'
              << to_text(memory_of_training(opened.checkpoint.config,
                                            memory_plan_of(chosen.training,
                                                           trained_numbers(opened, chosen.adapter),
                                                           tokens, place_of(chosen.run.on))),
                         tokens)
              << "dry run: nothing was trained and nothing written\n";
    return;
  }
  const device on = chosen.run.open_device();
  prefopt::any_transformer model = load_model(opened, on);
  add_adapter(model, opened, chosen.adapter, chosen.training.seed);
  model.checkpoint_activations(chosen.training.checkpoint_activations);
  prefopt::sft_trainer trainer(model, std::span<const prefopt::sft_example>(data.examples),
                               options);
  if (!held_out.examples.empty()) trainer.evaluate_on(held_out.examples);
  prefopt::sharded optimizer(optimizer_of(chosen.training, on), ranks());
  const prefopt::training_result result = trainer.train(optimizer, ranks());
  if (result.signal != 0) throw stopped(result.signal);
  on_first_rank([&] {
    save_trained(chosen.training.out, model, opened, chosen.training.dtype);
    static constexpr const char* metrics[] = {"loss", "grad_norm"};
    std::cout << training_report(chosen.training.out, metrics);
    if (chosen.adapter.rank > 0) {
      std::cout << "adapter     " << (chosen.training.out / "adapter").string() << '\n';
    }
  });
}

}  // namespace

std::function<void()> define_sft(command& to) {
  auto chosen = std::make_shared<sft_settings>();
  to.describe(
      "Supervised fine-tuning: trains a model on texts, JSON Lines with text, or with prompt and\n"
      "response (or completion), of which the response alone is learnt. The end token is put "
      "after\n"
      "each. --out gets the model that transformers loads (checkpoint/), metrics and curves.",
      "prefopt sft --model gpt2 --data texts.jsonl --epochs 3 --out runs/sft");
  to.add("--model", chosen->model,
         "what is trained: checkpoint folder, GGUF file, or name in "
         "Hugging Face's cache")
      .required();
  to.add("--data", chosen->data, "texts to train on, JSON Lines").required();
  to.add("--held-out", chosen->held_out, "texts that are not trained on; their loss is shown");
  to.flag("--dry-run", chosen->dry_run,
          "print lengths, what would be cut and the memory needed, and train nothing");
  add_output_options(to, chosen->training);
  to.resumes_when([chosen] { return !chosen->dry_run; });
  to.shares_work();
  to.group("Texts");
  to.add(
      "--max-tokens", chosen->max_tokens,
      "of prompt and response together; 0: 1024, or the model's window if that is less. A longer "
      "text or response loses its end");
  add_prompt_options(to, chosen->text);
  add_response_options(to, chosen->text);
  add_options(to, chosen->adapter);
  add_optimization_options(to, chosen->training, "texts");
  add_options(to, chosen->run);
  return [chosen] { sft(*chosen); };
}

}  // namespace tools
