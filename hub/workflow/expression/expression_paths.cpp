#include <algorithm>
#include <cmath>

#include "hub/base/ascii.hpp"
#include "hub/base/utf8.hpp"
#include "hub/workflow/expression/expression_evaluation.hpp"

// Operations on the value at a key or a path: look up, change, delete. Error texts name types,
// never values.
namespace rabt::workflow {

namespace {

constexpr std::size_t kMaxPathKeys = 256;  // a path as a value; change_path recurses over it
// Paths can make arrays longer by writing past their end; each missing item is charged, this bounds
// one step.
constexpr double kMaxIndex = 1e8;

bool fits_range(const Json& value, double& out) {
  if (!value.is_number()) return false;
  out = value.as_double();
  return true;
}

// Start and end of a slice, cut to the length. Returns false if one of the two is no number.
bool bounds(const Json& from, const Json& to, std::size_t length, std::size_t& begin,
            std::size_t& end) {
  double first = 0;
  auto last = static_cast<double>(length);
  if (!from.is_null() && !fits_range(from, first)) return false;
  if (!to.is_null() && !fits_range(to, last)) return false;
  const auto size = static_cast<double>(length);
  if (std::isnan(first)) first = 0;
  if (std::isnan(last)) last = size;
  if (first < 0) first += size;
  if (last < 0) last += size;
  first = std::clamp(std::floor(first), 0.0, size);
  last = std::clamp(std::ceil(last), 0.0, size);
  begin = static_cast<std::size_t>(first);
  end = std::max(begin, static_cast<std::size_t>(last));
  return true;
}

std::size_t byte_of(const std::string& text, std::size_t point) {
  std::size_t at = 0;
  while (point > 0 && at < text.size()) {
    ++at;
    while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xc0U) == 0x80U) ++at;
    --point;
  }
  return at;
}

bool is_slice(const Json& key) {
  return key.is_object();
}

}  // namespace

bool slice_value(Evaluation& evaluation, const Json& base, const Json& from, const Json& to,
                 Json& out) {
  if (base.is_null()) {
    out = Json();
    return true;
  }
  if (!base.is_array() && !base.is_string()) {
    return cannot_index(evaluation, base, Json::object());
  }
  std::size_t begin = 0;
  std::size_t end = 0;
  const std::size_t length = base.is_array() ? base.size() : code_points(base.as_string());
  if (!bounds(from, to, length, begin, end)) {
    return evaluation.fail("Start and end indices of an array slice must be numbers");
  }
  if (base.is_string()) {
    const std::string& text = base.as_string();
    const std::size_t first = byte_of(text, begin);
    const std::size_t last = byte_of(text, end);
    if (!evaluation.charge(last - first)) return false;
    out = Json(text.substr(first, last - first));
    return true;
  }
  if (!evaluation.charge((end - begin) * sizeof(Json))) return false;
  const auto& items = base.as_array();
  Json::Array part(items.begin() + static_cast<std::ptrdiff_t>(begin),
                   items.begin() + static_cast<std::ptrdiff_t>(end));
  out = Json(std::move(part));
  return true;
}

bool index_value(Evaluation& evaluation, const Json& base, const Json& key, Json& out) {
  if (key.is_string() && (base.is_object() || base.is_null())) {
    const Json* found = base.find(key.as_string());
    Json copy = found == nullptr ? Json() : Json(*found);
    out = std::move(copy);
    return true;
  }
  if (key.is_number() && (base.is_array() || base.is_null())) {
    double at = key.as_double();
    if (at < 0) at += static_cast<double>(base.size());
    Json copy;
    if (at == std::floor(at) && at >= 0 && at < static_cast<double>(base.size()))
      copy = base[static_cast<std::size_t>(at)];
    out = std::move(copy);
    return true;
  }
  if (is_slice(key) && (base.is_array() || base.is_null() || base.is_string())) {
    return slice_value(evaluation, base, key["start"], key["end"], out);
  }
  if (key.is_array() && base.is_array()) return find_all(evaluation, base, key, out);
  return cannot_index(evaluation, base, key);
}

bool find_all(Evaluation& evaluation, const Json& input, const Json& wanted, Json& out) {
  Json::Array found;
  if (input.is_string() && wanted.is_string()) {
    const std::string& text = input.as_string();
    const std::string& part = wanted.as_string();
    if (part.empty()) {
      out = Json();
      return true;
    }
    // Byte positions become code points on the way.
    std::size_t counted = 0;
    std::int64_t points = 0;
    for (std::size_t at = text.find(part); at != std::string::npos;
         at = text.find(part, at + part.size())) {
      for (; counted < at; ++counted) {
        if ((static_cast<unsigned char>(text[counted]) & 0xc0U) != 0x80U) ++points;
      }
      found.emplace_back(points);
      if (!evaluation.charge(sizeof(Json)) || !evaluation.spend(1 + part.size() / 64)) return false;
    }
  } else if (input.is_array() && wanted.is_array()) {
    const auto& items = input.as_array();
    const auto& part = wanted.as_array();
    if (part.empty()) {
      out = Json();
      return true;
    }
    for (std::size_t at = 0; at + part.size() <= items.size(); ++at) {
      if (!evaluation.spend(1)) return false;
      std::size_t same = 0;
      while (same < part.size() && order(evaluation, items[at + same], part[same]) == 0) ++same;
      if (!evaluation.spend(same)) return false;
      if (same == part.size()) found.emplace_back(at);
    }
  } else if (input.is_array()) {
    const auto& items = input.as_array();
    if (!evaluation.spend(items.size())) return false;
    for (std::size_t at = 0; at < items.size(); ++at) {
      if (order(evaluation, items[at], wanted) == 0) found.emplace_back(at);
    }
  } else {
    return index_value(evaluation, input, wanted, out);
  }
  out = Json(std::move(found));
  return !evaluation.stopped();
}

bool get_path(Evaluation& evaluation, const Json& root, const Json& path, Json& out) {
  if (!path.is_array()) return evaluation.fail("Path must be specified as an array");
  if (!evaluation.spend(path.size())) return false;
  Json at(root);
  for (const Json& key : path.as_array()) {
    if (at.is_null()) break;
    Json next;
    if (!index_value(evaluation, at, key, next)) return false;
    at = std::move(next);
  }
  out = std::move(at);
  return true;
}

// ---- change ----

bool change_path(Evaluation& evaluation, Json& root, const Json::Array& path, std::size_t at,
                 Callback<Json&> change) {
  if (at == path.size()) return change(root);
  if (path.size() > kMaxPathKeys) {
    return evaluation.over_budget("a path has more than " + std::to_string(kMaxPathKeys) + " keys");
  }
  if (!evaluation.spend(1)) return false;
  evaluation.shared();  // each key may add a level
  const Json& key = path[at];
  if (key.is_string() && (root.is_object() || root.is_null())) {
    const JsonObject* before = root.is_object() ? &root.as_object() : nullptr;
    JsonObject& object = root.mutable_object();
    // A clone costs its size, growing in place only the new member.
    if (before != nullptr && before != &object &&
        !evaluation.charge(object.size() * sizeof(JsonObject::Member))) {
      return false;
    }
    Json* member = object.find(key.as_string());
    if (member == nullptr) {
      if (!evaluation.charge(sizeof(JsonObject::Member) + key.as_string().size())) return false;
      object.append_new(key.as_string(), Json());
      member = object.find(key.as_string());
    }
    return change_path(evaluation, *member, path, at + 1, change);
  }
  if (key.is_number() && (root.is_array() || root.is_null())) {
    double index = std::trunc(key.as_double());
    if (std::isnan(index)) index = 0;
    const bool fraction = index != key.as_double();  // reads null, writes to the whole position
    const auto size = static_cast<double>(root.size());
    if (index < 0) index += size;
    if (index < 0) return evaluation.fail("Out of bounds negative array index");
    if (index > kMaxIndex) return evaluation.fail("Array index too large");
    const Json* before = root.is_array() ? root.as_array().data() : nullptr;
    Json::Array& items = root.mutable_array();
    if (before != nullptr && before != items.data() &&
        !evaluation.charge(items.size() * sizeof(Json)))
      return false;
    const auto position = static_cast<std::size_t>(index);
    if (position >= items.size()) {
      if (!evaluation.charge((position + 1 - items.size()) * sizeof(Json))) return false;
      items.resize(position + 1);
    }
    if (fraction) items[position] = Json();
    return change_path(evaluation, items[position], path, at + 1, change);
  }
  if (is_slice(key) && (root.is_array() || root.is_null())) {
    Json part;
    if (!slice_value(evaluation, root, key["start"], key["end"], part)) return false;
    if (!change_path(evaluation, part, path, at + 1, change)) return false;
    if (!part.is_array())
      return evaluation.fail("A slice of an array can only be assigned another array");
    std::size_t begin = 0;
    std::size_t end = 0;
    if (!bounds(key["start"], key["end"], root.size(), begin, end)) {
      return evaluation.fail("Start and end indices of an array slice must be numbers");
    }
    Json::Array& items = root.mutable_array();
    if (!evaluation.charge((items.size() + part.size()) * sizeof(Json))) return false;
    const auto first = items.erase(items.begin() + static_cast<std::ptrdiff_t>(begin),
                                   items.begin() + static_cast<std::ptrdiff_t>(end));
    items.insert(first, part.as_array().begin(), part.as_array().end());
    return true;
  }
  if (key.is_array() && root.is_array())
    return evaluation.fail("Cannot update field at array index of array");
  if (key.is_object() && root.is_string())
    return evaluation.fail("Cannot update field at object index of string");
  return cannot_index(evaluation, root, key);
}

namespace {

// Removes members or items; all keys are looked up before anything moves.
bool delete_keys(Evaluation& evaluation, Json& root, const std::vector<const Json*>& keys) {
  if (root.is_null() || keys.empty()) return true;
  if (!evaluation.spend(root.size() / 8 + keys.size())) return false;
  if (root.is_object()) {
    for (const Json* key : keys) {
      if (!key->is_string())
        return evaluation.fail(std::string("Cannot delete ") + type_name(*key) +
                               " field of object");
      if (!root.as_object().contains(key->as_string())) continue;
      const JsonObject* before = &root.as_object();
      JsonObject& object = root.mutable_object();
      if (&object != before && !evaluation.charge(object.size() * sizeof(JsonObject::Member)))
        return false;
      // One key of a large object costs its length, as the members behind it move.
      if (!evaluation.spend(object.size() / 8)) return false;
      object.erase(key->as_string());
    }
    return true;
  }
  if (!root.is_array()) {
    return evaluation.fail(std::string("Cannot delete fields from ") + type_name(root));
  }
  const auto size = static_cast<double>(root.size());
  std::vector<bool> gone(root.size());
  for (const Json* key : keys) {
    if (key->is_number()) {
      double index = std::trunc(key->as_double());
      if (index < 0) index += size;
      if (index >= 0 && index < size) gone[static_cast<std::size_t>(index)] = true;
    } else if (is_slice(*key)) {
      std::size_t begin = 0;
      std::size_t end = 0;
      if (!bounds((*key)["start"], (*key)["end"], root.size(), begin, end)) {
        return evaluation.fail("Start and end indices of an array slice must be numbers");
      }
      if (!evaluation.spend((end - begin) / 8)) return false;
      std::fill(gone.begin() + static_cast<std::ptrdiff_t>(begin),
                gone.begin() + static_cast<std::ptrdiff_t>(end), true);
    } else {
      return evaluation.fail(std::string("Cannot delete ") + type_name(*key) + " element of array");
    }
  }
  if (!evaluation.charge(root.size() * sizeof(Json))) return false;
  Json::Array rest;
  for (std::size_t i = 0; i < gone.size(); ++i) {
    if (!gone[i]) rest.push_back(root[i]);
  }
  root = Json(std::move(rest));
  return true;
}

// paths: sorted, longer than level and the same before it.
bool delete_sorted(Evaluation& evaluation, Json& root, std::span<const Json> paths,
                   std::size_t level) {
  std::vector<const Json*> keys;
  for (std::size_t i = 0; i < paths.size();) {
    const Json& key = paths[i][level];
    std::size_t end = i + 1;
    while (end < paths.size() && order(evaluation, key, paths[end][level]) == 0) ++end;
    if (!evaluation.spend(end - i)) return false;
    if (paths[i].size() == level + 1) {
      keys.push_back(&key);  // and with it whatever stands inside
    } else {
      Json inner;
      if (!index_value(evaluation, root, key, inner)) return false;
      if (!inner.is_null()) {
        inner = Json();  // alone in the tree, so that it can change in place
        const auto below = paths.subspan(i, end - i);
        if (!change_path(evaluation, root, Json::Array{key}, 0, [&](Json& place) {
              return delete_sorted(evaluation, place, below, level + 1);
            })) {
          return false;
        }
      }
    }
    i = end;
  }
  return delete_keys(evaluation, root, keys);
}

}  // namespace

bool delete_paths(Evaluation& evaluation, Json& root, std::vector<Json> paths) {
  for (const Json& path : paths) {
    if (!path.is_array())
      return evaluation.fail(std::string("Path must be specified as array, not ") +
                             type_name(path));
    if (path.size() > kMaxPathKeys) return evaluation.over_budget("a path has too many keys");
  }
  if (paths.empty()) return true;
  if (!sort_values(evaluation, paths)) return false;
  if (paths.front().size() == 0) {
    root = Json();
    return true;
  }
  return delete_sorted(evaluation, root, paths, 0);
}

}  // namespace rabt::workflow
