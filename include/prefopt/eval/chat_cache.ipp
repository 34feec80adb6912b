#pragma once

#include <prefopt/eval/chat_cache.hpp>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include <nlohmann/json.hpp>

#include <prefopt/core/config.hpp>
#include <prefopt/core/error.hpp>
#include <prefopt/data/line_reader.hpp>
#include <prefopt/train/content_hash.hpp>

namespace prefopt {

PREFOPT_INLINE chat_cache::chat_cache(std::filesystem::path path) : path_(std::move(path)) {
  if (path_.empty()) return;
  file_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (file_ < 0) fail("cannot be opened", errno);
  try {
    if (::flock(file_, LOCK_EX | LOCK_NB) != 0) {
      if (errno != EWOULDBLOCK) fail("cannot be locked", errno);
      throw usage_error(path_.string() + " is in use by another process");
    }
    cut_torn_line();
    read();
  } catch (...) {
    ::close(file_);
    throw;
  }
}

PREFOPT_INLINE chat_cache::~chat_cache() {
  if (file_ >= 0) ::close(file_);
}

PREFOPT_INLINE std::string chat_cache::key(std::string_view request, std::size_t asked_before) {
  return content_hash().add(request).add(asked_before).text();
}

PREFOPT_INLINE std::optional<chat_answer> chat_cache::find(const std::string& key) const {
  const std::lock_guard lock(mutex_);
  const auto found = answers_.find(key);
  if (found == answers_.end()) return std::nullopt;
  return found->second;
}

PREFOPT_INLINE void chat_cache::add(const std::string& key, const chat_answer& answer) {
  const nlohmann::ordered_json json{{"key", key},
                                    {"text", answer.text},
                                    {"refusal", answer.refusal},
                                    {"finish_reason", answer.finish_reason},
                                    {"prompt_tokens", answer.prompt_tokens},
                                    {"completion_tokens", answer.completion_tokens}};
  const std::string line =
      json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + '\n';
  const std::lock_guard lock(mutex_);
  answers_[key] = answer;
  if (file_ < 0) return;
  for (std::size_t done = 0; done < line.size();) {
    const auto count = ::write(file_, line.data() + done, line.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail("cannot be written", errno);
    done += static_cast<std::size_t>(count);
  }
  if (::fdatasync(file_) != 0 && errno != EINVAL) fail("cannot be synced", errno);
}

PREFOPT_INLINE std::size_t chat_cache::size() const {
  const std::lock_guard lock(mutex_);
  return answers_.size();
}

PREFOPT_INLINE void chat_cache::fail(const char* action, int number) const {
  throw data_error(path_.string(), 0, "", std::string(action) + ": " + std::strerror(number));
}

PREFOPT_INLINE void chat_cache::cut_torn_line() const {
  off_t end = ::lseek(file_, 0, SEEK_END);
  if (end < 0) fail("cannot be read", errno);
  const off_t whole = end;
  for (char last = 0; end > 0; --end) {
    if (::pread(file_, &last, 1, end - 1) != 1) fail("cannot be read", errno);
    if (last == '\n') break;
  }
  if (end != whole && ::ftruncate(file_, end) != 0) fail("cannot be cut", errno);
}

PREFOPT_INLINE void chat_cache::read() {
  line_reader lines(path_);
  while (lines.next()) {
    const auto json = nlohmann::json::parse(lines.line(), nullptr, false);
    const std::string key = json.is_object() ? detail::json_text(json, "key") : "";
    if (key.size() != 32) {
      lines.fail("key", "expected an answer that was kept here; remove the line");
    }
    answers_[key] = {detail::json_text(json, "text"), detail::json_text(json, "refusal"),
                     detail::json_text(json, "finish_reason"),
                     detail::json_count(json, "prompt_tokens"),
                     detail::json_count(json, "completion_tokens")};
  }
}

}  // namespace prefopt
