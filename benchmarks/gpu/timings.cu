// What the parts of a training step and of sampling take on this card, beside the least that its
// arithmetic and its memory allow: one table.
//
//     timings            GPT2-Large's shape (GPT-2's where memory is short)
//     timings --tiny     a shape of a few numbers, once: that the program runs, and no more
//
// The least time is the larger of operations / peak and bytes / bandwidth. The peak of products is
// known for compute capability 8.0 and 9.0; for other cards that column compares with the memory
// alone.

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <exception>
#include <functional>
#include <numeric>
#include <string>
#include <vector>

#include <prefopt/core/random.hpp>
#include <prefopt/cuda.cuh>
#include <prefopt/model/transformer.hpp>
#include <prefopt/sample/sampler.hpp>
#include <prefopt/train/cuda/adamw.cuh>

#include "card.cuh"

namespace {

using namespace prefopt;
using namespace prefopt::benchmarks;

/// A model and a step of it.
struct workload {
  std::string name;
  transformer_config config;
  std::size_t pairs = 32;
  std::size_t prompt = 8;
  std::size_t response = 100;
  std::size_t rows = 64;  // that decode at once
  std::size_t rounds = 5;
};

workload gpt2(std::size_t width, std::size_t layers, std::size_t heads, std::string name) {
  workload w;
  w.name = std::move(name);
  w.config.vocabulary = 50257;
  w.config.width = width;
  w.config.layers = layers;
  w.config.heads = w.config.kv_heads = heads;
  w.config.head_width = width / heads;
  w.config.hidden = 4 * width;
  w.config.max_positions = 1024;
  return w;
}

workload tiny() {
  workload w = gpt2(24, 2, 3, "tiny");
  w.config.vocabulary = 61;
  w.config.max_positions = 40;
  w.pairs = 2;
  w.prompt = 3;
  w.response = 5;
  w.rows = 4;
  w.rounds = 1;
  return w;
}

class table {
 public:
  explicit table(const card& on, std::size_t rounds) : card_(on), rounds_(rounds) {
    std::printf("| %-34s | %10s | %10s | %6s | %9s | %9s |\n", "what", "ms", "least ms", "share",
                "TFLOP/s", "GB/s");
    std::printf("| %.34s | ---------: | ---------: | -----: | --------: | --------: |\n",
                "----------------------------------");
  }

  double add(const std::string& what, double operations, double bytes, product_kind kind,
             const std::function<void()>& run) {
    const double seconds = seconds_of(rounds_, run);
    const double peak = card_.peak(kind);
    double least = bytes / card_.bandwidth;
    if (peak > 0) least = std::max(least, operations / peak);
    std::printf("| %-34s | %10.3f | %10.3f | %5.0f%% | %9.2f | %9.1f |\n", what.c_str(),
                1e3 * seconds, 1e3 * least, 100 * least / seconds, 1e-12 * operations / seconds,
                1e-9 * bytes / seconds);
    std::fflush(stdout);
    return seconds;
  }

 private:
  const card& card_;
  std::size_t rounds_;
};

constexpr product_kind kinds[] = {product_kind::float32, product_kind::tf32,
                                  product_kind::bfloat16};

token_sequence tokens_of(std::size_t count, std::size_t vocabulary, std::uint32_t seed) {
  random_stream random(1, seed);
  token_sequence tokens(count);
  for (token_id& t : tokens) {
    t = static_cast<token_id>(random.below(static_cast<std::uint32_t>(vocabulary)));
  }
  return tokens;
}

/// Prompts with two responses each.
struct pair_texts {
  std::vector<token_sequence> prompts, responses;

  explicit pair_texts(const workload& w) {
    for (std::uint32_t i = 0; i < w.pairs; ++i) {
      prompts.push_back(tokens_of(w.prompt, w.config.vocabulary, 3 * i));
      responses.push_back(tokens_of(w.response, w.config.vocabulary, 3 * i + 1));
      responses.push_back(tokens_of(w.response, w.config.vocabulary, 3 * i + 2));
    }
  }
  [[nodiscard]] response_batch batch() const {
    response_batch result;
    for (std::size_t i = 0; i < prompts.size(); ++i) {
      result.groups.push_back({prompts[i], {responses[2 * i], responses[2 * i + 1]}});
    }
    return result;
  }
};

cuda_array filled(std::size_t size, float value) {
  cuda_array array;
  cuda_backend::fill(array.as(1, size), value);
  return array;
}

void products(table& to, const workload& w, std::size_t rows) {
  const std::size_t inputs = w.config.width;
  const std::size_t outputs = w.config.hidden;
  cuda_array x = filled(rows * inputs, 0.01F), values = filled(outputs * inputs, 0.02F);
  cuda_array y = filled(rows * outputs, 0.03F), dx, dw;
  const double operations = 2 * as_double(rows) * as_double(inputs) * as_double(outputs);
  for (const product_kind kind : kinds) {
    cuda_backend::use_products(kind);
    cuda_weight weight;
    weight.pack(values.as(outputs, inputs));
    const double bytes = 4 * as_double(rows * (inputs + outputs)) +
                         (kind == product_kind::bfloat16 ? 2 : 4) * as_double(outputs * inputs);
    to.add(std::string("product, ") + to_string(kind), operations, bytes, kind,
           [&] { cuda_backend::linear(x.as(rows, inputs), weight, nullptr, y.as(rows, outputs)); });
    const double both = 4 * as_double(2 * rows * (inputs + outputs) + 3 * outputs * inputs);
    to.add(std::string("its gradients, ") + to_string(kind), 2 * operations, both, kind, [&] {
      cuda_backend::linear_backward(x.as(rows, inputs), values.as(outputs, inputs),
                                    y.as(rows, outputs), dx.as(rows, inputs), false,
                                    dw.as(outputs, inputs), nullptr);
    });
  }
}

/// Pairs of a row and one that it sees.
double pairs_seen(const packed_batch& batch) {
  double seen = 0;
  const auto add = [&](const packed_segment& s) {
    seen += as_double(s.length) * (as_double(s.prefix_length) + (as_double(s.length) + 1) / 2);
  };
  for (const packed_group& group : batch.groups) {
    add(group.prompt);
    for (const packed_segment& s : group.responses) add(s);
  }
  return seen;
}

/// In both forms, whichever `gpu::cheaper_attention_form` would take: that rule is arithmetic, and
/// this is what it has to be compared with.
void attention(table& to, const workload& w, const packed_batch& batch, const std::string& name) {
  const attention_shape shape{w.config.heads, w.config.kv_heads, w.config.head_width};
  const std::size_t rows = batch.tokens.size();
  const std::size_t context = w.config.heads * w.config.head_width;
  cuda_array qkv = filled(rows * shape.columns(), 0.05F), out, dout = filled(rows * context, 0.1F);
  cuda_array dqkv;
  const double operations = 4 * pairs_seen(batch) * as_double(context);
  const double bytes = 4 * as_double(rows * (shape.columns() + context));
  const auto both_passes = [&](gpu::attention_form form, product_kind kind,
                               const std::string& what) {
    gpu::attention.form = form;
    cuda_backend::use_products(kind);
    to.add(what, operations, bytes, kind, [&] {
      cuda_backend::attend(batch, shape, qkv.as(rows, shape.columns()), out.as(rows, context));
    });
    to.add("its gradient", 2.5 * operations, 2 * bytes, kind, [&] {
      cuda_backend::attend_backward(batch, shape, qkv.as(rows, shape.columns()),
                                    dout.as(rows, context), dqkv.as(rows, shape.columns()));
    });
  };
  both_passes(gpu::attention_form::tiled, product_kind::float32, name + ", tiled");
  for (const product_kind kind : kinds) {
    both_passes(gpu::attention_form::batched, kind, name + ", batched, " + to_string(kind));
  }
  gpu::attention = {};
  cuda_backend::use_products(product_kind::float32);
}

void head(table& to, const workload& w, const packed_batch& batch) {
  const std::size_t rows = batch.head_rows.size();
  const std::size_t width = w.config.width;
  const std::size_t vocabulary = w.config.vocabulary;
  cuda_array x = filled(rows * width, 0.01F), values = filled(vocabulary * width, 0.02F);
  cuda_array logits, dx, dw;
  std::vector<std::size_t> by_row(batch.predictions.size());
  std::iota(by_row.begin(), by_row.end(), std::size_t{0});
  std::stable_sort(by_row.begin(), by_row.end(), [&](std::size_t a, std::size_t b) {
    return batch.predictions[a].row < batch.predictions[b].row;
  });
  std::vector<float> sums(rows), log_probs(batch.predictions.size());
  const std::vector<float> weights(batch.predictions.size(), 0.1F);
  const double operations = 2 * as_double(rows) * as_double(width) * as_double(vocabulary);
  for (const product_kind kind : {product_kind::float32, product_kind::bfloat16}) {
    cuda_backend::use_products(kind);
    cuda_weight weight;
    weight.pack(values.as(vocabulary, width));
    const double bytes = 4 * as_double(rows * width + vocabulary * width);
    to.add(std::string("head's log-probs, ") + to_string(kind), operations, bytes, kind, [&] {
      cuda_backend::head_log_probs(x.as(rows, width), weight, nullptr, batch.predictions, by_row,
                                   logits, sums, log_probs);
    });
    to.add(
        std::string("head's gradients, ") + to_string(kind), 3 * operations, 3 * bytes, kind, [&] {
          cuda_backend::head_backward(
              x.as(rows, width), weight, nullptr, values.as(vocabulary, width), batch.predictions,
              by_row, sums, weights, logits, dx.as(rows, width), dw.as(vocabulary, width), nullptr);
        });
  }
}

/// Tokens of rows whose logits form a bell, nearly: the sum of four uniform numbers.
void drawing(table& to, const workload& w) {
  const std::size_t vocabulary = w.config.vocabulary;
  random_stream random(1, 1000);
  std::vector<float> host(w.rows * vocabulary);
  for (float& x : host) {
    x = static_cast<float>(
        3.0 * (random.uniform() + random.uniform() + random.uniform() + random.uniform()));
  }
  std::vector<double> uniforms(w.rows);
  for (double& u : uniforms) u = random.uniform();
  std::vector<sampled_token> drawn(w.rows);
  cuda_array logits;
  cuda_backend::write(host, logits.as(w.rows, vocabulary));
  const double bytes = 4 * as_double(host.size());
  const auto add = [&](const char* what, const draw_options& how) {
    to.add(std::string("drawing, ") + what, 0, bytes, product_kind::float32,
           [&] { cuda_backend::draw_tokens(logits.as(w.rows, vocabulary), how, uniforms, drawn); });
  };
  add("of all", {});
  add("top-k 50", {.top_k = 50});
  add("top-p 0.95", {.top_p = 0.95});
}

void steps_and_sampling(table& to, const workload& w, const packed_batch& packed,
                        const response_batch& batch) {
  transformer<cuda_backend> model(w.config);
  model.initialize(1);
  double parameters = 0;
  for (const parameter& p : model.parameters()) parameters += as_double(p.value.size());
  const double tables =
      as_double(w.config.vocabulary + w.config.max_positions) * as_double(w.config.width);
  // Forward, and twice that backward; the head once more, for its logits are not kept.
  const double operations =
      6 * (parameters - tables) * as_double(packed.tokens.size()) +
      8 * as_double(w.config.vocabulary * w.config.width) * as_double(packed.head_rows.size());
  cuda_adamw optimizer;
  std::vector<double> log_probs(batch.size());
  const std::vector<double> weights(batch.size(), 1e-3);
  for (const product_kind kind : kinds) {
    cuda_backend::use_products(kind);
    model.parameters_changed();
    const std::string by = std::string(", ") + to_string(kind);
    const double seconds = to.add("step" + by, operations, 56 * parameters, kind, [&] {
      model.zero_gradients();
      model.forward(batch, log_probs);
      model.backward(weights);
      const double norm = cuda_adamw::gradient_norm(model.parameters());
      optimizer.step(model.parameters(), 1e-6, norm > 1 ? static_cast<float>(1 / norm) : 1.0F);
      model.parameters_changed();
    });
    std::printf("|   %.0f tokens a second\n", as_double(packed.tokens.size()) / seconds);
  }
  to.add("AdamW alone", 0, 28 * parameters, product_kind::float32,
         [&] { optimizer.step(model.parameters(), 1e-6, 1.0F); });
  for (const product_kind kind : {product_kind::float32, product_kind::bfloat16}) {
    cuda_backend::use_products(kind);
    model.parameters_changed();
    const std::vector<token_sequence> prompts(w.rows / 2,
                                              tokens_of(w.prompt, w.config.vocabulary, 7));
    const sampling_options options{
        .max_new_tokens = w.response, .responses = 2, .batch_rows = w.rows};
    const double bytes = as_double(w.response) * (parameters - tables + tables) *
                         (kind == product_kind::bfloat16 ? 2 : 4);
    const double seconds =
        to.add("sampling, " + std::string(to_string(kind)),
               2 * parameters * as_double(w.rows * w.response), bytes, kind,
               [&] { (void)sample(model, std::span<const token_sequence>(prompts), options); });
    std::printf("|   %.0f tokens a second\n", as_double(w.rows * w.response) / seconds);
  }
}

void measure(bool small) {
  const card on;
  constexpr double gibibyte = 1024.0 * 1024.0 * 1024.0;
  const workload w = small                       ? tiny()
                     : on.memory > 30 * gibibyte ? gpt2(1280, 36, 20, "GPT2-Large")
                                                 : gpt2(768, 12, 12, "GPT-2");
  const pair_texts texts(w);
  const response_batch batch = texts.batch();
  const packed_batch packed = pack(batch, w.config.vocabulary, w.config.max_positions);
  std::printf(
      "%s, %.0f GiB, %.0f GB/s, peak %.0f TFLOP/s in float32 and %.0f in bfloat16 (0: not "
      "known)\n%s, %zu pairs of a prompt of %zu and responses of %zu tokens: %zu rows\n\n",
      on.name.c_str(), on.memory / gibibyte, 1e-9 * on.bandwidth, 1e-12 * on.float32,
      1e-12 * on.bfloat16, w.name.c_str(), w.pairs, w.prompt, w.response, packed.tokens.size());
  table to(on, w.rounds);
  products(to, w, packed.tokens.size());
  attention(to, w, packed, "attention");
  const token_sequence text = tokens_of(w.config.max_positions, w.config.vocabulary, 5);
  response_batch texts_alone;
  for (std::size_t i = 0; i < 4; ++i) texts_alone.groups.push_back({text, {}});
  attention(to, w, pack(texts_alone, w.config.vocabulary, w.config.max_positions),
            "of " + std::to_string(text.size()));
  head(to, w, packed);
  drawing(to, w);
  steps_and_sampling(to, w, packed, batch);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    measure(argc > 1 && std::strcmp(argv[1], "--tiny") == 0);
  } catch (const std::exception& problem) {
    std::fprintf(stderr, "timings: %s\n", problem.what());
    return 1;
  }
  return 0;
}
