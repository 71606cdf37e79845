#pragma once

#include "hub/alerts/alerts.hpp"
#include "hub/api/routes.hpp"

namespace rabt::api {

// Alerts about the hub and its surroundings. No patient data except the notes of people who
// acknowledged an alert, which are sealed until they are shown.
struct AlertRecords {
  alerts::Alerts& all;

  // ?state= open or all &rule= &limit= &cursor=
  [[nodiscard]] Result<http::Response> list(const Call& call) const;
  // {note?}
  [[nodiscard]] Result<http::Response> ack(const Call& call) const;
  // {for}, of the alert in the path.
  [[nodiscard]] Result<http::Response> snooze(const Call& call) const;
  // {rule, object?, for}
  [[nodiscard]] Result<http::Response> snooze_rule(const Call& call) const;
  // {channel}
  [[nodiscard]] Result<http::Response> test(const Call& call) const;

 private:
  [[nodiscard]] Result<Json> to_json(const alerts::Alert& alert,
                                     const alerts::Snoozes& snoozes) const;
};

}  // namespace rabt::api
