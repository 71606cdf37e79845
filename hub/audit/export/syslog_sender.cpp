#include "hub/audit/export/syslog_sender.hpp"

#include <algorithm>
#include <atomic>
#include <deque>
#include <fstream>
#include <future>
#include <thread>

#include "hub/audit/files.hpp"
#include "hub/audit/ledger.hpp"
#include "hub/audit/reader.hpp"
#include "hub/audit/statements.hpp"
#include "hub/base/mutex.hpp"
#include "hub/base/number.hpp"
#include "hub/net/tls_stream.hpp"

namespace rabt::audit {

namespace {

constexpr std::string_view kCursorTitle = "rabt-syslog-cursor 1";
constexpr std::size_t kBatch = 200;          // entries in one write to the connection
constexpr std::int64_t kConnectMs = 10'000;  // TCP and TLS
constexpr std::int64_t kSendMs = 10'000;     // without progress
constexpr std::int64_t kSaveMs = 1'000;      // between two writes of the cursor
// Time for a checkpoint to be confirmed; the log itself waits five seconds for an anchor.
constexpr std::int64_t kAnchorMs = 4'500;
constexpr std::chrono::milliseconds kIdle{200};  // between two looks at the log

// RFC 5425 section 4.3: the length in octets, a space, the message.
void frame(std::string& out, std::string_view message) {
  out.append(std::to_string(message.size())).append(" ").append(message);
}

Result<std::int64_t> read_cursor(const std::string& path) {
  std::ifstream file(path);
  if (!file) return std::int64_t{0};
  std::string title;
  std::string number;
  std::getline(file, title);
  std::getline(file, number);
  const auto seq = read_number<std::int64_t>(number);
  if (title != kCursorTitle || !seq || *seq < 0) {
    return corrupt("audit.cursor", path +
                                       " is no cursor of a syslog server; move it away, and every "
                                       "entry is sent again");
  }
  return *seq;
}

// Data that was written to the connection and is not confirmed.
struct Flight {
  // The number of the last entry in it; 0 when it is a checkpoint.
  std::int64_t last = 0;
  std::int64_t acknowledged_ms = -1;
  std::shared_ptr<std::promise<Status>> note;  // a checkpoint's
};

struct Note {
  std::string text;
  std::int64_t size = 0;
  std::shared_ptr<std::promise<Status>> kept;
};

}  // namespace

struct SyslogSender::State {
  State(Parts p, SyslogOptions o, ExportSource s)
      : parts(p), options(std::move(o)), source(std::move(s)) {
    name = "syslog:" + options.host + ":" + std::to_string(options.port);
  }

  void run() {
    pause = options.first_pause_ms;
    next_attempt = parts.clock.monotonic_ms();
    while (!stopping) {
      if (stream == nullptr && parts.clock.monotonic_ms() >= next_attempt) connect();
      bool busy = false;
      if (stream != nullptr) {
        const Status status = step(busy);
        if (!status.ok()) {
          parts.log.warn("audit.syslog_lost", {{"server", name}, {"code", status.error().code}});
          drop();
          complained = true;
          next_attempt = parts.clock.monotonic_ms() + pause;
        }
      }
      measure();
      Lock lock(mutex);
      if (!busy) wake.wait_for(lock, kIdle, [this] { return stopping.load(); });
    }
    save(true);
    drop();
    fail_notes("audit.closing", "the audit log is being closed");
  }

  // Tries once. After a failure the next try comes after a pause that doubles.
  void connect() {
    auto connection = net::TlsStream::connect(options.host, options.port, options.tls, kConnectMs);
    if (connection.ok()) {
      stream = std::move(*connection);
      sent_to = confirmed;
      pause = options.first_pause_ms;
      ++connects;
      connected = true;
      if (!complained) parts.log.info("audit.syslog_connected", {{"server", name}});
      if (complained) parts.log.warn("audit.syslog_back", {{"server", name}});
      complained = false;
      return;
    }
    if (!complained) {
      parts.log.warn("audit.syslog_unreachable", {{"server", name},
                                                  {"code", connection.error().code},
                                                  {"message", connection.error().message}});
    }
    complained = true;
    next_attempt = parts.clock.monotonic_ms() + pause;
    pause = std::min(pause * 2, options.max_pause_ms);
  }

  // Sends what is new and confirms what has settled. busy: there is more to send at once.
  Status step(bool& busy) {
    RABT_TRY_STATUS(stream->alive());
    Query query;
    query.first = sent_to + 1;
    Result<Page> page = Page();
    RABT_TRY_STATUS(parts.store.read([&](store::Connection& connection) -> Status {
      RABT_TRY(size, committed_size(connection));
      // Rows are checked only when there is one to send.
      if (size > sent_to) page = read_page(connection, {}, query, kBatch);
      return ok_status();
    }));
    if (!page.ok()) {
      // The log itself cannot be read: no fault of the server's. Tried again at the next look.
      if (!unreadable) {
        parts.log.error("audit.syslog_unreadable",
                        {{"code", page.error().code}, {"first", sent_to + 1}});
      }
      unreadable = true;
      return ok_status();
    }
    unreadable = false;
    if (!page->entries.empty()) {
      std::string bytes;
      for (const Logged& entry : page->entries) frame(bytes, to_syslog(entry, source));
      RABT_TRY_STATUS(stream->send(bytes, kSendMs));
      sent += page->entries.size();
      sent_to = page->entries.back().seq;
      flights.push_back({.last = sent_to});
      busy = page->next.has_value();
    }
    if (!busy) {
      std::string bytes;
      std::uint64_t count = 0;
      {
        const Lock lock(mutex);
        for (Note& note : notes) {
          frame(bytes, checkpoint_to_syslog(note.text, parts.clock.now(), source));
          flights.push_back({.last = 0, .note = std::move(note.kept)});
          ++count;
        }
        notes.clear();
      }
      RABT_TRY_STATUS(stream->send(bytes, kSendMs));
      sent += count;
    }
    const std::int64_t now = parts.clock.monotonic_ms();
    if (stream->unacknowledged() == 0) {
      for (Flight& flight : flights) {
        if (flight.acknowledged_ms < 0) flight.acknowledged_ms = now;
      }
    }
    while (!flights.empty() && flights.front().acknowledged_ms >= 0 &&
           now - flights.front().acknowledged_ms >= options.settle_ms) {
      Flight flight = std::move(flights.front());
      flights.pop_front();
      if (flight.last != 0) confirmed = flight.last;
      if (flight.note) flight.note->set_value(ok_status());
    }
    save(false);
    return ok_status();
  }

  void drop() {
    stream.reset();
    connected = false;
    for (Flight& flight : flights) {
      if (flight.note) {
        flight.note->set_value(
            unavailable("audit.anchor_lost", name + ": the connection was lost before the "
                                                    "checkpoint was confirmed"));
      }
    }
    flights.clear();
    sent_to = confirmed;
  }

  void fail_notes(const char* code, const std::string& why) {
    const Lock lock(mutex);
    for (Note& note : notes) note.kept->set_value(unavailable(code, why));
    notes.clear();
  }

  void save(bool now) {
    if (confirmed == saved) return;
    const std::int64_t at = parts.clock.monotonic_ms();
    if (!now && at - saved_ms < kSaveMs) return;
    saved_ms = at;
    const std::int64_t seq = confirmed;
    const Status written = replace_file(
        options.cursor_file, std::string(kCursorTitle) + "\n" + std::to_string(seq) + "\n");
    if (written.ok()) {
      saved = seq;
    } else {
      parts.log.error("audit.cursor_io", {{"server", name}, {"message", written.error().message}});
    }
  }

  void measure() {
    std::int64_t head = 0;
    std::int64_t oldest = 0;
    const Status read = parts.store.read([&](store::Connection& connection) -> Status {
      RABT_TRY(size, committed_size(connection));
      head = size;
      return connection.query(sql::kTimeOf, {confirmed + 1}, [&](const store::Row& row) {
        oldest = row.integer(sql::kTimeOf["at_ms"]);
        return false;
      });
    });
    if (!read.ok()) return;
    if (head < confirmed) {
      // The database is older than what the server has; the log's own checks say so as well.
      parts.log.error("audit.cursor_ahead",
                      {{"server", name}, {"confirmed", confirmed.load()}, {"last", head}});
      confirmed = head;
      sent_to = std::min(sent_to, head);
    }
    waiting = head - confirmed;
    const bool late = oldest != 0 && parts.clock.now().ms - oldest > options.high_age_ms;
    const bool now = waiting > options.high_water || late;
    if (now != behind.exchange(now)) {
      if (now) {
        parts.log.error("audit.sink_behind", {{"server", name}, {"waiting", waiting.load()}});
      } else {
        parts.log.warn("audit.sink_caught_up", {{"server", name}});
      }
    }
  }

  // Constant after construction
  Parts parts;
  SyslogOptions options;
  ExportSource source;
  std::string name;

  // Confined to the thread
  std::unique_ptr<net::TlsStream> stream;
  std::deque<Flight> flights;
  std::int64_t pause = 0;
  std::int64_t next_attempt = 0;
  std::int64_t sent_to = 0;
  std::int64_t saved = 0;
  std::int64_t saved_ms = -kSaveMs;
  bool complained = false;
  bool unreadable = false;

  std::atomic<bool> stopping{false};
  std::atomic<bool> connected{false};
  std::atomic<bool> behind{false};
  std::atomic<std::uint64_t> sent{0};
  std::atomic<std::uint64_t> connects{0};
  std::atomic<std::int64_t> confirmed{0};
  std::atomic<std::int64_t> waiting{0};

  Mutex mutex;
  Condition wake;
  std::deque<Note> notes RABT_GUARDED_BY(mutex);

  std::thread thread;
};

namespace {

class SyslogAnchor final : public Anchor {
 public:
  SyslogAnchor(std::string name, std::function<Status(const Checkpoint&)> put)
      : name_(std::move(name)), put_(std::move(put)) {}
  [[nodiscard]] const std::string& name() const override { return name_; }
  [[nodiscard]] Result<std::optional<std::string>> last() override {
    return std::optional<std::string>();
  }
  [[nodiscard]] bool readable() const override { return false; }
  [[nodiscard]] Status put(const Checkpoint& checkpoint, const TileSource& /*tiles*/) override {
    return put_(checkpoint);
  }

 private:
  std::string name_;
  std::function<Status(const Checkpoint&)> put_;
};

}  // namespace

SyslogSender::SyslogSender(std::unique_ptr<State> state) : state_(std::move(state)) {}

Result<std::unique_ptr<SyslogSender>> SyslogSender::start(Parts parts, SyslogOptions options,
                                                          ExportSource source) {
  RABT_TRY(cursor, read_cursor(options.cursor_file));
  auto state = std::make_unique<State>(parts, std::move(options), std::move(source));
  state->confirmed = cursor;
  state->saved = cursor;
  State& running = *state;
  state->thread = std::thread([&running] { running.run(); });
  return std::unique_ptr<SyslogSender>(new SyslogSender(std::move(state)));
}

SyslogSender::~SyslogSender() {
  {
    const Lock lock(state_->mutex);
    state_->stopping = true;
  }
  state_->wake.notify_one();
  state_->thread.join();
}

const std::string& SyslogSender::name() const {
  return state_->name;
}

Status SyslogSender::ready() const {
  if (!state_->options.required || !state_->behind) return ok_status();
  return unavailable("audit.sink_behind",
                     "the audit log cannot be sent to " + state_->name +
                         ", which the configuration requires; nothing new is done until it has "
                         "caught up");
}

std::unique_ptr<Anchor> SyslogSender::anchor() {
  State& state = *state_;
  return std::make_unique<SyslogAnchor>(
      state.name, [&state](const Checkpoint& checkpoint) -> Status {
        auto kept = std::make_shared<std::promise<Status>>();
        auto answer = kept->get_future();
        {
          const Lock lock(state.mutex);
          if (state.stopping) return unavailable("audit.closing", "the audit log is being closed");
          state.notes.push_back({checkpoint.note, checkpoint.size, std::move(kept)});
        }
        state.wake.notify_one();
        if (answer.wait_for(std::chrono::milliseconds(kAnchorMs)) != std::future_status::ready) {
          // Only the newest is of use when the server comes back.
          const Lock lock(state.mutex);
          std::erase_if(state.notes,
                        [&](const Note& note) { return note.size <= checkpoint.size; });
          return unavailable("audit.anchor_timeout",
                             state.name + " did not confirm the checkpoint");
        }
        return answer.get();
      });
}

SyslogSender::Stats SyslogSender::stats() const {
  return {.connected = state_->connected,
          .behind = state_->behind,
          .sent = state_->sent,
          .connects = state_->connects,
          .confirmed = state_->confirmed,
          .waiting = state_->waiting};
}

}  // namespace rabt::audit
