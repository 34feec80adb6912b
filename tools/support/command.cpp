#include "command.hpp"

#include <algorithm>
#include <iostream>
#include <limits>
#include <memory>
#include <utility>

#include <CLI/CLI.hpp>

#include "exit_code.hpp"

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
  const auto check = [least](const std::string& text) {
    std::size_t value = 0;
    const bool good = CLI::detail::lexical_cast(text, value) && value >= least;
    return good ? std::string() : "is " + text + "; expected at least " + std::to_string(least);
  };
  added_.check(CLI::Validator(check, ">= " + std::to_string(least)));
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
command::option command::add(const std::string& name, std::size_t& value, const std::string& what) {
  return finish(*app_.add_option(name, value, what)->capture_default_str()->type_name("N"));
}
command::option command::add(const std::string& name, int& value, const std::string& what) {
  return finish(*app_.add_option(name, value, what)->capture_default_str()->type_name("N"));
}
command::option command::add(const std::string& name, double& value, const std::string& what) {
  return finish(*app_.add_option(name, value, what)->capture_default_str()->type_name("X"));
}
command::option command::add(const std::string& name, std::optional<double>& value,
                             const std::string& what) {
  return finish(*app_.add_option(name, value, what)->type_name("X"));
}
command::option command::flag(const std::string& name, bool& value, const std::string& what) {
  return finish(*app_.add_flag(name, value, what));
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
};

defined define(const command_program& program, const command_entry& entry) {
  defined result;
  result.app = std::make_unique<CLI::App>(entry.summary, program.name + " " + entry.name);
  result.app->allow_config_extras(false);
  result.app
      ->set_config("--config", "", "TOML file with any of these options; the command line wins")
      ->type_name("PATH");
  result.app->get_formatter()->column_width(34);
  result.options = std::make_unique<command>(*result.app);
  result.body = entry.define(*result.options);
  return result;
}

/// 2 for bad usage, with the message on stderr; 0 for --help.
int exit_of(const CLI::App& app, const CLI::ParseError& problem) {
  return app.exit(problem) == 0 ? 0 : 2;
}

}  // namespace

int run(const command_program& program, int argc, char** argv) {
  const std::string first = argc > 1 ? argv[1] : "";
  for (const command_entry& entry : program.commands) {
    if (first != entry.name) continue;
    defined chosen = define(program, entry);
    try {
      chosen.app->parse(argc - 1, argv + 1);
    } catch (const CLI::ParseError& problem) {
      return exit_of(*chosen.app, problem);
    }
    return exit_code_of(chosen.app->get_name(), chosen.body);
  }
  CLI::App app(program.summary, program.name);
  for (const command_entry& entry : program.commands) app.add_subcommand(entry.name, entry.summary);
  app.set_version_flag("--version", program.name + " " + program.version);
  app.require_subcommand(1);
  app.footer(program.name + " COMMAND --help lists a command's options.");
  try {
    app.parse(argc, argv);
    return 0;
  } catch (const CLI::ParseError& problem) {
    return exit_of(app, problem);
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
