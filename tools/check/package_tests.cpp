#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "hub/base/bytes.hpp"
#include "hub/base/json_pointer.hpp"
#include "hub/base/semver.hpp"
#include "hub/crypto/minisign.hpp"
#include "hub/plugin/package/package_trust.hpp"
#include "tools/check/elf_file.hpp"
#include "tools/check/groups.hpp"
#include "tools/check/schema_generate.hpp"

#include <elf.h>

namespace rabt::check {

namespace {

namespace fs = std::filesystem;

// Limits on the depth and the number of places at which a recursive schema is compared.
constexpr int kMaxMemberDepth = 32;
constexpr std::size_t kMaxMembers = 10'000;
// Values that are tried on the other release's schema.
constexpr int kSamples = 200;

Verdict schemas_compile(const Subject& subject) {
  std::string empty;
  int count = 0;
  for (const auto& [path, file] : subject.files().all()) {
    if (!path.starts_with("schemas/") || !path.ends_with(".json")) continue;
    ++count;
    const auto document = Json::parse(file.text);
    if (!document.ok()) return failed(path + ": " + document.error().message);
    const auto schema = Schema::compile(*document);
    if (!schema.ok()) return failed(path + ": " + schema.error().message);
    if (!SchemaGenerator(*document, 1).valid()) empty += " " + path;
  }
  // Those that stand in the manifest compiled when it was read.
  for (const plugin::ActionSpec& action : subject.manifest().actions) {
    for (const Json* schema : {&action.input_schema, &action.output_schema}) {
      if (schema->is_null()) continue;
      ++count;
      if (!SchemaGenerator(*schema, 1).valid())
        empty += " " + action.name + (schema == &action.input_schema ? " input" : " output");
    }
  }
  if (!empty.empty())
    return warning("no value was found that fits:" + empty +
                   "; write examples (check/*.call.json), or \"examples\" into the schema");
  return count == 0 ? skipped("the package has no schemas") : passed();
}

Verdict platform_matches_elf(const Subject& subject) {
  const std::map<std::string, std::uint16_t> machines{{"linux-x86_64", EM_X86_64},
                                                      {"linux-aarch64", EM_AARCH64}};
  const std::string bin = subject.settings().path + "/bin";
  std::error_code failure;
  if (!fs::is_directory(bin, failure))
    return failed("the package has no folder bin/; rabt_add_plugin() builds bin/" +
                  std::string(plugin::kPlatform) + "/plugin.so");
  bool here = false;
  for (const auto& entry : fs::directory_iterator(bin, failure)) {
    const std::string platform = entry.path().filename().string();
    const auto machine = machines.find(platform);
    if (machine == machines.end())
      return failed("bin/" + platform +
                    " names no machine; known are linux-x86_64 and linux-aarch64");
    const auto file = ElfFile::read(entry.path().string() + "/plugin.so");
    if (!file.ok()) return failed("bin/" + platform + "/plugin.so: " + file.error().message);
    if (file->machine() != machine->second)
      return failed("bin/" + platform + "/plugin.so is built for ELF machine " +
                    std::to_string(file->machine()) + ", not " + std::to_string(machine->second));
    here = here || platform == plugin::kPlatform;
  }
  if (!here)
    return failed("bin/" + std::string(plugin::kPlatform) +
                  "/plugin.so is missing: the other tests have no library to run");
  return passed();
}

constexpr const char* kUnsigned = "the package is not signed; `rabt plugin sign` does that";

Verdict sums_complete(const Subject& subject) {
  const std::string* text = subject.files().text(plugin::kSumsFile);
  if (text == nullptr) return skipped(kUnsigned);
  auto sums = plugin::parse_sums(*text);
  if (!sums.ok()) return failed(sums.error().message);
  for (const auto& [path, file] : subject.files().all()) {
    if (path == plugin::kSumsFile || path == plugin::kSignatureFile) continue;
    const auto sum = sums->find(path);
    if (sum == sums->end()) return failed(path + " has no line in SHA256SUMS: sign again");
    if (sum->second != file.sha256)
      return failed(path + " is not the file that SHA256SUMS names: sign again");
    sums->erase(sum);
  }
  if (!sums->empty())
    return failed("SHA256SUMS names " + sums->begin()->first + ", which is not there: sign again");
  return passed();
}

// --key: a file, or the line "RW..." itself.
Verdict signature(const Subject& subject) {
  namespace minisign = crypto::minisign;
  const std::string* text = subject.files().text(plugin::kSignatureFile);
  const std::string* sums = subject.files().text(plugin::kSumsFile);
  if (text == nullptr || sums == nullptr) return skipped(kUnsigned);
  const auto parsed = minisign::parse_signature(*text);
  if (!parsed.ok()) return failed(parsed.error().message);
  const std::string& given = subject.settings().key;
  const std::string by = "by the key " + minisign::to_text(parsed->key_id);
  if (given.empty()) return skipped("signed " + by + "; give --key to have that proved");
  const auto file = read_file(given);
  const auto key = minisign::parse_public_key(file.ok() ? *file : given);
  if (!key.ok()) return failed("--key: " + key.error().message);
  if (key->id != parsed->key_id)
    return failed("it is signed " + by + ", --key is " + minisign::to_text(key->id));
  if (!minisign::verify(*key, *parsed, *sums))
    return failed("the signature is not of this SHA256SUMS " + by + ": sign again");
  return passed(by);
}

std::string place(const SchemaFault& fault) {
  return (fault.instance_path.empty() ? "the value" : fault.instance_path) + " " + fault.message;
}

// A fault if a value of the one schema does not fit the other; empty if all samples do.
std::string not_taken(const Json& from, const Json& to, std::uint64_t seed) {
  if (to.is_null() || from == to) return {};
  auto target = Schema::compile(to);
  if (!target.ok()) return {};
  SchemaGenerator generator(from.is_null() ? Json(true) : from, seed);
  for (int i = 0; i < kSamples; ++i) {
    const auto value = generator.valid(i == 0   ? SchemaGenerator::Size::smallest
                                       : i == 1 ? SchemaGenerator::Size::largest
                                                : SchemaGenerator::Size::any);
    if (!value) continue;
    if (const auto fault = target->check(*value)) return place(*fault);
  }
  return {};
}

bool is_newer(std::string_view now, std::string_view before) {
  return compare_semver(before, now) < 0;
}

// The place of every member that a value may have by a schema: JSON pointers of values, in which
// "*" is any item. References are followed within the document.
class Members {
 public:
  explicit Members(const Json& root) : root_(root) { walk(root, "", 0); }
  [[nodiscard]] const std::set<std::string>& places() const { return places_; }

 private:
  void walk(const Json& schema, const std::string& at, int depth) {
    if (!schema.is_object() || depth > kMaxMemberDepth || seen_.size() > kMaxMembers ||
        !seen_.emplace(&schema, at).second)
      return;
    if (schema["properties"].is_object()) {
      for (const auto& [name, member] : schema["properties"].as_object()) {
        const std::string place = at + "/" + escape_token(name);
        places_.insert(place);
        walk(member, place, depth + 1);
      }
    }
    for (const char* keyword : {"items", "additionalProperties"})
      walk(schema[keyword], at + "/*", depth + 1);
    for (const char* keyword : {"if", "then", "else"}) walk(schema[keyword], at, depth + 1);
    for (const char* keyword : {"allOf", "anyOf", "oneOf", "prefixItems"}) {
      if (!schema[keyword].is_array()) continue;
      const std::string place = std::string_view(keyword) == "prefixItems" ? at + "/*" : at;
      for (const Json& item : schema[keyword].as_array()) walk(item, place, depth + 1);
    }
    const std::string reference = schema.string_or("$ref", "");
    if (!reference.starts_with("#")) return;
    const Json* target = at_pointer(root_, std::string_view(reference).substr(1));
    if (target != nullptr) walk(*target, at, depth + 1);
  }
  const Json& root_;
  std::set<std::pair<const Json*, std::string>> seen_;
  std::set<std::string> places_;
};

// A member or a value that the new schema takes and the old one did not, as far as samples and
// names tell. Empty if there is none.
std::string newly_taken(const Json& was, const Json& item, std::uint64_t seed) {
  if (was == item || was.is_null()) return {};
  const Members before(was);
  const Members now(item);
  for (const std::string& place : now.places()) {
    if (before.places().count(place) == 0) return "it takes " + place;
  }
  const std::string why = not_taken(item, was, seed);
  return why.empty() ? "" : "it takes what it refused: " + why;
}

// Rise of a version.
enum class Rise : std::uint8_t { none, patch, minor, major };
Rise rise_of(std::string_view before, std::string_view now) {
  if (!is_newer(now, before)) return Rise::none;
  if (!same_major(before, now)) return Rise::major;
  const auto minor = [](std::string_view version) {
    const auto dot = version.find('.');
    return version.substr(dot + 1, version.find('.', dot + 1) - dot - 1);
  };
  return minor(before) == minor(now) ? Rise::patch : Rise::minor;
}
std::string_view name_of(Rise rise) {
  return rise == Rise::major ? "major" : rise == Rise::minor ? "minor" : "patch";
}

Verdict semver_bump(const Subject& subject) {
  const Settings& settings = subject.settings();
  if (settings.previous.empty()) return skipped("no --previous release was given");
  const auto before = plugin::read_package(settings.previous);
  if (!before.ok()) return failed("--previous: " + before.error().message);
  const plugin::Manifest& old = before->manifest;
  const plugin::Manifest& now = subject.manifest();
  if (old.id != now.id) return failed("--previous is " + old.id + ", this is " + now.id);
  if (!is_newer(now.version, old.version))
    return failed("version " + now.version + " does not come after " + old.version);
  const bool same_plugin_major = same_major(old.version, now.version);
  // The greatest rise that a comparison below finds, and the place that needs it.
  Rise greatest = Rise::none;
  std::string where;
  const auto rises = [&](Rise rise, const std::string& what) {
    if (rise <= greatest) return;
    greatest = rise;
    where = what;
  };
  for (const plugin::ActionSpec& was : old.actions) {
    // The action of this release that serves calls for the old one.
    const auto* is = plugin::serving_action(now.actions, was.name, was.version);
    const std::string name = was.name + " " + was.version;
    if (is == nullptr) {
      if (same_plugin_major)
        return failed("nothing serves " + name +
                      " any more: raise the plugin's major version, or keep the action");
      continue;
    }
    const bool changed = was.input_schema != is->input_schema ||
                         was.output_schema != is->output_schema ||
                         was.idempotency != is->idempotency;
    if (changed && !is_newer(is->version, was.version))
      return failed(name + " changed and kept its version: raise it");
    if (const std::string why = not_taken(was.input_schema, is->input_schema, settings.seed);
        !why.empty())
      return failed(name + ": an input that it took is refused now (" + why +
                    "): raise the action's major version and keep the old action beside it");
    if (const std::string why = not_taken(is->output_schema, was.output_schema, settings.seed);
        !why.empty())
      return failed(name + ": an output of now does not fit the schema of then (" + why +
                    "): raise the action's major version");
    const Rise rise = rise_of(was.version, is->version);
    if (const std::string what = newly_taken(was.input_schema, is->input_schema, settings.seed);
        !what.empty() && rise < Rise::minor)
      return failed(name + ": " + what + ", and its version is " + is->version +
                    ": raise the action's minor version");
    rises(rise, "the action " + name + " is " + is->version);
  }
  for (const plugin::ActionSpec& action : now.actions) {
    if (std::none_of(old.actions.begin(), old.actions.end(), [&](const auto& was) {
          return was.name == action.name && same_major(was.version, action.version);
        }))
      rises(Rise::minor, "the action " + action.name + " " + action.version + " is new");
  }
  for (const workflow::EventInfo& event : now.events) {
    if (std::none_of(old.events.begin(), old.events.end(),
                     [&](const auto& was) { return was.type == event.type; }))
      rises(Rise::minor, "the event " + event.type + " is new");
  }
  for (const workflow::EventInfo& was : old.events) {
    if (!same_plugin_major) break;
    const auto is = std::find_if(now.events.begin(), now.events.end(),
                                 [&](const auto& one) { return one.type == was.type; });
    if (is == now.events.end())
      return failed("the event " + was.type + " is gone: raise the plugin's major version");
    if (const std::string why = not_taken(is->data_schema, was.data_schema, settings.seed);
        !why.empty())
      return failed("data of the event " + was.type + " do not fit the schema of then (" + why +
                    "): raise the plugin's major version, or give the event another type");
  }
  if (same_plugin_major && old.config_schema != now.config_schema) {
    if (const std::string why = not_taken(old.config_schema, now.config_schema, settings.seed);
        !why.empty())
      return failed("a configuration that fitted is refused now (" + why +
                    "): raise the plugin's major version, or make the member optional");
  }
  if (rise_of(old.version, now.version) < greatest)
    return failed("version " + now.version + " rises less than its actions: " + where +
                  "; raise the plugin's " + std::string(name_of(greatest)) + " version");
  return passed();
}

}  // namespace

Verdict package_test(TestId id, const Subject& subject) {
  switch (id) {
    case TestId::manifest_schema:
      return passed();  // Subject::open has read it
    case TestId::schemas_compile:
      return schemas_compile(subject);
    case TestId::platform_matches_elf:
      return platform_matches_elf(subject);
    case TestId::semver_bump:
      return semver_bump(subject);
    case TestId::sums_complete:
      return sums_complete(subject);
    default:
      return signature(subject);
  }
}

}  // namespace rabt::check
