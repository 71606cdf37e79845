#include "hub/store/metrics.hpp"

namespace rabt::store {

void write_metrics(const Store& store, MetricsWriter& out) {
  const Store::Stats stats = store.stats();
  out.counter("rabt_store_commits_total", "Transactions committed.", stats.commits);
  out.counter("rabt_store_jobs_total", "Jobs committed; jobs by commits is the group size.",
              stats.jobs);
  out.counter("rabt_store_rows_total", "Rows written.", stats.rows);
  out.gauge("rabt_store_queued", "Jobs waiting for the writer.", stats.queued);
  out.gauge("rabt_store_disk_full", "1 while the disk is full.", stats.disk_full ? 1 : 0);
}

}  // namespace rabt::store
