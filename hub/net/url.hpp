#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "hub/base/result.hpp"

namespace rabt::net {

struct IpAddress {
  bool v6 = false;
  std::array<std::uint8_t, 16> bytes{};  // IPv4: the first four
  friend bool operator==(const IpAddress&, const IpAddress&) = default;
  [[nodiscard]] std::string text() const;
};
// Dotted decimal with four parts and no leading zeros, or IPv6 (RFC 4291 section 2.2) without
// brackets and without a zone.
[[nodiscard]] std::optional<IpAddress> parse_ip(std::string_view text);

[[nodiscard]] bool is_loopback(const IpAddress& address);

enum class AddressRange : std::uint8_t {
  global,   // may be reached
  local,    // loopback, private use, shared, unique local
  special,  // everything else of the IANA special-purpose registries
};
[[nodiscard]] AddressRange range_of(const IpAddress& address);

struct Url {
  std::string scheme;  // http or https; of a relay or receiver if the parser was asked
  std::string host;    // lower case; IPv6 in its canonical text, no brackets
  int port = 0;        // never 0 after parsing
  std::optional<IpAddress> literal;
  [[nodiscard]] std::string host_port() const;  // brackets around IPv6
};

// A strict subset of RFC 3986: http or https, a host of letters, digits, hyphens and underscores or
// a literal address, no user info, no fragment, no trailing dot, only characters that section 2
// allows unescaped. What other parsers repair is refused here, so that no second parser can read
// another host. Error net.url; the message holds no path and no query.
[[nodiscard]] Result<Url> parse_url(std::string_view text);
// As parse_url. It also takes smtp://host (port 587 unless it is named), smtps://host (465), and
// receivers of HL7 v2 at mllp://host and mllps://host (2575), all without path and query.
[[nodiscard]] Result<Url> parse_url_or_relay(std::string_view text);
// The port of a URL of this scheme that names none.
[[nodiscard]] int usual_port(std::string_view scheme);
// A host as in parse_url, with brackets around IPv6. Sets literal when it is an address.
[[nodiscard]] Result<Url> parse_host(std::string_view text);

}  // namespace rabt::net
