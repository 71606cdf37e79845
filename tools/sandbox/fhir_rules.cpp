#include "tools/sandbox/fhir_rules.hpp"

#include <algorithm>
#include <cstdio>
#include <limits>
#include <map>
#include <memory>
#include <set>

#include "tools/sandbox/encoding.hpp"

namespace rabt::sandbox::fhir {
namespace {

// http://hl7.org/fhir/R4/resourcelist.html
constexpr const char* kTypes =
    "Account ActivityDefinition AdverseEvent AllergyIntolerance Appointment AppointmentResponse "
    "AuditEvent Basic Binary BiologicallyDerivedProduct BodyStructure Bundle CapabilityStatement "
    "CarePlan CareTeam CatalogEntry ChargeItem ChargeItemDefinition Claim ClaimResponse "
    "ClinicalImpression CodeSystem Communication CommunicationRequest CompartmentDefinition "
    "Composition ConceptMap Condition Consent Contract Coverage CoverageEligibilityRequest "
    "CoverageEligibilityResponse DetectedIssue Device DeviceDefinition DeviceMetric DeviceRequest "
    "DeviceUseStatement DiagnosticReport DocumentManifest DocumentReference "
    "EffectEvidenceSynthesis Encounter Endpoint EnrollmentRequest EnrollmentResponse EpisodeOfCare "
    "EventDefinition Evidence EvidenceVariable ExampleScenario ExplanationOfBenefit "
    "FamilyMemberHistory Flag Goal GraphDefinition Group GuidanceResponse HealthcareService "
    "ImagingStudy Immunization ImmunizationEvaluation ImmunizationRecommendation "
    "ImplementationGuide InsurancePlan Invoice Library Linkage List Location Measure MeasureReport "
    "Media Medication MedicationAdministration MedicationDispense MedicationKnowledge "
    "MedicationRequest MedicationStatement MedicinalProduct MedicinalProductAuthorization "
    "MedicinalProductContraindication MedicinalProductIndication MedicinalProductIngredient "
    "MedicinalProductInteraction MedicinalProductManufactured MedicinalProductPackaged "
    "MedicinalProductPharmaceutical MedicinalProductUndesirableEffect MessageDefinition "
    "MessageHeader MolecularSequence NamingSystem NutritionOrder Observation "
    "ObservationDefinition OperationDefinition OperationOutcome Organization "
    "OrganizationAffiliation Parameters Patient PaymentNotice PaymentReconciliation Person "
    "PlanDefinition Practitioner PractitionerRole Procedure Provenance Questionnaire "
    "QuestionnaireResponse RelatedPerson RequestGroup ResearchDefinition ResearchElementDefinition "
    "ResearchStudy ResearchSubject RiskAssessment RiskEvidenceSynthesis Schedule SearchParameter "
    "ServiceRequest Slot Specimen SpecimenDefinition StructureDefinition StructureMap Subscription "
    "Substance SubstanceNucleicAcid SubstancePolymer SubstanceProtein "
    "SubstanceReferenceInformation SubstanceSourceMaterial SubstanceSpecification SupplyDelivery "
    "SupplyRequest Task TerminologyCapabilities TestReport TestScript ValueSet VerificationResult "
    "VisionPrescription";

struct Parameter {
  std::string_view type;  // "*": every type
  std::string_view name;
  Kind kind;
  std::string_view paths;  // alternatives separated by '|'
};

// http://hl7.org/fhir/R4/searchparameter-registry.html, the part that telehealth workflows use.
constexpr Parameter kParameters[] = {
    {"*", "_id", Kind::token, "id"},
    {"*", "_lastUpdated", Kind::date, "meta.lastUpdated"},
    {"*", "_tag", Kind::token, "meta.tag"},
    {"*", "_security", Kind::token, "meta.security"},
    {"*", "_profile", Kind::uri, "meta.profile"},
    {"*", "identifier", Kind::token, "identifier"},
    {"*", "status", Kind::token, "status"},
    {"Appointment", "date", Kind::date, "start"},
    {"Appointment", "actor", Kind::reference, "participant.actor"},
    {"Appointment", "patient", Kind::reference, "participant.actor:Patient"},
    {"Appointment", "practitioner", Kind::reference, "participant.actor:Practitioner"},
    {"Appointment", "part-status", Kind::token, "participant.status"},
    {"Appointment", "appointment-type", Kind::token, "appointmentType"},
    {"Appointment", "service-type", Kind::token, "serviceType"},
    {"AuditEvent", "date", Kind::date, "recorded"},
    {"AuditEvent", "action", Kind::token, "action"},
    {"AuditEvent", "type", Kind::token, "type"},
    {"AuditEvent", "entity", Kind::reference, "entity.what"},
    {"AuditEvent", "patient", Kind::reference, "agent.who:Patient|entity.what:Patient"},
    {"Claim", "patient", Kind::reference, "patient"},
    {"Claim", "created", Kind::date, "created"},
    {"Claim", "encounter", Kind::reference, "item.encounter"},
    {"ClaimResponse", "patient", Kind::reference, "patient"},
    {"ClaimResponse", "request", Kind::reference, "request"},
    {"Communication", "subject", Kind::reference, "subject"},
    {"Communication", "patient", Kind::reference, "subject:Patient"},
    {"Communication", "encounter", Kind::reference, "encounter"},
    {"Communication", "sent", Kind::date, "sent"},
    {"Condition", "subject", Kind::reference, "subject"},
    {"Condition", "patient", Kind::reference, "subject:Patient"},
    {"Condition", "encounter", Kind::reference, "encounter"},
    {"Condition", "code", Kind::token, "code"},
    {"Consent", "patient", Kind::reference, "patient"},
    {"Consent", "category", Kind::token, "category"},
    {"Consent", "scope", Kind::token, "scope"},
    {"Consent", "date", Kind::date, "dateTime"},
    {"Coverage", "beneficiary", Kind::reference, "beneficiary"},
    {"Coverage", "patient", Kind::reference, "beneficiary"},
    {"Coverage", "payor", Kind::reference, "payor"},
    {"Coverage", "subscriber", Kind::reference, "subscriber"},
    {"DocumentReference", "identifier", Kind::token, "masterIdentifier|identifier"},
    {"DocumentReference", "subject", Kind::reference, "subject"},
    {"DocumentReference", "patient", Kind::reference, "subject:Patient"},
    {"DocumentReference", "encounter", Kind::reference, "context.encounter"},
    {"DocumentReference", "related", Kind::reference, "context.related"},
    {"DocumentReference", "author", Kind::reference, "author"},
    {"DocumentReference", "date", Kind::date, "date"},
    {"DocumentReference", "period", Kind::date, "context.period"},
    {"DocumentReference", "type", Kind::token, "type"},
    {"DocumentReference", "category", Kind::token, "category"},
    {"DocumentReference", "location", Kind::uri, "content.attachment.url"},
    {"Encounter", "subject", Kind::reference, "subject"},
    {"Encounter", "patient", Kind::reference, "subject:Patient"},
    {"Encounter", "appointment", Kind::reference, "appointment"},
    {"Encounter", "participant", Kind::reference, "participant.individual"},
    {"Encounter", "practitioner", Kind::reference, "participant.individual:Practitioner"},
    {"Encounter", "class", Kind::token, "class"},
    {"Encounter", "type", Kind::token, "type"},
    {"Encounter", "date", Kind::date, "period"},
    {"Location", "name", Kind::string, "name|alias"},
    {"MeasureReport", "date", Kind::date, "date"},
    {"MeasureReport", "period", Kind::date, "period"},
    {"MedicationDispense", "subject", Kind::reference, "subject"},
    {"MedicationDispense", "patient", Kind::reference, "subject:Patient"},
    {"MedicationDispense", "context", Kind::reference, "context"},
    {"MedicationRequest", "subject", Kind::reference, "subject"},
    {"MedicationRequest", "patient", Kind::reference, "subject:Patient"},
    {"MedicationRequest", "encounter", Kind::reference, "encounter"},
    {"MedicationRequest", "authoredon", Kind::date, "authoredOn"},
    {"MedicationRequest", "intent", Kind::token, "intent"},
    {"Observation", "subject", Kind::reference, "subject"},
    {"Observation", "patient", Kind::reference, "subject:Patient"},
    {"Observation", "encounter", Kind::reference, "encounter"},
    {"Observation", "code", Kind::token, "code"},
    {"Observation", "category", Kind::token, "category"},
    {"Observation", "date", Kind::date, "effectiveDateTime|effectivePeriod|effectiveInstant"},
    {"Organization", "name", Kind::string, "name|alias"},
    {"Organization", "type", Kind::token, "type"},
    {"Organization", "active", Kind::token, "active"},
    {"Patient", "name", Kind::string, "name.family|name.given|name.text|name.prefix|name.suffix"},
    {"Patient", "family", Kind::string, "name.family"},
    {"Patient", "given", Kind::string, "name.given"},
    {"Patient", "birthdate", Kind::date, "birthDate"},
    {"Patient", "gender", Kind::token, "gender"},
    {"Patient", "active", Kind::token, "active"},
    {"Patient", "telecom", Kind::token, "telecom"},
    {"Patient", "organization", Kind::reference, "managingOrganization"},
    {"Practitioner", "name", Kind::string,
     "name.family|name.given|name.text|name.prefix|name.suffix"},
    {"Practitioner", "family", Kind::string, "name.family"},
    {"Practitioner", "given", Kind::string, "name.given"},
    {"Practitioner", "active", Kind::token, "active"},
    {"PractitionerRole", "practitioner", Kind::reference, "practitioner"},
    {"PractitionerRole", "organization", Kind::reference, "organization"},
    {"PractitionerRole", "specialty", Kind::token, "specialty"},
    {"Provenance", "target", Kind::reference, "target"},
    {"Provenance", "recorded", Kind::date, "recorded"},
    {"Provenance", "patient", Kind::reference, "target:Patient"},
    {"ServiceRequest", "subject", Kind::reference, "subject"},
    {"ServiceRequest", "patient", Kind::reference, "subject:Patient"},
    {"ServiceRequest", "encounter", Kind::reference, "encounter"},
    {"ServiceRequest", "authored", Kind::date, "authoredOn"},
    {"ServiceRequest", "intent", Kind::token, "intent"},
    {"ServiceRequest", "code", Kind::token, "code"},
    {"Subscription", "url", Kind::uri, "channel.endpoint"},
    {"Task", "focus", Kind::reference, "focus"},
    {"Task", "subject", Kind::reference, "for"},
    {"Task", "patient", Kind::reference, "for:Patient"},
    {"Task", "owner", Kind::reference, "owner"},
    {"Task", "intent", Kind::token, "intent"},
};

struct Required {
  std::string_view type;
  std::string_view elements;  // separated by a space; "a|b" is one of, a '*' ends a prefix
};

// Elements with a minimum of one, and invariants that amount to the same.
constexpr Required kRequired[] = {
    {"Appointment", "status participant participant.status"},
    {"AuditEvent", "type recorded agent agent.requestor source source.observer"},
    {"Communication", "status"},
    {"Consent", "status scope category"},
    {"Coverage", "status beneficiary payor"},
    {"DocumentReference", "status content content.attachment"},
    {"Encounter", "status class"},
    {"MeasureReport", "status type measure period"},
    {"MedicationDispense", "status medicationCodeableConcept|medicationReference"},
    {"MedicationRequest", "status intent subject medicationCodeableConcept|medicationReference"},
    {"Observation", "status code"},
    {"Organization", "name|identifier"},  // org-1
    {"Provenance", "target recorded agent agent.who"},
    {"ServiceRequest", "status intent subject"},
    {"Task", "status intent"},
};

struct Binding {
  std::string_view path;
  std::string_view codes;
};

// Bindings of strength "required" on elements that workflows set.
constexpr Binding kBindings[] = {
    {"Appointment.status",
     "proposed pending booked arrived fulfilled cancelled noshow entered-in-error checked-in "
     "waitlist"},
    {"Appointment.participant.status", "accepted declined tentative needs-action"},
    {"Coverage.status", "active cancelled draft entered-in-error"},
    {"DocumentReference.status", "current superseded entered-in-error"},
    {"DocumentReference.docStatus", "preliminary final amended entered-in-error"},
    {"Encounter.status",
     "planned arrived triaged in-progress onleave finished cancelled entered-in-error unknown"},
    {"MedicationDispense.status",
     "preparation in-progress cancelled on-hold completed entered-in-error stopped declined "
     "unknown"},
    {"MedicationRequest.status",
     "active on-hold cancelled completed entered-in-error stopped draft unknown"},
    {"Patient.gender", "male female other unknown"},
    {"Practitioner.gender", "male female other unknown"},
};

// Elements that hold a list in JSON; a single value there is the commonest mistake.
constexpr std::string_view kLists[] = {
    "Appointment.identifier",  "Appointment.participant",      "Coverage.identifier",
    "Coverage.payor",          "DocumentReference.identifier", "DocumentReference.content",
    "Encounter.identifier",    "Encounter.participant",        "Encounter.appointment",
    "Organization.identifier", "Patient.identifier",           "Patient.name",
    "Patient.telecom",         "Practitioner.identifier",      "Practitioner.name"};

// All values at a dotted path; lists on the way are entered.
void collect(const Json& node, std::string_view path, std::vector<const Json*>& out) {
  if (node.is_array()) {
    for (const Json& each : node) collect(each, path, out);
    return;
  }
  if (path.empty()) {
    out.push_back(&node);
    return;
  }
  if (!node.is_object()) return;
  const std::size_t dot = path.find('.');
  const auto found = node.find(std::string(path.substr(0, dot)));
  if (found == node.end()) return;
  collect(*found, dot == std::string_view::npos ? std::string_view() : path.substr(dot + 1), out);
}

std::vector<const Json*> values_at(const Json& resource, std::string_view path) {
  std::vector<const Json*> out;
  collect(resource, path, out);
  return out;
}

bool blank(const Json& value) {
  return value.is_null() || ((value.is_array() || value.is_object()) && value.empty()) ||
         (value.is_string() && value.get_ref<const std::string&>().empty());
}

// Every object at the parent path has the last element.
bool present_everywhere(const Json& resource, std::string_view path) {
  const std::size_t dot = path.rfind('.');
  const std::string last(dot == std::string_view::npos ? path : path.substr(dot + 1));
  std::vector<const Json*> parents;
  if (dot == std::string_view::npos) {
    parents.push_back(&resource);
  } else {
    collect(resource, path.substr(0, dot), parents);
  }
  return std::all_of(parents.begin(), parents.end(), [&](const Json* parent) {
    return parent->is_object() && parent->contains(last) && !blank((*parent)[last]);
  });
}

const Parameter* find_parameter(const std::string& type, std::string_view name) {
  const Parameter* general = nullptr;
  for (const Parameter& each : kParameters) {
    if (each.name != name) continue;
    if (each.type == type) return &each;
    if (each.type == "*") general = &each;
  }
  return general;
}

// --- dates

struct Interval {
  std::int64_t begin = std::numeric_limits<std::int64_t>::min();
  std::int64_t end = std::numeric_limits<std::int64_t>::max();  // exclusive
};

// A FHIR date, dateTime or instant as the interval that its precision covers. Without a time zone
// it is UTC.
std::optional<Interval> read_date(const std::string& text) {
  int year = 0;
  unsigned month = 1;
  unsigned day = 1;
  unsigned hour = 0;
  unsigned minute = 0;
  double second = 0;
  if (text.size() > 40 || text.find_first_not_of("0123456789-+:.TZ") != std::string::npos) {
    return std::nullopt;
  }
  int used = 0;
  const std::size_t time = text.find('T');
  const std::string date = text.substr(0, time);
  const int fields = std::sscanf(date.c_str(), "%4d-%2u-%2u%n", &year, &month, &day, &used);
  constexpr std::size_t kSizes[] = {0, 4, 7, 10};
  if (fields < 1 || fields > 3 || date.size() != kSizes[fields] || month < 1 || month > 12 ||
      day < 1 || day > 31) {
    return std::nullopt;
  }
  constexpr std::int64_t kDay = 86'400'000;
  std::int64_t begin = days_from_civil(year, month, day) * kDay;
  if (time == std::string::npos) {
    std::int64_t end = begin + kDay;
    if (fields == 1) end = days_from_civil(year + 1, 1, 1) * kDay;
    if (fields == 2) {
      end = (month == 12 ? days_from_civil(year + 1, 1, 1) : days_from_civil(year, month + 1, 1)) *
            kDay;
    }
    return Interval{begin, end};
  }
  if (fields != 3) return std::nullopt;
  std::string clock = text.substr(time + 1);
  std::int64_t zone = 0;
  if (const std::size_t at = clock.find_first_of("Z+-"); at != std::string::npos) {
    const std::string offset = clock.substr(at);
    unsigned zone_hour = 0;
    unsigned zone_minute = 0;
    if (offset != "Z") {
      if (offset.size() != 6 ||
          std::sscanf(offset.c_str() + 1, "%2u:%2u", &zone_hour, &zone_minute) != 2) {
        return std::nullopt;
      }
      zone = (zone_hour * 60 + zone_minute) * 60'000LL * (offset[0] == '-' ? -1 : 1);
    }
    clock.resize(at);
  }
  std::int64_t precision = 60'000;
  if (clock.size() == 5) {
    if (std::sscanf(clock.c_str(), "%2u:%2u", &hour, &minute) != 2) return std::nullopt;
  } else {
    if (std::sscanf(clock.c_str(), "%2u:%2u:%lf", &hour, &minute, &second) != 3)
      return std::nullopt;
    precision = clock.find('.') == std::string::npos ? 1000 : 1;
  }
  if (hour > 24 || minute > 59 || second >= 61) return std::nullopt;
  begin += (hour * 60 + minute) * 60'000LL + static_cast<std::int64_t>(second * 1000 + 0.5) - zone;
  return Interval{begin, begin + precision};
}

std::optional<Interval> interval_of(const Json& value) {
  if (value.is_string()) return read_date(value.get<std::string>());
  if (!value.is_object()) return std::nullopt;
  Interval out;  // Period: an absent end is open
  if (value.contains("start") && value["start"].is_string()) {
    const auto start = read_date(value["start"].get<std::string>());
    if (!start) return std::nullopt;
    out.begin = start->begin;
  }
  if (value.contains("end") && value["end"].is_string()) {
    const auto end = read_date(value["end"].get<std::string>());
    if (!end) return std::nullopt;
    out.end = end->end;
  }
  return out;
}

struct DateValue {
  std::string prefix = "eq";
  Interval interval;
};

std::optional<DateValue> read_date_value(const std::string& text) {
  static const std::set<std::string> kPrefixes = {"eq", "ne", "gt", "lt", "ge",
                                                  "le", "sa", "eb", "ap"};
  DateValue out;
  std::string rest = text;
  if (text.size() > 2 && kPrefixes.contains(text.substr(0, 2))) {
    out.prefix = text.substr(0, 2);
    rest = text.substr(2);
  }
  const std::optional<Interval> interval = read_date(rest);
  if (!interval) return std::nullopt;
  out.interval = *interval;
  return out;
}

// http://hl7.org/fhir/R4/search.html#prefix
bool date_matches(const std::string& wanted, const Json& value) {
  const std::optional<DateValue> search = read_date_value(wanted);
  const std::optional<Interval> own = interval_of(value);
  if (!search || !own) return false;
  const Interval& s = search->interval;
  const bool equal = own->begin >= s.begin && own->end <= s.end;
  if (search->prefix == "eq") return equal;
  if (search->prefix == "ne") return !equal;
  if (search->prefix == "gt") return own->end > s.end;
  if (search->prefix == "lt") return own->begin < s.begin;
  if (search->prefix == "ge") return own->end > s.end || equal;
  if (search->prefix == "le") return own->begin < s.begin || equal;
  if (search->prefix == "sa") return own->begin >= s.end;
  if (search->prefix == "eb") return own->end <= s.begin;
  return own->begin < s.end && own->end > s.begin;  // ap
}

// --- tokens, references, strings

bool code_matches(const std::string& wanted, const std::string& system, const std::string& code) {
  const std::size_t bar = wanted.find('|');
  if (bar == std::string::npos) return wanted == code;
  if (wanted.substr(0, bar) != system) return false;
  return bar + 1 == wanted.size() || wanted.substr(bar + 1) == code;
}

std::string text_at(const Json& object, const char* field) {
  const auto found = object.find(field);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

bool token_matches(const std::string& wanted, const Json& value) {
  if (value.is_string()) return code_matches(wanted, "", value.get<std::string>());
  if (value.is_boolean()) return wanted == (value.get<bool>() ? "true" : "false");
  if (!value.is_object()) return false;
  if (value.contains("coding")) {
    std::vector<const Json*> codings;
    collect(value["coding"], "", codings);
    return std::any_of(codings.begin(), codings.end(),
                       [&](const Json* each) { return token_matches(wanted, *each); });
  }
  if (value.contains("code"))
    return code_matches(wanted, text_at(value, "system"), text_at(value, "code"));
  return code_matches(wanted, text_at(value, "system"), text_at(value, "value"));
}

// "Type/id" of a literal reference to this server, else the reference as it is.
std::string local_reference(const std::string& reference, const std::string& base_url) {
  std::string out = reference;
  if (out.starts_with(base_url + "/")) out = out.substr(base_url.size() + 1);
  const std::size_t history = out.find("/_history/");
  return history == std::string::npos ? out : out.substr(0, history);
}

bool reference_matches(const std::string& wanted, const std::string& modifier, const Json& value,
                       const std::string& base_url) {
  if (!value.is_object()) return false;
  if (modifier == "identifier") {
    return value.contains("identifier") && token_matches(wanted, value["identifier"]);
  }
  const std::string own = local_reference(text_at(value, "reference"), base_url);
  if (own.empty()) return false;
  const std::string target = local_reference(wanted, base_url);
  if (!modifier.empty()) return own == modifier + "/" + target || own == target;
  if (target.find('/') != std::string::npos) return own == target;
  return own.ends_with("/" + target);  // an id without type
}

bool string_matches(const std::string& wanted, const std::string& modifier, const Json& value) {
  if (!value.is_string()) return false;
  const std::string& own = value.get_ref<const std::string&>();
  if (modifier == "exact") return own == wanted;
  if (modifier == "contains") return lower(own).find(lower(wanted)) != std::string::npos;
  return lower(own).starts_with(lower(wanted));
}

// Splits at commas that are not escaped and removes the escapes of ',' and '$'; '\|' stays as '|'.
std::vector<std::string> alternatives(const std::string& value) {
  std::vector<std::string> out(1);
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (value[i] == '\\' && i + 1 < value.size()) {
      out.back() += value[++i];
    } else if (value[i] == ',') {
      out.emplace_back();
    } else {
      out.back() += value[i];
    }
  }
  return out;
}

// A path may end in ":Type": only references to that type count.
std::vector<const Json*> parameter_values(const Json& resource, const std::string& path) {
  const std::size_t colon = path.find(':');
  std::vector<const Json*> out = values_at(resource, std::string_view(path).substr(0, colon));
  if (colon == std::string::npos) return out;
  const std::string type = path.substr(colon + 1);
  std::erase_if(out, [&type](const Json* value) {
    if (!value->is_object()) return true;
    const std::string reference = text_at(*value, "reference");
    if (reference.empty()) return text_at(*value, "type") != type && value->contains("type");
    return !reference.starts_with(type + "/") &&
           reference.find("/" + type + "/") == std::string::npos;
  });
  return out;
}

bool value_matches(const Criterion& criterion, const std::string& wanted, const Json& value,
                   const std::string& base_url) {
  switch (criterion.kind) {
    case Kind::token:
      return token_matches(wanted, value);
    case Kind::reference:
      return reference_matches(wanted, criterion.modifier, value, base_url);
    case Kind::date:
      return date_matches(wanted, value);
    case Kind::string:
      return string_matches(wanted, criterion.modifier, value);
    case Kind::uri:
      return value.is_string() && value.get_ref<const std::string&>() == wanted;
  }
  return false;
}

constexpr std::size_t kMaxAlternatives = 100;
constexpr int kMaxChain = 3;

Criterion read_criterion_at(const std::string& type, const std::string& name,
                            const std::string& value, int depth);

Failure parameter_failure(const std::string& type, const std::string& name,
                          const std::string& what) {
  return {400, "not-supported", "search parameter '" + name + "' of " + type + ": " + what};
}

Criterion read_criterion_at(const std::string& type, const std::string& name,
                            const std::string& value, int depth) {
  const std::size_t dot = name.find('.');
  const std::string head = name.substr(0, dot);
  const std::size_t colon = head.find(':');
  Criterion out;
  out.parameter = head.substr(0, colon);
  if (colon != std::string::npos) out.modifier = head.substr(colon + 1);
  const Parameter* const known = find_parameter(type, out.parameter);
  if (known == nullptr) throw parameter_failure(type, out.parameter, "not known to this server");
  out.kind = known->kind;
  for (const std::string& path : split(known->paths, '|')) out.paths.push_back(path);
  if (dot != std::string::npos) {
    if (out.kind != Kind::reference || depth >= kMaxChain) {
      throw parameter_failure(type, name, "cannot be chained");
    }
    std::string target = out.modifier;
    for (const std::string& path : out.paths) {
      if (target.empty() && path.find(':') != std::string::npos)
        target = path.substr(path.find(':') + 1);
    }
    if (target.empty() && (out.parameter == "patient" || out.parameter == "subject" ||
                           out.parameter == "beneficiary")) {
      target = "Patient";
    }
    if (target.empty() && out.parameter == "encounter") target = "Encounter";
    if (target.empty() && out.parameter == "appointment") target = "Appointment";
    if (!is_resource_type(target)) {
      throw parameter_failure(type, name, "name the type: " + out.parameter + ":Type.parameter");
    }
    out.modifier = target;
    out.chained = std::make_shared<Criterion>(
        read_criterion_at(target, name.substr(dot + 1), value, depth + 1));
    return out;
  }
  out.values = alternatives(value);
  if (out.values.size() > kMaxAlternatives) {
    throw parameter_failure(type, name, "too many alternatives");
  }
  if (std::all_of(out.values.begin(), out.values.end(), [](const auto& v) { return v.empty(); })) {
    throw parameter_failure(type, name, "has no value");
  }
  const bool modifier_ok =
      out.modifier.empty() || out.modifier == "missing" ||
      (out.kind == Kind::token && out.modifier == "not") ||
      (out.kind == Kind::string && (out.modifier == "exact" || out.modifier == "contains")) ||
      (out.kind == Kind::reference &&
       (out.modifier == "identifier" || is_resource_type(out.modifier)));
  if (!modifier_ok) throw parameter_failure(type, name, "the modifier is not supported");
  if (out.modifier == "missing" && value != "true" && value != "false") {
    throw parameter_failure(type, name, ":missing takes true or false");
  }
  if (out.kind == Kind::date && out.modifier.empty()) {
    for (const std::string& each : out.values) {
      if (!read_date_value(each)) throw parameter_failure(type, name, "is not a FHIR date");
    }
  }
  return out;
}

}  // namespace

bool is_resource_type(const std::string& type) {
  static const std::set<std::string> kKnown = [] {
    std::set<std::string> out;
    for (std::string& each : split(kTypes, ' ')) out.insert(std::move(each));
    return out;
  }();
  return kKnown.contains(type);
}

bool is_id(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.';
  });
}

std::string check_required(const Json& resource) {
  const std::string type = text_at(resource, "resourceType");
  for (const std::string_view list : kLists) {
    const std::size_t dot = list.find('.');
    if (list.substr(0, dot) != type) continue;
    const auto found = resource.find(std::string(list.substr(dot + 1)));
    if (found != resource.end() && !found->is_array()) return std::string(list) + " must be a list";
  }
  for (const Required& each : kRequired) {
    if (each.type != type) continue;
    for (const std::string& element : split(each.elements, ' ')) {
      const std::vector<std::string> choices = split(element, '|');
      const bool any = std::any_of(choices.begin(), choices.end(), [&](const std::string& path) {
        return present_everywhere(resource, path);
      });
      if (!any) return type + "." + element + " is required";
    }
  }
  for (const Binding& each : kBindings) {
    const std::size_t dot = each.path.find('.');
    if (each.path.substr(0, dot) != type) continue;
    const std::vector<std::string> codes = split(each.codes, ' ');
    for (const Json* value : values_at(resource, each.path.substr(dot + 1))) {
      if (!value->is_string() ||
          std::find(codes.begin(), codes.end(), value->get<std::string>()) == codes.end()) {
        return std::string(each.path) + " is not one of its codes";
      }
    }
  }
  if (type == "Appointment") {
    const bool start = resource.contains("start");
    const bool end = resource.contains("end");
    const std::string status = text_at(resource, "status");
    if (start != end) return "Appointment.start and end come together (app-2)";
    if (!start && status != "proposed" && status != "cancelled" && status != "waitlist") {
      return "Appointment.start and end may be missing only when proposed, cancelled or on the "
             "waitlist (app-3)";
    }
    for (const Json* each : values_at(resource, "participant")) {
      if (!each->contains("type") && !each->contains("actor")) {
        return "Appointment.participant needs a type or an actor (app-1)";
      }
    }
  }
  return {};
}

std::vector<std::string> identifier_tokens(const Json& resource) {
  std::vector<const Json*> identifiers = values_at(resource, "identifier");
  // R4 searches DocumentReference.masterIdentifier as identifier too.
  collect(resource, "masterIdentifier", identifiers);
  std::vector<std::string> out;
  for (const Json* each : identifiers) {
    if (each->is_object() && each->contains("value")) {
      out.push_back(text_at(*each, "system") + "|" + text_at(*each, "value"));
    }
  }
  return out;
}

Criterion read_criterion(const std::string& type, const std::string& parameter,
                         const std::string& value) {
  return read_criterion_at(type, parameter, value, 0);
}

bool matches(const Criterion& criterion, const Json& resource, const std::string& base_url,
             const Lookup& lookup) {
  bool any_value = false;
  bool hit = false;
  for (const std::string& path : criterion.paths) {
    for (const Json* value : parameter_values(resource, path)) {
      any_value = true;
      if (criterion.chained) {
        if (!value->is_object()) continue;
        const std::string reference = local_reference(text_at(*value, "reference"), base_url);
        const std::string start = criterion.modifier + "/";
        if (!reference.starts_with(start)) continue;
        const Json* const target = lookup(criterion.modifier, reference.substr(start.size()));
        if (target != nullptr && matches(*criterion.chained, *target, base_url, lookup))
          return true;
        continue;
      }
      for (const std::string& wanted : criterion.values) {
        hit = hit || value_matches(criterion, wanted, *value, base_url);
      }
    }
  }
  if (criterion.chained) return false;
  if (criterion.modifier == "missing") return any_value == (criterion.values[0] == "false");
  if (criterion.modifier == "not") return !hit;
  return hit;
}

std::optional<std::string> exact_identifier(const Criterion& criterion) {
  if (criterion.parameter != "identifier" || criterion.chained || !criterion.modifier.empty() ||
      criterion.values.size() != 1) {
    return std::nullopt;
  }
  const std::string& value = criterion.values[0];
  const std::size_t bar = value.find('|');
  if (bar == std::string::npos || bar + 1 == value.size()) return std::nullopt;
  return value;
}

std::string sort_key(const std::string& type, const std::string& parameter, const Json& resource) {
  const Parameter* const known = find_parameter(type, parameter);
  if (known == nullptr || known->kind == Kind::reference) {
    throw parameter_failure(type, parameter, "cannot be sorted by");
  }
  for (const std::string& path : split(known->paths, '|')) {
    for (const Json* value : values_at(resource, path)) {
      if (known->kind == Kind::date) {
        const std::optional<Interval> interval = interval_of(*value);
        if (!interval) continue;
        char text[32];
        // Offset into the positive numbers, so that text order is number order.
        std::snprintf(text, sizeof text, "%020llu",
                      static_cast<unsigned long long>(interval->begin) + (1ULL << 63U));
        return text;
      }
      if (value->is_string()) return value->get<std::string>();
      if (value->is_object()) {
        const std::string code = text_at(*value, "code");
        return code.empty() ? text_at(*value, "value") : code;
      }
    }
  }
  return {};
}

std::vector<std::string> included(const std::string& include, const Json& resource) {
  const auto colon = include.find(':');
  const Parameter* const known =
      colon == std::string::npos
          ? nullptr
          : find_parameter(include.substr(0, colon), include.substr(colon + 1));
  if (known == nullptr || known->kind != Kind::reference)
    throw Failure{400, "not-supported", "_include is Type:parameter of a reference"};
  std::vector<std::string> out;
  if (text_at(resource, "resourceType") != include.substr(0, colon)) return out;
  for (const std::string& path : split(known->paths, '|')) {
    for (const Json* value : parameter_values(resource, path))
      out.push_back(text_at(*value, "reference"));
  }
  return out;
}

Json capability_statement(const std::string& base_url, const std::string& date) {
  static const std::map<Kind, const char*> kKinds = {{Kind::token, "token"},
                                                     {Kind::reference, "reference"},
                                                     {Kind::date, "date"},
                                                     {Kind::string, "string"},
                                                     {Kind::uri, "uri"}};
  Json resources = Json::array();
  for (const std::string& type : split(kTypes, ' ')) {
    Json interactions = Json::array();
    for (const char* each :
         {"read", "vread", "update", "delete", "history-instance", "create", "search-type"}) {
      interactions.push_back({{"code", each}});
    }
    Json parameters = Json::array();
    for (const Parameter& each : kParameters) {
      if ((each.type == type || each.type == "*") && find_parameter(type, each.name) == &each) {
        parameters.push_back({{"name", each.name}, {"type", kKinds.at(each.kind)}});
      }
    }
    resources.push_back({{"type", type},
                         {"interaction", std::move(interactions)},
                         {"versioning", "versioned-update"},
                         {"readHistory", true},
                         {"updateCreate", true},
                         {"conditionalCreate", true},
                         {"conditionalUpdate", true},
                         {"conditionalDelete", "single"},
                         {"searchParam", std::move(parameters)}});
  }
  return {
      {"resourceType", "CapabilityStatement"},
      {"status", "active"},
      {"date", date},
      {"kind", "instance"},
      {"software", {{"name", "rabt-sandbox"}}},
      {"implementation",
       {{"description", "Stand-in of a FHIR server for development"}, {"url", base_url}}},
      {"fhirVersion", "4.0.1"},
      {"format", {"application/fhir+json"}},
      {"rest",
       Json::array({{{"mode", "server"},
                     {"interaction", Json::array({{{"code", "transaction"}}, {{"code", "batch"}}})},
                     {"resource", std::move(resources)}}})}};
}

}  // namespace rabt::sandbox::fhir
