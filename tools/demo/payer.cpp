#include "tools/demo/payer.hpp"

namespace rabt::demo {

Result<Json> Payer::faults(const std::string& method, const Json& rules) {
  return http_.json(method, control_url_ + "/faults/nphies", {{"Content-Type", "application/json"}},
                    method == "GET" ? std::string() : rules.dump());
}

Status Payer::go_away() {
  RABT_TRY_STATUS(
      faults("PUT", Json::array({Json::object({{"fault", "status"}, {"status", 503}})})));
  left_ = std::chrono::steady_clock::now();
  return ok_status();
}

Status Payer::come_back() {
  RABT_TRY(rules, faults("GET", {}));
  const std::int64_t missed = rules[0].int_or("fired", 0);
  if (missed == 0) return unavailable("demo.waits", "nobody has asked the payer yet");
  RABT_TRY_STATUS(faults("PUT", Json::array()));
  returned_ = std::chrono::steady_clock::now();
  missed_ = missed;
  return ok_status();
}

double Payer::seconds() const {
  return std::chrono::duration<double>(returned_ - left_).count();
}

}  // namespace rabt::demo
