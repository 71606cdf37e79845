#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "hub/base/json.hpp"
#include "tests/acceptance/description.hpp"
#include "tests/e2e/support.hpp"

// One hub with the stand-ins, and the people who play the documented calls of other systems against
// it: their tokens are minted here, as those systems mint theirs.
namespace rabt::acceptance {

struct Answer {
  int status = 0;
  std::string body;
  // Null when the body is no JSON.
  Json json;
  std::vector<std::pair<std::string, std::string>> headers{};
  [[nodiscard]] const Json& operator[](std::string_view name) const { return json[name]; }
  [[nodiscard]] std::string text(std::string_view name) const { return json.string_or(name, ""); }
  [[nodiscard]] std::string header(std::string_view name) const;
};

struct Person {
  std::string role;
  std::string token;
  std::string id;
  std::string uuid;
  std::int64_t number = 0;
  // Cookie of a guest's browser, used in place of a token.
  std::string cookie;
};

struct HospitalOptions {
  // YAML that follows the configuration.
  std::string more{};
  // Names of shipped workflows that run, in place of the one of a booking.
  std::vector<std::string> workflows{};
  // Members of `doors.kiorex`, and of the others.
  std::string kiorex = "cors: ['https://app.example.sa'], rate: 0";
  std::string pulseone = "naive_time_zone: Asia/Riyadh, rate: 0";
  std::string clinicvault = "rate: 0";
  // With a folder that keeps checkpoints of the audit log.
  bool anchored = false;
  // With Kind::edge no role has a plugin, and there are no stand-ins.
  e2e::Kind kind = e2e::Kind::whole;
  // With the limits that a hub has by itself, but those of the doors.
  bool default_limits = false;
};

// AD admin, D and D2 doctors, P and P2 patients, N nurse; "-" shows no token.
class Hospital {
 public:
  explicit Hospital(const HospitalOptions& options = {});
  // The one of this program, which the tests share; starts with its first use.
  static Hospital& get();

  [[nodiscard]] const Person& person(std::string_view who) { return people_.at(std::string(who)); }
  [[nodiscard]] std::string uuid(std::string_view who) { return person(who).uuid; }
  [[nodiscard]] std::int64_t number(std::string_view who) { return person(who).number; }

  [[nodiscard]] Answer call(std::string_view who, const std::string& method,
                            const std::string& path, const Json& body = {},
                            std::vector<std::pair<std::string, std::string>> headers = {});
  [[nodiscard]] Answer get(std::string_view who, const std::string& path) {
    return call(who, "GET", path);
  }
  [[nodiscard]] Answer post(std::string_view who, const std::string& path,
                            const Json& body = Json::object()) {
    return call(who, "POST", path, body);
  }
  // A token as the other system signs it, `later` seconds from now. seconds: how long it is good.
  [[nodiscard]] std::string mint(const std::string& subject, const std::string& role,
                                 std::string_view secret = kSecret, std::int64_t seconds = 3600,
                                 std::int64_t later = 0) const;
  // Somebody more, whom no other test meets; `call` knows him by this name from then on.
  void enter(const std::string& who, const std::string& role);
  // The security officer confirms the requests for this act that wait for a second person.
  void confirm(const std::string& act);
  // Opens the link of an invitation in a browser of its own; `call` knows it by this name from then
  // on. Gives the answer.
  Answer come_by_link(const std::string& who, const std::string& code);
  // Waits until the provider confirms that it records the session. at: the session's path below
  // /api/v1. A stretch that ends before the provider was asked has nothing in it.
  void wait_for_recording(const std::string& at);
  // Another token of somebody who has signed out, issued `later` seconds from now: after he was
  // signed out everywhere, none of this second is good.
  void renew(const std::string& who, std::int64_t later = 0);
  e2e::Site site;

  // Of the tokens of these people.
  static constexpr std::string_view kSecret = "kq3Yw0bTzR8uN5vXc1LmPd7hJg2sFa9E";

 private:
  // Compares the answer with the description of its operation; a failed expectation for each
  // difference.
  void compare(const std::string& method, const std::string& path, const Answer& answer);

  std::map<std::string, Person> people_;
  // Descriptions of the other systems' APIs, as this hub gives them; read when first needed.
  std::vector<std::unique_ptr<Description>> doors_;
  // Tells tokens of one second apart.
  mutable int minted_ = 0;
};

// Fails with the answer when its status is another one.
void expect_status(const Answer& answer, int status, const char* file, int line);
#define RABT_EXPECT_STATUS(answer, wanted) \
  ::rabt::acceptance::expect_status((answer), (wanted), __FILE__, __LINE__)

// Waits until something that only has to happen has happened.
[[nodiscard]] bool eventually(const std::function<bool()>& happened);

// Calls of Kiorex' clients, at the hospital of this program.
namespace kiorex {

Hospital& h();
// The body of a session of D with P.
Json booking(const Json& more = Json::object());
// The id of such a session: one that is planned, one that has begun, one that is over.
std::string made(const Json& more = Json::object());
std::string active();
std::string ended();
std::string path(const std::string& id, const std::string& act = "");

}  // namespace kiorex

}  // namespace rabt::acceptance
