// A model that only scores responses is no language_model: training needs `backward`.
// error: no matching function for call to .*train_step
#include <span>

#include <prefopt/loss/presets.hpp>
#include <prefopt/train/train_step.hpp>

struct model {
  void forward(const prefopt::response_batch&, std::span<double>) {}
  void log_probs(const prefopt::response_batch&, std::span<double>) {}
#ifndef PREFOPT_MISUSE
  void backward(std::span<const double>) {}
#endif
};

void step(model& policy, const prefopt::preference_batch& batch) {
  prefopt::train_step(policy, batch, prefopt::dpo(0.1));
}
