#include "profile_table.hpp"

#include <algorithm>
#include <ostream>
#include <string>
#include <vector>

#include <fmt/format.h>

namespace tools {

void print_profile(std::ostream& out, const prefopt::operation_profile& profile) {
  const double all = profile.seconds();
  std::vector<prefopt::operation_profile::row> rows = profile.rows();
  std::stable_sort(rows.begin(), rows.end(),
                   [](const auto& a, const auto& b) { return a.seconds > b.seconds; });
  double outside = all;
  out << fmt::format("{:<24} {:>9} {:>10} {:>7} {:>9} {:>7}\n", "operation", "calls", "seconds",
                     "share", "GFLOP/s", "GB/s");
  const auto rate = [](double work, double seconds) {
    return work > 0 ? fmt::format("{:.1f}", work / seconds / 1e9) : std::string();
  };
  for (const auto& row : rows) {
    outside -= row.seconds;
    out << fmt::format("{:<24} {:>9} {:>10.3f} {:>6.1f}% {:>9} {:>7}\n", row.name, row.calls,
                       row.seconds, 100 * row.seconds / all, rate(row.work.products, row.seconds),
                       rate(row.work.bytes, row.seconds));
  }
  out << fmt::format("{:<24} {:>9} {:>10.3f} {:>6.1f}%\n{:<24} {:>9} {:>10.3f}\n",
                     "between operations", "", outside, 100 * outside / all, "all", "", all);
}

}  // namespace tools
