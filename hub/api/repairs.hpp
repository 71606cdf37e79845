#pragma once

#include "hub/api/routes.hpp"
#include "hub/identity/approvals.hpp"
#include "hub/repair/repairs.hpp"

namespace rabt::api {

// Jobs that do one act on many instances.
struct Repairs {
  repair::Repairs& repairs;
  identity::Approvals& approvals;

  // {"verb", "filter" or "ids", "answer"?}
  [[nodiscard]] Result<http::Response> preview(const Call& call) const;
  // {"digest", "reason", "perMinute"?, "first"?, "goOn"?}
  [[nodiscard]] Result<http::Response> run(const Call& call) const;
  [[nodiscard]] Result<http::Response> go(const Call& call) const;
  [[nodiscard]] Result<http::Response> stop(const Call& call) const;
  [[nodiscard]] Result<http::Response> list(const Call& call) const;
  [[nodiscard]] Result<http::Response> get(const Call& call) const;
  // ?state= &limit= &cursor=
  [[nodiscard]] Result<http::Response> items(const Call& call) const;

 private:
  [[nodiscard]] Result<http::Response> answer(int status, const repair::Job& job) const;
};

}  // namespace rabt::api
