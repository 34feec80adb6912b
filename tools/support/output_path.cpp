#include "output_path.hpp"

#include <prefopt/core/error.hpp>
#include <prefopt/model/save_checkpoint.hpp>

namespace tools {
namespace {

namespace fs = std::filesystem;

void check_place(const std::string& option, const fs::path& path) {
  const fs::path whole = fs::absolute(path);
  const fs::path folder = (whole.has_filename() ? whole : whole.parent_path()).parent_path();
  if (fs::is_directory(folder)) return;
  throw prefopt::usage_error(option + " " + path.string() + ": there is no folder " +
                             folder.string());
}

}  // namespace

void check_output_file(const std::string& option, const fs::path& path) {
  if (fs::is_directory(path)) {
    throw prefopt::usage_error(option + " " + path.string() + " is a folder; expected a file");
  }
  check_place(option, path);
}

void check_output_folder(const std::string& option, const fs::path& path) {
  if (fs::exists(path) && !fs::is_directory(path)) {
    throw prefopt::usage_error(option + " " + path.string() + " is a file; expected a folder");
  }
  check_place(option, path);
  prefopt::detail::require_replaceable(path);
}

}  // namespace tools
