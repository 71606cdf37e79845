#include "hub/http/web_socket.hpp"

#include <algorithm>

#include "hub/base/ascii.hpp"
#include "hub/base/bytes.hpp"
#include "hub/crypto/crypto.hpp"
#include "hub/http/request_head.hpp"

namespace rabt::http {

namespace {

// RFC 6455 section 1.3.
constexpr std::string_view kGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
constexpr std::size_t kKeyBytes = 16;

// The items of a list of tokens in one header, however many lines it has. RFC 9110 section 5.6.1.
std::vector<std::string> list_of(const Request& request, std::string_view header) {
  std::vector<std::string> out;
  for (const auto& [name, value] : request.headers) {
    if (name != header) continue;
    std::string_view rest = value;
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find(','), rest.size());
      const std::string_view item = trim(rest.substr(0, end), " \t");
      if (!item.empty()) out.emplace_back(item);
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
  return out;
}

bool names(const Request& request, std::string_view header, std::string_view token) {
  const auto items = list_of(request, header);
  return std::any_of(items.begin(), items.end(),
                     [&](const std::string& item) { return lower(item) == token; });
}

}  // namespace

Status judge_handshake(const Request& request) {
  if (!names(request, "upgrade", "websocket") || !names(request, "connection", "upgrade"))
    return invalid("http.upgrade", "this address speaks WebSocket: send Upgrade: websocket");
  if (request.only_header("sec-websocket-version") != "13")
    return invalid("http.upgrade", "this address speaks WebSocket version 13");
  if (request.method != "GET" || request.only_head || !request.http_1_1)
    return invalid("http.websocket", "a WebSocket begins with a GET of HTTP/1.1");
  const auto key = request.only_header("sec-websocket-key");
  const auto bytes = key ? from_base64(*key) : std::nullopt;
  if (!bytes || bytes->size() != kKeyBytes)
    return invalid("http.websocket", "Sec-WebSocket-Key must be 16 bytes in base64");
  const auto protocols = offered_protocols(request);
  if (!std::all_of(protocols.begin(), protocols.end(), is_token))
    return invalid("http.websocket", "Sec-WebSocket-Protocol must be a list of tokens");
  return ok_status();
}

std::string accept_key(std::string_view key) {
  return to_base64(crypto::sha1(std::string(key).append(kGuid)));
}

std::vector<std::string> offered_protocols(const Request& request) {
  return list_of(request, "sec-websocket-protocol");
}

}  // namespace rabt::http
