#include "hub/consultation/intents/standstill.hpp"

#include "hub/consultation/intents/statements.hpp"

namespace rabt::consultation {

Status add_waiting(store::Store& store, std::string_view tenant, Timestamp now,
                   std::vector<engine::Waiting>& out) {
  return engine::count_waiting(
      store, tenant, now,
      {{"video", &sql::intents::kVideoWaits}, {"recording", &sql::intents::kRecordingWaits}}, out);
}

}  // namespace rabt::consultation
