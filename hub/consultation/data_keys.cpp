#include "hub/consultation/data_keys.hpp"

namespace rabt::consultation {

namespace {

using store::Statement;

constexpr Statement kOfInstance{
    "WITH RECURSIVE family (num) AS (SELECT num FROM instance WHERE tenant = $1 AND id = $2 UNION "
    "SELECT o.instance FROM origin o JOIN family f ON o.parent = f.num) "
    "SELECT i.data_key FROM instance i JOIN family f ON i.num = f.num ORDER BY i.num"};
constexpr Statement kOfRecordings{
    "WITH RECURSIVE family (num) AS (SELECT num FROM instance WHERE tenant = $1 AND id = $2 UNION "
    "SELECT o.instance FROM origin o JOIN family f ON o.parent = f.num) "
    "SELECT b.data_key FROM recording r JOIN blob b ON b.tenant = r.tenant AND b.id = r.blob "
    "WHERE r.tenant = $1 AND r.consultation IN (SELECT i.id FROM instance i JOIN family f ON i.num "
    "= f.num) ORDER BY r.id"};
constexpr Statement kOfRecording{
    "SELECT b.data_key FROM recording r JOIN blob b ON b.tenant = r.tenant AND b.id = r.blob "
    "WHERE r.tenant = $1 AND r.id = $2"};

}  // namespace

Result<std::vector<std::string>> data_keys_of(store::Store& store, std::string_view tenant,
                                              std::string_view object) {
  const auto colon = object.find(':');
  const std::string_view kind = object.substr(0, colon);
  if (colon == std::string_view::npos || (kind != "instance" && kind != "recording")) {
    return invalid("api.object", "`object` must be instance:<id> or recording:<id>");
  }
  const std::string_view id = object.substr(colon + 1);
  std::vector<std::string> keys;
  const auto add = [&](const store::Row& row) {
    keys.emplace_back(row.blob(0));
    return true;
  };
  RABT_TRY_STATUS(store.read([&](store::Connection& connection) -> Status {
    if (kind == "recording") return connection.query(kOfRecording, {tenant, id}, add);
    RABT_TRY_STATUS(connection.query(kOfInstance, {tenant, id}, add));
    if (keys.empty()) return ok_status();
    return connection.query(kOfRecordings, {tenant, id}, add);
  }));
  if (!keys.empty()) return keys;
  return kind == "instance" ? not_found("engine.instance", "there is no instance with this id")
                            : not_found("recording.unknown", "there is no recording with this id");
}

}  // namespace rabt::consultation
