#include <algorithm>

#include "hub/base/ascii.hpp"
#include "hub/base/json_pointer.hpp"
#include "hub/base/uri.hpp"
#include "hub/schema/schema_compiler.hpp"
#include "hub/schema/schema_meta.hpp"

// Which schemas there are: documents, base URIs, anchors, and where references lead.
namespace rabt::schema {

namespace {

constexpr int kMaxSchemaDepth = 64;        // nested schemas; JSON text may nest no deeper
constexpr std::size_t kMaxNodes = 20'000;  // schemas in one document; FHIR R4 as a whole has 9,000
constexpr std::size_t kMaxPathBytes = 16U << 20U;  // of all schemas: long names in deep nesting

constexpr std::string_view kDialect = "https://json-schema.org/draft/2020-12/schema";

// Target of a reference: the document, and the fragment in it, percent-decoded.
struct Target {
  std::string uri;
  std::string fragment;
};

Target resolve_reference(std::string_view base, std::string_view reference) {
  Target target{resolve_uri(base, reference), {}};
  if (const auto hash = target.uri.find('#'); hash != std::string::npos) {
    target.fragment = percent_decode(std::string_view(target.uri).substr(hash + 1));
    target.uri.erase(hash);
  }
  return target;
}

// Core, 8.2.2.
bool is_anchor(std::string_view text) {
  if (text.empty()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool letter = is_alpha(c) || c == '_';
    const bool later = is_digit(c) || c == '-' || c == '.';
    if (!letter && (i == 0 || !later)) return false;
  }
  return true;
}

// A definition of the document with this $id; the search stays in $defs.
const Json* find_metaschema(const Json& json, std::string_view uri, int depth) {
  if (json["$id"].is_string() && json["$id"].as_string() == uri) return &json;
  if (depth > 4 || !json["$defs"].is_object()) return nullptr;
  for (const auto& [name, definition] : json["$defs"].as_object()) {
    if (const Json* found = find_metaschema(definition, uri, depth + 1)) return found;
  }
  return nullptr;
}

bool is_meta(std::string_view uri) {
  const auto& documents = meta_documents();
  return std::any_of(documents.begin(), documents.end(),
                     [uri](const Document& d) { return d.uri == uri; });
}

}  // namespace

Status Compiler::add_document(const Json& json, std::string uri) {
  const std::size_t number = model_.documents.size();
  model_.documents.push_back(json);  // reserved: the addresses stay
  documents_.emplace_back();
  uris_.push_back(uri);
  const Index resource = add_resource(number, std::move(uri), kDefaultDialect);
  return find_schemas(model_.documents.back(), number, "", resource, 0);
}

Index Compiler::add_resource(std::size_t document, std::string uri, unsigned dialect) {
  const auto index = static_cast<Index>(known_.size());
  by_uri_.emplace(uri, index);
  known_.push_back({.uri = std::move(uri),
                    .document = document,
                    .root = static_cast<Index>(places_.size()),
                    .dialect = dialect,
                    .anchors = {},
                    .dynamic_anchors = {}});
  model_.resources.emplace_back();
  return index;
}

Status Compiler::find_schemas(const Json& json, std::size_t document, const std::string& pointer,
                              Index resource, int depth) {
  if (depth > kMaxSchemaDepth) return wrong(pointer, "is nested too deeply");
  if (places_.size() >= kMaxNodes) return wrong(pointer, "makes the schema too large");
  path_bytes_ += pointer.size();
  if (path_bytes_ > kMaxPathBytes)
    return wrong(pointer, "makes the schema too large: its names are long and nest deeply");
  const auto index = static_cast<Index>(places_.size());
  if (!documents_[document].emplace(pointer, index).second) return ok_status();
  RABT_TRY_STATUS(take_id(json, pointer, document, resource));
  places_.push_back({document, pointer, &json, resource});
  model_.nodes.emplace_back();
  if (!json.is_object()) return ok_status();

  RABT_TRY_STATUS(take_anchors(json, pointer, resource, index));
  if (known(resource).root == index) RABT_TRY_STATUS(set_dialect(json, pointer, resource));

  const unsigned dialect = known(resource).dialect;
  for (const auto& [key, value] : json.as_object()) {
    const Keyword* keyword = find_keyword(key, dialect);
    if (keyword == nullptr || keyword->holds == Holds::nothing) continue;
    const std::string here = pointer + "/" + key;
    if (keyword->holds == Holds::one) {
      RABT_TRY_STATUS(find_schemas(value, document, here, resource, depth + 1));
    } else if (keyword->holds == Holds::list && value.is_array()) {
      for (std::size_t i = 0; i < value.size(); ++i) {
        RABT_TRY_STATUS(
            find_schemas(value[i], document, here + "/" + std::to_string(i), resource, depth + 1));
      }
    } else if (keyword->holds == Holds::map && value.is_object()) {
      for (const auto& [name, schema] : value.as_object()) {
        if (keyword->word == Word::dependencies && schema.is_array()) continue;
        RABT_TRY_STATUS(
            find_schemas(schema, document, here + "/" + escape_token(name), resource, depth + 1));
      }
    }
  }
  return ok_status();
}

Status Compiler::take_id(const Json& json, const std::string& pointer, std::size_t document,
                         Index& resource) {
  const Json& id = json["$id"];
  if (!id.is_string()) return ok_status();
  Target target = resolve_reference(known(resource).uri, id.as_string());
  if (!target.fragment.empty())
    return wrong(pointer + "/$id", "must have no fragment; use $anchor");
  if (pointer.empty()) {
    by_uri_.erase(known(resource).uri);
    if (by_uri_.contains(target.uri)) return wrong(pointer + "/$id", "names another document");
    by_uri_.emplace(target.uri, resource);
    known(resource).uri = std::move(target.uri);
  } else {
    if (by_uri_.contains(target.uri) || is_meta(target.uri))
      return wrong(pointer + "/$id", "names a schema that another $id names already");
    resource = add_resource(document, std::move(target.uri), known(resource).dialect);
  }
  return ok_status();
}

Status Compiler::take_anchors(const Json& json, const std::string& pointer, Index resource,
                              Index index) {
  for (const char* word : {"$anchor", "$dynamicAnchor"}) {
    const Json* name = json.find(word);
    if (name == nullptr) continue;
    const std::string here = pointer + "/" + word;
    if (!name->is_string() || !is_anchor(name->as_string()))
      return wrong(here, "must be a name: a letter or _, then letters, digits, -, _ and .");
    Known& owner = known(resource);
    if (!owner.anchors.emplace(name->as_string(), index).second &&
        owner.anchors.at(name->as_string()) != index)
      return wrong(here, "names an anchor that exists already");
    if (word[1] == 'd') owner.dynamic_anchors.emplace(name->as_string(), index);
  }
  return ok_status();
}

Status Compiler::set_dialect(const Json& json, const std::string& pointer, Index resource) {
  const Json* named = json.find("$schema");
  if (named == nullptr || !named->is_string()) return ok_status();
  const std::string here = pointer + "/$schema";
  const Target target = resolve_reference("", named->as_string());
  if (!target.fragment.empty()) return wrong(here, "must have no fragment");
  if (target.uri == kDialect) {
    known(resource).dialect = kDefaultDialect;
    return ok_status();
  }
  const Json* metaschema = find_metaschema(model_.documents.front(), target.uri, 0);
  if (metaschema == nullptr || !(*metaschema)["$vocabulary"].is_object()) {
    return unsupported(here, "the dialect `" + shown(named->as_string()) + "` is not supported",
                       "write it in 2020-12, or leave $schema out");
  }
  unsigned dialect = kCore;
  for (const auto& [uri, needed] : (*metaschema)["$vocabulary"].as_object()) {
    const unsigned bit = vocabulary_of(uri);
    dialect |= bit;
    if (bit == 0 && (!needed.is_bool() || needed.as_bool())) {
      return unsupported(
          here, "the dialect needs the vocabulary `" + shown(uri) + "`, which is not supported");
    }
  }
  known(resource).dialect = dialect;
  return ok_status();
}

Result<Compiler::Found> Compiler::follow(const Place& from, const std::string& reference,
                                         const std::string& here) {
  const Target target = resolve_reference(known(from.resource).uri, reference);
  auto found = by_uri_.find(target.uri);
  if (found == by_uri_.end()) {
    for (const Document& meta : meta_documents()) {
      if (meta.uri != target.uri) continue;
      RABT_TRY_STATUS(add_document(meta.json, meta.uri));
    }
    found = by_uri_.find(target.uri);
  }
  if (found == by_uri_.end()) {
    return unsupported(here, "`" + shown(reference) + "` is in another document",
                       "put what it names under $defs");
  }
  const Index resource = found->second;
  if (target.fragment.empty()) return Found{known(resource).root, resource, {}};
  if (target.fragment.front() != '/') {
    const auto anchor = known(resource).anchors.find(target.fragment);
    if (anchor == known(resource).anchors.end())
      return wrong(here, "points to no anchor of the document");
    return Found{anchor->second, resource, target.fragment};
  }
  return walk(resource, target.fragment, here);
}

Result<Compiler::Found> Compiler::walk(Index resource, std::string_view pointer,
                                       const std::string& here) {
  const std::size_t document = known(resource).document;
  const Place& root = place(known(resource).root);
  std::string path = root.pointer;
  const Json* json = root.json;
  while (!pointer.empty()) {
    pointer.remove_prefix(1);
    const auto end = std::min(pointer.find('/'), pointer.size());
    const std::string_view token = pointer.substr(0, end);
    pointer.remove_prefix(end);
    json = at_token(*json, token);
    if (json == nullptr) return wrong(here, "points to nothing in the document");
    path.append("/").append(token);
    const auto known_place = documents_[document].find(path);
    if (known_place != documents_[document].end()) resource = place(known_place->second).resource;
  }
  const auto at = documents_[document].find(path);
  if (at != documents_[document].end()) return Found{at->second, resource, {}};
  const auto index = static_cast<Index>(places_.size());
  RABT_TRY_STATUS(find_schemas(*json, document, path, resource, 0));
  return Found{index, resource, {}};
}

}  // namespace rabt::schema
