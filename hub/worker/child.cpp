#include "hub/worker/child.hpp"

#include <dlfcn.h>
#include <malloc.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <ctime>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "hub/base/limits.hpp"
#include "hub/base/mutex.hpp"
#include "hub/worker/abi_bytes.hpp"
#include "hub/worker/frame.hpp"
#include "hub/worker/migrate.hpp"
#include "hub/worker/ring.hpp"
#include "hub/worker/sandbox.hpp"
#include "rabt/abi.h"
#include "rabt/services.h"

namespace rabt::worker {

namespace {

constexpr int kHubUnreadable = 71;
constexpr int kCannotSend = 72;
constexpr int kNoThread = 74;
constexpr int kStartedByHand = 73;

// What the hub reads of an outcome; longer texts are cut there too.
constexpr std::size_t kMaxCode = 256;
constexpr std::size_t kMaxMessage = 4096;
constexpr std::size_t kMaxText = 64U << 10U;  // of entry, errors, log

std::string_view view_of(const char* text, std::size_t limit) {
  return text == nullptr ? std::string_view{} : std::string_view(text, ::strnlen(text, limit));
}

// The process ends: there is nobody to serve.
[[noreturn]] void leave(int status) {
  ::_exit(status);
}
void send_packet(const Frame& frame, int descriptor = -1) {
  const Status sent = send(kFramesAt, frame, descriptor);
  if (!sent.ok()) leave(sent.error().code == "worker.closed" ? 0 : kCannotSend);
}

// What the process tells the hub, in order. Internally synchronised.
class Outbox {
 public:
  void open(SharedLayout& shared) {
    const Lock lock(mutex_);
    ring_ = RingWriter(shared.to_hub, shared.to_hub_bytes);
  }
  // Waits while the ring is full.
  void tell(const Frame& frame) {
    std::size_t content = 0;
    for (std::size_t i = 0; i < frame.texts; ++i) content += frame.text[i].size();
    const bool large = content > kMaxInlineBytes;
    const Lock lock(mutex_);
    while (!ring_.room(large ? 0 : content)) {
      ring_bell(kFramesAt);
      const timespec pause{0, kPauseNs};
      ::nanosleep(&pause, nullptr);
    }
    if (!large) {
      if (ring_.put(frame)) ring_bell(kFramesAt);
      return;
    }
    // The packet wakes the hub, so that no bell is needed.
    static_cast<void>(ring_.put(Frame(Type::on_socket, 0)));
    send_packet(frame);
  }

 private:
  static constexpr long kPauseNs = 50'000;
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

// What the calling thread is inside of, for rabt.thread_check/1.
thread_local std::uint32_t lane = RABT_LANE_NONE;
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
    Mapping file;
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
    if (const Status sent = send(kQuestionsAt, question); !sent.ok())
      leave(sent.error().code == "worker.closed" ? 0 : kCannotSend);
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
  const rabt_entry* entry_ = nullptr;
  const rabt_plugin* plugin_ = nullptr;
  const rabt_webhook* webhook_ = nullptr;
  const rabt_probe* probe_ = nullptr;
  const rabt_health* health_ = nullptr;

  Outbox outbox_;

  Mutex inbox_mutex_;
  RingReader inbox_ RABT_GUARDED_BY(inbox_mutex_);

  Mutex questions_mutex_;
  Receiver answers_ RABT_GUARDED_BY(questions_mutex_);

  Mutex mutex_;
  std::uint64_t last_ RABT_GUARDED_BY(mutex_) = 0;
  std::unordered_map<std::uint64_t, Operation> operations_ RABT_GUARDED_BY(mutex_);
  // The bytes of open calls (A3).
  std::unordered_map<std::uint64_t, std::shared_ptr<char[]>> calls_ RABT_GUARDED_BY(mutex_);

  // Constant after the first frame: what the plugin is given.
  rabt_host host_{};
  rabt_log log_{};
  rabt_http http_{};
  rabt_secrets secrets_{};
  rabt_sign sign_{};
  rabt_kv kv_{};
  rabt_clock clock_{};
  rabt_metrics metrics_{};
  rabt_trace trace_{};
  rabt_blob blob_{};
  rabt_thread_check thread_check_{};
};

int Child::run() {
  int type = 0;
  socklen_t size = sizeof type;
  if (::getsockopt(kFramesAt, SOL_SOCKET, SO_TYPE, &type, &size) != 0 || type != SOCK_SEQPACKET) {
    static constexpr std::string_view kWhy =
        "rabt-plugin-host is started by the hub, for one plugin\n";
    [[maybe_unused]] const auto told = ::write(STDERR_FILENO, kWhy.data(), kWhy.size());
    return kStartedByHand;
  }
  ::close(kProgramAt);
  ::mallopt(M_ARENA_MAX, 2);  // each reserves 64 MiB of the address space that it may use
  ::tzset();                  // reads the zone while it may open files

  Receiver first;
  Frame begin;
  const auto got = first.receive(kFramesAt, true, begin);
  if (got == Receiver::Got::closed) return 0;
  if (got != Receiver::Got::frame || begin.type != Type::begin || begin.n[0] != kProtocolVersion)
    return kHubUnreadable;
  {
    auto shared = SharedMemory::map(first.take_descriptor());
    if (!shared.ok()) return kHubUnreadable;
    shared_ = std::move(*shared);
  }
  outbox_.open(*shared_);
  {
    const Lock lock(inbox_mutex_);
    inbox_ = RingReader(shared_->to_plugin, shared_->to_plugin_bytes, kFramesAt, true);
  }
  lanes_ = static_cast<std::uint32_t>(std::clamp<std::uint64_t>(begin.n[1], 1, 64));
  Limits limits;
  if (begin.n[2] != 0) limits.memory = begin.n[2];
  if (begin.n[3] != 0) limits.threads = begin.n[3];
  services_ = begin.text[0];
  fill_services();
  fill_further_services();
  Applied applied = enter_sandbox(limits, lanes_);
  send_packet(Frame(Type::ready, 0, {kProtocolVersion, applied.parts}), applied.listener.get());
  applied.listener.reset();

  Asked asked;
  while (plugin_ == nullptr) {
    take(asked);
    const Frame& frame = asked.frame;
    if (frame.type == Type::map && entry_ == nullptr) {
      map();
    } else if (frame.type == Type::migrate && entry_ != nullptr && frame.texts == 2) {
      migrate(frame);
    } else if (frame.type == Type::create && entry_ != nullptr) {
      create(std::string(frame.text[0]));
    } else {
      return kHubUnreadable;
    }
  }
  for (std::uint32_t i = 1; i < lanes_; ++i) {
    pthread_t thread{};
    if (::pthread_create(&thread, nullptr, &Child::serve_thread, this) != 0) return kNoThread;
    ::pthread_detach(thread);
  }
  serve();
  return 0;
}

void Child::map() {
  void* const library =
      ::dlopen(("/proc/self/fd/" + std::to_string(kLibraryAt)).c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    const char* const why = ::dlerror();
    tell(Frame(Type::entry, 0).add(view_of(why, kMaxText)));
    return;
  }
  entry_ = static_cast<const rabt_entry*>(::dlsym(library, "rabt_plugin_entry"));
  if (entry_ == nullptr) {
    tell(Frame(Type::entry, 0, {1}));
    return;
  }
  // Only what lies within the size that it declares, and texts only of a layout that we know.
  Frame frame(Type::entry, 0, {2, entry_->magic, 0, 0});
  if (entry_->magic == RABT_ABI_MAGIC) {
    frame.n[2] = (static_cast<std::uint64_t>(entry_->abi_major) << 32U) | entry_->abi_minor;
    if (entry_->abi_major == RABT_ABI_MAJOR && RABT_HAS(rabt_entry, entry_, create)) {
      frame.n[3] = entry_->create != nullptr && entry_->id != nullptr &&
                           entry_->version != nullptr && entry_->manifest_sha256 != nullptr
                       ? 1
                       : 0;
      frame.add(view_of(entry_->id, kMaxCode))
          .add(view_of(entry_->version, kMaxCode))
          .add(view_of(entry_->manifest_sha256, kMaxCode));
    }
  }
  tell(frame);
}

void Child::migrate(const Frame& frame) {
  const OnLane control(RABT_LANE_CONTROL);
  const Migration said = run_migrate(entry_, std::string(frame.text[0]), frame.text[1]);
  tell(Frame(Type::migrated, 0,
             {static_cast<std::uint64_t>(said.end), said.config_calls, said.error_calls})
           .add(said.config)
           .add(said.error));
}

void Child::create(std::string_view config) {
  std::string why;
  const rabt_plugin* made = nullptr;
  const bool whole = guarded([&] {
    const OnLane control(RABT_LANE_CONTROL);
    made = entry_->create(&host_, bytes(config), &why, [](void* context, rabt_bytes text) {
      *static_cast<std::string*>(context) = view(text).substr(0, kMaxText);
    });
  });
  Frame frame(Type::created, 0);
  if (!whole || made == nullptr) {
    frame.n[0] = whole ? 1 : 2;
    tell(frame.add(why));
    return;
  }
  if (!RABT_HAS(rabt_plugin, made, destroy) || made->invoke == nullptr ||
      made->destroy == nullptr) {
    frame.n[0] = 3;
    tell(frame);
    return;
  }
  if (made->get_extension != nullptr) {
    static_cast<void>(guarded([&] {
      const auto* webhook =
          static_cast<const rabt_webhook*>(made->get_extension(made->self, RABT_WEBHOOK));
      if (RABT_CAN(rabt_webhook, webhook, normalise)) webhook_ = webhook;
      const auto* probe =
          static_cast<const rabt_probe*>(made->get_extension(made->self, RABT_PROBE));
      if (RABT_CAN(rabt_probe, probe, probe)) probe_ = probe;
      const auto* health =
          static_cast<const rabt_health*>(made->get_extension(made->self, RABT_HEALTH));
      if (RABT_CAN(rabt_health, health, check)) health_ = health;
    }));
  }
  plugin_ = made;
  frame.n[1] = (webhook_ != nullptr ? 1U : 0U) | (probe_ != nullptr ? 2U : 0U) |
               (health_ != nullptr ? 4U : 0U);
  tell(frame);
}

// One lane. The lanes take turns at the inbox, so that functions begin in the order in which the
// hub asked for them.
void Child::serve() {
  Asked asked;
  while (true) {
    take(asked);
    dispatch(asked);
  }
}

// Whether a function begins now. Returns false if the hub has revoked it.
bool Child::begins(const Frame& frame) {
  if (frame.type < Type::invoke) return true;  // no function: the process is being set up
  const std::uint64_t serial = frame.n[0];
  std::uint64_t word = place_word(serial, Place::given);
  return shared_->places[serial % kPlaces].compare_exchange_strong(
      word, place_word(serial, Place::begun), std::memory_order_acq_rel);
}

void Child::take(Asked& asked) {
  asked.file = Mapping();
  const Lock lock(inbox_mutex_);
  Frame& frame = asked.frame;
  while (true) {
    const auto got = inbox_.next(frame, false);
    if (got == RingReader::Got::nothing) {
      if (!inbox_.wait()) leave(0);
      continue;
    }
    if (got != RingReader::Got::frame) leave(kHubUnreadable);
    if (begins(frame)) break;
    tell(Frame(Type::returned, frame.n[0], {0, 0, 0, 2}));
  }
  asked.file = inbox_.take_mapping();
  const bool call =
      frame.type == Type::invoke || frame.type == Type::probe || frame.type == Type::health;
  if (!asked.file.view().empty() && !call) return;
  // The bytes of a call are the plugin's until complete (A3); those of other frames until their
  // function has returned.
  std::size_t size = 0;
  for (std::size_t i = 0; i < frame.texts; ++i) size += frame.text[i].size();
  asked.bytes = std::make_shared_for_overwrite<char[]>(std::max<std::size_t>(size, 1));
  char* at = asked.bytes.get();
  for (std::size_t i = 0; i < frame.texts; ++i) {
    std::string_view& text = frame.text[i];
    if (!text.empty()) std::memcpy(at, text.data(), text.size());
    text = {at, text.size()};
    at += text.size();
  }
}

void Child::dispatch(const Asked& asked) {
  const Frame& frame = asked.frame;
  const OnLane call(frame.type == Type::destroy ? RABT_LANE_CONTROL : RABT_LANE_CALL);
  const std::uint64_t serial = frame.n[0];
  switch (frame.type) {
    case Type::invoke:
    case Type::probe:
    case Type::health:
      invoke(asked);
      return;
    case Type::cancel: {
      const bool whole = guarded([&] {
        if (RABT_HAS(rabt_plugin, plugin_, cancel) && plugin_->cancel != nullptr)
          plugin_->cancel(plugin_->self, frame.id);
      });
      returned(serial, 0, whole);
      return;
    }
    case Type::normalise:
      normalise(frame);
      return;
    case Type::http_done:
    case Type::kv_done:
    case Type::wake:
    case Type::blob_done:
      finish(frame);
      return;
    case Type::destroy: {
      const bool whole = guarded([&] { plugin_->destroy(plugin_->self); });
      returned(serial, 0, whole);
      leave(0);
    }
    default:
      leave(kHubUnreadable);
  }
}

void Child::invoke(const Asked& asked) {
  const Frame& frame = asked.frame;
  if (frame.texts != 4) leave(kHubUnreadable);
  rabt_call call{};
  call.size = sizeof call;
  call.attempt = static_cast<std::uint32_t>(frame.n[1]);
  call.id = frame.id;
  call.action = bytes(frame.text[0]);
  call.action_version = bytes(frame.text[1]);
  call.input = bytes(frame.text[2]);
  call.idempotency_key = bytes(frame.text[3]);
  call.deadline_unix_ms = static_cast<std::int64_t>(frame.n[2]);
  {
    const Lock lock(mutex_);
    calls_[call.id] = asked.bytes;
  }
  const std::uint64_t serial = frame.n[0];
  std::int32_t result = 1;
  const bool whole = guarded([&] {
    if (frame.type == Type::invoke) {
      result = plugin_->invoke(plugin_->self, &call);
    } else if (frame.type == Type::probe && probe_ != nullptr) {
      result = probe_->probe(probe_->self, &call);
    } else if (frame.type == Type::health && health_ != nullptr) {
      result = health_->check(health_->self, &call);
    }
  });
  if (!whole || result != 0) {
    const Lock lock(mutex_);
    calls_.erase(call.id);
  }
  returned(serial, result, whole);
}

void Child::normalise(const Frame& frame) {
  struct Said {
    std::string events;
    std::string error;
    std::uint64_t events_calls = 0;
    std::uint64_t error_calls = 0;
  } said;
  std::int32_t result = 1;
  const bool whole = guarded([&] {
    result = webhook_->normalise(
        webhook_->self, bytes(frame.text[0]), bytes(frame.text[1]), &said,
        [](void* context, rabt_bytes text) {
          auto& to = *static_cast<Said*>(context);
          ++to.events_calls;
          to.events = view(text).substr(0, kMaxFrameBytes - kMaxText);
        },
        [](void* context, rabt_bytes text) {
          auto& to = *static_cast<Said*>(context);
          ++to.error_calls;
          to.error = view(text).substr(0, kMaxText);
        });
  });
  tell(Frame(Type::returned, frame.n[0],
             {static_cast<std::uint64_t>(result), said.events_calls, said.error_calls,
              whole ? 0U : 1U})
           .add(said.events)
           .add(said.error));
}

void Child::finish(const Frame& frame) {
  const Operation operation = take(frame.id);
  const bool whole = guarded([&] {
    const auto status = static_cast<std::int32_t>(frame.n[1]);
    if (operation.http != nullptr && frame.type == Type::http_done) {
      rabt_http_result result{};
      result.size = sizeof result;
      result.sent = static_cast<std::uint32_t>(frame.n[1]);
      result.status = static_cast<std::int32_t>(frame.n[2]);
      result.headers_json = bytes(frame.text[0]);
      result.body = bytes(frame.text[1]);
      result.error_code = bytes(frame.text[2]);
      result.error_message = bytes(frame.text[3]);
      result.blob = bytes(frame.text[4]);
      result.blob_bytes = frame.n[3];
      result.blob_sha256 = bytes(frame.text[5]);
      operation.http(operation.context, &result);
    } else if (operation.got != nullptr) {
      operation.got(operation.context, status, bytes(frame.text[0]),
                    static_cast<std::int64_t>(frame.n[2]));
    } else if (operation.stored != nullptr) {
      operation.stored(operation.context, status, static_cast<std::int64_t>(frame.n[2]));
    } else if (operation.removed != nullptr) {
      operation.removed(operation.context, status);
    } else if (operation.woken != nullptr) {
      operation.woken(operation.context);
    } else if (operation.blob != nullptr) {
      rabt_blob_info info{};
      info.size = sizeof info;
      info.handle = bytes(frame.text[0]);
      info.content_type = bytes(frame.text[1]);
      info.sha256 = bytes(frame.text[2]);
      info.bytes = frame.n[2];
      operation.blob(operation.context, status, frame.n[3] == 1 ? &info : nullptr);
    } else if (operation.piece != nullptr) {
      operation.piece(operation.context, status, bytes(frame.text[3]));
    }
  });
  returned(frame.n[0], 0, whole);
}

void Child::complete(void* self, rabt_call_id call, const rabt_outcome* outcome) {
  Child& child = of(self);
  Frame frame(Type::complete, call);
  if (outcome != nullptr && RABT_HAS(rabt_outcome, outcome, retry_after_ms)) {
    frame.n = {outcome->kind, static_cast<std::uint64_t>(outcome->retry_after_ms), 1, 0};
    const std::string_view detail = view(outcome->detail);
    // One byte over the limit is enough for the hub to see that it is over.
    frame.add(view(outcome->output).substr(0, limits::kMaxActionBytes + 1))
        .add(view(outcome->code).substr(0, kMaxCode))
        .add(view(outcome->message).substr(0, kMaxMessage))
        .add(detail.size() > limits::kMaxActionBytes ? std::string_view{} : detail);
  }
  child.tell(frame);
  std::shared_ptr<char[]> over;  // freed without the lock
  const Lock lock(child.mutex_);
  if (const auto found = child.calls_.find(call); found != child.calls_.end()) {
    over = std::move(found->second);
    child.calls_.erase(found);
  }
}

std::uint64_t Child::http_start(void* self, rabt_call_id call, rabt_bytes request, rabt_bytes body,
                                void* context, void (*done)(void*, const rabt_http_result*)) {
  Child& child = of(self);
  Operation operation{context};
  operation.http = done;
  const std::uint64_t id = child.add(operation);
  Frame frame(Type::http_start, id, {call});
  // What is too large is refused by the hub, so that done comes as for every other refusal.
  if (request.len + body.len > kMaxFrameBytes - kMaxText) {
    frame.n[1] = 1;
    frame.add({}).add({});
  } else {
    frame.add(view(request)).add(view(body));
  }
  child.tell(frame);
  return id;
}

void Child::fill_services() {
  host_ = {sizeof host_, RABT_ABI_MINOR, this, &Child::get_service, &Child::complete};
  log_ = {sizeof log_, 0, this,
          [](void* self, std::uint32_t level, const char* event, rabt_bytes fields) {
            if (fields.len > kMaxText) fields.len = 0;
            of(self).tell(Frame(Type::log, 0, {level})
                              .add(view_of(event, kMaxText))
                              .add(fields.len == 0 ? std::string_view{} : view(fields)));
          }};
  http_ = {sizeof http_, 0, this, &Child::http_start, [](void* self, std::uint64_t request) {
             of(self).tell(Frame(Type::http_cancel, request));
           }};
  secrets_ = {sizeof secrets_, 0, this,
              [](void* self, const char* name, void* context, rabt_sink sink) -> std::int32_t {
                if (name == nullptr) return 1;
                return of(self).ask_bytes(Frame(Type::secret, 0).add(view_of(name, kMaxText)),
                                          context, sink);
              }};
  sign_ = {sizeof sign_, 0, this,
           [](void* self, const char* secret, const char* algorithm, rabt_bytes data, void* context,
              rabt_sink sink) -> std::int32_t {
             if (secret == nullptr || algorithm == nullptr || data.len > kMaxFrameBytes / 2)
               return 1;
             return of(self).ask_bytes(Frame(Type::hmac, 0)
                                           .add(view_of(secret, kMaxText))
                                           .add(view_of(algorithm, kMaxText))
                                           .add(view(data)),
                                       context, sink);
           },
           [](void* self, const char* secret, const char* algorithm, rabt_bytes header,
              rabt_bytes claims, void* context, rabt_sink sink) -> std::int32_t {
             if (secret == nullptr || algorithm == nullptr ||
                 header.len + claims.len > kMaxFrameBytes / 2)
               return 1;
             return of(self).ask_bytes(Frame(Type::jwt, 0)
                                           .add(view_of(secret, kMaxText))
                                           .add(view_of(algorithm, kMaxText))
                                           .add(view(header))
                                           .add(view(claims)),
                                       context, sink);
           }};
  kv_ = {sizeof kv_,
         0,
         this,
         [](void* self, rabt_bytes key, void* context,
            void (*done)(void*, std::int32_t, rabt_bytes, std::int64_t)) {
           Operation operation{context};
           operation.got = done;
           of(self).tell(Frame(Type::kv_get, of(self).add(operation))
                             .add(view(key).substr(0, limits::kMaxKvKey + 1)));
         },
         [](void* self, rabt_bytes key, rabt_bytes value, std::int64_t ttl_ms,
            std::int64_t expected, void* context, void (*done)(void*, std::int32_t, std::int64_t)) {
           Operation operation{context};
           operation.stored = done;
           of(self).tell(
               Frame(Type::kv_put, of(self).add(operation),
                     {static_cast<std::uint64_t>(ttl_ms), static_cast<std::uint64_t>(expected)})
                   .add(view(key).substr(0, limits::kMaxKvKey + 1))
                   .add(view(value).substr(0, limits::kMaxKvValue + 1)));
         },
         [](void* self, rabt_bytes key, void* context, void (*done)(void*, std::int32_t)) {
           Operation operation{context};
           operation.removed = done;
           of(self).tell(Frame(Type::kv_remove, of(self).add(operation))
                             .add(view(key).substr(0, limits::kMaxKvKey + 1)));
         }};
  clock_ = {sizeof clock_,
            0,
            this,
            [](void* self) {
              std::int64_t at = 0;
              of(self).ask(Frame(Type::now, 0), [&at](const Frame& answer) {
                at = static_cast<std::int64_t>(answer.n[1]);
              });
              return at;
            },
            [](void* self) {
              std::int64_t at = 0;
              of(self).ask(Frame(Type::monotonic, 0), [&at](const Frame& answer) {
                at = static_cast<std::int64_t>(answer.n[1]);
              });
              return at;
            },
            [](void* self, std::int64_t after_ms, void* context, void (*wake)(void*)) {
              Operation operation{context};
              operation.woken = wake;
              of(self).tell(Frame(Type::wake_after, of(self).add(operation),
                                  {static_cast<std::uint64_t>(after_ms)}));
            },
            [](void*, std::uint8_t* out, std::uint64_t size) {
              while (out != nullptr && size > 0) {
                const ssize_t got = ::getrandom(out, std::min<std::uint64_t>(size, 1U << 20U), 0);
                if (got <= 0) continue;
                out += got;
                size -= static_cast<std::uint64_t>(got);
              }
            }};
}

void Child::fill_further_services() {
  metrics_ = {sizeof metrics_, 0, this,
              [](void* self, const char* name, rabt_bytes labels, double value) {
                Frame frame(Type::metric, 0);
                static_assert(sizeof value == sizeof frame.n[0]);
                std::memcpy(frame.n.data(), &value, sizeof value);
                if (labels.len > kMaxText) labels.len = 0;
                of(self).tell(frame.add(view_of(name, kMaxCode)).add(view(labels)));
              }};
  trace_ = {sizeof trace_,
            0,
            this,
            [](void* self, rabt_call_id call, std::uint64_t span, void* context,
               rabt_sink sink) -> std::int32_t {
              return of(self).ask_bytes(Frame(Type::traceparent, call, {span}), context, sink);
            },
            [](void* self, rabt_call_id call, std::uint64_t parent, const char* name) {
              std::uint64_t id = 0;
              of(self).ask(Frame(Type::span_begin, call, {parent}).add(view_of(name, kMaxCode)),
                           [&id](const Frame& answer) { id = answer.n[1]; });
              return id;
            },
            [](void* self, std::uint64_t span, std::uint32_t status, rabt_bytes fields) {
              if (fields.len > kMaxText) fields.len = 0;
              of(self).tell(Frame(Type::span_end, span, {status}).add(view(fields)));
            }};
  // One byte over the limit of a piece is enough for the hub to see that it is over.
  constexpr std::size_t kPiece = std::size_t{RABT_BLOB_MAX_PIECE} + 1;
  static const auto start = +[](void* self, Frame frame, void* context, rabt_blob_done done) {
    Operation operation{context};
    operation.blob = done;
    frame.id = of(self).add(operation);
    of(self).tell(frame);
  };
  blob_ = {
      sizeof blob_,
      0,
      this,
      [](void* self, rabt_bytes content_type, void* context, rabt_blob_done done) {
        start(self, Frame(Type::blob_create, 0).add(view(content_type).substr(0, kMaxCode)),
              context, done);
      },
      [](void* self, rabt_bytes name, rabt_bytes piece, void* context, rabt_blob_done done) {
        start(self,
              Frame(Type::blob_append, 0)
                  .add(view(name).substr(0, kMaxCode))
                  .add(view(piece).substr(0, kPiece)),
              context, done);
      },
      [](void* self, rabt_bytes name, void* context, rabt_blob_done done) {
        start(self, Frame(Type::blob_finish, 0).add(view(name).substr(0, kMaxCode)), context, done);
      },
      [](void* self, rabt_bytes name) {
        of(self).tell(Frame(Type::blob_discard, 0).add(view(name).substr(0, kMaxCode)));
      },
      [](void* self, rabt_call_id call, rabt_bytes name, void* context, rabt_blob_done done) {
        start(self, Frame(Type::blob_info, 0, {call}).add(view(name).substr(0, kMaxCode)), context,
              done);
      },
      [](void* self, rabt_call_id call, rabt_bytes name, std::uint64_t from, std::uint64_t length,
         void* context, rabt_blob_piece done) {
        Operation operation{context};
        operation.piece = done;
        of(self).tell(Frame(Type::blob_read, of(self).add(operation), {call, from, length})
                          .add(view(name).substr(0, kMaxCode)));
      }};
  thread_check_ = {sizeof thread_check_, 0, this, [](void*) { return lane; }};
}

const void* Child::get_service(void* self, const char* id) {
  const Child& child = of(self);
  if (id == nullptr || child.services_.find('\n' + std::string(id) + '\n') == std::string::npos)
    return nullptr;
  const std::string_view name(id);
  if (name == RABT_LOG) return &child.log_;
  if (name == RABT_HTTP) return &child.http_;
  if (name == RABT_SECRETS) return &child.secrets_;
  if (name == RABT_SIGN) return &child.sign_;
  if (name == RABT_KV) return &child.kv_;
  if (name == RABT_CLOCK) return &child.clock_;
  if (name == RABT_METRICS) return &child.metrics_;
  if (name == RABT_TRACE) return &child.trace_;
  if (name == RABT_BLOB) return &child.blob_;
  if (name == RABT_THREAD_CHECK) return &child.thread_check_;
  return nullptr;
}

}  // namespace

int run_child() {
  static auto* const child = new Child();  // no destructor: threads of the plugin may still run
  return child->run();
}

}  // namespace rabt::worker
