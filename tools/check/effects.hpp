#pragma once

#include <string>
#include <vector>

#include "tools/check/session.hpp"

// Fields of a request that mark it as a repeat for the outside system.
namespace rabt::check {

// A request taken apart: "url", "header idempotency-key", "body /identifier/0/value", ... -> value.
using Fields = std::vector<std::pair<std::string, std::string>>;
[[nodiscard]] Fields fields_of(const Request& request);

[[nodiscard]] std::vector<Request> effects_of(const std::vector<Request>& requests);

// Doing both is doing it once: PUT and DELETE (RFC 9110 section 9.2.2), and what is done only when
// it was not yet, under the same condition (section 13.1; FHIR R4 http.html#cond-create).
[[nodiscard]] bool is_idempotent(const Request& first, const Request& again);
// Some field is the same in both and another one, or none, in the same step under another key.
[[nodiscard]] bool follows_key(const Request& first, const Request& again, const Request& other);

// The requests of one step under two keys are the same, field by field, and have an effect that is
// not idempotent: nothing tells the two steps apart.
[[nodiscard]] bool ignores_key(const std::vector<Request>& one, const std::vector<Request>& other);

// Message about a call (its label) with idempotency: key that ignores its key.
[[nodiscard]] std::string key_ignored(const std::string& label);

// again is the repeat of first under the same key, other the same step under another key. Empty
// when again is recognisable: nothing differs but signature and date, or some field is the same in
// both and another one under the other key. Else the name of a field that differs.
[[nodiscard]] std::string not_recognisable(const Request& first, const Request& again,
                                           const Request& other);

}  // namespace rabt::check
