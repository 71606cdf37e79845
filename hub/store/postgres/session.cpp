#include "hub/store/postgres/session.hpp"

#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "hub/store/postgres/dialect.hpp"
#include "hub/store/postgres/link.hpp"
#include "hub/store/postgres/result_row.hpp"

namespace rabt::store::postgres {

namespace {

constexpr std::size_t kMaxTexts = 1000;
constexpr int kMaxParameters = 64;
// Types of pg_type.dat, which never change.
constexpr Oid kIntegerType = 20;
constexpr Oid kTextType = 25;
constexpr Oid kBytesType = 17;

std::array<char, 8> big_endian(std::int64_t value) {
  std::array<char, 8> out{};
  auto bits = static_cast<std::uint64_t>(value);
  for (std::size_t i = 8; i-- > 0; bits >>= 8U) out[i] = static_cast<char>(bits & 0xffU);
  return out;
}

std::string_view field(const PGresult* result, int code) {
  const char* text = PQresultErrorField(result, code);
  return text == nullptr ? std::string_view{} : std::string_view(text);
}

Fault fault_in(const PGresult* result) {
  return fault_of({.state = field(result, PG_DIAG_SQLSTATE),
                   .message = field(result, PG_DIAG_MESSAGE_PRIMARY),
                   .table = field(result, PG_DIAG_TABLE_NAME),
                   .column = field(result, PG_DIAG_COLUMN_NAME),
                   .constraint = field(result, PG_DIAG_CONSTRAINT_NAME)});
}

std::int64_t rows_changed(PGresult* result) {
  if (std::string_view(PQcmdStatus(result)).starts_with("SELECT")) return 0;
  std::int64_t rows = 0;
  for (const char* at = PQcmdTuples(result); *at >= '0' && *at <= '9'; ++at)
    rows = rows * 10 + (*at - '0');
  return rows;
}

}  // namespace

// A result that is cleared with its holder.
class Session::Answer {
 public:
  Answer() = default;
  explicit Answer(PGresult* result) : result_(result) {}
  Answer(Answer&& other) noexcept : result_(std::exchange(other.result_, nullptr)) {}
  Answer& operator=(Answer&& other) noexcept {
    std::swap(result_, other.result_);
    return *this;
  }
  Answer(const Answer&) = delete;
  Answer& operator=(const Answer&) = delete;
  ~Answer() { PQclear(result_); }
  [[nodiscard]] PGresult* get() const { return result_; }

 private:
  PGresult* result_ = nullptr;
};

Result<std::unique_ptr<Session>> Session::open(const PostgresOptions& options, Use use) {
  RABT_TRY(link, Link::open(options, use));
  return std::unique_ptr<Session>(new Session(std::move(link)));
}

Session::Session(std::unique_ptr<Link> link) : link_(std::move(link)), handle_(link_->handle()) {
  PQsetnonblocking(handle_, 1);
}

Session::~Session() = default;

// ---- statements and their parameters

Session::Text& Session::text_of(const char* sql) {
  auto& found = texts_[sql];
  if (found != nullptr && found->source == sql) return *found;
  // A text made at run time may stand where another one stood. The statements of the old one stay
  // on the server until the connection ends.
  if (found != nullptr) static_cast<void>(finish_with_last());
  found = std::make_unique<Text>();
  found->source = sql;
  found->sql = for_postgres(sql);
  found->parameters = parameters_of(found->sql);
  return *found;
}

Session::Prepared& Session::prepared_for(Text& text, std::initializer_list<Value> values) {
  const auto type_of = [](const Value& value) {
    if (std::holds_alternative<std::int64_t>(value)) return Type::integer;
    if (std::holds_alternative<std::string_view>(value)) return Type::text;
    return std::holds_alternative<Blob>(value) ? Type::blob : Type::unknown;
  };
  for (Prepared& one : text.prepared) {
    std::size_t at = 0;
    const bool fits = std::all_of(values.begin(), values.end(), [&](const Value& value) {
      const Type type = type_of(value);
      const Type had = one.types[at++];
      return type == Type::unknown || type == had;
    });
    if (fits) return one;
  }
  Prepared fresh;
  fresh.name = "s" + std::to_string(++names_);
  for (const Value& value : values) {
    Type type = type_of(value);
    const std::size_t at = fresh.types.size();
    for (const Prepared& prepared : text.prepared) {
      if (type == Type::unknown) type = prepared.types[at];
    }
    fresh.types.push_back(type);
  }
  return text.prepared.emplace_back(std::move(fresh));
}

void Session::send(const Statement& statement, std::initializer_list<Value> values,
                   std::int64_t tag) {
  if (lost_) return note(tag, lost_connection());
  if (PQpipelineStatus(handle_) == PQ_PIPELINE_OFF && PQenterPipelineMode(handle_) != 1)
    return lose();
  if (texts_.size() >= kMaxTexts && sent_.empty()) texts_.clear();
  Text& text = text_of(statement.sql);
  if (text.parameters > kMaxParameters ||
      static_cast<std::size_t>(text.parameters) != values.size())
    return note(tag, {internal("store.sql",
                               "an SQL statement got another number of values than it has "
                               "parameters"),
                      Trouble::none});
  Prepared& prepared = prepared_for(text, values);
  if (!prepared.there) {
    std::array<Oid, kMaxParameters> types{};
    std::transform(prepared.types.begin(), prepared.types.end(), types.begin(), [](Type type) {
      switch (type) {
        case Type::integer:
          return kIntegerType;
        case Type::text:
          return kTextType;
        case Type::blob:
          return kBytesType;
        default:
          return Oid{0};
      }
    });
    if (PQsendPrepare(handle_, prepared.name.c_str(), text.sql.c_str(), text.parameters,
                      types.data()) != 1)
      return lose();
    prepared.there = true;
    sent_.push_back({.prepares = &prepared, .tag = tag});
  }
  std::array<const char*, kMaxParameters> data{};
  std::array<int, kMaxParameters> lengths{};
  std::array<int, kMaxParameters> formats{};
  std::array<std::array<char, 8>, kMaxParameters> integers{};
  std::size_t at = 0;
  for (const Value& value : values) {
    formats[at] = 1;
    const auto bytes = [&](std::string_view view) {
      data[at] = view.data() == nullptr ? "" : view.data();
      lengths[at] = static_cast<int>(view.size());
    };
    if (const auto* integer = std::get_if<std::int64_t>(&value)) {
      integers[at] = big_endian(*integer);
      bytes({integers[at].data(), integers[at].size()});
    } else if (const auto* view = std::get_if<std::string_view>(&value)) {
      bytes(*view);
    } else if (const auto* blob = std::get_if<Blob>(&value)) {
      bytes(blob->bytes);
    }
    ++at;
  }
  if (PQsendQueryPrepared(handle_, prepared.name.c_str(), text.parameters, data.data(),
                          lengths.data(), formats.data(), 1) != 1)
    return lose();
  sent_.push_back({.prepares = nullptr, .tag = tag, .commit = text.sql == "COMMIT"});
}

// ---- results

void Session::note(std::int64_t tag, Fault fault) {
  if (!failure_) failure_ = Failure{tag, std::move(fault)};
}

void Session::lose() {
  lost_ = true;
  note(sent_.empty() ? kNoTag : sent_.front().tag, lost_connection());
  // Worse than what was noted before.
  failure_->fault = lost_connection();
  sent_.clear();
}

// Sends what is buffered, and waits until the server has said something.
bool Session::wait_for_server(bool writes_too) {
  pollfd wait{.fd = PQsocket(handle_),
              .events = static_cast<short>(POLLIN | (writes_too ? POLLOUT : 0)),
              .revents = 0};
  while (::poll(&wait, 1, -1) < 0) {
    if (errno != EINTR) return false;
  }
  return (wait.revents & (POLLIN | POLLHUP | POLLERR)) == 0 || PQconsumeInput(handle_) == 1;
}

// The next result of the pipeline, or null at the end of a statement's results.
PGresult* Session::next_result() {
  for (;;) {
    const int left = PQflush(handle_);
    if (left < 0) return nullptr;
    if (PQisBusy(handle_) == 0) return PQgetResult(handle_);
    if (!wait_for_server(left > 0)) return nullptr;
  }
}

// The result of the oldest command whose result has not been read.
Session::Answer Session::take(const Sent& sent) {
  Answer result(next_result());
  if (result.get() == nullptr || PQstatus(handle_) != CONNECTION_OK) {
    // A server that is shut down says so in a last error.
    lose();
    return result;
  }
  for (;;) {
    const Answer more(next_result());
    if (more.get() == nullptr) break;
  }
  const ExecStatusType status = PQresultStatus(result.get());
  const bool good = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
  if (sent.prepares != nullptr) {
    sent.prepares->there = good;
    if (status == PGRES_FATAL_ERROR) note(sent.tag, fault_in(result.get()));
  } else if (status == PGRES_FATAL_ERROR) {
    note(sent.tag, fault_in(result.get()));
  } else if (sent.commit && good && std::string_view(PQcmdStatus(result.get())) != "COMMIT") {
    note(sent.tag, {internal("store.sql", "a transaction that had failed was to be committed"),
                    Trouble::none});
  } else if (good && told_) {
    told_(sent.tag, rows_changed(result.get()));
  }
  return result;
}

// Reads the results of everything sent; that of the last statement is returned.
Session::Answer Session::finish_with_last() {
  Answer last;
  if (lost_) {
    note(kNoTag, lost_connection());
    return last;
  }
  if (PQpipelineStatus(handle_) == PQ_PIPELINE_OFF) return last;
  if (PQpipelineSync(handle_) != 1) {
    lose();
    return last;
  }
  while (!sent_.empty()) {
    const Sent sent = sent_.front();
    last = take(sent);
    if (lost_) return last;
    sent_.pop_front();
  }
  const Answer end(next_result());
  if (end.get() == nullptr || PQresultStatus(end.get()) != PGRES_PIPELINE_SYNC) lose();
  return last;
}

Status Session::finish() {
  static_cast<void>(finish_with_last());
  if (failure_) return failure_->fault.error;
  return ok_status();
}

Status Session::query(const Statement& statement, std::initializer_list<Value> values,
                      const std::function<bool(const Row&)>& each) {
  send(statement, values, kNoTag);
  const Answer result = finish_with_last();
  if (failure_) return failure_->fault.error;
  ResultRow row(result.get());
  while (row.next()) {
    if (!each(row)) break;
  }
  return ok_status();
}

Result<std::int64_t> Session::execute(const Statement& statement,
                                      std::initializer_list<Value> values) {
  send(statement, values, kNoTag);
  const Answer result = finish_with_last();
  if (failure_) return failure_->fault.error;
  return rows_changed(result.get());
}

bool Session::in_transaction() const {
  const PGTransactionStatusType status = PQtransactionStatus(handle_);
  return !lost_ && status != PQTRANS_IDLE;
}

Status Session::script(const std::string& sql) {
  RABT_TRY_STATUS(finish());
  if (PQpipelineStatus(handle_) != PQ_PIPELINE_OFF) PQexitPipelineMode(handle_);
  PQsetnonblocking(handle_, 0);
  Status done = link_->script(sql);
  PQsetnonblocking(handle_, 1);
  return done;
}

Result<std::string> Session::ask(const std::string& sql) {
  RABT_TRY_STATUS(finish());
  if (PQpipelineStatus(handle_) != PQ_PIPELINE_OFF) PQexitPipelineMode(handle_);
  PQsetnonblocking(handle_, 0);
  auto answer = link_->ask(sql);
  PQsetnonblocking(handle_, 1);
  return answer;
}

}  // namespace rabt::store::postgres
