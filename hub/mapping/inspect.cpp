#include "hub/mapping/inspect.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <set>

#include "hub/base/json_pointer.hpp"
#include "hub/base/split.hpp"
#include "hub/mapping/message.hpp"
#include "hub/schema/schema.hpp"
#include "rabt/text.hpp"

namespace rabt::mapping {

namespace {

// Calls `visit(pointer, place, value)` for each leaf; place: the pointer with `*` for items.
// Empty arrays and objects are leaves. The depth is that of a message, which is bounded.
using Visit = std::function<void(const std::string&, const std::string&, const Json&)>;
void each_leaf(const Json& value, const std::string& pointer, const std::string& place,
               const Visit& visit) {
  if (value.size() == 0) return visit(pointer, place, value);
  if (value.is_array()) {
    for (std::size_t i = 0; i < value.size(); ++i)
      each_leaf(value[i], pointer + "/" + std::to_string(i), place + "/*", visit);
    return;
  }
  for (const auto& [key, member] : value.as_object()) {
    const std::string token = "/" + escape_token(key);
    each_leaf(member, pointer + token, place + token, visit);
  }
}

// A copy with another value at a pointer; without the member for nothing.
Json changed(const Json& value, std::string_view pointer, const Json* other) {
  const auto end = std::min(pointer.find('/', 1), pointer.size());
  const auto key = unescape_token(pointer.substr(1, end - 1));
  const std::string_view rest = pointer.substr(end);
  Json out = value;
  if (value.is_array()) {
    const auto index = static_cast<std::size_t>(std::stoul(*key));
    Json::Array& items = out.mutable_array();
    if (!rest.empty()) {
      items[index] = changed(value[index], rest, other);
    } else {
      items[index] = other == nullptr ? Json() : *other;
    }
    return out;
  }
  if (!rest.empty()) {
    out.set(*key, changed(value[*key], rest, other));
  } else if (other == nullptr) {
    out.mutable_object().erase(*key);
  } else {
    out.set(*key, *other);
  }
  return out;
}

// Another value of the same type.
Json varied(const Json& value) {
  if (value.is_string()) return Json(value.as_string() + "0");
  if (value.is_number()) return Json(value.as_double() + 1.0);
  if (value.is_bool()) return Json(!value.as_bool());
  return Json("0");
}

bool same(const Taken& taken, const Taken& other) {
  return taken.id == other.id && taken.refused == other.refused && taken.events == other.events;
}

// True if the place, or what holds it, is among the marked ones.
bool covers(const std::set<std::string>& marked, const std::string& place) {
  const std::vector<std::string> tokens = split(place, '/');
  return std::any_of(marked.begin(), marked.end(), [&](const std::string& mark) {
    const std::vector<std::string> wanted = split(mark, '/');
    if (wanted.size() > tokens.size()) return false;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      if (wanted[i] != "*" && wanted[i] != tokens[i] && tokens[i] != "*") return false;
    }
    return true;
  });
}

class Inspector {
 public:
  Inspector(const Mapping& mapping, const Json& message, const EventShapes& shapes)
      : mapping_(mapping), message_(message) {
    const auto learn = [this](const std::string& type, const Json& shape) {
      const auto schema = Schema::compile(shape, {.unknown = UnknownKeywords::ignore});
      if (!shape.is_null() && schema.ok()) marked_[type] = schema->phi_places();
    };
    for (const auto& [type, shape] : shapes) learn(type, shape);
    for (const auto& one : mapping.declared()) learn(one.type, one.data_schema);
    const bool rows = mapping.reading().format == Format::csv;
    for (const std::string& place : mapping.phi_places())
      private_.insert(rows ? "/*" + place : place);
    before_ = apply(message);
  }

  Inspection run() {
    Inspection out;
    std::size_t probes = 0;
    each_leaf(message_, "", "",
              [&](const std::string& pointer, const std::string& place, const Json& value) {
                if (pointer.empty()) return;
                bool& read = read_[place];
                const bool is_private = covers(private_, place);
                if (read && !is_private) return;
                if (++probes > kMaxProbes) {
                  out.partial = true;
                  return;
                }
                const Json other = varied(value);
                const Taken after = apply(changed(message_, pointer, &other));
                const Taken without = apply(changed(message_, pointer, nullptr));
                read = read || !same(before_, after) || !same(before_, without);
                if (!is_private) return;
                for (const Taken* taken : {&after, &without}) look(*taken, place);
              });
    for (const auto& [place, read] : read_) {
      if (read) {
        out.read.push_back(place);
      } else if (!out.partial) {
        out.unread.push_back(place);
      }
    }
    out.leaks.assign(leaks_.begin(), leaks_.end());
    return out;
  }

 private:
  [[nodiscard]] Taken apply(const Json& message) const {
    return mapping_.apply(message, {.body = {}, .digest = "digest", .source = "sample"});
  }

  // Enters the places of events that changed although nobody marked them.
  void look(const Taken& after, const std::string& from) {
    if (!after.refused.empty() || after.events.size() != before_.events.size()) return;
    for (std::size_t i = 0; i < after.events.size(); ++i) {
      const Json& event = before_.events[i];
      const std::string type = event.string_or("type", "");
      each_leaf(event, "", "",
                [&](const std::string& pointer, const std::string& place, const Json& value) {
                  const Json* now = at_pointer(after.events[i], pointer);
                  if (now != nullptr && *now == value) return;
                  const bool data = place.starts_with("/data/");
                  const auto marked = marked_.find(type);
                  if (data && marked == marked_.end()) return;
                  if (data && covers(marked->second, place.substr(5))) return;
                  if (place != "/time") leaks_.insert({from, place, type});
                });
    }
  }

  const Mapping& mapping_;
  const Json& message_;
  std::map<std::string, std::set<std::string>> marked_;
  std::set<std::string> private_;
  std::map<std::string, bool> read_;
  std::set<Leak> leaks_;
  Taken before_;
};

// Parts of names that sound like patient data, in lower case.
constexpr std::array<std::string_view, 27> kPrivateWords{
    "name",      "patient", "birth",  "dob",  "phone",    "mobile", "tel",    "mail",   "address",
    "nation",    "iqama",   "mrn",    "ssn",  "passport", "gender", "sex",    "family", "given",
    "complaint", "diagnos", "reason", "note", "insur",    "member", "policy", "card",   "contact"};

bool sounds_private(std::string_view name) {
  const std::string plain = sdk::lower(name);
  return std::any_of(kPrivateWords.begin(), kPrivateWords.end(),
                     [&](std::string_view word) { return plain.find(word) != std::string::npos; });
}

// An object with the members of all items of a list.
Json merged(const Json& list) {
  Json out;
  for (const Json& item : list.as_array()) {
    if (!item.is_object() || !(out.is_null() || out.is_object())) {
      if (out.is_null()) out = item;
      continue;
    }
    if (out.is_null()) out = Json::object();
    for (const auto& [key, member] : item.as_object()) {
      if (out.find(key) == nullptr) out.set(key, member);
    }
  }
  return out;
}

}  // namespace

Inspection inspect(const Mapping& mapping, const Json& message, const EventShapes& shapes) {
  return Inspector(mapping, message, shapes).run();
}

Json draft_schema(const Json& sample) {
  Json out = Json::object();
  if (sample.is_object()) {
    out.set("type", "object");
    Json required = Json::array();
    Json properties = Json::object();
    for (const auto& [key, member] : sample.as_object()) {
      Json member_value = draft_schema(member);
      // Fields below a marked one need no mark.
      if (sounds_private(key) && !member.is_bool()) member_value.set("x-phi", true);
      properties.set(key, std::move(member_value));
      if (!member.is_null()) required.push_back(key);
    }
    if (required.size() > 0) out.set("required", std::move(required));
    out.set("properties", std::move(properties));
  } else if (sample.is_array()) {
    out.set("type", "array");
    const Json item = merged(sample);
    if (!item.is_null()) {
      Json items = draft_schema(item);
      // A member that only some items have is not needed.
      if (const Json* required = items.find("required"); required != nullptr) {
        Json all = Json::array();
        for (const Json& name : required->as_array()) {
          const bool everywhere =
              std::all_of(sample.as_array().begin(), sample.as_array().end(),
                          [&](const Json& node) { return !node[name.as_string()].is_null(); });
          if (everywhere) all.push_back(name);
        }
        items.set("required", std::move(all));
      }
      out.set("items", std::move(items));
    }
  } else if (sample.is_number()) {
    out.set("type", sample.as_int64() ? "integer" : "number");
  } else if (!sample.is_null()) {
    out.set("type", type_of(sample));
  }
  return out;
}

std::vector<std::pair<std::string, std::string>> leaves(const Json& value) {
  std::vector<std::pair<std::string, std::string>> out;
  each_leaf(value, "", "", [&](const std::string& pointer, const std::string&, const Json& leaf) {
    out.emplace_back(pointer, type_of(leaf));
  });
  return out;
}

}  // namespace rabt::mapping
