#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <memory>

#include "hub/args/args.hpp"
#include "hub/assembly/sources.hpp"
#include "hub/base/ids.hpp"
#include "hub/base/limits.hpp"
#include "hub/base/printable.hpp"
#include "hub/cli/commands.hpp"
#include "hub/cli/hub_client.hpp"
#include "hub/config/config.hpp"
#include "hub/crypto/crypto.hpp"

// rabt hooks: sends a delivery as its sender would, for people who set up a source.
namespace rabt::cli {

namespace {

struct HooksOptions {
  std::string config = kDefaultConfig;
  std::string source;
  std::string file;
  // Content type. Empty if the name of the file says it.
  std::string type;
  // Id of the delivery. Empty if a new one is drawn.
  std::string id;
  // Private key (PEM) of the issuer of a source of the scheme jwt.
  std::string key;
};

// The life of a token that is made here.
constexpr std::int64_t kTokenSeconds = 60;

Result<const config::SourceEntry*> source_of(const config::Config& config,
                                             const std::string& name) {
  std::string names;
  for (const config::SourceEntry& source : config.sources) {
    if (source.name == name) return &source;
    names += (names.empty() ? "" : ", ") + source.name;
  }
  return invalid("cli.source", "the configuration has no source " + name +
                                   (names.empty() ? std::string() : "; it has " + names));
}

std::string type_of(const HooksOptions& options) {
  if (!options.type.empty()) return options.type;
  constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kTypes{
      {{".json", "application/json"},
       {".xml", "application/xml"},
       {".csv", "text/csv"},
       {".hl7", "application/hl7-v2"}}};
  const std::string end = std::filesystem::path(options.file).extension().string();
  const auto found =
      std::find_if(kTypes.begin(), kTypes.end(), [&](const auto& one) { return one.first == end; });
  return std::string(found == kTypes.end() ? "application/octet-stream" : found->second);
}

// "-" is standard input.
Result<std::string> body_of(const std::string& file) {
  auto body = config::read_text(file == "-" ? "/dev/stdin" : file);
  if (!body.ok()) return invalid("cli.file", file + ": " + body.error().message);
  if (body->size() > limits::kMaxRequestBody)
    return invalid("cli.file", file + ": is longer than a delivery may be");
  return body;
}

// Error invalid cli.source: the text would end a header.
Status check_line(std::string_view option, std::string_view text) {
  if (is_tidy_line(text)) return ok_status();
  return invalid("cli.source", std::string(option) + ": must have no control characters");
}

// A token as the issuer of the source makes it, by the first algorithm that the key can do. Errors:
// http.unsigned without a key; config.missing_secret; crypto.jwt.
Result<std::string> token_of(const identity::IssuerOptions& issuer, const HooksOptions& options,
                             const std::string& id, Timestamp now) {
  if (options.key.empty())
    return invalid("http.unsigned",
                   "the tokens of the source " + options.source + " are signed by " +
                       issuer.issuer +
                       ": name a private key (PEM) whose public half is in `jwks` with --key FILE, "
                       "or post with a token of the issuer by another program");
  RABT_TRY(key, config::read_secret({.file = options.key, .env = {}}));
  const std::int64_t seconds = now.ms / 1000;
  Json claims = Json::object({{"iss", issuer.issuer},
                              {"aud", issuer.audience},
                              {"iat", seconds},
                              {"exp", seconds + kTokenSeconds},
                              {"jti", id}});
  for (const auto& [name, value] : issuer.required) claims.set(name, value);
  const Json header = Json::object({{"typ", issuer.type.empty() ? "JWT" : issuer.type}});
  Result<std::string> token = invalid("crypto.jwt", "the source names no algorithm");
  for (const std::string& algorithm : issuer.algorithms) {
    token = crypto::sign_jwt(key->expose(), algorithm, header.dump(), claims.dump());
    if (token.ok()) break;
  }
  if (!token.ok()) return invalid(token.error().code, "--key: " + token.error().message);
  return token;
}

Result<std::vector<std::pair<std::string, std::string>>> proof_of(
    const config::Config& config, const config::SourceEntry& source, const HooksOptions& options,
    const std::string& body, const std::string& id, Timestamp now) {
  if (source.issuer) {
    RABT_TRY(token, token_of(source.issuer->options, options, id, now));
    return std::vector<std::pair<std::string, std::string>>{{"Authorization", "Bearer " + token}};
  }
  if (!options.key.empty())
    return invalid("cli.source", "--key is for sources of the scheme jwt; the source " +
                                     options.source + " signs with its first secret");
  RABT_TRY(signature, assembly::signature_of(config, source));
  return http::sign(signature, body, id, now);
}

Result<net::Response> sent(const HooksOptions& options) {
  RABT_TRY_STATUS(check_line("--type", options.type));
  RABT_TRY_STATUS(check_line("--id", options.id));
  RABT_TRY(config, config::load_config(options.config));
  RABT_TRY(source, source_of(config, options.source));
  if (source->listen)
    return invalid("cli.source", "the source " + options.source +
                                     " takes HL7 v2 over MLLP: send to it by a tool of HL7 v2");
  RABT_TRY(body, body_of(options.file));
  const SystemClock clock;
  SystemRandom random;
  UlidSource ids(clock, random);
  const std::string id = options.id.empty() ? "msg_" + ids.next().text() : options.id;
  RABT_TRY(headers, proof_of(config, *source, options, body, id, clock.now()));
  headers.emplace_back("Content-Type", type_of(options));
  RABT_TRY(hub, HubClient::of(config));
  return hub.deliver("/hooks/" + source->name, std::move(headers), std::move(body));
}

// Writes the answer to standard output as it came, and its status to standard error.
int send(const HooksOptions& options) {
  const auto answer = sent(options);
  if (!answer.ok()) return complain(answer.error());
  std::fprintf(stderr, "HTTP %d\n", answer->status);
  std::printf("%s\n", printable_lines(answer->body).c_str());
  return answer->status >= 200 && answer->status < 300 ? 0 : 1;
}

}  // namespace

void add_hooks_commands(args::Command& program, int& code) {
  auto* group = program.add_subcommand("hooks", "Send deliveries to the hub, as other systems do");
  group->require_subcommand();
  auto options = std::make_shared<HooksOptions>();
  auto* one = group->add_subcommand("send", "Sign a body as its sender would, and deliver it");
  add_config_option(*one, options->config);
  one->footer(
      "The first secret of the source signs the body; for a source of the scheme jwt --key signs a "
      "token. Exit status 1: the hub did not take the delivery; `rabt deliveries` says why");
  one->add_option("source", options->source, "Name of the source")->required();
  one->add_option("file", options->file, "A file with the body; - is standard input")->required();
  one->add_option("--type", options->type, "Content type (default: by the name of the file)");
  one->add_option("--id", options->id,
                  "Id of the delivery, for standard-webhooks (default: a new id); a repeated id "
                  "starts nothing");
  one->add_option("--key", options->key, "A file with a private key (PEM) of the issuer, for jwt");
  one->callback([options, &code] { code = send(*options); });
}

}  // namespace rabt::cli
