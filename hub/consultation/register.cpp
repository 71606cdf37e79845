#include "hub/consultation/register.hpp"

#include <algorithm>
#include <iterator>

#include "hub/consultation/state.hpp"

namespace rabt::consultation {

namespace {

using plugin::ActionSpec;
using plugin::CallRequest;
using plugin::Ended;
using store::Statement;
using workflow::ActionOutcome;
using workflow::OutcomeKind;

constexpr Statement kFind{"SELECT state FROM consultation WHERE tenant = $1 AND id = $2"};
constexpr Statement kInsert{
    "INSERT INTO consultation (tenant, id, state, month, seconds, created_ms, updated_ms) VALUES "
    "($1, $2, $3, $4, $5, $6, $6) ON CONFLICT DO NOTHING"};
// A length below 0 leaves the length as it is.
constexpr Statement kUpdate{
    "UPDATE consultation SET state = $1, updated_ms = $2, seconds = CASE WHEN $3 < 0 THEN seconds "
    "ELSE $3 END WHERE tenant = $4 AND id = $5 AND state = $6"};
constexpr Statement kMonthOf{"SELECT month FROM consultation WHERE tenant = $1 AND id = $2"};
constexpr Statement kFigures{
    "SELECT state, count(*), sum(seconds) FROM consultation WHERE tenant = $1 AND month = $2 GROUP "
    "BY state"};
constexpr Statement kInsertRecording{
    "INSERT INTO recording (tenant, id, consultation, external_index, kind, blob, content_type, "
    "bytes, sha256, stored_ms, "
    "retain_until_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO "
    "NOTHING"};
constexpr Statement kFindByExternal{
    "SELECT id, kind, content_type, bytes, sha256 FROM recording WHERE tenant = $1 AND "
    "consultation = $2 AND external_index = $3"};
constexpr Statement kFindRecording{
    "SELECT id, consultation, kind, blob, content_type, bytes, sha256, stored_ms FROM recording "
    "WHERE tenant = $1 AND id = $2"};

// Saudi Arabia is UTC+03:00 all year.
constexpr std::int64_t kRiyadhOffsetMs = 3LL * 3'600'000;
// What a workflow may ask for; more is a mistake of units.
constexpr std::int64_t kMaxRetentionYears = 100;
// What a recording may be. The word stands in clear in the register and in the audit log.
constexpr std::string_view kKinds[] = {"audio", "video", "screen", "data", "composition"};

// The argument `consultation`. It stands in clear in the register and in the audit log, so that it
// is taken only as the id of an instance, which the hub made: a ULID cannot hold patient data.
Result<std::string> consultation_of(const CallRequest& call) {
  const auto id = Ulid::parse(call.arguments.string_or("consultation", ""));
  if (id) return id->text();
  return invalid("consultation.id",
                 "`consultation` must be the id of a workflow instance, as $workflow.id gives it");
}

std::string month_of(Timestamp at) {
  return to_iso8601({at.ms + kRiyadhOffsetMs}).substr(0, 7);
}

ActionOutcome done(Json output) {
  return {.kind = OutcomeKind::done, .output = std::move(output)};
}

// What an error of the store or of a rule means to the workflow. Nothing was written in any of
// these cases.
ActionOutcome failed(const Error& error) {
  ActionOutcome outcome;
  outcome.kind =
      error_policy(error.kind).retry_helps ? OutcomeKind::transient : OutcomeKind::permanent;
  outcome.code = error.code;
  outcome.message = error.message;
  outcome.detail = Json::object({{"status", error_policy(error.kind).http_status}});
  return outcome;
}

Json schema_of(std::initializer_list<std::string_view> required, Json properties) {
  Json names = Json::array();
  for (const auto name : required) names.push_back(name);
  return Json::object({{"type", "object"},
                       {"required", names},
                       {"properties", std::move(properties)},
                       {"additionalProperties", false}});
}
Json typed(std::string_view type) {
  return Json::object({{"type", type}});
}

std::vector<ActionSpec> register_actions() {
  return {{.name = "advance",
           .version = "1.0.0",
           .title = "Move a consultation to its next state",
           .idempotency = "key",
           .timeout_ms = 30'000,
           .input_schema =
               schema_of({"consultation", "to"}, Json::object({{"consultation", typed("string")},
                                                               {"to", typed("string")},
                                                               {"startEpoch", typed("number")},
                                                               {"seconds", typed("number")}}))},
          {.name = "monthly-figures",
           .version = "1.0.0",
           .title = "Figures of a consultation's month so far",
           .idempotency = "key",
           .timeout_ms = 30'000,
           .input_schema =
               schema_of({"consultation"}, Json::object({{"consultation", typed("string")}}))}};
}

std::vector<ActionSpec> recording_actions() {
  return {{.name = "store",
           .version = "1.0.0",
           .title = "Keep a recording",
           .idempotency = "key",
           .timeout_ms = 30'000,
           .input_schema = schema_of({"consultation", "recordingId", "kind", "blob"},
                                     Json::object({{"consultation", typed("string")},
                                                   {"recordingId", typed("string")},
                                                   {"kind", typed("string")},
                                                   {"blob", typed("string")},
                                                   {"retentionYears", typed("integer")}}))}};
}

class Register final : public plugin::HubService {
 public:
  explicit Register(Parts parts) : parts_(parts) {}
  [[nodiscard]] std::string name() const override { return "register"; }
  [[nodiscard]] std::vector<ActionSpec> actions() const override { return register_actions(); }

  void invoke(const CallRequest& call, Ended ended) override {
    if (call.action == "advance") {
      advance(call, std::move(ended));
    } else {
      figures(call, ended);
    }
  }

 private:
  void advance(const CallRequest& call, Ended ended) {
    auto id = consultation_of(call);
    if (!id.ok()) {
      ended(failed(id.error()));
      return;
    }
    const auto to = parse_state(call.arguments.string_or("to", ""));
    if (!to) {
      ended(failed(invalid("consultation.unknown_state",
                           "`to` names no state of a consultation; see docs/consultation.md")));
      return;
    }
    struct Work {
      std::string tenant;
      std::string id;
      State to;
      std::string month;
      std::int64_t seconds;
      bool changed = false;
      State state = State::booked;
    };
    const Timestamp now = parts_.clock.now();
    const auto start = call.arguments["startEpoch"].as_int64();
    auto work =
        std::make_shared<Work>(Work{.tenant = call.tenant,
                                    .id = std::move(*id),
                                    .to = *to,
                                    .month = month_of(start ? Timestamp{*start * 1000} : now),
                                    .seconds = call.arguments.int_or("seconds", -1)});
    const auto entry = parts_.audit.prepare({.tenant = work->tenant,
                                             .actor = "instance:" + call.instance,
                                             .act = "consultation.state",
                                             .object = "consultation:" + work->id,
                                             .result = "ok",
                                             .detail = Json::object({{"to", to_string(*to)}}),
                                             .patient = call.patient});
    parts_.store.submit(
        store::Store::Need::droppable,
        [this, work, entry, now](store::Transaction& tx) -> Status {
          std::optional<State> from;
          RABT_TRY_STATUS(tx.query(kFind, {work->tenant, work->id}, [&](const store::Row& row) {
            from = parse_state(row.text(0));
            return false;
          }));
          RABT_TRY(step, decide(from, work->to));
          work->state = from.value_or(State::booked);
          work->changed = step == Step::change;
          if (!work->changed) return ok_status();
          work->state = work->to;
          if (!from) {
            RABT_TRY_STATUS(
                store::compare_and_set(tx, kInsert,
                                       {work->tenant, work->id, to_string(work->to), work->month,
                                        std::max<std::int64_t>(work->seconds, 0), now.ms}));
          } else {
            RABT_TRY_STATUS(store::compare_and_set(tx, kUpdate,
                                                   {to_string(work->to), now.ms, work->seconds,
                                                    work->tenant, work->id, to_string(*from)}));
          }
          return parts_.audit.append(tx, entry);
        },
        [work, ended = std::move(ended)](const Status& status) {
          if (!status.ok()) {
            ended(failed(status.error()));
          } else {
            ended(done(
                Json::object({{"state", to_string(work->state)}, {"changed", work->changed}})));
          }
        });
  }

  void figures(const CallRequest& call, const Ended& ended) {
    const auto id = consultation_of(call);
    if (!id.ok()) {
      ended(failed(id.error()));
      return;
    }
    std::string month;
    std::int64_t visits = 0;
    std::int64_t no_shows = 0;
    std::int64_t cancelled = 0;
    std::int64_t seconds = 0;
    const Status read = parts_.store.read([&](store::Connection& connection) -> Status {
      RABT_TRY_STATUS(connection.query(kMonthOf, {call.tenant, std::string_view(*id)},
                                       [&](const store::Row& row) {
                                         month = std::string(row.text(0));
                                         return false;
                                       }));
      if (month.empty())
        return not_found("consultation.unknown",
                         "this consultation is not in the register; advance it to booked first");
      return connection.query(kFigures, {call.tenant, month}, [&](const store::Row& row) {
        const auto state = parse_state(row.text(0));
        if (state == State::closed || state == State::billed || state == State::documented ||
            state == State::ended) {
          visits += row.integer(1);
          seconds += row.integer(2);
        } else if (state == State::no_show) {
          no_shows += row.integer(1);
        } else if (state == State::cancelled) {
          cancelled += row.integer(1);
        }
        return true;
      });
    });
    if (!read.ok()) {
      ended(failed(read.error()));
      return;
    }
    const auto value = [](std::string_view element, std::int64_t number) {
      return Json::object({{"dataElement", element}, {"value", number}});
    };
    ended(done(Json::object(
        {{"period", month},
         {"values", Json::array({value("TH_VISITS", visits), value("TH_NO_SHOWS", no_shows),
                                 value("TH_CANCELLED", cancelled),
                                 value("TH_MINUTES", (seconds + 59) / 60)})}})));
  }

  Parts parts_;
};

class Recordings final : public plugin::HubService {
 public:
  explicit Recordings(Parts parts) : parts_(parts) {}
  [[nodiscard]] std::string name() const override { return "recording"; }
  [[nodiscard]] std::vector<ActionSpec> actions() const override { return recording_actions(); }

  void invoke(const CallRequest& call, Ended ended) override {
    auto consultation = consultation_of(call);
    const std::string word = call.arguments.string_or("kind", "");
    if (consultation.ok() &&
        std::find(std::begin(kKinds), std::end(kKinds), word) == std::end(kKinds))
      consultation =
          invalid("recording.kind", "`kind` must be audio, video, screen, data or composition");
    if (!consultation.ok()) {
      ended(failed(consultation.error()));
      return;
    }
    const std::string blob = call.arguments.string_or("blob", "");
    auto info = parts_.blobs.find(call.tenant, blob);
    if (!info.ok()) {
      ended(failed(info.error()));
      return;
    }
    struct Work {
      std::string tenant;
      std::string consultation;
      std::string external;
      std::string external_index;  // blind: the provider's id is found again, not read
      std::string kind;
      blob::BlobInfo blob;
      std::string id;
      Timestamp retain_until;
      std::string bucket;
      Json output;
    };
    auto work = std::make_shared<Work>(Work{.tenant = call.tenant,
                                            .consultation = std::move(*consultation),
                                            .external = call.arguments.string_or("recordingId", ""),
                                            .external_index = {},
                                            .kind = word,
                                            .blob = std::move(*info),
                                            .id = parts_.ids.next().text()});
    const Timestamp now = parts_.clock.now();
    const std::int64_t years = call.arguments.int_or("retentionYears", 0);
    if (years < 0 || years > kMaxRetentionYears) {
      ended(failed(
          invalid("recording.retention", "`retentionYears` must be a number from 1 to 100")));
      return;
    }
    const auto& classes = parts_.keys.policy().classes;
    work->retain_until = keys::after(now, years > 0 ? keys::Period{.years = static_cast<int>(years)}
                                                    : classes.find(keys::kRecording)->second);
    // Before the lease, which shows the keyring as it is when it is taken.
    auto bucket = parts_.keys.ensure_bucket(work->tenant, keys::kRecording, work->retain_until);
    auto lease =
        bucket.ok() ? parts_.keys.lease(work->tenant) : Result<keys::Lease>(bucket.error());
    if (!lease.ok()) {
      ended(failed(lease.error()));
      return;
    }
    work->bucket = std::move(*bucket);
    work->external_index = lease->blind_index("recording", work->external);
    const auto entry = parts_.audit.prepare(
        {.tenant = work->tenant,
         .actor = "instance:" + call.instance,
         .act = "recording.stored",
         .object = "recording:" + work->id,
         .result = "ok",
         .detail = Json::object(
             {{"bytes", work->blob.bytes}, {"sha256", work->blob.sha256}, {"kind", work->kind}}),
         .patient = call.patient});
    parts_.store.submit(
        store::Store::Need::droppable,
        [this, work, entry, now, held = std::move(*lease)](store::Transaction& tx) -> Status {
          const auto answer = [&](std::string_view id, std::string_view kind, std::string_view type,
                                  std::int64_t bytes, std::string_view sha256) {
            work->output = Json::object({{"id", id},
                                         {"recordingId", work->external},
                                         {"kind", kind},
                                         {"contentType", type},
                                         {"bytes", bytes},
                                         {"sha256", sha256}});
          };
          RABT_TRY(inserted,
                   tx.execute(kInsertRecording,
                              {work->tenant, work->id, work->consultation,
                               store::Blob{work->external_index}, work->kind, work->blob.id,
                               work->blob.content_type, static_cast<std::int64_t>(work->blob.bytes),
                               work->blob.sha256, now.ms, work->retain_until.ms}));
          if (inserted == 0) {
            return tx.query(kFindByExternal,
                            {work->tenant, work->consultation, store::Blob{work->external_index}},
                            [&](const store::Row& row) {
                              answer(row.text(0), row.text(1), row.text(2), row.integer(3),
                                     row.text(4));
                              return false;
                            });
          }
          RABT_TRY_STATUS(
              parts_.blobs.adopt(tx, work->tenant, work->blob.id, "recording:" + work->id));
          RABT_TRY_STATUS(parts_.keys.move(tx, held, work->blob.data_key, work->bucket));
          answer(work->id, work->kind, work->blob.content_type,
                 static_cast<std::int64_t>(work->blob.bytes), work->blob.sha256);
          return parts_.audit.append(tx, entry);
        },
        [work, ended = std::move(ended)](const Status& status) {
          ended(status.ok() ? done(std::move(work->output)) : failed(status.error()));
        });
  }

 private:
  Parts parts_;
};

}  // namespace

std::vector<ActionSpec> service_actions(std::string_view service) {
  if (service == "register") return register_actions();
  if (service == "recording") return recording_actions();
  return {};
}

std::shared_ptr<plugin::HubService> make_register(Parts parts) {
  return std::make_shared<Register>(parts);
}
std::shared_ptr<plugin::HubService> make_recordings(Parts parts) {
  return std::make_shared<Recordings>(parts);
}

Result<Recording> find_recording(store::Store& store, std::string_view tenant,
                                 std::string_view id) {
  std::optional<Recording> found;
  RABT_TRY_STATUS(store.read([&](store::Connection& connection) {
    return connection.query(kFindRecording, {tenant, id}, [&](const store::Row& row) {
      found = Recording{.id = std::string(row.text(0)),
                        .consultation = std::string(row.text(1)),
                        .kind = std::string(row.text(2)),
                        .blob = std::string(row.text(3)),
                        .content_type = std::string(row.text(4)),
                        .bytes = static_cast<std::uint64_t>(row.integer(5)),
                        .sha256 = std::string(row.text(6)),
                        .stored = Timestamp{row.integer(7)}};
      return false;
    });
  }));
  if (!found) return not_found("recording.unknown", "there is no recording with this id");
  return *found;
}

}  // namespace rabt::consultation
