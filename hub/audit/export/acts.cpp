#include "hub/audit/export/acts.hpp"

#include <array>

namespace rabt::audit {

namespace {

constexpr std::string_view kPatientRecord = "Patient Record";
constexpr std::string_view kAlert = "Security Alert";

// Codes and their meanings: DICOM PS3.16, CID 400 and CID 401.
constexpr std::array kActs{
    Act{"instance.read", Pattern::read, 'R', "110110", kPatientRecord, "", ""},
    Act{"recording.read", Pattern::read, 'R', "110110", kPatientRecord, "", ""},
    Act{"instance.search", Pattern::query, 'E', "110112", "Query", "", ""},
    Act{"webhook.accepted", Pattern::create, 'C', "110110", kPatientRecord, "", ""},
    Act{"action.sent", Pattern::disclosure, 'R', "110106", "Export", "", ""},
    Act{"instance.started", Pattern::general, 'C', "110110", kPatientRecord, "", ""},
    Act{"recording.stored", Pattern::general, 'C', "110110", kPatientRecord, "", ""},
    Act{"delivery.read", Pattern::general, 'R', "110110", kPatientRecord, "", ""},
    Act{"audit.report", Pattern::general, 'R', "110101", "Audit Log Used", "", ""},
    Act{"audit.exported", Pattern::general, 'R', "110101", "Audit Log Used", "", ""},
    Act{"break_glass.opened", Pattern::general, 'E', "110113", kAlert, "110127",
        "Emergency Override Started"},
    Act{"break_glass.closed", Pattern::general, 'E', "110113", kAlert, "110138",
        "Emergency Override Stopped"},
    Act{"break_glass.expired", Pattern::general, 'E', "110113", kAlert, "110138",
        "Emergency Override Stopped"},
    Act{"break_glass.reviewed", Pattern::general, 'R', "110101", "Audit Log Used", "", ""},
    Act{"webhook.refused", Pattern::general, 'E', "110113", kAlert, "110126",
        "Node Authentication"},
    Act{"access.refused", Pattern::general, 'E', "110113", kAlert, "110132",
        "Use of Restricted Function"},
    Act{"workflow.deployed", Pattern::general, 'U', "110113", kAlert, "110131",
        "Software Configuration"},
    Act{"workflow.removed", Pattern::general, 'D', "110113", kAlert, "110131",
        "Software Configuration"},
    Act{"map.changed", Pattern::general, 'U', "110113", kAlert, "110131", "Software Configuration"},
    Act{"map.removed", Pattern::general, 'D', "110113", kAlert, "110131", "Software Configuration"},
    Act{"plugin.loaded", Pattern::general, 'E', "110113", kAlert, "110131",
        "Software Configuration"},
    Act{"plugin.migrated", Pattern::general, 'U', "110113", kAlert, "110131",
        "Software Configuration"},
    Act{"plugin.added", Pattern::general, 'C', "110113", kAlert, "110131",
        "Software Configuration"},
    Act{"plugin.removed", Pattern::general, 'D', "110113", kAlert, "110131",
        "Software Configuration"},
    Act{"plugin.key_added", Pattern::general, 'C', "110113", kAlert, "110129",
        "Security Configuration"},
    Act{"plugin.key_removed", Pattern::general, 'D', "110113", kAlert, "110129",
        "Security Configuration"},
    Act{"plugin.retired", Pattern::general, 'E', "110113", kAlert, "110131",
        "Software Configuration"},
    Act{"plugin.released", Pattern::general, 'E', "110113", kAlert, "110131",
        "Software Configuration"},
    Act{"plugin.forbidden", Pattern::general, 'E', "110113", kAlert, "110132",
        "Use of Restricted Function"},
    Act{"plugin.withheld", Pattern::general, 'E', "110113", kAlert, "110132",
        "Use of Restricted Function"},
    Act{"plugin.violation", Pattern::general, 'E', "110113", kAlert, "110132",
        "Use of Restricted Function"},
    Act{"plugin.crashed", Pattern::general, 'E', "110100", "Application Activity", "110121",
        "Application Stop"},
    Act{"plugin.quarantined", Pattern::general, 'E', "110100", "Application Activity", "110121",
        "Application Stop"},
    Act{"plugin.interrupted", Pattern::general, 'E', "110100", "Application Activity", "110121",
        "Application Stop"},
    Act{"hub.started", Pattern::general, 'E', "110100", "Application Activity", "110120",
        "Application Start"},
    Act{"hub.stopped", Pattern::general, 'E', "110100", "Application Activity", "110121",
        "Application Stop"},
};
constexpr Act kKeyAct{"",       Pattern::general,        'E', "110113", kAlert,
                      "110129", "Security Configuration"};
constexpr Act kOther{"", Pattern::general, 'E', "", "", "", ""};

}  // namespace

const Act& act_of(std::string_view name) {
  for (const Act& act : kActs) {
    if (act.name == name) return act;
  }
  if (name.starts_with("keys.") || name.starts_with("key.")) return kKeyAct;
  return kOther;
}

}  // namespace rabt::audit
