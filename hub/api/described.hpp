#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "hub/api/routes.hpp"
#include "hub/base/json.hpp"
#include "hub/base/result.hpp"

// Checks requests against docs/openapi.yaml, which is built into the hub.
namespace rabt::api {

// Unknown names of one request that are told of: each is compared with all known names.
inline constexpr std::size_t kMaxSuggestions = 8;

// Immutable.
class Described {
 public:
  // Reads the document. One that cannot be read ends the process: it is part of the program.
  Described();
  // Operations and nodes point to nodes.
  Described(const Described&) = delete;
  Described& operator=(const Described&) = delete;

  // Refuses parameters of the query, and members of a JSON body at any depth, that the operation
  // does not have: a misspelt name would else have no effect, and nobody would see that. The error
  // repeats a name that is nearly a known one, or has the form of one; any other may be anything,
  // patient data too. The operation itself judges the values. Only the first
  // kMaxSuggestions names are told of. Errors: invalid api.invalid, one line a mistake.
  [[nodiscard]] Status check(std::string_view operation, const Call& call) const;

 private:
  // Sum of all schemas that describe one place of a body.
  struct Node {
    // Null where nothing is said about what the member holds.
    std::map<std::string, const Node*, std::less<>> members;
    // Other names of members, which are taken and of which no list speaks.
    std::set<std::string, std::less<>> also;
    // The same for the items of a list.
    const Node* items = nullptr;
    // Something is said about members.
    bool told = false;
    // Any other member is welcome.
    bool open = false;
  };
  struct Operation {
    std::set<std::string, std::less<>> parameters;
    // Null when it takes no JSON.
    const Node* body = nullptr;
  };
  class Compiler;
  class Mistakes;
  // The value's own members and what is wrong below them.
  static void look(const Node* node, const Json& value, const std::string& path, int depth,
                   Mistakes& mistakes);

  // A schema may contain itself: nodes point to each other in circles.
  std::deque<Node> nodes_;
  std::map<std::string, Operation, std::less<>> operations_;
};

}  // namespace rabt::api
