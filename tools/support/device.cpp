#include "device.hpp"

#include <charconv>
#include <iostream>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <omp.h>

#include <prefopt/backend/eigen/eigen_backend.hpp>
#include <prefopt/backend/operation_profile.hpp>
#include <prefopt/backend/product_kind.hpp>
#include <prefopt/core/error.hpp>
#include <prefopt/model/eigen_classifier.hpp>
#include <prefopt/model/eigen_transformer.hpp>
#include <prefopt/model/load_weights.hpp>
#include <prefopt/train/adamw.hpp>
#include <prefopt/train/rmsprop.hpp>
#include <prefopt/train/sgd.hpp>

#include "../../instances/cuda/models.hpp"
#include "ranks.hpp"

namespace tools {
namespace {

namespace cuda = prefopt::cuda_instance;

/// The number of the CUDA device that is asked for by name; none for cpu and auto.
std::optional<std::size_t> number_asked(const device_settings& settings) {
  const std::string_view text = settings.device;
  if (text == "cpu" || text == "auto") return std::nullopt;
  if (text == "cuda") return 0;
  constexpr std::string_view prefix = "cuda:";
  std::size_t number = 0;
  const char* const end = text.data() + text.size();
  if (text.starts_with(prefix)) {
    const auto parsed = std::from_chars(text.data() + prefix.size(), end, number);
    if (parsed.ec == std::errc() && parsed.ptr == end) return number;
  }
  throw prefopt::usage_error("--device " + settings.device +
                             ": expected auto, cpu, cuda or cuda:NUMBER");
}

/// Throws where the precision is CUDA's alone; `where` says why it is not CUDA that computes.
void require_cpu_precision(const device_settings& settings, const std::string& where) {
  if (settings.products() == prefopt::product_kind::tf32) {
    throw prefopt::usage_error("--precision tf32 is for CUDA, and " + where +
                               "; the CPU computes in float32 or bfloat16");
  }
}

/// Throws where there is no device of that number.
void require(const device_settings& settings, std::size_t number,
             const cuda::found_devices& found) {
  const std::string asked = "--device " + settings.device + ": ";
  if (!cuda::built()) throw prefopt::usage_error(asked + "this program was built without CUDA");
  const std::size_t count = found.names.size();
  if (number < count) return;
  if (count == 0) {
    throw prefopt::usage_error(asked + "there is no CUDA device" +
                               (found.problem.empty() ? "" : ": " + found.problem));
  }
  throw prefopt::usage_error(
      count == 1
          ? asked + "there is 1 CUDA device, cuda:0"
          : asked + fmt::format("there are {} CUDA devices, cuda:0 to cuda:{}", count, count - 1));
}

/// Whether there are several processes; a device that is named by its number is for one.
bool is_one_of_several(const device_settings& settings) {
  if (ranks().size() == 1) return false;
  if (settings.device.starts_with("cuda:")) {
    throw prefopt::usage_error("--device " + settings.device +
                               " is for one process, and this is one of " +
                               std::to_string(ranks().size()) +
                               "; of --device cuda each takes another device of its machine");
  }
  return true;
}

void use_cpu(const device_settings& settings, bool quiet) {
  const char* const why =
      !cuda::built() ? "this program was built without CUDA" : "there is no CUDA device";
  require_cpu_precision(settings, why);
  prefopt::eigen_backend::use_products(settings.products());
  if (quiet) return;
  const char* products = "";
  if (settings.products() == prefopt::product_kind::bfloat16) {
    products = prefopt::has_bfloat16_instructions()
                   ? ", products in bfloat16 (AVX512-BF16)"
                   : ", products in bfloat16, without instructions for it: no quicker than float32";
  }
  std::cerr << fmt::format("device: cpu, {} threads{}{}\n", omp_get_max_threads(), products,
                           settings.device == "auto" ? std::string("; ") + why : "");
}

}  // namespace

void validate(const device_settings& settings) {
  (void)number_asked(settings);
  (void)settings.products();
  if (settings.device == "cpu") require_cpu_precision(settings, "--device is cpu");
}

bool asks_for_cuda(const device_settings& settings) {
  return settings.device == "auto" ? !cuda::find().names.empty() : settings.device != "cpu";
}

std::string identity_of(const device_settings& settings) {
  if (asks_for_cuda(settings)) return "cuda " + settings.precision;
  return settings.precision == "float32" ? "cpu" : "cpu " + settings.precision;
}

device open_device(const device_settings& settings, bool quiet) {
  validate(settings);
  std::optional<std::size_t> number = number_asked(settings);
  cuda::found_devices found;
  if (settings.device != "cpu") found = cuda::find();
  if (number) {
    require(settings, *number, found);
  } else if (!found.names.empty()) {  // auto
    number = 0;
  }
  const std::size_t local = is_one_of_several(settings) ? ranks().local_rank() : 0;
  if (number && local != 0) number = local % found.names.size();
  if (number) {
    cuda::use(static_cast<int>(*number), settings.products());
    if (!quiet) {
      std::cerr << fmt::format("device: cuda:{} ({}), products in {}\n", *number,
                               found.names[*number], settings.precision);
    }
  } else {
    use_cpu(settings, quiet);
  }
  const std::string by = ranks().device_opened(number.has_value(), local < found.names.size());
  if (!quiet && !by.empty()) {
    std::cerr << fmt::format("processes: {}, added up by {}\n", ranks().size(), by);
  }
  if (settings.profile) prefopt::profile.start();
  return device(number.has_value());
}

prefopt::any_transformer device::make(const prefopt::transformer_config& config) const {
  if (cuda_) return cuda::make_transformer(config);
  return prefopt::eigen_transformer(config);
}

prefopt::any_transformer device::load(const prefopt::model_checkpoint& checkpoint) const {
  prefopt::any_transformer model = make(checkpoint.config);
  prefopt::load_weights(checkpoint, model);
  return model;
}

prefopt::any_classifier device::load(const prefopt::classifier_checkpoint& checkpoint,
                                     std::uint64_t seed) const {
  prefopt::any_classifier model =
      cuda_ ? cuda::make_classifier(checkpoint.config)
            : prefopt::any_classifier(prefopt::eigen_classifier(checkpoint.config));
  prefopt::load_classifier_weights(checkpoint, model, seed);
  return model;
}

prefopt::any_optimizer device::optimizer(const std::string& name, double weight_decay) const {
  if (name == "sgd") return prefopt::sgd{};  // one pass over memory that the host has too
  if (name == "rmsprop") {
    if (cuda_) return cuda::make_rmsprop({});
    return prefopt::rmsprop{};
  }
  const prefopt::adamw_options options{.weight_decay = weight_decay};
  if (cuda_) return cuda::make_adamw(options);
  return prefopt::adamw{options};
}

}  // namespace tools
