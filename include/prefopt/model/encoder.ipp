#pragma once

#include <prefopt/model/encoder.hpp>

#include <string>

#include <prefopt/core/config.hpp>
#include <prefopt/core/error.hpp>

namespace prefopt {

PREFOPT_INLINE packed_batch pack_texts(std::span<const token_sequence> texts,
                                       const encoder_config& config) {
  packed_batch packed;
  for (std::size_t t = 0; t < texts.size(); ++t) {
    const token_sequence& text = texts[t];
    const auto where = [t] { return "text " + std::to_string(t); };
    if (text.empty()) throw usage_error(where() + ": it has no token");
    if (text.size() > config.max_tokens()) {
      throw usage_error(where() + ": it has " + std::to_string(text.size()) +
                        " tokens, but the model has room for " +
                        std::to_string(config.max_tokens()));
    }
    detail::check_tokens(text, config.vocabulary, where);
    packed_group& group = packed.groups.emplace_back();
    group.prompt = {packed.tokens.size(), text.size(), 0, 0};
    packed.head_rows.push_back(packed.tokens.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
      packed.tokens.push_back(text[i]);
      packed.positions.push_back(config.first_position + i);
    }
  }
  return packed;
}

}  // namespace prefopt
