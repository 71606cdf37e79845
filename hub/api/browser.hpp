#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "hub/base/result.hpp"
#include "hub/http/server.hpp"
#include "hub/identity/guests.hpp"

// Sessions of browsers: the cookie, and the one rule against requests that other sites make with
// it.
namespace rabt::api {

inline constexpr std::string_view kSessionCookie = "__Host-rabt";
// That somebody has signed in from this browser before. It opens nothing.
inline constexpr std::string_view kDeviceCookie = "__Host-rabt-device";

// The beginning of the cookies of those who came by the link of an invitation; the ULID of the
// session follows. One browser of a family can hold the visits of several of its members.
inline constexpr std::string_view kVisitCookie = "__Host-rabt-visit-";

// The value of a cookie; nothing when the request has none. Errors: denied http.unauthenticated
// (two headers, or two cookies of this name: programs differ in which of them they read).
[[nodiscard]] Result<std::optional<std::string>> cookie(const http::Request& request,
                                                        std::string_view name);
// Which of its visits a page shows, on requests whose path names no session: the session's ULID.
inline constexpr std::string_view kVisitHeader = "x-rabt-visit";
// Proof of a visit that a browser shows: of the session that the path names, else of the one
// that kVisitHeader names, else of the first one. Empty when the browser shows none, outside of
// /api/v1, and where the browser shows two proofs of one visit.
[[nodiscard]] identity::GuestProof visit_of(const http::Request& request);
// The same of one session.
[[nodiscard]] identity::GuestProof visit_of(const http::Request& request, std::string_view session);
// For Set-Cookie: it lasts for a year, and goes along with requests of this hub's pages alone.
[[nodiscard]] std::string visit_cookie(const identity::GuestProof& proof);

// For Set-Cookie: a cookie that lasts as long as the browser runs, for a year, or ends now.
[[nodiscard]] std::string set_cookie(std::string_view name, std::string_view value);
[[nodiscard]] std::string keep_cookie(std::string_view name, std::string_view value);
[[nodiscard]] std::string end_cookie(std::string_view name);

// "https://hub.example:8443" of an address with a path.
[[nodiscard]] std::string origin_of(std::string_view url);

// Ok if a page of the hub itself makes a request that a cookie proves. Reading passes. All else
// passes when Sec-Fetch-Site says same-origin; in browsers without it, when Origin is the hub's. It
// has a body of JSON, or none, which no form of another site can send. A WebSocket needs the
// Origin, since any page may open one. origin: the hub's own; empty when it does not know its own,
// and then nothing but reading passes. Error denied csrf.refused.
[[nodiscard]] Status check_browser(const http::Request& request, std::string_view origin);

// True if somebody may be sent to this address after he signed in: a path of this hub. Programs
// read
// "//", "/\" and what has control characters as other hosts.
[[nodiscard]] bool is_own_path(std::string_view address);

}  // namespace rabt::api
