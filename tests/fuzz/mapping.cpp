#include "hub/mapping/mapping.hpp"

#include "hub/mapping/limits.hpp"
#include "tests/fuzz/input.hpp"

// Input: one byte that says which format, then the body. A rule copies texts of the message into an
// event; whatever comes is taken or refused, and what is refused has events of nothing.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace rabt;
  static const auto* const mappings = [] {
    auto* out = new std::vector<std::shared_ptr<const mapping::Mapping>>();
    for (const char* format : {"json", "xml", "csv", "hl7v2", "form", "fhir"}) {
      const auto made = mapping::load(
          {.name = "fuzz.yaml",
           .text = std::string("mapping: 1\nformat: ") + format +
                   "\nzone: Europe/Berlin\nrules:\n  - type: org.rabt.appointment.booked.v1\n"
                   "    data: {all: '${ . }', at: '${ try instant(.start) catch null }', "
                   "name: '${ try hl7(\"PID-5.1\") catch null }', "
                   "list: '${ try resources(\"Patient\") catch null }'}\n",
           .parts = {}});
      fuzz::require(made.ok(), "the mapping is good");
      out->push_back(*made);
    }
    return out;
  }();
  if (size == 0) return 0;
  const auto& mapping = (*mappings)[data[0] % mappings->size()];
  const mapping::Taken taken = mapping->take(
      {.body = fuzz::text(data + 1, size - 1), .digest = "d", .source = "s", .now_seconds = 0});
  fuzz::require(taken.refused.empty() || taken.events.size() == 0, "what is refused gives nothing");
  fuzz::require(taken.events.size() <= static_cast<std::size_t>(limits::kMaxEventsPerDelivery),
                "events are bounded");
  fuzz::require(Json::parse(taken.events.dump()).ok(), "events are JSON");
  fuzz::require(Json::parse(taken.answers.dump()).ok(), "answers are JSON");
  return 0;
}
