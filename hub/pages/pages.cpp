#include "hub/pages/pages.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "hub/base/ascii.hpp"
#include "hub/http/problem.hpp"

namespace rabt::pages {

using http::Request;
using http::Response;

namespace {

constexpr std::string_view kAssets = "/assets/";
constexpr std::string_view kClinic = "src/clinic/main.tsx";
constexpr std::string_view kCall = "src/call/main.tsx";
constexpr std::string_view kConsole = "src/ops/main.tsx";
constexpr std::string_view kStyle = "src/styles/main.css";
constexpr std::string_view kConsoleStyle = "src/styles/console.css";
constexpr std::string_view kIcon = "src/styles/icon.svg";
constexpr std::array<std::string_view, 7> kClinicPaths = {
    "/", "/account", "/login", "/bootstrap", "/activate", "/clinic", "/i"};

bool is_below(std::string_view path, std::string_view folder) {
  return path.starts_with(folder) && path.size() > folder.size() && path[folder.size()] == '/';
}

// The value of a cookie that proves nothing. Of two of one name the first counts.
std::string_view plain_cookie(const Request& request, std::string_view name) {
  std::string_view rest = request.header("cookie");
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find(';'), rest.size());
    const std::string_view pair = trim(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    const auto equals = pair.find('=');
    if (equals != std::string_view::npos && pair.substr(0, equals) == name)
      return pair.substr(equals + 1);
  }
  return {};
}

// One item of a list such as "ar-SA;q=0.8": its name without parameters, and its weight.
std::pair<std::string_view, double> weighed(std::string_view item) {
  const std::size_t end = std::min(item.find(';'), item.size());
  double weight = 1;
  const auto q = item.find("q=", end);
  if (q != std::string_view::npos)
    std::from_chars(item.data() + q + 2, item.data() + item.size(), weight);
  return {trim(item.substr(0, end)), weight};
}

template <typename Each>
void each_item(std::string_view list, const Each& each) {
  while (!list.empty()) {
    const std::size_t end = std::min(list.find(','), list.size());
    const auto [name, weight] = weighed(trim(list.substr(0, end)));
    each(name, weight);
    list.remove_prefix(std::min(end + 1, list.size()));
  }
}

bool takes_gzip(const Request& request) {
  bool takes = false;
  each_item(request.header("accept-encoding"), [&](std::string_view name, double weight) {
    if (equal_ignoring_case(name, "gzip")) takes = weight > 0;
  });
  return takes;
}

bool has_etag(const Request& request, std::string_view etag) {
  bool has = false;
  each_item(request.header("if-none-match"), [&](std::string_view name, double /*weight*/) {
    if (name.starts_with("W/")) name.remove_prefix(2);
    has = has || name == etag || name == "*";
  });
  return has;
}

Response plain(int status, std::string body) {
  return {.status = status,
          .headers = {{"Content-Type", "text/plain; charset=utf-8"}},
          .body = std::move(body)};
}

Response not_found() {
  return http::problem(404, "http.not_found", "Not Found", "there is no such page");
}

// A text of the configuration as the value of an attribute.
std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '&' || c == '<' || c == '>' || c == '"') {
      out += c == '&' ? "&amp;" : c == '<' ? "&lt;" : c == '>' ? "&gt;" : "&quot;";
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string policy_of(const Pages::Options& options, bool call) {
  std::string policy =
      "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; "
      "img-src 'self' data: blob:; manifest-src 'self'; form-action 'none'; base-uri 'none'; "
      "frame-ancestors 'none'; object-src 'none'; require-trusted-types-for 'script'; "
      "connect-src 'self'";
  if (call) {
    for (const std::string& source : options.call_sources) policy += " " + source;
  }
  // Recordings; in a call, also its own media.
  policy += call ? "; media-src 'self' blob: mediastream:" : "; media-src 'self'";
  return policy + "; trusted-types 'none'";
}

}  // namespace

double weight_of(const Request& request, std::string_view type) {
  double most = 0;
  each_item(request.header("accept"), [&](std::string_view name, double weight) {
    if (equal_ignoring_case(name, type)) most = std::max(most, weight);
  });
  return most;
}

bool wants_page(const Request& request) {
  return weight_of(request, "text/html") > 0;
}

std::string_view language_of(const Request& request) {
  const std::string_view chosen = plain_cookie(request, "rabt-lang");
  if (chosen == "ar" || chosen == "en") return chosen;
  std::string_view best = "ar";
  double most = 0;
  each_item(request.header("accept-language"), [&](std::string_view name, double weight) {
    const std::string_view primary = name.substr(0, name.find('-'));
    for (const std::string_view text : {"ar", "en"}) {
      if (weight <= most || !equal_ignoring_case(primary, text)) continue;
      best = text;
      most = weight;
    }
  });
  return best;
}

Pages::Pages(const Bundle& bundle, Options options)
    : bundle_(bundle), options_(std::move(options)) {}

std::optional<Response> Pages::answer(const Request& request) const {
  const std::string_view path = request.path;
  const bool is_call = is_below(path, "/call");
  const bool is_clinic =
      is_below(path, "/clinic") ||
      std::find(kClinicPaths.begin(), kClinicPaths.end(), path) != kClinicPaths.end();
  const bool is_console = path == "/console" || is_below(path, "/console");
  const bool is_asset = path.starts_with(kAssets);
  if (!is_call && !is_clinic && !is_console && !is_asset) return std::nullopt;
  if (request.method != "GET" && request.method != "HEAD") {
    Response refused =
        http::problem(405, "http.method", "Method Not Allowed", "a page is only read: GET, HEAD");
    refused.headers.emplace_back("Allow", "GET, HEAD");
    return refused;
  }
  if (bundle_.empty()) {
    if (path != "/") return not_found();
    return plain(200,
                 "Rabt. This hub was built without its pages: it answers /api/v1 alone, which "
                 "/api/docs describes.\n"
                 "To have them, install nodejs, run `npm ci` in console/ and build again; "
                 "`./dev run` does that.\n");
  }
  if (is_asset) return asset(request, path.substr(kAssets.size()));
  Response page = shell(request, is_call ? kCall : is_console ? kConsole : kClinic);
  // RFC 8631: programs, and those who write them, find the APIs from here.
  if (path == "/") page.headers.emplace_back("Link", "</api/docs>; rel=\"service-doc\"");
  return page;
}

std::optional<Response> Pages::moved(const Request& request) const {
  if (bundle_.empty() || request.method != "GET") return std::nullopt;
  constexpr std::string_view kVisits = "/visits/";
  constexpr std::string_view kOfVisit = "/telemedicine";
  const std::string_view path = request.path;
  std::string to;
  if (path == "/dashboard") {
    to = "/clinic";
  } else if (path == kOfVisit) {
    to = "/clinic/sessions";
  } else if (path.starts_with(kVisits) && path.ends_with(kOfVisit) &&
             path.size() > kVisits.size() + kOfVisit.size()) {
    const std::string_view visit =
        path.substr(kVisits.size(), path.size() - kVisits.size() - kOfVisit.size());
    if (!std::all_of(visit.begin(), visit.end(), [](char c) { return is_alnum(c) || c == '-'; }))
      return std::nullopt;
    to = "/clinic/sessions?visit=" + std::string(visit);
  } else {
    return std::nullopt;
  }
  if (!wants_page(request)) return std::nullopt;
  Response response = plain(303, "");
  response.headers.emplace_back("Location", to);
  response.headers.emplace_back("Vary", "Accept");
  return response;
}

Response Pages::asset(const Request& request, std::string_view name) const {
  const Asset* found = bundle_.find(name);
  if (found == nullptr) return not_found();
  Response response{.headers = {{"Cache-Control", "public, max-age=31536000, immutable"},
                                {"ETag", found->etag},
                                {"Vary", "Accept-Encoding"}}};
  if (has_etag(request, found->etag)) {
    response.status = 304;
    return response;
  }
  response.headers.emplace_back("Content-Type", found->type);
  const bool packed = !found->gzip.empty() && takes_gzip(request);
  if (packed) response.headers.emplace_back("Content-Encoding", "gzip");
  response.body = std::string(packed ? found->gzip : found->plain);
  return response;
}

Response Pages::shell(const Request& request, std::string_view entry) const {
  const bool call = entry == kCall;
  const bool console = entry == kConsole;
  const std::string_view language = language_of(request);
  const std::string_view theme = plain_cookie(request, "rabt-theme");
  const auto at = [](std::string_view name) { return std::string(kAssets) + std::string(name); };
  std::string html = "<!doctype html>\n<html lang=\"" + std::string(language) + "\" dir=\"" +
                     (language == "ar" ? "rtl" : "ltr") + "\"";
  if (theme == "light" || theme == "dark") html += " data-theme=\"" + std::string(theme) + "\"";
  html +=
      ">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1, "
      "viewport-fit=cover\">\n<title>";
  html += language == "ar" ? "ربط" : "Rabt";
  html += "</title>\n";
  if (!options_.phone.empty())
    html += "<meta name=\"rabt-phone\" content=" + quoted(options_.phone) + ">\n";
  for (const auto& [of, name] : options_.hospital)
    html += "<meta name=\"rabt-hospital-" + of + "\" content=" + quoted(name) + ">\n";
  for (const auto& [name, display] : options_.issuers) {
    html += "<meta name=\"rabt-issuer\" content=" + quoted(name);
    for (const auto& [of, text] : display) html += " data-" + of + "=" + quoted(text);
    html += ">\n";
  }
  html += "<link rel=\"icon\" type=\"image/svg+xml\" href=\"" + at(bundle_.made_of(kIcon)) +
          "\">\n<link rel=\"stylesheet\" href=\"" + at(bundle_.made_of(kStyle)) + "\">\n";
  if (console)
    html += "<link rel=\"stylesheet\" href=\"" + at(bundle_.made_of(kConsoleStyle)) + "\">\n";
  std::vector<std::string> needed = bundle_.loaded_with(entry);
  for (const std::string_view kind : {"", "console."}) {
    if (!kind.empty() && !console) continue;
    const std::string strings(
        bundle_.made_of("strings/" + std::string(kind) + std::string(language) + ".json"));
    if (!strings.empty()) needed.push_back(strings);
  }
  for (const std::string& name : needed) {
    if (name.ends_with(".js")) html += "<link rel=\"modulepreload\" href=\"" + at(name) + "\">\n";
  }
  html += "<script type=\"module\" src=\"" + at(bundle_.made_of(entry)) +
          "\"></script>\n</head>\n<body>\n<div id=\"app\"></div>\n<noscript>";
  html += language == "ar" ? "تحتاج هذه الصفحة إلى JavaScript. فعّلها في المتصفح ثم أعد المحاولة."
                           : "This page needs JavaScript. Allow it in the browser and try again.";
  html += "</noscript>\n</body>\n</html>\n";
  return {.headers = {{"Content-Type", "text/html; charset=utf-8"},
                      {"Cache-Control", "no-store"},
                      {"Content-Security-Policy", policy_of(options_, call)},
                      {"Cross-Origin-Opener-Policy", "same-origin"},
                      {"Permissions-Policy",
                       call ? "camera=(self), microphone=(self), display-capture=(self), "
                              "speaker-selection=(self), screen-wake-lock=(self)"
                            : "camera=(), microphone=(), display-capture=()"},
                      {"Content-Language", std::string(language)},
                      {"Vary", "Accept-Language, Cookie"}},
          .body = std::move(html)};
}

}  // namespace rabt::pages
