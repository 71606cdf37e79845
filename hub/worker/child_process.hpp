#pragma once

#include <unistd.h>

#include <cstring>
#include <ctime>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "hub/base/mutex.hpp"
#include "hub/worker/abi_bytes.hpp"
#include "hub/worker/child.hpp"
#include "hub/worker/frame.hpp"
#include "hub/worker/loan.hpp"
#include "hub/worker/offered_services.hpp"
#include "hub/worker/ring.hpp"
#include "rabt/abi.h"

// The process of a plugin, from inside: child.cpp runs what the hub asks for, child_services.cpp is
// what the plugin asks for. Only these two include this.
namespace rabt::worker {

inline constexpr int kHubUnreadable = 71;
inline constexpr int kCannotSend = 72;
inline constexpr int kNoThread = 74;
inline constexpr int kStartedByHand = 73;

// Limits of the texts of an outcome; longer texts are cut there too.
inline constexpr std::size_t kMaxCode = 256;
inline constexpr std::size_t kMaxMessage = 4096;
inline constexpr std::size_t kMaxText = 64U << 10U;  // of entry, errors, log

inline std::string_view view_of(const char* text, std::size_t limit) {
  return text == nullptr ? std::string_view{} : std::string_view(text, ::strnlen(text, limit));
}

// The process ends: there is nobody to serve.
[[noreturn]] inline void leave(int status) {
  ::_exit(status);
}
inline void leave_unless(const Status& sent) {
  if (!sent.ok()) leave(sent.error().code == "worker.closed" ? 0 : kCannotSend);
}

// Messages from the process to the hub, in order. Internally synchronised.
class Outbox {
 public:
  void open(SharedLayout& shared) {
    const Lock lock(mutex_);
    ring_ = RingWriter(shared.to_hub, shared.to_hub_bytes);
  }
  // Waits while the ring is full.
  void tell(const Frame& frame) {
    const std::size_t content = texts_of(frame);
    const bool large = content > kMaxInlineBytes;
    const Lock lock(mutex_);
    while (!ring_.room(large ? 0 : content)) rest();
    if (large ? ring_.put_head(frame) : ring_.put(frame)) ring_bell(kFramesAt);
    if (!large) return;
    for (std::size_t i = 0; i < frame.texts; ++i) pour(frame.text[i]);
    pour(RingWriter::padding(content));
  }

 private:
  static constexpr long kPauseNs = 50'000;
  void pour(std::string_view text) RABT_REQUIRES(mutex_) {
    while (!text.empty()) {
      const std::size_t before = text.size();
      if (ring_.pour(text)) ring_bell(kFramesAt);
      if (text.size() == before) rest();
    }
  }
  static void rest() {
    ring_bell(kFramesAt);
    const timespec pause{0, kPauseNs};
    ::nanosleep(&pause, nullptr);
  }
  Mutex mutex_;
  RingWriter ring_ RABT_GUARDED_BY(mutex_);
};

// An operation of a service whose end comes as a callback.
struct Operation {
  void* context = nullptr;
  void (*http)(void*, const rabt_http_result*) = nullptr;
  void (*got)(void*, std::int32_t, rabt_bytes, std::int64_t) = nullptr;
  void (*stored)(void*, std::int32_t, std::int64_t) = nullptr;
  void (*removed)(void*, std::int32_t) = nullptr;
  void (*woken)(void*) = nullptr;
  rabt_blob_done blob = nullptr;
  rabt_blob_piece piece = nullptr;
};

// Lane that the calling thread is inside of, for rabt.thread_check/1.
inline thread_local constinit std::uint32_t lane = RABT_LANE_NONE;
class OnLane {
 public:
  explicit OnLane(std::uint32_t now) : before_(std::exchange(lane, now)) {}
  ~OnLane() { lane = before_; }
  OnLane(const OnLane&) = delete;
  OnLane& operator=(const OnLane&) = delete;

 private:
  std::uint32_t before_;
};

// All of the process. Internally synchronised: the plugin calls its services from any thread.
class Child {
 public:
  int run();

 private:
  // ---- what the hub asks for
  void map();
  void migrate(const Frame& frame);
  void create(std::string_view config);
  void serve();
  static void* serve_thread(void* self) {
    static_cast<Child*>(self)->serve();
    return nullptr;
  }
  // A function that the hub asks for, with the memory that its texts lie in.
  struct Asked {
    Frame frame;
    std::shared_ptr<char[]> bytes;
  };
  // Waits for the next one, and says in the shared memory that it has begun.
  void take(Asked& asked);
  bool begins(const Frame& frame);
  void dispatch(const Asked& asked);
  void invoke(const Asked& asked);
  void normalise(const Frame& frame);
  void finish(const Frame& frame);
  // Runs code of the plugin; returns false if it threw.
  template <typename Code>
  static bool guarded(Code code) {
    try {
      code();
      return true;
    } catch (...) {
      return false;
    }
  }
  void tell(const Frame& frame) { outbox_.tell(frame); }
  void returned(std::uint64_t serial, std::int32_t result, bool whole) {
    tell(
        Frame(Type::returned, serial, {static_cast<std::uint64_t>(result), 0, 0, whole ? 0U : 1U}));
  }

  // ---- what the plugin asks for
  std::uint64_t add(const Operation& operation) {
    const Lock lock(mutex_);
    operations_.emplace(++last_, operation);
    return last_;
  }
  Operation take(std::uint64_t id) {
    const Lock lock(mutex_);
    const auto found = operations_.find(id);
    if (found == operations_.end()) return {};
    const Operation out = found->second;
    operations_.erase(found);
    return out;
  }
  // Asks the hub and waits; use runs on its answer. Non-zero without an answer.
  template <typename Use>
  std::int32_t ask(const Frame& question, Use use) {
    const Lock lock(questions_mutex_);
    leave_unless(texts_of(question) > kMaxInlineBytes ? send_in_pieces(kQuestionsAt, question)
                                                      : send(kQuestionsAt, question));
    Frame answer;
    const auto got = answers_.receive(kQuestionsAt, true, answer);
    if (got == Receiver::Got::closed) leave(0);
    if (got != Receiver::Got::frame || answer.type != Type::answer) leave(kHubUnreadable);
    use(answer);
    return static_cast<std::int32_t>(answer.n[0]);
  }
  std::int32_t ask_bytes(const Frame& question, void* context, rabt_sink sink) {
    std::string copy;  // the sink may ask again
    const std::int32_t status =
        ask(question, [&copy](const Frame& answer) { copy = answer.text[0]; });
    if (status == 0 && sink != nullptr) sink(context, bytes(copy));
    return status;
  }

  static Child& of(void* self) { return *static_cast<Child*>(self); }
  void fill_services();
  void fill_further_services();
  static const void* get_service(void* self, const char* id);
  static void complete(void* self, rabt_call_id call, const rabt_outcome* outcome);
  static std::uint64_t http_start(void* self, rabt_call_id call, rabt_bytes request,
                                  rabt_bytes body, void* context,
                                  void (*done)(void*, const rabt_http_result*));

  // Constant once the plugin serves.
  std::uint32_t lanes_ = 1;
  std::string services_;  // names, each between two line feeds
  SharedMemory shared_;
  Borrowed borrowed_;
  const rabt_entry* entry_ = nullptr;
  const rabt_plugin* plugin_ = nullptr;
  const rabt_webhook* webhook_ = nullptr;
  const rabt_probe* probe_ = nullptr;
  const rabt_health* health_ = nullptr;

  Outbox outbox_;

  Mutex inbox_mutex_;
  RingReader inbox_ RABT_GUARDED_BY(inbox_mutex_);

  Mutex questions_mutex_;
  Receiver answers_ RABT_GUARDED_BY(questions_mutex_){&borrowed_};

  Mutex mutex_;
  std::uint64_t last_ RABT_GUARDED_BY(mutex_) = 0;
  std::unordered_map<std::uint64_t, Operation> operations_ RABT_GUARDED_BY(mutex_);
  // The bytes of open calls (A3).
  std::unordered_map<std::uint64_t, std::shared_ptr<char[]>> calls_ RABT_GUARDED_BY(mutex_);

  // Constant after the first frame: what the plugin is given.
  rabt_host host_{};
  OfferedServices offered_;
};

}  // namespace rabt::worker
