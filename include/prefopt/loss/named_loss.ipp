#pragma once

#include <prefopt/loss/named_loss.hpp>

#include <functional>
#include <utility>

#include <prefopt/core/config.hpp>
#include <prefopt/core/error.hpp>
#include <prefopt/loss/presets.hpp>
#include <prefopt/offset/clamped.hpp>
#include <prefopt/offset/diff_log.hpp>
#include <prefopt/offset/identity.hpp>
#include <prefopt/offset/log_diff.hpp>

namespace prefopt {

namespace detail {

using loss_maker = std::function<any_pair_loss(const loss_settings&)>;

/// Calls `use` with the offset of that name, or throws `usage_error` with the names there are.
template <class Use>
any_pair_loss with_offset(const std::string& name, Use use) {
  if (name == "log-diff") return use(log_diff{});
  if (name == "diff-log") return use(diff_log{});
  if (name == "identity") return use(identity{});
  throw usage_error("there is no offset '" + name + "'; known: log-diff, diff-log, identity");
}

inline const std::vector<named<loss_maker>>& loss_table() {
  static const std::vector<named<loss_maker>> table = {
      {"dpo", [](const loss_settings& s) { return dpo(s.beta); }},
      {"odpo",
       [](const loss_settings& s) {
         return with_offset(s.offset,
                            [&](auto f) -> any_pair_loss { return odpo(s.beta, s.alpha, f); });
       }},
      {"slic", [](const loss_settings& s) { return slic(s.margin, s.lambda); }},
      {"ipo", [](const loss_settings& s) { return ipo(s.beta); }},
      {"cdpo", [](const loss_settings& s) { return cdpo(s.beta, s.epsilon); }},
      {"robust-dpo", [](const loss_settings& s) { return robust_dpo(s.beta, s.epsilon); }},
      {"rso", [](const loss_settings& s) { return rso(s.beta); }},
      {"simpo", [](const loss_settings& s) { return simpo(s.beta, s.margin); }},
      {"softmax-margin",
       [](const loss_settings& s) {
         return with_offset(s.offset,
                            [&](auto f) -> any_pair_loss { return softmax_margin(f, s.beta); });
       }},
  };
  return table;
}

}  // namespace detail

PREFOPT_INLINE std::vector<std::string> loss_names() {
  std::vector<std::string> names;
  for (const auto& entry : detail::loss_table()) names.push_back(entry.name);
  return names;
}

PREFOPT_INLINE std::vector<std::string> offset_names() {
  return {"log-diff", "diff-log", "identity"};
}

PREFOPT_INLINE any_pair_loss named_loss(const loss_settings& settings) {
  std::string known;
  // The formulas allow these; as a setting that someone typed, a minus sign is a mistake.
  for (const auto& [name, value] : {std::pair{"alpha", settings.alpha},
                                    {"lambda", settings.lambda},
                                    {"margin", settings.margin}}) {
    if (!(value >= 0)) {
      throw usage_error(std::string(name) + " must not be negative, but is " +
                        std::to_string(value));
    }
  }
  for (const auto& entry : detail::loss_table()) {
    if (entry.name == settings.method) return entry.value(settings);
    known += (known.empty() ? "" : ", ") + entry.name;
  }
  throw usage_error("there is no method '" + settings.method + "'; known: " + known);
}

}  // namespace prefopt
