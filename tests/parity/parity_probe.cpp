// What prefopt computes from a checkpoint, for scripts/parity to compare with transformers and
// PEFT:
//
//     parity_probe KIND MODEL REQUEST FOLDER
//
// REQUEST is a JSON file, and FOLDER receives result.json and, by KIND:
//
//     decoder     `groups` of {"prompt", "responses"} of token ids, a weight a response in
//     `weights`,
//                 `greedy_tokens`, `sampled_tokens`, and `texts` to tokenize ->
//                 gradients.safetensors (of the weighted sum of log-probs, under the files' names)
//                 and two checkpoints: copied/ with the config.json that was read, described/ with
//                 one made anew
//     classifier  `tokens` of texts, a weight a logit in `weights`, `new_labels` of a head that is
//                 not there, and `texts` -> the same
//     adapter     `groups`, `weights`, the folder `adapter`, and `own`, the options of another one
//                 -> adapters: gradients/, saved/ (the one that was read), own/; and merged/, a
//                 checkpoint

#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>

#include <prefopt/core/error.hpp>
#include <prefopt/model/json_file.hpp>

#include "probe_parts.hpp"

namespace {

void run(const std::string& kind, const std::filesystem::path& model,
         const std::filesystem::path& request_file, const std::filesystem::path& folder) {
  const auto of = kind == "decoder"      ? probe::probe_decoder
                  : kind == "classifier" ? probe::probe_classifier
                  : kind == "adapter"    ? probe::probe_adapter
                                         : nullptr;
  if (of == nullptr) throw prefopt::usage_error("there is no kind '" + kind + "'");
  const auto result = of(model, prefopt::read_checkpoint_json(request_file), folder);
  std::ofstream(folder / "result.json") << result.dump() << '\n';
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 5) {
    std::cerr << "usage: parity_probe decoder|classifier|adapter MODEL REQUEST FOLDER\n";
    return 2;
  }
  try {
    run(arguments[1], arguments[2], arguments[3], arguments[4]);
  } catch (const std::exception& error) {
    std::cerr << "parity_probe: " << error.what() << '\n';
    return 1;
  }
}
