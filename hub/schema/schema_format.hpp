#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rabt::schema {

// The formats of JSON Schema Validation 2020-12, section 7.3, that can be asserted.
enum class Format : std::uint8_t {
  date_time,
  date,
  time,
  duration,
  email,
  idn_email,
  hostname,
  ipv4,
  ipv6,
  uri,
  uri_reference,
  iri,
  iri_reference,
  uuid,
  uri_template,
  json_pointer,
  relative_json_pointer,
  regex,
};

// Empty for names that stay annotations (idn-hostname, and what the specification does not name).
[[nodiscard]] std::optional<Format> find_format(std::string_view name);
[[nodiscard]] std::vector<std::string> format_names();
// text is UTF-8. Linear in its length.
[[nodiscard]] bool has_format(std::string_view text, Format format);

}  // namespace rabt::schema
