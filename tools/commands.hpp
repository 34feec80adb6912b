#pragma once

#include <functional>

#include "support/command.hpp"

namespace tools {

// The subcommands, in the order in which data flows; each in a file of its name.
std::function<void()> define_tokenize(command& to);
std::function<void()> define_logprobs(command& to);
std::function<void()> define_sample(command& to);
std::function<void()> define_score(command& to);
std::function<void()> define_pair(command& to);
std::function<void()> define_sft(command& to);
std::function<void()> define_train(command& to);
std::function<void()> define_train_classifier(command& to);
std::function<void()> define_evaluate(command& to);
std::function<void()> define_plot(command& to);
std::function<void()> define_convert(command& to);
std::function<void()> define_completion(command& to);

/// All of them.
extern const command_program prefopt_program;

}  // namespace tools
