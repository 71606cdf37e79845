#include <simdjson.h>
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string>
#include <vector>

#include "hub/base/check.hpp"
#include "hub/base/json.hpp"

// Parsing, printing and destroying of an action's arguments, beside simdjson's own DOM parser and
// memcpy on the same text. Processor time of one thread; the median of many rounds.
//   bench_json [ROUNDS]
namespace {

std::size_t allocations = 0;

}  // namespace

void* operator new(std::size_t size) {
  ++allocations;
  if (void* const memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t /*size*/) noexcept {
  std::free(memory);
}

namespace rabt {
namespace {

double cpu_seconds() {
  timespec now{};
  RABT_CHECK(::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now) == 0);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

// Microseconds of one step: the median of the rounds, each of which repeats the step.
template <typename Step>
double microseconds(int rounds, const Step& step) {
  constexpr int kRepeats = 200;
  std::vector<double> times;
  for (int round = 0; round < rounds; ++round) {
    const double start = cpu_seconds();
    for (int i = 0; i < kRepeats; ++i) step();
    times.push_back((cpu_seconds() - start) / kRepeats * 1e6);
  }
  std::nth_element(times.begin(), times.begin() + rounds / 2, times.end());
  return times[static_cast<std::size_t>(rounds) / 2];
}

// Arguments that a workflow hands to an action: a session with as many participants as fit.
std::string arguments(std::size_t bytes) {
  Json participants = Json::array();
  for (int i = 0;; ++i) {
    const std::string number = std::to_string(1000 + i);
    participants.push_back(Json::object(
        {{"id", "participant-" + number},
         {"role", i == 0 ? "practitioner" : "patient"},
         {"name", "د. عبدالله بن سعود القحطاني"},
         {"language", "ar-SA"},
         {"phone", "+96655000" + number},
         {"consent", Json::object({{"recording", true}, {"version", 3}})},
         {"fee", Json::number("150.50")},
         {"joinUrl", "https://video.example.sa/j/" + number + "?t=0123456789abcdef"}}));
    std::string text =
        Json::object({{"consultation", "01J9ZK3V7Q2N8R4T6W0X5Y1B3C"},
                      {"tenant", "riyadh-north"},
                      {"start", "2026-11-22T10:00:00+03:00"},
                      {"minutes", 30},
                      {"room", Json::object({{"kind", "group"}, {"region", "me-central-1"}})},
                      {"note", "Follow-up \"after surgery\",\nbring the report"},
                      {"participants", participants}})
            .dump();
    if (text.size() >= bytes) return text;
  }
}

void measure(std::size_t bytes, int rounds) {
  const std::string text = arguments(bytes);
  const Json json = Json::parse(text).value();

  std::size_t before = allocations;
  { const Json counted = Json::parse(text).value(); }
  const std::size_t parse_allocations = allocations - before;

  const double parse =
      microseconds(rounds, [&] { RABT_CHECK(Json::parse(text).value().is_object()); });
  std::size_t printed = 0;
  const double print = microseconds(rounds, [&] { printed += json.dump().size(); });

  simdjson::dom::parser parser;
  const simdjson::padded_string padded(text);
  const double dom =
      microseconds(rounds, [&] { RABT_CHECK(parser.parse(padded).error() == simdjson::SUCCESS); });
  std::string copy(text.size(), ' ');
  const double memcpy_time = microseconds(rounds, [&] {
    std::memcpy(copy.data(), text.data(), text.size());
    asm volatile("" : : "r"(copy.data()) : "memory");
  });
  RABT_CHECK(printed != 0);

  std::printf("%8zu %9.2f %9.2f %9.2f %9.3f %10.1f %10.1f %8.0f %8.0f %12zu\n", text.size(), parse,
              print, dom, memcpy_time, parse / dom, print / dom, parse / memcpy_time,
              print / memcpy_time, parse_allocations);
}

}  // namespace
}  // namespace rabt

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::max(1, std::atoi(argv[1])) : 201;
  std::printf("microseconds of processor time; parsing includes destroying; simdjson runs as %s\n",
              simdjson::get_active_implementation()->name().c_str());
  std::printf("%8s %9s %9s %9s %9s %10s %10s %8s %8s %12s\n", "bytes", "parse", "print", "dom",
              "memcpy", "parse/dom", "print/dom", "parse/cp", "print/cp", "allocations");
  for (const std::size_t bytes : {256U, 1700U, 4096U, 65536U, 1U << 20U}) {
    rabt::measure(bytes, bytes > 100'000 ? std::max(1, rounds / 40) : rounds);
  }
}
