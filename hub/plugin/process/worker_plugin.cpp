#include "hub/plugin/process/worker_plugin.hpp"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "hub/worker/abi_bytes.hpp"

namespace rabt::plugin {

namespace {

using worker::bytes;
using worker::Frame;
using worker::Receiver;
using worker::Type;
using worker::view;

constexpr std::int64_t kFirstRestMs = 100;         // before the second start
constexpr std::int64_t kMaxRestMs = 30'000;        // the pauses double up to this
constexpr std::int64_t kDeathWindowMs = 600'000;   // in which so many deaths ...
constexpr std::size_t kMaxDeaths = 5;              // ... open the circuit
constexpr std::int64_t kQuarantineMs = 600'000;    // then one try
constexpr std::uint64_t kMaxForbidden = 64;        // of one process: it is not an accident
constexpr std::uint64_t kMaxOperations = 65'536;   // open ones; Instance has limits of its own
constexpr std::chrono::seconds kStartTimeout{30};  // until the library is mapped, and for create
constexpr int kHangUpMs = 100;                     // for the end of a process that hung up
constexpr int kBatch = 64;                         // frames before the other descriptors are seen
constexpr std::int64_t kPollMs = 10;               // how late a virtual clock may be noticed
constexpr std::chrono::milliseconds kDestroyTimeout{1500};

std::uint64_t word(std::int64_t value) {
  return static_cast<std::uint64_t>(value);
}
std::int64_t whole(std::uint64_t value) {
  return static_cast<std::int64_t>(value);
}

[[nodiscard]] bool watch(int waiter, int fd) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = fd;
  return ::epoll_ctl(waiter, EPOLL_CTL_ADD, fd, &event) == 0;
}
// The pause before the nth start in a row that was needed.
std::int64_t rest_before(std::size_t n) {
  return std::min(kFirstRestMs << std::min<std::size_t>(n - 1, 10), kMaxRestMs);
}
// Whether the plugin's thread is woken by frames.
void listen(int waiter, int fd, bool on) {
  epoll_event event{};
  event.events = on ? EPOLLIN : 0U;
  event.data.fd = fd;
  static_cast<void>(::epoll_ctl(waiter, EPOLL_CTL_MOD, fd, &event));
}

constexpr std::uint64_t kStood = 1ULL << 63U;  // among extensions: create succeeded once

// Thrown on a lane in place of what the plugin threw in its process.
struct PluginThrew {};

}  // namespace

struct WorkerPlugin::Life {
  std::uint64_t number = 0;
  std::shared_ptr<worker::Process> process;
  Descriptor waiter;  // epoll
  Descriptor listener;
  Receiver frames;
  Receiver questions;
  enum class Step : std::uint8_t { ready, entry, created, serving } step = Step::ready;
  std::uint64_t forbidden = 0;
  std::string wrong;  // why the hub ends it
  bool quarantine = false;
  bool over = false;                 // it has ended: it starts nothing more
  std::atomic<bool> starved{false};  // it ends because the hub lacks something
  // Of who reads.
  bool closed = false;
  std::string unreadable;
  std::string failure_code = "plugin.worker";  // of a first start
  std::string failure;
  // Services of the host, null before create.
  const rabt_log* log = nullptr;
  const rabt_http* http = nullptr;
  const rabt_secrets* secrets = nullptr;
  const rabt_sign* sign = nullptr;
  const rabt_kv* kv = nullptr;
  const rabt_clock* clock = nullptr;
  const rabt_metrics* metrics = nullptr;
  const rabt_trace* trace = nullptr;
  const rabt_blob* blob = nullptr;
};

WorkerPlugin::WorkerPlugin(Setup setup, const Clock& clock)
    : setup_(std::move(setup)), clock_(clock), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  table_ = {sizeof table_, 0, this, &invoke, &cancel, &get_extension, &destroy};
  webhook_ = {sizeof webhook_, 0, this, &normalise};
  probe_ = {sizeof probe_, 0, this, &probe};
  health_ = {sizeof health_, 0, this, &health};
}

WorkerPlugin::~WorkerPlugin() {
  stop();
}

Status WorkerPlugin::start(Owner& owner, const rabt_host& host) {
  owner_ = &owner;
  host_ = &host;
  if (!wake_.open())
    return unavailable("plugin.worker", setup_.name + ": the hub has no descriptor left for it");
  thread_ = std::thread([this] { keep(); });
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return first_known_; });
  return first_;
}

void WorkerPlugin::nudge() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto put = ::write(wake_.get(), &one, sizeof one);
}

void WorkerPlugin::set_phase(Phase phase) {
  {
    const std::scoped_lock lock(mutex_);
    phase_ = phase;
  }
  changed_.notify_all();
}

worker::Migration WorkerPlugin::migrate(std::string from_version, std::string config) {
  std::unique_lock lock(mutex_);
  if (phase_ == Phase::mapped) {
    migrate_from_ = std::move(from_version);
    migration_.config = std::move(config);
    migrate_asked_ = Asked::wanted;
    nudge();
  }
  changed_.wait(lock,
                [this] { return migrate_asked_ == Asked::answered || phase_ == Phase::stopped; });
  if (migrate_asked_ == Asked::answered) return std::move(migration_);
  worker::Migration lost;
  lost.end = worker::Migration::End::lost;
  lost.error = "its process ended meanwhile (" + end_ + ")";
  return lost;
}

const rabt_plugin* WorkerPlugin::create(std::string_view config, void* context, rabt_sink error) {
  std::string why;
  {
    std::unique_lock lock(mutex_);
    config_ = config;
    nudge();
    changed_.wait(lock, [this] {
      return phase_ == Phase::up || phase_ == Phase::waiting || phase_ == Phase::quarantined ||
             phase_ == Phase::stopped;
    });
    if (phase_ == Phase::up) return &table_;
    why = create_error_;
  }
  if (!why.empty()) error(context, bytes(why));
  return nullptr;
}

WorkerPlugin::Ready WorkerPlugin::await() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] {
    return phase_ == Phase::up || phase_ == Phase::quarantined || phase_ == Phase::stopped ||
           stopping_;
  });
  if (stopping_ || phase_ == Phase::stopped) return Ready::stopped;
  return phase_ == Phase::up ? Ready::up : Ready::quarantined;
}

bool WorkerPlugin::quarantined() const {
  const std::scoped_lock lock(mutex_);
  return phase_ == Phase::quarantined;
}

std::vector<WorkerPlugin::Busy> WorkerPlugin::busy() const {
  const std::scoped_lock lock(mutex_);
  std::vector<Busy> out;
  for (const Upcall* upcall : active_) out.push_back({upcall->serial, upcall->call, upcall->since});
  return out;
}

void WorkerPlugin::kill(std::string_view reason) {
  const std::scoped_lock lock(mutex_);
  if (process_ == nullptr) return;
  if (kill_reason_.empty()) kill_reason_ = reason;
  worker::kill(*process_);
}

bool WorkerPlugin::kill_busy(const std::vector<std::uint64_t>& serials, std::string_view reason) {
  const std::scoped_lock lock(mutex_);
  if (process_ == nullptr || std::none_of(active_.begin(), active_.end(), [&](const Upcall* one) {
        return std::find(serials.begin(), serials.end(), one->serial) != serials.end();
      }))
    return false;
  if (kill_reason_.empty()) kill_reason_ = reason;
  worker::kill(*process_);
  return true;
}

bool WorkerPlugin::release() {
  {
    const std::scoped_lock lock(mutex_);
    if (phase_ != Phase::quarantined) return false;
    released_ = true;
    deaths_.clear();
    on_trial_until_ = 0;
  }
  changed_.notify_all();
  return true;
}

WorkerPlugin::State WorkerPlugin::state() const {
  const std::scoped_lock lock(mutex_);
  State out;
  switch (phase_) {
    case Phase::starting:
    case Phase::mapped:
      out.phase = "starting";
      break;
    case Phase::up:
      out.phase = "up";
      break;
    case Phase::waiting:
      out.phase = "waiting";
      break;
    case Phase::quarantined:
      out.phase = "quarantined";
      out.quarantine_left_ms = std::max<std::int64_t>(quarantine_until_ - clock_.monotonic_ms(), 0);
      break;
    case Phase::stopped:
      out.phase = "stopped";
  }
  if (process_ != nullptr) out.pid = process_->pid;
  out.deaths = death_count_;
  out.starts = start_count_;
  out.forbidden = forbidden_count_;
  out.missing = missing_;
  return out;
}

void WorkerPlugin::stop() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
    if (process_ != nullptr) {
      if (kill_reason_.empty()) kill_reason_ = "stop";
      worker::kill(*process_);
    }
    nudge();
  }
  changed_.notify_all();
  if (thread_.get_id() == std::this_thread::get_id()) return;
  if (thread_.joinable()) thread_.join();
  const std::scoped_lock lock(mutex_);
  setup_.library.reset();
  wake_.reset();
}

// ---- the plugin's thread

void WorkerPlugin::keep() {
  std::size_t shortages = 0;  // of the hub, in a row
  for (std::uint64_t number = 1;; ++number) {
    Death death = live(number);
    bool first = false;
    bool ends = false;
    std::int64_t pause = 0;
    {
      const std::scoped_lock lock(mutex_);
      first = (extensions_ & kStood) == 0;
      // A plugin that never stood is not started again: whoever loads it is told.
      ends = stopping_ || first;
      if (!death.ours) shortages = 0;
      if (!ends && death.ours) pause = rest_before(++shortages);
      if (!ends && !death.ours) {
        const std::int64_t now = clock_.monotonic_ms();
        ++death_count_;
        deaths_.push_back(now);
        std::erase_if(deaths_, [now](std::int64_t at) { return at + kDeathWindowMs < now; });
        pause = rest_before(deaths_.size());
        death.quarantined =
            death.quarantined || deaths_.size() >= kMaxDeaths || now < on_trial_until_;
        if (death.quarantined) {
          pause = kQuarantineMs;
          quarantine_until_ = now + pause;
        }
      }
      end_ = death.reason;
      phase_ = ends ? Phase::stopped : death.quarantined ? Phase::quarantined : Phase::waiting;
    }
    if (!ends) owner_->ended(death);
    std::vector<Upcall*> lost;
    {
      const std::scoped_lock lock(mutex_);
      lost.swap(active_);
      requests_.clear();
    }
    for (Upcall* upcall : lost) {
      upcall->result = kLost;
      upcall->done.store(1);
      upcall->done.notify_one();
    }
    {
      const std::scoped_lock lock(mutex_);
      if (!first_known_) {
        first_known_ = true;
        if (first_.ok())
          first_ = unavailable("plugin.worker",
                               setup_.name + ": its process ended at the start: " + death.reason);
      } else if (create_error_.empty() && first) {
        create_error_ = "its process ended while it was created (" + death.reason + ")";
      }
    }
    changed_.notify_all();
    if (ends) return;
    if (!rest(pause, death.quarantined ? Phase::quarantined : Phase::waiting)) return;
    set_phase(Phase::starting);
  }
}

bool WorkerPlugin::rest(std::int64_t ms, Phase phase) {
  const std::int64_t until = clock_.monotonic_ms() + ms;
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (phase == Phase::quarantined && std::exchange(released_, false)) return true;
    if (clock_.monotonic_ms() >= until) {
      if (phase == Phase::quarantined) on_trial_until_ = clock_.monotonic_ms() + kDeathWindowMs;
      return true;
    }
    changed_.wait_for(lock, std::chrono::milliseconds(kPollMs));
  }
  phase_ = Phase::stopped;
  lock.unlock();
  changed_.notify_all();
  return false;
}

bool WorkerPlugin::hung_up(Life& life) {
  const std::unique_lock reading(reading_, std::try_to_lock);
  return reading && life.closed;
}

WorkerPlugin::Death WorkerPlugin::live(std::uint64_t number) {
  Death death{number, "", false, false};
  Life life;
  life.number = number;
  life.waiter = Descriptor(::epoll_create1(EPOLL_CLOEXEC));
  if (!life.waiter.open()) {
    death.ours = true;
    death.reason = std::string("no descriptor to wait with: ") + std::strerror(errno);
    return death;
  }
  auto spawned = worker::spawn(*setup_.program, setup_.library.get());
  if (!spawned.ok()) {
    death.ours = true;
    death.reason = spawned.error().message;
    return death;
  }
  life.process = std::make_shared<worker::Process>(std::move(*spawned));
  {
    const std::scoped_lock lock(mutex_);
    process_ = life.process;
    number_ = number;
    kill_reason_.clear();
    create_asked_ = false;
    operations_ = 0;
    wrong_.clear();
    ++start_count_;
    if (stopping_) worker::kill(*process_);
  }
  const int waiter = life.waiter.get();
  const int frames = life.process->frames.get();
  const int questions = life.process->questions.get();
  const int ended = life.process->pidfd.get();
  for (const int fd : {frames, questions, ended, wake_.get()}) {
    if (watch(waiter, fd)) continue;
    life.starved = true;
    life.wrong = "it cannot be watched";
  }

  // Services are told by name: \n before and after each.
  static constexpr std::array kServices{RABT_LOG,  RABT_HTTP,        RABT_SECRETS, RABT_SIGN,
                                        RABT_KV,   RABT_CLOCK,       RABT_METRICS, RABT_TRACE,
                                        RABT_BLOB, RABT_THREAD_CHECK};
  std::string offered = "\n";
  for (const char* const one : kServices) {
    if (host_->get_service(host_->self, one) != nullptr) offered += std::string(one) + "\n";
  }
  static_cast<void>(worker::send(frames, Frame(Type::begin, 0,
                                               {worker::kProtocolVersion, word(setup_.lanes),
                                                setup_.limits.memory, setup_.limits.threads})
                                             .add(offered)));

  const auto begun = std::chrono::steady_clock::now();
  auto asked = begun;
  bool gone = false;
  Frame frame;
  while (!gone && life.wrong.empty()) {
    int timeout = -1;
    if (life.step == Life::Step::ready || life.step == Life::Step::entry ||
        life.step == Life::Step::created) {
      timeout = 100;
      bool waits = false;
      {
        const std::scoped_lock lock(mutex_);
        waits = life.step == Life::Step::created && !create_asked_ && migrate_asked_ != Asked::sent;
      }
      if (waits) asked = std::chrono::steady_clock::now();
      if (std::chrono::steady_clock::now() - std::max(begun, asked) > kStartTimeout)
        life.wrong = "start takes too long";
    }
    std::array<epoll_event, 8> events{};
    const int count = ::epoll_wait(waiter, events.data(), events.size(), timeout);
    for (int i = 0; i < count && life.wrong.empty(); ++i) {
      const int fd = events[static_cast<std::size_t>(i)].data.fd;
      if (fd == frames) {
        const std::unique_lock reading(reading_, std::try_to_lock);
        if (!reading) continue;  // a lane reads
        for (int n = 0; n < kBatch && read_one(life, false); ++n) {
        }
        if (life.wrong.empty()) life.wrong = life.unreadable;
      } else if (fd == questions) {
        const auto got = life.questions.receive(questions, false, frame);
        if (got == Receiver::Got::frame) {
          answer(life, frame);
        } else if (got == Receiver::Got::closed) {
          static_cast<void>(::epoll_ctl(waiter, EPOLL_CTL_DEL, questions, nullptr));
        } else if (got == Receiver::Got::wrong) {
          if (life.questions.starved()) {
            life.starved = true;
          } else {
            owner_->misspoke(life.questions.why());
          }
          life.wrong = std::string("question: ") + life.questions.why();
        }
      } else if (life.listener.open() && fd == life.listener.get()) {
        if ((events[static_cast<std::size_t>(i)].events & EPOLLIN) != 0) {
          attempt(life);
        } else {
          static_cast<void>(::epoll_ctl(waiter, EPOLL_CTL_DEL, life.listener.get(), nullptr));
        }
      } else if (fd == wake_.get()) {
        {
          const std::scoped_lock lock(mutex_);
          if (!wrong_.empty()) life.wrong = std::exchange(wrong_, {});
        }
        std::uint64_t drained = 0;
        [[maybe_unused]] const auto got = ::read(wake_.get(), &drained, sizeof drained);
        send_migrate(life);
        send_create(life);
      } else if (fd == ended) {
        gone = true;
      }
    }
    if (hung_up(life)) {
      // It ends, or it has hung up and is ended.
      pollfd end{ended, POLLIN, 0};
      if (::poll(&end, 1, kHangUpMs) == 0) life.wrong = "closed its frames";
      gone = true;
    }
  }
  std::string reason;
  {
    const std::scoped_lock lock(mutex_);
    if (kill_reason_.empty()) kill_reason_ = life.wrong;
    reason = kill_reason_;
    phase_ = Phase::starting;  // no lane gives it anything more
    life_ = nullptr;
  }
  worker::kill(*life.process);
  const worker::End end = worker::wait_end(*life.process);
  // Its end of the frames may lie, as a descriptor that it sent, in a packet that nobody has read:
  // whoever waits for frames is told. What was sent before can still be read.
  ::shutdown(frames, SHUT_RDWR);
  const std::scoped_lock reading(reading_);  // the last lane that read has seen the end
  // What it said before it ended by itself counts: calls that it had completed are complete.
  life.over = true;
  while (reason.empty() && read_one(life, false)) {
  }
  {
    const std::scoped_lock lock(mutex_);
    process_.reset();
  }
  death.reason = !reason.empty()   ? reason
                 : end.signal != 0 ? "signal " + std::to_string(end.signal)
                                   : "exit " + std::to_string(end.status);
  death.quarantined = life.quarantine;
  death.ours = life.starved;
  if (!life.failure.empty()) {
    const std::scoped_lock lock(mutex_);
    if (!first_known_) first_ = invalid(life.failure_code, life.failure);
  }
  return death;
}

bool WorkerPlugin::read_one(Life& life, bool wait) {
  Frame frame;
  switch (life.frames.receive(life.process->frames.get(), wait, frame)) {
    case Receiver::Got::nothing:
      return false;
    case Receiver::Got::closed:
      life.closed = true;
      return false;
    case Receiver::Got::wrong:
      if (life.frames.starved()) {
        life.starved = true;
      } else {
        owner_->misspoke(life.frames.why());
      }
      life.unreadable = std::string("frame: ") + life.frames.why();
      return false;
    case Receiver::Got::frame:
      break;
  }
  if (life.over && frame.type != Type::complete && frame.type != Type::log &&
      frame.type != Type::returned)
    return true;  // what nobody waits for any more
  if (!handle(life, frame) && life.unreadable.empty()) {
    owner_->misspoke("a frame that does not belong here");
    life.unreadable = "frame: out of place";
  }
  return life.unreadable.empty();
}

void WorkerPlugin::read_for(const Upcall& upcall) {
  const std::unique_lock reading(reading_, std::try_to_lock);
  if (!reading) return;
  Life* life = nullptr;
  {
    const std::scoped_lock lock(mutex_);
    life = life_;
  }
  if (life == nullptr) return;
  const int frames = life->process->frames.get();
  listen(life->waiter.get(), frames, false);
  while (upcall.done.load() == 0 && read_one(*life, true)) {
  }
  if (!life->unreadable.empty()) {
    const std::scoped_lock lock(mutex_);
    wrong_ = life->unreadable;
    nudge();
  }
  listen(life->waiter.get(), frames, true);
}

bool WorkerPlugin::handshake(Life& life, const Frame& frame) {
  const auto refuse = [&life](const char* code, std::string message) {
    life.failure_code = code;
    life.failure = std::move(message);
    life.wrong = code;
    return true;
  };
  const int frames = life.process->frames.get();
  switch (frame.type) {
    case Type::ready: {
      if (life.step != Life::Step::ready || frame.n[0] != worker::kProtocolVersion) return false;
      const auto parts = static_cast<std::uint32_t>(frame.n[1]);
      life.listener = life.frames.take_descriptor();
      if (life.listener.open() && !watch(life.waiter.get(), life.listener.get())) {
        life.starved = true;
        life.wrong = "it cannot be watched";
        return true;
      }
      const std::string missing = worker::missing_parts(parts);
      {
        const std::scoped_lock lock(mutex_);
        missing_ = missing;
      }
      if (setup_.sandbox_required && (parts & worker::kRequiredParts) != worker::kRequiredParts) {
        return refuse("plugin.sandbox",
                      setup_.name + ": this system does not give a plugin's process: " + missing +
                          "; use a kernel that does, or configure plugin_sandbox: best-effort");
      }
      life.step = Life::Step::entry;
      static_cast<void>(worker::send(frames, Frame(Type::map, 0)));
      return true;
    }
    case Type::entry: {
      if (life.step != Life::Step::entry) return false;
      if (frame.n[0] == 0) {
        return refuse("plugin.library", setup_.library_path + ": cannot be mapped: " +
                                            std::string(frame.text[0].substr(0, 512)) +
                                            "; are the libraries it needs installed? (ldd " +
                                            setup_.library_path + ")");
      }
      rabt_entry entry{};
      const std::string id(frame.text[0]);
      const std::string version(frame.text[1]);
      const std::string digest(frame.text[2]);
      const bool complete = frame.n[3] == 1;
      entry.magic = static_cast<std::uint32_t>(frame.n[1]);
      entry.abi_major = static_cast<std::uint16_t>(frame.n[2] >> 32U);
      entry.abi_minor = static_cast<std::uint16_t>(frame.n[2]);
      entry.size = complete ? sizeof entry : 0;
      entry.id = id.c_str();
      entry.version = version.c_str();
      entry.manifest_sha256 = digest.c_str();
      entry.create = [](const rabt_host*, rabt_bytes, void*, rabt_sink) -> const rabt_plugin* {
        return nullptr;
      };
      const Status good = setup_.check(frame.n[0] == 1 ? nullptr : &entry);
      if (!good.ok()) return refuse(good.error().code.c_str(), good.error().message);
      life.step = Life::Step::created;
      {
        const std::scoped_lock lock(mutex_);
        phase_ = Phase::mapped;
        first_known_ = true;
      }
      changed_.notify_all();
      send_create(life);
      return true;
    }
    case Type::migrated: {
      if (frame.texts != 2 ||
          frame.n[0] > static_cast<std::uint64_t>(worker::Migration::End::absent))
        return false;
      {
        const std::scoped_lock lock(mutex_);
        if (migrate_asked_ != Asked::sent) return false;
        migration_ = {static_cast<worker::Migration::End>(frame.n[0]), frame.n[1], frame.n[2],
                      std::string(frame.text[0]), std::string(frame.text[1])};
        migrate_asked_ = Asked::answered;
      }
      changed_.notify_all();
      return true;
    }
    case Type::created: {
      if (life.step != Life::Step::created || life.log == nullptr) return false;
      const std::uint64_t extensions = (frame.n[1] & 7U) | kStood;
      std::unique_lock lock(mutex_);
      if (frame.n[0] != 0) {
        create_error_ = frame.n[0] == 1   ? std::string(frame.text[0].substr(0, 1024))
                        : frame.n[0] == 2 ? "its constructor threw across the C line"
                                          : "the instance lacks invoke or destroy; build it "
                                            "against rabt/abi.h";
        if (create_error_.empty()) create_error_ = "it gave no reason";
        life.wrong = "create";
        return true;
      }
      if (extensions_ != 0 && extensions_ != extensions) {
        life.wrong = "it offers other extensions than before";
        return true;
      }
      extensions_ = extensions;
      life.step = Life::Step::serving;
      life_ = &life;
      phase_ = Phase::up;
      lock.unlock();
      changed_.notify_all();
      return true;
    }
    default:
      return false;
  }
}

void WorkerPlugin::send_migrate(Life& life) {
  std::string from;
  std::string config;
  {
    const std::scoped_lock lock(mutex_);
    if (life.step != Life::Step::created || migrate_asked_ != Asked::wanted) return;
    migrate_asked_ = Asked::sent;
    from = migrate_from_;
    config = migration_.config;
  }
  static_cast<void>(
      worker::send(life.process->frames.get(), Frame(Type::migrate, 0).add(from).add(config)));
}

void WorkerPlugin::send_create(Life& life) {
  std::string config;
  {
    const std::scoped_lock lock(mutex_);
    if (life.step != Life::Step::created || create_asked_ || !config_) return;
    create_asked_ = true;
    config = *config_;
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
  static_cast<void>(worker::send(life.process->frames.get(), Frame(Type::create, 0).add(config)));
}

void WorkerPlugin::attempt(Life& life) {
  worker::Attempt attempt;
  if (!worker::take_attempt(life.listener.get(), attempt)) return;
  // While the library is mapped the linker opens what it needs; Landlock says which files.
  const bool mapping = life.step == Life::Step::entry && attempt.reads_file;
  if (!mapping) {
    {
      const std::scoped_lock lock(mutex_);
      ++forbidden_count_;
    }
    owner_->forbidden(worker::call_name(attempt.number));
  }
  worker::answer_attempt(life.listener.get(), attempt, mapping);
  if (mapping) return;
  if (++life.forbidden >= kMaxForbidden) {
    life.wrong = "forbidden system calls";
    life.quarantine = true;
  }
}

WorkerPlugin::Operation* WorkerPlugin::begin(Life& life, std::uint64_t id) {
  {
    const std::scoped_lock lock(mutex_);
    if (++operations_ > kMaxOperations) {
      life.unreadable = "too many operations are open";
      return nullptr;
    }
  }
  return new Operation{this, life.number, id};  // NOLINT: freed by finish
}

bool WorkerPlugin::handle(Life& life, const Frame& frame) {
  const auto texts = [&frame](std::uint8_t count) { return frame.texts == count; };
  switch (frame.type) {
    case Type::ready:
    case Type::entry:
    case Type::migrated:
    case Type::created:
      return handshake(life, frame);
    default:
      break;
  }
  if (life.log == nullptr) return false;  // before create
  switch (frame.type) {
    case Type::complete: {
      const rabt_host* const host = host_;
      if (frame.n[2] == 0) {
        host->complete(host->self, frame.id, nullptr);
        return true;
      }
      if (!texts(4)) return false;
      rabt_outcome outcome{};
      outcome.size = sizeof outcome;
      outcome.kind = static_cast<std::uint32_t>(std::min<std::uint64_t>(frame.n[0], UINT32_MAX));
      outcome.retry_after_ms = whole(frame.n[1]);
      outcome.output = bytes(frame.text[0]);
      outcome.code = bytes(frame.text[1]);
      outcome.message = bytes(frame.text[2]);
      outcome.detail = bytes(frame.text[3]);
      host->complete(host->self, frame.id, &outcome);
      return true;
    }
    case Type::returned: {
      Upcall* upcall = nullptr;
      {
        const std::scoped_lock lock(mutex_);
        const auto found =
            std::find_if(active_.begin(), active_.end(),
                         [&frame](const Upcall* one) { return one->serial == frame.id; });
        if (found == active_.end()) return false;
        upcall = *found;
        active_.erase(found);
      }
      upcall->result = static_cast<std::int32_t>(frame.n[0]);
      if (upcall->result == kLost || upcall->result == kNotGiven) upcall->result = 1;
      upcall->events_calls = frame.n[1];
      upcall->error_calls = frame.n[2];
      upcall->threw = frame.n[3] != 0;
      if (texts(2)) {
        upcall->events = frame.text[0];
        upcall->error = frame.text[1];
      }
      upcall->done.store(1);
      upcall->done.notify_one();
      return true;
    }
    case Type::log:
      if (!texts(2)) return false;
      life.log->log(life.log->self, static_cast<std::uint32_t>(frame.n[0]),
                    std::string(frame.text[0].substr(0, 256)).c_str(), bytes(frame.text[1]));
      return true;
    case Type::http_start: {
      if (!texts(2)) return false;
      Operation* const operation = begin(life, frame.id);
      if (operation == nullptr) return true;
      {
        const std::scoped_lock lock(mutex_);
        requests_[frame.id] = 0;
      }
      // A description that is too large to travel is refused as one that cannot be read.
      const std::uint64_t request = life.http->start(
          life.http->self, frame.n[0],
          frame.n[1] == 1 ? bytes("the request is too large") : bytes(frame.text[0]),
          bytes(frame.text[1]), operation, [](void* context, const rabt_http_result* result) {
            auto* const at = static_cast<Operation*>(context);
            at->plugin->finish(at,
                               Frame(Type::http_done, at->id,
                                     {0, result->sent, word(result->status), result->blob_bytes})
                                   .add(view(result->headers_json))
                                   .add(view(result->body))
                                   .add(view(result->error_code))
                                   .add(view(result->error_message))
                                   .add(view(result->blob))
                                   .add(view(result->blob_sha256)));
          });
      const std::scoped_lock lock(mutex_);
      if (const auto found = requests_.find(frame.id); found != requests_.end())
        found->second = request;
      return true;
    }
    case Type::http_cancel: {
      std::uint64_t request = 0;
      {
        const std::scoped_lock lock(mutex_);
        const auto found = requests_.find(frame.id);
        if (found != requests_.end()) request = found->second;
      }
      if (request != 0) life.http->cancel(life.http->self, request);
      return true;
    }
    case Type::kv_get:
    case Type::kv_put:
    case Type::kv_remove:
      return handle_kv(life, frame);
    case Type::wake_after: {
      const std::unique_ptr<Operation> operation(begin(life, frame.id));
      if (operation == nullptr) return true;
      // By value: a wait that is dropped leaves nothing behind.
      const bool waits = owner_->wake_after(whole(frame.n[0]), [operation = *operation] {
        operation.plugin->finish(new Operation(operation), Frame(Type::wake, operation.id));
      });
      if (waits) return true;
      const std::scoped_lock lock(mutex_);
      --operations_;
      return true;
    }
    case Type::metric: {
      if (!texts(2) || life.metrics == nullptr) return false;
      double value = 0;
      std::memcpy(&value, frame.n.data(), sizeof value);
      life.metrics->record(life.metrics->self, std::string(frame.text[0]).c_str(),
                           bytes(frame.text[1]), value);
      return true;
    }
    case Type::span_end:
      if (!texts(1) || life.trace == nullptr) return false;
      life.trace->end(life.trace->self, frame.id, static_cast<std::uint32_t>(frame.n[0]),
                      bytes(frame.text[0]));
      return true;
    case Type::blob_create:
    case Type::blob_append:
    case Type::blob_finish:
    case Type::blob_discard:
    case Type::blob_info:
    case Type::blob_read:
      return handle_blob(life, frame);
    default:
      return false;
  }
}

bool WorkerPlugin::handle_kv(Life& life, const Frame& frame) {
  const auto texts = [&frame](std::uint8_t count) { return frame.texts == count; };
  switch (frame.type) {
    case Type::kv_get: {
      if (!texts(1)) return false;
      Operation* const operation = begin(life, frame.id);
      if (operation == nullptr) return true;
      life.kv->get(
          life.kv->self, bytes(frame.text[0]), operation,
          [](void* context, std::int32_t status, rabt_bytes value, std::int64_t version) {
            auto* const at = static_cast<Operation*>(context);
            at->plugin->finish(
                at,
                Frame(Type::kv_done, at->id, {0, word(status), word(version)}).add(view(value)));
          });
      return true;
    }
    case Type::kv_put: {
      if (!texts(2)) return false;
      Operation* const operation = begin(life, frame.id);
      if (operation == nullptr) return true;
      life.kv->put(
          life.kv->self, bytes(frame.text[0]), bytes(frame.text[1]), whole(frame.n[0]),
          whole(frame.n[1]), operation,
          [](void* context, std::int32_t status, std::int64_t version) {
            auto* const at = static_cast<Operation*>(context);
            at->plugin->finish(at, Frame(Type::kv_done, at->id, {0, word(status), word(version)}));
          });
      return true;
    }
    case Type::kv_remove: {
      if (!texts(1)) return false;
      Operation* const operation = begin(life, frame.id);
      if (operation == nullptr) return true;
      life.kv->remove(life.kv->self, bytes(frame.text[0]), operation,
                      [](void* context, std::int32_t status) {
                        auto* const at = static_cast<Operation*>(context);
                        at->plugin->finish(at, Frame(Type::kv_done, at->id, {0, word(status)}));
                      });
      return true;
    }
    default:
      return false;
  }
}

bool WorkerPlugin::handle_blob(Life& life, const Frame& frame) {
  if (life.blob == nullptr || frame.texts != (frame.type == Type::blob_append ? 2 : 1))
    return false;
  const rabt_blob& blob = *life.blob;
  const rabt_bytes name = bytes(frame.text[0]);  // of create: the content type
  if (frame.type == Type::blob_discard) {
    blob.discard(blob.self, name);
    return true;
  }
  Operation* const operation = begin(life, frame.id);
  if (operation == nullptr) return true;
  const rabt_blob_done done = [](void* context, std::int32_t status, const rabt_blob_info* info) {
    auto* const at = static_cast<Operation*>(context);
    Frame answer(Type::blob_done, at->id, {0, word(status), 0, info == nullptr ? 0U : 1U});
    if (info == nullptr) {
      answer.add({}).add({}).add({});
    } else {
      answer.n[2] = info->bytes;
      answer.add(view(info->handle)).add(view(info->content_type)).add(view(info->sha256));
    }
    at->plugin->finish(at, answer.add({}));
  };
  switch (frame.type) {
    case Type::blob_create:
      blob.create(blob.self, name, operation, done);
      break;
    case Type::blob_append:
      blob.append(blob.self, name, bytes(frame.text[1]), operation, done);
      break;
    case Type::blob_finish:
      blob.finish(blob.self, name, operation, done);
      break;
    case Type::blob_info:
      blob.info(blob.self, frame.n[0], name, operation, done);
      break;
    default:
      blob.read(blob.self, frame.n[0], name, frame.n[1], frame.n[2], operation,
                [](void* context, std::int32_t status, rabt_bytes piece) {
                  auto* const at = static_cast<Operation*>(context);
                  at->plugin->finish(at, Frame(Type::blob_done, at->id, {0, word(status)})
                                             .add({})
                                             .add({})
                                             .add({})
                                             .add(view(piece)));
                });
  }
  return true;
}

// Answers are small and one at a time, so that there is always room for them.
void WorkerPlugin::answer(Life& life, const Frame& question) {
  Frame frame(Type::answer, question.id);
  std::string said;
  const rabt_sink sink = [](void* context, rabt_bytes text) {
    *static_cast<std::string*>(context) = view(text);
  };
  const auto text = [&question](std::size_t at) { return std::string(question.text[at]); };
  std::int32_t status = 1;
  switch (life.log == nullptr ? Type::begin : question.type) {
    case Type::secret:
      if (life.secrets != nullptr)
        status = life.secrets->get(life.secrets->self, text(0).c_str(), &said, sink);
      break;
    case Type::hmac:
      status = life.sign->hmac(life.sign->self, text(0).c_str(), text(1).c_str(),
                               bytes(question.text[2]), &said, sink);
      break;
    case Type::jwt:
      status = life.sign->jwt(life.sign->self, text(0).c_str(), text(1).c_str(),
                              bytes(question.text[2]), bytes(question.text[3]), &said, sink);
      break;
    case Type::now:
      status = 0;
      frame.n[1] = word(life.clock->now_unix_ms(life.clock->self));
      break;
    case Type::monotonic:
      status = 0;
      frame.n[1] = word(life.clock->monotonic_ms(life.clock->self));
      break;
    case Type::traceparent:
      if (life.trace != nullptr)
        status = life.trace->traceparent(life.trace->self, question.id, question.n[0], &said, sink);
      break;
    case Type::span_begin:
      if (life.trace != nullptr) {
        status = 0;
        frame.n[1] =
            life.trace->begin(life.trace->self, question.id, question.n[0], text(0).c_str());
      }
      break;
    default:
      owner_->misspoke("a question that is none");
      life.wrong = "question: out of place";
      return;
  }
  frame.n[0] = word(status);
  const Status sent =
      worker::send(life.process->questions.get(), frame.add(said), -1, /*wait=*/false);
  if (!sent.ok() && sent.error().code != "worker.closed")
    life.wrong = "question: answers are not read";
}

// ---- on the lanes

WorkerPlugin::Upcall* WorkerPlugin::call(Frame& frame, std::uint64_t call, std::uint64_t process,
                                         bool& given) {
  Upcall* upcall = nullptr;
  std::shared_ptr<worker::Process> to;
  given = false;
  {
    const std::scoped_lock lock(mutex_);
    if (phase_ != Phase::up || process_ == nullptr || (process != 0 && process != number_))
      return nullptr;
    to = process_;
    if (free_.empty()) {
      upcalls_.emplace_back();
      free_.push_back(&upcalls_.back());
    }
    upcall = free_.back();
    free_.pop_back();
    upcall->serial = ++last_serial_;
    upcall->call = call;
    upcall->since = std::chrono::steady_clock::now();
    upcall->done.store(0);
    upcall->result = 0;
    upcall->threw = false;
    active_.push_back(upcall);
    frame.n[0] = upcall->serial;
  }
  const Status sent = worker::send(to->frames.get(), frame);
  if (!sent.ok() && sent.error().code != "worker.closed") {
    // Nothing left: no memory file, or too large. The process is as it was.
    const std::scoped_lock lock(mutex_);
    const auto found = std::find(active_.begin(), active_.end(), upcall);
    if (found != active_.end()) {
      active_.erase(found);
      free_.push_back(upcall);
      return nullptr;
    }
  }
  given = true;
  read_for(*upcall);
  upcall->done.wait(0);
  return upcall;
}

void WorkerPlugin::hand_back(Upcall* upcall) {
  const std::scoped_lock lock(mutex_);
  free_.push_back(upcall);
}

std::int32_t WorkerPlugin::call_plain(Frame frame, std::uint64_t of_call) {
  bool given = false;
  Upcall* const upcall = call(frame, of_call, 0, given);
  if (upcall == nullptr) return kNotGiven;
  const std::int32_t result = upcall->result;
  const bool threw = upcall->threw;
  hand_back(upcall);
  if (threw) throw PluginThrew{};
  return result;
}

std::int32_t WorkerPlugin::give(void* self, Type type, const rabt_call* call) {
  return of(self).call_plain(Frame(type, call->id, {0, call->attempt, word(call->deadline_unix_ms)})
                                 .add(view(call->action))
                                 .add(view(call->action_version))
                                 .add(view(call->input))
                                 .add(view(call->idempotency_key)),
                             call->id);
}
std::int32_t WorkerPlugin::invoke(void* self, const rabt_call* call) {
  return give(self, Type::invoke, call);
}
std::int32_t WorkerPlugin::probe(void* self, const rabt_call* call) {
  return give(self, Type::probe, call);
}
std::int32_t WorkerPlugin::health(void* self, const rabt_call* call) {
  return give(self, Type::health, call);
}
void WorkerPlugin::cancel(void* self, rabt_call_id call) {
  static_cast<void>(of(self).call_plain(Frame(Type::cancel, call), call));
}

void WorkerPlugin::destroy(void* self) {
  WorkerPlugin& plugin = of(self);
  {
    const std::scoped_lock lock(plugin.mutex_);
    plugin.stopping_ = true;  // the process ends behind it, in time or not
  }
  std::atomic<bool> over{false};
  std::thread clock([&] {
    std::unique_lock lock(plugin.mutex_);
    plugin.changed_.wait_for(lock, kDestroyTimeout, [&] { return over.load(); });
    lock.unlock();
    if (!over) plugin.kill("destroy takes too long");
  });
  try {
    static_cast<void>(plugin.call_plain(Frame(Type::destroy, 0), 0));
  } catch (const PluginThrew&) {  // it is gone either way
  }
  {
    const std::scoped_lock lock(plugin.mutex_);
    over = true;
  }
  plugin.changed_.notify_all();
  clock.join();
}

const void* WorkerPlugin::get_extension(void* self, const char* id) {
  WorkerPlugin& plugin = of(self);
  const std::scoped_lock lock(plugin.mutex_);
  const std::string_view name(id);
  if (name == RABT_WEBHOOK && (plugin.extensions_ & 1U) != 0) return &plugin.webhook_;
  if (name == RABT_PROBE && (plugin.extensions_ & 2U) != 0) return &plugin.probe_;
  if (name == RABT_HEALTH && (plugin.extensions_ & 4U) != 0) return &plugin.health_;
  return nullptr;
}

std::int32_t WorkerPlugin::normalise(void* self, rabt_bytes delivery, rabt_bytes body,
                                     void* context, rabt_sink events, rabt_sink error) {
  WorkerPlugin& plugin = of(self);
  Upcall* upcall = nullptr;
  // Reading changes nothing outside: what one process did not live to read, the next one reads.
  // Not a third one: it may be the delivery that ends them.
  for (int attempt = 1; attempt <= 2; ++attempt) {
    if (plugin.await() == Ready::quarantined) return kNotGiven;
    Frame frame(Type::normalise, 0);
    frame.add(view(delivery)).add(view(body));
    bool given = false;
    upcall = plugin.call(frame, 0, 0, given);
    if (upcall == nullptr) continue;
    if (upcall->result != kLost || attempt == 2) break;
    plugin.hand_back(std::exchange(upcall, nullptr));
  }
  if (upcall == nullptr) return kNotGiven;
  const std::int32_t result = upcall->result;
  const bool threw = upcall->threw;
  const std::uint64_t events_calls = std::min<std::uint64_t>(upcall->events_calls, 2);
  const std::uint64_t error_calls = std::min<std::uint64_t>(upcall->error_calls, 2);
  const std::string said_events = std::move(upcall->events);
  const std::string said_error = std::move(upcall->error);
  plugin.hand_back(upcall);
  if (result == kLost) return kLost;
  if (threw) throw PluginThrew{};
  for (std::uint64_t i = 0; i < events_calls; ++i) events(context, bytes(said_events));
  for (std::uint64_t i = 0; i < error_calls; ++i) error(context, bytes(said_error));
  return result;
}

void WorkerPlugin::finish(Operation* operation, Frame frame) {
  const std::unique_ptr<Operation> over(operation);
  {
    const std::scoped_lock lock(mutex_);
    if (operation->process != number_) return;  // of a process that is gone
    if (operations_ > 0) --operations_;
    if (frame.type == Type::http_done) requests_.erase(operation->id);
  }
  bool given = false;
  Upcall* const upcall = call(frame, 0, operation->process, given);
  if (upcall == nullptr) return;
  const bool threw = upcall->threw;
  hand_back(upcall);
  if (threw) throw PluginThrew{};
}

}  // namespace rabt::plugin
