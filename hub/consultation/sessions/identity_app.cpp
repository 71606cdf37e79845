#include "hub/consultation/sessions/identity_app.hpp"

#include <algorithm>
#include <utility>

#include "hub/base/bytes.hpp"
#include "hub/consultation/acts/guardian.hpp"
#include "hub/consultation/acts/outside_call.hpp"
#include "hub/crypto/crypto.hpp"
#include "hub/identity/profile.hpp"

namespace rabt::consultation {

namespace {

constexpr std::string_view kRole = "identity";
constexpr std::string_view kStart = "identity.verification.start";
constexpr std::string_view kGet = "identity.verification.get";
constexpr std::string_view kVersion = "1.0.0";
// A person waits before the page.
constexpr std::int64_t kAnswerMs = 10'000;
// The page asks for the approval every few seconds: a provider that is slow is asked again, and
// holds the threads of links for no longer.
constexpr std::int64_t kLookMs = 3'000;
constexpr std::int64_t kMoreMs = 500;
constexpr std::size_t kNameDigits = 32;

// The end of the year 9999, in seconds.
constexpr std::int64_t kLatest = 253'402'300'799;

constexpr std::string_view kAway = "identity.unavailable";

Error is_away() {
  return unavailable(std::string(kAway),
                     "the plugin of the role identity did not answer as it should; try again, or "
                     "give another proof");
}

IdentityApp::State state_of(std::string_view status) {
  using State = IdentityApp::State;
  if (status == "approved") return State::approved;
  if (status == "rejected") return State::refused;
  return status == "pending" ? State::pending : State::over;
}

}  // namespace

bool IdentityApp::is_bound() const {
  return parts_.actions.find(kRole, kStart, kVersion).has_value() &&
         parts_.actions.find(kRole, kGet, kVersion).has_value();
}

Result<std::optional<IdentityApp::Subject>> IdentityApp::subject_of(
    const Session& session, const Participant& participant) const {
  using Nobody = std::optional<Subject>;
  if (participant.person.empty()) return Nobody();
  RABT_TRY(by, guarded(parts_, session, participant));
  if (by.child) return Nobody();
  RABT_TRY(person, parts_.directory.find(parts_.tenant, participant.person));
  const Json numbers = identity::numbers_of_the_kingdom(person.profile);
  if (numbers.size() == 0) return Nobody();
  const Json& first = numbers.item(0);
  return Nobody(Subject{.kind = first.string_or("kind", ""),
                        .number = first.string_or("value", ""),
                        .pseudonym = person.pseudonym});
}

plugin::CallRequest IdentityApp::call_of(const Session& session, const Subject& subject,
                                         std::string_view action, std::int64_t answer_ms) const {
  plugin::CallRequest request;
  request.tenant = parts_.tenant;
  request.instance = session.id;
  request.patient = subject.pseudonym;
  request.role = std::string(kRole);
  request.action = std::string(action);
  request.version = std::string(kVersion);
  request.deadline_unix_ms = parts_.clock.now().ms + answer_ms;
  return request;
}

void IdentityApp::note_failure(const Session& session, std::string_view code) const {
  parts_.log.warn("identity.failed", {{"session", session.id}, {"code", code}});
}

Result<IdentityApp::Request> IdentityApp::ask(const Session& session, const Subject& subject,
                                              const std::string& name) const {
  const std::string key = to_hex(crypto::sha256(name)).substr(0, kNameDigits);
  plugin::CallRequest request = call_of(session, subject, kStart, kAnswerMs);
  // HL7 v2-0203
  request.arguments = Json::object(
      {{"identifier", Json::object({{"type", subject.kind == "national_id" ? "NI" : "PRC"},
                                    {"value", subject.number}})},
       {"purpose", "login"},
       {"reference", key},
       {"language", session.options.language}});
  request.idempotency_key = key;
  RABT_TRY_STATUS(note_disclosure(parts_, session, request, kRole));
  const auto outcome = call_outside(parts_.actions, request, kAnswerMs + kMoreMs);
  if (!outcome || outcome->kind == workflow::OutcomeKind::ambiguous) {
    note_failure(session, outcome ? std::string_view(outcome->code) : kAway);
    return ambiguous(std::string(kAway), is_away().message);
  }
  if (outcome->kind == workflow::OutcomeKind::permanent) {
    note_failure(session, outcome->code);
    return conflict("invitation.no_identity",
                    "the identity provider did not take the request: it does not know the number "
                    "of the record, or another request is open in the app; give another proof, or "
                    "call the hospital");
  }
  if (outcome->kind != workflow::OutcomeKind::done) {
    note_failure(session, outcome->code);
    return is_away();
  }
  const std::int64_t expires = outcome->output.int_or("expiresAt", 0);
  return Request{.id = outcome->output.string_or("verificationId", ""),
                 .number = outcome->output.string_or("challenge", ""),
                 .expires_ms = std::clamp<std::int64_t>(expires, 0, kLatest) * 1'000};
}

Result<IdentityApp::Approval> IdentityApp::approval(const Session& session, const Subject& subject,
                                                    const std::string& id) const {
  plugin::CallRequest request = call_of(session, subject, kGet, kLookMs);
  request.arguments = Json::object({{"verificationId", id}});
  request.idempotency_key = parts_.ids.next().text();
  const auto outcome = call_outside(parts_.actions, request, kLookMs + kMoreMs);
  if (!outcome || outcome->kind != workflow::OutcomeKind::done) {
    note_failure(session, outcome ? std::string_view(outcome->code) : kAway);
    return is_away();
  }
  Approval approval{.state = state_of(outcome->output.string_or("status", ""))};
  if (approval.state != State::approved) return approval;
  approval.number = outcome->output["person"]["identifier"].string_or("value", "");
  if (!approval.number.empty()) return approval;
  note_failure(session, "person");
  return is_away();
}

}  // namespace rabt::consultation
