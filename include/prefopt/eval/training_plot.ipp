#pragma once

#include <prefopt/eval/training_plot.hpp>

#include <cmath>
#include <cstddef>
#include <fstream>

#include <nlohmann/json.hpp>

#include <prefopt/core/config.hpp>
#include <prefopt/core/error.hpp>
#include <prefopt/eval/report.hpp>

namespace prefopt {

PREFOPT_INLINE training_curve read_training_curve(const std::filesystem::path& file,
                                                  std::string name) {
  std::ifstream in(file);
  if (!in) throw data_error(file.string(), 0, "", "cannot be read");
  training_curve curve;
  curve.name = std::move(name);
  std::string line;
  for (std::size_t number = 1; std::getline(in, line); ++number) {
    if (in.eof()) break;
    const auto json = nlohmann::json::parse(line, nullptr, false);
    if (!json.is_object()) throw data_error(file.string(), number, "", "is no JSON object");
    const auto step = json.find("step");
    if (step == json.end() || !step->is_number()) {
      throw data_error(file.string(), number, "step", "is missing or no number");
    }
    training_curve::point point;
    point.step = step->get<double>();
    for (const auto& [key, value] : json.items()) {
      if (value.is_number() && key != "step") point.metrics[key] = value.get<double>();
    }
    curve.points.push_back(std::move(point));
  }
  return curve;
}

PREFOPT_INLINE picture draw_training(const std::filesystem::path& stem,
                                     std::span<const training_curve> curves,
                                     const training_plot_options& options) {
  const auto& panels = options.panels;
  if (panels.empty()) throw usage_error("training curves: there are no panels");
  std::vector<table::column> columns{{"series"}, {"step"}};
  for (const auto& panel : panels) columns.push_back({detail::one_line(panel.first)});
  columns.push_back({"run"});
  table data(std::move(columns));
  std::vector<bool> has_values(panels.size(), false);
  for (std::size_t s = 0; s < curves.size(); ++s) {
    for (const auto& point : curves[s].points) {
      std::vector<std::string> row{std::to_string(s), format_exact(point.step)};
      for (std::size_t p = 0; p < panels.size(); ++p) {
        const auto found = point.metrics.find(panels[p].first);
        const bool known = found != point.metrics.end() && std::isfinite(found->second);
        row.push_back(known ? format_exact(found->second) : "NaN");
        if (known) has_values[p] = true;
      }
      row.push_back(detail::one_line(curves[s].name));
      data.add_row(std::move(row));
    }
  }
  std::vector<std::size_t> shown;  // a panel without a value would make gnuplot fail
  for (std::size_t p = 0; p < panels.size(); ++p) {
    if (has_values[p]) shown.push_back(p);
  }
  if (shown.empty()) throw usage_error("training curves: no run has any of the metrics");
  std::string plot = "  set multiplot layout " + std::to_string(shown.size()) + ",1";
  if (!options.title.empty()) {
    plot += " title " + gnuplot_quoted(options.title) + " noenhanced font ',14'";
  }
  plot += "\n  set lmargin 12\n  set rmargin 32\n  set format x ''\n";
  for (std::size_t k = 0; k < shown.size(); ++k) {
    const std::size_t p = shown[k];
    plot += k == 0 ? "  set key outside right top Left reverse noenhanced samplen 2 spacing 1.3\n"
                   : "  unset key\n";
    if (k + 1 == shown.size()) plot += "  set format x '%g'\n  set xlabel 'optimizer step'\n";
    plot += "  set ylabel " + gnuplot_quoted(panels[p].second) + " noenhanced\n  plot ";
    for (std::size_t s = 0; s < curves.size(); ++s) {
      const std::string column = std::to_string(p + 3);
      plot += std::string(s == 0 ? "" : ", \\\n    ") +
              "data skip 1 using ($1 == " + std::to_string(s) + " ? $2 : NaN):" + column +
              " with lines linewidth 2 linecolor '" + series_colour(s) + "' title " +
              gnuplot_quoted(curves[s].name);
    }
    plot += "\n";
  }
  plot += "  unset multiplot\n";
  return draw(stem, data, plot, options.gnuplot);
}

}  // namespace prefopt
