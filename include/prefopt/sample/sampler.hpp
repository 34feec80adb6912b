#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <prefopt/backend/sampled_token.hpp>
#include <prefopt/backend/token_sampler.hpp>
#include <prefopt/core/communicator.hpp>
#include <prefopt/core/error.hpp>
#include <prefopt/core/random.hpp>
#include <prefopt/data/token.hpp>
#include <prefopt/model/decoding_model.hpp>
#include <prefopt/sample/sampling_error.hpp>
#include <prefopt/sample/sampling_options.hpp>

namespace prefopt {

/// One response to a prompt.
struct sampled_response {
  token_sequence tokens;               ///< with the end token, if it ended by itself
  std::vector<float> token_log_probs;  ///< log pi(token | before), same length as `tokens`
  double log_prob = 0.0;               ///< log pi(response | prompt): their sum
  bool ended = false;                  ///< by an end token, not by a length limit
};

namespace detail {

/// One call of `sample`, for a share of the prompts. Responses are started in order of prompts; a
/// row that is finished leaves, and the next response takes its place, so rows are full until the
/// end.
template <decoding_model Model>
class sampling_run {
 public:
  sampling_run(Model& model, std::span<const token_sequence> prompts,
               const sampling_options& options, rank_share share)
      : model_(model),
        prompts_(prompts),
        options_(options),
        drawing_(options.drawing()),
        picker_(drawing_),
        vocabulary_(model.vocabulary_size()),
        cache_(model.make_cache()),
        results_(prompts.size()) {
    check();
    for (auto& responses : results_) responses.resize(options_.responses);
    states_.resize(prompts.size());
    started_ = share.begin * options_.responses;
    end_ = share.end * options_.responses;
    total_ = end_ - started_;
    if constexpr (!drawing_model<Model>) {
      logits_.resize(std::min(options_.batch_rows, total_) * vocabulary_);
    }
  }

  template <class OnResponse>
  std::vector<std::vector<sampled_response>> operator()(OnResponse& on_response) {
    while (true) {
      while (rows_.size() < options_.batch_rows && started_ < end_) start(on_response);
      if (rows_.empty()) return std::move(results_);
      step(on_response);
    }
  }

 private:
  struct owner {
    std::size_t prompt;
    std::size_t response;
  };
  struct prompt_state {
    std::size_t number = 0;    // in the cache
    std::size_t finished = 0;  // responses
  };

  void check() const {
    if (prompts_.size() > 0xFFFFFFFFU - options_.first_prompt) {
      throw usage_error("sampling: prompts are numbered from " +
                        std::to_string(options_.first_prompt) + " to beyond 2^32");
    }
    const auto known = [&](token_id token) {
      return token >= 0 && static_cast<std::size_t>(token) < vocabulary_;
    };
    for (const token_id token : options_.end_tokens) {
      if (known(token)) continue;
      throw usage_error("sampling: end_tokens holds " + std::to_string(token) + "; the model has " +
                        std::to_string(vocabulary_) + " tokens");
    }
    for (std::size_t p = 0; p < prompts_.size(); ++p) {
      const std::string name = "sampling: prompt " + std::to_string(p);
      if (prompts_[p].empty()) throw usage_error(name + " is empty; expected at least one token");
      if (prompts_[p].size() >= model_.max_positions()) {
        throw usage_error(name + " has " + std::to_string(prompts_[p].size()) +
                          " tokens and leaves no room for a response: the model has " +
                          std::to_string(model_.max_positions()) + " positions");
      }
      for (const token_id token : prompts_[p]) {
        if (!known(token)) {
          throw usage_error(name + " has token " + std::to_string(token) + "; the model has " +
                            std::to_string(vocabulary_) + " tokens");
        }
      }
    }
  }

  /// Prompts that are computed together, ahead of their responses: enough for products to be quick,
  /// few enough to take little memory.
  static constexpr std::size_t prefill_prompts = 32;
  static constexpr std::size_t prefill_tokens = 512;

  /// Computes prompts from that one on.
  void prefill(std::size_t first) {
    std::size_t count = 1;
    std::size_t tokens = prompts_[first].size();
    const std::size_t most =
        std::min({prefill_prompts, options_.batch_rows, end_ / options_.responses - first});
    while (count < most && tokens + prompts_[first + count].size() <= prefill_tokens) {
      tokens += prompts_[first + count].size();
      ++count;
    }
    first_prefilled_ = first;
    numbers_.resize(count);
    prompt_logits_.resize(count * vocabulary_);
    model_.prefill(cache_, prompts_.subspan(first, count), prompt_logits_, numbers_);
  }

  /// The next response: its first token comes from the prompt's logits, which are computed once for
  /// all its responses.
  template <class OnResponse>
  void start(OnResponse& on_response) {
    const owner who{started_ / options_.responses, started_ % options_.responses};
    if (who.prompt >= first_prefilled_ + numbers_.size()) prefill(who.prompt);
    const std::size_t place = who.prompt - first_prefilled_;
    prompt_state& state = states_[who.prompt];
    state.number = numbers_[place];
    ++started_;
    reserve(who);
    const std::span<const float> logits =
        std::span(prompt_logits_).subspan(place * vocabulary_, vocabulary_);
    if (extend(who, picker_.pick(logits, uniform_of(who)))) {
      finish(who, on_response);
      return;
    }
    rows_.push_back(model_.add_row(cache_, state.number));
    tokens_.push_back(response(who).tokens.back());
    owners_.push_back(who);
  }

  /// One token for every row.
  template <class OnResponse>
  void step(OnResponse& on_response) {
    draw();
    std::size_t kept = 0;
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      const owner who = owners_[i];
      if (extend(who, drawn_[i])) {
        model_.remove_row(cache_, rows_[i]);
        finish(who, on_response);
        continue;
      }
      rows_[kept] = rows_[i];
      tokens_[kept] = response(who).tokens.back();
      owners_[kept] = who;
      ++kept;
    }
    rows_.resize(kept);
    tokens_.resize(kept);
    owners_.resize(kept);
  }

  /// Fills `drawn_`: by the model, where it can, so that logits stay where they are.
  void draw() {
    drawn_.resize(rows_.size());
    uniforms_.clear();
    for (const owner who : owners_) uniforms_.push_back(uniform_of(who));
    if constexpr (drawing_model<Model>) {
      model_.draw(cache_, rows_, tokens_, drawing_, uniforms_, drawn_);
    } else {
      const std::span<float> logits = std::span(logits_).first(rows_.size() * vocabulary_);
      model_.decode(cache_, rows_, tokens_, logits);
      for (std::size_t i = 0; i < rows_.size(); ++i) {
        drawn_[i] = picker_.pick(logits.subspan(i * vocabulary_, vocabulary_), uniforms_[i]);
      }
    }
  }

  /// The number that decides the response's next token.
  double uniform_of(owner who) {
    random_stream random(options_.seed,
                         options_.first_prompt + static_cast<std::uint32_t>(who.prompt),
                         static_cast<std::uint32_t>(who.response));
    random.seek(2 * response(who).tokens.size());  // `uniform` takes two words
    return random.uniform();
  }

  /// Room for the whole response, so that its tokens take no memory one by one.
  void reserve(owner who) {
    const std::size_t longest =
        std::min(options_.max_new_tokens, model_.max_positions() - prompts_[who.prompt].size());
    response(who).tokens.reserve(longest);
    response(who).token_log_probs.reserve(longest);
  }

  /// Appends a token to the response; true where that was its last one.
  bool extend(owner who, const sampled_token& drawn) {
    sampled_response& out = response(who);
    if (drawn.token == no_token) {
      throw sampling_error(who.prompt, who.response, out.tokens.size(),
                           "the model gave a logit that is NaN or infinite");
    }
    out.tokens.push_back(drawn.token);
    out.token_log_probs.push_back(static_cast<float>(drawn.log_prob));
    out.log_prob += drawn.log_prob;
    out.ended = options_.ends(drawn.token);
    return out.ended || out.tokens.size() == options_.max_new_tokens ||
           prompts_[who.prompt].size() + out.tokens.size() == model_.max_positions();
  }

  template <class OnResponse>
  void finish(owner who, OnResponse& on_response) {
    response(who).tokens.shrink_to_fit();
    response(who).token_log_probs.shrink_to_fit();
    prompt_state& state = states_[who.prompt];
    if (++state.finished == options_.responses) model_.remove_prompt(cache_, state.number);
    on_response(++finished_, total_);
  }

  sampled_response& response(owner who) { return results_[who.prompt][who.response]; }

  Model& model_;
  std::span<const token_sequence> prompts_;
  const sampling_options& options_;
  draw_options drawing_;
  token_sampler picker_;  // of first tokens, and of all where the model draws none
  std::size_t vocabulary_;
  typename Model::cache_type cache_;
  std::vector<std::vector<sampled_response>> results_;
  std::vector<prompt_state> states_;
  std::size_t first_prefilled_ = 0;   // of the prompts that were computed last
  std::vector<std::size_t> numbers_;  // (prompts), theirs in the cache
  std::vector<float> prompt_logits_;  // (prompts, vocabulary)
  std::vector<float> logits_;         // (rows, vocabulary), where the model draws none
  std::vector<std::size_t> rows_;     // numbers in the cache
  std::vector<token_id> tokens_;      // (rows), the last ones
  std::vector<owner> owners_;         // (rows)
  std::vector<double> uniforms_;      // (rows)
  std::vector<sampled_token> drawn_;  // (rows), the next ones
  std::size_t started_ = 0;           // the next response, counted over all prompts
  std::size_t end_ = 0;
  std::size_t total_ = 0;
  std::size_t finished_ = 0;
};

/// Gives every rank what rank `root` sampled, `some` of its results there.
template <communicator Communicator>
void share_responses(Communicator& ranks, std::span<std::vector<sampled_response>> some,
                     std::size_t root) {
  std::vector<std::size_t> lengths;
  std::vector<char> ended;
  std::vector<double> log_probs;
  std::vector<token_id> tokens;
  std::vector<float> token_log_probs;
  if (ranks.rank() == root) {
    for (const auto& responses : some) {
      for (const sampled_response& r : responses) {
        lengths.push_back(r.tokens.size());
        ended.push_back(r.ended ? 1 : 0);
        log_probs.push_back(r.log_prob);
        tokens.insert(tokens.end(), r.tokens.begin(), r.tokens.end());
        token_log_probs.insert(token_log_probs.end(), r.token_log_probs.begin(),
                               r.token_log_probs.end());
      }
    }
  }
  broadcast_array(ranks, lengths, root);
  broadcast_array(ranks, ended, root);
  broadcast_array(ranks, log_probs, root);
  broadcast_array(ranks, tokens, root);
  broadcast_array(ranks, token_log_probs, root);
  if (ranks.rank() == root) return;
  std::size_t number = 0;
  std::size_t begin = 0;
  for (auto& responses : some) {
    for (sampled_response& r : responses) {
      const auto first = static_cast<std::ptrdiff_t>(begin);
      const auto last = static_cast<std::ptrdiff_t>(begin + lengths[number]);
      r.tokens.assign(tokens.begin() + first, tokens.begin() + last);
      r.token_log_probs.assign(token_log_probs.begin() + first, token_log_probs.begin() + last);
      r.log_prob = log_probs[number];
      r.ended = ended[number] != 0;
      begin += lengths[number];
      ++number;
    }
  }
}

}  // namespace detail

/// Samples `options.responses` responses to every prompt: [prompt][response]. A prompt is computed
/// once for its responses, `options.batch_rows` of which are decoded side by side. Token n of
/// response m to prompt p is drawn with words 2n and 2n + 1 of random_stream(seed, p, m), so what
/// is sampled does not depend on the batch, on the order or on threads.
///
/// `on_response(finished, total)` is called as each response finishes (for a progress bar); what it
/// throws ends the sampling. Throws `usage_error` for options and prompts that cannot be, and
/// `sampling_error` where a logit is not finite.
/// Every rank samples its share of the prompts and gets the responses to all, the same ones however
/// many ranks there are; `on_response` counts its own.
template <decoding_model Model, class OnResponse, communicator Communicator>
std::vector<std::vector<sampled_response>> sample(Model& model,
                                                  std::span<const token_sequence> prompts,
                                                  const sampling_options& options,
                                                  OnResponse&& on_response, Communicator& ranks) {
  validate(options);
  detail::sampling_run<Model> run(model, prompts, options, own_share(ranks, prompts.size()));
  auto results = run(on_response);
  if (ranks.size() == 1) return results;
  for (std::size_t r = 0; r < ranks.size(); ++r) {
    const rank_share share = share_of(prompts.size(), r, ranks.size());
    detail::share_responses(ranks, std::span(results).subspan(share.begin, share.size()), r);
  }
  return results;
}

/// The same in one process.
template <decoding_model Model, class OnResponse>
std::vector<std::vector<sampled_response>> sample(Model& model,
                                                  std::span<const token_sequence> prompts,
                                                  const sampling_options& options,
                                                  OnResponse&& on_response) {
  single_process alone;
  return sample(model, prompts, options, on_response, alone);
}

template <decoding_model Model>
std::vector<std::vector<sampled_response>> sample(Model& model,
                                                  std::span<const token_sequence> prompts,
                                                  const sampling_options& options) {
  return sample(model, prompts, options, [](std::size_t, std::size_t) {});
}

}  // namespace prefopt
