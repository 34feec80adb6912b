#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include <prefopt/train/training_options.hpp>

#include "device.hpp"

namespace tools {

/// An encoder (BERT, MiniLM, DistilBERT, RoBERTa) that becomes a classifier of texts.
struct encoder_training {
  std::filesystem::path model;     ///< a checkpoint folder
  std::filesystem::path data;      ///< see `read_labelled_rows`
  std::filesystem::path held_out;  ///< texts that are not trained on; empty: none
  std::vector<std::string> labels{"NEGATIVE", "POSITIVE"};
  std::size_t texts = 0;           ///< train on so many, chosen by the seed; 0: all
  std::size_t held_out_texts = 0;  ///< as many are held out
  std::size_t max_tokens = 0;      ///< of a text; 0: as many as the model takes
  std::string keep = "beginning";  ///< of a text that is too long, or "end"
  double warmup = 0.06;            ///< share of the steps with a rising rate
  double weight_decay = 0.01;      ///< AdamW's
  prefopt::training_options training = training_defaults();

  static prefopt::training_options training_defaults() {
    prefopt::training_options options;
    options.batch_size = 16;
    options.schedule = prefopt::learning_rate_schedule::kind::linear;
    options.checkpoint_every = 50;
    options.keep_checkpoints = 1;
    options.label = "classifier";
    return options;
  }
};

/// Trains, saves the folder `checkpoint` in `training.folder`, and prints what was trained on and
/// how often held-out texts are right, with the 95 % interval. Throws `stopped` where a signal
/// came; with `training.resume` it goes on then.
void train_encoder(encoder_training chosen, const device& on);

}  // namespace tools
