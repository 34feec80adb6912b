#pragma once

#include <optional>
#include <string>
#include <vector>

#include <prefopt/core/progress.hpp>
#include <prefopt/data/token.hpp>
#include <prefopt/eval/kl.hpp>
#include <prefopt/model/any_transformer.hpp>

#include "device.hpp"
#include "row_output.hpp"

namespace tools {

/// Responses and their prompts, one of each a row.
struct kl_rows {
  std::vector<prefopt::token_sequence> prompts;
  std::vector<prefopt::token_sequence> responses;
};

/// Says what the divergences depend on.
std::string identity_of(prefopt::any_transformer& policy, prefopt::any_transformer& reference,
                        const kl_rows& rows, const device_settings& on);

/// The divergence at every response, in order. `kept`, where it is one, gets a row for each, and
/// those that it holds already are not computed again. Prompts are shared among the ranks; the
/// first has all of the result. Throws `stopped` at a signal.
std::vector<prefopt::response_kl> measure_divergence(prefopt::any_transformer& policy,
                                                     prefopt::any_transformer& reference,
                                                     const kl_rows& rows,
                                                     prefopt::progress_options how,
                                                     std::optional<row_output>& kept);

}  // namespace tools
