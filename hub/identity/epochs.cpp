#include "hub/identity/epochs.hpp"

#include "hub/identity/statements.hpp"

namespace rabt::identity {

std::string person_subject(std::string_view person) {
  return "person:" + std::string(person);
}

std::string client_subject(std::string_view client) {
  return "client:" + std::string(client);
}
std::string guest_subject(std::string_view participant) {
  return "guest:" + std::string(participant);
}

Status raise_epoch(store::Transaction& transaction, std::string_view tenant,
                   std::string_view subject) {
  RABT_TRY(epoch, transaction.next(sql::kEpochs));
  return store::run(transaction, sql::kPutEpoch, {tenant, subject, epoch});
}

Result<std::vector<Changed>> changed_after(store::Store& store, std::int64_t epoch) {
  std::vector<Changed> out;
  RABT_TRY_STATUS(store.read([&](store::Connection& connection) {
    out.clear();
    return connection.query(sql::kEpochsAfter, {epoch}, [&](const store::Row& row) {
      out.push_back({std::string(row.text(sql::kEpochsAfter["tenant"])),
                     std::string(row.text(sql::kEpochsAfter["subject"])),
                     row.integer(sql::kEpochsAfter["epoch"])});
      return true;
    });
  }));
  return out;
}

Result<std::int64_t> newest_epoch(store::Store& store) {
  std::int64_t newest = 0;
  RABT_TRY_STATUS(store.read([&](store::Connection& connection) {
    return connection.query(sql::kNewestEpoch, {}, [&](const store::Row& row) {
      newest = row.integer(sql::kNewestEpoch["epoch"]);
      return false;
    });
  }));
  return newest;
}

Result<bool> GuestEpochs::remove_old() {
  constexpr std::int64_t kChunk = 1'000;
  std::int64_t removed = 0;
  if (seen_) {
    RABT_TRY_STATUS(store_.write([&](store::Transaction& transaction) -> Status {
      RABT_TRY(gone, transaction.execute(sql::kDropGuestEpochs, {tenant_, *seen_}));
      removed = gone;
      return ok_status();
    }));
  }
  if (removed == kChunk) return true;
  RABT_TRY(newest, newest_epoch(store_));
  seen_ = newest;
  return false;
}

}  // namespace rabt::identity
