#pragma once

#include "hub/api/requests/ask.hpp"
#include "hub/consultation/practice/page_texts.hpp"

// Readers of requests for texts of pages.
namespace rabt::api {

// ?lang
[[nodiscard]] consultation::GetStrings get_strings_of(const Ask& ask);
// ?q&lang
[[nodiscard]] consultation::FindTerms find_terms_of(const Ask& ask);

}  // namespace rabt::api
