#include <gtest/gtest.h>

#include <chrono>
#include <functional>

#include "tests/e2e/support.hpp"
#include "tests/eventually.hpp"

// Systems that speak neither FHIR nor HL7 v2 book through mapping files, at a hub that runs as a
// process: the shipped examples end in sessions of the shipped consultation workflow.
namespace rabt::e2e::mapped_test {
namespace {

// The first value that is not null, while it is waited for.
Json waited(const std::function<Json()>& ask) {
  Json found;
  (void)test::eventually([&] {
    found = ask();
    return !found.is_null();
  });
  return found;
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
  return text;
}

class Mapped : public testing::Test {
 protected:
  static std::string example(const std::string& name) {
    return source_dir() + "/config/sources/examples/" + name;
  }
  // Entries of these examples, each the plugin `mapped`, and sources of the same names.
  void start(const std::vector<std::string>& names) {
    for (const std::string& name : names) {
      site_.config.more_plugins +=
          "  " + name + ": {use: mapped, source: \"" + path_.at(name) + "\"}\n";
      site_.config.more_sources += "  " + name +
                                   ": {scheme: standard-webhooks, secrets: [{file: \"" +
                                   site_.whsec_file + "\"}], plugin: " + name + "}\n";
    }
    site_.start_sandbox();
    site_.start_hub();
  }
  // The body of an example, on the day after tomorrow.
  std::string body(const std::string& name) const {
    std::string text = read_file(example("bodies/" + name));
    text = replaced(std::move(text), "10/03/2026",
                    day_.substr(8, 2) + "/" + day_.substr(5, 2) + "/" + day_.substr(0, 4));
    return replaced(std::move(text), "2026-03-10", day_);
  }
  // The instance of the consultation with this key, once it has a session.
  Json session_of(const std::string& key) {
    return waited([&]() -> Json {
      const Json list = site_.api("instances?limit=100")["items"];
      for (std::size_t i = 0; i < list.size(); ++i) {
        const Json context = site_.api("instances/" + list[i].string_or("id", ""), true)["context"];
        if (context["appointment"].string_or("key", "") == key && context["session"].is_string())
          return context;
      }
      return {};
    });
  }
  // When the session of a consultation is to begin: "2026-03-10T06:00:00" in UTC.
  std::string start_of(const Json& context) {
    return site_.api("sessions/" + context["session"].as_string(), true)
        .string_or("scheduledStart", "none")
        .substr(0, 19);
  }

  Site site_{Kind::whole};
  SystemClock clock_;
  const std::string day_ = to_iso8601({clock_.now().ms + 2LL * 24 * 3'600'000}).substr(0, 10);
  std::map<std::string, std::string> path_{{"clinic", example("clinic.yaml")},
                                           {"hospital", example("hospital.yaml")},
                                           {"list", example("list.yaml")}};
};

TEST_F(Mapped, JsonXmlAndCsvBecomeSessions) {
  start({"clinic", "hospital", "list"});
  if (HasFatalFailure()) return;

  const auto json = site_.deliver("clinic", "m1", "application/json", body("clinic_booked.json"));
  EXPECT_EQ(json.status, 202) << json.body;
  EXPECT_EQ(json.body, R"({"status": "OK"})");
  const auto xml = site_.deliver("hospital", "m2", "text/xml", body("hospital_booked.xml"));
  EXPECT_EQ(xml.status, 202) << xml.body;
  const auto csv = site_.deliver("list", "m3", "text/csv", body("list.csv"));
  EXPECT_EQ(csv.status, 202) << csv.body;

  // 09:00 in Riyadh is 06:00 in UTC.
  const Json clinic = session_of("B-4711");
  ASSERT_FALSE(clinic.is_null()) << site_.api("instances").dump_pretty();
  EXPECT_EQ(start_of(clinic), day_ + "T06:00:00");
  EXPECT_EQ(clinic["patient"].string_or("name", ""), "Sami Alharbi");
  EXPECT_EQ(clinic["coverage"].string_or("payerLicence", ""), "INS-FHIR");
  EXPECT_EQ(clinic["eligibility"].string_or("outcome", ""), "eligible");
  const Json hospital = session_of("2026/771");
  ASSERT_FALSE(hospital.is_null());
  EXPECT_EQ(start_of(hospital), day_ + "T11:15:00");
  EXPECT_EQ(hospital["patient"].string_or("name", ""), "سامي الحربي");
  EXPECT_EQ(hospital["eligibility"].string_or("outcome", ""), "eligible");
  const Json first = session_of("L-1");
  ASSERT_FALSE(first.is_null());
  EXPECT_EQ(start_of(first), day_ + "T06:00:00");
  EXPECT_EQ(first["patient"].string_or("name", ""), "سامي الحربي");
  EXPECT_EQ(first["coverage"].string_or("memberId", ""), "M-1");
  const Json second = session_of("L-2");
  ASSERT_FALSE(second.is_null());
  EXPECT_EQ(second["patient"].string_or("name", ""), "ليلى \"أم فهد\" الغامدي");
  EXPECT_TRUE(second["coverage"].is_null());

  // Each entry is a plugin of its own.
  std::set<std::string> plugins;
  const Json health = site_.health()["plugins"];
  for (std::size_t i = 0; i < health.size(); ++i) plugins.insert(health[i].string_or("id", ""));
  for (const char* name : {"clinic", "hospital", "list"})
    EXPECT_TRUE(plugins.contains(name)) << name;
  // Its libraries ask the sandbox for nothing that it refuses.
  EXPECT_EQ(read_file(site_.config.log).find("plugin.forbidden"), std::string::npos);
}

TEST_F(Mapped, ARepeatAndAnOlderVersionChangeNothing) {
  start({"clinic"});
  if (HasFatalFailure()) return;
  ASSERT_EQ(site_.deliver("clinic", "m1", "application/json", body("clinic_booked.json")).status,
            202);
  const Json context = session_of("B-4711");
  ASSERT_FALSE(context.is_null());

  // The number of the message counts, not that of the delivery.
  const auto repeat = site_.deliver("clinic", "m2", "application/json", body("clinic_booked.json"));
  EXPECT_EQ(repeat.status, 202);
  const auto other = site_.deliver("clinic", "m3", "application/json",
                                   replaced(body("clinic_booked.json"), "09:00", "09:30"));
  EXPECT_EQ(other.status, 409);
  EXPECT_EQ(other.body, R"({"status": "NUMBER-USED"})");

  const std::string moved = body("clinic_moved.json");
  ASSERT_EQ(site_.deliver("clinic", "m4", "application/json", moved).status, 202);
  const auto start = [&] { return start_of(context); };
  EXPECT_FALSE(waited([&]() -> Json {
                 return start() == day_ + "T07:30:00" ? Json(true) : Json();
               }).is_null())
      << start();
  // Written before the move, and delivered after it.
  const std::string late = replaced(replaced(body("clinic_moved.json"), "2026-0002", "2026-0009"),
                                    "12:30:00", "12:10:00");
  ASSERT_EQ(
      site_.deliver("clinic", "m5", "application/json", replaced(late, "10:30", "16:00")).status,
      202);
  EXPECT_FALSE(
      test::eventually([&] { return start() != day_ + "T07:30:00"; }, std::chrono::seconds(1)))
      << start();
}

TEST_F(Mapped, ARefusalNamesLineAndPlaceAndNoValue) {
  start({"clinic"});
  if (HasFatalFailure()) return;
  const std::string canary = "Kanarienvogelfamilie";
  const std::string bad =
      replaced(replaced(body("clinic_booked.json"), "Alharbi", canary), "12/04/1985", canary);
  const auto refused = site_.deliver("clinic", "m1", "application/json", bad);
  EXPECT_EQ(refused.status, 422);
  EXPECT_EQ(refused.body, R"({"status": "REFUSED"})");
  const std::string log =
      waited([&]() -> Json {
        const std::string text = read_file(site_.config.log);
        return text.find("hook.unreadable") == std::string::npos ? Json() : Json(text);
      }).as_string();
  const std::string line = log.substr(log.find("hook.unreadable"));
  EXPECT_NE(line.find("clinic.yaml:"), std::string::npos) << line;
  EXPECT_NE(line.find("data.patient.birthDate"), std::string::npos) << line;
  EXPECT_EQ(log.find(canary), std::string::npos);
  EXPECT_TRUE(search({site_.config.data, site_.config.log}, {canary}).empty());
}

// Each meets its named limit, and the plugin goes on in the process that it has.
TEST_F(Mapped, HostileBodiesMeetALimitAndEndNoProcess) {
  start({"clinic", "hospital", "list"});
  if (HasFatalFailure()) return;
  constexpr std::size_t kMost = 10U << 20U;
  int count = 0;
  const auto refused = [&](const std::string& source, const std::string& body,
                           const std::string& reason) {
    const auto answer =
        site_.deliver(source, "m" + std::to_string(++count), "application/octet-stream", body);
    EXPECT_EQ(answer.status, 422) << reason;
    EXPECT_FALSE(waited([&]() -> Json {
                   const std::string log = read_file(site_.config.log);
                   return log.find(reason) == std::string::npos ? Json() : Json(true);
                 }).is_null())
        << reason;
  };
  std::string rows = read_file(example("bodies/list.csv"));
  const std::string row = rows.substr(rows.find("L-1"));
  while (rows.size() + row.size() < kMost) rows += row;
  refused("list", rows, "more than 200 thousand values");
  refused("clinic", std::string(kMost / 2, '[') + std::string(kMost / 2, ']'), "is no JSON");
  refused("clinic", "{\"a\": \"" + std::string(kMost - 100, 'x') + "\"}",
          "a text is longer than 256");
  refused("hospital",
          "<!DOCTYPE a [<!ENTITY b \"bbbbbbbb\"><!ENTITY c \"&b;&b;&b;&b;\">]><a>&c;&c;</a>",
          "a document type");
  std::string nested;
  while (nested.size() < kMost / 2) nested += "<a>";
  refused("hospital", nested + "</a>", "is no XML");
  std::string flat = "<a>";
  while (flat.size() < kMost - 100) flat += "<b/>";
  refused("hospital", flat + "</a>", "more than 200 thousand values");

  EXPECT_EQ(site_.deliver("clinic", "good", "application/json", body("clinic_booked.json")).status,
            202);
  const Json plugins = site_.health()["plugins"];
  for (std::size_t i = 0; i < plugins.size(); ++i) {
    EXPECT_EQ(plugins[i].int_or("restarts", -1), 0) << plugins[i].dump();
  }
}

TEST_F(Mapped, AWrongFileStopsTheStartWithItsPlace) {
  const std::string file = site_.folder() / "wrong.yaml";
  write_file(file,
             "mapping: 1\nformat: json\nrules:\n  - type: org.rabt.hub.session.created.v1\n"
             "    data: {a: '${ .b | }'}\n");
  site_.config.more_plugins = "  wrong: {use: mapped, source: \"" + file + "\"}\n";
  site_.start_sandbox();
  const Finished ended = site_.serve();
  EXPECT_NE(ended.code, 0);
  EXPECT_NE(ended.said.find("wrong.yaml:4:11: error: events of the type org.rabt.hub.*"),
            std::string::npos)
      << ended.said;
  EXPECT_NE(ended.said.find("wrong.yaml:5:"), std::string::npos) << ended.said;
}

}  // namespace
}  // namespace rabt::e2e::mapped_test
