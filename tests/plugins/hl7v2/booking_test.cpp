#include "booking.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "hl7.hpp"
#include "rabt/json_nlohmann.hpp"
#include "tests/vector_files.hpp"

namespace rabt::hl7v2::booking_test {
namespace {

// All people are fictional.
const std::string kBooking =
    "MSH|^~\\&|HIS|RIYADH|RABT|HUB|20260310083000+0300||SIU^S12^SIU_S12|C1|P|2.5.1||||||UNICODE "
    "UTF-8\r"
    "SCH|PL-1^EHR|FL-1^HIS|||||CHECKUP^Video visit|VIRTUAL|20|MIN|^^20^20260310090000|||||||||||||"
    "|Booked\r"
    "NTE|1||Canarycomplaint\r"
    "PID|1||MRN001^^^CLINIC^MR~1000000008^^^KSA^NI||Canaryfamily^Sami^Saad^^^^L||19850412|M|||^^"
    "Riyadh||+966500000001~^NET^Internet^sami@example.org|||S\r"
    "PV1|1|V|||||||||||||||||V-7\r"
    "DG1|1||J06.9^Infection^I10AM\r"
    "IN1|1|GOLD|INS-FHIR|Demo Insurance|||||||||||||SEL||||||||||||||||||P-1|M-0|||||||||||||M-1\r"
    "RGS|1|A\r"
    "AIP|1|A|N-P-00001^Subaie^Noura^^^Dr.\r";

std::string with(std::string text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}
std::string without(const std::string& text, const std::string& segment) {
  const auto at = text.find("\r" + segment);
  return text.substr(0, at) + text.substr(text.find('\r', at + 1));
}
Json given(const std::string& body, const Settings& settings = {}) {
  const sdk::Events events = to_events(body, settings, 1'773'120'600);
  EXPECT_TRUE(events.error.empty());
  return Json::parse(events.json);
}
Json event(const std::string& body, const Settings& settings = {}) {
  const Json out = given(body, settings);
  EXPECT_FALSE(out.contains("refused")) << out["refused"];
  EXPECT_EQ(out["events"].size(), 1U);
  return out["events"].empty() ? Json() : out["events"][0];
}
std::string field(const std::string& text, const std::string& segment, std::size_t number,
                  int part = 1) {
  Message message;
  message.read(text, "ASCII");
  const Segment* found = message.find(segment);
  return found == nullptr ? "none" : found->text(number, part);
}
// "AE 101 SCH-11" of the answer to a message that is refused.
std::string refusal(const std::string& body, const Settings& settings = {}) {
  const Json out = given(body, settings);
  if (!out.contains("refused")) return "taken";
  EXPECT_TRUE(out["events"].empty());
  EXPECT_EQ(out["refused"].get<std::string>().find("anary"), std::string::npos);
  const std::string answer = out["answers"]["refused"];
  return field(answer, "MSA", 1) + " " + field(answer, "ERR", 3) + " " + field(answer, "ERR", 2) +
         "-" + field(answer, "ERR", 2, 3);
}

TEST(Booking, ReadsIcd10AmUnderEachOfItsNames) {
  for (const char* name : {"I10AM", "ICD10AM", "ICD-10-AM"}) {
    const Json reasons =
        event(with(kBooking, "^I10AM", std::string("^") + name))["data"]["appointment"]["reasons"];
    EXPECT_NE(reasons.dump().find(R"("system":"http://hl7.org/fhir/sid/icd-10-am")"),
              std::string::npos)
        << name;
  }
}

TEST(Booking, SaysTheSameAsABookingByFhir) {
  const Json item = event(kBooking);
  EXPECT_EQ(item["type"], "org.rabt.appointment.booked.v1");
  EXPECT_EQ(item["source"], "/hl7v2/RIYADH/HIS");
  EXPECT_TRUE(item["id"].get<std::string>().starts_with("HIS|FL-1/S12/C1/"));
  EXPECT_EQ(item["time"], "2026-03-10T05:30:00Z");
  EXPECT_EQ(item["data"], Json::parse(R"({
    "appointment": {
      "key": "HIS|FL-1", "identifier": {"value": "FL-1"},
      "start": "2026-03-10T09:00:00+03:00", "startEpoch": 1773122400,
      "end": "2026-03-10T06:20:00Z", "endEpoch": 1773123600, "plannedMinutes": 20,
      "status": "booked", "description": "Canarycomplaint",
      "reasons": [{"text": "Video visit"},
                  {"system": "http://hl7.org/fhir/sid/icd-10-am", "code": "J06.9", "display": "Infection"}],
      "reference": "PL-1^EHR|FL-1^HIS|V-7",
      "patientReference": "MRN001^^^CLINIC^MR~1000000008^^^KSA^NI",
      "practitionerReference": "N-P-00001^Subaie^Noura^^^Dr."},
    "modality": "video",
    "patient": {
      "identifier": {"value": "1000000008", "type": "NI"},
      "name": "Sami Saad Canaryfamily", "family": "Canaryfamily", "given": ["Sami", "Saad"],
      "telecom": [{"system": "phone", "value": "+966500000001"}, {"system": "email", "value": "sami@example.org"}],
      "gender": "male", "birthDate": "1985-04-12", "maritalStatus": "U"},
    "patientIdentifiers": [{"value": "MRN001", "type": "MR"}, {"value": "1000000008", "type": "NI"}],
    "practitioner": {"name": "Dr. Noura Subaie", "family": "Subaie", "given": ["Noura"]},
    "coverage": {"memberId": "M-1", "payerName": "Demo Insurance",
                 "relationship": "self", "class": {"type": "plan", "value": "P-1"}}
  })"));
}

TEST(Booking, TheTriggerSaysWhatHappened) {
  const std::pair<const char*, const char*> kinds[] = {
      {"S12", "booked"},    {"S13", "booked"},    {"S14", "booked"}, {"S15", "cancelled"},
      {"S16", "cancelled"}, {"S17", "cancelled"}, {"S26", "noshow"}};
  for (const auto& [trigger, kind] : kinds) {
    const Json item = event(with(kBooking, "S12", trigger));
    EXPECT_EQ(item["type"], "org.rabt.appointment." + std::string(kind) + ".v1") << trigger;
    EXPECT_EQ(item["data"]["appointment"]["key"], "HIS|FL-1");
  }
  const auto said = [](const char* status) {
    return event(with(kBooking, "|Booked", std::string("|") + status))["type"].get<std::string>();
  };
  EXPECT_EQ(said("Pending"), "org.rabt.appointment.updated.v1");
  EXPECT_EQ(said("Complete"), "org.rabt.appointment.updated.v1");
  EXPECT_EQ(said("Noshow"), "org.rabt.appointment.noshow.v1");
  EXPECT_EQ(said(""), "org.rabt.appointment.booked.v1");
}

// Symptom: a word that the hospital took back was not heard. Cause: an event was known by its
// control id alone, and some senders count these from the beginning again.
TEST(Booking, AnotherMessageIsAnotherEvent) {
  const Json first = event(kBooking)["id"];
  EXPECT_EQ(event(kBooking)["id"], first) << "a message that is sent again";
  EXPECT_NE(event(with(kBooking, "|C1|", "|C2|"))["id"], first);
  EXPECT_NE(event(with(kBooking, "20260310083000", "20260310083001"))["id"], first);
  EXPECT_NE(event(with(kBooking, "||M-1", "||M-2"))["id"], first);
}

TEST(Booking, ACancellationNeedsItsIdOnly) {
  const Json item = event("MSH|^~\\&|HIS|R|||20260310||SIU^S15|C2|P|2.3\rSCH||FL-1^HIS\r");
  EXPECT_EQ(item["type"], "org.rabt.appointment.cancelled.v1");
  EXPECT_EQ(item["data"]["appointment"]["key"], "HIS|FL-1");
  EXPECT_FALSE(item["data"].contains("patient"));
}

// Symptom: a booking with the placer's number alone and its change with both numbers were two
// visits. Cause: the filler's number counted wherever there was one. Caught by: both messages.
TEST(Booking, TheNumberOfThePlacerCountsWhereTheConfigurationSaysSo) {
  const Settings settings = read_settings(R"({"appointment_number": "placer"})");
  const std::string first = with(kBooking, "|FL-1^HIS|", "||");
  const auto key = [](const Json& item) {
    return item["data"]["appointment"]["key"].get<std::string>();
  };
  EXPECT_EQ(key(event(first, settings)), "EHR|PL-1");
  EXPECT_EQ(key(event(kBooking, settings)), "EHR|PL-1");
  EXPECT_EQ(key(event(with(kBooking, "PL-1^EHR", ""), settings)), "HIS|FL-1");
  EXPECT_EQ(key(event(first)), "EHR|PL-1");
  EXPECT_EQ(key(event(kBooking)), "HIS|FL-1");
}

TEST(Booking, OtherVersionsSayTheTimeElsewhere) {
  const std::string without_time = with(kBooking, "|^^20^20260310090000|", "||");
  EXPECT_EQ(refusal(without_time), "AE 101 SCH-11");
  const Json timing =
      event(with(without_time, "NTE|", "TQ1|1||||||202603100900-0100|202603100930-0100\rNTE|"));
  EXPECT_EQ(timing["data"]["appointment"]["startEpoch"], 1773136800);
  EXPECT_EQ(timing["data"]["appointment"]["end"], "2026-03-10T09:30:00-01:00");
  const Json service = event(with(without_time, "AIP|", "AIS|1|A|TELE|20260310090000\rAIP|"));
  EXPECT_EQ(service["data"]["appointment"]["startEpoch"], 1773122400);
}

TEST(Booking, TheConfigurationSaysWhatTheHospitalsCodesMean) {
  const std::string plain =
      with(with(kBooking, "CHECKUP^Video visit|VIRTUAL", "CHECKUP|TM"), "PV1|1|V|", "PV1|1|O|");
  EXPECT_EQ(event(plain)["data"]["modality"], "in-person");
  const Settings settings = read_settings(
      R"({"video_codes":["TM"],"systems":{"HIS":"https://his.example.sa/a","KSA":"http://nphies.sa/identifier/nationalid"},
          "time_zone":"+00:00"})");
  const Json item = event(plain, settings)["data"];
  EXPECT_EQ(item["modality"], "video");
  EXPECT_EQ(item["appointment"]["key"], "https://his.example.sa/a|FL-1");
  EXPECT_EQ(item["appointment"]["identifier"]["system"], "https://his.example.sa/a");
  EXPECT_EQ(item["appointment"]["startEpoch"], 1773133200);
  EXPECT_EQ(item["patient"]["identifier"]["system"], "http://nphies.sa/identifier/nationalid");
}

TEST(Booking, TheCoverComesFromIn1OrFromTheConfiguration) {
  const std::string none = without(kBooking, "IN1");
  EXPECT_FALSE(event(none)["data"].contains("coverage"));
  const Settings settings = read_settings(
      R"({"coverage":{"payerLicence":"CNHI","payerName":"National","type":"PUBLICPOL"}})");
  EXPECT_EQ(
      event(none, settings)["data"]["coverage"],
      Json::parse(
          R"({"memberId":"1000000008","payerLicence":"CNHI","payerName":"National","type":"PUBLICPOL"})"));
  EXPECT_EQ(event(kBooking, settings)["data"]["coverage"]["memberId"], "M-1");
  // A payer knows no record number.
  EXPECT_FALSE(
      event(with(none, "~1000000008^^^KSA^NI", ""), settings)["data"].contains("coverage"));
  EXPECT_EQ(event(with(kBooking, "|||||||||||||M-1", ""))["data"]["coverage"]["memberId"], "M-0");
}

TEST(Booking, TheCoverIsTheOneInForceThatCountsFirst) {
  const auto cover = [](const std::string& from, const std::string& to, const std::string& priority,
                        const std::string& member) {
    return "IN1|1|P|INS-2|Other||||||||" + from + "|" + to + "|||||||||" + priority +
           std::string(14, '|') + member + "\r";
  };
  const auto member = [](const std::string& covers) {
    const std::string body = with(without(kBooking, "IN1"), "RGS|1|A\r", covers + "RGS|1|A\r");
    const Json out = given(body);
    return out.contains("refused")
               ? refusal(body)
               : out["events"][0]["data"]["coverage"]["memberId"].get<std::string>();
  };
  const std::string good = cover("20260101", "20261231", "", "GOOD");
  EXPECT_EQ(member(cover("20200101", "20201231", "", "OLD") + good), "GOOD");
  EXPECT_EQ(member(cover("", "20260309", "", "OLD") + good), "GOOD");
  EXPECT_EQ(member(cover("20260311", "", "", "NEXT") + good), "GOOD");
  EXPECT_EQ(member(cover("20300101000000+0300", "", "", "NEXT") + good), "GOOD");
  EXPECT_EQ(member(cover("20260310", "20260310", "", "DAY") + good), "DAY");
  EXPECT_EQ(member(cover("", "", "", "OPEN") + good), "OPEN");
  EXPECT_EQ(member(cover("", "", "2", "SECOND") + cover("", "", "1", "FIRST") + good), "FIRST");
}

// Symptom: an insurer got the claim that another one pays, and nobody was asked. Cause: of two IN1
// without an order the first of the message was taken. Caught by: both orders of the message.
TEST(Booking, TwoInsurersOfWhichNoneComesFirstAreAskedAbout) {
  const auto cover = [](const std::string& set, const std::string& id, const std::string& name,
                        const std::string& priority, const std::string& member) {
    return "IN1|" + set + "|P|" + id + "|" + name + "||||||||||||||||||" + priority +
           std::string(14, '|') + member + "\r";
  };
  const auto pays = [](const std::string& covers) {
    const std::string body = with(without(kBooking, "IN1"), "RGS|1|A\r", covers + "RGS|1|A\r");
    const Json data = event(body)["data"];
    return data.contains("coverage") ? data["coverage"]["memberId"].get<std::string>()
                                     : data["warnings"].dump();
  };
  constexpr const char* kAsked = R"(["coverage.not_in_force"])";
  for (const char* set : {"1", ""}) {
    const std::string text = cover(set, "INS-2", "One", "", "M-1");
    const std::string two = cover(set, "INS-3", "Two", "", "M-2");
    EXPECT_EQ(pays(text + two), kAsked) << set;
    EXPECT_EQ(pays(two + text), kAsked) << set;
    EXPECT_EQ(pays(text + two + cover(set, "INS-4", "Three", "1", "M-3")), "M-3") << set;
    EXPECT_EQ(pays(text + cover(set, "INS-2", "One", "", "M-4")), "M-1") << "one insurer" << set;
  }
  EXPECT_EQ(pays(cover("1", "INS-2", "One", "1", "M-1") + cover("1", "INS-3", "Two", "1", "M-2")),
            kAsked);
  // IN1-1 says which comes first.
  EXPECT_EQ(pays(cover("2", "INS-2", "One", "", "M-1") + cover("1", "INS-3", "Two", "", "M-2")),
            "M-2");
}

// Symptom: the insurer of the old year was asked about a visit of 1 January. Cause: its cover was
// looked for on the day of the sender's offset.
TEST(Booking, ACoverIsInForceOnTheDayWhereTheHospitalIs) {
  const std::string rest = std::string(14, '|');
  const std::string covers = "IN1|1|P|INS-2|Other||||||||20260101|20261231|||||||||" + rest +
                             "OLD\r" + "IN1|2|P|INS-3|Other||||||||20270101|20271231|||||||||" +
                             rest + "NEW\r";
  const std::string body = with(without(kBooking, "IN1"), "RGS|1|A\r", covers + "RGS|1|A\r");
  const auto member = [&body](const std::string& start) {
    return event(with(body, "20260310090000", start))["data"]["coverage"]["memberId"];
  };
  EXPECT_EQ(member("20261231223500+0000"), "NEW");
  EXPECT_EQ(member("20270101013500+0300"), "NEW");
  EXPECT_EQ(member("20270101030000+0530"), "NEW");
  EXPECT_EQ(member("20270101020000+0530"), "OLD");
  EXPECT_EQ(member("20261231205959+0000"), "OLD");
}

// Symptom: the visit of a patient whose insurance had ended was refused. Cause: a booking without a
// coverage in force was an error. The visit does not wait for the payer.
TEST(Booking, WithoutACoverInForceTheVisitIsBookedAndSaysSo) {
  const std::string old =
      "IN1|1|P|INS-2|Other||||||||20200101|20201231|||||||||" + std::string(14, '|') + "OLD\r";
  const std::string body = with(without(kBooking, "IN1"), "RGS|1|A\r", old + "RGS|1|A\r");
  // The configured payer must not take the place of the one that has ended.
  const Settings settings = read_settings(R"({"coverage":{"payerLicence":"CNHI"}})");
  const Json data = event(body, settings)["data"];
  EXPECT_FALSE(data.contains("coverage"));
  EXPECT_FALSE(data.contains("assumed"));
  EXPECT_EQ(data["warnings"], Json::array({"coverage.not_in_force"}));
  EXPECT_FALSE(event(without(kBooking, "IN1"))["data"].contains("warnings"));
}

// Symptom: an insured visit became one that the patient pays by SIU^S14 "Started", which comes
// without IN1. Cause: no IN1 and a patient who pays were the same event.
TEST(Booking, WhoPaysHimselfIsSaidAndAnAbsentIn1SaysNothing) {
  EXPECT_FALSE(event(kBooking)["data"].contains("selfPay"));
  EXPECT_FALSE(event(without(kBooking, "IN1"))["data"].contains("selfPay"));
  // The configured payer must not take the place of the patient.
  const Settings settings =
      read_settings(R"({"coverage":{"payerLicence":"CNHI"},"self_pay_codes":["CASH"]})");
  const auto pays = [&settings](const std::string& in1) {
    const std::string body =
        with(without(kBooking, "IN1"), "RGS|1|A\r", "IN1|" + in1 + "\rRGS|1|A\r");
    const std::string text = refusal(body, settings);
    if (!text.starts_with("taken")) return text;
    const Json data = event(body, settings)["data"];
    if (data.contains("coverage")) return data["coverage"]["memberId"].get<std::string>();
    return data.contains("selfPay") ? std::string("patient") : std::string("nobody");
  };
  for (const char* self : {"1|SELFPAY", "1|X^Self Pay", "1||self-pay", "1|||Self-Pay", "1|CASH",
                           "1|X|CASH", "1|X|Y|Z|||||||||||CASH", "1|\"\"", "1|X|\"\"|\"\""}) {
    EXPECT_EQ(pays(self), "patient") << self;
  }
  EXPECT_EQ(pays("1|X|INS-2|Other||||||||||||||||||||||||||||||||M-1"), "M-1");
  EXPECT_EQ(pays("1|||"), "AE 101 IN1-36") << "it says nothing at all";
}

// Symptom: an insured patient got the bill and nobody was asked. Cause: IN1 that the patient pays
// came first, and hid the insurer. Caught by: both in one message, in each order.
TEST(Booking, AnInsurerInForceComesBeforeThePatient) {
  const auto cover = [](const std::string& plan, const std::string& payer, const std::string& end,
                        const std::string& priority, const std::string& member) {
    return "IN1|1|" + plan + "||" + payer + "|||||||||" + end + "|||||||||" + priority +
           std::string(14, '|') + member + "\r";
  };
  const auto pays = [](const std::string& covers) {
    const std::string body = with(without(kBooking, "IN1"), "RGS|1|A\r", covers + "RGS|1|A\r");
    const std::string text = refusal(body);
    if (!text.starts_with("taken")) return text;
    const Json data = event(body)["data"];
    if (data.contains("coverage")) {
      EXPECT_FALSE(data.contains("selfPay"));
      return data["coverage"]["memberId"].get<std::string>();
    }
    return data.contains("selfPay") ? std::string("patient") : data["warnings"].dump();
  };
  const std::string self = cover("SELFPAY", "SELF PAY", "", "1", "");
  const std::string insurer = cover("P", "Other", "", "", "M-4");
  EXPECT_EQ(pays(self + insurer), "M-4");
  EXPECT_EQ(pays(insurer + self), "M-4");
  EXPECT_EQ(pays("IN1|1|\"\"\r" + insurer), "M-4");
  EXPECT_EQ(pays(self + cover("P", "Second", "", "2", "M-5") + insurer), "M-5");
  EXPECT_EQ(pays(self), "patient");
  EXPECT_EQ(pays(self + cover("P", "Other", "20201231", "", "OLD")), "patient");
  EXPECT_EQ(pays(self + "IN1|2|||\r"), "patient") << "an IN1 that names nobody is no insurer";
  EXPECT_EQ(pays("IN1|2|||\r" + insurer), "M-4");
  EXPECT_EQ(pays(self + cover("P", "Other", "", "", "")), "AE 101 IN1-36");
}

TEST(Booking, AnEventHasAllNumbersOfThePatient) {
  const std::string text = with(kBooking, "MRN001^^^CLINIC^MR~", "");
  EXPECT_FALSE(event(text)["data"].contains("patientIdentifiers"));
  EXPECT_EQ(event(with(kBooking, "S12", "S15"))["data"]["patientIdentifiers"].size(), 2U);
  const Settings settings = read_settings(R"({"systems":{"KSA":"urn:ksa"}})");
  EXPECT_EQ(event(with(kBooking, "^MR~", "^PI~"), settings)["data"]["patientIdentifiers"],
            Json::parse(R"([{"value": "MRN001", "type": "MR"},
                            {"system": "urn:ksa", "value": "1000000008", "type": "NI"},
                            {"system": "http://nphies.sa/identifier/nationalid",
                             "value": "1000000008", "type": "NI"}])"));
}

// Symptom: a booking went into the record of somebody with another national id. Cause: the hub
// knows a national id by the system of NPHIES, and the hospital has its own. Caught by: own systems
// with a type, and own systems and namespaces of the configuration.
TEST(Booking, ANumberUnderAnOwnSystemIsKnown) {
  const auto numbers = [](const std::string& pid, const char* config = "{}") {
    const std::string body = with(kBooking, "MRN001^^^CLINIC^MR~1000000008^^^KSA^NI", pid);
    const Json data = event(body, read_settings(config))["data"];
    std::string out;
    for (const Json& item : data.value("patientIdentifiers", Json::array())) {
      out += (out.empty() ? "" : ", ") + item.value("type", "-") + " " + item.value("system", "-") +
             " " + item.value("value", "-");
    }
    return out;
  };
  const std::string nphies = "http://nphies.sa/identifier/";
  EXPECT_EQ(numbers("1000000008^^^&1.2.3&ISO^NI"),
            "NI urn:oid:1.2.3 1000000008, NI " + nphies + "nationalid 1000000008");
  EXPECT_EQ(numbers("2000000006^^^&1.2.3&ISO^NI"),
            "NI urn:oid:1.2.3 2000000006, PRC " + nphies + "iqama 2000000006");
  EXPECT_EQ(numbers("A1^^^&urn:p&URI^PPN"), "PPN urn:p A1, PPN " + nphies + "passportnumber A1");
  // The same number under both systems stands there once under each.
  EXPECT_EQ(numbers("1000000008^^^&urn:a&URI^NI~1000000008^^^&" + nphies + "nationalid&URI^NI"),
            "NI urn:a 1000000008, NI " + nphies + "nationalid 1000000008");
  // A type alone makes no national id of a number without its form, nor of a record number.
  EXPECT_EQ(numbers("1000000009^^^&1.2.3&ISO^NI"), "");
  EXPECT_EQ(numbers("29001011234567^^^&1.2.3&ISO^NI"), "");
  EXPECT_EQ(numbers("1000000008^^^&1.2.3&ISO^MR"), "");
  EXPECT_EQ(numbers("1000000008^^^&1.2.3&ISO"), "");
  // The configuration knows the authority by its URI or its namespace, whatever the type says.
  constexpr const char* kOwn =
      R"({"identifiers": {"national_id": ["urn:oid:1.2.3", "CIVIL"], "border_number": ["urn:b"]}})";
  EXPECT_EQ(numbers("1000000008^^^&1.2.3&ISO", kOwn),
            "NI urn:oid:1.2.3 1000000008, NI " + nphies + "nationalid 1000000008");
  EXPECT_EQ(numbers("2000000006^^^&1.2.3&ISO^PI", kOwn),
            "PRC urn:oid:1.2.3 2000000006, PRC " + nphies + "iqama 2000000006");
  EXPECT_EQ(numbers("1000000009^^^&1.2.3&ISO", kOwn), "") << "another number of that system";
  EXPECT_EQ(numbers("7^^^&urn:b&URI", kOwn), "BN urn:b 7, BN " + nphies + "bordernumber 7");
  const Json named = event(with(kBooking, "MRN001^^^CLINIC^MR~1000000008^^^KSA^NI",
                                "M1^^^CLINIC^MR~1000000008^^^CIVIL^PI"),
                           read_settings(kOwn))["data"];
  EXPECT_EQ(named["patient"]["identifier"], Json::parse(R"({"value": "1000000008", "type": "NI"})"))
      << "the workflow gives it the system of its type";
  const std::string abroad = with(kBooking, "|||S\r", "|||S||||||||||EGY\r");
  const Json passport = event(with(abroad, "1000000008^^^KSA^NI", "A1^^^&urn:p&URI^PPN"))["data"];
  EXPECT_EQ(passport["patientIdentifiers"].back()["system"],
            "http://hl7.org/fhir/sid/passport-EGY");
}

TEST(Booking, ASystemHasOneKind) {
  const auto refused = [](const char* config) {
    try {
      (void)read_settings(config);
      return std::string("taken");
    } catch (const sdk::Refusal& wrong) {
      return std::string(wrong.what());
    }
  };
  EXPECT_NE(refused(R"({"identifiers": {"national_id": ["urn:x"], "passport": ["urn:x"]}})")
                .find("identifiers.passport: urn:x stands under another kind"),
            std::string::npos);
  EXPECT_EQ(refused(R"({"identifiers": {"national_id": ["urn:x"], "iqama": ["urn:y"]}})"), "taken");
}

TEST(Booking, ThePayerIsTheOneThatIsNamed) {
  const auto payer = [](const std::string& id, const std::string& name) {
    const Settings settings =
        read_settings(R"({"systems": {"CHI": "http://nphies.sa/license/payer-license"}})");
    const std::string body =
        with(kBooking, "|INS-FHIR|Demo Insurance|", "|" + id + "|" + name + "|");
    const Json out = given(body, settings);
    return out.contains("refused")
               ? refusal(body)
               : out["events"][0]["data"]["coverage"].value("payerLicence", "none");
  };
  EXPECT_EQ(payer("INS-2^^^CHI", "Other"), "INS-2");
  EXPECT_EQ(payer("17^^^OWN", "Other"), "none");
  EXPECT_EQ(payer("17^^^&http://example.org/payer-license-number&URI", "Other"), "none");
  EXPECT_EQ(payer("17", "Other"), "none");
  EXPECT_EQ(payer("17^^^OWN", ""), "AE 101 IN1-3");
  EXPECT_EQ(payer("17^^^OWN~INS-2^^^CHI", "Other"), "INS-2");
  EXPECT_EQ(payer("", "Other"), "none");
  EXPECT_EQ(payer("", ""), "AE 101 IN1-3");
  // The configuration says what ids without an authority are.
  const auto bare = [](const std::string& id) {
    const Settings settings =
        read_settings(R"({"systems": {"IN1-3": "http://nphies.sa/license/payer-license"}})");
    return event(with(kBooking, "|INS-FHIR|", "|" + id + "|"), settings)["data"]["coverage"].value(
        "payerLicence", "none");
  };
  EXPECT_EQ(bare("INS-2"), "INS-2");
  EXPECT_EQ(bare("17^^^OWN"), "none");
  EXPECT_EQ(bare("17^^^&1.2.3&ISO"), "none");
  // The event says that a cover is the configuration's.
  const Settings settings = read_settings(R"({"coverage":{"payerLicence":"CNHI"}})");
  EXPECT_EQ(event(without(kBooking, "IN1"), settings)["data"]["assumed"],
            Json::array({"coverage"}));
  EXPECT_FALSE(event(kBooking, settings)["data"].contains("assumed"));
}

TEST(Booking, ADoctorWhoWasTakenOutIsNotBooked) {
  const auto doctor = [](const std::string& before) {
    return event(with(kBooking, "AIP|1|A|N",
                      before + "AIP|1|A|N"))["data"]["appointment"]["practitionerReference"]
        .get<std::string>()
        .substr(0, 5);
  };
  EXPECT_EQ(doctor("AIP|1|D|N-P-9\r"), "N-P-0");
  EXPECT_EQ(doctor("AIP|1|A|N-P-9|||||||||Cancelled\r"), "N-P-0");
  EXPECT_EQ(doctor("AIP|1|A|N-P-9|||||||||Booked\r"), "N-P-9");
}

TEST(Booking, OnlyALicenceIsTheDoctorsLicence) {
  const auto doctor = [](const std::string& id, const char* systems = "{}") {
    const Settings settings = read_settings(std::string(R"({"systems": )") + systems + "}");
    const Json data = event(with(kBooking, "N-P-00001^Subaie^Noura^^^Dr.", id), settings)["data"];
    const Json own = data["appointment"].value("practitionerIdentifier", Json::object());
    return data["practitioner"].value("licence", "none") + ", " + own.value("system", "none");
  };
  constexpr const char* kLicences =
      R"({"SCFHS": "http://nphies.sa/license/practitioner-license", "HR": "urn:staff",
          "AIP-3": "http://nphies.sa/license/practitioner-license"})";
  const std::string licences = "http://nphies.sa/license/practitioner-license";
  EXPECT_EQ(doctor("17^Subaie"), "none, none");
  EXPECT_EQ(doctor("17"), "none, none");
  EXPECT_EQ(event(with(kBooking, "N-P-00001^Subaie^Noura^^^Dr.", "17"))["data"]["practitioner"],
            Json::parse(R"({"name": "17"})"));
  EXPECT_EQ(doctor("17^Subaie^^^^^^^HR", kLicences), "none, urn:staff");
  EXPECT_EQ(doctor("17^Subaie^^^^^^^OTHER", kLicences), "none, none");
  EXPECT_EQ(doctor("L^Subaie^^^^^^^SCFHS", kLicences), "L, " + licences);
  EXPECT_EQ(doctor("L^Subaie", kLicences), "L, " + licences);
  EXPECT_EQ(doctor("L^Subaie^^^^^^^HR^^^^MD", kLicences), "L, urn:staff");
}

// Symptom: every booking of a hospital took 30 minutes of the doctor's time.
// Cause: the event had no length.
// Caught by: each field that says a length, and the limits of a session.
TEST(Booking, ItsLengthReachesTheSession) {
  const auto planned = [](const std::string& fields, const std::string& service = "") {
    std::string body = with(kBooking, "|20|MIN|^^20^20260310090000|", "|" + fields + "|");
    if (!service.empty()) body = with(body, "AIP|1", service + "\rAIP|1");
    const Json data = event(body)["data"];
    return data["appointment"].value("plannedMinutes", Json()).dump() +
           (data.contains("warnings") ? " " + data["warnings"].dump() : "");
  };
  EXPECT_EQ(planned("45|MIN|^^^20260310090000"), "45");
  EXPECT_EQ(planned("45||^^^20260310090000"), "45");
  EXPECT_EQ(planned("2|HR|^^^20260310090000"), "120");
  EXPECT_EQ(planned("900|s|^^^20260310090000"), "15");
  EXPECT_EQ(planned("2|moons|^^^20260310090000"), "null");
  EXPECT_EQ(planned("||^^45^20260310090000"), "45");
  EXPECT_EQ(planned("||^^M45^20260310090000"), "45");
  EXPECT_EQ(planned("20|MIN|^^20^20260310090000^20260310100000"), "60");
  EXPECT_EQ(planned("||^^^20260310090000", "AIS|1|A|VR|||||40|MIN"), "null");
  EXPECT_EQ(planned("||^^^20260310090000", "AIS|1|A|VR||||40|MIN"), "40");
  EXPECT_EQ(planned("||^^^20260310090000"), "null");
  const std::string warned = R"( ["appointment.length"])";
  EXPECT_EQ(planned("4|MIN|^^^20260310090000"), "5" + warned);
  EXPECT_EQ(planned("480|MIN|^^^20260310090000"), "480");
  EXPECT_EQ(planned("2|D|^^^20260310090000"), "480" + warned);
}

// Symptom: a booking was accepted, and its instance given up for the length of a text.
// Cause: sessions and payers take shorter texts than the event had.
// Caught by: each text of the event at its limit and one character beyond.
TEST(Booking, TextsAreCutAtWhatASessionTakes) {
  struct Case {
    const char* from;
    const char* to;
    std::size_t most;
    std::string warning;
  };
  for (const Case& one :
       {Case{"Canarycomplaint", "/appointment/description", 4000, "appointment.description.cut"},
        Case{"Video visit", "/appointment/reasons/0/text", 1000, "appointment.reasons.text.cut"},
        Case{"Infection", "/appointment/reasons/1/display", 1000,
             "appointment.reasons.display.cut"},
        Case{"Canaryfamily", "/patient/family", 200, "patient.family.cut"},
        Case{"Saad", "/patient/given/1", 200, "patient.given.cut"},
        Case{"Subaie", "/practitioner/family", 200, "practitioner.family.cut"},
        Case{"Noura", "/practitioner/given/0", 200, "practitioner.given.cut"},
        Case{"Demo Insurance", "/coverage/payerName", 200, "coverage.payerName.cut"}}) {
    const auto data = [&one](std::size_t length) {
      return event(with(kBooking, one.from, std::string(length, 'x')))["data"];
    };
    const Json::json_pointer to(one.to);
    EXPECT_EQ(data(one.most).at(to).get<std::string>().size(), one.most) << one.to;
    EXPECT_EQ(data(one.most).value("warnings", Json::array()).dump().find(one.warning),
              std::string::npos);
    const Json beyond = data(one.most + 1);
    EXPECT_EQ(beyond.at(to).get<std::string>(), std::string(one.most - 3, 'x') + "...") << one.to;
    EXPECT_NE(beyond["warnings"].dump().find(one.warning), std::string::npos) << one.to;
  }
  const auto names = [](std::size_t length) {
    const Json data =
        event(with(with(kBooking, "Noura^^^Dr.", ""), "Subaie", std::string(length, 'x')))["data"];
    return data["practitioner"]["name"].get<std::string>().size();
  };
  EXPECT_EQ(names(200), 200U);
  EXPECT_EQ(names(201), 200U);
}

TEST(Booking, AnIdentifierThatNobodyTakesIsRefused) {
  const Settings settings = read_settings(
      R"({"systems": {"IN1-3": "http://nphies.sa/license/payer-license",
                      "AIP-3": "http://nphies.sa/license/practitioner-license"}})");
  const auto refused = [&settings](const std::string& from, std::size_t length) {
    return refusal(with(kBooking, from, std::string(length, 'x')), settings);
  };
  EXPECT_EQ(refused("INS-FHIR", 60), "taken");
  EXPECT_EQ(refused("INS-FHIR", 61), "AE 102 IN1-3");
  EXPECT_EQ(refused("N-P-00001", 100), "taken");
  EXPECT_EQ(refused("N-P-00001", 101), "AE 102 AIP-3");
  EXPECT_EQ(refused("J06.9", 100), "taken");
  EXPECT_EQ(refused("J06.9", 101), "AE 102 DG1-3");
  EXPECT_EQ(refused("M-1", 100), "taken");
  EXPECT_EQ(refused("M-1", 101), "AE 101 IN1-36");
}

TEST(Booking, TheRefusalNamesSegmentAndField) {
  EXPECT_EQ(refusal("hello"), "AE 100 MSH-");
  EXPECT_EQ(refusal(with(kBooking, "SIU^S12^SIU_S12", "ADT^A04")), "AR 200 MSH-9");
  EXPECT_EQ(refusal(with(kBooking, "^S12", "^S18")), "AR 201 MSH-9");
  EXPECT_EQ(refusal(with(kBooking, "|P|", "|T|")), "AR 202 MSH-11");
  EXPECT_EQ(refusal(with(kBooking, "2.5.1", "3.0")), "AR 203 MSH-12");
  EXPECT_EQ(refusal(with(kBooking, "|C1|", "||")), "AE 101 MSH-10");
  EXPECT_EQ(refusal(with(kBooking, "PL-1^EHR|FL-1^HIS", "|")), "AE 101 SCH-2");
  EXPECT_EQ(refusal(with(kBooking, "|Booked", "|Canary")), "AE 103 SCH-25");
  EXPECT_EQ(refusal(with(kBooking, "^20260310090000", "^2026031025")), "AE 102 SCH-11");
  EXPECT_EQ(refusal(without(kBooking, "SCH")), "AE 100 SCH-");
  EXPECT_EQ(refusal(without(kBooking, "PID")), "AE 100 PID-");
  EXPECT_EQ(refusal(without(kBooking, "AIP")), "AE 100 AIP-");
  EXPECT_EQ(refusal(with(kBooking, "Canaryfamily^Sami^Saad^^^^L", "")), "AE 101 PID-5");
  EXPECT_EQ(refusal(with(kBooking, "19850412", "1985")), "AE 102 PID-7");
  EXPECT_EQ(refusal(with(kBooking, "|M|", "|X|")), "AE 103 PID-8");
  EXPECT_EQ(refusal(with(kBooking, "UNICODE UTF-8", "UNICODE UTF-16")), "AE 103 MSH-18");
  EXPECT_EQ(refusal(with(kBooking, "M-0|||||||||||||M-1", "")), "AE 101 IN1-36");
  EXPECT_EQ(refusal(kBooking, read_settings(R"({"processing_ids":["T"]})")), "AR 202 MSH-11");
}

TEST(Acknowledgement, GoesBackToTheSender) {
  const std::string answer = given(kBooking)["answers"]["accepted"];
  EXPECT_EQ(
      answer,
      "MSH|^~\\&|RABT|HUB|HIS|RIYADH|20260310053000+0000||ACK^S12^ACK|C1|P|2.5.1||||||UNICODE "
      "UTF-8\rMSA|AA|C1\r");
  EXPECT_EQ(given(kBooking)["id"], "RIYADH|HIS|C1");
}

TEST(Acknowledgement, ComesInTheModeThatTheSenderAsksFor) {
  const auto codes = [](const std::string& accept, const std::string& application) {
    const Json out =
        given(with(kBooking, "2.5.1||||||", "2.5.1|||" + accept + "|" + application + "||"));
    const auto code = [&](const char* kind) {
      const std::string text = out["answers"][kind];
      return text.empty() ? std::string("-") : field(text, "MSA", 1);
    };
    return code("accepted") + " " + code("conflict");
  };
  EXPECT_EQ(codes("", ""), "AA AR");
  EXPECT_EQ(codes("AL", "NE"), "CA CR");
  EXPECT_EQ(codes("AL", "AL"), "CA CR");
  EXPECT_EQ(codes("ER", "NE"), "- CR");
  EXPECT_EQ(codes("SU", "NE"), "CA -");
  EXPECT_EQ(codes("NE", "AL"), "AA AR");
  EXPECT_EQ(codes("", "ER"), "- AR");
  EXPECT_EQ(codes("NE", "NE"), "- -");
}

TEST(Booking, EveryVectorIsTaken) {
  const char* data = std::getenv("RABT_CONFORMANCE_DATA");  // NOLINT(concurrency-mt-unsafe)
  if (data == nullptr) GTEST_SKIP() << "RABT_CONFORMANCE_DATA is not set";
  test::VectorFiles files(std::filesystem::path(data) / "fhir/hl7v2");
  for (const auto& file : files.all()) {
    std::ifstream in(file, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    const std::string name = file.filename().string();
    files.judged(file);
    if (name.starts_with("ack_")) {
      EXPECT_EQ(field(text, "MSA", 1), name == "ack_aa.hl7" ? "AA" : "AE");
      continue;
    }
    const Json item = event(
        text, read_settings(
                  R"({"systems": {"AIP-3": "http://nphies.sa/license/practitioner-license"}})"));
    const std::string kind = name.find("cancel") != std::string::npos   ? "cancelled"
                             : name.find("noshow") != std::string::npos ? "noshow"
                                                                        : "booked";
    EXPECT_EQ(item["type"], "org.rabt.appointment." + kind + ".v1") << name;
    EXPECT_EQ(item["data"]["modality"], "video") << name;
    EXPECT_EQ(item["data"]["appointment"]["key"], "HUB|FL-1") << name;
    EXPECT_EQ(item["data"]["practitioner"]["licence"], "N-P-00003") << name;
    if (name.find("arabic") != std::string::npos) {
      EXPECT_EQ(item["data"]["patient"]["name"], "مريض التجربة") << name;
    }
  }
}

}  // namespace
}  // namespace rabt::hl7v2::booking_test
