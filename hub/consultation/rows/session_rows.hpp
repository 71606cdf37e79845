#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/base/random.hpp"
#include "hub/consultation/request/answer.hpp"
#include "hub/consultation/session/decide.hpp"
#include "hub/keys/data_keys.hpp"
#include "hub/store/store.hpp"

// Sessions in the store.
namespace rabt::consultation {

// Filters of a list. Texts that are empty filter nothing.
struct SessionFilter {
  // The person whose sessions are listed. Empty if those of the whole tenant are.
  std::string person;
  // Requests that nobody has taken are listed, too.
  bool open_requests = false;
  // ",scheduled,waiting,", or empty.
  std::string statuses;
  std::string type;
  std::string provider;
  std::string patient;
  // True if sessions without a patient are left out.
  bool with_patient = false;
  std::string visit;
  std::string clinic;
  // Hex of the blind index.
  std::string appointment;
  std::string role;
  std::optional<std::int64_t> from_ms;
  std::optional<std::int64_t> to_ms;
};
struct SessionPage {
  std::vector<Session> sessions;
  std::string next;
  std::int64_t total = 0;
};

struct StoredSessionEvent {
  std::int64_t seq = 0;
  std::string type;
  std::int64_t at_ms = 0;
  std::string actor;
  Json data;
};

// A change on its way into the store: sealed, and with the key of a new session.
struct SealedChange {
  std::string sealed;
  // Set when the session is new.
  std::optional<keys::NewDataKey> key;
  // Hex.
  std::string appointment_index;
  std::optional<std::int64_t> due_ms;
  Timestamp now;
  std::string actor;
  std::string trace;
};

// Kind of intent that asks the provider to delete its copy of a recording. It waits for no other.
inline constexpr std::string_view kDeleteCopy = "delete";

// True if somebody wants to be told of events of this type, which is without prefix and version.
using Wanted = std::function<bool(std::string_view type)>;

// Result of writing a change.
struct WrittenChange {
  // The session's number.
  std::int64_t number = 0;
  // It left work in the outbox: calls of the video provider, or events that wait to be told.
  bool work = false;
};

// Immutable, any thread.
class SessionRows {
 public:
  SessionRows(store::Store& store, keys::DataKeys& keys, Random& random)
      : store_(store), keys_(keys), random_(random) {}

  // reference: ULID, UUID or number. Error not_found session.unknown.
  [[nodiscard]] Result<Session> load(std::string_view tenant, std::string_view reference) const;
  // The session whose room the provider knows by this id; nothing when there is none.
  [[nodiscard]] Result<std::optional<std::string>> of_room(std::string_view tenant,
                                                           std::string_view sid) const;
  // Session and invitation that a code leads to. Error not_found invitation.unknown.
  struct Invited {
    std::string session;
    std::string invitation;
  };
  [[nodiscard]] Result<Invited> of_code(std::string_view tenant, std::string_view code) const;
  [[nodiscard]] Result<SessionPage> list(std::string_view tenant, const SessionFilter& filter,
                                         const Window& window) const;
  // Sessions of the same provider on that day which come before this one: they have begun, or
  // somebody waits in them and their time is earlier.
  [[nodiscard]] Result<std::int64_t> ahead_of(const Session& session) const;
  // Sessions that the hub has to look at: tenant and id.
  [[nodiscard]] Result<std::vector<std::pair<std::string, std::string>>> due(
      Timestamp now, std::size_t limit) const;
  // Events of a session after a number: at most limits::kMaxPageItems, and limits::kMaxPageBytes of
  // data.
  struct EventPage {
    std::vector<StoredSessionEvent> events;
    // Others follow.
    bool more = false;
  };
  [[nodiscard]] Result<EventPage> events(std::string_view tenant, std::string_view session,
                                         std::int64_t after) const;

  // Seals what the session is afterwards. Not inside a job.
  [[nodiscard]] Result<SealedChange> seal(const Session& before, const Change& change,
                                          Timestamp now, const Actor& who,
                                          const VideoSettings& settings) const;
  // Inside a job: writes the change. Error conflict session.raced when the session is not at
  // version before.version any more; nothing was written. wanted: asked once for each event.
  [[nodiscard]] static Result<WrittenChange> write(store::Transaction& transaction,
                                                   const Session& before, const Change& change,
                                                   const SealedChange& sealed,
                                                   const Wanted& wanted);
  // Inside a job: adds one event and gives its number. wanted: it waits to be told.
  [[nodiscard]] static Result<std::int64_t> add_event(
      store::Transaction& transaction, std::string_view tenant, std::string_view session,
      std::string_view type, Timestamp at, std::string_view actor, std::string_view trace,
      const Json& data, bool wanted);
  // Inside a job: the state now, and a lock on it until the commit. Nothing when there is no such
  // session.
  [[nodiscard]] static Result<std::optional<SessionStatus>> hold(store::Transaction& transaction,
                                                                 std::string_view tenant,
                                                                 std::string_view session);
  [[nodiscard]] static Result<bool> admitted(store::Transaction& transaction,
                                             std::string_view tenant, std::string_view session,
                                             std::string_view participant);
  [[nodiscard]] static Status put_code(store::Transaction& transaction, std::string_view tenant,
                                       std::string_view code, std::string_view session,
                                       std::string_view invitation);

  // The session that a request of this key has made; nothing when it is new.
  [[nodiscard]] Result<std::optional<std::string>> of_request(std::string_view tenant,
                                                              std::string_view index) const;
  // Inside a job. Error conflict session.raced: another one of the same key was quicker.
  [[nodiscard]] static Status put_request(store::Transaction& transaction, std::string_view tenant,
                                          std::string_view index, std::string_view session);
  // Inside a job: one more intent of a session, also after its end.
  [[nodiscard]] static Status put_effect(store::Transaction& transaction, const Session& session,
                                         std::string_view kind, std::string_view subject,
                                         Timestamp due);

  // Blind index, hex. A text or {system, value}; empty for null.
  [[nodiscard]] Result<std::string> appointment_index(std::string_view tenant,
                                                      const Json& appointment) const;

 private:
  [[nodiscard]] Status open(Session& session, std::string_view sealed) const;

  store::Store& store_;
  keys::DataKeys& keys_;
  Random& random_;
};

// An act read a session that has changed since: it is decided again.
inline constexpr std::string_view kSessionRaced = "session.raced";

}  // namespace rabt::consultation
