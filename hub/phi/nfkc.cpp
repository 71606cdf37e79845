#include "hub/phi/nfkc.hpp"

#include <unicode/bytestream.h>
#include <unicode/normalizer2.h>

#include "hub/base/check.hpp"

namespace rabt::phi {

std::string nfkc(std::string_view text) {
  UErrorCode failure = U_ZERO_ERROR;
  const icu::Normalizer2* normalizer = icu::Normalizer2::getNFKCInstance(failure);
  RABT_CHECK(U_SUCCESS(failure) && normalizer != nullptr);
  std::string out;
  icu::StringByteSink<std::string> sink(&out);
  normalizer->normalizeUTF8(0, {text.data(), static_cast<int32_t>(text.size())}, sink, nullptr,
                            failure);
  RABT_CHECK(U_SUCCESS(failure));
  return out;
}

}  // namespace rabt::phi
