#include "hub/repair/rows.hpp"

#include <algorithm>

#include "hub/repair/statements.hpp"

namespace rabt::repair {

namespace {

// The next open items that are looked at for one whose subject is free.
constexpr std::int64_t kLookAhead = 50;
constexpr std::string_view kNoPlace = "~";

JobState job_state(std::string_view text) {
  for (const JobState state : {JobState::previewed, JobState::running, JobState::waiting,
                               JobState::done, JobState::stopped}) {
    if (text == to_string(state)) return state;
  }
  return JobState::stopped;
}

Json parsed(std::string_view text) {
  auto json = Json::parse(text);
  return json.ok() ? std::move(*json) : Json();
}

std::optional<Timestamp> time_or_none(const store::Row& row, int column) {
  if (row.is_null(column)) return std::nullopt;
  return Timestamp{row.integer(column)};
}

std::string text_or_none(const store::Row& row, int column) {
  return row.is_null(column) ? std::string() : std::string(row.text(column));
}

Job to_job(const store::Row& row) {
  return {.id = std::string(row.text(sql::kJobById["id"])),
          .verb = std::string(row.text(sql::kJobById["verb"])),
          .state = job_state(row.text(sql::kJobById["state"])),
          .digest = std::string(row.text(sql::kJobById["digest"])),
          .total = row.integer(sql::kJobById["total"]),
          .more = row.integer(sql::kJobById["more"]) != 0,
          .oldest = {row.integer(sql::kJobById["oldest_ms"])},
          .filter = parsed(row.text(sql::kJobById["filter"])),
          .effects = parsed(row.text(sql::kJobById["effects"])),
          .created = {row.integer(sql::kJobById["created_ms"])},
          .created_by = std::string(row.text(sql::kJobById["created_by"])),
          .started = time_or_none(row, sql::kJobById["started_ms"]),
          .started_by = text_or_none(row, sql::kJobById["started_by"]),
          .every_ms = row.integer(sql::kJobById["every_ms"]),
          .first = row.integer(sql::kJobById["first"]),
          .goes_on = row.integer(sql::kJobById["goes_on"]) != 0,
          .passed = row.integer(sql::kJobById["passed"]) != 0,
          .failures = row.integer(sql::kJobById["failures"]),
          .ended = time_or_none(row, sql::kJobById["ended_ms"]),
          .why = text_or_none(row, sql::kJobById["why"]),
          .data_key = std::string(row.blob(sql::kJobById["data_key"])),
          .sealed = std::string(row.blob(sql::kJobById["sealed"]))};
}

Item to_item(const store::Row& row) {
  return {.n = row.integer(sql::kItems["n"]),
          .object = std::string(row.text(sql::kItems["object"])),
          .mark = {.turns = row.integer(sql::kItems["turns"]),
                   .updated = {row.integer(sql::kItems["updated_ms"])}},
          .subject = std::string(row.blob(sql::kItems["subject"])),
          .call = row.integer(sql::kItems["call"]),
          .state = item_state(row.text(sql::kItems["state"])).value_or(ItemState::refused),
          .code = std::string(row.text(sql::kItems["code"])),
          .became = std::string(row.text(sql::kItems["became"])),
          .at = time_or_none(row, sql::kItems["at_ms"])};
}

store::Value time_value(const std::optional<Timestamp>& at) {
  return at ? store::Value(at->ms) : store::Value(store::Null{});
}

store::Value text_value(const std::string& text) {
  return text.empty() ? store::Value(store::Null{}) : store::Value(text);
}

std::int64_t flag(bool value) {
  return value ? 1 : 0;
}

}  // namespace

Result<Job> Rows::job(store::Connection& connection, std::string_view id) const {
  std::optional<Job> found;
  RABT_TRY_STATUS(connection.query(sql::kJobById, {tenant_, id}, [&](const store::Row& row) {
    found = to_job(row);
    return false;
  }));
  if (!found) return not_found("repair.unknown", "there is no repair job with this id");
  return *std::move(found);
}

Result<Job> Rows::job(std::string_view id) const {
  std::optional<Job> out;
  RABT_TRY_STATUS(store_.read([&](store::Connection& connection) -> Status {
    RABT_TRY(found, job(connection, id));
    out = std::move(found);
    return ok_status();
  }));
  return *std::move(out);
}

Result<std::vector<Job>> Rows::jobs(std::size_t limit, const std::string& before) const {
  std::vector<Job> out;
  RABT_TRY_STATUS(store_.read([&](store::Connection& connection) {
    out.clear();
    return connection.query(sql::kJobs,
                            {tenant_, before.empty() ? kNoPlace : std::string_view(before),
                             static_cast<std::int64_t>(limit)},
                            [&](const store::Row& row) {
                              out.push_back(to_job(row));
                              return true;
                            });
  }));
  return out;
}

Result<std::vector<Job>> Rows::at_work() const {
  std::vector<Job> out;
  RABT_TRY_STATUS(store_.read([&](store::Connection& connection) {
    out.clear();
    return connection.query(sql::kJobsAtWork, {tenant_}, [&](const store::Row& row) {
      out.push_back(to_job(row));
      return true;
    });
  }));
  return out;
}

Result<Counts> Rows::counts(std::string_view job) const {
  Counts out;
  RABT_TRY_STATUS(store_.read([&](store::Connection& connection) {
    return connection.query(sql::kItemCounts, {tenant_, job}, [&](const store::Row& row) {
      const auto state =
          item_state(row.text(sql::kItemCounts["state"])).value_or(ItemState::refused);
      out.of.at(static_cast<std::size_t>(state)) = row.integer(sql::kItemCounts["count"]);
      return true;
    });
  }));
  return out;
}

Result<std::vector<Item>> Rows::items(std::string_view job, std::int64_t after, std::size_t limit,
                                      std::optional<ItemState> state) const {
  std::vector<Item> out;
  RABT_TRY_STATUS(store_.read([&](store::Connection& connection) {
    out.clear();
    return connection.query(sql::kItems,
                            {tenant_, job, after, static_cast<std::int64_t>(limit),
                             state ? to_string(*state) : std::string_view()},
                            [&](const store::Row& row) {
                              out.push_back(to_item(row));
                              return true;
                            });
  }));
  return out;
}

Result<std::vector<Item>> Rows::open_items(std::string_view job) const {
  std::vector<Item> out;
  RABT_TRY_STATUS(store_.read([&](store::Connection& connection) {
    out.clear();
    return connection.query(sql::kOpenItems, {tenant_, job, kLookAhead},
                            [&](const store::Row& row) {
                              out.push_back(to_item(row));
                              return true;
                            });
  }));
  return out;
}

Result<std::vector<Item>> Rows::acted_items(std::string_view job) const {
  std::vector<Item> out;
  RABT_TRY_STATUS(store_.read([&](store::Connection& connection) {
    out.clear();
    return connection.query(sql::kActedItems, {tenant_, job}, [&](const store::Row& row) {
      out.push_back(to_item(row));
      return true;
    });
  }));
  return out;
}

Status Rows::put(store::Transaction& transaction, const Job& job,
                 const std::vector<Item>& items) const {
  RABT_TRY_STATUS(remove_old(transaction, job.created.ms));
  const std::string filter = job.filter.dump();
  const std::string effects = job.effects.dump();
  transaction.put(sql::kInsertJob,
                  {tenant_, job.id, job.verb, to_string(job.state), job.digest, job.total,
                   flag(job.more), job.oldest.ms, filter, effects, job.created.ms, job.created_by,
                   job.every_ms, job.first, flag(job.goes_on), flag(job.passed), job.failures,
                   store::Blob{job.data_key}, store::Blob{job.sealed}});
  for (const Item& item : items) {
    transaction.put(sql::kInsertItem, {tenant_, job.id, item.n, item.object, item.mark.turns,
                                       item.mark.updated.ms, store::Blob{item.subject}, item.call});
  }
  return ok_status();
}

Status Rows::remove_old(store::Transaction& transaction, std::int64_t now_ms) const {
  std::vector<std::string> gone;
  const auto add = [&gone](const store::Row& row) {
    gone.emplace_back(row.text(sql::kOldJobs["id"]));
    return true;
  };
  RABT_TRY_STATUS(transaction.query(sql::kOldJobs,
                                    {tenant_, now_ms - kPreviewKeptMs, now_ms - kJobKeptMs}, add));
  std::int64_t kept = 0;
  RABT_TRY_STATUS(transaction.query(sql::kPreviews, {tenant_}, [&](const store::Row& row) {
    return ++kept < kKeptPreviews || add(row);
  }));
  for (const std::string& id : gone) {
    transaction.put(sql::kRemoveItems, {tenant_, id});
    transaction.put(sql::kRemoveJob, {tenant_, id});
  }
  return ok_status();
}

Result<bool> Rows::change(store::Transaction& transaction, const Job& job, JobState was) const {
  RABT_TRY(changed, transaction.execute(
                        sql::kChangeJob,
                        {tenant_, job.id, to_string(job.state), time_value(job.started),
                         text_value(job.started_by), job.every_ms, job.first, flag(job.goes_on),
                         flag(job.passed), job.failures, time_value(job.ended), text_value(job.why),
                         store::Blob{job.data_key}, store::Blob{job.sealed}, to_string(was)}));
  return changed == 1;
}

Status Rows::act(store::Transaction& transaction, std::string_view job, std::int64_t n,
                 std::int64_t at_ms) const {
  RABT_TRY(changed, transaction.execute(sql::kActItem, {tenant_, job, n, at_ms}));
  if (changed == 1) return ok_status();
  return conflict(std::string(kStopped), "the job does not run, or has done this already");
}

Result<bool> Rows::end(store::Transaction& transaction, std::string_view job, const Item& item,
                       ItemState was) const {
  RABT_TRY(changed, transaction.execute(sql::kEndItem,
                                        {tenant_, job, item.n, to_string(item.state), item.code,
                                         item.became, time_value(item.at), to_string(was)}));
  return changed == 1;
}

}  // namespace rabt::repair
