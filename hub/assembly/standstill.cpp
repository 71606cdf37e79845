#include "hub/assembly/standstill.hpp"

#include "hub/consultation/intents/standstill.hpp"

namespace rabt::assembly {

Result<std::vector<engine::Waiting>> Standstill::look() const {
  std::vector<engine::Waiting> found;
  const Timestamp now = clock_.now();
  RABT_TRY_STATUS(engine::add_waiting(store_, tenant_, now, found));
  RABT_TRY_STATUS(consultation::add_waiting(store_, tenant_, now, found));
  return found;
}

Status Standstill::trouble() const {
  RABT_TRY(all, look());
  std::string text;
  for (const engine::Waiting& waiting : all) {
    if (waiting.count == 0) continue;
    if (!text.empty()) text += "; ";
    text += std::to_string(waiting.count) + " for " + std::string(waiting.for_what) +
            ", the oldest since " + std::to_string(waiting.oldest_ms / 60'000) + " minutes";
    if (!waiting.code.empty()) text += " (" + waiting.code + ")";
  }
  if (text.empty()) return ok_status();
  return unavailable("work.waits", "accepted work waits: " + text +
                                       "; see \"Work that waits\" in the operations "
                                       "manual");
}

void write_metrics(const Standstill& standstill, MetricsWriter& out) {
  const auto all = standstill.look();
  if (!all.ok()) return;
  out.gauges("rabt_work_waiting", "Accepted work without progress for 15 minutes.");
  for (const auto& one : *all)
    out.sample("rabt_work_waiting", {{"for", one.for_what}}, static_cast<std::uint64_t>(one.count));
  out.gauges("rabt_work_waiting_oldest_seconds", "Age of the oldest of them.");
  for (const auto& one : *all)
    out.sample("rabt_work_waiting_oldest_seconds", {{"for", one.for_what}},
               static_cast<std::uint64_t>(one.oldest_ms / 1'000));
}

}  // namespace rabt::assembly
