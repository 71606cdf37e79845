#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>

#include "hub/assembly/open_keys.hpp"
#include "hub/audit/audit_log.hpp"
#include "hub/audit/check.hpp"
#include "hub/audit/files.hpp"
#include "hub/audit/note.hpp"
#include "hub/audit/proof.hpp"
#include "hub/audit/verify.hpp"
#include "hub/base/printable.hpp"
#include "hub/cli/commands.hpp"
#include "hub/config/config.hpp"
#include "hub/crypto/keyring.hpp"
#include "hub/store/store.hpp"

// rabt audit verify | prove | checkpoint: they only read, beside a running hub or without one.
namespace rabt::cli {

namespace {

constexpr std::size_t kMaxProofFile = 1U << 20U;  // an entry in base64, two notes, 128 hashes

// A verifier key as text, or a file that holds one.
Result<std::string> key_text(const std::string& given) {
  if (given.find('+') != std::string::npos) return given;
  auto text = config::read_text(given);
  if (!text.ok())
    return invalid("audit.vkey",
                   "the verifier key " + given + " cannot be read: " + text.error().message);
  return text;
}

int verify_proof(const AuditVerifyOptions& options) {
  if (options.key.empty()) {
    return complain(invalid("audit.vkey",
                            "a proof is checked with a verifier key that was got elsewhere: --key "
                            "VKEY, or --key FILE; see rabt audit checkpoint --key"));
  }
  const auto text = key_text(options.key);
  if (!text.ok()) return complain(text.error());
  const auto key = audit::check::parse_vkey(*text);
  if (!key.ok()) return complain(key.error());
  const auto file = audit::read_file(options.proof, kMaxProofFile);
  if (!file.ok()) return complain(file.error());
  if (!*file) return complain(invalid("audit.proof", options.proof + ": there is no such file"));
  const auto proved = audit::check::verify_proof(**file, *key);
  if (!proved.ok()) return complain(proved.error());
  std::printf("verified: %s\n", proved->text.c_str());
  if (!proved->entry.empty()) std::printf("%s\n", proved->entry.c_str());
  return 0;
}

}  // namespace

int audit_verify(const AuditVerifyOptions& options) {
  if (!options.proof.empty()) return verify_proof(options);
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

  // With the keyring the MAC chain can be followed, and the verifier key need not be believed.
  SystemRandom random;
  const SystemClock clock;
  const auto http = net::make_curl_client(clock, null_logger());
  SecretBytes mac_key;
  if (std::filesystem::exists(config->data + "/keyring")) {
    const auto log_keys = [&]() -> Result<audit::LogOptions> {
      RABT_TRY(keyring, assembly::open_keyring(*config, *http, clock, random));
      return audit::LogOptions::of(*keyring, config->tenant, config->data, config->audit.origin);
    }();
    if (!log_keys.ok()) {
      std::fprintf(stderr, "the MAC chain is not checked: %s\n", log_keys.error().message.c_str());
    } else {
      mac_key = log_keys->mac_key.clone();
      wanted.mac_key = &mac_key;
      if (wanted.vkey.empty()) wanted.vkey = audit::Signer(log_keys->origin, log_keys->seed).vkey();
    }
  }
  const auto found = audit::verify_file(config->data + "/rabt.db", config->data, wanted);
  if (!found.ok()) return complain(found.error());
  for (const std::string& problem : found->problems) std::printf("%s\n", problem.c_str());
  if (!found->verified) {
    std::printf("NOT verified: the audit log was changed (%llu entries read)\n",
                static_cast<unsigned long long>(found->entries));
    return 1;
  }
  std::printf("verified: %llu entries, head %s\n", static_cast<unsigned long long>(found->entries),
              found->head.c_str());
  std::printf("%llu checkpoints hold, the newest over %lld of %lld entries; MAC chain %s\n",
              static_cast<unsigned long long>(found->checkpoints),
              static_cast<long long>(found->signed_size), static_cast<long long>(found->size),
              found->macs_checked ? "holds" : "not checked, the keyring is not at hand");
  return 0;
}

int audit_prove(const AuditProveOptions& options) {
  const auto config = config::load_config(options.config);
  if (!config.ok()) return complain(config.error());
  const auto connection = store::open_sqlite_reader(config->data + "/rabt.db");
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

}  // namespace rabt::cli
