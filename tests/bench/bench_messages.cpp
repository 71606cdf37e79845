// ./dev bench messages [AT_ONCE [ROUNDS]]: time from a signed booking of the hospital to the
// message `booked` at the SMS gateway, with a hub as a process, the workflows of config/rabt.yaml,
// the shipped plugins and stand-ins for the outside systems. AT_ONCE connections (200) send a
// booking each at the same moment, in ROUNDS rounds (3). Each visit has a patient and a doctor of
// its own, both with a telephone. Prints; asserts nothing.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <latch>
#include <map>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "hub/base/bytes.hpp"
#include "hub/crypto/crypto.hpp"
#include "tests/e2e/support.hpp"

namespace {

using namespace rabt;

// Near enough that quiet hours hold no message back, and before the provider's room is opened.
constexpr int kMinutesAhead = 50;
// A message that comes later has not come.
constexpr std::int64_t kPatienceMs = 60'000;

struct Visit {
  demo::Booking booking;
  // As the gateway gets it.
  std::string phone;
  std::int64_t sent_ms = 0;
  bool accepted = false;
};

// A number of the country that nobody else has: two digits of the network and seven of its own.
std::string phone_of(int number, const char* network) {
  const std::string digits = std::to_string(10'000'000 + number).substr(1);
  return std::string("966") + network + digits;
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
}

class Bench {
 public:
  Bench(int at_once, int rounds) : at_once_(at_once), rounds_(rounds) {
    site_.config.workflows.clear();
    for (const char* name :
         {"consultation", "before_session", "after_session", "payment", "cancellation",
          "appointment", "chart", "follow_up", "messages", "staff", "emergency"})
      site_.config.workflows.push_back(e2e::source_dir() + "/workflows/" + name + ".yaml");
    site_.config.sends_messages = true;
    site_.config.messages = e2e::source_dir() + "/config/messages";
    site_.start_sandbox();
    site_.start_hub();
    const std::string secret = e2e::read_file(site_.whsec_file);
    key_ = from_base64(secret.substr(std::string_view("whsec_").size())).value_or(Bytes());
  }

  void run() {
    std::printf(
        "%d bookings at once: from the sending of a booking to the patient's message at the SMS "
        "gateway\n%-10s %10s %10s %10s %10s %10s\n",
        at_once_, "", "p50 ms", "p90 ms", "p99 ms", "max ms", "missing");
    std::vector<std::int64_t> all;
    for (int round = 0; round < rounds_; ++round) {
      const std::vector<std::int64_t> took = play(round);
      show("round " + std::to_string(round + 1), took, at_once_);
      all.insert(all.end(), took.begin(), took.end());
    }
    show("all", all, at_once_ * rounds_);
  }

 private:
  // One round. Milliseconds of each message that came.
  std::vector<std::int64_t> play(int round) {
    std::vector<Visit> visits;
    for (int i = 0; i < at_once_; ++i) visits.push_back(prepare(round * at_once_ + i));
    settle();
    (void)site_.control("POST", "/control/sms/reset", "{}");
    std::latch all_are_ready(at_once_);
    std::vector<std::thread> threads;
    for (Visit& visit : visits) {
      threads.emplace_back([&] {
        net::LocalHttp http;
        all_are_ready.arrive_and_wait();
        visit.sent_ms = clock_.now().ms;
        visit.accepted = send(http, visit.booking);
      });
    }
    for (std::thread& thread : threads) thread.join();
    const auto refused = std::count_if(visits.begin(), visits.end(),
                                       [](const Visit& visit) { return !visit.accepted; });
    if (refused > 0)
      std::fprintf(stderr, "%d bookings were not accepted\n", static_cast<int>(refused));
    return arrivals(visits);
  }

  // A booking whose patient and doctor the hub knows.
  Visit prepare(int number) {
    Visit visit{.booking = demo::make_moved(site_.booking(number), ids_, kMinutesAhead),
                .phone = phone_of(number, "50")};
    replace_all(visit.booking.body, "N-P-00001", "N-P-" + std::to_string(10'000 + number));
    const auto bundle = Json::parse(visit.booking.body);
    if (!bundle.ok()) fail("a booking is no JSON");
    for (const Json& entry : (*bundle)["entry"].as_array()) {
      const Json& resource = entry["resource"];
      const std::string type = resource.string_or("resourceType", "");
      if (type == "Patient") enter("patient", number, resource, visit.phone);
      if (type == "Practitioner") enter("doctor", number, resource, phone_of(number, "55"));
    }
    return visit;
  }

  void enter(const std::string& role, int number, const Json& resource, const std::string& phone) {
    const Json& identifier = resource["identifier"][0];
    Json profile = Json::object(
        {{"roles", Json::array({role})},
         {"username", role + "-" + std::to_string(number)},
         {"name", resource["name"][0]["text"]},
         {"phone", "+" + phone},
         {"externalIds", Json::array({Json::object({{"system", identifier["system"]},
                                                    {"value", identifier["value"]}})})}});
    if (role == "doctor") profile.set("licenceNumber", identifier["value"]);
    const net::Response response = site_.send(
        "POST", "/api/v1/users",
        {{"Authorization", "Bearer " + site_.token()}, {"Content-Type", "application/json"}},
        profile.dump());
    if (response.status / 100 != 2) fail("POST /api/v1/users: " + response.body);
  }

  bool send(net::LocalHttp& http, const demo::Booking& booking) const {
    const std::string stamp = std::to_string(clock_.now().ms / 1000);
    const std::string signature =
        to_base64(crypto::hmac_sha256(key_, booking.id + "." + stamp + "." + booking.body));
    const auto answer = http.send("POST", site_.url() + "/hooks/his",
                                  {{"Content-Type", "application/fhir+json"},
                                   {"webhook-id", booking.id},
                                   {"webhook-timestamp", stamp},
                                   {"webhook-signature", "v1," + signature}},
                                  booking.body, kPatienceMs);
    return answer.ok() && answer->status == 202;
  }

  // Waits for the messages of these patients.
  std::vector<std::int64_t> arrivals(const std::vector<Visit>& visits) {
    const std::int64_t end = clock_.monotonic_ms() + kPatienceMs;
    std::vector<std::int64_t> took;
    do {
      std::this_thread::sleep_for(std::chrono::milliseconds(250));
      const Json sent = site_.control("POST", "/control/sms/messages", "{}");
      std::map<std::string, std::int64_t> first;
      for (const Json& item : sent["messages"].as_array())
        first.emplace(item.string_or("recipient", ""), item.int_or("at_ms", 0));
      took.clear();
      for (const Visit& visit : visits) {
        const auto found = first.find(visit.phone);
        if (found != first.end()) took.push_back(found->second - visit.sent_ms);
      }
    } while (took.size() < visits.size() && clock_.monotonic_ms() < end);
    return took;
  }

  // Waits until the outside systems hear nothing for some seconds: what a visit asks of its insurer
  // is no part of the next round.
  void settle() {
    std::int64_t before = -1;
    for (std::int64_t now = site_.effects(""); now != before; now = site_.effects("")) {
      before = now;
      std::this_thread::sleep_for(std::chrono::seconds(3));
    }
  }

  static void show(const std::string& what, std::vector<std::int64_t> took, int wanted) {
    std::sort(took.begin(), took.end());
    const auto at = [&](double share) {
      const auto place = static_cast<std::size_t>(static_cast<double>(took.size()) * share);
      return took.empty() ? 0 : static_cast<int>(took[std::min(took.size() - 1, place)]);
    };
    std::printf("%-10s %10d %10d %10d %10d %10d\n", what.c_str(), at(0.5), at(0.9), at(0.99), at(1),
                wanted - static_cast<int>(took.size()));
    std::fflush(stdout);
  }

  [[noreturn]] static void fail(const std::string& what) {
    std::fprintf(stderr, "%s\n", what.c_str());
    std::exit(1);
  }

  const int at_once_;
  const int rounds_;
  e2e::Site site_{e2e::Kind::whole};
  SystemClock clock_;
  SystemRandom random_;
  UlidSource ids_{clock_, random_};
  Bytes key_;
};

}  // namespace

int main(int argc, char** argv) {
  const int at_once = argc > 1 ? std::atoi(argv[1]) : 200;
  const int rounds = argc > 2 ? std::atoi(argv[2]) : 3;
  // The stand-in of the gateway remembers 1,000 messages, and each visit has two.
  if (at_once < 1 || at_once > 500 || rounds < 1 || rounds > 100) {
    std::fprintf(stderr, "bench_messages [AT_ONCE [ROUNDS]]: AT_ONCE 1 to 500, ROUNDS 1 to 100\n");
    return 2;
  }
  Bench(at_once, rounds).run();
}
