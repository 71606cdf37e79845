#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "hub/base/json.hpp"
#include "hub/workflow/execution.hpp"

namespace rabt::engine {

// The tasks of an instance in the order in which they were begun, made of its inputs and of what
// these led to. Caller synchronises.
class Timeline {
 public:
  // Ids of the instances that the run.workflow calls of this one started, by call.
  using Children = std::multimap<std::uint64_t, std::string>;
  // whole: with what may hold patient data.
  Timeline(std::string instance, Children children, bool whole)
      : instance_(std::move(instance)), children_(std::move(children)), whole_(whole) {}

  // The next turn.
  void take(const workflow::Input& input, const std::vector<workflow::Effect>& effects);

  [[nodiscard]] std::size_t size() const { return order_.size(); }
  [[nodiscard]] const std::string& reference(std::size_t place) const { return order_[place]; }
  // The entry at a place below size(): TimelineEntry of docs/openapi.yaml.
  [[nodiscard]] Json entry(std::size_t place) const;

 private:
  struct Entry {
    Json json;
    std::int64_t started = 0;
  };
  void ended(const workflow::ActionEnded& what);
  void called(const workflow::CallAction& call);
  void trace(const workflow::TaskTrace& trace, Timestamp at);
  // Enters the codes of the event that began the instance at its first task, those of one that a
  // task listened for at this task.
  void heard(const workflow::Input& input, const std::vector<workflow::Effect>& effects);
  // The entry of a task of which nothing was told yet, or which is run again.
  Entry& begin(const workflow::TaskTrace& trace, Timestamp at);
  void forget_timer(std::uint64_t timer);

  const std::string instance_;
  const Children children_;
  const bool whole_;
  std::vector<std::string> order_;
  std::map<std::string, Entry, std::less<>> entries_;
  // Facts about the last call of a task, by the task's reference.
  std::map<std::string, Json, std::less<>> calls_;
  std::map<std::string, Json, std::less<>> started_;
  // Times of next tries, by task; tasks by the timers that bring them.
  std::map<std::string, Timestamp, std::less<>> next_tries_;
  std::map<std::uint64_t, std::string> retries_;
  // References of the tasks that made the open calls, by call.
  std::map<std::uint64_t, std::string> callers_;
};

}  // namespace rabt::engine
