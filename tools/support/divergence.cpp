#include "divergence.hpp"

#include <cstddef>
#include <span>
#include <string_view>

#include <prefopt/core/error.hpp>
#include <prefopt/data/response_batch.hpp>
#include <prefopt/train/content_hash.hpp>
#include <prefopt/train/run_start.hpp>

#include "stopped.hpp"

namespace tools {
namespace {

prefopt::response_kl kl_of(const json& row) {
  try {
    return {row.at("kl").get<double>(), row.at("kl_k1").get<double>(),
            row.at("kl_k3").get<double>(), row.at("tokens").get<std::size_t>()};
  } catch (const json::exception& problem) {
    throw prefopt::usage_error(std::string("a row of the .partial file: ") + problem.what());
  }
}

}  // namespace

std::string identity_of(prefopt::any_transformer& policy, prefopt::any_transformer& reference,
                        const kl_rows& rows, const device_settings& on) {
  prefopt::content_hash hash;
  hash.add(std::string_view(identity_of(on)));
  hash.add(std::string_view(prefopt::hash_of_start(policy)));
  hash.add(std::string_view(prefopt::hash_of_start(reference)));
  for (const auto* list : {&rows.prompts, &rows.responses}) {
    for (const auto& tokens : *list) hash.add(std::span<const prefopt::token_id>(tokens));
  }
  return "evaluate " + hash.text();
}

std::vector<prefopt::response_kl> measure_divergence(prefopt::any_transformer& policy,
                                                     prefopt::any_transformer& reference,
                                                     const kl_rows& rows,
                                                     prefopt::progress_options how,
                                                     std::optional<row_output>& kept) {
  std::vector<prefopt::response_kl> found;
  if (kept) {
    for (const json& row : kept->rows()) found.push_back(kl_of(row));
  }
  how.start = found.size();
  prefopt::progress shown("divergence", rows.prompts.size(), how);
  while (found.size() < rows.prompts.size()) {
    stop_if_asked();
    const auto& prompt = rows.prompts[found.size()];
    prefopt::response_batch batch;
    batch.groups.push_back({prompt, {}});
    for (std::size_t i = found.size(); i < rows.prompts.size() && rows.prompts[i] == prompt; ++i) {
      batch.groups.back().responses.emplace_back(rows.responses[i]);
    }
    const auto kl =
        prefopt::kl_divergence(policy, reference, batch, {.bootstrap = {.resamples = 1}});
    for (const prefopt::response_kl& each : kl.responses) {
      found.push_back(each);
      if (!kept) continue;
      kept->write(
          {{"kl", each.exact}, {"kl_k1", each.k1}, {"kl_k3", each.k3}, {"tokens", each.tokens}});
    }
    if (kept) kept->flush();
    shown.update(found.size());
  }
  shown.finish();
  return found;
}

}  // namespace tools
