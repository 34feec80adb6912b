#include <prefopt/train/tensorboard_file.hpp>

#include <cstring>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <protozero/pbf_reader.hpp>

#include "support/temporary_folder.hpp"
#include "train/small_data.hpp"

namespace prefopt {
namespace {

// RFC 3720, B.4, masked as TensorFlow's crc32c.h says.
TEST(tensorboard_file, checksums_as_tfrecord) {
  const std::uint32_t crc = 0x8A9136AAU;  // of 32 zero bytes
  EXPECT_EQ(tensorboard_file::masked_checksum(std::string(32, '\0')),
            ((crc >> 15U) | (crc << 17U)) + 0xA282EAD8U);
}

std::vector<std::string> records_of(const std::string& bytes) {
  std::vector<std::string> records;
  std::size_t at = 0;
  while (at < bytes.size()) {
    std::uint64_t length = 0;
    std::uint32_t length_sum = 0;
    std::uint32_t sum = 0;
    std::memcpy(&length, bytes.data() + at, 8);
    std::memcpy(&length_sum, bytes.data() + at + 8, 4);
    EXPECT_EQ(length_sum, tensorboard_file::masked_checksum(bytes.substr(at, 8)));
    records.push_back(bytes.substr(at + 12, length));
    std::memcpy(&sum, bytes.data() + at + 12 + length, 4);
    EXPECT_EQ(sum, tensorboard_file::masked_checksum(records.back()));
    at += 16 + length;
  }
  EXPECT_EQ(at, bytes.size());
  return records;
}

TEST(tensorboard_file, holds_version_start_and_scalars) {
  const test::temporary_folder folder;
  tensorboard_file file(folder.path(), 6);
  file.write(6, {{"loss", 0.5}, {"eval_loss", 0.25}});
  const auto records = records_of(test::content_of(file.path()));
  ASSERT_EQ(records.size(), 3U);

  protozero::pbf_reader version(records[0]);
  ASSERT_TRUE(version.next(3));
  EXPECT_EQ(version.get_string(), "brain.Event:2");
  protozero::pbf_reader start(records[1]);
  ASSERT_TRUE(start.next(2));
  EXPECT_EQ(start.get_int64(), 6);
  ASSERT_TRUE(start.next(7));

  protozero::pbf_reader event(records[2]);
  ASSERT_TRUE(event.next(2));
  EXPECT_EQ(event.get_int64(), 6);
  ASSERT_TRUE(event.next(5));
  protozero::pbf_reader summary = event.get_message();
  std::vector<std::pair<std::string, float>> scalars;
  while (summary.next(1)) {
    protozero::pbf_reader scalar = summary.get_message();
    ASSERT_TRUE(scalar.next(1));
    const std::string tag = scalar.get_string();
    ASSERT_TRUE(scalar.next(2));
    scalars.emplace_back(tag, scalar.get_float());
  }
  EXPECT_EQ(scalars, (std::vector<std::pair<std::string, float>>{{"train/loss", 0.5F},
                                                                 {"eval/loss", 0.25F}}));
}

TEST(tensorboard_file, never_takes_the_name_of_another) {
  const test::temporary_folder folder;
  const tensorboard_file a(folder.path(), 1);
  const tensorboard_file b(folder.path(), 1);
  EXPECT_NE(a.path(), b.path());
}

}  // namespace
}  // namespace prefopt
