#include "hub/plugin/package/coded.hpp"

#include <algorithm>

namespace rabt::plugin {

namespace {

constexpr std::size_t kMaxDepth = 8;
constexpr std::size_t kMaxListed = 16;

bool is_marked(const Json& schema, std::string_view keyword) {
  const Json* const mark = schema.find(keyword);
  return mark != nullptr && mark->is_bool() && mark->as_bool();
}

using Way = std::vector<std::string>;
using Step = Way::const_iterator;

// Calls take(text) for each text at the end of the way.
template <typename Take>
void each_text(const Json& value, Step step, const Step& end, const Take& take) {
  if (step == end) {
    if (value.is_string()) take(value.as_string());
  } else if (*step == "*") {
    if (!value.is_array()) return;
    for (const Json& item : value.as_array()) each_text(item, step + 1, end, take);
  } else if (value.is_object()) {
    if (const Json* const member = value.find(*step)) each_text(*member, step + 1, end, take);
  }
}

std::string name_of(const Way& way) {
  std::string out;
  for (const std::string& step : way) {
    if (step != "*") out += (out.empty() ? "" : ".") + step;
  }
  return out;
}

}  // namespace

CodedMembers::CodedMembers(const Json& schema, const Json& contract) {
  Way way;
  find(schema, way);
  find(contract, way);
}

void CodedMembers::find(const Json& schema, Way& way) {
  if (!schema.is_object() || way.size() > kMaxDepth || is_marked(schema, "x-phi")) return;
  if (is_marked(schema, "x-code") &&
      std::none_of(members_.begin(), members_.end(),
                   [&way](const Member& member) { return member.way == way; }))
    members_.push_back({way, schema["enum"]});
  const auto below = [&](std::string step, const Json& part) {
    way.push_back(std::move(step));
    find(part, way);
    way.pop_back();
  };
  if (const Json& properties = schema["properties"]; properties.is_object()) {
    for (const auto& [name, part] : properties.as_object()) below(name, part);
  }
  if (const Json* const items = schema.find("items")) below("*", *items);
}

Json CodedMembers::read(const Json& answer, const phi::Vocabulary& words) const {
  Json out;
  for (const Member& member : members_) {
    const bool listed = std::find(member.way.begin(), member.way.end(), "*") != member.way.end();
    Json::Array found;
    each_text(answer, member.way.begin(), member.way.end(), [&](const std::string& text) {
      const bool declared =
          member.values.is_array()
              ? std::any_of(
                    member.values.as_array().begin(), member.values.as_array().end(),
                    [&](const Json& item) { return item.is_string() && item.as_string() == text; })
              : words.is_code(text);
      if (declared && found.size() < kMaxListed) found.emplace_back(text);
    });
    if (found.empty()) continue;
    if (out.is_null()) out = Json::object();
    out.set(name_of(member.way), listed ? Json(std::move(found)) : std::move(found.front()));
  }
  return out;
}

}  // namespace rabt::plugin
