#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "hub/consultation/acts/acts.hpp"
#include "hub/consultation/rows/proof_rows.hpp"
#include "hub/consultation/sessions/guest_requests.hpp"

namespace rabt::consultation {

// One-time code for a second device. It leaves in one message alone.
struct OneTimeCode {
  std::string digits;
  // Tells it from other codes of the participant.
  std::string name;
};
// As many messages as may be have gone to a telephone.
inline constexpr std::string_view kTooManyMessages = "rate.messages";
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

// Opens a link that another browser holds: by a code to the telephone of the record, or by the
// birth date of the record, as the section `clinic` of the configuration says. Internally
// synchronised; sending a code blocks until the gateway has answered.
class SecondProof {
 public:
  static constexpr std::int64_t kMostTries = 5;
  static constexpr std::int64_t kMostCodes = 5;
  static constexpr std::int64_t kCodeMs = 10LL * 60'000;
  // A newer code is sent after this time.
  static constexpr std::int64_t kAgainMs = 60'000;

  explicit SecondProof(Acts& acts) : acts_(acts) {}
  // Before the first request. The sender outlives this object's requests.
  void send_by(OneTimeCodes& codes) { codes_ = &codes; }

  // An invitation that a browser holds, in its session.
  struct Taken {
    const Session& session;
    const Invitation& invitation;
  };
  // Names of the proofs that open a link here: code, birth_date. Empty when there are none.
  [[nodiscard]] std::vector<std::string> offered() const;
  // Sends a code; the former one is void. Within kAgainMs none is sent, and the answer is about the
  // former one. Errors: conflict invitation.no_phone, invitation.locked;
  // unavailable message.not_sent, kTooManyMessages, for which no code counts. The desk has a task
  // after invitation.no_phone.
  [[nodiscard]] Result<CodeSentView> send_code(const Taken& of);
  // Name of the proof that holds; it holds once. Errors: conflict invitation.second_proof (none was
  // given), invitation.no_code (none is good any more), invitation.locked; denied
  // invitation.wrong_proof. A wrong one is counted before the answer; after kMostTries the desk has
  // a task.
  [[nodiscard]] Result<std::string> check(const Taken& of, const GivenProof& given);

 private:
  [[nodiscard]] ProofKey key_of(const Taken& of) const;
  [[nodiscard]] Result<ProofRow> row_of(const Taken& of) const;
  [[nodiscard]] Result<std::string> index_of(const Taken& of, std::string_view digits) const;
  [[nodiscard]] Result<bool> is_birth_date(const Taken& of, std::string_view date) const;
  // Makes the code of now and counts it: its digits.
  [[nodiscard]] Result<std::string> draw(const Taken& of, ProofRow& row);
  void ask_desk(const Taken& of, const std::string& title) const;

  Acts& acts_;
  // Null when nothing sends codes.
  OneTimeCodes* codes_ = nullptr;
};

}  // namespace rabt::consultation
