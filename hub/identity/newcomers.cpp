#include "hub/identity/newcomers.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "hub/base/ascii.hpp"
#include "hub/identity/identifier_systems.hpp"
#include "hub/identity/person_store.hpp"
#include "hub/identity/profile.hpp"

namespace rabt::identity {

namespace {

// A list of a profile has no more.
constexpr std::size_t kMostNumbers = 20;

Error not_entered(const char* why) {
  return invalid("person.not_entered", why);
}

// The members of the booking that can stand in a record.
Json usable(const Json& said, Timestamp now) {
  Json out = Json::object();
  for (const std::string_view name :
       {"name", "gender", "birthDate", "phone", "language", "guardians"}) {
    if (said.find(name) == nullptr) continue;
    const auto checked = check_profile(Json::object({{name, said[name]}}));
    if (checked.ok() && check_identity(*checked, now).ok() && checked->find(name) != nullptr)
      out.set(name, (*checked)[name]);
  }
  return out;
}

Status put_number(Json& profile, const Json& number) {
  const std::string system = number.string_or("system", "");
  const std::string value = number.string_or("value", "");
  if (trim(system).empty() || trim(value).empty()) return ok_status();
  const std::string_view kind = identifier_kind(system);
  if (is_one_in_the_kingdom(kind) && !is_number_of_the_kingdom(kind, value))
    return not_entered("a national id or residence permit of the booking has a wrong check digit");
  const std::string_view member = kind.empty() ? "externalIds" : "identifiers";
  Json item = Json::object({{"system", system}, {"value", value}});
  if (!kind.empty()) item.set("kind", kind);
  const Json& numbers = profile[member];
  Json list = numbers.is_array() ? numbers : Json::array();
  const bool twice = std::any_of(list.as_array().begin(), list.as_array().end(),
                                 [&](const Json& other) { return other == item; });
  if (twice || list.size() == kMostNumbers) return ok_status();
  if (is_one_in_the_kingdom(kind) &&
      std::any_of(list.as_array().begin(), list.as_array().end(),
                  [&](const Json& other) { return other.string_or("kind", "") == kind; }))
    return not_entered("the booking has two national ids, or two residence permits");
  list.push_back(item);
  // A number that is not of its kind, or not in its normal form, finds nobody.
  const auto checked = check_profile(Json::object({{member, list}}));
  if (checked.ok() && (*checked)[member] == list) profile.set(member, std::move(list));
  return ok_status();
}

}  // namespace

Result<Json> profile_of(const Newcomer& newcomer, Timestamp now) {
  Json out = usable(newcomer.said, now);
  if (out.find("name") == nullptr) return not_entered("the booking has no name of its patient");
  for (const Json& number : newcomer.numbers.as_array()) RABT_TRY_STATUS(put_number(out, number));
  if (out.find("identifiers") == nullptr && out.find("externalIds") == nullptr)
    return not_entered("the booking has no number of its patient with the system that gave it");
  Json by = Json::object({{"session", newcomer.session}});
  if (!newcomer.instance.empty()) by.set("instance", newcomer.instance);
  out.set("enteredBy", std::move(by));
  return out;
}

Result<PreparedPerson> BookedPatients::prepare(const Caller& caller, const Newcomer& newcomer) {
  Newcomer heard = newcomer;
  std::erase_if(heard.numbers.mutable_array(), [this](const Json& number) {
    return std::find(sign_in_systems_.begin(), sign_in_systems_.end(),
                     number.string_or("system", "")) != sign_in_systems_.end();
  });
  RABT_TRY(profile, profile_of(heard, clock_.now()));
  NewPerson wanted;
  wanted.profile = std::move(profile);
  wanted.roles = {Role::patient};
  wanted.act = "patient.created";
  return people_.prepare(caller, wanted);
}

Result<std::vector<Person>> BookedPatients::like(std::string_view tenant, const Person& person) {
  const std::string born = person.profile.string_or("birthDate", "");
  std::vector<Person> out;
  if (born.empty()) return out;
  const auto add = [&](std::string_view kind, const std::string& value) -> Status {
    auto found = people_.search(tenant, kind, value);
    // A value that cannot be such a number belongs to nobody.
    if (!found.ok() && found.error().kind == ErrorKind::invalid) return ok_status();
    if (!found.ok()) return found.error();
    for (Person& one : *found) {
      const bool listed = std::any_of(out.begin(), out.end(),
                                      [&](const Person& other) { return other.id == one.id; });
      if (listed || one.id == person.id || !one.roles.has(Role::patient) ||
          one.profile.string_or("birthDate", "") != born)
        continue;
      out.push_back(std::move(one));
    }
    return ok_status();
  };
  if (const Json* phone = person.profile.find("phone"))
    RABT_TRY_STATUS(add("phone", phone->as_string()));
  for (const std::string_view member : {"identifiers", "externalIds"}) {
    const Json& numbers = person.profile[member];
    if (!numbers.is_array()) continue;
    for (const Json& number : numbers.as_array()) {
      for (const std::string_view kind : {"identifier", "mrn"})
        RABT_TRY_STATUS(add(kind, number.string_or("value", "")));
    }
  }
  std::sort(out.begin(), out.end(),
            [](const Person& a, const Person& b) { return a.number < b.number; });
  if (out.size() > kMostAlike) out.resize(kMostAlike);
  return out;
}

}  // namespace rabt::identity
