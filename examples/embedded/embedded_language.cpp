#include "embedded_language.hpp"

#include <utility>

#include <prefopt/core/stream_purpose.hpp>
#include <prefopt/text/train_bpe.hpp>

#include "../experiment/options.hpp"
#include "../experiment/training.hpp"

namespace experiment {
namespace {

constexpr std::size_t review_count = 4000;
constexpr std::size_t vocabulary = 768;

prefopt::transformer_config shape(std::size_t tokens) {
  prefopt::transformer_config config;
  config.vocabulary = tokens;
  config.width = 96;
  config.layers = 3;
  config.heads = 4;
  config.kv_heads = 2;
  config.head_width = 24;
  config.hidden = 256;
  config.max_positions = 256;
  config.norm = prefopt::norm_kind::rms;
  config.positions = prefopt::position_kind::rotary_half;
  config.activation = prefopt::activation_kind::silu;
  config.gated = true;
  config.qkv_bias = config.output_bias = false;
  config.feed_forward_bias = false;
  config.tied_head = true;
  return config;
}

}  // namespace

std::vector<prefopt::embedded::labelled_review> embedded_reviews(std::size_t count,
                                                                 std::uint64_t seed) {
  std::vector<prefopt::embedded::labelled_review> reviews;
  prefopt::random_stream random = prefopt::stream_for(prefopt::stream_purpose::reviews, seed);
  for (std::size_t i = 0; i < count; ++i) reviews.push_back(prefopt::embedded::generate(random));
  return reviews;
}

language embedded_language(const std::filesystem::path& folder, const tools::device& on) {
  if (std::filesystem::exists(folder / "checkpoint" / "config.json")) {
    return open_language(folder / "checkpoint", on);
  }
  std::vector<std::string> texts;
  for (auto& review : embedded_reviews(review_count, 1)) texts.push_back(std::move(review.text));
  const auto description = prefopt::train_bpe(texts, vocabulary);
  prefopt::byte_level_bpe tokenizer(description);

  prefopt::checkpoint_description about;
  about.model_type = "llama";
  about.config = shape(tokenizer.vocabulary_size());
  about.tokenizer = description;
  about.begin = tokenizer.end_token();
  about.end = tokenizer.end_token();
  language made{on.make(about.config), tokenizer, about, on};
  made.model.initialize(1);

  options how;
  how.seed = 1;
  how.schedule = "cosine";
  how.warmup_steps = 50;
  how.save_every = 100;
  how.sft_batch = 32;
  how.sft_epochs = 4;
  how.sft_tokens = 64;
  how.sft_learning_rate = 3e-3;
  std::vector<sft_text> examples;
  for (const std::string& text : texts) examples.push_back({text});
  fine_tune(made, examples, how, folder / "run");
  save_language(folder / "checkpoint", made.model, made);
  std::filesystem::remove_all(folder / "run" / "checkpoints");
  return made;
}

}  // namespace experiment
