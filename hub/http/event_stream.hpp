#pragma once

#include <string>
#include <string_view>

// Server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html). A stream of
// them is an answer with Response::events.
namespace rabt::http {

// One event as it goes out. id, which the caller gives back in Last-Event-ID, and kind may be
// empty, and hold no line ends; data may have several lines.
[[nodiscard]] std::string event_text(std::string_view id, std::string_view kind,
                                     std::string_view data);

}  // namespace rabt::http
