#include "labelled_rows.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include <prefopt/core/error.hpp>
#include <prefopt/data/json_row.hpp>
#include <prefopt/data/reviews_file.hpp>

#include "stopped.hpp"

namespace tools {
namespace {

std::size_t label_of(const prefopt::json_row& row, const std::vector<std::string>& labels) {
  const auto value = row.find("label");
  if (!value) row.fail("label", "is missing; expected a label");
  std::size_t label = labels.size();
  bool second = false;
  if (value->is_string()) {
    const auto found = std::find(labels.begin(), labels.end(), row.text("label"));
    label = static_cast<std::size_t>(found - labels.begin());
  } else if (labels.size() == 2 && value->get(second) == simdjson::SUCCESS) {
    label = second ? 1 : 0;
  } else if (const double number = row.number("label");
             number >= 0 && number < static_cast<double>(labels.size()) &&
             number == std::floor(number)) {
    label = static_cast<std::size_t>(number);
  }
  if (label == labels.size()) {
    row.fail("label", fmt::format("is none of {}, nor a number below {}", fmt::join(labels, ", "),
                                  labels.size()));
  }
  return label;
}

}  // namespace

std::vector<labelled_row> read_labelled_rows(const std::filesystem::path& file,
                                             const std::vector<std::string>& labels) {
  std::vector<labelled_row> rows;
  const std::string compression = file.extension().string();
  const bool compressed = compression == ".gz" || compression == ".xz" || compression == ".zst";
  if ((compressed ? file.stem() : file).extension() == ".tsv") {
    if (labels.size() != 2) throw prefopt::usage_error("reviews have two classes: give two labels");
    for (prefopt::review& review : prefopt::read_reviews(file)) {
      rows.push_back({prefopt::with_line_breaks(review.text), review.positive ? 1U : 0U});
    }
  } else {
    prefopt::for_each_json_row(file, [&](const prefopt::json_row& row) {
      stop_if_asked();
      const std::size_t label = label_of(row, labels);
      rows.push_back({row.text("text"), label});
    });
  }
  if (rows.empty()) throw prefopt::usage_error(file.string() + " has no text");
  return rows;
}

}  // namespace tools
