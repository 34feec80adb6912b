#pragma once

#include <cstddef>
#include <filesystem>
#include <fstream>

#include <prefopt/train/training_options.hpp>

namespace prefopt {

/// The metrics of a run, one JSON object a line, the step first:
/// {"step":1,"epoch":0.03,"loss":...}. A number that is not finite is written as null.
class metrics_file {
 public:
  /// Appends to the file, which need not exist, after cutting what lies beyond `step`: a run that
  /// resumes from a checkpoint repeats the steps after it. Lines that a kill left torn go too.
  metrics_file(std::filesystem::path path, std::size_t step);

  void write(std::size_t step, double epoch, const metric_list& metrics);

 private:
  void cut(std::size_t last) const;

  std::filesystem::path path_;
  std::ofstream out_;
};

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/train/metrics_file.ipp>
#endif
