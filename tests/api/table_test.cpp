#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "hub/api/compat/door.hpp"
#include "tests/api/rig.hpp"

// The table of routes: against its description, and what it makes of a path.
namespace rabt::api::table_test {
namespace {

// "GET /health" -> operationId, by the indentation of docs/openapi.yaml.
std::map<std::string, std::string> described() {
  const char* folder = std::getenv("RABT_SOURCE_DIR");  // NOLINT(concurrency-mt-unsafe)
  std::ifstream file(std::string(folder != nullptr ? folder : ".") + "/docs/openapi.yaml");
  const std::string operation = "      operationId: ";
  std::map<std::string, std::string> out;
  std::string path;
  std::string method;
  bool in_paths = false;
  for (std::string line; std::getline(file, line);) {
    if (!line.empty() && line[0] != ' ') in_paths = line == "paths:";
    if (!in_paths) continue;
    if (line.starts_with("  /")) path = line.substr(2, line.size() - 3);
    for (const char* letter : {"get", "put", "post", "delete", "patch"}) {
      if (line != std::string("    ") + letter + ":") continue;
      method = letter;
      std::transform(method.begin(), method.end(), method.begin(), ::toupper);
      out[method + " " + path];
    }
    if (line.starts_with(operation)) out[method + " " + path] = line.substr(operation.size());
  }
  return out;
}

std::string operation(std::string_view method, std::string_view path) {
  const Found found = find_route(method, path);
  return found.route == nullptr ? "" : std::string(found.route->operation);
}

TEST(RouteTable, HoldsWhatTheDescriptionHoldsAndNothingElse) {
  std::map<std::string, std::string> table;
  for (const Route& route : routes()) {
    table[std::string(route.method) + " " + std::string(route.pattern)] = route.operation;
    EXPECT_NE(route.handler, nullptr) << route.pattern;
  }
  const auto description = described();
  ASSERT_GT(description.size(), 20U) << "docs/openapi.yaml was not read";
  EXPECT_EQ(table, description) << "hub/api/routes.cpp and docs/openapi.yaml differ";
}

// Acts of administrators, and readings by POST. After a crash their outcome may be unknown.
bool may_be_unknown(const Route& route) {
  // Whoever is signed in may accept under his account.
  if (route.operation == "acceptInvitation") return false;
  if (route.permission.to == Permission::To::everybody) return true;
  if (route.permission.to == Permission::To::local) return true;
  for (const std::string_view family :
       {"/auth/", "/api/v1/auth/", "/api/v1/me/", "/api/v1/access/", "/api/v1/approvals/",
        "/api/v1/audit/", "/api/v1/break-glass", "/api/v1/clients", "/api/v1/deliveries/",
        "/api/v1/instances", "/api/v1/keys/", "/api/v1/patients/search", "/api/v1/plugins/",
        "/api/v1/recordings/{id}/views", "/api/v1/repairs", "/api/v1/roles/", "/api/v1/tickets",
        "/api/v1/users", "/api/v1/workflows/"}) {
    if (route.pattern.starts_with(family))
      return route.operation != "setMyPresence" && route.operation != "makeRequest";
  }
  return false;
}

TEST(RouteTable, ActsOnWhatPatientsSeeMayBeRepeatedAfterACrash) {
  for (const Route& route : routes()) {
    if (route.method == "GET") continue;
    EXPECT_NE(route.options.repeatable, may_be_unknown(route)) << route.operation;
  }
}

TEST(RouteTable, TheDescriptionSaysWhatNeedsTwoFactors) {
  const char* folder = std::getenv("RABT_SOURCE_DIR");  // NOLINT(concurrency-mt-unsafe)
  std::ifstream file(std::string(folder != nullptr ? folder : ".") + "/docs/openapi.yaml");
  const std::string operation = "      operationId: ";
  std::set<std::string> described;
  std::string now;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(operation)) now = line.substr(operation.size());
    if (line == "      x-rabt-step-up: true") described.insert(now);
  }
  std::set<std::string> table;
  for (const Route& route : routes()) {
    if (route.options.strong) table.insert(std::string(route.operation));
  }
  EXPECT_EQ(table, described);
  EXPECT_GT(table.size(), 10U);
}

// Each compatibility route names the operation of /api/v1 that it translates, so that the rights of
// that operation hold for it, too.
TEST(RouteTable, EachRouteOfADoorNamesTheOperationThatItTranslates) {
  const std::set<std::string_view> own{
      // Open; makes an account of a patient, and others for an administrator.
      "register",
      // Combines several operations on the caller's own data.
      "getDashboard",
      // The administrators of that system are ours and operators.
      "listLogs"};
  std::set<std::string_view> found;
  for (const compat::Door* door :
       {&compat::kiorex(), &compat::emr(), &compat::pulseone(), &compat::clinicvault()}) {
    for (const compat::DoorRoute& route : door->routes) {
      if (route.as.empty()) {
        found.insert(route.operation);
        continue;
      }
      EXPECT_NE(compat::find_operation(route.as), nullptr)
          << route.operation << " names " << route.as;
    }
  }
  EXPECT_EQ(found, own);
}

// Symptom: one stranger's body of 8 MB at a compatibility API's sign-in took 2 s of a processor.
// Cause: limits of routes did not hold for the paths that translate them. Here each path that takes
// a body from strangers is looked at, whichever API it belongs to.
TEST(RouteTable, WhatTakesABodyFromStrangersIsSmallCountedAndApart) {
  const auto look = [](std::string_view operation, const RouteOptions& options) {
    SCOPED_TRACE(operation);
    if (options.rate == RateClass::hook) return;
    EXPECT_LE(options.max_body, kMaxSignInBody);
    EXPECT_TRUE(options.rate == RateClass::sign_in || options.rate == RateClass::registration ||
                options.rate == RateClass::invitation);
    // Links wait for no passwords, and passwords for no links.
    if (options.rate == RateClass::invitation) {
      EXPECT_EQ(options.lane, http::Lane::link);
      return;
    }
    EXPECT_TRUE(options.lane == http::Lane::sign_in || options.lane == http::Lane::outside);
  };
  for (const Route& route : routes()) {
    if (route.method != "GET" && route.permission.to == Permission::To::everybody)
      look(route.operation, route.options);
  }
  int doors = 0;
  for (const compat::Door* door :
       {&compat::kiorex(), &compat::emr(), &compat::pulseone(), &compat::clinicvault()}) {
    for (const compat::DoorRoute& route : door->routes) {
      const Route* const as = compat::find_operation(route.as);
      const RouteOptions& options = compat::options_of(route);
      if (as != nullptr) {
        EXPECT_EQ(&options, &as->options) << route.operation;
      }
      if (route.method == "GET" || !route.open) continue;
      look(route.operation, options);
      ++doors;
    }
  }
  EXPECT_EQ(doors, 2);
}

TEST(RouteTable, HealthIsAnsweredWhereHeadsAreJudged) {
  EXPECT_EQ(find_route("GET", "/health").route->options.lane, http::Lane::head);
  for (const compat::Door* door : {&compat::kiorex(), &compat::pulseone()}) {
    for (const compat::DoorRoute& route : door->routes) {
      if (route.operation != "getHealth") continue;
      EXPECT_EQ(compat::options_of(route).lane, http::Lane::head) << door->name;
    }
  }
}

// Handlers have few threads: what waits for others, or needs a processor for long, has lanes of its
// own, and so has its translation.
TEST(RouteTable, WhatWaitsOrTakesLongRunsApart) {
  std::map<http::Lane, std::set<std::string_view>> in;
  std::map<RateClass, std::set<std::string_view>> counted;
  const auto look = [&](std::string_view operation, const RouteOptions& options) {
    in[options.lane].insert(operation);
    counted[options.rate].insert(operation);
  };
  for (const Route& route : routes()) look(route.operation, route.options);
  for (const compat::Door* door :
       {&compat::kiorex(), &compat::emr(), &compat::pulseone(), &compat::clinicvault()}) {
    for (const compat::DoorRoute& route : door->routes) {
      if (route.as.empty()) look(route.operation, compat::options_of(route));
    }
  }
  using Names = std::set<std::string_view>;
  EXPECT_EQ(in[http::Lane::room], (Names{"addParticipant", "admitParticipant", "createSession",
                                         "joinSession", "sessionToken"}));
  EXPECT_EQ(in[http::Lane::heavy],
            (Names{"exportAudit", "listAuditEntries", "listLogs", "pauseRole", "previewPause",
                   "readNotePdf", "replayWorkflow", "shareDocument"}));
  EXPECT_EQ(in[http::Lane::outside],
            (Names{"beginOidc", "endOidc", "logoutOidc", "testAlertChannel"}));
  EXPECT_EQ(in[http::Lane::head], Names{"health"});
  EXPECT_EQ(in[http::Lane::sign_in],
            (Names{"activate", "beginBootstrap", "beginPasskeySignIn", "bootstrap", "grantToken",
                   "login", "register", "setPassword", "signInWithPasskey", "stepUp"}));
  EXPECT_EQ(in[http::Lane::link], (Names{"acceptInvitation", "askInvitationIdentity",
                                         "previewInvitation", "sendInvitationCode"}))
      << "no compatibility API opens a link, or asks for a second proof";
  // A page of lists: 200 sessions, and for an administrator the 20 newest entries of the audit
  // log, where `listLogs` may read all of it.
  EXPECT_TRUE(in[http::Lane::handler].contains("getDashboard"));
  EXPECT_EQ(counted[RateClass::registration], Names{"register"});
  EXPECT_EQ(counted[RateClass::connect], Names{"openStream"});
  EXPECT_EQ(counted[RateClass::hook], (Names{"deliver", "deliverResource", "deliverToTenant"}));
}

TEST(RouteTable, EveryRouteIsFoundByAPathOfItsPattern) {
  for (const Route& route : routes()) {
    std::string path(route.pattern);
    const auto brace = path.find('{');
    if (brace != std::string::npos)
      path.replace(brace, path.find('}') - brace + 1, "01ARZ3NDEKTSV4RRFFQ69G5FAV");
    const Found found = find_route(route.method, path);
    EXPECT_EQ(found.route, &route) << path;
    EXPECT_EQ(found.path[0], brace == std::string::npos ? "" : "01ARZ3NDEKTSV4RRFFQ69G5FAV");
  }
}

TEST(RouteTable, APathAnswersToItsMethodsAndToNoOther) {
  for (const Route& route : routes()) {
    for (const char* method : {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}) {
      const Found found = find_route(method, route.pattern);
      if (found.route != nullptr) {
        EXPECT_EQ(found.route->method, method);
      } else {
        EXPECT_NE(found.allowed.find(route.method), std::string::npos)
            << method << " " << route.pattern;
        EXPECT_EQ(found.allowed.find(method), std::string::npos);
      }
    }
    EXPECT_EQ(find_route("HEAD", route.pattern).route, nullptr);
  }
  EXPECT_EQ(find_route("PUT", "/api/v1/break-glass").allowed, "GET, POST");
}

TEST(RouteTable, AWordIsNoIdButMayBeAName) {
  EXPECT_EQ(operation("POST", "/api/v1/instances/search"), "searchInstances");
  EXPECT_EQ(operation("GET", "/api/v1/instances/search"), "");
  EXPECT_EQ(find_route("GET", "/api/v1/instances/search").allowed, "POST");
  EXPECT_EQ(operation("POST", "/api/v1/workflows/plan"), "planWorkflows");
  EXPECT_EQ(operation("POST", "/api/v1/workflows/replay"), "replayWorkflow");
  EXPECT_EQ(operation("GET", "/api/v1/workflows/plan"), "exportWorkflow");
  EXPECT_EQ(operation("POST", "/api/v1/plugins/acts"), "pluginActs");
}

// A file that branches on data tells them: whoever deploys files, and may read data, replays.
TEST(RouteTable, AReplayNeedsTwoRolesAndTwoFactors) {
  using identity::Role;
  const Route* const route = find_route("POST", "/api/v1/workflows/replay").route;
  ASSERT_NE(route, nullptr);
  EXPECT_TRUE(route->options.strong);
  const auto may = [route](identity::Roles roles) {
    return route->permission.allows({.kind = identity::Kind::person, .roles = roles});
  };
  for (const Role role : {Role::admin, Role::security_officer, Role::engineer, Role::operator_,
                          Role::auditor, Role::integration, Role::doctor, Role::nurse, Role::desk})
    EXPECT_FALSE(may({role})) << identity::Roles({role}).names().at(0);
  EXPECT_TRUE(may({Role::engineer, Role::integration}));
  EXPECT_FALSE(may({Role::engineer, Role::operator_, Role::admin}));
  EXPECT_FALSE(may({Role::auditor, Role::integration}));
}

TEST(RouteTable, ASlashAtTheEndMattersOutsideOfTheApiOnly) {
  EXPECT_EQ(operation("GET", "/api/v1/instances/"), "listInstances");
  EXPECT_EQ(operation("GET", "/api/v1/workflows/plain/"), "exportWorkflow");
  EXPECT_EQ(find_route("GET", "/api/v1/workflows/plain/").path[0], "plain");
  for (const char* path : {"/", "/api", "/api/v1", "/api/v1/", "/health/", "/hooks", "/hooks/",
                           "/hooks/a/b/c/d", "/metrics/more", "/api/v1/instances/a/b/c",
                           "/api/v1/audit", "/api/v1/plugins", "/api/v1/notes"}) {
    for (const char* method : {"GET", "POST"}) {
      EXPECT_EQ(find_route(method, path).route, nullptr) << path;
      EXPECT_EQ(find_route(method, path).allowed, "") << path;
    }
  }
}

}  // namespace
}  // namespace rabt::api::table_test
