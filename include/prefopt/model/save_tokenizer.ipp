#pragma once

#include <prefopt/model/save_tokenizer.hpp>

#include <cstddef>
#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include <prefopt/core/atomic_file.hpp>
#include <prefopt/core/config.hpp>
#include <prefopt/core/error.hpp>
#include <prefopt/data/token.hpp>
#include <prefopt/model/json_file.hpp>
#include <prefopt/text/write_tokenizer.hpp>

namespace prefopt {

PREFOPT_INLINE void save_tokenizer(const std::filesystem::path& folder,
                                   const checkpoint_description& description) {
  if (!description.tokenizer) throw usage_error("the checkpoint has no tokenizer to be written");
  const bpe_description& tokenizer = *description.tokenizer;
  nlohmann::ordered_json special = nlohmann::ordered_json::object();
  const auto put = [&](const char* key, const std::optional<token_id>& token) {
    if (!token) return;
    std::string content;
    if (*token >= 0 && static_cast<std::size_t>(*token) < tokenizer.vocabulary.size()) {
      content = tokenizer.vocabulary[static_cast<std::size_t>(*token)];
    }
    for (const auto& each : tokenizer.added) {
      if (each.id == *token) content = each.content;
    }
    if (content.empty()) {
      throw usage_error(std::string(key) + " is " + std::to_string(*token) +
                        ", which is not in the tokenizer's vocabulary");
    }
    special[key] = content;
  };
  put("bos_token", description.begin);
  put("eos_token", description.end ? description.end : tokenizer.end);
  put("pad_token", description.padding);

  write_tokenizer(tokenizer, folder);
  write_file_atomically(folder / "special_tokens_map.json", special.dump(2) + "\n");
  auto config = read_checkpoint_json(folder / "tokenizer_config.json");
  config.update(special);
  config["model_max_length"] = description.config.max_positions;
  if (!description.chat_template.empty()) config["chat_template"] = description.chat_template;
  write_file_atomically(folder / "tokenizer_config.json", config.dump(2) + "\n");
}

}  // namespace prefopt
