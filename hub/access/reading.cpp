#include "hub/access/reading.hpp"

#include <algorithm>
#include <array>

namespace rabt::access {

bool is_purpose(std::string_view code) {
  // HL7 v3 ActReason, the codes under PurposeOfUse that a reading can have.
  static constexpr std::array<std::string_view, 32> kCodes{
      "TREAT",   "CAREMGT",   "CLINTRCH", "COVERAGE", "COC",      "DISASTER", "DONAT",
      "ETREAT",  "BTG",       "ERTREAT",  "HDIRECT",  "HMARKT",   "HOPERAT",  "HPAYMT",
      "HRESCH",  "HSYSADMIN", "HLEGAL",   "HQUALIMP", "HOUTCOMS", "HPRGRP",   "HRELIABL",
      "HTEST",   "LABELING",  "MEMADMIN", "METAMGT",  "PATADMIN", "PATRQT",   "FAMRQT",
      "PUBHLTH", "SUPNWK",    "THREAT",   "TRAIN"};
  return std::find(kCodes.begin(), kCodes.end(), code) != kCodes.end();
}

Status check_reason(std::string_view reason) {
  if (reason.empty() || reason.size() > kMaxReason) {
    return invalid("phi.reason",
                   "reading patient data needs a reason of at most " + std::to_string(kMaxReason) +
                       " bytes, in the header X-Rabt-Reason; it is kept sealed in the audit log");
  }
  return ok_status();
}

Error not_audited(const Error& cause) {
  return unavailable("audit.unavailable",
                     "the audit entry could not be written, so patient data are not given; try "
                     "again when the store works (" +
                         cause.code + ")");
}

}  // namespace rabt::access
