#include "hub/consultation/practice/long_waits.hpp"

#include <map>

#include "hub/consultation/practice/waiting.hpp"

namespace rabt::consultation {

namespace {

NewTask task_of(const LongWait& wait) {
  NewTask out;
  out.task.kind = kLongWait;
  out.task.title = "waiting.long";
  out.task.role = "desk";
  out.task.object_type = "session";
  out.task.object = wait.session;
  out.content.data =
      Json::object({{"participant", wait.participant}, {"since", to_iso8601({wait.since_ms})}});
  out.content.schema = form_of({"told", "doctor-called", "moved"});
  out.call = "waiting/" + wait.session + "/" + std::to_string(wait.event);
  return out;
}

}  // namespace

Status LongWaits::turn() const {
  RABT_TRY(waits, long_waits(parts_.store, parts_.tenant, {parts_.clock.now().ms - kLongWaitMs}));
  RABT_TRY(open, parts_.tasks.open_of(kLongWait));
  for (const LongWait& wait : waits) {
    NewTask wanted = task_of(wait);
    RABT_TRY(call, parts_.tasks.call_of(wanted));
    if (open.erase(call) > 0) continue;
    // It was answered, and the person still waits.
    RABT_TRY(present, parts_.tasks.knows(call));
    if (present) continue;
    if (!wait.patient.empty()) {
      if (const auto patient = parts_.people.find(parts_.tenant, wait.patient); patient.ok())
        wanted.task.patient = patient->pseudonym;
    }
    RABT_TRY_STATUS(parts_.tasks.open(wanted));
  }
  for (const auto& [call, task] : open) RABT_TRY_STATUS(parts_.tasks.close(task));
  return ok_status();
}

}  // namespace rabt::consultation
