#include "hub/keys/admin.hpp"

#include <algorithm>
#include <set>

#include "hub/base/ascii.hpp"
#include "hub/base/clock.hpp"
#include "hub/keys/admin_state.hpp"
#include "hub/keys/fit.hpp"
#include "hub/keys/statements.hpp"

namespace rabt::keys {

namespace {

constexpr std::size_t kMaxReason = 1024;
constexpr std::size_t kMaxCase = 64;
// Greatest drift between wall clock and uptime within a day; beyond it the readings do not count.
constexpr std::int64_t kMaxDriftMs = 3600LL * 1000;

Result<std::string> hold_name(std::string_view hold_case) {
  const bool good = !hold_case.empty() && hold_case.size() <= kMaxCase &&
                    std::all_of(hold_case.begin(), hold_case.end(), [](char c) {
                      return is_lower(c) || is_digit(c) || c == '-' || c == '_' || c == '.';
                    });
  if (good) return std::string(kHoldPrefix) + std::string(hold_case);
  return invalid("api.invalid", "case: must be 1 to 64 small letters, digits, `-`, `_` and `.`");
}

}  // namespace

Status check(const Order& order) {
  if (order.actor.empty() || order.reason.empty() || order.reason.size() > kMaxReason) {
    return invalid("api.invalid", "reason: must have 1 to 1024 bytes; it is kept in the audit log");
  }
  return ok_status();
}

audit::Prepared KeyAdmin::State::entry(const Order& order, std::string act, std::string object,
                                       std::string result, Json detail) const {
  if (detail.is_null()) detail = Json::object();
  detail.set("reason", order.reason);
  return parts.audit.prepare({.tenant = tenant,
                              .actor = order.actor,
                              .act = std::move(act),
                              .object = std::move(object),
                              .result = std::move(result),
                              .detail = std::move(detail),
                              .client = order.client,
                              .request = order.request});
}

Status KeyAdmin::State::file_act(const Order& order, const std::string& act,
                                 const std::string& object,
                                 const std::function<Status(Json&)>& run) {
  RABT_TRY_STATUS(check(order));
  RABT_TRY_STATUS(note(entry(order, act, object, "begun", Json())));
  Json detail = Json::object();
  Status done = run(detail);
  const auto info = parts.keyring.info();
  if (info.ok()) detail.set("generation", static_cast<std::int64_t>(info->generation));
  const Status noted =
      note(entry(order, act, object, done.ok() ? "ok" : done.error().code, std::move(detail)));
  if (!done.ok()) return done;
  if (!noted.ok()) {
    return Error{noted.error().kind, noted.error().code,
                 "the act on the keys was done, but its end could not be noted in the audit "
                 "log: " +
                     noted.error().message};
  }
  return ok_status();
}

Result<KeyAdmin::State::Counts> KeyAdmin::State::count() {
  Counts counts;
  RABT_TRY_STATUS(parts.store.read([&](store::Connection& connection) {
    return connection.query(sql::kCountKeys, {tenant}, [&](const store::Row& row) {
      counts[std::string(row.text(sql::kCountKeys["bucket"]))]
            [static_cast<std::uint32_t>(row.integer(sql::kCountKeys["version"]))] =
                static_cast<std::uint64_t>(row.integer(sql::kCountKeys["count"]));
      return true;
    });
  }));
  return counts;
}

Status KeyAdmin::State::destroy(const Order& order, const std::string& bucket, Json detail) {
  return file_act(order, "keys.shred", "bucket:" + bucket, [&](Json& out) -> Status {
    out = std::move(detail);
    Status done = parts.keyring.destroy_bucket(tenant, bucket, order.reason);
    // Also after an error of the disk: the key may be gone.
    parts.keys.forget();
    return done;
  });
}

KeyAdmin::KeyAdmin(Parts parts, std::string tenant)
    : state_(std::make_unique<State>(parts, std::move(tenant))) {}

KeyAdmin::~KeyAdmin() {
  {
    const Lock hold(state_->mutex);
    state_->stopping = true;
  }
  state_->wake.notify_all();
  if (state_->worker.joinable()) state_->worker.join();
}

Result<KeysStatus> KeyAdmin::status() {
  State& state = *state_;
  RABT_TRY(info, state.parts.keyring.info());
  RABT_TRY(counts, state.count());
  const Timestamp now = state.parts.clock.now();
  KeysStatus out{.root_kind = info.root_kind,
                 .root_id = info.root_id,
                 .development = info.development,
                 .generation = info.generation};
  if (const auto versions = state.parts.keyring.root_versions(); versions.ok())
    out.root_versions = *versions;
  std::map<std::string, HoldStatus> holds;
  for (const auto& tenant : info.tenants) {
    if (tenant.name != state.tenant) continue;
    out.tenant_key_version = tenant.key_version;
    for (const auto& bucket : tenant.buckets) {
      BucketStatus shown{.info = bucket};
      if (const auto month = parse_bucket(bucket.name); month.ok()) {
        shown.expires = month->ends;
        shown.expired = !bucket.destroyed && now >= month->ends;
      }
      if (const auto found = counts.find(bucket.name); found != counts.end()) {
        bool newer = false;
        for (const auto& [version, number] : found->second) {
          shown.data_keys += number;
          newer = newer || is_too_new(bucket, version);
          if (is_dropped(bucket, version)) {
            shown.lost_data_keys += number;
          } else if (!bucket.destroyed && version < bucket.version) {
            shown.old_data_keys += number;
          }
        }
        if (newer) out.missing.push_back(bucket.name);
        counts.erase(found);
      }
      if (!bucket.hold.empty()) {
        holds[bucket.hold].hold_case = bucket.hold;
        holds[bucket.hold].buckets.push_back(bucket.name);
      }
      out.buckets.push_back(std::move(shown));
    }
  }
  for (const auto& [bucket, unused] : counts) out.missing.push_back(bucket);
  RABT_TRY_STATUS(state.parts.store.read([&](store::Connection& connection) -> Status {
    RABT_TRY_STATUS(connection.query(sql::kCountHolds, {state.tenant}, [&](const store::Row& row) {
      HoldStatus& hold = holds[std::string(row.text(sql::kCountHolds["hold_case"]))];
      hold.hold_case = std::string(row.text(sql::kCountHolds["hold_case"]));
      hold.data_keys = static_cast<std::uint64_t>(row.integer(sql::kCountHolds["count"]));
      hold.since = Timestamp{row.integer(sql::kCountHolds["first_held_ms"])};
      return true;
    }));
    return connection.query(sql::kReadTask, {state.tenant}, [&](const store::Row& row) {
      out.rewrap =
          RewrapStatus{static_cast<std::uint64_t>(row.integer(sql::kReadTask["rewrapped"])),
                       Timestamp{row.integer(sql::kReadTask["started_ms"])}};
      return false;
    });
  }));
  for (auto& [name, hold] : holds) out.holds.push_back(std::move(hold));
  return out;
}

// ---- rotation

Result<std::uint32_t> KeyAdmin::rotate_root(const Order& order, bool destroy_old) {
  const Lock one(state_->acts);
  std::uint32_t version = 0;
  RABT_TRY_STATUS(state_->file_act(order, "keys.rotate", "root", [&](Json& detail) -> Status {
    RABT_TRY(root, state_->parts.keyring.rotate_root());
    version = root;
    detail.set("version", static_cast<std::int64_t>(root));
    return ok_status();
  }));
  if (destroy_old) {
    RABT_TRY_STATUS(
        state_->file_act(order, "keys.destroy_old_roots", "root", [&](Json& detail) -> Status {
          RABT_TRY(kept, state_->parts.keyring.destroy_old_roots());
          detail.set("kept", static_cast<std::int64_t>(kept));
          return ok_status();
        }));
  }
  return version;
}

Result<std::uint32_t> KeyAdmin::rotate_tenant(const Order& order) {
  const Lock one(state_->acts);
  std::uint32_t version = 0;
  RABT_TRY_STATUS(state_->file_act(order, "keys.rotate", "tenant", [&](Json& detail) -> Status {
    RABT_TRY(tenant_key, state_->parts.keyring.rotate_tenant(state_->tenant));
    version = tenant_key;
    detail.set("version", static_cast<std::int64_t>(tenant_key));
    return ok_status();
  }));
  return version;
}

Result<std::uint32_t> KeyAdmin::rotate_bucket(const Order& order, std::string_view bucket) {
  const Lock one(state_->acts);
  std::uint32_t version = 0;
  const std::string name(bucket);
  RABT_TRY_STATUS(
      state_->file_act(order, "keys.rotate", "bucket:" + name, [&](Json& detail) -> Status {
        RABT_TRY(bucket_key, state_->parts.keyring.rotate_bucket(state_->tenant, name));
        version = bucket_key;
        detail.set("version", static_cast<std::int64_t>(bucket_key));
        return ok_status();
      }));
  return version;
}

Status KeyAdmin::rewrap(const Order& order, bool forget_old) {
  const Lock one(state_->acts);
  RABT_TRY_STATUS(state_->begin_task(order, forget_old));
  state_->poke();
  return ok_status();
}

Status KeyAdmin::rewrap_now(const Order& order, bool forget_old) {
  {
    const Lock one(state_->acts);
    RABT_TRY_STATUS(state_->begin_task(order, forget_old));
  }
  return state_->finish_task();
}

void KeyAdmin::resume() {
  const Lock one(state_->acts);
  bool waiting = false;
  const Status read = state_->parts.store.read([&](store::Connection& connection) {
    return connection.query(sql::kReadTask, {state_->tenant}, [&](const store::Row&) {
      waiting = true;
      return false;
    });
  });
  if (!read.ok()) state_->parts.log.warn("keys.rewrap_waits", {{"code", read.error().code}});
  if (waiting) state_->poke();
}

// ---- destruction

Status KeyAdmin::shred(const Order& order, std::string_view bucket, bool force) {
  const Lock one(state_->acts);
  RABT_TRY_STATUS(check(order));
  if (bucket.starts_with(kHoldPrefix)) {
    return conflict("keys.held",
                    "what a legal hold keeps goes back to its retention by `rabt keys "
                    "release`; it is not destroyed");
  }
  RABT_TRY(month, parse_bucket(bucket));
  if (!force && state_->parts.clock.now() < month.ends) {
    return conflict("keys.not_expired", "the retention of " + std::string(bucket) + " ends at " +
                                            to_iso8601(month.ends) +
                                            "; to destroy it earlier, say --force and the reason");
  }
  return state_->destroy(
      order, std::string(bucket),
      Json::object({{"forced", force && state_->parts.clock.now() < month.ends}}));
}

Result<std::vector<std::string>> KeyAdmin::shred_expired() {
  State& state = *state_;
  const Lock one(state.acts);
  RABT_TRY(info, state.parts.keyring.info());
  const std::int64_t wall = state.parts.clock.now().ms;
  const std::int64_t uptime = state.parts.clock.monotonic_ms();
  std::map<std::string, State::Seen> still;
  std::vector<std::string> ripe;
  for (const auto& tenant : info.tenants) {
    if (tenant.name != state.tenant) continue;
    for (const auto& bucket : tenant.buckets) {
      const auto month = parse_bucket(bucket.name);
      if (bucket.destroyed || !bucket.hold.empty() || !month.ok() || wall < month->ends.ms)
        continue;
      const auto first = state.seen.find(bucket.name);
      State::Seen seen = first == state.seen.end() ? State::Seen{wall, uptime} : first->second;
      const std::int64_t passed = uptime - seen.uptime_ms;
      const std::int64_t drift = wall - seen.wall_ms - passed;
      // A wall clock that went another way than the uptime proves nothing: count from now.
      if (drift > kMaxDriftMs || drift < -kMaxDriftMs) seen = {wall, uptime};
      if (uptime - seen.uptime_ms >= kDayMs) ripe.push_back(bucket.name);
      // A bucket that cannot be destroyed now is tried again next time.
      still.emplace(bucket.name, seen);
    }
  }
  state.seen = std::move(still);
  std::vector<std::string> gone;
  for (const std::string& bucket : ripe) {
    RABT_TRY_STATUS(state.destroy({.actor = "node:keys", .reason = "retention is over"}, bucket,
                                  Json::object({{"automatic", true}})));
    gone.push_back(bucket);
  }
  return gone;
}

// ---- legal hold

Result<KeyAdmin::Held> KeyAdmin::hold(const Order& order, std::string_view hold_case,
                                      std::string_view object,
                                      const std::vector<std::string>& ids) {
  State& state = *state_;
  const Lock one(state.acts);
  RABT_TRY_STATUS(check(order));
  RABT_TRY(bucket, hold_name(hold_case));
  if (ids.empty()) return invalid("api.invalid", "object: has no data that could be held");
  RABT_TRY_STATUS(state.parts.keyring.ensure_buckets(state.tenant, {bucket}));
  RABT_TRY(lease, state.parts.keys.lease(state.tenant));
  Held result;
  RABT_TRY_STATUS(state.parts.store.write([&](store::Transaction& transaction) -> Status {
    result = {};
    for (const std::string& id : ids) {
      std::string from;
      RABT_TRY_STATUS(transaction.query(sql::kFindKey, {store::Blob{id}, state.tenant},
                                        [&](const store::Row& row) {
                                          from = std::string(row.text(sql::kFindKey["bucket"]));
                                          return false;
                                        }));
      // Its retention was over before: the rest can still be held.
      if (lease.keys().destroyed(from)) {
        ++result.destroyed;
        continue;
      }
      RABT_TRY(fresh,
               transaction.execute(sql::kInsertHold, {state.tenant, hold_case, store::Blob{id},
                                                      object, from, state.parts.clock.now().ms}));
      ++result.data_keys;
      if (fresh == 1) {
        RABT_TRY_STATUS(state.parts.keys.move(transaction, lease, id, bucket));
        continue;
      }
      std::string held;
      RABT_TRY_STATUS(transaction.query(
          sql::kHoldOfKey, {state.tenant, store::Blob{id}}, [&](const store::Row& row) {
            held = std::string(row.text(sql::kHoldOfKey["hold_case"]));
            return false;
          }));
      if (held != hold_case) {
        return conflict("keys.held", std::string(object) + " is under the legal hold " + held +
                                         " already; release it first");
      }
    }
    if (result.data_keys == 0) {
      return not_found("keys.shredded", "every key of " + std::string(object) +
                                            " was destroyed: there is nothing left to hold");
    }
    return state.parts.audit.append(
        transaction,
        state.entry(order, "keys.hold", std::string(object), "ok",
                    Json::object({{"case", hold_case},
                                  {"dataKeys", static_cast<std::int64_t>(result.data_keys)},
                                  {"destroyed", static_cast<std::int64_t>(result.destroyed)}})));
  }));
  return result;
}

Status KeyAdmin::hold_bucket(const Order& order, std::string_view hold_case,
                             std::string_view bucket) {
  const Lock one(state_->acts);
  RABT_TRY(unused, hold_name(hold_case));
  (void)unused;
  RABT_TRY(month, parse_bucket(bucket));
  (void)month;
  const std::string name(bucket);
  return state_->file_act(order, "keys.hold", "bucket:" + name, [&](Json& detail) {
    detail.set("case", hold_case);
    return state_->parts.keyring.hold_bucket(state_->tenant, name, hold_case);
  });
}

Status KeyAdmin::release(const Order& order, std::string_view hold_case) {
  State& state = *state_;
  const Lock one(state.acts);
  RABT_TRY_STATUS(check(order));
  RABT_TRY(bucket, hold_name(hold_case));
  struct Moved {
    std::string id;
    std::string from;
    std::string to;
  };
  std::vector<Moved> held;
  RABT_TRY_STATUS(state.parts.store.read([&](store::Connection& connection) {
    return connection.query(
        sql::kHoldsOfCase, {state.tenant, hold_case}, [&](const store::Row& row) {
          held.push_back({std::string(row.blob(sql::kHoldsOfCase["data_key"])),
                          std::string(row.text(sql::kHoldsOfCase["bucket"])), std::string()});
          return true;
        });
  }));
  RABT_TRY(info, state.parts.keyring.info());
  // Buckets under this hold.
  std::vector<std::string> whole;
  bool has_key = false;
  for (const auto& tenant : info.tenants) {
    if (tenant.name != state.tenant) continue;
    for (const auto& one_bucket : tenant.buckets) {
      if (one_bucket.hold == hold_case) whole.push_back(one_bucket.name);
      has_key = has_key || (one_bucket.name == bucket && !one_bucket.destroyed);
    }
  }
  if (held.empty() && whole.empty() && !has_key) {
    return not_found("keys.case", "there is no legal hold of the case " + std::string(hold_case));
  }
  if (!held.empty()) {
    std::set<std::string> destroyed;
    for (const auto& tenant : info.tenants) {
      if (tenant.name != state.tenant) continue;
      for (const auto& one_bucket : tenant.buckets) {
        if (one_bucket.destroyed) destroyed.insert(one_bucket.name);
      }
    }
    // Data of a bucket that was destroyed meanwhile goes to the bucket of this month.
    for (Moved& one_held : held) {
      RABT_TRY(month, parse_bucket(one_held.from));
      const Timestamp until =
          destroyed.contains(one_held.from) ? state.parts.clock.now() : month.begins;
      RABT_TRY(to, state.parts.keys.ensure_bucket(state.tenant, month.class_name, until));
      one_held.to = std::move(to);
    }
    RABT_TRY(lease, state.parts.keys.lease(state.tenant));
    RABT_TRY_STATUS(state.parts.store.write([&](store::Transaction& transaction) -> Status {
      for (const Moved& one_held : held) {
        RABT_TRY_STATUS(state.parts.keys.move(transaction, lease, one_held.id, one_held.to));
        RABT_TRY_STATUS(
            store::run(transaction, sql::kDeleteHold, {state.tenant, store::Blob{one_held.id}}));
      }
      return state.parts.audit.append(
          transaction,
          state.entry(order, "keys.release", "hold:" + std::string(hold_case), "ok",
                      Json::object({{"dataKeys", static_cast<std::int64_t>(held.size())}})));
    }));
  }
  for (const std::string& name : whole) {
    RABT_TRY_STATUS(state.file_act(order, "keys.release", "bucket:" + name, [&](Json&) {
      return state.parts.keyring.hold_bucket(state.tenant, name, "");
    }));
  }
  // Backups of the database have the held keys under this one: it goes, so that their retention
  // means something.
  if (has_key) RABT_TRY_STATUS(state.destroy(order, bucket, Json()));
  return ok_status();
}

}  // namespace rabt::keys
