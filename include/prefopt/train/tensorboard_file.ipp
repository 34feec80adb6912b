#pragma once

#include <prefopt/train/tensorboard_file.hpp>

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <ostream>

#include <boost/crc.hpp>
#include <protozero/pbf_writer.hpp>

#include <prefopt/core/config.hpp>
#include <prefopt/core/error.hpp>

namespace prefopt {

template <class Fill>
void tensorboard_file::event(std::size_t step, Fill&& fill) {
  std::string bytes;
  protozero::pbf_writer writer(bytes);
  writer.add_double(1, now());                           // wall_time
  writer.add_int64(2, static_cast<std::int64_t>(step));  // step
  fill(writer);
  const std::string length = little_endian(bytes.size(), 8);
  out_ << length << little_endian(masked_checksum(length), 4) << bytes
       << little_endian(masked_checksum(bytes), 4) << std::flush;
  if (!out_) throw data_error(path_.string(), 0, "", "cannot be written");
}

PREFOPT_INLINE tensorboard_file::tensorboard_file(const std::filesystem::path& folder,
                                                  std::size_t first_step) {
  static std::atomic<unsigned> count{0};
  char host[256] = "localhost";
  static_cast<void>(::gethostname(host, sizeof host - 1));
  path_ =
      folder / ("events.out.tfevents." + std::to_string(static_cast<long long>(now())) + "." +
                host + "." + std::to_string(::getpid()) + "." + std::to_string(count.fetch_add(1)));
  out_.open(path_, std::ios::binary);
  event(0, [](protozero::pbf_writer& e) { e.add_string(3, "brain.Event:2"); });  // file_version
  event(first_step, [](protozero::pbf_writer& e) {
    protozero::pbf_writer session(e, 7);  // session_log
    session.add_enum(1, 1);               // status: START
  });
}

PREFOPT_INLINE void tensorboard_file::write(std::size_t step, const metric_list& metrics) {
  event(step, [&](protozero::pbf_writer& e) {
    protozero::pbf_writer summary(e, 5);
    for (const auto& [name, value] : metrics) {
      protozero::pbf_writer scalar(summary, 1);
      scalar.add_string(1, tag(name));                 // tag
      scalar.add_float(2, static_cast<float>(value));  // simple_value
    }
  });
}

PREFOPT_INLINE std::uint32_t tensorboard_file::masked_checksum(std::string_view bytes) {
  boost::crc_optimal<32, 0x1EDC6F41, 0xFFFFFFFF, 0xFFFFFFFF, true, true> crc;
  crc.process_bytes(bytes.data(), bytes.size());
  const std::uint32_t sum = crc.checksum();
  return ((sum >> 15U) | (sum << 17U)) + 0xA282EAD8U;
}

PREFOPT_INLINE double tensorboard_file::now() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

PREFOPT_INLINE std::string tensorboard_file::tag(const std::string& name) {
  return name.starts_with("eval_") ? "eval/" + name.substr(5) : "train/" + name;
}

PREFOPT_INLINE std::string tensorboard_file::little_endian(std::uint64_t number, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text += static_cast<char>((number >> (8 * i)) & 0xFFU);
  return text;
}

}  // namespace prefopt
