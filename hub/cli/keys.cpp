#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <memory>
#include <thread>
#include <vector>

#include "hub/api/keys.hpp"
#include "hub/args/args.hpp"
#include "hub/assembly/database.hpp"
#include "hub/assembly/foundation.hpp"
#include "hub/base/file_there.hpp"
#include "hub/base/printable.hpp"
#include "hub/cli/commands.hpp"
#include "hub/cli/hub_client.hpp"
#include "hub/config/config.hpp"
#include "hub/consultation/rows/data_keys.hpp"
#include "hub/identity/approvals.hpp"
#include "hub/keys/fit.hpp"
#include "hub/keys/requests.hpp"

// rabt keys: through the API of the running hub, or on the data folder itself when no hub runs.
namespace rabt::cli {

namespace {

// Whoever can open the data folder gives the order as the same user would over the hub's socket:
// where another person could confirm it, he has to.
Status confirmed_without_hub(assembly::Foundation& base, const config::Config& config,
                             const identity::Caller& caller, const std::string& verb,
                             const Json& body) {
  identity::Approvals approvals(
      {*base.store, *base.keys, *base.audit, base.clock, base.random, base.ids}, config.tenant,
      config.identity.second_person);
  Status passed =
      api::confirmed_by_two(*base.key_admin, approvals, caller, verb, body, body.dump());
  if (passed.ok() || passed.error().code != "approval.needed") return passed;
  return denied("approval.needed",
                passed.error().message +
                    ". No hub runs: start it with `rabt serve`, so that somebody can confirm it");
}

// Does without a hub what the API would do. An empty verb asks for the status.
Result<Json> act_in_folder(const config::Config& config, const std::string& verb,
                           const Json& body) {
  // A wrong path in the configuration must not become a data folder.
  RABT_TRY(has_keyring, is_there(config.data + "/keyring"));
  RABT_TRY(has_database, is_there(assembly::database_file(config)));
  if (!has_keyring && !has_database) {
    return not_found("cli.no_keys", "the data folder " + config.data +
                                        " has no keyring; a hub makes it on its first start");
  }
  const SystemClock clock;
  auto opened = assembly::Foundation::open(config, clock, null_logger());
  // No hub answers, and yet a running hub holds the lock of the store.
  if (!opened.ok() && opened.error().code == "store.locked") {
    return unavailable("net.no_answer",
                       "a hub uses the data folder " + config.data +
                           " and does not answer; it completes an order that it has taken: look "
                           "at `rabt keys status` before you give the order again");
  }
  RABT_TRY(base, std::move(opened));
  if (verb.empty()) {
    RABT_TRY(status, base->key_admin->status());
    return keys::to_json(status);
  }
  const identity::Caller caller{.who = {.kind = identity::Kind::local,
                                        .tenant = config.tenant,
                                        .id = std::to_string(::geteuid())}};
  RABT_TRY_STATUS(confirmed_without_hub(*base, config, caller, verb, body));
  return keys::perform(
      *base->key_admin, verb, body,
      {.actor = caller.who.actor(), .reason = {}, .client = {}, .request = {}},
      [&](std::string_view object) {
        return consultation::data_keys_of(*base->store, config.tenant, object);
      },
      true);
}

// Acts through the running hub, or without a hub when none answers. An empty verb asks for the
// status.
Result<Json> act(const std::string& path, const std::string& verb, const Json& body) {
  RABT_TRY(config, config::load_config(path));
  if (auto client = HubClient::of(config); client.ok()) {
    auto answer =
        verb.empty() ? client->get("/api/v1/keys") : client->post("/api/v1/keys/" + verb, body);
    if (answer.ok() || answer.error().code != "net.no_answer") return answer;
  }
  return act_in_folder(config, verb, body);
}

void print_lost(const Json& status) {
  std::vector<keys::BucketCount> lost;
  for (const Json& bucket : status["buckets"].as_array()) {
    if (const std::int64_t data_keys = bucket.int_or("lostDataKeys", 0); data_keys > 0)
      lost.push_back({bucket.string_or("bucket", ""), static_cast<std::uint64_t>(data_keys)});
  }
  if (!lost.empty()) std::printf("LOST      %s\n", keys::forgotten_text(lost).c_str());
}

void print_status(const Json& status) {
  const Json& root = status["root"];
  std::printf("root      %s %s", root.string_or("provider", "").c_str(),
              root.string_or("id", "").c_str());
  if (root.find("unavailable") != nullptr) {
    std::printf(", does not answer\n");
  } else {
    const auto version = root.int_or("version", 0);
    const auto oldest = root.int_or("oldestVersion", 0);
    std::printf(", version %lld", static_cast<long long>(version));
    if (oldest < version) {
      std::printf("; copies of the keyring under version %lld still open",
                  static_cast<long long>(oldest));
    }
    std::printf("\n");
  }
  if (root.find("development") != nullptr)
    std::printf("          FOR DEVELOPMENT ONLY: not fit for patient data\n");
  std::printf("tenant    key version %lld, keyring generation %lld\n",
              static_cast<long long>(status.int_or("tenantKeyVersion", 0)),
              static_cast<long long>(status.int_or("generation", 0)));
  if (const Json* rewrap = status.find("rewrap"); rewrap != nullptr) {
    std::printf("rewrap    under way since %s, %lld done\n",
                rewrap->string_or("started", "").c_str(),
                static_cast<long long>(rewrap->int_or("rewrapped", 0)));
  }
  std::printf("%-28s %-10s %-24s %10s  version\n", "bucket", "state", "may go at", "data keys");
  for (const Json& bucket : status["buckets"].as_array()) {
    const std::string state = bucket.string_or("state", "");
    std::printf("%-28s %-10s %-24s %10lld", bucket.string_or("bucket", "").c_str(), state.c_str(),
                bucket.string_or("expires", "-").c_str(),
                static_cast<long long>(bucket.int_or("dataKeys", 0)));
    if (state == "destroyed") {
      std::printf("  destroyed %s: %s\n", bucket.string_or("destroyed", "").c_str(),
                  bucket.string_or("reason", "").c_str());
      continue;
    }
    std::printf("  %lld", static_cast<long long>(bucket.int_or("version", 0)));
    if (const auto old = bucket.int_or("oldDataKeys", 0); old > 0)
      std::printf(", %lld data keys under older ones", static_cast<long long>(old));
    if (const auto lost = bucket.int_or("lostDataKeys", 0); lost > 0)
      std::printf(", %lld data keys LOST", static_cast<long long>(lost));
    if (const std::string hold = bucket.string_or("hold", ""); !hold.empty())
      std::printf(", held by %s", hold.c_str());
    std::printf("\n");
  }
  for (const Json& hold : status["holds"].as_array()) {
    std::printf("hold      %s: %lld data keys, %zu whole buckets\n",
                hold.string_or("case", "").c_str(),
                static_cast<long long>(hold.int_or("dataKeys", 0)), hold["buckets"].size());
  }
  print_lost(status);
  for (const Json& bucket : status["missing"].as_array()) {
    std::printf(
        "MISSING   %s: data keys name it, or a newer version of its key, and the keyring does not "
        "know it; restore the newest copy of the keyring\n",
        bucket.as_string().c_str());
  }
}

int keys_status(const std::string& config, bool json) {
  const auto status = act(config, "", Json());
  if (!status.ok()) return complain(status.error());
  if (json) {
    std::printf("%s\n", status->dump_pretty().c_str());
  } else {
    print_status(*status);
  }
  return 0;
}

struct KeysOptions {
  std::string config = kDefaultConfig;
  // rotate, rewrap, shred, hold or release.
  std::string verb;
  // rotate: "root", "tenant" or a bucket. shred: a bucket. hold: a bucket or an object.
  std::string target;
  std::string hold_case;
  std::string reason;
  bool destroy_old = false;
  bool forget_old = false;
  bool force = false;
};

// The request's body, as the API takes it.
Json body_of(const KeysOptions& options) {
  Json body = Json::object({{"reason", options.reason}});
  const std::string& target = options.target;
  if (options.verb == "rotate") {
    const bool bucket = target != "root" && target != "tenant";
    body.set("what", bucket ? std::string("bucket") : target);
    if (bucket) body.set("bucket", target);
  } else if (options.verb == "shred") {
    body.set("bucket", target);
  } else if (options.verb == "hold") {
    body.set(target.find('/') == std::string::npos ? "object" : "bucket", target);
  }
  if (!options.hold_case.empty()) body.set("case", options.hold_case);
  if (options.destroy_old) body.set("destroyOld", true);
  if (options.forget_old) body.set("forgetOld", true);
  if (options.force) body.set("force", true);
  return body;
}

// Says on standard error how far the rewrapping of a running hub has come, until it is done. A
// signal ends the command; the hub goes on.
int follow_rewrap(const std::string& config) {
  constexpr std::chrono::seconds kLook{1};
  constexpr int kStill = 60;
  std::int64_t shown = -1;
  for (int still = 0; still < kStill; ++still) {
    const auto status = act(config, "", Json());
    if (!status.ok()) return complain(status.error());
    const Json* rewrap = status->find("rewrap");
    if (rewrap == nullptr) {
      std::fprintf(stderr, "rewrap: done\n");
      return 0;
    }
    const std::int64_t done = rewrap->int_or("rewrapped", 0);
    if (done != shown) {
      std::int64_t left = 0;
      for (const Json& bucket : (*status)["buckets"].as_array())
        left += bucket.int_or("oldDataKeys", 0);
      std::fprintf(stderr, "rewrap: %lld data keys are done, %lld are to be done\n",
                   static_cast<long long>(done), static_cast<long long>(left));
      shown = done;
      still = 0;
    }
    std::this_thread::sleep_for(kLook);
  }
  std::fprintf(stderr,
               "rewrap: no data key was done for %d seconds. The hub goes on when it can; `rabt "
               "keys status` shows how far it is.\n",
               kStill);
  return 1;
}

int keys_act(const KeysOptions& options) {
  const auto done = act(options.config, options.verb, body_of(options));
  if (!done.ok()) return complain(done.error());
  std::printf("%s\n", done->dump().c_str());
  std::fflush(stdout);
  if (done->string_or("rewrap", "") == "begun") {
    if (const int code = follow_rewrap(options.config); code != 0) return code;
  }
  if (options.verb == "shred" || options.destroy_old || options.forget_old) {
    std::fprintf(stderr, "Copy the keyring now: older copies %s.\n",
                 options.destroy_old ? "cannot be opened any more"
                                     : "still hold what was destroyed; `rabt keys rotate root "
                                       "--destroy-old` ends that");
  }
  if (options.forget_old) {
    std::fprintf(
        stderr,
        "Make a new backup now: `rabt backup create`, and `rabt backup verify` on it. Data "
        "of older backups of the database cannot be read any more.\n");
  }
  return 0;
}

// The command of one verb. Only one of them runs, so they share their options.
args::Command* add_verb(args::Command& group, const std::shared_ptr<KeysOptions>& options,
                        int& code, const char* verb, const char* help) {
  auto* command = group.add_subcommand(verb, help);
  add_config_option(*command, options->config);
  command->add_option("--reason", options->reason, "Reason; the audit log keeps it")->required();
  command->callback([options, verb, &code] {
    options->verb = verb;
    code = keys_act(*options);
  });
  return command;
}

}  // namespace

void add_keys_commands(args::Command& program, int& code) {
  auto* group = program.add_subcommand("keys", "Manage keys, retention and legal holds");
  group->require_subcommand();
  struct StatusOptions {
    std::string config = kDefaultConfig;
    bool json = false;
  };
  auto status_options = std::make_shared<StatusOptions>();
  auto* status = group->add_subcommand(
      "status", "Show the root, the buckets, and when each bucket's key may be destroyed");
  add_config_option(*status, status_options->config);
  status->add_flag("--json", status_options->json, "Print JSON");
  status->callback([status_options, &code] {
    code = keys_status(status_options->config, status_options->json);
  });

  auto options = std::make_shared<KeysOptions>();
  auto* rotate =
      add_verb(*group, options, code, "rotate",
               "Make a new version of a key for new data; existing data keeps its version");
  rotate->add_option("key", options->target, "root, tenant, or a bucket such as event/2026-11")
      ->required();
  rotate->add_flag("--destroy-old", options->destroy_old,
                   "With root: destroy its older versions. Older copies of the keyring can then "
                   "not be opened");
  auto* rewrap =
      add_verb(*group, options, code, "rewrap",
               "Wrap every data key again, under the newest version of its bucket's key");
  rewrap->add_flag("--forget-old", options->forget_old,
                   "Drop the older versions afterwards; older backups of the database can then not "
                   "be opened");
  auto* shred =
      add_verb(*group, options, code, "shred",
               "Destroy the key of a bucket; nothing sealed under it can be opened again");
  shred->add_option("bucket", options->target, "A bucket such as consultation/2036-11")->required();
  shred->add_flag("--force", options->force,
                  "Destroy the key before the retention of its bucket is over");
  auto* hold = add_verb(*group, options, code, "hold",
                        "Place a legal hold, which keeps keys from being destroyed");
  hold->add_option("object", options->target,
                   "instance:ID, recording:ID, or a whole bucket such as recording/2036-11")
      ->required();
  hold->add_option("--case", options->hold_case, "Name of the hold's case")->required();
  auto* release = add_verb(*group, options, code, "release", "End a legal hold");
  release->add_option("case", options->hold_case, "Name of the hold's case")->required();
}

}  // namespace rabt::cli
