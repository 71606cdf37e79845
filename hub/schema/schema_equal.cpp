#include "hub/schema/schema_equal.hpp"

#include <algorithm>
#include <functional>
#include <utility>
#include <vector>

#include "hub/schema/schema_model.hpp"

namespace rabt::schema {

namespace {

constexpr std::size_t kQuadraticItems = 8;  // has_repeats compares each with each up to here

bool same(const Json& a, const Json& b, int depth, Budget& budget) {
  if (!budget.spend(1)) return false;
  if (depth > kMaxDepth) {
    budget.exhausted = "is nested too deeply to check";
    return false;
  }
  if (a.type() != b.type()) return false;
  switch (a.type()) {
    case Json::Type::null:
      return true;
    case Json::Type::boolean:
      return a.as_bool() == b.as_bool();
    case Json::Type::number:
      return order(a, b, budget) == 0;
    case Json::Type::string:
      return a.as_string().size() == b.as_string().size() &&
             budget.spend(a.as_string().size() / kBytesPerStep) && a.as_string() == b.as_string();
    case Json::Type::array:
      if (a.size() != b.size()) return false;
      for (std::size_t i = 0; i < a.size(); ++i) {
        if (!same(a.as_array()[i], b.as_array()[i], depth + 1, budget)) return false;
      }
      return true;
    case Json::Type::object:
      if (a.size() != b.size()) return false;
      for (const auto& [key, value] : a.as_object()) {
        const Json* other = b.find(key);
        if (other == nullptr || !same(value, *other, depth + 1, budget)) return false;
      }
      return true;
  }
  return false;
}

// Equal values have equal hashes.
std::size_t hash(const Json& value, int depth, Budget& budget) {
  const auto mix = [](std::size_t a, std::size_t b) {
    return (a ^ b) * 0x9e3779b97f4a7c15ULL + (a >> 29U);
  };
  if (!budget.spend(1)) return 0;
  if (depth > kMaxDepth) {
    budget.exhausted = "is nested too deeply to check";
    return 0;
  }
  const auto seed = static_cast<std::size_t>(value.type()) + 1;
  switch (value.type()) {
    case Json::Type::null:
      return seed;
    case Json::Type::boolean:
      return mix(seed, value.as_bool() ? 2 : 1);
    case Json::Type::number: {
      const double number = value.as_double();
      return mix(seed, std::hash<double>()(number == 0 ? 0.0 : number));
    }
    case Json::Type::string:
      if (!budget.spend(value.as_string().size() / kBytesPerStep)) return 0;
      return mix(seed, std::hash<std::string_view>()(value.as_string()));
    case Json::Type::array: {
      std::size_t sum = seed;
      for (const Json& item : value.as_array()) sum = mix(sum, hash(item, depth + 1, budget));
      return sum;
    }
    case Json::Type::object: {
      std::size_t sum = seed;
      for (const auto& [key, member] : value.as_object())
        sum += mix(std::hash<std::string_view>()(key), hash(member, depth + 1, budget));
      return sum;
    }
  }
  return 0;
}

}  // namespace

bool same(const Json& a, const Json& b, Budget& budget) {
  return same(a, b, 0, budget);
}

int order(const Json& a, const Json& b, Budget& budget) {
  if (a.has_digits() || b.has_digits()) {
    // Long numbers: the text is read when the doubles do not decide.
    const double x = a.as_double();
    const double y = b.as_double();
    if (x < y) return -1;
    if (x > y) return 1;
    if (!budget.spend(1 + (a.number_text().size() + b.number_text().size()) / kBytesPerStep))
      return 1;
  }
  return compare_numbers(a, b);
}

bool has_repeats(const Json::Array& items, Budget& budget) {
  if (items.size() <= kQuadraticItems) {
    for (std::size_t i = 0; i < items.size(); ++i) {
      for (std::size_t j = i + 1; j < items.size(); ++j) {
        if (same(items[i], items[j], budget)) return true;
      }
    }
    return false;
  }
  std::vector<std::pair<std::size_t, std::size_t>> hashes;  // and position
  hashes.reserve(items.size());
  for (std::size_t i = 0; i < items.size(); ++i) {
    hashes.emplace_back(hash(items[i], 0, budget), i);
    if (budget.exhausted != nullptr) return false;
  }
  std::sort(hashes.begin(), hashes.end());
  for (std::size_t i = 0; i < hashes.size(); ++i) {
    for (std::size_t j = i + 1; j < hashes.size() && hashes[j].first == hashes[i].first; ++j) {
      if (same(items[hashes[i].second], items[hashes[j].second], budget)) return true;
      if (budget.exhausted != nullptr) return false;
    }
  }
  return false;
}

}  // namespace rabt::schema
