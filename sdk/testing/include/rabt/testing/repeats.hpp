#pragma once

// Clause A6 as a host can see it: whether the second attempt of a step asks the outside system for
// the same thing. SPDX-License-Identifier: Apache-2.0

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rabt/testing/cassette.hpp"
#include "rabt/testing/json.hpp"

namespace rabt::sdk::testing {

// True if doing it may change something outside (RFC 9110 section 9.2.1). A search of FHIR that is
// posted reads (http://hl7.org/fhir/R4/http.html#search).
inline bool has_effect(const Request& request) {
  const std::string method = request.method();
  if (method == "POST" && request.url().ends_with("/_search")) return false;
  return method != "GET" && method != "HEAD" && method != "OPTIONS" && method != "TRACE";
}
// True if it may have changed something, by what came back. A 4xx has not.
inline bool may_have_happened(const Answer& answer) {
  return answer.sent != RABT_SENT_NO && (answer.status < 400 || answer.status >= 500);
}

namespace detail {

inline bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
// A value that somebody made to be told from others: 16 letters and digits or more, some of each
// kind or a UUID. Words and types (application/json) are none.
inline bool looks_made(std::string_view text) {
  if (text.size() < 16 || text.size() > 512) return false;
  if (!std::all_of(text.begin(), text.end(), [](char c) {
        return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
               c == '_' || c == '=' || c == '+';
      }))
    return false;
  return std::count_if(text.begin(), text.end(), is_digit) >= 4;
}
// The texts of a request, with the place of each.
using Texts = std::vector<std::pair<std::string, std::string>>;
inline void take_texts(const Json& value, const std::string& place, Texts& out) {
  if (value.is_object()) {
    for (const auto& [name, member] : value.members()) take_texts(member, place + "/" + name, out);
  } else if (value.is_array()) {
    std::size_t i = 0;
    for (const Json& item : value.items()) take_texts(item, place + "/" + std::to_string(i++), out);
  } else if (value.is_string()) {
    out.emplace_back(place, value.text());
  }
}
inline Texts texts_of(const Request& request) {
  Texts out;
  take_texts(request.head["headers"], "header", out);
  if (const auto body = Json::parse(request.body)) {
    take_texts(*body, "body", out);
    return out;
  }
  // A form, or a text of lines: piece by piece.
  std::string_view rest = request.body;
  while (!rest.empty()) {
    const std::size_t end = rest.find_first_of("&\n");
    const std::string_view piece = rest.substr(0, end);
    const std::size_t equals = piece.find('=');
    if (equals != std::string_view::npos)
      out.emplace_back("body " + std::string(piece.substr(0, equals)),
                       std::string(piece.substr(equals + 1)));
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  }
  return out;
}
// Content of an HL7 v2 message without its ids and times of sending; "" when the body is none.
inline std::string said_in_hl7(std::string_view body) {
  std::string out;
  if (!body.starts_with("MSH")) return out;
  while (!body.empty()) {
    const std::size_t end = body.find('\r');
    const std::string_view line = body.substr(0, end);
    const std::string_view name = line.substr(0, 3);
    if (name != "MSH" && name != "EVN" && name != "TXA" && name != "OBR")
      out.append(line).push_back('\r');
    body = end == std::string_view::npos ? std::string_view() : body.substr(end + 1);
  }
  return out;
}
inline std::string lower(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return text;
}

}  // namespace detail

// True if the outside system can tell that again repeats first: nothing differs; or the method
// makes doing it twice the same as once; or it is conditional; or both carry the key, or the same
// value that was made for this step (known: texts that are the same for every step: input and
// configuration). A message of HL7 v2 that says something else repeats nothing: its receiver has
// one address for all. Rather lenient: `rabt plugin check` compares with a run under another key as
// well.
inline bool is_recognisable(const Request& first, const Request& again, const std::string& key,
                            const std::string& word) {
  if (first.url() == again.url() && first.body == again.body &&
      Cassette::write(first.head["headers"]) == Cassette::write(again.head["headers"]))
    return true;
  if (first.method() == "PUT" || first.method() == "DELETE") return true;  // RFC 9110, 9.2.2
  for (const Json& pair : again.head["headers"].items()) {
    const std::string name = detail::lower(pair[0].text());
    if (name == "if-none-exist" || name == "if-none-match" || name == "if-match") return true;
  }
  const std::string said = detail::said_in_hl7(first.body);
  if (!said.empty() && said != detail::said_in_hl7(again.body)) return true;
  const detail::Texts before = detail::texts_of(first);
  for (const auto& text_of_again : detail::texts_of(again)) {
    // Copies, as clang 14 does not capture structured bindings.
    const std::string place = text_of_again.first;
    const std::string text = text_of_again.second;
    const bool same = std::any_of(before.begin(), before.end(), [&](const auto& one) {
      return one.first == place && one.second == text;
    });
    if (!same) continue;
    if (!key.empty() && text.find(key) != std::string::npos) return true;
    if (detail::looks_made(text) && word.find(text) == std::string::npos) return true;
  }
  return false;
}

}  // namespace rabt::sdk::testing
