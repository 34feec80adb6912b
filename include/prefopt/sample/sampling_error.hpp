#pragma once

#include <cstddef>
#include <string>

#include <prefopt/core/error.hpp>

namespace prefopt {

/// A model gave a logit that is NaN or infinite while a response was sampled.
class sampling_error : public error {
 public:
  /// All counted from 0; `position` is that of the token in its response.
  sampling_error(std::size_t prompt, std::size_t response, std::size_t position,
                 const std::string& problem);

  [[nodiscard]] std::size_t prompt() const noexcept { return prompt_; }
  [[nodiscard]] std::size_t response() const noexcept { return response_; }
  [[nodiscard]] std::size_t position() const noexcept { return position_; }

 private:
  std::size_t prompt_;
  std::size_t response_;
  std::size_t position_;
};

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/sample/sampling_error.ipp>
#endif
