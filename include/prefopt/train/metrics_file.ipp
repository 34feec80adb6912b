#pragma once

#include <prefopt/train/metrics_file.hpp>

#include <ostream>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include <prefopt/core/atomic_file.hpp>
#include <prefopt/core/config.hpp>
#include <prefopt/core/error.hpp>

namespace prefopt {

PREFOPT_INLINE metrics_file::metrics_file(std::filesystem::path path, std::size_t step)
    : path_(std::move(path)) {
  cut(step);
  out_.open(path_, std::ios::app);
  if (!out_) throw data_error(path_.string(), 0, "", "cannot be written");
}

PREFOPT_INLINE void metrics_file::write(std::size_t step, double epoch,
                                        const metric_list& metrics) {
  nlohmann::ordered_json line;
  line["step"] = step;
  line["epoch"] = epoch;
  for (const auto& [name, value] : metrics) line[name] = value;
  out_ << line.dump() << '\n' << std::flush;
  if (!out_) throw data_error(path_.string(), 0, "", "cannot be written");
}

PREFOPT_INLINE void metrics_file::cut(std::size_t last) const {
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

}  // namespace prefopt
