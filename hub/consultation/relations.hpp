#pragma once

#include <string_view>

#include "hub/access/decide.hpp"
#include "hub/base/clock.hpp"
#include "hub/base/random.hpp"
#include "hub/base/result.hpp"
#include "hub/identity/person_store.hpp"
#include "hub/keys/data_keys.hpp"
#include "hub/store/store.hpp"

// What somebody is to a session or a patient, for those who ask outside of the session's own
// service.
namespace rabt::consultation {

// What access::decide() takes of a person and a session. Error not_found session.unknown.
[[nodiscard]] Result<access::Facts> facts_about(store::Store& store, keys::DataKeys& keys,
                                                Random& random, std::string_view tenant,
                                                std::string_view session,
                                                const identity::Person& person);
// Whether a person takes part, as doctor, specialist or nurse, in a session of the patient that is
// planned for the seven days after `now`, runs, or ended not longer than 30 days before it. One
// that was cancelled never counts.
[[nodiscard]] Result<bool> treats(store::Store& store, std::string_view tenant,
                                  std::string_view person, std::string_view patient, Timestamp now);
// Whether a person is admitted to a session that runs.
[[nodiscard]] Result<bool> takes_part_now(store::Store& store, std::string_view tenant,
                                          std::string_view person);

}  // namespace rabt::consultation
