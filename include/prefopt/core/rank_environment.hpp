#pragma once

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <prefopt/core/error.hpp>

namespace prefopt {

/// What the program that started several processes tells each of them about itself and the others.
struct rank_environment {
  std::size_t rank = 0;
  std::size_t size = 1;
  std::size_t local_rank = 0;  ///< among the ranks of its machine
  std::string host;            ///< the machine of rank 0
  std::uint16_t port = 0;      ///< free there: the ranks can find each other by it
};

/// The value of an environment variable; none where it is not set.
using environment_lookup = std::function<std::optional<std::string>(const std::string&)>;

inline std::optional<std::string> process_environment(const std::string& name) {
  const char* const value = std::getenv(name.c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

namespace detail {

/// Variables that are there together or not at all; `sign` is the one that told of them.
class started_by {
 public:
  started_by(std::string starter, std::string sign, const environment_lookup& lookup)
      : starter_(std::move(starter)), sign_(std::move(sign)), lookup_(&lookup) {}

  [[nodiscard]] std::string text(const std::string& name) const {
    const std::optional<std::string> value = (*lookup_)(name);
    if (!value || value->empty()) {
      throw usage_error("environment variable " + name + " is not set, yet " + sign_ + " is; " +
                        starter_ + " sets both");
    }
    return *value;
  }

  [[nodiscard]] std::size_t number(const std::string& name, std::size_t least,
                                   std::size_t most) const {
    const std::string value = text(name);
    std::size_t result = 0;
    const char* const end = value.data() + value.size();
    const auto parsed = std::from_chars(value.data(), end, result);
    if (parsed.ec != std::errc() || parsed.ptr != end || result < least || result > most) {
      throw usage_error("environment variable " + name + " is '" + value + "'; expected " +
                        std::to_string(least) + " to " + std::to_string(most));
    }
    return result;
  }

 private:
  std::string starter_;
  std::string sign_;
  const environment_lookup* lookup_;
};

/// The first of Slurm's list of hosts: "gpu[07-09,12],login" -> "gpu07".
inline std::string first_host(std::string_view list) {
  std::string host;
  for (std::size_t i = 0; i < list.size() && list[i] != ','; ++i) {
    if (list[i] != '[') {
      host += list[i];
      continue;
    }
    const std::size_t end = list.find(']', i);
    const std::string_view numbers = list.substr(i + 1, end - i - 1);
    host += numbers.substr(0, numbers.find_first_of(",-"));
    if (end == std::string_view::npos) break;
    i = end;
  }
  return host;
}

inline constexpr std::size_t most_ranks = std::numeric_limits<std::int32_t>::max();
inline constexpr std::size_t most_steps = std::numeric_limits<std::uint32_t>::max();

inline rank_environment read_torchrun(const std::string& sign, const environment_lookup& lookup) {
  const started_by torchrun("torchrun", sign, lookup);
  rank_environment found;
  found.size = torchrun.number("WORLD_SIZE", 1, most_ranks);
  found.rank = torchrun.number("RANK", 0, found.size - 1);
  found.local_rank = torchrun.number("LOCAL_RANK", 0, found.rank);
  found.host = torchrun.text("MASTER_ADDR");
  found.port = static_cast<std::uint16_t>(torchrun.number("MASTER_PORT", 1, 65534) + 1);
  return found;
}

inline rank_environment read_slurm(const std::string& sign, const environment_lookup& lookup) {
  const started_by srun("srun", sign, lookup);
  rank_environment found;
  found.size = srun.number(sign, 1, most_ranks);
  found.rank = srun.number("SLURM_PROCID", 0, found.size - 1);
  found.local_rank = srun.number("SLURM_LOCALID", 0, found.rank);
  found.host = first_host(srun.text("SLURM_STEP_NODELIST"));
  const std::size_t job = srun.number("SLURM_JOB_ID", 0, most_steps);
  const std::size_t step = srun.number("SLURM_STEP_ID", 0, most_steps);
  found.port = static_cast<std::uint16_t>(20000 + (31 * job + step) % 10000);
  return found;
}

}  // namespace detail

/// What started this process as one of several, by its environment variables; nothing where none of
/// those did.
///
/// - `torchrun`: RANK, WORLD_SIZE, LOCAL_RANK, MASTER_ADDR, MASTER_PORT. It listens at MASTER_PORT
///   itself, so `port` is the next one.
/// - Slurm's `srun`: SLURM_STEP_NUM_TASKS, SLURM_PROCID, SLURM_LOCALID, SLURM_STEP_NODELIST,
///   of which the first host has rank 0 (unless --distribution says otherwise), SLURM_JOB_ID and
///   SLURM_STEP_ID, from which `port` is derived, 20000 to 29999.
///   SLURM_PROCID and SLURM_NTASKS alone are no sign: a batch script, which runs once, has them
///   too.
///
/// Throws `usage_error`, which names the variable, where some of a starter's are not set or say
/// nothing that can be.
inline std::optional<rank_environment> read_rank_environment(
    const environment_lookup& lookup = process_environment) {
  const auto is_set = [&](const char* name) { return !lookup(name).value_or("").empty(); };
  for (const char* sign : {"RANK", "LOCAL_RANK", "WORLD_SIZE"}) {
    if (is_set(sign)) return detail::read_torchrun(sign, lookup);
  }
  constexpr const char* sign = "SLURM_STEP_NUM_TASKS";
  if (is_set(sign)) return detail::read_slurm(sign, lookup);
  return std::nullopt;
}

}  // namespace prefopt
