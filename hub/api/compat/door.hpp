#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hub/api/requests/ask.hpp"
#include "hub/api/routes.hpp"
#include "hub/audit/audit_log.hpp"
#include "hub/base/clock.hpp"
#include "hub/consultation/practice/practice.hpp"
#include "hub/consultation/record/records.hpp"
#include "hub/consultation/sessions/sessions.hpp"
#include "hub/identity/accounts.hpp"
#include "hub/identity/approvals.hpp"
#include "hub/identity/person_store.hpp"

namespace rabt::api {
class Stream;
}  // namespace rabt::api

// A compatibility API, called a door: the paths of another system, in its words, over the services
// of the hub. A door is a table; each line translates one operation and decides nothing itself.
namespace rabt::api::compat {

// A system whose users' tokens the hub trusts.
struct TokenSystem {
  // As in a person's externalIds.
  std::string name;
  std::string issuer;
  // True if its tokens may say that somebody is a patient.
  bool has_patients = false;
};

// Services of the hub that every door uses.
struct House {
  consultation::Sessions& sessions;
  consultation::Records& records;
  consultation::Practice& practice;
  identity::People& people;
  identity::Accounts& accounts;
  identity::Approvals& approvals;
  audit::AuditLog& audit;
  const Clock& clock;
  std::vector<TokenSystem> systems;
  // Address of the hub, without a slash at the end. May be empty.
  std::string public_url;
  // Faults of the hub, as api::Health::troubles.
  std::function<Json()> troubles;
  // Target of the role `video`, as the configuration names it: plugin://twilio. May be empty.
  std::string video;
  // True if RabbitMQ is used.
  bool bus = false;
  // The content of a recording, or the part that the request asks for.
  std::function<Result<http::Response>(const consultation::Caller&,
                                       const consultation::ReadRecording&, const http::Request&)>
      recording_content;
  // The answer of GET /metrics.
  std::function<std::string()> metrics;
  // The live channel.
  Stream* stream = nullptr;
};

// A request that came through a door. Confined to one thread.
struct DoorCall {
  House& house;
  const http::Request& request;
  // The status of the route when all is well.
  int status = 200;
  PathParameters path{};
  // With the door and its manner.
  consultation::Caller caller{};
  // True if a sign-in here needs no second factor.
  bool second_factor_exempt = false;
  // Every member, at every depth, in camelCase, however the client wrote it.
  Json body = Json::object();

  // Without members: requests that have some are filled from `body`, one by one.
  [[nodiscard]] Ask ask(std::string_view session = {}, std::string_view record = {}) const;
  [[nodiscard]] http::Response reply(const Json& answer) const;
  [[nodiscard]] bool is(identity::Role role) const { return caller.who.is(role); }
  // Error denied authorisation.denied unless the caller may call this operation of /api/v1.
  [[nodiscard]] Status may_call(std::string_view operation) const;
  // A person whom a client names, as the hub names people: an id of the hub; {system, value} for a
  // text that is no such id and names no known person. The system is the door, or the one issuer of
  // tokens that knows the text.
  [[nodiscard]] Json reference(const Json& id) const;
  // Sessions::create. The patient may be a person of the door's system who has shown no token yet.
  // Then a record without a name is made, if the caller may enter patients and nothing else is
  // wrong; the person's first token finds it. The patient stands there as reference() gave it.
  [[nodiscard]] Result<consultation::CreatedSession> create_session(
      const consultation::Asked<consultation::SessionInput>& asked) const;
  // The body's deviceType and browserInfo. The device is web, ios, android, desktop, or other for
  // further kinds that clients know; the description of a browser becomes a text.
  [[nodiscard]] consultation::Asked<consultation::JoinCall> join_call(
      std::string_view session) const;
  // The person whom the door's id names. Error not_found person.unknown.
  [[nodiscard]] Result<std::string> person(const Json& id) const;
  // Error denied authorisation.denied unless the door's id names the caller.
  [[nodiscard]] Status is_self(std::string_view id) const;
  // The number of a person; null when the id is null or names nobody.
  [[nodiscard]] Json number_of(const Json& person) const;

  // The system whose ids this door's clients use. Null when several may be meant.
  [[nodiscard]] const TokenSystem* home() const;

  // Answers of number_of(), by person.
  mutable std::map<std::string, Json, std::less<>> numbers{};
};

using DoorHandler = Result<http::Response> (*)(DoorCall& call);

struct DoorRoute {
  std::string_view method;
  // Path whose segments are words or {parameters}. A slash at its end does not matter.
  std::string_view pattern;
  std::string_view operation;
  // The operation of /api/v1 that it translates; callers need the right to call that operation.
  // Empty if there is none, and the handler decides.
  std::string_view as;
  DoorHandler handler;
  int status = 200;
  // True if it needs no credential.
  bool open = false;
  // Purpose and members of the operation, for the description.
  std::string_view summary{};
  std::string_view takes{};
  // Right that the act needs, and the member of the body that names the session. Without a member
  // the first parameter of the path names it. A caller without the right learns nothing about the
  // form of the body.
  std::optional<access::Right> right{};
  std::string_view session{};
  // Check before `right`, for paths whose first parameter names no session. May be null.
  Status (*may)(const DoorCall& call) = nullptr;
  // Limits of a path that translates none of /api/v1.
  RouteOptions options{};
};

// An error as a door says it.
struct Refusal {
  int status = 500;
  std::string_view code;
  std::string_view detail;
};

struct Door {
  std::string_view name;
  std::string_view title;
  std::span<const DoorRoute> routes;
  // The body of an error; may change its status.
  Json (*error)(Refusal& refusal);
  // Beginnings of its paths.
  std::span<const std::string_view> prefixes;
  // Paths of its description and its page.
  std::string_view description;
  std::string_view page;
  // Ok if ids of a path are well formed, for a door that says so. May be unset.
  Status (*check)(const DoorRoute& route, const PathParameters& path) = nullptr;
  // Customs of its sessions.
  consultation::Manner manner{};
};

// patient_id becomes patientId; members of a body do at every depth.
[[nodiscard]] std::string camel_name(std::string_view name);
[[nodiscard]] Json camel_case(const Json& body);
// scheduledStart becomes scheduled_start.
[[nodiscard]] std::string snake_case(std::string_view name);

// The UUID of an id, of an actor ("person:01J..."), of a record with an id; null for null.
[[nodiscard]] Json uuid_of(const Json& id);
// The hub's form of a reference that a client wrote: digits are a number; a text that is neither
// number, ULID nor UUID is an id that `system` gave.
[[nodiscard]] Json reference_of(const Json& id, std::string_view system);
// The client's own words that a session keeps. Ids that go out in the form of the door are none.
[[nodiscard]] consultation::OwnWords own_words_of(const Json& provider, const Json& patient,
                                                  const Json& start);
// The UUID of a person, or the id that the client used for him when the session was made.
// person: an id, or an actor; may be empty.
[[nodiscard]] Json person_of(const consultation::SessionView& session, std::string_view person);
// The planned start as the client wrote it, as long as that is the time that is planned.
[[nodiscard]] Json planned_start_of(const consultation::SessionView& session);
// An id that came as a number, as text.
[[nodiscard]] Json text_of_number(const Json& id);
// The text of an appointment, however it was given.
[[nodiscard]] Json appointment_of(const consultation::SessionView& session);
// Null for an empty text, and for what is not set.
[[nodiscard]] Json or_null(const std::string& text);
[[nodiscard]] Json or_null(const std::optional<Timestamp>& time);
[[nodiscard]] Json or_null(const std::optional<std::int64_t>& number);
[[nodiscard]] Json or_null(const std::optional<double>& number);

// States of the hub that a compatibility API calls `theirs`, as a filter of lists takes them.
[[nodiscard]] std::string states_of(std::string_view theirs,
                                    std::string_view (*word)(std::string_view ours));

// A page that is numbered from 1.
struct NumberedPage {
  std::int64_t page = 1;
  std::int64_t size = 20;
  [[nodiscard]] consultation::Window window() const;
};
// Error invalid api.invalid names the parameter.
[[nodiscard]] Result<NumberedPage> page_of(const http::Request& request, std::string_view size_name,
                                           std::int64_t size, std::int64_t most);

// One line of a detail, "<field>: <mistake>". The field is empty in a line without one.
struct FieldError {
  std::string field;
  std::string text;
};
[[nodiscard]] std::vector<FieldError> field_errors(std::string_view detail);

// The body of an error as FastAPI writes it: {detail}, for wrong input a list with the place of
// each mistake and status 422. their_name: a field as the door calls it.
[[nodiscard]] Json fastapi_error(Refusal& refusal,
                                 std::string (*their_name)(std::string_view ours));

// The limits of a path: those of the operation that it translates.
[[nodiscard]] const RouteOptions& options_of(const DoorRoute& route);
// Null when /api/v1 has no such operation.
[[nodiscard]] const Route* find_operation(std::string_view operation);

[[nodiscard]] const Door& kiorex();
[[nodiscard]] const Door& emr();
[[nodiscard]] const Door& pulseone();
[[nodiscard]] const Door& clinicvault();

}  // namespace rabt::api::compat
