#pragma once

#include "hub/api/routes.hpp"
#include "hub/identity/approvals.hpp"
#include "hub/keys/admin.hpp"
#include "hub/store/store.hpp"

namespace rabt::api {

// Requires a second person to destroy keys, which cannot be undone, and to release a legal hold.
// whole: the text of the order, by which it is known again. Errors: those of Approvals::pass and
// of keys::check_there_is.
[[nodiscard]] Status confirmed_by_two(keys::KeyAdmin& admin, identity::Approvals& approvals,
                                      const identity::Caller& caller, std::string_view verb,
                                      const Json& body, std::string_view whole);

struct Keys {
  keys::KeyAdmin& admin;
  store::Store& store;
  identity::Approvals& approvals;
  std::string tenant;

  // Root, buckets, holds.
  [[nodiscard]] Result<http::Response> status(const Call& call) const;
  // One of the verbs of hub/keys/requests.hpp.
  [[nodiscard]] Result<http::Response> act(const Call& call) const;
};

}  // namespace rabt::api
