#include "hub/cli/workflow_run_input.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <iterator>

#include "hub/base/ascii.hpp"
#include "hub/cli/workflow_files.hpp"
#include "hub/config/config.hpp"
#include "hub/net/url.hpp"
#include "hub/workflow/yaml/yaml.hpp"

namespace rabt::cli {

namespace {

bool input_error(const std::string& text) {
  std::fprintf(stderr, "%s\n", text.c_str());
  return false;
}

// Reads JSON or YAML.
bool parse_value(const std::string& name, const std::string& text, Json& out) {
  if (auto json = Json::parse(text); json.ok()) {
    out = std::move(*json);
    return true;
  }
  const workflow::YamlOutcome yaml = workflow::parse_yaml(text);
  if (yaml.root == nullptr) {
    return input_error(
        name + ':' + std::to_string(yaml.fault.line) + ':' + std::to_string(yaml.fault.column) +
        ": error: neither JSON nor YAML: " + yaml.fault.message + " [" + yaml.fault.code + ']');
  }
  out = workflow::to_json(*yaml.root);
  return true;
}

bool read_value(const std::string& path, Json& out) {
  if (path == "-") {
    const std::string text{std::istreambuf_iterator<char>(std::cin), {}};
    return parse_value("standard input", text, out);
  }
  const auto text = config::read_text(path);
  if (!text.ok()) return input_error(path + ": cannot be read: " + text.error().message);
  return parse_value(path, *text, out);
}

// Parts NAME=VALUE.
bool split(const std::string& option, const std::string& given, std::string& name,
           std::string& value) {
  const std::size_t at = given.find('=');
  if (at == std::string::npos || at == 0 || at + 1 == given.size())
    return input_error(option + " " + given + ": write NAME=VALUE");
  name = given.substr(0, at);
  value = given.substr(at + 1);
  return true;
}

bool load_events(const std::string& path, RunInput& out) {
  const auto text = config::read_text(path);
  if (!text.ok()) return input_error(path + ": cannot be read: " + text.error().message);
  std::string_view rest = *text;
  for (int line = 1; !rest.empty(); ++line) {
    const std::string_view word = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(word.size() + 1, rest.size()));
    if (word.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    const std::string place = path + ':' + std::to_string(line) + ": error: ";
    auto event = Json::parse(word);
    if (!event.ok())
      return input_error(place + event.error().message + " [" + event.error().code + ']');
    std::int64_t after_ms = 0;
    if (event->find("event") != nullptr) {
      const auto after = parse_duration_ms(event->string_or("after", ""));
      if (!after.ok())
        return input_error(place + "`after` must be a duration such as PT5M [run.event]");
      after_ms = *after;
      event = (*event)["event"];
    }
    for (const char* name : {"specversion", "id", "source", "type"}) {
      if (!(*event)[name].is_string())
        return input_error(place + "a CloudEvent needs the text `" + name + "` [run.event]");
    }
    out.events.emplace_back(after_ms, std::move(*event));
  }
  return true;
}

bool load_secrets(const RunOptions& options, RunInput& out) {
  for (const std::string& given : options.secrets) {
    std::string name;
    std::string variable;
    if (!split("--secret", given, name, variable)) return false;
    // No thread changes the environment.
    const char* value = std::getenv(variable.c_str());  // NOLINT(concurrency-mt-unsafe)
    if (value == nullptr)
      return input_error("--secret " + given + ": the environment has no " + variable);
    // Secrets of several parts, such as user name and password, are written as a JSON object.
    auto parsed = Json::parse(value);
    out.secrets.set(name, parsed.ok() && parsed->is_object() ? *parsed : Json(value));
  }
  for (const auto& definition : out.definitions) {
    for (const std::string& name : definition->secrets()) {
      if (out.secrets.find(name) == nullptr) {
        return input_error(definition->name() + " uses the secret `" + name + "`: give --secret " +
                           name + "=ENVVAR");
      }
    }
  }
  return true;
}

}  // namespace

bool load_run_input(const RunOptions& options, RunInput& out) {
  auto main = load_definition(options.file, nullptr);
  if (main == nullptr) return false;
  out.definitions.push_back(std::move(main));
  for (const std::string& path : options.workflows) {
    auto definition = load_definition(path, nullptr);
    if (definition == nullptr) return false;
    out.definitions.push_back(std::move(definition));
  }
  if (!options.input.empty() && !read_value(options.input, out.input)) return false;
  for (const std::string& path : options.events) {
    if (!load_events(path, out)) return false;
  }
  for (const std::string& given : options.maps) {
    std::string host;
    std::string url;
    if (!split("--map", given, host, url)) return false;
    if (const auto parsed = net::parse_url(url); !parsed.ok())
      return input_error("--map " + given + ": " + parsed.error().message);
    out.maps[lower(host)] = url;
  }
  for (const std::string& given : options.replies) {
    std::string action;
    std::string path;
    if (!split("--reply", given, action, path)) return false;
    if (action.find('/') == std::string::npos)
      return input_error("--reply " + given + ": write ROLE/ACTION=FILE");
    if (!read_value(path, out.replies[action])) return false;
  }
  return load_secrets(options, out);
}

}  // namespace rabt::cli
