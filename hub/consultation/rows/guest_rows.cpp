#include "hub/consultation/rows/guest_rows.hpp"

#include <algorithm>

#include "hub/consultation/rows/statements.hpp"
#include "hub/identity/epochs.hpp"

namespace rabt::consultation {

namespace {

using store::Blob;
using store::Row;

}  // namespace

Result<std::optional<GuestRow>> find_guest(store::Store& store, std::string_view tenant,
                                           std::string_view secret) {
  std::optional<GuestRow> found;
  RABT_TRY_STATUS(store.read([&](store::Connection& connection) {
    return connection.query(sql::rows::kFindGuest, {tenant, Blob{secret}}, [&](const Row& row) {
      found = GuestRow{.secret = std::string(secret),
                       .tap = {},
                       .session = std::string(row.text(sql::rows::kFindGuest["session"])),
                       .invitation = std::string(row.text(sql::rows::kFindGuest["invitation"])),
                       .participant = std::string(row.text(sql::rows::kFindGuest["participant"])),
                       .generation = row.integer(sql::rows::kFindGuest["generation"])};
      return false;
    });
  }));
  return found;
}

Result<bool> has_tapped(store::Store& store, std::string_view tenant, std::string_view invitation,
                        std::int64_t generation, std::string_view tap) {
  bool found = false;
  if (tap.empty()) return found;
  RABT_TRY_STATUS(store.read([&](store::Connection& connection) {
    return connection.query(sql::rows::kTapped, {tenant, invitation, generation},
                            [&](const Row& row) {
                              found = found || row.blob(sql::rows::kTapped["tap"]) == tap;
                              return !found;
                            });
  }));
  return found;
}

Status put_guest(store::Transaction& transaction, std::string_view tenant, const GuestRow& row,
                 Timestamp now) {
  RABT_TRY_STATUS(
      store::run(transaction, sql::rows::kForgetGuests, {tenant, row.invitation, row.generation}));
  return store::run(transaction, sql::rows::kPutGuest,
                    {tenant, Blob{row.secret}, row.session, row.invitation, row.participant,
                     row.generation, Blob{row.tap}, now.ms});
}

Status forget_link(store::Transaction& transaction, std::string_view tenant,
                   const Invitation& link) {
  RABT_TRY_STATUS(store::run(transaction, sql::rows::kForgetAllGuests, {tenant, link.id}));
  return identity::raise_epoch(transaction, tenant, identity::guest_subject(link.participant));
}

Status forget_ended_links(store::Transaction& transaction, const Session& before,
                          const Session& after) {
  for (const Invitation& was : before.people.invitations) {
    const bool goes_on = std::any_of(
        after.people.invitations.begin(), after.people.invitations.end(),
        [&](const Invitation& invitation) {
          return invitation.id == was.id && invitation.by_link &&
                 invitation.generation == was.generation && invitation.moved == was.moved;
        });
    if (!was.by_link || goes_on) continue;
    RABT_TRY_STATUS(forget_link(transaction, after.tenant, was));
  }
  return ok_status();
}

}  // namespace rabt::consultation
