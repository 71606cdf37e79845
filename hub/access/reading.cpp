#include "hub/access/reading.hpp"

#include <unicode/uchar.h>
#include <unicode/unistr.h>

#include <algorithm>
#include <array>

namespace rabt::access {

namespace {

// True if the text says anything: a letter or a digit of any script.
bool has_word(std::string_view text) {
  const auto unicode = icu::UnicodeString::fromUTF8(
      icu::StringPiece(text.data(), static_cast<std::int32_t>(text.size())));
  for (std::int32_t at = 0; at < unicode.length(); at = unicode.moveIndex32(at, 1)) {
    if (u_isalnum(unicode.char32At(at)) != 0) return true;
  }
  return false;
}

}  // namespace

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
  if (reason.size() > kMaxReason || !has_word(reason)) {
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
