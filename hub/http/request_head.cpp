#include "hub/http/request_head.hpp"

#include <algorithm>
#include <array>

#include "hub/base/limits.hpp"
#include "hub/base/utf8.hpp"

namespace rabt::http {

namespace {

constexpr std::array<std::string_view, 7> kMethods = {"GET",   "HEAD",   "POST",   "PUT",
                                                      "PATCH", "DELETE", "OPTIONS"};
// Header fields that decide how a request is read or who sent it: a second one makes two readers
// disagree.
constexpr std::array<std::string_view, 6> kOnlyOnce = {
    "host", "content-length", "content-type", "authorization", "expect", "x-request-id"};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_alpha(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

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

Refusal refuse(int status, std::string code, std::string detail) {
  return {status, std::move(code), std::move(detail)};
}

std::optional<Refusal> read_path(std::string_view raw, std::string& path) {
  const auto bad = [](std::string detail) { return refuse(400, "http.target", std::move(detail)); };
  for (std::size_t i = 0; i < raw.size(); ++i) {
    const char c = raw[i];
    if (!is_alpha(c) && !is_digit(c) &&
        std::string_view("-._~!$&'()*+,;=:@/%").find(c) == std::string_view::npos) {
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

std::optional<Refusal> read_request_line(std::string_view line, Head& head, int& minor) {
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
  const auto target = line.substr(first + 1, last - first - 1);
  const auto version = line.substr(last + 1);
  if (!is_token(method)) return bad("the method is not a token");
  if (version.size() != 8 || !version.starts_with("HTTP/") || !is_digit(version[5]) ||
      version[6] != '.' || !is_digit(version[7])) {
    return bad("the version is not HTTP/1.1 or HTTP/1.0");
  }
  if (version != "HTTP/1.1" && version != "HTTP/1.0")
    return refuse(505, "http.version", "only HTTP/1.1 and HTTP/1.0 are served");
  minor = version.back() - '0';
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
  if (target.empty() || target.front() != '/') {
    return refuse(400, "http.target",
                  "the target must be a path that starts with '/'; absolute, authority and "
                  "asterisk forms are not served");
  }
  head.method = method;
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

bool is_host(std::string_view host) {
  if (host.empty() || host.size() > 261) return false;  // 255 and a port
  return std::all_of(host.begin(), host.end(), [](char c) {
    return is_alpha(c) || is_digit(c) ||
           std::string_view(".-_:[]").find(c) != std::string_view::npos;
  });
}

}  // namespace

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return is_alpha(c) || is_digit(c) ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

std::optional<std::vector<std::pair<std::string, std::string>>> parse_query(std::string_view text) {
  std::vector<std::pair<std::string, std::string>> pairs;
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

std::variant<Head, Refusal> parse_head(std::string_view text, std::uint64_t max_body) {
  Head head;
  int minor = 1;
  if (text.starts_with("\r\n")) text.remove_prefix(2);
  const auto line_end = text.find("\r\n");
  if (line_end == std::string_view::npos)
    return refuse(400, "http.request_line", "the request line has no end");
  if (auto refused = read_request_line(text.substr(0, line_end), head, minor))
    return *std::move(refused);
  text.remove_prefix(line_end + 2);

  while (!text.starts_with("\r\n")) {
    const auto end = text.find("\r\n");
    if (end == std::string_view::npos)
      return refuse(400, "http.header", "a header line has no end");
    const auto line = text.substr(0, end);
    text.remove_prefix(end + 2);
    const std::string where = "header line " + std::to_string(head.headers.size() + 1);
    if (head.headers.size() >= static_cast<std::size_t>(limits::kMaxHeaderCount)) {
      return refuse(431, "http.too_many_headers", "the request has more than 100 header fields");
    }
    if (line.size() > limits::kMaxHeaderField)
      return refuse(431, "http.header_too_large", where + " is longer than 16384 bytes");
    if (line.front() == ' ' || line.front() == '\t')
      return refuse(400, "http.folded_header",
                    where + " starts with white space; folded headers are not served");
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) return refuse(400, "http.header", where + " has no colon");
    const auto name = line.substr(0, colon);
    if (!is_token(name))
      return refuse(
          400, "http.header",
          where + " has a name that is not a token (no space may stand before the colon)");
    const auto value = trim(line.substr(colon + 1));
    for (const char c : value) {
      const auto byte = static_cast<unsigned char>(c);
      if ((byte < 0x20 && c != '\t') || byte == 0x7f)
        return refuse(400, "http.header", where + " has a control character in its value");
    }
    if (!is_utf8(value))
      return refuse(400, "http.header", where + " has a value that is not UTF-8");
    head.headers.emplace_back(lower(name), std::string(value));
  }
  if (text.size() != 2) return refuse(400, "http.header", "there are bytes after the empty line");

  const auto count = [&](std::string_view name) {
    return std::count_if(head.headers.begin(), head.headers.end(),
                         [&](const auto& h) { return h.first == name; });
  };
  const auto value_of = [&](std::string_view name) -> std::string_view {
    const auto found = std::find_if(head.headers.begin(), head.headers.end(),
                                    [&](const auto& h) { return h.first == name; });
    return found == head.headers.end() ? std::string_view() : std::string_view(found->second);
  };
  for (const auto name : kOnlyOnce) {
    if (count(name) > 1)
      return refuse(400, "http.duplicate_header",
                    "header " + std::string(name) + " appears more than once");
  }
  if (count("host") == 0) return refuse(400, "http.host", "the Host header is missing");
  if (!is_host(value_of("host")))
    return refuse(400, "http.host", "the Host header is not a host name with an optional port");

  const bool has_length = count("content-length") == 1;
  if (count("transfer-encoding") > 0) {
    if (has_length || minor == 0 || count("transfer-encoding") > 1 ||
        lower(value_of("transfer-encoding")) != "chunked") {
      return refuse(400, "http.transfer_encoding",
                    "Transfer-Encoding is not served; send Content-Length alone");
    }
    return refuse(411, "http.length_required",
                  "chunked bodies are not served; send Content-Length");
  }
  if (has_length) {
    const auto digits = value_of("content-length");
    if (digits.empty() || digits.size() > 15 ||
        !std::all_of(digits.begin(), digits.end(), is_digit)) {
      return refuse(400, "http.content_length", "Content-Length is not a plain decimal number");
    }
    for (const char c : digits)
      head.content_length = head.content_length * 10 + static_cast<std::uint64_t>(c - '0');
    if (head.content_length > max_body) {
      return refuse(413, "http.body_too_large",
                    "the body is larger than " + std::to_string(max_body) + " bytes");
    }
  } else if (head.method == "POST" || head.method == "PUT" || head.method == "PATCH") {
    return refuse(411, "http.length_required", "Content-Length is missing");
  }
  if (count("expect") == 1) {
    if (lower(value_of("expect")) != "100-continue")
      return refuse(417, "http.expectation", "the only expectation served is 100-continue");
    head.expect_continue = minor == 1;
  }
  // HTTP/1.0 connections end after one answer; nobody who matters keeps them.
  head.keep_alive = minor == 1;
  for (const auto& [name, value] : head.headers) {
    if (name != "connection") continue;
    std::string_view rest = value;
    while (!rest.empty()) {
      const auto comma = rest.find(',');
      if (lower(trim(rest.substr(0, comma))) == "close") head.keep_alive = false;
      rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
    }
  }
  return head;
}

}  // namespace rabt::http
