#pragma once

#include <string>
#include <string_view>

#include "hub/base/clock.hpp"
#include "hub/base/result.hpp"
#include "hub/http/server.hpp"
#include "hub/identity/principal.hpp"
#include "hub/keys/data_keys.hpp"

namespace rabt::api {

// Makes and reads cursors, which say where the next page of a list begins. A cursor is a text that
// only this hub makes, good for one day, for the caller, the list and the filters that it was made
// for. Internally synchronised.
class Cursors {
 public:
  Cursors(keys::DataKeys& keys, const Clock& clock) : keys_(keys), clock_(clock) {}

  // list: names the list and its filters.
  [[nodiscard]] Result<std::string> seal(const identity::Principal& who, std::string_view list,
                                         std::string_view place) const;
  // The place. Empty for an empty cursor. Error invalid cursor.invalid: it was edited, is too old,
  // or was made for somebody else or for another list.
  [[nodiscard]] Result<std::string> open(const identity::Principal& who, std::string_view list,
                                         std::string_view cursor) const;

 private:
  keys::DataKeys& keys_;
  const Clock& clock_;
};

// The pattern of a route and the query but for `cursor` and `limit`, in one order.
[[nodiscard]] std::string list_of(std::string_view pattern, const http::Request& request);

}  // namespace rabt::api
