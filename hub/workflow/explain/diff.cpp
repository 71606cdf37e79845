#include "hub/workflow/explain/diff.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "hub/workflow/model.hpp"

namespace rabt::workflow {

namespace {

using Change = Difference::Change;

constexpr std::size_t kMaxShown = 80;  // a longer value is not shown: the file has it

// Keys that say what kind of task it is, in the order in which they decide.
constexpr std::array<std::string_view, 12> kKinds = {
    "call", "fork", "for", "listen", "emit", "run", "set", "switch", "raise", "wait", "try", "do"};

std::string kind_of(const Json& task) {
  for (const std::string_view kind : kKinds) {
    if (task.find(kind) != nullptr) return std::string(kind);
  }
  return "task";
}

std::string shown(const Json& value) {
  if (value.is_null()) return {};
  std::string text = value.is_string() ? value.as_string() : value.dump();
  return text.size() <= kMaxShown ? text : std::string();
}

// A list of tasks or cases: every item has one name.
bool is_named_list(const Json& value) {
  return value.is_array() &&
         std::all_of(value.as_array().begin(), value.as_array().end(),
                     [](const Json& item) { return item.is_object() && item.size() == 1; });
}

// True if a member of a task may hold tasks; every other member is compared as a value.
bool holds_tasks(std::string_view key) {
  constexpr std::array<std::string_view, 7> kLists = {"do",     "try",   "branches",  "switch",
                                                      "before", "after", "compensate"};
  return std::find(kLists.begin(), kLists.end(), key) != kLists.end();
}
bool is_group(std::string_view key) {
  constexpr std::array<std::string_view, 6> kGroups = {"for",     "fork",     "catch",
                                                       "foreach", "metadata", "rabt"};
  return std::find(kGroups.begin(), kGroups.end(), key) != kGroups.end();
}

// The word for a member of a task; group: the member that it stands in.
std::string meaning(std::string_view group, std::string_view key) {
  if (key == "schema") return "schema";
  if (group == "input" || group == "output" || group == "export") return "data";
  if (group == "catch") return key == "retry" ? "retry" : "catch";
  if (key == "with") return "arguments";
  if (key == "if") return "condition";
  if (key == "then") return "flow";
  if (key == "listen") return "events";
  return std::string(key);
}

struct Named {
  std::string name;
  Json body;
};
std::vector<Named> named(const Json& list) {
  std::vector<Named> out;
  if (!is_named_list(list)) return out;
  for (const Json& item : list.as_array()) {
    const auto& [name, body] = *item.as_object().begin();
    out.push_back({name, body});
  }
  return out;
}

// Which of the positions stay where they are when as few as possible are moved: a longest rising
// subsequence.
std::vector<bool> staying(const std::vector<std::size_t>& positions) {
  const std::size_t count = positions.size();
  std::vector<std::size_t> tails;  // index of the last of each length
  std::vector<std::size_t> before(count, SIZE_MAX);
  for (std::size_t i = 0; i < count; ++i) {
    const auto at = std::lower_bound(
        tails.begin(), tails.end(), positions[i],
        [&](std::size_t index, std::size_t value) { return positions[index] < value; });
    if (at != tails.begin()) before[i] = *std::prev(at);
    if (at == tails.end()) {
      tails.push_back(i);
    } else {
      *at = i;
    }
  }
  std::vector<bool> stays(count, false);
  for (std::size_t i = tails.empty() ? SIZE_MAX : tails.back(); i != SIZE_MAX; i = before[i])
    stays[i] = true;
  return stays;
}

class Comparison {
 public:
  void definitions(const Json& from, const Json& to) {
    const Json& old_document = from["document"];
    const Json& new_document = to["document"];
    value("dsl", "/document/dsl", old_document["dsl"], new_document["dsl"]);
    value("business key", "/document/metadata/rabt/businessKey",
          old_document["metadata"]["rabt"]["businessKey"],
          new_document["metadata"]["rabt"]["businessKey"]);
    value("metadata", "/document/metadata", without_key(old_document["metadata"]),
          without_key(new_document["metadata"]));
    schedules(from["schedule"], to["schedule"]);
    for (const char* key : {"input", "output"})
      group(key, std::string("/") + key, from[key], to[key]);
    value("timeout", "/timeout", from["timeout"], to["timeout"]);
    value("evaluate", "/evaluate", from["evaluate"], to["evaluate"]);
    uses(from["use"], to["use"]);
    list("task", "/do", from["do"], to["do"]);
  }
  std::vector<Difference> finish() {
    match_moves();
    found_.insert(found_.end(), gone_.begin(), gone_.end());
    return std::move(found_);
  }

 private:
  struct Place {
    std::size_t index;
    std::string name;
    Json body;
  };

  static Json without_key(const Json& metadata) {
    if (metadata["rabt"]["businessKey"].is_null()) return metadata;
    Json out = metadata;
    Json rabt = metadata["rabt"];
    rabt.mutable_object().erase("businessKey");
    if (rabt.size() == 0) {
      out.mutable_object().erase("rabt");
    } else {
      out.set("rabt", rabt);
    }
    return out.size() == 0 ? Json() : out;
  }

  void add(Change change, std::string what, std::string path, std::string from = {},
           std::string to = {}) {
    (change == Change::removed ? gone_ : found_)
        .push_back({change, std::move(what), std::move(path), std::move(from), std::move(to)});
  }

  void value(const std::string& what, const std::string& path, const Json& from, const Json& to,
             bool show = true) {
    if (from == to) return;
    const Change change = from.is_null() ? Change::added
                          : to.is_null() ? Change::removed
                                         : Change::changed;
    add(change, what, path, show ? shown(from) : "", show ? shown(to) : "");
  }

  void schedules(const Json& from, const Json& to) {
    for (const char* key : {"on", "read"})
      value("start events", std::string("/schedule/") + key, from[key], to[key]);
    for (const char* key : {"every", "cron", "after"})
      value("schedule", std::string("/schedule/") + key, from[key], to[key]);
  }

  void uses(const Json& from, const Json& to) {
    std::set<std::string> kinds;
    for (const Json* side : {&from, &to}) {
      if (!side->is_object()) continue;
      for (const auto& [key, unused] : side->as_object()) kinds.insert(key);
    }
    for (const std::string& kind : kinds) {
      const std::string path = "/use/" + kind;
      if (kind == "secrets") {
        secrets(from[kind], to[kind]);
      } else if (kind == "extensions") {
        list("extension", path, from[kind], to[kind]);
      } else {
        members(kind, path, from[kind], to[kind]);
      }
    }
  }
  void secrets(const Json& from, const Json& to) {
    const auto names = [](const Json& list) {
      std::set<std::string> out;
      if (!list.is_array()) return out;
      for (const Json& name : list.as_array()) {
        if (name.is_string()) out.insert(name.as_string());
      }
      return out;
    };
    const auto before = names(from);
    const auto after = names(to);
    for (const std::string& name : after) {
      if (!before.contains(name)) add(Change::added, "secret", "/use/secrets/" + name);
    }
    for (const std::string& name : before) {
      if (!after.contains(name)) add(Change::removed, "secret", "/use/secrets/" + name);
    }
  }
  // use.retries, use.functions, ...: one entry each name.
  void members(const std::string& kind, const std::string& path, const Json& from, const Json& to) {
    std::string what = kind;
    if (kind == "retries") {
      what = "retry";
    } else if (what.ends_with('s')) {
      what.pop_back();
    }
    std::vector<std::string> names;
    for (const Json* side : {&to, &from}) {
      if (!side->is_object()) continue;
      for (const auto& [name, unused] : side->as_object()) {
        if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
      }
    }
    for (const std::string& name : names) {
      const Json* before = from.find(name);
      const Json* after = to.find(name);
      if (kind == "functions" && before != nullptr && after != nullptr) {
        task(path + "/" + name, *before, *after);
      } else if (kind == "functions") {
        add(after != nullptr ? Change::added : Change::removed, what, path + "/" + name);
      } else {
        value(what, path + "/" + name, from[name], to[name], kind != "authentications");
      }
    }
  }

  void list(const std::string& what, const std::string& path, const Json& from, const Json& to) {
    const std::vector<Named> before = named(from);
    const std::vector<Named> after = named(to);
    std::map<std::string, std::size_t> old_place;
    for (std::size_t i = 0; i < before.size(); ++i) old_place.emplace(before[i].name, i);
    std::set<std::string> kept;
    std::vector<std::size_t> positions;
    std::vector<std::size_t> which;
    for (std::size_t i = 0; i < after.size(); ++i) {
      const auto found = old_place.find(after[i].name);
      if (found == old_place.end()) continue;
      kept.insert(after[i].name);
      positions.push_back(found->second);
      which.push_back(i);
    }
    const std::vector<bool> stays = staying(positions);
    std::size_t common = 0;
    for (std::size_t i = 0; i < after.size(); ++i) {
      const std::string place = path + "/" + after[i].name;
      if (common < which.size() && which[common] == i) {
        if (!stays[common]) {
          const std::size_t was = positions[common];
          add(Change::moved, what, place, was == 0 ? "first" : "after " + before[was - 1].name,
              i == 0 ? "first" : "after " + after[i - 1].name);
        }
        task(place, before[positions[common]].body, after[i].body);
        ++common;
      } else {
        if (what == "task") added_.push_back({found_.size(), after[i].name, after[i].body});
        add(Change::added, what, place, "", what == "task" ? kind_of(after[i].body) : "");
      }
    }
    for (const Named& one : before) {
      if (kept.contains(one.name)) continue;
      if (what == "task") removed_.push_back({gone_.size(), one.name, one.body});
      add(Change::removed, what, path + "/" + one.name, what == "task" ? kind_of(one.body) : "",
          "");
    }
  }

  void task(const std::string& path, const Json& from, const Json& to) {
    if (from == to) return;
    if (!from.is_object() || !to.is_object()) {
      value("task", path, from, to);
      return;
    }
    const std::string old_kind = kind_of(from);
    const std::string new_kind = kind_of(to);
    if (old_kind != new_kind) {
      add(Change::changed, "kind", path, old_kind, new_kind);
      return;
    }
    group("", path, from, to);
  }

  // The members of a task or of a group in it.
  void group(std::string_view name, const std::string& path, const Json& from, const Json& to) {
    if (from == to) return;
    std::vector<std::string> keys;
    for (const Json* side : {&to, &from}) {
      if (!side->is_object()) continue;
      for (const auto& [key, unused] : side->as_object()) {
        if (std::find(keys.begin(), keys.end(), key) == keys.end()) keys.push_back(key);
      }
    }
    for (const std::string& key : keys) {
      const Json& before = from[key];
      const Json& after = to[key];
      if (before == after) continue;
      const std::string place = path + "/" + key;
      if (holds_tasks(key) && (is_named_list(before) || before.is_null()) &&
          (is_named_list(after) || after.is_null())) {
        list(key == "switch" ? "case" : "task", place, before, after);
      } else if (is_group(key) || key == "input" || key == "output" || key == "export") {
        group(key, place, before, after);
      } else if (key == "listen" && before.is_object() && after.is_object()) {
        value("events", place, without_foreach(before), without_foreach(after));
        group("foreach", place + "/foreach", before["foreach"], after["foreach"]);
      } else {
        value(meaning(name, key), place, before, after, key != "authentication");
      }
    }
  }
  static Json without_foreach(const Json& listen) {
    Json out = listen;
    out.mutable_object().erase("foreach");
    return out;
  }

  // A task that is gone in one list and new, with the same name and content, in another, was moved.
  void match_moves() {
    std::vector<bool> dropped(gone_.size(), false);
    for (const Place& added : added_) {
      const auto same = std::find_if(removed_.begin(), removed_.end(), [&](const Place& removed) {
        return !dropped[removed.index] && removed.name == added.name && removed.body == added.body;
      });
      if (same == removed_.end()) continue;
      dropped[same->index] = true;
      Difference& found = found_[added.index];
      found.change = Change::moved;
      found.from = gone_[same->index].path;
      found.to = found.path;
    }
    std::vector<Difference> left;
    for (std::size_t i = 0; i < gone_.size(); ++i) {
      if (!dropped[i]) left.push_back(std::move(gone_[i]));
    }
    gone_ = std::move(left);
  }

  std::vector<Difference> found_;
  std::vector<Difference> gone_;
  std::vector<Place> added_;
  std::vector<Place> removed_;
};

}  // namespace

std::string_view to_string(Difference::Change change) {
  constexpr std::array<std::string_view, 4> kNames = {"added", "removed", "changed", "moved"};
  return kNames[static_cast<std::size_t>(change)];
}

Json to_json(const Difference& difference) {
  Json out = Json::object({{"change", to_string(difference.change)},
                           {"what", difference.what},
                           {"path", difference.path}});
  if (!difference.from.empty()) out.set("from", difference.from);
  if (!difference.to.empty()) out.set("to", difference.to);
  return out;
}

std::vector<Difference> diff(const Definition& from, const Definition& to) {
  Comparison comparison;
  comparison.definitions(from.model().document, to.model().document);
  return comparison.finish();
}

}  // namespace rabt::workflow
