#include "hub/consultation/practice/waiting.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "hub/base/json.hpp"

namespace rabt::consultation {

namespace {

using store::Statement;

// Who came into the waiting room last, and who left it last.
constexpr Statement kRooms{
    "SELECT coalesce((SELECT c.name FROM clinic c WHERE c.tenant = s.tenant AND c.id = s.clinic), "
    "''), coalesce(s.scheduled_ms, 0), (SELECT max(e.seq) FROM session_event e WHERE e.tenant = "
    "s.tenant AND e.session = s.id AND e.type = 'participant-waiting'), (SELECT max(e.at_ms) FROM "
    "session_event e WHERE e.tenant = s.tenant AND e.session = s.id AND e.type = "
    "'participant-waiting'), (SELECT max(e.seq) FROM session_event e WHERE e.tenant = s.tenant AND "
    "e.session = s.id AND e.type IN ('participant-admitted', 'participant-denied', "
    "'participant-left', 'participant-removed')) FROM session s WHERE s.tenant = $1 AND s.status "
    "IN ('waiting', 'active')"};

// In the order in which they happened.
constexpr Statement kComings{
    "SELECT s.id, s.patient, coalesce(s.scheduled_ms, 0), e.seq, e.at_ms, e.type, e.data FROM "
    "session s JOIN session_event e ON e.tenant = s.tenant AND e.session = s.id WHERE s.tenant = "
    "$1 AND s.status IN ('waiting', 'active') AND e.type IN ('participant-waiting', "
    "'participant-admitted', 'participant-denied', 'participant-left', 'participant-removed') "
    "ORDER BY s.id, e.seq"};

}  // namespace

Result<std::vector<LongWait>> long_waits(store::Store& store, std::string_view tenant,
                                         Timestamp until) {
  // By session and participant.
  std::map<std::pair<std::string, std::string>, LongWait> waits;
  RABT_TRY_STATUS(store.read([&](store::Connection& connection) {
    waits.clear();
    return connection.query(kComings, {tenant}, [&](const store::Row& row) {
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
    return connection.query(kRooms, {tenant}, [&](const store::Row& row) {
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
