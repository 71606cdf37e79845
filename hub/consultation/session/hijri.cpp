#include "hub/consultation/session/hijri.hpp"

#include <unicode/calendar.h>
#include <unicode/timezone.h>

#include <cstdio>
#include <memory>

namespace rabt::consultation {

std::string hijri_date(Timestamp at) {
  UErrorCode failure = U_ZERO_ERROR;
  const icu::Locale locale("ar_SA@calendar=islamic-umalqura");
  const std::unique_ptr<icu::Calendar> calendar(
      icu::Calendar::createInstance(icu::TimeZone::createTimeZone("Asia/Riyadh"), locale, failure));
  if (U_FAILURE(failure) || calendar == nullptr) return {};
  calendar->setTime(static_cast<UDate>(at.ms), failure);
  const int year = calendar->get(UCAL_YEAR, failure);
  const int month = calendar->get(UCAL_MONTH, failure) + 1;
  const int day = calendar->get(UCAL_DATE, failure);
  if (U_FAILURE(failure)) return {};
  char text[40];
  std::snprintf(text, sizeof text, "%04d-%02d-%02d", year, month, day);
  return text;
}

}  // namespace rabt::consultation
