#include "hub/http/event_stream.hpp"

#include <algorithm>

#include "hub/base/check.hpp"

namespace rabt::http {

namespace {

void append_field(std::string& out, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  if (value.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos) {
    RABT_BUG("a field of an event has a line end");
    return;
  }
  out.append(name).append(": ").append(value).append("\n");
}

}  // namespace

std::string event_text(std::string_view id, std::string_view kind, std::string_view data) {
  std::string out;
  out.reserve(data.size() + id.size() + kind.size() + 32);
  append_field(out, "id", id);
  append_field(out, "event", kind);
  // A lone carriage return ends a line, too.
  for (;;) {
    const std::size_t end = std::min(data.find_first_of("\r\n"), data.size());
    out.append("data: ").append(data.substr(0, end)).append("\n");
    if (end == data.size()) break;
    data.remove_prefix(end + (data.substr(end).starts_with("\r\n") ? 2 : 1));
  }
  out.push_back('\n');
  return out;
}

}  // namespace rabt::http
