#pragma once

#include <cstddef>
#include <filesystem>

namespace prefopt {

/// Removes what `atomic_file` and `atomic_folder` left directly in `folder` where their process was
/// killed, and gives the number of entries removed. What a living process of this machine (this
/// one, too) may still be writing stays, and so does a set-aside old folder whose target is not
/// there: it is the only copy. What cannot be read or removed is passed over.
std::size_t remove_stale_temporaries(const std::filesystem::path& folder);

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/core/stale_temporaries.ipp>
#endif
