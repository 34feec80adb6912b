#pragma once

#include <string>
#include <vector>

#include <prefopt/loss/any_pair_loss.hpp>

namespace prefopt {

/// A preset and its settings as options and configuration files spell them. A method reads the
/// settings that it has and ignores the others.
struct loss_settings {
  std::string method = "odpo";      ///< one of `loss_names()`
  std::string offset = "log-diff";  ///< one of `offset_names()`; odpo and softmax-margin
  double alpha = 1.0;               ///< odpo: factor of the offset
  double beta = 0.1;                ///< all but slic; ipo's tau
  double margin = 1.0;              ///< slic's delta, simpo's gamma
  double lambda = 0.0;              ///< slic's weight of the winner's likelihood
  double epsilon = 0.1;             ///< cdpo and robust-dpo: share of wrong labels
};

namespace detail {

template <class Value>
struct named {
  std::string name;
  Value value;
};

}  // namespace detail

/// The names that `named_loss` knows.
std::vector<std::string> loss_names();

std::vector<std::string> offset_names();

/// The loss of that name with those settings. Throws `usage_error` for a name that is not known or
/// a setting that cannot work.
any_pair_loss named_loss(const loss_settings& settings);

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/loss/named_loss.ipp>
#endif
