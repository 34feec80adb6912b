#include <map>
#include <string>
#include <utility>

#include <emulator/block.hpp>
#include <emulator/index.hpp>
#include <emulator/kernel_name.hpp>

namespace emulator {
namespace {

const char* name(waits kind) {
  switch (kind) {
    case waits::nothing:
      return "running";
    case waits::barrier:
      return "__syncthreads";
    case waits::syncwarp:
      return "__syncwarp";
    case waits::shuffle:
      return "a shuffle";
    case waits::ballot:
      return "a ballot";
    default:
      return "a reduction of the warp";
  }
}

}  // namespace

std::string block::describe(const std::string& problem) const {
  std::string text = problem + " in block (" + std::to_string(blockIdx.x) + ", " +
                     std::to_string(blockIdx.y) + ", " + std::to_string(blockIdx.z) + ") of " +
                     kernel_name(shape_->kernel);
  std::map<std::string, std::pair<unsigned, unsigned>> groups;  // where: first thread, how many
  for (unsigned t = 0; t < count_; ++t) {
    const thread_state& thread = *threads_[t];
    std::string where = thread.ended ? "ended" : name(thread.waiting);
    if (!thread.ended && thread.waiting != waits::nothing) {
      where = "at " + where + ", " + thread.where.file + ":" + std::to_string(thread.where.line);
    }
    ++groups.try_emplace(where, t, 0).first->second.second;
  }
  for (const auto& [where, threads] : groups) {
    text += "\n  " + std::to_string(threads.second) + " threads (first " +
            std::to_string(threads.first) + ") " + where;
  }
  return text;
}

}  // namespace emulator
