#pragma once

#include <filesystem>
#include <string>

namespace tools {

/// To be called before any work. Throws `prefopt::usage_error` where a file could not be written to
/// `path` in the end: a folder is there, or none to put it into. `option`: for the message.
void check_output_file(const std::string& option, const std::filesystem::path& path);

/// The same for a folder of a checkpoint, which may replace one, but nothing else.
void check_output_folder(const std::string& option, const std::filesystem::path& path);

}  // namespace tools
