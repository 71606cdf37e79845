#pragma once

#include "hub/store/store.hpp"

// SQL of hub/identity. Tables: migrations/sqlite/0009_identity.sql, 0015_signin.sql,
// 0016_passkey.sql, 0019_second_person.sql, 0021_signout.sql, 0023_person_known.sql,
// 0042_person_known_order.sql, 0062_person_merge.sql, 0077_person_pair.sql.
namespace rabt::identity::sql {

using store::Sequence;
using store::Statement;

// ---- people

#define RABT_PERSON "id, number, active, licence, issuer, pseudonym, data_key, sealed, version"
inline constexpr Statement kFindPerson{"SELECT " RABT_PERSON
                                       " FROM person WHERE tenant = $1 AND id = $2"};
inline constexpr Statement kPersons{
    "SELECT " RABT_PERSON
    " FROM person WHERE tenant = $1 AND number > $2 ORDER BY number LIMIT $3"};
// For a role that few people have: from the role to its people.
inline constexpr Statement kPersonsHaving{"SELECT " RABT_PERSON
                                          " FROM person WHERE tenant = $1 AND number > $2 AND id "
                                          "IN (SELECT person FROM person_role WHERE "
                                          "tenant = $1 AND role = $4) ORDER BY number LIMIT $3"};
// For one that most have: from each person to the role, until the page is full.
inline constexpr Statement kPersonsMostlyHaving{
    "SELECT " RABT_PERSON
    " FROM person WHERE tenant = $1 AND number > $2 AND EXISTS (SELECT 1 FROM person_role r WHERE "
    "r.tenant = $1 AND r.person = person.id AND r.role = $4) ORDER BY number LIMIT $3"};
// Accounts without a password, a passkey and an issuer. $4: a role, or empty.
inline constexpr Statement kPersonsWithoutWayIn{
    "SELECT " RABT_PERSON
    " FROM person WHERE tenant = $1 AND number > $2 AND issuer = '' AND EXISTS (SELECT 1 FROM "
    "person_alias a WHERE a.tenant = $1 AND a.person = person.id AND a.kind = 'username') AND NOT "
    "EXISTS (SELECT 1 FROM credential c WHERE c.tenant = $1 AND c.person = person.id AND c.kind = "
    "'password' AND c.state = 'active') AND NOT EXISTS (SELECT 1 FROM passkey k WHERE k.tenant = "
    "$1 AND k.person = person.id) AND ($4 = '' OR EXISTS (SELECT 1 FROM person_role r WHERE "
    "r.tenant = $1 AND r.person = person.id AND r.role = $4)) ORDER BY number LIMIT $3"};
#undef RABT_PERSON
inline constexpr Statement kPersonExists{"SELECT id FROM person WHERE tenant = $1 AND id = $2"};
inline constexpr Statement kPersonByNumber{
    "SELECT id FROM person WHERE tenant = $1 AND number = $2"};
inline constexpr Statement kStanding{
    "SELECT active, issuer FROM person WHERE tenant = $1 AND id = $2"};
inline constexpr Statement kInsertPerson{
    "INSERT INTO person (tenant, id, number, active, licence, issuer, pseudonym, data_key, sealed, "
    "version, created_ms, updated_ms, compared) VALUES ($1, $2, $3, 1, $4, $5, $6, $7, $8, 1, $9, "
    "$9, 1)"};
inline constexpr Statement kChangePerson{
    "UPDATE person SET active = $4, licence = $5, pseudonym = $6, sealed = $7, version = version + "
    "1, updated_ms = $8, compared = 1 WHERE tenant = $1 AND id = $2 AND version = $3"};

inline constexpr Statement kRolesOf{
    "SELECT role FROM person_role WHERE tenant = $1 AND person = $2"};
inline constexpr Statement kPutRole{
    "INSERT INTO person_role (tenant, person, role) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"};
inline constexpr Statement kDropRoles{"DELETE FROM person_role WHERE tenant = $1 AND person = $2"};

inline constexpr Statement kPutAlias{
    "INSERT INTO person_alias (tenant, kind, value, person, sole) VALUES ($1, $2, $3, $4, $5) ON "
    "CONFLICT DO NOTHING"};
inline constexpr Statement kDropAliases{
    "DELETE FROM person_alias WHERE tenant = $1 AND person = $2"};
inline constexpr Statement kByAlias{
    "SELECT person FROM person_alias WHERE tenant = $1 AND kind = $2 AND value = $3 ORDER BY "
    "person"};

inline constexpr Statement kPutKnown{
    "INSERT INTO person_known (tenant, kind, value, person) VALUES ($1, $2, $3, $4) ON CONFLICT DO "
    "NOTHING"};
inline constexpr Statement kWhoIsKnown{
    "SELECT person FROM person_known WHERE tenant = $1 AND value = $2 AND ($3 = 0 OR kind IN "
    "('identifier', 'mrn')) ORDER BY person"};
inline constexpr Statement kKnownBy{
    "SELECT value, EXISTS (SELECT 1 FROM person_known o WHERE o.tenant = k.tenant AND o.value = "
    "k.value AND o.person <> k.person) AS is_shared FROM person_known k WHERE tenant = $1 AND "
    "person = $2 AND "
    "kind IN ('identifier', 'mrn') ORDER BY value"};

// ---- records that are one patient

// `state <> 'undone'` stands in each, so that the partial indexes serve them.
inline constexpr Statement kPointer{
    "SELECT survivor, state FROM person_merge WHERE tenant = $1 AND merged = $2 AND state <> "
    "'undone'"};
inline constexpr Statement kPointersTo{
    "SELECT merged, state FROM person_merge WHERE tenant = $1 AND survivor = $2 AND state <> "
    "'undone' ORDER BY id"};
// Merges of a tenant are decided one after the other.
inline constexpr Sequence kMergeOrder{"person_merge"};
#define RABT_MERGE "id, merged, survivor, state, by_actor, asked_ms, since_ms, sealed"
inline constexpr Statement kMergeOf{
    "SELECT " RABT_MERGE
    " FROM person_merge WHERE tenant = $1 AND merged = $2 AND state <> 'undone'"};
inline constexpr Statement kMergesInto{
    "SELECT " RABT_MERGE
    " FROM person_merge WHERE tenant = $1 AND survivor = $2 AND state <> 'undone' ORDER BY id"};
#undef RABT_MERGE
inline constexpr Statement kMergesWaiting{
    "SELECT merged FROM person_merge WHERE tenant = $1 AND state = 'waiting' ORDER BY id LIMIT "
    "1000"};
inline constexpr Statement kPutMerge{
    "INSERT INTO person_merge (tenant, id, merged, survivor, state, by_actor, asked_ms, since_ms, "
    "sealed) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"};
inline constexpr Statement kForceMerge{
    "UPDATE person_merge SET state = 'in_force', since_ms = $3 WHERE tenant = $1 AND id = $2 AND "
    "state = 'waiting'"};
inline constexpr Statement kUndoMerge{
    "UPDATE person_merge SET state = 'undone', sealed = $3 WHERE tenant = $1 AND id = $2 AND "
    "state <> 'undone'"};

// ---- records that may be one patient

// Other records of patients who are nothing else, the newest first.
inline constexpr Statement kAlike{
    "SELECT person FROM person_alias a WHERE tenant = $1 AND kind = $2 AND value = $3 AND person "
    "<> $4 AND EXISTS (SELECT 1 FROM person_role r WHERE r.tenant = $1 AND r.person = a.person AND "
    "r.role = 'patient') AND NOT EXISTS (SELECT 1 FROM person_role r WHERE r.tenant = $1 AND "
    "r.person = a.person AND r.role NOT IN ('patient', 'guest')) ORDER BY person DESC LIMIT $5"};
inline constexpr Statement kDropPairsOfNewer{
    "DELETE FROM person_pair WHERE tenant = $1 AND newer = $2 AND state = 'open'"};
inline constexpr Statement kDropPairsOfOlder{
    "DELETE FROM person_pair WHERE tenant = $1 AND older = $2 AND state = 'open'"};
inline constexpr Statement kPutPair{
    "INSERT INTO person_pair (tenant, newer, older, reasons, rank, state, by_actor, decided_ms) "
    "VALUES ($1, $2, $3, $4, $5, 'open', '', NULL) ON CONFLICT DO NOTHING"};
inline constexpr Statement kHasAlias{
    "SELECT 1 FROM person_alias WHERE tenant = $1 AND kind = $2 AND value = $3 AND person = $4"};
// Pairs of an older record that have no more in common than a name that others have, too.
inline constexpr Statement kDropNamesakes{
    "DELETE FROM person_pair WHERE tenant = $1 AND older = $2 AND state = 'open' AND reasons = "
    "'name_birth' AND newer IN (SELECT person FROM person_alias WHERE tenant = $1 AND kind = "
    "'name_birth' AND value = $3)"};
// Behind the pair ($3, $4) of the rank $2. The survivor of a merge is compared by its own record.
inline constexpr Statement kOpenPairs{
    "SELECT newer, older, reasons, rank FROM person_pair p WHERE tenant = $1 AND state = 'open' "
    "AND rank <= $2 AND (rank < $2 OR newer < $3 OR (newer = $3 AND older < $4)) AND NOT EXISTS "
    "(SELECT 1 FROM person_merge m WHERE m.tenant = $1 AND m.merged = p.newer AND m.state <> "
    "'undone') AND NOT EXISTS (SELECT 1 FROM person_merge m WHERE m.tenant = $1 AND m.merged = "
    "p.older AND m.state <> 'undone') ORDER BY rank DESC, newer DESC, older DESC LIMIT $5"};
inline constexpr Statement kKeepApart{
    "INSERT INTO person_pair (tenant, newer, older, reasons, rank, state, by_actor, decided_ms) "
    "VALUES ($1, $2, $3, '', 0, 'apart', $4, $5) ON CONFLICT (tenant, newer, older) DO UPDATE SET "
    "state = "
    "excluded.state, by_actor = excluded.by_actor, decided_ms = excluded.decided_ms"};
inline constexpr Statement kUncompared{
    "SELECT id FROM person WHERE tenant = $1 AND compared = 0 ORDER BY id LIMIT $2"};
inline constexpr Statement kMarkCompared{
    "UPDATE person SET compared = 1 WHERE tenant = $1 AND id = $2 AND version = $3 AND compared = "
    "0"};
// A record that cannot be opened: its key was destroyed, or it is damaged.
inline constexpr Statement kMarkClosed{
    "UPDATE person SET compared = 1 WHERE tenant = $1 AND id = $2"};

// ---- accounts

inline constexpr Statement kKeyOf{"SELECT data_key FROM person WHERE tenant = $1 AND id = $2"};
inline constexpr Statement kCredentials{
    "SELECT kind, id, state, sealed, last_step, created_ms FROM credential WHERE tenant = $1 AND "
    "person = $2 "
    "ORDER BY kind, id"};
// True for a password, a passkey or an issuer; and the end of the one-time code, 0 without one.
inline constexpr Statement kWaysIn{
    "SELECT issuer <> '' OR EXISTS (SELECT 1 FROM credential c WHERE c.tenant = $1 AND c.person = "
    "$2 AND c.kind = 'password' AND c.state = 'active') OR EXISTS (SELECT 1 FROM passkey k WHERE "
    "k.tenant = $1 AND k.person = $2) AS has_way_in, COALESCE((SELECT last_step FROM credential c "
    "WHERE c.tenant "
    "= $1 AND c.person = $2 AND c.kind = 'activation' AND c.id = ''), 0) AS code_until_ms FROM "
    "person WHERE tenant "
    "= $1 AND id = $2"};
inline constexpr Statement kPutCredential{
    "INSERT INTO credential (tenant, person, kind, id, state, sealed, last_step, created_ms) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (tenant, person, kind, id) DO UPDATE SET "
    "state = excluded.state, sealed = excluded.sealed, last_step = excluded.last_step, created_ms "
    "= excluded.created_ms"};
// The same secret, written anew: it is as old as it was.
inline constexpr Statement kResealCredential{
    "UPDATE credential SET sealed = $5 WHERE tenant = $1 AND person = $2 AND kind = $3 AND id = "
    "$4"};
// When two requests show one code at the same time, one finds the step taken.
inline constexpr Statement kTakeStep{
    "UPDATE credential SET last_step = $3, state = 'active' WHERE tenant = $1 AND person = $2 AND "
    "kind = 'totp' AND id = '' AND last_step < $3"};
inline constexpr Statement kDropCredential{
    "DELETE FROM credential WHERE tenant = $1 AND person = $2 AND kind = $3 AND id = $4"};
inline constexpr Statement kDropCredentials{
    "DELETE FROM credential WHERE tenant = $1 AND person = $2 AND kind = $3"};

inline constexpr Statement kPutSession{
    "INSERT INTO login_session (token, tenant, id, person, factors, created_ms, seen_ms, ends_ms, "
    "issuer, issuer_session, strong_ms, proven_ms) VALUES ($1, $2, $3, $4, $5, $6, $6, $7, $8, $9, "
    "$10, $6)"};
inline constexpr Statement kSessionsOf{
    "SELECT id, factors, created_ms, seen_ms, ends_ms FROM login_session WHERE tenant = $1 AND "
    "person = $2 AND ends_ms > $3 AND seen_ms > $4 ORDER BY id"};
inline constexpr Statement kRenewSession{
    "UPDATE login_session SET token = $4, seen_ms = $5, proven_ms = $5, strong_ms = $6 WHERE "
    "tenant = $1 AND person = $2 AND id = $3"};
inline constexpr Statement kOfIssuerSession{
    "SELECT person, id FROM login_session WHERE tenant = $1 AND issuer = $2 AND issuer_session = "
    "$3"};
inline constexpr Statement kOfIssuer{
    "SELECT person, id FROM login_session WHERE tenant = $1 AND issuer = $2 AND person = $3"};
inline constexpr Statement kFindSession{
    "SELECT id, person, seen_ms, ends_ms, strong_ms, proven_ms, factors FROM login_session WHERE "
    "token = $1 AND tenant = $2"};
inline constexpr Statement kSeeSession{
    "UPDATE login_session SET seen_ms = $2 WHERE token = $1 AND seen_ms < $2"};
inline constexpr Statement kStrengthenSession{
    "UPDATE login_session SET strong_ms = $4 WHERE tenant = $1 AND person = $2 AND id = $3"};
inline constexpr Statement kEndSession{
    "DELETE FROM login_session WHERE tenant = $1 AND person = $2 AND id = $3"};
inline constexpr Statement kEndSessions{
    "DELETE FROM login_session WHERE tenant = $1 AND person = $2"};
inline constexpr Statement kEndOtherSessions{
    "DELETE FROM login_session WHERE tenant = $1 AND person = $2 AND id <> $3"};
// Removes sessions that are over, and the oldest beyond the limit of one person.
inline constexpr Statement kEndOldSessions{
    "DELETE FROM login_session WHERE tenant = $1 AND person = $2 AND (ends_ms <= $3 OR seen_ms <= "
    "$4 OR id NOT IN (SELECT id FROM login_session WHERE tenant = $1 AND person = $2 ORDER BY id "
    "DESC LIMIT $5))"};

inline constexpr Statement kFindAttempt{
    "SELECT failures, until_ms FROM login_attempt WHERE tenant = $1 AND subject = $2"};
inline constexpr Statement kPutAttempt{
    "INSERT INTO login_attempt (tenant, subject, failures, until_ms, last_ms) VALUES ($1, $2, $3, "
    "$4, $5) ON CONFLICT (tenant, subject) DO UPDATE SET failures = excluded.failures, until_ms = "
    "excluded.until_ms, last_ms = excluded.last_ms"};
// Forgets old subjects with few failures, such as names that no person has.
inline constexpr Statement kForgetAttempts{
    "DELETE FROM login_attempt WHERE tenant = $1 AND last_ms < $2 AND failures < $3"};
inline constexpr Statement kDropAttempt{
    "DELETE FROM login_attempt WHERE tenant = $1 AND subject = $2"};

// ---- passkeys

inline constexpr Statement kPasskeysOf{
    "SELECT id, sealed, sign_count, created_ms, used_ms FROM passkey WHERE tenant = $1 AND person "
    "= $2 ORDER BY id"};
inline constexpr Statement kInsertPasskey{
    "INSERT INTO passkey (tenant, id, credential, person, sealed, sign_count, created_ms, used_ms) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7, 0) ON CONFLICT DO NOTHING"};
inline constexpr Statement kSealPasskey{
    "UPDATE passkey SET sealed = $4 WHERE tenant = $1 AND person = $2 AND id = $3"};
// When two answers show one count, one of them is late.
inline constexpr Statement kUsePasskey{
    "UPDATE passkey SET sign_count = $4, used_ms = $6 WHERE tenant = $1 AND person = $2 AND id = "
    "$3 AND sign_count = $5"};
inline constexpr Statement kDropPasskey{
    "DELETE FROM passkey WHERE tenant = $1 AND person = $2 AND id = $3"};
inline constexpr Statement kDropPasskeys{"DELETE FROM passkey WHERE tenant = $1 AND person = $2"};

inline constexpr Statement kPutCeremony{
    "INSERT INTO ceremony (handle, tenant, use, person, session, challenge, ends_ms) VALUES ($1, "
    "$2, $3, $4, $5, $6, $7)"};
inline constexpr Statement kFindCeremony{
    "SELECT use, person, session, challenge, ends_ms FROM ceremony WHERE handle = $1 AND tenant = "
    "$2"};
inline constexpr Statement kDropCeremony{"DELETE FROM ceremony WHERE handle = $1 AND tenant = $2"};
inline constexpr Statement kForgetCeremonies{"DELETE FROM ceremony WHERE ends_ms <= $1"};

// ---- the first administrator

inline constexpr Statement kAdministrators{
    "SELECT person FROM person_role JOIN person ON person.tenant = person_role.tenant AND "
    "person.id "
    "= person_role.person WHERE person_role.tenant = $1 AND role = 'admin' AND person <> $2 AND "
    "active = 1 LIMIT 1"};
inline constexpr Statement kFindBootstrap{
    "SELECT code, tries, ends_ms, done FROM bootstrap WHERE tenant = $1"};
inline constexpr Statement kPutBootstrap{
    "INSERT INTO bootstrap (tenant, code, tries, ends_ms, done) VALUES ($1, $2, 0, $3, 0) ON "
    "CONFLICT (tenant) DO UPDATE SET code = excluded.code, tries = 0, ends_ms = excluded.ends_ms "
    "WHERE bootstrap.done = 0"};
inline constexpr Statement kCountBootstrap{
    "UPDATE bootstrap SET tries = tries + 1 WHERE tenant = $1"};
inline constexpr Statement kCloseBootstrap{
    "UPDATE bootstrap SET done = 1, code = $4 WHERE tenant = $1 AND code = $2 AND done = 0 AND "
    "ends_ms > $3"};

// ---- who changed

inline constexpr Sequence kEpochs{"principal-epoch"};
inline constexpr Statement kPutEpoch{
    "INSERT INTO principal_epoch (tenant, subject, epoch) VALUES ($1, $2, $3) ON CONFLICT (tenant, "
    "subject) DO UPDATE SET epoch = excluded.epoch"};
inline constexpr Statement kEpochsAfter{
    "SELECT tenant, subject, epoch FROM principal_epoch WHERE epoch > $1 ORDER BY epoch LIMIT "
    "1000"};
inline constexpr Statement kNewestEpoch{
    "SELECT epoch FROM principal_epoch ORDER BY epoch DESC LIMIT 1"};
// From "guest:" to before what follows the colon.
inline constexpr Statement kDropGuestEpochs{
    "DELETE FROM principal_epoch WHERE tenant = $1 AND epoch <= $2 AND subject IN (SELECT subject "
    "FROM principal_epoch WHERE tenant = $1 AND subject >= 'guest:' AND subject < 'guest;' AND "
    "epoch <= $2 LIMIT 1000)"};

// ---- clients

#define RABT_CLIENT "id, name, active, roles, addresses, jwks, version"
inline constexpr Statement kFindClient{"SELECT " RABT_CLIENT
                                       " FROM client WHERE tenant = $1 AND id = $2"};
inline constexpr Statement kAllClients{"SELECT " RABT_CLIENT
                                       " FROM client WHERE tenant = $1 ORDER BY id"};
#undef RABT_CLIENT
inline constexpr Statement kInsertClient{
    "INSERT INTO client (tenant, id, name, active, roles, addresses, jwks, version, created_ms) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7, 1, $8) ON CONFLICT DO NOTHING"};
inline constexpr Statement kChangeClient{
    "UPDATE client SET name = $4, active = $5, roles = $6, addresses = $7, jwks = $8, version = "
    "version + 1 WHERE tenant = $1 AND id = $2 AND version = $3"};

inline constexpr Statement kCertificatesOfClient{
    "SELECT value FROM client_certificate WHERE tenant = $1 AND client = $2 ORDER BY value"};
inline constexpr Statement kFindCertificate{
    "SELECT client FROM client_certificate WHERE tenant = $1 AND value = $2"};
inline constexpr Statement kPutCertificate{
    "INSERT INTO client_certificate (tenant, value, client) VALUES ($1, $2, $3) ON CONFLICT DO "
    "NOTHING"};
inline constexpr Statement kDropCertificates{
    "DELETE FROM client_certificate WHERE tenant = $1 AND client = $2"};

inline constexpr Statement kKeysOfClient{
    "SELECT id, created_ms, ends_ms, used_day FROM client_key WHERE tenant = $1 AND client = $2 "
    "ORDER BY created_ms, id"};
inline constexpr Statement kCountKeys{
    "SELECT count(*) AS count FROM client_key WHERE tenant = $1 AND client = $2"};
inline constexpr Statement kFindKey{
    "SELECT client, mac, ends_ms, used_day FROM client_key WHERE tenant = $1 AND id = $2"};
inline constexpr Statement kInsertKey{
    "INSERT INTO client_key (tenant, id, client, mac, created_ms, ends_ms, used_day) VALUES ($1, "
    "$2, $3, $4, $5, $6, 0)"};
inline constexpr Statement kUseKey{
    "UPDATE client_key SET used_day = $3 WHERE tenant = $1 AND id = $2"};
inline constexpr Statement kDropKey{
    "DELETE FROM client_key WHERE tenant = $1 AND client = $2 AND id = $3"};
inline constexpr Statement kEndOldKeys{
    "DELETE FROM client_key WHERE tenant = $1 AND client = $2 AND ends_ms <= $3"};

inline constexpr Statement kInsertClientToken{
    "INSERT INTO client_token (token, tenant, client, roles, ends_ms, certificate) VALUES ($1, $2, "
    "$3, $4, $5, $6)"};
inline constexpr Statement kFindClientToken{
    "SELECT client, roles, ends_ms, certificate FROM client_token WHERE token = $1 AND tenant = "
    "$2"};
inline constexpr Statement kEndClientTokens{
    "DELETE FROM client_token WHERE tenant = $1 AND client = $2"};
inline constexpr Statement kForgetClientTokens{"DELETE FROM client_token WHERE ends_ms <= $1"};

// ---- what a second person confirms

#define RABT_APPROVAL \
  "id, act, asker, asker_person, object, state, confirmer, asked_ms, ends_ms, data_key, sealed"
inline constexpr Statement kFindApproval{
    "SELECT " RABT_APPROVAL
    " FROM approval WHERE tenant = $1 AND fingerprint = $2 AND state IN ('asked', 'confirmed')"};
inline constexpr Statement kApprovalById{
    "SELECT " RABT_APPROVAL " FROM approval WHERE tenant = $1 AND id = $2 AND ends_ms > $3"};
inline constexpr Statement kOpenApprovals{
    "SELECT " RABT_APPROVAL
    " FROM approval WHERE tenant = $1 AND ends_ms > $2 AND state IN ('asked', 'confirmed') ORDER "
    "BY id LIMIT 1000"};
#undef RABT_APPROVAL
inline constexpr Statement kCountAsked{
    "SELECT count(*) AS count, min(asked_ms) AS first_asked_ms FROM approval WHERE tenant = $1 AND "
    "ends_ms > $2 AND state = "
    "'asked'"};
inline constexpr Statement kPutApproval{
    "INSERT INTO approval (tenant, id, act, asker, asker_person, object, fingerprint, data_key, "
    "sealed, state, confirmer, asked_ms, ends_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, "
    "'asked', '', $10, $11)"};
inline constexpr Statement kAnswerApproval{
    "UPDATE approval SET state = $3, confirmer = $4 WHERE tenant = $1 AND id = $2"};
inline constexpr Statement kDropApproval{"DELETE FROM approval WHERE tenant = $1 AND id = $2"};
// The person, if he may confirm an act now.
inline constexpr Statement kMayConfirm{
    "SELECT person.id FROM person JOIN person_role r ON r.tenant = person.tenant AND r.person = "
    "person.id WHERE person.tenant = $1 AND person.id = $2 AND r.role = $3 AND active = 1"};
// Drops a person's requests, and takes back his confirmations of requests of others.
inline constexpr Statement kDropApprovalsOf{
    "DELETE FROM approval WHERE tenant = $1 AND asker_person = $2"};
inline constexpr Statement kTakeBackConfirmations{
    "UPDATE approval SET state = 'asked', confirmer = '' WHERE tenant = $1 AND confirmer = $2 AND "
    "state = 'confirmed'"};
inline constexpr Statement kForgetApprovals{"DELETE FROM approval WHERE ends_ms <= $1"};
// A person with the role and an account that he can sign in to.
inline constexpr Statement kFindConfirmer{
    "SELECT person.id FROM person_role JOIN person ON person.tenant = person_role.tenant AND "
    "person.id = person_role.person WHERE person_role.tenant = $1 AND role = $2 AND person.id <> "
    "$3 AND person.id <> $4 AND active = 1 AND (EXISTS (SELECT 1 FROM credential c WHERE c.tenant "
    "= $1 AND c.person = person.id AND c.kind = 'password' AND c.state = 'active') OR EXISTS "
    "(SELECT 1 FROM passkey k WHERE k.tenant = $1 AND k.person = person.id) OR person.issuer <> "
    "'') LIMIT 1"};

// ---- what counts once

inline constexpr Statement kUseOnce{
    "INSERT INTO used_once (tenant, value, ends_ms) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"};
inline constexpr Statement kForgetOnce{"DELETE FROM used_once WHERE ends_ms <= $1"};

// ---- tokens of issuers that were signed out

inline constexpr Statement kEndToken{
    "INSERT INTO ended_token (tenant, value, before_ms, ends_ms) VALUES ($1, $2, $3, $4) ON "
    "CONFLICT (tenant, value) DO UPDATE SET before_ms = excluded.before_ms, ends_ms = "
    "excluded.ends_ms"};
inline constexpr Statement kFindEndedToken{
    "SELECT 1 FROM ended_token WHERE tenant = $1 AND (value = $2 OR (value = $3 AND before_ms >= "
    "$4)) AND ends_ms > $5 LIMIT 1"};
inline constexpr Statement kForgetEndedTokens{"DELETE FROM ended_token WHERE ends_ms <= $1"};

// ---- sign-ins at issuers

inline constexpr Statement kPutFlow{
    "INSERT INTO oidc_flow (state, tenant, issuer, browser, return_to, ends_ms) VALUES ($1, $2, "
    "$3, $4, $5, $6)"};
inline constexpr Statement kFindFlow{
    "SELECT issuer, browser, return_to, ends_ms FROM oidc_flow WHERE state = $1 AND tenant = $2"};
inline constexpr Statement kDropFlow{"DELETE FROM oidc_flow WHERE state = $1 AND tenant = $2"};
inline constexpr Statement kForgetFlows{"DELETE FROM oidc_flow WHERE ends_ms <= $1"};

}  // namespace rabt::identity::sql
