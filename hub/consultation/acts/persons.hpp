#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/base/json.hpp"
#include "hub/base/result.hpp"
#include "hub/consultation/acts/desk.hpp"
#include "hub/consultation/request/caller.hpp"
#include "hub/consultation/rows/parts.hpp"
#include "hub/consultation/session/decide.hpp"
#include "hub/consultation/session/input.hpp"

namespace rabt::consultation {

// Numbers of somebody whom a booking names. That of the reference may have a system that was
// guessed: it is left out where the same number stands among the others.
[[nodiscard]] Json stated_numbers(const Json& reference, const Json& numbers);

// Inside the job that writes the session: writes the record of a patient whom it enters.
[[nodiscard]] Status write_record(store::Transaction& transaction,
                                  const identity::PreparedPerson& record);
// True for the outcome of such a job when another record has one of the numbers.
template <typename T>
[[nodiscard]] bool is_entered_already(const Result<T>& written) {
  return !written.ok() && written.error().code == "person.taken";
}

// People of sessions, as the directory knows them now. Immutable, any thread.
class Persons {
 public:
  explicit Persons(const SessionParts& parts) : parts_(parts) {}

  // A participant who is ready to take part but for his number and admission. person: empty for a
  // guest.
  [[nodiscard]] Participant participant(PartRole role, const std::string& person, Json guest) const;
  // The same of whom a request describes. field: a prefix, "organizer.".
  [[nodiscard]] Result<Participant> participant(const Actor& who, const ParticipantInput& input,
                                                Mistakes& mistakes, const std::string& field) const;
  enum class Enters : std::uint8_t { whoever_is_unknown, nobody };
  // Record that a booking enters.
  using NewRecord = std::optional<identity::PreparedPerson>;
  // Finds the patient of a hospital's booking, by `clinic.booked_patients`. A participant whose
  // number leads to nobody gets a new record, which the job that writes the session has to write,
  // too: its conflict person.taken means that somebody else was quicker, or that a record has the
  // number in a way that leads to nobody; the booking is settled again with Enters::nobody. Nothing
  // happens for other participants, for numbers that contradict a record, and for callers who are
  // no system. session: its ULID. guardians: as the booking says, or null. Error invalid
  // patient.unknown: the tenant refuses the patient, and the desk is asked.
  [[nodiscard]] Result<NewRecord> settle(const Caller& caller, const std::string& session,
                                         const Json& guardians, Enters enters,
                                         Participant& participant) const;
  // Asks the desk who the people of a booking are, where it is in doubt: the same question once.
  void ask_who(const Caller& caller, const Session& session) const;
  // True if a message that names none of the patient's numbers is surely about somebody else than
  // the patient of the session: it tells another sex or day of birth, or its numbers lead to one
  // other record, which does not contradict it and has another sex or day of birth than the
  // patient. False where that is in doubt, as with two records of one patient. said: {gender,
  // birthDate}, what the message tells of them; numbers: {system, value}, at least one.
  [[nodiscard]] Result<bool> is_somebody_else(const Session& session, const Json& said,
                                              const Json& numbers) const;
  // The command by which a person takes up an invitation.
  [[nodiscard]] Result<AcceptInvitation> accepting(const Session& session,
                                                   const Invitation& invitation,
                                                   const std::string& person) const;
  // The person who comes, with the id of the participant as whom a booking named him; unchanged
  // when it did not.
  [[nodiscard]] Result<Participant> as_known(const Session& session, Participant coming) const;
  // True if a booking named the participant, and the person is who it meant.
  [[nodiscard]] Result<bool> is_named_by(const Participant& participant,
                                         std::string_view person) const;
  // The command that gives the participant whom a booking named the account of the person; nothing
  // when the booking named no participant so.
  [[nodiscard]] Result<std::optional<Recognise>> recognised(const Session& session,
                                                            const std::string& person) const;
  // Sets roles, licences and pseudonyms of all who have an account.
  void refresh(Session& session) const;
  // The ULID that a reference names. Empty, with a mistake, when it names nobody.
  [[nodiscard]] Result<std::string> named(const Json& reference, const std::string& field,
                                          Mistakes& mistakes) const;
  // The ULID that a filter names; "-", which is nobody's, when it names nobody.
  [[nodiscard]] Result<std::string> of_filter(std::string_view text) const;
  // warns of preferences that the staff does not meet. They never refuse.
  void warn_preferences(Session& session) const;
  // Random digits in hex.
  [[nodiscard]] std::string hex(std::size_t digits) const;

 private:
  // Both sides of a booking that named the participant by the number of a record that contradicts
  // it, or by numbers of two persons: {booking: {name, gender, birthDate, identifiers}, records:
  // [{person, name, gender, birthDate}]}, patient data. Null where nothing contradicts.
  [[nodiscard]] Result<Json> contradiction(const Participant& participant) const;
  // The record of whoever is entered. Nothing when he cannot be.
  [[nodiscard]] Result<NewRecord> enter(const Caller& caller, const std::string& session,
                                        const Json& guardians,
                                        const Participant& participant) const;
  // Question to the desk about the participant. Nothing where all is clear.
  [[nodiscard]] Result<std::optional<DeskQuestion>> doubt(const Caller& caller,
                                                          const Session& session,
                                                          const Participant& participant) const;
  // The persons to whom the numbers of a booking lead, each once, that of the reference first.
  [[nodiscard]] Result<std::vector<std::string>> records_of(const Json& reference,
                                                            const Json& numbers) const;
  // True if what a booking said of somebody contradicts the record that one of its numbers leads
  // to: whoever is of another sex, born on another day, or has another national id or residence
  // permit, is somebody else. numbers: as of Participant::numbers.
  [[nodiscard]] Result<bool> is_another(const Json& posted, const Json& numbers,
                                        std::string_view person) const;
  // True if one of the numbers is a national id or residence permit, with its check digit, that
  // does not lead to the person, whose record has one of that kind.
  [[nodiscard]] Result<bool> has_another_number(const Json& numbers, std::string_view person) const;
  // Takes what the directory knows of his account: the version of his record, 0 without one.
  std::int64_t look_up(Participant& participant) const;
  // The same of a record in hand.
  std::int64_t take_from(const identity::Person& record, Participant& participant) const;
  [[nodiscard]] identity::Licence licence(const identity::Person& person) const;

  const SessionParts& parts_;
};

}  // namespace rabt::consultation
