#include "tools/demo/booking.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>

#include "hub/base/check.hpp"
#include "hub/base/json.hpp"
#include "tools/demo/template.hpp"

namespace rabt::embedded {
extern const std::string_view demo_booking;
}  // namespace rabt::embedded

namespace rabt::demo {

namespace {

// Ten digits, first 1 (citizen), the last a Luhn check digit; the numbers are fictional.
std::string identity_number(int number) {
  std::string digits = "1" + std::to_string(10'000'000 + number * 37 % 80'000'000);
  int sum = 0;
  for (std::size_t i = 0; i < 9; ++i) {
    int digit = digits[i] - '0';
    if (i % 2 == 0) {
      digit *= 2;
      if (digit > 9) digit -= 9;
    }
    sum += digit;
  }
  digits.push_back(static_cast<char>('0' + (10 - sum % 10) % 10));
  return digits;
}

constexpr std::array<std::string_view, 6> kGiven{"عبدالله", "محمد", "فهد", "سلمان", "تركي", "ناصر"};
constexpr std::array<std::string_view, 6> kFamily{"القحطاني", "العتيبي", "الشمري",
                                                  "الدوسري",  "الحربي",  "الغامدي"};

constexpr std::int64_t kVisitMs = 20LL * 60'000;

// Local time of the facility, UTC+03:00 all year.
std::string riyadh(Timestamp at) {
  std::string text = to_iso8601({at.ms + 3LL * 3'600'000});
  return text.substr(0, 19) + "+03:00";
}

}  // namespace

Booking make_booking(const Clock& clock, UlidSource& ids, int number) {
  Booking booking;
  booking.id = "msg_" + ids.next().text();
  const std::string key = ids.next().text();
  const auto pick = static_cast<std::size_t>(number);
  const std::string given(kGiven[pick % kGiven.size()]);
  const std::string family(kFamily[pick / kGiven.size() % kFamily.size()]);
  booking.patient_name = given + " بن سعد " + family;
  booking.practitioner_name = "د. نورة السبيعي";
  booking.complaint = "صداع وارتفاع في الحرارة منذ يومين";
  const Timestamp start{clock.now().ms / 1000 * 1000};
  booking.start = riyadh(start);

  // The template is one of our own files, so it parses.
  const auto bundle =
      Json::parse(filled(embedded::demo_booking, {{"key", key},
                                                  {"member", key.substr(key.size() - 10)},
                                                  {"identity", identity_number(number)},
                                                  {"patient", booking.patient_name},
                                                  {"given", given},
                                                  {"family", family},
                                                  {"practitioner", booking.practitioner_name},
                                                  {"complaint", booking.complaint},
                                                  {"start", booking.start},
                                                  {"end", riyadh({start.ms + kVisitMs})}}));
  RABT_CHECK(bundle.ok());
  booking.body = bundle->dump();
  return booking;
}

Booking make_moved(const Booking& booking, UlidSource& ids, int minutes) {
  const auto start = parse_iso8601(booking.start);
  RABT_CHECK(start.ok());
  Booking out = booking;
  out.id = "msg_" + ids.next().text();
  out.start = riyadh({start->ms + minutes * 60'000LL});
  const auto replace = [&](Timestamp at) {
    const std::string old = riyadh(at);
    const std::string later = riyadh({at.ms + minutes * 60'000LL});
    for (auto found = out.body.find(old); found != std::string::npos;
         found = out.body.find(old, found + later.size()))
      out.body.replace(found, old.size(), later);
  };
  replace(*start);
  replace({start->ms + kVisitMs});
  return out;
}

Booking with_phone(const Booking& booking, std::string_view phone) {
  auto bundle = Json::parse(booking.body);
  RABT_CHECK(bundle.ok());
  Json entries = Json::array();
  for (Json entry : (*bundle)["entry"].as_array()) {
    Json resource = entry["resource"];
    if (resource.string_or("resourceType", "") == "Patient") {
      resource.set("telecom", Json::array({Json::object({{"system", "phone"}, {"value", phone}})}));
      entry.set("resource", std::move(resource));
    }
    entries.push_back(std::move(entry));
  }
  bundle->set("entry", std::move(entries));
  Booking out = booking;
  out.body = bundle->dump();
  return out;
}

namespace {

// Takes a port for this process until it ends, against whoever else looks for one: between the look
// and the listen of a server lie seconds. An abstract address of the kernel, which leaves no file.
bool reserve(int port) {
  const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string name = "rabt-port-" + std::to_string(port);
  std::copy(name.begin(), name.end(), address.sun_path + 1);
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  if (fd >= 0 && ::bind(fd, reinterpret_cast<const sockaddr*>(&address), size) == 0) return true;
  if (fd >= 0) ::close(fd);
  return false;
}

}  // namespace

Result<int> free_port() {
  // Linux gives the ports from 32768 on to outgoing connections: one of those can be gone before it
  // is listened on. Processes that search at the same time begin at different places.
  constexpr int kFirst = 22'000;
  constexpr int kCount = 10'000;
  static std::atomic<int> next{::getpid() * 61};
  for (int tries = 0; tries < kCount; ++tries) {
    const int port = kFirst + next++ % kCount;
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    const bool good =
        fd >= 0 && ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    if (fd >= 0) ::close(fd);
    if (good && reserve(port)) return port;
  }
  return unavailable("demo.port", "no free port on 127.0.0.1");
}

}  // namespace rabt::demo
