#pragma once

#include <prefopt/train/training_options.hpp>

#include <prefopt/core/config.hpp>
#include <prefopt/core/error.hpp>

namespace prefopt {

PREFOPT_INLINE void validate(const training_options& options) {
  const auto need = [](bool good, const char* text) {
    if (!good) throw usage_error(std::string("training_options: ") + text);
  };
  need(options.epochs > 0 || options.max_steps > 0, "neither epochs nor max_steps is given");
  need(options.batch_size > 0, "batch_size is 0");
  need(options.accumulation > 0, "accumulation is 0");
  need(options.accumulation <= options.batch_size, "accumulation is larger than batch_size");
  need(options.learning_rate >= 0.0 && options.learning_rate < 1e30,
       "learning_rate is not a number from 0 to 1e30");
  need(options.max_gradient_norm >= 0.0, "max_gradient_norm is negative or not a number");
  need(!options.folder.empty() || !options.resume, "resume needs a folder");
  need(!options.folder.empty() || options.checkpoint_every == 0, "checkpoint_every needs a folder");
}

}  // namespace prefopt
