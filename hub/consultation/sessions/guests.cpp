#include "hub/consultation/sessions/guests.hpp"

#include <algorithm>
#include <utility>

#include "hub/base/ascii.hpp"
#include "hub/consultation/acts/answers.hpp"
#include "hub/consultation/acts/guardian.hpp"
#include "hub/consultation/rows/guest_rows.hpp"
#include "hub/consultation/rows/session_lane.hpp"
#include "hub/crypto/crypto.hpp"
#include "hub/identity/totp.hpp"

namespace rabt::consultation {

namespace {

// 128 bits
constexpr std::size_t kCodeBytes = 16;
constexpr std::string_view kCodePurpose = "session-invitation/1";
constexpr std::size_t kSecretDigits = 64;
constexpr std::size_t kMaxTap = 255;

Error unknown() {
  return not_found("invitation.unknown", "there is no invitation with this code");
}

// The name of the doctor who is to be met: his record's, else what was posted of him.
Json host_name(const Session& session, Names& names) {
  for (const Participant& participant : session.people.participants) {
    if (!needs_licence(participant.role) || !participant.takes_part()) continue;
    const Json* const posted = participant.guest.find("name");
    if (posted != nullptr) return *posted;
    if (!participant.person.empty()) return names.of(participant.person)["name"];
  }
  return {};
}

// A browser has the visit.
bool is_held(const FoundInvitation& found) {
  return found.invitation.status == "accepted" && found.invitation.by_link &&
         found.invitation.generation == found.generation;
}

// True if an account has the link's place: whoever opens the link has to show who he is.
bool is_of_account(const FoundInvitation& found) {
  return is_there_under_account(found.session, found.invitation) ||
         came_since_sent(found.session, found.invitation);
}

}  // namespace

std::string code_of(const keys::Lease& lease, std::string_view invitation,
                    std::int64_t generation) {
  const SecretBytes key = lease.keys().purpose_key(kCodePurpose);
  Bytes mac =
      crypto::hmac_sha256(key.expose(), std::string(invitation) + ":" + std::to_string(generation));
  mac.resize(kCodeBytes);
  return lower(identity::base32(mac));
}

std::string code_index(const keys::Lease& lease, std::string_view code) {
  return lease.blind_index("session.invitation", code);
}

Result<FoundInvitation> invitation_of(const Acts& acts, std::string_view code) {
  RABT_TRY(invited, acts.rows().of_code(acts.parts().tenant, code));
  FoundInvitation found;
  RABT_TRY(session, acts.load(invited.session));
  found.session = std::move(session);
  const auto at = std::find_if(
      found.session.people.invitations.begin(), found.session.people.invitations.end(),
      [&](const Invitation& invitation) { return invitation.id == invited.invitation; });
  if (at == found.session.people.invitations.end()) return unknown();
  found.invitation = *at;
  if (at->generation > 0) {
    RABT_TRY(lease, acts.parts().keys.lease(acts.parts().tenant));
    const std::string now = code_of(lease, at->id, at->generation);
    const bool newest = constant_time_equal(as_bytes(now), as_bytes(code));
    found.generation = newest ? at->generation : -1;
  }
  return found;
}

Result<std::string> SessionGuests::index_of(std::string_view kind, std::string_view value) const {
  RABT_TRY(lease, acts_.parts().keys.lease(acts_.parts().tenant));
  return lease.blind_index("session.guest." + std::string(kind), value);
}

Result<std::string> SessionGuests::proof_of(const FoundInvitation& found, const GivenProof& given) {
  const SecondProof::Taken taken{.session = found.session, .invitation = found.invitation};
  RABT_TRY(proofs, proof_.offered(taken));
  if (proofs.empty()) return std::string();
  RABT_TRY_STATUS(
      may_be_shown(found.session, found.invitation, found.generation, acts_.parts().clock.now()));
  return proof_.check(taken, given);
}

Result<SessionGuests::Entered> SessionGuests::try_to_enter(const Caller& caller,
                                                           const Asked<EnterByLink>& asked,
                                                           const Entering& how) {
  RABT_TRY(request, asked);
  if (how.tap.size() > kMaxTap)
    return invalid("idempotency.key", "Idempotency-Key: at most 255 characters");
  RABT_TRY(found, invitation_of(acts_, request.code));
  const Invitation& invitation = found.invitation;
  const std::string session = found.session.id;
  // The one who comes is known before the act, which he does himself.
  Participant coming = acts_.persons().participant(invitation.role, "", invitation.guest);
  const std::string participant =
      invitation.participant.empty() ? coming.id : invitation.participant;
  Caller of = caller;
  of.who = {.kind = identity::Kind::guest,
            .tenant = acts_.parts().tenant,
            .id = participant,
            .part = {.session = session, .participant = participant}};
  const identity::GuestProof held = how.held ? how.held(session) : identity::GuestProof{};
  bool same_browser = false;
  if (!held.empty()) {
    RABT_TRY(secret, index_of("secret", held.secret));
    RABT_TRY(row, find_guest(acts_.parts().store, acts_.parts().tenant, secret));
    same_browser = row && row->invitation == invitation.id && row->generation == found.generation;
  }
  RABT_TRY(given, request.proof);
  std::string tap;
  if (!how.tap.empty()) {
    RABT_TRY(index, index_of("tap", how.tap));
    tap = std::move(index);
  }
  RABT_TRY(tapped, has_tapped(acts_.parts().store, acts_.parts().tenant, invitation.id,
                              found.generation, tap));
  std::string second_proof;
  // The browser that holds the visit gives a second proof when it wants to.
  const bool proves = same_browser && !given.none() && invitation.proven != found.generation;
  const bool takes_over =
      is_held(found) ? proves || (!same_browser && !tapped) : is_of_account(found);
  if (takes_over) {
    RABT_TRY(name, proof_of(found, given));
    second_proof = std::move(name);
  }
  identity::GuestProof proof = held;
  if (!same_browser) proof = {.session = session, .secret = acts_.persons().hex(kSecretDigits)};
  RABT_TRY(secret, index_of("secret", proof.secret));
  const GuestRow row{.secret = secret,
                     .tap = tap,
                     .session = session,
                     .invitation = invitation.id,
                     .participant = participant,
                     .generation = found.generation};
  const auto bind = [&](store::Transaction& transaction, const Change& /*change*/) -> Status {
    if (same_browser) return ok_status();
    return put_guest(transaction, acts_.parts().tenant, row, acts_.parts().clock.now());
  };
  Enter command{.invitation = invitation.id,
                .generation = found.generation,
                .participant = std::move(coming),
                .again = same_browser || tapped,
                .second_proof = second_proof};
  if (const Participant* const one = found.session.participant(participant);
      one != nullptr && !one->person.empty()) {
    RABT_TRY(person, acts_.parts().directory.find(acts_.parts().tenant, one->person));
    command.record_of = person.id;
    command.record_version = person.version;
  }
  RABT_TRY(acted, acts_.act(of, session,
                            [&](const Session&) -> Result<Command> { return Command(command); },
                            {.strangers = true, .also = bind}));
  if (acted.change.unchanged && !same_browser)
    RABT_TRY_STATUS(acts_.parts().store.write(
        lane_of(acted.session.id),
        [&](store::Transaction& transaction) { return bind(transaction, acted.change); }));
  // The provider's token comes with the call to join.
  RABT_TRY(admission, entry_.waiting_admission(of, acted.session, acted.change));
  TakenUpView answer{.admission = std::move(admission),
                     .session = acted.session.id,
                     .room_name = acted.session.room.name};
  if (const Participant* const one = acted.session.participant(participant)) {
    RABT_TRY(by, guarded(acts_.parts(), acted.session, *one));
    Names names(acts_.parts().directory, acts_.parts().tenant);
    if (by.child) answer.comes_for = names.of(one->person)["name"];
  }
  return Entered{.answer = std::move(answer), .proof = std::move(proof)};
}

Result<FoundInvitation> SessionGuests::needing(const Asked<OfCode>& asked,
                                               std::string_view proof) const {
  RABT_TRY(request, asked);
  RABT_TRY(found, invitation_of(acts_, request.code));
  RABT_TRY_STATUS(
      may_be_shown(found.session, found.invitation, found.generation, acts_.parts().clock.now()));
  RABT_TRY(proofs, proof_.offered({.session = found.session, .invitation = found.invitation}));
  if ((is_held(found) || is_of_account(found)) &&
      std::find(proofs.begin(), proofs.end(), proof) != proofs.end())
    return found;
  return conflict("invitation.used",
                  proof == "code" ? "no code is sent for this link: it needs none, or the "
                                    "hospital sends none; call the hospital"
                                  : "no app is asked for this link: it needs no second proof, or "
                                    "nothing can be asked about the record; call the hospital");
}

Result<CodeSentView> SessionGuests::try_to_send_code(const Asked<OfCode>& asked) {
  RABT_TRY(found, needing(asked, "code"));
  return proof_.send_code({.session = found.session, .invitation = found.invitation});
}

Result<IdentityAskedView> SessionGuests::try_to_ask_app(const Asked<OfCode>& asked) {
  RABT_TRY(found, needing(asked, "identity"));
  return proof_.ask_app({.session = found.session, .invitation = found.invitation});
}

Result<CodeSentView> SessionGuests::send_code(const Caller& caller, const Asked<OfCode>& asked) {
  auto sent = try_to_send_code(asked);
  if (!sent.ok()) note_refused(caller, sent.error());
  return sent;
}

Result<IdentityAskedView> SessionGuests::ask_app(const Caller& caller, const Asked<OfCode>& asked) {
  auto sent = try_to_ask_app(asked);
  if (!sent.ok()) note_refused(caller, sent.error());
  return sent;
}

Result<SessionGuests::Entered> SessionGuests::enter(const Caller& caller,
                                                    const Asked<EnterByLink>& asked,
                                                    const Entering& how) {
  auto entered = try_to_enter(caller, asked, how);
  if (!entered.ok()) note_refused(caller, entered.error());
  return entered;
}

void SessionGuests::note_refused(const Caller& caller, const Error& error) {
  // The page asks again.
  if (error.code == kIdentityPending) return;
  if (error.kind != ErrorKind::denied && error.kind != ErrorKind::conflict &&
      error.kind != ErrorKind::not_found)
    return;
  Session none;
  none.tenant = acts_.parts().tenant;
  audit::Entry entry = Acts::entry_of(caller, none);
  entry.act = "invitation.refused";
  // Which invitation a wrong code was meant for, nobody knows.
  entry.object = "invitations";
  entry.result = error.code;
  entry.purpose.clear();
  const audit::Prepared prepared = acts_.parts().audit.prepare(entry);
  // Nothing waits for it: a stranger who sends many would hold up those who are known.
  acts_.parts().store.submit(
      store::Store::Need::droppable,
      [&log = acts_.parts().audit, prepared](store::Transaction& transaction) {
        return log.append(transaction, prepared);
      },
      [](const Status& /*status*/) {});
}

Result<LinkPreviewView> SessionGuests::preview(const Asked<OfCode>& asked) {
  RABT_TRY(request, asked);
  RABT_TRY(found, invitation_of(acts_, request.code));
  const Session& session = found.session;
  const Timestamp now = acts_.parts().clock.now();
  RABT_TRY_STATUS(may_be_shown(session, found.invitation, found.generation, now));
  RABT_TRY(proofs, proof_.offered({.session = session, .invitation = found.invitation}));
  Names names(acts_.parts().directory, acts_.parts().tenant);
  const House& house = acts_.parts().house;
  LinkPreviewView view{.hospital = house.name,
                       .phone = house.phone,
                       .provider = host_name(session, names),
                       .type = session.type,
                       .language = session.options.language,
                       .role = found.invitation.role,
                       .status = found.invitation.status,
                       .second_proof = std::move(proofs),
                       .needs_account = !opens_by_link(found.invitation.role),
                       .time_zone = house.time_zone,
                       .planned_minutes = session.schedule.minutes};
  if (session.schedule.at_ms) view.start = Timestamp{*session.schedule.at_ms};
  return view;
}

Result<std::optional<identity::Part>> SessionGuests::part_of(const identity::GuestProof& proof) {
  using Nothing = std::optional<identity::Part>;
  if (proof.secret.size() != kSecretDigits) return Nothing();
  RABT_TRY(secret, index_of("secret", proof.secret));
  RABT_TRY(row, find_guest(acts_.parts().store, acts_.parts().tenant, secret));
  if (!row || row->session != proof.session) return Nothing();
  RABT_TRY(session, acts_.rows().load(acts_.parts().tenant, row->session));
  const auto at =
      std::find_if(session.people.invitations.begin(), session.people.invitations.end(),
                   [&](const Invitation& invitation) { return invitation.id == row->invitation; });
  if (at == session.people.invitations.end() || at->generation != row->generation) return Nothing();
  if (!link_holds(session, *at, row->participant, acts_.parts().clock.now())) return Nothing();
  return Nothing(identity::Part{.session = row->session, .participant = row->participant});
}

}  // namespace rabt::consultation
