#pragma once

#include <string>
#include <vector>

#include "hub/check/session.hpp"

// What of a request tells the outside system that it is a repeat.
namespace rabt::check {

// A request taken apart: "url", "header idempotency-key", "body /identifier/0/value", ... -> value.
using Fields = std::vector<std::pair<std::string, std::string>>;
[[nodiscard]] Fields fields_of(const Request& request);

[[nodiscard]] std::vector<Request> effects_of(const std::vector<Request>& requests);

// again is the repeat of first under the same key, other the same step under another key. Empty
// when again is recognisable: nothing differs, or some field is the same in both and another one
// under the other key. Else the name of a field that differs.
[[nodiscard]] std::string not_recognisable(const Request& first, const Request& again,
                                           const Request& other);

}  // namespace rabt::check
