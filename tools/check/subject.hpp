#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "hub/base/json.hpp"
#include "hub/base/result.hpp"
#include "hub/plugin/package/manifest.hpp"
#include "hub/plugin/package/package_files.hpp"
#include "tools/check/tests.hpp"

namespace rabt::check {

// One answer of the outside system in an example, and the request that gets it.
struct ExampleExchange {
  // Any method if empty.
  std::string method;
  // A part of the request's URL; any URL if empty.
  std::string path;
  // The answer.
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
};
// A call that a schema alone cannot describe: check/<name>.json, docs/plugins/checker.md.
struct Example {
  // The file's name.
  std::string name;
  std::string action;
  std::string version;
  std::string input;  // JSON
  std::vector<ExampleExchange> http;
  // Handles in the input, and what such a blob holds.
  std::vector<std::pair<std::string, std::string>> blobs;
};
struct Delivery {
  std::string name;
  std::string info;  // JSON, as rabt.webhook/1 gives it
  std::string body;
};

// The package under test. Immutable.
class Subject {
 public:
  // Error codes: those of plugin::PackageFiles::read and read_package, and check.example (a file
  // that cannot be used).
  static Result<Subject> open(const Settings& settings);

  [[nodiscard]] const Settings& settings() const { return settings_; }
  // The bytes that everything is told from.
  [[nodiscard]] const plugin::PackageFiles& files() const { return files_; }
  [[nodiscard]] const plugin::Package& package() const { return package_; }
  [[nodiscard]] const plugin::Manifest& manifest() const { return package_.manifest; }
  // The library for this machine; a path that may not exist.
  [[nodiscard]] const std::string& library() const { return library_; }
  // check/config.json; null when there is none.
  [[nodiscard]] const Json& config() const { return config_; }
  // Values for secrets that must have a shape: check/secrets.json.
  [[nodiscard]] const std::map<std::string, std::string>& secrets() const { return secrets_; }
  [[nodiscard]] const std::vector<Example>& examples() const { return examples_; }
  [[nodiscard]] const std::vector<Delivery>& deliveries() const { return deliveries_; }

 private:
  Status read_examples();

  Settings settings_;
  plugin::PackageFiles files_;
  plugin::Package package_;
  std::string library_;
  Json config_;
  std::map<std::string, std::string> secrets_;
  std::vector<Example> examples_;
  std::vector<Delivery> deliveries_;
};

// Every file of a folder by its path in it, sorted; no folders. Links are not followed.
[[nodiscard]] Result<std::vector<std::string>> files_of(const std::string& folder);
[[nodiscard]] Result<std::string> read_file(const std::string& path);

}  // namespace rabt::check
