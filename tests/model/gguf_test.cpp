#include <prefopt/model/gguf.hpp>

#include <bit>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "support/bare_model.hpp"
#include "support/damage.hpp"
#include "support/data.hpp"
#include "support/json_file.hpp"
#include "support/temporary_folder.hpp"

namespace prefopt {
namespace {

namespace fs = std::filesystem;
using test::file_bytes;

std::vector<float> read_all(const gguf_file& file, const std::string& name) {
  std::size_t count = 0;
  EXPECT_TRUE(count_elements(file.shape(name), count));
  std::vector<float> values(count);
  file.read(name, values);
  return values;
}

TEST(gguf, DequantizesAsGgml) {
  const auto expected = test::json_file(test::golden("checkpoint/gguf.json"));
  const gguf_file file(test::golden("checkpoint/types.gguf"));
  ASSERT_EQ(file.names().size(), expected.size());
  ASSERT_EQ(file.names().size(), 13U);  // three plain types; five quantized ones, twice
  for (const auto& [name, tensor] : expected.items()) {
    EXPECT_EQ(file.type(name), name.substr(0, name.find('.')));
    EXPECT_EQ(file.shape(name), tensor["shape"].get<std::vector<std::size_t>>()) << name;
    const auto values = read_all(file, name);
    ASSERT_EQ(values.size(), tensor["values"].size()) << name;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const auto want = tensor["values"][i].get<float>();
      ASSERT_EQ(values[i], want) << name << " " << i;
    }
  }
}

// Any bytes are blocks of K-quants, so every quant, scale and minimum occurs in these.
TEST(gguf, DequantizesKQuantsAsGgml) {
  const auto expected = test::json_file(test::golden("checkpoint/k_quants.json"));
  const gguf_file file(test::golden("checkpoint/k_quants.gguf"));
  ASSERT_EQ(file.names(), (std::vector<std::string>{"Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K"}));
  for (const auto& name : file.names()) {
    EXPECT_EQ(file.type(name), name);
    EXPECT_EQ(file.shape(name), (std::vector<std::size_t>{3, 512})) << name;
    const auto values = read_all(file, name);
    EXPECT_EQ(test::checksum(values), expected[name]["checksum"].get<std::string>()) << name;
    for (std::size_t i = 0; i < 512; ++i) {  // the rest by checksum
      ASSERT_EQ(values[i], expected[name]["first"][i].get<float>()) << name << " " << i;
    }
  }
}

TEST(gguf, ReadsMetadataOfEveryType) {
  const gguf_file file(test::golden("checkpoint/types.gguf"));
  const gguf_metadata& metadata = file.metadata();
  EXPECT_EQ(metadata.text("general.architecture"), "none");
  EXPECT_EQ(metadata.whole("u8"), 200U);
  EXPECT_EQ(metadata.whole("u16"), 60000U);
  EXPECT_EQ(metadata.whole("u32"), 4000000000U);
  EXPECT_EQ(metadata.whole("u64"), 1ULL << 60U);
  EXPECT_EQ(metadata.real("f32"), 1e-5);  // the shortest decimal
  EXPECT_EQ(metadata.real("f64"), 1e-300);
  EXPECT_TRUE(metadata.flag("yes"));
  EXPECT_EQ(metadata.text("text"), "\u00e9t\u00e9");
  EXPECT_EQ(metadata.texts("texts"), (std::vector<std::string>{"a", "", "bc"}));
  EXPECT_EQ(metadata.integers("integers"), (std::vector<std::int64_t>{1, -2, 3}));
  EXPECT_FALSE(metadata.find_whole("absent"));
  test::expect_error<checkpoint_error>([&] { static_cast<void>(metadata.text("absent")); },
                                       "key 'absent': is absent");
  test::expect_error<checkpoint_error>([&] { static_cast<void>(metadata.text("u8")); },
                                       "key 'u8': is not a string");
  for (const char* key : {"i8", "i16", "i32", "i64", "text"}) {  // all negative but the last
    test::expect_error<checkpoint_error>([&] { static_cast<void>(metadata.whole(key)); },
                                         "is not a whole number");
  }
}

TEST(gguf, DequantizesTheRealModelAsGgml) {
  const auto path = test::smollm2_gguf();
  PREFOPT_SKIP_WITHOUT(path, "SmolLM2's GGUF file");
  const auto expected = test::json_file(test::golden("checkpoint/smollm2.json"));
  const gguf_file file(*path);
  EXPECT_EQ(file.names().size(), 272U);
  ASSERT_GE(expected.size(), 13U);
  for (const auto& [name, tensor] : expected.items()) {
    EXPECT_EQ(file.type(name), tensor["type"].get<std::string>());
    EXPECT_EQ(file.shape(name), tensor["shape"].get<std::vector<std::size_t>>()) << name;
    const auto values = read_all(file, name);
    std::uint64_t checksum = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      checksum += (i + 1) * std::bit_cast<std::uint32_t>(values[i]);
    }
    EXPECT_EQ(std::to_string(checksum), tensor["checksum"].get<std::string>()) << name;
    for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(values[i], tensor["first"][i].get<float>());
  }
}

/// A GGUF file, number by number.
class gguf_bytes {
 public:
  template <class Number>
  gguf_bytes& put(Number value) {
    const std::size_t at = bytes_.size();
    bytes_.resize(at + sizeof(value));
    std::memcpy(bytes_.data() + at, &value, sizeof(value));
    return *this;
  }
  gguf_bytes& text(const std::string& value) {
    put(std::uint64_t{value.size()});
    bytes_ += value;
    return *this;
  }
  gguf_bytes& front(std::uint32_t version, std::uint64_t tensors, std::uint64_t pairs) {
    bytes_ += "GGUF";
    return put(version).put(tensors).put(pairs);
  }
  gguf_bytes& tensor(const std::string& name, const std::vector<std::uint64_t>& sides,
                     std::uint32_t type, std::uint64_t offset) {
    text(name).put(static_cast<std::uint32_t>(sides.size()));
    for (const auto side : sides) put(side);
    return put(type).put(offset);
  }
  gguf_bytes& data(std::size_t count) {
    bytes_.resize((bytes_.size() + 31) / 32 * 32 + count);
    return *this;
  }
  [[nodiscard]] const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

TEST(gguf, NamesEveryDamage) {
  const test::temporary_folder folder;
  const fs::path path = folder / "damaged.gguf";
  const auto refuse = [&](const gguf_bytes& file, const std::string& words) {
    test::write_plainly(path, file.bytes());
    test::expect_error<checkpoint_error>([&] { gguf_file opened(path); }, words);
  };
  const auto front = [](std::uint64_t tensors, std::uint64_t pairs) {
    return gguf_bytes().front(3, tensors, pairs);
  };
  constexpr std::uint64_t huge = 0xFFFFFFFFFFFFFFFFULL;

  const auto good = front(2, 0).tensor("a", {4, 3}, 0, 0).tensor("b", {32}, 2, 64).data(96);
  test::write_plainly(path, good.bytes());
  EXPECT_EQ(gguf_file(path).shape("a"), (std::vector<std::size_t>{3, 4}));

  refuse(gguf_bytes(), "is no GGUF file");
  refuse(gguf_bytes().text("GGUFGGUFGGUFGGUFGGUFGGUF"), "is no GGUF file");
  refuse(gguf_bytes().front(1, 0, 0), "is GGUF version 1; expected 2 or 3");
  refuse(gguf_bytes().front(0x03000000U, 0, 0), "big-endian");
  refuse(front(huge, 0), "claims 18446744073709551615 tensors");
  refuse(front(0, huge), "claims 18446744073709551615 metadata pairs");
  refuse(front(0, 1).put(huge).put(0.0).put(0.0), "is truncated");
  refuse(front(0, 1).text("k").put(std::uint32_t{77}), "unknown type 77");
  refuse(front(0, 1).text("k").put(std::uint32_t{8}).put(huge), "is truncated");
  refuse(front(0, 1).text("k").put(std::uint32_t{9}).put(std::uint32_t{8}).put(huge), "strings");
  refuse(front(0, 1).text("k").put(std::uint32_t{9}).put(std::uint32_t{4}).put(huge), "numbers");
  refuse(front(0, 1).text("k").put(std::uint32_t{9}).put(std::uint32_t{9}).put(huge),
         "array of arrays");
  refuse(front(0, 2)
             .text("k")
             .put(std::uint32_t{7})
             .put(std::uint8_t{1})
             .text("k")
             .put(std::uint32_t{7})
             .put(std::uint8_t{1}),
         "key 'k' stands there twice");
  refuse(front(0, 1).text("general.alignment").put(std::uint32_t{4}).put(std::uint32_t{0}),
         "'general.alignment': is 0");
  refuse(front(1, 0).tensor("a", {1, 1, 1, 1, 1}, 0, 0).data(32), "has 5 dimensions");
  refuse(front(1, 0).tensor("a", {huge, huge}, 0, 0).data(32), "the file cannot hold");
  refuse(front(1, 0).tensor("a", {1ULL << 40U}, 0, 0).data(32), "the file cannot hold");
  refuse(front(1, 0).tensor("a", {1ULL << 40U}, 99, 0).data(32), "the file cannot hold");
  refuse(front(1, 0).tensor("a", {31, 2}, 2, 0).data(64), "no multiple of the 32");
  refuse(front(1, 0).tensor("a", {255, 2}, 12, 0).data(512), "no multiple of the 256");
  refuse(front(1, 0).tensor("a", {256, 2}, 14, 0).data(419), "beyond the end");
  refuse(front(1, 0).tensor("a", {4}, 0, 8).data(64), "is not aligned");
  refuse(front(1, 0).tensor("a", {9}, 0, 0).data(32), "beyond the end");
  refuse(front(1, 0).tensor("a", {4}, 0, huge - 31).data(32), "beyond the end");
  refuse(front(1, 0).tensor("a", {4}, 0, 0), "beyond the end");
  refuse(front(2, 0).tensor("a", {4}, 0, 0).tensor("a", {4}, 0, 32).data(64), "twice");
  refuse(front(2, 0).tensor("a", {9}, 0, 0).tensor("b", {4}, 0, 32).data(64), "overlaps");
  refuse(front(2, 0).tensor("a", {4}, 0, 0).data(0), "is truncated");

  // A type that is not read may stand in a file, but not be asked for.
  test::write_plainly(path, front(1, 0).tensor("a", {256}, 16, 0).data(256).bytes());
  const gguf_file file(path);
  std::vector<float> values(256);
  EXPECT_EQ(file.type("a"), "type 16");
  test::expect_error<checkpoint_error>(
      [&] { file.read("a", values); },
      "is of ggml type 16, which is not read; expected one of F32, F16, Q4_0");
  test::expect_error<checkpoint_error>([&] { file.read("b", values); }, "is not in the checkpoint");
  EXPECT_THROW(gguf_file(folder / "absent.gguf"), data_error);
}

TEST(gguf, SurvivesRandomDamage) {
  const test::temporary_folder folder;
  const fs::path path = folder / "damaged.gguf";
  const std::string good = file_bytes(test::golden("checkpoint/types.gguf"));
  const auto outcome = test::try_damaged(good, 3000, [&](const std::string& bytes) {
    test::write_plainly(path, bytes);
    const gguf_file file(path);
    for (const auto& name : file.names()) {
      std::size_t count = 0;
      ASSERT_TRUE(count_elements(file.shape(name), count));
      ASSERT_LE(count, 16 * good.size() + 1024);
      if (file.type(name).starts_with("type")) continue;
      read_all(file, name);
    }
  });
  EXPECT_GT(outcome.refused, 500);
  EXPECT_GT(outcome.loaded, 100);
}

}  // namespace
}  // namespace prefopt
