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
  return conflict("invitation.locked",
                  "too many proofs of this link were wrong, or too many codes were asked for; call "
                  "the hospital, which can send the link again");
}

Error wrong() {
  return denied("invitation.wrong_proof",
                "the proof is not the one of this visit; after five wrong ones the link is locked");
}

CodeSentView times_of(const ProofRow& row) {
  return {.expires = {row.expires_ms}, .again = {row.sent_ms + SecondProof::kAgainMs}};
}

}  // namespace

std::vector<std::string> SecondProof::offered() const {
  const LinkSettings& links = acts_.parts().links;
  std::vector<std::string> names;
  if (links.by_code && codes_ != nullptr && codes_->sends_codes()) names.emplace_back("code");
  if (links.by_birth_date) names.emplace_back("birth_date");
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

Result<std::string> SecondProof::index_of(const Taken& of, std::string_view digits) const {
  RABT_TRY(lease, acts_.parts().keys.lease(acts_.parts().tenant));
  return lease.blind_index("session.proof", of.invitation.id + ":" +
                                                std::to_string(of.invitation.generation) + ":" +
                                                std::string(digits));
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
    if (over || (before.sent_ms > 0 && now.ms < before.sent_ms + kAgainMs)) return ok_status();
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

Result<std::string> SecondProof::check(const Taken& of, const GivenProof& given) {
  const std::vector<std::string> proofs = offered();
  const std::string name = given.birth_date.empty() ? "code" : "birth_date";
  if (given.none()) {
    RABT_TRY(row, row_of(of));
    if (row.tries >= kMostTries) return locked();
    return conflict("invitation.second_proof",
                    "the link was opened before, in another browser or on another device; a second "
                    "proof opens it here");
  }
  if (std::find(proofs.begin(), proofs.end(), name) == proofs.end())
    return invalid("api.invalid", name + ": this hospital does not take this proof");
  RABT_TRY(index, index_of(of, given.code));
  RABT_TRY(is_date, is_birth_date(of, given.birth_date));
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
    const bool by_code = name == "code";
    if (by_code && (before.code.empty() || before.expires_ms < now.ms)) {
      refusal =
          conflict("invitation.no_code", "no code is good for this link now; ask for a new one");
      return ok_status();
    }
    const bool right =
        by_code ? constant_time_equal(as_bytes(before.code), as_bytes(index)) : is_date;
    ProofRow row = before;
    if (!right) {
      refusal = wrong();
      last = ++row.tries >= kMostTries;
    } else {
      // Codes that were sent still count.
      row.tries = 0;
    }
    if (right || last) row.code.clear();
    return put_proof(transaction, key_of(of), before, row);
  }));
  if (last) ask_desk(of, "invitation.locked");
  if (refusal) return *std::move(refusal);
  return name;
}

}  // namespace rabt::consultation
