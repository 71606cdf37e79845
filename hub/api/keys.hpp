#pragma once

#include "hub/api/routes.hpp"
#include "hub/identity/approvals.hpp"
#include "hub/keys/admin.hpp"
#include "hub/store/store.hpp"

namespace rabt::api {

struct Keys {
  keys::KeyAdmin& admin;
  store::Store& store;
  identity::Approvals& approvals;
  std::string tenant;

  // Root, buckets, holds.
  [[nodiscard]] Result<http::Response> status(const Call& call) const;
  // One of the verbs of hub/keys/requests.hpp.
  [[nodiscard]] Result<http::Response> act(const Call& call) const;

 private:
  [[nodiscard]] Status confirmed(const Call& call, const Json& body) const;
};

}  // namespace rabt::api
