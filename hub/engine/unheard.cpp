#include <set>

#include "hub/engine/impl.hpp"
#include "hub/workflow/said.hpp"

// Start events that found their business key taken, by an instance that never heard them.
namespace rabt::engine {

Result<bool> Engine::Impl::settled(const UnheardStart& unheard, const Json& envelope) const {
  RABT_TRY(row, reader.row(unheard.instance));
  const bool cancelled = row.status == as_int(workflow::InstanceStatus::cancelled);
  RABT_TRY(lease, context.parts.keys.lease(row.tenant));
  const auto from = reader.materials(row, lease);
  if (!from.ok()) {
    // The journal is gone, the end is known.
    if (cancelled && from.error().kind == ErrorKind::not_found) return true;
    return from.error();
  }
  if (cancelled) {
    // An event that came afterwards, while the end waited for a call, is news.
    RABT_TRY(received, events.received_at(unheard.event));
    const auto at = workflow::cancelled_at(from->inputs);
    if (!at || received <= *at) return true;
  }
  return workflow::knows_newer(from->inputs, envelope);
}

Result<bool> Engine::Impl::start_unheard(const UnheardStart& unheard) {
  Logger& log = context.parts.log;
  auto envelope = events.read(unheard.event);
  if (!envelope.ok()) {
    if (envelope.error().kind != ErrorKind::not_found) return envelope.error();
    // Its retention is over.
    log.warn("event.unheard", {{"event", unheard.event}});
    envelope = Json();
  } else {
    const auto done = settled(unheard, *envelope);
    // The journal of an instance whose retention is over cannot be read: nothing is settled by it.
    if (!done.ok() && done.error().kind != ErrorKind::not_found) return done.error();
    if (done.ok() && *done) {
      log.info("event.settled", {{"event", unheard.event}});
      envelope = Json();
    }
  }
  RABT_TRY(after, events.start_unheard(unheard, *envelope));
  for (const BeginInstance& begin : after.begins)
    log.info("event.starts_next", {{"instance", begin.id}});
  const bool started = !after.begins.empty();
  router.route(std::move(after));
  return started;
}

void Engine::Impl::start_unheard() {
  const auto tell = [this](const Error& error) {
    // The next sweep tries it again.
    context.parts.log.warn("engine.unheard_failed", {{"code", error.code}});
  };
  const auto found = events.unheard();
  if (!found.ok()) return tell(found.error());
  // Keys whose next instance was started, or whose first event cannot be read now.
  std::set<std::string> done;
  for (const UnheardStart& start : *found) {
    if (stopping || done.contains(start.business_key)) continue;
    const auto started = start_unheard(start);
    if (!started.ok()) tell(started.error());
    if (!started.ok() || *started) done.insert(start.business_key);
  }
}

}  // namespace rabt::engine
