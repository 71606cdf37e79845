#include "hub/audit/audit_log.hpp"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "hub/audit/chain.hpp"
#include "hub/audit/statements.hpp"
#include "hub/base/bytes.hpp"

namespace rabt::audit {

namespace {

constexpr std::int64_t kCheckedOnOpen =
    64;  // entries at the end: what a crash could have touched; verify() walks all
constexpr std::chrono::milliseconds kHeadInterval{1000};

std::string_view view(const crypto::Digest& digest) {
  return as_text(digest);
}

bool to_digest(std::string_view bytes, crypto::Digest& out) {
  if (bytes.size() != out.size()) return false;
  std::copy(bytes.begin(), bytes.end(), out.begin());
  return true;
}

// The last committed entry.
Result<Head> committed_head(store::Store& store) {
  Head head = genesis();
  bool good = true;
  RABT_TRY_STATUS(store.read([&](store::Connection& connection) {
    return connection.query(sql::kHead, {}, [&](const store::Row& row) {
      head.seq = row.integer(0);
      good = to_digest(row.blob(1), head.hash);
      return false;
    });
  }));
  if (!good)
    return corrupt("audit.broken",
                   "the last entry of the audit log is damaged; run: rabt audit verify");
  return head;
}

struct Link {
  std::int64_t seq = 0;
  std::int64_t at_ms = 0;
  crypto::Digest content{};  // of canonical, computed
  crypto::Digest hash{};
  bool good = false;  // leaf is the digest of canonical
};

// The head, after the last entries were seen to chain.
Result<Head> checked_head(store::Store& store) {
  std::vector<Link> links;  // newest first
  RABT_TRY_STATUS(store.read([&](store::Connection& connection) {
    return connection.query(sql::kLast, {kCheckedOnOpen + 1}, [&](const store::Row& row) {
      Link link{row.integer(0), row.integer(1), crypto::sha256(row.blob(3)), {}, false};
      link.good = to_digest(row.blob(5), link.hash) && row.blob(4) == view(link.content);
      links.push_back(link);
      return true;
    });
  }));
  for (std::size_t i = 0; i < links.size(); ++i) {
    const Link& link = links[i];
    const bool first = i + 1 == links.size();
    const bool complete = static_cast<std::int64_t>(links.size()) <= kCheckedOnOpen;
    if (first && !complete) break;  // the one before the checked ones: only its hash is needed
    const Head before = first ? genesis() : Head{links[i + 1].seq, links[i + 1].hash};
    if (!link.good || link.seq != before.seq + 1 ||
        link.hash != chain(before.hash, link.seq, link.at_ms, view(link.content))) {
      return corrupt("audit.broken",
                     "the audit log does not chain at entry " + std::to_string(link.seq) +
                         "; the hub does not add to a broken log; run: rabt audit verify");
    }
  }
  if (links.empty()) return genesis();
  return Head{links.front().seq, links.front().hash};
}

// Nothing below the head that was noted beside the log may be missing or different.
Status check_against_file(store::Store& store, const std::string& path, const Head& head) {
  RABT_TRY(noted, read_head_file(path));
  if (!noted) return ok_status();
  const std::string advice =
      "; entries were removed or an older database was put in place; run: rabt audit verify. To go "
      "on with what is left, "
      "move " +
      path + " away and note why";
  if (noted->seq > head.seq) {
    return corrupt("audit.cut", "the audit log ends at entry " + std::to_string(head.seq) +
                                    " but " + path + " names entry " + std::to_string(noted->seq) +
                                    advice);
  }
  crypto::Digest hash = genesis().hash;
  if (noted->seq > 0) {
    RABT_TRY_STATUS(store.read([&](store::Connection& connection) {
      return connection.query(sql::kFrom, {noted->seq, noted->seq, std::int64_t{1}},
                              [&](const store::Row& row) {
                                if (!to_digest(row.blob(5), hash)) hash.fill(0);
                                return false;
                              });
    }));
  }
  if (hash != noted->hash) {
    return corrupt("audit.cut", "entry " + std::to_string(noted->seq) +
                                    " of the audit log is not the one that " + path + " names" +
                                    advice);
  }
  return ok_status();
}

class ChainedLog final : public AuditLog {
 public:
  ChainedLog(store::Store& store, const Clock& clock, std::string head_file, const Head& head)
      : store_(store), clock_(clock), head_file_(std::move(head_file)), head_(head), noted_(head) {
    if (!head_file_.empty()) noter_ = std::thread([this] { keep_noting(); });
  }
  ~ChainedLog() override {
    if (!noter_.joinable()) return;
    {
      const std::scoped_lock lock(mutex_);
      closing_ = true;
    }
    changed_.notify_one();
    noter_.join();
    note();
  }

  [[nodiscard]] Prepared prepare(const Entry& entry) const override {
    Prepared prepared;
    std::string& out = prepared.canonical;
    out.reserve(160 + entry.tenant.size() + entry.actor.size() + entry.object.size());
    const auto name = [&out](std::string_view key) {
      out.push_back(out.empty() ? '{' : ',');
      append_json_string(out, key);
      out.push_back(':');
    };
    const auto field = [&](std::string_view key, const std::string& value) {
      if (value.empty()) return;
      name(key);
      append_json_string(out, value);
    };
    // In the order of their names, as dump_sorted would.
    field("act", entry.act);
    field("actor", entry.actor);
    field("client", entry.client);
    if (!entry.detail.is_null()) {
      name("detail");
      out.append(entry.detail.dump_sorted());
    }
    field("object", entry.object);
    field("patient", entry.patient);
    field("purpose", entry.purpose);
    field("request", entry.request);
    field("result", entry.result);
    field("sealed", entry.sealed);
    field("tenant", entry.tenant);
    out.append(out.empty() ? "{}" : "}");
    prepared.leaf = view(crypto::sha256(out));
    prepared.at_ms = clock_.now().ms;
    prepared.tenant = entry.tenant;
    prepared.act = entry.act;
    prepared.object = entry.object;
    prepared.patient = entry.patient;
    return prepared;
  }

  [[nodiscard]] Status append(store::Transaction& transaction, const Prepared& entry) override {
    const Head before = head_;
    const std::int64_t seq = before.seq + 1;
    const crypto::Digest hash = chain(before.hash, seq, entry.at_ms, entry.leaf);
    auto inserted = transaction.execute(
        sql::kInsert,
        {seq, entry.at_ms, std::string_view(entry.tenant), std::string_view(entry.act),
         std::string_view(entry.object), std::string_view(entry.patient),
         store::Blob{entry.canonical}, store::Blob{entry.leaf}, store::Blob{view(hash)}});
    if (!inserted.ok()) return std::move(inserted).error();
    transaction.on_rollback([this, before] { head_ = before; });
    head_ = {seq, hash};
    dirty_.store(true, std::memory_order_relaxed);
    return ok_status();
  }

 private:
  // Reads what is committed, so that the file never names an entry that a power loss could still
  // take away.
  void note() {
    if (!dirty_.exchange(false)) return;
    const auto head = committed_head(store_);
    if (head.ok() && *head == noted_) return;
    if (head.ok() && write_head_file(head_file_, *head).ok()) {
      noted_ = *head;
    } else {
      dirty_ = true;  // tried again: an older head is only a weaker check
    }
  }

  void keep_noting() {
    std::unique_lock lock(mutex_);
    while (!closing_) {
      changed_.wait_for(lock, kHeadInterval, [this] { return closing_; });
      if (closing_) return;
      lock.unlock();
      note();
      lock.lock();
    }
  }

  store::Store& store_;
  const Clock& clock_;
  const std::string head_file_;
  Head head_;                       // the writer thread's
  std::atomic<bool> dirty_{false};  // entries were appended since the file was written
  Head noted_;                      // the noter's, then the destructor's

  std::mutex mutex_;
  std::condition_variable changed_;
  bool closing_ = false;  // guarded by mutex_
  std::thread noter_;
};

}  // namespace

Result<std::unique_ptr<AuditLog>> AuditLog::open(store::Store& store, const Clock& clock,
                                                 std::string head_file) {
  RABT_TRY(head, checked_head(store));
  if (!head_file.empty()) {
    RABT_TRY_STATUS(check_against_file(store, head_file, head));
    RABT_TRY_STATUS(write_head_file(head_file, head));
  }
  return std::unique_ptr<AuditLog>(
      std::make_unique<ChainedLog>(store, clock, std::move(head_file), head));
}

}  // namespace rabt::audit
