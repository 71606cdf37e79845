#include "hub/consultation/sessions/second_proof.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "hub/base/bytes.hpp"
#include "hub/consultation/acts/desk.hpp"
#include "hub/consultation/rows/session_lane.hpp"
#include "hub/crypto/crypto.hpp"

namespace rabt::consultation {

namespace {

Error locked() {
  return conflict(
      "invitation.locked",
      "too many proofs of this link were wrong, or too many codes or requests were asked "
      "for; call the hospital, which can send the link again");
}

Error wrong() {
  return denied("invitation.wrong_proof",
                "the proof is not the one of this visit; after five wrong ones the link is locked");
}

Error none_is_good() {
  return conflict("invitation.no_code",
                  "no code and no request is good for this link now; ask for a new one");
}

constexpr std::string_view kCode = "code";
constexpr std::string_view kIdentity = "identity";
constexpr std::string_view kBirthDate = "birth_date";

// Begins ProofRow::code of a request in an app, also after the request is spent.
constexpr std::string_view kOfApp = "identity:";
bool is_of_app(const ProofRow& row) {
  return row.code.starts_with(kOfApp);
}
void spend(ProofRow& row) {
  row.code = is_of_app(row) ? std::string(kOfApp) : std::string();
}
bool is_too_soon(const ProofRow& row, Timestamp now) {
  return row.sent_ms > 0 && now.ms < row.sent_ms + SecondProof::kAgainMs;
}
// True while a code, or the request whose code it is, opens the link.
bool is_good(const ProofRow& row, std::string_view request, Timestamp now) {
  if (row.expires_ms < now.ms) return false;
  if (request.empty()) return !row.code.empty() && !is_of_app(row);
  return constant_time_equal(as_bytes(row.code), as_bytes(request));
}

CodeSentView times_of(const ProofRow& row) {
  return {.expires = {row.expires_ms}, .again = {row.sent_ms + SecondProof::kAgainMs}};
}

}  // namespace

Result<std::vector<std::string>> SecondProof::offered(const Taken& of) const {
  const LinkSettings& links = acts_.parts().links;
  std::vector<std::string> names;
  if (links.by_code && codes_ != nullptr && codes_->sends_codes()) names.emplace_back(kCode);
  const Participant* const one = of.session.participant(of.invitation.participant);
  if (links.by_identity && one != nullptr && app_.is_bound()) {
    // Without a record there is no number to ask about; the other proofs stand.
    const auto subject = app_.subject_of(of.session, *one);
    if (subject.ok() && *subject) names.emplace_back(kIdentity);
  }
  if (links.by_birth_date) names.emplace_back(kBirthDate);
  return names;
}

ProofKey SecondProof::key_of(const Taken& of) const {
  return {.tenant = acts_.parts().tenant,
          .invitation = of.invitation.id,
          .generation = of.invitation.generation};
}

Result<ProofRow> SecondProof::row_of(const Taken& of) const {
  ProofRow row;
  RABT_TRY_STATUS(acts_.parts().store.read([&](store::Connection& connection) -> Status {
    RABT_TRY(found, find_proof(connection, key_of(of)));
    row = std::move(found);
    return ok_status();
  }));
  return row;
}

Result<std::string> SecondProof::index_of(const Taken& of, std::string_view given) const {
  RABT_TRY(lease, acts_.parts().keys.lease(acts_.parts().tenant));
  return lease.blind_index(
      "session.proof",
      of.invitation.id + ":" + std::to_string(of.invitation.generation) + ":" + std::string(given));
}

Result<bool> SecondProof::is_birth_date(const Taken& of, std::string_view date) const {
  const Participant* const one = of.session.participant(of.invitation.participant);
  if (one == nullptr || one->person.empty()) return false;
  RABT_TRY(person, acts_.parts().directory.find(acts_.parts().tenant, one->person));
  const std::string birth_date = person.profile.string_or("birthDate", "");
  return !birth_date.empty() && constant_time_equal(as_bytes(birth_date), as_bytes(date));
}

void SecondProof::ask_desk(const Taken& of, const std::string& title) const {
  consultation::ask_desk(
      acts_.parts(), of.session,
      {.title = title,
       .participant = of.invitation.participant,
       .key = of.invitation.id + "/" + std::to_string(of.invitation.generation)});
}

Result<std::string> SecondProof::draw(const Taken& of, ProofRow& row) {
  const SessionParts& parts = acts_.parts();
  std::array<std::uint8_t, 8> drawn{};
  parts.random.fill(drawn);
  std::uint64_t number = 0;
  for (const std::uint8_t byte : drawn) number = number << 8U | byte;
  const std::string text = std::to_string(1'000'000 + number % 1'000'000).substr(1);
  RABT_TRY(index, index_of(of, text));
  const Timestamp now = parts.clock.now();
  std::optional<std::string> digits;
  bool over = false;
  const store::Lane lane = lane_of(of.session.id);
  RABT_TRY_STATUS(parts.store.write(lane, [&](store::Transaction& transaction) -> Status {
    digits.reset();
    RABT_TRY(before, find_proof(transaction, key_of(of)));
    row = before;
    over = before.tries >= kMostTries;
    if (over || (!is_of_app(before) && is_too_soon(before, now))) return ok_status();
    over = before.sent >= kMostCodes;
    if (over) return ok_status();
    row.code = index;
    row.expires_ms = now.ms + kCodeMs;
    row.sent_ms = now.ms;
    ++row.sent;
    digits = text;
    return put_proof(transaction, key_of(of), before, row);
  }));
  if (over) {
    ask_desk(of, "invitation.locked");
    return locked();
  }
  return digits.value_or("");
}

Result<CodeSentView> SecondProof::send_code(const Taken& of) {
  const SessionParts& parts = acts_.parts();
  const Participant* const one = of.session.participant(of.invitation.participant);
  const auto no_phone = [&](const char* title = "invitation.no-phone") -> Error {
    ask_desk(of, title);
    return conflict("invitation.no_phone",
                    "the record has no telephone that a code could be sent to; call the hospital");
  };
  if (one == nullptr || one->person.empty()) return no_phone();
  ProofRow row;
  RABT_TRY(digits, draw(of, row));
  if (digits.empty()) return times_of(row);
  const std::string name =
      "/" + std::to_string(of.invitation.generation) + "." + std::to_string(row.sent_ms);
  const auto sent = codes_->send_code(of.session, *one, {.digits = digits, .name = name});
  if (sent.ok() && *sent == "sent") return times_of(row);
  // A code that nobody got is none; the next one needs no waiting.
  const store::Lane lane = lane_of(of.session.id);
  RABT_TRY_STATUS(parts.store.write(lane, [&](store::Transaction& transaction) -> Status {
    RABT_TRY(before, find_proof(transaction, key_of(of)));
    if (before.code != row.code) return ok_status();
    ProofRow without = before;
    without.code.clear();
    without.sent_ms = 0;
    if (!sent.ok() && sent.error().code == kTooManyMessages) --without.sent;
    return put_proof(transaction, key_of(of), before, without);
  }));
  if (!sent.ok()) return sent.error();
  if (*sent == "no_phone") return no_phone();
  if (*sent == "no_guardian") return no_phone("patient.no-guardian");
  return unavailable("message.not_sent", "the message gateway refused the message with the code");
}

Result<std::int64_t> SecondProof::count_request(const Taken& of) {
  const SessionParts& parts = acts_.parts();
  const Timestamp now = parts.clock.now();
  std::int64_t place = 0;
  bool over = false;
  bool soon = false;
  const store::Lane lane = lane_of(of.session.id);
  RABT_TRY_STATUS(parts.store.write(lane, [&](store::Transaction& transaction) -> Status {
    RABT_TRY(before, find_proof(transaction, key_of(of)));
    over = before.tries >= kMostTries;
    soon = !over && is_of_app(before) && is_too_soon(before, now);
    if (over || soon) return ok_status();
    over = before.sent >= kMostCodes;
    if (over) return ok_status();
    ProofRow row = before;
    place = ++row.sent;
    return put_proof(transaction, key_of(of), before, row);
  }));
  if (soon)
    return unavailable("rate.identity", "the app was asked within the last minute; wait a minute");
  if (!over) return place;
  ask_desk(of, "invitation.locked");
  return locked();
}

Status SecondProof::uncount_request(const Taken& of) {
  return acts_.parts().store.write(lane_of(of.session.id),
                                   [&](store::Transaction& transaction) -> Status {
                                     RABT_TRY(before, find_proof(transaction, key_of(of)));
                                     if (before.sent == 0) return ok_status();
                                     ProofRow row = before;
                                     --row.sent;
                                     return put_proof(transaction, key_of(of), before, row);
                                   });
}

Result<ProofRow> SecondProof::keep_request(const Taken& of, const IdentityApp::Request& request) {
  const SessionParts& parts = acts_.parts();
  RABT_TRY(index, index_of(of, request.id));
  const Timestamp now = parts.clock.now();
  ProofRow row;
  RABT_TRY_STATUS(
      parts.store.write(lane_of(of.session.id), [&](store::Transaction& transaction) -> Status {
        RABT_TRY(before, find_proof(transaction, key_of(of)));
        row = before;
        row.code = std::string(kOfApp) + index;
        row.expires_ms = std::min(request.expires_ms, now.ms + kCodeMs);
        row.sent_ms = now.ms;
        return put_proof(transaction, key_of(of), before, row);
      }));
  return row;
}

Result<IdentityAskedView> SecondProof::ask_app(const Taken& of) {
  const Participant* const one = of.session.participant(of.invitation.participant);
  std::optional<IdentityApp::Subject> subject;
  if (one != nullptr) {
    RABT_TRY(found, app_.subject_of(of.session, *one));
    subject = std::move(found);
  }
  if (!subject)
    return conflict("invitation.no_identity",
                    "the record has no national id or residence permit that an app could be asked "
                    "about; give another proof, or call the hospital");
  RABT_TRY(place, count_request(of));
  const std::string name = of.invitation.id + "/" + std::to_string(of.invitation.generation) + "/" +
                           std::to_string(place) + "/" +
                           std::to_string(acts_.parts().clock.now().ms);
  const auto asked = app_.ask(of.session, *subject, name);
  if (!asked.ok()) {
    if (asked.error().kind == ErrorKind::ambiguous)
      return unavailable(asked.error().code, asked.error().message);
    RABT_TRY_STATUS(uncount_request(of));
    return asked.error();
  }
  RABT_TRY(row, keep_request(of, *asked));
  return IdentityAskedView{.request = asked->id,
                           .number = asked->number,
                           .expires = {row.expires_ms},
                           .again = {row.sent_ms + kAgainMs}};
}

Result<SecondProof::Verdict> SecondProof::verdict_of(const Taken& of, const std::string& request,
                                                     const std::string& code) const {
  RABT_TRY(row, row_of(of));
  if (row.tries >= kMostTries) return locked();
  const Participant* const one = of.session.participant(of.invitation.participant);
  if (one == nullptr || !is_good(row, code, acts_.parts().clock.now())) return none_is_good();
  RABT_TRY(subject, app_.subject_of(of.session, *one));
  if (!subject) return none_is_good();
  RABT_TRY(approval, app_.approval(of.session, *subject, request));
  switch (approval.state) {
    case IdentityApp::State::pending:
      return conflict(std::string(kIdentityPending),
                      "the person has not answered in the app; ask again in a few seconds");
    case IdentityApp::State::over:
      return Verdict::over;
    case IdentityApp::State::refused:
      return Verdict::wrong;
    case IdentityApp::State::approved:
      break;
  }
  return constant_time_equal(as_bytes(approval.number), as_bytes(subject->number)) ? Verdict::right
                                                                                   : Verdict::wrong;
}

Result<std::string> SecondProof::check(const Taken& of, const GivenProof& given) {
  if (given.none()) {
    RABT_TRY(row, row_of(of));
    if (row.tries >= kMostTries) return locked();
    return conflict("invitation.second_proof",
                    "the link was opened before, in another browser or on another device; a second "
                    "proof opens it here");
  }
  RABT_TRY(proofs, offered(of));
  const bool by_app = !given.identity_request.empty();
  const bool by_date = !given.birth_date.empty();
  const std::string name(by_app ? kIdentity : by_date ? kBirthDate : kCode);
  if (std::find(proofs.begin(), proofs.end(), name) == proofs.end())
    return invalid("api.invalid", name + ": this hospital does not take this proof");
  RABT_TRY(index, index_of(of, by_app ? given.identity_request : given.code));
  const std::string request = by_app ? std::string(kOfApp) + index : std::string();
  Verdict told = Verdict::wrong;
  if (by_app) {
    RABT_TRY(verdict, verdict_of(of, given.identity_request, request));
    told = verdict;
  } else if (by_date) {
    RABT_TRY(is_date, is_birth_date(of, given.birth_date));
    told = is_date ? Verdict::right : Verdict::wrong;
  }
  const Timestamp now = acts_.parts().clock.now();
  std::optional<Error> refusal;
  bool last = false;
  const store::Lane lane = lane_of(of.session.id);
  RABT_TRY_STATUS(acts_.parts().store.write(lane, [&](store::Transaction& transaction) -> Status {
    refusal.reset();
    last = false;
    RABT_TRY(before, find_proof(transaction, key_of(of)));
    if (before.tries >= kMostTries) {
      refusal = locked();
      return ok_status();
    }
    if (!by_date && !is_good(before, request, now)) {
      refusal = none_is_good();
      return ok_status();
    }
    const bool right = by_app || by_date
                           ? told == Verdict::right
                           : constant_time_equal(as_bytes(before.code), as_bytes(index));
    ProofRow row = before;
    if (right) {
      // Codes that were sent still count.
      row.tries = 0;
    } else if (told == Verdict::over) {
      refusal = none_is_good();
    } else {
      refusal = wrong();
      last = ++row.tries >= kMostTries;
    }
    // The app tells of a request once.
    if (right || last || by_app) spend(row);
    return put_proof(transaction, key_of(of), before, row);
  }));
  if (last) ask_desk(of, "invitation.locked");
  if (refusal) return *std::move(refusal);
  return name;
}

}  // namespace rabt::consultation
