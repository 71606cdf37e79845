#include <filesystem>
#include <sstream>

#include "tests/acceptance/hospital.hpp"

// docs/operations.md, "Backup and restore", followed to the letter: its commands are read from the
// page and run beside a hub that serves.
namespace rabt::acceptance::restore_test {
namespace {

namespace fs = std::filesystem;

// The commands of the section, each a line.
std::vector<std::string> commands() {
  std::istringstream page(e2e::read_file(e2e::source_dir() + "/docs/operations.md"));
  std::vector<std::string> out;
  bool here = false;
  for (std::string line; std::getline(page, line);) {
    if (line.starts_with("## ")) here = line == "## Backup and restore";
    if (here && line.starts_with("    ")) out.push_back(line.substr(4));
  }
  return out;
}

// The searched bytes may be a piece of a recording, and end with a UTF-8 lead byte.
TEST(Search, BytesThatAreNoTextAreLookedForAsTheyStandAndInBase64) {
  EXPECT_EQ(e2e::forms_of(std::string(9, '\xf0')).size(), 4U);
  EXPECT_EQ(e2e::forms_of("Noura Ali").size(), 6U);
}

class Restore : public testing::Test {
 protected:
  void shell(const std::string& command) {
    const e2e::Finished done =
        e2e::run({"/bin/sh", "-c", "cd '" + place_.string() + "' && " + command});
    ASSERT_EQ(done.code, 0) << command << "\n" << done.said;
  }
  // Runs those commands of the page that hold this text, with the places of this machine.
  void as_the_page_says(std::string_view about) {
    int ran = 0;
    for (std::string command : commands()) {
      if (command.find(about) == std::string::npos) continue;
      const auto put = [&](std::string_view there, const std::string& here) {
        if (const auto at = command.find(there); at != std::string::npos)
          command.replace(at, there.size(), here);
      };
      put("config/rabt.yaml", h_.site.folder() / "rabt.yaml");
      put("/backup/20261125T231501Z", "/backup");
      put(" /backup", " " + (made_.empty() ? place_ / "backup" : made_).string());
      put("/another/place", (place_ / "another/place").string());
      put("/a/third/place", (place_ / "a/third/place").string());
      if (command.starts_with("rabt ")) put("rabt", e2e::program("rabt"));
      ASSERT_NO_FATAL_FAILURE(shell(command));
      if (command.find("backup create") != std::string::npos)
        made_ = fs::directory_iterator(place_ / "backup")->path();
      ++ran;
    }
    ASSERT_GT(ran, 0) << about;
  }

  Hospital h_;
  // data/, backup/, another/place/ and a/third/place/ stand here.
  const fs::path place_ = h_.site.folder().path();
  // The folder that `rabt backup create` made.
  fs::path made_;
};

TEST_F(Restore, C39ARunningHubIsRestoredOnAnEmptyMachineWithItsKeysFromElsewhere) {
  // A recording, and a name that only this hub knows.
  const std::string name = "Zubaydah Al-Qalqashandi";
  const Answer patient =
      h_.post("AD", "/api/v1/patients", Json::object({{"name", name}, {"gender", "female"}}));
  RABT_EXPECT_STATUS(patient, 201);
  const Answer answer = h_.post(
      "D", "/api/v1/sessions",
      Json::object(
          {{"type", "doctor_patient"}, {"patient", patient["id"]}, {"waitingRoom", false}}));
  RABT_EXPECT_STATUS(answer, 201);
  const std::string at = "/api/v1/sessions/" + answer.text("id");
  const Answer in = h_.post("D", at + "/join");
  RABT_EXPECT_STATUS(in, 200);
  (void)h_.site.control(
      "POST", "/control/twilio/join",
      Json::object({{"room", h_.get("D", at).text("roomSid")}, {"token", in["media"]["token"]}})
          .dump());
  RABT_EXPECT_STATUS(h_.post("D", at + "/start"), 200);
  const Answer begun = h_.post("D", at + "/recording/start");
  EXPECT_LT(begun.status, 300) << begun.body;
  const std::string recording = "/api/v1/recordings/" + begun.text("id");
  h_.wait_for_recording(at);
  RABT_EXPECT_STATUS(h_.post("D", at + "/end"), 200);
  ASSERT_TRUE(eventually([&] { return h_.get("D", recording)["status"] == Json("ready"); }))
      << h_.get("D", recording).body;
  const std::string content = h_.get("D", recording + "/content").body;
  ASSERT_GT(content.size(), 4'096U);

  // The backup, while it serves. The keys go elsewhere, after they were turned.
  for (const char* folder : {"backup", "another/place", "a/third/place"})
    fs::create_directories(place_ / folder);
  ASSERT_NO_FATAL_FAILURE(as_the_page_says("rabt backup "));
  for (const char* what : {"root", "tenant"}) {
    const e2e::Finished turned = h_.site.rabt({"keys", "rotate", what, "--reason", "each year"});
    ASSERT_EQ(turned.code, 0) << turned.said;
  }
  ASSERT_NO_FATAL_FAILURE(as_the_page_says("place/"));
  const auto inside = [](std::string_view text) { return std::string(text.substr(2'048, 64)); };
  EXPECT_EQ(e2e::search({place_ / "backup", place_ / "another"}, {name, inside(content)}),
            std::vector<std::string>{});
  h_.site.stop_hub();

  // Another machine, where nothing is but the backup.
  fs::rename(place_ / "data", place_ / "lost");
  h_.site.config.data = (place_ / "data").string();
  const auto put_back = [&](const std::string& from, const std::string& to, const char* mode) {
    ASSERT_NO_FATAL_FAILURE(shell("install -m " + std::string(mode) + " " + from + " " + to));
  };
  fs::create_directory(place_ / "data");
  fs::permissions(place_ / "data", fs::perms::owner_all);
  ASSERT_NO_FATAL_FAILURE(shell("cp -r " + made_.string() + "/. data/"));
  const auto opens_nothing = [&](const char* code) {
    const e2e::Finished start = h_.site.serve();
    EXPECT_EQ(start.code, 1) << start.said;
    EXPECT_NE(start.said.find(code), std::string::npos) << start.said;
  };
  opens_nothing("[cli.keyring_missing]");
  ASSERT_NO_FATAL_FAILURE(put_back("another/place/keyring", "data/keyring", "600"));
  opens_nothing("[crypto.root_missing]");
  ASSERT_NO_FATAL_FAILURE(put_back("a/third/place/root.key", "data/root.key", "400"));
  const e2e::Finished verified = h_.site.rabt({"audit", "verify"});
  EXPECT_EQ(verified.code, 0) << verified.said;
  ASSERT_NO_FATAL_FAILURE(h_.site.start_hub());
  EXPECT_EQ(h_.get("D", recording + "/content").body, content);
  const Answer person = h_.call("AD", "GET", "/api/v1/patients/" + patient.text("id"), {},
                                {{"X-Rabt-Reason", "restore"}});
  EXPECT_EQ(person["name"], Json(name)) << person.body;
  const e2e::Finished later = h_.site.rabt({"audit", "verify"});
  EXPECT_EQ(later.code, 0) << later.said;
}

}  // namespace
}  // namespace rabt::acceptance::restore_test
