#pragma once

#include <prefopt/model/classifier_labels.hpp>

#include <cctype>

#include <nlohmann/json.hpp>

#include <prefopt/core/config.hpp>
#include <prefopt/core/error.hpp>

namespace prefopt {

PREFOPT_INLINE std::vector<std::string> read_labels(const nlohmann::ordered_json& fields,
                                                    const std::string& file) {
  constexpr std::size_t most = 100'000;
  const auto given = fields.find("id2label");
  if (given == fields.end() || given->is_null()) {
    std::size_t count = 2;
    if (const auto n = fields.find("num_labels"); n != fields.end() && !n->is_null()) {
      if (!n->is_number_unsigned() || *n < 1 || *n > most) {
        throw checkpoint_error(file, "field 'num_labels'",
                               "is " + n->dump() + "; expected 1 to 100000");
      }
      count = n->get<std::size_t>();
    }
    std::vector<std::string> labels;
    for (std::size_t i = 0; i < count; ++i) labels.push_back("LABEL_" + std::to_string(i));
    return labels;
  }
  if (!given->is_object() || given->empty() || given->size() > most) {
    throw checkpoint_error(file, "field 'id2label'", "is not an object {\"0\": \"NAME\", ...}");
  }
  std::vector<std::string> labels;
  for (std::size_t i = 0; i < given->size(); ++i) {
    const auto name = given->find(std::to_string(i));
    if (name == given->end() || !name->is_string()) {
      throw checkpoint_error(
          file, "field 'id2label'",
          "has " + std::to_string(given->size()) + " classes, but no name of " + std::to_string(i));
    }
    labels.push_back(name->get<std::string>());
  }
  return labels;
}

namespace detail {

inline std::string lower_ascii(std::string_view text) {
  std::string lowered(text);
  for (char& c : lowered) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return lowered;
}

inline std::string list_labels(const std::vector<std::string>& labels) {
  std::string list;
  for (std::size_t i = 0; i < labels.size() && i < 20; ++i) {
    list += (i == 0 ? "" : ", ") + labels[i];
  }
  return labels.size() > 20 ? list + ", ..." : list;
}

}  // namespace detail

PREFOPT_INLINE std::size_t reward_class(const std::vector<std::string>& labels,
                                        std::string_view name) {
  const auto only = [&](auto matches) {
    std::size_t found = labels.size();
    std::size_t count = 0;
    for (std::size_t i = 0; i < labels.size(); ++i) {
      if (!matches(labels[i])) continue;
      found = i;
      ++count;
    }
    return count == 1 ? found : labels.size();
  };
  std::size_t found = labels.size();
  if (!name.empty()) {
    found = only([&](const std::string& label) { return label == name; });
    if (found == labels.size()) {
      found = only([&](const std::string& label) {
        return detail::lower_ascii(label) == detail::lower_ascii(name);
      });
    }
  } else if (labels.size() == 1) {
    return 0;
  } else {
    found = only([](const std::string& label) {
      const std::string lowered = detail::lower_ascii(label);
      return lowered == "positive" || lowered == "nothate";
    });
  }
  if (found != labels.size()) return found;
  throw usage_error(name.empty()
                        ? "which of the classifier's classes is the reward? Name one of: " +
                              detail::list_labels(labels)
                        : "the classifier has no class '" + std::string(name) +
                              "', or several; its classes are: " + detail::list_labels(labels));
}

}  // namespace prefopt
