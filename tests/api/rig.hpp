#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hub/api/api.hpp"
#include "hub/audit/export/syslog_sender.hpp"
#include "hub/consultation/sessions/sessions.hpp"
#include "hub/consultation/tasks/tasks.hpp"
#include "hub/repair/runner.hpp"
#include "tests/engine/rig.hpp"
#include "tests/must.hpp"

// The API over the rig of the engine, without sockets.
namespace rabt::api {

inline constexpr std::string_view kToken = "rabt_0123456789abcdef";

using rabt::test::must;

// A request as the server hands it on. The target may have a query.
[[nodiscard]] http::Request request(std::string method, std::string target, std::string body = {});
[[nodiscard]] Json json(const http::Response& response);
// The code of a problem document; empty when the body has none.
[[nodiscard]] std::string code(const http::Response& response);
// The member or parameter that an api.invalid names first; the code of every other answer.
[[nodiscard]] std::string wrong_member(const http::Response& response);
// The first header of this name.
[[nodiscard]] std::string header(const http::Response& response, std::string_view name);

class ApiRig {
 public:
  struct Options {
    access::ReadPolicy policy = access::ReadPolicy::reason;
    std::string boot = "boot";
    std::vector<Source> sources;
    std::vector<identity::IssuerOptions> issuers;
    std::vector<identity::OidcOptions> oidc;
    // HTTP exchange with issuers of OpenID Connect.
    identity::Exchange exchange;
    // In place of the rig's.
    audit::AuditLog* audit = nullptr;
    const Clock* clock = nullptr;
    RateOptions rates = RateOptions::none();
    Proxies proxies = {};
    Cors cors = {};
    identity::SecondPersonOptions second_person{.acts = {}};
    // Of GET /health.
    std::vector<std::string> warnings = {};
  };
  ApiRig();
  explicit ApiRig(Options options);
  // Begins anew over the same data, as another process would.
  void open(Options options);

  // Answer to the request's head alone, before its body.
  [[nodiscard]] http::Admission admit(const http::Request& head, std::string_view listener = {});
  // As the server asks: the head first, the body when the head is admitted.
  [[nodiscard]] http::Response handle(const http::Request& request);
  // Below /api/v1/, with the token.
  [[nodiscard]] http::Response api(std::string method, const std::string& path,
                                   std::string body = {},
                                   std::vector<std::pair<std::string, std::string>> headers = {});

  // Stores content as the recording of a consultation. The id of the recording.
  std::string store_recording(const std::string& consultation, const std::string& content,
                              const std::string& content_type);
  [[nodiscard]] identity::Watch& watch() { return *watch_; }
  // The blob of the recording that was stored last.
  [[nodiscard]] const std::string& last_blob() const { return last_blob_; }

  engine::Rig hub;
  SystemRandom random;
  UlidSource ids{hub.clock(), random};
  access::PatientDetail details{hub.keys(), hub.store(), random};
  engine::PatientIndex patients{hub.store(), "t1"};
  std::vector<std::unique_ptr<audit::SyslogSender>> senders;
  // Failing parts in the answer of GET /health.
  Json troubles = Json::object();
  // Of the servers that the audit log requires.
  Status senders_ready = ok_status();
  std::unique_ptr<access::Grants> grants;
  std::unique_ptr<identity::People> people;
  std::unique_ptr<identity::Accounts> accounts;
  std::unique_ptr<identity::Clients> clients;
  std::unique_ptr<identity::Approvals> approvals;
  std::unique_ptr<identity::Merges> merges;
  std::unique_ptr<identity::PersonPairs> pairs;
  std::unique_ptr<const consultation::Tasks> tasks;
  std::unique_ptr<repair::Repairs> repairs;
  // Not started: tests call turn().
  std::unique_ptr<repair::Runner> repair_runner;
  std::unique_ptr<alerts::Alerts> alerts;

 private:
  std::unique_ptr<access::AccessControl> access_;
  std::unique_ptr<keys::KeyAdmin> key_admin_;
  std::unique_ptr<identity::Issuers> issuers_;
  std::unique_ptr<net::HttpClient> http_;
  std::unique_ptr<webhooks::Webhooks> webhooks_;
  std::unique_ptr<identity::Oidc> oidc_;
  std::unique_ptr<identity::Authenticator> authenticator_;
  std::unique_ptr<identity::Watch> watch_;
  std::unique_ptr<Views> views_;
  std::unique_ptr<consultation::Sessions> sessions_;
  std::unique_ptr<Replays> replays_;
  std::unique_ptr<DeliveryOutcomes> outcomes_;
  std::unique_ptr<Cursors> cursors_;
  std::unique_ptr<Api> api_;
  std::string last_blob_;
};

}  // namespace rabt::api
