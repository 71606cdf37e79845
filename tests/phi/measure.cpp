#include "tests/phi/measure.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <optional>

#include "hub/base/json.hpp"
#include "hub/base/utf8.hpp"

namespace rabt::phi::measure {

namespace {

std::optional<Class> class_of(std::string_view type) {
  for (std::size_t i = 0; i < kClasses; ++i)
    if (to_string(static_cast<Class>(i)) == type) return static_cast<Class>(i);
  static const std::map<std::string_view, Class> kPresidio = {
      {"PERSON", Class::name},      {"STREET_ADDRESS", Class::address},
      {"GPE", Class::address},      {"ZIP_CODE", Class::address},
      {"CREDIT_CARD", Class::card}, {"PHONE_NUMBER", Class::phone},
      {"DATE_TIME", Class::date},   {"EMAIL_ADDRESS", Class::email},
      {"IBAN_CODE", Class::iban},   {"US_SSN", Class::national_id},
      {"IP_ADDRESS", Class::ip}};
  const auto found = kPresidio.find(type);
  return found == kPresidio.end() ? std::nullopt : std::optional(found->second);
}
// Class that a finding may have, without an error, where the labelled type is not counted.
std::optional<Class> neutral_of(std::string_view type) {
  if (type == "AGE") return Class::age;
  if (type == "US_DRIVER_LICENSE") return Class::national_id;
  if (type == "DOMAIN_NAME") return Class::url;
  return std::nullopt;
}

bool overlap(const Span& a, const Span& b) {
  return a.begin < b.end && b.begin < a.end;
}

// Words that begin inside a span, between white space.
std::vector<Span> words_of(std::string_view text) {
  std::vector<Span> words;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t begin = text.find_first_not_of(" \t\r\n", at);
    if (begin == std::string_view::npos) break;
    const std::size_t end = std::min(text.find_first_of(" \t\r\n", begin), text.size());
    words.push_back({begin, end});
    at = end;
  }
  return words;
}

}  // namespace

Set load(const std::filesystem::path& file) {
  Set set;
  std::ifstream in(file, std::ios::binary);
  const std::string bytes(std::istreambuf_iterator<char>(in), {});
  const auto json = Json::parse(bytes, {.max_bytes = 256U << 20U});
  if (!json.ok() || !json->is_array()) return set;
  for (const Json& item : json->as_array()) {
    Sample sample;
    sample.text = item["full_text"].is_string() ? item["full_text"].as_string() : "";
    sample.language = item.string_or("language", "");
    std::vector<std::size_t> starts;  // of each character
    for (std::size_t i = 0; i < sample.text.size(); ++i)
      if (!continues_utf8(sample.text[i])) starts.push_back(i);
    starts.push_back(sample.text.size());
    for (const Json& span : item["spans"].as_array()) {
      const auto begin = static_cast<std::size_t>(span.int_or("start_position", 0));
      const auto end = static_cast<std::size_t>(span.int_or("end_position", 0));
      if (begin >= end || end >= starts.size()) continue;
      const std::string type = span.string_or("entity_type", "");
      Span out{starts[begin], starts[end]};
      std::optional<Class> kind = class_of(type);
      if (type == "AGE") {
        const std::string_view value =
            std::string_view(sample.text).substr(out.begin, out.end - out.begin);
        if (value.size() > 2 || value.starts_with("9")) kind = Class::age;  // over 89
      }
      if (kind) {
        out.kind = *kind;
        sample.spans.push_back(out);
      } else {
        ++set.not_counted[type];
        if (const auto neutral = neutral_of(type)) {
          out.kind = *neutral;
          sample.neutral.push_back(out);
        }
      }
    }
    set.samples.push_back(std::move(sample));
  }
  return set;
}

void count(const Detector& detector, const Sample& sample, Counts& counts, const Report& report) {
  std::vector<Span> findings;
  for (const Finding& finding : detector.find(sample.text))
    findings.push_back({finding.begin, finding.end, finding.kind});
  for (const Span& span : sample.spans) {
    Count& count = counts[static_cast<std::size_t>(span.kind)];
    ++count.expected;
    bool hit = false;
    for (const Span& found : findings) {
      if (found.kind != span.kind || !overlap(found, span)) continue;
      hit = true;
      if (found.begin == span.begin && found.end == span.end) {
        ++count.exact;
      } else if (report) {
        report(Case::inexact, sample, found);
      }
    }
    if (hit) ++count.hit;
    if (!hit && report) report(Case::missed, sample, span);
  }
  for (const Span& found : findings) {
    Count& count = counts[static_cast<std::size_t>(found.kind)];
    const auto same = [&](const Span& span) {
      return span.kind == found.kind && overlap(span, found);
    };
    const bool right = std::any_of(sample.spans.begin(), sample.spans.end(), same);
    if (!right && std::any_of(sample.neutral.begin(), sample.neutral.end(), same)) continue;
    ++count.found;
    if (right) ++count.right;
    if (!right && report) report(Case::wrong, sample, found);
  }
  for (const Span& word : words_of(sample.text)) {
    for (std::size_t i = 0; i < kClasses; ++i) {
      const auto covers = [&](const Span& span) {
        return static_cast<std::size_t>(span.kind) == i && overlap(span, word);
      };
      const bool expected = std::any_of(sample.spans.begin(), sample.spans.end(), covers);
      const bool found = std::any_of(findings.begin(), findings.end(), covers);
      counts[i].words += expected ? 1U : 0U;
      counts[i].found_words += found ? 1U : 0U;
      counts[i].common_words += expected && found ? 1U : 0U;
    }
  }
}

}  // namespace rabt::phi::measure
