#pragma once

#include "hub/consultation/sessions/creation.hpp"
#include "tests/consultation/shown.hpp"

namespace rabt::consultation {

// Sessions made as the API makes them.
class AskedCreation {
 public:
  explicit AskedCreation(SessionCreation& creation) : creation_(creation) {}

  Answer create(const Ask& ask) {
    return shown(creation_.create(ask.caller, create_session_of(ask)));
  }

 private:
  SessionCreation& creation_;
};

}  // namespace rabt::consultation
