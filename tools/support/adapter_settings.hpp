#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

#include "command.hpp"
#include "language.hpp"

namespace tools {

/// A low-rank adapter to train instead of the whole model, as options spell it.
struct adapter_settings {
  std::size_t rank = 0;  ///< 0: no adapter, the model itself is trained
  double alpha = 16.0;
  std::string targets = "all-linear";
  bool rank_stabilized = false;
};

void add_options(command& to, adapter_settings& settings);

/// Adds the adapter to a model that was loaded from `opened`, if there is to be one. Throws
/// `usage_error`, which lists the model's modules for a target that is none of them.
void add_adapter(prefopt::any_transformer& model, const opened_language& opened,
                 const adapter_settings& settings, std::size_t seed);

/// How many numbers are trained of a model with these settings.
double trained_numbers(const opened_language& opened, const adapter_settings& settings);

/// Writes what was trained below `out`: the model that transformers loads to checkpoint/, and an
/// adapter, which is part of the model from now on, as PEFT loads it to adapter/.
void save_trained(const std::filesystem::path& out, prefopt::any_transformer& model,
                  const opened_language& opened, const std::string& dtype);

}  // namespace tools
