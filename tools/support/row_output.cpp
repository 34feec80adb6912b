#include "row_output.hpp"

#include <cerrno>
#include <cstring>
#include <iostream>

#include <prefopt/core/error.hpp>
#include <prefopt/data/line_reader.hpp>

namespace tools {
namespace {

[[noreturn]] void fail(const std::string& name, const char* what) {
  throw prefopt::data_error(name, 0, "", std::string(what) + ": " + std::strerror(errno));
}

/// Bytes of the whole lines at the file's front, and how many lines these are.
std::pair<std::uintmax_t, std::size_t> whole_lines(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::uintmax_t at = 0;
  std::uintmax_t end = 0;
  std::size_t lines = 0;
  char block[1 << 16];
  while (in.read(block, sizeof block), in.gcount() > 0) {
    for (std::streamsize i = 0; i < in.gcount(); ++i) {
      ++at;
      if (block[i] != '\n') continue;
      end = at;
      ++lines;
    }
  }
  return {end, lines};
}

}  // namespace

std::string to_line(const json& row) {
  return row.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

std::filesystem::path input_path(const std::string& given) {
  return given == "-" ? "/dev/stdin" : given;
}

row_output::row_output(const std::string& target) : target_(target) {
  if (target_ != "-") file_.emplace(target_);
}

row_output::row_output(const std::string& target, const std::string& identity, bool resume)
    : target_(target) {
  if (target_ != "-") {
    open_partial(identity, resume);
  } else if (resume) {
    throw prefopt::usage_error("--resume needs --output FILE: standard output keeps nothing");
  }
}

void row_output::open_partial(const std::string& identity, bool resume) {
  partial_ = target_ + ".partial";
  const std::string head = to_line({{"partial", identity}});
  if (resume && std::filesystem::exists(partial_)) {
    prefopt::line_reader lines(partial_);
    if (!lines.next() || std::string(lines.line()) + "\n" != head) {
      throw prefopt::usage_error(partial_.string() +
                                 " is of another run: other weights, input or options; without "
                                 "--resume it is begun anew");
    }
    const auto [bytes, count] = whole_lines(partial_);
    std::filesystem::resize_file(partial_, bytes);  // the last line may be torn
    done_ = count - 1;
    stream_.open(partial_, std::ios::out | std::ios::app | std::ios::binary);
  } else {
    stream_.open(partial_, std::ios::out | std::ios::trunc | std::ios::binary);
    stream_ << head;
  }
  if (!stream_.flush()) fail(partial_.string(), "cannot be written");
}

void row_output::write(const json& row) {
  const std::string line = to_line(row);
  if (file_) {
    file_->write(line);
    return;
  }
  std::ostream& out = partial_.empty() ? std::cout : stream_;
  errno = 0;
  if (!out.write(line.data(), static_cast<std::streamsize>(line.size()))) {
    fail(partial_.empty() ? "standard output" : partial_.string(), "cannot be written");
  }
}

void row_output::flush() {
  if (file_) return;
  std::ostream& out = partial_.empty() ? std::cout : stream_;
  errno = 0;
  if (!out.flush()) {
    fail(partial_.empty() ? "standard output" : partial_.string(), "cannot be written");
  }
}

void row_output::commit() {
  flush();
  if (file_) file_->commit();
  if (partial_.empty()) return;
  stream_.close();
  prefopt::output_file out(target_);
  prefopt::line_reader lines(partial_);
  lines.next();  // the identity
  while (lines.next()) out.write(std::string(lines.line()) + "\n");
  out.commit();
  std::filesystem::remove(partial_);
}

}  // namespace tools
