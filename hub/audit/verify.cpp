#include "hub/audit/audit_log.hpp"
#include "hub/audit/chain.hpp"
#include "hub/audit/statements.hpp"
#include "hub/base/bytes.hpp"

namespace rabt::audit {

namespace {

constexpr std::int64_t kRowsPerRead =
    5'000;  // a long snapshot would keep the store's log from being emptied

std::string_view view(const crypto::Digest& digest) {
  return as_text(digest);
}

class Walk {
 public:
  // noted: the head file's content; empty when there is none. Error kind corrupt when it is
  // damaged.
  explicit Walk(const Result<std::optional<Head>>& noted) {
    if (noted.ok()) {
      noted_ = *noted;
    } else {
      damaged_ = true;
      problem(
          "the file audit.head is damaged: whether entries were cut off at the end cannot be told");
    }
  }

  void row(const store::Row& row) {
    const std::int64_t seq = row.integer(0);
    const std::int64_t at_ms = row.integer(1);
    ++result_.entries;
    if (seq < 1) {
      problem("entry " + std::to_string(seq) + ": numbers start at 1, this entry was inserted");
      return;
    }
    const bool linked = seq == last_ + 1;
    if (!linked) missing(last_ + 1, seq - 1);

    const std::string_view leaf = row.blob(4);
    const std::string_view hash = row.blob(5);
    const crypto::Digest content = crypto::sha256(row.blob(3));
    if (leaf != view(content)) {
      problem(entry(seq) + "its content does not match its digest");
    } else if (!tenant_matches(row)) {
      problem(entry(seq) + "its tenant column is not the tenant of its content");
    }
    // Which of content and digest was changed is not known: the entry's own hash is tried with
    // both. And when the entry before had its hash changed, only that one is at fault: the hash it
    // should have had serves as well.
    bool chains = !linked;
    crypto::Digest expected{};
    for (const std::string_view digest : {leaf, view(content)}) {
      for (const crypto::Digest& previous : {stored_, computed_}) {
        if (chains) break;
        expected = chain(previous, seq, at_ms, digest);
        chains = hash == view(expected);
      }
    }
    if (!chains)
      problem(entry(seq) +
              "its hash does not follow from its number, time, content and the entry before it");
    last_ = seq;
    stored_.fill(0);
    if (hash.size() == stored_.size()) std::copy(hash.begin(), hash.end(), stored_.begin());
    computed_ = chains ? stored_ : chain(computed_, seq, at_ms, view(content));
    if (noted_ && noted_->seq == seq && noted_->hash != stored_)
      problem(entry(seq) + "it is not the entry that audit.head names");
  }

  Verification finish() {
    if (!noted_) {
      if (result_.entries > 0 && !damaged_)
        problem(
            "the file audit.head is missing: whether entries were cut off at the end cannot be "
            "told");
    } else if (noted_->seq > last_) {
      missing(last_ + 1, noted_->seq);
    }
    if (dropped_ > 0)
      result_.problems.push_back("and " + std::to_string(dropped_) + " more problems");
    result_.verified = result_.problems.empty();
    result_.head = to_hex(stored_);
    return std::move(result_);
  }

 private:
  void problem(std::string text) {
    if (result_.problems.size() < kMaxProblems) {
      result_.problems.push_back(std::move(text));
    } else {
      ++dropped_;
    }
  }

  static std::string entry(std::int64_t seq) { return "entry " + std::to_string(seq) + ": "; }

  void missing(std::int64_t first, std::int64_t last) {
    if (first == last) {
      problem("entry " + std::to_string(first) + " is missing");
    } else {
      problem("entries " + std::to_string(first) + " to " + std::to_string(last) + " are missing");
    }
  }

  static bool tenant_matches(const store::Row& row) {
    const auto content = Json::parse(row.blob(3));
    return content.ok() && content->string_or("tenant", "") == row.text(2);
  }

  std::optional<Head> noted_;
  bool damaged_ = false;
  Verification result_;
  std::int64_t last_ = 0;
  crypto::Digest stored_ = genesis().hash;    // of the last entry, as it stands there
  crypto::Digest computed_ = genesis().hash;  // as it should be
  std::uint64_t dropped_ = 0;
};

// Runs a function on a connection, in a snapshot of its own.
using Read = std::function<Status(const std::function<Status(store::Connection&)>&)>;

Result<Verification> walk_all(const Read& read, const std::string& data_folder) {
  // Before the rows: the log only grows, so that it cannot be behind a head read earlier.
  const auto noted = read_head_file(data_folder + "/" + kHeadFileName);
  if (!noted.ok() && noted.error().kind != ErrorKind::corrupt) return noted.error();
  std::int64_t end = 0;
  RABT_TRY_STATUS(read([&](store::Connection& connection) {
    return connection.query(sql::kHead, {}, [&](const store::Row& row) {
      end = row.integer(0);
      return false;
    });
  }));
  Walk walk(noted);
  std::int64_t next = INT64_MIN;
  for (std::int64_t got = kRowsPerRead; got == kRowsPerRead && next <= end;) {
    got = 0;
    RABT_TRY_STATUS(read([&](store::Connection& connection) {
      return connection.query(sql::kFrom, {next, end, kRowsPerRead}, [&](const store::Row& row) {
        walk.row(row);
        next = row.integer(0) == INT64_MAX ? INT64_MAX : row.integer(0) + 1;
        ++got;
        return true;
      });
    }));
  }
  return walk.finish();
}

}  // namespace

Result<Verification> verify(store::Store& store, const std::string& data_folder) {
  return walk_all([&store](const auto& function) { return store.read(function); }, data_folder);
}

Result<Verification> verify_file(const std::string& database, const std::string& data_folder) {
  RABT_TRY(connection, store::open_sqlite_reader(database));
  return walk_all([&connection](const auto& function) { return function(*connection); },
                  data_folder);
}

}  // namespace rabt::audit
