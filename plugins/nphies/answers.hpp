#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "json_text.hpp"
#include "message.hpp"

// Content of an answer. Answers come from outside: any part may be missing or of another type, and
// then counts as absent.
namespace rabt::nphies {

// More than this many errors, replies or reasons in one answer are not looked at.
inline constexpr std::size_t kMaxListed = 500;

struct Finding {
  std::string code;        // "BV-00752", "1658"
  std::string display;     // the sender's text; may quote patient data
  std::string expression;  // "Bundle.entry[1].resource.facility"
};
[[nodiscard]] Json to_json(const std::vector<Finding>& findings);

// Consequence of codes, from NPHIES' table of errors: general errors of the network may pass,
// errors of the credentials will not.
enum class Verdict : std::uint8_t {
  none,        // no codes
  business,    // the message was judged
  transient,   // every code is an infrastructure code: payer offline, gateway busy
  credential,  // some code refuses the credentials of this sender
};
[[nodiscard]] Verdict judge(const std::vector<Finding>& findings);
// The codes only, for operators: "BV-00752, BV-00905". At most 10; anything that is not shaped like
// a code is left out.
[[nodiscard]] std::string codes_text(const std::vector<Finding>& findings);

// One message Bundle, or an OperationOutcome instead of it. Points into the Json it was read from.
struct Message {
  std::string bundle_id;
  std::string event;
  std::string response_to;   // MessageHeader.response.identifier, if any
  bool fatal = false;        // response.code fatal-error or transient-error
  bool more_queued = false;  // tag queued-messages
  const Json* focus = nullptr;
  // Findings of the OperationOutcome or, without one, of the focal resource.
  std::vector<Finding> findings;
  // Bundles of a poll-response, in order.
  std::vector<const Json*> nested;
};
// focus is null and findings empty when the JSON is no message. root must outlive the result.
[[nodiscard]] Message read_message(const Json& root);

// The claims that a message is about, by business identifier: ClaimResponse.request,
// CommunicationRequest.about, PaymentReconciliation.detail.request, Task.focus. At most kMaxListed,
// without repeats.
[[nodiscard]] std::vector<Identifier> claims_of(const Message& message);

// The output of submit-claim and poll-claim. facts: of the request (build_claim), or an empty
// object. ClaimResponse: outcome, adjudication and sums; anything else: outcome queued.
[[nodiscard]] Json claim_output(const Identifier& claim, const Json& facts, const Message* answer);

// The output of check-eligibility but for transactionId. The outcome "queued" is not handled here.
[[nodiscard]] Json eligibility_output(const Message& answer);

// Task.status, the code of Task.statusReason, and the code of the output of type status.
struct TaskState {
  std::string status;
  std::string reason;
  std::string output;
};
[[nodiscard]] TaskState task_state(const Message& answer);

}  // namespace rabt::nphies
