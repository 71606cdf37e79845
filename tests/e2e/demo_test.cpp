#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <regex>

#include "tests/e2e/support.hpp"
#include "tests/eventually.hpp"
#include "tools/demo/child_process.hpp"

// `./dev demo` as a person runs it, and what it leaves behind.
namespace rabt::e2e::demo_test {
namespace {

namespace fs = std::filesystem;

Finished demo(const std::vector<std::string>& more, std::int64_t limit_ms) {
  std::vector<std::string> arguments{program("rabt-demo"), "--root", source_dir()};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return run(arguments, limit_ms);
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

// The demo runs once; every test looks at its own copy of the folder.
class AfterTheDemo : public testing::Test {
 public:
  static void SetUpTestSuite() {
    folder_ = new Folder;
    finished_ = demo({"--data", folder_->path().string(), "--keep"}, 120'000);
  }
  static void TearDownTestSuite() {
    delete folder_;
    folder_ = nullptr;
  }

 protected:
  void SetUp() override {
    if (finished_.code != 0)
      GTEST_FAIL() << "the demo failed with " << finished_.code << ":\n" << finished_.said;
    fs::copy(folder_->path() / "data", copy_.path() / "data", fs::copy_options::recursive);
    std::string yaml = read_file(folder_->path() / "rabt.yaml");
    const std::string original = "\ndata: \"" + (*folder_ / "data") + "\"\n";
    const auto at = yaml.find(original);
    ASSERT_NE(at, std::string::npos);
    yaml.replace(at, original.size(), "\ndata: \"" + (copy_ / "data") + "\"\n");
    write_file(copy_ / "rabt.yaml", yaml);
  }
  void sql(const std::string& statements) const {
    change_database(copy_ / "data/rabt.db", statements);
  }
  [[nodiscard]] Finished verify() const {
    return run({program("rabt"), "audit", "verify", "--config", copy_ / "rabt.yaml"});
  }

  static Folder* folder_;
  static Finished finished_;
  Folder copy_;
};
Folder* AfterTheDemo::folder_ = nullptr;
Finished AfterTheDemo::finished_;

TEST_F(AfterTheDemo, ItToldTheWholeStoryInTime) {
  const std::string& said = finished_.said;
  EXPECT_TRUE(contains(said, "عبدالله بن سعد القحطاني")) << said;
  EXPECT_TRUE(contains(said, "د. نورة السبيعي")) << said;
  EXPECT_TRUE(contains(said, "webhook accepted (202)")) << said;
  EXPECT_TRUE(contains(said, "complete, approved")) << said;
  EXPECT_TRUE(contains(said, "1 room, 1 claim, 1 report")) << said;
  EXPECT_TRUE(contains(said, ", verified, head ")) << said;
  EXPECT_TRUE(contains(said, "opened again: same")) << said;
  for (const char* step :
       {"the patient waits", "the doctor admits", "a note with its diagnosis",
        "A visit over the API", "a follow-up is planned for ", "the recording is sealed and kept",
        "opens the link of his visit", "the link opens nothing any more"})
    EXPECT_TRUE(contains(said, step)) << step << said;
  EXPECT_TRUE(contains(said, ": approved; submitted 150.00 SAR\n")) << said;
  EXPECT_TRUE(std::regex_search(said, std::regex("\nSMS +.*(متابعة|follow-up)"))) << said;
  EXPECT_FALSE(contains(said, "NOT")) << said;
}

// True if the expressions are found one after the other.
testing::AssertionResult in_order(const std::string& said,
                                  const std::vector<std::string>& expressions) {
  auto from = said.begin();
  for (const std::string& expression : expressions) {
    std::match_results<std::string::const_iterator> found;
    if (!std::regex_search(from, said.cend(), found, std::regex(expression)))
      return testing::AssertionFailure() << "no `" << expression << "` after what comes before:\n"
                                         << said;
    from = said.begin() + (found[0].second - said.cbegin());
  }
  return testing::AssertionSuccess();
}

TEST_F(AfterTheDemo, AFirstTimePatientComesByTheLinkOfTheMessage) {
  EXPECT_TRUE(in_order(
      finished_.said, {"webhook accepted \\(202\\)",
                       "> nobody had entered the patient: the hub made the record 01[0-9A-Z]{24}\n",
                       "> SMS to the patient: .*: موعد زيارتك المرئية 20.* "
                       "http://127\\.0\\.0\\.1:[0-9]+/i#\\.\\.\\.",
                       "> the patient opens the link of the message\n", "> the patient waits\n",
                       "> the doctor admits\n", "> both are in the room"}));
  // The code of a link opens the visit.
  EXPECT_FALSE(std::regex_search(finished_.said, std::regex("/i#[a-z0-9]"))) << finished_.said;
}

TEST_F(AfterTheDemo, TheVisitIsMovedOnceAndThePatientHearsIt) {
  std::smatch moved;
  ASSERT_TRUE(std::regex_search(
      finished_.said, moved,
      std::regex("the hospital moves the visit to ([0-9-]{10})T([0-9]{2}:[0-9]{2}):")))
      << finished_.said;
  EXPECT_TRUE(
      in_order(finished_.said, {"> the patient opens the link", "the hospital moves the visit to ",
                                "> SMS to the patient: .* تغير موعد زيارتك المرئية إلى " +
                                    moved.str(1) + ".*" + moved.str(2),
                                "> the patient waits\n"}));
  EXPECT_FALSE(contains(moved.suffix().str(), "the hospital moves the visit")) << finished_.said;
}

TEST_F(AfterTheDemo, TheClaimGoesWhenThePayerIsBack) {
  EXPECT_TRUE(in_order(finished_.said, {"> the payer is away: it answers 503\n", "> they hang up\n",
                                        "> the payer is back; requests that it missed: [1-9]",
                                        "submit +call +completed .*\\([2-9] attempts\\)",
                                        "\nClaim +[0-9a-f-]{36}: complete, approved",
                                        "\nPayer +away for [0-9.]+ s; the claim went at attempt "
                                        "[2-9]\n"}));
  EXPECT_TRUE(std::regex_search(
      finished_.said,
      std::regex("submit +call +faulted .*communication 503: nphies\\.unavailable")))
      << finished_.said;
}

TEST_F(AfterTheDemo, TheChartIsShownAsTheRecordSystemHasIt) {
  EXPECT_TRUE(in_order(finished_.said, {"\nChart +Encounter/[0-9a-f-]{36} +VR +virtual",
                                        "\n +Condition/[0-9a-f-]{36} +J11\\.1 +Influenza",
                                        "\n +Condition/[0-9a-f-]{36} +R50\\.9 "}));
  for (const char* code : {"85354-9", "8867-4", "2708-6", "8310-5"}) {
    EXPECT_TRUE(std::regex_search(finished_.said, std::regex("\n +Observation/[0-9a-f-]{36} +" +
                                                             std::string(code) + " +[A-Z]")))
        << code << finished_.said;
  }
  EXPECT_TRUE(in_order(finished_.said, {"\n +Observation/",
                                        "\n +MedicationRequest/[0-9a-f-]{36} +RX-[0-9-]+ +"
                                        "Paracetamol 500 mg",
                                        "\n +Composition/[0-9a-f-]{36} +11488-4 +Consult note\n"}));
}

TEST_F(AfterTheDemo, ItsProcessesHaveEnded) {
  EXPECT_TRUE(fs::exists(folder_->path() / "hub.out"));
  EXPECT_FALSE(fs::exists(folder_->path() / "hub.ready")) << "the hub removes it at its end";
}

TEST_F(AfterTheDemo, NoValueOfThePatientStandsInTheClearInWhatTheHubWrote) {
  // The demo's patient has number 0. The member number is drawn anew for each booking: the hub
  // itself is asked for it.
  SystemClock clock;
  SystemRandom random;
  UlidSource ids(clock, random);
  const demo::Booking booking =
      demo::with_phone(demo::make_booking(clock, ids, 0), demo::kDemoPhone);
  std::vector<std::string> values = private_values(booking.body);
  ASSERT_GE(values.size(), 13U);
  // Without its plus sign and the country's code, as somebody would write it down.
  values.emplace_back(demo::kDemoPhone.substr(4));
  std::erase_if(values, [](const std::string& value) { return value.starts_with("M-"); });

  Site site(Kind::whole);
  site.config.data = copy_ / "data";
  site.config.sends_messages = true;
  ASSERT_NO_FATAL_FAILURE(site.start_hub());
  // The booking's, what stood before and after the session over the API and before
  // that of the follow-up, and the follow-up's own.
  const Json list = site.api("instances");
  ASSERT_GE(list["items"].size(), 4U);
  std::string context;
  for (const Json& item : list["items"].as_array()) {
    if (item.string_or("workflow", "").find("consultation") != std::string::npos)
      context = site.api("instances/" + item.string_or("id", ""), true).dump();
  }
  std::smatch member;
  ASSERT_TRUE(std::regex_search(context, member, std::regex("M-[0-9A-HJKMNP-TV-Z]{10}")));
  values.push_back(member.str());
  site.stop_hub();
  EXPECT_TRUE(contains(context, booking.complaint)) << "the hub does not have what is searched for";

  const std::vector<fs::path> places{folder_->path() / "data",    folder_->path() / "hub.log",
                                     folder_->path() / "hub.out", copy_.path() / "data",
                                     site.folder() / "hub.log",   site.folder() / "hub.out"};
  EXPECT_EQ(search(places, values), std::vector<std::string>{});
  // The recordings begin with Matroska elements.
  EXPECT_EQ(search({folder_->path() / "data/blobs"}, {"matroska"}), std::vector<std::string>{});
  std::uintmax_t sealed = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder_->path() / "data/blobs")) {
    if (entry.is_regular_file()) sealed += entry.file_size();
  }
  EXPECT_GT(sealed, 2U * 1024 * 1024) << "there are no recordings to look at";
}

TEST(Search, FindsAValueInEveryFormInWhichItMayHaveLeaked) {
  const Folder folder;
  const std::string value = "صداع وارتفاع";
  const auto forms = forms_of(value);
  EXPECT_EQ(forms.size(), 7U);
  for (const auto& [form, bytes] : forms) {
    write_file(folder / "leak", std::string(5000, '\0') + bytes + std::string(5000, 'x'));
    EXPECT_EQ(search({folder.path()}, {"something else", value}),
              std::vector<std::string>{"leak: value 1 as " + form});
  }
  // Base64 as an encoder writes it, whatever stands before.
  for (const std::string before : {"", "a", "ab"}) {
    write_file(folder / "leak", to_base64(as_bytes(before + value + "after")));
    EXPECT_EQ(search({folder.path()}, {value}), std::vector<std::string>{"leak: value 0 as base64"})
        << before;
  }
  write_file(folder / "leak", "nothing");
  EXPECT_EQ(search({folder.path()}, {value}), std::vector<std::string>{});
  write_file(folder / ("visit-" + value), "nothing");
  EXPECT_EQ(search({folder.path()}, {value}).size(), 1U);
}

// ---- audit
// ----------------------------------------------------------------------------------------------------------

TEST_F(AfterTheDemo, AnUntouchedAuditLogVerifies) {
  const Finished found = verify();
  EXPECT_EQ(found.code, 0) << found.said;
  EXPECT_TRUE(contains(found.said, "verified: ")) << found.said;
}

TEST_F(AfterTheDemo, OneChangedByteOfAnEntryIsFound) {
  sql("UPDATE audit SET canonical = CAST(replace(CAST(canonical AS TEXT), '\"ok\"', '\"oK\"') AS "
      "BLOB) "
      "WHERE seq = (SELECT min(seq) FROM audit WHERE seq > 4 AND instr(CAST(canonical AS TEXT), "
      "'\"ok\"') > 0)");
  const Finished found = verify();
  EXPECT_EQ(found.code, 1) << found.said;
  EXPECT_TRUE(std::regex_search(found.said, std::regex("(^|\n)entry [0-9]+: "))) << found.said;
  EXPECT_TRUE(contains(found.said, "NOT verified")) << found.said;
  const std::regex entry("(^|\n)entry [0-9]+: ");
  EXPECT_EQ(std::distance(std::sregex_iterator(found.said.begin(), found.said.end(), entry),
                          std::sregex_iterator()),
            1)
      << "only that entry is at fault:\n"
      << found.said;
}

TEST_F(AfterTheDemo, ARemovedEntryIsFound) {
  sql("DELETE FROM audit WHERE seq = 7");
  const Finished found = verify();
  EXPECT_EQ(found.code, 1) << found.said;
  EXPECT_TRUE(contains(found.said, "entry 7 is missing")) << found.said;
}

TEST_F(AfterTheDemo, TwoEntriesInEachOthersPlaceAreFound) {
  sql("UPDATE audit SET seq = -1 WHERE seq = 5; UPDATE audit SET seq = 5 WHERE seq = 6; UPDATE "
      "audit SET seq = 6 WHERE seq = -1");
  const Finished found = verify();
  EXPECT_EQ(found.code, 1) << found.said;
  EXPECT_TRUE(contains(found.said, "entry 5: ")) << found.said;
  EXPECT_TRUE(contains(found.said, "entry 6: ")) << found.said;
}

TEST_F(AfterTheDemo, ACutEndIsFoundAndTheHubDoesNotGoOnWithIt) {
  sql("DELETE FROM audit WHERE seq > (SELECT max(seq) - 3 FROM audit)");
  const Finished found = verify();
  EXPECT_EQ(found.code, 1) << found.said;
  EXPECT_TRUE(contains(found.said, " are missing")) << found.said;

  Site site(Kind::edge);
  site.config.data = copy_ / "data";
  const Finished served = site.serve();
  EXPECT_EQ(served.code, 1) << served.said;
  EXPECT_TRUE(contains(served.said, "[audit.cut]")) << served.said;
  EXPECT_TRUE(contains(served.said, "rabt audit verify")) << served.said;
}

// ---- slow
// -----------------------------------------------------------------------------------------------------------

TEST(Slow, AHubThatIsKilledTwentyTimesDoesEverythingOnce) {
  const Folder folder;
  const Finished finished = demo({"--crash", "--data", folder.path().string()}, 240'000);
  EXPECT_EQ(finished.code, 0) << finished.said;
  EXPECT_TRUE(contains(finished.said, "(20 of 20)")) << finished.said;
  EXPECT_TRUE(contains(finished.said, "20 times killed and recovered")) << finished.said;
  EXPECT_TRUE(contains(finished.said, "1 room, 1 claim, 1 report")) << finished.said;
  EXPECT_TRUE(contains(finished.said, "complete, approved")) << finished.said;
  EXPECT_TRUE(contains(finished.said, ", verified, head ")) << finished.said;
}

TEST(Slow, TheStoryIsTheSameOnAmazonChime) {
  const Finished finished = demo({"--video", "chime"}, 240'000);
  EXPECT_EQ(finished.code, 0) << finished.said;
  EXPECT_TRUE(contains(finished.said, "1 room, 1 claim, 1 report")) << finished.said;
  EXPECT_TRUE(contains(finished.said, "the recording is sealed and kept")) << finished.said;
}

// Two browsers call each other through Debian's Janus, one of them through coturn.
TEST(Slow, ARealCallOnJanusIsRecordedSealedAndClaimed) {
  for (const char* needed : {"janus", "janus-pp-rec", "turnserver", "chromium", "ffmpeg"}) {
    if (!fs::exists(std::string("/usr/bin/") + needed))
      GTEST_SKIP() << needed << " is not installed; `./dev test --slow` installs it";
  }
  const Finished finished = demo({"--video", "janus"}, 900'000);
  EXPECT_EQ(finished.code, 0) << finished.said;
  EXPECT_TRUE(std::regex_search(
      finished.said, std::regex("the doctor saw [0-9]+ pictures and got [0-9]+ packets of sound, "
                                "through the TURN server; the patient saw [1-9]")))
      << finished.said;
  EXPECT_TRUE(contains(finished.said, "vp8 1280x480 and opus")) << finished.said;
  EXPECT_TRUE(contains(finished.said, "opened again: same")) << finished.said;
  EXPECT_TRUE(contains(finished.said, "no room left at Janus, 1 claim, 1 report")) << finished.said;
  EXPECT_TRUE(contains(finished.said, "complete, approved")) << finished.said;
}

TEST(Slow, TwoHundredConsultationsAtOnceAllFinishInLittleMemory) {
  const Folder folder;
  const Finished finished =
      demo({"--consultations", "200", "--data", folder.path().string()}, 400'000);
  EXPECT_EQ(finished.code, 0) << finished.said;
  EXPECT_TRUE(contains(finished.said, "200 completed, 0 not")) << finished.said;
  EXPECT_TRUE(contains(finished.said, "ledger: 200 rooms, 200 claims")) << finished.said;
  EXPECT_TRUE(contains(finished.said, "audit: verified")) << finished.said;
  std::smatch peak;
  ASSERT_TRUE(std::regex_search(finished.said, peak, std::regex("hub memory peak +([0-9]+) kB")))
      << finished.said;
  if (kRelease && !kSanitized) {
    EXPECT_LT(std::stol(peak[1].str()), 300L * 1024);
  }
  RecordProperty("hub_memory_peak_kb", peak[1].str());
}

// Addresses and people that a client needs to work with the demonstration.
TEST(ServedDemo, SaysWhoIsThereAndEndsWithSigterm) {
  const Folder folder;
  const std::string file = folder / "ready.json";
  demo::ChildProcess child;
  ASSERT_TRUE(
      child
          .start({program("rabt-demo"), "--root", source_dir(), "--serve", "--ready-file", file},
                 folder / "demo.out")
          .ok());
  (void)test::eventually([&] { return fs::exists(file) || !child.running(); },
                         std::chrono::minutes(4));
  ASSERT_TRUE(fs::exists(file)) << read_file(folder / "demo.out");
  const auto ready = Json::parse(read_file(file));
  ASSERT_TRUE(ready.ok());
  const std::string base = ready->string_or("base", "");
  for (const char* service : {"twilio", "fhir", "nphies", "dhis2"})
    EXPECT_TRUE((*ready)["services"][service].is_string()) << service;
  EXPECT_EQ((*ready)["issuer"]["alg"], Json("HS256"));
  for (const char* member : {"secret", "iss"})
    EXPECT_TRUE((*ready)["issuer"][member].is_string()) << member;
  for (const char* who : {"admin", "doctor", "doctor2", "nurse", "patient", "patient2"}) {
    const Json& person = (*ready)["people"][who];
    for (const char* member : {"token", "username", "password", "id", "uuid"})
      EXPECT_TRUE(person[member].is_string()) << who << " " << member;
    EXPECT_TRUE(person["number"].is_number()) << who;
    const bool second = person["totp"].is_string();
    const Finished in = run({"/usr/bin/env", "curl", "--silent", "--data-urlencode",
                             "username=" + person.string_or("username", ""), "--data-urlencode",
                             "password=" + person.string_or("password", ""), base + "/auth/login"});
    EXPECT_TRUE(contains(in.said, second ? "mfa_required" : "access_token")) << who << in.said;
    const Finished own =
        run({"/usr/bin/env", "curl", "--silent", "--header",
             "Authorization: Bearer " + person.string_or("token", ""), base + "/api/v1/me"});
    EXPECT_TRUE(contains(own.said, person.string_or("id", "?"))) << who << own.said;
  }
  ::kill(child.pid(), SIGTERM);
  child.wait(60'000);
  EXPECT_FALSE(child.running());
}

}  // namespace
}  // namespace rabt::e2e::demo_test
