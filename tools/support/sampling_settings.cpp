#include "sampling_settings.hpp"

namespace tools {

void add_options(command& to, sampling_settings& settings) {
  to.group("Sampling");
  to.add("--responses", settings.responses, "responses to each prompt").at_least(1);
  to.add("--max-new-tokens", settings.max_new_tokens, "longest response, the end token included")
      .at_least(1);
  to.add("--temperature", settings.temperature, "0: the likeliest token");
  to.add("--top-p", settings.top_p, "only the likeliest tokens that make up this probability");
  to.add("--top-k", settings.top_k, "only the k likeliest tokens; 0: all");
  to.add_seed(settings.seed, "of the random numbers");
  to.add("--batch-rows", settings.batch_rows, "responses decoded side by side").at_least(1);
}

prefopt::sampling_options sampling_options_of(const sampling_settings& settings) {
  return {.temperature = settings.temperature,
          .top_k = settings.top_k,
          .top_p = settings.top_p,
          .max_new_tokens = settings.max_new_tokens,
          .responses = settings.responses,
          .batch_rows = settings.batch_rows,
          .seed = settings.seed};
}

}  // namespace tools
