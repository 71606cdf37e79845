#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "hub/consultation/acts/acts.hpp"
#include "hub/consultation/rows/proof_rows.hpp"
#include "hub/consultation/sessions/guest_requests.hpp"
#include "hub/consultation/sessions/identity_app.hpp"

namespace rabt::consultation {

// One-time code for a second device. It leaves in one message alone.
struct OneTimeCode {
  std::string digits;
  // Tells it from other codes of the participant.
  std::string name;
};
// As many messages as may be have gone to a telephone.
inline constexpr std::string_view kTooManyMessages = "rate.messages";
// The person has not answered in the app: no refusal.
inline constexpr std::string_view kIdentityPending = "invitation.identity_pending";
// Sends the codes of second proofs. Internally synchronised.
class OneTimeCodes {
 public:
  virtual ~OneTimeCodes() = default;
  // True if there is a gateway, and a text.
  [[nodiscard]] virtual bool sends_codes() const = 0;
  // Sends the code to the telephone of the participant's record, or of the guardian: "sent",
  // "no_phone", "no_guardian", "failed". Blocks until the gateway has answered. Errors unavailable
  // message.not_sent; kTooManyMessages, and nothing was sent.
  [[nodiscard]] virtual Result<std::string> send_code(const Session& session,
                                                      const Participant& participant,
                                                      const OneTimeCode& code) = 0;
};

// Opens a link that another browser holds: by a code to the telephone of the record, by an approval
// in the app of an identity provider, or by the birth date of the record, as the section `clinic`
// of the configuration says. A code or a request takes the place of the one before. Internally
// synchronised; sending a code blocks until the gateway has answered, a request and its approval
// until the plugin of the role `identity` has.
class SecondProof {
 public:
  static constexpr std::int64_t kMostTries = 5;
  // Codes and requests together.
  static constexpr std::int64_t kMostCodes = 5;
  static constexpr std::int64_t kCodeMs = 10LL * 60'000;
  // A newer code is sent after this time, and a newer request.
  static constexpr std::int64_t kAgainMs = 60'000;

  explicit SecondProof(Acts& acts) : acts_(acts), app_(acts.parts()) {}
  // Before the first request. The sender outlives this object's requests.
  void send_by(OneTimeCodes& codes) { codes_ = &codes; }

  // An invitation that a browser holds, in its session.
  struct Taken {
    const Session& session;
    const Invitation& invitation;
  };
  // Names of the proofs that open the link: code, identity, birth_date. Empty when there are none.
  [[nodiscard]] Result<std::vector<std::string>> offered(const Taken& of) const;
  // Sends a code; the former one is void. Within kAgainMs none is sent, and the answer is about the
  // former one. Errors: conflict invitation.no_phone, invitation.locked;
  // unavailable message.not_sent, kTooManyMessages, for which no code counts. The desk has a task
  // after invitation.no_phone.
  [[nodiscard]] Result<CodeSentView> send_code(const Taken& of);
  // Asks the person of the record to approve in the app. The browser that gets the answer alone can
  // give the approval as its proof. Errors: conflict invitation.no_identity, invitation.locked;
  // unavailable rate.identity within kAgainMs, identity.unavailable. A request that was not made
  // does not count.
  [[nodiscard]] Result<IdentityAskedView> ask_app(const Taken& of);
  // Name of the proof that holds; it holds once. Errors: conflict invitation.second_proof (none was
  // given), invitation.identity_pending (the person has not answered in the app),
  // invitation.no_code (no code or request is good any more), invitation.locked; denied
  // invitation.wrong_proof (also refused in the app, or approved by another person); unavailable
  // identity.unavailable. A wrong one is counted before the answer; after kMostTries the desk has a
  // task.
  [[nodiscard]] Result<std::string> check(const Taken& of, const GivenProof& given);

 private:
  [[nodiscard]] ProofKey key_of(const Taken& of) const;
  [[nodiscard]] Result<ProofRow> row_of(const Taken& of) const;
  // Blind index of the digits of a code, or of the name of a request.
  [[nodiscard]] Result<std::string> index_of(const Taken& of, std::string_view given) const;
  [[nodiscard]] Result<bool> is_birth_date(const Taken& of, std::string_view date) const;
  enum class Verdict : std::uint8_t { right, wrong, over };
  // Verdict of the person's app on a request; `code` is ProofRow::code of a request that is good.
  // Errors: those of check.
  [[nodiscard]] Result<Verdict> verdict_of(const Taken& of, const std::string& request,
                                           const std::string& code) const;
  // Makes the code of now and counts it: its digits.
  [[nodiscard]] Result<std::string> draw(const Taken& of, ProofRow& row);
  // Counts a request before it is made: its place among the codes and requests of the link.
  [[nodiscard]] Result<std::int64_t> count_request(const Taken& of);
  // Takes back the count of a request that was not made.
  [[nodiscard]] Status uncount_request(const Taken& of);
  // Makes a request the proof of now: its row.
  [[nodiscard]] Result<ProofRow> keep_request(const Taken& of, const IdentityApp::Request& request);
  void ask_desk(const Taken& of, const std::string& title) const;

  Acts& acts_;
  const IdentityApp app_;
  // Null when nothing sends codes.
  OneTimeCodes* codes_ = nullptr;
};

}  // namespace rabt::consultation
