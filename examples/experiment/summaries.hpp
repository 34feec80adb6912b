#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "evaluation.hpp"
#include "judging.hpp"
#include "language.hpp"
#include "options.hpp"
#include "task.hpp"

namespace experiment {

/// What summaries are compared with.
struct summary_references {
  /// By prompt: the post as the judge sees it, and the summary that a human wrote.
  struct entry {
    std::string post;
    std::string summary;
  };
  std::map<std::string, entry> by_prompt;
  std::vector<double> temperatures;
};

/// A policy's summaries of the held-out posts at every temperature, and its log-probs of the human
/// ones, in files of `folder`. What is there is not made again. Throws `stopped` at a signal.
void write_summaries(language& policy, const std::string& label,
                     const std::filesystem::path& folder, const summary_references& references,
                     const options& chosen, const task& what);

/// The files of a policy's folder that it writes.
std::filesystem::path summaries_file(const std::filesystem::path& folder, double temperature);
std::filesystem::path reference_log_probs_file(const std::filesystem::path& folder);

/// Compares what `write_summaries` wrote: with a judge, win rates against the human summaries and
/// of the policies against each other; always ROUGE-L, lengths and log-probs. Prints tables and
/// writes summaries.csv, head_to_head.csv, reference_log_probs.csv, their .md, and a picture.
void report_summaries(const std::vector<point_result>& results,
                      const summary_references& references, const judge_settings& judge,
                      const options& chosen, const task& what);

}  // namespace experiment
