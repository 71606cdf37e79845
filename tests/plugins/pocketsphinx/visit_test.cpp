#include <fstream>
#include <future>
#include <iterator>

#include "hub/engine/engine.hpp"
#include "hub/engine/partition.hpp"
#include "hub/net/http_client.hpp"
#include "hub/plugin/plugin_config.hpp"
#include "hub/plugin/plugin_host.hpp"
#include "tests/consultation/service_house.hpp"
#include "tests/plugins/pocketsphinx/speech.hpp"
#include "tests/recording_logger.hpp"

// From a sealed recording to the transcript of its session: the hub's service, and the plugin in
// its process without files and network. The calls are those of workflows/transcribe.yaml.
namespace rabt::consultation::visit_test {
namespace {

using workflow::ActionOutcome;
using workflow::OutcomeKind;

class SpokenVisit : public ServiceHouse {
 protected:
  void SetUp() override {
    ServiceHouse::SetUp();
    http_ = net::make_curl_client(clock_, log_);
    host_ = plugin::PluginHost::make(
        {*store_, *keys_, *audit_, *http_, *blobs_, clock_, random_, log_});
  }
  void TearDown() override {
    host_.reset();
    http_.reset();
    ServiceHouse::TearDown();
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
  // Gives {session, recording}. more: what else happens in the session before.
  Json visit(const std::vector<std::string>& consent,
             const std::function<void(const std::string&)>& more = {}) {
    const std::string id = id_of(made(with(with(plain(), "waitingRoom", false), "language", "en")));
    must(sessions_->entry.join(as(patient_, id)));
    must(sessions_->entry.join(as(doctor_, id)));
    for (const std::string& person : consent) {
      must(sessions_->people.record_consent(
          as(person, id,
             Json::object({{"kind", "transcription"}, {"given", true}, {"method", "app"}}))));
    }
    if (more) more(id);
    clock_.advance_ms(10'000);
    const Json begun = must(sessions_->recordings.start(as(doctor_, id)));
    clock_.advance_ms(30'000);
    auto writer = must(blobs_->create("t1", "audio/wav"));
    EXPECT_TRUE(writer->write(pocketsphinx::test::spoken(pocketsphinx::test::kSentence)).ok());
    provider_.fetched = Json::object({{"recordingId", "RT1"}, {"blob", must(writer->finish()).id}});
    provider_.recordings = Json::object(
        {{"ready", true},
         {"recordings", Json::array({Json::object({{"recordingId", "RT1"}, {"kind", "audio"}})})}});
    must(sessions_->life.end(as(doctor_, id)));
    ++visits_;
    EXPECT_TRUE(eventually([&] { return told("recording-ready").size() == visits_; }));
    return Json::object({{"session", id}, {"recording", begun["id"]}});
  }

  std::size_t visits_ = 0;
  rabt::test::RecordingLogger log_;
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

// The shipped workflow, from the session's event to the transcript, by the engine.
TEST_F(SpokenVisit, TheWorkflowWritesDownWhatWasSaid) {
  const Status loaded = load({pocketsphinx::test::kModelFolder});
  ASSERT_TRUE(loaded.ok()) << loaded.error().message;
  host_->add_service(service_);
  ASSERT_TRUE(host_->bind_role("session", "hub://session").ok());
  const auto engine = must(engine::Engine::open({.store = *store_,
                                                 .keys = *keys_,
                                                 .audit = *audit_,
                                                 .actions = *host_,
                                                 .http = *http_,
                                                 .clock = clock_,
                                                 .random = random_,
                                                 .ids = ids_,
                                                 .log = log_},
                                                {.tenant = "t1", .workers = 2}));
  ASSERT_TRUE(engine->take(engine::kFirstPartition).ok());
  const char* const source = std::getenv("RABT_SOURCE_DIR");  // NOLINT(concurrency-mt-unsafe)
  std::ifstream file(std::string(source) + "/workflows/transcribe.yaml");
  const std::string yaml((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  (void)must(engine->apply({{"transcribe.yaml", yaml}}, "test"));

  // Ends with what the instance says of it.
  const auto transcribed = [&](const Json& event) -> Json {
    engine::Delivery news{.tenant = "t1", .source = "node:sessions"};
    news.dedupe_id = event.string_or("id", "");
    news.body_sha256 = std::string(as_text(crypto::sha256(event.dump())));
    news.events.push_back(event);
    const Json accepted = must(Json::parse(must(engine->accept(std::move(news))).answer));
    const std::string instance = accepted["instances"].item(0).as_string();
    Json seen;
    EXPECT_TRUE(eventually([&] {
      seen = must(engine->instance(instance,
                                   [](std::string_view, std::string_view) { return ok_status(); }));
      const std::string status = seen.string_or("status", "");
      return status == "completed" || status == "faulted";
    }));
    EXPECT_EQ(seen.string_or("status", ""), "completed") << seen.dump();
    return seen["output"];
  };
  const Json of = visit({doctor_, patient_});
  const Json said = transcribed(told("recording-ready")[0]);
  EXPECT_TRUE(said.bool_or("transcribed", false)) << said.dump();
  const Json transcript = must(records_->transcript(as(doctor_, of.string_or("session", ""))));
  EXPECT_EQ(static_cast<std::int64_t>(transcript["items"].size()), said.int_or("segments", 0));
  EXPECT_NE(transcript.dump().find("fever"), std::string::npos) << transcript.dump();

  const Json silent = visit({doctor_});
  const Json refused = transcribed(told("recording-ready")[1]);
  EXPECT_FALSE(refused.bool_or("transcribed", true));
  EXPECT_EQ(refused.int_or("refused", 0), 409);
  EXPECT_EQ(
      must(records_->transcript(as(doctor_, silent.string_or("session", ""))))["items"].size(), 0U);
  engine->stop();
}

// A piece of sound that a client sends during the call, as ClinicVault's clients do.
TEST_F(SpokenVisit, TheSoundOfASegmentIsWrittenDownAtOnce) {
  const Status loaded = load({pocketsphinx::test::kModelFolder});
  ASSERT_TRUE(loaded.ok()) << loaded.error().message;
  AskedRecords records;
  records.make({.store = *store_,
                .audit = *audit_,
                .blobs = *blobs_,
                .keys = *keys_,
                .access = *access_,
                .detector = *detector_,
                .people = people_,
                .sessions = sessions_->acts,
                .actions = host_.get(),
                .book = [](const Caller&, const SessionInput&) -> Answer {
                  return conflict("booked.never", "no");
                },
                .clock = clock_,
                .random = random_,
                .ids = ids_,
                .video = settings_});
  const std::string id = id_of(made(with(with(plain(), "waitingRoom", false), "language", "en")));
  must(sessions_->entry.join(as(patient_, id)));
  must(sessions_->entry.join(as(doctor_, id)));
  const Json sound = Json::object(
      {{"audio", to_base64(as_bytes(pocketsphinx::test::spoken(pocketsphinx::test::kSentence)))},
       {"format", "wav"}});
  EXPECT_EQ(code(records.add_segment(as(doctor_, id, sound))), "consent.transcription_missing");
  for (const std::string& person : {doctor_, patient_}) {
    must(sessions_->people.record_consent(
        as(person, id, Json::object({{"kind", "transcription"}, {"given", true}}))));
  }
  const Json kept = must(records.add_segment(as(doctor_, id, sound)));
  for (const char* word : {"patient", "fever", "headache"})
    EXPECT_NE(kept.string_or("text", "").find(word), std::string::npos) << word << kept.dump();
  EXPECT_EQ(kept.string_or("language", ""), "en-US");
  Json arabic = sound;
  arabic.set("language", "ar");
  EXPECT_EQ(code(records.add_segment(as(doctor_, id, arabic))), "asr.language");
  records.reset();
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

// A nurse of another house, whom a booking named: no account is hers.
TEST_F(SpokenVisit, AGuestWithoutAnAccountSaysItThroughAHost) {
  std::string guest;
  std::string session;
  const auto consent = [&](const std::string& person, Json more) {
    more.set("kind", "transcription");
    if (more.find("given") == nullptr) more.set("given", true);
    more.set("method", "verbal");
    return sessions_->people.record_consent(as(person, session, std::move(more)));
  };
  const auto comes = [&](const std::string& id) {
    session = id;
    const Json answer = must(sessions_->people.add_participant(
        as(doctor_, id,
           Json::object({{"externalId", "HIS-7"}, {"name", "Nurse Guest"}, {"role", "nurse"}}))));
    const Json& added = answer["participant"];
    guest = added.string_or("id", "");
    EXPECT_TRUE(
        sessions_->provider_events
            .take(Json::object({{"type", "org.rabt.session.participant-joined.v1"},
                                {"data", Json::object({{"sessionId", seen(id)["roomSid"]},
                                                       {"identity", added["identity"]},
                                                       {"at", to_iso8601(clock_.now())}})}}))
            .ok());
  };
  EXPECT_EQ(call("transcribable", visit({doctor_, patient_}, comes)).code,
            "consent.transcription_missing");

  const auto says = [&](const std::string& id) {
    comes(id);
    const Json on_her_behalf = Json::object({{"participant", guest}});
    EXPECT_EQ(code(consent(patient_, on_her_behalf)), "authorisation.denied");
    const std::string patient = part_of(id, patient_);
    EXPECT_EQ(code(consent(doctor_, Json::object({{"participant", patient}}))), "consent.own_word");
    EXPECT_EQ(code(consent(doctor_, Json::object({{"participant", "nobody"}}))),
              "participant.unknown");
    const Json said = must(consent(doctor_, on_her_behalf));
    EXPECT_EQ(said.string_or("participant", ""), guest);
    EXPECT_EQ(said.string_or("by", ""), doctor_);
  };
  // A consent that the doctor records for the guest is not the doctor's own consent.
  EXPECT_EQ(call("transcribable", visit({patient_}, says)).code, "consent.transcription_missing");
  EXPECT_EQ(call("transcribable", visit({doctor_, patient_}, says)).kind, OutcomeKind::done);

  const auto takes_back = [&](const std::string& id) {
    says(id);
    must(consent(doctor_, Json::object({{"participant", guest}, {"given", false}})));
  };
  EXPECT_EQ(call("transcribable", visit({doctor_, patient_}, takes_back)).code,
            "consent.transcription_missing");
}

TEST_F(SpokenVisit, WhoCameByAnInvitationSaysItHimself) {
  const auto comes = [&](const std::string& id) {
    const Json invited = must(sessions_->invitations.invite(
        as(doctor_, id, Json::object({{"email", "nora@example.org"}, {"role", "nurse"}}))));
    must(sessions_->invitations.accept(
        as(nurse_, {}, Json::object({{"code", invited.string_or("code", "")}}))));
    must(sessions_->entry.join(as(nurse_, id)));
  };
  EXPECT_EQ(call("transcribable", visit({doctor_, patient_}, comes)).code,
            "consent.transcription_missing");
  const auto says = [&](const std::string& id) {
    comes(id);
    must(sessions_->people.record_consent(
        as(nurse_, id, Json::object({{"kind", "transcription"}, {"given", true}}))));
  };
  EXPECT_EQ(call("transcribable", visit({doctor_, patient_}, says)).kind, OutcomeKind::done);
}

TEST_F(SpokenVisit, AModelThatThePluginMayNotReadIsRefusedAtTheStart) {
  const Status loaded = load({});
  ASSERT_FALSE(loaded.ok());
  EXPECT_NE(loaded.error().message.find("`folders`"), std::string::npos) << loaded.error().message;
}

}  // namespace
}  // namespace rabt::consultation::visit_test
