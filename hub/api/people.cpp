#include "hub/api/people.hpp"

#include <algorithm>
#include <array>

#include "hub/access/decide.hpp"
#include "hub/access/reading.hpp"
#include "hub/api/answers.hpp"
#include "hub/api/asks.hpp"
#include "hub/api/person_json.hpp"
#include "hub/base/bytes.hpp"
#include "hub/consultation/request/fields.hpp"
#include "hub/consultation/rows/relations.hpp"
#include "hub/identity/profile.hpp"
#include "hub/identity/second_person.hpp"

namespace rabt::api {

using http::Response;
using identity::kTreats;
using identity::Role;
using identity::Roles;

namespace {

// Members of a provider that everybody who is signed in may see.
constexpr std::array<const char*, 9> kShownFields{"name",      "nameAr",       "gender",
                                                  "specialty", "department",   "organization",
                                                  "languages", "videoEnabled", "username"};

// Members by which others know a person: the token, the booking, the right to treat. A person
// cannot set them himself.
struct Vouched {
  const char* name;
  // True if staff says them of others, besides `admin` and `integration`.
  bool by_staff;
};
constexpr std::array kVouched{Vouched{"externalIds", false},  Vouched{"licenceNumber", false},
                              Vouched{"licenceUntil", false}, Vouched{"identifiers", true},
                              Vouched{"mrn", true},           Vouched{"saudiHealthId", true},
                              Vouched{"guardians", true}};
// Members that the hospital enters once, and that the person does not change: they decide whether
// the person is a child, and whose record it is.
constexpr std::array<std::string_view, 2> kEntered{"birthDate", "gender"};
// Members of a record that the desk changes.
constexpr std::array<std::string_view, 2> kByDesk{"phone", "guardians"};

bool may(access::Right right, const Call& call, std::string_view of = {}) {
  access::Facts facts{.roles = call.caller.who.roles};
  facts.is.add(access::Is::self, !of.empty() && call.caller.who.person == of);
  return access::decide(right, facts).allowed;
}

Json provider_json(const identity::Person& person) {
  Json out = person_head(person);
  for (const char* name : kShownFields) {
    if (const Json* value = person.profile.find(name); value != nullptr) out.set(name, *value);
  }
  return out;
}

// Ok if the caller may say of a person what is new in `given`. Error denied person.vouched.
Status may_vouch(const Call& call, const Json& given, const Json& record, bool self) {
  if (may(access::Right::person_vouch, call)) return ok_status();
  for (const Vouched& vouched : kVouched) {
    const Json* said = given.find(vouched.name);
    if (said == nullptr || *said == record[vouched.name] || (vouched.by_staff && !self)) continue;
    const std::string_view who = vouched.by_staff ? "the hospital's staff" : "an administrator";
    return denied("person.vouched", std::string(vouched.name) + ": is recorded by " +
                                        std::string(who) +
                                        " or by a system of the hospital (role integration)");
  }
  for (const std::string_view name : kEntered) {
    const Json* said = given.find(name);
    if (!self || said == nullptr || record[name].is_null() || *said == record[name]) continue;
    return denied("person.vouched",
                  std::string(name) + ": stands in the record, and the hospital changes it");
  }
  return ok_status();
}

// The desk reaches people, and sends links; it changes nothing by which they are known.
Status only_by_desk(const Json& given, const Json& record) {
  if (!given.is_object()) return ok_status();
  for (const auto& [name, value] : given.as_object()) {
    const std::string_view member = name;
    if (std::find(kByDesk.begin(), kByDesk.end(), member) != kByDesk.end() ||
        value == record[member])
      continue;
    return denied("authorisation.denied",
                  "the desk changes phone and guardians of a record, and nothing else of it");
  }
  return ok_status();
}

// A record without a name cannot be told from others. A person from an issuer of tokens has the
// name that the issuer gives, and an emergency needs no patient at first.
Status has_name(const Json& profile) {
  consultation::Fields fields(profile);
  (void)fields.needed_text("name");
  return fields.done();
}

// Members that tell patients apart, for a booking.
Json listed_json(const identity::Person& person) {
  Json out = person_head(person);
  // People from a token or a booking of another system may have no name yet.
  if (const Json* name = person.profile.find("name")) out.set("name", *name);
  return out;
}

}  // namespace

Result<access::Facts> PersonRecords::facts_about(const Call& call,
                                                 const identity::Person& patient) const {
  const identity::Principal& who = call.caller.who;
  access::Facts facts{.roles = who.roles, .reason = !call.caller.reason.empty()};
  if (who.person.empty()) return facts;
  facts.is.add(access::Is::self, who.person == patient.id);
  RABT_TRY(treating, consultation::relations_to(store, patients.tenant, who.person, patient.id,
                                                {clock.now(), treats_before_ms}));
  facts.is.add(treating);
  return facts;
}

Status PersonRecords::admit(const Call& call, bool at_once, std::string_view act,
                            std::string_view object, const std::string& pseudonym) const {
  access::Reading reading{.act = std::string(act), .object = std::string(object)};
  if (const auto index = from_hex(pseudonym); index && !index->empty())
    reading.patients.emplace_back(as_text(*index));
  access::Reader reader = reader_of(call);
  if (!at_once) return patients.access.admit(reader, reading);
  reader.purpose = object == "person:" + call.caller.who.person ? "PATRQT" : "TREAT";
  return note_reading(store, audit, patients, reader, reading);
}

Result<identity::Person> PersonRecords::of_path(const Call& call, Roles roles) const {
  RABT_TRY(id, people.resolve(patients.tenant, Json(call.path[0])));
  RABT_TRY(person, people.find(patients.tenant, id));
  if (!person.roles.has_any(roles)) return not_found("person.unknown", "there is no such person");
  return person;
}

Result<Response> PersonRecords::change(const Call& call, const identity::Person& person,
                                       std::string_view act, bool sees) const {
  RABT_TRY(ask, ask_of(call));
  // A username is the account's, not the record's.
  if (ask.body.find("username") != nullptr)
    return invalid("api.invalid", "username: is changed with the user");
  RABT_TRY_STATUS(may_vouch(call, ask.body, person.profile, call.caller.who.person == person.id));
  if (person.roles.has_any(identity::kGuardedRoles) && ask.body.find("externalIds") != nullptr)
    return invalid("api.invalid", "externalIds: of such a person are changed with the user");
  RABT_TRY_STATUS(identity::check_identity(ask.body, clock.now()));
  identity::PersonChange wanted;
  wanted.profile = ask.body;
  wanted.version = ask.version;
  wanted.act = act;
  const auto shown = [sees](const identity::Person& one) {
    return answer(200, sees ? person_json(one) : person_head(one));
  };
  if (call.once) {
    wanted.also = [&](store::Transaction& transaction, const identity::Person& after) {
      return call.once(transaction, shown(after));
    };
  }
  RABT_TRY(changed, people.change(call.caller, person.id, wanted));
  return shown(changed);
}

Result<Response> PersonRecords::create(const Call& call, const identity::NewPerson& wanted,
                                       const std::string& list) const {
  const auto reply = [&list](const identity::Person& one) {
    Response response = answer(201, person_json(one));
    response.headers.emplace_back("Location", list + one.id);
    return response;
  };
  const auto keep = [&](store::Transaction& transaction, const identity::Person& one,
                        const crypto::DataKey& /*key*/) {
    return call.once ? call.once(transaction, reply(one)) : ok_status();
  };
  RABT_TRY(person, people.create(call.caller, wanted, keep));
  return reply(person);
}

Result<Response> PersonRecords::list_patients(const Call& call) const {
  RABT_TRY(window, window_of(call));
  const bool at_once = may(access::Right::patients_list_at_once, call);
  RABT_TRY_STATUS(admit(call, at_once, "patient.list", "search:patients", ""));
  RABT_TRY(all,
           people.page(patients.tenant, {Role::patient}, number_behind(window), window.limit + 1));
  consultation::Page page;
  page.next = cut_to_page(all, window);
  for (const identity::Person& person : all) {
    RABT_TRY(pointer, merges.of(person.id));
    // The survivor stands for it.
    if (pointer && pointer->in_force) continue;
    page.items.push_back(listed_json(person));
  }
  return answer(call, page);
}

Result<Response> PersonRecords::create_patient(const Call& call) const {
  RABT_TRY(body, body_object(call));
  RABT_TRY(profile, identity::check_profile(body));
  RABT_TRY_STATUS(identity::check_identity(profile, clock.now()));
  RABT_TRY_STATUS(has_name(profile));
  RABT_TRY_STATUS(may_vouch(call, profile, Json::object(), false));
  if (profile.find("username") != nullptr && !may(access::Right::person_vouch, call))
    return denied("person.vouched", "username: is given by an administrator, with the user");
  identity::NewPerson wanted;
  wanted.profile = std::move(profile);
  wanted.roles = {Role::patient};
  wanted.act = "patient.created";
  return create(call, wanted, "/api/v1/patients/");
}

Result<Response> PersonRecords::search_patients(const Call& call) const {
  RABT_TRY(body, body_object(call));
  const std::string text = body.string_or("identifier", "");
  RABT_TRY(index, patients.index_of(text, "identifier"));
  // That somebody looked for this person is in the log before the hub knows whether it has him.
  const bool at_once = may(access::Right::patients_list_at_once, call);
  RABT_TRY_STATUS(
      admit(call, at_once, "patient.search", "search:patients", to_hex(as_bytes(index))));
  const auto colon = text.find(':');
  RABT_TRY(found, people.search(patients.tenant, text.substr(0, colon), text.substr(colon + 1)));
  Json items = Json::array();
  for (const identity::Person& person : found) {
    if (!person.roles.has(Role::patient)) continue;
    const std::string object = "person:" + person.id;
    RABT_TRY(facts, facts_about(call, person));
    const bool treats = access::decide(access::Right::patient_see_at_once, facts).allowed;
    // A caller who needs a grant besides his reason has to ask for the record itself.
    const bool by_reason = !treats && !reader_of(call).needs_grant &&
                           access::decide(access::Right::patient_see, facts).allowed;
    bool whole = treats || by_reason;
    if (whole) {
      const Status admitted = admit(call, treats, "patient.read", object, person.pseudonym);
      if (!admitted.ok() && admitted.error().kind != ErrorKind::denied) return admitted.error();
      whole = admitted.ok();
    }
    // Her name is shown, whatever she was looked for by.
    if (!whole) RABT_TRY_STATUS(admit(call, true, "patient.search", object, person.pseudonym));
    items.push_back(whole ? person_json(person) : listed_json(person));
  }
  return json_response(200, Json::object({{"items", std::move(items)}}));
}

Result<Response> PersonRecords::get_patient(const Call& call) const {
  RABT_TRY(person, of_path(call, {Role::patient}));
  RABT_TRY(facts, facts_about(call, person));
  if (!access::decide(access::Right::patient_see, facts).allowed) return not_allowed();
  const access::Decision at_once = access::decide(access::Right::patient_see_at_once, facts);
  const Status admitted =
      admit(call, at_once.allowed, "patient.read", "person:" + person.id, person.pseudonym);
  // A caller who will treat the patient is told what is missing.
  if (!admitted.ok() && admitted.error().code == at_once.code)
    return denied(std::string(at_once.code), std::string(at_once.why));
  RABT_TRY_STATUS(admitted);
  RABT_TRY(shown, patient_json(person));
  return answer(200, shown);
}

Result<Response> PersonRecords::change_patient(const Call& call) const {
  RABT_TRY(person, of_path(call, {Role::patient}));
  RABT_TRY(facts, facts_about(call, person));
  RABT_TRY_STATUS(access::admit(access::Right::patient_change, facts));
  const access::Decision decision = access::decide(access::Right::patient_change, facts);
  if (decision.rule == "patient.change/reason") {
    RABT_TRY(ask, ask_of(call));
    RABT_TRY_STATUS(only_by_desk(ask.body, person.profile));
  }
  // A caller who needs a reason to see the record does not see it by changing it, either.
  const bool at_once = access::decide(access::Right::patient_see_at_once, facts).allowed;
  const bool sees = at_once || !call.caller.reason.empty();
  if (sees && !at_once)
    RABT_TRY_STATUS(admit(call, false, "patient.read", "person:" + person.id, person.pseudonym));
  return change(call, person, "patient.changed", sees);
}

Status PersonRecords::may_change_patient(const Call& call) const {
  RABT_TRY(person, of_path(call, {Role::patient}));
  RABT_TRY(facts, facts_about(call, person));
  RABT_TRY_STATUS(access::admit(access::Right::patient_change, facts));
  return ok_status();
}

Result<Response> PersonRecords::create_provider(const Call& call) const {
  RABT_TRY(body, body_object(call));
  Roles roles{Role::doctor};
  if (body.find("roles") != nullptr) {
    RABT_TRY(given, take_roles(body));
    if (given.empty() || !(given.among(kTreats) == given))
      return invalid("api.invalid", "roles: a provider is doctor, specialist or nurse");
    roles = given;
  }
  RABT_TRY(profile, identity::check_profile(body));
  RABT_TRY_STATUS(identity::check_identity(profile, clock.now()));
  RABT_TRY_STATUS(has_name(profile));
  identity::NewPerson wanted;
  wanted.profile = std::move(profile);
  wanted.roles = roles;
  wanted.act = "provider.created";
  return create(call, wanted, "/api/v1/providers/");
}

Result<Response> PersonRecords::get_provider(const Call& call) const {
  RABT_TRY(person, of_path(call, kTreats));
  const bool whole = may(access::Right::provider_see_whole, call, person.id);
  return answer(200, whole ? person_json(person) : provider_json(person));
}

Result<Response> PersonRecords::change_provider(const Call& call) const {
  RABT_TRY(person, of_path(call, kTreats));
  if (!may(access::Right::provider_see_whole, call, person.id)) return not_allowed();
  return change(call, person, "provider.changed", true);
}

}  // namespace rabt::api
