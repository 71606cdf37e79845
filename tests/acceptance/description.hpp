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

// docs/openapi.yaml as those read it who call the hub.
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
  Description();
  // Read once for this program.
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
  // What of an answer does not fit the description; empty when all does.
  [[nodiscard]] std::string misfit(const Operation& operation, int status, const std::string& body);
  // Members of an answer that the schema does not have, where it says which there are.
  [[nodiscard]] std::set<std::string> untold(const Operation& operation, int status,
                                             const Json& body) const;

 private:
  [[nodiscard]] const Json* answer(const Operation& operation, int status) const;
  [[nodiscard]] const Json& follow(const Json& json) const;
  void look(const std::vector<const Json*>& schemas, const Json& value, const std::string& path,
            std::set<std::string>& untold) const;
  [[nodiscard]] Json schema_of(const Json& content) const;

  Json document_;
  std::vector<Operation> operations_;
  std::map<std::string, std::unique_ptr<Schema>> compiled_;
};

}  // namespace rabt::acceptance
