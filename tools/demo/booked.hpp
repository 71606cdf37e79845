#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "hub/base/json.hpp"
#include "hub/base/result.hpp"
#include "tools/demo/people.hpp"
#include "tools/demo/video.hpp"

namespace rabt::demo {

// Steps of the people of a visit that a hospital booked, over the API, one after the other. A hub
// that is away for a moment, or that was killed, is asked again: each step may be repeated.
class BookedVisit {
 public:
  struct Setting {
    People& people;
    Video& video;
    // Tells the reader what happened. May be empty.
    std::function<void(const std::string& what)> say{};
    // True if no note is written, so that the visit is not claimed.
    bool silent = false;
  };
  // doctor, patient: names that `people` knows. The patient is a guest, who does not come, when
  // `patient` is empty.
  BookedVisit(Setting setting, std::string session, std::string doctor, std::string patient);

  [[nodiscard]] const std::string& session() const { return session_; }
  // wait, admit, meet, start, record, treat, end; empty when all is done.
  [[nodiscard]] std::string next() const;
  // Does the next step. When it is not ok, nothing is lost, and the caller tries again later.
  [[nodiscard]] Status go_on();

 private:
  struct Step {
    std::string name;
    std::function<Status()> act;
  };
  [[nodiscard]] Result<Json> as(const std::string& who, const std::string& method,
                                const std::string& path, const Json& body = {});
  [[nodiscard]] Status enter(const std::string& who);
  [[nodiscard]] Status admit();
  [[nodiscard]] Status treat();
  void say(const std::string& what) const {
    if (setting_.say) setting_.say(what);
  }

  const Setting setting_;
  const std::string session_;
  const std::string doctor_;
  const std::string patient_;
  std::string room_;
  std::chrono::steady_clock::time_point recorded_since_;
  std::vector<Step> steps_;
  std::size_t done_ = 0;
};

}  // namespace rabt::demo
