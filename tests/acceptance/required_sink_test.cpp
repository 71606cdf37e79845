#include <unistd.h>

#include <filesystem>
#include <memory>

#include "tests/acceptance/hospital.hpp"
#include "tests/tls_files.hpp"
#include "tools/demo/booking.hpp"
#include "tools/demo/child_process.hpp"

// A hub whose audit log has to reach a syslog server, which goes down.
namespace rabt::acceptance::required_sink_test {
namespace {

class RequiredSink : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!test::have_program("openssl")) GTEST_SKIP() << "the openssl command is absent";
    std::filesystem::create_directories(folder_);
    ASSERT_TRUE(test::make_certificates(folder_));
    start_sink();
    hospital_ = std::make_unique<Hospital>(HospitalOptions{
        .more = "audit:\n  anchors:\n    - {syslog: '127.0.0.1:" + std::to_string(port_) +
                "', ca: " + folder_ + "/ca.pem, high_water: 1, required: true}\n",
        .kind = e2e::Kind::edge});
  }
  void TearDown() override {
    hospital_.reset();
    sink_.reset();
    std::filesystem::remove_all(folder_);
  }
  void start_sink() {
    sink_ = std::make_unique<demo::ChildProcess>();
    ASSERT_TRUE(
        sink_
            ->start({"/usr/bin/env", "python3", e2e::source_dir() + "/tests/audit/tls_sink.py",
                     folder_ + "/server.pem", folder_ + "/server.key", std::to_string(port_),
                     folder_ + "/got"},
                    folder_ + "/sink.log")
            .ok());
  }

  const std::string folder_ = (std::filesystem::temp_directory_path() /
                               ("rabt-required-sink-" + std::to_string(::getpid())))
                                  .string();
  const int port_ = demo::free_port().value();
  std::unique_ptr<demo::ChildProcess> sink_;
  std::unique_ptr<Hospital> hospital_;
};

// Symptom: the doctor of a session, the patient and whoever treats read on while the server that
// the configuration requires got nothing. Cause: only readings for a reason asked whether it does.
TEST_F(RequiredSink, NobodyReadsOfPatientsWhileItIsDown) {
  Hospital& h = *hospital_;
  const Answer answer = h.post("D", "/api/v1/sessions",
                               Json::object({{"type", "doctor_patient"},
                                             {"provider", h.person("D").id},
                                             {"patient", h.person("P").id},
                                             {"waitingRoom", false}}));
  RABT_EXPECT_STATUS(answer, 201);
  const std::string id = answer.text("id");
  const std::string session = "/api/v1/sessions/" + id;
  const auto reads = [&](std::string_view who, const std::string& path, int status) {
    return h.get(who, path).status == status;
  };
  ASSERT_TRUE(eventually([&] { return reads("D", session, 200); })) << "the server has all";

  sink_.reset();
  ASSERT_TRUE(eventually([&] { return reads("D", session, 503); }));
  for (const char* what :
       {"", "/summary", "/participants", "/messages", "/notes", "/vitals", "/prescriptions",
        "/documents", "/follow-ups", "/transcript", "/events", "/waiting-room", "/invitations"}) {
    const Answer refused = h.get("D", session + what);
    RABT_EXPECT_STATUS(refused, 503);
    EXPECT_EQ(refused.text("code"), "audit.sink_behind") << what << refused.body;
  }
  const std::string patient = "/api/v1/patients/" + h.person("P").id;
  for (const auto& [who, path] : {std::pair{"D", std::string("/api/v1/sessions")},
                                  {"P", session},
                                  {"P", patient},
                                  {"AD", std::string("/api/v1/patients")}}) {
    const Answer refused = h.get(who, path);
    RABT_EXPECT_STATUS(refused, 503);
    EXPECT_EQ(refused.text("code"), "audit.sink_behind") << who << path << refused.body;
  }
  const Answer other = h.get("D", "/video/sessions");
  RABT_EXPECT_STATUS(other, 503);
  EXPECT_EQ(other.header("X-Rabt-Code"), "audit.sink_behind");

  // A session that has begun goes on.
  RABT_EXPECT_STATUS(h.post("D", session + "/messages", Json::object({{"text", "hello"}})), 201);
  RABT_EXPECT_STATUS(h.post("D", session + "/start"), 200);
  // A note through an API that answers with the session is refused, not written.
  RABT_EXPECT_STATUS(h.post("D", "/consultation/notes",
                            Json::object({{"consultation_id", answer["number"]}, {"notes", "x"}})),
                     503);
  RABT_EXPECT_STATUS(h.post("D", session + "/end"), 200);
  RABT_EXPECT_STATUS(h.get("D", "/api/v1/me"), 200);

  start_sink();
  EXPECT_TRUE(eventually([&] { return reads("D", session, 200); }));
  EXPECT_TRUE(eventually([&] { return reads("P", patient, 200); }));
  Answer notes;
  EXPECT_TRUE(eventually([&] { return (notes = h.get("D", session + "/notes")).status == 200; }));
  EXPECT_EQ(notes["items"].size(), 0U) << notes.body;
}

}  // namespace
}  // namespace rabt::acceptance::required_sink_test
