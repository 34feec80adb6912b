#pragma once

#include <prefopt/data/reviews_file.hpp>

#include <charconv>
#include <cstddef>
#include <utility>

#include <prefopt/core/config.hpp>
#include <prefopt/core/error.hpp>
#include <prefopt/data/line_reader.hpp>
#include <prefopt/data/output_file.hpp>

namespace prefopt {

PREFOPT_INLINE std::string with_line_breaks(std::string_view text) {
  constexpr std::string_view mark = "<br />";
  std::string result;
  result.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const auto found = text.find(mark, at);
    result += text.substr(at, found - at);
    if (found == std::string_view::npos) break;
    result += '\n';
    at = found + mark.size();
  }
  return result;
}

PREFOPT_INLINE std::vector<review> read_reviews(const std::filesystem::path& path) {
  line_reader lines(path);
  const auto cut = [&] {
    std::array<std::string_view, review_columns.size()> fields;
    std::string_view rest = lines.line();
    for (std::size_t i = 0; i < fields.size(); ++i) {
      const auto tab = rest.find('\t');
      if ((tab == std::string_view::npos) != (i + 1 == fields.size())) {
        lines.fail("",
                   "expected five fields with tabs between them: split, label, stars, id, text");
      }
      fields[i] = rest.substr(0, tab);
      rest.remove_prefix(tab == std::string_view::npos ? rest.size() : tab + 1);
    }
    return fields;
  };
  if (!lines.next() || cut() != review_columns) {
    throw data_error(lines.name(), 1, "", "expected the header split, label, stars, id, text");
  }
  const auto whole = [&](std::string_view text, std::size_t column, std::int64_t low,
                         std::int64_t high) {
    std::int64_t value = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (problem != std::errc() || end != text.data() + text.size() || value < low || value > high) {
      lines.fail(std::string(review_columns[column]),
                 "expected a number from " + std::to_string(low) + " to " + std::to_string(high) +
                     ", found '" + std::string(text.substr(0, 40)) + "'");
    }
    return value;
  };
  std::vector<review> reviews;
  while (lines.next()) {
    if (lines.blank()) continue;
    const auto fields = cut();
    review each;
    each.split = fields[0];
    if (each.split.empty()) lines.fail("split", "is empty");
    each.positive = whole(fields[1], 1, 0, 1) == 1;
    each.stars = static_cast<int>(whole(fields[2], 2, 1, 10));
    each.id = whole(fields[3], 3, 0, std::int64_t{1} << 53U);
    each.text = fields[4];
    reviews.push_back(std::move(each));
  }
  return reviews;
}

PREFOPT_INLINE void write_reviews(const std::filesystem::path& path,
                                  std::span<const review> reviews) {
  output_file out(path);
  out.write("split\tlabel\tstars\tid\ttext\n");
  std::size_t line = 1;
  for (const auto& each : reviews) {
    ++line;
    for (const auto& [field, text] : {std::pair("split", &each.split), {"text", &each.text}}) {
      if (text->find_first_of("\t\r\n") != std::string::npos) {
        throw data_error(out.name(), line, field, "has a tab or a line break");
      }
    }
    out.write(each.split + (each.positive ? "\t1\t" : "\t0\t") + std::to_string(each.stars) + "\t" +
              std::to_string(each.id) + "\t" + each.text + "\n");
  }
  out.commit();
}

}  // namespace prefopt
