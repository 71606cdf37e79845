#include "tools/demo/demo.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <set>
#include <thread>

#include "hub/audit/verify.hpp"
#include "hub/base/bytes.hpp"
#include "hub/base/clock.hpp"
#include "hub/base/end_signals.hpp"
#include "hub/base/ids.hpp"
#include "hub/base/json.hpp"
#include "hub/consultation/messages/due.hpp"
#include "hub/crypto/crypto.hpp"
#include "hub/identity/api_token.hpp"
#include "hub/net/local_http.hpp"
#include "tools/demo/booked.hpp"
#include "tools/demo/booking.hpp"
#include "tools/demo/chart.hpp"
#include "tools/demo/child_process.hpp"
#include "tools/demo/configuration.hpp"
#include "tools/demo/janus_video.hpp"
#include "tools/demo/link.hpp"
#include "tools/demo/payer.hpp"
#include "tools/demo/people.hpp"
#include "tools/demo/rabbitmq.hpp"
#include "tools/demo/served.hpp"
#include "tools/demo/signed_store.hpp"
#include "tools/demo/telephone.hpp"
#include "tools/demo/video.hpp"
#include "tools/demo/visit.hpp"

// `./dev demo`: the hub, the stand-ins for the outside systems, and the people of one consultation.
// Everything that crosses between them is HTTP; the hub is a process of its own, started with a
// configuration file as an operator would.
namespace rabt::demo {

namespace {

namespace fs = std::filesystem;
using Headers = std::vector<std::pair<std::string, std::string>>;

constexpr int kCrashes = 20;
// Minutes from now to the visit, as the hospital books it, and as it moves it before anybody comes.
// A patient hears at once of a time within five minutes.
constexpr int kBookedMinutes = 30;
constexpr int kMovedMinutes = 5;
// The telephone of the patient who has an account.
constexpr std::string_view kAccountPhone = "+966500000001";
constexpr int kCrashesBeforeJoining = 4;
constexpr int kCrashesBeforeTheEnd = 11;

std::int64_t now_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count();
}
void pause_ms(std::int64_t ms) {
  std::this_thread::sleep_for(std::chrono::milliseconds(ms));
}

// Keeps right-to-left text in its place on a left-to-right line: first strong isolate ... pop
// directional isolate (UAX #9).
std::string isolate(std::string_view text) {
  return "\u2068" + std::string(text) + "\u2069";
}

// A scene has to wait: it is tried again.
Status waits_for(const std::string& what) {
  return unavailable("demo.waits", what);
}

bool write_file(const std::string& path, const std::string& content, mode_t mode) {
  std::ofstream out(path, std::ios::binary);
  out << content;
  out.close();
  return out.good() && ::chmod(path.c_str(), mode) == 0;
}

Result<Json> read_json_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  return Json::parse(text);
}

std::string with_dots(std::int64_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, ",");
  return digits;
}

std::string riyals(const Json& halalas) {
  const std::int64_t value = halalas.as_int64().value_or(0);
  const std::string rest = std::to_string(value % 100);
  return std::to_string(value / 100) + "." + (rest.size() < 2 ? "0" : "") + rest + " SAR";
}

class Demo {
 public:
  explicit Demo(const Options& options) : options_(options), ids_(clock_, random_) {}
  int run();

 private:
  // Part of the story that is tried until its time has come. instance: of the booking, as the hub
  // shows it now.
  struct Scene {
    std::string name;
    std::function<Status(const Json& instance)> play;
  };

  // True if patients get messages with a link and come by it. Where the hub stays up, people sign
  // in instead; a load run has no patients.
  [[nodiscard]] bool by_link() const { return options_.consultations == 1 && !options_.serve; }
  Status prepare();
  Status start_sandbox();
  Status start_video();
  Status start_hub();
  Status add_plugins();
  Status write_configuration();
  Result<Json> post_booking(const Booking& booking);
  // Posts until the hub answers: it may be down for a moment. The id stays the same, so it is
  // accepted once.
  Result<Json> deliver(const Booking& booking);
  [[nodiscard]] Result<Json> instance(const std::string& id, bool data);
  Result<Json> control(const std::string& what, const Json& body) {
    RABT_TRY(answer, http_.send("POST", urls_.string_or("control", "") + "/control/" + what,
                                {{"Content-Type", "application/json"}}, body.dump()));
    RABT_TRY(text, net::good_body(std::move(answer)));
    return text.empty() ? Json() : Json::parse(text);
  }
  [[nodiscard]] std::int64_t effects(const std::string& kind);
  // Returns the steps of the people of a booking, once its session is there.
  [[nodiscard]] std::unique_ptr<BookedVisit> visit_of(const std::string& id,
                                                      const std::string& patient, bool tell);
  [[nodiscard]] std::vector<Scene> scenes(const Booking& booking, const std::string& id);
  // Tries the scene whose turn it is.
  void play_on(const std::vector<Scene>& scenes, const Json& instance);
  // Plays the people of the visit, one step each time, until their next step is this one.
  Status play_up_to(const std::string& step);
  // Waits for the text message that tells the patient this time. Gives its text.
  Result<std::string> text_about(const std::string& start);
  Status come_by_link(const Booking& booking);
  Status move(const Booking& later);
  Status lose_payer();
  Status find_payer();
  void say(const std::string& what) const {
    std::printf("%7.2f s  > %s\n", static_cast<double>(now_ms() - started_) / 1000.0, what.c_str());
    std::fflush(stdout);
  }
  int story();
  // Registers the patient of the visit and the payer, over the API of the record system.
  Status register_patient();
  // Waits for the workflow that follows a session.
  Status follow(const std::string& session);
  Status hear_of_follow_up(const std::string& session);
  int visit();
  int crowd();
  Status write_ready_file();
  int stay();
  void print_progress(const Json& instance);
  int summary(const std::string& id);
  // Prints the claim, how often it was sent while the payer was away, and the report. True if they
  // are as they must be.
  bool show_claim(const Json& instance);
  // Prints the chart that the record system has. True if it is whole.
  bool show_chart(const Json& output);
  // Kills and restarts the hub when its time has come.
  Status maybe_crash();
  [[nodiscard]] std::int64_t random_ms(std::int64_t low, std::int64_t high) {
    std::array<std::uint8_t, 2> raw{};
    random_.fill(raw);
    return low + (raw[0] * 256 + raw[1]) % (high - low + 1);
  }

  Options options_;
  SystemClock clock_;
  SystemRandom random_;
  UlidSource ids_;
  net::LocalHttp http_;
  std::string bin_;
  std::string root_;
  std::string folder_;
  std::string config_;
  Json urls_;
  std::string hub_url_;
  int hub_port_ = 0;
  std::string token_;
  Bytes webhook_key_;
  std::string issuer_secret_;
  std::unique_ptr<People> people_;
  // The doctor and the patients of bookings.
  std::unique_ptr<People> booked_;
  ChildProcess sandbox_;
  std::unique_ptr<Video> video_;
  RabbitServer rabbitmq_;
  std::unique_ptr<Payer> payer_;
  std::unique_ptr<BookedVisit> visit_;
  std::size_t scene_ = 0;
  // Scene that cannot begin yet, and why.
  std::string waits_;
  ChildProcess hub_;
  std::int64_t started_ = 0;
  std::set<std::string> printed_;
  int crashes_ = 0;
  std::int64_t next_crash_ = 0;
};

Status Demo::prepare() {
  bin_ = fs::read_symlink("/proc/self/exe").parent_path();
  root_ = options_.root.empty() ? fs::path(bin_).parent_path().parent_path().parent_path().string()
                                : fs::weakly_canonical(options_.root).string();
  if (!fs::exists(root_ + "/workflows/consultation.yaml")) {
    return invalid("demo.root",
                   "the project's folder was not found from " + bin_ + "; give it with --root");
  }
  if (options_.data.empty()) {
    std::string pattern = (fs::temp_directory_path() / "rabt-demo-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr)
      return unavailable("demo.folder", "no temporary folder can be made");
    folder_ = pattern;
  } else {
    folder_ = fs::absolute(options_.data);
    std::error_code failure;
    fs::create_directories(folder_, failure);
    if (failure)
      return unavailable("demo.folder",
                         "the folder " + folder_ + " cannot be made: " + failure.message());
  }
  return ok_status();
}

Status Demo::start_sandbox() {
  const bool crowd = options_.consultations > 1;
  Json twilio = Json::object({{"account_sid", kDemoAccount},
                              {"auth_token", kDemoAuthToken},
                              {"api_key_sid", kDemoApiKey},
                              {"api_key_secret", kDemoApiKeySecret},
                              {"media_bytes", crowd ? 256 * 1024 : 3 * 1024 * 1024}});
  const Json chime = Json::object({{"access_key_id", kDemoChimeKey},
                                   {"secret_access_key", kDemoChimeSecret},
                                   {"media_bytes", twilio["media_bytes"]}});
  const Json options =
      Json::object({{"twilio", twilio},
                    {"chime", chime},
                    {"nphies", Json::object({{"adjudicate_after_ms", options_.crash ? 9000 : 1500},
                                             {"licence", "PR-FHIR"}})},
                    {"fhir", Json::object({{"token", "sandbox-fhir-token"}})}});
  const std::string file = folder_ + "/sandbox.json";
  const std::string ready = folder_ + "/sandbox.ready";
  if (!write_file(file, options.dump(), 0600))
    return unavailable("demo.folder", folder_ + " cannot be written");
  RABT_TRY_STATUS(sandbox_.start({bin_ + "/rabt-sandbox", "--options", file, "--ready-file", ready,
                                  "--ledger", folder_ + "/ledger.jsonl", "--die-with-parent"},
                                 folder_ + "/sandbox.log"));
  for (const std::int64_t end = now_ms() + 10'000; now_ms() < end; pause_ms(10)) {
    if (fs::exists(ready)) {
      RABT_TRY(urls, read_json_file(ready));
      urls_ = std::move(urls);
      payer_ = std::make_unique<Payer>(urls_.string_or("control", ""));
      return ok_status();
    }
    if (!sandbox_.running()) break;
  }
  return unavailable("demo.sandbox",
                     "the stand-ins did not start; see " + folder_ + "/sandbox.log");
}

Status Demo::start_video() {
  if (options_.video == "janus") {
    video_ = std::make_unique<JanusVideo>(folder_ + "/janus", root_, bin_, random_);
  } else {
    video_ = std::make_unique<StandIn>(
        options_.video,
        StandIn::Doors{
            .control = [this](const std::string& what,
                              const Json& body) { return control(what, body); },
            .effects = [this](const std::string& kind) { return effects(kind); },
            .url = [this](const std::string& name) { return urls_.string_or(name, ""); }});
  }
  return video_->start(hub_url_);
}

// The shipped plugins as a hospital would have them: signed, added, loaded without --dev.
Status Demo::add_plugins() {
  const std::string store = folder_ + "/plugins";
  for (const std::string& old : {store, folder_ + "/packages"})
    fs::remove_all(old);  // --data again
  const std::string built = fs::path(bin_).parent_path().string() + "/plugins/";
  return make_signed_store(
      {built + options_.video, built + "fhir", built + "nphies", built + "moh", built + "notify"},
      folder_ + "/packages", store);
}

Status Demo::write_configuration() {
  std::array<std::uint8_t, 32> key{};
  random_.fill(key);
  webhook_key_.assign(key.begin(), key.end());
  random_.fill(key);
  issuer_secret_ = crypto::base64url(key);
  const std::string secrets = folder_ + "/secrets";
  fs::create_directories(secrets);
  fs::permissions(secrets, fs::perms::owner_all);
  Video::Words files{{"his", "whsec_" + to_base64(webhook_key_)},
                     {"fhir-token", "sandbox-fhir-token"},
                     {"issuer", issuer_secret_},
                     {"moh-token", std::string(kDemoMohToken)},
                     {"sms-token", "sandbox-sms-token"}};
  files.merge(video_->secrets());
  for (const auto& [name, value] : files) {
    if (!write_file(secrets + "/" + name, value, 0600))
      return unavailable("demo.folder", secrets + " cannot be written");
  }
  config_ = folder_ + "/rabt.yaml";
  Configuration configuration;
  configuration.port = hub_port_;
  configuration.data = folder_ + "/data";
  configuration.plugins = folder_ + "/plugins";
  configuration.root = root_;
  for (const char* name : {"consultation", "before_session", "after_session", "appointment",
                           "chart", "follow_up", "emergency"})
    configuration.workflows.push_back(root_ + "/workflows/" + name + ".yaml");
  configuration.log = folder_ + "/hub.log";
  configuration.secrets = secrets;
  configuration.issuer_secret = secrets + "/issuer";
  configuration.sends_messages = true;
  configuration.video = video_->plugin();
  configuration.video_words = video_->words();
  configuration.stand_in = [this](const char* name) { return urls_.string_or(name, ""); };
  if (by_link()) {
    configuration.workflows.push_back(root_ + "/workflows/messages.yaml");
    configuration.messages = root_ + "/config/messages";
    configuration.more = "clinic: {booked_patients: enter}\n";
  }
  if (options_.rabbitmq) configuration.more += rabbitmq_.hub_configuration();
  if (!write_file(config_, yaml_of(configuration), 0600))
    return unavailable("demo.folder", folder_ + " cannot be written");
  return ok_status();
}

Status Demo::start_hub() {
  const std::string ready = folder_ + "/hub.ready";
  fs::remove(ready);
  RABT_TRY_STATUS(hub_.start(
      {bin_ + "/rabt", "serve", "--config", config_, "--ready-file", ready, "--die-with-parent"},
      folder_ + "/hub.out"));
  for (const std::int64_t end = now_ms() + 20'000; now_ms() < end; pause_ms(5)) {
    if (fs::exists(ready)) {
      if (token_.empty()) {
        RABT_TRY(token, identity::read_api_token(folder_ + "/data"));
        token_ = std::move(token);
        return video_->hub_is_up(hub_url_);
      }
      return ok_status();
    }
    if (!hub_.running()) break;
  }
  std::ifstream in(folder_ + "/hub.out");
  const std::string said((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  return unavailable("demo.hub", "the hub did not start:\n" + said);
}

Result<Json> Demo::post_booking(const Booking& booking) {
  const std::string stamp = std::to_string(clock_.now().ms / 1000);
  const std::string signature =
      to_base64(crypto::hmac_sha256(webhook_key_, booking.id + "." + stamp + "." + booking.body));
  return http_.json("POST", hub_url_ + "/hooks/his",
                    {{"Content-Type", "application/fhir+json"},
                     {"webhook-id", booking.id},
                     {"webhook-timestamp", stamp},
                     {"webhook-signature", "v1," + signature}},
                    booking.body);
}

Result<Json> Demo::deliver(const Booking& booking) {
  Result<Json> answer = post_booking(booking);
  for (const std::int64_t end = now_ms() + 30'000;
       !answer.ok() && answer.error().code == "net.no_answer" && now_ms() < end;) {
    RABT_TRY_STATUS(maybe_crash());
    pause_ms(50);
    answer = post_booking(booking);
  }
  return answer;
}

Result<Json> Demo::instance(const std::string& id, bool data) {
  Headers headers{{"Authorization", "Bearer " + token_}};
  if (data) headers.emplace_back("X-Rabt-Reason", "demonstration");
  return http_.json("GET", hub_url_ + "/api/v1/instances/" + id + (data ? "?data=true" : ""),
                    std::move(headers));
}

std::int64_t Demo::effects(const std::string& kind) {
  const auto answer =
      http_.json("GET", urls_.string_or("control", "") + "/ledger/count?kind=" + kind);
  return answer.ok() ? answer->int_or("count", -1) : -1;
}

Status Demo::maybe_crash() {
  if (!options_.crash || crashes_ >= kCrashes || now_ms() < next_crash_) return ok_status();
  hub_.kill();
  ++crashes_;
  std::printf("%7.2f s  * hub killed with SIGKILL (%d of %d)\n",
              static_cast<double>(now_ms() - started_) / 1000.0, crashes_, kCrashes);
  RABT_TRY_STATUS(start_hub());
  next_crash_ = now_ms() + random_ms(20, 900);
  return ok_status();
}

void Demo::print_progress(const Json& instance) {
  static const std::set<std::string> kShown{"call", "listen", "wait", "raise", "emit", "fork"};
  if (!instance["timeline"].is_array()) return;
  for (const Json& entry : instance["timeline"].as_array()) {
    const std::string kind = entry.string_or("kind", "");
    const std::string state = entry.string_or("state", "");
    if (!kShown.contains(kind) || entry.find("ended") == nullptr || state == "cancelled") continue;
    // A call that failed is tried again, and shown again when it succeeds.
    if (!printed_.insert(entry.string_or("reference", "") + (state == "faulted" ? "!" : "")).second)
      continue;
    // Asked for before it was there, and asked for again: the attempts of the try around it tell
    // enough.
    if (kind == "raise" && entry.string_or("detail", "").find("/not-ready") != std::string::npos) {
      continue;
    }
    const std::int64_t attempts = entry.int_or("attempts", 1);
    std::printf("%7.2f s  %-16s %-7s %-9s %6lld ms  %s%s\n",
                static_cast<double>(now_ms() - started_) / 1000.0,
                entry.string_or("task", "").c_str(), kind.c_str(), state.c_str(),
                static_cast<long long>(entry.int_or("ms", 0)),
                entry.string_or("detail", "").c_str(),
                attempts > 1 ? (" (" + std::to_string(attempts) + " attempts)").c_str() : "");
    std::fflush(stdout);
  }
}

std::unique_ptr<BookedVisit> Demo::visit_of(const std::string& id, const std::string& patient,
                                            bool tell) {
  const auto data = instance(id, true);
  if (!data.ok()) return nullptr;
  const std::string session = (*data)["context"].string_or("session", "");
  if (session.empty()) return nullptr;
  BookedVisit::Setting setting{.people = *booked_, .video = *video_};
  if (tell) setting.say = [this](const std::string& what) { say(what); };
  return std::make_unique<BookedVisit>(std::move(setting), session, "doctor", patient);
}

// The session has the time that the hospital moved it to.
bool has_followed(const Json& instance) {
  const Json& timeline = instance["timeline"];
  return timeline.is_array() &&
         std::any_of(timeline.as_array().begin(), timeline.as_array().end(), [](const Json& entry) {
           return entry.string_or("task", "") == "bookAgain" &&
                  entry.string_or("state", "") == "completed";
         });
}

Result<std::string> Demo::text_about(const std::string& start) {
  RABT_TRY(sent, control("sms/messages", Json::object()));
  std::string text = text_that_tells(texts_to(sent, kDemoPhone), start);
  if (text.empty()) return unavailable("demo.waits", "the patient has no message about " + start);
  return text;
}

// The tap of somebody who has no account, in the browser of the telephone that got the message.
Status Demo::come_by_link(const Booking& booking) {
  RABT_TRY(text, text_about(booking.start));
  RABT_TRY(cookie, booked_->open_link(link_in(text), booking.id));
  booked_->know_guest("patient", cookie);
  RABT_TRY(session, booked_->as("doctor", "GET", "/sessions/" + visit_->session()));
  const std::string record = session.string_or("patient", "");
  if (record.empty()) return internal("demo.link", "the hub made no record of the patient");
  say("nobody had entered the patient: the hub made the record " + record);
  say("SMS to the patient: " + isolate(without_code(text)));
  say("the patient opens the link of the message");
  return ok_status();
}

Status Demo::move(const Booking& later) {
  RABT_TRY_STATUS(deliver(later));
  std::printf("%7.2f s  the hospital moves the visit to %s\n",
              static_cast<double>(now_ms() - started_) / 1000.0, later.start.c_str());
  return ok_status();
}

Status Demo::play_up_to(const std::string& step) {
  const std::string next = visit_->next();
  if (next == step) return ok_status();
  if (options_.crash && next == "wait" && crashes_ < kCrashesBeforeJoining)
    return waits_for("more crashes come first");
  if (options_.crash && next == "treat" && crashes_ < kCrashesBeforeTheEnd)
    return waits_for("more crashes come first");
  const Status went = visit_->go_on();
  if (!went.ok()) return waits_for(next + ": " + went.error().message);
  return visit_->next() == step ? ok_status() : waits_for(visit_->next());
}

Status Demo::lose_payer() {
  RABT_TRY_STATUS(payer_->go_away());
  say("the payer is away: it answers 503");
  return ok_status();
}

Status Demo::find_payer() {
  RABT_TRY_STATUS(payer_->come_back());
  say("the payer is back; requests that it missed: " + std::to_string(payer_->missed()));
  return ok_status();
}

std::vector<Demo::Scene> Demo::scenes(const Booking& booking, const std::string& id) {
  const Booking later = make_moved(booking, ids_, kMovedMinutes - kBookedMinutes);
  std::vector<Scene> out;
  out.push_back({"session", [this, id](const Json&) {
                   visit_ = visit_of(id, "patient", true);
                   return visit_ == nullptr ? waits_for("there is none yet") : ok_status();
                 }});
  if (by_link())
    out.push_back({"link", [this, booking](const Json&) { return come_by_link(booking); }});
  out.push_back({"move", [this, later](const Json&) { return move(later); }});
  out.push_back({"session at the new time", [](const Json& instance) {
                   return has_followed(instance) ? ok_status() : waits_for("it is not there yet");
                 }});
  if (by_link())
    out.push_back({"message about the move", [this, later](const Json&) -> Status {
                     RABT_TRY(text, text_about(later.start));
                     say("SMS to the patient: " + isolate(without_code(text)));
                     return ok_status();
                   }});
  out.push_back({"visit", [this](const Json&) { return play_up_to("end"); }});
  out.push_back({"payer goes", [this](const Json&) { return lose_payer(); }});
  out.push_back({"end of the visit", [this](const Json&) { return play_up_to(""); }});
  out.push_back({"payer comes back", [this](const Json&) { return find_payer(); }});
  return out;
}

void Demo::play_on(const std::vector<Scene>& scenes, const Json& instance) {
  if (scene_ == scenes.size()) return;
  const Status played = scenes[scene_].play(instance);
  waits_ = played.ok() ? std::string() : scenes[scene_].name + ": " + played.error().message;
  if (played.ok()) ++scene_;
}

int Demo::story() {
  Booking booking = make_moved(make_booking(clock_, ids_, 0), ids_, kBookedMinutes);
  if (by_link()) booking = with_phone(booking, kDemoPhone);
  booked_ = std::make_unique<People>(hub_url_, token_, issuer_secret_, clock_, random_);
  if (const Status entered =
          booked_->enter_booked(booking.body, "doctor", by_link() ? "" : "patient");
      !entered.ok()) {
    std::fprintf(stderr, "demo: %s\n", entered.error().message.c_str());
    return 1;
  }
  std::printf("Booking  %s with %s\n         %s, %s\n\n", isolate(booking.patient_name).c_str(),
              isolate(booking.practitioner_name).c_str(), isolate(booking.complaint).c_str(),
              booking.start.c_str());
  next_crash_ = now_ms() + random_ms(20, 300);
  started_ = now_ms();
  const auto answer = deliver(booking);
  if (!answer.ok()) {
    std::fprintf(stderr, "demo: the booking was not accepted: %s\n",
                 answer.error().message.c_str());
    return 1;
  }
  const std::string id =
      (*answer)["instances"][0].is_string() ? (*answer)["instances"][0].as_string() : "";
  std::printf("%7.2f s  webhook accepted (202), instance %s\n",
              static_cast<double>(now_ms() - started_) / 1000.0, id.c_str());

  const std::vector<Scene> plot = scenes(booking, id);
  std::string status;
  for (const std::int64_t end = now_ms() + video_->patience_ms(); now_ms() < end; pause_ms(60)) {
    if (const Status crashed = maybe_crash(); !crashed.ok()) {
      std::fprintf(stderr, "demo: %s\n", crashed.error().message.c_str());
      return 1;
    }
    const auto seen = instance(id, false);
    if (!seen.ok()) continue;
    print_progress(*seen);
    status = seen->string_or("status", "");
    if (status == "completed" || status == "faulted" || status == "cancelled" || status == "parked")
      break;
    play_on(plot, *seen);
  }
  if (status != "completed" || scene_ < plot.size()) {
    std::fprintf(stderr, "demo: the consultation ended as `%s`; folder %s\n", status.c_str(),
                 folder_.c_str());
    if (!waits_.empty()) std::fprintf(stderr, "demo: the people wait at %s\n", waits_.c_str());
    const auto seen = instance(id, false);
    if (seen.ok()) std::fprintf(stderr, "%s\n", (*seen)["error"].dump_pretty().c_str());
    return 1;
  }
  if (options_.crash && crashes_ < kCrashes) {
    std::fprintf(stderr, "demo: the consultation was over after %d of %d crashes\n", crashes_,
                 kCrashes);
    return 1;
  }
  return summary(id);
}

bool Demo::show_claim(const Json& instance) {
  const Json& claim = instance["output"]["claim"];
  std::printf("%-11s %s: %s, %s; submitted %s, benefit %s\n", "Claim",
              claim["claim"].string_or("value", "?").c_str(),
              claim.string_or("outcome", "?").c_str(), claim.string_or("adjudication", "?").c_str(),
              riyals(claim["totals"]["submittedHalalas"]).c_str(),
              riyals(claim["totals"]["benefitHalalas"]).c_str());
  std::int64_t attempts = 0;
  if (instance["timeline"].is_array()) {
    for (const Json& entry : instance["timeline"].as_array()) {
      if (entry.string_or("task", "") == "submit")
        attempts = std::max(attempts, entry.int_or("attempts", 1));
    }
  }
  std::printf("%-11s away for %.1f s; the claim went at attempt %lld\n", "Payer", payer_->seconds(),
              static_cast<long long>(attempts));
  const Json& report = instance["output"]["report"];
  std::printf("%-11s %s: %s (imported %lld, updated %lld, ignored %lld)\n", "Report",
              report.string_or("period", "?").c_str(), report.string_or("status", "?").c_str(),
              static_cast<long long>(report.int_or("imported", 0)),
              static_cast<long long>(report.int_or("updated", 0)),
              static_cast<long long>(report.int_or("ignored", 0)));
  // A hub that was killed may have lost the answer to an attempt, which it repeats as the same one.
  const bool repeated = options_.crash || attempts > payer_->missed();
  return claim.string_or("adjudication", "") == "approved" && repeated;
}

bool Demo::show_chart(const Json& output) {
  auto chart = Result<std::string>(std::string());
  // The chart is written beside the claim, which does not wait for it.
  for (const std::int64_t end = now_ms() + video_->patience_ms(); now_ms() < end; pause_ms(100)) {
    chart = chart_of(urls_.string_or("fhir", ""), output.string_or("encounter", "?"),
                     output.string_or("consultation", "?"));
    if (chart.ok() || chart.error().code != "demo.waits") break;
  }
  std::string lines = chart.ok() ? *chart : chart.error().message;
  for (auto at = lines.find('\n'); at != std::string::npos; at = lines.find('\n', at + 1))
    lines.insert(at + 1, 12, ' ');
  std::printf("%-11s %s\n", "Chart", lines.c_str());
  return chart.ok();
}

int Demo::summary(const std::string& id) {
  const auto data = instance(id, true);
  if (!data.ok()) {
    std::fprintf(stderr, "demo: %s\n", data.error().message.c_str());
    return 1;
  }
  const Json& output = (*data)["output"];
  bool good = true;
  std::printf("\n%-11s %s\n", "Session", output.string_or("session", "?").c_str());
  if (const std::string call = video_->told(); !call.empty())
    std::printf("%-11s %s\n", "Call", call.c_str());
  if (output["recordings"].is_array()) {
    for (const Json& recording : output["recordings"].as_array()) {
      // Opened again from the sealed store and hashed here.
      const auto content = http_.send(
          "GET", hub_url_ + "/api/v1/recordings/" + recording.string_or("id", "") + "/content",
          {{"Authorization", "Bearer " + token_}, {"X-Rabt-Reason", "demonstration"}});
      const bool same =
          content.ok() && content->status == 200 &&
          to_hex(crypto::sha256(content->body)) == recording.string_or("sha256", "") &&
          static_cast<std::int64_t>(content->body.size()) == recording.int_or("bytes", -1);
      const auto looked = same ? video_->look(content->body) : Result<std::string>(std::string());
      good = good && same && looked.ok();
      std::printf("%-11s %-5s %11s bytes  sha256 %s  %s\n", "Recording",
                  recording.string_or("kind", "").c_str(),
                  with_dots(recording.int_or("bytes", 0)).c_str(),
                  recording.string_or("sha256", "").c_str(),
                  same ? "opened again: same" : "NOT THE SAME when opened again");
      if (!looked.ok()) std::printf("%-11s %s\n", "", looked.error().message.c_str());
      if (looked.ok() && !looked->empty()) std::printf("%-11s %s\n", "", looked->c_str());
    }
  }
  std::printf("%-11s %s\n", "Document", output.string_or("document", "?").c_str());
  good = show_chart(output) && good;
  good = show_claim(*data) && good;

  const auto rooms = video_->rooms();
  const std::int64_t claims = effects("claim.accepted");
  const std::int64_t reports = effects("report.imported");
  std::printf("%-11s %s, %lld claim, %lld report\n", "Ledger",
              rooms.ok() ? rooms->c_str() : rooms.error().message.c_str(),
              static_cast<long long>(claims), static_cast<long long>(reports));
  good = good && rooms.ok() && claims == 1 && reports == 1;

  const auto verified = audit::verify_file(folder_ + "/data/rabt.db", folder_ + "/data");
  if (!verified.ok() || !verified->verified) {
    std::printf("%-11s NOT verified\n", "Audit");
    good = false;
  } else {
    std::printf("%-11s %llu entries, verified, head %s\n", "Audit",
                static_cast<unsigned long long>(verified->entries),
                verified->head.substr(0, 16).c_str());
  }
  if (options_.crash) std::printf("%-11s %d times killed and recovered\n", "Crashes", crashes_);
  std::printf("%-11s %.1f s\n", "Time", static_cast<double>(now_ms() - started_) / 1000.0);
  return good ? 0 : 1;
}

Status Demo::register_patient() {
  const auto put = [this](const std::string& path, const Json& resource) -> Status {
    RABT_TRY(answer, http_.send("PUT", urls_.string_or("fhir", "") + "/fhir/" + path,
                                {{"Content-Type", "application/fhir+json"},
                                 {"Authorization", "Bearer sandbox-fhir-token"}},
                                resource.dump()));
    if (answer.status / 100 == 2) return ok_status();
    return internal("demo.record", "the record system refused " + path + ": " + answer.body);
  };
  const auto code = [](const char* system, const char* value) {
    return Json::object(
        {{"coding", Json::array({Json::object({{"system", system}, {"code", value}})})}});
  };
  RABT_TRY_STATUS(
      put("Patient/demo-1001",
          Json::object({{"resourceType", "Patient"},
                        {"id", "demo-1001"},
                        {"identifier",
                         Json::array({Json::object(
                             {{"type", code("http://terminology.hl7.org/CodeSystem/v2-0203", "NI")},
                              {"system", "http://nphies.sa/identifier/nationalid"},
                              {"value", "1000000008"}})})},
                        {"name", Json::array({Json::object({{"use", "official"},
                                                            {"text", "نورة القحطاني"},
                                                            {"family", "القحطاني"},
                                                            {"given", Json::array({"نورة"})}})})},
                        {"telecom", Json::array({Json::object(
                                        {{"system", "phone"}, {"value", "+966500000001"}})})},
                        {"gender", "female"},
                        {"birthDate", "1990-03-02"}})));
  return put(
      "Coverage/demo-1001",
      Json::object(
          {{"resourceType", "Coverage"},
           {"id", "demo-1001"},
           {"identifier", Json::array({Json::object({{"system", "http://payer.example.sa/memberid"},
                                                     {"value", "M-DEMO-1001"}})})},
           {"status", "active"},
           {"type", code("http://nphies.sa/terminology/CodeSystem/coverage-type", "EHCPOL")},
           {"beneficiary", Json::object({{"reference", "Patient/demo-1001"}})},
           {"relationship",
            code("http://terminology.hl7.org/CodeSystem/subscriber-relationship", "self")},
           {"payor",
            Json::array({Json::object(
                {{"identifier", Json::object({{"system", "http://nphies.sa/license/payer-license"},
                                              {"value", "INS-FHIR"}})},
                 {"display", "Demo Insurance"}})})}}));
}

Status Demo::follow(const std::string& session) {
  Json last;
  for (const std::int64_t end = now_ms() + video_->patience_ms(); now_ms() < end; pause_ms(100)) {
    RABT_TRY(seen, people_->as("doctor", "GET", "/sessions/" + session));
    const std::string id = seen.string_or("consultation", "");
    if (id.empty()) continue;
    RABT_TRY(now, instance(id, true));
    last = std::move(now);
    const std::string status = last.string_or("status", "");
    if (status == "faulted" || status == "parked") break;
    if (status != "completed") continue;
    const Json& output = last["output"];
    std::printf("%-11s %s\n%-11s %s: %s; submitted %s\n", "Encounter",
                output.string_or("encounter", "?").c_str(), "Claim",
                output["claim"]["claim"].string_or("value", "?").c_str(),
                output["claim"].string_or("adjudication", "?").c_str(),
                riyals(output["claim"]["totals"]["submittedHalalas"]).c_str());
    if (output["claim"].string_or("adjudication", "") == "approved") return ok_status();
    break;
  }
  return internal("demo.follow", "the session was not claimed: " + last["error"].dump() + " " +
                                     last.string_or("status", "nothing followed it"));
}

// Waits for the text message about the visit that the doctor planned. At night no patient is told
// of a visit that is a day away: the visit has to be there, and its message waits.
Status Demo::hear_of_follow_up(const std::string& session) {
  for (const std::int64_t end = now_ms() + video_->patience_ms(); now_ms() < end; pause_ms(100)) {
    RABT_TRY(sent, control("sms/messages", Json::object()));
    const std::vector<std::string> texts = texts_to(sent, kAccountPhone);
    if (!texts.empty()) {
      std::printf("%-11s %s\n", "SMS", isolate(without_code(texts.front())).c_str());
      return ok_status();
    }
    if (!by_link() || !consultation::quiet_until(clock_.now())) continue;
    RABT_TRY(planned, people_->as("doctor", "GET", "/sessions?status=scheduled"));
    for (const Json& item : planned["items"].as_array()) {
      if (item.string_or("followUpOf", "") != session) continue;
      std::printf("%-11s about the follow-up: held until 07:00, the end of the quiet hours\n",
                  "SMS");
      return ok_status();
    }
  }
  return internal("demo.follow_up", "the patient got no message about the next visit");
}

// The same hospital, with people who come to a session by themselves.
int Demo::visit() {
  std::printf("\nA visit over the API\n");
  const std::int64_t begun = now_ms();
  people_ = std::make_unique<People>(hub_url_, token_, issuer_secret_, clock_, random_);
  Status played = people_->enter();
  if (played.ok()) played = register_patient();
  if (played.ok()) {
    std::string session;
    const Visit stage{.people = *people_,
                      .video = *video_,
                      .say =
                          [begun](const std::string& what) {
                            std::printf("%7.2f s  %s\n",
                                        static_cast<double>(now_ms() - begun) / 1000.0,
                                        what.c_str());
                          },
                      .session = &session};
    played = play(stage);
    if (played.ok()) played = follow(session);
    if (played.ok()) played = hear_of_follow_up(session);
    if (played.ok()) played = play_link(stage);
  }
  if (played.ok()) return 0;
  std::fprintf(stderr, "demo: %s; folder %s\n", played.error().message.c_str(), folder_.c_str());
  return 1;
}

Status Demo::write_ready_file() {
  if (options_.ready_file.empty()) return ok_status();
  Json services = Json::object();
  for (const char* name : {"control", "fhir", "nphies", "dhis2", "sms"})
    services.set(name, urls_[name]);
  services.set(video_->plugin(), video_->url());
  if (options_.rabbitmq) {
    RABT_TRY_STATUS(rabbitmq_.wait());
    services.set("rabbitmq", rabbitmq_.url());
  }
  const Json ready = Json::object({{"base", hub_url_},
                                   {"people", people_ == nullptr ? Json() : people_->list()},
                                   {"services", std::move(services)},
                                   {"issuer", people_ == nullptr ? Json() : people_->issuer()}});
  const std::string temporary = options_.ready_file + ".tmp";
  if (!write_file(temporary, ready.dump_pretty() + "\n", 0600) ||
      std::rename(temporary.c_str(), options_.ready_file.c_str()) != 0)
    return unavailable("demo.folder", options_.ready_file + " cannot be written");
  return ok_status();
}

// Until SIGINT or SIGTERM.
int Demo::stay() {
  // Blocked before the file says that all is ready.
  const EndSignals signals;
  if (people_ != nullptr) {
    if (const Status opened = open_clinic(*people_, clock_); !opened.ok()) {
      std::fprintf(stderr, "demo: %s\n", opened.error().message.c_str());
      return 1;
    }
    std::fputs(sign_in_table(*people_, hub_url_, options_.video == "janus").c_str(), stdout);
  }
  if (const Status written = write_ready_file(); !written.ok()) {
    std::fprintf(stderr, "demo: %s\n", written.error().message.c_str());
    return 1;
  }
  std::printf(
      "\nThe hub stays up; end with Ctrl-C.\n  API        %s/api/v1/instances (Authorization: "
      "Bearer $(cat %s/data/api-token))\n"
      "  Metrics    %s/metrics\n  Webhooks   %s/hooks/his\n  Ledger     %s/ledger\n  "
      "Config     %s\n",
      hub_url_.c_str(), folder_.c_str(), hub_url_.c_str(), hub_url_.c_str(),
      urls_.string_or("control", "").c_str(), config_.c_str());
  std::fflush(stdout);
  signals.wait();
  return 0;
}

int Demo::crowd() {
  const int count = options_.consultations;
  std::printf("%d consultations at once\n", count);
  started_ = now_ms();
  booked_ = std::make_unique<People>(hub_url_, token_, issuer_secret_, clock_, random_);
  // The doctor comes to all of them; the patients are guests.
  std::vector<std::string> booked;
  std::vector<std::unique_ptr<BookedVisit>> visits;
  for (int i = 0; i < count; ++i) {
    const Booking booking = make_booking(clock_, ids_, i);
    if (const Status entered = booked_->enter_booked(booking.body, "doctor", ""); !entered.ok()) {
      std::fprintf(stderr, "demo: %s\n", entered.error().message.c_str());
      return 1;
    }
    const auto answer = deliver(booking);
    if (!answer.ok()) {
      std::fprintf(stderr, "demo: booking %d was not accepted: %s\n", i,
                   answer.error().message.c_str());
      return 1;
    }
    booked.push_back((*answer)["instances"][0].as_string());
  }
  const std::int64_t accepted = now_ms();
  std::int64_t completed = 0;
  std::int64_t failed = 0;
  for (const std::int64_t end = now_ms() + 5 * video_->patience_ms(); now_ms() < end;
       pause_ms(250)) {
    std::erase_if(booked, [&](const std::string& id) {
      auto visit = visit_of(id, "", false);
      if (visit == nullptr) return false;
      visits.push_back(std::move(visit));
      return true;
    });
    for (const auto& visit : visits) static_cast<void>(visit->go_on());
    completed = failed = 0;
    std::string next = "/api/v1/instances?limit=200";
    while (!next.empty()) {
      const auto page = http_.json("GET", hub_url_ + next, {{"Authorization", "Bearer " + token_}});
      if (!page.ok()) break;
      for (const Json& item : (*page)["items"].as_array()) {
        // Appointments and charts have instances of their own.
        if (item.string_or("workflow", "") != "consultation") continue;
        const std::string status = item.string_or("status", "");
        completed += status == "completed" ? 1 : 0;
        failed += status == "faulted" || status == "cancelled" || status == "parked" ? 1 : 0;
      }
      next = page->string_or("next", "");
    }
    if (completed + failed >= count) break;
  }
  std::string peak = "?";
  std::ifstream in("/proc/" + std::to_string(hub_.pid()) + "/status");
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("VmHWM:")) peak = line.substr(line.find_first_not_of(" \t", 6));
  }
  const double total = static_cast<double>(now_ms() - started_) / 1000.0;
  std::printf(
      "accepted in %.1f s, finished in %.1f s: %lld completed, %lld not; %.1f consultations a "
      "second; hub memory peak %s\n",
      static_cast<double>(accepted - started_) / 1000.0, total, static_cast<long long>(completed),
      static_cast<long long>(failed), static_cast<double>(completed) / total, peak.c_str());
  std::printf("ledger: %lld rooms, %lld claims\n", static_cast<long long>(effects("room.created")),
              static_cast<long long>(effects("claim.accepted")));
  const auto verified = audit::verify_file(folder_ + "/data/rabt.db", folder_ + "/data");
  const bool audited = verified.ok() && verified->verified;
  std::printf("audit: %s\n", audited ? "verified" : "NOT verified");
  const bool good = completed == count && effects("room.created") == count &&
                    effects("claim.accepted") == count && audited;
  return good ? 0 : 1;
}

int Demo::run() {
  const auto fail = [](const Error& error) {
    std::fprintf(stderr, "demo: %s [%s]\n", error.message.c_str(), error.code.c_str());
    return 1;
  };
  if (const Status s = prepare(); !s.ok()) return fail(s.error());
  if (const Status s = start_sandbox(); !s.ok()) return fail(s.error());
  const auto port = free_port();
  if (!port.ok()) return fail(port.error());
  hub_port_ = *port;
  hub_url_ = local_url(hub_port_);
  if (const Status s = start_video(); !s.ok()) return fail(s.error());
  if (options_.rabbitmq) {
    // It listens a while after the hub, which does not wait for it.
    const Status s = rabbitmq_.start(folder_ + "/rabbitmq", random_);
    if (!s.ok()) return fail(s.error());
  }
  if (const Status s = add_plugins(); !s.ok()) return fail(s.error());
  if (const Status s = write_configuration(); !s.ok()) return fail(s.error());
  if (const Status s = start_hub(); !s.ok()) return fail(s.error());
  std::printf("Hub       %s\nStand-ins %s\nFolder    %s\n\n", hub_url_.c_str(),
              urls_.dump().c_str(), folder_.c_str());
  int code = options_.consultations > 1 ? crowd() : story();
  if (code == 0 && options_.consultations == 1) code = visit();
  if (options_.serve && code == 0) code = stay();
  hub_.stop();
  video_.reset();
  sandbox_.stop();
  if (options_.data.empty() && !options_.keep && code == 0) {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }
  return code;
}

}  // namespace

int run(const Options& options) {
  return Demo(options).run();
}

}  // namespace rabt::demo
