#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "hub/mapping/mapping.hpp"
#include "hub/workflow/expression.hpp"

// The typed form of a mapping file. Internal to hub/mapping.
namespace rabt::mapping {

// An expression, and where it stands.
struct Expr {
  workflow::Expression expression;
  int line = 0;
  // As people name it: "rule 2, data.appointment.key".
  std::string place;
};

// A value with expressions inside.
struct Shape {
  enum class Kind : std::uint8_t { constant, expression, object, array };
  Kind kind = Kind::constant;
  Json constant;
  std::optional<Expr> expression;
  std::vector<std::string> keys;  // an object's, parallel to items
  std::vector<Shape> items;
};

struct Rule {
  int line = 0;
  std::optional<Expr> when;
  // True if the items that it takes become no event.
  bool ignore = false;
  // Gives what the event is made of, several for one item.
  std::optional<Expr> each;
  std::string type;
  std::optional<Expr> subject;
  Shape data;
};

// The variables of expressions, in this order: the whole message, and the item that `each` gave.
inline constexpr std::array<std::string_view, 2> kVariables{"message", "item"};

struct Mapping::Model {
  std::string name;
  Reading reading;
  std::string zone;
  std::optional<Schema> schema;
  int schema_line = 0;
  std::optional<Expr> id;
  std::optional<Expr> each;
  std::optional<Expr> key;
  std::optional<Expr> version;
  std::vector<Rule> rules;
  // Texts by the names of rabt/extension/webhook.h.
  std::map<std::string, std::string> answer;
  std::vector<Sample> samples;
  std::vector<workflow::EventInfo> declared;
  // Schemas of all events that rules may give, by type.
  std::map<std::string, Schema, std::less<>> events;
  std::vector<std::string> unread;
};

}  // namespace rabt::mapping
