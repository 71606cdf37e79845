#include "correction.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

#include "belonging.hpp"
#include "elements.hpp"
#include "rabt/json_nlohmann.hpp"

namespace rabt::fhir {

namespace {

using sdk::list_of;
using sdk::member_of;
using sdk::text_of;

bool is_among(std::string_view value, std::initializer_list<std::string_view> values) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

bool same_coding(const Json& item, const Json& other) {
  return text_of(item, "system") == text_of(other, "system") &&
         text_of(item, "code") == text_of(other, "code");
}

// The place of the coding in a CodeableConcept; npos when it has none.
constexpr std::size_t kNone = static_cast<std::size_t>(-1);
std::size_t place_of(const Json& concept_value, const Json& wanted) {
  const Json& codings = list_of(concept_value, "coding");
  const auto found = std::find_if(codings.begin(), codings.end(),
                                  [&](const Json& item) { return same_coding(item, wanted); });
  return found == codings.end() ? kNone : static_cast<std::size_t>(found - codings.begin());
}
const Json& coding_of(const Json& concept_value) {
  static const Json kNothing;
  const Json& codings = list_of(concept_value, "coding");
  return codings.empty() ? kNothing : codings.front();
}

// The status that says whether the resource holds. Others may have added codings of their own.
std::string status_of(const Json& resource) {
  if (text_of(resource, "resourceType") != "Condition") return text_of(resource, "status");
  const Json& verified = member_of(resource, "verificationStatus");
  const Json wrong = verification("entered-in-error");
  return text_of(coding_of(place_of(verified, coding_of(wrong)) == kNone ? verified : wrong),
                 "code");
}
// The status of what the hub took back.
const char* withdrawn_status(std::string_view type) {
  return type == "MedicationRequest" ? "cancelled" : "entered-in-error";
}
// The identifier of the hub in a resource; null when it has none. A Composition has one, no list.
Json* identifier_in(Json& resource, const std::string& value) {
  const auto is_hub_number = [&](const Json& item) {
    return text_of(item, "system") == kRecordSystem && text_of(item, "value") == value;
  };
  const auto has = resource.find("identifier");
  if (has == resource.end()) return nullptr;
  if (has->is_object()) return is_hub_number(*has) ? &*has : nullptr;
  if (!has->is_array()) return nullptr;
  const auto found = std::find_if(has->begin(), has->end(), is_hub_number);
  return found == has->end() ? nullptr : &*found;
}
// True if the resource has ended because the hub took it back, and nobody changed that since.
bool was_withdrawn(Json& resource, const std::string& identifier) {
  const Json* const own = identifier_in(resource, identifier);
  return own != nullptr && text_of(*own, "use") == "old" &&
         status_of(resource) == withdrawn_status(text_of(resource, "resourceType"));
}

// The member of an object, made an object or a list if it is none: the record system is not
// believed to send FHIR.
Json& member_as(Json& object, const char* name, Json::value_t form) {
  Json& value = object[name];
  if (value.type() != form) value = Json(form);
  return value;
}

// Puts the hub's coding and text into a CodeableConcept.
void set_code(Json& before, const Json& wanted) {
  const Json& mine = coding_of(wanted);
  if (!mine.is_null()) {
    Json& codings = member_as(before, "coding", Json::value_t::array);
    if (const std::size_t at = place_of(before, mine); at != kNone) {
      codings[at].update(mine);
    } else {
      codings.push_back(mine);
    }
  }
  put(before, "text", text_of(wanted, "text"));
}

void set_moment(Json& resource, const char* name, const Json& wanted) {
  const std::string moment = text_of(wanted, name);
  const std::string before = text_of(resource, name);
  const auto instant = read_instant(before);
  if (moment.empty() || moment == before || (instant && instant == read_instant(moment))) return;
  resource[name] = moment;
}

// Components of a panel: the hub's follow the wanted ones, others stay.
Json merged_components(const Json& before, const Json& wanted) {
  Json out = Json::array();
  Json missing = wanted;
  for (const Json& node : before) {
    const Json& code = member_of(node, "code");
    const auto meant = std::find_if(missing.begin(), missing.end(), [&](const Json& each) {
      return place_of(code, coding_of(member_of(each, "code"))) != kNone;
    });
    if (meant != missing.end()) {
      Json merged = node;
      member_as(merged, "valueQuantity", Json::value_t::object).update((*meant)["valueQuantity"]);
      out.push_back(std::move(merged));
      missing.erase(meant);
    } else if (!is_own_component(code)) {
      out.push_back(node);
    }
  }
  for (Json& item : missing) out.push_back(std::move(item));
  return out;
}

// The entries of a section of the note: those of others, and the hub's that still hold.
Json merged_entries(const Json& before, const Json& wanted, const std::set<std::string>& gone,
                    const Settings& settings) {
  Json out = Json::array();
  Json missing = wanted;
  for (const Json& node : before) {
    const std::string reference = plain_reference(text_of(node, "reference"), settings);
    const auto meant = std::find_if(missing.begin(), missing.end(), [&](const Json& each) {
      return text_of(each, "reference") == reference;
    });
    if (meant != missing.end()) {
      out.push_back(node);
      missing.erase(meant);
    } else if (!gone.contains(reference)) {
      out.push_back(node);
    }
  }
  for (Json& item : missing) out.push_back(std::move(item));
  return out;
}

bool same_section(const Json& item, const Json& other) {
  return text_of(item, "title") == text_of(other, "title") &&
         place_of(member_of(item, "code"), coding_of(member_of(other, "code"))) != kNone;
}

Json merged_sections(const Json& before, const Json& wanted, const std::set<std::string>& gone,
                     const Settings& settings) {
  Json out = Json::array();
  Json missing = wanted;
  for (const Json& node : before) {
    const auto meant = std::find_if(missing.begin(), missing.end(),
                                    [&](const Json& each) { return same_section(node, each); });
    const bool holds = meant != missing.end();
    if (!holds && !is_own_section(node)) {
      out.push_back(node);
      continue;
    }
    Json merged = node;
    Json entries = merged_entries(list_of(node, "entry"),
                                  holds ? list_of(*meant, "entry") : Json::array(), gone, settings);
    merged.erase("entry");
    merged.erase("text");
    put(merged, "entry", std::move(entries));
    if (holds) {
      merged["text"] = (*meant)["text"];
      missing.erase(meant);
    } else if (!merged.contains("entry") && !merged.contains("section")) {
      continue;  // nothing of others is in it
    }
    out.push_back(std::move(merged));
  }
  for (Json& item : missing) out.push_back(std::move(item));
  return out;
}

// Returns the hub's text in a note, without markup and blanks: a record system may change both.
std::string words_of(const Json& note) {
  std::string out;
  for (const Json& section : list_of(note, "section")) {
    if (!is_own_section(section)) continue;
    bool markup = false;
    for (const char c : text_of(member_of(section, "text"), "div")) {
      if (c == '<') markup = true;
      if (!markup && c != ' ' && c != '\n' && c != '\r' && c != '\t') out += c;
      if (c == '>') markup = false;
    }
  }
  return out;
}

// The PDF of a note is put in place, unless it is there.
void set_document(Json& now, const Json& before, const Json& wanted) {
  const auto hash_of = [](const Json& document) {
    const Json& contents = list_of(document, "content");
    return contents.empty() ? std::string()
                            : text_of(member_of(contents.front(), "attachment"), "hash");
  };
  if (const std::string hash = hash_of(wanted); !hash.empty() && hash == hash_of(before)) return;
  for (const char* name : {"content", "date", "docStatus"}) put(now, name, member_of(wanted, name));
}

// Sets the status of a prescribed drug by its dispensing.
Json corrected_request(const Json& before, const ChartEntry& wanted) {
  Json now = before;
  const bool by_hub = is_completed_by_hub(before);
  // Somebody else made active again what the hub had completed.
  if (text_of(before, "status") == "active" && has_hub_reason(before)) return before;
  if (has_ended(before) && !by_hub) {
    if (!was_withdrawn(now, wanted.identifier)) return before;
    identifier_in(now, wanted.identifier)->erase("use");
  } else if (!by_hub && text_of(before, "status") != "active") {
    return before;
  }
  if (text_of(now, "status") == text_of(wanted.resource, "status")) return now;
  now.erase("statusReason");
  for (const char* name : {"status", "statusReason"})
    put(now, name, member_of(wanted.resource, name));
  return now;
}

}  // namespace

bool has_ended(const Json& resource) {
  const std::string status = status_of(resource);
  return text_of(resource, "resourceType") == "MedicationRequest"
             ? is_among(status, {"cancelled", "completed", "stopped", "entered-in-error"})
             : is_among(status, {"cancelled", "entered-in-error"});
}

Json corrected(const Json& before, const ChartEntry& wanted) {
  if (wanted.type == "MedicationRequest") return corrected_request(before, wanted);
  Json now = before;
  if (has_ended(before)) {
    if (!was_withdrawn(now, wanted.identifier)) return before;
    identifier_in(now, wanted.identifier)->erase("use");
    for (const char* name : {"status", "docStatus", "clinicalStatus", "verificationStatus"})
      put(now, name, member_of(wanted.resource, name));
  }
  if (wanted.type == "MedicationDispense") {
    constexpr const char* kPrescription = "authorizingPrescription";
    if (!now.contains(kPrescription))
      put(now, kPrescription, member_of(wanted.resource, kPrescription));
    return now;
  }
  if (wanted.type == "DocumentReference") {
    set_document(now, before, wanted.resource);
    return now;
  }
  if (wanted.type == "Condition") {
    set_code(member_as(now, "code", Json::value_t::object), wanted.resource["code"]);
    return now;
  }
  set_moment(now, "effectiveDateTime", wanted.resource);
  if (const Json& value = member_of(wanted.resource, "valueQuantity"); !value.empty())
    member_as(now, "valueQuantity", Json::value_t::object).update(value);
  if (const Json& components = list_of(wanted.resource, "component"); !components.empty())
    now["component"] = merged_components(list_of(before, "component"), components);
  return now;
}

Json corrected_note(const Json& before, const ChartEntry& wanted, const std::set<std::string>& gone,
                    const Settings& settings) {
  Json now = before;
  const bool ended = has_ended(before);
  if (ended && !was_withdrawn(now, wanted.identifier)) return before;
  Json sections = merged_sections(list_of(before, "section"), list_of(wanted.resource, "section"),
                                  gone, settings);
  const bool empty = sections.empty();
  now.erase("section");
  put(now, "section", std::move(sections));
  if (empty) return withdrawn(now, wanted.identifier);
  if (ended) identifier_in(now, wanted.identifier)->erase("use");
  const bool other = text_of(before, "status") == "final" && words_of(before) != words_of(now);
  if (ended || other || text_of(wanted.resource, "status") == "amended") now["status"] = "amended";
  return now;
}

Json corrected_encounter(const Json& before, const Json& wanted, const std::set<std::string>& gone,
                         const Settings& settings) {
  if (has_ended(before)) return before;
  const auto named = [&settings](const Json& one) {
    return plain_reference(text_of(member_of(one, "condition"), "reference"), settings);
  };
  // The first entry of each reference; a code that was entered twice is one Condition.
  std::map<std::string, Json> there;
  for (const Json& member_value : list_of(before, "diagnosis"))
    there.emplace(named(member_value), member_value);
  Json own = Json::array();
  std::set<std::string> places;
  for (const Json& node : wanted) {
    const std::string reference = named(node);
    if (!places.insert(reference).second) continue;
    const auto known = there.find(reference);
    own.push_back(known == there.end() ? node : known->second);
    own.back()["rank"] = node["rank"];
  }
  // The hub's entries stand in their order at the places that they had, new ones at the end.
  Json diagnoses = Json::array();
  auto next = own.begin();
  for (const Json& item : list_of(before, "diagnosis")) {
    const std::string reference = named(item);
    if (places.erase(reference) != 0) {
      diagnoses.push_back(*next++);
    } else if (!gone.contains(reference)) {
      diagnoses.push_back(item);
    }
  }
  for (; next != own.end(); ++next) diagnoses.push_back(*next);
  Json now = before;
  now.erase("diagnosis");
  put(now, "diagnosis", std::move(diagnoses));
  return now;
}

std::string own_identifier(const Json& resource, const std::string& consultation) {
  const std::string type = text_of(resource, "resourceType");
  for (const auto& [chart_type, kind] : kChartTypes) {
    if (type != chart_type) continue;
    const std::string begins = consultation + "/" + std::string(kind) + "/";
    for (const Json& item : list_of(resource, "identifier")) {
      if (text_of(item, "system") != kRecordSystem) continue;
      if (std::string value = text_of(item, "value"); value.starts_with(begins)) return value;
    }
  }
  return {};
}

Json withdrawn(const Json& before, const std::string& identifier) {
  if (has_ended(before) && !is_completed_by_hub(before)) return before;
  Json now = before;
  if (is_completed_by_hub(before)) now.erase("statusReason");
  const std::string type = text_of(before, "resourceType");
  if (type == "Condition") {
    // con-5: what was entered in error has no clinical status.
    now.erase("clinicalStatus");
    now["verificationStatus"] = verification(withdrawn_status(type));
  } else {
    now["status"] = withdrawn_status(type);
    if (type == "DocumentReference") now["docStatus"] = withdrawn_status(type);
  }
  if (Json* const own = identifier_in(now, identifier)) (*own)["use"] = "old";
  return now;
}

std::vector<std::string> entries_of(const Json& composition) {
  std::vector<std::string> out;
  for (const Json& section : list_of(composition, "section")) {
    for (const Json& item : list_of(section, "entry")) out.push_back(text_of(item, "reference"));
  }
  return out;
}

std::vector<std::string> diagnoses_of(const Json& encounter) {
  std::vector<std::string> out;
  for (const Json& item : list_of(encounter, "diagnosis"))
    out.push_back(text_of(member_of(item, "condition"), "reference"));
  return out;
}

}  // namespace rabt::fhir
