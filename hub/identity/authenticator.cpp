#include "hub/identity/authenticator.hpp"

#include <unistd.h>

#include "hub/base/authorization.hpp"
#include "hub/base/bytes.hpp"
#include "hub/crypto/crypto.hpp"

namespace rabt::identity {

namespace {

// Roles that a client with the role integration lends from the person for whom it acts.
constexpr Roles kActedFor{Role::operator_, Role::doctor,  Role::specialist, Role::nurse,
                          Role::desk,      Role::patient, Role::guest};

// Hex digits: enough to tell credentials apart.
constexpr std::size_t kCredentialDigits = 16;
// Roles that run the hub: all but the clinical ones.
constexpr Roles kOwnRoles{Role::admin,   Role::security_officer, Role::engineer, Role::operator_,
                          Role::auditor, Role::integration,      Role::desk};
constexpr std::size_t kMaxShownName = 200;

std::string mark_of_credential(std::string_view token) {
  return to_hex(crypto::sha256(token)).substr(0, kCredentialDigits);
}

Error guest_is_over() {
  return denied("http.unauthenticated",
                "the link of this visit is not good any more: the visit is over or was called off, "
                "or a newer link was sent; open the newest link, or call the hospital");
}

}  // namespace

Error unauthenticated() {
  return denied("http.unauthenticated",
                "the credential does not hold, or is not good any more; sign in again, or send a "
                "token as `Authorization: Bearer ...`: of a trusted issuer, or the hub's own in "
                "the file api-token of the data folder");
}

Authenticator::Authenticator(Parts parts, const ApiToken& token)
    : parts_(std::move(parts)), token_(token) {}

Result<Principal> Authenticator::principal(const Shown& shown, RefusedToken* refused) const {
  if (shown.authorization.empty()) {
    if (shown.local_user && (*shown.local_user == 0 || *shown.local_user == ::geteuid())) {
      const Principal local{.kind = Kind::local,
                            .tenant = parts_.tenant,
                            .id = std::to_string(*shown.local_user),
                            .roles = kOwnRoles};
      return shown.actor.empty() ? local : acting_for(local, shown.actor);
    }
    if (shown.certificate != nullptr) {
      RABT_TRY(client,
               parts_.clients.of_certificate(*shown.certificate, shown.client, shown.only_look));
      if (client) {
        client->credential = mark_of_credential(shown.certificate->sha256);
        return shown.actor.empty() ? *client : acting_for(*std::move(client), shown.actor);
      }
    }
    if (!shown.actor.empty()) return unauthenticated();
    if (shown.guest != nullptr && !shown.guest->empty()) return of_guest(*shown.guest);
    return Principal{.kind = Kind::anonymous, .tenant = parts_.tenant};
  }
  const auto token = credentials_of(shown.authorization, "Bearer");
  if (!token) return unauthenticated();
  RABT_TRY(who, of_token(shown, *token, refused));
  who.tenant = parts_.tenant;
  who.credential = mark_of_credential(*token);
  if (shown.actor.empty()) return who;
  return acting_for(std::move(who), shown.actor);
}

Result<Principal> Authenticator::again(const Credential& shown, bool used) const {
  return principal({.authorization = shown.authorization,
                    .local_user = shown.local_user,
                    .certificate = shown.certificate.get(),
                    .actor = shown.actor,
                    .only_look = !used,
                    .guest = &shown.guest});
}

Result<Principal> Authenticator::of_guest(const GuestProof& proof) const {
  if (guests_ == nullptr) return guest_is_over();
  RABT_TRY(part, guests_->part_of(proof));
  if (!part) return guest_is_over();
  return Principal{.kind = Kind::guest,
                   .tenant = parts_.tenant,
                   .id = part->participant,
                   .credential = mark_of_credential(proof.secret),
                   .part = *std::move(part)};
}

Result<Principal> Authenticator::of_token(const Shown& shown, std::string_view token,
                                          RefusedToken* refused) const {
  if (token_.matches(token)) {
    return Principal{.kind = Kind::client, .id = std::string(kApiTokenClient), .roles = kOwnRoles};
  }
  if (Clients::is_credential(token))
    return parts_.clients.principal(token, shown.client, shown.only_look, shown.certificate);
  if (token.find('.') == std::string_view::npos) {
    return parts_.accounts.session(token, shown.only_look);
  }
  const auto claims = parts_.issuers.verify(token, refused, shown.may_wait);
  if (!claims.ok()) {
    return claims.error().kind == ErrorKind::unavailable ? claims.error() : unauthenticated();
  }
  const auto note = [&](const char* why) {
    if (refused != nullptr) *refused = {claims->issuer->name, why};
  };
  if (!claims->certificate.empty() &&
      (shown.certificate == nullptr || shown.certificate->sha256 != claims->certificate)) {
    note("who holds the certificate of the token did not send it");
    return unauthenticated();
  }
  auto who = of_claims(shown, *claims, token);
  if (!who.ok() && who.error().code == "http.unauthenticated")
    note("the token was signed out, or its person is unknown, disabled or without a fit role");
  return who;
}

Result<Principal> Authenticator::of_claims(const Shown& shown, const Claims& claims,
                                           std::string_view token) const {
  const IssuerOptions& issuer = *claims.issuer;
  People& people = parts_.people;
  // Roles that no one person may have together prove nobody.
  if (!people.may_have(claims.roles).ok()) return unauthenticated();
  RABT_TRY(found, people.by_external(parts_.tenant, issuer.subject_system, claims.subject));
  if (!found) {
    // 128 bits do not meet by accident; small numbers of two systems do.
    const bool own = ulid_of(claims.subject).has_value() || issuer.subject_numbers;
    if (own) {
      auto resolved = people.record(parts_.tenant, Json(claims.subject));
      if (resolved.ok()) {
        found = *std::move(resolved);
      } else if (resolved.error().kind != ErrorKind::not_found &&
                 resolved.error().kind != ErrorKind::invalid) {
        return resolved.error();
      }
    }
    // An issuer whose people are the hub's own may call them by the names under which they sign in.
    if (!found && issuer.subject_numbers) {
      RABT_TRY(named, people.by_username(parts_.tenant, claims.subject));
      found = std::move(named);
    }
  }
  if (!found) {
    // An issuer of roles that nobody may have makes nobody.
    if (claims.roles.empty() || shown.only_look) return unauthenticated();
    const Caller hub{.who = {.kind = Kind::client,
                             .tenant = parts_.tenant,
                             .id = "issuer:" + issuer.name,
                             .roles = {},
                             .person = {},
                             .credential = {},
                             .session = {}},
                     .client = std::string(shown.client),
                     .request = std::string(shown.request),
                     .reason = {},
                     .purpose = {}};
    NewPerson person;
    person.profile.set("externalIds", Json::array({Json::object({{"system", issuer.subject_system},
                                                                 {"value", claims.subject}})}));
    if (!claims.name.empty() && claims.name.size() <= kMaxShownName)
      person.profile.set("name", claims.name);
    person.roles = claims.roles;
    person.issuer = issuer.name;
    auto result = people.create(hub, person);
    if (result.ok()) {
      found = result->id;
    } else if (result.error().code == "person.taken") {
      // Another request of the same person was quicker.
      RABT_TRY(again, people.by_external(parts_.tenant, issuer.subject_system, claims.subject));
      found = std::move(again);
    } else {
      return result.error();
    }
  }
  if (!found) return unauthenticated();
  RABT_TRY(ended, parts_.accounts.has_ended(token, *found, claims.issued_ms));
  if (ended) return unauthenticated();
  RABT_TRY(standing, people.standing(parts_.tenant, *found));
  if (!standing || !standing->active) return unauthenticated();
  // Roles that an issuer tells of its own people are kept, so that people are found by role.
  const bool news =
      claims.tells_roles && standing->issuer == issuer.name && !(standing->roles == claims.roles);
  if (news && !shown.only_look) {
    const Caller hub{
        .who = {.kind = Kind::client, .tenant = parts_.tenant, .id = "issuer:" + issuer.name},
        .client = std::string(shown.client),
        .request = std::string(shown.request)};
    PersonChange change;
    change.roles = claims.roles;
    RABT_TRY_STATUS(people.change(hub, *found, change));
  }
  const Roles roles = claims.tells_roles ? claims.roles : standing->roles.among(issuer.may_grant);
  if (!people.may_have(roles).ok()) return unauthenticated();
  return Principal{.kind = Kind::person,
                   .id = *found,
                   .roles = roles,
                   .person = *found,
                   .proven_ms = claims.proven_ms,
                   .strong_ms = claims.strong_ms};
}

Result<Principal> Authenticator::acting_for(Principal client, std::string_view actor) const {
  const auto refused = [] {
    return denied("authorisation.actor",
                  "X-Rabt-Actor names for whom a client acts: an active person, by id, UUID or "
                  "number, and only a client with the role integration may send it");
  };
  const bool own = client.kind == Kind::client || client.kind == Kind::local;
  if (!own || !client.is(Role::integration)) return refused();
  const auto person = parts_.people.resolve(parts_.tenant, Json(actor));
  if (!person.ok()) {
    const bool unknown =
        person.error().kind == ErrorKind::not_found || person.error().kind == ErrorKind::invalid;
    return unknown ? refused() : person.error();
  }
  RABT_TRY(standing, parts_.people.standing(parts_.tenant, *person));
  if (!standing || !standing->active) return refused();
  // Decisions are made on the person. Administrators and auditors act themselves, with their second
  // factor: no key of a system has that power.
  const Roles roles = standing->roles.among(kActedFor);
  if (roles.empty() && !standing->roles.empty())
    return denied("authorisation.actor",
                  "X-Rabt-Actor: a system acts for people who treat, are treated or operate; who "
                  "administers, engineers or audits signs in himself");
  client.person = *person;
  client.roles = roles;
  return client;
}

}  // namespace rabt::identity
