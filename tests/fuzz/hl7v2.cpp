#include "plugins/hl7v2/hl7.hpp"

#include "plugins/hl7v2/booking.hpp"
#include "rabt/json_nlohmann.hpp"
#include "tests/fuzz/input.hpp"

// A message: what is read is written so that it reads the same, and every message has an answer.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace rabt;
  using namespace rabt::hl7v2;
  const std::string_view bytes = fuzz::text(data, size);
  const sdk::Events events = to_events(bytes, Settings(), 0);
  fuzz::require(events.error.empty(), "whatever comes is answered");
  const Json given = Json::parse(events.json);
  Message answer;
  answer.read(given["answers"]["failed"].get<std::string>().empty()
                  ? "MSH|^~\\&|\r"
                  : given["answers"]["failed"].get<std::string>(),
              "UNICODE UTF-8");
  Message message;
  try {
    message.read(bytes, "UNICODE UTF-8");
  } catch (const Fault&) {
    return 0;
  }
  for (const Segment& segment : message.segments()) {
    for (std::size_t field = 1; field < 50; ++field) {
      const Value value = segment.first(field);
      Writer writer;
      writer.segment("MSH").segment("ZZZ").encoded(1, value.encoded());
      Message again;
      again.read(writer.str(), "UNICODE UTF-8");
      const Segment* const written = again.find("ZZZ");
      // The result of an escape sequence may look like the null of HL7.
      if (value.part(1) == "\"\"") continue;
      fuzz::require(written != nullptr && written->text(1) == value.part(1),
                    "a value reads the same when it was written");
    }
  }
  return 0;
}
