#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "hub/base/json.hpp"
#include "hub/base/result.hpp"
#include "hub/http/server.hpp"

// What docs/openapi.yaml, which the hub carries, says that a request may have.
namespace rabt::api {

// Immutable.
class Described {
 public:
  // Reads the document. One that cannot be read ends the process: it is part of the program.
  Described();

  // Refuses parameters of the query, and members of a JSON body at any depth, that the operation
  // does not have: what is misspelt would else be without effect, and nobody would see it. A name
  // is repeated when it is nearly one that is known; any other may be anything, patient data too.
  // What the values are, the operation itself judges. Errors: invalid api.invalid, one line a
  // mistake.
  [[nodiscard]] Status check(std::string_view operation, const http::Request& request) const;

 private:
  struct Operation {
    std::set<std::string, std::less<>> parameters;
    // Null when it takes no JSON.
    Json body;
  };
  // The object's own members and what is wrong below them.
  void look(const std::vector<const Json*>& schemas, const Json& value, const std::string& path,
            int depth, std::vector<std::string>& mistakes) const;
  struct Members;
  void gather(const Json& schema, int depth, Members& out) const;
  [[nodiscard]] const Json& follow(const Json& json) const;

  Json document_;
  std::map<std::string, Operation, std::less<>> operations_;
};

}  // namespace rabt::api
