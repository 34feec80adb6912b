#pragma once

#include <cstdint>
#include <string>

#include <prefopt/backend/product_kind.hpp>
#include <prefopt/model/any_classifier.hpp>
#include <prefopt/model/any_transformer.hpp>
#include <prefopt/model/checkpoint.hpp>
#include <prefopt/model/classifier_checkpoint.hpp>
#include <prefopt/train/any_optimizer.hpp>

namespace tools {

/// Where models compute, as options spell it.
struct device_settings {
  std::string device = "auto";        ///< "cpu", "cuda", "cuda:2"
  std::string precision = "float32";  ///< of products: or "bfloat16", and on CUDA "tf32"
  bool profile = false;               ///< `prefopt::profile` starts when the device is opened

  /// Throws `usage_error` where `precision` is none.
  [[nodiscard]] prefopt::product_kind products() const {
    return prefopt::product_kind_named(precision);
  }
};

inline constexpr const char* device_help =
    "where models compute: cpu, cuda, cuda:NUMBER, or auto: on CUDA where there is a device";
inline constexpr const char* profile_help =
    "ends with a table on stderr: the time of each of the model's operations";
inline constexpr const char* precision_help =
    "of products (tf32 on CUDA alone); weights, sums and optimizers are float32 in each";

/// The device that a program's models are on: it makes them, and the optimizers that train them.
class device {
 public:
  [[nodiscard]] prefopt::any_transformer make(const prefopt::transformer_config& config) const;
  /// A model with the checkpoint's weights.
  [[nodiscard]] prefopt::any_transformer load(const prefopt::model_checkpoint& checkpoint) const;
  /// What the checkpoint lacks is random, from the seed.
  [[nodiscard]] prefopt::any_classifier load(const prefopt::classifier_checkpoint& checkpoint,
                                             std::uint64_t seed = 0) const;
  /// "adamw" with its weight decay, "rmsprop", "sgd".
  [[nodiscard]] prefopt::any_optimizer optimizer(const std::string& name,
                                                 double weight_decay = 0.0) const;

  [[nodiscard]] bool is_cuda() const { return cuda_; }

 private:
  friend device open_device(const device_settings& settings, bool quiet);
  explicit device(bool cuda) : cuda_(cuda) {}
  bool cuda_;
};

/// Refuses with `usage_error` what is no device or no precision, or cannot go together; does not
/// look for a device.
void validate(const device_settings& settings);

/// Where the settings lead on this machine: on a CUDA device? Does not check that it is there.
bool asks_for_cuda(const device_settings& settings);

/// What numbers depend on besides weights and input: "cpu" or "cuda", with the precision
/// ("cpu" alone is in float32).
std::string identity_of(const device_settings& settings);

/// The device, which stderr names in one line unless `quiet`. Throws `usage_error` where it is not
/// there. To be called once, by all of several processes: each takes another of its machine's CUDA
/// devices, where there are enough, and NCCL joins them (`program_ranks::device_opened`).
device open_device(const device_settings& settings, bool quiet);

}  // namespace tools
