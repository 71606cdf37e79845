#include "hub/plugin/process/worker_life.hpp"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <numeric>
#include <utility>

// Life of one process, from its start to its end.
namespace rabt::plugin {

namespace {

using worker::Frame;
using worker::Receiver;
using worker::RingReader;
using worker::Type;

constexpr std::uint64_t kMaxForbidden = 64;        // in one process: it is not an accident
constexpr std::chrono::seconds kStartTimeout{30};  // until the library is mapped, and for create
constexpr int kStartLookMs = 100;                  // how often a start is looked at
constexpr int kHangUpMs = 100;                     // for the end of a process that hung up
constexpr int kMemoryLookMs = 1000;                // how often its memory is looked at
constexpr std::uint64_t kPageTables = 4U << 20U;   // beside those that its memory needs
// Most bytes that may become read-only while the library is mapped: the linker does so after
// relocation. Read-only memory counts against no limit.
constexpr std::uint64_t kUnwritableWhileMapped = 8U << 20U;
constexpr int kBatch = 256;  // frames before the other descriptors are seen

}  // namespace

bool WorkerPlugin::Life::watch(int descriptor) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = descriptor;
  if (::epoll_ctl(waiter.get(), EPOLL_CTL_ADD, descriptor, &event) == 0) return true;
  starved = true;
  wrong = "it cannot be watched";
  return false;
}

WorkerPlugin::Death WorkerPlugin::live(std::uint64_t number) {
  Death death{number, "", false, false, {}};
  Life life;
  life.number = number;
  if (!open_life(life, death)) return death;
  serve_life(life);
  end_life(life, death);
  return death;
}

// Starts the process. Returns false if the hub lacks something for it.
bool WorkerPlugin::open_life(Life& life, Death& death) {
  const auto lacking = [&death](std::string what) {
    death.ours = true;
    death.reason = std::move(what);
    return false;
  };
  life.waiter = Descriptor(::epoll_create1(EPOLL_CLOEXEC));
  if (!life.waiter.open())
    return lacking(std::string("no descriptor to wait with: ") + std::strerror(errno));
  auto shared = worker::SharedMemory::make();
  if (!shared.ok()) return lacking(shared.error().message);
  auto loans = worker::Loans::make(static_cast<std::size_t>(setup_.lanes) + 1);
  if (!loans.ok()) return lacking(loans.error().message);
  auto spawned = worker::spawn(*setup_.program, setup_.library.get(), *loans);
  if (!spawned.ok()) return lacking(spawned.error().message);
  life.process = std::make_shared<worker::Process>(std::move(*spawned));
  life.shared = std::make_shared<worker::SharedMemory>(std::move(shared->memory));
  worker::SharedLayout& layout = **life.shared;
  life.frames = RingReader(layout.to_hub, layout.to_hub_bytes, life.process->frames.get(),
                           /*borrowed=*/nullptr);
  {
    const Lock lock(mutex_);
    process_ = life.process;
    shared_ = life.shared;
    writer_ = worker::RingWriter(layout.to_plugin, layout.to_plugin_bytes);
    loans_ = std::make_unique<worker::Loans>(std::move(*loans));
    free_loans_.resize(static_cast<std::size_t>(setup_.lanes));
    std::iota(free_loans_.begin(), free_loans_.end(), std::uint8_t{0});
    number_ = life.number;
    kill_reason_.clear();
    create_asked_ = false;
    in_step_ = false;
    operations_ = 0;
    ++start_count_;
    if (stopping_) worker::kill(*process_);
  }
  for (const int fd : {life.process->frames.get(), life.process->questions.get(),
                       life.process->pidfd.get(), wake_.get()}) {
    if (!life.watch(fd)) break;
  }

  // Services are told by name: \n before and after each.
  static constexpr std::array kServices{RABT_LOG,  RABT_HTTP,        RABT_SECRETS, RABT_SIGN,
                                        RABT_KV,   RABT_CLOCK,       RABT_METRICS, RABT_TRACE,
                                        RABT_BLOB, RABT_THREAD_CHECK};
  std::string offered = "\n";
  for (const char* const service : kServices) {
    if (host_->get_service(host_->self, service) != nullptr) offered += std::string(service) + "\n";
  }
  std::string folders;
  for (const std::string& folder : setup_.limits.folders) folders += folder + "\n";
  static_cast<void>(worker::send(life.process->frames.get(),
                                 Frame(Type::begin, 0,
                                       {worker::kProtocolVersion, word(setup_.lanes),
                                        setup_.limits.memory, setup_.limits.threads})
                                     .add(offered)
                                     .add(folders),
                                 shared->file.get()));
  life.begun = std::chrono::steady_clock::now();
  life.asked = life.begun;
  return true;
}

bool WorkerPlugin::start_took_too_long(Life& life) {
  bool waits = false;
  {
    const Lock lock(mutex_);
    waits = life.step == Life::Step::created && !create_asked_ && migrate_asked_ != Asked::sent;
  }
  // While the process waits for the hub, no time passes for it.
  if (waits) life.asked = std::chrono::steady_clock::now();
  return std::chrono::steady_clock::now() - std::max(life.begun, life.asked) > kStartTimeout;
}

// Reads and answers until the process ends, or has to be ended.
void WorkerPlugin::serve_life(Life& life) {
  while (!life.gone && life.wrong.empty()) {
    int timeout = kMemoryLookMs;
    look_at_memory(life);
    if (life.step != Life::Step::serving) {
      timeout = kStartLookMs;
      if (start_took_too_long(life)) life.wrong = "start takes too long";
    }
    if (!read_frames(life)) timeout = 0;  // there is more
    std::array<epoll_event, 8> events{};
    const int count = life.wrong.empty()
                          ? ::epoll_wait(life.waiter.get(), events.data(), events.size(), timeout)
                          : 0;
    life.frames.wake_up();
    for (int i = 0; i < count && life.wrong.empty(); ++i) {
      const epoll_event& event = events[static_cast<std::size_t>(i)];
      see_event(life, event.data.fd, event.events);
    }
  }
}

// Pages that lie far from each other take more tables than memory, and no limit counts tables. A
// process that has many more than its memory needs is ended.
void WorkerPlugin::look_at_memory(Life& life) {
  const auto now = std::chrono::steady_clock::now();
  if (worker::sanitized() || now - life.looked < std::chrono::milliseconds(kMemoryLookMs)) return;
  life.looked = now;
  const std::uint64_t tables = worker::page_table_bytes(*life.process);
  if (tables <= kPageTables + setup_.limits.memory / 128) return;
  life.wrong = "page tables of " + std::to_string(tables >> 20U) + " MiB";
}

// Reads what the process has sent. Returns true if the bell will ring when more comes, and false if
// there is more, or more may have come meanwhile.
bool WorkerPlugin::read_frames(Life& life) {
  Frame frame;
  for (int n = 0; n < kBatch; ++n) {
    const bool first = life.step == Life::Step::ready;
    const auto got = first ? life.first.receive(life.process->frames.get(), false, frame)
                           : life.frames.next(frame, life.socket);
    switch (got) {
      case Receiver::Got::nothing:
        life.socket = false;
        if (life.step == Life::Step::ready) return true;
        return life.frames.fall_asleep();
      case Receiver::Got::closed: {
        life.socket = false;
        if (life.over) return true;
        // It ends, or it has hung up and is ended.
        pollfd end{life.process->pidfd.get(), POLLIN, 0};
        if (::poll(&end, 1, kHangUpMs) == 0) life.wrong = "closed its frames";
        life.gone = true;
        return true;
      }
      case Receiver::Got::wrong: {
        const char* const why = first ? life.first.why() : life.frames.why();
        if (first ? life.first.starved() : life.frames.starved()) {
          life.starved = true;
        } else {
          owner_->broke_format(why);
        }
        life.wrong = std::string("frame: ") + why;
        if (!first && life.frames.flooded()) life.quarantine = true;
        return true;
      }
      case Receiver::Got::frame:
        break;
    }
    // The rest has no caller any more.
    if (life.over && frame.type != Type::complete && frame.type != Type::log &&
        frame.type != Type::returned)
      continue;
    if (!handle(life, frame) && life.wrong.empty()) {
      owner_->broke_format("a frame that does not belong here");
      life.wrong = "frame: out of place";
    }
    if (!life.wrong.empty()) return true;
  }
  return false;
}

void WorkerPlugin::see_event(Life& life, int descriptor, std::uint32_t events) {
  if (descriptor == life.process->frames.get()) {
    life.socket = true;
  } else if (descriptor == life.process->questions.get()) {
    read_question(life);
  } else if (life.listener.open() && descriptor == life.listener.get()) {
    if ((events & EPOLLIN) != 0) {
      read_attempt(life);
    } else {
      static_cast<void>(
          ::epoll_ctl(life.waiter.get(), EPOLL_CTL_DEL, life.listener.get(), nullptr));
    }
  } else if (descriptor == wake_.get()) {
    std::uint64_t drained = 0;
    [[maybe_unused]] const auto got = ::read(wake_.get(), &drained, sizeof drained);
    send_migrate(life);
    send_create(life);
  } else if (descriptor == life.process->pidfd.get()) {
    life.gone = true;
  }
}

void WorkerPlugin::read_question(Life& life) {
  const int questions = life.process->questions.get();
  Frame frame;
  switch (life.questions.receive(questions, false, frame)) {
    case Receiver::Got::frame:
      answer(life, frame);
      return;
    case Receiver::Got::nothing:
      return;
    case Receiver::Got::closed:
      static_cast<void>(::epoll_ctl(life.waiter.get(), EPOLL_CTL_DEL, questions, nullptr));
      return;
    case Receiver::Got::wrong:
      if (life.questions.starved()) {
        life.starved = true;
      } else {
        owner_->broke_format(life.questions.why());
      }
      life.wrong = std::string("question: ") + life.questions.why();
  }
}

void WorkerPlugin::read_attempt(Life& life) {
  worker::Attempt attempt;
  if (!worker::take_attempt(life.listener.get(), attempt)) return;
  // While the library is mapped the linker opens and maps what it needs, and while the plugin is
  // made it opens what is in its folders; Landlock says which files.
  if (life.step == Life::Step::entry) life.unwritable += attempt.unwritable;
  const bool mapping = life.step == Life::Step::entry &&
                       (attempt.reads_file || attempt.maps_code) &&
                       (attempt.unwritable == 0 || life.unwritable <= kUnwritableWhileMapped);
  const bool making =
      life.step == Life::Step::created && attempt.reads_file && !setup_.limits.folders.empty();
  const bool allowed = mapping || making;
  if (!allowed) {
    {
      const Lock lock(mutex_);
      ++forbidden_count_;
    }
    owner_->forbidden(worker::call_name(attempt.number));
  }
  worker::answer_attempt(life.listener.get(), attempt, allowed);
  if (allowed) return;
  if (++life.forbidden >= kMaxForbidden) {
    life.wrong = "forbidden system calls";
    life.quarantine = true;
  }
}

// Ends the process unless it has ended, and says how it ended.
void WorkerPlugin::end_life(Life& life, Death& death) {
  std::string reason;
  {
    const Lock lock(mutex_);
    if (kill_reason_.empty()) kill_reason_ = life.wrong;
    reason = kill_reason_;
    phase_ = Phase::starting;  // no lane gives it anything more
  }
  worker::kill(*life.process);
  const worker::End end = worker::wait_end(*life.process);
  // Frames that the process sent before it ended by itself count: its completed calls are complete.
  life.over = true;
  life.wrong.clear();
  while (reason.empty() && !read_frames(life) && life.wrong.empty()) {
  }
  {
    const Lock lock(mutex_);
    death.not_begun = find_not_begun();
    process_.reset();
    shared_.reset();
    loans_.reset();
  }
  death.reason = !reason.empty()   ? reason
                 : end.signal != 0 ? "signal " + std::to_string(end.signal)
                                   : "exit " + std::to_string(end.status);
  death.quarantined = life.quarantine;
  death.ours = life.starved;
  if (!life.failure.empty()) {
    const Lock lock(mutex_);
    if (!first_known_) first_ = invalid(life.failure_code, life.failure);
  }
}

// Calls that an ended process had not begun. The shared memory is believed only where it holds
// exactly what the hub wrote, and where no later function has begun: the process begins functions
// in their order.
std::vector<std::uint64_t> WorkerPlugin::find_not_begun() {
  std::vector<std::uint64_t> calls;
  for (std::size_t i = active_.size(); i-- > 0;) {
    Upcall& upcall = *active_[i];
    const std::uint64_t word =
        (*shared_)->places[upcall.serial % worker::kPlaces].load(std::memory_order_acquire);
    if (upcall.revoked) continue;
    if (word != worker::place_word(upcall.serial, worker::Place::given)) break;
    upcall.not_begun = true;
    if (upcall.type == Type::invoke || upcall.type == Type::probe || upcall.type == Type::health)
      calls.push_back(upcall.call);
  }
  std::reverse(calls.begin(), calls.end());
  return calls;
}

void WorkerPlugin::send_migrate(Life& life) {
  Bell bell;
  const Lock lock(mutex_);
  if (life.step != Life::Step::created || migrate_asked_ != Asked::wanted) return;
  migrate_asked_ = Asked::sent;
  if (!put_first(Frame(Type::migrate, 0).add(migrate_from_).add(migration_.config), bell))
    life.wrong = "migrate cannot be sent";
}

void WorkerPlugin::send_create(Life& life) {
  {
    const Lock lock(mutex_);
    if (life.step != Life::Step::created || create_asked_ || !config_) return;
    create_asked_ = true;
  }
  const auto service = [this](const char* id) { return host_->get_service(host_->self, id); };
  life.log = static_cast<const rabt_log*>(service(RABT_LOG));
  life.http = static_cast<const rabt_http*>(service(RABT_HTTP));
  life.secrets = static_cast<const rabt_secrets*>(service(RABT_SECRETS));
  life.sign = static_cast<const rabt_sign*>(service(RABT_SIGN));
  life.kv = static_cast<const rabt_kv*>(service(RABT_KV));
  life.clock = static_cast<const rabt_clock*>(service(RABT_CLOCK));
  life.metrics = static_cast<const rabt_metrics*>(service(RABT_METRICS));
  life.trace = static_cast<const rabt_trace*>(service(RABT_TRACE));
  life.blob = static_cast<const rabt_blob*>(service(RABT_BLOB));
  Bell bell;
  const Lock lock(mutex_);
  if (!put_first(Frame(Type::create, 0).add(*config_), bell)) life.wrong = "create cannot be sent";
}

}  // namespace rabt::plugin
