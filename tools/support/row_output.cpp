#include "row_output.hpp"

#include <cerrno>
#include <cstring>
#include <iostream>

#include <prefopt/core/error.hpp>
#include <prefopt/data/line_reader.hpp>

#include "output_path.hpp"
#include "ranks.hpp"

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

bool keeps_rows(const std::string& target) {
  const auto kind = std::filesystem::status(target).type();
  return target != "-" && (kind == std::filesystem::file_type::regular ||
                           kind == std::filesystem::file_type::not_found);
}

std::string to_line(const json& row) {
  return row.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

namespace {

bool is_first_rank() {
  return ranks().rank() == 0;
}

bool is_finished(const std::string& target, bool resume) {
  namespace fs = std::filesystem;
  if (target == "-") return false;
  check_output_file("--output", target);
  if (!resume || !fs::exists(target) || fs::exists(target + ".partial")) return false;
  std::cerr << target << " is there, and no " << target
            << ".partial: nothing to go on with. Which options made it was not compared; without "
               "--resume it is made anew\n";
  return true;
}

}  // namespace

void check_rows_output(const std::string& target) {
  if (target != "-" && is_first_rank()) check_output_file("--output", target);
}

bool finished_before(const std::string& target, bool resume) {
  return prefopt::broadcast_value(ranks(), is_first_rank() && is_finished(target, resume));
}

row_output::row_output(const std::string& target) : writes_(is_first_rank()), target_(target) {
  if (writes_ && target_ != "-") file_.emplace(target_);
}

row_output::row_output(const std::string& target, const std::string& identity, bool resume)
    : writes_(is_first_rank()), target_(target) {
  if (writes_) open(identity, resume);
  done_ = prefopt::broadcast_value(ranks(), done_);
}

void row_output::open(const std::string& identity, bool resume) {
  if (keeps_rows(target_)) {
    open_partial(identity, resume);
    return;
  }
  if (resume) {
    throw prefopt::usage_error("--resume needs --output FILE: " +
                               (target_ == "-" ? "standard output" : target_) + " keeps nothing");
  }
  if (target_ != "-") file_.emplace(target_);  // a pipe or a device
}

void row_output::open_partial(const std::string& identity, bool resume) {
  partial_ = target_ + ".partial";
  const std::string head = to_line({{"partial", identity}});
  lock_ = std::make_unique<file_lock>(partial_);  // which makes the file
  // Without a whole line nothing was finished, and not even what was begun is known.
  const auto [bytes, count] =
      resume ? whole_lines(partial_) : std::pair<std::uintmax_t, std::size_t>();
  if (count > 0) {
    prefopt::line_reader lines(partial_);
    if (!lines.next() || std::string(lines.line()) + "\n" != head) {
      throw prefopt::usage_error(partial_.string() +
                                 " is of another run: other weights, input or options; without "
                                 "--resume it is begun anew");
    }
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
  if (!writes_) return;
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

std::vector<json> row_output::rows() const {
  std::vector<json> rows;
  if (done_ == 0 || !writes_) return rows;
  prefopt::line_reader lines(partial_);
  lines.next();  // the identity
  while (rows.size() < done_ && lines.next()) {
    rows.push_back(json::parse(lines.line(), nullptr, false));
    if (rows.back().is_discarded()) {
      throw prefopt::data_error(partial_.string(), rows.size() + 1, "", "is no JSON");
    }
  }
  return rows;
}

void row_output::flush() {
  if (file_ || !writes_) return;
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

void row_output::drop() {
  if (partial_.empty()) return;
  stream_.close();
  std::filesystem::remove(partial_);
}

}  // namespace tools
