#include "hub/api/addresses.hpp"

#include <algorithm>

#include "hub/base/bytes.hpp"
#include "hub/base/check.hpp"
#include "hub/base/number.hpp"

namespace rabt::api {

namespace {

using net::IpAddress;

constexpr int kHouseholdBits = 64;
constexpr int kSiteBits = 48;

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// IPv4 that is written as IPv6 (::ffff:192.0.2.1) is IPv4.
IpAddress plain(const IpAddress& address) {
  constexpr std::size_t kPrefix = 12;
  const auto& bytes = address.bytes;
  const bool mapped = address.v6 && bytes[10] == 0xff && bytes[11] == 0xff &&
                      std::all_of(bytes.begin(), bytes.begin() + 10, [](auto b) { return b == 0; });
  if (!mapped) return address;
  IpAddress out;
  std::copy(bytes.begin() + kPrefix, bytes.end(), out.bytes.begin());
  return out;
}

std::optional<IpAddress> ip_of(std::string_view text) {
  const auto address = net::parse_ip(text);
  return address ? std::optional(plain(*address)) : std::nullopt;
}

bool same(const IpAddress& address, const IpAddress& other, int bits) {
  if (address.v6 != other.v6) return false;
  for (std::size_t i = 0; bits > 0; ++i, bits -= 8) {
    const int shift = bits < 8 ? 8 - bits : 0;
    if ((address.bytes[i] >> shift) != (other.bytes[i] >> shift)) return false;
  }
  return true;
}

// The addresses of all X-Forwarded-For headers, the nearest proxy's word last.
std::vector<std::string_view> forwarded(const http::Request& head) {
  std::vector<std::string_view> out;
  for (const auto& [name, value] : head.headers) {
    if (name != "x-forwarded-for") continue;
    std::string_view rest = value;
    while (true) {
      const auto comma = rest.find(',');
      out.push_back(trimmed(rest.substr(0, comma)));
      if (comma == std::string_view::npos) break;
      rest.remove_prefix(comma + 1);
    }
  }
  return out;
}

std::string prefix(const IpAddress& address, int bits) {
  IpAddress out = address;
  std::fill(out.bytes.begin() + bits / 8, out.bytes.end(), std::uint8_t{0});
  return out.text() + "/" + std::to_string(bits);
}

}  // namespace

Result<Proxies> Proxies::make(const std::vector<std::string>& texts) {
  Proxies out;
  for (const std::string& text : texts) {
    const auto slash = text.find('/');
    const auto address = ip_of(std::string_view(text).substr(0, slash));
    const Error wrong =
        invalid("config.proxy", "\"" + text + "\" is no address and no network such as 10.0.0.0/8");
    if (!address) return wrong;
    const int most = address->v6 ? 128 : 32;
    int bits = most;
    if (slash != std::string::npos) {
      bits = read_number<int>(std::string_view(text).substr(slash + 1)).value_or(0);
      if (bits < 1 || bits > most) return wrong;
    }
    out.networks_.push_back({*address, bits});
  }
  return out;
}

bool Proxies::holds(const IpAddress& address) const {
  return std::any_of(networks_.begin(), networks_.end(), [&](const Network& network) {
    return same(network.address, address, network.bits);
  });
}

bool Proxies::all_private() const {
  static const Proxies kPrivate = [] {
    auto made = make({"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8",
                      "169.254.0.0/16", "fc00::/7", "fe80::/10", "::1"});
    RABT_CHECK(made.ok());
    return *std::move(made);
  }();
  return std::all_of(networks_.begin(), networks_.end(), [](const Network& network) {
    return std::any_of(
        kPrivate.networks_.begin(), kPrivate.networks_.end(), [&](const Network& range) {
          return network.bits >= range.bits && same(range.address, network.address, range.bits);
        });
  });
}

bool Proxies::has(std::string_view address) const {
  const auto ip = ip_of(address);
  return ip && holds(*ip);
}

std::string Proxies::client_of(const http::Request& head) const {
  std::string client = head.remote;
  if (networks_.empty()) return client;
  const auto remote = ip_of(client);
  if (!remote || !holds(*remote)) return client;
  auto words = forwarded(head);
  for (auto word = words.rbegin(); word != words.rend(); ++word) {
    const auto address = ip_of(*word);
    // Entries that are no address cannot come from a trusted proxy.
    if (!address) break;
    client = address->text();
    if (!holds(*address)) break;
  }
  return client;
}

std::string household_of(std::string_view address) {
  const auto ip = ip_of(address);
  if (!ip) return std::string(address);
  return ip->v6 ? prefix(*ip, kHouseholdBits) : ip->text();
}

std::optional<std::string> site_of(std::string_view address) {
  const auto ip = ip_of(address);
  if (!ip || !ip->v6) return std::nullopt;
  return prefix(*ip, kSiteBits);
}

}  // namespace rabt::api
