#include "hub/http/request_head.hpp"

#include <algorithm>
#include <array>

#include "hub/base/ascii.hpp"
#include "hub/base/limits.hpp"
#include "hub/base/utf8.hpp"

namespace rabt::http {

namespace {

constexpr std::array<std::string_view, 7> kMethods = {"GET",   "HEAD",   "POST",   "PUT",
                                                      "PATCH", "DELETE", "OPTIONS"};
// Header fields that decide how a request is read or who sent it: a second one makes two readers
// disagree.
constexpr std::array<std::string_view, 16> kOnlyOnce = {"host",
                                                        "content-length",
                                                        "content-type",
                                                        "authorization",
                                                        "expect",
                                                        "x-request-id",
                                                        "cookie",
                                                        "origin",
                                                        "if-match",
                                                        "if-none-match",
                                                        "range",
                                                        "sec-fetch-site",
                                                        "idempotency-key",
                                                        "x-rabt-reason",
                                                        "sec-websocket-key",
                                                        "sec-websocket-version"};

// White space around a field value (RFC 9110 section 5.6.3).
constexpr std::string_view kFieldBlanks = " \t";

std::optional<std::string> decode(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      if (i + 2 >= text.size()) return std::nullopt;
      const int high = hex_value(text[i + 1]);
      const int low = hex_value(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      out.push_back(static_cast<char>(high * 16 + low));
      i += 2;
    } else {
      out.push_back(plus_is_space && text[i] == '+' ? ' ' : text[i]);
    }
  }
  if (out.find('\0') != std::string::npos || !is_utf8(out)) return std::nullopt;
  return out;
}

std::optional<Refusal> read_path(std::string_view raw, std::string& path) {
  const auto bad = [](std::string detail) { return refuse(400, "http.target", std::move(detail)); };
  for (std::size_t i = 0; i < raw.size(); ++i) {
    const char c = raw[i];
    if (!is_alnum(c) && std::string_view("-._~!$&'()*+,;=:@/%").find(c) == std::string_view::npos) {
      return bad("the path holds a character that must be percent-encoded");
    }
    if (c == '%' && i + 2 < raw.size()) {
      const int value = hex_value(raw[i + 1]) * 16 + hex_value(raw[i + 2]);
      if (value == '/' || value == '\\') return bad("the path holds an encoded slash");
    }
  }
  const auto decoded = decode(raw, false);
  if (!decoded) return bad("the path holds a broken escape or is not UTF-8");
  for (const char c : *decoded) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      return bad("the path holds a control character");
  }
  std::size_t start = 1;
  for (;;) {
    const auto end = std::min(decoded->find('/', start), decoded->size());
    const auto segment = std::string_view(*decoded).substr(start, end - start);
    if (segment == "." || segment == "..") return bad("the path holds a dot segment");
    if (end == decoded->size()) break;
    if (segment.empty()) return bad("the path holds an empty segment");
    start = end + 1;
  }
  path = *decoded;
  return std::nullopt;
}

bool is_host(std::string_view host) {
  if (host.empty() || host.size() > 261) return false;  // 255 and a port
  return std::all_of(host.begin(), host.end(), [](char c) {
    return is_alnum(c) || std::string_view(".-_:[]").find(c) != std::string_view::npos;
  });
}

// Takes scheme and host from a target in absolute form (RFC 9112 section 3.2.2), and leaves what
// follows: a path, or "/" for none. False when it is neither absolute nor a path.
bool take_authority(std::string_view& target, std::string& authority) {
  if (target.starts_with('/')) return true;
  const auto scheme = target.find("://");
  if (scheme == std::string_view::npos) return false;
  const std::string name = lower(target.substr(0, scheme));
  if (name != "http" && name != "https") return false;
  const std::string_view rest = target.substr(scheme + 3);
  const auto end = std::min(rest.find_first_of("/?"), rest.size());
  if (!is_host(rest.substr(0, end))) return false;
  authority = rest.substr(0, end);
  target = end == rest.size() ? std::string_view("/") : rest.substr(end);
  return true;
}

std::optional<Refusal> read_request_line(std::string_view line, RequestHead& head, int& minor) {
  const auto bad = [](std::string detail) {
    return refuse(400, "http.request_line", std::move(detail));
  };
  if (line.size() > kMaxRequestLine)
    return refuse(414, "http.target_too_long", "the request line is longer than 8192 bytes");
  const auto first = line.find(' ');
  const auto last = line.rfind(' ');
  if (first == std::string_view::npos || first == last)
    return bad("the request line is not: method, space, target, space, version");
  const auto method = line.substr(0, first);
  auto target = line.substr(first + 1, last - first - 1);
  const auto version = line.substr(last + 1);
  if (!is_token(method)) return bad("the method is not a token");
  if (version.size() != 8 || !version.starts_with("HTTP/") || !is_digit(version[5]) ||
      version[6] != '.' || !is_digit(version[7])) {
    return bad("the version is not HTTP/1.1 or HTTP/1.0");
  }
  if (version != "HTTP/1.1" && version != "HTTP/1.0")
    return refuse(505, "http.version", "only HTTP/1.1 and HTTP/1.0 are served");
  minor = version.back() - '0';
  head.http_1_1 = minor == 1;
  if (std::find(kMethods.begin(), kMethods.end(), method) == kMethods.end()) {
    return refuse(501, "http.method", "the method is not served here");
  }
  for (const char c : target) {
    if (static_cast<unsigned char>(c) <= 0x20 || static_cast<unsigned char>(c) >= 0x7f ||
        c == '#') {
      return refuse(
          400, "http.target",
          "the target holds a space, a control character, '#' or a byte that is not ASCII");
    }
  }
  head.method = method;
  // RFC 9112 section 3.2.4: of the server as a whole.
  if (method == "OPTIONS" && target == "*") {
    head.target = head.path = target;
    return std::nullopt;
  }
  if (!take_authority(target, head.authority) || target.front() != '/') {
    return refuse(400, "http.target",
                  "the target must be a path that starts with '/', the same behind http:// or "
                  "https:// and a host, or for OPTIONS *");
  }
  head.target = target;
  const auto mark = target.find('?');
  if (auto refused = read_path(target.substr(0, mark), head.path)) return refused;
  if (mark != std::string_view::npos) {
    auto pairs = parse_query(target.substr(mark + 1));
    if (!pairs)
      return refuse(400, "http.target",
                    "the query holds a broken escape, is not UTF-8 or has too many parameters");
    head.query = *std::move(pairs);
  }
  return std::nullopt;
}

std::optional<Refusal> read_header_line(std::string_view line, RequestHead& head) {
  const std::string where = "header line " + std::to_string(head.headers.size() + 1);
  const auto bad = [&](std::string_view what) {
    return refuse(400, "http.header", where + std::string(what));
  };
  if (head.headers.size() >= static_cast<std::size_t>(limits::kMaxHeaderCount))
    return refuse(431, "http.too_many_headers", "the request has more than 100 header fields");
  if (line.size() > limits::kMaxHeaderField)
    return refuse(431, "http.header_too_large", where + " is longer than 16384 bytes");
  if (line.front() == ' ' || line.front() == '\t')
    return refuse(400, "http.folded_header",
                  where + " starts with white space; folded headers are not served");
  const auto colon = line.find(':');
  if (colon == std::string_view::npos) return bad(" has no colon");
  const auto name = line.substr(0, colon);
  if (!is_token(name))
    return bad(" has a name that is not a token (no space may stand before the colon)");
  const auto value = trim(line.substr(colon + 1), kFieldBlanks);
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && c != '\t') || byte == 0x7f)
      return bad(" has a control character in its value");
  }
  if (!is_utf8(value)) return bad(" has a value that is not UTF-8");
  head.headers.emplace_back(lower(name), std::string(value));
  return std::nullopt;
}

// Takes the header fields and the empty line from the text, which must end there.
std::optional<Refusal> read_headers(std::string_view text, RequestHead& head) {
  while (!text.starts_with("\r\n")) {
    const auto end = text.find("\r\n");
    if (end == std::string_view::npos)
      return refuse(400, "http.header", "a header line has no end");
    if (auto refused = read_header_line(text.substr(0, end), head)) return refused;
    text.remove_prefix(end + 2);
  }
  if (text.size() != 2) return refuse(400, "http.header", "there are bytes after the empty line");
  return std::nullopt;
}

std::ptrdiff_t count(const RequestHead& head, std::string_view name) {
  return std::count_if(head.headers.begin(), head.headers.end(),
                       [&](const auto& field) { return field.first == name; });
}

// The first value; empty when the field is absent.
std::string_view value_of(const RequestHead& head, std::string_view name) {
  const auto found = std::find_if(head.headers.begin(), head.headers.end(),
                                  [&](const auto& field) { return field.first == name; });
  return found == head.headers.end() ? std::string_view() : std::string_view(found->second);
}

std::optional<Refusal> check_unique_and_host(const RequestHead& head) {
  for (const auto name : kOnlyOnce) {
    if (count(head, name) > 1)
      return refuse(400, "http.duplicate_header",
                    "header " + std::string(name) + " appears more than once");
  }
  if (count(head, "host") == 0) return refuse(400, "http.host", "the Host header is missing");
  if (!is_host(value_of(head, "host")))
    return refuse(400, "http.host", "the Host header is not a host name with an optional port");
  return std::nullopt;
}

// Reads the length of the body. A request that says it in two ways is refused: two readers could
// disagree about it.
std::optional<Refusal> read_length(RequestHead& head, int minor, std::uint64_t max_body) {
  const bool has_length = count(head, "content-length") == 1;
  if (const auto encodings = count(head, "transfer-encoding"); encodings > 0) {
    if (has_length || minor == 0 || encodings > 1 ||
        lower(value_of(head, "transfer-encoding")) != "chunked") {
      return refuse(400, "http.transfer_encoding",
                    "the only Transfer-Encoding is `chunked`, once, of HTTP/1.1 and without "
                    "Content-Length");
    }
    head.chunked = true;
    return std::nullopt;
  }
  if (!has_length) {
    // RFC 9112 section 6.3, rule 7: a request without either has no body. Some clients send a POST
    // without a body so; what is put has one.
    if (head.method == "PUT" || head.method == "PATCH")
      return refuse(411, "http.length_required", "Content-Length is missing");
    return std::nullopt;
  }
  const auto digits = value_of(head, "content-length");
  if (digits.empty() || digits.size() > 15 || !std::all_of(digits.begin(), digits.end(), is_digit))
    return refuse(400, "http.content_length", "Content-Length is not a plain decimal number");
  for (const char c : digits)
    head.content_length = head.content_length * 10 + static_cast<std::uint64_t>(c - '0');
  if (head.content_length > max_body) {
    return refuse(413, "http.body_too_large",
                  "the body is larger than " + std::to_string(max_body) + " bytes");
  }
  return std::nullopt;
}

std::optional<Refusal> read_expectation(RequestHead& head, int minor) {
  if (count(head, "expect") == 0) return std::nullopt;
  if (lower(value_of(head, "expect")) != "100-continue")
    return refuse(417, "http.expectation", "the only expectation served is 100-continue");
  head.expect_continue = minor == 1;
  return std::nullopt;
}

// HTTP/1.0 connections end after one answer; nobody who matters keeps them. A POST that does not
// say how long it is has no body, and is the last request: what follows it is read by nobody.
bool keeps_alive(const RequestHead& head, int minor) {
  if (minor != 1) return false;
  if (head.method == "POST" && count(head, "content-length") == 0 && !head.chunked) return false;
  for (const auto& [name, value] : head.headers) {
    if (name != "connection") continue;
    std::string_view rest = value;
    while (!rest.empty()) {
      const auto comma = rest.find(',');
      if (lower(trim(rest.substr(0, comma), kFieldBlanks)) == "close") return false;
      rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
    }
  }
  return true;
}

}  // namespace

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return is_alnum(c) || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

std::string_view target_in(std::string_view head) {
  const std::string_view line = head.substr(0, head.find_first_of("\r\n"));
  const auto first = line.find(' ');
  if (first == std::string_view::npos) return {};
  std::string_view target = line.substr(first + 1);
  target = target.substr(0, target.find(' '));
  std::string authority;
  return take_authority(target, authority) ? target : std::string_view();
}

std::optional<Pairs> parse_query(std::string_view text) {
  Pairs pairs;
  while (!text.empty()) {
    const auto end = text.find('&');
    const auto part = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    if (part.empty()) continue;
    const auto equals = part.find('=');
    auto name = decode(part.substr(0, equals), true);
    auto value = decode(
        equals == std::string_view::npos ? std::string_view() : part.substr(equals + 1), true);
    if (!name || !value || pairs.size() >= kMaxQueryPairs) return std::nullopt;
    pairs.emplace_back(*std::move(name), *std::move(value));
  }
  return pairs;
}

HeadScan scan_head(std::string_view buffer, std::size_t& scanned) {
  const auto refused = [](Refusal refusal) {
    return HeadScan{HeadScan::State::refused, 0, std::move(refusal)};
  };
  // RFC 9112 section 2.2: one empty line before the request is ignored.
  const std::size_t start = buffer.starts_with("\r\n") ? 2 : 0;
  if (buffer.size() > start && buffer[start] != '\r' && !is_alpha(buffer[start])) {
    return refused(refuse(400, "http.request_line",
                          "this is not an HTTP request; TLS is not spoken on this port"));
  }
  std::size_t i = scanned;
  for (; i < buffer.size(); ++i) {
    const char c = buffer[i];
    if (c == '\n') {
      if (i == 0 || buffer[i - 1] != '\r')
        return refused(refuse(400, "http.bare_line_feed", "a line ends without a carriage return"));
      const bool empty_line = i >= 3 && buffer[i - 2] == '\n';
      if (empty_line && i > start) {
        if (i + 1 > kMaxHead) break;
        if (i + 1 - start <= 2)
          return refused(refuse(400, "http.request_line", "the request line is empty"));
        scanned = i + 1;
        return {HeadScan::State::complete, i + 1, {}};
      }
    } else if (i > 0 && buffer[i - 1] == '\r') {
      return refused(refuse(400, "http.bare_carriage_return",
                            "a carriage return is not followed by a line feed"));
    }
  }
  scanned = i;
  if (buffer.size() > kMaxHead || i < buffer.size()) {
    return refused(
        refuse(431, "http.head_too_large", "the request head is larger than 65536 bytes"));
  }
  if (buffer.size() > kMaxRequestLine + start + 2 &&
      buffer.find('\n', start) == std::string_view::npos) {
    return refused(
        refuse(414, "http.target_too_long", "the request line is longer than 8192 bytes"));
  }
  return {};
}

std::variant<RequestHead, Refusal> parse_head(std::string_view text, std::uint64_t max_body) {
  RequestHead head;
  int minor = 1;
  if (text.starts_with("\r\n")) text.remove_prefix(2);
  const auto line_end = text.find("\r\n");
  if (line_end == std::string_view::npos)
    return refuse(400, "http.request_line", "the request line has no end");
  if (auto refused = read_request_line(text.substr(0, line_end), head, minor))
    return *std::move(refused);
  if (auto refused = read_headers(text.substr(line_end + 2), head)) return *std::move(refused);
  if (auto refused = check_unique_and_host(head)) return *std::move(refused);
  // RFC 9112 section 3.2.2: the target decides, whatever the Host header says.
  if (!head.authority.empty()) {
    for (auto& [name, value] : head.headers) {
      if (name == "host") value = head.authority;
    }
  }
  if (auto refused = read_length(head, minor, max_body)) return *std::move(refused);
  if (auto refused = read_expectation(head, minor)) return *std::move(refused);
  head.keep_alive = keeps_alive(head, minor);
  return head;
}

}  // namespace rabt::http
