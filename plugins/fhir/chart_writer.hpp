#pragma once

#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "chart.hpp"
#include "record_system.hpp"

// The chart of a visit in a record system: written, corrected, taken back. Only resources that
// bear an identifier of the hub for this visit and are about its patient are changed.
namespace rabt::fhir {

class ChartWriter : public RecordSystem {
 public:
  using RecordSystem::RecordSystem;

 protected:
  // Leaves out and names the parts that the record system refuses; the note holds them as text.
  sdk::Task<Outcome> write_record(const sdk::Call& call, const Json& input);

 private:
  // Resources of the hub for a visit, whether its chart still holds them or not. An outcome when
  // some of them may be missing.
  struct Own {
    std::vector<Json> resources;
    std::optional<Outcome> failed;
  };
  sdk::Task<Own> own_of(const sdk::Call& call, std::string consultation, const Json& encounter,
                        const Json& note);

  // Signed notes as PDF, read from their blobs, and those that do not hold any more.
  struct Pdfs {
    std::vector<ChartEntry> entries;
    // [{of, code}]: those that cannot be read, and are not written. What the record system has of
    // them stays.
    Json unread = Json::array();
    // Notes that were entered in error.
    std::vector<InError> in_error;
    // The hub cannot read now.
    std::optional<Outcome> failed;
  };
  sdk::Task<Pdfs> pdfs_of(const sdk::Call& call, const Json& input, const Json& encounter);

  // Makes a resource, or corrects the one that is there: known. gone: references that a note loses.
  struct Kept {
    std::string id;
    // The record system says that it holds no more.
    bool ended = false;
    std::optional<Outcome> failed;
  };
  sdk::Task<Kept> keep(const sdk::Call& call, const ChartEntry& wanted, Json resource,
                       const std::set<std::string>& gone);
  sdk::Task<Kept> find_and_keep(const sdk::Call& call, const ChartEntry& wanted);

  // Takes back a resource that the chart does not hold any more. Returns nothing when it is done.
  sdk::Task<std::optional<Outcome>> withdraw(const sdk::Call& call, const Json& before,
                                             std::string identifier, const Json& encounter);
  // The same of what was entered in error, if the record system has it. Adds its reference to
  // `gone`.
  sdk::Task<std::optional<Outcome>> find_and_withdraw(const sdk::Call& call, const InError& what,
                                                      const Json& encounter,
                                                      std::set<std::string>& gone);

  // Names the Conditions that the record system has taken in the Encounter, and those no more that
  // are gone or in error there. Returns nothing when it is done.
  sdk::Task<std::optional<Outcome>> name_diagnoses(const sdk::Call& call, const Json& input,
                                                   const Json& encounter, const Json& taken,
                                                   const std::set<std::string>& gone);
};

}  // namespace rabt::fhir
