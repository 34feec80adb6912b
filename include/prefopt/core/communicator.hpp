#pragma once

#include <concepts>
#include <cstddef>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

namespace prefopt {

/// The part of 0, ..., count - 1 that a rank computes or holds: `begin` to before `end`.
struct rank_share {
  std::size_t begin = 0;
  std::size_t end = 0;
  [[nodiscard]] std::size_t size() const { return end - begin; }
};

/// Shares lie side by side in the order of ranks and differ by one in size at most.
inline rank_share share_of(std::size_t count, std::size_t rank, std::size_t size) {
  const std::size_t each = count / size;
  const std::size_t longer = count % size;  // the first so many ranks have one more
  const std::size_t begin = rank * each + (rank < longer ? rank : longer);
  return {begin, begin + each + (rank < longer ? 1 : 0)};
}

/// The processes ("ranks") that compute something together. Every rank makes the same calls in the
/// same order, with arrays of the same sizes.
///
/// 1. `ranks.sum(values)` replaces every number by its sum over all ranks, which has the same bits
///    on all of them. This is the defining operation. The order of the additions must not depend on
///    which rank comes first: `mpi_communicator` adds in the order of ranks, so that a run repeats
///    bit for bit;
///    NCCL in one that it chooses by the number of ranks, how their devices are connected and the
///    size of the array.
/// 2. `ranks.rank()` counts from 0; `ranks.size()` is how many there are.
/// 3. `ranks.sum_shares(values)` is the first half of `sum`: of each rank, only its `share_of` the
///    values is the sum afterwards; the rest is unspecified. `ranks.gather_shares(values)` is the
///    second half: every rank gets the shares of the others.
/// 4. `ranks.broadcast(bytes, root)` replaces the bytes by those of rank `root`.
/// 5. A rank that ends by an exception ends the others: they do not wait for it forever.
template <class Communicator>
concept communicator = requires(Communicator& ranks, std::span<double> doubles,
                                std::span<float> floats, std::span<std::byte> bytes,
                                std::size_t root) {
  ranks.sum(doubles);
  ranks.sum(floats);
  { ranks.rank() } -> std::same_as<std::size_t>;
  { ranks.size() } -> std::same_as<std::size_t>;
  ranks.sum_shares(floats);
  ranks.gather_shares(floats);
  ranks.broadcast(bytes, root);
};

/// A communicator that adds up while its rank computes something else.
///
/// 1. `ranks.begin_sum_shares(values)` is `sum_shares`, but may return before it is done. Nobody
///    uses the values until `finish_sums` has returned; other calls may come between.
/// 2. `ranks.finish_sums()` returns when all that were begun are done.
template <class Communicator>
concept overlapping_communicator = communicator<Communicator> &&
    requires(Communicator& ranks, std::span<float> floats) {
  ranks.begin_sum_shares(floats);
  ranks.finish_sums();
};

/// The smallest communicator: one process, for which there is nothing to do.
class single_process {
 public:
  static void sum(std::span<double>) {}
  static void sum(std::span<float>) {}
  [[nodiscard]] static std::size_t rank() { return 0; }
  [[nodiscard]] static std::size_t size() { return 1; }
  static void sum_shares(std::span<float>) {}
  static void gather_shares(std::span<float>) {}
  static void broadcast(std::span<std::byte>, std::size_t) {}
};
static_assert(communicator<single_process>);

/// What a rank computes of `count` things.
template <communicator Communicator>
rank_share own_share(Communicator& ranks, std::size_t count) {
  return share_of(count, ranks.rank(), ranks.size());
}

/// The numbers of all ranks, (size, n), row by row.
template <communicator Communicator>
std::vector<double> gathered(Communicator& ranks, std::span<const double> values) {
  std::vector<double> all(ranks.size() * values.size(), 0.0);
  for (std::size_t i = 0; i < values.size(); ++i) {
    all[ranks.rank() * values.size() + i] = values[i];
  }
  ranks.sum(std::span<double>(all));
  return all;
}

/// A number, or a structure of them, as rank `root` has it.
template <communicator Communicator, class T>
T broadcast_value(Communicator& ranks, T value, std::size_t root = 0) {
  static_assert(std::is_trivially_copyable_v<T>);
  ranks.broadcast(std::as_writable_bytes(std::span<T>(&value, 1)), root);
  return value;
}

/// An array as rank `root` has it; the others' need not have its length.
template <communicator Communicator, class T>
void broadcast_array(Communicator& ranks, std::vector<T>& values, std::size_t root = 0) {
  static_assert(std::is_trivially_copyable_v<T>);
  values.resize(broadcast_value(ranks, values.size(), root));
  ranks.broadcast(std::as_writable_bytes(std::span<T>(values)), root);
}

/// The same of a text.
template <communicator Communicator>
std::string broadcast_text(Communicator& ranks, std::string text, std::size_t root = 0) {
  text.resize(broadcast_value(ranks, text.size(), root));
  ranks.broadcast(std::as_writable_bytes(std::span<char>(text)), root);
  return text;
}

}  // namespace prefopt
