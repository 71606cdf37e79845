#include "hub/consultation/workflow/register.hpp"

#include <algorithm>

#include "hub/base/riyadh.hpp"
#include "hub/consultation/session/time.hpp"
#include "hub/consultation/workflow/service.hpp"
#include "hub/consultation/workflow/state.hpp"
#include "hub/consultation/workflow/statements.hpp"

// hub://register
namespace rabt::consultation {

namespace {

using plugin::CallRequest;
using plugin::Ended;
using plugin::HubService;

std::string month_of(Timestamp at) {
  return to_iso8601({at.ms + kRiyadhMs}).substr(0, 7);
}

// One call of `advance` on its way through the store.
struct Advance {
  std::string tenant;
  std::string id;
  State to = State::booked;
  // Month of the start that the call says, otherwise of now.
  std::string month;
  bool says_start = false;
  // The length of the session; below 0 when the call does not say it.
  std::int64_t seconds = -1;
  Timestamp now;
  // Set by the job.
  bool changed = false;
  State state = State::booked;
};

// Moves a visit that has not begun to the month of its new start.
Status move_month(store::Transaction& transaction, Advance& work) {
  if (work.to != State::booked) return ok_status();
  RABT_TRY(rows,
           transaction.execute(sql::workflow::kMoveMonth, {work.month, work.now.ms, work.tenant,
                                                           work.id, to_string(State::booked)}));
  work.changed = rows != 0;
  return ok_status();
}

// Moves the consultation, unless it is there already or past it. Leaves the entry to the caller.
Status move(store::Transaction& transaction, Advance& work) {
  std::optional<State> from;
  RABT_TRY_STATUS(transaction.query(
      sql::workflow::kFindConsultation, {work.tenant, work.id}, [&](const store::Row& row) {
        from = parse_state(row.text(sql::workflow::kFindConsultation["state"]));
        return false;
      }));
  RABT_TRY(step, decide(from, work.to));
  work.state = from.value_or(State::booked);
  work.changed = step == Step::change;
  if (!work.changed) return work.says_start ? move_month(transaction, work) : ok_status();
  work.state = work.to;
  if (!from) {
    return store::compare_and_set(transaction, sql::workflow::kInsertConsultation,
                                  {work.tenant, work.id, to_string(work.to), work.month,
                                   std::max<std::int64_t>(work.seconds, 0), work.now.ms});
  }
  return store::compare_and_set(
      transaction, sql::workflow::kUpdateConsultation,
      {to_string(work.to), work.now.ms, work.seconds, work.tenant, work.id, to_string(*from)});
}

// Sums of a month's consultations.
struct Figures {
  std::string month;
  std::int64_t visits = 0;
  std::int64_t no_shows = 0;
  std::int64_t cancelled = 0;
  std::int64_t seconds = 0;
};

Status read_figures(store::Connection& connection, std::string_view tenant, std::string_view id,
                    Figures& figures) {
  RABT_TRY_STATUS(
      connection.query(sql::workflow::kMonthOf, {tenant, id}, [&](const store::Row& row) {
        figures.month = std::string(row.text(sql::workflow::kMonthOf["month"]));
        return false;
      }));
  if (figures.month.empty())
    return not_found("consultation.unknown",
                     "this consultation is not in the register; advance it to booked first");
  return connection.query(
      sql::workflow::kFiguresOfMonth, {tenant, std::string_view(figures.month)},
      [&](const store::Row& row) {
        const auto state = parse_state(row.text(sql::workflow::kFiguresOfMonth["state"]));
        if (state == State::closed || state == State::billed || state == State::documented ||
            state == State::ended) {
          figures.visits += row.integer(sql::workflow::kFiguresOfMonth["count"]);
          figures.seconds += row.integer(sql::workflow::kFiguresOfMonth["sum_seconds"]);
        } else if (state == State::no_show) {
          figures.no_shows += row.integer(sql::workflow::kFiguresOfMonth["count"]);
        } else if (state == State::cancelled) {
          figures.cancelled += row.integer(sql::workflow::kFiguresOfMonth["count"]);
        }
        return true;
      });
}

class Register final : public HubService {
 public:
  explicit Register(Parts parts) : parts_(parts) {}
  [[nodiscard]] std::string name() const override { return "register"; }
  [[nodiscard]] std::vector<plugin::ActionSpec> actions() const override {
    return register_actions();
  }
  void invoke(const CallRequest& call, Ended ended) override {
    if (call.action == "advance") {
      advance(call, std::move(ended));
    } else if (call.action == "get") {
      look(call, ended);
    } else {
      figures(call, ended);
    }
  }

 private:
  void advance(const CallRequest& call, Ended ended);
  void look(const CallRequest& call, const Ended& ended);
  void figures(const CallRequest& call, const Ended& ended);

  Parts parts_;
};

void Register::advance(const CallRequest& call, Ended ended) {
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
  const Timestamp now = parts_.clock.now();
  const auto start = call.arguments["startEpoch"].as_int64();
  auto work = std::make_shared<Advance>();
  work->tenant = call.tenant;
  work->id = std::move(*id);
  work->to = *to;
  work->month = month_of(start ? Timestamp{*start * 1000} : now);
  work->says_start = start.has_value();
  work->seconds = call.arguments.int_or("seconds", -1);
  work->now = now;
  const auto entry = parts_.audit.prepare(
      {.tenant = work->tenant,
       .actor = "node:register",
       .act = "consultation.state",
       .object = "consultation:" + work->id,
       .result = "ok",
       .detail = Json::object({{"to", to_string(*to)}, {"instance", call.instance}}),
       .patient = call.patient});
  // The service may have gone when the job runs.
  parts_.store.submit(
      store::Store::Need::droppable,
      [&audit = parts_.audit, work, entry](store::Transaction& transaction) -> Status {
        RABT_TRY_STATUS(move(transaction, *work));
        return work->changed ? audit.append(transaction, entry) : ok_status();
      },
      [work, ended = std::move(ended)](const Status& status) {
        ended(status.ok() ? done(Json::object(
                                {{"state", to_string(work->state)}, {"changed", work->changed}}))
                          : failed(status.error()));
      });
}

void Register::look(const CallRequest& call, const Ended& ended) {
  const auto id = consultation_of(call);
  if (!id.ok()) {
    ended(failed(id.error()));
    return;
  }
  Json found;
  const Status read = parts_.store.read([&](store::Connection& connection) {
    return connection.query(
        sql::workflow::kLookAtConsultation, {call.tenant, *id}, [&](const store::Row& row) {
          found = Json::object(
              {{"state", row.text(sql::workflow::kLookAtConsultation["state"])},
               {"claimed", !row.is_null(sql::workflow::kLookAtConsultation["billed_ms"])}});
          return false;
        });
  });
  if (!read.ok()) {
    ended(failed(read.error()));
  } else if (found.is_null()) {
    ended(failed(not_found("consultation.unknown", "this consultation is not in the register")));
  } else {
    ended(done(std::move(found)));
  }
}

void Register::figures(const CallRequest& call, const Ended& ended) {
  const auto id = consultation_of(call);
  if (!id.ok()) {
    ended(failed(id.error()));
    return;
  }
  Figures figures;
  const Status read = parts_.store.read([&](store::Connection& connection) {
    return read_figures(connection, call.tenant, *id, figures);
  });
  if (!read.ok()) {
    ended(failed(read.error()));
    return;
  }
  const auto value = [](std::string_view element, std::int64_t number) {
    return Json::object({{"dataElement", element}, {"value", number}});
  };
  ended(done(Json::object(
      {{"period", figures.month},
       {"values",
        Json::array({value("TH_VISITS", figures.visits), value("TH_NO_SHOWS", figures.no_shows),
                     value("TH_CANCELLED", figures.cancelled),
                     value("TH_MINUTES", whole_minutes(figures.seconds))})}})));
}

}  // namespace

std::vector<plugin::ActionSpec> register_actions() {
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
          {.name = "get",
           .version = "1.0.0",
           .title = "Read the state of a consultation, and whether its claim has left",
           .idempotency = "key",
           .timeout_ms = 30'000,
           .input_schema =
               schema_of({"consultation"}, Json::object({{"consultation", typed("string")}})),
           .reads = true},
          {.name = "monthly-figures",
           .version = "1.0.0",
           .title = "Figures of a consultation's month so far",
           .idempotency = "key",
           .timeout_ms = 30'000,
           .input_schema =
               schema_of({"consultation"}, Json::object({{"consultation", typed("string")}})),
           .reads = true}};
}

std::shared_ptr<HubService> make_register(Parts parts) {
  return std::make_shared<Register>(parts);
}

}  // namespace rabt::consultation
