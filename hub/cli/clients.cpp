#include <cstdio>
#include <memory>

#include "hub/args/args.hpp"
#include "hub/base/printable.hpp"
#include "hub/cli/commands.hpp"
#include "hub/cli/hub_client.hpp"
#include "hub/config/config.hpp"

// rabt clients: systems that call in their own name, through the API of the running hub.
namespace rabt::cli {

namespace {

struct ClientsOptions {
  std::string config = kDefaultConfig;
  std::string id;
  std::string key;
  std::string name;
  std::vector<std::string> roles;
  std::vector<std::string> addresses;
  std::vector<std::string> certificates;
  // A file with the client's JWK set.
  std::string jwks;
  int days = 90;
  bool json = false;
};

Json list_of(const std::vector<std::string>& words) {
  Json out = Json::array();
  for (const std::string& word : words) out.push_back(word);
  return out;
}

std::string words(const Json& list) {
  std::string out;
  for (const Json& item : list.as_array())
    out.append(out.empty() ? "" : ",").append(item.as_string());
  return out.empty() ? "-" : out;
}

Result<Json> listed(const ClientsOptions& options) {
  RABT_TRY(hub, HubClient::of_file(options.config));
  return hub.list("/api/v1/clients");
}

int list_clients(const ClientsOptions& options) {
  const auto found = listed(options);
  if (!found.ok()) return complain(found.error());
  if (options.json) {
    std::printf("%s\n", found->dump_pretty().c_str());
    return 0;
  }
  std::printf("%-24s  %-8s  %-32s  addresses\n", "id", "state", "roles");
  for (const Json& item : (*found)["items"].as_array()) {
    std::printf("%-24s  %-8s  %-32s  %s\n", item.string_or("id", "").c_str(),
                item.bool_or("active", false) ? "active" : "disabled", words(item["roles"]).c_str(),
                words(item["addresses"]).c_str());
  }
  return 0;
}

Result<Json> with_jwks(const ClientsOptions& options, Json body) {
  if (options.jwks.empty()) return body;
  RABT_TRY(text, config::read_text(options.jwks));
  RABT_TRY(jwks, Json::parse(text));
  body.set("jwks", std::move(jwks));
  return body;
}

Result<Json> added(const ClientsOptions& options) {
  RABT_TRY(hub, HubClient::of_file(options.config));
  Json body = Json::object({{"id", options.id},
                            {"roles", list_of(options.roles)},
                            {"addresses", list_of(options.addresses)},
                            {"certificates", list_of(options.certificates)}});
  if (!options.name.empty()) body.set("name", options.name);
  RABT_TRY(whole, with_jwks(options, std::move(body)));
  return hub.post("/api/v1/clients", whole);
}

Result<Json> activated(const ClientsOptions& options, bool active) {
  RABT_TRY(hub, HubClient::of_file(options.config));
  const std::string path = "/api/v1/clients/" + options.id;
  RABT_TRY(client, hub.get(path));
  return hub.patch(path, Json::object({{"active", active}}), client.int_or("version", 0));
}

int print(const Result<Json>& answer) {
  if (!answer.ok()) return complain(answer.error());
  std::printf("%s\n", answer->dump().c_str());
  return 0;
}

// The key goes to standard output, alone, so that a script can take it.
int make_key(const ClientsOptions& options) {
  auto hub = HubClient::of_file(options.config);
  if (!hub.ok()) return complain(hub.error());
  const auto key =
      hub->post("/api/v1/clients/" + options.id + "/keys", Json::object({{"days", options.days}}));
  if (!key.ok()) return complain(key.error());
  std::printf("%s\n", key->string_or("key", "").c_str());
  std::fprintf(stderr,
               "The key %s of %s is shown this once, and ends on %s. It is sent as "
               "`Authorization: Bearer ...`.\n",
               key->string_or("id", "").c_str(), options.id.c_str(),
               key->string_or("expires", "").c_str());
  return 0;
}

int revoke_key(const ClientsOptions& options) {
  auto hub = HubClient::of_file(options.config);
  if (!hub.ok()) return complain(hub.error());
  const Status revoked = hub->remove("/api/v1/clients/" + options.id + "/keys/" + options.key);
  return revoked.ok() ? 0 : complain(revoked.error());
}

args::Command* add_verb(args::Command& group, const std::shared_ptr<ClientsOptions>& options,
                        const char* verb, const char* help) {
  auto* command = group.add_subcommand(verb, help);
  add_config_option(*command, options->config);
  command->add_option("id", options->id, "Id of the client")->required();
  return command;
}

}  // namespace

void add_clients_commands(args::Command& program, int& code) {
  auto* group = program.add_subcommand("clients", "Manage systems that call in their own name");
  group->require_subcommand();
  auto options = std::make_shared<ClientsOptions>();
  auto* list = group->add_subcommand("list", "Show all clients");
  add_config_option(*list, options->config);
  list->add_flag("--json", options->json, "Print JSON");
  list->callback([options, &code] { code = list_clients(*options); });

  auto* add = add_verb(*group, options, "add", "Make a client");
  add->add_option("--role", options->roles, "A role; may be given several times")->required();
  add->add_option("--name", options->name, "Name of the client");
  add->add_option("--address", options->addresses, "Address or network that the client calls from");
  add->add_option(
      "--certificate", options->certificates,
      "Certificate of the client at the mTLS listener: x5t#S256:DIGEST, uri:NAME or dns:NAME");
  add->add_option("--jwks", options->jwks, "File with the public keys that the client signs with");
  add->callback([options, &code] { code = print(added(*options)); });

  add_verb(*group, options, "disable", "Disable the client: all its calls are refused from now on")
      ->callback([options, &code] { code = print(activated(*options, false)); });
  add_verb(*group, options, "enable", "Let the client call again")->callback([options, &code] {
    code = print(activated(*options, true));
  });
  auto* key = add_verb(*group, options, "key", "Make a key, and print it");
  key->add_option("--days", options->days, "Days for which the key is valid")->between(1, 365);
  key->callback([options, &code] { code = make_key(*options); });
  auto* revoke = add_verb(*group, options, "revoke", "Revoke a key of the client");
  revoke->add_option("key", options->key, "Id of the key")->required();
  revoke->callback([options, &code] { code = revoke_key(*options); });
}

}  // namespace rabt::cli
