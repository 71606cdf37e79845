#include "hub/api/compat/door.hpp"

#include <algorithm>

#include "hub/api/answers.hpp"
#include "hub/api/requests/entry_requests.hpp"
#include "hub/base/ascii.hpp"
#include "hub/base/number.hpp"
#include "hub/base/printable.hpp"

namespace rabt::api::compat {

using consultation::SessionInput;

namespace {

bool is_digits(std::string_view text) {
  return !text.empty() && text.size() < 19 && text[0] != '0' &&
         text.find_first_not_of("0123456789") == std::string_view::npos;
}

// The id of an actor: "person:01J..." -> "01J...".
std::string_view id_in(std::string_view actor) {
  constexpr std::string_view kPerson = "person:";
  return actor.starts_with(kPerson) ? actor.substr(kPerson.size()) : actor;
}

}  // namespace

Ask DoorCall::ask(std::string_view session, std::string_view record) const {
  return {.caller = caller, .session = std::string(session), .record = std::string(record)};
}

http::Response DoorCall::reply(const Json& answer) const {
  return json_response(status, answer);
}

Json DoorCall::reference(const Json& id) const {
  Json named = reference_of(id, caller.door);
  const auto is_known = [&](const Json& item) {
    return house.people.resolve(caller.who.tenant, item).ok();
  };
  if (is_known(named)) return named;
  // Numbers of two systems meet by accident, UUIDs do not: one that is nobody's here may be theirs.
  if (named.is_string()) named = Json::object({{"system", caller.door}, {"value", id}});
  if (!named.is_object() || is_known(named)) return named;
  std::string found;
  for (const TokenSystem& system : house.systems) {
    const auto person = house.people.resolve(
        caller.who.tenant, Json::object({{"system", system.name}, {"value", id}}));
    if (!person.ok() || *person == found) continue;
    // Two systems mean two people by it.
    if (!found.empty()) return named;
    found = *person;
  }
  return found.empty() ? named : Json(found);
}

const TokenSystem* DoorCall::home() const {
  for (const TokenSystem& system : house.systems) {
    if (system.name == caller.door) return &system;
  }
  // Without one of its name: the only one with patients.
  const TokenSystem* only = nullptr;
  for (const TokenSystem& system : house.systems) {
    if (!system.has_patients) continue;
    if (only != nullptr) return nullptr;
    only = &system;
  }
  return only;
}

Result<consultation::CreatedSession> DoorCall::create_session(
    const consultation::Asked<SessionInput>& asked) const {
  consultation::SessionCreation& creation = house.sessions.creation;
  const TokenSystem* const system = home();
  // A value that is no UUID may be a typing error.
  const auto is_uuid = [](const Json& id) {
    return id.is_string() && identity::ulid_of(id.as_string()) &&
           id.as_string().find('-') != std::string::npos;
  };
  const auto is_newcomer = [&](const SessionInput& ours) {
    return system != nullptr && system->has_patients && ours.patient.is_object() &&
           ours.patient["system"] == Json(caller.door) && is_uuid(ours.patient["value"]) &&
           ours.type != consultation::SessionType::training_session &&
           may_call("createPatient").ok() &&
           !house.people.resolve(caller.who.tenant, ours.patient).ok();
  };
  if (!asked.ok() || !is_newcomer(*asked)) return creation.create(caller, asked);
  // A session that is refused must not create a patient: first try all the rest, and keep nothing.
  SessionInput ours = *asked;
  const Json known_as = Json::object({{"system", system->name}, {"value", ours.patient["value"]}});
  ours.patient = {};
  bool would = false;
  consultation::Caller trial = caller;
  trial.once = [&would](store::Transaction& /*transaction*/, const Json& /*answer*/) -> Status {
    would = true;
    return unavailable("store.busy", "the session is not kept yet");
  };
  const auto tried = creation.create(trial, ours);
  if (!tried.ok() && !would) return tried.error();
  identity::NewPerson wanted{
      .roles = {identity::Role::patient}, .issuer = system->issuer, .act = "patient.created"};
  wanted.profile.set("externalIds", Json::array({known_as}));
  const auto person = house.people.create(caller, wanted);
  // Another request, or the first token, was quicker.
  if (!person.ok() && person.error().code != "person.taken") return person.error();
  ours.patient = known_as;
  return creation.create(caller, ours);
}

consultation::Asked<consultation::JoinCall> DoorCall::join_call(std::string_view session) const {
  consultation::JoinCall ours{.session = std::string(session)};
  consultation::Fields theirs(body);
  const Json& kind = body["deviceType"];
  const std::string word = kind.is_string() ? lower(kind.as_string()) : std::string();
  const bool shipped = word == "web" || word == "ios" || word == "android" || word == "desktop";
  ours.device_type =
      word.empty() || shipped ? device_type_in(theirs, "deviceType") : std::string("other");
  if (const Json& browser = body["browserInfo"]; browser.is_object()) {
    const std::string text = browser.dump();
    if (text.size() <= consultation::kMaxBrowser) ours.browser_info = tidy_line(text);
  } else {
    ours.browser_info = theirs.text("browserInfo", consultation::kMaxBrowser);
  }
  RABT_TRY_STATUS(theirs.done());
  return ours;
}

Result<std::string> DoorCall::person(const Json& id) const {
  auto found = house.people.resolve(caller.who.tenant, reference(id));
  if (!found.ok() && found.error().kind == ErrorKind::not_found)
    return not_found("person.unknown", "there is no such person");
  return found;
}

Status DoorCall::is_self(std::string_view id) const {
  const auto named = person(Json(id));
  if (!named.ok() || *named != caller.who.person)
    return denied("authorisation.denied", "this path is for the person whom it names");
  return ok_status();
}

const Route* find_operation(std::string_view operation) {
  for (const Route& route : routes()) {
    if (route.operation == operation) return &route;
  }
  return nullptr;
}

const RouteOptions& options_of(const DoorRoute& route) {
  const Route* const as = find_operation(route.as);
  return as == nullptr ? route.options : as->options;
}

Status DoorCall::may_call(std::string_view operation) const {
  const Route* const route = find_operation(operation);
  if (route != nullptr && route->permission.allows(caller.who)) return ok_status();
  return denied("authorisation.denied", "your roles do not allow this");
}

Json DoorCall::number_of(const Json& person_id) const {
  if (person_id.is_number() || person_id.is_null()) return person_id;
  if (person_id.is_object()) return person_id["number"];
  const std::string_view id = id_in(person_id.as_string());
  const auto number = numbers.find(id);
  if (number != numbers.end()) return number->second;
  const auto found = house.people.find(caller.who.tenant, id);
  return numbers.emplace(std::string(id), found.ok() ? Json(found->number) : Json()).first->second;
}

std::string camel_name(std::string_view name) {
  std::string out;
  bool up = false;
  for (const char c : name) {
    if (c == '_' && !out.empty()) {
      up = true;
      continue;
    }
    out.push_back(up && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c);
    up = false;
  }
  return out;
}

Json camel_case(const Json& body) {
  if (body.is_array()) {
    Json out = Json::array();
    for (const Json& item : body.as_array()) out.push_back(camel_case(item));
    return out;
  }
  if (!body.is_object()) return body;
  Json out = Json::object();
  for (const auto& [name, value] : body.as_object()) out.set(camel_name(name), camel_case(value));
  return out;
}

std::string snake_case(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (c >= 'A' && c <= 'Z') {
      out.push_back('_');
      out.push_back(static_cast<char>(c - 'A' + 'a'));
    } else {
      out.push_back(c);
    }
  }
  return out;
}

Json uuid_of(const Json& id) {
  if (id.is_object()) return uuid_of(id["id"]);
  if (!id.is_string() || id.as_string().empty()) return {};
  const auto ulid = identity::ulid_of(id_in(id.as_string()));
  return ulid ? Json(identity::uuid_of(*ulid)) : id;
}

Json reference_of(const Json& id, std::string_view system) {
  if (!id.is_string()) return id;
  const std::string& text = id.as_string();
  if (identity::ulid_of(text)) return id;
  if (is_digits(text)) return Json::number(text);
  return Json::object({{"system", system}, {"value", text}});
}

consultation::OwnWords own_words_of(const Json& provider, const Json& patient, const Json& start) {
  const auto word = [](const Json& id) -> std::string {
    if (!id.is_string()) return {};
    // Numbers and ULIDs go out in the form of the door.
    const Json named = reference_of(id, "any");
    const bool uuid = named.is_string() && named.as_string().find('-') != std::string::npos;
    return named.is_object() || uuid ? id.as_string() : std::string();
  };
  return {.provider = word(provider),
          .patient = word(patient),
          .scheduled_start = start.is_string() ? start.as_string() : std::string()};
}

Json text_of_number(const Json& id) {
  return id.is_number() ? Json(id.number_text()) : id;
}

Json person_of(const consultation::SessionView& session, std::string_view person) {
  if (!person.empty() && session.as_given) {
    if (const Json* theirs = session.as_given->find(id_in(person))) return *theirs;
  }
  return uuid_of(person);
}

Json planned_start_of(const consultation::SessionView& session) {
  Json start = or_null(session.plan.start);
  if (start.is_string() && session.as_given) {
    if (const Json* theirs = session.as_given->find(start.as_string())) return *theirs;
  }
  return start;
}

Json appointment_of(const consultation::SessionView& session) {
  const Json& appointment = session.ties.appointment;
  return appointment.is_object() ? appointment["value"] : appointment;
}

Json or_null(const std::string& text) {
  return text.empty() ? Json() : Json(text);
}
Json or_null(const std::optional<Timestamp>& time) {
  return time ? Json(to_iso8601(*time)) : Json();
}
Json or_null(const std::optional<std::int64_t>& number) {
  return number ? Json(*number) : Json();
}
Json or_null(const std::optional<double>& number) {
  return number ? Json(*number) : Json();
}

std::string states_of(std::string_view theirs, std::string_view (*word)(std::string_view ours)) {
  std::string out;
  for (const char* state : {"requested", "scheduled", "waiting", "active", "completed", "cancelled",
                            "no_show", "failed"}) {
    if (word(state) == theirs) out.append(out.empty() ? "" : ",").append(state);
  }
  return out;
}

consultation::Window NumberedPage::window() const {
  return {.limit = static_cast<std::size_t>(size), .skip = (page - 1) * size};
}

Result<NumberedPage> page_of(const http::Request& request, std::string_view size_name,
                             std::int64_t size, std::int64_t most) {
  NumberedPage out{.page = 1, .size = size};
  const auto read = [&request](std::string_view name, std::int64_t& number, std::int64_t top) {
    const auto text = request.parameter(name);
    if (!text) return true;
    number = read_number<std::int64_t>(*text).value_or(0);
    return number >= 1 && number <= top;
  };
  constexpr std::int64_t kLastPage = 1'000'000;
  if (!read("page", out.page, kLastPage))
    return invalid("api.invalid", "page: must be a number from 1");
  if (!read(size_name, out.size, most)) {
    return invalid("api.invalid",
                   std::string(size_name) + ": must be a number from 1 to " + std::to_string(most));
  }
  return out;
}

std::vector<FieldError> field_errors(std::string_view detail) {
  std::vector<FieldError> out;
  while (!detail.empty()) {
    const std::string_view line = detail.substr(0, detail.find('\n'));
    detail.remove_prefix(std::min(detail.size(), line.size() + 1));
    const auto colon = line.find(": ");
    const bool named = colon != std::string_view::npos &&
                       line.substr(0, colon).find(' ') == std::string_view::npos;
    if (named) {
      out.push_back({std::string(line.substr(0, colon)), std::string(line.substr(colon + 2))});
    } else {
      out.push_back({"", std::string(line)});
    }
  }
  return out;
}

namespace {

// "slots[3].name" becomes ["slots", 3, "name"].
void add_place(Json& loc, std::string_view field) {
  while (!field.empty()) {
    const auto end = std::min(field.find_first_of(".["), field.size());
    const std::string_view part = field.substr(0, end);
    if (const auto index = read_number<std::int64_t>(part); index && part.size() < 5) {
      loc.push_back(*index);
    } else if (!part.empty()) {
      loc.push_back(part);
    }
    field.remove_prefix(std::min(field.size(), end + 1));
    if (const auto close = field.find(']'); close < field.find_first_of(".[")) {
      if (const auto index = read_number<std::int64_t>(field.substr(0, close)))
        loc.push_back(*index);
      field.remove_prefix(close + 1);
    }
  }
}

bool is_of_query(std::string_view field) {
  for (const char* letter :
       {"page", "page_size", "limit", "status", "year", "month", "from", "to", "user_id"}) {
    if (field == letter) return true;
  }
  return false;
}

}  // namespace

Json fastapi_error(Refusal& refusal, std::string (*their_name)(std::string_view ours)) {
  if (refusal.status != 400 && refusal.status != 422)
    return Json::object({{"detail", refusal.detail}});
  refusal.status = 422;
  Json detail = Json::array();
  for (const FieldError& error : field_errors(refusal.detail)) {
    const std::string name = error.field.empty() ? "" : their_name(error.field);
    Json loc = Json::array({Json(is_of_query(name) ? "query" : "body")});
    add_place(loc, name);
    detail.push_back(
        Json::object({{"loc", std::move(loc)}, {"msg", error.text}, {"type", "value_error"}}));
  }
  return Json::object({{"detail", std::move(detail)}});
}

}  // namespace rabt::api::compat
