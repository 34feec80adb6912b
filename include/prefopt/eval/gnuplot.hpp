#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include <prefopt/eval/report.hpp>

namespace prefopt {

/// The files of a picture. All of them lie beside each other, so `gnuplot NAME.gp` in their folder
/// draws it again after a change.
struct picture {
  std::filesystem::path csv;
  std::filesystem::path script;
  std::optional<std::filesystem::path> png;
  std::optional<std::filesystem::path> svg;
  std::string note;  ///< why there is no picture; empty where there is one
};

struct gnuplot_options {
  std::string program = "gnuplot";  ///< looked up in $PATH unless it has a slash
  int width = 900;                  ///< pixels
  int height = 600;
};

/// Colours that stay apart for most kinds of colour blindness (Okabe and Ito 2008), the same for
/// the same series in every picture; they repeat after seven.
std::string series_colour(std::size_t series);

/// Any text as one of gnuplot's strings: in single quotes nothing is expanded or executed. Line
/// breaks and other control characters become spaces.
std::string gnuplot_quoted(std::string_view text);

/// Writes STEM.csv and STEM.gp and draws STEM.png and STEM.svg from them. `plot` is gnuplot's
/// commands from `set` to `plot`; the data's file is the variable `data` there, its columns are
/// separated by commas and its first line holds their names. Where gnuplot is missing or fails, the
/// two files are there and `note` says why the picture is not. `data_error` where nothing can be
/// written.
picture draw(const std::filesystem::path& stem, const table& data, const std::string& plot,
             const gnuplot_options& options = {});

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/eval/gnuplot.ipp>
#endif
