#pragma once

#include <memory>
#include <vector>

#include "hub/audit/audit_log.hpp"
#include "hub/audit/export/syslog_sender.hpp"
#include "hub/base/metrics.hpp"

namespace rabt::audit {

void write_metrics(const AuditLog& log, MetricsWriter& out);
void write_metrics(const std::vector<std::unique_ptr<SyslogSender>>& senders, MetricsWriter& out);

}  // namespace rabt::audit
