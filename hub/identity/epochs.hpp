#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hub/base/result.hpp"
#include "hub/store/store.hpp"

// Changes of principals: each change that may end open connections of a person or client gets a
// number in its transaction, so that all nodes learn of it from the database.
namespace rabt::identity {

// "person:01K...", "client:brainsait", or "guest:01K...", a participant.
[[nodiscard]] std::string person_subject(std::string_view person);
[[nodiscard]] std::string client_subject(std::string_view client);
[[nodiscard]] std::string guest_subject(std::string_view participant);

// In the job of the change.
[[nodiscard]] Status raise_epoch(store::Transaction& transaction, std::string_view tenant,
                                 std::string_view subject);

struct Changed {
  std::string tenant;
  std::string subject;
  std::int64_t epoch = 0;
};
// Principals that changed after `epoch`, oldest first, at most a thousand.
[[nodiscard]] Result<std::vector<Changed>> changed_after(store::Store& store, std::int64_t epoch);
// The newest number; 0 before the first change.
[[nodiscard]] Result<std::int64_t> newest_epoch(store::Store& store);

// Removes the rows of guests, of which each link that is sent leaves one, once every node has seen
// them. Confined to one thread.
class GuestEpochs {
 public:
  GuestEpochs(store::Store& store, std::string tenant)
      : store_(store), tenant_(std::move(tenant)) {}

  // Removes a chunk of what was there at the end of the pass before. True if more is left; the pass
  // is over otherwise. Passes are minutes apart at least: nodes look several times a second.
  [[nodiscard]] Result<bool> remove_old();

 private:
  store::Store& store_;
  const std::string tenant_;
  // The newest number at the end of the pass before. Unset before the first.
  std::optional<std::int64_t> seen_;
};

}  // namespace rabt::identity
