#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace tools {

/// A subcommand's options, as its own file adds them. CLI11 does the work; it is behind this class
/// because it takes long to compile.
class command {
 public:
  /// An option that was added, to say more of it.
  class option {
   public:
    option& required();
    option& one_of(std::vector<std::string> names);
    /// Limits of whole numbers; without them 0 to `most_count`.
    option& at_least(std::size_t least);
    option& at_most(std::size_t most);
    option& between(double least, double most);

   private:
    friend class command;
    option(command& owner, CLI::Option& added) : owner_(owner), added_(added) {}
    command& owner_;
    CLI::Option& added_;
  };

  /// No option that counts something needs more; computing with it cannot overflow.
  static constexpr std::size_t most_count = 1'000'000'000;

  explicit command(CLI::App& app) : app_(app) {}

  /// Options whose value stands in `value` before (the default that --help shows) and after.
  option add(const std::string& name, std::string& value, const std::string& what);
  option add(const std::string& name, std::filesystem::path& value, const std::string& what);
  option add(const std::string& name, std::vector<std::filesystem::path>& value,
             const std::string& what);
  option add(const std::string& name, std::vector<std::string>& value, const std::string& what);
  option add(const std::string& name, std::size_t& value, const std::string& what);
  option add(const std::string& name, double& value, const std::string& what);
  /// One that may be left out.
  option add(const std::string& name, std::optional<double>& value, const std::string& what);
  option add(const std::string& name, std::optional<std::size_t>& value, const std::string& what);
  option flag(const std::string& name, bool& value, const std::string& what);

  /// The seed of random numbers: any number of 64 bits.
  option add_seed(std::size_t& value, const std::string& what);

  /// The heading, in --help, of the options that follow.
  void group(const std::string& name) { group_ = name; }
  /// The first option of that group that was given, on the command line or in a file; "": none.
  [[nodiscard]] std::string given_in(const std::string& group) const;
  /// What --help says before the options, and an example that it ends with.
  void describe(const std::string& text, const std::string& example);
  /// Whether --resume goes on with what was asked for, if a signal stops it. Without this nothing
  /// does.
  void resumes_when(std::function<bool()> resumes) { resumes_ = std::move(resumes); }
  [[nodiscard]] bool resumes() const { return resumes_ && resumes_(); }
  /// Says that the processes of an mpirun share the command's work.
  void shares_work() { shares_work_ = true; }
  [[nodiscard]] bool work_is_shared() const { return shares_work_; }

  /// The words that an option takes, by its name: for the shell's completion.
  [[nodiscard]] const std::map<std::string, std::vector<std::string>>& choices() const {
    return choices_;
  }

 private:
  struct whole_range {
    std::size_t least = 0;
    std::size_t most = most_count;
  };

  option finish(CLI::Option& added);
  option finish_whole(CLI::Option& added);

  CLI::App& app_;
  std::string group_ = "Options";
  std::map<const CLI::Option*, whole_range> whole_;
  std::function<bool()> resumes_;
  bool shares_work_ = false;
  std::map<std::string, std::vector<std::string>> choices_;
};

/// One thing that a program does: `define` adds its options and returns what it runs.
struct command_entry {
  const char* name;
  const char* summary;
  std::function<void()> (*define)(command&);
};

/// A program of subcommands. Each takes --help and --config FILE (TOML, with the names of the
/// options as keys; the command line wins). Gives the exit code, see `exit_code_of`.
struct command_program {
  std::string name;
  std::string summary;
  std::string version;
  std::span<const command_entry> commands;
};
int run(const command_program& program, int argc, char** argv);

/// A script that completes the program's commands, options and their words in bash, made from the
/// very options that are parsed.
std::string bash_completion(const command_program& program);

}  // namespace tools
