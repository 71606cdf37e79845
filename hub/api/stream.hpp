#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "hub/api/routes.hpp"
#include "hub/api/session_feed.hpp"
#include "hub/base/mutex.hpp"
#include "hub/base/random.hpp"
#include "hub/identity/authenticator.hpp"

namespace rabt::api {

// One-time proofs with which a browser opens a WebSocket, where it can set no header: 256 random
// bits, good for 30 seconds and one connection. They live in memory: a restart forgets them, and
// the page asks for another. Internally synchronised.
class Tickets {
 public:
  static constexpr std::int64_t kLifeMs = 30'000;
  static constexpr std::size_t kMost = 10'000;
  static constexpr std::size_t kMostOfOne = 32;  // a page opens one socket at a time
  // As a subprotocol, behind this prefix, the ticket reaches the hub in no address and no log.
  static constexpr std::string_view kPrefix = "rabt.ticket.";

  Tickets(const Clock& clock, Random& random) : clock_(clock), random_(random) {}
  // shown: the caller's credential. owner: the caller, as Principal::actor(). Of more than
  // kMostOfOne tickets of one owner the oldest is good no more, so that no owner takes the room of
  // the others. origin: of the page that asked; empty when no page did. Error unavailable
  // ticket.full.
  [[nodiscard]] Result<std::string> make(identity::Credential shown, std::string_view owner,
                                         std::string_view origin);
  // Credential that the ticket of the handshake was made for; the ticket is used up. The credential
  // counts as of now. Nothing when there is no ticket that is good, or the page is another one.
  [[nodiscard]] std::optional<identity::Credential> take(const http::Request& handshake);

 private:
  struct Ticket {
    identity::Credential shown;
    std::string owner;
    std::string origin;
    std::int64_t until_ms = 0;
    std::uint64_t number = 0;  // rises with each ticket
  };
  // Constant after construction.
  const Clock& clock_;
  Random& random_;

  Mutex mutex_;
  std::uint64_t made_ RABT_GUARDED_BY(mutex_) = 0;
  // By the SHA-256 of the ticket.
  std::map<std::string, Ticket, std::less<>> all_ RABT_GUARDED_BY(mutex_);
};

// The live channel: GET /api/v1/stream, a WebSocket whose frames docs/stream.md describes.
class Stream {
 public:
  Stream(LiveParts parts, Random& random) : parts_(parts), tickets_(parts.clock, random) {}
  Result<http::Response> open(const Call& call);
  // GET /api/v1/sessions/{id}/events with Accept: text/event-stream: the same events, to read only.
  // Last-Event-ID says which came last.
  Result<http::Response> events(const Call& call);
  // POST /api/v1/tickets
  Result<http::Response> ticket(const Call& call);

  [[nodiscard]] Tickets& tickets() { return tickets_; }
  [[nodiscard]] const LiveParts& parts() const { return parts_; }

 private:
  const LiveParts parts_;
  Tickets tickets_;
};

}  // namespace rabt::api
