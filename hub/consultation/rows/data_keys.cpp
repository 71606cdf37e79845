#include "hub/consultation/rows/data_keys.hpp"

#include "hub/blob/blob_store.hpp"
#include "hub/consultation/rows/statements.hpp"
#include "hub/engine/family.hpp"

namespace rabt::consultation {

Result<std::vector<std::string>> data_keys_of(store::Store& store, std::string_view tenant,
                                              std::string_view object) {
  const auto colon = object.find(':');
  const std::string_view kind = object.substr(0, colon);
  if (colon == std::string_view::npos || (kind != "instance" && kind != "recording")) {
    return invalid("api.invalid", "object: must be instance:<id> or recording:<id>");
  }
  const std::string_view id = object.substr(colon + 1);
  std::vector<std::string> keys;
  RABT_TRY_STATUS(store.read([&](store::Connection& connection) -> Status {
    std::vector<std::string> blobs;
    const auto add = [&](const store::Row& row) {
      blobs.emplace_back(row.text(sql::rows::kBlobOfRecording["blob"]));
      return true;
    };
    if (kind == "recording") {
      RABT_TRY_STATUS(connection.query(sql::rows::kBlobOfRecording, {tenant, id}, add));
    } else {
      RABT_TRY(family, engine::family_of(connection, tenant, id));
      for (const engine::FamilyMember& member : family) {
        keys.push_back(member.data_key);
        RABT_TRY_STATUS(connection.query(sql::rows::kBlobsOfInstance,
                                         {tenant, std::string_view(member.id)}, add));
      }
    }
    for (const std::string& blob : blobs) {
      RABT_TRY(key, blob::data_key_of(connection, tenant, blob));
      if (!key.empty()) keys.push_back(std::move(key));
    }
    return ok_status();
  }));
  if (!keys.empty()) return keys;
  return kind == "instance" ? not_found("engine.instance", "there is no instance with this id")
                            : not_found("recording.unknown", "there is no recording with this id");
}

}  // namespace rabt::consultation
