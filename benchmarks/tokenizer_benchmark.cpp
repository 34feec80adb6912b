// Encoding and decoding on one thread, in bytes of text a second. The tokenizer is that of the
// folder $PREFOPT_TOKENIZER and the text the lines of the file $PREFOPT_TEXT (packed or not);
// without them, byte pairs of a small vocabulary and generated text. The baseline, Hugging Face's
// `tokenizers` on the same two: benchmarks/tokenizer_baseline.py.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include <prefopt/core/random.hpp>
#include <prefopt/data/line_reader.hpp>
#include <prefopt/text/byte_alphabet.hpp>
#include <prefopt/text/load_tokenizer.hpp>

namespace {

prefopt::byte_level_bpe make_tokenizer() {
  if (const char* folder = std::getenv("PREFOPT_TOKENIZER")) return prefopt::load_tokenizer(folder);
  prefopt::bpe_description d;
  for (int b = 0; b < 256; ++b) {
    d.vocabulary.push_back(prefopt::to_byte_alphabet(std::string(1, static_cast<char>(b))));
  }
  const auto add = [&](const std::string& left, const std::string& right) {
    d.merges.emplace_back(left, right);
    d.vocabulary.push_back(left + right);
  };
  for (char a = 'a'; a <= 'z'; ++a) {
    for (char b = 'a'; b <= 'z'; ++b) add(std::string(1, a), std::string(1, b));
  }
  return prefopt::byte_level_bpe(d);
}

std::vector<std::string> make_texts() {
  std::vector<std::string> texts;
  if (const char* path = std::getenv("PREFOPT_TEXT")) {
    prefopt::line_reader lines(path);
    while (lines.next()) texts.emplace_back(lines.line());
    return texts;
  }
  prefopt::random_stream random(1);
  std::vector<std::string> words(20000);
  for (auto& word : words) {
    for (auto left = 1 + random.below(9); left > 0; --left) {
      word += static_cast<char>('a' + random.below(26));
    }
  }
  texts.resize(2000);
  for (auto& text : texts) {
    while (text.size() < 1000) {
      // Low numbers come more often, as words of a language do.
      const double u = random.uniform();
      text += words[static_cast<std::size_t>(u * u * u * 20000.0)];
      text += random.below(12) == 0 ? ". " : " ";
    }
  }
  return texts;
}

const std::vector<std::string>& texts() {
  static const auto made = make_texts();
  return made;
}

std::size_t size_of(const std::vector<std::string>& all) {
  std::size_t bytes = 0;
  for (const auto& text : all) bytes += text.size();
  return bytes;
}

void encode(benchmark::State& state) {
  const auto description = make_tokenizer().description();
  for (auto _ : state) {
    state.PauseTiming();
    const prefopt::byte_level_bpe tokenizer(description);  // it has seen no word yet
    state.ResumeTiming();
    for (const auto& text : texts()) benchmark::DoNotOptimize(tokenizer.encode(text));
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(size_of(texts())) *
                          static_cast<std::int64_t>(state.iterations()));
}
BENCHMARK(encode)->Unit(benchmark::kMillisecond);

void decode(benchmark::State& state) {
  const auto tokenizer = make_tokenizer();
  std::vector<prefopt::token_sequence> tokens;
  for (const auto& text : texts()) tokens.push_back(tokenizer.encode(text));
  for (auto _ : state) {
    for (const auto& each : tokens) benchmark::DoNotOptimize(tokenizer.decode(each));
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(size_of(texts())) *
                          static_cast<std::int64_t>(state.iterations()));
}
BENCHMARK(decode)->Unit(benchmark::kMillisecond);

}  // namespace
