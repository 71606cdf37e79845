#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "hub/base/clock.hpp"
#include "hub/base/mutex.hpp"
#include "hub/base/random.hpp"
#include "hub/base/result.hpp"
#include "hub/http/server.hpp"
#include "hub/identity/authenticator.hpp"
#include "hub/identity/watch.hpp"

namespace rabt::api {

// Viewings of recordings. A <video> or <audio> element can set no header, so the address that it
// plays holds a ticket: 256 random bits, good for one recording and for whoever asked for it. The
// hub keeps its SHA-256 in memory: a restart forgets the ticket, and the page asks for another.
// Internally synchronised.
class Views {
 public:
  // Path of a viewing.
  static constexpr std::string_view kPattern = "/api/v1/recordings/{id}/views/{ticket}";
  // Time until the first request has to come.
  static constexpr std::int64_t kStartMs = 60'000;
  // Time for pauses, besides the length of the recording.
  static constexpr std::int64_t kPausesMs = 15LL * 60'000;
  // Time of a viewing where the length is unknown, and the longest one.
  static constexpr std::int64_t kUnknownMs = 4LL * 3'600'000;
  static constexpr std::int64_t kLongestMs = 12LL * 3'600'000;
  static constexpr std::size_t kMost = 10'000;
  static constexpr std::size_t kMostOfOne = 32;
  // Tickets of a client that asks for many people.
  static constexpr std::size_t kMostOfSystem = 1'000;

  struct View {
    // ULID.
    std::string recording;
    // Credential of whoever asked, Principal::actor(), and Principal::session.
    identity::Credential shown;
    std::string owner;
    std::string session;
    // The credential is a browser's cookie, which each request of the viewing shows, too.
    bool by_cookie = false;
    // The caller is a client in its own name.
    bool of_system = false;
    // X-Rabt-Reason of the request. May be empty.
    std::string reason;
    // Time of the viewing from its first request.
    std::int64_t lasts_ms = 0;
  };

  Views(const Clock& clock, Random& random, identity::Watch& watch)
      : clock_(clock), random_(random), watch_(watch) {}

  // Time of a viewing of a recording of so many seconds.
  [[nodiscard]] static std::int64_t lasting(std::optional<std::int64_t> seconds);
  // The ticket. Of more than kMostOfOne (kMostOfSystem) tickets of one owner one ends: the oldest
  // that was not begun, else the oldest. Of more than kMost in all, one of the owner with most.
  [[nodiscard]] std::string make(View view);
  // The ticket is good no more.
  void forget(std::string_view ticket);
  // Credential behind the ticket in the path of a GET that shows none. It proves as much as it does
  // now. Nothing if the ticket is not good, goes on at another address than `client`, or was made
  // by a cookie.
  [[nodiscard]] std::optional<identity::Credential> shown(const http::Request& head,
                                                          std::string_view client) const;
  // The viewing of a ticket; its first request begins it. A ticket that was not made by a cookie
  // stays with the network address of that request. Errors: not_found view.unknown (no such ticket,
  // of another recording, or over), denied view.other (of another caller, sign-in or address).
  [[nodiscard]] Result<View> use(std::string_view recording, std::string_view ticket,
                                 const identity::Caller& caller);
  // Breaks the answer off within a second after the credential ceased to hold.
  void guard(const identity::Credential& shown, const identity::Principal& who,
             http::Response& response) const;

 private:
  struct Kept {
    View view;
    std::int64_t until_ms = 0;
    std::uint64_t number = 0;  // rises with each ticket
    bool begun = false;
    // household_of() the first request. Empty before, and where a cookie proves the caller.
    std::string household;
  };
  using All = std::map<std::string, Kept, std::less<>>;
  // Ends a ticket of this owner, if he has so many.
  void end_one_of(const std::string& owner, std::size_t most) RABT_REQUIRES(mutex_);
  [[nodiscard]] std::string owner_of_most() const RABT_REQUIRES(mutex_);

  // Constant after construction.
  const Clock& clock_;
  Random& random_;
  identity::Watch& watch_;

  mutable Mutex mutex_;
  std::uint64_t made_ RABT_GUARDED_BY(mutex_) = 0;
  // By the SHA-256 of the ticket.
  All all_ RABT_GUARDED_BY(mutex_);
};

}  // namespace rabt::api
