#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "hub/access/access_control.hpp"
#include "hub/audit/audit_log.hpp"
#include "hub/audit/export/export.hpp"
#include "hub/audit/export/syslog_sender.hpp"
#include "hub/base/clock.hpp"
#include "hub/base/log.hpp"
#include "hub/crypto/crypto.hpp"
#include "hub/engine/engine.hpp"
#include "hub/http/server.hpp"
#include "hub/http/webhook_signature.hpp"
#include "hub/keys/admin.hpp"
#include "hub/phi/policy.hpp"
#include "hub/plugin/plugin_host.hpp"
#include "hub/store/store.hpp"

namespace rabt::api {

using http::Request;
using http::Response;

// Who may post to /hooks/{name}.
struct Source {
  std::string name;
  std::string plugin;
  http::SignatureConfig signature;
};

// What the hub answers. The OpenAPI description is docs/openapi.yaml. Internally synchronised.
// clang-format off
//   POST /hooks/{source}                     a signed delivery; 202 after the commit
//   GET  /api/v1/instances                   list; ?limit= &before= &status=
//   POST /api/v1/instances/search            of one patient: {patient: KIND:VALUE}, and the same members
//   GET  /api/v1/instances/{id}              one, with its timeline; ?data=true with a reason in X-Rabt-Reason
//   GET  /api/v1/instances/{id}/events       its lifecycle events
//   POST /api/v1/instances/{id}/cancel       {"reason"}
//   POST /api/v1/instances/{id}/resolve      {"outcome": "done|transient|permanent", "output"?, "reason"}
//   GET  /api/v1/workflows                   what is deployed
//   GET  /api/v1/workflows/{name}            the file; ?namespace= &version=
//   POST /api/v1/workflows/plan              {"files": [{"name", "source"}], "prune"?}: what apply would do
//   POST /api/v1/workflows/apply             the same body: all files or none
//   GET  /api/v1/recordings/{id}             what is kept; /content streams it (reason in X-Rabt-Reason, audited first)
//   POST /api/v1/audit/report                {"patient": "KIND:VALUE", "from"?, "to"?}: who saw what of one patient
//   POST /api/v1/audit/export                {"format": "fhir|syslog|jsonl", ...}: entries, a page at a time
//   GET  /api/v1/break-glass                 grants with what was read under them; ?reviewed=all
//   POST /api/v1/break-glass                 {"instance" or "patient", "reason", "minutes"?}: opens a grant
//   POST /api/v1/break-glass/{id}/close
//   POST /api/v1/break-glass/{id}/review     {"by"}
//   GET  /api/v1/keys                        root, buckets, holds
//   POST /api/v1/keys/{verb}                 rotate, rewrap, shred, hold, release; see hub/keys/requests.hpp
//   POST /api/v1/plugins/acts                {"act", "object", "detail"}: what `rabt plugin` did to the store, for the audit log
//   POST /api/v1/plugins/{id}/release        ends a plugin's quarantine
//   POST /api/v1/plugins/{id}/upgrade        a newer version takes the new calls
//   GET  /health, /metrics
// clang-format on
class Routes {
 public:
  struct Parts {
    engine::Engine& engine;
    plugin::PluginHost& plugins;
    blob::BlobStore& blobs;
    store::Store& store;
    audit::AuditLog& audit;
    const crypto::Keyring& keyring;
    keys::KeyAdmin& key_admin;
    access::AccessControl& gate;
    const access::PatientDetail& details;
    audit::ExportSource source;  // as exports name this hub
    const std::vector<std::unique_ptr<audit::SyslogSender>>& senders;
    const Clock& clock;
    Logger& log;
    const phi::Policy& privacy = phi::strict_policy();
    // Loads a newer version of a plugin: {id, loaded, retired, serving}. Blocks while it starts.
    std::function<Result<Json>(const std::string& id)> upgrade_plugin = {};
  };
  Routes(Parts parts, std::string tenant, crypto::Digest token_sha256, std::vector<Source> sources);
  // Problem documents have passed the privacy policy.
  [[nodiscard]] Response handle(const Request& request);

 private:
  [[nodiscard]] Response answer(const Request& request);
  [[nodiscard]] Response hook(const Request& request, std::string_view source);
  [[nodiscard]] Response api(const Request& request, std::string_view path);
  [[nodiscard]] Response instances(const Request& request);
  [[nodiscard]] Response search(const Request& request);
  [[nodiscard]] Response instance(const Request& request, std::string_view id);
  [[nodiscard]] Response cancel(const Request& request, std::string_view id);
  [[nodiscard]] Response resolve(const Request& request, std::string_view id);
  [[nodiscard]] Response workflows(const Request& request, std::string_view name);
  [[nodiscard]] Response deploy(const Request& request, bool apply);
  [[nodiscard]] Response recording(const Request& request, std::string_view id, bool content);
  // routes_audit.cpp
  [[nodiscard]] Response audit(const Request& request, std::string_view what);
  [[nodiscard]] Response audit_report(const Request& request, const Json& body);
  [[nodiscard]] Response audit_export(const Request& request, const Json& body);
  [[nodiscard]] Response break_glass(const Request& request, std::string_view id,
                                     std::string_view verb);
  // The blind index of "KIND:VALUE". Errors: api.patient, phi.*.
  [[nodiscard]] Result<std::string> patient_index(std::string_view text) const;
  // routes_keys.cpp
  [[nodiscard]] Response keys(const Request& request, std::string_view verb);
  // routes_plugin_acts.cpp
  [[nodiscard]] Response plugin_acts(const Request& request);
  // routes_plugins.cpp
  [[nodiscard]] Response plugin(const Request& request, std::string_view id, std::string_view verb);
  // Who sent the request and why, as its headers tell.
  [[nodiscard]] static access::Reader reader_of(const Request& request);

  [[nodiscard]] Response health() const;
  [[nodiscard]] Response metrics() const;
  // routes_plugins.cpp: what both say of plugins.
  [[nodiscard]] static Json plugin_health(const plugin::PluginHost::PluginState& state);
  static void plugin_metrics(const std::vector<plugin::PluginHost::PluginState>& plugins,
                             std::string& out);
  [[nodiscard]] bool authorised(const Request& request) const;
  void audit_refusal(std::string_view source, std::string_view code);

  Parts parts_;
  std::string tenant_;
  crypto::Digest token_sha256_;
  std::map<std::string, Source, std::less<>> sources_;
  std::atomic<std::uint64_t> refused_signatures_{0};
  std::atomic<std::uint64_t> refused_tokens_{0};
  std::atomic<std::int64_t> last_refusal_audit_ms_{-1'000'000};
};

}  // namespace rabt::api
