#include "hub/api/replays.hpp"

#include "hub/api/statements.hpp"
#include "hub/base/bytes.hpp"
#include "hub/base/json.hpp"
#include "hub/keys/retention.hpp"

namespace rabt::api {

using http::Response;

namespace {

constexpr std::int64_t kKeptMs = 7LL * 24 * 3600 * 1000;
constexpr std::size_t kMinKey = 1;
constexpr std::size_t kMaxKey = 128;
constexpr std::string_view kTable = "replay";
constexpr std::string_view kField = "answer";

// The key as text, without the quotes of a structured field.
std::string_view key_of(std::string_view header) {
  if (header.size() >= 2 && header.front() == '"' && header.back() == '"')
    return header.substr(1, header.size() - 2);
  return header;
}

bool is_key(std::string_view key) {
  if (key.size() < kMinKey || key.size() > kMaxKey) return false;
  for (const char c : key) {
    if (c <= ' ' || c > '~' || c == '"' || c == '\\') return false;
  }
  return true;
}

// Parts that cannot run into one another.
std::string joined(std::initializer_list<std::string_view> parts) {
  std::string out;
  for (const std::string_view part : parts)
    out.append(std::to_string(part.size())).append(":").append(part);
  return out;
}

// True if the first answer is the answer for ever: what was done, and what a state refused.
bool is_final(int status) {
  return (status >= 200 && status < 300) || status == 409 || status == 410 || status == 412;
}

}  // namespace

struct Replays::Row {
  bool there = false;
  std::string fingerprint;
  int status = 0;
  std::string data_key;
  std::string sealed;
  std::int64_t expires_ms = 0;
};

Result<Replays::Beginning> Replays::begin(const identity::Principal& who,
                                          std::string_view operation, const http::Request& request,
                                          When when, std::string_view digest) {
  const std::string_view header = request.header("idempotency-key");
  if (header.empty()) return Beginning{};
  const std::string_view key = key_of(header);
  if (!is_key(key) || !request.only_header("idempotency-key")) {
    return invalid("idempotency.key",
                   "Idempotency-Key must be one text of 1 to 128 printable characters");
  }
  RABT_TRY(lease, parts_.keys.lease(who.tenant));
  Beginning out;
  out.ticket.when = when;
  RABT_TRY(data_key, parts_.keys.shared(who.tenant, keys::kEvent));
  out.ticket.data_key = std::move(data_key);
  out.ticket.tenant = who.tenant;
  // A guest is the participant whoever holds his link: the key is that of one browser.
  const bool guest = who.kind == identity::Kind::guest;
  const std::string whose = guest ? who.actor() + "/" + who.credential : who.actor();
  out.ticket.key = lease.blind_index("replay/1/key", joined({whose, operation, key}));
  const std::string fingerprint = lease.blind_index(
      "replay/1/call", joined({request.method, request.target, request.header("content-type"),
                               request.header("if-match"),
                               digest.empty() ? std::string_view(request.body) : digest}));
  out.ticket.fingerprint = fingerprint;
  const std::string place = out.ticket.tenant + "/" + out.ticket.key;
  {
    const Lock lock(mutex_);
    if (!running_.insert(place).second)
      return conflict("idempotency.running", "the first call with this key still runs");
  }
  Row row;
  const std::int64_t now = parts_.clock.now().ms;
  const auto find = [&](store::Connection& connection) {
    row = Row{};
    return connection.query(
        sql::kFindReplay, {out.ticket.tenant, store::Blob{out.ticket.key}},
        [&row](const store::Row& one) {
          row.there = true;
          row.fingerprint = std::string(one.blob(sql::kFindReplay["fingerprint"]));
          row.status = static_cast<int>(one.integer(sql::kFindReplay["status"]));
          row.data_key = std::string(one.blob(sql::kFindReplay["data_key"]));
          row.sealed = std::string(one.blob(sql::kFindReplay["sealed"]));
          row.expires_ms = one.integer(sql::kFindReplay["expires_ms"]);
          return false;
        });
  };
  const auto begin = [&](store::Transaction& transaction) -> Status {
    RABT_TRY_STATUS(run(transaction, sql::kExpireReplays, {now}));
    RABT_TRY_STATUS(find(transaction));
    if (row.there) return ok_status();
    transaction.put(sql::kBeginReplay, {out.ticket.tenant, store::Blob{out.ticket.key},
                                        store::Blob{fingerprint}, store::Blob{""}, now + kKeptMs});
    return ok_status();
  };
  const Status begun = when == When::before ? parts_.store.write(begin) : parts_.store.read(find);
  if (when == When::within && row.expires_ms <= now) row.there = false;
  if (begun.ok() && !row.there) return out;
  {
    const Lock lock(mutex_);
    running_.erase(place);
  }
  if (!begun.ok()) return begun.error();
  if (row.fingerprint != fingerprint)
    return invalid("idempotency.reused", "another call had this Idempotency-Key; choose a new one");
  if (row.status == 0) {
    return conflict("idempotency.outcome_unknown",
                    "the first call with this key was cut off; look whether it had its effect, and "
                    "choose a new key");
  }
  RABT_TRY(stored, open(row, out.ticket));
  out.answer = std::move(stored);
  return out;
}

Result<Response> Replays::open(const Row& row, const Ticket& ticket) {
  RABT_TRY(key, parts_.keys.open(ticket.tenant, row.data_key));
  RABT_TRY(plain, key->open({.tenant = ticket.tenant,
                             .table = kTable,
                             .row = to_hex(as_bytes(ticket.key)),
                             .field = kField},
                            row.sealed));
  RABT_TRY(stored, Json::parse(plain));
  Response response{.status = row.status, .body = stored.string_or("body", "")};
  for (const auto& [name, value] : stored["headers"].as_object())
    response.headers.emplace_back(name, value.as_string());
  response.headers.emplace_back("Idempotency-Replayed", "true");
  return response;
}

std::string Replays::seal(const Ticket& ticket, const Response& response) const {
  Json headers = Json::object();
  for (const auto& [name, value] : response.headers) headers.set(name, value);
  const Json kept = Json::object({{"headers", std::move(headers)}, {"body", response.body}});
  const std::string row = to_hex(as_bytes(ticket.key));
  return ticket.data_key->seal(
      {.tenant = ticket.tenant, .table = kTable, .row = row, .field = kField}, kept.dump(),
      parts_.random);
}

Status Replays::keep(store::Transaction& transaction, Ticket& ticket, const Response& response) {
  const std::int64_t now = parts_.clock.now().ms;
  RABT_TRY_STATUS(run(transaction, sql::kExpireReplays, {now}));
  const std::string sealed = seal(ticket, response);
  RABT_TRY(kept,
           transaction.execute(sql::kKeepReplay, {ticket.tenant, store::Blob{ticket.key},
                                                  store::Blob{ticket.fingerprint}, response.status,
                                                  store::Blob{ticket.data_key->id()},
                                                  store::Blob{sealed}, now + kKeptMs}));
  if (kept == 0) {
    ticket.beaten = true;
    return conflict("idempotency.running", "the same call was quicker; send it again");
  }
  ticket.kept = true;
  ticket.kept_body = response.body;
  return ok_status();
}

void Replays::finish(const Ticket& ticket, const Response& response) {
  if (ticket.key.empty()) return;
  const std::string place = ticket.tenant + "/" + ticket.key;
  const bool within = ticket.when == When::within;
  const bool held = within && ticket.kept && response.status < 300;
  const bool done = held && response.body == ticket.kept_body;
  // When this cannot be written, the key stays taken: the call is not done a second time.
  const bool unknown = response.status >= 500 && response.status != 503;
  if (!done && !ticket.beaten && is_final(response.status)) {
    (void)parts_.store.write([&](store::Transaction& transaction) -> Status {
      if (within && !held) {
        Ticket again = ticket;
        return keep(transaction, again, response);
      }
      const std::string sealed = seal(ticket, response);
      transaction.put(sql::kFinishReplay,
                      {ticket.tenant, store::Blob{ticket.key}, response.status,
                       store::Blob{ticket.data_key->id()}, store::Blob{sealed}});
      return ok_status();
    });
  } else if (!within && !unknown) {
    (void)parts_.store.write([&](store::Transaction& transaction) -> Status {
      transaction.put(sql::kRemoveReplay, {ticket.tenant, store::Blob{ticket.key}});
      return ok_status();
    });
  }
  const Lock lock(mutex_);
  running_.erase(place);
}

}  // namespace rabt::api
