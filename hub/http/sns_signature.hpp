#pragma once

#include "hub/http/webhook_signature.hpp"

// Messages of Amazon SNS over HTTP: signature versions 1 (SHA-1 with RSA) and 2 (SHA-256 with RSA)
// over chosen members of the body, by a certificate that SNS itself serves.
namespace rabt::http {

// verify() for SignatureScheme::sns.
[[nodiscard]] Result<Verified> verify_sns(const SignatureConfig& config, const Request& request,
                                          Timestamp now);

// Base of the addresses to which messages of a topic may point:
// "https://sns.<region>.amazonaws.com", or config.sns_endpoint where that is set. "" when the text
// is no ARN of a topic.
[[nodiscard]] std::string sns_base(const SignatureConfig& config, std::string_view topic_arn);

}  // namespace rabt::http
