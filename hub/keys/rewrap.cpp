#include "hub/base/start_thread.hpp"
#include "hub/keys/admin_state.hpp"
#include "hub/keys/statements.hpp"

// Data keys brought to the newest bucket keys, batch after batch, and the old versions forgotten.
namespace rabt::keys {

namespace {

// Data keys in one transaction: some milliseconds.
constexpr std::size_t kBatch = 500;

}  // namespace

Result<std::optional<KeyAdmin::State::Task>> KeyAdmin::State::task(store::Connection& connection) {
  std::optional<Task> found;
  RABT_TRY_STATUS(connection.query(sql::kReadTask, {tenant}, [&](const store::Row& row) {
    found = Task{.order = {.actor = std::string(row.text(sql::kReadTask["actor"])),
                           .reason = std::string(row.text(sql::kReadTask["reason"])),
                           .client = {},
                           .request = {}},
                 .cursor = std::string(row.blob(sql::kReadTask["cursor"])),
                 .forget = row.integer(sql::kReadTask["forget"]) != 0,
                 .rewrapped = row.integer(sql::kReadTask["rewrapped"])};
    return false;
  }));
  return found;
}

Result<KeyAdmin::State::Rewrapped> KeyAdmin::State::rewrap(store::Transaction& transaction,
                                                           const crypto::TenantKeys& tenant_keys,
                                                           const std::vector<Stored>& batch) {
  Rewrapped count;
  for (const Stored& key : batch) {
    const auto newest = tenant_keys.bucket(key.bucket.bucket);
    // Destroyed, or of a keyring that is newer than this one: nothing to bring anywhere.
    if (!newest || *newest <= key.bucket.version) continue;
    const crypto::BucketVersion to{key.bucket.bucket, *newest};
    const auto material = tenant_keys.unwrap(key.bucket, key.id, key.wrapped);
    // Lost before, as one of an older backup under a version that is gone: the others go
    // on.
    if (!material.ok()) {
      ++count.unopened;
      continue;
    }
    RABT_TRY(fresh, tenant_keys.wrap(to, key.id, material->expose()));
    // None is changed if the key was moved meanwhile: it is under a newest version then.
    RABT_TRY(changed,
             transaction.execute(
                 sql::kRewrapKey,
                 {store::Blob{key.id}, store::Blob{key.wrapped}, std::string_view(to.bucket),
                  static_cast<std::int64_t>(to.version), store::Blob{fresh}}));
    count.rewrapped += changed;
  }
  return count;
}

Status KeyAdmin::State::rewrap_batch(bool& done) {
  RABT_TRY(lease, parts.keys.lease(tenant));
  return parts.store.write(
      [&](store::Transaction& transaction) -> Status {
        RABT_TRY(found, task(transaction));
        done = !found.has_value();
        if (done) return ok_status();
        const Task& task = *found;
        std::vector<Stored> batch;
        RABT_TRY_STATUS(transaction.query(
            sql::kKeysAfter, {tenant, store::Blob{task.cursor}, static_cast<std::int64_t>(kBatch)},
            [&](const store::Row& row) {
              batch.push_back(
                  {std::string(row.blob(sql::kKeysAfter["id"])),
                   {std::string(row.text(sql::kKeysAfter["bucket"])),
                    static_cast<std::uint32_t>(row.integer(sql::kKeysAfter["version"]))},
                   std::string(row.blob(sql::kKeysAfter["wrapped"]))});
              return true;
            }));
        RABT_TRY(count, rewrap(transaction, lease.keys(), batch));
        const auto& [rewrapped, unopened] = count;
        if (batch.size() == kBatch) {
          RABT_TRY_STATUS(store::compare_and_set(
              transaction, sql::kAdvanceTask,
              {tenant, store::Blob{batch.back().id}, rewrapped, store::Blob{task.cursor}}));
          if (rewrapped == 0 && unopened == 0) return ok_status();
          return parts.audit.append(
              transaction, entry(task.order, "keys.rewrap", "", "batch",
                                 Json::object({{"dataKeys", rewrapped}, {"unopened", unopened}})));
        }
        // The last batch. With forget the task stays until the file has forgotten, too.
        done = true;
        if (task.forget) {
          RABT_TRY_STATUS(store::compare_and_set(
              transaction, sql::kAdvanceTask,
              {tenant, store::Blob{task.cursor}, rewrapped, store::Blob{task.cursor}}));
        } else {
          RABT_TRY_STATUS(store::compare_and_set(transaction, sql::kEndTask,
                                                 {tenant, store::Blob{task.cursor}}));
        }
        return parts.audit.append(transaction,
                                  entry(task.order, "keys.rewrap", "", "ok",
                                        Json::object({{"dataKeys", task.rewrapped + rewrapped},
                                                      {"unopened", unopened}})));
      },
      store::Store::Need::droppable);
}

Status KeyAdmin::State::forget_old() {
  std::optional<Task> wanted;
  RABT_TRY_STATUS(parts.store.read([&](store::Connection& connection) -> Status {
    RABT_TRY(found, task(connection));
    wanted = std::move(found);
    return ok_status();
  }));
  if (!wanted || !wanted->forget) return ok_status();
  RABT_TRY(info, parts.keyring.info());
  for (const auto& one : info.tenants) {
    if (one.name != tenant) continue;
    for (const auto& bucket : one.buckets) {
      if (bucket.destroyed || bucket.version == bucket.oldest_version) continue;
      // From this commit on no data key comes under an older version.
      // One that is under a version of before oldest_version is lost already.
      bool old = false;
      RABT_TRY_STATUS(parts.store.write([&](store::Transaction& transaction) -> Status {
        old = false;
        RABT_TRY_STATUS(transaction.query(sql::kCountKeys, {tenant}, [&](const store::Row& row) {
          old = old || (row.text(sql::kCountKeys["bucket"]) == bucket.name &&
                        row.integer(sql::kCountKeys["version"]) < bucket.version &&
                        row.integer(sql::kCountKeys["version"]) >= bucket.oldest_version);
          return true;
        }));
        if (old) return ok_status();
        return store::run(
            transaction, sql::kPutFloor,
            {tenant, std::string_view(bucket.name), static_cast<std::int64_t>(bucket.version)});
      }));
      if (old) continue;  // made meanwhile; the next rewrap takes it along
      RABT_TRY_STATUS(file_act(wanted->order, "keys.forget", "bucket:" + bucket.name, [&](Json&) {
        return parts.keyring.forget_old_versions(tenant, bucket.name);
      }));
    }
  }
  return parts.store.write([&](store::Transaction& transaction) {
    return store::run(transaction, sql::kDeleteTask, {tenant});
  });
}

Status KeyAdmin::State::begin_task(const Order& order, bool forget) {
  RABT_TRY_STATUS(check(order));
  return parts.store.write([&](store::Transaction& transaction) -> Status {
    RABT_TRY_STATUS(
        store::run(transaction, sql::kPutTask,
                   {tenant, store::Blob{""}, forget ? 1 : 0, std::string_view(order.actor),
                    std::string_view(order.reason), parts.clock.now().ms}));
    return parts.audit.append(transaction, entry(order, "keys.rewrap", "", "begun",
                                                 Json::object({{"forgetOld", forget}})));
  });
}

Status KeyAdmin::State::finish_task() {
  for (bool done = false; !done;) {
    {
      const Lock hold(mutex);
      if (stopping) return unavailable("keys.stopping", "the hub stops; it goes on after a start");
    }
    RABT_TRY_STATUS(rewrap_batch(done));
  }
  const Lock one(acts);
  return forget_old();
}

void KeyAdmin::State::work() {
  Lock lock(mutex);
  while (!stopping) {
    if (!poked) {
      wake.wait(lock, [this]() RABT_REQUIRES(mutex) { return stopping || poked; });
      continue;
    }
    poked = false;
    lock.unlock();
    const Status status = finish_task();
    lock.lock();
    if (status.ok() || stopping) continue;
    parts.log.warn("keys.rewrap_waits", {{"code", status.error().code}});
    // The root is away, or the disk is full: again in a while.
    wake.wait_for(lock, std::chrono::seconds(5),
                  [this]() RABT_REQUIRES(mutex) { return stopping; });
    poked = true;
  }
}

void KeyAdmin::State::poke() {
  {
    const Lock hold(mutex);
    poked = true;
  }
  if (!worker.joinable()) {
    auto thread = start_thread([this] { work(); });
    if (thread.ok()) {
      worker = *std::move(thread);
    } else {
      // The next order, or the next start, begins it.
      parts.log.error("keys.rewrap_waits", {{"code", std::string_view(thread.error().code)}});
    }
  }
  wake.notify_one();
}

}  // namespace rabt::keys
