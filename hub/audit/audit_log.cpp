#include "hub/audit/audit_log.hpp"

#include <algorithm>
#include <charconv>

#include "hub/audit/checked_rows.hpp"
#include "hub/audit/checkpoints.hpp"
#include "hub/audit/files.hpp"
#include "hub/audit/finder.hpp"
#include "hub/audit/ledger.hpp"
#include "hub/audit/mac.hpp"
#include "hub/audit/statements.hpp"
#include "hub/audit/tree.hpp"
#include "hub/base/bytes.hpp"
#include "hub/base/utf8.hpp"
#include "hub/crypto/crypto.hpp"
#include "hub/crypto/keyring.hpp"

namespace rabt::audit {

namespace {

std::string_view view(const Digest& digest) {
  return as_text(digest);
}

// State that jobs keep beside the database: the next entry follows from it.
struct Tail {
  Frontier frontier;
  // The entries after the last full tile.
  LookUpRow look_up;
  // The last entry's MAC and its number in the stream. Zero before the first entry.
  Digest mac{};
  std::int64_t n = 0;
};

// As the transaction sees the database.
Status load_tail(store::Connection& connection, Tail& tail) {
  std::int64_t size = 0;
  tail.mac.fill(0);
  tail.n = 0;
  bool good = true;
  RABT_TRY_STATUS(connection.query(sql::kHead, {}, [&](const store::Row& row) {
    size = row.integer(sql::kHead["seq"]);
    good = to_digest(row.blob(sql::kHead["mac"]), tail.mac);
    tail.n = row.integer(sql::kHead["n"]);
    return false;
  }));
  if (!good)
    return corrupt("audit.broken",
                   "entry " + std::to_string(size) + " of the audit log is damaged" + advice());
  tail.look_up = {};
  RABT_TRY_STATUS(connection.query(
      sql::kLookUp, {size / kTileWidth * kTileWidth, size}, [&](const store::Row& row) {
        tail.look_up.add(row.integer(sql::kLookUp["at_ms"]), row.text(sql::kLookUp["object"]),
                         row.text(sql::kLookUp["patient"]));
        return true;
      }));
  return tail.frontier.load(connection, size);
}

// The rows that no full tile covers, and those above the newest checkpoint: these are what a crash
// could have touched and what nothing else proves yet.
Status check_tail(store::Connection& connection, const SecretBytes& mac_key, std::int64_t size) {
  std::int64_t covered = 0;
  RABT_TRY_STATUS(connection.query(sql::kLastCheckpoint, {}, [&](const store::Row& row) {
    covered = row.integer(sql::kLastCheckpoint["size"]);
    return false;
  }));
  const std::int64_t full = size / kTileWidth * kTileWidth;
  return rows_hold(connection, &mac_key, std::clamp<std::int64_t>(covered, 0, full), size);
}

// Bytes that are no UTF-8 become question marks: an entry is always JSON.
void append_text(std::string& out, const std::string& value) {
  if (is_utf8(value)) {
    append_json_string(out, value);
    return;
  }
  std::string clean = value;
  std::size_t from = 0;
  for (;;) {
    const std::size_t bad = find_bad_utf8(std::string_view(clean).substr(from));
    if (bad == std::string::npos) break;
    from += bad;
    clean[from++] = '?';
  }
  append_json_string(out, clean);
}

void append_number(std::string& out, std::int64_t number) {
  std::array<char, 20> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.append(digits.data(), end);
}

class TreeLog final : public AuditLog {
 public:
  TreeLog(store::Store& store, const Clock& clock, SecretBytes mac_key,
          std::shared_ptr<Ledger> ledger, Tail tail, std::unique_ptr<Checkpoints> checkpoints)
      : store_(store),
        clock_(clock),
        mac_key_(std::move(mac_key)),
        chain_(mac_key_.expose()),
        ledger_(std::move(ledger)),
        tail_(std::move(tail)),
        checkpoints_(std::move(checkpoints)) {}

  [[nodiscard]] Prepared prepare(const Entry& entry) const override {
    Prepared prepared;
    prepared.at_ms = clock_.now().ms;
    std::string& out = prepared.canonical;
    out.reserve(224 + entry.tenant.size() + entry.actor.size() + entry.object.size() +
                entry.patient.size() + entry.sealed.size());
    const auto name = [&out](std::string_view key) {
      out.push_back(out.empty() ? '{' : ',');
      append_json_string(out, key);
      out.push_back(':');
    };
    const auto field = [&](std::string_view key, const std::string& value) {
      if (value.empty()) return;
      name(key);
      append_text(out, value);
    };
    // In the order of their names, as dump_sorted would.
    field("act", entry.act);
    field("actor", entry.actor);
    name("at_ms");
    out.append(std::to_string(prepared.at_ms));
    field("client", entry.client);
    if (!entry.detail.is_null()) {
      name("detail");
      std::string detail = entry.detail.dump_sorted();
      if (detail.size() > kMaxDetailBytes) {
        detail =
            Json::object({{"bytes", detail.size()}, {"sha256", to_hex(crypto::sha256(detail))}})
                .dump_sorted();
      }
      out.append(detail);
    }
    name("n");
    prepared.n_at = out.size();
    field("object", entry.object);
    field("patient", entry.patient);
    field("purpose", entry.purpose);
    field("request", entry.request);
    field("result", entry.result);
    field("sealed", entry.sealed);
    name("stream");
    prepared.stream_at = out.size();
    field("tenant", entry.tenant);
    name("v");
    out.append(std::to_string(kEntryVersion)).append("}");
    prepared.tenant = entry.tenant;
    prepared.act = entry.act;
    prepared.object = entry.object;
    prepared.patient = entry.patient;
    return prepared;
  }

  [[nodiscard]] Status append(store::Transaction& transaction, const Prepared& entry) override {
    if (ledger_->refused()) return unavailable_because(*ledger_->reason());
    if (stale_) {
      const Status loaded = load_tail(transaction, tail_);
      if (!loaded.ok()) return unavailable_because(loaded.error());
      stale_ = false;
    }
    const std::int64_t seq = tail_.frontier.size() + 1;
    const std::int64_t stream = transaction.stream();
    const std::int64_t n = tail_.n + 1;
    canonical_.assign(entry.canonical, 0, entry.n_at);
    append_number(canonical_, n);
    canonical_.append(entry.canonical, entry.n_at, entry.stream_at - entry.n_at);
    append_number(canonical_, stream);
    canonical_.append(entry.canonical, entry.stream_at);
    if (canonical_.size() > kMaxEntryBytes) {
      return invalid("audit.too_large",
                     "an audit entry of " + std::to_string(canonical_.size()) +
                         " bytes is longer than the 65,535 that the log takes; nothing was done");
    }
    const Digest leaf = leaf_hash(canonical_);
    const Digest mac = row_mac(chain_, tail_.mac, leaf);
    // Whatever undoes the row, the tail is then read again from what is left.
    transaction.on_rollback([this, before = seq - 1] {
      stale_ = true;
      checkpoints_->undone(before);
    });
    const auto inserted = transaction.execute(
        sql::kInsert,
        {seq, stream, n, entry.at_ms, std::string_view(entry.tenant), std::string_view(entry.act),
         std::string_view(entry.object), std::string_view(entry.patient), store::Blob{canonical_},
         store::Blob{view(leaf)}, store::Blob{view(mac)}});
    if (!inserted.ok()) return unavailable_because(inserted.error());
    const Status pushed = tail_.frontier.push(transaction, leaf);
    if (!pushed.ok()) return unavailable_because(pushed.error());
    tail_.look_up.add(entry.at_ms, entry.object, entry.patient);
    if (seq % kTileWidth == 0) {
      const Status found = write_find(transaction, seq / kTileWidth - 1, tail_.look_up, mac_key_);
      if (!found.ok()) return unavailable_because(found.error());
      tail_.look_up = {};
    }
    tail_.mac = mac;
    tail_.n = n;
    checkpoints_->appended(seq);
    return ok_status();
  }

  [[nodiscard]] LogState state() const override {
    LogState state{.vkey = ledger_->signer().vkey()};
    checkpoints_->describe(state);
    if (const auto reason = ledger_->reason(); reason) {
      state.appendable = false;
      state.code = reason->code;
      state.message = reason->message;
    }
    return state;
  }

  [[nodiscard]] Status look() override { return checkpoints_->look(); }

  [[nodiscard]] Result<Known> known() const override {
    if (const auto reason = ledger_->reason(); reason) return *reason;
    return Known{.checkpoint = checkpoints_->newest(), .mac_key = &mac_key_};
  }

  void refuse(const Error& defect) override { ledger_->refuse(defect); }
  [[nodiscard]] store::Store& store() const override { return store_; }

 private:
  static Error unavailable_because(const Error& cause) {
    return unavailable("audit.unavailable",
                       "the audit log cannot be written, so nothing was done [" + cause.code +
                           "]: " + cause.message);
  }

  store::Store& store_;
  const Clock& clock_;
  const SecretBytes mac_key_;
  const crypto::HmacKey chain_;
  const std::shared_ptr<Ledger> ledger_;
  // Used inside jobs only:
  Tail tail_;
  bool stale_ = false;
  std::string canonical_;  // kept for its room

  const std::unique_ptr<Checkpoints> checkpoints_;  // last: its thread ends first
};

}  // namespace

Result<LogOptions> LogOptions::of(const crypto::Keyring& keyring, std::string_view tenant,
                                  std::string folder, std::string origin) {
  LogOptions options;
  options.folder = std::move(folder);
  options.origin = std::move(origin);
  RABT_TRY(keys, keyring.tenant(tenant));
  options.seed = keys->purpose_key(kSigningPurpose);
  options.mac_key = keys->purpose_key(kMacPurpose);
  return options;
}

bool LogState::well() const {
  return appendable && signing &&
         std::none_of(anchors.begin(), anchors.end(),
                      [](const AnchorState& anchor) { return anchor.required && anchor.failing; });
}

Result<std::unique_ptr<AuditLog>> AuditLog::open(store::Store& store, const Clock& clock,
                                                 LogOptions options) {
  Logger& log = options.log != nullptr ? *options.log : null_logger();
  SecretBytes mac_key = options.mac_key.clone();
  auto ledger = std::make_shared<Ledger>(store, Signer(options.origin, options.seed), log);
  options.seed = SecretBytes();
  Tail tail;
  const std::string vkey_file = options.folder + "/" + kVkeyFileName;
  // First what is outside: it tells a cut or an old database from other damage.
  auto checkpoints = Checkpoints::open(ledger, std::move(options));
  if (!checkpoints.ok() && checkpoints.error().code != "audit.rewritten")
    return std::move(checkpoints).error();
  RABT_TRY_STATUS(store.read([&](store::Connection& connection) -> Status {
    RABT_TRY(size, committed_size(connection));
    RABT_TRY_STATUS(check_tail(connection, mac_key, size));  // names the entry
    return load_tail(connection, tail);
  }));
  if (!checkpoints.ok()) return std::move(checkpoints).error();
  RABT_TRY_STATUS(replace_file(vkey_file, ledger->signer().vkey() + "\n", 0644));
  RABT_TRY_STATUS((*checkpoints)->start());
  return std::unique_ptr<AuditLog>(std::make_unique<TreeLog>(store, clock, std::move(mac_key),
                                                             std::move(ledger), std::move(tail),
                                                             std::move(*checkpoints)));
}

}  // namespace rabt::audit
