#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "chart.hpp"
#include "record_system.hpp"
#include "transaction.hpp"

// The chart of a visit in a record system: written, corrected, taken back. Only resources that
// bear an identifier of the hub for this visit and are about its patient are changed. A record
// system that can do so takes all changes as one transaction; else each goes alone.
namespace rabt::fhir {

class ChartWriter : public RecordSystem {
 public:
  using RecordSystem::RecordSystem;

 protected:
  // Leaves out and names the parts that the record system refuses; the note holds them as text. So
  // that they are found, a transaction that is refused is followed by its changes one by one.
  sdk::Task<Outcome> write_record(const sdk::Call& call, const Json& input);

 private:
  // The changes of a visit that go as one, and what the record system has of it before: by type and
  // identifier. Methods that take a null pointer to it send each change at once.
  struct Together {
    Transaction changes;
    std::map<std::pair<std::string, std::string>, Seen> seen;
  };
  // Nothing when the record system can take changes as one and did not take these: what it has then
  // is to be read again.
  sdk::Task<std::optional<Outcome>> write_chart(const sdk::Call& call, const Json& input,
                                                Together* together);
  // Abilities of the record system by its CapabilityStatement, which is read again after an hour.
  // None while it does not say.
  sdk::Task<Abilities> abilities(const sdk::Call& call);
  // Looks for all resources with one search of each type. An outcome when some may be missing.
  sdk::Task<std::optional<Outcome>> find_all(const sdk::Call& call,
                                             const std::vector<ChartEntry>& entries,
                                             const std::vector<InError>& in_error,
                                             Together& together);
  sdk::Task<Seen> look_up(const sdk::Call& call, std::string type, std::string identifier,
                          Together* together);
  // Puts `now` in the place of a resource. Returns nothing when it is there, or will go.
  sdk::Task<std::optional<Outcome>> put(const sdk::Call& call, const Json& before, const Json& now,
                                        Together* together);
  // Sends the changes, if there are any. made: the references of what was made, by those of
  // Transaction::make(); nothing when not all was taken.
  struct Sent {
    std::optional<std::map<std::string, std::string>> made;
    std::optional<Outcome> failed;
  };
  sdk::Task<Sent> send(const sdk::Call& call, const Transaction& changes);

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
    std::string reference;
    // The record system says that it holds no more.
    bool ended = false;
    std::optional<Outcome> failed;
  };
  sdk::Task<Kept> keep(const sdk::Call& call, const ChartEntry& wanted, Json resource,
                       const std::set<std::string>& gone, Together* together);
  sdk::Task<Kept> find_and_keep(const sdk::Call& call, const ChartEntry& wanted,
                                Together* together);

  // Takes back a resource that the chart does not hold any more. Returns nothing when it is done.
  sdk::Task<std::optional<Outcome>> withdraw(const sdk::Call& call, const Json& before,
                                             std::string identifier, const Json& encounter,
                                             Together* together);
  // The same of what was entered in error, if the record system has it. Adds its reference to
  // `gone`.
  sdk::Task<std::optional<Outcome>> find_and_withdraw(const sdk::Call& call, const InError& what,
                                                      const Json& encounter,
                                                      std::set<std::string>& gone,
                                                      Together* together);

  // Names the Conditions that the record system has taken in the Encounter, and those no more that
  // are gone or in error there. Returns nothing when it is done.
  sdk::Task<std::optional<Outcome>> name_diagnoses(const sdk::Call& call, const Json& input,
                                                   const Json& encounter, const Json& taken,
                                                   const std::set<std::string>& gone,
                                                   Together* together);

  Abilities abilities_;
  std::int64_t abilities_until_ms_ = 0;
};

}  // namespace rabt::fhir
