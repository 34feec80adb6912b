#pragma once

#include <cstddef>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include <prefopt/eval/chat_message.hpp>

namespace prefopt {

/// Answers that were paid for, one JSON object a line, kept under the hash of the request (model,
/// question and all settings) and the number of times that it was asked before. Every answer is on
/// the disk before it is used: a program that is killed leaves at most a torn last line, which the
/// next one cuts off. One process has it at a time. Several threads may use it at once.
class chat_cache {
 public:
  /// Opens or creates the file. An empty path: nothing is kept. Throws `data_error` where it cannot
  /// be used or a line is damaged, and `usage_error` where another process has it.
  explicit chat_cache(std::filesystem::path path);
  chat_cache(const chat_cache&) = delete;
  chat_cache& operator=(const chat_cache&) = delete;
  ~chat_cache();

  [[nodiscard]] static std::string key(std::string_view request, std::size_t asked_before);

  [[nodiscard]] std::optional<chat_answer> find(const std::string& key) const;

  /// Keeps the answer, on the disk too. Throws `data_error` where it cannot be written.
  void add(const std::string& key, const chat_answer& answer);

  [[nodiscard]] std::size_t size() const;

 private:
  [[noreturn]] void fail(const char* action, int number) const;

  void cut_torn_line() const;

  void read();

  std::filesystem::path path_;
  int file_ = -1;
  mutable std::mutex mutex_;  // guards what follows, and writing
  std::unordered_map<std::string, chat_answer> answers_;
};

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/eval/chat_cache.ipp>
#endif
