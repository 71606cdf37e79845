#include "hub/consultation/messages/task_news.hpp"

#include <algorithm>
#include <chrono>
#include <set>

#include "hub/base/clock.hpp"
#include "hub/consultation/messages/due.hpp"
#include "hub/consultation/messages/gateway.hpp"
#include "hub/consultation/messages/staff_letter.hpp"
#include "hub/consultation/messages/texts.hpp"

namespace rabt::consultation {

namespace {

constexpr std::chrono::seconds kBetweenTurns{5};
constexpr std::size_t kMostNews = 100;
// News are shared out between so many letters.
constexpr std::size_t kMostLetters = 5;

Result<std::vector<outbox::Work>> due_works(const SessionParts& parts, std::string_view kind,
                                            std::size_t limit) {
  return outbox::due_items<outbox::Work>(
      parts.store, parts.tenant, kind, "", parts.clock.now().ms, limit,
      [](store::Connection&, const outbox::Work& work, std::vector<outbox::Work>& out) {
        out.push_back(work);
        return ok_status();
      });
}

}  // namespace

void TaskNews::start() {
  thread_ = std::thread([this] { run(); });
}

void TaskNews::stop() {
  {
    const Lock lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void TaskNews::run() {
  Lock lock(mutex_);
  while (!stopping_) {
    lock.unlock();
    const Status turned = turn();
    if (!turned.ok()) acts_.parts().log.warn("task_news.turn", {{"code", turned.error().code}});
    lock.lock();
    changed_.wait_for(lock, kBetweenTurns, [this]() RABT_REQUIRES(mutex_) { return stopping_; });
  }
}

bool TaskNews::stops() const {
  const Lock lock(mutex_);
  return stopping_;
}

bool TaskNews::is_on() const {
  const SessionParts& parts = acts_.parts();
  return wanted_ && has_text(parts.house, kTaskText) &&
         parts.actions.bindings().contains(std::string(kNotifyRole));
}

Status TaskNews::drop() const {
  const SessionParts& parts = acts_.parts();
  RABT_TRY(news, outbox::oldest(parts.store, parts.tenant, outbox::kTaskNews));
  RABT_TRY(letters, outbox::oldest(parts.store, parts.tenant, outbox::kTaskLetter));
  if (!news && !letters) return ok_status();
  return parts.store.write([&](store::Transaction& transaction) {
    outbox::leave_all(transaction, parts.tenant, outbox::kTaskNews, "");
    outbox::leave_all(transaction, parts.tenant, outbox::kTaskLetter, "");
    return ok_status();
  });
}

Status TaskNews::turn() {
  if (!is_on()) return drop();
  const Status shared = share_out();
  const Status status = tell_due();
  return shared.ok() ? status : shared;
}

std::optional<Letter> TaskNews::letter_to(const identity::Person& person,
                                          std::map<std::string, std::string> places) const {
  if (!person.active || !person.profile.bool_or("reminders", true)) return std::nullopt;
  Letter letter = letter_to_staff(acts_.parts().house, person, std::string(kTaskText),
                                  std::move(places), letters_.can_mail());
  letter.cause = MessageCause::task;
  return letter.action.empty() ? std::nullopt : std::optional(std::move(letter));
}

Result<std::vector<std::string>> TaskNews::hearers(const std::string& whom) const {
  const SessionParts& parts = acts_.parts();
  const auto role = identity::parse_role(whom);
  if (!role) return std::vector<std::string>{whom};
  RABT_TRY(people, parts.directory.having(parts.tenant, {*role}));
  std::vector<std::string> out;
  std::set<std::string> numbers;
  for (const identity::Person& person : people) {
    const auto letter = letter_to(person, {});
    if (letter && numbers.insert(letter->arguments.string_or("to", "")).second)
      out.push_back(person.id);
  }
  return out;
}

Status TaskNews::share_out() const {
  const SessionParts& parts = acts_.parts();
  RABT_TRY(news, due_works(parts, outbox::kTaskNews, kMostNews));
  Status first = ok_status();
  for (const outbox::Work& work : news) {
    const Status shared = share(work);
    if (!shared.ok() && first.ok()) first = shared;
  }
  return first;
}

Status TaskNews::share(const outbox::Work& news) const {
  const SessionParts& parts = acts_.parts();
  RABT_TRY(people, hearers(news.ref));
  const std::int64_t now = parts.clock.now().ms;
  // News that come meanwhile are of the same row: their tasks are counted when a letter leaves.
  return parts.store.write([&](store::Transaction& transaction) -> Status {
    for (const std::string& person : people) {
      RABT_TRY_STATUS(
          outbox::put(transaction, parts.tenant,
                      {.kind = outbox::kTaskLetter, .ref = person, .put_ms = now, .due_ms = now}));
    }
    outbox::leave(transaction, parts.tenant, outbox::kTaskNews, news.ref);
    return ok_status();
  });
}

Status TaskNews::tell_due() {
  const SessionParts& parts = acts_.parts();
  const std::int64_t begun = parts.clock.monotonic_ms();
  std::erase_if(tried_, [&](const auto& one) { return one.second <= begun; });
  RABT_TRY(works, due_works(parts, outbox::kTaskLetter, kMostLetters + tried_.size()));
  std::erase_if(works, [&](const outbox::Work& one) { return tried_.contains(one.ref); });
  Status first = ok_status();
  for (const outbox::Work& work : works) {
    if (stops()) break;
    const Status status = tell(work);
    if (status.ok()) continue;
    tried_[work.ref] = parts.clock.monotonic_ms() + kMinuteMs;
    if (first.ok()) first = status;
  }
  return first;
}

Status TaskNews::tell(const outbox::Work& work) const {
  const SessionParts& parts = acts_.parts();
  const auto person = parts.directory.find(parts.tenant, work.ref);
  if (!person.ok() && person.error().kind != ErrorKind::not_found) return person.error();
  if (!person.ok()) return end(work, 0, "");
  RABT_TRY(open, tasks_.open_for(person->id, person->roles));
  if (open.count == 0) return end(work, 0, "");
  std::map<std::string, std::string> places{{"count", std::to_string(open.count)}};
  if (!parts.public_url.empty()) places["link"] = parts.public_url + "/console/tasks";
  auto letter = letter_to(*person, std::move(places));
  if (!letter) return end(work, 0, "");
  const Timestamp now = parts.clock.now();
  const auto quiet = quiet_until(now);
  if (quiet && !(open.due_ms && *open.due_ms - now.ms <= kHourMs))
    return hold(work, open.due_ms ? std::min(*quiet, *open.due_ms - kHourMs) : *quiet);
  letter->name += "/" + std::to_string(work.n);
  RABT_TRY(handed, letters_.hand_over(*letter));
  if (handed.until_ms) return hold(work, *handed.until_ms);
  return end(work, open.count, handed.outcome);
}

Status TaskNews::hold(const outbox::Work& work, std::int64_t until_ms) const {
  const SessionParts& parts = acts_.parts();
  return parts.store.write([&](store::Transaction& transaction) {
    outbox::again(transaction, parts.tenant, outbox::kTaskLetter, work, 1, until_ms);
    return ok_status();
  });
}

Status TaskNews::end(const outbox::Work& work, std::int64_t tasks,
                     const std::string& outcome) const {
  const SessionParts& parts = acts_.parts();
  std::optional<audit::Prepared> entry;
  if (!outcome.empty()) {
    entry = parts.audit.prepare(
        {.tenant = parts.tenant,
         .actor = caller_of_hub(parts.tenant, "messages").who.actor(),
         .act = "staff.told",
         .object = "person:" + work.ref,
         .result = "ok",
         .detail = Json::object(
             {{"person", work.ref}, {"kind", kTaskText}, {"outcome", outcome}, {"tasks", tasks}})});
  }
  return parts.store.write([&](store::Transaction& transaction) -> Status {
    outbox::leave(transaction, parts.tenant, outbox::kTaskLetter, work.ref);
    return entry ? parts.audit.append(transaction, *entry) : ok_status();
  });
}

}  // namespace rabt::consultation
