#pragma once

#include "hub/store/store.hpp"

// Every statement of hub/identity. Tables: migrations/sqlite/0009_identity.sql.
namespace rabt::identity::sql {

using store::Sequence;
using store::Statement;

// ---- people

#define RABT_PERSON "id, number, active, licence, issuer, pseudonym, data_key, sealed, version"
inline constexpr Statement kFindPerson{"SELECT " RABT_PERSON
                                       " FROM person WHERE tenant = $1 AND id = $2"};
inline constexpr Statement kAllPersons{"SELECT " RABT_PERSON
                                       " FROM person WHERE tenant = $1 ORDER BY number"};
inline constexpr Statement kPersonsHaving{
    "SELECT " RABT_PERSON
    " FROM person WHERE tenant = $1 AND id IN (SELECT person FROM person_role WHERE tenant = $1 "
    "AND role = $2) ORDER BY number"};
#undef RABT_PERSON
inline constexpr Statement kPersonExists{"SELECT id FROM person WHERE tenant = $1 AND id = $2"};
inline constexpr Statement kPersonByNumber{
    "SELECT id FROM person WHERE tenant = $1 AND number = $2"};
inline constexpr Statement kStanding{
    "SELECT active, issuer FROM person WHERE tenant = $1 AND id = $2"};
inline constexpr Statement kInsertPerson{
    "INSERT INTO person (tenant, id, number, active, licence, issuer, pseudonym, data_key, sealed, "
    "version, created_ms, updated_ms) VALUES ($1, $2, $3, 1, $4, $5, $6, $7, $8, 1, $9, $9)"};
inline constexpr Statement kChangePerson{
    "UPDATE person SET active = $4, licence = $5, pseudonym = $6, sealed = $7, version = version + "
    "1, updated_ms = $8 WHERE tenant = $1 AND id = $2 AND version = $3"};

inline constexpr Statement kRolesOf{
    "SELECT role FROM person_role WHERE tenant = $1 AND person = $2"};
inline constexpr Statement kPutRole{
    "INSERT INTO person_role (tenant, person, role) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"};
inline constexpr Statement kDropRoles{"DELETE FROM person_role WHERE tenant = $1 AND person = $2"};
inline constexpr Statement kAnybodyHas{
    "SELECT r.person FROM person_role r JOIN person p ON p.tenant = r.tenant AND p.id = r.person "
    "WHERE r.tenant = $1 AND r.role = $2 AND p.active = 1 LIMIT 1"};

inline constexpr Statement kPutAlias{
    "INSERT INTO person_alias (tenant, kind, value, person, sole) VALUES ($1, $2, $3, $4, $5) ON "
    "CONFLICT DO NOTHING"};
inline constexpr Statement kDropAliases{
    "DELETE FROM person_alias WHERE tenant = $1 AND person = $2"};
inline constexpr Statement kByAlias{
    "SELECT person FROM person_alias WHERE tenant = $1 AND kind = $2 AND value = $3 ORDER BY "
    "person"};
}  // namespace rabt::identity::sql
