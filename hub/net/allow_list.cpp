#include <algorithm>
#include <array>
#include <string_view>

#include "hub/net/http_client.hpp"
#include "hub/net/url.hpp"

namespace rabt::net {

namespace {

Error entry_error(std::string_view entry, std::string_view why) {
  return invalid("net.allow_entry",
                 "allow-list entry \"" + std::string(entry) + "\": " + std::string(why) +
                     "; write host, host:port, scheme://host:port or *.domain.example");
}

}  // namespace

Result<AllowList> AllowList::make(const std::vector<std::string>& entries, bool allow_private) {
  AllowList list;
  list.allow_private_ = allow_private;
  for (const auto& text : entries) {
    Entry entry;
    std::string_view rest = text;
    if (const auto at = rest.find("://"); at != std::string_view::npos) {
      entry.scheme = std::string(rest.substr(0, at));
      static constexpr std::array<std::string_view, 6> kSchemes{"http",  "https", "smtp",
                                                                "smtps", "mllp",  "mllps"};
      if (std::find(kSchemes.begin(), kSchemes.end(), entry.scheme) == kSchemes.end())
        return entry_error(text, "the scheme must be http, https, smtp, smtps, mllp or mllps");
      rest.remove_prefix(at + 3);
    }
    bool wildcard = false;
    if (rest.starts_with("*.")) {
      wildcard = true;
      rest.remove_prefix(2);
    }
    if (rest.find_first_of("/?#@*") != std::string_view::npos)
      return entry_error(text, "only scheme, host and port belong here");
    const bool has_port =
        rest.find(':', rest.rfind(']') == std::string_view::npos ? 0 : rest.rfind(']')) !=
        std::string_view::npos;
    auto url = parse_url("https://" + std::string(rest));
    if (!url.ok()) return entry_error(text, "host or port is not valid");
    if (wildcard && (url->literal || url->host.find('.') == std::string::npos)) {
      return entry_error(text, "\"*.\" needs a domain of at least two labels");
    }
    entry.host = (wildcard ? "*." : "") + url->host;
    entry.port = has_port ? url->port : 0;
    list.entries_.push_back(std::move(entry));
  }
  return list;
}

AllowList AllowList::anything() {
  AllowList list;
  list.anything_ = true;
  return list;
}

bool AllowList::Entry::fits(const Url& url) const {
  if (!host.starts_with("*.")) return host == url.host;
  const std::string_view suffix = std::string_view(host).substr(1);
  return !url.literal && url.host.size() > suffix.size() && url.host.ends_with(suffix);
}

std::string AllowList::host_as_listed(std::string_view text) const {
  const auto url = parse_url_or_relay(text);
  if (!url.ok()) return "*";
  const auto found = std::find_if(entries_.begin(), entries_.end(),
                                  [&](const Entry& entry) { return entry.fits(*url); });
  return found == entries_.end() ? "*" : found->host + ":" + std::to_string(url->port);
}

Status AllowList::check(std::string_view text) const {
  RABT_TRY(url, parse_url_or_relay(text));
  if (anything_) return ok_status();
  const bool loopback = url.literal && is_loopback(*url.literal);
  bool only_scheme_differs = false;
  for (const auto& entry : entries_) {
    if (!entry.fits(url)) continue;
    const int port = entry.port != 0 ? entry.port : usual_port(url.scheme);
    if (port != url.port) continue;
    const bool scheme_fits = entry.scheme.empty()
                                 ? url.scheme == "https" || (loopback && url.scheme == "http")
                                 : entry.scheme == url.scheme;
    if (scheme_fits) return ok_status();
    only_scheme_differs = true;
  }
  if (only_scheme_differs) {
    return denied("net.not_allowed", url.host_port() + " is allowed, but not over " + url.scheme +
                                         "; https is required unless the entry names the scheme");
  }
  return denied(
      "net.not_allowed",
      url.host_port() + " is not in the allow-list; add it to the plugin's allowed hosts");
}

bool AllowList::address_allowed(std::string_view text, std::string_view address) const {
  const auto url = parse_url_or_relay(text);
  if (!url.ok() || !check(text).ok()) return false;
  const auto ip = parse_ip(address);
  if (!ip) return false;
  if (anything_) return true;
  // A literal in the URL passed check(), so an entry names this very address; a name never borrows
  // that permission.
  if (url->literal) return *url->literal == *ip;
  switch (range_of(*ip)) {
    case AddressRange::global:
      return true;
    case AddressRange::local:
      return allow_private_;
    case AddressRange::special:
      return false;
  }
  return false;
}

}  // namespace rabt::net
