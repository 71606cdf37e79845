#include <array>

#include "hub/mapping/mapping.hpp"

// Events of appointments and of payments, which every mapping may give: sdk/capabilities/ehr.
namespace rabt::embedded {
extern const std::string_view appointment_booked;
extern const std::string_view appointment_updated;
extern const std::string_view appointment_cancelled;
extern const std::string_view appointment_noshow;
extern const std::string_view payment_confirmed;
}  // namespace rabt::embedded

namespace rabt::mapping {

const EventShapes& shared_shapes() {
  static const auto* const shapes = [] {
    auto* out = new EventShapes();  // lives as long as the program
    for (const std::string_view text :
         {embedded::appointment_booked, embedded::appointment_updated,
          embedded::appointment_cancelled, embedded::appointment_noshow,
          embedded::payment_confirmed}) {
      const auto contract = Json::parse(text);
      RABT_CHECK(contract.ok());
      out->emplace(contract->string_or("event", ""), (*contract)["data"]);
    }
    return out;
  }();
  return *shapes;
}

}  // namespace rabt::mapping
