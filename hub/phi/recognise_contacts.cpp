#include <arpa/inet.h>

#include <algorithm>
#include <string>

#include "hub/base/ascii.hpp"
#include "hub/phi/recognise.hpp"

namespace rabt::phi {

namespace {

// RFC 5321 section 4.5.3.1; an address is at most 254 bytes long.
constexpr std::uint32_t kMaxLocalPart = 64;
constexpr std::uint32_t kMaxDomain = 253;
constexpr std::uint32_t kMaxUrl = 2048;

bool high(char c) {
  return static_cast<unsigned char>(c) >= 0x80;
}

void find_email(std::string_view text, std::uint32_t at, Candidates& out) {
  std::uint32_t begin = at;
  const auto local = [](char c) {
    return is_alpha(c) || is_digit(c) || high(c) ||
           std::string_view("._%+-'!#$&*/=?^`{|}~").find(c) != std::string_view::npos;
  };
  while (begin > 0 && at - begin < kMaxLocalPart && local(text[begin - 1])) --begin;
  // Signs before the address belong to the sentence, not to it.
  while (begin < at && !is_alpha(text[begin]) && !is_digit(text[begin]) && !high(text[begin]))
    ++begin;
  for (std::uint32_t i = begin; i < at; ++i)
    if (std::string_view("=/|?&#`{}*!$").find(text[i]) != std::string_view::npos) begin = i + 1;
  while (begin < at && high(text[begin]) &&
         (static_cast<unsigned char>(text[begin]) & 0xC0U) == 0x80U)
    ++begin;
  if (begin == at) return;

  const auto size = static_cast<std::uint32_t>(text.size());
  std::uint32_t end = at + 1;
  while (end < size && end - at <= kMaxDomain &&
         (is_alpha(text[end]) || is_digit(text[end]) || high(text[end]) || text[end] == '-' ||
          text[end] == '.'))
    ++end;
  while (end > at + 1 && (text[end - 1] == '.' || text[end - 1] == '-')) --end;
  const std::string_view domain = text.substr(at + 1, end - at - 1);
  const std::size_t dot = domain.rfind('.');
  if (dot == std::string_view::npos || dot == 0 || domain.size() - dot < 3) return;
  if (domain.find("..") != std::string_view::npos) return;
  const std::string_view top = domain.substr(dot + 1);
  if (!std::all_of(top.begin(), top.end(), [](char c) { return is_alpha(c) || high(c); })) return;
  out.push_back({Class::email, begin, end, 0.97});
}

// True if something in the address can name one person or one record.
bool holds_id(std::string_view url) {
  const std::size_t host = url.find("://") == std::string_view::npos ? 0 : url.find("://") + 3;
  const std::size_t path = url.find_first_of("/?#", host);
  const std::string_view authority =
      url.substr(host, path == std::string_view::npos ? path : path - host);
  if (authority.find('@') != std::string_view::npos) return true;
  if (path == std::string_view::npos) return false;
  const std::string_view rest = url.substr(path);
  if (const std::size_t query = rest.find('?'); query != std::string_view::npos) {
    const std::size_t equals = rest.find('=', query);
    if (equals != std::string_view::npos && equals + 1 < rest.size()) return true;
  }
  std::size_t digits = 0;
  std::size_t coded = 0;
  bool any_digit = false;
  for (std::size_t i = 0; i <= rest.size(); ++i) {
    const char c = i < rest.size() ? rest[i] : '/';
    digits = is_digit(c) ? digits + 1 : 0;
    const bool year =
        digits == 4 && (rest.substr(i - 3, 2) == "19" || rest.substr(i - 3, 2) == "20");
    if (digits >= 5 || (digits == 4 && !year && (i + 1 == rest.size() || !is_digit(rest[i + 1]))))
      return true;
    if (is_hex(c) || c == '-') {
      ++coded;
      any_digit = any_digit || is_digit(c);
    } else {
      if (coded >= 16 && any_digit) return true;  // a UUID or a hash
      coded = 0;
      any_digit = false;
    }
  }
  return false;
}

// Returns where the address ends.
std::uint32_t find_url(std::string_view text, std::uint32_t begin, std::uint32_t from,
                       Candidates& out) {
  const auto size = static_cast<std::uint32_t>(text.size());
  std::uint32_t end = from;
  while (end < size && end - begin<kMaxUrl&& static_cast<unsigned char>(text[end])> 0x20 &&
         std::string_view("<>\"'`{}|\\^").find(text[end]) == std::string_view::npos)
    ++end;
  while (end > from && std::string_view(".,;:!?)]*").find(text[end - 1]) != std::string_view::npos)
    --end;
  while (end > from && end < size && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U)
    --end;
  if (end > from && holds_id(text.substr(begin, end - begin)))
    out.push_back({Class::url, begin, end, 0.9});
  return end;
}

// IPv6 and MAC: runs of hexadecimal digits and colons (or hyphens).
void find_colons(std::string_view text, Candidates& out) {
  const auto size = static_cast<std::uint32_t>(text.size());
  constexpr std::uint32_t kLongest = 45;
  std::uint32_t at = 0;
  while (at < size) {
    if (!is_hex(text[at]) && text[at] != ':') {
      ++at;
      continue;
    }
    std::uint32_t end = at;
    std::uint32_t colons = 0;
    std::uint32_t hyphens = 0;
    std::uint32_t digits = 0;
    while (end < size && (is_hex(text[end]) || text[end] == ':' || text[end] == '-')) {
      colons += text[end] == ':' ? 1U : 0U;
      hyphens += text[end] == '-' ? 1U : 0U;
      digits += is_digit(text[end]) ? 1U : 0U;
      ++end;
    }
    const bool open = (at > 0 && (is_alpha(text[at - 1]) || is_digit(text[at - 1]))) ||
                      (end < size && (is_alpha(text[end]) || is_digit(text[end])));
    std::uint32_t from = at;
    std::uint32_t to = end;
    while (to > from && (text[to - 1] == ':' || text[to - 1] == '-') &&
           !(to - from > 2 && text[to - 2] == ':'))
      --to;
    at = end;
    if (open || to - from > kLongest || to - from < 8) continue;
    const std::string_view run = text.substr(from, to - from);
    if (run.size() == 17 && (colons == 5 || hyphens == 5) && colons + hyphens == 5) {
      bool pairs = true;
      for (std::size_t i = 2; i < run.size(); i += 3) pairs = pairs && !is_hex(run[i]);
      if (pairs) out.push_back({Class::ip, from, to, 0.9});
      continue;
    }
    if (colons < 3 || hyphens > 0 || digits == 0) continue;
    in6_addr parsed{};
    if (::inet_pton(AF_INET6, std::string(run).c_str(), &parsed) == 1)
      out.push_back({Class::ip, from, to, 0.9});
  }
}

void find_ipv4(const Text& text, Candidates& out) {
  const auto& tokens = text.tokens();
  for (std::size_t i = 0; i + 6 < tokens.size(); ++i) {
    if (tokens[i].kind != Token::Kind::number) continue;
    bool good = true;
    for (std::size_t k = 0; k < 7 && good; ++k) {
      const Token& token = tokens[i + k];
      if (k > 0 && token.space) good = false;
      if (k % 2 == 1) {
        good = good && token.folded == ".";
      } else {
        good = good && token.kind == Token::Kind::number && token.folded.size() <= 3 &&
               (token.folded.size() == 1 || token.folded[0] != '0') &&
               std::stoi(std::string(token.folded)) <= 255;
      }
    }
    if (!good) continue;
    const auto glued = [&](std::size_t at, std::size_t sign) {
      return at < tokens.size() && !tokens[sign].space && !tokens[at].space &&
             tokens[at].kind != Token::Kind::sign && tokens[at].kind != Token::Kind::line &&
             tokens[sign].folded == ".";
    };
    if (i >= 2 && !tokens[i].space && !tokens[i - 1].space && tokens[i - 1].folded == "." &&
        tokens[i - 2].kind == Token::Kind::number)
      continue;
    if (glued(i + 8, i + 7) && tokens[i + 8].kind == Token::Kind::number) continue;
    if (i > 0 && !tokens[i].space && tokens[i - 1].kind == Token::Kind::latin)
      continue;  // v1.2.3.4
    if (tokens[i].folded == "127" || tokens[i].folded == "0" || tokens[i].folded == "255") continue;
    const NumberContext context = context_before(text, i);
    if ((context.direct & kOrderCue) != 0) continue;  // a version
    out.push_back({Class::ip, tokens[i].begin, tokens[i + 6].end, 0.85});
    i += 6;
  }
}

}  // namespace

void find_contacts(const Text& text, Candidates& out) {
  const std::string_view all = text.text();
  for (std::size_t at = all.find('@'); at != std::string_view::npos; at = all.find('@', at + 1))
    find_email(all, static_cast<std::uint32_t>(at), out);
  for (std::size_t at = all.find("://"), last = 0; at != std::string_view::npos;
       at = all.find("://", last)) {
    std::size_t begin = at;
    while (begin > last && at - begin < 12 && is_alpha(all[begin - 1])) --begin;
    last = at + 3;
    if (begin < at)
      last =
          find_url(all, static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(at + 3), out);
  }
  for (std::size_t at = all.find("www."); at != std::string_view::npos;) {
    std::size_t next = at + 4;
    if (at == 0 || (!is_alpha(all[at - 1]) && !is_digit(all[at - 1]) && all[at - 1] != '/'))
      next = find_url(all, static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(at + 4), out);
    at = all.find("www.", next);
  }
  find_colons(all, out);
  find_ipv4(text, out);
}

}  // namespace rabt::phi
