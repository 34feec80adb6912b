#include "side_by_side.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <iostream>

#include <prefopt/backend/eigen/eigen_backend.hpp>
#include <prefopt/backend/product_kind.hpp>
#include <prefopt/core/random.hpp>
#include <prefopt/loss/presets.hpp>
#include <prefopt/model/checkpoint.hpp>
#include <prefopt/model/load_weights.hpp>
#include <prefopt/train/adamw.hpp>
#include <prefopt/train/preference_trainer.hpp>

namespace side_by_side {

void add_dtype(CLI::App& app, std::string& dtype) {
  app.add_option("--dtype", dtype, "of the matrix products")
      ->check(CLI::IsMember({"fp32", "bf16"}))
      ->capture_default_str();
}

void use_dtype(const std::string& dtype) {
  prefopt::eigen_backend::use_products(dtype == "bf16" ? prefopt::product_kind::bfloat16
                                                       : prefopt::product_kind::float32);
}

prefopt::eigen_transformer load(const std::string& model) {
  return prefopt::load_transformer<prefopt::eigen_transformer>(prefopt::open_checkpoint(model));
}

prefopt::token_sequence random_tokens(std::size_t count, std::size_t vocabulary,
                                      std::uint32_t stream) {
  prefopt::random_stream random(0, stream);
  prefopt::token_sequence tokens(count);
  const auto bound = static_cast<std::uint32_t>(std::min<std::size_t>(vocabulary, 40000));
  for (prefopt::token_id& t : tokens) t = static_cast<prefopt::token_id>(random.below(bound));
  return tokens;
}

prefopt::preference_dataset random_pairs(std::size_t prompts, std::size_t per_prompt,
                                         std::size_t prompt, std::size_t response,
                                         std::size_t vocabulary) {
  prefopt::preference_dataset data;
  std::uint32_t stream = 0;
  for (std::size_t p = 0; p < prompts; ++p) {
    data.prompts.push_back(random_tokens(prompt, vocabulary, stream++));
    const std::size_t first = data.responses.size();
    for (std::size_t r = 0; r < per_prompt; ++r) {
      data.responses.push_back({p, random_tokens(response, vocabulary, stream++)});
      for (std::size_t other = first; other < first + r; ++other) {
        data.pairs.push_back({other, first + r});
      }
    }
  }
  return data;
}

step_times take_steps(prefopt::eigen_transformer& model, const prefopt::preference_dataset& data,
                      const steps& how) {
  step_times found;
  prefopt::training_options options;
  options.epochs = 0;
  options.max_steps = how.count + 1;
  options.batch_size = data.pairs.size();
  options.accumulation = how.accumulate;
  options.learning_rate = 5e-7;
  options.on_step = [&](std::size_t step, const prefopt::metric_list& metrics) {
    if (step == 1) how.after_first();
    for (const auto& [name, value] : metrics) {
      if (step == 1 && name == "loss") found.first_loss = value;
      if (step > 1 && name == "step_seconds") found.seconds.push_back(value);
    }
    return true;
  };
  prefopt::preference_trainer trainer(model, data, prefopt::dpo(0.1), options);
  prefopt::adamw optimizer;
  trainer.train(optimizer);
  return found;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

double median_seconds(std::size_t repeats, const std::function<void()>& work) {
  work();
  std::vector<double> times;
  for (std::size_t i = 0; i < repeats; ++i) {
    const auto began = std::chrono::steady_clock::now();
    work();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    times.push_back(took.count());
  }
  return median(times);
}

double peak_gb() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) * 1024 / 1e9;
}

int run(CLI::App& app, int argc, char** argv, const std::function<void()>& body) {
  CLI11_PARSE(app, argc, argv)
  try {
    body();
    return 0;
  } catch (const std::exception& problem) {
    std::cerr << app.get_name() << ": " << problem.what() << '\n';
    return 1;
  }
}

}  // namespace side_by_side
