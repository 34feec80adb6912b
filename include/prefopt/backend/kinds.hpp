#pragma once

namespace prefopt {

// The variants of a transformer's operations that are chosen at run time.

enum class norm_kind { layer, rms };

/// rotary_half turns the pairs (i, i + n) of a head's first 2n coordinates, as Llama and GPT-NeoX;
/// rotary_interleaved the pairs (2i, 2i + 1), as GPT-J.
enum class position_kind { learned, rotary_half, rotary_interleaved };

enum class activation_kind { gelu_tanh, gelu, silu, relu, tanh };

/// What a layer adds to its input x, A attention and F feed-forward, each with its norm before it:
/// sequential is y = x + A(x), y + F(y); parallel is x + A(x) + F(x), and parallel_one_norm that
/// with one norm for both.
enum class residual_kind { sequential, parallel, parallel_one_norm };

/// Which rows of its segment a row attends, besides all of the segment's prefix: those up to
/// itself, or all.
enum class attention_kind { causal, bidirectional };

}  // namespace prefopt
