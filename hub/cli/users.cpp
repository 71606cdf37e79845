#include <cstdio>
#include <memory>
#include <optional>

#include "hub/args/args.hpp"
#include "hub/base/printable.hpp"
#include "hub/cli/commands.hpp"
#include "hub/cli/hub_client.hpp"
#include "hub/identity/principal.hpp"

// rabt users: through the API of the running hub.
namespace rabt::cli {

namespace {

std::vector<std::string> role_names() {
  std::vector<std::string> out;
  for (int role = 0; role <= static_cast<int>(identity::Role::guest); ++role)
    out.emplace_back(identity::to_string(static_cast<identity::Role>(role)));
  return out;
}

struct UsersOptions {
  std::string config = kDefaultConfig;
  std::string username;
  std::string name;
  std::string email;
  std::vector<std::string> roles;
  std::string role;
  bool no_password = false;
  // True if `reset` removes the second factor instead of the password.
  bool factor = false;
  bool json = false;
};

std::string words(const Json& list) {
  std::string out;
  for (const Json& item : list.as_array())
    out.append(out.empty() ? "" : ",").append(item.as_string());
  return out;
}

// Behind the roles: what keeps somebody from signing in, and what helps.
std::string sign_in_of(const Json& user) {
  if (user.string_or("signIn", "") != "none") return {};
  const std::string until = user.string_or("codeUntil", "");
  return "  (no password yet; " +
         (until.empty() ? "no code: rabt users reset" : "code until " + until) + ")";
}

int list_users(const UsersOptions& options) {
  auto client = HubClient::of_file(options.config);
  if (!client.ok()) return complain(client.error());
  Json wish = Json::object({{"name", options.name}});
  std::string path = "/api/v1/users";
  const auto ask = [&path](const std::string& parameter) {
    path += (path.find('?') == std::string::npos ? "?" : "&") + parameter;
  };
  if (options.no_password) ask("signIn=none");
  if (!options.role.empty()) {
    wish.set("role", options.role);
    ask("role=" + options.role);
  }
  const auto found =
      options.name.empty() ? client->list(path) : client->post("/api/v1/users/search", wish);
  if (!found.ok()) return complain(found.error());
  if (options.json) {
    std::printf("%s\n", found->dump_pretty().c_str());
    return 0;
  }
  std::printf("%6s  %-26s  %-8s  %-20s  roles\n", "number", "id", "state", "username");
  for (const Json& user : (*found)["items"].as_array()) {
    std::printf("%6lld  %-26s  %-8s  %-20s  %s%s\n",
                static_cast<long long>(user.int_or("number", 0)), user.string_or("id", "").c_str(),
                user.bool_or("active", false) ? "active" : "disabled",
                user.string_or("username", "-").c_str(), words(user["roles"]).c_str(),
                sign_in_of(user).c_str());
  }
  if (found->bool_or("more", false))
    std::fprintf(stderr, "More have such a name: give more of it.\n");
  return 0;
}

// The one-time code goes to standard output, alone, so that a script can take it.
int print_code(const Json& user) {
  std::printf("%s\n", user.string_or("activation", "").c_str());
  std::fprintf(stderr,
               "Give this code to %s: with it the password is set, once, within 24 hours, by POST "
               "/api/v1/auth/activate.\n",
               user.string_or("username", "").c_str());
  return 0;
}

int print_bootstrap_code(const UsersOptions& options) {
  auto client = HubClient::of_file(options.config);
  if (!client.ok()) return complain(client.error());
  const auto reply = client->post("/api/v1/auth/bootstrap/code", Json::object());
  if (!reply.ok()) return complain(reply.error());
  std::printf("%s\n", reply->string_or("code", "").c_str());
  std::fprintf(stderr,
               "This code makes the first administrator, once, within 30 minutes: open the page "
               "/bootstrap of the hub and enter it (docs/identity.md has the calls of the API).\n");
  return 0;
}

int add_user(const UsersOptions& options) {
  auto client = HubClient::of_file(options.config);
  if (!client.ok()) return complain(client.error());
  Json roles = Json::array();
  for (const std::string& role : options.roles) roles.push_back(role);
  Json body = Json::object({{"username", options.username}, {"roles", std::move(roles)}});
  if (!options.name.empty()) body.set("name", options.name);
  if (!options.email.empty()) body.set("email", options.email);
  const auto reply = client->post("/api/v1/users", body);
  if (!reply.ok()) return complain(reply.error());
  return print_code(*reply);
}

// The user of this name, as the list has it.
Result<Json> find_user(HubClient& client, const std::string& username) {
  RABT_TRY(list, client.list("/api/v1/users"));
  for (const Json& user : list["items"].as_array()) {
    if (user.string_or("username", "") == username || user.string_or("id", "") == username)
      return user;
  }
  return not_found("person.unknown", "there is no user " + username);
}

int change_user(const UsersOptions& options, const Json& change) {
  auto client = HubClient::of_file(options.config);
  if (!client.ok()) return complain(client.error());
  const auto user = find_user(*client, options.username);
  if (!user.ok()) return complain(user.error());
  const auto changed = client->patch("/api/v1/users/" + user->string_or("id", ""), change,
                                     user->int_or("version", 0));
  if (!changed.ok()) return complain(changed.error());
  if (changed->find("activation") != nullptr) return print_code(*changed);
  std::printf("%s\n", changed->dump().c_str());
  return 0;
}

args::Command* add_verb(args::Command& group, const std::shared_ptr<UsersOptions>& options,
                        const char* verb, const char* help) {
  auto* command = group.add_subcommand(verb, help);
  add_config_option(*command, options->config);
  command->add_option("username", options->username, "Username, or id of the person")->required();
  return command;
}

}  // namespace

void add_users_commands(args::Command& program, int& code) {
  auto* group = program.add_subcommand("users", "Manage people with accounts");
  group->require_subcommand();
  auto options = std::make_shared<UsersOptions>();
  auto* list = group->add_subcommand("list", "List all people, or those with a role");
  add_config_option(*list, options->config);
  list->add_option("--role", options->role, "List only people with this role")
      ->one_of(role_names());
  auto* name =
      list->add_option("--name", options->name, "List only staff whose name has these words");
  list->add_flag("--no-password", options->no_password,
                 "List only accounts that nobody can sign in to yet")
      ->excludes(name);
  list->add_flag("--json", options->json, "Print JSON");
  list->callback([options, &code] { code = list_users(*options); });

  auto* bootstrap = group->add_subcommand(
      "bootstrap", "Print a one-time code that makes the first administrator");
  add_config_option(*bootstrap, options->config);
  bootstrap->callback([options, &code] { code = print_bootstrap_code(*options); });

  auto* add =
      add_verb(*group, options, "add", "Add a person, and print the code that sets the password");
  add->add_option("--role", options->roles, "A role; may be given several times")
      ->required()
      ->one_of(role_names());
  add->add_option("--name", options->name, "The person's name");
  add->add_option("--email", options->email, "The person's e-mail address");
  add->callback([options, &code] { code = add_user(*options); });

  add_verb(*group, options, "disable",
           "Disable the account: the person can neither sign in nor act from now on")
      ->callback([options, &code] {
        code = change_user(*options, Json::object({{"active", false}}));
      });
  add_verb(*group, options, "enable", "Let the person act again")->callback([options, &code] {
    code = change_user(*options, Json::object({{"active", true}}));
  });
  auto* reset =
      add_verb(*group, options, "reset",
               "End the password and all sessions, and print a code that sets a new password");
  reset->add_flag("--mfa", options->factor, "Remove the second factor instead");
  reset->callback([options, &code] {
    code = change_user(*options,
                       Json::object({{options->factor ? "resetMfa" : "resetPassword", true}}));
  });
}

}  // namespace rabt::cli
