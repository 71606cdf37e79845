#pragma once

#include <atomic>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hub/base/result.hpp"

namespace rabt {

struct JsonLimits {
  std::size_t max_bytes = 16U << 20U;
  // Arrays and objects inside one another.
  std::size_t max_depth = 64;
};

class JsonObject;

// A JSON value (RFC 8259). Values are immutable once shared: copying a Json copies one pointer,
// whatever its size; the mutable_* calls clone the top level first when somebody else holds it too.
// Numbers that came as text keep their digits (10.10 stays 10.10, 9007199254740993 stays exact).
// Objects keep insertion order; a key appears once. Threads: distinct Json objects may share
// content and be used from different threads; one Json object is the caller's to synchronise.
class Json {
 public:
  enum class Type : std::uint8_t { null, boolean, number, string, array, object };
  using Array = std::vector<Json>;
  using Object = JsonObject;

  Json() noexcept = default;  // null
  Json(std::nullptr_t) noexcept {
  }  // NOLINT: implicit by design, as are the other value constructors
  template <std::same_as<bool> T>
  Json(T value) noexcept : tag_(Tag::boolean) {  // NOLINT
    payload_.boolean = value;
  }
  template <std::integral T>
  requires(!std::same_as<T, bool> && !std::same_as<T, char>) Json(T value)
      : Json(from_integer(value)) {}  // NOLINT
  // A double must be finite, a string UTF-8.
  Json(double value);            // NOLINT
  Json(std::string value);       // NOLINT
  Json(std::string_view value);  // NOLINT
  Json(const char* value);       // NOLINT
  Json(Array value);             // NOLINT
  Json(JsonObject value);        // NOLINT
  Json(const Json& other) noexcept;
  Json(Json&& other) noexcept;
  Json& operator=(const Json& other) noexcept;
  Json& operator=(Json&& other) noexcept;
  ~Json();

  // {{"a", 1}, {"b", "x"}}; later duplicates win.
  static Json object(std::initializer_list<std::pair<std::string_view, Json>> members = {});
  static Json array(std::initializer_list<Json> items = {});
  // A number from its JSON text; the text is kept. The text must match the JSON grammar for
  // numbers.
  static Json number(std::string text);

  // Refuses: invalid UTF-8, duplicate keys, depth or size past the limits, anything after the
  // value, NUL bytes. Error codes json.syntax, json.duplicate_key, json.depth, json.size; the
  // message holds a byte offset, no content.
  static Result<Json> parse(std::string_view text, const JsonLimits& limits = {});

  [[nodiscard]] Type type() const noexcept;
  [[nodiscard]] bool is_null() const noexcept { return tag_ == Tag::null; }
  [[nodiscard]] bool is_bool() const noexcept { return tag_ == Tag::boolean; }
  [[nodiscard]] bool is_number() const noexcept { return type() == Type::number; }
  [[nodiscard]] bool is_string() const noexcept { return tag_ == Tag::string; }
  [[nodiscard]] bool is_array() const noexcept { return tag_ == Tag::array; }
  [[nodiscard]] bool is_object() const noexcept { return tag_ == Tag::object; }

  // The as_* calls need the matching type (checked). String, array and object references live as
  // long as this Json is neither assigned nor mutated.
  [[nodiscard]] bool as_bool() const;
  [[nodiscard]] double as_double() const;
  // nullopt if this is no number, has a fraction or does not fit.
  [[nodiscard]] std::optional<std::int64_t> as_int64() const;
  // The digits as they came, or else the shortest text.
  [[nodiscard]] std::string number_text() const;
  // A number that keeps the digits it came with.
  [[nodiscard]] bool has_digits() const noexcept { return tag_ == Tag::decimal; }
  [[nodiscard]] const std::string& as_string() const;
  [[nodiscard]] const Array& as_array() const;
  [[nodiscard]] const JsonObject& as_object() const;

  // Member look-up that never fails: null when this is no object or has no such key.
  [[nodiscard]] const Json& operator[](std::string_view key) const noexcept;
  [[nodiscard]] const Json& operator[](const char* key) const noexcept {
    return (*this)[std::string_view(key)];
  }
  template <std::integral T>
  [[nodiscard]] const Json& operator[](T index) const noexcept {
    return item(static_cast<std::size_t>(index));
  }
  // null if this is no array or has no such item.
  [[nodiscard]] const Json& item(std::size_t index) const noexcept;
  // nullptr if this is no object or has no such key.
  [[nodiscard]] const Json* find(std::string_view key) const noexcept;
  [[nodiscard]] std::string string_or(std::string_view key, std::string_view fallback) const;
  [[nodiscard]] std::int64_t int_or(std::string_view key, std::int64_t fallback) const;
  [[nodiscard]] bool bool_or(std::string_view key, bool fallback) const;

  // Clone-on-write access; a null becomes an empty array or object first.
  Array& mutable_array();
  JsonObject& mutable_object();
  void set(std::string_view key, Json value);
  void push_back(Json value);

  // The number of items or members; 0 for every other value.
  [[nodiscard]] std::size_t size() const noexcept;

  // Compact, in insertion order. dump_to appends.
  [[nodiscard]] std::string dump() const;
  void dump_to(std::string& out) const;
  // Indented by two spaces.
  [[nodiscard]] std::string dump_pretty() const;
  // Compact, keys sorted by code point: for hashes and comparisons.
  [[nodiscard]] std::string dump_sorted() const;

  // jq's order: null < false < true < numbers < strings < arrays < objects (objects: sorted key
  // lists, then values). Numbers compare by value: 1 == 1.0; integers with digits compare exactly.
  [[nodiscard]] static int compare(const Json& a, const Json& b);
  friend bool operator==(const Json& a, const Json& b) { return compare(a, b) == 0; }

 private:
  enum class Tag : std::uint8_t { null, boolean, integer, real, decimal, string, array, object };
  struct Node;
  struct DecimalNode;
  struct StringNode;
  struct ArrayNode;
  struct ObjectNode;
  union Payload {
    bool boolean;
    std::int64_t integer;
    double real;
    Node* node;
  };

  template <typename T>
  static Json from_integer(T value) {
    if constexpr (std::unsigned_integral<T>) {
      if (static_cast<std::uint64_t>(value) > static_cast<std::uint64_t>(INT64_MAX)) {
        return number(std::to_string(value));
      }
    }
    Json json;
    json.tag_ = Tag::integer;
    json.payload_.integer = static_cast<std::int64_t>(value);
    return json;
  }
  void retain() const noexcept;
  void release() noexcept;
  [[nodiscard]] bool on_heap() const noexcept { return tag_ >= Tag::decimal; }

  Payload payload_{};
  Tag tag_ = Tag::null;
};

// Members in insertion order. Look-up is linear up to kIndexFrom members, then through a sorted
// index.
class JsonObject {
 public:
  using Member = std::pair<std::string, Json>;
  static constexpr std::size_t kIndexFrom = 16;

  [[nodiscard]] const Json* find(std::string_view key) const noexcept;
  [[nodiscard]] Json* find(std::string_view key) noexcept;
  [[nodiscard]] bool contains(std::string_view key) const noexcept { return find(key) != nullptr; }
  // Replaces the value in its place, or appends a member.
  void set(std::string_view key, Json value);
  // Returns false if there is no such key.
  bool erase(std::string_view key);
  void reserve(std::size_t count) { members_.reserve(count); }
  [[nodiscard]] std::size_t size() const noexcept { return members_.size(); }
  [[nodiscard]] bool empty() const noexcept { return members_.empty(); }
  [[nodiscard]] auto begin() const noexcept { return members_.begin(); }
  [[nodiscard]] auto end() const noexcept { return members_.end(); }
  // Appends without looking for the key; the caller knows that it is new.
  void append_new(std::string key, Json value);

 private:
  [[nodiscard]] std::size_t position(std::string_view key) const noexcept;
  void index_insert(std::size_t at);
  std::vector<Member> members_;
  // Positions of the members, sorted by key; empty below kIndexFrom members.
  std::vector<std::uint32_t> sorted_;
};

// Appends text as a JSON string with quotes and escapes.
void append_json_string(std::string& out, std::string_view text);

}  // namespace rabt
