#pragma once

#include "hub/consultation/workflow/session_calls.hpp"
#include "tests/consultation/shown.hpp"

namespace rabt::consultation {

// The call of hub://session that asks for the same.
inline plugin::CallRequest call_of(const Ask& ask) {
  plugin::CallRequest call;
  call.tenant = ask.caller.who.tenant;
  call.arguments = ask.body;
  call.arguments.set("session", ask.session);
  return call;
}

}  // namespace rabt::consultation
