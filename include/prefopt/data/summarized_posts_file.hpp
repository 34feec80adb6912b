#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <prefopt/data/json_row.hpp>

namespace prefopt {

/// A Reddit post with the summary that its author wrote.
struct summarized_post {
  std::string subreddit;  ///< may be empty
  std::string title;      ///< may be empty
  std::string text;
  std::string summary;

  friend bool operator==(const summarized_post&, const summarized_post&) = default;
};

/// Reads posts, one JSON object a line, with the fields `instruction` (the post), `gold_response`
/// (its summary) and, if they are there, `subreddit` and `title`: the form in which DOVE (Bansal et
/// al. 2024) publishes 500 posts of TL;DR. Throws `data_error` naming file, line and field.
inline std::vector<summarized_post> read_summarized_posts(const std::filesystem::path& path) {
  std::vector<summarized_post> posts;
  for_each_json_row(path, [&](const json_row& row) {
    posts.push_back({row.find_text("subreddit").value_or(""), row.find_text("title").value_or(""),
                     row.text("instruction"), row.text("gold_response")});
  });
  return posts;
}

}  // namespace prefopt
