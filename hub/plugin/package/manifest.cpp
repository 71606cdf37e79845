#include "hub/plugin/package/manifest.hpp"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "hub/base/ascii.hpp"
#include "hub/base/limits.hpp"
#include "hub/base/number.hpp"
#include "hub/base/printable.hpp"
#include "hub/base/suggest.hpp"
#include "hub/plugin/package/capability.hpp"

namespace rabt::plugin {

namespace {

constexpr std::size_t kMaxManifestBytes = 1U
                                          << 20U;  // a manifest with inline schemas stays far below
constexpr std::size_t kMaxYamlNodes = 50'000;      // ends a document whose aliases multiply
constexpr int kMaxYamlDepth = 64;                  // as schemas; ends one whose alias holds itself
constexpr std::size_t kMaxActions = 256;
constexpr std::size_t kMaxNames = 256;  // events, secrets, hosts
constexpr std::size_t kMaxMetrics = 64;
constexpr std::size_t kMaxSeries = 128;  // per metric: each costs the monitoring system memory
constexpr std::size_t kMaxBuckets = 32;
constexpr std::size_t kMaxLabelText = 64;
constexpr int kMaxConcurrency = 64;  // each costs a thread
constexpr std::int64_t kMaxTimeoutMs = 24LL * 3600 * 1000;
constexpr std::int64_t kDefaultKvBytes = 256LL << 20U;

Result<std::string_view> read_text(const PackageFiles& files, std::string_view path) {
  const std::string* const text = files.text(path);
  const std::string where = files.origin() + "/" + std::string(path);
  if (text == nullptr)
    return not_found("plugin.manifest_io", where + ": is not there; is the plugin's folder right?");
  if (text->size() > kMaxManifestBytes)
    return invalid("plugin.manifest_io",
                   where + ": is larger than " + std::to_string(kMaxManifestBytes) + " bytes");
  return std::string_view(*text);
}

bool is_name(std::string_view text, std::string_view extra) {
  if (text.empty() || text.size() > 128 || text.front() < 'a' || text.front() > 'z') return false;
  return std::all_of(text.begin(), text.end(), [extra](char c) {
    return is_lower(c) || is_digit(c) || extra.find(c) != std::string_view::npos;
  });
}
// Like a vendor spells it: credentials are often given in camel or upper case.
bool is_free_name(std::string_view text) {
  if (text.empty() || text.size() > 128) return false;
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return is_alnum(c) || c == '.' || c == '_' || c == '-'; });
}

// Carries the first error out of nested readers; never leaves this file.
struct Wrong {
  Error error;
};

constexpr std::string_view kRegionForm =
    "a region must be a name of letters, digits, '.', '_' or '-', or \"${config:/MEMBER}\"";
bool is_region(std::string_view text) {
  if (!text.starts_with("${")) return is_free_name(text);
  return text.starts_with("${config:/") && text.ends_with("}");
}

std::string suggested(std::string_view wrong, const std::vector<std::string>& names) {
  const std::string near = did_you_mean(wrong, names);
  return near.empty() ? near : near + ' ';
}

// A table: one part a section of the manifest.
class Reader {
 public:
  explicit Reader(const PackageFiles& files)
      : files_(files), file_(files.origin() + "/" + std::string(kManifestFile)) {}

  Package read(const YAML::Node& root) {
    Package package;
    Manifest& m = package.manifest;
    only(root, "the manifest",
         {"id", "version", "abi", "vendor", "license", "title", "config", "actions", "events",
          "secrets", "metrics", "permissions", "concurrency", "blocking", "isolation", "roles",
          "codes", "features", "regions"});
    m.id = text(need(root, "id"), "id");
    if (!is_name(m.id, "-") || m.id.size() > 64)
      fail(root["id"], "id must be lower-case letters, digits and '-', at most 64");
    m.version = version(need(root, "version"));
    const YAML::Node abi = need(root, "abi");
    only(abi, "abi", {"major", "min_minor"});
    m.abi_major = static_cast<int>(integer(need(abi, "major"), "abi.major", 0, 65535));
    m.abi_min_minor = static_cast<int>(integer_or(abi["min_minor"], "abi.min_minor", 0, 0, 65535));
    const YAML::Node vendor = need(root, "vendor");
    only(vendor, "vendor", {"name", "url"});
    m.vendor = text(need(vendor, "name"), "vendor.name");
    if (vendor["url"]) static_cast<void>(text(vendor["url"], "vendor.url"));
    if (root["license"]) package.license = text(root["license"], "license");
    if (root["title"]) package.title = text(root["title"], "title");
    if (root["config"]) {
      m.config_schema = schema(root["config"], package.config, package.phi_names, "config");
    }
    actions(root["actions"], package);
    events(root["events"], package);
    roles(root["roles"], package);
    features(root["features"], package.manifest);
    regions(root["regions"], package.manifest);
    secrets(root["secrets"], package);
    metrics(root["metrics"], package);
    permissions(root["permissions"], package);
    m.concurrency =
        static_cast<int>(integer_or(root["concurrency"], "concurrency", 1, 1, kMaxConcurrency));
    m.blocking = boolean_or(root["blocking"], "blocking", false);
    if (root["isolation"]) {
      const std::string isolation =
          choice(root["isolation"], "isolation", {"inline-ok", "process"});
      package.inline_allowed = isolation != "process";
    } else {
      package.inline_allowed = true;
    }
    package.words = std::move(words_);
    codes(root["codes"], package);
    return package;
  }

 private:
  [[noreturn]] void fail(const YAML::Node& at, const std::string& what) const {
    const YAML::Mark mark = at.Mark();
    throw Wrong{invalid(
        "plugin.manifest",
        file_ + ":" + std::to_string(mark.is_null() ? 1 : mark.line + 1) + ": " + printable(what))};
  }

  void only(const YAML::Node& map, const std::string& where,
            const std::vector<std::string>& keys) const {
    if (!map.IsMap()) fail(map, where + " must be a mapping");
    std::set<std::string> seen;
    for (const auto& member : map) {
      const std::string key = member.first.Scalar();
      if (std::find(keys.begin(), keys.end(), key) == keys.end()) {
        fail(member.first, "unknown key \"" + key + "\" in " + where + "; " + suggested(key, keys) +
                               "allowed are: " + listed(keys));
      }
      if (!seen.insert(key).second)
        fail(member.first, "the key \"" + key + "\" appears twice in " + where);
    }
  }
  YAML::Node need(const YAML::Node& map, const std::string& key) const {
    const YAML::Node node = map[key];
    if (!node || node.IsNull()) fail(map, "the key \"" + key + "\" is missing");
    return node;
  }
  std::string text(const YAML::Node& node, const std::string& where) const {
    if (!node.IsScalar() || node.Scalar().empty()) fail(node, where + " must be a text");
    return node.Scalar();
  }
  std::string version(const YAML::Node& node) const {
    std::string value = text(node, "version");
    if (!is_semver(value)) fail(node, "version must be a semantic version such as 1.0.0");
    return value;
  }
  std::int64_t integer(const YAML::Node& node, const std::string& where, std::int64_t low,
                       std::int64_t high) const {
    const auto value = read_number<std::int64_t>(node.IsScalar() ? node.Scalar() : where);
    if (!value || *value < low || *value > high) {
      fail(node, where + " must be a whole number from " + std::to_string(low) + " to " +
                     std::to_string(high));
    }
    return *value;
  }
  std::int64_t integer_or(const YAML::Node& node, const std::string& where, std::int64_t fallback,
                          std::int64_t low, std::int64_t high) const {
    return node ? integer(node, where, low, high) : fallback;
  }
  bool boolean_or(const YAML::Node& node, const std::string& where, bool fallback) const {
    if (!node) return fallback;
    if (!node.IsScalar() || (node.Scalar() != "true" && node.Scalar() != "false"))
      fail(node, where + " must be true or false");
    return node.Scalar() == "true";
  }
  std::string choice(const YAML::Node& node, const std::string& where,
                     const std::vector<std::string>& values) const {
    std::string value = text(node, where);
    if (std::find(values.begin(), values.end(), value) == values.end()) {
      fail(node, where + " cannot be \"" + value + "\"; " + suggested(value, values) +
                     "allowed are: " + listed(values));
    }
    return value;
  }
  void list(const YAML::Node& node, const std::string& where, std::size_t limit) const {
    if (!node.IsSequence()) fail(node, where + " must be a list");
    if (node.size() > limit)
      fail(node, where + " has more than " + std::to_string(limit) + " entries");
  }

  Json to_json(const YAML::Node& node, int depth = 0) {
    if (depth > kMaxYamlDepth) fail(node, "is nested too deeply (does an alias hold itself?)");
    if (++nodes_ > kMaxYamlNodes) fail(node, "the document is too large (do aliases multiply it?)");
    switch (node.Type()) {
      case YAML::NodeType::Sequence: {
        Json::Array items;
        for (const auto& item : node) items.push_back(to_json(item, depth + 1));
        return Json(std::move(items));
      }
      case YAML::NodeType::Map: {
        JsonObject members;
        for (const auto& member : node) {
          if (!member.first.IsScalar()) fail(member.first, "keys must be texts");
          if (members.contains(member.first.Scalar())) {
            fail(member.first, "the key \"" + member.first.Scalar() + "\" appears twice");
          }
          members.append_new(member.first.Scalar(), to_json(member.second, depth + 1));
        }
        return Json(std::move(members));
      }
      case YAML::NodeType::Scalar:
        return scalar(node);
      case YAML::NodeType::Null:
      case YAML::NodeType::Undefined:
        return {};
    }
    return {};
  }
  static Json scalar(const YAML::Node& node) {
    const std::string& value = node.Scalar();
    if (node.Tag() == "!") return Json(value);  // quoted
    if (value == "true") return Json(true);
    if (value == "false") return Json(false);
    if (value == "null" || value == "~" || value.empty()) return {};
    // YAML numbers that JSON does not know (hex, .inf) stay texts.
    const auto number = Json::parse(value);
    if (number.ok() && number->is_number()) return *number;
    return Json(value);
  }

  // A schema written here, or the name of a file under schemas/.
  Json schema(const YAML::Node& node, Schema& compiled, std::set<std::string>& phi,
              const std::string& where) {
    Json document;
    std::string origin = where;
    if (node.IsScalar() && node.Tag() != "!" &&
        (node.Scalar() == "true" || node.Scalar() == "false")) {
      document = Json(node.Scalar() == "true");
    } else if (node.IsScalar()) {
      std::string name = node.Scalar();
      if (name.starts_with("schemas/")) name.erase(0, 8);
      if (name.empty() || name.front() == '/' || name.find("..") != std::string::npos) {
        fail(node, where + " must be a schema or the name of a file under schemas/");
      }
      origin = files_.origin() + "/schemas/" + name;
      auto content = read_text(files_, "schemas/" + name);
      if (!content.ok()) fail(node, where + ": " + content.error().message);
      words_.add_text(*content);
      auto parsed = Json::parse(*content);
      if (!parsed.ok()) fail(node, origin + ": " + parsed.error().message);
      document = std::move(parsed).value();
    } else if (node.IsMap()) {
      document = to_json(node);
    } else {
      fail(node, where + " must be a schema or the name of a file under schemas/");
    }
    auto result = Schema::compile(document);
    if (!result.ok()) fail(node, origin + ": " + result.error().message);
    compiled = std::move(result).value();
    phi.merge(compiled.phi_names());
    return document;
  }

  void actions(const YAML::Node& node, Package& package) {
    if (!node) return;
    list(node, "actions", kMaxActions);
    for (const auto& item : node) {
      only(item, "an action",
           {"name", "version", "title", "input", "output", "idempotency", "reads", "timeout_ms",
            "channel", "capability"});
      CompiledAction action;
      action.spec.name = text(need(item, "name"), "name");
      if (!is_name(action.spec.name, "-_."))
        fail(item["name"], "an action's name must be lower-case letters, digits, '-', '_' or '.'");
      action.spec.version = version(need(item, "version"));
      if (item["title"]) action.spec.title = text(item["title"], "title");
      action.spec.idempotency =
          choice(need(item, "idempotency"), "idempotency", {"native", "key", "probe", "none"});
      action.spec.reads = boolean_or(item["reads"], "reads", false);
      action.spec.timeout_ms = integer_or(item["timeout_ms"], "timeout_ms",
                                          limits::kDefaultActionTimeout.count(), 1, kMaxTimeoutMs);
      if (item["input"])
        action.spec.input_schema = schema(item["input"], action.input, package.phi_names, "input");
      action.marked = action.input.phi_names();
      action.places = action.input.phi_places();
      if (item["channel"])
        action.spec.channel =
            phi::parse_channel(choice(item["channel"], "channel", {"event", "notify"}));
      if (item["output"])
        action.spec.output_schema =
            schema(item["output"], action.output, package.phi_names, "output");
      if (item["capability"]) capability(item["capability"], action.spec);
      const Capability* const claimed = find_capability(action.spec.capability);
      action.spec.reads = action.spec.reads || (claimed != nullptr && claimed->reads);
      action.coded =
          CodedMembers(action.spec.output_schema, claimed == nullptr ? Json() : claimed->output);
      if (claimed != nullptr) action.left_out = left_out(action.spec.input_schema, *claimed);
      for (const CompiledAction& other : package.actions) {
        if (!action.spec.capability.empty() && other.spec.capability == action.spec.capability)
          fail(item["capability"], "the capability " + action.spec.capability +
                                       " is claimed by the action " + other.spec.name +
                                       " as well; one action serves it");
        if (other.spec.name == action.spec.name &&
            same_major(other.spec.version, action.spec.version)) {
          fail(item,
               "the action " + action.spec.name + " appears twice with the same major version");
        }
      }
      package.manifest.actions.push_back(action.spec);
      package.actions.push_back(std::move(action));
    }
  }

  void capability(const YAML::Node& node, ActionSpec& spec) const {
    spec.capability = text(node, "capability");
    const Capability* const claimed = find_capability(spec.capability);
    if (claimed == nullptr) {
      std::vector<std::string> ids;
      for (const Capability& one : capabilities()) ids.push_back(one.id);
      fail(node, "there is no capability \"" + spec.capability + "\"; " +
                     suggested(spec.capability, ids) +
                     "the hub's own are in sdk/capabilities; leave the key out for an action of "
                     "your own");
    }
    if (const std::string fault = capability_fault(spec, *claimed); !fault.empty())
      fail(node, fault);
  }

  // After actions and events.
  void roles(const YAML::Node& node, Package& package) const {
    if (!node) return;
    list(node, "roles", kMaxNames);
    for (const auto& item : node) {
      const std::string role = text(item, "a role");
      const auto missing = missing_of_role(package.manifest, role);
      if (!missing.ok()) fail(item, missing.error().message);
      if (!missing->empty()) {
        fail(item, "the plugin does not serve the role " + role + ": it lacks " + listed(*missing));
      }
      package.manifest.roles.push_back(role);
    }
  }

  // docs/plugins/manifest.md says what they mean.
  void features(const YAML::Node& node, Manifest& manifest) const {
    if (!node) return;
    list(node, "features", kMaxNames);
    for (const auto& item : node)
      manifest.features.push_back(
          choice(item, "a feature", {"end-to-end", "presence", "receive-only", "room-at-join"}));
  }

  void regions(const YAML::Node& node, Manifest& manifest) const {
    if (!node) return;
    list(node, "regions", kMaxNames);
    for (const auto& item : node) {
      manifest.regions.push_back(text(item, "a region"));
      if (!is_region(manifest.regions.back())) fail(item, std::string(kRegionForm));
    }
  }

  void events(const YAML::Node& node, Package& package) {
    if (!node) return;
    list(node, "events", kMaxNames);
    for (const auto& item : node) {
      only(item, "an event", {"type", "schema"});
      const std::string type = text(need(item, "type"), "type");
      if (!is_free_name(type))
        fail(item["type"], "an event's type must be letters, digits, '.', '_' or '-'");
      CompiledEvent compiled;
      Json document;
      if (item["schema"])
        document = schema(item["schema"], compiled.data, package.phi_names, "schema");
      compiled.coded = CodedMembers(document, Json());
      for (const EventContract& contract : event_contracts()) {
        if (contract.type != type) continue;
        if (const std::string fault = event_fault(document, contract); !fault.empty())
          fail(item, fault);
      }
      if (!package.events.emplace(type, std::move(compiled)).second)
        fail(item, "the event " + type + " appears twice");
      package.manifest.events.push_back({type, std::move(document)});
    }
  }

  void secrets(const YAML::Node& node, Package& package) const {
    if (!node) return;
    list(node, "secrets", kMaxNames);
    for (const auto& item : node) {
      only(item, "a secret",
           {"name", "description", "required", "min_bytes", "max_bytes", "pattern"});
      SecretSpec secret;
      secret.name = text(need(item, "name"), "name");
      if (!is_free_name(secret.name))
        fail(item["name"], "a secret's name must be letters, digits, '.', '_' or '-'");
      if (item["description"]) secret.description = text(item["description"], "description");
      secret.required = boolean_or(item["required"], "required", false);
      constexpr auto kMost = static_cast<std::int64_t>(kMaxSecretBytes);
      const std::int64_t least = integer_or(item["min_bytes"], "min_bytes", 1, 1, kMost);
      secret.min_bytes = static_cast<std::size_t>(least);
      secret.max_bytes =
          static_cast<std::size_t>(integer_or(item["max_bytes"], "max_bytes", kMost, least, kMost));
      if (item["pattern"]) {
        auto pattern = schema::Pattern::compile(text(item["pattern"], "pattern"));
        if (!pattern.ok())
          fail(item["pattern"], "the pattern of a secret " + pattern.error().message);
        secret.pattern = std::move(pattern).value();
      }
      auto& names = package.manifest.secrets;
      if (std::find(names.begin(), names.end(), secret.name) != names.end()) {
        fail(item, "the secret " + secret.name + " appears twice");
      }
      names.push_back(secret.name);
      package.secrets.push_back(std::move(secret));
    }
  }

  void metrics(const YAML::Node& node, Package& package) const {
    if (!node) return;
    list(node, "metrics", kMaxMetrics);
    if (package.manifest.id.find("--") != std::string::npos)
      fail(node,
           "a plugin whose id holds \"--\" cannot have metrics: their names would be ambiguous");
    for (const auto& item : node) {
      only(item, "a metric", {"name", "kind", "help", "labels", "buckets"});
      MetricSpec metric;
      metric.name = text(need(item, "name"), "name");
      if (!is_name(metric.name, "_") || metric.name.find("__") != std::string::npos ||
          metric.name.front() < 'a' || metric.name.size() > kMaxLabelText)
        fail(item["name"],
             "a metric's name must be lower-case letters, digits and single '_', a letter first");
      for (const MetricSpec& other : package.metrics) {
        if (other.name == metric.name) fail(item, "the metric " + metric.name + " appears twice");
      }
      const std::string kind =
          choice(need(item, "kind"), "kind", {"counter", "gauge", "histogram"});
      metric.kind = kind == "counter" ? MetricSpec::Kind::counter
                    : kind == "gauge" ? MetricSpec::Kind::gauge
                                      : MetricSpec::Kind::histogram;
      metric.help = text(need(item, "help"), "help");
      if (metric.help.find_first_of("\n\r\\") != std::string::npos)
        fail(item["help"], "help must be one line without back-slashes");
      if (item["labels"]) labels(item["labels"], metric);
      if ((metric.kind == MetricSpec::Kind::histogram) != static_cast<bool>(item["buckets"]))
        fail(item, "a histogram needs buckets, and nothing else has them");
      if (item["buckets"]) {
        list(item["buckets"], "buckets", kMaxBuckets);
        for (const auto& bound : item["buckets"]) {
          const Json value = scalar(bound);
          const bool rises = value.is_number() &&
                             (metric.buckets.empty() || value.as_double() > metric.buckets.back());
          if (!rises) fail(bound, "buckets must be numbers that rise");
          metric.buckets.push_back(value.as_double());
        }
      }
      package.metrics.push_back(std::move(metric));
    }
  }
  // Each label with all the values it may have.
  void labels(const YAML::Node& node, MetricSpec& metric) const {
    if (!node.IsMap()) fail(node, "labels must be a mapping of names to lists of values");
    for (const auto& member : node) {
      const std::string name = text(member.first, "a label");
      const bool used = std::any_of(metric.labels.begin(), metric.labels.end(),
                                    [&name](const auto& label) { return label.first == name; });
      if (!is_name(name, "_") || name.front() < 'a' || name.starts_with("__") || name == "le" ||
          used)
        fail(member.first, "a label must be lower-case letters, digits and '_', once, and not le");
      list(member.second, "the values of " + name, kMaxSeries);
      std::vector<std::string> values;
      for (const auto& item : member.second) {
        std::string value = text(item, "a label's value");
        if (!is_free_name(value) || value.size() > kMaxLabelText ||
            std::find(values.begin(), values.end(), value) != values.end())
          fail(item, "a label's value must be letters, digits, '.', '_' or '-', once");
        values.push_back(std::move(value));
      }
      if (values.empty()) fail(member.second, "the label " + name + " has no values");
      metric.labels.emplace_back(name, std::move(values));
      if (metric.series() > kMaxSeries)
        fail(node, "the labels of " + metric.name + " make more than " +
                       std::to_string(kMaxSeries) + " series");
    }
  }

  void permissions(const YAML::Node& node, Package& package) const {
    package.kv_bytes = kDefaultKvBytes;
    if (!node) return;
    only(node, "permissions", {"hosts", "patient_data", "secrets_raw", "blob", "kv_bytes"});
    if (node["hosts"]) {
      list(node["hosts"], "permissions.hosts", kMaxNames);
      for (const auto& host : node["hosts"]) package.manifest.hosts.push_back(text(host, "a host"));
    }
    if (node["patient_data"]) {
      const std::vector<std::string>& hosts = package.manifest.hosts;
      list(node["patient_data"], "permissions.patient_data", kMaxNames);
      std::vector<std::string> taking;
      for (const auto& entry : node["patient_data"]) {
        taking.push_back(text(entry, "a host"));
        if (std::find(hosts.begin(), hosts.end(), taking.back()) == hosts.end())
          fail(entry, "`" + taking.back() + "` is no entry of permissions.hosts");
      }
      package.manifest.patient_hosts = std::move(taking);
    }
    package.manifest.secrets_raw =
        boolean_or(node["secrets_raw"], "permissions.secrets_raw", false);
    package.manifest.blob = boolean_or(node["blob"], "permissions.blob", false);
    package.kv_bytes =
        integer_or(node["kv_bytes"], "permissions.kv_bytes", kDefaultKvBytes, 0, 1LL << 40U);
  }

  void codes(const YAML::Node& node, Package& package) const {
    if (!node) return;
    list(node, "codes", kMaxNames);
    for (const auto& entry : node) {
      const std::string pattern = text(entry, "a code");
      if (!package.words.add_codes(pattern))
        fail(entry,
             "`" + pattern +
                 "` is no code: write letters, digits, `-` and `#` for any digit, at least two "
                 "letters or digits and at most six digits in all, such as GE-#####");
      package.codes.push_back(pattern);
    }
  }

  const PackageFiles& files_;
  std::string file_;
  std::size_t nodes_ = 0;
  phi::Vocabulary words_;  // what the schemas say
};

}  // namespace

workflow::ActionInfo action_info(const ActionSpec& spec, std::string_view called) {
  const Capability* const shared = called == spec.name ? nullptr : find_capability(spec.capability);
  if (shared != nullptr) {
    return {.name = shared->name,
            .version = std::to_string(shared->revision) + ".0.0",
            .idempotency = spec.idempotency,
            .input_schema = shared->input,
            .output_schema = shared->output,
            .title = shared->title,
            .reads = spec.reads};
  }
  return {.name = spec.name,
          .version = spec.version,
          .idempotency = spec.idempotency,
          .input_schema = spec.input_schema,
          .output_schema = spec.output_schema,
          .title = spec.title,
          .reads = spec.reads};
}

bool version_serves(std::string_view offered, std::string_view asked) {
  if (asked.empty()) return true;
  return is_semver(asked) && same_major(offered, asked) && compare_semver(offered, asked) >= 0;
}

bool answers(const ActionSpec& action, std::string_view name, std::string_view version) {
  if (action.name == name) return version_serves(action.version, version);
  if (action.capability.empty()) return false;
  const Capability* const called = capability_of_call(name, version);
  return called != nullptr && called->id == action.capability;
}

Result<Package> read_package(const PackageFiles& files) {
  const std::string file = files.origin() + "/" + std::string(kManifestFile);
  RABT_TRY(content, read_text(files, kManifestFile));
  try {
    const YAML::Node root = YAML::Load(std::string(content));
    Package package = Reader(files).read(root);
    package.manifest.sha256 = files.find(kManifestFile)->sha256;
    package.words.add_text(content);
    return package;
  } catch (const Wrong& wrong) {
    return wrong.error;
  } catch (const YAML::Exception& failure) {
    const int line = failure.mark.is_null() ? 1 : failure.mark.line + 1;
    return invalid("plugin.manifest",
                   file + ":" + std::to_string(line) + ": " + printable(failure.msg));
  }
}

Result<Package> read_package(const std::string& folder) {
  RABT_TRY(files, PackageFiles::read(folder));
  return read_package(files);
}

Result<Manifest> read_manifest(const std::string& folder) {
  RABT_TRY(package, read_package(folder));
  return std::move(package.manifest);
}

}  // namespace rabt::plugin
