#pragma once

#include <map>
#include <string>

#include "hub/base/clock.hpp"
#include "hub/base/json.hpp"
#include "hub/base/random.hpp"
#include "hub/base/result.hpp"
#include "hub/net/local_http.hpp"

// The people of the demonstration, as a hospital would enter them: accounts with passwords, and
// tokens as a system that signs its users in by itself would issue them.
namespace rabt::demo {

// The claim `iss` of the demonstration's tokens.
inline constexpr std::string_view kDemoIssuer = "rabt-demo";

class People {
 public:
  // secret: of the tokens, as the hub's configuration has it. api_token: of the hub.
  People(std::string hub_url, std::string api_token, std::string secret, const Clock& clock,
         Random& random);
  // Makes admin, doctor, doctor2, nurse, patient and patient2, each with a password that nobody
  // else knows, the administrator with codes by time. Errors: those of the hub's answers.
  [[nodiscard]] Status enter();

  // Makes the doctor and the patient whom a booking names, under these names, with the identifiers
  // that the booking knows them by. They have tokens and no passwords.
  [[nodiscard]] Status enter_booked(const std::string& booking_body, const std::string& doctor,
                                    const std::string& patient);

  // Calls the API as one of them. Gives the body of a 2xx answer. key: tells a repeat; may be
  // empty.
  [[nodiscard]] Result<Json> as(const std::string& who, const std::string& method,
                                const std::string& path, const Json& body = {},
                                const std::string& key = {});
  // Opens the link of an invitation in a browser, which needs no account. Gives its cookie. key:
  // tells a repeat; may be empty.
  [[nodiscard]] Result<std::string> open_link(const std::string& link, const std::string& key = {});
  // Calls the API as the browser that holds the cookie. key: as above.
  [[nodiscard]] Result<Json> as_guest(const std::string& cookie, const std::string& method,
                                      const std::string& path, const Json& body = {},
                                      const std::string& key = {});
  // Makes `as` call the API for `who` as the browser that holds the cookie.
  void know_guest(const std::string& who, std::string cookie) { guests_[who] = std::move(cookie); }
  [[nodiscard]] bool knows(const std::string& who) const { return people_.contains(who); }
  // Takes over the doctor and the patient of a list() of another object, with tokens of now.
  [[nodiscard]] Status know(const Json& list);
  [[nodiscard]] const Json& of(const std::string& who) const { return people_.at(who); }
  // {"admin": {token, username, password, totp, id, uuid, number}, ...}
  [[nodiscard]] Json list() const;
  [[nodiscard]] Json issuer() const;

 private:
  [[nodiscard]] Result<Json> call(const std::string& token, const std::string& method,
                                  const std::string& path, const Json& body,
                                  const std::string& key = {});
  [[nodiscard]] Status enter_resource(const std::string& who, std::string_view role,
                                      const Json& resource);
  [[nodiscard]] Status enter(const std::string& who, Json profile);
  // A token of the hub's own sign-in, and the secret of codes by time, in base 32, that the person
  // has from now on.
  struct Enrolled {
    std::string token;
    Json totp;
  };
  [[nodiscard]] Result<Enrolled> enrol(const std::string& who, const std::string& password);
  [[nodiscard]] Result<std::string> token_of(const Json& person, std::string_view role) const;

  const std::string hub_url_;
  const std::string api_token_;
  const std::string secret_;
  const Clock& clock_;
  Random& random_;
  net::LocalHttp http_;
  std::map<std::string, Json> people_;
  // Cookies of those who came by a link.
  std::map<std::string, std::string> guests_;
};

}  // namespace rabt::demo
