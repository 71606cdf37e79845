#include <memory>
#include <utility>

#include "hub/base/limits.hpp"
#include "hub/plugin/room.hpp"
#include "hub/plugin/services/services.hpp"
#include "hub/plugin/services/statements.hpp"

namespace rabt::plugin {

namespace {

// One stored value of a plugin.
struct KvRow {
  std::string tenant;
  std::string plugin;
  std::string key;  // blind index
  std::string row;  // names the row in the seal
};

}  // namespace

struct Services::Kv {
  static Result<KvRow> kv_row(Instance& self, std::string_view key) {
    RABT_TRY(lease, parts(self).keys.lease(self.setup_.config.tenant));
    KvRow row;
    row.tenant = self.setup_.config.tenant;
    row.plugin = id(self);
    // Indexed blindly: a plugin may use a patient's identifier as key.
    row.key = lease.blind_index("plugin_kv.key", row.plugin + "/" + std::string(key));
    row.row = row.plugin + "/" + to_hex(as_bytes(row.key));
    return row;
  }
  static crypto::SealContext kv_context(const KvRow& row) {
    return {.tenant = row.tenant, .table = "plugin_kv", .row = row.row, .field = "value"};
  }
  static bool live(std::int64_t expires_ms, std::int64_t now) {
    return expires_ms == 0 || expires_ms > now;
  }

  struct KvFound {
    std::string value;
    std::int64_t version = 0;
  };
  // Unset if there is none, it has expired, or its retention is over.
  static Result<std::optional<KvFound>> kv_find(Instance& self, std::string_view key) {
    RABT_TRY(row, kv_row(self, key));
    const std::int64_t now = parts(self).clock.now().ms;
    std::string sealed;
    std::string data_key;
    KvFound out;
    RABT_TRY_STATUS(parts(self).store.read([&](store::Connection& connection) {
      return connection.query(
          sql::services::kKvGet,
          {std::string_view(row.tenant), std::string_view(row.plugin), store::Blob{row.key}},
          [&](const store::Row& found) {
            if (!live(found.integer(sql::services::kKvGet["expires_ms"]), now)) return false;
            sealed = found.blob(sql::services::kKvGet["value"]);
            out.version = found.integer(sql::services::kKvGet["version"]);
            data_key = found.blob(sql::services::kKvGet["data_key"]);
            return false;
          });
    }));
    if (sealed.empty()) return std::optional<KvFound>();
    const auto opener = parts(self).keys.open(row.tenant, data_key);
    if (!opener.ok() && opener.error().code == "keys.shredded") return std::optional<KvFound>();
    if (!opener.ok()) return opener.error();
    RABT_TRY(plain, (*opener)->open(kv_context(row), sealed));
    out.value = std::move(plain);
    return std::optional<KvFound>(std::move(out));
  }

  static void get(void* raw, rabt_bytes key, void* context,
                  void (*done)(void*, std::int32_t, rabt_bytes, std::int64_t)) noexcept try {
    Instance& self = of(raw);
    const Rundown::Pass pass(self.rundown_);
    if (!pass) return;
    self.owe(1);
    std::int32_t status = RABT_KV_ABSENT;
    auto value = std::make_shared<std::string>();
    const auto held = std::make_shared<Budget::Share>(self.held_);
    std::int64_t version = 0;
    if (key.len == 0 || key.len > limits::kMaxKvKey) {
      status = RABT_KV_FAILED;
    } else {
      auto found = kv_find(self, view(key));
      if (found.ok() && *found && !held->grow((*found)->value.size())) {
        status = RABT_KV_FAILED;
      } else if (found.ok() && *found) {
        *value = std::move((*found)->value);
        version = (*found)->version;
        status = RABT_KV_OK;
      } else if (!found.ok()) {
        status = RABT_KV_FAILED;
        parts(self).log.error("plugin.kv_failed", {{"plugin", id(self)},
                                                   {"code", std::string_view(found.error().code)}});
      }
    }
    self.call_back("kv callback", [context, done, status, value, version, held] {
      done(context, status, bytes(*value), version);
    });
  } catch (...) {
    RABT_BUG("kv get threw");
  }

  struct Write {
    KvRow row;
    std::string data_key;  // id
    std::string sealed;
    std::shared_ptr<Budget::Share> held;  // counts its bytes
    std::shared_ptr<Budget::Share> operation;
    std::int64_t ttl_ms = 0;
    std::int64_t expected = 0;
    std::int64_t now = 0;
    std::int32_t status = RABT_KV_FAILED;  // written inside the job, read after the commit
    std::int64_t version = 0;
    std::string_view lacked;  // code of what there was no room in
  };
  // Frees what a write holds that has been answered.
  static void release(Write& put) {
    put.sealed = {};
    put.held.reset();
    put.operation.reset();
  }

  // A call that fails because of this is repeated.
  static void note_lack(Instance& self, std::string_view code) {
    const Rundown::Pass pass(self.rundown_);
    if (!pass || code.empty()) return;
    if (means_no_room(code)) self.lacked(code);
    parts(self).log.error("plugin.kv_failed", {{"plugin", id(self)}, {"code", code}});
  }

  static Status kv_seal(Instance& self, Write& put, std::string_view key, std::string_view value) {
    RABT_TRY(row, kv_row(self, key));
    RABT_TRY(sealer, parts(self).keys.shared(row.tenant, keys::kPlugin));
    put.row = std::move(row);
    put.data_key = sealer->id();
    put.sealed = sealer->seal(kv_context(put.row), value, parts(self).random);
    return ok_status();
  }

  static void put(void* raw, rabt_bytes key, rabt_bytes value, std::int64_t ttl_ms,
                  std::int64_t expected, void* context,
                  void (*done)(void*, std::int32_t, std::int64_t)) noexcept try {
    Instance& self = of(raw);
    const Rundown::Pass pass(self.rundown_);
    if (!pass) return;
    self.owe(1);
    auto put = std::make_shared<Write>();
    const auto answer = [&self, context, done, put](std::int32_t status) {
      self.call_back("kv callback", [context, done, put, status] {
        release(*put);
        done(context, status, status == RABT_KV_OK ? put->version : 0);
      });
    };
    if (key.len == 0 || key.len > limits::kMaxKvKey || value.len > limits::kMaxKvValue ||
        ttl_ms < 0 || expected < RABT_KV_ANY) {
      answer(RABT_KV_FAILED);
      return;
    }
    put->operation = self.kv_operations_.take(1);
    put->held = self.held_.take(value.len);
    if (put->operation == nullptr || put->held == nullptr) {
      answer(RABT_KV_FAILED);
      return;
    }
    if (const Status ready = kv_seal(self, *put, view(key), view(value)); !ready.ok()) {
      note_lack(self, ready.error().code);
      answer(RABT_KV_FAILED);
      return;
    }
    put->ttl_ms = ttl_ms;
    put->expected = expected;
    put->now = parts(self).clock.now().ms;
    parts(self).store.submit(
        store::Store::Need::droppable,
        [&self, put](store::Transaction& transaction) { return kv_write(self, *put, transaction); },
        [&self, put, answer](const Status& status) {
          note_lack(self, status.ok() ? put->lacked : status.error().code);
          answer(status.ok() ? put->status : RABT_KV_FAILED);
        });
  } catch (...) {
    RABT_BUG("kv put threw");
  }

  static Status kv_write(Instance& self, Write& put, store::Transaction& transaction) {
    const KvRow& row = put.row;
    const std::shared_ptr<KvUse>& use = self.setup_.kv_use;
    RABT_TRY_STATUS(learn_use(*use, row.tenant, row.plugin, transaction));
    put.lacked = {};
    std::int64_t stored = 0;
    std::int64_t old_size = 0;
    bool present = false;
    RABT_TRY_STATUS(transaction.query(
        sql::services::kKvHead,
        {std::string_view(row.tenant), std::string_view(row.plugin), store::Blob{row.key}},
        [&](const store::Row& found) {
          stored = found.integer(sql::services::kKvHead["version"]);
          present = live(found.integer(sql::services::kKvHead["expires_ms"]), put.now);
          old_size = found.integer(sql::services::kKvHead["bytes"]);
          return false;
        }));
    const bool expected = put.expected == RABT_KV_ANY ||
                          (put.expected == 0 ? !present : present && stored == put.expected);
    if (!expected) {
      put.status = RABT_KV_CONFLICT;
      return ok_status();
    }
    const std::int64_t growth = static_cast<std::int64_t>(put.sealed.size()) - old_size;
    const std::int64_t quota = self.setup_.package.kv_bytes;
    if (growth > 0) {
      RABT_TRY_STATUS(
          make_room(use, row.tenant, row.plugin, row.key, quota - growth, put.now, transaction));
    }
    if (use->bytes + growth > quota) {
      put.status = RABT_KV_FAILED;
      // A value larger than the whole storage is a fault of the plugin; free space would not help.
      if (static_cast<std::int64_t>(put.sealed.size()) <= quota) put.lacked = kStorageFull;
      return ok_status();
    }
    put.version = stored + 1;
    const std::int64_t expires = put.ttl_ms == 0 ? 0 : put.now + put.ttl_ms;
    RABT_TRY_STATUS(store::compare_and_set(
        transaction, sql::services::kKvPut,
        {std::string_view(row.tenant), std::string_view(row.plugin), store::Blob{row.key},
         store::Blob{put.sealed}, put.version, expires, store::Blob{put.data_key}, stored}));
    use->bytes += growth;
    transaction.on_rollback([use = self.setup_.kv_use, growth] { use->bytes -= growth; });
    put.status = RABT_KV_OK;
    return ok_status();
  }

  static void remove(void* raw, rabt_bytes key, void* context,
                     void (*done)(void*, std::int32_t)) noexcept try {
    Instance& self = of(raw);
    const Rundown::Pass pass(self.rundown_);
    if (!pass) return;
    self.owe(1);
    auto put = std::make_shared<Write>();
    put->operation = self.kv_operations_.take(1);
    const auto answer = [&self, context, done, put](std::int32_t status) {
      self.call_back("kv callback", [context, done, put, status] {
        release(*put);
        done(context, status);
      });
    };
    if (key.len == 0 || key.len > limits::kMaxKvKey || put->operation == nullptr) {
      answer(RABT_KV_FAILED);
      return;
    }
    auto key_row = kv_row(self, view(key));
    if (!key_row.ok()) {
      answer(RABT_KV_FAILED);
      return;
    }
    put->row = std::move(*key_row);
    put->now = parts(self).clock.now().ms;
    parts(self).store.submit(
        store::Store::Need::droppable,
        [&self, put](store::Transaction& transaction) -> Status {
          const KvRow& row = put->row;
          const std::shared_ptr<KvUse>& use = self.setup_.kv_use;
          RABT_TRY_STATUS(learn_use(*use, row.tenant, row.plugin, transaction));
          put->status = RABT_KV_ABSENT;
          std::int64_t size = 0;
          std::int64_t version = 0;
          RABT_TRY_STATUS(transaction.query(
              sql::services::kKvHead,
              {std::string_view(row.tenant), std::string_view(row.plugin), store::Blob{row.key}},
              [&](const store::Row& found) {
                version = found.integer(sql::services::kKvHead["version"]);
                if (live(found.integer(sql::services::kKvHead["expires_ms"]), put->now))
                  put->status = RABT_KV_OK;
                size = found.integer(sql::services::kKvHead["bytes"]);
                return false;
              }));
          if (version == 0) return ok_status();
          RABT_TRY_STATUS(
              store::compare_and_set(transaction, sql::services::kKvDelete,
                                     {std::string_view(row.tenant), std::string_view(row.plugin),
                                      store::Blob{row.key}, version}));
          use->bytes -= size;
          transaction.on_rollback([use = self.setup_.kv_use, size] { use->bytes += size; });
          return ok_status();
        },
        [&self, put, answer](const Status& status) {
          note_lack(self, status.ok() ? put->lacked : status.error().code);
          answer(status.ok() ? put->status : RABT_KV_FAILED);
        });
  } catch (...) {
    RABT_BUG("kv remove threw");
  }
};

void Services::fill_kv(Instance& self) {
  self.offered_.kv = {sizeof self.offered_.kv, 0, &self, &Kv::get, &Kv::put, &Kv::remove};
}

}  // namespace rabt::plugin
