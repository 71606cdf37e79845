#pragma once

#include <string>
#include <utility>

#include "hub/api/requests/ask.hpp"
#include "hub/consultation/acts/memberships.hpp"
#include "hub/consultation/request/answer.hpp"
#include "hub/consultation/request/caller.hpp"

namespace rabt::consultation {

using api::Ask;

template <typename V>
Answer shown(Result<V> view) {
  if (!view.ok()) return view.error();
  return to_json(*view);
}

inline Ask ask_of_hub(std::string tenant, std::string id) {
  return {.caller = caller_of_hub(std::move(tenant), std::move(id))};
}

inline Result<Membership> membership(Memberships& of, const Ask& ask) {
  return of.membership(ask.caller, ask.session);
}

}  // namespace rabt::consultation
