#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "hub/access/decide.hpp"
#include "hub/base/clock.hpp"
#include "hub/base/random.hpp"
#include "hub/base/result.hpp"
#include "hub/identity/merges.hpp"
#include "hub/identity/person_store.hpp"
#include "hub/keys/data_keys.hpp"
#include "hub/store/store.hpp"

// Relations of a person to a session or a patient, for callers outside of the session's own
// service.
namespace rabt::consultation {

// Time after its end in which a session makes its doctors and nurses the patient's.
inline constexpr std::int64_t kTreatsAfterwardsMs = 30LL * 24 * 3'600'000;

// When somebody asks, and privacy.treats_before_hours: how long before its planned start a session
// makes its doctors and nurses the patient's.
struct TreatsWhen {
  Timestamp now;
  std::int64_t before_ms = 0;
};
// Is::treats, Is::opened_alone and Is::planned_later of a person who takes part, as doctor,
// specialist or nurse, in sessions of the patient that run, are planned, or ended not longer than
// 30 days ago. One that was cancelled never counts.
[[nodiscard]] Result<access::Relations> relations_to(store::Store& store, std::string_view tenant,
                                                     std::string_view person,
                                                     std::string_view patient,
                                                     const TreatsWhen& when);
// Facts for access::decide() about a person, a session and its patient. Error not_found
// session.unknown.
[[nodiscard]] Result<access::Facts> facts_about(store::Store& store, keys::DataKeys& keys,
                                                Random& random, std::string_view tenant,
                                                std::string_view session,
                                                const identity::Person& person,
                                                const TreatsWhen& when);
// True if the record is the patient of a session that is waiting or active. A record that was
// merged counts by itself.
[[nodiscard]] Result<bool> has_session_under_way(store::Store& store, std::string_view tenant,
                                                 std::string_view patient);
// Start of the newest session that the patient had, in all records that are read as one. Nothing
// when there was none.
[[nodiscard]] Result<std::optional<Timestamp>> last_visit_of(store::Store& store,
                                                             std::string_view tenant,
                                                             std::string_view patient);
// Puts merges into force that waited for the end of a session.
[[nodiscard]] Status settle_merges(store::Store& store, identity::Merges& merges);
// True if the person is admitted to a session that runs.
[[nodiscard]] Result<bool> takes_part_now(store::Store& store, std::string_view tenant,
                                          std::string_view person);

}  // namespace rabt::consultation
