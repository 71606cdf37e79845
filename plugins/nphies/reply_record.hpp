#pragma once

#include <string>
#include <string_view>

#include "answers.hpp"
#include "json_text.hpp"
#include "message.hpp"

// Stored record of the replies to one claim, and the keys in the store.
namespace rabt::nphies {

// prefix + name, shortened with a digest when it would not fit a key of 256 bytes.
[[nodiscard]] std::string store_key(std::string_view prefix, std::string_view name);
// "system|value"
[[nodiscard]] std::string claim_name(const Identifier& claim);

// The record's JSON: {"claim": identifier, "seen": [Bundle.id, ...], "response": Bundle,
// "messages": [{"event", "id"}]}. seen: the last 64, oldest first. messages: other messages about
// the claim, kept whole under "inbox/<id>"; the last 256.
[[nodiscard]] Json new_record(const Identifier& claim);
// Puts one nested message into the record. A Bundle.id that was seen changes nothing. A
// ClaimResponse replaces an earlier one (a reissue counts), but one that is still queued never
// replaces a final one. Returns whether the record changed.
bool file_reply(Json& record, const Json& bundle, const Message& message);
// The Bundle.id, or a digest of the content when the message has none.
[[nodiscard]] std::string message_id(const Json& bundle, const Message& message);

}  // namespace rabt::nphies
