#include "hub/engine/family.hpp"

#include "hub/engine/statements.hpp"

namespace rabt::engine {

Result<std::vector<FamilyMember>> family_of(store::Connection& connection, std::string_view tenant,
                                            std::string_view id) {
  std::vector<FamilyMember> family;
  RABT_TRY_STATUS(connection.query(sql::kFamily, {tenant, id}, [&](const store::Row& row) {
    family.push_back({std::string(row.text(sql::kFamily["id"])),
                      std::string(row.blob(sql::kFamily["data_key"]))});
    return true;
  }));
  return family;
}

}  // namespace rabt::engine
