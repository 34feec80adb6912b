#pragma once

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include <prefopt/core/atomic_file.hpp>
#include <prefopt/core/error.hpp>
#include <prefopt/train/training_options.hpp>

namespace prefopt {

/// The metrics of a run, one JSON object a line, the step first:
/// {"step":1,"epoch":0.03,"loss":...}. A number that is not finite is written as null.
class metrics_file {
 public:
  /// Appends to the file, which need not exist, after cutting what lies beyond `step`: a run that
  /// resumes from a checkpoint repeats the steps after it. Lines that a kill left torn go too.
  metrics_file(std::filesystem::path path, std::size_t step) : path_(std::move(path)) {
    cut(step);
    out_.open(path_, std::ios::app);
    if (!out_) throw data_error(path_.string(), 0, "", "cannot be written");
  }

  void write(std::size_t step, double epoch, const metric_list& metrics) {
    nlohmann::ordered_json line;
    line["step"] = step;
    line["epoch"] = epoch;
    for (const auto& [name, value] : metrics) line[name] = value;
    out_ << line.dump() << '\n' << std::flush;
    if (!out_) throw data_error(path_.string(), 0, "", "cannot be written");
  }

 private:
  void cut(std::size_t last) const {
    if (!std::filesystem::exists(path_)) return;
    std::ifstream in(path_);
    if (!in) throw data_error(path_.string(), 0, "", "cannot be read");
    std::string kept;
    std::string line;
    while (std::getline(in, line)) {
      const auto json = nlohmann::json::parse(line, nullptr, false);
      if (!json.is_object() || !json.contains("step") || !json["step"].is_number_unsigned()) break;
      if (json["step"].get<std::size_t>() > last) break;
      kept += line + '\n';
    }
    write_file_atomically(path_, kept);
  }

  std::filesystem::path path_;
  std::ofstream out_;
};

}  // namespace prefopt
