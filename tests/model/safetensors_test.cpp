#include <prefopt/model/safetensors.hpp>

#include <bit>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <prefopt/core/atomic_file.hpp>
#include <prefopt/model/safetensors_writer.hpp>
#include <prefopt/model/tensor_shape.hpp>

#include "support/damage.hpp"
#include "support/data.hpp"
#include "support/json_file.hpp"
#include "support/temporary_folder.hpp"

namespace prefopt {
namespace {

namespace fs = std::filesystem;
using test::file_bytes;

nlohmann::json expected_values() {
  return test::json_file(test::golden("checkpoint/safetensors.json"));
}

std::vector<float> read_all(const tensor_source& source, const std::string& name) {
  std::size_t count = 0;
  EXPECT_TRUE(count_elements(source.shape(name), count));
  std::vector<float> values(count);
  source.read(name, values);
  return values;
}

TEST(safetensors, ReadsWhatHuggingFaceWrote) {
  const auto expected = expected_values();
  for (const std::string format : {"f32", "f16", "bf16"}) {
    const safetensors_file file(test::golden("checkpoint/" + format + ".safetensors"));
    EXPECT_EQ(file.metadata().at("format"), "pt");
    ASSERT_EQ(file.names().size(), expected[format].size());
    for (const auto& [name, tensor] : expected[format].items()) {
      ASSERT_TRUE(file.contains(name));
      EXPECT_EQ(file.shape(name), tensor["shape"].get<std::vector<std::size_t>>()) << name;
      const auto values = read_all(file, name);
      ASSERT_EQ(values.size(), tensor["values"].size());
      for (std::size_t i = 0; i < values.size(); ++i) {
        const auto want = tensor["values"][i].get<float>();
        EXPECT_EQ(std::bit_cast<std::uint32_t>(values[i]), std::bit_cast<std::uint32_t>(want))
            << name << " " << i;
      }
    }
  }
}

TEST(safetensors, WritesTheBytesThatHuggingFaceWrote) {
  const test::temporary_folder folder;
  const safetensors_file source(test::golden("checkpoint/f32.safetensors"));
  std::vector<std::vector<float>> values;
  std::vector<named_tensor> tensors;
  for (const auto& name : source.names()) values.push_back(read_all(source, name));
  for (std::size_t i = values.size(); i-- > 0;) {  // the order given does not matter
    tensors.push_back({source.names()[i], source.shape(source.names()[i]), values[i]});
  }
  for (const auto& [name, format] :
       {std::pair("f32", float_format::float32), std::pair("f16", float_format::float16),
        std::pair("bf16", float_format::bfloat16)}) {
    const fs::path path = folder / "written.safetensors";
    write_safetensors(path, tensors, format);
    EXPECT_EQ(file_bytes(path),
              file_bytes(test::golden(std::string("checkpoint/") + name + ".safetensors")))
        << name;
  }
}

TEST(safetensors, ShardsAndReadsShards) {
  const test::temporary_folder folder;
  std::vector<std::vector<float>> values;
  std::vector<pending_tensor> tensors;
  for (std::size_t i = 0; i < 7; ++i) {
    values.emplace_back(i + 1, static_cast<float>(i) + 0.5F);
    tensors.push_back({"t" + std::to_string(i), {i + 1}, [i, &values](std::span<float> out) {
                         std::copy(values[i].begin(), values[i].end(), out.begin());
                       }});
  }
  // 4 to 28 bytes each: t0 to t2 (24 bytes), t3, t4, t5, t6 each alone, t6 over the limit.
  write_sharded_safetensors(folder.path(), tensors, float_format::float32, 24);
  EXPECT_TRUE(fs::exists(folder / "model-00005-of-00005.safetensors"));
  const safetensors_file file(folder / "model.safetensors.index.json");
  EXPECT_EQ(file.files().size(), 5U);
  ASSERT_EQ(file.names().size(), 7U);
  for (std::size_t i = 0; i < 7; ++i) {
    EXPECT_EQ(read_all(file, "t" + std::to_string(i)), values[i]);
  }
  const auto index = test::json_file(folder / "model.safetensors.index.json");
  EXPECT_EQ(index["metadata"]["total_size"], 4 * 28);

  write_sharded_safetensors(folder.path(), tensors, float_format::float32, 1U << 20U);
  EXPECT_EQ(safetensors_file(folder / "model.safetensors").names().size(), 7U);
}

TEST(safetensors, RefusesABadIndex) {
  const test::temporary_folder folder;
  const std::vector<float> one{1.0F};
  write_safetensors(folder / "x.safetensors", std::vector<named_tensor>{{"a", {1}, one}});
  write_safetensors(folder / "y.safetensors", std::vector<named_tensor>{{"a", {1}, one}});
  const fs::path path = folder / "model.safetensors.index.json";
  const auto refuse = [&](const std::string& text, const std::string& words) {
    write_file_atomically(path, text);
    test::expect_error<error>([&] { safetensors_file file(path); }, words);
  };
  refuse("", "is empty");
  refuse("{}", "weight_map");
  refuse(R"({"weight_map": {"a": "../x.safetensors"}})", "is not mapped to a file's name");
  refuse(R"({"weight_map": {"a": 3}})", "is not mapped to a file's name");
  refuse(R"({"weight_map": {"a": "absent.safetensors"}})", "absent.safetensors");
  refuse(R"({"weight_map": {"b": "x.safetensors"}})",
         "lacks tensors that the index says it has: b");
  refuse(R"({"weight_map": {"a": "x.safetensors", "a": "y.safetensors"}})", "twice");
  const std::vector<named_tensor> two{{"a", {1}, one}, {"b", {1}, one}};
  write_safetensors(folder / "y.safetensors", two);
  refuse(R"({"weight_map": {"a": "y.safetensors"}})", "that the index does not name");
  refuse(R"({"weight_map": {"a": "x.safetensors", "b": "y.safetensors"}})", "is also in");
}

/// A file with this header and `data_bytes` zeros.
std::string made(const std::string& header, std::size_t data_bytes, std::int64_t longer = 0) {
  const std::uint64_t length = header.size() + static_cast<std::uint64_t>(longer);
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &length, 8);
  return bytes + header + std::string(data_bytes, '\0');
}

TEST(safetensors, NamesEveryDamage) {
  const test::temporary_folder folder;
  const fs::path path = folder / "damaged.safetensors";
  const auto refuse = [&](const std::string& bytes, const std::string& words) {
    write_file_atomically(path, bytes);
    test::expect_error<checkpoint_error>([&] { safetensors_file file(path); }, words);
  };
  const auto header = [](const std::string& fields) { return R"({"w":{)" + fields + "}}"; };
  const std::string good = header(R"("dtype":"F32","shape":[2,3],"data_offsets":[0,24])");
  write_file_atomically(path, made(good, 24));
  EXPECT_EQ(safetensors_file(path).shape("w"), (std::vector<std::size_t>{2, 3}));

  refuse("", "not even 8");
  refuse("1234567", "not even 8");
  refuse(made(good, 24).substr(0, 40), "claims");
  refuse(made(good, 23), "truncated");
  refuse(made(good, 25), "1 bytes behind the last tensor");
  refuse(made(good, 24, 1), "header: is not JSON");
  refuse(made(good, 24, 1000000), "claims");
  refuse(std::string(8, '\xff') + good, "claims 18446744073709551615 bytes");
  refuse(made(good, 24, -1), "is not JSON");
  refuse(made("[1]", 0), "does not begin with '{'");
  refuse(made("", 0), "does not begin with '{'");
  refuse(made("{\"\xff\":1}", 0), "is not JSON");
  refuse(made(std::string("{}\0 ", 4), 0), "zero byte");
  refuse(made("{\"w\":" + std::string(5000, '[') + std::string(5000, ']') + "}", 0), "32 deep");
  refuse(made(R"({"w":1})", 0), "is not described by");
  refuse(made(header(R"("dtype":"F32","shape":[2])"), 8), "is not described by");
  refuse(made(header(R"("dtype":"X9","shape":[2],"data_offsets":[0,8])"), 8), "dtype 'X9'");
  refuse(made(header(R"("dtype":7,"shape":[2],"data_offsets":[0,8])"), 8), "is not described by");
  refuse(made(header(R"("dtype":"F32","shape":[-2],"data_offsets":[0,8])"), 8), "whole numbers");
  refuse(made(header(R"("dtype":"F32","shape":[2.0],"data_offsets":[0,8])"), 8), "whole numbers");
  refuse(made(header(R"("dtype":"F32","shape":["2"],"data_offsets":[0,8])"), 8), "whole numbers");
  refuse(made(header(R"("dtype":"F32","shape":[2],"data_offsets":[8,0])"), 8), "[begin, end]");
  refuse(made(header(R"("dtype":"F32","shape":[2],"data_offsets":[0,4,8])"), 8), "[begin, end]");
  refuse(made(header(R"("dtype":"F32","shape":[3],"data_offsets":[0,8])"), 8), "takes 12 bytes");
  refuse(made(header(R"("dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0])"), 0),
         "is too large");
  refuse(made(header(R"("dtype":"F32","shape":[1e30],"data_offsets":[0,0])"), 0), "whole numbers");
  refuse(made(header(R"("dtype":"F32","shape":[1],"data_offsets":[9223372036854775804,)"
                     R"(9223372036854775808])"),
              8),
         "truncated");
  const std::string second = R"("v":{"dtype":"F32","shape":[1],"data_offsets":)";
  const std::string first = R"({"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)";
  refuse(made(first + second + "[4,8]}}", 8), "overlaps");
  refuse(made(first + second + "[12,16]}}", 16), "leaves a gap");
  refuse(made(first + R"("w":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}})", 12), "twice");
  refuse(made(R"({"__metadata__":{"a":1}})", 0), "'a' is not a string");
  refuse(made(R"({"__metadata__":[]})", 0), "__metadata__");
}

TEST(safetensors, RefusesToReadWhatItCannot) {
  const safetensors_file file(test::golden("checkpoint/mixed.safetensors"));
  std::vector<float> four(4);
  std::vector<float> three(3);
  file.read("weight", four);
  EXPECT_EQ(file.type("position_ids"), "I64");
  test::expect_error<checkpoint_error>([&] { file.read("position_ids", three); },
                                       "is stored as I64; expected F32, F16 or BF16");
  test::expect_error<checkpoint_error>([&] { file.read("weight", three); },
                                       "has shape (4), not 3 numbers");
  test::expect_error<checkpoint_error>([&] { file.read("absent", three); },
                                       "tensor 'absent': is not in the checkpoint");
  EXPECT_THROW(safetensors_file("/absent.safetensors"), data_error);
}

TEST(safetensors, RefusesToWriteWhatIsWrong) {
  const test::temporary_folder folder;
  const fs::path path = folder / "w.safetensors";
  const std::vector<float> values{1.0F, 70000.0F};
  const auto refuse = [&](const std::vector<named_tensor>& tensors, float_format format,
                          const std::string& words) {
    test::expect_error<checkpoint_error>([&] { write_safetensors(path, tensors, format); }, words);
    EXPECT_TRUE(fs::is_empty(folder.path()));
  };
  refuse({{"a", {3}, values}}, float_format::float32, "has 2 values, but its shape is (3)");
  refuse({{"a", {2}, values}, {"a", {2}, values}}, float_format::float32, "twice");
  refuse({{"__metadata__", {2}, values}}, float_format::float32, "cannot be written");
  refuse({{"\xff", {2}, values}}, float_format::float32, "header: cannot be written");
  refuse({{"a", {2}, values}}, float_format::float16, "too large for float16");
}

// Flips, cuts and swaps bytes at many places: whatever happens is an error of ours, or still valid.
TEST(safetensors, SurvivesRandomDamage) {
  const test::temporary_folder folder;
  const fs::path path = folder / "damaged.safetensors";
  const std::string good = file_bytes(test::golden("checkpoint/bf16.safetensors"));
  const auto outcome = test::try_damaged(good, 3000, [&](const std::string& bytes) {
    test::write_plainly(path, bytes);
    const safetensors_file file(path);
    for (const auto& name : file.names()) {
      std::size_t count = 0;
      ASSERT_TRUE(count_elements(file.shape(name), count));
      ASSERT_LE(count, good.size());
      if (file.type(name) == "BF16" || file.type(name) == "F16") read_all(file, name);
    }
  });
  EXPECT_GT(outcome.refused, 1000);
  EXPECT_GT(outcome.loaded, 100);
}

}  // namespace
}  // namespace prefopt
