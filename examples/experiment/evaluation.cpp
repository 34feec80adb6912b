#include "evaluation.hpp"

#include <utility>

#include <nlohmann/json.hpp>

#include <prefopt/core/atomic_file.hpp>
#include <prefopt/core/error.hpp>
#include <prefopt/core/progress.hpp>
#include <prefopt/data/response_batch.hpp>
#include <prefopt/data/scored_responses_file.hpp>
#include <prefopt/eval/kl.hpp>
#include <prefopt/model/json_file.hpp>

#include "responses.hpp"
#include "stopped.hpp"

namespace experiment {
namespace {

// The evaluation's random streams are none of those that training responses are sampled with.
constexpr std::uint64_t evaluation_streams = 0x65766131ULL << 32U;

/// Divergence of the policy from the reference over the sampled responses, prompt by prompt, so
/// that progress shows and a signal is heard.
void measure_divergence(evaluation& result, prefopt::any_transformer& policy,
                        prefopt::any_transformer& reference, const language& tokens_of,
                        std::span<const prefopt::scored_response> responses, const options& chosen,
                        const std::string& label) {
  std::vector<double> exact;
  std::vector<double> k1;
  std::vector<double> k3;
  std::vector<std::size_t> prompts;
  prefopt::kl_options how;
  if (chosen.kl_counting == "authors") {
    how.counting = prefopt::kl_counting::as_odpo_authors(end_tokens_of(tokens_of));
  }
  prefopt::progress shown(label + ": divergence", responses.size());
  for (std::size_t begin = 0; begin < responses.size(); begin += chosen.eval_responses) {
    stop_if_asked();
    const auto prompt =
        tokens_of.tokenizer.encode(responses[begin].prompt, {.special_tokens = false});
    prefopt::response_batch batch;
    auto& group = batch.groups.emplace_back();
    group.prompt = prompt;
    for (std::size_t r = begin; r < begin + chosen.eval_responses; ++r) {
      group.responses.emplace_back(responses[r].tokens);
    }
    const auto found = prefopt::kl_divergence(policy, reference, batch, how);
    for (const auto& each : found.responses) {
      exact.push_back(each.exact);
      k1.push_back(each.k1);
      k3.push_back(each.k3);
      prompts.push_back(begin / chosen.eval_responses);
    }
    shown.update(exact.size());
  }
  shown.finish();
  const prefopt::bootstrap_options intervals{.level = chosen.interval};
  result.kl = prefopt::bootstrap_mean(exact, prompts, intervals);
  result.k1 = prefopt::bootstrap_mean(k1, prompts, intervals);
  result.k3 = prefopt::bootstrap_mean(k3, prompts, intervals);
}

nlohmann::ordered_json to_json(const prefopt::mean_estimate& e) {
  return {{"mean", e.mean}, {"low", e.low}, {"high", e.high}, {"count", e.count}};
}

}  // namespace

evaluation evaluate(language& policy, prefopt::any_transformer* reference, const options& chosen,
                    const task& what, const std::string& label,
                    const std::filesystem::path& responses_file) {
  const sampling_request request{what.eval_prompts, chosen.eval_responses,
                                 chosen.seed + evaluation_streams, chosen.eval_sampling,
                                 label + ": sampling"};
  const auto responses = sample_and_score(policy, request, chosen, what);
  prefopt::write_scored_responses(responses_file, responses);
  evaluation result;
  std::vector<double> scores;
  std::vector<std::size_t> prompts;
  for (std::size_t r = 0; r < responses.size(); ++r) {
    scores.push_back(responses[r].score);
    prompts.push_back(r / chosen.eval_responses);
    result.tokens += static_cast<double>(responses[r].tokens.size());
  }
  result.tokens /= static_cast<double>(responses.size());
  result.reward = prefopt::bootstrap_mean(scores, prompts, {.level = chosen.interval});
  if (reference != nullptr && chosen.eval_sampling.plain()) {
    measure_divergence(result, policy.model, *reference, policy, responses, chosen, label);
  }
  return result;
}

void write_result(const std::filesystem::path& file, const point_result& result) {
  nlohmann::ordered_json json;
  json["method"] = result.point.method;
  json["offset"] = result.point.offset;
  json["alpha"] = result.point.alpha;
  json["beta"] = result.point.beta;
  json["margin"] = result.point.margin;
  json["lambda"] = result.point.lambda;
  json["pairs"] = result.point.pairs;
  json["seed"] = result.point.seed;
  json["reward"] = to_json(result.values.reward);
  json["kl"] = to_json(result.values.kl);
  json["kl_k1"] = to_json(result.values.k1);
  json["kl_k3"] = to_json(result.values.k3);
  json["tokens"] = result.values.tokens;
  json["training_seconds"] = result.training_seconds;
  json["evaluation_seconds"] = result.evaluation_seconds;
  prefopt::write_file_atomically(file, json.dump(2) + "\n");
}

point_result read_result(const std::filesystem::path& file, const sweep_point& point) {
  const auto json = prefopt::read_checkpoint_json(file);
  point_result result;
  result.point = point;
  try {
    const auto estimate = [&](const char* key) {
      const auto& e = json.at(key);
      return prefopt::mean_estimate{e.at("mean").get<double>(), e.at("low").get<double>(),
                                    e.at("high").get<double>(), e.at("count").get<std::size_t>()};
    };
    result.values.reward = estimate("reward");
    result.values.kl = estimate("kl");
    result.values.k1 = estimate("kl_k1");
    result.values.k3 = estimate("kl_k3");
    result.values.tokens = json.at("tokens").get<double>();
    result.training_seconds = json.at("training_seconds").get<double>();
    result.evaluation_seconds = json.at("evaluation_seconds").get<double>();
  } catch (const nlohmann::json::exception& problem) {
    throw prefopt::data_error(file.string(), 0, "", problem.what());
  }
  return result;
}

}  // namespace experiment
