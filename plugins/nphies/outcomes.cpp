#include "outcomes.hpp"

namespace rabt::nphies {

using sdk::HttpResult;
using sdk::Kind;
using sdk::Outcome;
using sdk::Sent;

namespace {

std::string detail_of(int status, const std::vector<Finding>& findings) {
  Json out = Json::object();
  out["status"] = status;
  out["errors"] = to_json(findings);
  return write_json(out);
}

std::string with_codes(std::string text, const std::vector<Finding>& findings) {
  const std::string codes = codes_text(findings);
  if (!codes.empty()) text.append(" (").append(codes).append(")");
  return text;
}

constexpr const char* kCredentialText =
    "the gateway does not accept this sender; check the client certificate, the licence and the "
    "account";
constexpr const char* kUnavailableText =
    "the gateway or the payer is unavailable; the same request is repeated later";

}  // namespace

std::optional<Outcome> http_failure(const HttpResult& result) {
  if (!result.answered()) {
    // A word of the host's closed list, or nothing.
    const std::string why = result.error_code.empty() ? "no answer" : result.error_code;
    if (result.sent == Sent::no) {
      if (why == "not_allowed" || why == "no_secret" || why == "tls") {
        return Outcome::fail(
            why == "tls" ? Kind::transient : Kind::permanent, "nphies." + why,
            "nothing was sent (" + why + "); check base_url, certificates and secrets");
      }
      if (why == "cancelled")
        return Outcome::fail(Kind::cancelled, "nphies.cancelled",
                             "cancelled before anything was sent");
      return Outcome::fail(Kind::transient, "nphies.not_sent",
                           "the gateway was not reached (" + why + ")");
    }
    return Outcome::fail(Kind::ambiguous, "nphies.no_answer",
                         "the request may have arrived but no whole answer came (" + why +
                             "); the next attempt sends the same bytes");
  }
  if (succeeded(result)) return std::nullopt;

  std::vector<Finding> findings;
  try {
    findings = read_message(parse_json(result.body)).findings;
  } catch (const JsonError&) {  // an error page: the status has to do
  }
  const Verdict verdict = judge(findings);
  const std::string status = "HTTP status " + std::to_string(result.status);
  const std::string detail = detail_of(result.status, findings);
  if (verdict == Verdict::credential || result.status == 401 || result.status == 403) {
    return Outcome::fail(Kind::permanent, "nphies.credential",
                         with_codes(kCredentialText, findings), detail);
  }
  if (result.status == 429 || result.status == 503 || result.status == 408 ||
      verdict == Verdict::transient) {
    return Outcome::fail(Kind::transient, "nphies.unavailable",
                         with_codes(status + "; " + kUnavailableText, findings), detail,
                         retry_after_ms(result));
  }
  if (result.status < 500) {
    return Outcome::fail(
        Kind::permanent, "nphies.refused",
        with_codes(status + "; the gateway could not read or route the message", findings), detail);
  }
  return Outcome::fail(Kind::ambiguous, "nphies.gateway_error",
                       with_codes(status + "; the next attempt sends the same bytes", findings),
                       detail);
}

std::optional<Outcome> message_failure(const Message& message) {
  const std::string detail = detail_of(200, message.findings);
  switch (judge(message.findings)) {
    case Verdict::credential:
      return Outcome::fail(Kind::permanent, "nphies.credential",
                           with_codes(kCredentialText, message.findings), detail);
    case Verdict::transient:
      return Outcome::fail(Kind::transient, "nphies.unavailable",
                           with_codes(kUnavailableText, message.findings), detail);
    case Verdict::none:
    case Verdict::business:
      break;
  }
  if (message.focus != nullptr && text_at(*message.focus, "resourceType") == "OperationOutcome") {
    return Outcome::fail(
        Kind::permanent, "nphies.refused",
        with_codes("the gateway could not read or route the message", message.findings), detail);
  }
  return std::nullopt;
}

Outcome store_failure(Kind kind, const std::string& what) {
  return Outcome::fail(kind, "nphies.store", "the host's store failed: " + what);
}

Outcome unreadable(const std::string& what) {
  return Outcome::fail(
      Kind::ambiguous, "nphies.unreadable_answer",
      what + "; the next attempt sends the same bytes and the gateway repeats its answer");
}

}  // namespace rabt::nphies
