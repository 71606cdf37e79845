#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/http/server.hpp"
#include "hub/net/url.hpp"

// Address of a caller: the rates count by this address, and the audit log names it.
namespace rabt::api {

// The client of what comes over the hub's own socket: the kernel says who asks.
inline constexpr std::string_view kThisMachine = "local";

// The proxies in front of the hub, whose word on addresses counts. Immutable.
class Proxies {
 public:
  Proxies() = default;
  // Addresses, or networks such as 10.0.0.0/8. Error config.proxy.
  [[nodiscard]] static Result<Proxies> make(const std::vector<std::string>& texts);

  // The other end of the connection. If that is a proxy, the last address of X-Forwarded-For that
  // is none: whatever stands before it is what the client says. No other header is looked at.
  [[nodiscard]] std::string client_of(const http::Request& head) const;
  // True if this is the address of a proxy.
  [[nodiscard]] bool has(std::string_view address) const;
  // True if each network lies in one of private use (RFC 1918, RFC 4193), of this machine, or of
  // this link.
  [[nodiscard]] bool all_private() const;

 private:
  struct Network {
    net::IpAddress address;
    int bits = 0;
  };
  [[nodiscard]] bool holds(const net::IpAddress& address) const;

  std::vector<Network> networks_;
};

// Addresses of one subscriber of the internet: an IPv4 address, or an IPv6 /64. Other texts stay.
[[nodiscard]] std::string household_of(std::string_view address);
// The /48 of an IPv6 address, which one subscriber may have, too. Nothing for other texts.
[[nodiscard]] std::optional<std::string> site_of(std::string_view address);

}  // namespace rabt::api
