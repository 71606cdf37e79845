#pragma once

#include <memory>
#include <string>

#include "hub/store/postgres/session.hpp"

struct pg_conn;

namespace rabt::store::postgres {

// A connection of libpqxx, and libpq's handle of that connection.
class Link {
 public:
  // Errors: those of Session::open.
  [[nodiscard]] static Result<std::unique_ptr<Link>> open(const PostgresOptions& options,
                                                          Session::Use use);
  ~Link();
  [[nodiscard]] pg_conn* handle() const;
  // Run through libpqxx; not while libpq's pipeline is on.
  [[nodiscard]] Status script(const std::string& sql);
  [[nodiscard]] Result<std::string> ask(const std::string& sql);

 private:
  struct Held;
  Link();
  [[nodiscard]] Status set_up(Session::Use use);

  std::unique_ptr<Held> held_;
};

// The text that libpq connects with. Holds the password: never shown.
[[nodiscard]] std::string connection_text(const PostgresOptions& options);

}  // namespace rabt::store::postgres
