#pragma once

#include <filesystem>
#include <initializer_list>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hub/config/config.hpp"
#include "hub/workflow/yaml/yaml.hpp"

// Internal to hub/config: each section of the configuration is read in a file of its own.
namespace rabt::config {

using workflow::YamlEntry;
using workflow::YamlNode;

// Reads mappings key by key and remembers every mistake with its place. Where a key is absent or
// wrong, `out` stays as it was. Not thread-safe.
class Reader {
 public:
  // file: as mistakes name it; relative paths in the configuration start at its folder.
  explicit Reader(std::string file);

  void mistake(int line, int column, const std::string& what);
  // One error config.invalid with every mistake, if there are any.
  [[nodiscard]] Status end() const;

  // True if a node is a mapping; it is a mistake if not. `what` is its name in the message.
  bool mapping(const YamlNode& node, std::string_view what);
  // The mapping at a key. Null if the key is absent or, which is a mistake, leads to no mapping.
  const YamlNode* section(const YamlNode& node, std::string_view key);
  // Every key that is not known is a mistake.
  void only(const YamlNode& node, std::initializer_list<std::string_view> keys);
  void only(const YamlNode& node, std::span<const std::string_view> keys);

  void text(const YamlNode& node, std::string_view key, std::string& out, bool required = false);
  // A text of no character is a mistake.
  void filled(const YamlNode& node, std::string_view key);
  // A text that is one of `choices`.
  void choice(const YamlNode& node, std::string_view key,
              std::initializer_list<std::string_view> choices, std::string& out);
  void choice(const YamlNode& node, std::string_view key, std::span<const std::string_view> choices,
              std::string& out);
  // A text that is an IP address, where a listener is opened.
  void address(const YamlNode& node, std::string_view key, std::string& out);
  // A text that is an address at which a server answers: https://rabt.example.sa. False if it is
  // absent or none.
  bool url(const YamlNode& node, std::string_view key, std::string& out, bool required = false);
  // A path, made absolute.
  [[nodiscard]] std::string absolute(const std::string& path) const;
  // A text that is a path, made absolute.
  void path(const YamlNode& node, std::string_view key, std::string& out, bool required = false);
  void integer(const YamlNode& node, std::string_view key, int low, int high, int& out);
  // A span of time such as 15m, above 0, in milliseconds.
  void span(const YamlNode& node, std::string_view key, std::int64_t longest_ms, std::int64_t& out);
  void flag(const YamlNode& node, std::string_view key, bool& out);
  // A list of texts, appended to `out`.
  void texts(const YamlNode& node, std::string_view key, std::vector<std::string>& out);
  // The same, each an origin as browsers write it: https://app.example.sa:8443.
  void origins(const YamlNode& node, std::string_view key, std::vector<std::string>& out);
  // A list of texts, each made absolute.
  void paths(const YamlNode& node, std::string_view key, std::vector<std::string>& out);
  // Place of a secret: {file: PATH} or {env: NAME}.
  SecretSource secret(const YamlNode& node);
  // A mapping of names to secrets.
  void secrets(const YamlNode& node, std::string_view key,
               std::map<std::string, SecretSource>& out);

 private:
  const std::string file_;
  const std::filesystem::path folder_;
  std::vector<std::string> mistakes_;
};

// Errors config.io, config.invalid.
[[nodiscard]] Result<workflow::YamlPtr> read_yaml(const std::string& path, std::string_view what,
                                                  std::string_view hint = {});
// Hint for a file that the command line names.
inline constexpr std::string_view kOtherFile = "; --config FILE names another one";
// A whole configuration of one tenant.
void read_all(Reader& reader, const YamlNode& root, Config& config);
// Reads the addresses and ports of `server`. Several tenants have them in common.
void read_listeners(Reader& reader, const YamlNode& server, ServerEntry& out);
void read_log(Reader& reader, const YamlNode& root, std::string& level, std::string& file);

// A place where the process listens. `section` and `name` lead to the entry that says so, `setting`
// is its name in messages.
struct Listening {
  std::string section;
  std::string name;
  std::string setting;
  std::string address;
  int port = 0;
};
// An address of this machine alone.
[[nodiscard]] bool is_loopback(std::string_view address);
// The listeners of one tenant: of `doors` that are open, and of `sources`.
[[nodiscard]] std::vector<Listening> listeners_of(const Config& config);
// True if the system would refuse the second of these.
[[nodiscard]] bool clash(const Listening& listening, const Listening& other);
// Listeners of a tenant that find their port taken, by another one of his or by the server, are
// mistakes.
void check_ports(Reader& reader, const YamlNode& root, const Config& config);
// The same of the listeners of `server` among themselves.
void check_ports(Reader& reader, const YamlNode& server, const ServerEntry& entry);

// One function a section, each in config_<section>.cpp. `tenant` is read before `audit`,
// `migrations` before `store`, and the plugins before the sources.
// After roles, which say whether SMS can be sent.
void read_alerts(Reader& reader, const YamlNode& root, Config& config);
void read_audit(Reader& reader, const YamlNode& root, Config& config);
void read_store(Reader& reader, const YamlNode& root, Config& config);
void read_doors(Reader& reader, const YamlNode& root, Config& config);
void read_clinic(Reader& reader, const YamlNode& root, Config& config);
void read_hospital(Reader& reader, const YamlNode& root, Config& config);
void read_identity(Reader& reader, const YamlNode& root, Config& config);
void read_keys(Reader& reader, const YamlNode& root, Config& config);
// Reads the keys of an issuer: `jwks`, `algs`, each one of `taken`, and `stale_grace`.
void read_issuer_keys(Reader& reader, const YamlEntry& named,
                      std::span<const std::string_view> taken, IssuerEntry& entry);
void read_plugins(Reader& reader, const YamlNode& root, Config& config);
// After roles and plugins, which say who gets patient data.
void read_practice(Reader& reader, const YamlNode& root, Config& config);
void read_privacy(Reader& reader, const YamlNode& root, Config& config);
void read_server(Reader& reader, const YamlNode& root, Config& config);
void read_sources(Reader& reader, const YamlNode& root, Config& config);
// After `http` and `webhooks`.
void read_bus(Reader& reader, const YamlNode& root, Config& config);
// After `http`.
void read_webhooks(Reader& reader, const YamlNode& root, Config& config);
// After roles and sources, which say whether the provider tells who comes and goes.
void read_video(Reader& reader, const YamlNode& root, Config& config);

}  // namespace rabt::config
