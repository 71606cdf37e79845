#include "hub/api/requests/guest_requests.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "hub/api/requests/invitation_requests.hpp"

namespace rabt::api {

using consultation::Asked;
using consultation::EnterByLink;
using consultation::GivenProof;

namespace {

constexpr std::size_t kDigits = 6;
constexpr std::size_t kDateLetters = 10;
// verificationId of identity.verification.start/1
constexpr std::size_t kMostOfRequest = 200;

bool are_digits(std::string_view text) {
  return text.size() == kDigits &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

Asked<GivenProof> given_proof_of(const Json& body) {
  GivenProof given{.code = body.string_or("oneTimeCode", ""),
                   .birth_date = body.string_or("birthDate", ""),
                   .identity_request = body.string_or("identityRequest", "")};
  const int proofs = (given.code.empty() ? 0 : 1) + (given.birth_date.empty() ? 0 : 1) +
                     (given.identity_request.empty() ? 0 : 1);
  if (proofs > 1)
    return invalid("api.invalid", "oneTimeCode, birthDate, identityRequest: give one of the three");
  if (!given.code.empty() && !are_digits(given.code))
    return invalid("api.invalid", "oneTimeCode: must be six digits");
  if (!given.birth_date.empty() && given.birth_date.size() != kDateLetters)
    return invalid("api.invalid", "birthDate: must be a date, YYYY-MM-DD");
  if (given.identity_request.size() > kMostOfRequest)
    return invalid("api.invalid", "identityRequest: must be that of an answer of the hub");
  return given;
}

}  // namespace

Asked<EnterByLink> enter_by_link_of(const Ask& ask) {
  RABT_TRY(of, of_code(ask));
  return EnterByLink{.code = std::move(of.code), .proof = given_proof_of(ask.body)};
}

}  // namespace rabt::api
