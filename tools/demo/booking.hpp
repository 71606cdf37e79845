#pragma once

#include <string>
#include <string_view>

#include "hub/base/clock.hpp"
#include "hub/base/ids.hpp"
#include "hub/base/result.hpp"

namespace rabt::demo {

inline constexpr std::string_view kDemoAccount = "AC00000000000000000000000000005a4d";
inline constexpr std::string_view kDemoApiKey = "SK00000000000000000000000000005a4d";
inline constexpr std::string_view kDemoApiKeySecret = "sandbox-api-key-secret-of-32-bytes";
inline constexpr std::string_view kDemoAuthToken = "sandbox-auth-token";
inline constexpr std::string_view kDemoChimeKey = "AKIDEXAMPLEEXAMPLE";
inline constexpr std::string_view kDemoChimeSecret = "sandbox-chime-secret-access-key-of-40-by";
// The topic of the stand-in for Amazon SNS.
inline constexpr std::string_view kDemoChimeTopic = "arn:aws:sns:eu-central-1:111122223333:chime";
inline constexpr std::string_view kDemoMohToken = "d2pat_sandbox";
// The telephone of the patient who is booked for the first time.
inline constexpr std::string_view kDemoPhone = "+966500000002";

// A fictional booking as a hospital system would post it: a FHIR R4 Bundle of type collection.
struct Booking {
  std::string id;  // webhook-id
  std::string body;
  std::string patient_name;
  std::string practitioner_name;
  std::string complaint;
  std::string start;  // as the hospital writes it, UTC+03:00
};
// number chooses the patient: every number is another person with a valid identity number (Luhn).
[[nodiscard]] Booking make_booking(const Clock& clock, UlidSource& ids, int number);
// The same appointment, so many minutes later, or earlier if they are negative: what the hospital
// sends when it moves a visit.
[[nodiscard]] Booking make_moved(const Booking& booking, UlidSource& ids, int minutes);
// The same booking, which also tells the telephone of its patient.
[[nodiscard]] Booking with_phone(const Booking& booking, std::string_view phone);

// A port of 127.0.0.1 that is free now.
[[nodiscard]] Result<int> free_port();

}  // namespace rabt::demo
