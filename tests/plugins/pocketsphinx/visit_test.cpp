#include <future>

#include "hub/access/access_control.hpp"
#include "hub/consultation/practice.hpp"
#include "hub/consultation/records.hpp"
#include "hub/net/http_client.hpp"
#include "hub/plugin/plugin_config.hpp"
#include "hub/plugin/plugin_host.hpp"
#include "tests/consultation/session_house.hpp"
#include "tests/plugins/pocketsphinx/speech.hpp"
#include "tests/recording_logger.hpp"

// From a sealed recording to the transcript of its session: the hub's service, and the plugin in
// its process without files and network. The calls are those of workflows/transcribe.yaml.
namespace rabt::consultation {
namespace {

using workflow::ActionOutcome;
using workflow::OutcomeKind;

class SpokenVisit : public SessionHouse {
 protected:
  void SetUp() override {
    SessionHouse::SetUp();
    detector_ = must(phi::Detector::make({}));
    details_ = std::make_unique<access::PatientDetail>(*keys_, *store_, random_);
    grants_ = std::make_unique<access::Grants>(
        access::Grants::Parts{*store_, *audit_, *details_, clock_, ids_, null_logger()}, "t1",
        "boot");
    access_ = std::make_unique<access::AccessControl>(
        access::AccessControl::Parts{
            .store = *store_, .audit = *audit_, .details = *details_, .grants = *grants_},
        "t1", access::ReadPolicy::reason);
    records_ = make_records({.store = *store_,
                             .audit = *audit_,
                             .blobs = *blobs_,
                             .keys = *keys_,
                             .access = *access_,
                             .detector = *detector_,
                             .people = people_,
                             .sessions = *sessions_,
                             .clock = clock_,
                             .random = random_,
                             .ids = ids_,
                             .video = settings_});
    practice_ = make_practice({.store = *store_,
                               .audit = *audit_,
                               .keys = *keys_,
                               .people = people_,
                               .records = *records_,
                               .clock = clock_,
                               .random = random_,
                               .ids = ids_,
                               .tenant = "t1",
                               .video = settings_,
                               .settings = {}});
    service_ = make_session_actions(*sessions_, *records_, *practice_);
    http_ = net::make_curl_client(clock_, log_);
    host_ = plugin::PluginHost::make(
        {*store_, *keys_, *audit_, *http_, *blobs_, clock_, random_, log_});
  }
  void TearDown() override {
    host_.reset();
    http_.reset();
    service_.reset();
    practice_.reset();
    records_.reset();
    access_.reset();
    grants_.reset();
    details_.reset();
    SessionHouse::TearDown();
  }

  // The shipped package, as an operator configures it.
  Status load(std::vector<std::string> folders) {
    plugin::PluginConfig config;
    config.id = "pocketsphinx";
    config.folder = std::string(std::getenv("RABT_BUILD_DIR")) + "/plugins/pocketsphinx";  // NOLINT
    config.tenant = "t1";
    config.config = *Json::parse(pocketsphinx::test::config());
    config.limits.folders = std::move(folders);
    RABT_TRY_STATUS(host_->load(std::move(config)));
    return host_->bind_role("asr", "plugin://pocketsphinx");
  }
  plugin::CallRequest request(const std::string& action, Json arguments) {
    plugin::CallRequest call;
    call.tenant = "t1";
    call.instance = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
    call.action = action;
    call.version = "1.0.0";
    call.arguments = std::move(arguments);
    call.idempotency_key = action;
    call.deadline_unix_ms = clock_.now().ms + 3'600'000;
    return call;
  }
  ActionOutcome call(const std::string& action, Json arguments) {
    std::promise<ActionOutcome> ended;
    service_->invoke(request(action, std::move(arguments)),
                     [&](ActionOutcome outcome) { ended.set_value(std::move(outcome)); });
    return ended.get_future().get();
  }
  ActionOutcome hear(const Json& source) {
    plugin::CallRequest to_plugin =
        request("asr.transcribe",
                Json::object({{"blob", source["blob"]}, {"language", source["language"]}}));
    to_plugin.role = "asr";
    std::promise<ActionOutcome> ended;
    host_->invoke(std::move(to_plugin),
                  [&](ActionOutcome outcome) { ended.set_value(std::move(outcome)); });
    return ended.get_future().get();
  }

  // A visit in which a sentence was said and recorded; its recording is sealed and kept.
  // Gives {session, recording}.
  Json visit(const std::vector<std::string>& consent) {
    const std::string id = id_of(made(with(with(plain(), "waitingRoom", false), "language", "en")));
    must(sessions_->join(as(patient_, id)));
    must(sessions_->join(as(doctor_, id)));
    for (const std::string& person : consent) {
      must(sessions_->record_consent(
          as(person, id, Json::object({{"kind", "transcription"}, {"method", "app"}}))));
    }
    clock_.advance_ms(10'000);
    const Json begun = must(sessions_->start_recording(as(doctor_, id)));
    clock_.advance_ms(30'000);
    auto writer = must(blobs_->create("t1", "audio/wav"));
    EXPECT_TRUE(writer->write(pocketsphinx::test::spoken(pocketsphinx::test::kSentence)).ok());
    provider_.fetched = Json::object({{"recordingId", "RT1"}, {"blob", must(writer->finish()).id}});
    provider_.recordings = Json::object(
        {{"ready", true},
         {"recordings", Json::array({Json::object({{"recordingId", "RT1"}, {"kind", "audio"}})})}});
    must(sessions_->end(as(doctor_, id)));
    EXPECT_TRUE(eventually([&] { return told("recording-ready").size() == 1; }));
    return Json::object({{"session", id}, {"recording", begun["id"]}});
  }

  rabt::test::RecordingLogger log_;
  std::unique_ptr<const phi::Detector> detector_;
  std::unique_ptr<access::PatientDetail> details_;
  std::unique_ptr<access::Grants> grants_;
  std::unique_ptr<access::AccessControl> access_;
  std::unique_ptr<Records> records_;
  std::unique_ptr<Practice> practice_;
  std::shared_ptr<plugin::HubService> service_;
  std::unique_ptr<net::HttpClient> http_;
  std::unique_ptr<plugin::PluginHost> host_;
};

TEST_F(SpokenVisit, WhatWasSaidStandsInTheTranscript) {
  const Status loaded = load({pocketsphinx::test::kModelFolder});
  ASSERT_TRUE(loaded.ok()) << loaded.error().message;
  const Json of = visit({doctor_, patient_});
  const ActionOutcome source = call("transcribable", of);
  ASSERT_EQ(source.kind, OutcomeKind::done) << source.message;
  const ActionOutcome said = hear(source.output);
  ASSERT_EQ(said.kind, OutcomeKind::done) << said.code << " " << said.message;
  Json arguments = of;
  arguments.set("language", said.output["language"]);
  arguments.set("segments", said.output["segments"]);
  for (int twice = 0; twice < 2; ++twice) {
    const ActionOutcome written = call("add-transcript", arguments);
    ASSERT_EQ(written.kind, OutcomeKind::done) << written.message;
  }
  const Json transcript = must(records_->transcript(as(doctor_, of.string_or("session", ""))));
  EXPECT_EQ(transcript["items"].size(), said.output["segments"].size());
  std::string words;
  for (const Json& item : transcript["items"].as_array()) {
    words += item.string_or("text", "") + " ";
    EXPECT_EQ(item.string_or("source", ""), "asr");
    EXPECT_EQ(item.string_or("recording", ""), of.string_or("recording", ""));
    // The recording began ten seconds after the session.
    EXPECT_GE(item.int_or("startMs", 0), 10'000);
  }
  for (const char* word : {"patient", "fever", "headache"})
    EXPECT_NE(words.find(word), std::string::npos) << word << " in: " << words;
  ASSERT_TRUE(eventually([&] { return !told("transcript-ready").empty(); }));
  EXPECT_EQ(told("transcript-ready").size(), 1U);
  EXPECT_EQ(told("transcript-ready")[0].dump().find("fever"), std::string::npos);
}

TEST_F(SpokenVisit, WithoutTheConsentOfEverybodyNothingIsTranscribed) {
  const Json of = visit({doctor_});
  const ActionOutcome source = call("transcribable", of);
  EXPECT_EQ(source.kind, OutcomeKind::permanent);
  EXPECT_EQ(source.code, "consent.transcription_missing");
  EXPECT_NE(source.message.find("consent of kind transcription"), std::string::npos);
  Json arguments = of;
  arguments.set("segments", Json::array({Json::object({{"text", "made up"}})}));
  EXPECT_EQ(call("add-transcript", arguments).code, "consent.transcription_missing");
  EXPECT_EQ(must(records_->transcript(as(doctor_, of.string_or("session", ""))))["items"].size(),
            0U);
}

TEST_F(SpokenVisit, AModelThatThePluginMayNotReadIsRefusedAtTheStart) {
  const Status loaded = load({});
  ASSERT_FALSE(loaded.ok());
  EXPECT_NE(loaded.error().message.find("`folders`"), std::string::npos) << loaded.error().message;
}

}  // namespace
}  // namespace rabt::consultation
