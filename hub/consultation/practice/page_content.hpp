#pragma once

#include "hub/consultation/practice/page_texts.hpp"
#include "hub/consultation/practice/practice_parts.hpp"
#include "hub/consultation/practice/settings_views.hpp"
#include "hub/consultation/record/languages.hpp"
#include "hub/consultation/request/caller.hpp"

namespace rabt::consultation {

// Texts and settings that pages show. Immutable after construction.
class PageContent {
 public:
  explicit PageContent(const PracticeParts& parts) : parts_(parts) {}

  [[nodiscard]] Result<PageTexts> note_templates(const Caller& caller) const;
  [[nodiscard]] Result<PageTexts> strings(const Caller& caller, const GetStrings& asked) const;
  // At most 500.
  [[nodiscard]] Result<PageTexts> terms(const Caller& caller, const FindTerms& asked) const;
  [[nodiscard]] Result<VideoSettings> video_settings(const Caller& caller) const;

 private:
  const PracticeParts& parts_;
  const Languages languages_;
};

}  // namespace rabt::consultation
