#pragma once

#include <functional>
#include <memory>
#include <string>

#include "hub/access/access_control.hpp"
#include "hub/audit/audit_log.hpp"
#include "hub/base/clock.hpp"
#include "hub/base/ids.hpp"
#include "hub/base/log.hpp"
#include "hub/base/metrics.hpp"
#include "hub/base/random.hpp"
#include "hub/blob/blob_store.hpp"
#include "hub/consultation/sessions.hpp"
#include "hub/consultation/settings.hpp"
#include "hub/consultation/surroundings.hpp"
#include "hub/engine/engine.hpp"
#include "hub/identity/people.hpp"
#include "hub/keys/data_keys.hpp"
#include "hub/plugin/call.hpp"
#include "hub/store/store.hpp"

namespace rabt::consultation {

class Practice;
class Records;

struct SessionParts {
  store::Store& store;
  audit::AuditLog& audit;
  keys::DataKeys& keys;
  blob::BlobStore& blobs;
  identity::Directory& directory;
  // Calls the role `video`.
  plugin::ActionRunner& actions;
  const Clock& clock;
  Random& random;
  UlidSource& ids;
  Logger& log;
  std::string tenant;
  VideoSettings settings{};
  // Whether a target declares a feature (docs/plugins/manifest.md). Unset if none does.
  std::function<bool(std::string_view target, std::string_view feature)> has_feature{};
  // Admits administrators' readings of patient data. Null in tests: the audit entry stands alone.
  access::AccessControl* access = nullptr;
};

// The service behind /api/v1/sessions, the compatibility APIs and hub://session. Internally
// synchronised.
class SessionService : public Sessions {
 public:
  // Acts of workflows alone. {status, reference?}; {appointment}, also after the end;
  // {consultation}, once, also after the end.
  virtual Answer set_insurance(const Ask& ask) = 0;
  virtual Answer set_appointment(const Ask& ask) = 0;
  virtual Answer link_consultation(const Ask& ask) = 0;
  // record: a recording of the session, which everybody who took part lets be transcribed.
  // {recording, blob, contentType, language, startedMs, offsetMs}. Errors: not_found
  // recording.unknown, conflict recording.not_ready, consent.transcription_missing.
  virtual Answer transcribable(const Ask& ask) = 0;

  // Before the first request. The surroundings outlive the service.
  virtual void surround(Surroundings& around) = 0;
  // Before begin. keep: writes into the transcript what the provider wrote down of a recording, as
  // Records::add_said.
  using KeepSaid = std::function<Answer(const Ask&)>;
  virtual void keep_said(KeepSaid keep) = 0;
  // Starts the threads that ask the video provider, watch the time and tell events. deliver: gives
  // events to whoever listens, as Engine::accept; an error is tried again.
  using Deliver = std::function<Status(const engine::Delivery&)>;
  virtual void begin(Deliver deliver) = 0;
  // Stops them. Calls in flight are taken up by the next start.
  virtual void stop() = 0;
  // An event of the video provider: org.rabt.session.*. Others are ignored. A repeat changes
  // nothing. Error unavailable: it could not be stored, so the sender must repeat it.
  virtual Status provider_event(const Json& event) = 0;
  // Does what is due by now: timers, calls of the provider, deliveries. For whoever moves the
  // clock.
  virtual void catch_up() = 0;
  virtual void write_metrics(MetricsWriter& out) const = 0;
  [[nodiscard]] virtual const VideoSettings& settings() const = 0;
  // Error unavailable video.unavailable while the video provider refuses the credentials of its
  // plugin.
  [[nodiscard]] virtual Status video_credentials() const = 0;
};
[[nodiscard]] std::unique_ptr<SessionService> make_sessions(SessionParts parts);

inline void write_metrics(const SessionService& sessions, MetricsWriter& out) {
  sessions.write_metrics(out);
}

// hub://session: docs/consultation.md lists its actions.
[[nodiscard]] std::shared_ptr<plugin::HubService> make_session_actions(SessionService& sessions,
                                                                       Records& records,
                                                                       Practice& practice);

}  // namespace rabt::consultation
