#pragma once

#include <optional>
#include <string_view>

#include <prefopt/eval/chat_message.hpp>

namespace prefopt {

namespace detail {

/// "6m0s", "1.5s", "20ms", "1h2m": seconds. A number alone counts as seconds too.
std::optional<double> duration_seconds(std::string_view text);

}  // namespace detail

/// How many seconds a server asks its client to wait before the next request: `retry-after-ms`,
/// `retry-after` (seconds or a date, RFC 9110), or, where nothing remains of a limit,
/// `x-ratelimit-reset-requests` and `-tokens`. Nothing where it asks for no pause. `now`: seconds
/// since 1970, for dates without a `date` header beside them.
std::optional<double> asked_pause(const http_reply& reply, double now);

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/eval/chat_limits.ipp>
#endif
