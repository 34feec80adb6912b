#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include <prefopt/core/communicator.hpp>
#include <prefopt/core/rank_environment.hpp>

/// What our own programs have of NCCL, and how they hold communicators of any kind. They link one
/// of two: ranks.cpp with NCCL (or the tests' stand-in for it), or ranks_absent.cpp.
namespace prefopt::cuda_instance {

class any_ranks {
 public:
  any_ranks() = default;
  any_ranks(const any_ranks&) = delete;
  any_ranks& operator=(const any_ranks&) = delete;
  virtual ~any_ranks() = default;

  virtual void sum(std::span<double> values) = 0;
  virtual void sum(std::span<float> values) = 0;
  [[nodiscard]] virtual std::size_t rank() const = 0;
  [[nodiscard]] virtual std::size_t size() const = 0;
  virtual void sum_shares(std::span<float> values) = 0;
  virtual void begin_sum_shares(std::span<float> values) = 0;
  virtual void finish_sums() = 0;
  virtual void gather_shares(std::span<float> values) = 0;
  virtual void broadcast(std::span<std::byte> bytes, std::size_t root) = 0;
  /// False where a rank has not called this after so many seconds.
  virtual bool meet(double seconds) = 0;
  /// Ends all ranks.
  virtual void abort(const std::string& message, int code) = 0;
};

template <overlapping_communicator Communicator>
class any_ranks_of final : public any_ranks {
 public:
  template <class... Arguments>
  explicit any_ranks_of(Arguments&&... arguments) : own_(std::forward<Arguments>(arguments)...) {}

  void sum(std::span<double> values) override { own_.sum(values); }
  void sum(std::span<float> values) override { own_.sum(values); }
  [[nodiscard]] std::size_t rank() const override { return own_.rank(); }
  [[nodiscard]] std::size_t size() const override { return own_.size(); }
  void sum_shares(std::span<float> values) override { own_.sum_shares(values); }
  void begin_sum_shares(std::span<float> values) override { own_.begin_sum_shares(values); }
  void finish_sums() override { own_.finish_sums(); }
  void gather_shares(std::span<float> values) override { own_.gather_shares(values); }
  void broadcast(std::span<std::byte> bytes, std::size_t root) override {
    own_.broadcast(bytes, root);
  }
  bool meet(double seconds) override { return own_.meet(seconds); }
  void abort(const std::string& message, int code) override { own_.abort(message, code); }

 private:
  Communicator own_;
};

/// Whether this is a build with NCCL. Without it the others throw.
bool has_nccl();
/// Joins, by NCCL, ranks that have a communicator already, after `use` of a device each.
std::unique_ptr<any_ranks> join_by_nccl(any_ranks& others);
/// Joins those that torchrun or srun started.
std::unique_ptr<any_ranks> join_by_nccl(const rank_environment& started);

}  // namespace prefopt::cuda_instance
