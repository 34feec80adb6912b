// What prefopt uses of NCCL: communicators whose calls do not block, and collectives, which go into
// streams like kernels. Ranks are threads or processes. It keeps NCCL's promises and no more: a
// call may be in its stream only when ncclCommGetAsyncError says so, ranks need a device each, and
// a sum is not added in the order of ranks.

#include <nccl.h>

#include <atomic>
#include <cctype>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include <unistd.h>

#include <emulator/error.hpp>
#include <emulator/failure.hpp>
#include <emulator/nccl_collective.hpp>
#include <emulator/nccl_region.hpp>
#include <emulator/streams.hpp>

namespace nccl = emulator::nccl;

struct ncclComm {
  std::string name;
  std::size_t rank = 0;
  std::size_t size = 0;
  int device = 0;
  std::shared_ptr<nccl::region> shared;  // null until rank 0 has made it
  bool joined = false;                   // all have
  std::uint64_t calls = 0;
  std::function<void()> pending;  // puts the last call into its stream
  bool finalized = false;
  std::shared_ptr<std::atomic<bool>> aborted = std::make_shared<std::atomic<bool>>(false);
};

namespace emulator::nccl {
namespace {

thread_local std::string last_error;

ncclResult_t refuse(ncclResult_t status, const std::string& why) {
  last_error = why;
  return status;
}

ncclResult_t start(ncclComm_t ranks, call what, const void* from, void* to, cudaStream_t stream) {
  if (status() != cudaSuccess) return ncclUnhandledCudaError;
  if (ranks == nullptr) return refuse(ncclInvalidArgument, "the communicator is null");
  if (!ranks->joined || ranks->pending) {
    return refuse(ncclInvalidArgument,
                  "Attempt to use communicator before the previous operation returned ncclSuccess");
  }
  if (ranks->finalized) return refuse(ncclInvalidUsage, "the communicator is finalized");
  if (what.root < 0 || static_cast<std::size_t>(what.root) >= ranks->size) {
    return refuse(ncclInvalidArgument, "root " + std::to_string(what.root) + " is no rank");
  }
  const collective part{what, from, to, ranks->rank, ranks->size, ranks->shared};
  if (const std::string why = objection(part, stream, ranks->device); !why.empty()) {
    return refuse(ncclInvalidArgument, std::string(what.name()) + ": " + why);
  }
  const std::uint64_t number = ++ranks->calls;
  ranks->pending = [part, stream, number, aborted = ranks->aborted] {
    enqueue(
        stream,
        [=] {
          if (!*aborted) part.post(number);
        },
        [=] { return *aborted || part.all_collected(number - 1); });
    enqueue(
        stream,
        [=] {
          if (!*aborted) part.collect(number);
        },
        [=] { return *aborted || part.all_posted(number); });
  };
  return ncclInProgress;
}

/// Whether all ranks are there, or what keeps them apart.
ncclResult_t join(ncclComm& ranks) {
  if (!ranks.shared) {
    ranks.shared = region::open(ranks.name, ranks.rank, ranks.size);
    if (!ranks.shared) return ncclInProgress;
    if (ranks.shared->size() != ranks.size) {
      return refuse(ncclInvalidArgument, "ranks differ in how many they are");
    }
    ranks.shared->join(ranks.rank, ranks.device);
  }
  if (!ranks.shared->all_joined()) return ncclInProgress;
  for (std::size_t r = 0; r < ranks.size; ++r) {
    if (r != ranks.rank && ranks.shared->of(r).device == ranks.device) {
      return refuse(ncclInvalidUsage, "Duplicate GPU detected : rank " +
                                          std::to_string(ranks.rank) + " and rank " +
                                          std::to_string(r));
    }
  }
  ranks.joined = true;
  return ncclSuccess;
}

/// A name for a region, of what an id holds.
std::string name_of(const ncclUniqueId& id) {
  std::string name = "/prefopt-nccl-";
  for (const char* c = id.internal; *c != '\0'; ++c) {
    name += std::isalnum(static_cast<unsigned char>(*c)) != 0 ? *c : '_';
  }
  return name;
}

}  // namespace

}  // namespace emulator::nccl

extern "C" {

ncclResult_t ncclGetUniqueId(ncclUniqueId* id) {
  static std::atomic<int> count = 0;
  std::string text;
  if (const char* const at = std::getenv("NCCL_COMM_ID"); at != nullptr) {
    text = at;
    if (text.find(':') == std::string::npos) {
      return nccl::refuse(ncclInvalidArgument, "Invalid NCCL_COMM_ID, please use <ip>:<port>");
    }
  } else {
    const auto now = std::chrono::steady_clock::now().time_since_epoch().count();
    text = std::to_string(getpid()) + "-" + std::to_string(now) + "-" + std::to_string(++count);
  }
  *id = {};
  std::strncpy(id->internal, text.c_str(), sizeof id->internal - 1);
  return ncclSuccess;
}

ncclResult_t ncclCommInitRankConfig(ncclComm_t* made, int size, ncclUniqueId id, int rank,
                                    ncclConfig_t* config) {
  const ncclConfig_t fresh = NCCL_CONFIG_INITIALIZER;
  *made = nullptr;
  if (config == nullptr || config->magic != fresh.magic || config->size != fresh.size || size < 1 ||
      rank < 0 || rank >= size) {
    return nccl::refuse(ncclInvalidArgument, "no such rank, or a configuration never initialized");
  }
  if (config->blocking != 0) emulator::unsupported("a blocking communicator of NCCL");
  auto ranks = std::make_unique<ncclComm>();
  ranks->name = nccl::name_of(id);
  ranks->rank = static_cast<std::size_t>(rank);
  ranks->size = static_cast<std::size_t>(size);
  ranks->device = emulator::current_device;
  *made = ranks.release();
  return ncclInProgress;
}

ncclResult_t ncclCommGetAsyncError(ncclComm_t ranks, ncclResult_t* state) {
  if (ranks == nullptr) return nccl::refuse(ncclInvalidArgument, "the communicator is null");
  *state = ranks->joined ? ncclSuccess : nccl::join(*ranks);
  if (*state != ncclSuccess && *state != ncclInProgress) return ncclSuccess;
  if (ranks->shared && ranks->shared->aborted()) {
    *state = nccl::refuse(ncclRemoteError, "another rank aborted");
  } else if (ranks->pending) {
    std::exchange(ranks->pending, {})();
  } else if (ranks->finalized && ranks->shared->of(ranks->rank).collected != ranks->calls) {
    *state = ncclInProgress;
  }
  return ncclSuccess;
}

ncclResult_t ncclCommFinalize(ncclComm_t ranks) {
  if (ranks == nullptr || !ranks->joined || ranks->pending || ranks->finalized) {
    return nccl::refuse(ncclInvalidArgument, "not a communicator that can be finalized");
  }
  ranks->finalized = true;
  return ncclInProgress;
}

ncclResult_t ncclCommDestroy(ncclComm_t ranks) {
  if (ranks == nullptr || !ranks->finalized) {
    return nccl::refuse(ncclInvalidUsage, "ncclCommDestroy without ncclCommFinalize");
  }
  delete ranks;
  return ncclSuccess;
}

ncclResult_t ncclCommAbort(ncclComm_t ranks) {
  if (ranks == nullptr) return nccl::refuse(ncclInvalidArgument, "the communicator is null");
  *ranks->aborted = true;  // what waits in its streams does nothing any more
  if (ranks->shared) ranks->shared->abort();
  delete ranks;
  return ncclSuccess;
}

ncclResult_t ncclReduceScatter(const void* from, void* to, size_t count, ncclDataType_t type,
                               ncclRedOp_t op, ncclComm_t ranks, cudaStream_t stream) {
  if (op != ncclSum || type == ncclUint8) emulator::unsupported("another reduction than a sum");
  return nccl::start(ranks, {nccl::call::reduce_scatter, type, 0, count}, from, to, stream);
}
ncclResult_t ncclAllGather(const void* from, void* to, size_t count, ncclDataType_t type,
                           ncclComm_t ranks, cudaStream_t stream) {
  return nccl::start(ranks, {nccl::call::all_gather, type, 0, count}, from, to, stream);
}
ncclResult_t ncclBroadcast(const void* from, void* to, size_t count, ncclDataType_t type, int root,
                           ncclComm_t ranks, cudaStream_t stream) {
  return nccl::start(ranks, {nccl::call::broadcast, type, root, count}, from, to, stream);
}

const char* ncclGetLastError(ncclComm_t) {
  return nccl::last_error.c_str();
}
const char* ncclGetErrorString(ncclResult_t status) {
  switch (status) {
    case ncclSuccess:
      return "no error";
    case ncclUnhandledCudaError:
      return "unhandled cuda error";
    case ncclInvalidArgument:
      return "invalid argument";
    case ncclInvalidUsage:
      return "invalid usage";
    case ncclRemoteError:
      return "remote process exited or there was a network error";
    case ncclInProgress:
      return "NCCL operation in progress";
    default:
      return "unknown result code";
  }
}
}
