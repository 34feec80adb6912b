#pragma once

#include <cctype>
#include <cstddef>
#include <istream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

namespace tools {

/// The file that --config names, TOML as CLI11 reads it, with places in messages.
class config_file : public CLI::ConfigTOML {
 public:
  explicit config_file(const CLI::App& app) : app_(app) {}

  std::vector<CLI::ConfigItem> from_config(std::istream& input) const override {
    text_.assign(std::istreambuf_iterator<char>(input), {});
    std::istringstream again(text_);
    std::vector<CLI::ConfigItem> items = CLI::ConfigTOML::from_config(again);
    for (const CLI::ConfigItem& item : items) {
      if (!item.parents.empty()) {
        throw CLI::ConfigError(place(item.parents.front()) +
                               "a section; options stand without one, under their names");
      }
      if (app_.get_option_no_throw("--" + item.name) == nullptr) {
        throw CLI::ConfigError(
            fmt::format("{}'{}' is no option of {}", place(item.name), item.name, app_.get_name()));
      }
    }
    return items;
  }

  /// "FILE:LINE: " of the option that a message names, if it is the file that gives it; else "".
  [[nodiscard]] std::string place_in(const std::string& message,
                                     const std::vector<std::string>& words) const {
    for (const CLI::Option* option : app_.get_options()) {
      for (const std::string& name : option->get_lnames()) {
        const std::string spelled = "--" + name;
        const std::size_t at = message.find(spelled);
        if (at == std::string::npos || line_of(name) == 0) continue;
        const std::size_t after = at + spelled.size();
        if (after < message.size() &&
            (std::isalnum(static_cast<unsigned char>(message[after])) != 0 ||
             message[after] == '-')) {
          continue;  // a longer name
        }
        bool given = false;
        for (const std::string& word : words) {
          given = given || word == spelled || word.starts_with(spelled + "=");
        }
        if (!given) return place(name);
      }
    }
    return "";
  }

 private:
  [[nodiscard]] std::string place(const std::string& key) const {
    const std::size_t line = line_of(key);
    return app_.get_config_ptr()->as<std::string>() + (line > 0 ? ":" + std::to_string(line) : "") +
           ": ";
  }

  /// The line, from 1, of a key or of a section's heading; 0: there is none.
  [[nodiscard]] std::size_t line_of(const std::string& key) const {
    std::istringstream lines(text_);
    std::string line;
    for (std::size_t number = 1; std::getline(lines, line); ++number) {
      line.erase(0, line.find_first_not_of(" \t\"'["));
      if (!line.starts_with(key)) continue;
      const std::size_t after = line.find_first_not_of(" \t\r\"']", key.size());
      if (after == std::string::npos || line[after] == '=' || line[after] == '#') return number;
    }
    return 0;
  }

  const CLI::App& app_;
  mutable std::string text_;  // from_config is const for CLI11
};

}  // namespace tools
