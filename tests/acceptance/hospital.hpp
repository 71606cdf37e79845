#pragma once

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <string_view>

#include "hub/base/json.hpp"
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
  std::string token;
  std::string id;
  std::string uuid;
  std::int64_t number = 0;
};

// AD admin, D and D2 doctors, P and P2 patients, N nurse; "-" shows no token.
class Hospital {
 public:
  // more: YAML that follows the configuration.
  explicit Hospital(const std::string& more = {});
  // The one of this program; starts with its first use.
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
  [[nodiscard]] std::string mint(const std::string& subject, const std::string& role,
                                 std::string_view secret) const;
  // Somebody more, whom no other test meets; `call` knows him by this name from then on.
  void enter(const std::string& who, const std::string& role);
  e2e::Site site{e2e::Kind::whole};

 private:
  std::map<std::string, Person> people_;
};

// Fails with the answer when its status is another one.
void expect_status(const Answer& answer, int status, const char* file, int line);
#define RABT_EXPECT_STATUS(answer, wanted) \
  ::rabt::acceptance::expect_status((answer), (wanted), __FILE__, __LINE__)

}  // namespace rabt::acceptance
