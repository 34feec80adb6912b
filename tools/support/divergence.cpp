#include "divergence.hpp"

#include <algorithm>
#include <cstddef>
#include <span>
#include <string_view>

#include <prefopt/core/error.hpp>
#include <prefopt/data/response_batch.hpp>
#include <prefopt/train/content_hash.hpp>
#include <prefopt/train/run_start.hpp>

#include "ranks.hpp"
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

/// The divergences of the rows from `first` on that have its prompt, and of as many prompts after
/// it as there are ranks: each computes one, and all get all.
std::vector<prefopt::response_kl> next_prompts(prefopt::any_transformer& policy,
                                               prefopt::any_transformer& reference,
                                               const kl_rows& rows, std::size_t first) {
  std::vector<double> values;  // four of each response
  const auto total = rows.prompts.size();
  for (std::size_t rank = 0; rank < ranks().size() && first < total; ++rank) {
    prefopt::response_batch batch{{{rows.prompts[first], {}}}};
    auto& group = batch.groups.back();
    for (; first < total && std::ranges::equal(rows.prompts[first], group.prompt); ++first) {
      group.responses.emplace_back(rows.responses[first]);
    }
    std::vector<prefopt::response_kl> own(group.responses.size());
    if (rank == ranks().rank()) {
      own = prefopt::kl_divergence(policy, reference, batch, {.bootstrap = {.resamples = 1}})
                .responses;
    }
    for (const prefopt::response_kl& kl : own) {
      values.insert(values.end(), {kl.exact, kl.k1, kl.k3, static_cast<double>(kl.tokens)});
    }
  }
  ranks().sum(std::span<double>(values));
  std::vector<prefopt::response_kl> all;
  for (std::size_t i = 0; i < values.size(); i += 4) {
    all.push_back(
        {values[i], values[i + 1], values[i + 2], static_cast<std::size_t>(values[i + 3])});
  }
  return all;
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
    found.resize(kept->done());
  }
  how.start = found.size();
  prefopt::progress shown("divergence", rows.prompts.size(), how);
  while (found.size() < rows.prompts.size()) {
    stop_if_asked();
    for (const prefopt::response_kl& each : next_prompts(policy, reference, rows, found.size())) {
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
