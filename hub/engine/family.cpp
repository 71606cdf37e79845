#include "hub/engine/family.hpp"

namespace rabt::engine {

namespace {

constexpr store::Statement kFamily{
    "WITH RECURSIVE family (num) AS (SELECT num FROM instance WHERE tenant = $1 AND id = $2 UNION "
    "SELECT o.instance FROM origin o JOIN family f ON o.parent = f.num) "
    "SELECT i.id, i.data_key FROM instance i JOIN family f ON i.num = f.num ORDER BY i.num"};

}  // namespace

Result<std::vector<FamilyMember>> family_of(store::Connection& connection, std::string_view tenant,
                                            std::string_view id) {
  std::vector<FamilyMember> family;
  RABT_TRY_STATUS(connection.query(kFamily, {tenant, id}, [&](const store::Row& row) {
    family.push_back({std::string(row.text(0)), std::string(row.blob(1))});
    return true;
  }));
  return family;
}

}  // namespace rabt::engine
