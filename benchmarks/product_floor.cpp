// The matrix products of a piece of work alone, in oneDNN, with results in float32: what computes
// them with that library cannot be quicker. Prints one JSON line, so that a script can put it
// beside the whole work.
//
//     product_floor --work step --prompts 8 --responses-per-prompt 2 --prompt 5 --response 64
//     product_floor --work log_probs --prompts 1 --responses-per-prompt 16 --prompt 400
//     product_floor --work sampling --batch 32
//
// Of every linear layer, a step has forward, the gradient of the input and the gradient of the
// weights, each prompt is computed once, and the head at the rows that predict a token alone;
// log_probs is its forward; sampling is one decode step. Weights that stay as they are, in the last
// two, are packed beforehand.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <iostream>
#include <limits>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>
#include <oneapi/dnnl/dnnl.hpp>

#include "support/model_shapes.hpp"
#include "support/side_by_side.hpp"

namespace {

using memory = dnnl::memory;
using tag = memory::format_tag;

struct settings {
  std::string work = "step";
  std::string model = "gpt2";
  std::size_t prompt = 5;
  std::size_t response = 64;
  std::size_t responses_per_prompt = 2;
  std::size_t prompts = 8;
  std::size_t batch = 32;
  std::size_t repeats = 5;
  std::string dtype = "fp32";
};

/// Products c (m, n) = a (m, k) b (k, n), one after the other. Each has a b of its own; a and c,
/// which are activations, lie in the same place for all.
class product_list {
 public:
  /// Each shape gets the layout that turns out to be the quickest here, for some take twice the
  /// time of others; with `packed`, every b may also be packed beforehand.
  product_list(memory::data_type type, bool packed)
      : type_(type),
        layouts_{{false, tag::ab}, {false, tag::ba}, {true, tag::ab}, {true, tag::ba}} {
    if (packed) layouts_.push_back({false, tag::any});
  }

  void add(std::size_t m, std::size_t k, std::size_t n) {
    const std::array shape{m, k, n};
    if (!quickest_.contains(shape)) quickest_[shape] = quickest(m, k, n);
    products_.push_back(make(m, k, n, quickest_[shape]));
  }

  /// The median of `repeats` times through all of them, after a first.
  double seconds(std::size_t repeats) { return median_seconds(products_, repeats); }

 private:
  struct layout {
    bool turned = false;  ///< it is computed as c^T = b^T a^T
    tag right = tag::ab;  ///< of the right factor; `ba` lies transposed
  };
  struct product {
    dnnl::matmul primitive;
    std::unordered_map<int, memory> arguments;
  };

  layout quickest(std::size_t m, std::size_t k, std::size_t n) {
    layout best;
    double least = std::numeric_limits<double>::infinity();
    for (const layout& candidate : layouts_) {
      std::vector<product> alone;
      alone.push_back(make(m, k, n, candidate));
      if (const double time = median_seconds(alone, 3); time < least) {
        least = time;
        best = candidate;
      }
    }
    return best;
  }

  product make(std::size_t m, std::size_t k, std::size_t n, const layout& how) {
    if (how.turned) std::swap(m, n);
    const memory::desc left(dims(m, k), type_, tag::ab);
    const memory::desc right(dims(k, n), type_, how.right);
    const memory::desc result(dims(m, n), memory::data_type::f32, tag::ab);
#if DNNL_VERSION_MAJOR >= 3
    const dnnl::matmul::primitive_desc description(cpu_, left, right, result);
#else
    const dnnl::matmul::primitive_desc description({left, right, result}, cpu_);
#endif
    memory own(description.weights_desc(), cpu_);
    fill(own.get_data_handle(), own.get_desc().get_size());
    left_.resize(std::max(left_.size(), left.get_size()));
    result_.resize(std::max(result_.size(), result.get_size()));
    return {dnnl::matmul(description),
            {{DNNL_ARG_SRC, memory(left, cpu_, DNNL_MEMORY_NONE)},
             {DNNL_ARG_WEIGHTS, own},
             {DNNL_ARG_DST, memory(result, cpu_, DNNL_MEMORY_NONE)}}};
  }

  double median_seconds(std::vector<product>& products, std::size_t repeats) {
    fill(left_.data(), left_.size());
    for (product& p : products) {
      p.arguments.at(DNNL_ARG_SRC).set_data_handle(left_.data());
      p.arguments.at(DNNL_ARG_DST).set_data_handle(result_.data());
    }
    return side_by_side::median_seconds(repeats, [&] {
      for (const product& p : products) p.primitive.execute(stream_, p.arguments);
      stream_.wait();
    });
  }

  static memory::dims dims(std::size_t rows, std::size_t columns) {
    return {static_cast<memory::dim>(rows), static_cast<memory::dim>(columns)};
  }
  /// With numbers around 0.01, of either type; memory that nobody wrote may be one page of zeros.
  static void fill(void* data, std::size_t bytes) {
    std::fill_n(static_cast<std::uint16_t*>(data), bytes / 2, std::uint16_t{0x3c24});
  }

  dnnl::engine cpu_{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream_{cpu_};
  memory::data_type type_;
  std::vector<layout> layouts_;
  std::map<std::array<std::size_t, 3>, layout> quickest_;
  std::vector<product> products_;
  std::vector<std::byte> left_;
  std::vector<std::byte> result_;
};

/// One linear layer: y = x W^T, and where the weights are trained dx = dy W and dW = dy^T x.
void add_linear(product_list& products, bool trained, std::size_t rows, std::size_t inputs,
                std::size_t outputs) {
  products.add(rows, inputs, outputs);
  if (!trained) return;
  products.add(rows, outputs, inputs);
  products.add(outputs, rows, inputs);
}

void measure(const settings& s) {
  const prefopt::transformer_config c =
      s.model == "gpt2" ? model_shapes::gpt2_124m() : model_shapes::smollm2_135m();
  const bool step = s.work == "step";
  const bool sampling = s.work == "sampling";
  // Nothing is predicted from a last token, and all first ones from the end of the prompt.
  const std::size_t continued = s.responses_per_prompt * (s.response - 1);
  const std::size_t rows = sampling ? s.batch : s.prompts * (s.prompt + continued);
  const std::size_t head_rows = sampling ? s.batch : s.prompts * (1 + continued);

  double median = 0;
  try {
    product_list products(s.dtype == "bf16" ? memory::data_type::bf16 : memory::data_type::f32,
                          !step);
    const std::size_t queries = c.heads * c.head_width;
    const std::size_t keys = c.kv_heads * c.head_width;
    for (std::size_t layer = 0; layer < c.layers; ++layer) {
      add_linear(products, step, rows, c.width, queries + 2 * keys);
      add_linear(products, step, rows, queries, c.width);
      add_linear(products, step, rows, c.width, c.gated ? 2 * c.hidden : c.hidden);
      add_linear(products, step, rows, c.hidden, c.width);
    }
    add_linear(products, step, head_rows, c.width, c.vocabulary);
    median = products.seconds(s.repeats);
  } catch (const dnnl::error& problem) {
    if (problem.status != dnnl_unimplemented) throw;
    throw prefopt::error("--dtype " + s.dtype +
                         ": oneDNN does not compute it here: " + problem.what());
  }

  nlohmann::ordered_json line;
  line["peer"] = "floor";
  line["work"] = s.work;
  line["model"] = s.model;
  line["dtype"] = s.dtype;
  if (sampling) {
    line["batch"] = s.batch;
  } else {
    line["prompt"] = s.prompt;
    line["response"] = s.response;
    line["responses_per_prompt"] = s.responses_per_prompt;
    line["prompts"] = s.prompts;
  }
  line["median_s"] = median;
  if (sampling) line["tokens_per_s"] = static_cast<double>(s.batch) / median;
  line["peak_gb"] = side_by_side::peak_gb();
  std::cout << line.dump() << std::endl;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("The time of the matrix products of a piece of work, in oneDNN", "product_floor");
  settings s;
  const auto count = CLI::Range(std::size_t{1}, std::size_t{1} << 20U);
  app.add_option("--work", s.work, "a training step, log-probs alone, or one decode step")
      ->check(CLI::IsMember({"step", "log_probs", "sampling"}))
      ->capture_default_str();
  app.add_option("--model", s.model, "whose shapes: GPT-2 124M or SmolLM2-135M")
      ->check(CLI::IsMember({"gpt2", "smollm2"}))
      ->capture_default_str();
  app.add_option("--prompts", s.prompts, "of a step")->check(count)->capture_default_str();
  app.add_option("--prompt", s.prompt, "tokens of a prompt")->check(count)->capture_default_str();
  app.add_option("--responses-per-prompt", s.responses_per_prompt, "with the prompt computed once")
      ->check(count)
      ->capture_default_str();
  app.add_option("--response", s.response, "tokens of a response")
      ->check(count)
      ->capture_default_str();
  app.add_option("--batch", s.batch, "responses side by side, in sampling")
      ->check(count)
      ->capture_default_str();
  app.add_option("--repeats", s.repeats, "measured, after the first")
      ->check(count)
      ->capture_default_str();
  app.add_option("--dtype", s.dtype, "of the factors; sums are fp32")
      ->check(CLI::IsMember({"fp32", "bf16"}))
      ->capture_default_str();
  return side_by_side::run(app, argc, argv, [&] { measure(s); });
}
