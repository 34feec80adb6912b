#pragma once

#include <prefopt/data/summarized_posts_file.hpp>

#include <prefopt/core/config.hpp>
#include <prefopt/data/json_row.hpp>

namespace prefopt {

PREFOPT_INLINE std::vector<summarized_post> read_summarized_posts(
    const std::filesystem::path& path) {
  std::vector<summarized_post> posts;
  for_each_json_row(path, [&](const json_row& row) {
    posts.push_back({row.find_text("subreddit").value_or(""), row.find_text("title").value_or(""),
                     row.text("instruction"), row.text("gold_response")});
  });
  return posts;
}

}  // namespace prefopt
