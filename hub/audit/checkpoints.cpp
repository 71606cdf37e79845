#include "hub/audit/checkpoints.hpp"

#include <algorithm>

#include "hub/audit/checked_rows.hpp"
#include "hub/audit/files.hpp"
#include "hub/audit/mac.hpp"
#include "hub/audit/statements.hpp"
#include "hub/audit/tree.hpp"
#include "hub/base/bytes.hpp"

namespace rabt::audit {

namespace {

using std::chrono::steady_clock;
// The time between two checkpoints under load: each costs two disk syncs.
constexpr std::chrono::milliseconds kSigningPause{100};
constexpr std::chrono::milliseconds kRetry{1'000};
// Rows of the table of checkpoints in one look.
constexpr std::int64_t kCheckpointsAtOnce = 32;
// Tiles that are read before the log opens.
constexpr std::int64_t kTilesAtStart = 16;

struct Row {
  std::int64_t number = 0;
  std::int64_t size = 0;
  std::string note;
  // It is the first one under its name.
  bool first = true;
};

Result<std::optional<Row>> last_row(store::Connection& connection) {
  std::optional<Row> last;
  RABT_TRY_STATUS(connection.query(sql::kLastCheckpoint, {}, [&](const store::Row& row) {
    last =
        Row{row.integer(sql::kLastCheckpoint["number"]), row.integer(sql::kLastCheckpoint["size"]),
            std::string(row.text(sql::kLastCheckpoint["note"]))};
    return false;
  }));
  if (!last) return last;
  RABT_TRY_STATUS(
      connection.query(sql::kCheckpoint, {last->number - 1}, [&](const store::Row& row) {
        last->first = origin_of(row.text(sql::kCheckpoint["note"])) != origin_of(last->note);
        return false;
      }));
  return last;
}

}  // namespace

Checkpoints::Checkpoints(std::shared_ptr<Ledger> ledger, LogOptions options)
    : ledger_(std::move(ledger)),
      options_(std::move(options)),
      file_(options_.folder + "/" + kCheckpointFileName) {}

Result<std::unique_ptr<Checkpoints>> Checkpoints::open(const std::shared_ptr<Ledger>& ledger,
                                                       LogOptions options) {
  auto anchors = std::move(options.anchors);
  options.anchors.clear();
  std::unique_ptr<Checkpoints> self(new Checkpoints(ledger, std::move(options)));
  RABT_TRY_STATUS(self->check_outside());
  RABT_TRY(memory, AnchorMemory::open(self->options_.folder + "/" + kAnchorsFileName,
                                      self->options_.origin));
  self->memory_ = std::move(memory);
  for (AnchorEntry& anchor : anchors) {
    self->keepers_.emplace_back(std::move(anchor), ledger, self->memory_,
                                self->options_.anchor_interval);
  }
  const auto until = steady_clock::now() + self->options_.anchor_patience;
  for (const AnchorKeeper& keeper : self->keepers_) {
    if (!keeper.wait_read(until)) {
      ledger->log(keeper.required() ? LogLevel::error : LogLevel::warn, "audit.anchor_unread",
                  {{"anchor", std::string_view(keeper.name())}});
    }
  }
  if (const auto reason = ledger->reason(); reason) return *reason;
  return self;
}

// Compares the checkpoint file and the table of checkpoints with the rows of the log.
Status Checkpoints::check_outside() {
  RABT_TRY(text, read_file(file_, kMaxNoteBytes));
  std::optional<Checkpoint> noted;
  if (text) {
    auto opened = ledger_->signer().open(*text);
    const std::string_view origin = origin_of(*text);
    // A checkpoint that this key signed under another name is good; any other is damaged.
    if (!opened.ok() && !origin.empty() && origin != options_.origin &&
        ledger_->signer().open_as(std::string(origin), *text).ok()) {
      return invalid("audit.origin", file_ + " is of the audit log " + std::string(origin) +
                                         ", the configuration names it " + options_.origin +
                                         "; a log keeps its name. To go on under a new one, read "
                                         "docs/operations.md, \"When the audit log is refused\"");
    }
    if (!opened.ok())
      return corrupt("audit.checkpoint_damaged", file_ + ": " + opened.error().message + advice());
    noted = std::move(*opened);
    RABT_TRY_STATUS(ledger_->holds(*noted, "the file " + file_));
  }
  std::int64_t size = 0;
  std::optional<Row> row;
  RABT_TRY_STATUS(ledger_->read([&](store::Connection& connection) -> Status {
    RABT_TRY(committed, committed_size(connection));
    RABT_TRY(found, last_row(connection));
    size = committed;
    row = std::move(found);
    return ok_status();
  }));
  entries_ = size;
  if (row) number_ = row->number;
  if (!noted) {
    // Without the file this is a new log, or one that goes on under a new name.
    if (size == 0 && !row) return ok_status();
    if (row && origin_of(row->note) != options_.origin) {
      // The log goes on from a checkpoint that was signed under the old name, and from no other.
      const auto old = ledger_->signer().open_as(std::string(origin_of(row->note)), row->note);
      if (!old.ok() || old->size != row->size) {
        return corrupt("audit.broken",
                       "the newest checkpoint in the database has another name than the log and "
                       "was not signed by its key" +
                           advice());
      }
      return ledger_->holds(*old, "the newest checkpoint in the database");
    }
    auto first = row ? ledger_->signer().open(row->note) : Result<Checkpoint>(Checkpoint{});
    if (row && row->first && first.ok() && first->size == row->size && row->size == size) {
      // The first checkpoint's row was written and its file not yet; no entry was added since.
      RABT_TRY_STATUS(ledger_->holds(*first, "the database"));
      last_ = std::move(*first);
      signed_size_ = last_->size;
      in_file_ = last_->note;
      return replace_file(file_, last_->note);
    }
    return corrupt("audit.checkpoint_missing",
                   "the audit log has " + std::to_string(size) + " entries, but its file " + file_ +
                       " is missing: whether entries were cut off at the end cannot be told; put "
                       "it back from a backup or from an anchor" +
                       advice());
  }
  // A row is written before the file, so that the newest row is never behind it.
  auto opened = row ? ledger_->signer().open(row->note) : Result<Checkpoint>(*noted);
  if (!row || !opened.ok() || opened->size < noted->size || opened->size != row->size ||
      (opened->size == noted->size && opened->root != noted->root)) {
    return corrupt("audit.broken", "the newest checkpoint in the database is not the one of " +
                                       std::to_string(noted->size) + " entries that " + file_ +
                                       " holds, nor one after it" + advice());
  }
  RABT_TRY_STATUS(ledger_->holds(*opened, "the database"));
  last_ = std::move(*opened);
  signed_size_ = last_->size;
  if (last_->note != noted->note) RABT_TRY_STATUS(replace_file(file_, last_->note));
  in_file_ = last_->note;
  return ok_status();
}

Status Checkpoints::start() {
  if (!last_) {
    if (entries_ > 0)
      ledger_->log(LogLevel::warn, "audit.new_name",
                   {{"origin", std::string_view(options_.origin)}, {"entries", entries_.load()}});
    RABT_TRY_STATUS(sign_what_is_there(0));
  } else {
    RABT_TRY_STATUS(look_once(kTilesAtStart));
    for (AnchorKeeper& keeper : keepers_) keeper.bring(*last_);
    tell(*last_, true);
    const Lock lock(mutex_);
    newest_ = last_;
  }
  if (keepers_.empty()) {
    ledger_->log(LogLevel::warn, "audit.no_anchor",
                 {{"message",
                   "no anchor keeps checkpoints of the audit log: an older copy of the data folder "
                   "cannot be told from the newest; name one under `audit.anchors`"}});
  }
  thread_ = std::thread([this] { run(); });
  return ok_status();
}

Checkpoints::~Checkpoints() {
  if (thread_.joinable()) {
    {
      const Lock lock(mutex_);
      closing_ = true;
    }
    changed_.notify_all();
    thread_.join();
    attempt(1);
    if (last_ && !ledger_->refused()) tell(*last_, true);
  }
  const auto until = steady_clock::now() + options_.anchor_patience;
  for (AnchorKeeper& keeper : keepers_) {
    if (!keeper.stop(until))
      ledger_->log(LogLevel::warn, "audit.anchor_left_behind",
                   {{"anchor", std::string_view(keeper.name())}});
  }
  if (memory_) (void)memory_->save();
  ledger_->close();
}

void Checkpoints::appended(std::int64_t size) {
  entries_.store(size, std::memory_order_relaxed);
  // The thread waits for the first entry, and for the one that fills a checkpoint.
  const std::int64_t waiting = size - signed_size_.load(std::memory_order_relaxed);
  if (waiting != 1 && waiting != options_.checkpoint_entries) return;
  { const Lock lock(mutex_); }
  changed_.notify_all();
}

void Checkpoints::undone(std::int64_t size) {
  entries_.store(size, std::memory_order_relaxed);
}

void Checkpoints::describe(LogState& state) const {
  state.entries = entries_;
  state.signed_size = signed_size_;
  {
    const Lock lock(mutex_);
    if (failure_) {
      state.signing = false;
      state.code = failure_->code;
      state.message = failure_->message;
    }
  }
  for (const AnchorKeeper& keeper : keepers_) state.anchors.push_back(keeper.state());
}

void Checkpoints::run() {
  const auto waiting = [this] { return entries_.load() - signed_size_.load(); };
  // Time at which the first unsigned entry was seen.
  std::optional<steady_clock::time_point> since;
  auto next_look = steady_clock::now();
  auto next_signing = next_look;
  Lock lock(mutex_);
  while (!closing_) {
    for (AnchorKeeper& keeper : keepers_) keeper.watch();
    const auto now = steady_clock::now();
    if (now >= next_look || asked_ != answered_) {
      const std::uint64_t asked = asked_;
      lock.unlock();
      look_as_thread();
      next_look = steady_clock::now() + options_.look_interval;
      lock.lock();
      answered_ = asked;
      changed_.notify_all();
      continue;
    }
    if (waiting() > 0 && !since) since = now;
    // Waits for an entry; then for enough entries, or for the end of the interval.
    const auto due = since ? *since + options_.checkpoint_interval : next_look;
    const bool enough = waiting() >= options_.checkpoint_entries;
    if (since && now >= next_signing && (enough || now >= due)) {
      const bool late = now >= due;
      const std::int64_t before = signed_size_;
      lock.unlock();
      // Entries that were appended may not be durable yet.
      attempt(late ? 1 : options_.checkpoint_entries);
      lock.lock();
      if (late || signed_size_ != before) since.reset();
      next_signing = steady_clock::now() + (failure_ ? kRetry : kSigningPause);
      continue;
    }
    const auto until =
        std::min(next_look, since ? std::max(next_signing, enough ? now : due) : next_look);
    const bool seen = since.has_value();
    changed_.wait_until(lock, until, [&]() RABT_REQUIRES(mutex_) {
      return closing_ || asked_ != answered_ || (!seen && waiting() > 0) ||
             (!enough && waiting() >= options_.checkpoint_entries);
    });
  }
  answered_ = UINT64_MAX;
  changed_.notify_all();
}

void Checkpoints::look_as_thread() {
  if (ledger_->refused()) return;
  // A checkpoint within the interval is told after the interval, even if none follows.
  if (last_ && last_->size != told_size_) tell(*last_, false);
  const Status status = look_once(options_.look_tiles);
  if (!status.ok() && status.error().kind == ErrorKind::corrupt) ledger_->refuse(status.error());
}

Status Checkpoints::look() {
  const auto until = steady_clock::now() + options_.anchor_patience;
  {
    Lock lock(mutex_);
    const std::uint64_t mine = ++asked_;
    changed_.notify_all();
    changed_.wait_until(lock, until,
                        [&]() RABT_REQUIRES(mutex_) { return closing_ || answered_ >= mine; });
  }
  for (AnchorKeeper& keeper : keepers_) keeper.look(until);
  if (const auto reason = ledger_->reason(); reason) return *reason;
  return ok_status();
}

std::optional<Checkpoint> Checkpoints::newest() const {
  const Lock lock(mutex_);
  return newest_;
}

// Ok if the file holds what this process wrote, and nothing else.
Status Checkpoints::file_still_holds() const {
  if (!last_) return ok_status();
  RABT_TRY(text, read_file(file_, kMaxNoteBytes));
  if (text && (*text == in_file_ || *text == last_->note)) return ok_status();
  if (!text) {
    return corrupt("audit.checkpoint_missing",
                   "the file " + file_ + " was removed while the hub ran" + advice());
  }
  const auto opened = ledger_->signer().open(*text);
  if (!opened.ok())
    return corrupt("audit.checkpoint_damaged", file_ + ": " + opened.error().message + advice());
  RABT_TRY_STATUS(ledger_->holds(*opened, "the file " + file_));
  return corrupt("audit.checkpoint_damaged",
                 file_ + " was replaced while the hub ran: it holds the checkpoint of " +
                     std::to_string(opened->size) + " entries, the newest is of " +
                     std::to_string(last_->size) + advice());
}

// Checks numbers and MACs of some rows of the table of checkpoints.
Status Checkpoints::look_at_checkpoints(store::Connection& connection) {
  std::int64_t next = std::min(next_number_, number_);
  const std::int64_t last = std::min(next + kCheckpointsAtOnce - 1, number_);
  bool good = true;
  RABT_TRY_STATUS(connection.query(sql::kCheckpointRows, {next, last}, [&](const store::Row& row) {
    good = row.integer(sql::kCheckpointRows["number"]) == next &&
           row.blob(sql::kCheckpointRows["mac"]) ==
               as_text(checkpoint_mac(options_.mac_key.expose(), next,
                                      row.text(sql::kCheckpointRows["note"])));
    if (good) ++next;
    return good;
  }));
  if (next <= last) {
    return corrupt("audit.broken", "checkpoint number " + std::to_string(next) +
                                       " in the database is missing or was changed" + advice());
  }
  next_number_ = next > number_ ? 1 : next;
  return ok_status();
}

Status Checkpoints::look_once(std::int64_t tiles) {
  RABT_TRY_STATUS(file_still_holds());
  if (!last_) return ok_status();
  return ledger_->read([&](store::Connection& connection) -> Status {
    CheckedRows rows(connection, {.checkpoint = last_, .mac_key = &options_.mac_key});
    RABT_TRY_STATUS(rows.open());
    RABT_TRY_STATUS(look_at_checkpoints(connection));
    const std::int64_t full = rows.size() / kTileWidth;
    for (std::int64_t left = std::min(tiles, full); left > 0; --left) {
      if (next_tile_ >= full) next_tile_ = 0;
      RABT_TRY_STATUS(rows.check_tile(next_tile_));
      ++next_tile_;
    }
    return rows.each(full * kTileWidth + 1, rows.size(), [](const LoggedRow& row) -> Result<bool> {
      RABT_TRY(content, content_of(row));
      (void)content;
      return true;
    });
  });
}

// The hub's own log is a place outside the database, wherever it is kept: rabt audit verify
// --witness compares what was told there.
void Checkpoints::tell(const Checkpoint& checkpoint, bool now) {
  const auto at = steady_clock::now();
  if (!now && told_ && at - *told_ < options_.witness_interval) return;
  told_ = at;
  told_size_ = checkpoint.size;
  ledger_->log(LogLevel::info, "audit.checkpoint",
               {{"size", checkpoint.size}, {"note", std::string_view(checkpoint.note)}});
}

void Checkpoints::attempt(std::int64_t enough) {
  if (ledger_->refused()) return;
  const Status status = sign_what_is_there(enough);
  Lock lock(mutex_);
  const bool was_failing = failure_.has_value();
  failure_.reset();
  if (!status.ok()) failure_ = status.error();
  lock.unlock();
  if (status.ok()) {
    if (was_failing) ledger_->log(LogLevel::info, "audit.signing_again", {});
    return;
  }
  if (status.error().kind == ErrorKind::corrupt) {
    ledger_->refuse(status.error());
  } else if (!was_failing) {
    ledger_->log(LogLevel::error, "audit.not_signed",
                 {{"code", std::string_view(status.error().code)},
                  {"message", std::string_view(status.error().message)}});
  }
}

// Ok if the database still agrees with the checkpoints that are kept outside of it. A checkpoint
// that contradicts one of them must never be signed.
Status Checkpoints::outside_still_holds() {
  RABT_TRY_STATUS(file_still_holds());
  if (file_behind_) {
    RABT_TRY_STATUS(replace_file(file_, last_->note));
    in_file_ = last_->note;
    file_behind_ = false;
    signed_size_ = last_->size;
    for (AnchorKeeper& keeper : keepers_) keeper.bring(*last_);
  }
  for (const AnchorKeeper& keeper : keepers_) {
    const auto there = keeper.last();
    if (there && (!last_ || there->note != last_->note))
      RABT_TRY_STATUS(ledger_->holds(*there, "the anchor " + keeper.name()));
    if (keeper.required() && !keeper.read()) {
      return unavailable("audit.anchor_unread",
                         "no checkpoint is signed before the required anchor " + keeper.name() +
                             " was read once; make it reachable, or take `required` from it");
    }
  }
  return ok_status();
}

Status Checkpoints::sign_what_is_there(std::int64_t enough) {
  RABT_TRY_STATUS(outside_still_holds());
  std::int64_t size = 0;
  Digest root{};
  RABT_TRY_STATUS(ledger_->read([&](store::Connection& connection) -> Status {
    RABT_TRY(committed, committed_size(connection));
    size = committed;
    const std::int64_t from = last_ ? last_->size : 0;
    if (last_ && size - from < enough) return ok_status();
    // Only rows with the right content, hash and place in the MAC chain are signed.
    if (last_) RABT_TRY_STATUS(rows_hold(connection, &options_.mac_key, from, size));
    RABT_TRY(computed, TreeView(connection, size).root());
    root = computed;
    return ok_status();
  }));
  if (last_) {
    RABT_TRY_STATUS(ledger_->holds(*last_, "the last checkpoint that was signed"));
    if (size - last_->size < enough) return ok_status();
  }
  return keep(ledger_->signer().sign(size, root));
}

// Writes the row, then the file, then the anchors: after a crash in between the row is ahead.
Status Checkpoints::keep(const Checkpoint& checkpoint) {
  const std::int64_t number = number_ + 1;
  const Digest mac = checkpoint_mac(options_.mac_key.expose(), number, checkpoint.note);
  RABT_TRY_STATUS(ledger_->write([&](store::Transaction& transaction) -> Status {
    const auto inserted = transaction.execute(
        sql::kInsertCheckpoint,
        {number, checkpoint.size, std::string_view(checkpoint.note), store::Blob{as_text(mac)}});
    if (!inserted.ok()) return inserted.error();
    return ok_status();
  }));
  number_ = number;
  last_ = checkpoint;
  {
    const Lock lock(mutex_);
    newest_ = checkpoint;
  }
  file_behind_ = true;
  RABT_TRY_STATUS(replace_file(file_, checkpoint.note));
  in_file_ = checkpoint.note;
  file_behind_ = false;
  signed_size_ = checkpoint.size;
  tell(checkpoint, false);
  for (AnchorKeeper& keeper : keepers_) keeper.bring(checkpoint);
  return ok_status();
}

}  // namespace rabt::audit
