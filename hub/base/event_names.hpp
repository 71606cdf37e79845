#pragma once

#include <string>
#include <string_view>
#include <vector>

// The events that the hub tells: workflows as `org.rabt.hub.<name>.v1`, webhooks and brokers by
// their name. docs/consultation.md lists the same; a test compares.
namespace rabt {

// "session.created", in the order of the page.
[[nodiscard]] const std::vector<std::string>& event_names();
[[nodiscard]] bool is_event_name(std::string_view name);

// "session.created" -> "org.rabt.hub.session.created.v1"
[[nodiscard]] std::string event_type(std::string_view name);
// The other way. Empty for a type that is not of this form.
[[nodiscard]] std::string_view event_name(std::string_view type);
// True if a type claims to be the hub's.
[[nodiscard]] bool is_hub_type(std::string_view type);

}  // namespace rabt
