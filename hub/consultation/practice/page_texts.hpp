#pragma once

#include <string>

#include "hub/base/json.hpp"

// Texts of pages: requests, and what answers them.
namespace rabt::consultation {

struct GetStrings {
  // ar, en. English when it is unknown.
  std::string language{};
};

struct FindTerms {
  // Words with which the words of a term begin. All terms when it is empty.
  std::string words{};
  // ar, en: each term comes in this language besides.
  std::string language{};
};

// Content of config/languages/, in the shape of Languages.
struct PageTexts {
  Json content;
};
[[nodiscard]] inline Json to_json(const PageTexts& texts) {
  return texts.content;
}

}  // namespace rabt::consultation
