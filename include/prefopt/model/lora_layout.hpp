#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <prefopt/model/lora_options.hpp>
#include <prefopt/model/transformer_config.hpp>

namespace prefopt {

struct architecture;

/// A matrix of the checkpoint that has an adapter. Where ours holds several of the checkpoint's
/// (query, key and value in one), the adapter belongs to some of its rows.
struct lora_module {
  std::string name;           ///< in the checkpoint, "model.layers.0.self_attn.q_proj"
  std::string parameter;      ///< ours, "layers.0.attention.qkv.weight"
  std::size_t first_row = 0;  ///< in the parameter
  std::size_t rows = 0;       ///< outputs of the module
  std::size_t outputs = 0;    ///< of the parameter
  std::size_t inputs = 0;
  bool transposed = false;  ///< the checkpoint has it as (inputs, outputs)
  std::size_t by_head = 0;  ///< over 0: the checkpoint's rows stand head by head, see stored_part
};

/// Every module that could have one, in the order of the parameters: the matrices of the layers.
std::vector<lora_module> linear_modules(const architecture& kind, const transformer_config& config);

namespace detail {

/// "q_proj" of "model.layers.0.self_attn.q_proj".
std::string last_name(const std::string& module);

}  // namespace detail

/// The modules that the options name. Throws `usage_error` for options that cannot be and for a
/// target that names none; the message lists those there are.
std::vector<lora_module> lora_modules(const architecture& kind, const transformer_config& config,
                                      const lora_options& options);

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/model/lora_layout.ipp>
#endif
