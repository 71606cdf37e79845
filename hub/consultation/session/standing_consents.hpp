#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "hub/base/json.hpp"
#include "hub/base/result.hpp"

// Consents and refusals in a session: words of each person, and what stands of them. Pure.
namespace rabt::consultation {

struct Participant;
struct Session;

// Name in consents of a guest who speaks for himself: "guest:01J...".
[[nodiscard]] std::string guest_actor(std::string_view participant);
// True if both are one person: by the account, or, for two guests, by a name, an address or an id.
[[nodiscard]] bool is_same_person(const Participant& participant, const Participant& other);
// True for a refusal, and for a consent that was not given by a link, or whose link is still held
// by the browser that gave it. A consent that does not count is nobody's word.
[[nodiscard]] bool still_counts(const Session& session, const Json& consent);
// Latest consent of a kind by `by`, as consents name him, about the participant, or about
// nobody in particular when that is empty. Null without one.
[[nodiscard]] const Json* latest_word(const Session& session, std::string_view kind,
                                      std::string_view by, std::string_view participant);
// Consents by which somebody refuses for himself, and has not taken it back, oldest first. Only his
// account takes back what was said under it; what was said by a link, the same participant's link,
// or the account that this participant was booked for.
[[nodiscard]] std::vector<Json> own_refusals(const Session& session, std::string_view kind);
// True for a consent that the patient gave or refused himself, by his account or his link.
[[nodiscard]] bool is_patients_word(const Session& session, const Json& consent);
// True if the patient himself has said no, and has not taken it back.
[[nodiscard]] bool patient_refused(const Session& session, std::string_view kind);
// True if the patient's consent of a kind stands: given last, and not refused by the patient
// himself, whose own no he alone takes back. Others' consents for themselves do not count.
[[nodiscard]] bool consent_stands(const Session& session, std::string_view kind);
// True if the patient himself has said no, or if a no was said or written down last.
[[nodiscard]] bool consent_refused(const Session& session, std::string_view kind);
// True for a relative who was put out while the patient's no stands. A guest is known by a name, an
// address or an id.
[[nodiscard]] bool is_unwanted_relative(const Session& session, const Participant& coming);
// True if somebody has refused that words are kept, and holds to it: himself, or a guest for whom a
// host wrote it down last.
[[nodiscard]] bool words_refused(const Session& session);
// Error conflict consent.transcription_missing unless everybody who was in the call has said so for
// himself, and has not taken it back. A host says it for a guest who has not refused himself.
[[nodiscard]] Status may_be_transcribed(const Session& session);

}  // namespace rabt::consultation
