#include "hub/consultation/practice/page_content.hpp"

#include <utility>

namespace rabt::consultation {

Result<PageTexts> PageContent::note_templates(const Caller& /*caller*/) const {
  return PageTexts{languages_.note_templates()};
}

Result<PageTexts> PageContent::strings(const Caller& /*caller*/, const GetStrings& asked) const {
  return PageTexts{languages_.strings(asked.language)};
}

Result<PageTexts> PageContent::terms(const Caller& /*caller*/, const FindTerms& asked) const {
  constexpr std::size_t kMost = 500;
  Json found = languages_.terms(asked.words, kMost);
  if (asked.language != "en" && asked.language != "ar") return PageTexts{std::move(found)};
  // Both languages stay in each term; `term` is the one that was asked for.
  Json items = Json::array();
  for (Json item : found["items"].as_array()) {
    item.set("term", item[asked.language]);
    items.push_back(std::move(item));
  }
  return PageTexts{Json::object({{"items", std::move(items)}})};
}

Result<VideoSettings> PageContent::video_settings(const Caller& /*caller*/) const {
  return parts_.video;
}

}  // namespace rabt::consultation
