#pragma once

#include <string>
#include <vector>

#include "hub/base/json.hpp"
#include "hub/phi/vocabulary.hpp"

// Members of an action's answer that everybody may read: those that the output schema marks with
// `x-code: true`, and whose value its `enum` lists or the manifest's `codes` declare.
// docs/privacy.md#codes.
namespace rabt::plugin {

// Immutable; any thread.
class CodedMembers {
 public:
  CodedMembers() = default;
  // Looks into `properties` and `items`. Never below a member that is marked as patient data.
  // contract: the same schema of the capability that the action claims, or null.
  CodedMembers(const Json& schema, const Json& contract);

  // By the names on the way, such as {"adjudication": "rejected", "errors.code": ["BV-00752"]}: a
  // text, or a list where the way leads through a list. Null when the answer has none.
  [[nodiscard]] Json read(const Json& answer, const phi::Vocabulary& words) const;

 private:
  struct Member {
    // Names, "*" for each item of a list.
    std::vector<std::string> way;
    // Null when only the manifest's codes count.
    Json values;
  };
  void find(const Json& schema, std::vector<std::string>& way);

  std::vector<Member> members_;
};

}  // namespace rabt::plugin
