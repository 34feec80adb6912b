#pragma once

namespace prefopt {

// The variants of a transformer's operations that are chosen at run time.

enum class norm_kind { layer, rms };
enum class position_kind { learned, rotary_half };  ///< rotary_half: pairs (i, i + d/2), as Llama
enum class activation_kind { gelu_tanh, gelu, silu };

}  // namespace prefopt
