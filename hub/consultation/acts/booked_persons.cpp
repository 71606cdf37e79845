#include <algorithm>
#include <utility>

#include "hub/base/ids.hpp"
#include "hub/consultation/acts/desk.hpp"
#include "hub/consultation/acts/persons.hpp"
#include "hub/consultation/tasks/tasks.hpp"
#include "hub/identity/profile.hpp"

// Patients of a hospital's bookings: linked, entered or refused as the tenant says, and the desk
// asked where it is in doubt who they are.
namespace rabt::consultation {

namespace {

using Booked = LinkSettings::Booked;

Json shown(const Json& of) {
  Json out = Json::object();
  for (const std::string_view name : {"name", "gender", "birthDate"}) {
    if (of[name].is_string()) out.set(name, of[name]);
  }
  return out;
}

// All numbers of a booking, that of the reference first.
Json all_numbers(const Json& reference, const Json& others) {
  Json out = Json::array({reference});
  for (const Json& number : others.as_array()) {
    const auto& numbers = out.as_array();
    if (std::find(numbers.begin(), numbers.end(), number) == numbers.end()) out.push_back(number);
  }
  return out;
}

Json side_of_booking(const Participant& participant) {
  Json out = shown(participant.guest);
  out.set("identifiers", all_numbers(participant.reference, participant.numbers));
  return out;
}

Json side_of_record(const identity::Person& person) {
  Json out = shown(person.profile);
  out.set("person", person.id);
  if (Json own = identity::numbers_of_the_kingdom(person.profile); own.size() > 0)
    out.set("identifiers", std::move(own));
  return out;
}

// Members of the booking that can stand in a record.
Json said_of(const Participant& participant, const Json& guardians) {
  Json out = Json::object();
  for (const std::string_view name : {"name", "gender", "birthDate", "phone"}) {
    if (const Json* const value = participant.guest.find(name)) out.set(name, *value);
  }
  if (const Json* const language = participant.guest.find("preferredLanguage"))
    out.set("language", *language);
  if (guardians.is_array()) out.set("guardians", guardians);
  return out;
}

// A booking that is refused has no session: the task is about the instance that heard it.
void tell_refused(const SessionParts& parts, const Caller& caller, const Participant& participant) {
  if (!parts.ask_desk || !Ulid::parse(caller.request)) return;
  NewTask wanted;
  wanted.task.kind = "call";
  wanted.task.title = "patient.refused";
  wanted.task.role = "desk";
  wanted.task.object_type = "instance";
  wanted.task.object = caller.request;
  wanted.content.data = Json::object({{"booking", side_of_booking(participant)}});
  wanted.content.schema = form_of({"seen"});
  wanted.call = wanted.task.title + "/" + caller.request;
  if (const Status asked = parts.ask_desk(wanted); !asked.ok())
    parts.log.warn(
        "desk.not_asked",
        {{"instance", caller.request}, {"title", wanted.task.title}, {"code", asked.error().code}});
}

}  // namespace

Json stated_numbers(const Json& reference, const Json& numbers) {
  const auto& others = numbers.as_array();
  const bool twice = std::any_of(others.begin(), others.end(), [&](const Json& number) {
    return number["value"] == reference["value"];
  });
  return twice ? numbers : all_numbers(reference, numbers);
}

Status write_record(store::Transaction& transaction, const identity::PreparedPerson& record) {
  RABT_TRY(written, record.write(transaction));
  (void)written;
  return ok_status();
}

Result<Json> Persons::contradiction(const Participant& participant) const {
  if (!participant.person.empty() || !participant.reference.is_object()) return Json();
  RABT_TRY(found, records_of(participant.reference, participant.numbers));
  bool differs = found.size() > 1;
  for (const std::string& person : found) {
    RABT_TRY(other, is_another(participant.guest,
                               stated_numbers(participant.reference, participant.numbers), person));
    differs = differs || other;
  }
  if (!differs) return Json();
  Json records = Json::array();
  for (const std::string& person : found) {
    RABT_TRY(record, parts_.directory.find(parts_.tenant, person));
    records.push_back(side_of_record(record));
  }
  return Json::object({{"booking", side_of_booking(participant)}, {"records", std::move(records)}});
}

Result<Persons::NewRecord> Persons::settle(const Caller& caller, const std::string& session,
                                           const Json& guardians, Enters enters,
                                           Participant& one) const {
  const Booked policy = parts_.links.booked;
  if (policy == Booked::link || !caller.system || one.role != PartRole::patient ||
      !one.person.empty() || !one.reference.is_object())
    return NewRecord();
  RABT_TRY(sides, contradiction(one));
  if (sides.is_object()) return NewRecord();
  RABT_TRY(found, records_of(one.reference, one.numbers));
  if (found.empty() && policy == Booked::refuse) {
    tell_refused(parts_, caller, one);
    return invalid("patient.unknown",
                   "no record has a number of this booking's patient, and "
                   "`clinic.booked_patients` is refuse; enter the patient, then book again");
  }
  NewRecord record;
  if (found.empty() && enters == Enters::whoever_is_unknown) {
    RABT_TRY(entered, enter(caller, session, guardians, one));
    record = std::move(entered);
  }
  if (found.empty() && !record) return NewRecord();
  Participant participant = one;
  participant.person = record ? record->person.id : found.front();
  participant.record_of = participant.person;
  participant.record_version =
      record ? take_from(record->person, participant) : look_up(participant);
  // A number of somebody who works here and is treated by nobody.
  if (!may_act_as(participant.account, participant.role)) return NewRecord();
  participant.reference = Json();
  participant.numbers = Json::array();
  one = std::move(participant);
  return record;
}

Result<Persons::NewRecord> Persons::enter(const Caller& caller, const std::string& session,
                                          const Json& guardians,
                                          const Participant& participant) const {
  if (parts_.newcomers == nullptr) return NewRecord();
  auto record = parts_.newcomers->prepare(
      caller, {.said = said_of(participant, guardians),
               .numbers = stated_numbers(participant.reference, participant.numbers),
               .session = session,
               .instance = Ulid::parse(caller.request) ? caller.request : std::string()});
  if (record.ok()) return NewRecord(*std::move(record));
  if (record.error().kind == ErrorKind::invalid) return NewRecord();
  return std::move(record).error();
}

Result<std::optional<DeskQuestion>> Persons::doubt(const Caller& caller, const Session& session,
                                                   const Participant& participant) const {
  const auto question = [&](const char* title, Json more) {
    return std::optional(DeskQuestion{.title = title,
                                      .participant = participant.id,
                                      .key = participant.id,
                                      .more = std::move(more)});
  };
  RABT_TRY(sides, contradiction(participant));
  if (sides.is_object()) return question("patient.contradicted", std::move(sides));
  const bool enters = parts_.links.booked == Booked::enter && parts_.newcomers != nullptr;
  if (!enters || !caller.system || participant.role != PartRole::patient)
    return std::optional<DeskQuestion>();
  if (participant.person.empty()) {
    if (!participant.reference.is_object()) return std::optional<DeskQuestion>();
    return question("patient.not-entered",
                    Json::object({{"booking", side_of_booking(participant)}}));
  }
  RABT_TRY(person, parts_.directory.find(parts_.tenant, participant.person));
  if (person.profile["enteredBy"]["session"] != Json(session.id))
    return std::optional<DeskQuestion>();
  RABT_TRY(like, parts_.newcomers->like(parts_.tenant, person));
  if (like.empty()) return std::optional<DeskQuestion>();
  Json records = Json::array();
  for (const identity::Person& other : like) records.push_back(side_of_record(other));
  return question("patient.alike", Json::object({{"booking", side_of_record(person)},
                                                 {"records", std::move(records)}}));
}

void Persons::ask_who(const Caller& caller, const Session& session) const {
  for (const Participant& participant : session.people.participants) {
    const auto asked = doubt(caller, session, participant);
    if (asked.ok() && *asked) ask_desk(parts_, session, **asked);
  }
}

}  // namespace rabt::consultation
