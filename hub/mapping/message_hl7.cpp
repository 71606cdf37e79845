#include "hub/mapping/limits.hpp"
#include "hub/mapping/message.hpp"
#include "rabt/hl7.hpp"

// HL7 v2 through the reader that the plugin hl7v2 has.
namespace rabt::mapping {

namespace {

using sdk::hl7::Segment;
using sdk::hl7::Value;

Json repetition(const Value& value, std::size_t& values) {
  Json out = Json::object();
  for (int component = 1; component <= value.components(); ++component) {
    const int parts = value.subcomponents(component);
    const std::string name = std::to_string(component);
    for (int part = 1; part <= parts; ++part) {
      std::string text = value.part(component, part);
      if (text.empty()) continue;
      ++values;
      if (part == 1) out.set(name, Json(text));
      if (parts > 1) out.set(name + "." + std::to_string(part), Json(std::move(text)));
    }
  }
  return out;
}

Json fields_of(const Segment& segment, std::size_t& values) {
  Json out = Json::object();
  const bool head = segment.name() == "MSH";
  for (std::size_t field = head ? 3 : 1; field <= segment.last_field(); ++field) {
    Json list = Json::array();
    for (const Value& value : segment.all(field)) {
      Json one = repetition(value, values);
      if (one.size() > 0) list.push_back(std::move(one));
    }
    if (list.size() > 0) out.set(std::to_string(field), std::move(list));
  }
  return out;
}

}  // namespace

Result<Json> read_hl7(const Reading& reading, std::string_view body) {
  sdk::hl7::Message message;
  try {
    message.read(body, reading.charset);
  } catch (const sdk::hl7::Fault& fault) {
    const std::string place = fault.segment().empty() ? "the message"
                              : fault.field() == 0
                                  ? fault.segment()
                                  : fault.segment() + "-" + std::to_string(fault.field());
    return invalid("mapping.syntax", place + ": " + fault.what());
  }
  Json out = Json::object();
  std::size_t values = 0;
  for (const Segment& segment : message.segments()) {
    const std::string name(segment.name());
    Json list = out[name].is_array() ? out[name] : Json::array();
    list.push_back(fields_of(segment, values));
    RABT_TRY_STATUS(check_size(values));
    out.set(name, std::move(list));
  }
  return out;
}

}  // namespace rabt::mapping
