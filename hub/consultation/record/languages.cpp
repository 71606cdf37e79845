#include "hub/consultation/record/languages.hpp"

#include <algorithm>
#include <array>

#include "hub/base/check.hpp"
#include "hub/phi/text.hpp"
#include "hub/workflow/yaml/yaml.hpp"

namespace rabt::embedded {

extern const std::string_view strings;
extern const std::string_view note_templates;
extern const std::string_view terms;

}  // namespace rabt::embedded

namespace rabt::consultation {

namespace {

Json read_yaml(std::string_view text) {
  const workflow::YamlOutcome read = workflow::parse_yaml(text);
  RABT_CHECK(read.root != nullptr);
  return workflow::to_json(*read.root);
}

// Words as they are compared, with one space between them.
std::string fold(std::string_view text) {
  const phi::Text read(text);
  std::string out;
  for (const phi::Token& token : read.tokens()) {
    if (token.kind == phi::Token::Kind::sign || token.kind == phi::Token::Kind::line) continue;
    if (!out.empty()) out += ' ';
    out += token.folded;
  }
  return out;
}

// The article, alone and with the words that are written in one with it.
constexpr std::array<std::string_view, 6> kArticles{"وال", "بال", "فال", "كال", "ال", "لل"};
// Arabic letters have two bytes. A text shorter than two letters is no word without its beginning:
// الم is pain, not م with the article.
constexpr std::size_t kShortest = 4;

// The folded text with its words without the Arabic article.
std::string bare(std::string_view folded) {
  std::string out;
  while (!folded.empty()) {
    const auto end = std::min(folded.find(' '), folded.size());
    std::string_view word = folded.substr(0, end);
    folded.remove_prefix(std::min(end + 1, folded.size()));
    for (const std::string_view article : kArticles) {
      if (!word.starts_with(article) || word.size() < article.size() + kShortest) continue;
      word.remove_prefix(article.size());
      break;
    }
    if (!out.empty()) out += ' ';
    out += word;
  }
  return out;
}

// As it is compared: as it stands, and without the article.
std::string forms_of(std::string_view text) {
  const std::string folded = fold(text);
  return folded + "\n" + bare(folded) + "\n";
}

bool begins_word(std::string_view folded, std::string_view word) {
  return folded.find("\n" + std::string(word)) != std::string_view::npos ||
         folded.find(" " + std::string(word)) != std::string_view::npos;
}

// True if every word of the query begins a word of the term.
bool holds(std::string_view folded, std::string_view query) {
  while (!query.empty()) {
    const auto end = std::min(query.find(' '), query.size());
    const std::string_view word = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (!begins_word(folded, word) && !begins_word(folded, bare(word))) return false;
  }
  return true;
}

}  // namespace

Languages::Languages()
    : strings_(read_yaml(embedded::strings)),
      templates_(Json::object({{"items", read_yaml(embedded::note_templates)}})) {
  const Json list = read_yaml(embedded::terms);
  for (const Json& term : list.as_array()) {
    std::string folded =
        "\n" + fold(term.string_or("en", "")) + "\n" + forms_of(term.string_or("ar", ""));
    if (const Json& also = term["also"]; also.is_array()) {
      for (const Json& name : also.as_array()) folded += fold(name.as_string()) + "\n";
    }
    terms_.push_back({.json = term, .folded = std::move(folded)});
  }
}

Json Languages::strings(std::string_view language) const {
  const std::string_view language_of_text = strings_.find(language) != nullptr ? language : "en";
  return Json::object({{"language", language_of_text},
                       {"direction", language_of_text == "ar" ? "rtl" : "ltr"},
                       {"strings", strings_[language_of_text]}});
}

const Json& Languages::note_template(std::string_view id) const {
  static const Json kNone;
  for (const Json& item : templates_["items"].as_array()) {
    if (item["id"].as_string() == id) return item;
  }
  return kNone;
}

Json Languages::terms(std::string_view query, std::size_t limit) const {
  const std::string folded = fold(query);
  std::vector<const Term*> found;
  for (const Term& term : terms_) {
    if (holds(term.folded, folded)) found.push_back(&term);
  }
  const std::string without = bare(folded);
  const auto distance = [&](const Term* term) {
    const auto has = [&](const std::string& text) {
      return term->folded.find(text) != std::string::npos;
    };
    if (has("\n" + folded + "\n") || has("\n" + without + "\n")) return 0;
    return has("\n" + folded) || has("\n" + without) ? 1 : 2;
  };
  std::stable_sort(found.begin(), found.end(),
                   [&](const Term* a, const Term* b) { return distance(a) < distance(b); });
  if (found.size() > limit) found.resize(limit);
  Json items = Json::array();
  for (const Term* term : found) items.push_back(term->json);
  return Json::object({{"items", items}});
}

const Languages& languages() {
  static const Languages read;
  return read;
}

}  // namespace rabt::consultation
