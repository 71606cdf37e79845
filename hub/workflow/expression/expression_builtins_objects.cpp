#include <array>

#include "hub/workflow/expression/expression_builtins.hpp"

// Functions of objects and paths.
namespace rabt::workflow {

namespace {

using E = Evaluation;

bool to_entries(E& e, const Json& in, const Json*, Json& out) {
  Json::Array entries;
  const auto one = [&](Json key, const Json& value) {
    if (!e.charge(2 * sizeof(JsonObject::Member) + sizeof(Json)) || !e.wrap(value)) return false;
    JsonObject entry;
    entry.append_new("key", std::move(key));
    entry.append_new("value", value);
    entries.emplace_back(std::move(entry));
    return true;
  };
  if (in.is_object()) {
    for (const auto& [key, value] : in.as_object()) {
      if (!one(Json(key), value)) return false;
    }
  } else if (in.is_array()) {
    for (std::size_t i = 0; i < in.size(); ++i) {
      if (!one(Json(i), in[i])) return false;
    }
  } else {
    return type_error(e, in, "has no keys");
  }
  return give_array(e, std::move(entries), out);
}

bool from_entries(E& e, const Json& in, const Json*, Json& out) {
  if (!in.is_array() && !in.is_object()) return cannot_iterate(e, in);
  JsonObject object;
  const auto one = [&](const Json& entry) {
    if (!entry.is_object()) return cannot_index(e, entry, Json("key"));
    const Json* key = nullptr;
    for (const std::string_view name : {"key", "k", "name", "Name", "Key", "K"}) {
      const Json* found = entry.find(name);
      if (found != nullptr && (key == nullptr || key->is_null())) key = found;
    }
    const Json* value = nullptr;
    for (const std::string_view name : {"value", "v", "Value", "V"}) {
      if (value == nullptr) value = entry.find(name);
    }
    std::string name;
    if (key == nullptr || key->is_null())
      return e.fail("Cannot use null (null) as object key", "Cannot use null as object key");
    if (key->is_string() || key->is_bool() || key->is_number()) {
      name = display(*key);
    } else {
      const std::string shown = std::string("Cannot use ") + type_name(*key);
      return e.fail(shown + " (" + excerpt(*key) + ") as object key", shown + " as object key");
    }
    if (!e.charge(sizeof(JsonObject::Member) + name.size())) return false;
    object.set(name, value == nullptr ? Json() : *value);
    return value == nullptr || e.wrap(*value);
  };
  if (in.is_array()) {
    for (const Json& entry : in.as_array()) {
      if (!one(entry)) return false;
    }
  } else {
    for (const auto& [key, entry] : in.as_object()) {
      if (!one(entry)) return false;
    }
  }
  out = Json(std::move(object));
  return true;
}

bool setpath(E& e, const Json& in, const Json* args, Json& out) {
  if (!args[0].is_array()) return e.fail("Path must be specified as an array");
  Json root(in);
  if (!change_path(e, root, args[0].as_array(), 0, [&](Json& place) {
        place = args[1];
        return e.wrap(args[1]);
      })) {
    return false;
  }
  out = std::move(root);
  return true;
}

bool delpaths(E& e, const Json& in, const Json* args, Json& out) {
  if (!args[0].is_array()) return e.fail("Paths must be specified as an array");
  Json root(in);
  if (!delete_paths(e, root, args[0].as_array())) return false;
  out = std::move(root);
  return true;
}

constexpr std::array kObjectsBuiltins = {
    Builtin{"to_entries", 0, to_entries},
    Builtin{"from_entries", 0, from_entries},
    Builtin{"setpath", 2, setpath},
    Builtin{"delpaths", 1, delpaths},
};

}  // namespace

std::span<const Builtin> object_builtins() {
  return kObjectsBuiltins;
}

}  // namespace rabt::workflow
