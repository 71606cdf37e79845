#include "tests/mapping/support.hpp"

// Three systems that write in other styles than the shipped examples: each booking has the right
// time, patient and payer. All people are fictional.
namespace rabt::mapping::styles_test {
namespace {

using test::mapping_of;
using test::take;

constexpr const char* kPayers = "house,licence\n17,INS-17\nGULF,INS-GULF\n";

struct Booked {
  std::string key;
  std::int64_t start = 0;
  std::string patient;
  std::string payer;
  friend bool operator==(const Booked&, const Booked&) = default;
};
std::vector<Booked> booked(const Taken& taken) {
  EXPECT_EQ(taken.refused, "");
  std::vector<Booked> out;
  for (const Json& event : taken.events.as_array()) {
    const Json& data = event["data"];
    out.push_back({event.string_or("subject", ""), data["appointment"].int_or("startEpoch", 0),
                   data["patient"].string_or("name", ""),
                   data["coverage"].string_or("payerLicence", "")});
  }
  return out;
}

// One message with many visits, times as milliseconds, people in a list of their own, numbers as
// ids.
TEST(MappingStyles, JsonOfAScheduler) {
  const auto mapping = mapping_of(R"~(mapping: 1
format: json
maps: {payers: payers.csv}
id: ${ "\(.tenant)/\(.batch)" }
each: ${ .visits[] }
key: ${ .visitId }
version: ${ .changed }
rules:
  - when: ${ .tags | index("remote") }
    type: org.rabt.appointment.booked.v1
    data: >-
      ${ . as $visit | ($message.people[] | select(.pid == $visit.pid)) as $one
         | {modality: "video",
            appointment: {startEpoch: (.begins / 1000), plannedMinutes: ((.ends - .begins) / 60000)},
            patient: {identifier: {value: ($one.pid | tostring), type: "MR"}, name: ($one.names | join(" "))},
            practitioner: {licence: .doctor},
            coverage: (if $one.house then {memberId: $one.member, payerLicence: map("payers"; $one.house)} else null end)
           } }
  - ignore: true
)~",
                                  {{"payers.csv", kPayers}});
  ASSERT_NE(mapping, nullptr);
  const Taken taken = take(*mapping, R"({"tenant": "t", "batch": 12,
    "people": [{"pid": 5, "names": ["Huda", "Salem"], "house": 17, "member": "M5"}, {"pid": 6, "names": ["Omar"]}],
    "visits": [
      {"visitId": 900, "pid": 5, "begins": 1773122400000, "ends": 1773123600000, "changed": 1773000000000, "tags": ["remote"], "doctor": "N-1"},
      {"visitId": 901, "pid": 6, "begins": 1773122400000, "ends": 1773123600000, "changed": 1773000000000, "tags": [], "doctor": "N-1"},
      {"visitId": 902, "pid": 6, "begins": 1773126000000, "ends": 1773127200000, "changed": 1773000000000, "tags": ["new", "remote"], "doctor": "N-1"}]})");
  EXPECT_EQ(booked(taken), (std::vector<Booked>{{"900", 1773122400, "Huda Salem", "INS-17"},
                                                {"902", 1773126000, "Omar", ""}}));
  EXPECT_EQ(taken.id, "t/12");
  EXPECT_EQ(taken.events[0].string_or("time", ""), "2026-03-08T20:00:00.000Z");
}

// Attributes only, two namespaces, an own character set, a day and a time apart.
TEST(MappingStyles, XmlOfALaboratory) {
  const auto mapping = mapping_of(R"~(mapping: 1
format: xml
zone: Europe/Paris
namespaces: {r: 'urn:rdv', p: 'urn:personne'}
lists: ['r:rdv']
maps: {payers: payers.csv}
each: ${ .["r:agenda"]["r:rdv"][] }
key: ${ .["@no"] }
rules:
  - type: org.rabt.appointment.booked.v1
    data:
      modality: video
      appointment: {startEpoch: '${ instant(.["@jour"] + " " + .["@heure"]; "%d.%m.%Y %Hh%M") }'}
      patient: {name: '${ .["p:qui"] | .["@prenom"] + " " + .["@nom"] }', identifier: {value: '${ .["p:qui"]["@no"] }'}}
      practitioner: {name: '${ $message["r:agenda"]["@medecin"] }'}
      coverage: {memberId: '${ .["p:qui"]["@no"] }', payerLicence: '${ map("payers"; .["p:qui"]["@caisse"]) }'}
)~",
                                  {{"payers.csv", kPayers}});
  ASSERT_NE(mapping, nullptr);
  const std::string body =
      "<?xml version=\"1.0\" encoding=\"windows-1252\"?>\n<agenda xmlns=\"urn:rdv\" "
      "xmlns:x=\"urn:personne\" medecin=\"Dr Lef\xe8vre\">\n"
      "<rdv no=\"R1\" jour=\"29.03.2026\" heure=\"10h30\"><x:qui nom=\"Beno\xeet\" "
      "prenom=\"Zo\xe9\" "
      "no=\"77\" caisse=\"GULF\"/></rdv></agenda>";
  EXPECT_EQ(booked(take(*mapping, body)),
            (std::vector<Booked>{{"R1", 1774773000, "Zoé Benoît", "INS-GULF"}}));
}

// Tabs, no header, American dates, quotation marks and line ends in a field.
TEST(MappingStyles, CsvWithoutAHeader) {
  const auto mapping = mapping_of(R"~(mapping: 1
format: csv
charset: windows-1252
separator: "\t"
columns: [no, when, who, born, payer, note]
zone: America/New_York
maps: {payers: payers.csv}
key: ${ .no }
rules:
  - type: org.rabt.appointment.booked.v1
    data:
      modality: video
      appointment: {startEpoch: '${ instant(.when; "%m/%d/%Y %I:%M %p") }', description: '${ .note }'}
      patient:
        name: ${ .who | split(", ") | .[1] + " " + .[0] }
        birthDate: ${ .born | strptime("%m/%d/%Y") | strftime("%Y-%m-%d") }
        identifier: {value: '${ .no }'}
      practitioner: {name: Dr. Who}
      coverage: {memberId: '${ .no }', payerLicence: '${ map("payers"; .payer) }'}
)~",
                                  {{"payers.csv", kPayers}});
  ASSERT_NE(mapping, nullptr);
  const Taken taken =
      take(*mapping,
           "A1\t03/10/2026 2:05 PM\tM\xfcller, Anna\t12/31/1979\t17\t\"says \"\"hi\"\"\n"
           "and more\"\nA2\t11/01/2026 1:30 AM\tLee, Bo\t01/02/2003\tGULF\t\n");
  EXPECT_EQ(booked(taken), (std::vector<Booked>{{"A1", 1773165900, "Anna Müller", "INS-17"},
                                                {"A2", 1793511000, "Bo Lee", "INS-GULF"}}));
  EXPECT_EQ(taken.events[0]["data"]["appointment"].string_or("description", ""),
            "says \"hi\"\nand more");
}

}  // namespace
}  // namespace rabt::mapping::styles_test
