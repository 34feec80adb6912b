#pragma once

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include <prefopt/core/random.hpp>
#include <prefopt/data/preference_dataset.hpp>
#include <prefopt/train/training_options.hpp>

namespace prefopt::test {

/// `prompts` prompts with `responses` responses of 1 to 4 tokens each, scored 1, 2, ... in turn,
/// and all pairs of them.
inline preference_dataset small_data(std::size_t prompts, std::size_t responses,
                                     std::uint32_t vocabulary, std::uint64_t seed = 7) {
  random_stream random(seed);
  const auto token = [&] { return static_cast<token_id>(random.below(vocabulary)); };
  preference_dataset data;
  for (std::size_t p = 0; p < prompts; ++p) {
    data.prompts.push_back({token(), token()});
    const std::size_t first = data.responses.size();
    for (std::size_t r = 0; r < responses; ++r) {
      dataset_response response{p, {token()}, static_cast<double>(r + 1)};
      for (std::uint64_t more = random.below(4); more > 0; --more) {
        response.tokens.push_back(token());
      }
      data.responses.push_back(response);
      for (std::size_t loser = 0; loser < r; ++loser) {
        data.pairs.push_back({first + r, first + loser});
      }
    }
  }
  return data;
}

/// Options that print nothing and leave the process's signals alone.
inline training_options quiet_options() {
  training_options options;
  options.progress.style = progress_style::silent;
  options.handle_signals = false;
  options.learning_rate = 0.05;
  return options;
}

inline std::string content_of(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

inline std::vector<std::string> lines_of(const std::filesystem::path& path) {
  std::ifstream in(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

inline double metric(const metric_list& metrics, const std::string& name) {
  for (const auto& [key, value] : metrics) {
    if (key == name) return value;
  }
  throw std::out_of_range("no metric " + name);
}

}  // namespace prefopt::test
