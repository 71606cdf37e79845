// In the place of rabt-plugin-host: a process that keeps the format of frames as far as it likes,
// and lies in the memory that it shares with the hub. The action of a call says how.
#include <dlfcn.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <string_view>
#include <thread>

#include "hub/worker/child.hpp"
#include "hub/worker/loan.hpp"
#include "hub/worker/ring.hpp"
#include "rabt/abi.h"

namespace {

using namespace rabt::worker;  // NOLINT: a program of its own

SharedMemory shared;  // NOLINT
RingWriter out;       // NOLINT

void tell(const Frame& frame) {
  if (out.put(frame)) ring_bell(kFramesAt);
}
void nap(int ms) {
  std::this_thread::sleep_for(std::chrono::milliseconds(ms));
}
void tell_entry() {
  void* const library =
      ::dlopen(("/proc/self/fd/" + std::to_string(kLibraryAt)).c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) ::_exit(1);
  const auto* const entry = static_cast<const rabt_entry*>(::dlsym(library, "rabt_plugin_entry"));
  tell(Frame(Type::entry, 0,
             {2, entry->magic,
              (static_cast<std::uint64_t>(entry->abi_major) << 32U) | entry->abi_minor, 1})
           .add(entry->id)
           .add(entry->version)
           .add(entry->manifest_sha256));
}
std::atomic<std::uint64_t>& place_of(const Frame& call) {
  return shared->places[call.n[0] % kPlaces];
}
void answer(const Frame& call, std::string_view output) {
  tell(Frame(Type::complete, call.id, {0, 0, 1}).add(output).add("").add("").add(""));
  tell(Frame(Type::returned, call.n[0]));
}
// HTTP request to the `url` of the call's input.
std::string request_to(std::string_view input) {
  const std::size_t from = input.find("http");
  const std::size_t to = input.find('"', from);
  return R"({"method":"POST","url":")" + std::string(input.substr(from, to - from)) + R"("})";
}

void invoke(const Frame& call) {
  const std::string_view action = call.text[0];
  if (action == "echo") {
    place_of(call) = place_word(call.n[0], Place::begun);
    answer(call, call.text[2]);
  } else if (action == "request" || action == "never") {
    // Works on a call, and does not say that it has begun it.
    tell(Frame(Type::http_start, 1, {action == "request" ? call.id : 0})
             .add(request_to(call.text[2]))
             .add("x"));
    nap(500);
    ::_exit(3);
  } else if (action == "sleep") {
    // Says of everything that it has begun, and does nothing.
    for (int i = 0; i < 1000; ++i) {
      for (auto& place : shared->places) place |= static_cast<std::uint64_t>(Place::begun);
      nap(10);
    }
  } else if (action == "twice") {
    // Begins a call that the hub has taken back.
    while (place_of(call) != place_word(call.n[0], Place::revoked)) nap(1);
    tell(Frame(Type::http_start, 2, {call.id}).add(request_to(call.text[2])).add("x"));
    answer(call, "1");
  } else if (action == "late") {
    // Says that it has left a call out that nobody took back.
    tell(Frame(Type::returned, call.n[0], {0, 0, 0, 2}));
  } else if (action == "garbage") {
    shared->to_hub.written = UINT64_MAX / 2;
    ring_bell(kFramesAt);
  } else if (action == "truncated") {
    shared->to_plugin.read = UINT64_MAX / 2;
    nap(60'000);
  }
}

}  // namespace

int main() {
  Receiver first;
  Frame frame;
  if (first.receive(kFramesAt, true, frame) != Receiver::Got::frame) return 1;
  auto mapped = SharedMemory::map(first.take_descriptor());
  if (!mapped.ok()) return 1;
  shared = std::move(*mapped);
  out = RingWriter(shared->to_hub, shared->to_hub_bytes);
  auto borrowed = Borrowed::map(rabt::Descriptor(kLoansAt));
  if (!borrowed.ok()) return 1;
  RingReader in(shared->to_plugin, shared->to_plugin_bytes, kFramesAt, &*borrowed);
  if (!send(kFramesAt, Frame(Type::ready, 0, {kProtocolVersion, 0x7f})).ok()) return 1;
  while (true) {
    const auto got = in.next(frame, false);
    if (got == RingReader::Got::nothing) {
      if (!in.wait()) return 0;
      continue;
    }
    if (got != RingReader::Got::frame) return 1;
    if (frame.type == Type::map) tell_entry();
    if (frame.type == Type::create) tell(Frame(Type::created, 0));
    if (frame.type == Type::invoke) invoke(frame);
    if (frame.type == Type::cancel) tell(Frame(Type::returned, frame.n[0]));
    if (frame.type == Type::destroy) return 0;
  }
}
