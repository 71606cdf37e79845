#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "hub/base/clock.hpp"
#include "hub/base/result.hpp"
#include "hub/consultation/session/session.hpp"
#include "hub/store/store.hpp"

// Browsers in which the link of an invitation was opened: the table session_guest.
namespace rabt::consultation {

struct GuestRow {
  // Blind indexes. tap may be empty.
  std::string secret;
  std::string tap;
  // ULIDs
  std::string session;
  std::string invitation;
  std::string participant;
  std::int64_t generation = 0;
};

[[nodiscard]] Result<std::optional<GuestRow>> find_guest(store::Store& store,
                                                         std::string_view tenant,
                                                         std::string_view secret);
// True if a browser entered by the invitation with this key of its request.
[[nodiscard]] Result<bool> has_tapped(store::Store& store, std::string_view tenant,
                                      std::string_view invitation, std::int64_t generation,
                                      std::string_view tap);
// Inside a job: the newest browser of the invitation. Those of earlier generations are forgotten.
[[nodiscard]] Status put_guest(store::Transaction& transaction, std::string_view tenant,
                               const GuestRow& row, Timestamp now);
// Inside a job: what a browser holds of the link is void, and what it has open is looked at once
// more, by every node.
[[nodiscard]] Status forget_link(store::Transaction& transaction, std::string_view tenant,
                                 const Invitation& link);
// Inside the job of a change: what browsers hold of links that ended by it, or moved to another
// browser, is void, and what they have open is looked at once more, by every node.
[[nodiscard]] Status forget_ended_links(store::Transaction& transaction, const Session& before,
                                        const Session& after);

}  // namespace rabt::consultation
