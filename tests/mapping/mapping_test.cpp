#include "hub/mapping/mapping.hpp"

#include "hub/mapping/limits.hpp"
#include "tests/mapping/support.hpp"

// Results of mapping deliveries, and errors of mappings.
namespace rabt::mapping::mapping_test {
namespace {

using test::mapping_of;
using test::mistakes_of;
using test::take;

const std::string kSmall = R"(mapping: 1
format: json
zone: Asia/Riyadh
maps: {codes: codes.csv}
key: ${ .ref }
version: ${ .at }
rules:
  - name: made
    when: ${ .what == "made" }
    type: org.rabt.appointment.booked.v1
    data:
      modality: video
      note: ${ .note }
      code: ${ map("codes"; .code) }
      appointment: {startEpoch: '${ instant(.start) }'}
  - when: ${ .what == "gone" }
    ignore: true
)";
const std::map<std::string, std::string> kParts{{"codes.csv", "code,to\nA,one\nB,two\n"}};

TEST(Mapping, TheFirstRuleThatHoldsTakesTheMessage) {
  const auto mapping = mapping_of(kSmall, kParts);
  ASSERT_NE(mapping, nullptr);
  const Taken taken =
      take(*mapping,
           R"({"ref": "R-1", "what": "made", "start": "2026-03-10T09:00", "code": "B", "at": 7})");
  EXPECT_EQ(taken.refused, "");
  EXPECT_EQ(
      taken.events.dump(),
      R"([{"type":"org.rabt.appointment.booked.v1","source":"/sources/clinic","id":"digest/1",)"
      R"("subject":"R-1","time":"1970-01-01T00:00:07.000Z","data":{"appointment":{"key":"R-1",)"
      R"("startEpoch":1773122400},"code":"two","modality":"video"}}])");
  EXPECT_EQ(taken.id, "digest");
  EXPECT_EQ(take(*mapping, R"({"what": "gone"})").events.size(), 0U);
  EXPECT_EQ(take(*mapping, R"({"what": "else"})").refused,
            "test.yaml: the message: no rule takes it; add a rule, or one with `ignore: true`");
}

TEST(Mapping, AMistakeOfARuleNamesLinePlaceAndReason) {
  const auto mapping = mapping_of(kSmall, kParts);
  ASSERT_NE(mapping, nullptr);
  EXPECT_EQ(take(*mapping, R"({"what": "made", "code": "C", "start": "2026-03-10T09:00"})").refused,
            "test.yaml:14: rule `made`, data.code, the message: map: the code map `codes` has no "
            "such code; add it, or a row `*` for all that have none (at byte 1 of the expression)");
  EXPECT_EQ(
      take(*mapping, R"({"what": "made", "code": "A", "start": "tomorrow"})").refused.substr(0, 73),
      "test.yaml:15: rule `made`, data.appointment.startEpoch, the message: inst");
  EXPECT_EQ(take(*mapping, R"({"what": "made", "at": "soon", "code": "A"})").refused.substr(0, 36),
            "test.yaml:6: version, the message: a");
}

TEST(Mapping, OneMessageBecomesManyEvents) {
  const auto mapping = mapping_of(R"(mapping: 1
format: json
id: ${ .no }
each: ${ .list[] }
rules:
  - type: sa.example.one.v1
    each: ${ .parts[] }
    subject: ${ .n }
    data: {n: '${ .n }', of: '${ $item.name }', whole: '${ $message.no }'}
)");
  ASSERT_NE(mapping, nullptr);
  const Taken taken = take(
      *mapping,
      R"({"no": 12, "list": [{"name": "a", "parts": [{"n": 1}, {"n": 2}]}, {"name": "b", "parts": []}]})");
  EXPECT_EQ(taken.refused, "");
  ASSERT_EQ(taken.events.size(), 2U);
  EXPECT_EQ(taken.id, "12");
  EXPECT_EQ(taken.events[1].dump(),
            R"({"type":"sa.example.one.v1","source":"/sources/clinic","id":"12/2","subject":"2",)"
            R"("data":{"n":2,"of":"a","whole":12}})");
}

TEST(Mapping, MoreEventsThanADeliveryMayCarryAreRefused) {
  const auto mapping = mapping_of(
      "mapping: 1\nformat: json\neach: ${ range(.) }\n"
      "rules: [{type: sa.example.one.v1, data: {n: 1}}]\n");
  ASSERT_NE(mapping, nullptr);
  const std::string most = std::to_string(limits::kMaxEventsPerDelivery);
  EXPECT_EQ(take(*mapping, most).events.size(),
            static_cast<std::size_t>(limits::kMaxEventsPerDelivery));
  EXPECT_EQ(take(*mapping, std::to_string(limits::kMaxEventsPerDelivery + 1)).refused,
            "test.yaml: the message becomes more than " + most + " events; send it in parts");
  EXPECT_EQ(take(*mapping, "20001").refused,
            "test.yaml: the message has more than 20 thousand items");
}

TEST(Mapping, LocalTimesBecomeInstants) {
  const auto at = [](const std::string& zone, const std::string& expression) {
    const auto mapping = mapping_of("mapping: 1\nformat: json\n" + zone +
                                    "rules:\n  - type: sa.example.one.v1\n    data: {at: '${ " +
                                    expression + " }'}\n");
    if (mapping == nullptr) return std::string();
    const Taken taken = take(*mapping, "{}");
    return taken.refused.empty() ? taken.events[0]["data"]["at"].dump() : taken.refused;
  };
  const std::string riyadh = "zone: Asia/Riyadh\n";
  const std::string berlin = "zone: Europe/Berlin\n";
  EXPECT_EQ(at(riyadh, "instant(\"2026-03-10T09:00\")"), "1773122400");
  EXPECT_EQ(at(riyadh, "instant(\"2026-03-10 09:00:00.123\")"), "1773122400");
  EXPECT_EQ(at(riyadh, "instant(\"2026-03-10T06:00:00Z\")"), "1773122400");
  EXPECT_EQ(at(riyadh, "instant(\"2026-03-10T08:00:00+0200\")"), "1773122400");
  EXPECT_EQ(at(riyadh, "instant(\"202603100900\")"), "1773122400");
  EXPECT_EQ(at(riyadh, "instant(\"20260310070000.5+0100\")"), "1773122400");
  EXPECT_EQ(at(riyadh, "instant(1773122400)"), "1773122400");
  EXPECT_EQ(at(riyadh, "instant(\"10.03.26 9:00 AM\"; \"%d.%m.%y %I:%M %p\")"), "1773122400");
  EXPECT_EQ(at(riyadh, "instant(\"10/03/2026 07:00\"; \"%d/%m/%Y %H:%M\"; \"Europe/Berlin\")"),
            "1773122400");
  EXPECT_EQ(at(riyadh, "instant(\"10/03/2026 07:00 +0100\"; \"%d/%m/%Y %H:%M %z\")"), "1773122400");
  // Clocks go from 02:00 to 03:00 on 29 March 2026, and back from 03:00 to 02:00 on 25 October.
  EXPECT_EQ(at(berlin, "instant(\"2026-03-29T01:59\")"), "1774745940");
  EXPECT_EQ(at(berlin, "instant(\"2026-03-29T03:00\")"), "1774746000");
  EXPECT_NE(at(berlin, "instant(\"2026-03-29T02:30\")").find("does not exist"), std::string::npos);
  EXPECT_EQ(at(berlin, "instant(\"2026-10-25T02:30\")"), "1792888200");
  EXPECT_NE(at("", "instant(\"2026-03-10T09:00\")").find("names no `zone`"), std::string::npos);
  EXPECT_NE(at(riyadh, "instant(\"2026-03-10\")").find("this is no time"), std::string::npos);
  EXPECT_NE(at(riyadh, "instant(\"2026-02-30T09:00\")").find("this is no time"), std::string::npos);
  // Seconds, and the names of UTC, are no local time.
  EXPECT_EQ(at(riyadh, "instant(\"1773122400\"; \"%s\")"), "1773122400");
  EXPECT_EQ(at(riyadh, "instant(\"2026-03-10 06:00 UTC\"; \"%F %R %Z\")"), "1773122400");
  // A percent sign is no offset.
  EXPECT_EQ(at(riyadh, "instant(\"2026-03-10 09:00 %z\"; \"%F %R %%z\")"), "1773122400");
  EXPECT_NE(at(riyadh, "instant(\"31/04/2031 09:30\"; \"%d/%m/%Y %R\")").find("has no such day"),
            std::string::npos);
  for (const char* format : {"%R", "%d %R", "%m/%Y %R", "%d.%m. %R"})
    EXPECT_NE(at(riyadh, "instant(\"10\"; \"" + std::string(format) + "\")").find("no whole date"),
              std::string::npos)
        << format;
}

TEST(Mapping, MessagesOfHl7AreAcknowledged) {
  const auto mapping = mapping_of(R"(mapping: 1
format: hl7v2
id: ${ hl7("MSH-10") }
rules:
  - when: ${ hl7("PID-3") == "1" }
    type: sa.example.one.v1
    data: {name: '${ hl7("PID-5.2") }', none: '${ hl7("ZZZ-1.2.3") }'}
)");
  ASSERT_NE(mapping, nullptr);
  const std::string head = "MSH|^~\\&|HIS|RUH|HUB|X|20260310||ADT^A08|C-7|P|2.5\r";
  const Taken taken = take(*mapping, head + "PID|1||1||F^G\r");
  EXPECT_EQ(taken.refused, "");
  EXPECT_EQ(taken.id, "C-7");
  EXPECT_EQ(taken.events[0]["data"].dump(), R"({"name":"G"})");
  EXPECT_NE(taken.answers.string_or("accepted", "").find("MSA|AA|C-7"), std::string::npos);
  const Taken refused = take(*mapping, head + "PID|1||2||F^G\r");
  EXPECT_NE(refused.answers.string_or("refused", "").find("MSA|AE|C-7"), std::string::npos);
  EXPECT_NE(refused.answers.string_or("refused", "").find("no rule takes it"), std::string::npos);
  EXPECT_FALSE(refused.answers.find("accepted") != nullptr);
}

TEST(Mapping, ResourcesOfABundleReferToOneAnother) {
  const auto mapping = mapping_of(R"(mapping: 1
format: fhir
each: ${ resources("Appointment")[] }
rules:
  - type: sa.example.one.v1
    data: {who: '${ .who as $who | $message | refer($who) | .name }'}
)");
  ASSERT_NE(mapping, nullptr);
  const Taken taken = take(*mapping, R"({"resourceType": "Bundle", "entry": [
    {"resource": {"resourceType": "Appointment", "who": "Patient/1"}},
    {"resource": {"resourceType": "Appointment", "who": "urn:uuid:2"}},
    {"resource": {"resourceType": "Appointment", "who": "Patient/9"}},
    {"resource": {"resourceType": "Patient", "id": "1", "name": "one"}},
    {"fullUrl": "urn:uuid:2", "resource": {"resourceType": "Patient", "id": "x", "name": "two"}}]})");
  EXPECT_EQ(taken.refused, "");
  ASSERT_EQ(taken.events.size(), 3U);
  EXPECT_EQ(taken.events[0]["data"].dump(), R"({"who":"one"})");
  EXPECT_EQ(taken.events[1]["data"].dump(), R"({"who":"two"})");
  EXPECT_EQ(taken.events[2]["data"].dump(), "{}");
}

TEST(Mapping, TextsOfABookingAreCutAndIdsAreNot) {
  const auto mapping = mapping_of(
      "mapping: 1\nformat: json\nrules:\n  - type: org.rabt.appointment.booked.v1\n"
      "    data: {modality: video, patient: '${ . }', appointment: {key: k, startEpoch: 1}}\n");
  ASSERT_NE(mapping, nullptr);
  const Taken cut = take(*mapping, R"({"name": ")" + std::string(300, 'n') + R"("})");
  EXPECT_EQ(cut.events[0]["data"]["warnings"].dump(), R"(["patient.name.cut"])");
  const Taken refused =
      take(*mapping, R"({"identifier": {"value": ")" + std::string(101, '1') + R"("}})");
  EXPECT_EQ(refused.refused,
            "test.yaml:4: the message: data.patient.identifier.value: the id or code is too long");
}

// ---- Mistakes of the file ----

TEST(MappingFile, EveryMistakeHasItsPlace) {
  const std::string found = mistakes_of(R"(mapping: 1
format: yaml
zoone: x
rules:
  - when: ${ .a == }
    type: org.rabt.hub.session.created.v1
    data: {a: 'x ${ .b }', b: '${ nothing(1) }'}
  - ignore: yes
  - type: one
)");
  EXPECT_NE(found.find("test.yaml:2:9: error: `format` must be json"), std::string::npos) << found;
  EXPECT_NE(found.find("test.yaml:3:1: error: unknown key `zoone` (did you mean `zone`?)"),
            std::string::npos)
      << found;
  EXPECT_NE(found.find("test.yaml:5:"), std::string::npos) << found;
  EXPECT_NE(
      found.find("test.yaml:6:11: error: events of the type org.rabt.hub.* are the hub's own"),
      std::string::npos)
      << found;
  EXPECT_NE(found.find("test.yaml:7:15: error: an expression is the whole value"),
            std::string::npos)
      << found;
  EXPECT_NE(found.find("test.yaml:7:35: error: rule 1, data.b: there is no function nothing/1"),
            std::string::npos)
      << found;
  EXPECT_NE(found.find("test.yaml:8:13: error: `ignore` is true"), std::string::npos) << found;
  EXPECT_NE(found.find("test.yaml:9:11: error: a rule needs the `type`"), std::string::npos)
      << found;
  EXPECT_NE(found.find("test.yaml:9:5: error: a rule needs `data`"), std::string::npos) << found;
}

TEST(MappingFile, MapsZonesAndSchemasAreChecked) {
  const std::string rest = "rules: [{type: org.rabt.appointment.booked.v1, data: {}}]\n";
  EXPECT_NE(mistakes_of("mapping: 1\nformat: json\nzone: Mars/North\n" + rest)
                .find("3:7: error: this zone is not known"),
            std::string::npos);
  EXPECT_NE(mistakes_of("mapping: 1\nformat: json\nmaps: {m: m.csv}\n" + rest,
                        {{"m.csv", "a,b\n1,2\n1,3\n"}})
                .find("row 3: the code stands in the file twice"),
            std::string::npos);
  EXPECT_NE(mistakes_of("mapping: 1\nformat: json\nschema: {type: objekt}\n" + rest).find(":3:"),
            std::string::npos);
  EXPECT_NE(mistakes_of("format: json\n" + rest).find("begins with `mapping: 1`"),
            std::string::npos);
  EXPECT_NE(mistakes_of("mapping: 1\nformat: json\ncharset: utf-8\n" + rest).find("JSON is always"),
            std::string::npos);
}

TEST(MappingFile, TypesThatNobodyDeclaresAreNamed) {
  const std::string found = mistakes_of(
      "mapping: 1\nformat: json\nevents: [{type: sa.example.one.v1, schema: {type: object}}]\n"
      "rules:\n  - {when: '${ .a }', type: sa.example.one.v1, data: {}}\n"
      "  - {type: sa.example.won.v1, data: {}}\n");
  EXPECT_EQ(found,
            "test.yaml:6:12: error: no event of this type is declared (did you mean "
            "`sa.example.one.v1`?) [mapping.file]");
}

TEST(Mapping, AnEventThatDoesNotFitItsSchemaIsRefused) {
  const auto mapping = mapping_of(
      "mapping: 1\nformat: json\nrules:\n  - type: org.rabt.appointment.cancelled.v1\n"
      "    data: {modality: video, appointment: {status: cancelled}}\n");
  ASSERT_NE(mapping, nullptr);
  EXPECT_EQ(take(*mapping, "{}").refused,
            "test.yaml:4: the message: the event does not fit its schema: /appointment lacks the "
            "required member \"key\"");
}

// Symptom: no source could tell that a patient has paid. Cause: a mapping gave events of
// appointments and its own only. The event of docs/workflows.md must come out of a mapping.
TEST(Mapping, ACashierTellsThatAVisitIsPaid) {
  const std::string file =
      "mapping: 1\nformat: json\nid: ${ .no }\nkey: ${ .visit }\nrules:\n"
      "  - type: org.rabt.payment.confirmed.v1\n    data: {}\n";
  const auto mapping = mapping_of(file);
  ASSERT_NE(mapping, nullptr);
  const Taken taken = take(*mapping, R"({"no": "P-1", "visit": "A-1"})");
  EXPECT_EQ(taken.refused, "");
  EXPECT_EQ(taken.events.item(0)["data"].dump(), R"({"appointment":{"key":"A-1"}})");
  EXPECT_EQ(take(*mapping, R"({"no": "P-2"})").refused.find("\"key\"") != std::string::npos, true);
}

// ---- No value of a message is told ----

// A value that no mapping and no message of the hub holds.
constexpr std::string_view kCanary = "Kanarienvogel77";

// Puts the canary in the place of each text and number of a body, one after the other.
std::vector<std::string> with_canary(const std::string& body, std::string_view around) {
  std::vector<std::string> out;
  const std::string ends(around);
  for (std::size_t at = 0; at < body.size();) {
    const auto begin = body.find_first_not_of(ends, at);
    if (begin == std::string::npos) break;
    const auto end = std::min(body.find_first_of(ends, begin), body.size());
    out.push_back(body.substr(0, begin) + std::string(kCanary) + body.substr(end));
    at = end;
  }
  return out;
}

TEST(MappingCanary, NoValueIsToldInAnyFieldOfAnyFormat) {
  const std::string strict = R"(
zone: Asia/Riyadh
maps: {codes: codes.csv}
rules:
  - type: org.rabt.appointment.booked.v1
    data:
      appointment: {key: '${ .key }', startEpoch: '${ instant(.start) }', number: '${ .number | tonumber }'}
      modality: ${ map("codes"; .code) }
      patient: {name: '${ .name + " " + .family }', birth: '${ .birth | strptime("%Y-%m-%d") | mktime }'}
)";
  const std::string schema =
      "schema: {type: object, required: [key, start, code], additionalProperties: false, "
      "properties: "
      "{key: {pattern: '^K-[0-9]$'}, start: {type: string}, number: {maxLength: 3}, code: {enum: "
      "[A]}, "
      "name: {type: string}, family: {type: string}, birth: {type: string}}}";
  struct Of {
    std::string format;
    std::string more;
    std::string body;
    std::string around;
  };
  const std::string json =
      R"({"key": "K-1", "start": "2026-03-10T09:00", "number": "12", "code": "A", "name": "n", "family": "f", "birth": "1985-04-12"})";
  const std::vector<Of> all{
      {"json", "", json, " ,:{}\""},
      {"json", schema, json, " ,:{}\""},
      {"fhir", "", "{\"resourceType\": \"X\", " + json.substr(1), " ,:{}\""},
      {"form", "",
       "key=K-1&start=2026-03-10T09:00&number=12&code=A&name=n&family=f&birth=1985-04-12", "=&"},
      {"form", schema,
       "key=K-1&start=2026-03-10T09:00&number=12&code=A&name=n&family=f&birth=1985-04-12", "=&"},
      {"csv", "",
       "key,start,number,code,name,family,birth\nK-1,2026-03-10T09:00,12,A,n,f,1985-04-12\n",
       ",\n"},
      {"csv", schema,
       "key,start,number,code,name,family,birth\nK-1,2026-03-10T09:00,12,A,n,f,1985-04-12\n",
       ",\n"},
      {"xml", "each: '${ .m }'",
       "<m><key>K-1</key><start>2026-03-10T09:00</start><number>12</number><code>A</code><name>n"
       "</name><family>f</family><birth>1985-04-12</birth></m>",
       "<>/ "},
  };
  int refused = 0;
  for (const Of& of : all) {
    const auto mapping = mapping_of("mapping: 1\nformat: " + of.format + "\n" + of.more + strict,
                                    {{"codes.csv", "code,to\nA,video\n"}});
    ASSERT_NE(mapping, nullptr) << of.format;
    EXPECT_EQ(take(*mapping, of.body).refused, "") << of.format << " " << of.body;
    for (const std::string& body : with_canary(of.body, of.around)) {
      const Taken taken = take(*mapping, body);
      if (!taken.refused.empty()) ++refused;
      EXPECT_EQ(taken.refused.find(kCanary), std::string::npos)
          << of.format << ": " << taken.refused;
      EXPECT_EQ(taken.answers.dump().find(kCanary), std::string::npos) << of.format;
    }
  }
  EXPECT_GT(refused, 40);
}

TEST(MappingCanary, NoValueIsToldOfHl7) {
  const auto mapping = mapping_of(R"(mapping: 1
format: hl7v2
zone: Asia/Riyadh
maps: {codes: codes.csv}
schema: {type: object, required: [MSH, PID], additionalProperties: false, properties: {MSH: {}, PID: {}}}
id: ${ hl7("MSH-10") }
rules:
  - when: ${ hl7("MSH-9.2") == "A08" }
    type: sa.example.one.v1
    data:
      born: ${ instant(hl7("PID-7")) }
      sex: ${ map("codes"; hl7("PID-8")) }
      number: ${ hl7("PID-3.1") | tonumber }
)",
                                  {{"codes.csv", "code,to\nM,male\n"}});
  ASSERT_NE(mapping, nullptr);
  const std::string body =
      "MSH|^~\\&|HIS|RUH|HUB|X|20260310||ADT^A08|C-7|P|2.5\rPID|1||12^^^X||F^G||198504120000|M\r";
  ASSERT_EQ(take(*mapping, body).refused, "");
  int refused = 0;
  for (const std::string& changed : with_canary(body, "|^~\\&\r")) {
    const Taken taken = take(*mapping, changed);
    if (!taken.refused.empty()) ++refused;
    EXPECT_EQ(taken.refused.find(kCanary), std::string::npos) << taken.refused;
    // The head comes back, as the standard wants: addresses, trigger and control id.
    const std::string answer = taken.answers.string_or("refused", "");
    const std::string err = answer.substr(std::min(answer.find("ERR|"), answer.size()));
    EXPECT_EQ(err.find(kCanary), std::string::npos) << err;
  }
  EXPECT_GT(refused, 4);
}

}  // namespace
}  // namespace rabt::mapping::mapping_test
