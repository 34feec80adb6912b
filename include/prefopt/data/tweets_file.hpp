#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include <prefopt/core/error.hpp>
#include <prefopt/data/csv_file.hpp>

namespace prefopt {

/// A tweet that people have classified (Davidson et al. 2017, "Automated Hate Speech Detection and
/// the Problem of Offensive Language").
struct tweet {
  enum class kind { hate, offensive, neither };
  kind what = kind::neither;
  std::string text;

  friend bool operator==(const tweet&, const tweet&) = default;
};

/// Reads the columns `class` (0: hate, 1: offensive, 2: neither) and `tweet` of a CSV file, in its
/// order. Throws `data_error` naming file, line and column.
inline std::vector<tweet> read_tweets(const std::filesystem::path& path) {
  std::vector<tweet> tweets;
  for_each_csv_row(path, {"class", "tweet"},
                   [&](std::span<const std::string> fields, std::size_t line) {
                     const std::string& label = fields[0];
                     if (label.size() != 1 || label[0] < '0' || label[0] > '2') {
                       throw data_error(path.string(), line, "class",
                                        "expected 0, 1 or 2, found '" + label.substr(0, 40) + "'");
                     }
                     tweets.push_back({static_cast<tweet::kind>(label[0] - '0'), fields[1]});
                   });
  return tweets;
}

}  // namespace prefopt
