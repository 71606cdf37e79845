#pragma once

#include "hub/consultation/practice/page_texts.hpp"
#include "hub/consultation/request/ask.hpp"

// Readers of requests for texts of pages.
namespace rabt::api {

// ?lang
[[nodiscard]] consultation::GetStrings get_strings_of(const consultation::Ask& ask);
// ?q&lang
[[nodiscard]] consultation::FindTerms find_terms_of(const consultation::Ask& ask);

}  // namespace rabt::api
