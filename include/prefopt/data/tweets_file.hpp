#pragma once

#include <filesystem>
#include <string>
#include <vector>

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
std::vector<tweet> read_tweets(const std::filesystem::path& path);

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/data/tweets_file.ipp>
#endif
