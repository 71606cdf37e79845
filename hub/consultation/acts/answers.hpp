#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "hub/consultation/acts/session_view.hpp"
#include "hub/consultation/session/decide.hpp"
#include "hub/consultation/session/membership.hpp"
#include "hub/identity/people.hpp"

// Sessions as callers get to see them.
namespace rabt::consultation {

// A member of an answer that may be missing: null for an empty text, and for no time.
[[nodiscard]] Json text_or_null(const std::string& text);
[[nodiscard]] Json time_or_null(const std::optional<std::int64_t>& ms);

// Extent of what the caller may see.
struct Sight {
  // Patient data of the session: complaint, notes, context.
  bool clinical = false;
  // Names and what is known of guests.
  bool names = false;
  // Consents of everybody, and not the caller's own alone: for who was let in, and for offices.
  bool consents = false;
  // The caller. May be empty.
  std::string person;
  // The participant of a guest. Empty for everybody else.
  std::string participant;
};
[[nodiscard]] Sight sight_of(const Session& session, const Actor& who, bool with_reason);

// Records of persons, looked up once each. Not thread-safe.
class Names {
 public:
  Names(identity::Directory& directory, std::string_view tenant)
      : directory_(directory), tenant_(tenant) {}
  // A person's record in the words of a participant: name, preferredLanguage, saudiResident,
  // gender, genderPreference. Members that it does not have are null, all when the person is
  // unknown.
  [[nodiscard]] const Json& of(const std::string& person);

 private:
  identity::Directory& directory_;
  std::string tenant_;
  std::map<std::string, Json> known_;
};

[[nodiscard]] SessionView session_view(const Session& session, const Sight& sight, Names& names,
                                       Timestamp now);
// A consent as answers have it, and those of the session that the caller sees.
[[nodiscard]] Json consent_json(const Json& consent);
[[nodiscard]] Json consents_json(const Session& session, const Sight& sight);
[[nodiscard]] ParticipantView participant_view(const Session& session,
                                               const Participant& participant, const Sight& sight,
                                               Names& names, Timestamp now);
// Without what other services add.
[[nodiscard]] SummaryView summary_view(const Session& session, const Sight& sight, Names& names,
                                       Timestamp now);
[[nodiscard]] Membership membership_of(const Session& session, const Actor& who, Timestamp now);

}  // namespace rabt::consultation
