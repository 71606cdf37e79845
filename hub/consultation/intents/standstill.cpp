#include "hub/consultation/intents/standstill.hpp"

namespace rabt::consultation {

namespace {

using store::Statement;

constexpr Statement kVideo{
    "SELECT count(*), min(s.updated_ms), coalesce(max(e.code), '') FROM session_effect e INDEXED "
    "BY session_effect_open JOIN session s ON s.tenant = e.tenant AND s.id = e.session WHERE "
    "e.state = 'open' AND e.tenant = $1 AND e.attempts > 0 AND e.kind <> 'collect' AND "
    "s.updated_ms < $2"};
constexpr Statement kRecording{
    "SELECT count(DISTINCT r.id), min(s.ended_ms), coalesce(max(e.code), '') FROM recording r "
    "INDEXED BY recording_waits JOIN session s ON s.tenant = r.tenant AND s.id = r.session LEFT "
    "JOIN session_effect e ON e.tenant = r.tenant AND e.session = r.session AND e.state = 'open' "
    "WHERE r.tenant = $1 AND r.status IN ('recording', 'processing') AND s.ended_ms < $2"};

}  // namespace

Status add_waiting(store::Store& store, std::string_view tenant, Timestamp now,
                   std::vector<engine::Waiting>& out) {
  return engine::count_waiting(store, tenant, now, {{"video", &kVideo}, {"recording", &kRecording}},
                               out);
}

}  // namespace rabt::consultation
