#include "transcripts.hpp"

#include <algorithm>

#include "client.hpp"
#include "rabt/json_nlohmann.hpp"

namespace rabt::chime {

namespace {

using sdk::list_of;
using sdk::member_of;
using sdk::text_of;

// Amazon writes numbers of 64 bits as numbers or as text.
std::int64_t time_of(const Json& of, const char* name) {
  const Json& value = member_of(of, name);
  if (value.is_number_integer()) return value.get<std::int64_t>();
  const std::string text = value.is_string() ? value.get<std::string>() : std::string();
  return !text.empty() && text.size() <= 15 && sdk::all_digits(text) ? std::stoll(text) : 0;
}

// Cut at the beginning of a character.
std::string cut(std::string text, std::size_t most) {
  if (text.size() <= most) return text;
  while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xC0U) == 0x80U) --most;
  text.resize(most);
  return text;
}

}  // namespace

void Transcripts::take(std::string_view file) {
  while (!file.empty()) {
    const std::size_t end = std::min(file.find('\n'), file.size());
    const auto message = sdk::parse_json(std::string(file.substr(0, end)));
    file.remove_prefix(std::min(end + 1, file.size()));
    if (!message || !message->is_object()) continue;
    const Json& transcript = member_of(*message, "transcript");
    for (const Json& result : list_of(transcript.is_object() ? transcript : *message, "results"))
      take_result(result);
  }
}

// A result holds the words of everybody who spoke in its time.
void Transcripts::take_result(const Json& result) {
  const Json& partial = member_of(result, "isPartial");
  const std::string id = text_of(result, "resultId");
  const Json& alternatives = list_of(result, "alternatives");
  if ((partial.is_boolean() && partial.get<bool>()) || id.empty() || id.size() > 100 ||
      alternatives.empty())
    return;
  // The most likely one stands first.
  const Json& items = list_of(alternatives[0], "items");
  std::vector<Said> parts;
  for (const Json& item : items) {
    const std::string content = text_of(item, "content");
    const std::string user = text_of(member_of(item, "attendee"), "externalUserId");
    const bool mark = text_of(item, "type") == "punctuation";
    if (content.empty() || (user.empty() && (!mark || parts.empty()))) continue;
    const std::string identity = user.empty() ? parts.back().identity : identity_of(user);
    if (parts.empty() || parts.back().identity != identity) {
      parts.push_back({.key = id + "/" + std::to_string(parts.size()),
                       .identity = identity,
                       .at = time_of(item, "startTimeMs"),
                       .text = {}});
    }
    Said& part = parts.back();
    if (!mark && !part.text.empty()) part.text += ' ';
    part.text += content;
    part.end = std::max(part.end, time_of(item, "endTimeMs"));
    const Json& sure = member_of(item, "confidence");
    if (mark || !sure.is_number()) continue;
    part.confidence += sure.get<double>();
    ++part.words;
  }
  // Written as Amazon writes it, where one person spoke: not every language has spaces.
  const std::string whole = text_of(alternatives[0], "transcript");
  if (parts.size() == 1 && !whole.empty()) parts.front().text = whole;
  for (Said& part : parts) {
    if (part.text.empty() || part.at <= 0 || part.identity.size() > 200) continue;
    const auto part_before = std::find_if(said_.begin(), said_.end(),
                                          [&](const Said& said) { return said.key == part.key; });
    part.text = cut(std::move(part.text), kLongest);
    part.end = std::max(part.end, part.at);
    if (part_before != said_.end()) {
      *part_before = std::move(part);
    } else if (said_.size() < kMost) {
      said_.push_back(std::move(part));
    }
  }
}

Json Transcripts::said() const {
  std::vector<Said> sorted = said_;
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const Said& a, const Said& b) { return a.at < b.at; });
  Json out = Json::array();
  for (const Said& said : sorted) {
    Json item{{"key", said.key},
              {"identity", said.identity},
              {"at", said.at},
              {"endAt", said.end},
              {"text", said.text}};
    const double sure = said.words > 0 ? said.confidence / said.words : -1;
    if (sure >= 0 && sure <= 1) item["confidence"] = sure;
    out.push_back(std::move(item));
  }
  return out;
}

}  // namespace rabt::chime
