#include "hub/schema/schema_check.hpp"

#include <algorithm>

#include "hub/base/json_pointer.hpp"
#include "hub/base/utf8.hpp"
#include "hub/schema/schema_equal.hpp"

namespace rabt::schema {

namespace {

constexpr std::size_t kBranchFaults = 8;  // looked at to tell which alternative came nearest
constexpr std::size_t kNamesShown = 20;

// Place of a value: a chain on the stack, written out only for a fault.
struct At {
  const At* up = nullptr;
  std::string_view name;  // empty with hidden or an index
  std::size_t index = 0;
  enum class Kind : std::uint8_t { root, name, index, hidden } kind = Kind::root;
};

// Members or items of a value that some keyword has evaluated: a stretch of Checker::marks_.
struct Marks {
  std::size_t offset;
  std::size_t count;
};

unsigned type_of(const Json& value) {
  switch (value.type()) {
    case Json::Type::null:
      return kNull;
    case Json::Type::boolean:
      return kBoolean;
    case Json::Type::number:
      return kNumber;
    case Json::Type::string:
      return kString;
    case Json::Type::array:
      return kArray;
    case Json::Type::object:
      return kObject;
  }
  return 0;
}

std::string pointer(const At& at) {
  std::vector<const At*> chain;
  for (const At* step = &at; step->kind != At::Kind::root; step = step->up) chain.push_back(step);
  std::string out;
  for (auto step = chain.rbegin(); step != chain.rend(); ++step) {
    switch ((*step)->kind) {
      case At::Kind::name:
        out += "/" + escape_token((*step)->name);
        break;
      case At::Kind::index:
        out += "/" + std::to_string((*step)->index);
        break;
      case At::Kind::hidden:
      case At::Kind::root:
        out += "/*";
        break;
    }
  }
  return out;
}

bool has_type(unsigned types, unsigned type, const Json& value) {
  if ((types & type) != 0) return true;
  return type == kNumber && (types & kInteger) != 0 && is_integer(value);
}

std::string undeclared(const Node& node) {
  if (node.properties.empty()) {
    return node.pattern_properties.empty()
               ? "must have no members"
               : "has a member whose name fits no pattern of the schema";
  }
  // In the order of the alphabet: the schema's own is not kept.
  std::vector<std::string_view> names;
  for (const auto& [name, index] : node.properties) names.push_back(name);
  std::sort(names.begin(), names.end());
  std::string message = "has a member that is not declared; declared are:";
  for (std::size_t i = 0; i < std::min(names.size(), kNamesShown); ++i)
    message.append(i == 0 ? " " : ", ").append(names[i]);
  if (names.size() > kNamesShown) message += ", ...";
  return message;
}

// Names the choices of an enumeration: its words while there are few, otherwise their number.
std::string choices_of(const Node& node) {
  if (node.choice_texts.empty() || node.choice_texts.size() > kNamesShown)
    return "must be one of the " + std::to_string(node.choices->size()) + " values of the schema";
  std::string message = "must be one of";
  for (const Json& choice : *node.choices)
    message.append(&choice == &node.choices->front() ? " " : ", ").append(choice.as_string());
  return message;
}

// True if an alternative with the faults a came nearer than one with b: it fits the value's type,
// its fixed values (which tell alternatives apart) fit, then the fewer faults.
bool nearer(const std::vector<SchemaFault>& a, const std::vector<SchemaFault>& b, const At& at) {
  const std::string here = pointer(at);
  const auto rank = [&here](const std::vector<SchemaFault>& faults) {
    std::size_t wrong_type = 0;
    std::size_t wrong_kind = 0;
    for (const SchemaFault& fault : faults) {
      if (fault.instance_path == here &&
          (fault.schema_path.ends_with("/type") || fault.message == "nothing is allowed here"))
        wrong_type = 1;
      if (fault.schema_path.ends_with("/const") || fault.schema_path.ends_with("/enum"))
        ++wrong_kind;
    }
    return std::array<std::size_t, 3>{wrong_type, wrong_kind, faults.size()};
  };
  return rank(a) < rank(b);
}

class Checker {
 public:
  // faults: nullptr for a plain yes or no that ends at the first fault.
  Checker(const Schema::Model& model, std::vector<SchemaFault>* faults, std::size_t limit)
      : model_(model), faults_(faults), limit_(limit) {}

  bool run(const Json& value);

 private:
  // ---- faults ----

  [[nodiscard]] bool quiet() const { return faults_ == nullptr; }
  // True if the rest need not be looked at.
  [[nodiscard]] bool over() const {
    return faults_ == nullptr || faults_->size() >= limit_ || budget_.exhausted != nullptr;
  }

  template <typename Message>
  bool fail(const Node& node, const At& at, std::string_view keyword, const Message& message);

  // ---- marks ----

  Marks open(std::size_t count);
  void close(const Marks& marks, const Marks* into, bool keep);
  void mark(const Marks* marks, std::size_t position) {
    if (marks != nullptr && budget_.exhausted == nullptr) marks_[marks->offset + position] = 1;
  }

  // ---- schemas ----

  const Node& node_at(Index index) const { return model_.nodes[static_cast<std::size_t>(index)]; }

  // marks, when given, belong to this value, and get what this schema evaluates.
  bool check(Index index, const Json& value, const At& at, const Marks* marks);
  bool check_all(const Node& node, const Json& value, const At& at, const Marks* marks);
  bool check_parts(const Node& node, unsigned type, const Json& value, const At& at,
                   const Marks* marks);
  bool chosen(const Node& node, const Json& value);
  bool number(const Node& node, const Json& value, const At& at);
  bool multiple(const Divisor& divisor, const Json& value);
  bool text(const Node& node, const std::string& value, const At& at);

  // RE2 is linear, in the worst case in the product of text and program.
  bool matches(const Pattern& pattern, std::string_view value) {
    return budget_.spend(1 + value.size() * pattern.program_size() / 1024) &&
           pattern.found_in(value);
  }

  bool array(const Node& node, const Json::Array& items, const At& at, const Marks* marks);
  bool contains(const Node& node, const Json::Array& items, const At& at, const Marks* marks);
  bool object(const Node& node, const Json& value, const At& at, const Marks* marks);
  bool required(const Node& node, const std::vector<std::string>& names, const JsonObject& members,
                const At& at, std::string_view keyword, std::string_view because);
  bool each_member(const Node& node, const JsonObject& members, const At& at, const Marks* marks);
  bool unevaluated(const Node& node, const Json& value, const At& at, const Marks& own);
  bool combine(const Node& node, const Json& value, const At& at, const Marks* marks);

  // Core, 8.2.3.2: the outermost resource of the dynamic scope that has the anchor.
  Index dynamic_target(const Node& node);

  // Checks without telling faults; marks only when it holds.
  bool attempt(Index index, const Json& value, const At& at, const Marks* marks);
  bool quietly(Index index, const Json& value, const At& at, const Marks* marks);
  bool alternatives(const Node& node, const std::vector<Index>& branches, bool exactly_one,
                    const Json& value, const At& at, const Marks* marks);

  const Schema::Model& model_;
  std::vector<SchemaFault>* faults_;
  std::size_t limit_;
  Budget budget_;
  int depth_ = 0;
  std::vector<std::uint8_t> marks_;
  std::vector<Index> scope_;  // resources from the outermost in; kept only for $dynamicRef
};

bool Checker::run(const Json& value) {
  const At root;
  const bool good = check(0, value, root, nullptr);
  if (budget_.exhausted == nullptr) return good;
  if (faults_ != nullptr) {
    if (faults_->size() >= limit_ && !faults_->empty()) faults_->pop_back();
    faults_->push_back({"", "", budget_.exhausted});
  }
  return false;
}

template <typename Message>
bool Checker::fail(const Node& node, const At& at, std::string_view keyword,
                   const Message& message) {
  if (faults_ == nullptr || faults_->size() >= limit_ || budget_.exhausted != nullptr) return false;
  std::string path = node.path;
  if (!keyword.empty()) path.append("/").append(keyword);
  faults_->push_back({pointer(at), std::move(path), message()});
  return false;
}

Marks Checker::open(std::size_t count) {
  const Marks marks{marks_.size(), count};
  if (budget_.spend(count / kBytesPerStep)) marks_.resize(marks_.size() + count, 0);
  return marks;
}

void Checker::close(const Marks& marks, const Marks* into, bool keep) {
  if (keep && into != nullptr && budget_.exhausted == nullptr) {
    for (std::size_t i = 0; i < marks.count; ++i)
      marks_[into->offset + i] |= marks_[marks.offset + i];
  }
  marks_.resize(std::min(marks.offset, marks_.size()));
}

bool Checker::check(Index index, const Json& value, const At& at, const Marks* marks) {
  const Node& node = node_at(index);
  if (!budget_.spend(1)) return false;
  if (node.always) return true;
  if (node.never) return fail(node, at, "", [] { return "nothing is allowed here"; });
  if (depth_ >= kMaxDepth) {
    budget_.exhausted = "is nested too deeply to check, or the schema leads back to itself";
    return false;
  }
  ++depth_;
  const bool entered = model_.dynamic && (scope_.empty() || scope_.back() != node.resource);
  if (entered) scope_.push_back(node.resource);
  const bool good = check_all(node, value, at, marks);
  if (entered) scope_.pop_back();
  --depth_;
  return good;
}

bool Checker::check_all(const Node& node, const Json& value, const At& at, const Marks* marks) {
  const unsigned type = type_of(value);
  if (node.types != 0 && !has_type(node.types, type, value)) {
    return fail(node, at, "type", [&] {
      const bool whole = type == kNumber && is_integer(value);
      return "must be " + type_list(node.types) + ", is " + type_list(whole ? kInteger : type);
    });
  }
  bool good = true;
  if (node.constant != nullptr && !same(*node.constant, value, budget_)) {
    good = fail(node, at, "const", [] { return "must be the one value of the schema"; });
    if (over()) return false;
  }
  if (node.choices != nullptr && !chosen(node, value)) {
    good = fail(node, at, "enum", [&] { return choices_of(node); });
    if (over()) return false;
  }
  const bool tracks = (node.unevaluated_properties != kNone && type == kObject) ||
                      (node.unevaluated_items != kNone && type == kArray);
  if (!tracks) return good & check_parts(node, type, value, at, marks);

  const Marks own = open(value.size());
  good = check_parts(node, type, value, at, &own) && good;
  if (good) good = unevaluated(node, value, at, own);
  if (good && marks != nullptr && budget_.exhausted == nullptr)
    std::fill_n(marks_.begin() + static_cast<std::ptrdiff_t>(marks->offset), marks->count, 1);
  close(own, nullptr, false);
  return good;
}

bool Checker::check_parts(const Node& node, unsigned type, const Json& value, const At& at,
                          const Marks* marks) {
  bool good = true;
  if (type == kNumber) {
    if (node.has_number) good = number(node, value, at);
  } else if (type == kString) {
    if (node.has_text) good = text(node, value.as_string(), at);
  } else if (type == kArray) {
    if (node.has_array) good = array(node, value.as_array(), at, marks);
  } else if (type == kObject) {
    if (node.has_object) good = object(node, value, at, marks);
  }
  if (!good && over()) return false;
  if (node.has_combination) good = combine(node, value, at, marks) && good;
  return good && budget_.exhausted == nullptr;
}

bool Checker::chosen(const Node& node, const Json& value) {
  if (!node.choice_texts.empty()) {
    return value.is_string() &&
           std::binary_search(node.choice_texts.begin(), node.choice_texts.end(),
                              std::string_view(value.as_string()), ByLength());
  }
  for (const Json& choice : *node.choices) {
    if (same(choice, value, budget_)) return true;
    if (budget_.exhausted != nullptr) return false;
  }
  return false;
}

bool Checker::number(const Node& node, const Json& value, const At& at) {
  bool good = true;
  const auto rule = [&](const Json* bound, std::string_view keyword, const auto& holds,
                        std::string_view message) {
    if (bound == nullptr || holds(order(value, *bound, budget_)) || (!good && over())) return;
    good = fail(node, at, keyword, [&] { return std::string(message); });
  };
  rule(
      node.minimum, "minimum", [](int o) { return o >= 0; }, "is below the minimum");
  rule(
      node.maximum, "maximum", [](int o) { return o <= 0; }, "is above the maximum");
  rule(
      node.above, "exclusiveMinimum", [](int o) { return o > 0; },
      "is not above the exclusive minimum");
  rule(
      node.below, "exclusiveMaximum", [](int o) { return o < 0; },
      "is not below the exclusive maximum");
  if (node.multiple_of && (good || !over()) && !multiple(*node.multiple_of, value)) {
    good = fail(node, at, "multipleOf", [] { return "is no multiple of what the schema says"; });
  }
  return good;
}

bool Checker::multiple(const Divisor& divisor, const Json& value) {
  if (divisor.whole != 0 && !value.has_digits()) {
    if (const auto whole = value.as_int64()) return *whole % divisor.whole == 0;
  }
  const std::string digits = value.number_text();
  if (!budget_.spend(1 + (digits.size() * divisor.exact.digits.size()) / kBytesPerStep))
    return false;
  return is_multiple(Decimal::parse(digits), divisor.exact);
}

bool Checker::text(const Node& node, const std::string& value, const At& at) {
  bool good = true;
  if (!budget_.spend(value.size() / kBytesPerStep)) return false;
  if (node.min_length || node.max_length) {
    const std::size_t length = code_points(value);
    if (node.min_length && length < *node.min_length) {
      good = fail(node, at, "minLength", [&] {
        return "must have at least " + std::to_string(*node.min_length) + " characters";
      });
      if (over()) return false;
    }
    if (node.max_length && length > *node.max_length) {
      good = fail(node, at, "maxLength", [&] {
        return "must have at most " + std::to_string(*node.max_length) + " characters";
      });
      if (over()) return false;
    }
  }
  if (node.pattern && !matches(*node.pattern, value)) {
    good = fail(node, at, "pattern", [] { return "does not match the pattern"; });
    if (over()) return false;
  }
  if (node.format && !has_format(value, *node.format)) {
    good = fail(node, at, "format", [] { return "does not have the format of the schema"; });
  }
  return good;
}

bool Checker::array(const Node& node, const Json::Array& items, const At& at, const Marks* marks) {
  bool good = true;
  if (node.min_items && items.size() < *node.min_items) {
    good = fail(node, at, "minItems",
                [&] { return "must have at least " + std::to_string(*node.min_items) + " items"; });
    if (over()) return false;
  }
  if (node.max_items && items.size() > *node.max_items) {
    good = fail(node, at, "maxItems",
                [&] { return "must have at most " + std::to_string(*node.max_items) + " items"; });
    if (over()) return false;
  }
  const std::size_t prefix = std::min(node.prefix_items.size(), items.size());
  const std::size_t end = node.items == kNone ? prefix : items.size();
  for (std::size_t i = 0; i < end; ++i) {
    const At item{&at, {}, i, At::Kind::index};
    const Index schema = i < prefix ? node.prefix_items[i] : node.items;
    if (!check(schema, items[i], item, nullptr)) {
      good = false;
      if (over()) return false;
    }
    mark(marks, i);
  }
  if (node.contains != kNone && !contains(node, items, at, marks)) {
    good = false;
    if (over()) return false;
  }
  if (node.unique && items.size() > 1 && has_repeats(items, budget_))
    good = fail(node, at, "uniqueItems", [] { return "must not hold the same item twice"; });
  return good && budget_.exhausted == nullptr;
}

bool Checker::contains(const Node& node, const Json::Array& items, const At& at,
                       const Marks* marks) {
  const std::size_t least = node.min_contains.value_or(1);
  std::size_t matching = 0;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (quietly(node.contains, items[i], at, nullptr)) {
      ++matching;
      mark(marks, i);
      if (marks == nullptr && matching >= least && !node.max_contains) return true;
    }
    if (budget_.exhausted != nullptr) return false;
  }
  if (matching < least) {
    return fail(node, at, node.min_contains ? "minContains" : "contains", [&] {
      return "must have at least " + std::to_string(least) +
             " items that match the schema under \"contains\"";
    });
  }
  if (node.max_contains && matching > *node.max_contains) {
    return fail(node, at, "maxContains", [&] {
      return "must have at most " + std::to_string(*node.max_contains) +
             " items that match the schema under \"contains\"";
    });
  }
  return true;
}

bool Checker::object(const Node& node, const Json& value, const At& at, const Marks* marks) {
  const JsonObject& members = value.as_object();
  bool good = true;
  if (node.min_properties && members.size() < *node.min_properties) {
    good = fail(node, at, "minProperties", [&] {
      return "must have at least " + std::to_string(*node.min_properties) + " members";
    });
    if (over()) return false;
  }
  if (node.max_properties && members.size() > *node.max_properties) {
    good = fail(node, at, "maxProperties", [&] {
      return "must have at most " + std::to_string(*node.max_properties) + " members";
    });
    if (over()) return false;
  }
  if (!node.required.empty() && !required(node, node.required, members, at, "required", {})) {
    good = false;
    if (over()) return false;
  }
  if (!node.properties.empty() || !node.pattern_properties.empty() || node.additional != kNone ||
      node.names != kNone) {
    if (!each_member(node, members, at, marks)) {
      good = false;
      if (over()) return false;
    }
  }
  for (const Dependency& dependency : node.dependencies) {
    if (!budget_.spend(1)) return false;
    if (!members.contains(dependency.name)) continue;
    const bool fits = dependency.schema != kNone ? check(dependency.schema, value, at, marks)
                                                 : required(node, dependency.required, members, at,
                                                            "dependentRequired", dependency.name);
    if (fits) continue;
    good = false;
    if (over()) return false;
  }
  return good;
}

bool Checker::required(const Node& node, const std::vector<std::string>& names,
                       const JsonObject& members, const At& at, std::string_view keyword,
                       std::string_view because) {
  bool good = true;
  if (!budget_.spend(names.size() / 8)) return false;
  for (const std::string& name : names) {
    if (members.contains(name)) continue;
    good = fail(node, at, keyword, [&] {
      std::string text = "lacks the required member \"" + name + "\"";
      if (!because.empty()) text += ", which \"" + std::string(because) + "\" needs";
      return text;
    });
    if (over()) return false;
  }
  return good;
}

bool Checker::each_member(const Node& node, const JsonObject& members, const At& at,
                          const Marks* marks) {
  bool good = true;
  bool undeclared_told = false;
  std::size_t position = 0;
  for (const auto& [name, member] : members) {
    bool evaluated = false;
    if (!node.properties.empty()) {
      const auto found = std::lower_bound(
          node.properties.begin(), node.properties.end(), std::string_view(name),
          [](const auto& entry, std::string_view key) { return ByLength()(entry.first, key); });
      if (found != node.properties.end() && found->first == name) {
        evaluated = true;
        const At here{&at, found->first, 0, At::Kind::name};
        good = check(found->second, member, here, nullptr) && good;
      }
    }
    if (!good && over()) return false;
    // A key that the schema does not name came with the data and may itself be patient data.
    const At hidden{&at, {}, 0, At::Kind::hidden};
    for (const auto& [pattern, schema] : node.pattern_properties) {
      if (!matches(*pattern, name)) continue;
      const At named{&at, name, 0, At::Kind::name};
      const bool named_before = evaluated;
      evaluated = true;
      good = check(schema, member, named_before ? named : hidden, nullptr) && good;
      if (!good && over()) return false;
    }
    if (!evaluated && node.additional != kNone) {
      evaluated = true;
      if (node_at(node.additional).never) {
        if (!undeclared_told)
          good = fail(node, at, "additionalProperties", [&] { return undeclared(node); });
        undeclared_told = true;
      } else {
        good = check(node.additional, member, hidden, nullptr) && good;
      }
    }
    if (evaluated) mark(marks, position);
    if (!good && over()) return false;
    if (node.names != kNone) {
      good = check(node.names, Json(name), hidden, nullptr) && good;
      if (!good && over()) return false;
    }
    if (budget_.exhausted != nullptr) return false;
    ++position;
  }
  return good;
}

bool Checker::unevaluated(const Node& node, const Json& value, const At& at, const Marks& own) {
  bool good = true;
  if (value.is_array()) {
    for (std::size_t i = 0; i < own.count; ++i) {
      if (budget_.exhausted != nullptr) return false;
      if (marks_[own.offset + i] != 0) continue;
      const At item{&at, {}, i, At::Kind::index};
      if (node_at(node.unevaluated_items).never) {
        return fail(node, item, "unevaluatedItems",
                    [] { return "is an item that no part of the schema describes"; });
      }
      good = check(node.unevaluated_items, value.as_array()[i], item, nullptr) && good;
      if (!good && over()) return false;
    }
    return good;
  }
  std::size_t position = 0;
  for (const auto& [name, member] : value.as_object()) {
    if (budget_.exhausted != nullptr) return false;
    if (marks_[own.offset + position++] != 0) continue;
    const At hidden{&at, {}, 0, At::Kind::hidden};
    if (node_at(node.unevaluated_properties).never) {
      return fail(node, at, "unevaluatedProperties",
                  [] { return "has a member that no part of the schema describes"; });
    }
    good = check(node.unevaluated_properties, member, hidden, nullptr) && good;
    if (!good && over()) return false;
  }
  return good;
}

bool Checker::combine(const Node& node, const Json& value, const At& at, const Marks* marks) {
  bool good = true;
  const auto holds = [&](Index index) {
    if (!check(index, value, at, marks)) good = false;
    return good || !over();
  };
  if (node.reference != kNone && !holds(node.reference)) return false;
  if (node.dynamic_reference != kNone && !holds(dynamic_target(node))) return false;
  for (const Index part : node.all_of) {
    if (!holds(part)) return false;
  }
  if (node.condition != kNone) {
    const Index next =
        attempt(node.condition, value, at, marks) ? node.consequence : node.alternative;
    if (budget_.exhausted != nullptr || (next != kNone && !holds(next))) return false;
  }
  if (node.negated != kNone) {
    const bool matched = quietly(node.negated, value, at, nullptr);
    if (budget_.exhausted != nullptr) return false;
    if (matched)
      good = fail(node, at, "not", [] { return "must not match the schema under \"not\""; });
    if (!good && over()) return false;
  }
  if (!node.any_of.empty() && !alternatives(node, node.any_of, false, value, at, marks)) {
    good = false;
    if (over()) return false;
  }
  if (!node.one_of.empty() && !alternatives(node, node.one_of, true, value, at, marks))
    good = false;
  return good;
}

Index Checker::dynamic_target(const Node& node) {
  if (node.dynamic_name == kNone) return node.dynamic_reference;
  if (!budget_.spend(scope_.size() / 4)) return node.dynamic_reference;
  for (const Index resource : scope_) {
    const auto& anchors = model_.resources[static_cast<std::size_t>(resource)].dynamic_anchors;
    const auto found =
        std::lower_bound(anchors.begin(), anchors.end(), std::pair(node.dynamic_name, Index{0}));
    if (found != anchors.end() && found->first == node.dynamic_name) return found->second;
  }
  return node.dynamic_reference;
}

bool Checker::attempt(Index index, const Json& value, const At& at, const Marks* marks) {
  if (marks == nullptr) return quietly(index, value, at, nullptr);
  const Marks own = open(marks->count);
  const bool good = quietly(index, value, at, &own);
  close(own, marks, good);
  return good;
}

bool Checker::quietly(Index index, const Json& value, const At& at, const Marks* marks) {
  std::vector<SchemaFault>* const kept = faults_;
  faults_ = nullptr;
  const bool good = check(index, value, at, marks);
  faults_ = kept;
  return good;
}

bool Checker::alternatives(const Node& node, const std::vector<Index>& branches, bool exactly_one,
                           const Json& value, const At& at, const Marks* marks) {
  std::size_t matching = 0;
  std::size_t nearest = 0;
  std::vector<SchemaFault> best;
  for (std::size_t i = 0; i < branches.size(); ++i) {
    bool good = false;
    if (quiet()) {
      good = attempt(branches[i], value, at, marks);
    } else {
      // Once only, with its faults: trying first and asking again would double with each level.
      std::vector<SchemaFault> found;
      std::vector<SchemaFault>* const kept = std::exchange(faults_, &found);
      const std::size_t limit = std::exchange(limit_, kBranchFaults);
      const Marks own = marks == nullptr ? Marks{0, 0} : open(marks->count);
      good = check(branches[i], value, at, marks == nullptr ? nullptr : &own);
      if (marks != nullptr) close(own, marks, good);
      faults_ = kept;
      limit_ = limit;
      if (!good && (i == 0 || nearer(found, best, at) || best.empty())) {
        best = std::move(found);
        nearest = i;
      }
    }
    if (budget_.exhausted != nullptr) return false;
    if (!good) continue;
    ++matching;
    if (!exactly_one && marks == nullptr) return true;
    if (exactly_one && matching > 1 && quiet()) return false;
  }
  if (matching == 1 || (matching > 1 && !exactly_one)) return true;
  const char* keyword = exactly_one ? "oneOf" : "anyOf";
  if (matching > 1) {
    return fail(node, at, keyword, [&] {
      return "matches " + std::to_string(matching) + " of the " + std::to_string(branches.size()) +
             " alternatives, must match exactly one";
    });
  }
  fail(node, at, keyword, [&] {
    std::string text = "matches none of the " + std::to_string(branches.size()) + " alternatives";
    if (best.empty()) return text;
    text += "; number " + std::to_string(nearest + 1) + " is nearest: ";
    if (best.front().instance_path != pointer(at)) text += best.front().instance_path + " ";
    return text + best.front().message;
  });
  for (std::size_t i = 1; i < best.size() && !over(); ++i) faults_->push_back(std::move(best[i]));
  return false;
}

}  // namespace

bool conforms(const Schema::Model& model, const Json& value) {
  return Checker(model, nullptr, 0).run(value);
}

std::vector<SchemaFault> faults(const Schema::Model& model, const Json& value, std::size_t limit) {
  std::vector<SchemaFault> found;
  const bool good = Checker(model, &found, std::max<std::size_t>(limit, 1)).run(value);
  if (!good && found.empty()) found.push_back({"", "", "does not conform to the schema"});
  return found;
}

}  // namespace rabt::schema
