#include "hub/net/url.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

#include "hub/base/ascii.hpp"

namespace rabt::net {

namespace {

// Servers refuse longer request lines (RFC 9112 section 3 recommends 8000).
constexpr std::size_t kMaxUrl = 8192;
// RFC 1035 section 2.3.4.
constexpr std::size_t kMaxHost = 253;
constexpr std::size_t kMaxLabel = 63;

Error url_error(std::string what) {
  return invalid("net.url", "the URL is refused: " + std::move(what));
}

// WHATWG reads a host whose last label looks like a number as IPv4 (also 0x7f.1 and 017700000001);
// such a host must be exact.
bool looks_numeric(std::string_view host) {
  const auto dot = host.rfind('.');
  const auto last = dot == std::string_view::npos ? host : host.substr(dot + 1);
  if (last.empty()) return false;
  if (std::all_of(last.begin(), last.end(), is_digit)) return true;
  return last.size() >= 2 && last[0] == '0' && (last[1] == 'x' || last[1] == 'X') &&
         std::all_of(last.begin() + 2, last.end(), is_hex);
}

bool in_prefix(const std::uint8_t* bytes, std::initializer_list<std::uint8_t> prefix,
               unsigned bits) {
  const std::uint8_t* want = prefix.begin();
  unsigned i = 0;
  for (; bits >= 8; bits -= 8, ++i) {
    if (bytes[i] != want[i]) return false;
  }
  if (bits == 0) return true;
  const auto mask = static_cast<std::uint8_t>(0xffU << (8U - bits));
  return (bytes[i] & mask) == (want[i] & mask);
}

AddressRange range_of_v4(const std::uint8_t* a) {
  if (in_prefix(a, {127}, 8) || in_prefix(a, {10}, 8) || in_prefix(a, {172, 16}, 12) ||
      in_prefix(a, {192, 168}, 16) || in_prefix(a, {100, 64}, 10)) {
    return AddressRange::local;
  }
  if (in_prefix(a, {0}, 8) || in_prefix(a, {169, 254}, 16) || in_prefix(a, {192, 0, 0}, 24) ||
      in_prefix(a, {192, 0, 2}, 24) || in_prefix(a, {192, 88, 99}, 24) ||
      in_prefix(a, {198, 18}, 15) || in_prefix(a, {198, 51, 100}, 24) ||
      in_prefix(a, {203, 0, 113}, 24) || in_prefix(a, {224}, 4) || in_prefix(a, {240}, 4)) {
    return AddressRange::special;
  }
  return AddressRange::global;
}

}  // namespace

std::string IpAddress::text() const {
  char out[INET6_ADDRSTRLEN] = {};
  if (::inet_ntop(v6 ? AF_INET6 : AF_INET, bytes.data(), out, sizeof out) == nullptr) return {};
  return out;
}

std::optional<IpAddress> parse_ip(std::string_view text) {
  if (text.empty() || text.size() >= INET6_ADDRSTRLEN) return std::nullopt;
  char copy[INET6_ADDRSTRLEN] = {};
  std::memcpy(copy, text.data(), text.size());
  if (std::strlen(copy) != text.size()) return std::nullopt;
  IpAddress address;
  address.v6 = text.find(':') != std::string_view::npos;
  // inet_pton knows neither octal, hexadecimal nor short forms, and refuses leading zeros and
  // zones.
  if (::inet_pton(address.v6 ? AF_INET6 : AF_INET, copy, address.bytes.data()) != 1)
    return std::nullopt;
  return address;
}

AddressRange range_of(const IpAddress& address) {
  const std::uint8_t* a = address.bytes.data();
  if (!address.v6) return range_of_v4(a);
  // An IPv4-mapped address is judged as the address that it stands for.
  if (in_prefix(a, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96)) {
    return range_of_v4(a + 12) == AddressRange::local ? AddressRange::local : AddressRange::special;
  }
  if (in_prefix(a, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 128))
    return AddressRange::local;
  if (in_prefix(a, {0xfc}, 7)) return AddressRange::local;
  // Only 2000::/3 is global unicast; inside it, protocol assignments, documentation and 6to4 are
  // not.
  if (!in_prefix(a, {0x20}, 3) || in_prefix(a, {0x20, 0x01, 0x00}, 23) ||
      in_prefix(a, {0x20, 0x01, 0x0d, 0xb8}, 32) || in_prefix(a, {0x20, 0x02}, 16) ||
      in_prefix(a, {0x3f, 0xff, 0x00}, 20)) {
    return AddressRange::special;
  }
  return AddressRange::global;
}

bool is_loopback(const IpAddress& address) {
  return address.v6 ? address.text() == "::1" : address.bytes[0] == 127;
}

std::string Url::host_port() const {
  const bool v6 = literal && literal->v6;
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

Result<Url> parse_host(std::string_view text) {
  Url url;
  if (text.empty()) return url_error("the host is empty");
  if (text.front() == '[') {
    if (text.size() < 4 || text.back() != ']')
      return url_error("the IPv6 address has no closing bracket");
    url.literal = parse_ip(text.substr(1, text.size() - 2));
    if (!url.literal || !url.literal->v6) return url_error("the address in brackets is not IPv6");
    url.host = url.literal->text();
    return url;
  }
  if (text.size() > kMaxHost) return url_error("the host is longer than 253 characters");
  std::size_t label = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '.') {
      if (label == 0) return url_error("the host has an empty label");
      label = 0;
    } else if (is_alnum(c) || c == '-' || c == '_') {
      if (++label > kMaxLabel) return url_error("a label of the host is longer than 63 characters");
    } else {
      return url_error(
          "the host holds a character other than letters, digits, '-', '_' and '.' (write "
          "international names as xn--)");
    }
    url.host.push_back(lower(c));
  }
  if (label == 0) return url_error("the host ends with a dot");
  if (looks_numeric(url.host)) {
    url.literal = parse_ip(url.host);
    if (!url.literal)
      return url_error("the host looks like a number but is not four decimal parts");
  }
  return url;
}

namespace {

bool is_mllp(std::string_view scheme) {
  return scheme == "mllp" || scheme == "mllps";
}
bool is_relay(std::string_view scheme) {
  return scheme == "smtp" || scheme == "smtps" || is_mllp(scheme);
}
Result<Url> parse(std::string_view text, bool with_relays) {
  if (text.size() > kMaxUrl) return url_error("it is longer than 8192 bytes");
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= 0x20 || byte >= 0x7f)
      return url_error("byte " + std::to_string(i) +
                       " is a space, a control character or not ASCII; percent-encode it");
    if (c == '#') return url_error("it has a fragment");
    if (std::string_view("\"<>\\^`{|}").find(c) != std::string_view::npos) {
      return url_error(std::string("'") + c + "' at byte " + std::to_string(i) +
                       " must be percent-encoded");
    }
    if (c == '%' && (i + 2 >= text.size() || !is_hex(text[i + 1]) || !is_hex(text[i + 2]))) {
      return url_error("'%' at byte " + std::to_string(i) +
                       " is not followed by two hexadecimal digits");
    }
  }
  const auto colon = text.find("://");
  if (colon == std::string_view::npos)
    return url_error("it does not start with http:// or https://");
  std::string scheme = lower(text.substr(0, colon));
  if (scheme != "http" && scheme != "https" && !(with_relays && is_relay(scheme)))
    return url_error("the scheme is neither http nor https");
  auto rest = text.substr(colon + 3);
  const auto end = rest.find_first_of("/?");
  auto authority = rest.substr(0, end);
  if (end != std::string_view::npos &&
      rest.substr(end).find_first_of("[]") != std::string_view::npos) {
    return url_error("'[' and ']' after the host must be percent-encoded");
  }
  if (authority.find('@') != std::string_view::npos)
    return url_error("it has user information; use a header for credentials");
  if (end != std::string_view::npos && is_relay(scheme))
    return url_error("a mail relay or a receiver of HL7 v2 has no path and no query");
  int port = usual_port(scheme);
  const auto bracket = authority.rfind(']');
  const auto port_colon = authority.find(':', bracket == std::string_view::npos ? 0 : bracket);
  if (port_colon != std::string_view::npos) {
    const auto digits = authority.substr(port_colon + 1);
    if (digits.empty() || digits.size() > 5 || digits.front() == '0' ||
        !std::all_of(digits.begin(), digits.end(), is_digit)) {
      return url_error("the port is not a number from 1 to 65535");
    }
    port = std::stoi(std::string(digits));
    if (port > 65535) return url_error("the port is not a number from 1 to 65535");
    authority = authority.substr(0, port_colon);
  }
  RABT_TRY(url, parse_host(authority));
  url.scheme = std::move(scheme);
  url.port = port;
  return url;
}

}  // namespace

int usual_port(std::string_view scheme) {
  if (scheme == "smtp") return 587;   // RFC 6409 section 3.1
  if (scheme == "smtps") return 465;  // RFC 8314 section 7.3
  if (is_mllp(scheme)) return 2575;   // IANA: hl7
  return scheme == "https" ? 443 : 80;
}

Result<Url> parse_url(std::string_view text) {
  return parse(text, false);
}
Result<Url> parse_url_or_relay(std::string_view text) {
  return parse(text, true);
}

}  // namespace rabt::net
