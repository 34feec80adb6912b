#pragma once

#include <filesystem>
#include <string>
#include <vector>

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
std::vector<summarized_post> read_summarized_posts(const std::filesystem::path& path);

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/data/summarized_posts_file.ipp>
#endif
