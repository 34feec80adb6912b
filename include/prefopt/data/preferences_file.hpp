#pragma once

#include <filesystem>
#include <span>
#include <vector>

#include <prefopt/data/preference_pair.hpp>

namespace prefopt {

class json_row;

/// Splits a pair whose two texts begin with their prompt, as TRL's `extract_prompt` does: the
/// prompt is what they have in common from the start, in whole characters, less a space at its end;
/// where one text begins with all of the other, its last character stays a response. Returns false,
/// and changes nothing, where they have nothing in common.
bool extract_prompt(preference_pair& pair);

/// The pair of a row with TRL's columns, see `read_preferences`.
preference_pair read_preference(const json_row& row);

/// Reads preference pairs in JSON Lines with TRL's columns: `prompt`, `chosen`, `rejected`, and
/// `score_chosen` with `score_rejected` or neither (null counts as absent); also `prompt_ids`,
/// `chosen_ids` and `rejected_ids`, the texts' tokens, where they are known. A row without `prompt`
/// has it at the front of both texts: see `extract_prompt`. Chat rows (lists of messages) are
/// refused. Throws `data_error` naming file, line and field.
std::vector<preference_pair> read_preferences(const std::filesystem::path& path);

/// Writes what `read_preferences` reads: the file appears whole or not at all, packed as its name
/// says. Bytes that are not UTF-8 become U+FFFD. Throws `data_error`, also for a score that is NaN
/// or infinite, which JSON cannot hold; its line is then the pair's.
void write_preferences(const std::filesystem::path& path, std::span<const preference_pair> pairs);

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/data/preferences_file.ipp>
#endif
