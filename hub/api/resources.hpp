#pragma once

#include "hub/api/access.hpp"
#include "hub/api/accounts.hpp"
#include "hub/api/alerts.hpp"
#include "hub/api/approvals.hpp"
#include "hub/api/audit.hpp"
#include "hub/api/clients.hpp"
#include "hub/api/grants.hpp"
#include "hub/api/health.hpp"
#include "hub/api/hooks.hpp"
#include "hub/api/instances.hpp"
#include "hub/api/invitations.hpp"
#include "hub/api/keys.hpp"
#include "hub/api/metrics.hpp"
#include "hub/api/oidc.hpp"
#include "hub/api/pauses.hpp"
#include "hub/api/people.hpp"
#include "hub/api/plugins.hpp"
#include "hub/api/recordings.hpp"
#include "hub/api/repairs.hpp"
#include "hub/api/requests.hpp"
#include "hub/api/stream.hpp"
#include "hub/api/tasks.hpp"
#include "hub/api/todo.hpp"
#include "hub/api/workflows.hpp"
#include "hub/consultation/practice/practice.hpp"
#include "hub/consultation/record/records.hpp"
#include "hub/consultation/sessions/sessions.hpp"
#include "hub/webhooks/webhooks.hpp"

namespace rabt::api {

// Resources of the API. Each resource is internally synchronised.
struct Resources {
  Hooks hooks;
  Instances instances;
  Repairs repairs;
  Pauses pauses;
  Tasks tasks;
  Requests requests;
  Workflows workflows;
  Recordings recordings;
  Audit audit;
  Grants grants;
  Keys keys;
  Plugins plugins;
  Accounts accounts;
  Clients clients;
  OidcSignIn oidc;
  PersonRecords people;
  Access access;
  Approvals approvals;
  Invitations invitations;
  Health health;
  Todo todo;
  AlertRecords alerts;
  Metrics metrics;
  // The sessions of the tenant; they outlive the API.
  consultation::Sessions* sessions = nullptr;
  consultation::Records* records = nullptr;
  consultation::Practice* practice = nullptr;
  webhooks::Webhooks* webhooks = nullptr;
  Stream* stream = nullptr;
};

}  // namespace rabt::api
