#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "hub/base/json.hpp"
#include "hub/schema/schema.hpp"

// Description of an API, as clients of the hub read it.
namespace rabt::acceptance {

struct Operation {
  std::string method;
  std::string pattern;
  std::string id;
  Json described;
  std::vector<Json> parameters;
};

class Description {
 public:
  // document: OpenAPI 3.1.
  explicit Description(Json document);
  // Description of docs/openapi.yaml; read once for this program.
  static Description& get();

  [[nodiscard]] const std::vector<Operation>& operations() const { return operations_; }
  // Null when nothing is described for the path.
  [[nodiscard]] const Operation* find(std::string_view method, std::string_view path) const;
  // The examples of a JSON body by their names; one that has no name by "".
  [[nodiscard]] std::map<std::string, Json> body_examples(const Operation& operation) const;
  // The examples of the JSON body of an answer, by their names in the same way.
  [[nodiscard]] std::map<std::string, Json> answer_examples(const Operation& operation,
                                                            int status) const;
  // The schema of a JSON body, as a document of its own; null when the operation takes none.
  [[nodiscard]] Json body_schema(const Operation& operation) const;
  [[nodiscard]] bool describes(const Operation& operation, int status) const;
  // Names the part of an answer that does not fit the description; empty when all fits. type: the
  // answer's content type; empty stands for the first of JSON that is described.
  [[nodiscard]] std::string misfit(const Operation& operation, int status, const std::string& body,
                                   std::string_view type = {});
  // Members of an answer that the schema does not have, where it says which there are. type: as for
  // misfit.
  [[nodiscard]] std::set<std::string> untold(const Operation& operation, int status,
                                             const Json& body, std::string_view type = {}) const;

 private:
  [[nodiscard]] const Json* answer(const Operation& operation, int status) const;
  [[nodiscard]] const Json& follow(const Json& json) const;
  void look(const std::vector<const Json*>& schemas, const Json& value, const std::string& path,
            std::set<std::string>& untold) const;
  [[nodiscard]] Json schema_of(const Json& content, std::string_view type = {}) const;

  Json document_;
  std::vector<Operation> operations_;
  std::map<std::string, std::unique_ptr<Schema>> compiled_;
};

}  // namespace rabt::acceptance
