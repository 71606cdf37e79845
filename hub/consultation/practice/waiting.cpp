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
      const auto data = Json::parse(row.text(6));
      if (!data.ok()) return true;
      std::pair key{std::string(row.text(0)), data->string_or("participant", "")};
      if (row.text(5) != "participant-waiting") {
        waits.erase(key);
        return true;
      }
      LongWait wait{.session = key.first,
                    .participant = key.second,
                    .patient = std::string(row.text(1)),
                    .event = row.integer(3),
                    .since_ms = std::max(row.integer(2), row.integer(4))};
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
      if (row.is_null(2) || (!row.is_null(4) && row.integer(4) > row.integer(2))) return true;
      Tally& room = rooms[std::string(row.text(0))];
      const Timestamp since{std::max(row.integer(1), row.integer(3))};
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
