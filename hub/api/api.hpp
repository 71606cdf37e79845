#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "hub/api/addresses.hpp"
#include "hub/api/compat/doors.hpp"
#include "hub/api/cors.hpp"
#include "hub/api/cursors.hpp"
#include "hub/api/described.hpp"
#include "hub/api/rates.hpp"
#include "hub/api/replays.hpp"
#include "hub/api/resources.hpp"
#include "hub/base/metrics.hpp"
#include "hub/http/server.hpp"
#include "hub/identity/authenticator.hpp"
#include "hub/identity/watch.hpp"
#include "hub/pages/pages.hpp"
#include "hub/phi/policy.hpp"

namespace rabt::api {

// HTTP API of the hub: finds the route of a request, checks the caller and his permission, and
// calls the handler. Internally synchronised.
class Api {
 public:
  struct Parts {
    const identity::Authenticator& who;
    store::Store& store;
    audit::AuditLog& audit;
    const phi::Policy& privacy;
    Replays& replays;
    const Cursors& cursors;
    identity::Watch& watch;
    const Clock& clock;
    RateOptions rates = {};
    Proxies proxies = {};
    // Null where an API without pages is made, as in tests.
    const pages::Pages* pages = nullptr;
    Cors cors = {};
  };
  // Collects the metrics of its own and of `resources`, too.
  Api(std::unique_ptr<Resources> resources, Parts parts);
  // Judges a request by its head. A caller without a good credential or the right to the route, and
  // a request for something unknown, is refused before the body is read. A refusal of a known
  // principal is audited. Problem documents have passed the privacy policy.
  // listener: the name of the door whose own listener the request came to; empty on the main one.
  [[nodiscard]] http::Admission admit(const http::Request& head, std::string_view listener = {});
  // Puts a problem document into the words of the compatibility API that has the path of the head.
  // One of the hub's own paths keeps it, such as /auth/oidc below ClinicVault's /auth.
  void word(const http::Request& head, std::string_view listener, http::Response& problem) const;
  // Compatibility APIs, before the first request.
  void open(std::unique_ptr<compat::Doors> doors) { doors_ = std::move(doors); }
  // Returns the content of a recording of a session, for the compatibility APIs.
  [[nodiscard]] Result<http::Response> recording_content(const consultation::Caller& caller,
                                                         const consultation::ReadRecording& asked,
                                                         const http::Request& request) const {
    return resources_->recordings.of_session(caller, asked, request);
  }
  // Receiver of deliveries, also for those that do not come over HTTP.
  [[nodiscard]] Hooks& hooks() { return resources_->hooks; }
  [[nodiscard]] std::string metrics_text() const;
  // Writes the metrics of the compatibility APIs.
  void write_doors(MetricsWriter& out) const {
    if (doors_ != nullptr) doors_->write_metrics(out);
  }

  // Requests whose credential is missing or does not hold.
  [[nodiscard]] std::uint64_t refused() const { return refused_.load(); }
  // Requests that came too often, or too many at once.
  [[nodiscard]] std::uint64_t limited() const { return limited_.load(); }

 private:
  // Credential that the request shows, or the one behind the ticket that it offers or plays.
  // Errors: denied csrf.refused (a cookie, and not from a page of the hub), http.unauthenticated
  // (two proofs, or one that stands there twice).
  [[nodiscard]] Result<identity::Credential> credential_of(const http::Request& head) const;
  // True if pages of other origins may call what the head asks for.
  [[nodiscard]] bool is_shared(const http::Request& head, std::string_view listener) const;
  // A request to the listener of metrics: open, and for metrics alone.
  [[nodiscard]] http::Admission judge_collector(const http::Request& head,
                                                const std::string& client);
  [[nodiscard]] http::Admission judge(const http::Request& head, std::string_view listener,
                                      const identity::Credential& shown);
  [[nodiscard]] http::Admission judge(const compat::Doors::Found& found, const http::Request& head,
                                      const identity::Credential& shown, const std::string& client);
  class Receiving;
  using Answering = std::function<Result<http::Response>(const Call&)>;
  // An unsafe call may name an Idempotency-Key. digest: of a body that nobody holds.
  [[nodiscard]] http::Response once(const Route& route, const Call& call,
                                    const Answering& answering, std::string_view digest = {});
  // Credential that a request showed with its head, and the time at which it was judged.
  struct Proven {
    identity::Credential shown;
    std::int64_t at_ms = 0;
  };
  // Admission of a call that passed all checks: takes the body and answers the call.
  [[nodiscard]] http::Admission taking(const Route& route, const Call& call, Proven proven);
  // Ok if the caller is still who the head of the request showed, now that the body is whole. A
  // body that comes slowly outlives no sign-in, key or link. Errors: denied http.unauthenticated,
  // those of the store.
  [[nodiscard]] Status still(const identity::Caller& caller, const Proven& proven,
                             const http::Request& head) const;
  [[nodiscard]] Result<identity::Caller> caller_of(const http::Request& head,
                                                   const identity::Credential& shown,
                                                   std::string client,
                                                   identity::RefusedToken* refused) const;
  // An entry for a token that does not hold; of one address only as many as it may send deliveries
  // that do not.
  void note_refused(const identity::RefusedToken& refused, const http::Request& head,
                    const std::string& client);
  // A problem document; with what RFC 9470 says where two factors are missing.
  [[nodiscard]] http::Response problem_of(const Error& error) const;
  // The refusal of a stranger; another one when his address sends too much.
  [[nodiscard]] http::Response unknown(const std::string& client, std::string_view detail);
  // Time that the caller has to wait, in milliseconds, and the limit that applies. Nothing when the
  // request may be served; it is counted then.
  struct Wait {
    Limit limit;
    std::int64_t ms = 0;
  };
  [[nodiscard]] static http::Response too_many(const Wait& wait);
  // The answer to a head that the check of its route refuses.
  [[nodiscard]] http::Response refused_head(const Call& call, const Error& error);
  [[nodiscard]] std::optional<Wait> over(const Limit& limit, const identity::Caller& caller);
  [[nodiscard]] std::optional<Wait> over_address(const Limit& limit, std::string_view client,
                                                 std::string_view place = {});
  [[nodiscard]] std::optional<Wait> over(RateClass kind, const http::Request& head,
                                         const identity::Caller& caller);
  [[nodiscard]] std::optional<Wait> over(const Found& found, const http::Request& head,
                                         const identity::Caller& caller);
  // The caller's part of a lane. A source, an issuer and an address that shows nothing have theirs.
  [[nodiscard]] http::Share share_of(const RouteOptions& options, const identity::Caller& caller,
                                     const PathParameters& path) const;
  // The caller's part of the answers that are streamed at once.
  [[nodiscard]] http::Share streams_of(const identity::Caller& caller) const;
  // True if the connection of this request may serve the caller: it counts as one of his until it
  // ends, or serves another.
  [[nodiscard]] bool connects(const http::Request& head, const identity::Caller& caller);
  // Reserves `bytes` of a body for the caller until the last copy is destroyed. Null if the caller
  // would have more on the way than is allowed.
  [[nodiscard]] std::shared_ptr<void> hold_of(const identity::Caller& caller, std::uint64_t bytes);
  // Counts a large answer with the caller's bodies until he has read it. False when he has too
  // many.
  [[nodiscard]] bool holds(const identity::Caller& caller, http::Response& response);
  // Admission that judges the head again, for an error that says to ask another machine.
  [[nodiscard]] static std::optional<http::Admission> later(const Error& error);
  [[nodiscard]] Error refusal(const identity::Caller& caller, std::string_view operation);

  // Constant after construction.
  const std::unique_ptr<Resources> resources_;
  const Parts parts_;
  const Described described_;
  std::unique_ptr<compat::Doors> doors_;

  // Shared with the connections that count in it, which may outlive this API.
  const std::shared_ptr<Rates> rates_ = std::make_shared<Rates>();
  std::atomic<std::uint64_t> refused_{0};
  std::atomic<std::uint64_t> limited_{0};
};

void write_metrics(const Api& api, MetricsWriter& out);

}  // namespace rabt::api
