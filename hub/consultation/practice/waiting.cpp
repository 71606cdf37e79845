#include "hub/consultation/practice/waiting.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "hub/base/json.hpp"
#include "hub/consultation/practice/statements.hpp"

namespace rabt::consultation {

Result<std::vector<LongWait>> long_waits(store::Store& store, std::string_view tenant,
                                         Timestamp until) {
  // By session and participant.
  std::map<std::pair<std::string, std::string>, LongWait> waits;
  RABT_TRY_STATUS(store.read([&](store::Connection& connection) {
    waits.clear();
    return connection.query(sql::practice::kComings, {tenant}, [&](const store::Row& row) {
      const auto data = Json::parse(row.text(sql::practice::kComings["data"]));
      if (!data.ok()) return true;
      std::pair key{std::string(row.text(sql::practice::kComings["id"])),
                    data->string_or("participant", "")};
      if (row.text(sql::practice::kComings["type"]) != "participant-waiting") {
        waits.erase(key);
        return true;
      }
      LongWait wait{.session = key.first,
                    .participant = key.second,
                    .patient = std::string(row.text(sql::practice::kComings["patient"])),
                    .event = row.integer(sql::practice::kComings["seq"]),
                    .since_ms = std::max(row.integer(sql::practice::kComings["planned_ms"]),
                                         row.integer(sql::practice::kComings["at_ms"]))};
      waits.insert_or_assign(std::move(key), std::move(wait));
      return true;
    });
  }));
  std::vector<LongWait> out;
  for (auto& [key, wait] : waits) {
    if (wait.since_ms <= until.ms) out.push_back(std::move(wait));
  }
  return out;
}

Result<std::vector<Tally>> waiting_rooms(store::Store& store, std::string_view tenant) {
  std::map<std::string, Tally> rooms;
  RABT_TRY_STATUS(store.read([&](store::Connection& connection) {
    return connection.query(sql::practice::kWaitingRooms, {tenant}, [&](const store::Row& row) {
      if (row.is_null(sql::practice::kWaitingRooms["came_seq"]) ||
          (!row.is_null(sql::practice::kWaitingRooms["left_seq"]) &&
           row.integer(sql::practice::kWaitingRooms["left_seq"]) >
               row.integer(sql::practice::kWaitingRooms["came_seq"])))
        return true;
      Tally& room = rooms[std::string(row.text(sql::practice::kWaitingRooms["clinic_name"]))];
      const Timestamp since{std::max(row.integer(sql::practice::kWaitingRooms["planned_ms"]),
                                     row.integer(sql::practice::kWaitingRooms["came_ms"]))};
      room.oldest = room.count == 0 ? since : std::min(room.oldest, since);
      ++room.count;
      return true;
    });
  }));
  std::vector<Tally> out;
  for (auto& [clinic, room] : rooms) {
    room.of = clinic;
    out.push_back(std::move(room));
  }
  return out;
}

}  // namespace rabt::consultation
