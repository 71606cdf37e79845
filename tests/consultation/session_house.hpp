#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "hub/audit/verify.hpp"
#include "hub/consultation/messages/messenger.hpp"
#include "hub/consultation/tasks/tasks.hpp"
#include "hub/crypto/crypto.hpp"
#include "hub/crypto/keyring.hpp"
#include "hub/plugin/package/capability.hpp"
#include "tests/audit_and_keys.hpp"
#include "tests/consultation/asked_all.hpp"
#include "tests/eventually.hpp"
#include "tests/keyring.hpp"
#include "tests/must.hpp"
#include "tests/store_under_test.hpp"

// A house with doctors and patients, a store in a folder of its own, and a video provider that
// does what a test tells it.
namespace rabt::consultation {

using rabt::test::must;

// Internally synchronised, but for `numbers`: the thread of the sessions reads people while a test
// changes them.
class People final : public identity::Directory {
 public:
  void add(identity::Person person) {
    const Lock lock(mutex_);
    people_.push_back(std::move(person));
  }
  [[nodiscard]] identity::Person of(const std::string& id) {
    const Lock lock(mutex_);
    return known(id);
  }
  void change(const std::string& id, const std::function<void(identity::Person&)>& act) {
    const Lock lock(mutex_);
    act(known(id));
  }
  // Changes one member of the profile.
  void set(const std::string& id, std::string_view member, Json value) {
    change(id, [&](identity::Person& person) { person.profile.set(member, std::move(value)); });
  }
  void forget(const std::string& id, std::string_view member) {
    change(id, [&](identity::Person& person) { person.profile.mutable_object().erase(member); });
  }
  // By the value of {system, value}.
  std::map<std::string, std::string> numbers;
  Result<std::string> resolve(std::string_view /*tenant*/, const Json& reference) override {
    const auto numbered = numbers.find(reference.string_or("value", ""));
    if (numbered != numbers.end()) return numbered->second;
    const Lock lock(mutex_);
    for (const identity::Person& person : people_) {
      if (reference.is_string() && identity::ulid_of(reference.as_string()) == person.id)
        return person.id;
      if (reference.as_int64() == person.number) return person.id;
      if (reference.is_string() && reference.as_string() == std::to_string(person.number))
        return person.id;
    }
    return not_found("person.unknown", "nobody");
  }
  Result<identity::Person> find(std::string_view /*tenant*/, std::string_view id) override {
    const Lock lock(mutex_);
    for (const identity::Person& person : people_) {
      if (person.id == id) return person;
    }
    return not_found("person.unknown", "nobody");
  }
  Result<std::vector<identity::Person>> having(std::string_view /*tenant*/,
                                               identity::Roles roles) override {
    std::vector<identity::Person> found;
    const Lock lock(mutex_);
    for (const identity::Person& person : people_) {
      if (person.roles.has_any(roles)) found.push_back(person);
    }
    return found;
  }

 private:
  identity::Person& known(const std::string& id) RABT_REQUIRES(mutex_) {
    for (identity::Person& person : people_) {
      if (person.id == id) return person;
    }
    std::abort();
  }

  Mutex mutex_;
  std::vector<identity::Person> people_ RABT_GUARDED_BY(mutex_);
};

// The role `video`. Internally synchronised.
class Provider final : public plugin::ActionRunner {
 public:
  using Answerer = std::function<workflow::ActionOutcome(const plugin::CallRequest&)>;
  class Answering {
   public:
    explicit Answering(Mutex& mutex) : mutex_(mutex) {}
    Answering& operator=(Answerer next) {
      const Lock lock(mutex_);
      answerer_ = std::move(next);
      return *this;
    }
    // Under the lock.
    workflow::ActionOutcome operator()(const plugin::CallRequest& call) const {
      return answerer_(call);
    }

   private:
    Mutex& mutex_;
    Answerer answerer_;
  };
  Provider() {
    answer = [this](const plugin::CallRequest& call) { return usual(call); };
  }
  std::uint64_t invoke(plugin::CallRequest call, plugin::Ended done) override {
    workflow::ActionOutcome outcome;
    EXPECT_NE(plugin::capability_of_call(call.action, call.version), nullptr)
        << "the hub calls " << call.action << ":" << call.version << "@" << call.role
        << ", which is no capability";
    // As the host does: a call names a capability, and the provider hears its own name of it.
    const auto own = names.find(call.action);
    if (own == names.end() || lacks.contains(call.action)) {
      done(plugin::failed(workflow::OutcomeKind::permanent, "plugin.unknown_action",
                          "the role offers no action " + call.action));
      return 1;
    }
    call.action = own->second;
    {
      const Lock lock(mutex_);
      calls_.push_back(call);
      outcome = answer(call);
    }
    done(std::move(outcome));
    return 1;
  }
  void cancel(std::uint64_t /*token*/) override {}
  void probe(plugin::CallRequest call, std::function<void(plugin::ProbeAnswer)> done) override {
    done(effect ? effect(call) : plugin::ProbeAnswer{});
  }
  std::optional<plugin::Recipient> recipient(std::string_view, std::string_view,
                                             std::string_view) const override {
    return plugin::Recipient{.plugin = plugin, .version = "1.0.0", .hosts = {"video.example"}};
  }
  std::map<std::string, std::string> bindings() const override {
    std::map<std::string, std::string> all;
    if (bound) all["video"] = "plugin://" + plugin;
    if (notifies) all["notify"] = "plugin://notify";
    return all;
  }
  std::vector<std::string> roles() const override { return {"video"}; }
  std::vector<std::string> actions(std::string_view /*role*/) const override { return {}; }
  std::optional<workflow::ActionInfo> find(std::string_view, std::string_view action,
                                           std::string_view) const override {
    const auto own = names.find(action);
    if (own == names.end() || lacks.contains(action)) return std::nullopt;
    const bool optional = !action.starts_with("video.session.") && action != "video.token.issue";
    if (optional && !served.contains(own->second)) return std::nullopt;
    return workflow::ActionInfo{};
  }

  std::vector<plugin::CallRequest> calls(std::string_view action) {
    const Lock lock(mutex_);
    std::vector<plugin::CallRequest> found;
    for (const auto& call : calls_) {
      if (call.action == action) found.push_back(call);
    }
    return found;
  }
  static workflow::ActionOutcome done_with(Json output) {
    return {.kind = workflow::OutcomeKind::done, .output = std::move(output)};
  }
  workflow::ActionOutcome usual(const plugin::CallRequest& call) {
    if (call.action == "create-session") {
      // The key is the room's name: the same room again.
      const auto room =
          rooms_.emplace(call.idempotency_key, "RM" + std::to_string(rooms_.size() + 1));
      return done_with(Json::object({{"sessionId", room.first->second},
                                     {"status", "in-progress"},
                                     {"participants", Json::array()}}));
    }
    if (call.action == "issue-token")
      return done_with(Json::object({{"token", "token-" + call.arguments.string_or("identity", "") +
                                                   "-" + std::to_string(++tokens_)},
                                     {"expiresAt", call.deadline_unix_ms / 1000 + 3600}}));
    if (call.action == "list-recordings") return done_with(recordings);
    if (call.action == "fetch-recording") return done_with(fetched);
    return done_with(Json::object());
  }

  bool bound = true;
  // Whether the role `notify` is bound, too.
  bool notifies = false;
  std::string plugin = "twilio";
  // Its own names of the capabilities, and those that it does not have at all.
  std::map<std::string, std::string, std::less<>> names{
      {"video.session.create", "create-session"},
      {"video.session.get", "get-session"},
      {"video.session.end", "end-session"},
      {"video.token.issue", "issue-token"},
      {"video.participant.remove", "remove-participant"},
      {"video.participant.hold", "hold-receivers"},
      {"video.recording.start", "start-recording"},
      {"video.recording.stop", "stop-recording"},
      {"video.recording.list", "list-recordings"},
      {"video.recording.fetch", "fetch-recording"},
      {"video.recording.delete", "delete-recording"},
      {"notify.sms.send", "our-send-sms"},
      {"notify.message.get", "our-get-message"},
      {"identity.verification.start", "ask-in-app"},
      {"identity.verification.get", "approval"},
      {"video.transcription.start", "start-transcription"},
      {"video.transcription.stop", "stop-transcription"}};
  std::set<std::string, std::less<>> lacks;
  // Optional actions that it has, and features.
  std::set<std::string, std::less<>> served{"remove-participant", "start-recording",
                                            "list-recordings", "fetch-recording",
                                            "delete-recording"};
  std::set<std::string, std::less<>> features{"receive-only"};
  // May be replaced while a call is answered: the next one has the new answer.
  Answering answer{mutex_};
  // Answers probes; unset: nothing can be said.
  std::function<plugin::ProbeAnswer(const plugin::CallRequest&)> effect;
  Json recordings = Json::object({{"ready", true}, {"recordings", Json::array()}});
  Json fetched;

 private:
  Mutex mutex_;
  std::vector<plugin::CallRequest> calls_;
  std::map<std::string, std::string> rooms_;
  int tokens_ = 0;
};

class SessionHouse : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "rabt-sessions-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    keyring_ = test::open_keyring(folder_, clock_, random_, {"t1"});
    using identity::Role;
    doctor_ = somebody({Role::doctor}, {{"name", "د. أحمد حسن"}, {"gender", "male"}});
    doctor2_ = somebody({Role::doctor}, {{"name", "Dr Two"}, {"gender", "female"}});
    nurse_ = somebody({Role::nurse}, {{"name", "Nora"}});
    patient_ = somebody({Role::patient}, {{"name", "Patient One"}});
    patient2_ = somebody({Role::patient}, {{"name", "Patient Two"}});
    open();
  }
  // Log of the service.
  Logger* lines_ = &null_logger();

  void TearDown() override {
    close();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  virtual std::unique_ptr<store::Store> open_store() { return database_.open(folder_); }
  void open() {
    store_ = open_store();
    audit_ = rabt::test::open_audit_log(*store_, clock_, *keyring_, folder_);
    keys_ = rabt::test::open_data_keys(*keyring_, *store_, clock_, random_, ids_);
    blobs_ = must(blob::make_blob_store(folder_ + "/blobs", *store_, *keys_, clock_, random_, ids_,
                                        null_logger()));
    reasons_ = std::make_unique<access::PatientDetail>(*keys_, *store_, random_);
    sessions_ = std::make_unique<AskedSessions>(SessionParts{
        .store = *store_,
        .audit = *audit_,
        .keys = *keys_,
        .blobs = *blobs_,
        .directory = people_,
        .actions = provider_,
        .clock = clock_,
        .random = random_,
        .ids = ids_,
        .log = *lines_,
        .tenant = "t1",
        .settings = settings_,
        .public_url = public_url_,
        .house = house_,
        .has_feature =
            [this](std::string_view target, std::string_view feature) {
              return target == "plugin://" + provider_.plugin &&
                     provider_.features.contains(feature);
            },
        .links = links_,
        .coverage = coverage_,
        .ask_desk =
            [this](const NewTask& wanted) {
              desk_.push_back(wanted);
              return ok_status();
            },
        .close_tasks =
            [this](const PassedTasks& passed) {
              return desk_tasks_ == nullptr ? ok_status() : desk_tasks_->close_passed(passed);
            },
        .details = reasons_.get(),
        .newcomers = newcomers_});
    codes_ = std::make_unique<Messenger>(sessions_->acts, sessions_->Sessions::invitations);
    sessions_->guests.send_codes_by(*codes_);
    sessions_->begin(
        [this](const std::vector<Json>& events, const store::Store::Job& also) -> Status {
          {
            const Lock lock(told_mutex_);
            if (refuse_events_) return Status(unavailable("store.busy", "not now"));
          }
          RABT_TRY_STATUS(store_->write(also));
          const Lock lock(told_mutex_);
          for (const Json& event : events) told_.push_back(event);
          return ok_status();
        });
  }
  void close() {
    if (sessions_ != nullptr) sessions_->stop();
    sessions_.reset();
    codes_.reset();
    desk_tasks_.reset();
    // Refused links enter the audit log by jobs that nothing waits for.
    if (store_ != nullptr) store_->flush();
    reasons_.reset();
    blobs_.reset();
    keys_.reset();
    audit_.reset();
    store_.reset();
  }

  std::string somebody(identity::Roles roles,
                       std::initializer_list<std::pair<std::string_view, Json>> profile) {
    identity::Person person;
    person.id = ids_.next().text();
    person.number = ++numbers_;
    person.roles = roles;
    person.profile = Json::object(profile);
    person.licence = identity::Licence::vouched;
    person.pseudonym = to_hex(as_bytes(person.id)).substr(0, 32);
    people_.add(person);
    return person.id;
  }
  // Writes the roles of everybody where statements look for them.
  void know_roles() {
    static constexpr store::Statement kRole{
        "INSERT INTO person_role (tenant, person, role) VALUES ('t1', $1, $2)"};
    must(store_->write([&](store::Transaction& transaction) -> Status {
      for (const std::string& person : {doctor_, doctor2_, nurse_, patient_, patient2_}) {
        for (const std::string& role : people_.of(person).roles.names())
          RABT_TRY_STATUS(store::run(transaction, kRole, {person, role}));
      }
      return ok_status();
    }));
  }
  Ask as(const std::string& person, const std::string& session = {}, Json body = Json::object()) {
    Ask ask;
    ask.caller.who.kind = identity::Kind::person;
    ask.caller.who.tenant = "t1";
    ask.caller.who.id = person;
    ask.caller.who.person = person;
    if (!person.empty()) ask.caller.who.roles = people_.of(person).roles;
    ask.session = session;
    ask.body = std::move(body);
    return ask;
  }
  // A request of somebody who came by a link.
  static Ask by_link(const std::string& session, const std::string& participant,
                     Json body = Json::object()) {
    Ask ask;
    ask.caller.who = {.kind = identity::Kind::guest,
                      .tenant = "t1",
                      .id = participant,
                      .part = {.session = session, .participant = participant}};
    ask.session = session;
    ask.body = std::move(body);
    return ask;
  }
  static Ask as_admin(const std::string& session = {}, Json body = Json::object()) {
    Ask ask;
    ask.caller.who.kind = identity::Kind::client;
    ask.caller.who.id = "console";
    ask.caller.who.roles = {identity::Role::admin};
    ask.session = session;
    ask.body = std::move(body);
    return ask;
  }
  static Json with(Json body, std::string_view key, Json value) {
    body.set(key, std::move(value));
    return body;
  }
  Json plain() { return Json::object({{"type", "doctor_patient"}, {"patient", patient_}}); }
  // A session of doctor_ with patient_.
  Json made(Json body = {}) {
    return must(
        sessions_->creation.create(as(doctor_, {}, body.is_null() ? plain() : std::move(body))));
  }
  static std::string id_of(const Json& session) { return session.string_or("id", ""); }
  Json seen(const std::string& session) {
    return must(sessions_->reading.get(as(doctor_, session)));
  }
  // The id of the participant whom a person is.
  std::string part_of(const std::string& session, const std::string& person) {
    const Json all = seen(session);
    for (const Json& item : all["participants"].as_array()) {
      if (item.string_or("person", "") == person) return item.string_or("id", "");
    }
    return {};
  }
  Json part(const std::string& session, const std::string& person) {
    const Json all = seen(session);
    for (const Json& item : all["participants"].as_array()) {
      if (item.string_or("person", "") == person) return item;
    }
    return {};
  }
  template <typename T>
  static std::string code(const Result<T>& result) {
    return result.ok() ? std::string("ok") : result.error().code;
  }
  // Waits until the threads of the service have done something.
  template <typename Done>
  bool eventually(Done done) {
    return rabt::test::eventually([&] {
      sessions_->catch_up();
      return done();
    });
  }
  std::vector<Json> told(std::string_view type) {
    const Lock lock(told_mutex_);
    std::vector<Json> found;
    for (const Json& item : told_) {
      if (item.string_or("type", "") == "org.rabt.hub.session." + std::string(type) + ".v1")
        found.push_back(item);
    }
    return found;
  }
  void refuse_events(bool refuse) {
    const Lock lock(told_mutex_);
    refuse_events_ = refuse;
  }

  std::string folder_;
  const rabt::test::StoreUnderTest database_;
  FakeClock clock_;
  SystemRandom random_;
  UlidSource ids_{clock_, random_};
  People people_;
  Provider provider_;
  // The answer to a booking waits for its room as long as a slow machine takes.
  VideoSettings settings_{.room_patience_ms = 60'000};
  std::string public_url_;
  House house_;
  LinkSettings links_;
  CoveragePolicy coverage_;
  // Enters patients of bookings. Null unless a test sets it before the house opens.
  identity::Newcomers* newcomers_ = nullptr;
  // Tasks that close when the visit is over. Null unless a test makes them.
  std::unique_ptr<const Tasks> desk_tasks_;
  // Tasks that the desk was asked.
  std::vector<NewTask> desk_;
  std::int64_t numbers_ = 0;
  std::string doctor_, doctor2_, nurse_, patient_, patient2_;
  std::unique_ptr<crypto::Keyring> keyring_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<audit::AuditLog> audit_;
  std::unique_ptr<access::PatientDetail> reasons_;
  std::unique_ptr<keys::DataKeys> keys_;
  std::unique_ptr<blob::BlobStore> blobs_;
  std::unique_ptr<AskedSessions> sessions_;
  std::unique_ptr<Messenger> codes_;

  Mutex told_mutex_;
  std::vector<Json> told_;
  bool refuse_events_ = false;
};

}  // namespace rabt::consultation
