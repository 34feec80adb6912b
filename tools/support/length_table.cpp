#include "length_table.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include <prefopt/eval/report.hpp>

namespace tools {

std::string length_table(const std::vector<lengths>& kinds) {
  constexpr auto right = prefopt::table::alignment::right;
  std::vector<prefopt::table::column> columns{{"tokens", right}};
  std::size_t longest = 0;
  for (const lengths& kind : kinds) {
    columns.push_back({kind.name, right});
    for (const std::size_t value : kind.values) longest = std::max(longest, value);
  }
  prefopt::table shown(std::move(columns));
  const auto add = [&](const std::string& name, const auto& cell) {
    std::vector<std::string> row{name};
    for (const lengths& kind : kinds) row.push_back(cell(kind));
    shown.add_row(std::move(row));
  };
  for (std::size_t low = 0, high = 15; low <= longest; low = high + 1, high = 2 * high + 1) {
    add(fmt::format("{}-{}", low, high), [&](const lengths& kind) {
      return std::to_string(std::count_if(kind.values.begin(), kind.values.end(), [&](auto value) {
        return value >= low && value <= high;
      }));
    });
  }
  add("all", [](const lengths& kind) { return std::to_string(kind.values.size()); });
  add("longest", [](const lengths& kind) {
    const auto found = std::max_element(kind.values.begin(), kind.values.end());
    return found == kind.values.end() ? std::string("-") : std::to_string(*found);
  });
  add("limit", [](const lengths& kind) {
    return kind.limit == 0 ? std::string("-") : std::to_string(kind.limit);
  });
  add("cut", [](const lengths& kind) {
    return std::to_string(std::count_if(kind.values.begin(), kind.values.end(), [&](auto value) {
      return kind.limit != 0 && value > kind.limit;
    }));
  });
  return prefopt::to_text(shown);
}

std::string format_bytes(double bytes) {
  static constexpr std::array<const char*, 4> units{"KiB", "MiB", "GiB", "TiB"};
  std::size_t unit = 0;
  bytes /= 1024;
  while (bytes >= 1024 && unit + 1 < units.size()) {
    bytes /= 1024;
    ++unit;
  }
  return fmt::format("{:.{}f} {}", bytes, bytes < 10 ? 2 : bytes < 100 ? 1 : 0, units[unit]);
}

}  // namespace tools
