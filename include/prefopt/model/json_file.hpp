#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace prefopt {

/// JSON of a checkpoint: `text` must be one object in valid UTF-8, nested at most 32 deep, and no
/// object may have a key twice. Throws `checkpoint_error` naming `file` and `place`.
nlohmann::ordered_json parse_checkpoint_json(std::string_view text, const std::string& file,
                                             const std::string& place);

/// A whole file of it, up to 100 MB.
nlohmann::ordered_json read_checkpoint_json(const std::filesystem::path& path);

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/model/json_file.ipp>
#endif
