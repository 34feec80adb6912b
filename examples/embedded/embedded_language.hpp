#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "../experiment/language.hpp"
#include "review_grammar.hpp"

namespace experiment {

/// Labelled reviews made by the grammar, always the same ones for a seed.
std::vector<prefopt::embedded::labelled_review> embedded_reviews(std::size_t count,
                                                                 std::uint64_t seed);

/// A small Llama-like transformer with a byte-level BPE tokenizer, both learned from scratch from
/// the grammar's reviews. It is saved in `folder`, and read from there the next time; a training
/// run that was stopped is gone on with. Throws `stopped` at a signal.
language embedded_language(const std::filesystem::path& folder, const tools::device& on);

}  // namespace experiment
