#include <cstdint>
#include <cstdio>
#include <fstream>
#include <memory>

#include "hub/args/args.hpp"
#include "hub/assembly/database.hpp"
#include "hub/assembly/foundation.hpp"
#include "hub/audit/audit_log.hpp"
#include "hub/audit/files.hpp"
#include "hub/audit/note.hpp"
#include "hub/audit/proof.hpp"
#include "hub/audit/verify.hpp"
#include "hub/base/file_there.hpp"
#include "hub/base/printable.hpp"
#include "hub/cli/commands.hpp"
#include "hub/config/config.hpp"
#include "hub/crypto/keyring.hpp"
#include "hub/keys/fit.hpp"
#include "hub/store/store.hpp"

// rabt audit verify, prove and checkpoint: they only read, whether a hub runs or not.
namespace rabt::cli {

namespace {

// A proof file holds at most an entry in base64, two notes and 128 hashes.
constexpr std::size_t kMaxProofFile = 1U << 20U;

struct VerifyOptions {
  std::string config = kDefaultConfig;
  // Checks this proof file and reads neither configuration nor database.
  std::string proof;
  // A verifier key, or a file that holds one.
  std::string key;
  // Folders of anchors, in addition to those of the configuration.
  std::vector<std::string> anchors;
  // Files with checkpoints that were kept elsewhere.
  std::vector<std::string> witnesses;
  std::int64_t from = 1;
  std::int64_t to = INT64_MAX;
};

struct ProveOptions {
  std::string config = kDefaultConfig;
  // 0 asks for a consistency proof from `from` to `to` instead.
  std::int64_t entry = 0;
  // Size of the checkpoint that the entry is proved for; 0 means the newest.
  std::int64_t size = 0;
  std::int64_t from = 0;
  // 0 means the newest.
  std::int64_t to = 0;
  // Empty means standard output.
  std::string out;
};

// Gives a verifier key: `given` is the key as text, or a file that holds it.
Result<std::string> key_text(const std::string& given) {
  if (given.find('+') != std::string::npos) return given;
  auto text = config::read_text(given);
  if (!text.ok())
    return invalid("audit.vkey",
                   "the verifier key " + given + " cannot be read: " + text.error().message);
  return text;
}

int verify_proof(const VerifyOptions& options) {
  if (options.key.empty()) {
    return complain(
        invalid("audit.vkey",
                "a proof can only be checked with a verifier key that you already trust: "
                "give it with --key VKEY or --key FILE; `rabt audit checkpoint --key` "
                "prints the key of a log"));
  }
  const auto text = key_text(options.key);
  if (!text.ok()) return complain(text.error());
  const auto key = audit::parse_vkey(*text);
  if (!key.ok()) return complain(key.error());
  const auto file = audit::read_file(options.proof, kMaxProofFile);
  if (!file.ok()) return complain(file.error());
  if (!*file) return complain(invalid("audit.proof", options.proof + ": there is no such file"));
  const auto proved = audit::verify_proof(**file, *key);
  if (!proved.ok()) return complain(proved.error());
  std::printf("verified: %s\n", proved->text.c_str());
  if (!proved->entry.empty()) std::printf("%s\n", proved->entry.c_str());
  return 0;
}

struct Witness {
  std::string note;
  std::int64_t size = -1;
  // Lines audit.checkpoint without a checkpoint that can be read.
  std::size_t unreadable = 0;
};

// The newest checkpoint in a file: a signed note, or the log of a hub, which has them in its lines
// audit.checkpoint. Older ones say nothing that the newest does not.
Result<Witness> newest_note(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  Witness newest;
  const auto take = [&](std::string note) {
    const auto one = audit::unverified_note(note);
    if (one && one->size > newest.size) newest = {std::move(note), one->size, newest.unreadable};
    return one.has_value();
  };
  std::string whole;
  for (std::string line; std::getline(in, line);) {
    if (whole.size() < audit::kMaxNoteBytes) whole.append(line).append("\n");
    if (line.find("\"audit.checkpoint\"") == std::string::npos) continue;
    const auto entry = Json::parse(line);
    if (!entry.ok() || !take(entry->string_or("note", ""))) ++newest.unreadable;
  }
  if (newest.note.empty()) take(std::move(whole));
  if (newest.note.empty())
    return invalid("audit.witness", path + " cannot be read, or has no checkpoint of an audit log");
  return newest;
}

// Exit code 3: nothing was found changed, but something is missing with which the log is compared.
constexpr int kAbsent = 3;

int out_of_range(const std::string& why) {
  return complain(invalid("audit.range", why));
}

// Exit code 0 if everything holds, 1 if something does not, which is named on standard output, or
// if the log cannot be read.
int audit_verify(const VerifyOptions& options) {
  if (!options.proof.empty()) return verify_proof(options);
  if (options.from > options.to)
    return out_of_range("--from " + std::to_string(options.from) + " lies behind --to " +
                        std::to_string(options.to) + ": no entry would be read");
  const auto config = config::load_config(options.config);
  if (!config.ok()) return complain(config.error());
  audit::VerifyOptions wanted{.first = options.from, .last = options.to};
  if (!options.key.empty()) {
    auto text = key_text(options.key);
    if (!text.ok()) return complain(text.error());
    wanted.vkey = std::move(*text);
  }
  for (const config::AuditAnchor& anchor : config->audit.anchors) {
    if (!anchor.folder.empty()) wanted.folders.push_back(anchor.folder);
  }
  for (const std::string& folder : options.anchors) wanted.folders.push_back(folder);
  for (const std::string& file : options.witnesses) {
    auto witness = newest_note(file);
    if (!witness.ok()) return complain(witness.error());
    std::printf("%s: compared with a checkpoint over %lld entries\n", file.c_str(),
                static_cast<long long>(witness->size));
    if (witness->unreadable > 0)
      std::fprintf(stderr, "%s: %zu of its checkpoints cannot be read, and are not compared\n",
                   file.c_str(), witness->unreadable);
    wanted.notes.push_back(std::move(witness->note));
  }

  // With the keyring the MAC chain can be followed, and the verifier key need not be trusted.
  const SystemClock clock;
  SecretBytes mac_key;
  std::unique_ptr<assembly::Foundation> base;
  const auto has_keyring = is_there(config->data + "/keyring");
  if (!has_keyring.ok()) return complain(has_keyring.error());
  if (*has_keyring) {
    const auto log_keys = [&]() -> Result<audit::LogOptions> {
      RABT_TRY(opened, assembly::Foundation::open(*config, clock, null_logger(),
                                                  assembly::Foundation::Part::keyring));
      base = std::move(opened);
      return audit::LogOptions::of(*base->keyring, config->tenant, config->data,
                                   config->audit.origin);
    }();
    if (!log_keys.ok()) {
      std::fprintf(stderr, "the MAC chain is not checked: %s\n", log_keys.error().message.c_str());
    } else {
      mac_key = log_keys->mac_key.clone();
      wanted.mac_key = &mac_key;
      if (wanted.vkey.empty()) wanted.vkey = audit::Signer(log_keys->origin, log_keys->seed).vkey();
    }
  }
  const auto connection = assembly::open_database_reader(*config);
  if (!connection.ok()) return complain(connection.error());
  if (wanted.mac_key != nullptr) {
    const Status same = keys::check_origin(**connection, *base->keyring, config->tenant);
    if (!same.ok()) return complain(same.error());
  }
  const auto found = audit::verify(**connection, config->data, wanted);
  if (!found.ok()) return complain(found.error());
  for (const std::string& problem : found->problems) std::printf("%s\n", problem.c_str());
  if (!found->problems.empty() && found->problems.size() == found->absent) {
    std::printf(
        "NOT verified: nothing was found changed, but what is named above is missing (%llu "
        "entries read)\n",
        static_cast<unsigned long long>(found->entries));
    return kAbsent;
  }
  if (!found->verified) {
    std::printf("NOT verified: the audit log was changed (%llu entries read)\n",
                static_cast<unsigned long long>(found->entries));
    return 1;
  }
  if (options.from > 1 && options.from > found->size)
    return out_of_range("the log has " + std::to_string(found->size) + " entries, and none from " +
                        std::to_string(options.from) + " on: nothing was read");
  std::printf("verified: %llu entries, head %s\n", static_cast<unsigned long long>(found->entries),
              found->head.c_str());
  std::printf("%llu checkpoints hold, the newest over %lld of %lld entries; MAC chain %s\n",
              static_cast<unsigned long long>(found->checkpoints),
              static_cast<long long>(found->signed_size), static_cast<long long>(found->size),
              found->macs_checked ? "holds" : "not checked because there is no keyring");
  if (wanted.folders.empty() && wanted.notes.empty()) {
    std::printf(
        "no anchor and no witness was compared: an older copy of the data folder would look "
        "the same\n");
  }
  return 0;
}

int audit_prove(const ProveOptions& options) {
  const auto config = config::load_config(options.config);
  if (!config.ok()) return complain(config.error());
  const auto connection = assembly::open_database_reader(*config);
  if (!connection.ok()) return complain(connection.error());
  const auto proof = options.entry > 0
                         ? audit::prove_entry(**connection, options.entry, options.size)
                         : audit::prove_consistency(**connection, options.from, options.to);
  if (!proof.ok()) return complain(proof.error());
  if (options.out.empty()) {
    std::fwrite(proof->data(), 1, proof->size(), stdout);
    return 0;
  }
  std::ofstream out(options.out, std::ios::binary | std::ios::trunc);
  out << *proof;
  out.close();
  if (out.good()) return 0;
  return complain(unavailable("audit.io", options.out + " cannot be written"));
}

// Prints the newest checkpoint, the verifier key, or both.
int audit_checkpoint(const std::string& path, bool only_note, bool only_key) {
  const auto config = config::load_config(path);
  if (!config.ok()) return complain(config.error());
  const auto note =
      audit::read_file(config->data + "/" + audit::kCheckpointFileName, audit::kMaxNoteBytes);
  const auto key =
      audit::read_file(config->data + "/" + audit::kVkeyFileName, audit::kMaxNoteBytes);
  if (!note.ok()) return complain(note.error());
  if (!key.ok()) return complain(key.error());
  if (!*note || !*key) {
    return complain(
        not_found("audit.checkpoint", "there is no checkpoint in " + config->data +
                                          " yet; the hub signs the first one when it starts"));
  }
  if (!only_key) std::printf("%s", (*note)->c_str());
  if (!only_key && !only_note) std::printf("\n");
  if (!only_note) std::printf("%s", (*key)->c_str());
  return 0;
}

void add_verify_command(args::Command& group, int& code) {
  auto options = std::make_shared<VerifyOptions>();
  auto* command = group.add_subcommand(
      "verify",
      "Check the entries, the tree, the checkpoints and the anchors of the audit log, and name "
      "the place of every finding");
  add_config_option(*command, options->config);
  command->add_option("--proof", options->proof, "Check only this proof file");
  command->add_option("--key", options->key, "Verifier key to trust, or a file that holds one");
  command->add_option("--anchor", options->anchors,
                      "Folder of an anchor, in addition to those of the configuration");
  command->add_option("--witness", options->witnesses,
                      "File with checkpoints that were kept elsewhere: a checkpoint, or the hub's "
                      "log");
  command->footer(
      "Exit status: 0 verified, 1 something was changed or the log cannot be read, 2 wrong input, "
      "3 "
      "nothing was found changed but the checkpoint file, the checkpoint of an anchor or the "
      "verifier key is missing.");
  command->add_option("--from", options->from, "Number of the first entry to read")->positive();
  command->add_option("--to", options->to, "Number of the last entry to read")->positive();
  command->callback([options, &code] { code = audit_verify(*options); });
}

void add_prove_command(args::Command& group, int& code) {
  auto options = std::make_shared<ProveOptions>();
  auto* command = group.add_subcommand(
      "prove", "Write a proof that an entry is in the log, or that the log only grew");
  add_config_option(*command, options->config);
  auto* entry =
      command->add_option("--entry", options->entry, "Number of the entry to prove")->positive();
  command
      ->add_option("--size", options->size,
                   "Number of entries under the checkpoint that the proof is for (default: the "
                   "newest checkpoint)")
      ->needs(entry)
      ->positive();
  auto* from =
      command->add_option("--from", options->from, "Number of entries under the older checkpoint")
          ->positive()
          ->excludes(entry);
  command
      ->add_option("--to", options->to,
                   "Number of entries under the newer checkpoint (default: the newest checkpoint)")
      ->needs(from)
      ->positive();
  command->add_option("-o,--output", options->out, "File to write (default: standard output)");
  command->callback([options, &code] {
    if (options->entry == 0 && options->from == 0) args::refuse_without("--entry or --from");
    code = audit_prove(*options);
  });
}

void add_checkpoint_command(args::Command& group, int& code) {
  struct Options {
    std::string config = kDefaultConfig;
    bool only_note = false;
    bool only_key = false;
  };
  auto options = std::make_shared<Options>();
  auto* command =
      group.add_subcommand("checkpoint", "Print the newest signed checkpoint and the verifier key");
  add_config_option(*command, options->config);
  auto* note = command->add_flag("--note", options->only_note, "Print only the checkpoint");
  command->add_flag("--key", options->only_key, "Print only the verifier key")->excludes(note);
  command->callback([options, &code] {
    code = audit_checkpoint(options->config, options->only_note, options->only_key);
  });
}

}  // namespace

void add_audit_commands(args::Command& program, int& code) {
  auto* group = program.add_subcommand("audit", "Check, prove, export and report the audit log");
  group->require_subcommand();
  add_verify_command(*group, code);
  add_prove_command(*group, code);
  add_checkpoint_command(*group, code);
  add_audit_report_commands(*group, code);
}

}  // namespace rabt::cli
