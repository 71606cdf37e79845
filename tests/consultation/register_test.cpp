#include "hub/consultation/workflow/register.hpp"

#include "hub/consultation/recording/keep.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <future>
#include <iterator>
#include <map>

#include "hub/audit/verify.hpp"
#include "hub/crypto/crypto.hpp"
#include "hub/crypto/keyring.hpp"
#include "hub/keys/data_keys.hpp"
#include "tests/audit_and_keys.hpp"
#include "tests/keyring.hpp"
#include "tests/must.hpp"
#include "tests/store_under_test.hpp"

namespace rabt::consultation::register_test {
namespace {

using plugin::CallRequest;
using workflow::ActionOutcome;
using workflow::OutcomeKind;

using rabt::test::must;

// Both services over a real store in a folder of its own.
class Records : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "rabt-consultation-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    keyring_ = rabt::test::open_keyring(folder_, clock_, random_, {"t1", "t2"});
    store_ = database_.open(folder_);
    audit_ = rabt::test::open_audit_log(*store_, clock_, *keyring_, folder_);
    keys_ = rabt::test::open_data_keys(*keyring_, *store_, clock_, random_, ids_);
    blobs_ = must(blob::make_blob_store(folder_ + "/blobs", *store_, *keys_, clock_, random_, ids_,
                                        null_logger()));
    const Parts parts{*store_, *audit_, *blobs_, *keys_, clock_, ids_};
    register_ = make_register(parts);
    recordings_ = make_recordings(parts);
  }
  void TearDown() override {
    register_.reset();
    recordings_.reset();
    blobs_.reset();
    keys_.reset();
    audit_.reset();
    store_.reset();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  ActionOutcome call(plugin::HubService& service, const std::string& action, Json arguments,
                     const std::string& tenant = "t1") {
    CallRequest request;
    request.tenant = tenant;
    request.instance = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
    request.action = action;
    request.arguments = std::move(arguments);
    std::promise<ActionOutcome> ended;
    service.invoke(request,
                   [&ended](ActionOutcome outcome) { ended.set_value(std::move(outcome)); });
    return ended.get_future().get();
  }
  // A consultation is named by the id of an instance: one for each name here.
  std::string instance(const std::string& name) {
    const auto known = instances_.find(name);
    if (known != instances_.end()) return known->second;
    return instances_.emplace(name, ids_.next().text()).first->second;
  }
  ActionOutcome advance(const std::string& id, const std::string& to,
                        const std::string& tenant = "t1") {
    return call(*register_, "advance", Json::object({{"consultation", instance(id)}, {"to", to}}),
                tenant);
  }
  // Walks the regular path up to a state.
  void walk(const std::string& id, const std::string& until, std::int64_t start_epoch,
            std::int64_t seconds) {
    for (const std::string state :
         {"booked", "in-session", "ended", "documented", "billed", "closed"}) {
      Json arguments = Json::object({{"consultation", instance(id)}, {"to", state}});
      if (state == "booked") arguments.set("startEpoch", start_epoch);
      if (state == "ended") arguments.set("seconds", seconds);
      ASSERT_EQ(call(*register_, "advance", arguments).kind, OutcomeKind::done) << state;
      if (state == until) return;
    }
  }
  std::string blob(const std::string& content) {
    auto writer = must(blobs_->create("t1", "video/x-matroska"));
    EXPECT_TRUE(writer->write(content).ok());
    return must(writer->finish()).id;
  }
  Json recording(const std::string& external, const std::string& blob_id) {
    return Json::object({{"consultation", instance("c1")},
                         {"recordingId", external},
                         {"kind", "audio"},
                         {"blob", blob_id}});
  }
  std::uint64_t audit_entries() {
    return must(audit::verify_file(folder_ + "/rabt.db", folder_)).entries;
  }
  static std::int64_t figure(const Json& output, const std::string& element) {
    for (const Json& value : output["values"].as_array()) {
      if (value.string_or("dataElement", "") == element) return value.int_or("value", -1);
    }
    return -1;
  }

  const rabt::test::StoreUnderTest database_;
  std::string folder_;
  FakeClock clock_;
  SystemRandom random_;
  UlidSource ids_{clock_, random_};
  std::map<std::string, std::string> instances_;
  std::unique_ptr<crypto::Keyring> keyring_;
  std::unique_ptr<keys::DataKeys> keys_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<audit::AuditLog> audit_;
  std::unique_ptr<blob::BlobStore> blobs_;
  std::shared_ptr<plugin::HubService> register_;
  std::shared_ptr<plugin::HubService> recordings_;
};

TEST_F(Records, AStepIsStoredWithItsAuditEntryAndARepeatAddsNone) {
  const auto first = advance("c1", "booked");
  ASSERT_EQ(first.kind, OutcomeKind::done);
  EXPECT_EQ(first.output, Json::object({{"state", "booked"}, {"changed", true}}));
  EXPECT_EQ(audit_entries(), 1U);
  const auto again = advance("c1", "booked");
  EXPECT_EQ(again.output, Json::object({{"state", "booked"}, {"changed", false}}));
  EXPECT_EQ(audit_entries(), 1U);
}

// Symptom: a hub that stopped while its disk was slow could crash. Cause: the job of a call used
// the service, which the hub had let go of. A sanitizer sees it.
TEST_F(Records, ACallThatWaitsToBeWrittenNeedsItsServiceNoMore) {
  CallRequest step;
  step.tenant = "t1";
  step.instance = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
  step.action = "advance";
  step.arguments = Json::object({{"consultation", instance("c1")}, {"to", "booked"}});
  // The first one makes the keys.
  ASSERT_EQ(call(*recordings_, "store", recording("RT0", blob("before"))).kind, OutcomeKind::done);
  CallRequest kept = step;
  kept.action = "store";
  kept.arguments = recording("RT1", blob("content"));

  std::promise<void> room;
  store_->submit(
      store::Store::Need::droppable,
      [free = room.get_future().share()](store::Transaction& /*transaction*/) {
        free.wait();
        return ok_status();
      },
      [](const Status& /*status*/) {});
  std::promise<ActionOutcome> advanced;
  std::promise<ActionOutcome> stored;
  const auto into = [](std::promise<ActionOutcome>& ended) {
    return [to = &ended](ActionOutcome outcome) { to->set_value(std::move(outcome)); };
  };
  register_->invoke(step, into(advanced));
  recordings_->invoke(kept, into(stored));
  register_.reset();
  recordings_.reset();
  room.set_value();
  EXPECT_EQ(advanced.get_future().get().output,
            Json::object({{"state", "booked"}, {"changed", true}}));
  const ActionOutcome recorded = stored.get_future().get();
  EXPECT_EQ(recorded.kind, OutcomeKind::done) << recorded.code;
  EXPECT_EQ(audit_entries(), 3U);
}

TEST_F(Records, ALateStepAnswersWithTheStateThatIs) {
  (void)advance("c1", "booked");
  (void)advance("c1", "in-session");
  const auto late = advance("c1", "booked");
  EXPECT_EQ(late.kind, OutcomeKind::done);
  EXPECT_EQ(late.output, Json::object({{"state", "in-session"}, {"changed", false}}));
}

TEST_F(Records, AnIllegalStepFailsForGoodAndChangesNothing) {
  (void)advance("c1", "booked");
  const auto jump = advance("c1", "billed");
  EXPECT_EQ(jump.kind, OutcomeKind::permanent);
  EXPECT_EQ(jump.code, "consultation.illegal_transition");
  EXPECT_EQ(jump.detail.int_or("status", 0), 409);
  EXPECT_EQ(advance("c1", "nonsense").code, "consultation.unknown_state");
  EXPECT_EQ(advance("c1", "booked").output.string_or("state", ""), "booked");
  EXPECT_EQ(audit_entries(), 1U);
}

TEST_F(Records, TenantsDoNotSeeEachOthersConsultations) {
  (void)advance("c1", "booked");
  (void)advance("c1", "in-session");
  EXPECT_EQ(advance("c1", "booked", "t2").output,
            Json::object({{"state", "booked"}, {"changed", true}}));
  EXPECT_EQ(
      call(*register_, "monthly-figures", Json::object({{"consultation", instance("c1")}}), "t3")
          .code,
      "consultation.unknown");
}

TEST_F(Records, TheFiguresCountTheMonthOfTheConsultationInRiyadh) {
  constexpr std::int64_t kLastOfMarch = 1'774'990'799;  // 2026-03-31T20:59:59Z: 23:59:59 in Riyadh
  walk("march", "closed", kLastOfMarch, 61);
  walk("april", "closed", kLastOfMarch + 1, 600);
  walk("april-2", "ended", kLastOfMarch + 2, 30);
  walk("april-3", "booked", kLastOfMarch + 3, 0);
  walk("april-4", "booked", kLastOfMarch + 4, 0);
  ASSERT_EQ(advance("april-4", "no-show").kind, OutcomeKind::done);
  const auto march =
      call(*register_, "monthly-figures", Json::object({{"consultation", instance("march")}}));
  ASSERT_EQ(march.kind, OutcomeKind::done);
  EXPECT_EQ(march.output.string_or("period", ""), "2026-03");
  EXPECT_EQ(figure(march.output, "TH_VISITS"), 1);
  EXPECT_EQ(figure(march.output, "TH_MINUTES"), 2);  // begun minutes count
  const auto april =
      call(*register_, "monthly-figures", Json::object({{"consultation", instance("april-3")}}));
  EXPECT_EQ(april.output.string_or("period", ""), "2026-04");
  EXPECT_EQ(figure(april.output, "TH_VISITS"), 2);
  EXPECT_EQ(figure(april.output, "TH_NO_SHOWS"), 1);
  EXPECT_EQ(figure(april.output, "TH_CANCELLED"), 0);
  EXPECT_EQ(figure(april.output, "TH_MINUTES"), 11);
}

TEST_F(Records, AVisitThatMovesBeforeItBeginsCountsInItsNewMonth) {
  const auto booked = [&](std::int64_t start) {
    return call(*register_, "advance",
                Json::object(
                    {{"consultation", instance("m1")}, {"to", "booked"}, {"startEpoch", start}}))
        .output.dump();
  };
  const auto month = [&] {
    return call(*register_, "monthly-figures", Json::object({{"consultation", instance("m1")}}))
        .output.string_or("period", "");
  };
  EXPECT_EQ(booked(1'773'122'400), R"({"state":"booked","changed":true})");
  EXPECT_EQ(booked(1'773'122'400), R"({"state":"booked","changed":false})");
  EXPECT_EQ(month(), "2026-03");
  EXPECT_EQ(booked(1'775'800'800), R"({"state":"booked","changed":true})");
  EXPECT_EQ(month(), "2026-04");
  advance("m1", "in-session");
  EXPECT_EQ(booked(1'783'206'000), R"({"state":"in-session","changed":false})");
  EXPECT_EQ(month(), "2026-04");
}

TEST_F(Records, FiguresOfAConsultationThatIsNotRegisteredFailForGood) {
  const auto figures =
      call(*register_, "monthly-figures", Json::object({{"consultation", instance("c9")}}));
  EXPECT_EQ(figures.kind, OutcomeKind::permanent);
  EXPECT_EQ(figures.code, "consultation.unknown");
}

TEST_F(Records, AStoredRecordingIsFoundByItsIdForItsTenantOnly) {
  const std::string content(100'000, 'v');
  const auto stored = call(*recordings_, "store", recording("RT1", blob(content)));
  ASSERT_EQ(stored.kind, OutcomeKind::done) << stored.code;
  const std::string id = stored.output.string_or("id", "");
  const auto found = find_recording(*store_, "t1", id);
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(found->bytes, content.size());
  EXPECT_EQ(found->sha256, to_hex(crypto::sha256(content)));
  EXPECT_EQ(found->consultation, instance("c1"));
  EXPECT_EQ(found->content_type, "video/x-matroska");
  EXPECT_FALSE(find_recording(*store_, "t2", id).ok());
  EXPECT_EQ(find_recording(*store_, "t1", "nothing").error().code, "recording.unknown");
  EXPECT_EQ(audit_entries(), 1U);
}

TEST_F(Records, TheSameRecordingAgainGivesTheFirstOne) {
  const auto first = call(*recordings_, "store", recording("RT1", blob("first")));
  const auto again = call(*recordings_, "store", recording("RT1", blob("again")));
  ASSERT_EQ(again.kind, OutcomeKind::done);
  EXPECT_EQ(again.output, first.output);
  EXPECT_EQ(audit_entries(), 1U);
}

// Values stored in clear beside the sealed records are ids that the hub made, words of a list, or
// blind indexes: never a text of a workflow or a provider.
TEST_F(Records, TakeNoTextThatWouldStandInClear) {
  for (const char* text : {"", "1012345678", "Ahmad Al-Otaibi", "01ARZ3NDEKTSV4RRFFQ69G5FAVX"}) {
    const Json named = Json::object({{"consultation", text}, {"to", "booked"}});
    EXPECT_EQ(call(*register_, "advance", named).code, "consultation.id") << text;
    EXPECT_EQ(call(*register_, "monthly-figures", named).code, "consultation.id") << text;
    Json stored = recording("RT1", blob("content"));
    stored.set("consultation", text);
    EXPECT_EQ(call(*recordings_, "store", stored).code, "consultation.id") << text;
  }
  Json odd = recording("RT1", blob("content"));
  odd.set("kind", "Ahmad");
  EXPECT_EQ(call(*recordings_, "store", odd).code, "recording.kind");
  EXPECT_EQ(audit_entries(), 0U);
  ASSERT_EQ(call(*recordings_, "store", recording("mrn-4711-canary", blob("content"))).kind,
            OutcomeKind::done);
  for (const char* file : {"/rabt.db", "/rabt.db-wal"}) {
    std::ifstream in(folder_ + file, std::ios::binary);
    const std::string bytes(std::istreambuf_iterator<char>(in), {});
    EXPECT_EQ(bytes.find("mrn-4711-canary"), std::string::npos) << file;
  }
}

TEST_F(Records, OneBlobCannotBecomeTwoRecordings) {
  const std::string id = blob("content");
  ASSERT_EQ(call(*recordings_, "store", recording("RT1", id)).kind, OutcomeKind::done);
  const auto second = call(*recordings_, "store", recording("RT2", id));
  EXPECT_EQ(second.kind, OutcomeKind::permanent) << second.code;
  EXPECT_EQ(call(*recordings_, "store", recording("RT3", "01ARZ3NDEKTSV4RRFFQ69G5FAV")).kind,
            OutcomeKind::permanent);
}

TEST_F(Records, TheRegisterSaysWhetherTheClaimHasLeft) {
  const auto claimed = [&](const std::string& id) {
    const ActionOutcome found =
        call(*register_, "get", Json::object({{"consultation", instance(id)}}));
    EXPECT_EQ(found.kind, OutcomeKind::done) << found.code;
    return found.output.string_or("state", "") +
           (found.output.bool_or("claimed", false) ? ", claimed" : "");
  };
  walk("c1", "documented", 1'773'122'400, 60);
  EXPECT_EQ(claimed("c1"), "documented");
  walk("c1", "billed", 1'773'122'400, 60);
  EXPECT_EQ(claimed("c1"), "billed, claimed");
  walk("c1", "closed", 1'773'122'400, 60);
  EXPECT_EQ(claimed("c1"), "closed, claimed");
  walk("c2", "documented", 1'773'122'400, 60);
  advance("c2", "closed");
  EXPECT_EQ(claimed("c2"), "closed");
  const ActionOutcome none =
      call(*register_, "get", Json::object({{"consultation", instance("c3")}}));
  EXPECT_EQ(none.code, "consultation.unknown");
  EXPECT_EQ(call(*register_, "get", Json::object({{"consultation", instance("c1")}}), "t2").code,
            "consultation.unknown");
}

}  // namespace
}  // namespace rabt::consultation::register_test
