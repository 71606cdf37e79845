#include "hub/audit/finder.hpp"

#include <algorithm>
#include <optional>
#include <vector>

#include "hub/audit/ledger.hpp"
#include "hub/audit/mac.hpp"
#include "hub/audit/statements.hpp"
#include "hub/audit/tree.hpp"

namespace rabt::audit {

namespace {

// Two texts share a key once in four billion: then a tile is read in vain.
constexpr std::size_t kKeyBytes = 4;
// After a run of this many entries the tiles so far are given, so that nobody waits for the end of
// a long run.
constexpr std::int64_t kLongRun = 16 * kTileWidth;

std::string key_of(char kind, std::string_view text) {
  const Digest digest = crypto::sha256(std::string(1, kind).append(text));
  return std::string(as_text(digest).substr(0, kKeyBytes));
}
std::string object_key(std::string_view object) {
  return key_of('o', object);
}
std::string kind_key(std::string_view kind) {
  return key_of('k', kind);
}
std::string patient_key(std::string_view patient) {
  return key_of('p', patient);
}

bool holds_key(std::string_view keys, std::string_view key) {
  std::size_t low = 0;
  std::size_t high = keys.size() / kKeyBytes;
  while (low < high) {
    const std::size_t middle = (low + high) / 2;
    const int order = keys.substr(middle * kKeyBytes, kKeyBytes).compare(key);
    if (order == 0) return true;
    (order < 0 ? low : high) = order < 0 ? middle + 1 : middle;
  }
  return false;
}

}  // namespace

std::string_view kind_of(std::string_view object) {
  const auto colon = object.find(':');
  return colon == std::string_view::npos ? std::string_view() : object.substr(0, colon);
}

void LookUpRow::add(std::int64_t at_ms, std::string_view object, std::string_view patient) {
  from_ms_ = std::min(from_ms_, at_ms);
  to_ms_ = std::max(to_ms_, at_ms);
  const auto keep = [](auto& texts, std::string_view text) {
    if (!text.empty() && !texts.contains(text)) texts.emplace(text);
  };
  keep(objects_, object);
  keep(kinds_, kind_of(object));
  keep(patients_, patient);
}

std::string LookUpRow::keys() const {
  std::vector<std::string> keys;
  for (const std::string& object : objects_) keys.push_back(object_key(object));
  for (const std::string& kind : kinds_) keys.push_back(kind_key(kind));
  for (const std::string& patient : patients_) keys.push_back(patient_key(patient));
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  std::string bytes;
  for (const std::string& key : keys) bytes.append(key);
  return bytes;
}

Status write_find(store::Transaction& transaction, std::int64_t tile, const LookUpRow& look_up,
                  const SecretBytes& mac_key) {
  const std::string keys = look_up.keys();
  const Digest mac = look_up_mac(mac_key.expose(), tile, look_up.from_ms(), look_up.to_ms(), keys);
  return store::run(
      transaction, sql::kInsertFind,
      {tile, look_up.from_ms(), look_up.to_ms(), store::Blob{keys}, store::Blob{as_text(mac)}});
}

Status each_run(store::Connection& connection, const SecretBytes* mac_key, const Wanted& wanted,
                std::int64_t first, std::int64_t last,
                const std::function<Result<bool>(std::int64_t, std::int64_t)>& visit) {
  first = std::max<std::int64_t>(first, 1);
  // So that no number overflows below.
  last = std::min(last, INT64_MAX - 2 * kTileWidth);
  if (first > last) return ok_status();
  std::vector<std::string> keys;
  if (!wanted.object.empty()) keys.push_back(object_key(wanted.object));
  if (!wanted.kind.empty()) keys.push_back(kind_key(wanted.kind));
  if (!wanted.patient.empty()) keys.push_back(patient_key(wanted.patient));
  std::optional<Error> failed;
  bool more = true;
  // Up to the tile that is looked at, entries from here on may hold what is wanted.
  std::int64_t run = first;
  const auto give_below = [&](std::int64_t end) {
    if (!more || run >= end) return;
    const auto going = visit(run, end - 1);
    if (!going.ok()) failed = going.error();
    more = going.ok() && *going;
    run = end;
  };
  const bool anywhere = mac_key == nullptr ||
                        (keys.empty() && wanted.from_ms == INT64_MIN && wanted.to_ms == INT64_MAX);
  if (!anywhere) {
    RABT_TRY_STATUS(connection.query(
        sql::kFinds, {(first - 1) / kTileWidth, (last - 1) / kTileWidth},
        [&](const store::Row& row) {
          if (row.blob(sql::kFinds["mac"]) !=
              as_text(look_up_mac(mac_key->expose(), row.integer(sql::kFinds["tile"]),
                                  row.integer(sql::kFinds["from_ms"]),
                                  row.integer(sql::kFinds["to_ms"]),
                                  row.blob(sql::kFinds["keys"])))) {
            failed = corrupt("audit.broken",
                             "tile 0/" + std::to_string(row.integer(sql::kFinds["tile"])) +
                                 ": its look-up row is not the one that was written" + advice());
            return false;
          }
          const std::int64_t begin = row.integer(sql::kFinds["tile"]) * kTileWidth + 1;
          const std::int64_t end = std::min(begin + kTileWidth, last + 1);
          bool may = row.integer(sql::kFinds["to_ms"]) >= wanted.from_ms &&
                     row.integer(sql::kFinds["from_ms"]) < wanted.to_ms;
          for (const std::string& key : keys)
            may = may && holds_key(row.blob(sql::kFinds["keys"]), key);
          if (!may) {
            give_below(begin);
            run = std::max(run, end);
          } else if (end - run >= kLongRun) {
            give_below(end);
          }
          return more;
        }));
  }
  if (!failed) give_below(last + 1);
  if (failed) return *failed;
  return ok_status();
}

}  // namespace rabt::audit
