#include "hub/worker/child.hpp"

#include <dlfcn.h>
#include <malloc.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "hub/base/split.hpp"
#include "hub/worker/child_process.hpp"
#include "hub/worker/migrate.hpp"
#include "hub/worker/sandbox.hpp"

namespace rabt::worker {

int Child::run() {
  int type = 0;
  socklen_t size = sizeof type;
  if (::getsockopt(kFramesAt, SOL_SOCKET, SO_TYPE, &type, &size) != 0 || type != SOCK_SEQPACKET) {
    static constexpr std::string_view kWhy =
        "rabt-plugin-host is started by the hub, for one plugin\n";
    [[maybe_unused]] const auto length = ::write(STDERR_FILENO, kWhy.data(), kWhy.size());
    return kStartedByHand;
  }
  ::close(kProgramAt);
  {
    auto borrowed = Borrowed::map(Descriptor(kLoansAt));
    if (!borrowed.ok()) return kHubUnreadable;
    borrowed_ = std::move(*borrowed);
  }
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
    inbox_ = RingReader(shared_->to_plugin, shared_->to_plugin_bytes, kFramesAt, &borrowed_);
  }
  lanes_ = static_cast<std::uint32_t>(std::clamp<std::uint64_t>(begin.n[1], 1, 64));
  Limits limits;
  if (begin.n[2] != 0) limits.memory = begin.n[2];
  if (begin.n[3] != 0) limits.threads = begin.n[3];
  services_ = begin.text[0];
  limits.folders = split(begin.text[1], '\n');
  fill_services();
  fill_further_services();
  Applied applied = enter_sandbox(limits, lanes_);
  leave_unless(send(kFramesAt, Frame(Type::ready, 0, {kProtocolVersion, applied.parts}),
                    applied.listener.get()));
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
  const rabt_plugin* instance = nullptr;
  const bool whole = guarded([&] {
    const OnLane control(RABT_LANE_CONTROL);
    instance = entry_->create(&host_, bytes(config), &why, [](void* context, rabt_bytes text) {
      *static_cast<std::string*>(context) = view(text).substr(0, kMaxText);
    });
  });
  Frame frame(Type::created, 0);
  if (!whole || instance == nullptr) {
    frame.n[0] = whole ? 1 : 2;
    tell(frame.add(why));
    return;
  }
  if (!RABT_HAS(rabt_plugin, instance, destroy) || instance->invoke == nullptr ||
      instance->destroy == nullptr) {
    frame.n[0] = 3;
    tell(frame);
    return;
  }
  if (instance->get_extension != nullptr) {
    static_cast<void>(guarded([&] {
      const auto* webhook =
          static_cast<const rabt_webhook*>(instance->get_extension(instance->self, RABT_WEBHOOK));
      if (RABT_CAN(rabt_webhook, webhook, normalise)) webhook_ = webhook;
      const auto* probe =
          static_cast<const rabt_probe*>(instance->get_extension(instance->self, RABT_PROBE));
      if (RABT_CAN(rabt_probe, probe, probe)) probe_ = probe;
      const auto* health =
          static_cast<const rabt_health*>(instance->get_extension(instance->self, RABT_HEALTH));
      if (RABT_CAN(rabt_health, health, check)) health_ = health;
    }));
  }
  plugin_ = instance;
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

// True if a function begins now. Returns false if the hub has revoked it.
bool Child::begins(const Frame& frame) {
  if (frame.type < Type::invoke) return true;  // no function: the process is being set up
  const std::uint64_t serial = frame.n[0];
  std::uint64_t word = place_word(serial, Place::given);
  return shared_->places[serial % kPlaces].compare_exchange_strong(
      word, place_word(serial, Place::begun), std::memory_order_acq_rel);
}

void Child::take(Asked& asked) {
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
  const bool call =
      frame.type == Type::invoke || frame.type == Type::probe || frame.type == Type::health;
  // The bytes of a call are the plugin's until complete (A3); those of other frames until their
  // function has returned, which is when the hub takes back what it lent.
  if (inbox_.lent() && !call) return;
  asked.bytes = std::make_shared_for_overwrite<char[]>(std::max<std::size_t>(texts_of(frame), 1));
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

int run_child() {
  static auto* const child = new Child();  // no destructor: threads of the plugin may still run
  return child->run();
}

}  // namespace rabt::worker
