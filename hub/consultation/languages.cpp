#include "hub/consultation/languages.hpp"

#include <algorithm>

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

// Whether every word of the query begins a word of the term.
bool holds(std::string_view folded, std::string_view query) {
  while (!query.empty()) {
    const auto end = std::min(query.find(' '), query.size());
    const std::string word(query.substr(0, end));
    query.remove_prefix(std::min(end + 1, query.size()));
    if (folded.find("\n" + word) == std::string_view::npos &&
        folded.find(" " + word) == std::string_view::npos)
      return false;
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
        "\n" + fold(term.string_or("en", "")) + "\n" + fold(term.string_or("ar", "")) + "\n";
    if (const Json& also = term["also"]; also.is_array()) {
      for (const Json& name : also.as_array()) folded += fold(name.as_string()) + "\n";
    }
    terms_.push_back({.json = term, .folded = std::move(folded)});
  }
}

Json Languages::strings(std::string_view language) const {
  const std::string_view known = strings_.find(language) != nullptr ? language : "en";
  return Json::object({{"language", known},
                       {"direction", known == "ar" ? "rtl" : "ltr"},
                       {"strings", strings_[known]}});
}

const Json& Languages::note_template(std::string_view id) const {
  static const Json kNone;
  for (const Json& one : templates_["items"].as_array()) {
    if (one["id"].as_string() == id) return one;
  }
  return kNone;
}

Json Languages::terms(std::string_view query, std::size_t limit) const {
  const std::string folded = fold(query);
  std::vector<const Term*> found;
  for (const Term& term : terms_) {
    if (holds(term.folded, folded)) found.push_back(&term);
  }
  const auto distance = [&](const Term* term) {
    if (term->folded.find("\n" + folded + "\n") != std::string::npos) return 0;
    return term->folded.find("\n" + folded) != std::string::npos ? 1 : 2;
  };
  std::stable_sort(found.begin(), found.end(),
                   [&](const Term* a, const Term* b) { return distance(a) < distance(b); });
  if (found.size() > limit) found.resize(limit);
  Json items = Json::array();
  for (const Term* term : found) items.push_back(term->json);
  return Json::object({{"items", items}});
}

}  // namespace rabt::consultation
