#include <algorithm>
#include <set>

#include "fixtures.hpp"
#include "money.hpp"
#include "refusal.hpp"
#include "times.hpp"

namespace rabt::nphies::testing::builder_test {
namespace {

// Every place in a message: "Claim.item.net.value". Extensions by their URL, codings and
// identifiers by their system.
void places(const Json& value, const std::string& at, std::set<std::string>& out) {
  if (value.is_object()) {
    std::string here = at;
    if (at.ends_with(".extension"))
      here += "(" + text_at(value, "url").substr(text_at(value, "url").rfind('/') + 1) + ")";
    if (at.ends_with(".coding")) here += "(" + text_at(value, "system") + ")";
    if (at.ends_with(".supportingInfo"))
      here += "(" + text_at(value, "category/coding/0/code") + ")";
    for (const auto& [name, member] : value.items()) places(member, here + "." + name, out);
  } else if (value.is_array()) {
    for (const Json& element : value) places(element, at, out);
  } else {
    out.insert(at);
  }
}
std::set<std::string> places_of(const Json& bundle) {
  std::set<std::string> out;
  for (const Json& entry : array_at(bundle, "entry")) {
    const Json& resource = *find(entry, "resource");
    std::string name = text_at(resource, "resourceType");
    const std::string profile = text_at(resource, "meta/profile/0");
    if (name == "Organization") name = profile.substr(profile.rfind('/') + 1);
    places(resource, name, out);
  }
  return out;
}
std::set<std::string> without(const std::set<std::string>& all, const std::set<std::string>& taken,
                              const std::vector<std::string>& prefixes) {
  std::set<std::string> out;
  for (const std::string& place : all) {
    const bool skipped =
        std::any_of(prefixes.begin(), prefixes.end(),
                    [&](const std::string& prefix) { return place.starts_with(prefix); });
    if (!skipped && taken.count(place) == 0) out.insert(place);
  }
  return out;
}
std::string listed(const std::set<std::string>& places) {
  std::string out;
  for (const std::string& place : places) out += "\n  " + place;
  return out;
}

struct Built {
  Draft draft;
  Json bundle;
};
Built build(const Json& input, const char* config = kConfig) {
  int ids = 0;
  const Settings settings = read_settings(config);
  Built out;
  out.draft = build_claim(settings, counting_stamp(ids), without_empty(input));
  out.bundle = parse_json(out.draft.bytes);
  return out;
}
std::string refusal_of(const Json& input) {
  try {
    (void)build(input);
  } catch (const Refusal& refusal) {
    for (const std::string& word : kPatientWords) {
      EXPECT_EQ(std::string(refusal.what()).find(word), std::string::npos) << "a value is quoted";
    }
    return refusal.path();
  }
  return "(accepted)";
}
Json config_with(const std::string& name, Json value) {
  Json out = parse_json(kConfig);
  out[name] = std::move(value);
  return out;
}

// The rules of this plugin's own reading of the gateway's tables, on any message it builds.
void check_message(const Json& bundle) {
  EXPECT_EQ(text_at(bundle, "type"), "message");                                 // BV-00130
  EXPECT_EQ(text_at(bundle, "entry/0/resource/resourceType"), "MessageHeader");  // BV-00126
  EXPECT_EQ(write_json(without_empty(bundle)), write_json(bundle)) << "empty values";
  std::set<std::string> urls;
  for (const Json& entry : array_at(bundle, "entry")) {
    EXPECT_TRUE(urls.insert(text_at(entry, "fullUrl")).second) << "fullUrl twice";  // FR-00007
    EXPECT_TRUE(text_at(entry, "resource/meta/profile/0").ends_with("|1.0.0"));
    const std::string id = text_at(entry, "resource/id");
    EXPECT_TRUE(text_at(entry, "fullUrl").ends_with(id));
  }
  for (const std::string& id : {text_at(bundle, "id"), text_at(bundle, "entry/0/resource/id")}) {
    EXPECT_EQ(id.size(), 36U);  // BV-00341, BV-00168
    EXPECT_EQ(id.find_first_not_of("0123456789abcdef-"), std::string::npos);
  }
  const std::function<void(const Json&)> resolve = [&](const Json& value) {
    if (value.is_object() && value.contains("reference")) {
      EXPECT_EQ(urls.count(text_at(value, "reference")), 1U)
          << text_at(value, "reference");  // RE-*
    }
    if (value.is_structured()) {
      for (const Json& part : value) resolve(part);
    }
  };
  resolve(bundle);
  EXPECT_EQ(text_at(bundle, "entry/0/resource/focus/0/reference"),
            text_at(bundle, "entry/1/fullUrl"));
}

std::int64_t halalas(const Json& root, const std::string& path) {
  const Json* value = find(root, path);
  return value == nullptr ? -1 : halalas_from(number_text(*value)).value_or(-1);
}

TEST(NphiesClaim, HasTheStructureOfTheReferenceClaim) {
  const auto path = conformance_folder("nphies/synthetic/claim-request-vr.json");
  if (path.empty() || !std::filesystem::exists(path))
    GTEST_SKIP() << "RABT_CONFORMANCE_DATA has no NPHIES messages";
  Json input = claim_input();
  input["vitals"] = parse_json(
      R"({"systolic": 118, "diastolic": 76, "heightCm": 165, "weightKg": 61.5, "pulse": 72,
                                   "temperatureCel": 36.8, "oxygenSaturation": 98})");
  const std::set<std::string> ours = places_of(build(input).bundle);
  const std::set<std::string> sample = places_of(parse_json(read_file(path)));
  const std::set<std::string> missing =
      without(sample, ours,
              {"Patient.telecom", "Patient.name.family", "Patient.name.given",
               "Practitioner.name.family", "Practitioner.name.given",
               "Claim.item.productOrService.coding(https://provider.example.sa/codes).display"});
  const std::set<std::string> extra = without(ours, sample, {"Location.name"});
  EXPECT_TRUE(missing.empty()) << listed(missing);
  EXPECT_TRUE(extra.empty()) << listed(extra);
}

TEST(NphiesClaim, HoldsTheRulesOfAVideoVisit) {
  const Built built = build(claim_input());
  check_message(built.bundle);
  const Json& claim = *resource_of(built.bundle, "Claim");
  const Json& encounter = *resource_of(built.bundle, "Encounter");
  const Json& location = *resource_of(built.bundle, "Location");
  EXPECT_EQ(text_at(encounter, "class/code"), "VR");
  EXPECT_EQ(text_at(encounter, "extension/0/valueCodeableConcept/coding/0/code"),
            "ICSE");                                                           // BV-00736
  EXPECT_EQ(text_at(encounter, "period/start"), "2026-03-10T09:00:00+03:00");  // BV-00811
  EXPECT_EQ(text_at(encounter, "period/end"), "2026-03-10T09:20:00+03:00");
  EXPECT_EQ(text_at(claim, "subType/coding/0/code"), "op");
  EXPECT_EQ(text_at(claim, "type/coding/0/code"), "professional");
  EXPECT_TRUE(
      text_at(location, "type/0/coding/0/system").ends_with("clinic-specialty"));  // BV-00898
  EXPECT_EQ(text_at(location, "managingOrganization/reference"),
            text_at(claim, "provider/reference"));                                       // BV-00899
  EXPECT_TRUE(text_at(claim, "facility/reference").ends_with(text_at(location, "id")));  // BV-00905
  EXPECT_EQ(text_at(built.bundle, "entry/0/resource/sender/identifier/value"),
            "PR-FHIR");  // BV-00351
  EXPECT_EQ(built.draft.subject, identifier_at(claim, "identifier/0"));
}

TEST(NphiesClaim, CarriesEveryMandatorySupportingInfoAndLinksIt) {
  const Built built = build(claim_input());
  const Json& claim = *resource_of(built.bundle, "Claim");
  std::set<std::string> categories;
  std::size_t number = 0;
  for (const Json& info : array_at(claim, "supportingInfo")) {
    categories.insert(text_at(info, "category/coding/0/code"));
    EXPECT_EQ(*find(info, "sequence"), Json(++number));
  }
  for (const char* category :
       {"chief-complaint", "history-of-present-illness", "physical-examination", "patient-history",
        "treatment-plan", "vital-sign-systolic", "vital-sign-diastolic", "vital-sign-height",
        "vital-sign-weight", "pulse", "temperature", "oxygen-saturation", "respiratory-rate",
        "investigation-result"}) {
    EXPECT_EQ(categories.count(category), 1U) << category;
  }
  EXPECT_EQ(array_at(claim, "item/0/informationSequence").size(), number);  // BV-00501
  EXPECT_EQ(array_at(claim, "item/0/careTeamSequence").size(), 1U);
}

TEST(NphiesClaim, SaysWhichVitalSignsAreAbsentAndWhy) {
  Json input = claim_input();
  input["vitals"] = parse_json(R"({"pulse": 72, "temperatureCel": 36.8, "heightCm": null})");
  const Built built = build(input);
  const Json& claim = *resource_of(built.bundle, "Claim");
  std::size_t with_value = 0;
  std::size_t with_reason = 0;
  for (const Json& info : array_at(claim, "supportingInfo")) {
    if (find(info, "timingPeriod") == nullptr) continue;
    const bool value = find(info, "valueQuantity") != nullptr;
    const bool reason = find(info, "reason") != nullptr;
    EXPECT_NE(value, reason) << text_at(info, "category/coding/0/code");  // P-Claim-SI-1..8
    with_value += value ? 1U : 0U;
    with_reason += reason ? 1U : 0U;
  }
  EXPECT_EQ(with_value, 2U);
  EXPECT_EQ(with_reason, 6U);
  std::size_t reported = 0;
  for (const Json& note : array_at(built.draft.facts, "absenceReasons")) {
    const std::string code = text_at(note, "code");
    reported += code != "not-recorded" ? 1U : 0U;
  }
  EXPECT_EQ(reported, 6U);
  EXPECT_NE(built.draft.bytes.find(R"("value":36.8)"), std::string::npos) << "digits are kept";
}

TEST(NphiesClaim, SumsAgreeInHalalas) {
  Json input = claim_input();
  input["services"] = parse_json(R"([
    {"code": "A", "unitPriceHalalas": 10000},
    {"code": "B", "unitPriceHalalas": 3333, "quantity": 3, "factor": 0.5},
    {"code": "C", "unitPriceHalalas": 101, "quantity": 1.5, "taxPercent": 0}])");
  const Built built = build(input);
  const Json& claim = *resource_of(built.bundle, "Claim");
  std::int64_t total = 0;
  for (const Json& item : array_at(claim, "item")) {
    std::int64_t tax = 0;
    for (const Json& extension : array_at(item, "extension")) {
      if (text_at(extension, "url").ends_with("extension-tax"))
        tax = halalas(extension, "valueMoney/value");
    }
    const std::int64_t quantity =
        scaled(number_text(*find(item, "quantity/value")), 2).value_or(-1);
    const std::int64_t factor = scaled(number_text(*find(item, "factor")), 3).value_or(-1);
    EXPECT_EQ(halalas(item, "net/value"),
              divide_half_up(halalas(item, "unitPrice/value") * quantity * factor, 100'000) +
                  tax);  // BV-00251
    total += halalas(item, "net/value");
  }
  EXPECT_EQ(total, 11'500 + (5'000 + 750) + 152);
  EXPECT_EQ(halalas(claim, "total/value"), total);  // BV-00059
  EXPECT_EQ(*find(built.draft.facts, "submittedHalalas"), Json(total));
  EXPECT_NE(built.draft.bytes.find(R"("total":{"value":174.02,"currency":"SAR"})"),
            std::string::npos);
}

TEST(NphiesClaim, RefusesWhatTheGatewayWouldRefuseAndNamesThePlace) {
  const auto changed = [](const char* path, const char* value) {
    Json input = claim_input();
    input[Json::json_pointer(path)] = parse_json(value);
    return refusal_of(input);
  };
  EXPECT_EQ(refusal_of(claim_input()), "(accepted)");
  EXPECT_EQ(changed("/patient/identifier/value", "\"200000000\""), "patient/identifier/type");
  EXPECT_EQ(changed("/patient/identifier", R"({"value": "200000000", "type": "PRC"})"),
            "patient/identifier/value");
  EXPECT_EQ(changed("/patient/identifier", R"({"value": "A1", "type": "PPN"})"),
            "patient/identifier/country");
  EXPECT_EQ(changed("/patient/birthDate", "\"2026-03-11\""), "patient/birthDate");
  EXPECT_EQ(changed("/patient/birthDate", "\"2025-02-29\""), "patient/birthDate");
  EXPECT_EQ(changed("/patient/gender", "\"martian\""), "patient/gender");
  EXPECT_EQ(changed("/coverage/memberId", "\" \""), "coverage/memberId");
  EXPECT_EQ(changed("/encounter/end", "\"2026-03-10T05:59:59Z\""), "encounter/end");
  EXPECT_EQ(changed("/encounter/start", "\"2026-03-10T06:00Z\""), "encounter/start");
  EXPECT_EQ(changed("/diagnoses", R"([{"code":"J02.9"},{"code":"J02.9"}])"), "diagnoses/1/code");
  EXPECT_EQ(
      changed("/diagnoses", R"([{"code":"A","type":"principal"},{"code":"B","type":"principal"}])"),
      "diagnoses");
  EXPECT_EQ(changed("/eligibility", "null"), "eligibility");
  EXPECT_EQ(changed("/notes/chiefComplaint", "\"\""), "notes/chiefComplaint");
  EXPECT_EQ(changed("/services", R"([{"code":"A","unitPriceHalalas":100.5}])"),
            "services/0/unitPriceHalalas");
  EXPECT_EQ(changed("/services", R"([{"code":"A"}])"), "services/0/unitPriceHalalas");
  EXPECT_EQ(changed("/services", R"([{"code":"A","unitPriceHalalas":1,"quantity":1000.01}])"),
            "services/0/quantity");
  EXPECT_EQ(changed("/investigationResult", "\"IRA\""), "investigationResult");
}

TEST(NphiesClaim, HasExactlyOnePrincipalDiagnosis) {
  for (const char* given :
       {R"([{"code":"A"},{"code":"B"}])", R"([{"code":"A"},{"code":"B","type":"principal"}])",
        R"([{"code":"A","type":"secondary"},{"code":"B"}])"}) {
    Json input = claim_input();
    input["diagnoses"] = parse_json(given);
    const Built built = build(input);
    std::size_t principal = 0;
    for (const Json& entry : array_at(*resource_of(built.bundle, "Claim"), "diagnosis")) {
      principal += text_at(entry, "type/0/coding/0/code") == "principal" ? 1U : 0U;
    }
    EXPECT_EQ(principal, 1U) << given;  // BV-00054
  }
}

TEST(NphiesClaim, AnAuthorizationNumberAlwaysComesWithItsLink) {
  Json input = claim_input();
  input.erase("priorAuthResponse");
  const std::string offline = build(input).draft.bytes;
  EXPECT_NE(offline.find("extension-authorization-offline-date"), std::string::npos);  // BV-00462
  EXPECT_EQ(offline.find("extension-priorauth-response"), std::string::npos);
  input.erase("preAuthRef");
  const std::string none = build(input).draft.bytes;
  EXPECT_EQ(none.find("extension-authorization-offline-date"), std::string::npos);
  EXPECT_EQ(none.find("preAuthRef"), std::string::npos);
}

TEST(NphiesClaim, LongNotesAreCutAtTheLimitOfTheirScriptAndReported) {
  Json input = claim_input();
  std::string arabic;
  for (int i = 0; i < 126; ++i) arabic += "\xD8\xA8";
  input["notes"]["treatmentPlan"] = std::string(251, 'x');
  input["notes"]["patientHistory"] = arabic;
  input["notes"]["physicalExamination"] = std::string(250, 'y');
  const Built built = build(input);
  EXPECT_EQ(write_json(array_at(built.draft.facts, "shortened")),
            R"(["patient-history","treatment-plan"])");
  for (const Json& info : array_at(*resource_of(built.bundle, "Claim"), "supportingInfo")) {
    const std::string text = text_at(info, "valueString");
    const std::string category = text_at(info, "category/coding/0/code");
    if (category == "patient-history") {
      EXPECT_EQ(text.size(), 122U * 2 + 3);
    } else if (category == "treatment-plan") {
      EXPECT_EQ(text.size(), 250U);
    } else if (category == "physical-examination") {
      EXPECT_EQ(text, std::string(250, 'y'));
    }
  }
}

TEST(NphiesClaim, TheOtherEditionsSpellingIsWrittenWhenConfigured) {
  const std::string config = write_json(config_with("naming", "ig-1.0.0"));
  const std::string bytes = build(claim_input(), config.c_str()).draft.bytes;
  EXPECT_NE(bytes.find("tempurature-absence-reason"), std::string::npos);
  EXPECT_NE(bytes.find("extension-priorauthresponse"), std::string::npos);
}

TEST(NphiesClaim, WhatTheBookingKnowsOfPeopleArrives) {
  Json input = claim_input();
  input["patient"]["family"] = "Canaryname";
  input["patient"]["given"] = parse_json(R"(["Test"])");
  input["patient"]["telecom"] = parse_json(R"([{"system": "phone", "value": "+966500000001"}])");
  input["coverage"]["memberSystem"] = "http://other.example.sa/members";
  input["practitioner"] = parse_json(
      R"({"licence": "L-7", "licenceSystem": "http://scfhs.example.sa/licence", "name": "Dr. Noura Saleh",
          "family": "Saleh", "given": ["Noura"]})");
  input["encounter"]["reasons"] = parse_json(
      R"([{"system": "http://snomed.info/sct", "code": "25064002", "display": "Headache", "text": "since two days"},
          {"text": "review"}])");
  const Built built = build(input);
  const Json* patient = resource_of(built.bundle, "Patient");
  EXPECT_EQ(text_at(*patient, "name/0/family"), "Canaryname");
  EXPECT_EQ(text_at(*patient, "name/0/given/0"), "Test");
  EXPECT_EQ(text_at(*patient, "telecom/0/value"), "+966500000001");
  EXPECT_EQ(text_at(*resource_of(built.bundle, "Coverage"), "identifier/0/system"),
            "http://other.example.sa/members");
  const Json* doctor = resource_of(built.bundle, "Practitioner");
  EXPECT_EQ(text_at(*doctor, "identifier/0/system"), "http://scfhs.example.sa/licence");
  EXPECT_EQ(text_at(*doctor, "name/0/family"), "Saleh");
  const Json* encounter = resource_of(built.bundle, "Encounter");
  EXPECT_EQ(
      write_json(array_at(*encounter, "reasonCode")),
      R"([{"coding":[{"system":"http://snomed.info/sct","code":"25064002","display":"Headache"}],)"
      R"("text":"since two days"},{"text":"review"}])");
  // The reason of the booking is no diagnosis.
  EXPECT_EQ(write_json(array_at(*resource_of(built.bundle, "Claim"), "diagnosis")).find("25064002"),
            std::string::npos);
}

TEST(NphiesClaim, SameInputAndIdsGiveTheSameBytes) {
  EXPECT_EQ(build(claim_input()).draft.bytes, build(claim_input()).draft.bytes);
}

TEST(NphiesEligibility, HasTheStructureOfTheReferenceRequest) {
  int ids = 0;
  const Settings settings = read_settings(kConfig);
  const Json ours =
      parse_json(build_eligibility(settings, counting_stamp(ids), eligibility_input()).bytes);
  check_message(ours);
  const auto path = conformance_folder("nphies/synthetic/eligibility-request.json");
  if (path.empty() || !std::filesystem::exists(path))
    GTEST_SKIP() << "RABT_CONFORMANCE_DATA has no NPHIES messages";
  const Json sample = parse_json(read_file(path));
  const std::set<std::string> missing =
      without(places_of(sample), places_of(ours),
              {"Patient.telecom", "Patient.name.family", "Patient.name.given"});
  const std::set<std::string> extra =
      without(places_of(ours), places_of(sample), {"Location.name"});
  EXPECT_TRUE(missing.empty()) << listed(missing);
  EXPECT_TRUE(extra.empty()) << listed(extra);
}

TEST(NphiesEligibility, TheServiceDateIsTheDayInRiyadh) {
  int ids = 0;
  const Settings settings = read_settings(kConfig);
  Json input = eligibility_input();
  input["serviceDate"] = 1773090000;  // 2026-03-09T21:00:00Z
  const Json bundle = parse_json(build_eligibility(settings, counting_stamp(ids), input).bytes);
  EXPECT_EQ(text_at(*resource_of(bundle, "CoverageEligibilityRequest"), "servicedDate"),
            "2026-03-10");
}

TEST(NphiesTasks, HaveTheStructureOfTheReferenceRequests) {
  const Settings settings = read_settings(kConfig);
  const Identifier claim{"https://provider.example.sa/claim", "CL-0001"};
  int ids = 0;
  const Stamp stamp = counting_stamp(ids);
  const std::vector<std::pair<std::string, Draft>> all = {
      {"poll-request.json", build_poll(settings, stamp, {})},
      {"poll-request-focus.json", build_poll(settings, stamp, claim)},
      {"cancel-request.json", build_task(settings, stamp, "cancel", claim, settings.payer, "WI")},
      {"status-check.json", build_task(settings, stamp, "status", claim, settings.payer, "")}};
  for (const auto& [file, draft] : all) check_message(parse_json(draft.bytes));
  const auto folder = conformance_folder("nphies/synthetic");
  if (folder.empty() || !std::filesystem::exists(folder))
    GTEST_SKIP() << "RABT_CONFORMANCE_DATA has no NPHIES messages";
  for (const auto& [file, draft] : all) {
    const std::set<std::string> sample = places_of(parse_json(read_file(folder / file)));
    const std::set<std::string> ours = places_of(parse_json(draft.bytes));
    EXPECT_EQ(listed(without(sample, ours, {})), "") << file;
    EXPECT_EQ(listed(without(ours, sample, {})), "") << file;
  }
}

TEST(NphiesMoney, RoundsHalfUpAtTwoDecimals) {
  const std::vector<std::pair<const char*, std::int64_t>> table = {
      {"0", 0},          {"1", 100},       {"1.4", 140},
      {"1.454", 145},    {"1.455", 146},   {"1.4549999", 145},
      {"0.005", 1},      {"0.0049", 0},    {"0.995", 100},
      {"99.999", 10000}, {"2.675", 268},   {"1.005", 101},
      {"115.0", 11500},  {"-1.455", -146}, {"123456789012.34", 12345678901234}};
  for (const auto& [text, expected] : table) EXPECT_EQ(halalas_from(text), expected) << text;
  for (const char* bad :
       {"", ".", "1.", ".5", "1,5", "1e2", "--1", "1.2.3", "9999999999999999", "+1", " 1"}) {
    EXPECT_FALSE(halalas_from(bad).has_value()) << bad;
  }
}

TEST(NphiesMoney, LinesFollowTheRuleOfNet) {
  struct Row {
    Line line;
    LineAmounts expected;
  };
  const std::vector<Row> table = {
      {{10000, 100, 1000, 1500, 0}, {1500, 11500, 0}},
      {{10000, 100, 1000, 0, 2000}, {0, 10000, 2000}},
      {{333, 300, 500, 1500, 1000}, {75, 575, 58}},  // 4.995 -> 5.00; 0.75; 0.575 -> 0.58
      {{1, 150, 1000, 0, 0}, {0, 2, 0}},             // 0.015 -> 0.02
      {{1, 149, 1000, 0, 0}, {0, 1, 0}},
      {{0, 100, 1000, 1500, 1000}, {0, 0, 0}},
      {{kMaxUnitHalalas, kMaxQuantityHundredths, kMaxFactorThousandths, kMaxPercentHundredths,
        kMaxPercentHundredths},
       {10'000'000'000'000, 20'000'000'000'000, 20'000'000'000'000}}};
  for (const Row& row : table) {
    const LineAmounts got = amounts(row.line);
    EXPECT_EQ(got, row.expected) << got.tax << " " << got.net << " " << got.patient_share;
  }
  EXPECT_EQ(sar_text(5), "0.05");
  EXPECT_EQ(sar_text(11500), "115.00");
  EXPECT_EQ(sar_text(-146), "-1.46");
}

TEST(NphiesTimes, AreWrittenInRiyadhWithSeconds) {
  EXPECT_EQ(riyadh_time(kNow), "2026-03-10T09:30:00+03:00");
  EXPECT_EQ(riyadh_time(-1), "1970-01-01T02:59:59+03:00");
  EXPECT_EQ(riyadh_time(-10801), "1969-12-31T23:59:59+03:00");
  EXPECT_EQ(parse_instant("2026-03-10T06:30:00Z"), kNow);
  EXPECT_EQ(parse_instant("2026-03-10T09:30:00.250+03:00"), kNow);
  EXPECT_EQ(parse_instant("2026-03-10T01:30:00-05:00"), kNow);
  EXPECT_EQ(instant_of(Json(kNow)), kNow);
  EXPECT_EQ(instant_of(decimal("1773124200.75")), kNow);
  for (const char* bad :
       {"", "2026-03-10", "2026-03-10T06:30:00", "2026-02-30T06:30:00Z", "2026-03-10T24:00:00Z",
        "2026-03-10T06:30:00+3:00", "2026-03-10T06:30:00.Z", "1899-12-31T00:00:00Z"}) {
    EXPECT_FALSE(parse_instant(bad).has_value()) << bad;
  }
}

TEST(NphiesJson, KeepsDigitsAndOrderAndRefusesDoubtfulText) {
  const std::string text = R"({"b":115.00,"a":[0.10,1,-2.50,true,null,"x\"y"]})";
  EXPECT_EQ(write_json(parse_json(text)), text);
  for (const char* bad : {"", "{", "[1,]", R"({"a":1,"a":2})", "1 2", "\"\xff\"", "NaN"}) {
    EXPECT_THROW((void)parse_json(bad), JsonError) << bad;
  }
  EXPECT_NO_THROW((void)parse_json(std::string(64, '[') + std::string(64, ']')));
  EXPECT_THROW((void)parse_json(std::string(65, '[') + std::string(65, ']')), JsonError);
}

TEST(NphiesSettings, NameThePlaceThatIsWrong) {
  const auto refused = [](const std::string& name, const char* value) {
    try {
      (void)read_settings(write_json(config_with(name, parse_json(value))));
    } catch (const Refusal& refusal) {
      return refusal.path();
    }
    return std::string("(accepted)");
  };
  EXPECT_EQ(refused("base_url", "\"ftp://x\""), "base_url");
  EXPECT_EQ(refused("provider", R"({"licence": "a b"})"), "provider/licence");
  EXPECT_EQ(refused("facility", R"({"licence": "G"})"), "facility/clinicSpecialty");
  EXPECT_EQ(refused("tax_percent", "100.01"), "tax_percent");
  EXPECT_EQ(refused("poll_count", "101"), "poll_count");
  EXPECT_EQ(refused("poll_count", "100"), "(accepted)");
  EXPECT_EQ(read_settings(kConfig).url, "http://127.0.0.1:1/fhir/$process-message");
}

}  // namespace
}  // namespace rabt::nphies::testing::builder_test
