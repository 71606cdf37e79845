#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "hub/base/json.hpp"
#include "hub/identity/people.hpp"

// People of a session: who takes part, their stays in the call, and invitations. Values; pure.
namespace rabt::consultation {

// Role of a participant in one session.
enum class PartRole : std::uint8_t {
  doctor,
  specialist,
  nurse,
  patient,
  family_member,
  observer,
  admin
};
[[nodiscard]] std::string_view to_string(PartRole role);
// In any case of letters.
[[nodiscard]] std::optional<PartRole> parse_part_role(std::string_view text);

enum class Admission : std::uint8_t { waiting, admitted, denied, removed };
[[nodiscard]] std::string_view to_string(Admission admission);
[[nodiscard]] std::optional<Admission> parse_admission(std::string_view text);

struct Participant {
  // ULID
  std::string id;
  // Counts from 1 in the session.
  std::int64_t number = 0;
  // ULID. Empty for a guest.
  std::string person;
  PartRole role = PartRole::observer;
  // Roles of his account, as the directory knows them while something is decided. Not stored.
  identity::Roles account{};
  // His pseudonym as a patient for the audit log, as account is known. Not stored.
  std::string pseudonym{};
  // The person who brought him in: by creating the session, adding or inviting him. Empty when it
  // was no person.
  std::string brought_by;
  // Pseudonym of the participant at the video provider.
  std::string identity;
  Admission admission = Admission::admitted;
  // Since when the admission is what it is, or when somebody who waits came.
  std::int64_t since_ms = 0;
  // The person who admitted him.
  std::string admitted_by;
  bool bypass = false;
  // Came by an invitation.
  std::string invitation;
  std::string device_type;
  std::string browser_info;
  // unknown, connected, reconnecting, disconnected
  std::string connection = "unknown";
  // Has joined, into the room or the waiting room, and has not left again.
  bool here = false;
  // Joined last on a page of the hub.
  bool by_page = false;
  // Has joined at least once.
  bool was_here = false;
  // When the participant first joined, or stayed, as one who is admitted. Waiting is not being in.
  std::optional<std::int64_t> in_ms;
  // When the participant first asked to join, and when he last left or was put out: a provider may
  // tell of it later, or never.
  std::optional<std::int64_t> came_ms;
  std::optional<std::int64_t> went_ms;
  // When he last came under his account. Older hubs wrote no such time down.
  std::optional<std::int64_t> account_ms;
  // The licence as it was known when the participant came in. For doctors and specialists.
  identity::Licence licence = identity::Licence::missing;
  // As it was posted: externalId, name, phone, email, licenceNumber, department, organization,
  // saudiResident, preferredLanguage, genderPreference, gender; and location and callbackPhone, as
  // said at joining. It belongs to the participant: the record of a person stays as it is. Patient
  // data.
  Json guest = Json::object();
  // {system, value} by which a booking named somebody whom the hub did not know. Null otherwise.
  // Patient data.
  Json reference;
  // All numbers of the patient that the booking had, each {system, value}, while there is a
  // reference: they may lead to two persons. Patient data.
  Json numbers = Json::array();
  // The same members of the person's record, as they were when the session ended. Null before, and
  // for a guest. Patient data.
  Json record;
  // The person whose record it was when the participant was booked, added or invited, and the
  // version of that record. Empty and 0 for whoever had none then, and in what older hubs stored.
  std::string record_of;
  std::int64_t record_version = 0;
  // Had been let in, and waits since somebody opened a link of his anew.
  bool waits_again = false;
  std::int64_t created_ms = 0;

  // May speak, read and be counted: neither denied nor removed.
  [[nodiscard]] bool takes_part() const {
    return admission == Admission::waiting || admission == Admission::admitted;
  }
  [[nodiscard]] bool admitted() const { return admission == Admission::admitted; }
};

// One stay in the call.
struct Stay {
  std::string participant;
  std::string sid;
  std::int64_t joined_ms = 0;
  std::optional<std::int64_t> left_ms;
  // event, reconcile, synthetic
  std::string source;
};

struct Invitation {
  std::string id;
  // ULID of the person, or empty.
  std::string person;
  // phone, email, name of somebody who is no person of the tenant yet. Patient data.
  Json guest = Json::object();
  PartRole role = PartRole::observer;
  // pending, accepted, declined, revoked, expired
  std::string status = "pending";
  std::int64_t expires_ms = 0;
  std::int64_t created_ms = 0;
  std::string created_by;
  // ULID of the person who invited, or empty.
  std::string invited_by;
  // The participant whom it is for. Empty when it makes one.
  std::string participant;
  // The code is derived from it; each time that the invitation is sent again it is one more. 0 when
  // the code was drawn by chance, by a build before 0046.
  std::int64_t generation = 0;
  // It was accepted without an account: a browser holds the visit.
  bool by_link = false;
  // Time at which the browser that holds the visit opened it; 0 when an older hub did not write it
  // down.
  std::int64_t opened_ms = 0;
  // Number of moves of the visit to another browser.
  std::int64_t moved = 0;
  // The generation whose holder has given a code, or an approval in an app, as second proof; 0 when
  // none has. A birth date is known to many, and proves less.
  std::int64_t proven = 0;
  // The person and the version of the record that the proof was about.
  std::string proven_of;
  std::int64_t proven_record = 0;
};

}  // namespace rabt::consultation
