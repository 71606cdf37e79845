#include "hub/base/json.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "hub/base/json_node.hpp"

namespace rabt {

namespace {

const Json kNull;
const std::string kEmptyString;

std::string shortest(double value) {
  if (std::isnan(value)) return "null";
  if (std::isinf(value)) return value > 0 ? "1.7976931348623157e+308" : "-1.7976931348623157e+308";
  if (value == 0) return std::signbit(value) ? "-0" : "0";
  std::array<char, 32> buffer{};
  // Integral values up to 17 digits print without exponent, as jq does.
  if (value == std::trunc(value) && std::fabs(value) < 1e17) {
    const auto [end, error] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value,
                                            std::chars_format::fixed);
    return {buffer.data(), end};
  }
  const auto [end, error] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  return {buffer.data(), end};
}

}  // namespace

// ---- the memory of nodes

namespace {

// A sanitizer sees what is used after its release only where memory goes back each time.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::uint32_t kMostFree = 0;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr std::uint32_t kMostFree = 0;
#else
constexpr std::uint32_t kMostFree = 256;
#endif
#else
constexpr std::uint32_t kMostFree = 256;
#endif

// Memory of released nodes. Its first bytes point to the next.
struct FreeNode {
  FreeNode* next;
};
struct FreeNodes {
  FreeNode* first;
  std::uint32_t count;
  // 0 before the thread has released its first node, and after the list was given back at its end.
  std::uint32_t most;
  bool ended;
};
constinit thread_local FreeNodes free_nodes{nullptr, 0, 0, false};

// Gives the memory back when the thread ends. Values that die after that find no room in the list.
struct GiveBack {
  ~GiveBack() {
    free_nodes.most = 0;
    free_nodes.ended = true;
    while (FreeNode* const node = free_nodes.first) {
      free_nodes.first = node->next;
      ::operator delete(node);
    }
    free_nodes.count = 0;
  }
};

// Out of line: a list that is full, or that is used for the first time.
[[gnu::noinline]] void release_unkept(void* memory) noexcept {
  ::operator delete(memory);
  if (free_nodes.most != 0 || free_nodes.ended) return;
  static thread_local const GiveBack at_end;
  static_cast<void>(&at_end);
  free_nodes.most = kMostFree;
}

}  // namespace

void* Json::Node::operator new(std::size_t size) {
  static_assert(sizeof(DecimalNode) <= kNodeBytes && sizeof(StringNode) <= kNodeBytes &&
                sizeof(ArrayNode) <= kNodeBytes && sizeof(ObjectNode) <= kNodeBytes);
  static_cast<void>(size);
  FreeNode* const node = free_nodes.first;
  if (node == nullptr) return ::operator new(kNodeBytes);
  free_nodes.first = node->next;
  --free_nodes.count;
  return node;
}

void Json::Node::operator delete(void* memory) noexcept {
  if (free_nodes.count >= free_nodes.most) {
    release_unkept(memory);
    return;
  }
  free_nodes.first = new (memory) FreeNode{free_nodes.first};
  ++free_nodes.count;
}

// ---- values

void Json::retain() const noexcept {
  if (on_heap()) payload_.node->references.fetch_add(1, std::memory_order_relaxed);
}

void Json::release() noexcept {
  if (!on_heap()) return;
  // The one who holds the last reference needs no atomic decrement: nobody else can copy it.
  auto& references = payload_.node->references;
  if (references.load(std::memory_order_acquire) != 1 &&
      references.fetch_sub(1, std::memory_order_acq_rel) != 1) {
    return;
  }
  switch (tag_) {
    case Tag::decimal:
      delete static_cast<DecimalNode*>(payload_.node);
      break;
    case Tag::string:
      delete static_cast<StringNode*>(payload_.node);
      break;
    case Tag::array:
      delete static_cast<ArrayNode*>(payload_.node);
      break;
    case Tag::object:
      delete static_cast<ObjectNode*>(payload_.node);
      break;
    case Tag::null:
    case Tag::boolean:
    case Tag::integer:
    case Tag::real:
      break;
  }
}

Json::Json(double value) : tag_(Tag::real) {
  payload_.real = value;
}
Json::Json(std::string value) : tag_(Tag::string) {
  payload_.node = new StringNode(std::move(value));
}
Json::Json(std::string_view value) : Json(std::string(value)) {}
Json::Json(const char* value) : Json(std::string(value)) {}
Json::Json(Array value) : tag_(Tag::array) {
  payload_.node = new ArrayNode(std::move(value));
}
Json::Json(JsonObject value) : tag_(Tag::object) {
  payload_.node = new ObjectNode(std::move(value));
}
Json::Json(const Json& other) noexcept : payload_(other.payload_), tag_(other.tag_) {
  retain();
}
Json::Json(Json&& other) noexcept : payload_(other.payload_), tag_(other.tag_) {
  other.tag_ = Tag::null;
}
Json& Json::operator=(const Json& other) noexcept {
  if (this != &other) {
    other.retain();
    // Released last: other may live inside what this value holds.
    Json old(std::move(*this));
    payload_ = other.payload_;
    tag_ = other.tag_;
  }
  return *this;
}
Json& Json::operator=(Json&& other) noexcept {
  if (this != &other) {
    const Payload payload = other.payload_;
    const Tag tag = other.tag_;
    other.tag_ = Tag::null;
    Json old(std::move(*this));
    payload_ = payload;
    tag_ = tag;
  }
  return *this;
}
Json::~Json() {
  release();
}

Json Json::object(std::initializer_list<std::pair<std::string_view, Json>> members) {
  JsonObject object;
  object.reserve(members.size());
  for (const auto& [key, value] : members) object.set(key, value);
  return object;
}

Json Json::array(std::initializer_list<Json> items) {
  return Array(items);
}

Json Json::number(std::string text) {
  std::int64_t integer = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, integer);
  if (error == std::errc{} && rest == end && text != "-0") return integer;
  Json json;
  json.payload_.node = new DecimalNode(std::move(text));
  json.tag_ = Tag::decimal;
  return json;
}

Json::Type Json::type() const noexcept {
  switch (tag_) {
    case Tag::null:
      return Type::null;
    case Tag::boolean:
      return Type::boolean;
    case Tag::integer:
    case Tag::real:
    case Tag::decimal:
      return Type::number;
    case Tag::string:
      return Type::string;
    case Tag::array:
      return Type::array;
    case Tag::object:
      return Type::object;
  }
  return Type::null;
}

bool Json::as_bool() const {
  RABT_CHECK(is_bool());
  return payload_.boolean;
}

double Json::as_double() const {
  RABT_CHECK(is_number());
  if (tag_ == Tag::integer) return static_cast<double>(payload_.integer);
  if (tag_ == Tag::real) return payload_.real;
  return static_cast<const DecimalNode*>(payload_.node)->value;
}

std::optional<std::int64_t> Json::as_int64() const {
  if (tag_ == Tag::integer) return payload_.integer;
  if (tag_ != Tag::real && tag_ != Tag::decimal) return std::nullopt;
  const double value = as_double();
  constexpr double kLimit = 9223372036854775808.0;
  if (value != std::trunc(value) || value < -kLimit || value >= kLimit) return std::nullopt;
  return static_cast<std::int64_t>(value);
}

std::string Json::number_text() const {
  RABT_CHECK(is_number());
  if (tag_ == Tag::integer) return std::to_string(payload_.integer);
  if (tag_ == Tag::real) return shortest(payload_.real);
  return static_cast<const DecimalNode*>(payload_.node)->text;
}

const std::string& Json::as_string() const {
  RABT_CHECK(is_string());
  return static_cast<const StringNode*>(payload_.node)->value;
}
const Json::Array& Json::as_array() const {
  RABT_CHECK(is_array());
  return static_cast<const ArrayNode*>(payload_.node)->value;
}
const JsonObject& Json::as_object() const {
  RABT_CHECK(is_object());
  return static_cast<const ObjectNode*>(payload_.node)->value;
}

const Json* Json::find(std::string_view key) const noexcept {
  if (tag_ != Tag::object) return nullptr;
  return static_cast<const ObjectNode*>(payload_.node)->value.find(key);
}
const Json& Json::operator[](std::string_view key) const noexcept {
  const Json* member = find(key);
  return member == nullptr ? kNull : *member;
}
const Json& Json::item(std::size_t index) const noexcept {
  if (tag_ != Tag::array) return kNull;
  const Array& items = static_cast<const ArrayNode*>(payload_.node)->value;
  return index < items.size() ? items[index] : kNull;
}
std::string Json::string_or(std::string_view key, std::string_view fallback) const {
  const Json& member = (*this)[key];
  return member.is_string() ? member.as_string() : std::string(fallback);
}
std::int64_t Json::int_or(std::string_view key, std::int64_t fallback) const {
  return (*this)[key].as_int64().value_or(fallback);
}
bool Json::bool_or(std::string_view key, bool fallback) const {
  const Json& member = (*this)[key];
  return member.is_bool() ? member.as_bool() : fallback;
}

Json::Array& Json::mutable_array() {
  if (tag_ == Tag::null) *this = Json(Array{});
  RABT_CHECK(is_array());
  if (payload_.node->references.load(std::memory_order_acquire) != 1)
    *this = Json(Array(as_array()));
  return static_cast<ArrayNode*>(payload_.node)->value;
}
JsonObject& Json::mutable_object() {
  if (tag_ == Tag::null) *this = Json(JsonObject{});
  RABT_CHECK(is_object());
  if (payload_.node->references.load(std::memory_order_acquire) != 1) {
    *this = Json(JsonObject(as_object()));
  }
  return static_cast<ObjectNode*>(payload_.node)->value;
}
void Json::set(std::string_view key, Json value) {
  mutable_object().set(key, std::move(value));
}
void Json::push_back(Json value) {
  mutable_array().push_back(std::move(value));
}

std::size_t Json::size() const noexcept {
  if (tag_ == Tag::array) return static_cast<const ArrayNode*>(payload_.node)->value.size();
  if (tag_ == Tag::object) return static_cast<const ObjectNode*>(payload_.node)->value.size();
  return 0;
}

std::size_t JsonObject::position(std::string_view key) const noexcept {
  if (sorted_.empty()) {
    for (std::size_t i = 0; i < members_.size(); ++i) {
      if (members_[i].first == key) return i;
    }
    return members_.size();
  }
  const auto at = std::lower_bound(
      sorted_.begin(), sorted_.end(), key,
      [this](std::uint32_t i, std::string_view k) { return members_[i].first < k; });
  if (at == sorted_.end() || members_[*at].first != key) return members_.size();
  return *at;
}

const Json* JsonObject::find(std::string_view key) const noexcept {
  const std::size_t at = position(key);
  return at < members_.size() ? &members_[at].second : nullptr;
}
Json* JsonObject::find(std::string_view key) noexcept {
  const std::size_t at = position(key);
  return at < members_.size() ? &members_[at].second : nullptr;
}

void JsonObject::index_insert(std::size_t at) {
  if (members_.size() < kIndexFrom) return;
  const auto by_key = [this](std::uint32_t a, std::uint32_t b) {
    return members_[a].first < members_[b].first;
  };
  if (sorted_.empty()) {
    sorted_.resize(members_.size());
    for (std::size_t i = 0; i < members_.size(); ++i) sorted_[i] = static_cast<std::uint32_t>(i);
    std::sort(sorted_.begin(), sorted_.end(), by_key);
    return;
  }
  const auto value = static_cast<std::uint32_t>(at);
  sorted_.insert(std::upper_bound(sorted_.begin(), sorted_.end(), value, by_key), value);
}

void JsonObject::append_new(std::string key, Json value) {
  members_.emplace_back(std::move(key), std::move(value));
  index_insert(members_.size() - 1);
}

void JsonObject::set(std::string_view key, Json value) {
  const std::size_t at = position(key);
  if (at < members_.size()) {
    members_[at].second = std::move(value);
  } else {
    append_new(std::string(key), std::move(value));
  }
}

bool JsonObject::erase(std::string_view key) {
  const std::size_t at = position(key);
  if (at == members_.size()) return false;
  members_.erase(members_.begin() + static_cast<std::ptrdiff_t>(at));
  sorted_.clear();
  if (members_.size() >= kIndexFrom) index_insert(members_.size() - 1);
  return true;
}

namespace {

int sign(bool less, bool greater) {
  return less ? -1 : (greater ? 1 : 0);
}

// Strips sign, leading zeros; true when the text is an integer literal (no fraction, no exponent).
bool integer_digits(std::string_view text, bool& negative, std::string_view& digits) {
  negative = !text.empty() && text.front() == '-';
  if (negative) text.remove_prefix(1);
  if (text.empty() || text.find_first_not_of("0123456789") != std::string_view::npos) return false;
  while (text.size() > 1 && text.front() == '0') text.remove_prefix(1);
  digits = text;
  return true;
}

int order_of_numbers(const Json& a, const Json& b) {
  const double x = a.as_double();
  const double y = b.as_double();
  if (x != y || !(a.has_digits() || b.has_digits() || std::fabs(x) >= 9007199254740992.0)) {
    return sign(x<y, x> y);
  }
  // Equal as doubles: integers beyond 2^53 are told apart by their digits.
  const std::string left = a.number_text();
  const std::string right = b.number_text();
  bool left_negative = false;
  bool right_negative = false;
  std::string_view left_digits;
  std::string_view right_digits;
  if (!integer_digits(left, left_negative, left_digits) ||
      !integer_digits(right, right_negative, right_digits) || left_negative != right_negative) {
    return 0;
  }
  int order =
      sign(left_digits.size() < right_digits.size(), left_digits.size() > right_digits.size());
  if (order == 0) order = left_digits.compare(right_digits);
  order = sign(order<0, order> 0);
  return left_negative ? -order : order;
}

int rank(const Json& json) {
  if (json.is_null()) return 0;
  if (json.is_bool()) return json.as_bool() ? 2 : 1;
  return static_cast<int>(json.type()) + 1;
}

}  // namespace

int Json::compare(const Json& a, const Json& b) {
  const int ranks = rank(a) - rank(b);
  if (ranks != 0) return ranks < 0 ? -1 : 1;
  switch (a.type()) {
    case Type::null:
    case Type::boolean:
      return 0;
    case Type::number:
      return order_of_numbers(a, b);
    case Type::string: {
      const int order = a.as_string().compare(b.as_string());
      return sign(order<0, order> 0);
    }
    case Type::array: {
      const auto& x = a.as_array();
      const auto& y = b.as_array();
      for (std::size_t i = 0; i < std::min(x.size(), y.size()); ++i) {
        if (const int order = compare(x[i], y[i]); order != 0) return order;
      }
      return sign(x.size() < y.size(), x.size() > y.size());
    }
    case Type::object: {
      const auto sorted_members = [](const JsonObject& object) {
        std::vector<const JsonObject::Member*> order;
        order.reserve(object.size());
        for (const auto& member : object) order.push_back(&member);
        std::sort(order.begin(), order.end(),
                  [](const auto* p, const auto* q) { return p->first < q->first; });
        return order;
      };
      const auto x = sorted_members(a.as_object());
      const auto y = sorted_members(b.as_object());
      for (std::size_t i = 0; i < std::min(x.size(), y.size()); ++i) {
        const int order = x[i]->first.compare(y[i]->first);
        if (order != 0) return order < 0 ? -1 : 1;
      }
      if (x.size() != y.size()) return x.size() < y.size() ? -1 : 1;
      for (std::size_t i = 0; i < x.size(); ++i) {
        if (const int order = compare(x[i]->second, y[i]->second); order != 0) return order;
      }
      return 0;
    }
  }
  return 0;
}

}  // namespace rabt
