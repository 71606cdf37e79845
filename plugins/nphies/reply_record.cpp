#include "reply_record.hpp"

#include <cstdint>

#include "rabt/text.hpp"

namespace rabt::nphies {
namespace {

// Bytes of a key in the host's store.
constexpr std::size_t kMaxKey = 256;
// Reissues of one claim are few.
constexpr std::size_t kMaxSeen = 64;
constexpr std::size_t kMaxMessages = 256;

bool is_final(const Json& bundle) {
  const Message message = read_message(bundle);
  const Json out = claim_output({}, Json::object(), &message);
  return find(out, "final")->get<bool>();
}

void keep_last(Json& list, std::size_t limit) {
  if (list.size() > limit) list.erase(list.begin());
}

}  // namespace

std::string store_key(std::string_view prefix, std::string_view name) {
  std::string out(prefix);
  if (prefix.size() + name.size() <= kMaxKey) return out.append(name);
  return out.append(name.substr(0, 200)).append("#").append(sdk::fingerprint(name));
}

std::string claim_name(const Identifier& claim) {
  return claim.system + "|" + claim.value;
}

Json new_record(const Identifier& claim) {
  Json out = Json::object();
  out["claim"] = to_json(claim);
  out["seen"] = Json::array();
  out["messages"] = Json::array();
  return out;
}

std::string message_id(const Json& bundle, const Message& message) {
  return message.bundle_id.empty() ? sdk::fingerprint(write_json(bundle)) : message.bundle_id;
}

bool file_reply(Json& record, const Json& bundle, const Message& message) {
  const std::string id = message_id(bundle, message);
  for (const Json& seen : array_at(record, "seen")) {
    if (seen == id) return false;
  }
  record["seen"].push_back(id);
  keep_last(record["seen"], kMaxSeen);
  if (message.focus != nullptr && text_at(*message.focus, "resourceType") == "ClaimResponse") {
    const Json* earlier = find(record, "response");
    if (earlier == nullptr || !is_final(*earlier) || is_final(bundle)) record["response"] = bundle;
  } else {
    Json note = Json::object();
    note["event"] = message.event;
    note["id"] = id;
    record["messages"].push_back(std::move(note));
    keep_last(record["messages"], kMaxMessages);
  }
  return true;
}

}  // namespace rabt::nphies
