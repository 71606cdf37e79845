#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "chart.hpp"

// A transaction of the RESTful API of FHIR R4: changes that a record system takes as a whole or not
// at all (http://hl7.org/fhir/R4/http.html#transaction). Pure.
namespace rabt::fhir {

// Most bytes of a transaction; a larger one goes in parts, each change alone.
inline constexpr std::size_t kMaxTransaction = 4U << 20U;

// Abilities of a record system, by its CapabilityStatement
// (http://hl7.org/fhir/R4/capabilitystatement.html).
struct Abilities {
  // Its system-wide interactions have `transaction`.
  bool transaction = false;
  // The types whose `conditionalCreate` is true.
  std::set<std::string> conditional_create{};
};
// statement: a CapabilityStatement.
[[nodiscard]] Abilities abilities_of(const Json& statement);

class Transaction {
 public:
  // Adds the creation of a resource unless one of its type has the identifier of the hub. Returns
  // the reference by which other resources of the transaction name it ("urn:uuid:..."). What is
  // made already is corrected.
  std::string make(const ChartEntry& wanted);
  // Adds the change of a resource as it was read. False where it has no version: then nothing is
  // added.
  [[nodiscard]] bool replace(const Json& before, const Json& now);

  [[nodiscard]] bool empty() const { return changes_.empty(); }
  // True if the record system can make all resources of the transaction in it.
  [[nodiscard]] bool suits(const Abilities& abilities) const;
  // The Bundle, in an order in which each resource comes after those that it names.
  [[nodiscard]] Json bundle(const Settings& settings) const;
  // The references of what was made, by those of make(), from the answer's Bundle. Nothing unless
  // the answer says that all was done, and that nothing was there before.
  [[nodiscard]] std::optional<std::map<std::string, std::string>> made(const Json& answer) const;

 private:
  struct Change {
    // "urn:uuid:..." where the resource is made, "Condition/7" where it is there.
    std::string reference;
    // Set where the resource is made.
    std::string identifier;
    // Set where the resource is there: the version that was read.
    std::string version;
    Json resource;
  };
  std::vector<Change> changes_;
};

}  // namespace rabt::fhir
