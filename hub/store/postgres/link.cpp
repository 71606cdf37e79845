#include "hub/store/postgres/link.hpp"

#include <libpq-fe.h>

#include <algorithm>
#include <pqxx/pqxx>
#include <utility>

namespace rabt::store::postgres {

namespace {

constexpr int kLeastVersion = 150000;

// libpqxx keeps its handle to itself; a connection policy is given it. pqxx::basic_connection_base
// has no way back to its policy, so the handle is handed over beside it.
thread_local PGconn* connected = nullptr;

class KeepsHandle final : public pqxx::connect_direct {
 public:
  using connect_direct::connect_direct;
  handle do_startconnect(handle before) override {
    handle now = connect_direct::do_startconnect(before);
    connected = now;
    return now;
  }
};

// A value of a connection text.
std::string quoted(std::string_view value) {
  std::string out = "'";
  for (const char c : value) {
    if (c == '\'' || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  return out + "'";
}

std::string without_line_ends(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

// Takes the password out of a message: libpq does not repeat it, but nothing promises that.
std::string without_secret(std::string text, const PostgresOptions& options) {
  for (const auto* secret : {&options.password, &options.owner_password}) {
    if (*secret == nullptr || (*secret)->empty()) continue;
    const std::string_view shown = (*secret)->expose_text();
    for (std::size_t at = text.find(shown); at != std::string::npos; at = text.find(shown, at))
      text.replace(at, shown.size(), "[password]");
  }
  return text;
}

// The SQLSTATE of a failed statement. libpqxx 6 leaves it out of some exceptions.
std::string state_of(const pqxx::sql_error& failure) {
  if (!failure.sqlstate().empty()) return failure.sqlstate();
  if (dynamic_cast<const pqxx::insufficient_privilege*>(&failure) != nullptr) return "42501";
  if (dynamic_cast<const pqxx::disk_full*>(&failure) != nullptr) return "53100";
  if (dynamic_cast<const pqxx::insufficient_resources*>(&failure) != nullptr) return "53000";
  return "42000";
}

std::string place_of(const PostgresOptions& options) {
  return "the database " + options.database + " at " + options.host + ":" +
         std::to_string(options.port);
}

}  // namespace

struct Link::Held {
  explicit Held(const std::string& text) : connection(text), handle(connected) {}
  pqxx::basic_connection_base<KeepsHandle> connection;
  PGconn* handle;
};

Link::Link() = default;
Link::~Link() = default;
PGconn* Link::handle() const {
  return held_->handle;
}

std::string connection_text(const PostgresOptions& options) {
  const bool here = on_this_host(options.host);
  const std::string mode =
      !options.sslmode.empty() ? options.sslmode : (here ? "prefer" : "verify-full");
  std::string text;
  const auto add = [&text](const char* name, std::string_view value) {
    text += std::string(text.empty() ? "" : " ") + name + "=" + quoted(value);
  };
  add("host", options.host);
  // One port serves all hosts.
  add("port", std::to_string(options.port));
  add("dbname", options.database);
  add("user", options.user);
  if (options.password != nullptr) add("password", options.password->expose_text());
  add("sslmode", mode);
  if (mode == "verify-full" || mode == "verify-ca")
    add("sslrootcert", options.ca.empty() ? "/etc/ssl/certs/ca-certificates.crt" : options.ca);
  add("application_name", options.application);
  add("target_session_attrs", "read-write");
  add("client_encoding", "UTF8");
  add("connect_timeout", "10");
  // A peer that is gone without a word is noticed within half a minute.
  add("keepalives_idle", "10");
  add("keepalives_interval", "5");
  add("keepalives_count", "3");
  add("tcp_user_timeout", "25000");
  return text;
}

Result<std::unique_ptr<Link>> Link::open(const PostgresOptions& options, Session::Use use) {
  std::unique_ptr<Link> link(new Link());
  try {
    connected = nullptr;
    std::string text = connection_text(options);
    link->held_ = std::make_unique<Held>(text);
    std::fill(text.begin(), text.end(), '\0');
  } catch (const std::exception& failure) {
    return unavailable("store.open",
                       "cannot connect to " + place_of(options) + " as " + options.user + ": " +
                           without_secret(without_line_ends(failure.what()), options));
  }
  PGconn* handle = link->handle();
  if (handle == nullptr || PQstatus(handle) != CONNECTION_OK)
    return unavailable("store.open", "cannot connect to " + place_of(options));
  // Messages are mapped by their SQLSTATE; the server's log has the rest.
  PQsetNoticeProcessor(
      handle, [](void*, const char*) {}, nullptr);
  const Status ready = link->set_up(use);
  if (!ready.ok()) {
    return Error{ready.error().kind, ready.error().code,
                 place_of(options) + ": " + without_secret(ready.error().message, options)};
  }
  return link;
}

Status Link::script(const std::string& sql) {
  RABT_TRY_STATUS(ask(sql));
  return ok_status();
}

Result<std::string> Link::ask(const std::string& sql) {
  try {
    pqxx::nontransaction work(held_->connection);
    const pqxx::result rows = work.exec(sql);
    if (rows.empty() || rows[0].empty() || rows[0][0].is_null()) return std::string();
    return std::string(rows[0][0].c_str());
  } catch (const pqxx::sql_error& failure) {
    const std::string message = without_line_ends(failure.what());
    const std::string state = state_of(failure);
    return fault_of(
               {.state = state, .message = message, .table = {}, .column = {}, .constraint = {}})
        .error;
  } catch (const std::exception&) {
    return lost_connection().error;
  }
}

Status Link::set_up(Session::Use use) {
  if (PQserverVersion(handle()) < kLeastVersion) {
    return invalid("store.settings", "the server is PostgreSQL " +
                                         std::to_string(PQserverVersion(handle()) / 10000) +
                                         "; the hub needs 15 or later");
  }
  RABT_TRY(backend, ask("SELECT pg_backend_pid()"));
  RABT_TRY(again, ask("SELECT pg_backend_pid()"));
  if (backend != again || backend != std::to_string(PQbackendPID(handle()))) {
    return invalid("store.pooler",
                   "a connection pooler stands before the server; let the hub connect to the "
                   "server itself");
  }
  RABT_TRY(encoding, ask("SHOW server_encoding"));
  if (encoding != "UTF8") {
    return invalid("store.settings",
                   "the database's encoding is " + encoding + "; create it with ENCODING 'UTF8'");
  }
  for (const char* setting : {"fsync", "full_page_writes"}) {
    RABT_TRY(value, ask(std::string("SHOW ") + setting));
    if (value != "on") {
      return unavailable("store.durability", std::string("the server runs with ") + setting + "=" +
                                                 value +
                                                 ": it would lose what it has acknowledged; set it "
                                                 "to on in postgresql.conf and restart the server");
    }
  }
  // A role's defaults may differ from these. jit costs short statements more than it gains.
  std::string settings =
      "SET timezone = 'UTC'; SET standard_conforming_strings = on; SET jit = off; "
      "SET default_transaction_isolation = 'read committed'; "
      "SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; "
      "SET tcp_keepalives_count = 3; SET idle_in_transaction_session_timeout = 0; ";
  if (use == Session::Use::writes)
    settings += "SET statement_timeout = 10000; SET lock_timeout = 3000";
  if (use == Session::Use::reads)
    settings += "SET default_transaction_read_only = on; SET statement_timeout = 60000";
  if (use == Session::Use::migrates)
    settings += "SET statement_timeout = 0; SET lock_timeout = 60000";
  RABT_TRY_STATUS(script(settings));
  RABT_TRY(commit, ask("SHOW synchronous_commit"));
  if (commit != "on" && commit != "remote_apply")
    RABT_TRY_STATUS(script("SET synchronous_commit = on"));
  RABT_TRY(read, ask("SHOW synchronous_commit"));
  if (read != "on" && read != "remote_apply") {
    return unavailable(
        "store.durability",
        "the server keeps synchronous_commit=" + read +
            ": it would lose what it has acknowledged; let the hub's role set it to on");
  }
  return ok_status();
}

}  // namespace rabt::store::postgres
