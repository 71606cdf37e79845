#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "hub/base/json.hpp"
#include "hub/base/result.hpp"
#include "hub/net/local_http.hpp"

namespace rabt::demo {

// The stand-in for the payer, which is away for a while. Caller synchronises.
class Payer {
 public:
  // control_url: of the control door of the stand-ins.
  explicit Payer(std::string control_url) : control_url_(std::move(control_url)) {}

  // Makes it answer each request with 503. It may be repeated.
  [[nodiscard]] Status go_away();
  // Makes it answer again. Error: demo.waits while it has not been asked since it went.
  [[nodiscard]] Status come_back();
  // Number of requests that it missed.
  [[nodiscard]] std::int64_t missed() const { return missed_; }
  // Time that it was away.
  [[nodiscard]] double seconds() const;

 private:
  [[nodiscard]] Result<Json> faults(const std::string& method, const Json& rules);

  const std::string control_url_;
  net::LocalHttp http_;
  std::chrono::steady_clock::time_point left_;
  std::chrono::steady_clock::time_point returned_;
  std::int64_t missed_ = 0;
};

}  // namespace rabt::demo
