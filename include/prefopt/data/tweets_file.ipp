#pragma once

#include <prefopt/data/tweets_file.hpp>

#include <cstddef>
#include <span>

#include <prefopt/core/config.hpp>
#include <prefopt/core/error.hpp>
#include <prefopt/data/csv_file.hpp>

namespace prefopt {

PREFOPT_INLINE std::vector<tweet> read_tweets(const std::filesystem::path& path) {
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
