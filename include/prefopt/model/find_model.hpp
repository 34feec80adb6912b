#pragma once

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>

namespace prefopt {

/// Where Hugging Face's libraries keep what they have downloaded: $HF_HUB_CACHE, else (its old
/// name) $HUGGINGFACE_HUB_CACHE, else $HF_HOME/hub, else $XDG_CACHE_HOME/huggingface/hub, else
/// ~/.cache/huggingface/hub. Empty where none of these variables is set. `variable` looks one up,
/// empty where it is not set; for tests.
std::filesystem::path hugging_face_cache(const std::function<std::string(const char*)>& variable =
                                             [](const char* name) {
                                               const char* value = std::getenv(name);
                                               return std::string(value == nullptr ? "" : value);
                                             });

/// The checkpoint folder or GGUF file that `name` stands for: a path that exists, else a model's
/// name on Hugging Face's hub ("owner/name", "owner/name@revision") that is in the cache of its
/// libraries. Nothing is downloaded. Throws `checkpoint_error`; its message has the command that
/// downloads the model.
std::filesystem::path find_model(const std::string& name,
                                 const std::filesystem::path& cache = hugging_face_cache());

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/model/find_model.ipp>
#endif
