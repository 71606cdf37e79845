#include <gtest/gtest.h>

#include <set>
#include <sstream>

#include "hub/audit/metrics.hpp"
#include "hub/phi/metrics.hpp"
#include "tests/api/anchored_log.hpp"
#include "tests/api/rig.hpp"

// GET /metrics. tests/lint/documents.sh compares the names with docs/operations.md.
namespace rabt::api::metrics_test {
namespace {

// A metric's name is what dashboards and alarms of the operators are made of: it does not change.
const std::set<std::string> kNames{"rabt_actions_held",
                                   "rabt_actions_parked_total",
                                   "rabt_actions_resent_total",
                                   "rabt_actions_total",
                                   "rabt_alert_tellings_total",
                                   "rabt_alerts_open",
                                   "rabt_api_limited_total",
                                   "rabt_api_refused_total",
                                   "rabt_audit_anchor_entries",
                                   "rabt_audit_anchor_failing",
                                   "rabt_audit_entries",
                                   "rabt_audit_not_signing",
                                   "rabt_audit_refused",
                                   "rabt_audit_signed_entries",
                                   "rabt_audit_syslog_behind",
                                   "rabt_audit_syslog_sent_total",
                                   "rabt_audit_syslog_waiting",
                                   "rabt_break_glass_opened_total",
                                   "rabt_break_glass_reads_total",
                                   "rabt_bugs_total",
                                   "rabt_deliveries_lost_total",
                                   "rabt_deliveries_refused_total",
                                   "rabt_deliveries_repeated_total",
                                   "rabt_deliveries_total",
                                   "rabt_events_total",
                                   "rabt_instances_live",
                                   "rabt_instances_total",
                                   "rabt_keyring_not_written",
                                   "rabt_patient_reads_refused_total",
                                   "rabt_patient_reads_total",
                                   "rabt_phi_withheld_total",
                                   "rabt_plugin_answers_total",
                                   "rabt_plugin_calls_total",
                                   "rabt_plugin_crashes_total",
                                   "rabt_plugin_forbidden_total",
                                   "rabt_plugin_quarantined",
                                   "rabt_plugin_restarts_total",
                                   "rabt_plugin_storage_bytes",
                                   "rabt_plugin_storage_limit_bytes",
                                   "rabt_plugin_up",
                                   "rabt_plugin_violations_total",
                                   "rabt_results_late_total",
                                   "rabt_store_commits_total",
                                   "rabt_store_disk_full",
                                   "rabt_store_jobs_total",
                                   "rabt_store_queued",
                                   "rabt_store_rows_total",
                                   "rabt_task_faults_total",
                                   "rabt_timer_late_seconds",
                                   "rabt_turns_total"};

std::string page_of(ApiRig& rig) {
  http::Request made = request("GET", "/metrics");
  made.headers = {{"authorization", "Bearer " + std::string(kToken)}};
  return rig.handle(made).body;
}

TEST(MetricsPage, HasEveryMetricOnceUnderItsName) {
  ApiRig rig;
  AnchoredLog log(rig.hub.audit(), {{.name = "folder \"a\"", .failing = true, .size = 7}});
  rig.open({.audit = &log});
  const std::string page = page_of(rig);
  std::multiset<std::string> typed;
  std::istringstream lines(page);
  for (std::string line; std::getline(lines, line);) {
    const std::string type = "# TYPE ";
    if (line.starts_with(type))
      typed.insert(line.substr(type.size(), line.rfind(' ') - type.size()));
  }
  EXPECT_EQ(typed, std::multiset<std::string>(kNames.begin(), kNames.end()));
  EXPECT_NE(page.find("rabt_audit_anchor_entries{anchor=\"folder \\\"a\\\"\"} 7\n"),
            std::string::npos);
  EXPECT_NE(page.find("rabt_audit_anchor_failing{anchor=\"folder \\\"a\\\"\"} 1\n"),
            std::string::npos);
}

TEST(MetricsPage, ASampleStandsBelowTheHelpOfItsMetric) {
  ApiRig rig;
  std::istringstream lines(page_of(rig));
  std::string name;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("# HELP ")) name = line.substr(7, line.find(' ', 7) - 7);
    if (line.starts_with("#")) continue;
    EXPECT_EQ(line.substr(0, line.find_first_of("{ ")), name);
  }
}

}  // namespace
}  // namespace rabt::api::metrics_test
