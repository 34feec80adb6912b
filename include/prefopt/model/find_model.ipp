#pragma once

#include <prefopt/model/find_model.hpp>

#include <algorithm>
#include <fstream>
#include <string_view>
#include <system_error>
#include <vector>

#include <prefopt/core/config.hpp>
#include <prefopt/core/error.hpp>

namespace prefopt {

PREFOPT_INLINE std::filesystem::path hugging_face_cache(
    const std::function<std::string(const char*)>& variable) {
  namespace fs = std::filesystem;
  const auto with_home = [&](const std::string& text) {
    const bool short_form = text == "~" || text.starts_with("~/");
    return fs::path(short_form ? variable("HOME") + text.substr(1) : text);
  };
  for (const char* name : {"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"}) {
    if (const auto value = variable(name); !value.empty()) return with_home(value);
  }
  if (const auto value = variable("HF_HOME"); !value.empty()) return with_home(value) / "hub";
  if (const auto value = variable("XDG_CACHE_HOME"); !value.empty()) {
    return with_home(value) / "huggingface" / "hub";
  }
  const auto home = variable("HOME");
  return home.empty() ? fs::path{} : fs::path(home) / ".cache" / "huggingface" / "hub";
}

namespace detail {

/// A model's name on Hugging Face's hub, "name" or "owner/name", and a revision after an '@'.
struct hub_name {
  std::string repository;
  std::string revision = "main";
};

/// Whether `text` is what the hub allows in a name: so it cannot lead out of the cache.
inline bool is_hub_word(std::string_view text) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  };
  return !text.empty() && text.size() <= 96 && text.front() != '.' && text.front() != '-' &&
         text.find("..") == std::string_view::npos &&
         std::all_of(text.begin(), text.end(), allowed);
}

/// Nothing (an empty repository) where `text` is no name of the hub.
inline hub_name parse_hub_name(std::string_view text) {
  hub_name name;
  if (const auto at = text.find('@'); at != std::string_view::npos) {
    name.revision = text.substr(at + 1);
    text = text.substr(0, at);
    if (!is_hub_word(name.revision)) return {};
  }
  const auto slash = text.find('/');
  const bool good = slash == std::string_view::npos
                        ? is_hub_word(text)
                        : is_hub_word(text.substr(0, slash)) && is_hub_word(text.substr(slash + 1));
  if (good) name.repository = text;
  return name;
}

/// The folder of a revision (a branch, a tag or a commit) in a repository's part of the cache;
/// empty where it is not there.
inline std::filesystem::path find_snapshot(const std::filesystem::path& stored,
                                           const std::string& revision) {
  std::error_code ignored;
  std::string commit = revision;
  if (std::ifstream in(stored / "refs" / revision); in) {
    std::getline(in, commit);
    commit.erase(commit.find_last_not_of(" \r\t") + 1);
    if (!is_hub_word(commit)) {
      throw checkpoint_error((stored / "refs" / revision).string(), "", "does not name a commit");
    }
  }
  const auto folder = stored / "snapshots" / commit;
  return std::filesystem::is_directory(folder, ignored) ? folder : std::filesystem::path{};
}

/// A snapshot is a checkpoint's folder, or holds one GGUF file that is the model.
inline std::filesystem::path model_in_snapshot(const std::filesystem::path& folder,
                                               const std::string& download) {
  namespace fs = std::filesystem;
  if (fs::exists(folder / "config.json")) return folder;
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() == ".gguf") files.push_back(entry.path());
  }
  if (files.size() == 1) return files.front();
  std::sort(files.begin(), files.end());
  std::string list;
  for (const auto& file : files) list += "\n  " + file.string();
  throw checkpoint_error(folder.string(), "",
                         files.empty() ? "has neither config.json nor a GGUF file, so it was not "
                                         "downloaded whole; download it with: " +
                                             download
                                       : "has several GGUF files; give the path of one:" + list);
}

}  // namespace detail

PREFOPT_INLINE std::filesystem::path find_model(const std::string& name,
                                                const std::filesystem::path& cache) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  if (name.empty()) throw usage_error("the model's name is empty");
  if (fs::exists(name, ignored)) return name;
  const detail::hub_name hub = detail::parse_hub_name(name);
  if (hub.repository.empty()) {
    throw checkpoint_error(name, "", "there is no such checkpoint folder or GGUF file");
  }
  std::string download = "hf download " + hub.repository;
  if (hub.revision != "main") download += " --revision " + hub.revision;
  std::string stored = "models--" + hub.repository;
  if (const auto slash = stored.find('/'); slash != std::string::npos) {
    stored.replace(slash, 1, "--");
  }
  if (!cache.empty()) {
    const auto folder = detail::find_snapshot(cache / stored, hub.revision);
    if (!folder.empty()) return detail::model_in_snapshot(folder, download);
  }
  throw checkpoint_error(
      name, "",
      "there is no such checkpoint folder or GGUF file, nor a model of this name in Hugging Face's "
      "cache (" +
          (cache.empty() ? "no HOME" : cache.string()) + "); download it with: " + download);
}

}  // namespace prefopt
