#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "hub/base/json.hpp"
#include "hub/consultation/request/settings.hpp"

// Settings of the tenant, and their state, as answers show them.
namespace rabt::consultation {

// Members that pages need.
[[nodiscard]] Json to_json(const VideoSettings& video);

// State of agreements and regions today.
struct ComplianceView {
  struct AgreementState {
    // The id of a plugin, or a name.
    std::string party;
    // valid, expired, missing. A missing one has nothing else.
    std::string state;
    // baa, dpa
    std::string kind{};
    // Dates: 2026-11-22. May be empty, as the document may.
    std::string signed_on{};
    std::string valid_to{};
    std::string document{};
  };
  // False when something needs attention.
  bool good = true;
  bool require_agreement = false;
  std::vector<AgreementState> agreements{};
  // Regions in which data may be kept. All when it is empty.
  std::vector<std::string> allowed_regions{};
  // Region of the video provider. May be empty.
  std::string region{};
  bool resident = true;
  std::int64_t recording_days = 0;

  [[nodiscard]] std::string state() const { return good ? "good" : "attention"; }
  [[nodiscard]] std::string residency() const { return resident ? "good" : "refused"; }
};
[[nodiscard]] Json to_json(const ComplianceView& compliance);

}  // namespace rabt::consultation
