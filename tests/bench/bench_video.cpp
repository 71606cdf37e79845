// ./dev bench video [EVENTS_A_SECOND [SECONDS [ROUNDS]]]: what a video provider tells of people who
// come and leave, as signed callbacks over HTTP, until the session has stored it: the hub answers
// 202 after that. Calls are due at fixed times; a call that is late because the one before was slow
// counts from when it was due. The processor time of an event says what it costs, whatever else the
// machine does. Then, with a real Janus and Chromium: how long somebody takes to the
// first picture of the other, with a token at hand and through the hub. Prints; asserts nothing.
// Sealing of recordings is measured by ./dev bench crypto.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <thread>

#include "hub/base/bytes.hpp"
#include "hub/base/clock.hpp"
#include "hub/crypto/crypto.hpp"
#include "tests/acceptance/hospital.hpp"
#include "tests/e2e/janus_site.hpp"

namespace {

using namespace rabt;
using acceptance::Hospital;
using Clock_ = std::chrono::steady_clock;

constexpr std::string_view kAuthToken = "sandbox-auth-token";
// Connections of the provider.
constexpr int kConnections = 64;
// Each has two participants, who come and leave in turn.
constexpr int kSessions = 500;

using Fields = std::vector<std::pair<std::string, std::string>>;

// Every value here is a word, a number or a time: nothing but ':' has to be escaped.
std::string encoded(const Fields& fields) {
  std::string out;
  for (const auto& [name, value] : fields) {
    out += (out.empty() ? "" : "&") + name + "=";
    for (const char c : value) out += c == ':' ? std::string("%3A") : std::string(1, c);
  }
  return out;
}

std::string signature(const std::string& url, Fields fields) {
  std::sort(fields.begin(), fields.end());
  std::string text = url;
  for (const auto& [name, value] : fields) text += name + value;
  return to_base64(crypto::hmac_sha1(as_bytes(kAuthToken), text));
}

struct Room {
  std::string sid;
  std::vector<std::string> people;
};

class Bench {
 public:
  Bench(double rate, double seconds) : rate_(rate), seconds_(seconds) {}

  void run() {
    for (int i = 0; i < kSessions; ++i) rooms_.push_back(open());
    std::printf(
        "people come and leave, from the moment when a callback is due until the session has "
        "stored "
        "it: %d sessions, %d connections, %.0f events a second for %.0f s\n",
        kSessions, kConnections, rate_, seconds_);
    const auto total = static_cast<std::size_t>(rate_ * seconds_);
    std::vector<std::vector<double>> took(kConnections);
    std::vector<std::thread> threads;
    const double used = processor_ms();
    const auto start = Clock_::now() + std::chrono::milliseconds(100);
    for (std::size_t n = 0; n < kConnections; ++n) {
      threads.emplace_back([&, n] {
        net::LocalHttp http;
        for (std::size_t i = n; i < total; i += kConnections) {
          const auto due =
              start + std::chrono::duration_cast<Clock_::duration>(
                          std::chrono::duration<double>(static_cast<double>(i) / rate_));
          std::this_thread::sleep_until(due);
          post(http, i);
          took[n].push_back(std::chrono::duration<double, std::milli>(Clock_::now() - due).count());
        }
      });
    }
    for (auto& thread : threads) thread.join();
    const double passed = std::chrono::duration<double>(Clock_::now() - start).count();
    std::vector<double> all;
    for (const auto& one : took) all.insert(all.end(), one.begin(), one.end());
    std::sort(all.begin(), all.end());
    const auto at = [&](double share) {
      return all[std::min(all.size() - 1,
                          static_cast<std::size_t>(static_cast<double>(all.size()) * share))];
    };
    std::printf("%.0f a second; p50 %.1f ms, p99 %.1f ms, slowest %.1f ms\n",
                static_cast<double>(all.size()) / passed, at(0.5), at(0.99), all.back());
    // The hub goes on: it tells workflows. That is part of an event, too.
    const auto told = [&] { return metric("rabt_session_events_told_total"); };
    double before = -1;
    for (double now = told(); now != before; now = told()) {
      before = now;
      std::this_thread::sleep_for(std::chrono::seconds(2));
    }
    std::printf("processor time of an event, hub and plugins, until workflows were told: %.2f ms\n",
                (processor_ms() - used) / static_cast<double>(all.size()));
  }

 private:
  // User and system time of the hub and of its plugins' processes.
  double processor_ms() const {
    const std::int64_t hub = h_.site.hub_pid();
    double ticks = 0;
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
      std::ifstream stat(entry.path() / "stat");
      std::string text;
      std::getline(stat, text);
      // pid (name) state ppid ...; utime and stime are the 14th and 15th.
      const auto name_end = text.rfind(')');
      if (name_end == std::string::npos) continue;
      std::istringstream fields(text.substr(name_end + 1));
      std::vector<std::string> all((std::istream_iterator<std::string>(fields)), {});
      if (all.size() < 13) continue;
      if (entry.path().filename() != std::to_string(hub) && all[1] != std::to_string(hub)) continue;
      ticks += std::stod(all[11]) + std::stod(all[12]);
    }
    return ticks * 1000 / static_cast<double>(::sysconf(_SC_CLK_TCK));
  }
  double metric(const std::string& name) {
    const std::string text = h_.get("AD", "/metrics").body;
    const auto at = text.find("\n" + name + " ");
    return at == std::string::npos ? 0 : std::atof(text.c_str() + at + name.size() + 2);
  }
  Room open() {
    const auto made = h_.post(
        "D", "/api/v1/sessions",
        Json::object(
            {{"type", "doctor_patient"}, {"patient", h_.person("P").id}, {"waitingRoom", false}}));
    Room room{.sid = made.text("roomSid"), .people = {}};
    for (const Json& item : made["participants"].as_array())
      room.people.push_back(item.string_or("identity", ""));
    if (made.status >= 300 || room.sid.empty() || room.people.size() != 2) {
      std::fprintf(stderr, "a session could not be made: %s\n", made.body.c_str());
      std::exit(1);
    }
    return room;
  }

  // The i-th event: in each session the first comes, the second comes, the first leaves, and so on.
  void post(net::LocalHttp& http, std::size_t i) const {
    const Room& room = rooms_[i % rooms_.size()];
    const std::size_t turn = i / rooms_.size();
    const std::size_t who = turn % 2;
    const bool comes = turn % 4 < 2;
    const std::string stay = std::to_string(turn / 4) + "x" + std::to_string(who);
    const Fields fields{
        {"RoomStatus", "in-progress"},
        {"RoomType", "group"},
        {"RoomSid", room.sid},
        {"StatusCallbackEvent", comes ? "participant-connected" : "participant-disconnected"},
        {"Timestamp", to_iso8601(SystemClock().now())},
        {"ParticipantSid", "PA" + stay},
        {"ParticipantIdentity", room.people[who]}};
    const auto answer = http.send("POST", url_,
                                  {{"Content-Type", "application/x-www-form-urlencoded"},
                                   {"X-Twilio-Signature", signature(url_, fields)}},
                                  encoded(fields));
    if (answer.ok() && answer->status == 202) return;
    std::fprintf(stderr, "the hub answered: %s\n",
                 answer.ok() ? answer->body.c_str() : answer.error().message.c_str());
    std::exit(1);
  }

  const double rate_;
  const double seconds_;
  Hospital& h_ = Hospital::get();
  const std::string url_ = h_.site.url() + "/hooks/twilio";
  std::vector<Room> rooms_;
};

double median(std::vector<double> all) {
  if (all.empty()) return 0;
  std::sort(all.begin(), all.end());
  return all[all.size() / 2];
}

// The patient is there. The doctor comes again and again: with credentials that he has already, and
// by asking the hub for them. Both ways end in the same page.
void first_frames(int rounds) {
  if (!e2e::JanusSite::installed()) {
    std::printf("janus, janus-tools, coturn, chromium or ffmpeg is missing: no first frames\n");
    return;
  }
  constexpr std::int64_t kPatienceMs = 60'000;
  const auto picture = [](const Json& seen) {
    return seen["first"].is_number() && seen["first"].as_double() > 0;
  };
  e2e::JanusSite site;
  site.start();
  if (testing::Test::HasFailure()) return;
  site.call("patient", site.credentials("patient"));
  // Janus must have the patient's pictures before the doctor comes.
  site.call("doctor", site.credentials("doctor"));
  if (!site.page("doctor").wait(kPatienceMs, picture)) {
    std::printf("no picture came: %s\n", site.page("doctor").seen().dump().c_str());
    return;
  }
  std::vector<double> alone;
  std::vector<double> through;
  std::vector<double> asked;
  for (int i = 0; i < 2 * rounds; ++i) {
    site.page("doctor").close();
    const bool hub = i % 2 == 1;
    Json given = site.credentials("doctor");
    double ms = 0;
    if (hub) {
      const auto begun = Clock_::now();
      given = site.credentials("doctor");
      ms = std::chrono::duration<double, std::milli>(Clock_::now() - begun).count();
      asked.push_back(ms);
    }
    site.call("doctor", given);
    if (!site.page("doctor").wait(kPatienceMs, picture)) continue;
    (hub ? through : alone).push_back(ms + site.page("doctor").seen()["first"].as_double());
  }
  std::printf(
      "join to first picture, median of %d: %.0f ms with a token at hand, %.0f ms through the hub, "
      "of which it took %.1f ms to let in and to issue the token\n",
      rounds, median(alone), median(through), median(asked));
}

}  // namespace

int main(int argc, char** argv) {
  Bench(argc > 1 ? std::atof(argv[1]) : 1000, argc > 2 ? std::atof(argv[2]) : 10).run();
  first_frames(argc > 3 ? std::atoi(argv[3]) : 7);
}
