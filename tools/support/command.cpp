#include "command.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <exception>
#include <iostream>
#include <limits>
#include <memory>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <prefopt/core/error.hpp>

#include "config_file.hpp"
#include "exit_code.hpp"
#include "ranks.hpp"

namespace tools {

command::option& command::option::required() {
  added_.required();
  return *this;
}

command::option& command::option::one_of(std::vector<std::string> names) {
  for (const std::string& name : added_.get_lnames()) owner_.choices_["--" + name] = names;
  added_.check(CLI::IsMember(std::move(names)));
  return *this;
}

command::option& command::option::at_least(std::size_t least) {
  owner_.whole_.at(&added_).least = least;
  added_.type_name("N>=" + std::to_string(least));
  return *this;
}

command::option& command::option::at_most(std::size_t most) {
  owner_.whole_.at(&added_).most = most;
  return *this;
}

command::option& command::option::between(double least, double most) {
  added_.check(CLI::Range(least, most));
  return *this;
}

command::option command::finish(CLI::Option& added) {
  added.group(group_);
  return {*this, added};
}

namespace {

/// CLI11 would take NaN too, and names no type where it fails.
std::string check_number(const std::string& text) {
  const std::size_t plus = text.starts_with('+') ? 1 : 0;
  double value = 0.0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data() + plus, end, value);
  const bool good = parsed.ec == std::errc() && parsed.ptr == end && std::isfinite(value);
  return good ? "" : "is '" + text + "'; expected a number";
}

std::string check_flag(const std::string& text) {
  try {
    CLI::detail::to_flag_value(text);
    return "";
  } catch (const std::exception&) {
    return "is '" + text + "'; expected true or false";
  }
}

}  // namespace

/// CLI11 would take -1 for the largest number there is.
command::option command::finish_whole(CLI::Option& added) {
  whole_.emplace(&added, whole_range{});
  added.check(CLI::Validator(
      [this, &added](const std::string& text) {
        const whole_range& range = whole_.at(&added);
        std::size_t value = 0;
        const char* end = text.data() + text.size();
        const auto parsed = std::from_chars(text.data(), end, value);
        const bool whole = parsed.ec == std::errc() && parsed.ptr == end;
        if (whole && value >= range.least && value <= range.most) return std::string();
        return fmt::format("is '{}'; expected a whole number from {} to {}", text, range.least,
                           range.most);
      },
      ""));
  return finish(*added.type_name("N"));
}

command::option command::add(const std::string& name, std::string& value, const std::string& what) {
  return finish(*app_.add_option(name, value, what)->capture_default_str()->type_name("TEXT"));
}
command::option command::add(const std::string& name, std::filesystem::path& value,
                             const std::string& what) {
  return finish(*app_.add_option(name, value, what)->type_name("PATH"));
}
command::option command::add(const std::string& name, std::vector<std::filesystem::path>& value,
                             const std::string& what) {
  return finish(*app_.add_option(name, value, what)->type_name("PATH"));
}
command::option command::add(const std::string& name, std::vector<std::string>& value,
                             const std::string& what) {
  return finish(*app_.add_option(name, value, what)->capture_default_str()->type_name("TEXT"));
}
command::option command::add(const std::string& name, std::size_t& value, const std::string& what) {
  return finish_whole(*app_.add_option(name, value, what)->capture_default_str());
}
command::option command::add(const std::string& name, double& value, const std::string& what) {
  CLI::Option& added = *app_.add_option(name, value, what)->capture_default_str();
  return finish(*added.check(CLI::Validator(check_number, ""))->type_name("X"));
}
command::option command::add(const std::string& name, std::optional<double>& value,
                             const std::string& what) {
  CLI::Option& added = *app_.add_option(name, value, what);
  return finish(*added.check(CLI::Validator(check_number, ""))->type_name("X"));
}
command::option command::add(const std::string& name, std::optional<std::size_t>& value,
                             const std::string& what) {
  return finish_whole(*app_.add_option(name, value, what));
}
command::option command::add_seed(std::size_t& value, const std::string& what) {
  return add("--seed", value, what).at_most(std::numeric_limits<std::size_t>::max());
}
command::option command::flag(const std::string& name, bool& value, const std::string& what) {
  return finish(*app_.add_flag(name, value, what)->check(CLI::Validator(check_flag, "")));
}

std::string command::given_in(const std::string& group) const {
  for (const CLI::Option* option : std::as_const(app_).get_options()) {
    if (option->get_group() == group && option->count() > 0) return option->get_name();
  }
  return "";
}

void command::describe(const std::string& text, const std::string& example) {
  app_.description(app_.get_description() + "\n\n" + text);
  app_.footer("Example:\n  " + example);
}

namespace {

/// A command as CLI11 and we see it. Of each its own parser, so that a configuration file has the
/// options at its top and not in a section.
struct defined {
  std::unique_ptr<CLI::App> app;
  std::unique_ptr<command> options;
  std::function<void()> body;
  std::shared_ptr<config_file> config;
};

defined define(const command_program& program, const command_entry& entry) {
  defined result;
  result.app = std::make_unique<CLI::App>(entry.summary, program.name + " " + entry.name);
  result.app->allow_config_extras(false);
  result.app
      ->set_config("--config", "", "TOML file with any of these options; the command line wins")
      ->type_name("PATH");
  result.config = std::make_shared<config_file>(*result.app);
  result.app->config_formatter(result.config);
  result.app->get_formatter()->column_width(34);
  result.options = std::make_unique<command>(*result.app);
  result.body = entry.define(*result.options);
  return result;
}

/// 2 for bad usage, with the message on stderr; 0 for --help.
int exit_of(const CLI::App& app, const CLI::ParseError& problem, const std::string& place = "") {
  if (problem.get_exit_code() == 0) return app.exit(problem);
  std::cerr << app.get_name() << ": " << place << problem.what()
            << "\nRun with --help for more information.\n";
  return 2;
}

/// A word that is not known is a likelier mistake than one that is missing.
int exit_of_required(const CLI::App& app, const CLI::RequiredError& problem) {
  const std::vector<std::string> unknown = app.remaining();
  return unknown.empty() ? exit_of(app, problem) : exit_of(app, CLI::ExtrasError(unknown));
}

int run_command(defined& chosen, int argc, char** argv) {
  CLI::App& app = *chosen.app;
  try {
    app.parse(argc, argv);
  } catch (const CLI::RequiredError& problem) {
    return exit_of_required(app, problem);
  } catch (const CLI::ParseError& problem) {
    return exit_of(app, problem, chosen.config->place_in(problem.what(), {argv, argv + argc}));
  }
  return exit_code_of(
      app.get_name(), chosen.body, [&] { return chosen.options->resumes(); },
      chosen.options->work_is_shared());
}

int run_alone_or_together(const command_program& program, int argc, char** argv) {
  const first_rank_speaks quiet_others;
  const std::string first = argc > 1 ? argv[1] : "";
  std::string names;
  for (const command_entry& entry : program.commands) {
    names += (names.empty() ? "" : ", ") + std::string(entry.name);
    if (first != entry.name) continue;
    defined chosen = define(program, entry);
    return after_output(chosen.app->get_name(), run_command(chosen, argc - 1, argv + 1));
  }
  if (!first.empty() && first.front() != '-') {
    std::cerr << program.name << ": '" << first << "' is no command; expected " << names << '\n';
    return 2;
  }
  CLI::App app(program.summary, program.name);
  for (const command_entry& entry : program.commands) app.add_subcommand(entry.name, entry.summary);
  app.set_version_flag("--version", program.name + " " + program.version);
  app.require_subcommand(1);
  app.footer(program.name + " COMMAND --help lists a command's options.");
  try {
    app.parse(argc, argv);
    return 0;
  } catch (const CLI::RequiredError& problem) {
    return exit_of_required(app, problem);
  } catch (const CLI::ParseError& problem) {
    return after_output(program.name, exit_of(app, problem));
  }
}

}  // namespace

int run(const command_program& program, int argc, char** argv) {
  try {
    return ranks().leave(run_alone_or_together(program, argc, argv));
  } catch (const prefopt::error& problem) {  // the processes could not be joined
    std::cerr << program.name << ": " << problem.what() << '\n';
    return 2;
  }
}

std::string bash_completion(const command_program& program) {
  std::string commands;
  std::string options;
  std::string words;
  std::string flags;
  for (const command_entry& entry : program.commands) {
    commands += std::string(commands.empty() ? "" : " ") + entry.name;
    const defined one = define(program, entry);
    std::string names;
    for (const CLI::Option* option : one.app->get_options()) {
      for (const std::string& name : option->get_lnames()) {
        names += (names.empty() ? "--" : " --") + name;
        if (option->get_expected_max() == 0) {
          flags += "    " + std::string(entry.name) + ":--" + name + ") takes= ;;\n";
        }
      }
    }
    options += "    " + std::string(entry.name) + ") options='" + names + "' ;;\n";
    for (const auto& [name, list] : one.options->choices()) {
      words += "    " + std::string(entry.name) + ":" + name + ") words='";
      for (const std::string& word : list) words += (&word == &list.front() ? "" : " ") + word;
      words += "' ;;\n";
    }
  }
  const std::string function = "_" + program.name;
  return "# bash completion of " + program.name + ": source this file, or put it into\n" +
         "# ~/.local/share/bash-completion/completions/" + program.name + "\n" + function +
         "() {\n"
         "  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
         "  local name=${COMP_WORDS[1]} options= words= takes=yes\n"
         "  COMPREPLY=()\n"
         "  if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
         "    COMPREPLY=($(compgen -W '" +
         commands +
         " --help --version' -- \"$word\"))\n"
         "    return\n"
         "  fi\n"
         "  case $name in\n" +
         options +
         "  esac\n"
         "  case $name:$before in\n" +
         words +
         "  esac\n"
         "  case $name:$before in\n" +
         flags +
         "    *:--*) ;;\n"
         "    *) takes= ;;\n"
         "  esac\n"
         "  if [ -n \"$words\" ]; then\n"
         "    COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
         "  elif [ -n \"$takes\" ]; then\n"
         "    COMPREPLY=($(compgen -f -- \"$word\"))\n"
         "  else\n"
         "    COMPREPLY=($(compgen -W \"$options\" -- \"$word\"))\n"
         "  fi\n"
         "}\n"
         "complete -o filenames -F " +
         function + " " + program.name + "\n";
}

}  // namespace tools
