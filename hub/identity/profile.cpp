#include "hub/identity/profile.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <optional>

#include "hub/base/ascii.hpp"
#include "hub/base/printable.hpp"
#include "hub/base/utf8.hpp"
#include "hub/identity/blind_index.hpp"
#include "hub/identity/identifier_systems.hpp"
#include "hub/phi/index_value.hpp"

namespace rabt::identity {

namespace {

constexpr std::size_t kMaxText = 200;
constexpr std::size_t kMaxItems = 20;
constexpr std::size_t kMinUsername = 3;
constexpr std::size_t kMaxUsername = 64;

// Nothing, or what is wrong with the value.
using Fault = std::optional<std::string_view>;

bool is_text(const Json& value) {
  return value.is_string() && !value.as_string().empty() &&
         code_points(value.as_string()) <= kMaxText &&
         value.as_string().find('\0') == std::string::npos;
}
Fault text(const Json& value) {
  if (is_text(value)) return std::nullopt;
  return "must be a text of 1 to 200 characters";
}
Fault flag(const Json& value) {
  if (value.is_bool()) return std::nullopt;
  return "must be true or false";
}
Fault gender(const Json& value) {
  if (value == Json("male") || value == Json("female")) return std::nullopt;
  return "must be male or female";
}
Fault language(const Json& value) {
  if (value == Json("ar") || value == Json("en")) return std::nullopt;
  return "must be ar or en";
}
Fault date(const Json& value) {
  if (!value.is_string() || value.as_string().size() != 10 ||
      !parse_iso8601(value.as_string() + "T00:00:00Z").ok())
    return "must be a date, YYYY-MM-DD";
  if (value.as_string() < "1800")
    return "must be a date of the Gregorian calendar, not a Hijri one";
  return std::nullopt;
}
Fault indexed(phi::IndexKind kind, const Json& value, std::string_view fault) {
  if (is_text(value) && phi::normalise(kind, value.as_string()).ok()) return std::nullopt;
  return fault;
}
Fault record_number(const Json& value) {
  return indexed(phi::IndexKind::mrn, value,
                 "must have at least four digits, by which it is found");
}
Fault phone(const Json& value) {
  return indexed(phi::IndexKind::phone, value, "must be a telephone number");
}
Fault email(const Json& value) {
  return indexed(phi::IndexKind::email, value, "must be an address of electronic mail");
}
Fault identifier(const Json& value) {
  return indexed(phi::IndexKind::identifier, value, "must be an identifier with 4 digits or more");
}
Fault username(const Json& value) {
  if (is_text(value) && fold_username(value.as_string()).ok()) return std::nullopt;
  return "must be 3 to 64 letters, digits and . _ - @ +";
}
Fault texts(const Json& value) {
  const bool good = value.is_array() && value.size() <= kMaxItems &&
                    std::all_of(value.as_array().begin(), value.as_array().end(), is_text);
  if (good) return std::nullopt;
  return "must be a list of at most 20 texts";
}

bool is_identifier_kind(std::string_view kind) {
  constexpr std::array<std::string_view, 5> kKinds{"national_id", "iqama", "passport", "mrn",
                                                   "other"};
  return std::find(kKinds.begin(), kKinds.end(), kind) != kKinds.end();
}
bool is_identifier(const Json& item) {
  if (!item.is_object() || !is_identifier_kind(item.string_or("kind", ""))) return false;
  if (item.find("system") != nullptr && !is_text(item["system"])) return false;
  const std::string_view kind = item["kind"].as_string();
  if (kind == "mrn" || kind == "other") return is_text(item["value"]);
  return !identifier(item["value"]);
}
bool is_guardian(const Json& item) {
  constexpr std::array<std::string_view, 6> kRelations{"mother",  "father",   "grandparent",
                                                       "sibling", "guardian", "other"};
  return item.is_object() && item.size() == 3 && is_text(item["name"]) && !phone(item["phone"]) &&
         std::find(kRelations.begin(), kRelations.end(), item.string_or("relation", "")) !=
             kRelations.end();
}
bool is_external(const Json& item) {
  return item.is_object() && is_text(item["system"]) && is_text(item["value"]);
}
Fault list_of(const Json& value, bool (*is_good)(const Json&), std::string_view fault) {
  if (value.is_array() && value.size() <= kMaxItems &&
      std::all_of(value.as_array().begin(), value.as_array().end(), is_good))
    return std::nullopt;
  return fault;
}
Fault identifiers(const Json& value) {
  return list_of(value, is_identifier,
                 "must be a list of {kind: national_id, iqama, passport, mrn or other; system; "
                 "value}");
}
Fault guardians(const Json& value) {
  return list_of(value, is_guardian,
                 "must be a list of {name, phone, relation: mother, father, grandparent, sibling, "
                 "guardian or other}");
}
Fault externals(const Json& value) {
  return list_of(value, is_external, "must be a list of {system, value}");
}

struct Member {
  std::string_view name;
  Fault (*fault)(const Json&);
};
constexpr std::array kMembers{Member{"username", username},
                              Member{"name", text},
                              Member{"nameAr", text},
                              Member{"gender", gender},
                              Member{"birthDate", date},
                              Member{"phone", phone},
                              Member{"email", email},
                              Member{"identifiers", identifiers},
                              Member{"externalIds", externals},
                              Member{"language", language},
                              Member{"reminders", flag},
                              Member{"saudiResident", flag},
                              Member{"genderPreference", gender},
                              Member{"specialty", text},
                              Member{"department", text},
                              Member{"organization", text},
                              Member{"licenceNumber", text},
                              Member{"licenceUntil", date},
                              Member{"languages", texts},
                              Member{"videoEnabled", flag},
                              Member{"mrn", record_number},
                              Member{"saudiHealthId", identifier},
                              Member{"guardians", guardians}};

// The value with every text in it as one line of characters that can be seen.
Json tidied(const Json& value) {
  if (value.is_string()) return tidy_line(value.as_string());
  if (value.is_array()) {
    Json out = Json::array();
    for (const Json& item : value.as_array()) out.push_back(tidied(item));
    return out;
  }
  if (!value.is_object()) return value;
  Json out = Json::object();
  for (const auto& [name, one] : value.as_object()) out.set(name, tidied(one));
  return out;
}

// The index of a value, where it can be one.
void add(std::vector<Alias>& out, const keys::Lease& lease, std::string_view kind,
         phi::IndexKind index, const Json& value, bool sole) {
  if (!value.is_string()) return;
  auto index_value = blind_index(lease.keys(), index, value.as_string());
  if (index_value.ok()) out.push_back({kind, *std::move(index_value), sole});
}

// A member in the one way of writing. Empty where it is missing or cannot be indexed.
std::string normal(phi::IndexKind kind, const Json& value) {
  if (!value.is_string()) return {};
  auto text = phi::normalise(kind, value.as_string());
  return text.ok() ? *std::move(text) : std::string();
}

// The index of two members together: what two records of one patient share.
void add_both(std::vector<Alias>& out, const keys::Lease& lease, std::string_view kind,
              const std::string& text, const std::string& other) {
  if (text.empty() || other.empty()) return;
  out.push_back(
      {kind, lease.blind_index("person/1/" + std::string(kind), text + "\n" + other), false});
}

// A passport is one together with its country.
void add_passport(std::vector<Alias>& out, const keys::Lease& lease, std::string_view system,
                  const Json& value) {
  const std::string number = normal(phi::IndexKind::identifier, value);
  add_both(out, lease, "passport", lower(passport_country(system)), number);
  if (!out.empty() && out.back().kind == "passport") out.back().sole = true;
}

void add_likeness(std::vector<Alias>& out, const keys::Lease& lease, const Json& profile) {
  const std::string phone = normal(phi::IndexKind::phone, profile["phone"]);
  const std::string birth = profile.string_or("birthDate", "");
  for (const char* member : {"name", "nameAr"}) {
    const std::string name = normal(phi::IndexKind::name, profile[member]);
    add_both(out, lease, "name_birth", name, birth);
    add_both(out, lease, "name_phone", name, phone);
  }
  add_both(out, lease, "phone_birth", phone, birth);
}

}  // namespace

Result<Json> check_profile(const Json& given) {
  Json out = Json::object();
  std::string mistakes;
  const auto mistake = [&](std::string_view member, std::string_view what) {
    mistakes.append(mistakes.empty() ? "" : "\n").append(member).append(": ").append(what);
  };
  if (!given.is_object()) return invalid("api.invalid", "the body must be an object");
  for (const auto& [name, value] : given.as_object()) {
    const auto row =
        std::find_if(kMembers.begin(), kMembers.end(),
                     [&wanted = name](const Member& one) { return one.name == wanted; });
    if (row == kMembers.end()) {
      mistake(find_bad_utf8(name) == std::string::npos && name.size() <= 40 ? name : "a member",
              "is not known");
      continue;
    }
    if (value.is_null()) continue;
    const Json kept = tidied(value);
    Fault fault = row->fault(value);
    if (!fault) fault = row->fault(kept);
    if (fault) {
      mistake(name, *fault);
    } else {
      out.set(name, name == "username" ? Json(lower(kept.as_string())) : kept);
    }
  }
  if (!mistakes.empty()) return invalid("api.invalid", std::move(mistakes));
  return out;
}

Status check_identity(const Json& profile, Timestamp now) {
  constexpr std::int64_t kFurthestMs = 14LL * 3'600'000;  // east of Greenwich
  std::string mistakes;
  const auto mistake = [&](const std::string& what) {
    mistakes.append(mistakes.empty() ? "" : "\n").append(what);
  };
  const Json& list = profile["identifiers"];
  for (std::size_t i = 0; list.is_array() && i < list.size(); ++i) {
    const std::string kind = list.item(i).string_or("kind", "");
    const bool national = kind == "national_id";
    if (!is_one_in_the_kingdom(kind)) continue;
    if (is_number_of_the_kingdom(kind, list.item(i).string_or("value", ""))) continue;
    mistake(
        "identifiers." + std::to_string(i) + ".value: must be the ten digits of a " +
        (national ? "national id, which begin with 1" : "residence permit, which begin with 2") +
        " and end with its check digit; use kind other for anything else");
  }
  const std::string latest = to_iso8601({now.ms + kFurthestMs}).substr(0, 10);
  if (profile.string_or("birthDate", "") > latest) mistake("birthDate: must not lie in the future");
  if (!mistakes.empty()) return invalid("api.invalid", std::move(mistakes));
  return ok_status();
}

bool is_number_of_the_kingdom(std::string_view kind, std::string_view value) {
  return is_one_in_the_kingdom(kind) && phi::is_saudi_id(value, kind == "national_id" ? '1' : '2');
}

Json numbers_of_the_kingdom(const Json& profile) {
  Json out = Json::array();
  const auto take = [&](std::string_view kind, const Json& value) {
    if (is_number_of_the_kingdom(kind, value.is_string() ? value.as_string() : ""))
      out.push_back(Json::object({{"kind", kind}, {"value", value}}));
  };
  if (const Json& list = profile["identifiers"]; list.is_array()) {
    for (const Json& node : list.as_array()) take(node.string_or("kind", ""), node["value"]);
  }
  if (const Json& list = profile["externalIds"]; list.is_array()) {
    for (const Json& item : list.as_array())
      take(identifier_kind(item.string_or("system", "")), item["value"]);
  }
  return out;
}

Result<Json> changed_profile(const Json& profile, const Json& patch) {
  if (!patch.is_object()) return check_profile(patch);
  Json different = Json::object();
  for (const auto& [name, value] : patch.as_object()) {
    if (profile[name] != value) different.set(name, value);
  }
  RABT_TRY(checked, check_profile(different));
  Json out = profile;
  for (const auto& [name, value] : different.as_object()) {
    if (value.is_null()) {
      out.mutable_object().erase(name);
    } else {
      out.set(name, checked[name]);
    }
  }
  return out;
}

Result<std::string> fold_username(std::string_view username) {
  const bool good = username.size() >= kMinUsername && username.size() <= kMaxUsername &&
                    std::all_of(username.begin(), username.end(), [](char c) {
                      return is_alnum(c) || std::string_view("._-@+").find(c) != std::string::npos;
                    });
  if (good) return lower(username);
  return invalid("api.invalid", "username: must be 3 to 64 letters, digits and . _ - @ +");
}

std::string external_index(const keys::Lease& lease, std::string_view system,
                           std::string_view value) {
  return lease.blind_index("person/1/external",
                           std::to_string(system.size()).append(":").append(system).append(value));
}

std::string shown_username(const Json& profile) {
  std::string name = profile.string_or("username", "");
  if (name.starts_with(kChosen)) name.erase(0, 1);
  return name;
}

std::string username_index(const keys::Lease& lease, std::string_view folded) {
  return lease.blind_index("person/1/username", folded);
}

std::vector<Alias> aliases_of(const keys::Lease& lease, const Json& profile) {
  using phi::IndexKind;
  std::vector<Alias> out;
  if (profile["username"].is_string())
    out.push_back({"username", username_index(lease, profile["username"].as_string()), true});
  add(out, lease, "email", IndexKind::email, profile["email"], false);
  add(out, lease, "phone", IndexKind::phone, profile["phone"], false);
  add(out, lease, "mrn", IndexKind::mrn, profile["mrn"], true);
  add(out, lease, "identifier", IndexKind::identifier, profile["saudiHealthId"], false);
  if (const Json& list = profile["identifiers"]; list.is_array()) {
    for (const Json& node : list.as_array()) {
      const std::string kind = node.string_or("kind", "");
      if (kind == "mrn") {
        add(out, lease, "mrn", IndexKind::mrn, node["value"], true);
      } else {
        // Numbers of passports are unique within one country only.
        add(out, lease, "identifier", IndexKind::identifier, node["value"],
            is_one_in_the_kingdom(kind));
        if (kind == "passport")
          add_passport(out, lease, node.string_or("system", ""), node["value"]);
      }
    }
  }
  if (const Json& list = profile["externalIds"]; list.is_array()) {
    for (const Json& item : list.as_array()) {
      const std::string system = item.string_or("system", "");
      out.push_back({"external", external_index(lease, system, item.string_or("value", "")), true});
      // The same number among the identifiers would be the same person.
      const std::string_view kind = identifier_kind(system);
      if (is_one_in_the_kingdom(kind))
        add(out, lease, "identifier", IndexKind::identifier, item["value"], true);
      if (kind == "passport") add_passport(out, lease, system, item["value"]);
    }
  }
  add_likeness(out, lease, profile);
  return out;
}

std::string id_index(const keys::Lease& lease, std::string_view id) {
  return lease.blind_index("person/1/id", id);
}

std::string pseudonym_of(const keys::Lease& lease, const Json& profile, std::string_view id) {
  std::string mrn;
  for (Alias& alias : aliases_of(lease, profile)) {
    if (alias.kind == "identifier") return std::move(alias.value);
    if (alias.kind == "mrn" && mrn.empty()) mrn = std::move(alias.value);
  }
  return mrn.empty() ? id_index(lease, id) : mrn;
}

}  // namespace rabt::identity
