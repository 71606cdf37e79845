#include "hub/api/requests/page_texts.hpp"

#include "hub/base/ascii.hpp"

namespace rabt::api {

using consultation::FindTerms;
using consultation::GetStrings;

GetStrings get_strings_of(const Ask& ask) {
  return {.language = lower(ask.parameter("lang"))};
}

FindTerms find_terms_of(const Ask& ask) {
  return {.words = std::string(ask.parameter("q")), .language = lower(ask.parameter("lang"))};
}

}  // namespace rabt::api
