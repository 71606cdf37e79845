#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "hub/base/mutex.hpp"
#include "hub/consultation/acts/acts.hpp"
#include "hub/consultation/messages/letters.hpp"
#include "hub/consultation/tasks/tasks.hpp"
#include "hub/outbox/outbox.hpp"

namespace rabt::consultation {

// Tells staff that tasks wait. A task puts its news into the outbox in the commit that makes it
// (outbox::kTaskNews); a turn shares them out to the people who have the role, or to the assignee
// alone (outbox::kTaskLetter), and tells each of them how many tasks wait: one message in
// limits::kTaskNewsApartMs, none about tasks that somebody has claimed. Quiet hours hold it, but
// not where a task is due within the hour. A gateway that hangs holds the thread of this object
// alone.
class TaskNews {
 public:
  // wanted: `clinic.task_messages` of the configuration.
  TaskNews(Acts& acts, const Tasks& tasks, bool wanted)
      : acts_(acts), tasks_(tasks), wanted_(wanted), letters_(acts) {}
  ~TaskNews() { stop(); }
  TaskNews(const TaskNews&) = delete;
  TaskNews& operator=(const TaskNews&) = delete;
  // Takes a turn every few seconds from now on, on a thread of its own.
  void start();
  // Waits for the message under way.
  void stop();
  // Tells a few people of what is due; blocks until the gateway has answered. One thread at a time;
  // after start() that of this object. While the hospital has no text or no gateway for it, news
  // are dropped. Error unavailable message.not_sent: a message was not taken, and is tried again
  // after a minute; no other waits for it.
  [[nodiscard]] Status turn();

 private:
  void run();
  [[nodiscard]] bool stops() const;
  [[nodiscard]] bool is_on() const;
  [[nodiscard]] Status drop() const;
  [[nodiscard]] Status share_out() const;
  [[nodiscard]] Status share(const outbox::Work& news) const;
  // Unset if the person has left, wants no messages, or has no address.
  [[nodiscard]] std::optional<Letter> letter_to(const identity::Person& person,
                                                std::map<std::string, std::string> places) const;
  // People who hear of news for a role or a person, one of those who share a number.
  [[nodiscard]] Result<std::vector<std::string>> hearers(const std::string& whom) const;
  [[nodiscard]] Status tell_due();
  // The number of the work names the message.
  [[nodiscard]] Status tell(const outbox::Work& work) const;
  [[nodiscard]] Status hold(const outbox::Work& work, std::int64_t until_ms) const;
  // The work leaves; with an outcome the audit log has it.
  [[nodiscard]] Status end(const outbox::Work& work, std::int64_t tasks,
                           const std::string& outcome) const;

  Acts& acts_;
  const Tasks& tasks_;
  const bool wanted_;
  const Letters letters_;
  // In uptime: when a message that was not taken is tried again, by person. Confined to a turn.
  std::map<std::string, std::int64_t> tried_;

  mutable Mutex mutex_;
  Condition changed_;
  bool stopping_ RABT_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace rabt::consultation
