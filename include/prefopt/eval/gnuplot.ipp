#pragma once

#include <prefopt/eval/gnuplot.hpp>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <system_error>

#include <prefopt/core/atomic_file.hpp>
#include <prefopt/core/atomic_folder.hpp>
#include <prefopt/core/config.hpp>

namespace prefopt {

PREFOPT_INLINE std::string series_colour(std::size_t series) {
  static constexpr const char* colours[] = {"#0072B2", "#D55E00", "#009E73", "#CC79A7",
                                            "#E69F00", "#56B4E9", "#5D5D5D"};
  return colours[series % 7];
}

PREFOPT_INLINE std::string gnuplot_quoted(std::string_view text) {
  std::string quoted = "'";
  for (const char c : detail::one_line(text)) quoted.append(c == '\'' ? 2 : 1, c);
  return quoted + "'";
}

namespace detail {

/// Runs `program script` in `folder`, without a shell and without a terminal to draw on. Gives the
/// exit status, or nothing where the program does not exist; its messages go to `log`.
inline std::optional<int> run_gnuplot(const std::string& program, const std::string& script,
                                      const std::filesystem::path& folder,
                                      const std::filesystem::path& log) {
  std::string name = program;
  std::string argument = script;
  char* arguments[] = {name.data(), argument.data(), nullptr};
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log.c_str(),
                                     O_WRONLY | O_CREAT | O_TRUNC, 0666);
  ::posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
  ::posix_spawn_file_actions_addchdir_np(&actions, folder.c_str());
  pid_t child = 0;
  const int problem = ::posix_spawnp(&child, name.c_str(), &actions, nullptr, arguments, ::environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (problem != 0) return {};
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return 127;
  }
  const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  // Where posix_spawn cannot report a failed exec, the child says so with 127.
  if (code == 127) return {};
  return code;
}

inline std::string read_start(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::string text(400, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  return one_line(text);
}

}  // namespace detail

PREFOPT_INLINE picture draw(const std::filesystem::path& stem, const table& data,
                            const std::string& plot, const gnuplot_options& options) {
  const auto with = [](std::filesystem::path path, const char* extension) {
    path += extension;
    return path;
  };
  const auto name = stem.filename();
  const auto size = std::to_string(options.width) + "," + std::to_string(options.height);
  const auto output = [&](const char* extension) {
    return gnuplot_quoted(with(name, extension).string());
  };
  const std::string script =
      "# Draws the .png and the .svg of this name from the .csv: gnuplot THIS_FILE\n"
      "data = " +
      output(".csv") +
      "\n"
      "set encoding utf8\n"
      "do for [picture = 1:2] {\n"
      "  reset\n"
      "  set datafile missing NaN\n"
      "  set datafile separator comma\n"
      "  if (picture == 1) {\n"
      "    set terminal pngcairo size " +
      size +
      " font 'DejaVu Sans,12' background '#FFFFFF'\n"
      "    set output " +
      output(".png") +
      "\n"
      "  } else {\n"
      "    set terminal svg size " +
      size +
      " font 'DejaVu Sans,12' background '#FFFFFF'\n"
      "    set output " +
      output(".svg") +
      "\n"
      "  }\n"
      "  set border 3 linecolor '#404040'\n"
      "  set tics nomirror textcolor '#404040'\n"
      "  set grid linecolor '#E4E4E4' linetype 1 linewidth 1\n" +
      plot +
      "  unset output\n"
      "}\n";
  picture result;
  result.csv = with(stem, ".csv");
  result.script = with(stem, ".gp");
  write_csv(data, result.csv);
  write_file_atomically(result.script, script);

  // Never committed: what is drawn in it is moved out, the rest goes.
  const atomic_folder work(with(stem, ".drawing"));
  write_csv(data, work.path() / with(name, ".csv"));
  write_file_atomically(work.path() / with(name, ".gp"), script);
  const auto log = std::filesystem::absolute(work.path()) / "log";
  const auto code =
      detail::run_gnuplot(options.program, with(name, ".gp").string(), work.path(), log);
  const auto drawn = [&](const char* extension) {
    std::error_code problem;
    const auto from = work.path() / with(name, extension);
    return std::filesystem::file_size(from, problem) > 0 && !problem;
  };
  if (!code) {
    result.note = "no picture: " + options.program + " is not installed; the numbers are in " +
                  result.csv.string();
  } else if (*code != 0 || !drawn(".png") || !drawn(".svg")) {
    result.note = "no picture: " + options.program + " failed (" + detail::read_start(log) +
                  "); the numbers are in " + result.csv.string();
  } else {
    for (const char* extension : {".png", ".svg"}) {
      std::filesystem::rename(work.path() / with(name, extension), with(stem, extension));
    }
    result.png = with(stem, ".png");
    result.svg = with(stem, ".svg");
  }
  return result;
}

}  // namespace prefopt
