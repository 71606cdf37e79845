#pragma once

#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "hub/schema/schema_keywords.hpp"
#include "hub/schema/schema_model.hpp"

namespace rabt::schema {

// A message shows that many bytes of a name or reference.
[[nodiscard]] std::string shown(std::string_view text);

// Compiles one document and what it refers to into a model. Caller synchronises; used once.
class Compiler {
 public:
  Compiler(Schema::Model& model, const SchemaOptions& options, SchemaMistake& mistake)
      : model_(model), options_(options), mistake_(mistake) {}

  Status run(const Json& document);

 private:
  // A schema as it was found; its node has the same number.
  struct Place {
    std::size_t document = 0;
    std::string pointer;  // in the document
    const Json* json = nullptr;
    Index resource = 0;
  };
  struct Known {
    std::string uri;
    std::size_t document = 0;
    Index root = 0;
    unsigned dialect = kDefaultDialect;
    std::map<std::string, Index, std::less<>> anchors;
    std::map<std::string, Index, std::less<>> dynamic_anchors;
  };

  Error complain(std::string code, const std::string& pointer, std::string message,
                 std::string suggestion = {});
  // what is a predicate about the last step of the pointer.
  Error wrong(const std::string& pointer, std::string_view what);
  Error unsupported(const std::string& pointer, std::string message, std::string suggestion = {}) {
    return complain("schema.unsupported", pointer, std::move(message), std::move(suggestion));
  }

  Status add_document(const Json& json, std::string uri);
  Index add_resource(std::size_t document, std::string uri, unsigned dialect);
  Known& known(Index index) { return known_[static_cast<std::size_t>(index)]; }
  Place& place(Index index) { return places_[static_cast<std::size_t>(index)]; }
  Node& node(Index index) { return model_.nodes[static_cast<std::size_t>(index)]; }

  // Finds the schema and all schemas in it, with their base URIs and anchors. Values of the wrong
  // type are left to fill().
  Status find_schemas(const Json& json, std::size_t document, const std::string& pointer,
                      Index resource, int depth);

  // $id opens a resource; it is the document's own at the root.
  Status take_id(const Json& json, const std::string& pointer, std::size_t document,
                 Index& resource);
  Status take_anchors(const Json& json, const std::string& pointer, Index resource, Index index);
  // $schema of a resource: 2020-12 itself, or a metaschema in this document with $vocabulary.
  Status set_dialect(const Json& json, const std::string& pointer, Index resource);

  // ---- references ----

  struct Found {
    Index index = kNone;
    Index resource = kNone;
    std::string anchor;  // the fragment, when it is a plain name
  };

  Result<Found> follow(const Place& from, const std::string& reference, const std::string& here);

  // A JSON pointer from the root of a resource. A place that no keyword leads to is compiled as a
  // schema too (Core, 9.4.2 leaves that open).
  Result<Found> walk(Index resource, std::string_view pointer, const std::string& here);

  Index dynamic_name(const std::string& name) {
    return dynamic_names_.emplace(name, static_cast<Index>(dynamic_names_.size())).first->second;
  }

  // ---- one schema ----

  // The reference goes bad when places are added; call again after that.
  Index child(Index parent, const std::string& rest);
  Status fill(Index index);

  // A mark that is misspelt would mark nothing, and nobody would see it.
  Status check_mark(std::string_view key, const Json& value, const std::string& at);
  // Takes one keyword into the node n, whose number is index. at: the keyword's place.
  Status take(Node& n, Index index, const Keyword& keyword, const Json& value,
              const std::string& at);
  Result<Found> reference(Index index, const Json& value, const std::string& at);
  Status dynamic_reference(Node& n, Index index, const Json& value, const std::string& at);
  Status properties(Node& n, Index index, const Json& value, const std::string& at);
  Status pattern_properties(Node& n, Index index, const Json& value, const std::string& at);
  Status dependencies(Node& n, Index index, const Keyword& keyword, const Json& value,
                      const std::string& at);
  Status list(std::vector<Index>& slot, Index index, const Json& value, const std::string& at);
  Status names(std::vector<std::string>& slot, const Json& value, const std::string& at);
  Status type(Node& n, const Json& value, const std::string& at);
  Status choices(Node& n, const Json& value, const std::string& at);
  Status number(const Json*& slot, const Json& value, const std::string& at);
  Status multiple_of(Node& n, const Json& value, const std::string& at);
  Status count(std::optional<std::size_t>& slot, const Json& value, const std::string& at);
  Result<std::shared_ptr<const Pattern>> pattern(const std::string& text, const std::string& at,
                                                 const std::string& owner);
  Status format(Node& n, Index index, const Json& value, const std::string& at);

  Schema::Model& model_;
  const SchemaOptions& options_;
  SchemaMistake& mistake_;
  std::vector<Place> places_;
  std::vector<Known> known_;
  // For each document its places by JSON pointer, and its URI.
  std::vector<std::unordered_map<std::string, Index>> documents_;
  std::vector<std::string> uris_;
  std::map<std::string, Index, std::less<>> by_uri_;
  std::map<std::string, Index, std::less<>> dynamic_names_;
  std::unordered_map<std::string, std::shared_ptr<const Pattern>> patterns_;
  std::size_t path_bytes_ = 0;
  std::size_t programs_ = 0;
};

}  // namespace rabt::schema
