#include "hub/audit/metrics.hpp"

namespace rabt::audit {

namespace {

std::uint64_t count(std::int64_t value) {
  return static_cast<std::uint64_t>(value);
}

}  // namespace

void write_metrics(const AuditLog& log, MetricsWriter& out) {
  const LogState state = log.state();
  out.gauge("rabt_audit_entries", "Entries of the audit log.", count(state.entries));
  out.gauge("rabt_audit_signed_entries", "Entries under the newest signed checkpoint.",
            count(state.signed_size));
  out.gauge("rabt_audit_refused", "1: a defect of the audit log was found; no act is possible.",
            state.appendable ? 0 : 1);
  out.gauge("rabt_audit_not_signing", "1: the last try to sign a checkpoint failed.",
            state.signing ? 0 : 1);
  if (state.anchors.empty()) return;
  out.gauges("rabt_audit_anchor_entries", "Entries under the checkpoint that an anchor keeps.");
  for (const AnchorState& anchor : state.anchors)
    out.sample("rabt_audit_anchor_entries", {{"anchor", anchor.name}}, count(anchor.size));
  out.gauges("rabt_audit_anchor_failing", "1: an anchor fails or hangs.");
  for (const AnchorState& anchor : state.anchors)
    out.sample("rabt_audit_anchor_failing", {{"anchor", anchor.name}}, anchor.failing ? 1 : 0);
}

void write_metrics(const std::vector<std::unique_ptr<SyslogSender>>& senders, MetricsWriter& out) {
  out.gauges("rabt_audit_syslog_waiting",
             "Entries of the audit log that a syslog server has not confirmed.");
  for (const auto& sender : senders)
    out.sample("rabt_audit_syslog_waiting", {{"server", sender->name()}},
               count(sender->stats().waiting));
  out.gauges("rabt_audit_syslog_behind", "1 while a syslog server is behind its high water.");
  for (const auto& sender : senders)
    out.sample("rabt_audit_syslog_behind", {{"server", sender->name()}},
               sender->stats().behind ? 1 : 0);
  out.counters("rabt_audit_syslog_sent_total", "Messages sent, repeats included.");
  for (const auto& sender : senders)
    out.sample("rabt_audit_syslog_sent_total", {{"server", sender->name()}}, sender->stats().sent);
}

}  // namespace rabt::audit
