#include "hub/schema/schema_compile.hpp"

#include <algorithm>

#include "hub/base/ascii.hpp"
#include "hub/base/json_pointer.hpp"
#include "hub/base/suggest.hpp"
#include "hub/schema/schema_compiler.hpp"
#include "hub/schema/schema_meta.hpp"

namespace rabt::schema {

namespace {

// Bytes of a name or reference that a message shows.
constexpr std::size_t kMaxShown = 120;

void finish(Node& n) {
  n.has_number = n.minimum != nullptr || n.maximum != nullptr || n.above != nullptr ||
                 n.below != nullptr || n.multiple_of;
  n.has_text = n.min_length || n.max_length || n.pattern != nullptr || n.format;
  n.has_array = n.min_items || n.max_items || n.unique || !n.prefix_items.empty() ||
                n.items != kNone || n.contains != kNone || n.unevaluated_items != kNone;
  n.has_object = n.min_properties || n.max_properties || !n.required.empty() ||
                 !n.properties.empty() || !n.pattern_properties.empty() || n.additional != kNone ||
                 n.names != kNone || n.unevaluated_properties != kNone || !n.dependencies.empty();
  n.has_combination = n.reference != kNone || n.dynamic_reference != kNone || !n.all_of.empty() ||
                      !n.any_of.empty() || !n.one_of.empty() || n.negated != kNone ||
                      n.condition != kNone;
  if (n.never) return;
  n.always = n.types == 0 && n.constant == nullptr && n.choices == nullptr && !n.has_number &&
             !n.has_text && !n.has_array && !n.has_object && !n.has_combination;
}

// A schema that applies itself to the same value again, whatever the value is: no check would end.
// kNone if there is none.
Index find_circle(const std::vector<Node>& nodes) {
  enum class Mark : std::uint8_t { fresh, open, done };
  std::vector<Mark> marks(nodes.size(), Mark::fresh);
  struct Step {
    Index index;
    std::vector<Index> next;
  };
  std::vector<Step> stack;
  const auto enter = [&](Index index) {
    marks[static_cast<std::size_t>(index)] = Mark::open;
    const Node& n = nodes[static_cast<std::size_t>(index)];
    std::vector<Index> next = n.all_of;
    next.insert(next.end(), n.one_of.begin(), n.one_of.end());
    if (!n.any_of.empty()) next.push_back(n.any_of.front());
    for (const Index one : {n.reference, n.negated, n.condition}) {
      if (one != kNone) next.push_back(one);
    }
    if (n.dynamic_reference != kNone && n.dynamic_name == kNone)
      next.push_back(n.dynamic_reference);
    stack.push_back({index, std::move(next)});
  };
  for (std::size_t i = 0; i < marks.size(); ++i) {
    if (marks[i] != Mark::fresh) continue;
    enter(static_cast<Index>(i));
    while (!stack.empty()) {
      if (stack.back().next.empty()) {
        marks[static_cast<std::size_t>(stack.back().index)] = Mark::done;
        stack.pop_back();
        continue;
      }
      const Index next = stack.back().next.back();
      stack.back().next.pop_back();
      const Mark mark = marks[static_cast<std::size_t>(next)];
      if (mark == Mark::open) return stack.back().index;
      if (mark == Mark::fresh) enter(next);
    }
  }
  return kNone;
}

}  // namespace

std::string shown(std::string_view text) {
  return text.size() <= kMaxShown ? std::string(text)
                                  : std::string(text.substr(0, kMaxShown)) + "...";
}

Status Compiler::run(const Json& document) {
  RABT_TRY_STATUS(add_document(document, ""));
  // Filled as it goes: references pull in the metaschemas and places that no keyword leads to.
  for (std::size_t i = 0; i < places_.size(); ++i) {
    RABT_TRY_STATUS(fill(static_cast<Index>(i)));
  }
  for (std::size_t i = 0; i < known_.size(); ++i) {
    auto& anchors = model_.resources[i].dynamic_anchors;
    for (const auto& [name, index] : known_[i].dynamic_anchors)
      anchors.emplace_back(dynamic_name(name), index);
    std::sort(anchors.begin(), anchors.end());
  }
  if (const Index circle = find_circle(model_.nodes); circle != kNone) {
    return wrong(place(circle).pointer,
                 "leads back to itself without a step into the value: no check would end");
  }
  return ok_status();
}

Error Compiler::complain(std::string code, const std::string& pointer, std::string message,
                         std::string suggestion) {
  std::string text = "schema at \"" + pointer + "\": " + message;
  if (!suggestion.empty()) text += "; " + suggestion;
  mistake_ = {pointer, std::move(message), std::move(suggestion)};
  return invalid(std::move(code), std::move(text));
}

Error Compiler::wrong(const std::string& pointer, std::string_view what) {
  const auto slash = pointer.rfind('/');
  const std::string subject =
      slash == std::string::npos
          ? "the schema"
          : "`" + shown(unescape_token(pointer.substr(slash + 1)).value_or("")) + "`";
  return complain("schema.invalid", pointer, subject + " " + std::string(what));
}

Index Compiler::child(Index parent, const std::string& rest) {
  const Place& from = place(parent);
  const auto found = documents_[from.document].find(from.pointer + rest);
  RABT_CHECK(found != documents_[from.document].end());
  return found->second;
}

Status Compiler::fill(Index index) {
  Node filled;
  const Place here = place(index);
  filled.path = here.document == 0 ? here.pointer : uris_[here.document] + "#" + here.pointer;
  filled.source = here.json;
  filled.resource = here.resource;
  const unsigned dialect = known(here.resource).dialect;
  if (here.json->is_bool()) {
    filled.never = !here.json->as_bool();
    filled.always = here.json->as_bool();
  } else if (here.json->is_object()) {
    for (const auto& [key, value] : here.json->as_object()) {
      const std::string at = here.pointer + "/" + escape_token(key);
      const Keyword* keyword = find_keyword(key, dialect);
      if (keyword == nullptr) {
        RABT_TRY_STATUS(check_mark(key, value, at));
        if (key.starts_with("x-") || options_.unknown == UnknownKeywords::ignore) continue;
        std::string near = did_you_mean(key, keyword_names(dialect));
        if (near.empty()) near = "prefix it with x- when it is an annotation";
        return unsupported(at, "schema keyword `" + shown(key) + "` is not supported",
                           std::move(near));
      }
      RABT_TRY_STATUS(take(filled, index, *keyword, value, at));
    }
  } else {
    return wrong(here.pointer, "must be a schema: an object, true or false");
  }
  finish(filled);
  node(index) = std::move(filled);
  return ok_status();
}

Status Compiler::check_mark(std::string_view key, const Json& value, const std::string& at) {
  // One letter beside it would switch the mark off without a word.
  if (key.starts_with("x-") && key != kPhiMark && !equal_ignoring_case(key, kPhiMark) &&
      edit_distance(key, kPhiMark) == 1)
    return complain("schema.invalid", at, "`" + shown(key) + "` marks nothing",
                    "did you mean `x-phi`?");
  if (!equal_ignoring_case(key, kPhiMark)) return ok_status();
  if (key != kPhiMark)
    return complain("schema.invalid", at, "`" + std::string(key) + "` marks nothing",
                    "write `x-phi`, in lower case");
  if (value.is_bool()) return ok_status();
  return complain("schema.invalid", at, "`x-phi` must be true or false",
                  "write `x-phi: true`, in lower case and without quotes");
}

std::string type_list(unsigned types) {
  std::string out;
  for (const auto& [name, bit] : kTypes) {
    const bool listed = name == "integer"  ? (types & (kInteger | kNumber)) == kInteger
                        : name == "number" ? (types & kNumber) != 0
                                           : (types & bit) != 0;
    if (!listed) continue;
    if (!out.empty()) out += " or ";
    out += name;
  }
  return out;
}

Result<std::shared_ptr<const Schema::Model>> compile(const Json& document,
                                                     const SchemaOptions& options,
                                                     SchemaMistake& mistake) {
  auto model = std::make_shared<Schema::Model>();
  model->documents.reserve(1 + meta_documents().size());
  RABT_TRY_STATUS(Compiler(*model, options, mistake).run(document));
  return std::shared_ptr<const Schema::Model>(std::move(model));
}

}  // namespace rabt::schema
