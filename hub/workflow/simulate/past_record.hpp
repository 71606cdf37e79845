#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hub/workflow/run/past_step.hpp"
#include "hub/workflow/simulate/replay.hpp"

// Internal to the language: what the journal of an instance recorded, for a replay on another
// definition.
namespace rabt::workflow {

// Caller synchronises.
class PastRecord {
 public:
  // The journal must outlive the object. stop: as for Execution; once true, the record is of no
  // use.
  PastRecord(const PastInstance& past, const std::function<bool()>& stop);

  // Rows that count: rows that a person's retry skipped are left out.
  [[nodiscard]] std::size_t rows() const { return rows_.size(); }
  [[nodiscard]] const Input& row(std::size_t number) const { return *rows_[number]; }
  // Time of a row. Never before the time of an earlier one.
  [[nodiscard]] Timestamp at(std::size_t row) const { return at_[row]; }
  // Null while the instance had not ended.
  [[nodiscard]] const std::optional<Finished>& end() const { return end_; }

  struct Step : PastStep {
    std::size_t row = 0;
    std::optional<std::size_t> answer;
    bool used = false;
  };
  [[nodiscard]] const std::vector<Step>& steps() const { return steps_; }
  // Takes the step of this key that was not taken: of the same place, else the first one.
  [[nodiscard]] std::optional<std::size_t> take(const PastStep& step);
  // A step that was not taken, of the same task, role and action: made with other arguments.
  [[nodiscard]] const Step* like(const PastStep& step) const;

  struct Timer {
    std::optional<std::size_t> fired;
    std::optional<std::size_t> gone;
    bool used = false;
  };
  // Takes the timer of this purpose and time. Null when there was none.
  [[nodiscard]] const Timer* take_timer(const StartTimer& timer);

  struct Listen {
    std::vector<std::string> keys;
    // Rows whose events it took.
    std::vector<std::size_t> events;
    bool used = false;
  };
  [[nodiscard]] const std::vector<Listen>& listens() const { return listens_; }
  // Takes the listen of these keys.
  [[nodiscard]] std::optional<std::size_t> take_listen(const Subscribe& listen);
  // The listen that took the event of a row. Nothing if there was none.
  [[nodiscard]] std::optional<std::size_t> listen_of(std::size_t row) const {
    const auto found = listen_of_.find(row);
    return found == listen_of_.end() ? std::nullopt : std::optional(found->second);
  }

 private:
  void answered(std::uint64_t id, std::size_t row);
  void happened(const Input& input, std::size_t row);
  void made(const std::vector<Effect>& effects, std::size_t row);
  void add(PastStep step, std::optional<std::uint64_t> id, std::size_t row);
  // Gives open effects the ids that they have after a person's retry.
  void renamed(const std::vector<Effect>& before, const std::vector<Effect>& after);

  std::vector<const Input*> rows_;
  std::vector<Timestamp> at_;
  std::optional<Finished> end_;
  std::vector<Step> steps_;
  std::map<std::string, std::vector<std::size_t>, std::less<>> by_key_;
  std::vector<Timer> timers_;
  std::map<std::pair<std::string, std::int64_t>, std::vector<std::size_t>> by_due_;
  std::vector<Listen> listens_;
  std::map<std::size_t, std::size_t> listen_of_;
  // Open effects: places in the lists above, by id of the effect.
  std::map<std::uint64_t, std::size_t> open_steps_;
  std::map<std::uint64_t, std::size_t> open_timers_;
  std::map<std::uint64_t, std::size_t> open_listens_;
};

}  // namespace rabt::workflow
