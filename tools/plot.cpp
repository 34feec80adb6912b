#include <charconv>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <iostream>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <prefopt/core/error.hpp>
#include <prefopt/data/csv_file.hpp>
#include <prefopt/eval/tradeoff_plot.hpp>
#include <prefopt/eval/training_plot.hpp>

#include "commands.hpp"

namespace tools {
namespace {

namespace fs = std::filesystem;

struct plot_settings {
  std::vector<fs::path> metrics;
  fs::path results;
  fs::path out;
  std::string title;
};

void print(const prefopt::picture& drawn) {
  if (drawn.png) {
    std::cout << drawn.png->string() << " (and .svg, .csv, .gp)\n";
  } else {
    std::cout << "no picture, " << drawn.note << "; its data: " << drawn.csv.string() << '\n';
  }
}

/// A run is called what its folder is.
std::string name_of(const fs::path& file) {
  const fs::path folder = fs::absolute(file).parent_path();
  return folder.has_filename() ? folder.filename().string() : file.string();
}

void plot_metrics(const plot_settings& chosen) {
  std::vector<prefopt::training_curve> curves;
  for (fs::path file : chosen.metrics) {
    if (fs::is_directory(file)) file /= "metrics.jsonl";
    curves.push_back(prefopt::read_training_curve(file, name_of(file)));
  }
  print(prefopt::draw_training(chosen.out, curves, {.title = chosen.title}));
}

void plot_results(const plot_settings& chosen) {
  const std::vector<std::string> columns{"method", "reward", "reward_low", "reward_high",
                                         "kl",     "kl_low", "kl_high"};
  std::vector<prefopt::evaluated_run> runs;
  prefopt::tradeoff_plot_options how{.title = chosen.title};
  prefopt::for_each_csv_row(
      chosen.results, columns, [&](std::span<const std::string> fields, std::size_t line) {
        const auto number = [&](std::size_t column) {
          const std::string& text = fields[column];
          double value = 0.0;
          const char* end = text.data() + text.size();
          const auto parsed = std::from_chars(text.data(), end, value);
          if (parsed.ec != std::errc() || parsed.ptr != end || !std::isfinite(value)) {
            throw prefopt::data_error(chosen.results.string(), line, columns[column],
                                      "expected a number, found '" + text + "'");
          }
          return value;
        };
        const prefopt::mean_estimate reward{number(1), number(2), number(3), 1};
        if (fields[0] == "before") {
          how.before = reward;
          return;
        }
        runs.push_back({fields[0],
                        fields[0] + ", line " + std::to_string(line),
                        {number(4), number(5), number(6), 1},
                        reward});
      });
  if (runs.empty()) throw prefopt::usage_error(chosen.results.string() + " has no results");
  print(prefopt::draw_tradeoff(chosen.out, runs, how));
}

void plot(const plot_settings& chosen) {
  if (chosen.metrics.empty() == chosen.results.empty()) {
    throw prefopt::usage_error("give --metrics FILE... or --results FILE");
  }
  if (chosen.metrics.empty()) {
    plot_results(chosen);
  } else {
    plot_metrics(chosen);
  }
}

}  // namespace

std::function<void()> define_plot(command& to) {
  auto chosen = std::make_shared<plot_settings>();
  to.describe(
      "Draws the training curves of runs, or reward against KL of a table of results, with\n"
      "gnuplot. The data and the script lie beside the picture, so that it can be changed.",
      "prefopt plot --metrics runs/dpo runs/odpo --out curves");
  to.add("--metrics", chosen->metrics, "folders of runs, or their metrics.jsonl");
  to.add("--results", chosen->results,
         "CSV with method, reward, kl, and _low and _high of both, as the paper's tasks write it; "
         "a method 'before' is the line of the reference");
  to.add("--out", chosen->out, "the picture's name without its end: NAME.png, .svg, .csv, .gp")
      .required();
  to.add("--title", chosen->title, "above the picture");
  return [chosen] { plot(*chosen); };
}

}  // namespace tools
