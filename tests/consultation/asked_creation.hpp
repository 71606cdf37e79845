#pragma once

#include "hub/api/requests/session_requests.hpp"
#include "hub/consultation/sessions/creation.hpp"
#include "tests/consultation/shown.hpp"

namespace rabt::consultation {

// Sessions made as the API makes them.
class AskedCreation {
 public:
  explicit AskedCreation(SessionCreation& creation) : creation_(creation) {}

  Answer create(const Ask& ask) {
    return shown(creation_.create(ask.caller, api::create_session_of(ask)));
  }
  Answer create(const Caller& caller, const SessionInput& input) {
    return shown(creation_.create(caller, input));
  }

 private:
  SessionCreation& creation_;
};

}  // namespace rabt::consultation
