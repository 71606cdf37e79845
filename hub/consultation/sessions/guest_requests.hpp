#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "hub/base/clock.hpp"
#include "hub/base/json.hpp"
#include "hub/consultation/request/answer.hpp"
#include "hub/consultation/session/session.hpp"

namespace rabt::consultation {

// Second proof as a request gives it: one of the three, or none.
struct GivenProof {
  // Six digits.
  std::string code;
  // YYYY-MM-DD
  std::string birth_date;
  // IdentityAskedView::request of a request that the person has approved in the app.
  std::string identity_request{};
  [[nodiscard]] bool none() const {
    return code.empty() && birth_date.empty() && identity_request.empty();
  }
};
struct EnterByLink {
  // The code of the invitation.
  std::string code;
  // Members oneTimeCode, birthDate and identityRequest. A mistake in them counts once the link has
  // led somewhere.
  Asked<GivenProof> proof;
};

// The invitation, for the page before anything is accepted: host, kind, time. Names no patient.
struct LinkPreviewView {
  // Name of the hospital by language. May be empty.
  std::map<std::string, std::string> hospital;
  std::string phone;
  // Name of the doctor who is to be met, or null.
  Json provider;
  SessionType type = SessionType::doctor_patient;
  std::string language;
  PartRole role = PartRole::observer;
  // That of the invitation.
  std::string status;
  // Names of the proofs that open the link in another browser.
  std::vector<std::string> second_proof;
  bool needs_account = false;
  std::optional<Timestamp> start{};
  std::string time_zone;
  std::int64_t planned_minutes = 0;
};
[[nodiscard]] Json to_json(const LinkPreviewView& view);

// The code of a second proof is on its way, or was before.
struct CodeSentView {
  Timestamp expires;
  // A newer one is sent from then on.
  Timestamp again;
};
// {expiresAt, againAt}
[[nodiscard]] Json to_json(const CodeSentView& view);

// The person is asked in the app of the identity provider.
struct IdentityAskedView {
  // Names the request to the hub once the person has approved: known to the browser that asked.
  std::string request;
  // Number that the person picks in the app. Empty where the provider shows none.
  std::string number;
  Timestamp expires;
  // Another request is made from then on.
  Timestamp again;
};
// {identityRequest, number, expiresAt, againAt}
[[nodiscard]] Json to_json(const IdentityAskedView& view);

}  // namespace rabt::consultation
