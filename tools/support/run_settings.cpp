#include "run_settings.hpp"

#include <omp.h>

#include "ranks.hpp"

namespace tools {

void run_settings::apply() const {
  if (threads > 0) omp_set_num_threads(static_cast<int>(threads));
  validate(on);
}

device run_settings::open_device() const {
  return tools::open_device(on, quiet);
}

prefopt::progress_options run_settings::progress() const {
  prefopt::progress_options options;
  if (quiet || ranks().rank() != 0) options.style = prefopt::progress_style::silent;
  return options;
}

void add_options(command& to, run_settings& settings) {
  to.group("Run");
  to.add("--threads", settings.threads, "0: as many as there are processors").at_most(1024);
  to.add("--device", settings.on.device, device_help);
  to.add("--precision", settings.on.precision, precision_help)
      .one_of({"float32", "tf32", "bfloat16"});
  to.flag("--profile", settings.on.profile, profile_help);
  to.flag("--quiet", settings.quiet, "no progress on stderr");
}

}  // namespace tools
