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

bool are_digits(std::string_view text) {
  return text.size() == kDigits &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

Asked<GivenProof> given_proof_of(const Json& body) {
  GivenProof given{.code = body.string_or("oneTimeCode", ""),
                   .birth_date = body.string_or("birthDate", "")};
  if (!given.code.empty() && !given.birth_date.empty())
    return invalid("api.invalid", "oneTimeCode, birthDate: give one of the two");
  if (!given.code.empty() && !are_digits(given.code))
    return invalid("api.invalid", "oneTimeCode: must be six digits");
  if (!given.birth_date.empty() && given.birth_date.size() != kDateLetters)
    return invalid("api.invalid", "birthDate: must be a date, YYYY-MM-DD");
  return given;
}

}  // namespace

Asked<EnterByLink> enter_by_link_of(const Ask& ask) {
  RABT_TRY(of, of_code(ask));
  return EnterByLink{.code = std::move(of.code), .proof = given_proof_of(ask.body)};
}

}  // namespace rabt::api
