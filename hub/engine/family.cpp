#include "hub/engine/family.hpp"

#include "hub/engine/statements.hpp"

namespace rabt::engine {

Result<std::vector<FamilyMember>> family_of(store::Connection& connection, std::string_view tenant,
                                            std::string_view id) {
  std::vector<FamilyMember> family;
  RABT_TRY_STATUS(connection.query(sql::kFamily, {tenant, id}, [&](const store::Row& row) {
    family.push_back({std::string(row.text(0)), std::string(row.blob(1))});
    return true;
  }));
  return family;
}

}  // namespace rabt::engine
