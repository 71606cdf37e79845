#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "hub/base/clock.hpp"
#include "hub/base/json.hpp"
#include "hub/base/result.hpp"
#include "hub/identity/people.hpp"
#include "hub/identity/person_store.hpp"
#include "hub/identity/principal.hpp"

// Patients of a hospital's bookings whom nobody had entered.
namespace rabt::identity {

// Patient as a booking describes him. Patient data.
struct Newcomer {
  // name, gender, birthDate, phone, language and guardians of the API's Person, not checked.
  Json said = Json::object();
  // Numbers of the patient, each {system, value}.
  Json numbers = Json::array();
  // ULIDs of the session, and of the workflow's instance that made it; the latter may be empty.
  std::string session;
  std::string instance;
};

// The profile of the record. A member that is none, such as a telephone number of letters, is left
// out. National ids, residence permits and passports become identifiers, other numbers externalIds;
// `enteredBy` names session and instance. Pure. Error invalid person.not_entered: the booking has
// no name or no number, or a national id or residence permit with a wrong check digit, or two of a
// kind. No value is quoted.
[[nodiscard]] Result<Json> profile_of(const Newcomer& newcomer, Timestamp now);

// Internally synchronised; not from inside a read or a job of the store.
class Newcomers {
 public:
  virtual ~Newcomers() = default;
  // Makes ready a record of a patient, for the job that writes the booking: a booking that is
  // refused leaves no record. Changes none that exists. Errors: those of profile_of and of the
  // keys.
  [[nodiscard]] virtual Result<PreparedPerson> prepare(const Caller& caller,
                                                       const Newcomer& newcomer) = 0;
  // Other patients who may be the same human: born on the same day, with the same telephone number
  // or the same number of another kind or authority. By number, at most kMostAlike.
  [[nodiscard]] virtual Result<std::vector<Person>> like(std::string_view tenant,
                                                         const Person& person) = 0;
};

inline constexpr std::size_t kMostAlike = 10;

// In the records of the hub.
class BookedPatients final : public Newcomers {
 public:
  // sign_in_systems: those whose numbers name people who sign in (AccountOptions::issuer_systems).
  // No booking says such a number of anybody: it would sign others in as him.
  BookedPatients(People& people, const Clock& clock, std::vector<std::string> sign_in_systems = {})
      : people_(people), clock_(clock), sign_in_systems_(std::move(sign_in_systems)) {}
  [[nodiscard]] Result<PreparedPerson> prepare(const Caller& caller,
                                               const Newcomer& newcomer) override;
  [[nodiscard]] Result<std::vector<Person>> like(std::string_view tenant,
                                                 const Person& person) override;

 private:
  People& people_;
  const Clock& clock_;
  const std::vector<std::string> sign_in_systems_;
};

}  // namespace rabt::identity
