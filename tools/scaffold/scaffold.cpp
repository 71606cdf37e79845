#include "tools/scaffold/scaffold.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

#include "hub/base/ascii.hpp"
#include "hub/base/clock.hpp"
#include "hub/base/printable.hpp"
#include "hub/plugin/package/capability.hpp"

namespace rabt::scaffold {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxActions = 64;

bool is_name(std::string_view text, std::string_view extra) {
  return !text.empty() && text.size() <= 64 && text.front() >= 'a' && text.front() <= 'z' &&
         std::all_of(text.begin(), text.end(), [extra](char c) {
           return is_lower(c) || is_digit(c) || extra.find(c) != std::string_view::npos;
         });
}

std::string class_name(std::string_view id) {
  std::string out;
  bool upper = true;
  for (const char c : id) {
    if (c == '-') {
      upper = true;
      continue;
    }
    out.push_back(upper && c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c);
    upper = false;
  }
  return out + "Plugin";
}

// The SDK's files: where they are installed beside this program, or in the source tree above it.
Result<fs::path> sdk_folder(const std::string& given) {
  std::error_code failure;
  if (!given.empty()) {
    if (fs::is_directory(fs::path(given) / "template", failure)) return fs::path(given);
    return not_found("cli.sdk", given +
                                    " holds no folder template; name the SDK's folder, which is "
                                    "<prefix>/share/rabt-sdk");
  }
  const fs::path program = fs::read_symlink("/proc/self/exe", failure);
  for (fs::path at = program.parent_path(); at.has_relative_path(); at = at.parent_path()) {
    for (const char* place : {"share/rabt-sdk", "sdk"}) {
      if (fs::is_directory(at / place / "template", failure)) return at / place;
    }
  }
  return not_found("cli.sdk",
                   "the SDK is not installed beside this program; name its folder with "
                   "--sdk (<prefix>/share/rabt-sdk)");
}

using Words = std::map<std::string, std::string>;

std::string replaced(std::string text, const Words& words) {
  for (const auto& [word, value] : words) {
    for (std::size_t at = 0; (at = text.find(word, at)) != std::string::npos; at += value.size())
      text.replace(at, word.size(), value);
  }
  return text;
}

// Repeats what stands between the two marker lines for each action, then replaces the words.
std::string filled(const std::string& text, const Words& words,
                   const std::vector<std::string>& actions) {
  std::string out;
  std::string block;
  bool inside = false;
  for (std::size_t at = 0; at < text.size();) {
    const auto newline = std::min(text.find('\n', at), text.size() - 1);
    const std::string line = text.substr(at, newline - at + 1);
    at = newline + 1;
    if (line.starts_with("@BEGIN ACTIONS@")) {
      inside = true;
    } else if (line.starts_with("@END ACTIONS@")) {
      inside = false;
      for (const std::string& action : actions) out += replaced(block, {{"@ACTION@", action}});
      block.clear();
    } else {
      (inside ? block : out) += line;
    }
  }
  return replaced(out, words);
}

Result<std::string> content_of(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return unavailable("cli.new", path.string() + " cannot be read");
  return std::string((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
}

Status write(const fs::path& path, const std::string& text, fs::perms mode) {
  std::error_code failure;
  fs::create_directories(path.parent_path(), failure);
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out << text;
  out.close();
  if (!out) return unavailable("cli.new", path.string() + " cannot be written");
  fs::permissions(path, mode, failure);
  return ok_status();
}

struct Planned {
  fs::path path;
  std::string text;
  fs::perms mode;
};

// The files of one folder of the template, as they go into the project.
Status plan(const fs::path& from, const Words& words, const std::vector<std::string>& actions,
            std::vector<Planned>& out) {
  std::error_code failure;
  for (fs::recursive_directory_iterator it(from, failure), end; !failure && it != end;
       it.increment(failure)) {
    if (!it->is_regular_file()) continue;
    std::string name = fs::relative(it->path(), from).string();
    RABT_TRY(text, content_of(it->path()));
    for (std::size_t at = 0; (at = name.find("dot-", at)) != std::string::npos;)
      name.replace(at, 4, ".");
    const fs::perms mode = it->status().permissions() | fs::perms::owner_write;
    if (name.find("@ACTION@") == std::string::npos) {
      out.push_back({replaced(name, words), filled(text, words, actions), mode});
      continue;
    }
    for (const std::string& action : actions) {
      Words with = words;
      with["@ACTION@"] = action;
      out.push_back({replaced(name, with), filled(text, with, actions), mode});
    }
  }
  if (failure) return unavailable("cli.new", from.string() + ": " + failure.message());
  return ok_status();
}

// "video" is the newest revision of the role that there is, "video/1" this one.
Result<const plugin::RoleContract*> role_of(const std::string& asked) {
  const plugin::RoleContract* found = nullptr;
  std::string text;
  for (const plugin::RoleContract& contract : plugin::role_contracts()) {
    text += (text.empty() ? "" : ", ") + contract.role;
    if (contract.id() != asked && contract.role != asked) continue;
    if (found == nullptr || found->revision < contract.revision) found = &contract;
  }
  if (found == nullptr)
    return invalid("cli.new", "there is no role \"" + asked + "\"; there are: " + text);
  return found;
}

// A role's template has an example of each of its actions.
Result<std::vector<std::string>> actions_of_role(const fs::path& from) {
  constexpr std::string_view kEnding = ".call.json";
  std::vector<std::string> out;
  std::error_code failure;
  for (fs::directory_iterator it(from / "check", failure), end; !failure && it != end;
       it.increment(failure)) {
    const std::string name = it->path().filename().string();
    if (name.ends_with(kEnding)) out.push_back(name.substr(0, name.size() - kEnding.size()));
  }
  if (failure)
    return not_found("cli.sdk", (from / "check").string() + ": " + failure.message() +
                                    "; this SDK has no project for the role");
  std::sort(out.begin(), out.end());
  return out;
}

// The schemas of what the role requires and of what else the manifest offers, as
// schemas/<capability>.input.json and so on.
void add_schemas(const plugin::RoleContract& role, std::vector<Planned>& out) {
  constexpr fs::perms kMode = fs::perms::owner_read | fs::perms::owner_write |
                              fs::perms::group_read | fs::perms::others_read;
  const auto add = [&](const std::string& name, const std::string& title, const Json& schema) {
    Json whole = Json::object({{"$schema", "https://json-schema.org/draft/2020-12/schema"}});
    whole.set("title", title);
    for (const auto& [key, value] : schema.as_object()) whole.set(key, value);
    out.push_back({"schemas/" + name + ".json", whole.dump_pretty() + "\n", kMode});
  };
  std::string manifest;
  for (const Planned& planned : out) {
    if (planned.path == "manifest.yaml") manifest = planned.text;
  }
  std::vector<std::string> offered = role.required;
  for (const std::string& id : role.optional) {
    if (manifest.find("capability: " + id + "\n") != std::string::npos) offered.push_back(id);
  }
  for (const std::string& id : offered) {
    const plugin::Capability& capability = *plugin::find_capability(id);
    add(capability.name + ".input", capability.title + ": arguments", capability.input);
    add(capability.name + ".output", capability.title + ": result", capability.output);
  }
  for (const plugin::EventContract& contract : plugin::event_contracts()) {
    if (std::find(role.required_events.begin(), role.required_events.end(), contract.type) !=
        role.required_events.end())
      add(contract.type, contract.title, contract.data);
  }
}

Result<std::vector<std::string>> actions_of(const std::string& list) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at <= list.size();) {
    const auto comma = std::min(list.find(',', at), list.size());
    const std::string name = list.substr(at, comma - at);
    at = comma + 1;
    if (!is_name(name, "-_."))
      return invalid("cli.new", "\"" + name +
                                    "\" is no name of an action: lower-case letters, digits, '-', "
                                    "'_' and '.', such as create-order");
    if (std::find(out.begin(), out.end(), name) != out.end())
      return invalid("cli.new", "the action " + name + " is named twice");
    out.push_back(name);
  }
  if (out.size() > kMaxActions) return invalid("cli.new", "too many actions");
  return out;
}

// Names of a form that an id may have, and that it cannot be.
Status not_taken(const std::string& id) {
  // Targets that CMake makes itself (cmake-policies(7), CMP0037): the plugin's target is its id.
  constexpr std::array<std::string_view, 8> kTargets{"all",     "clean",   "depend",     "help",
                                                     "install", "package", "preinstall", "test"};
  if (std::find(kTargets.begin(), kTargets.end(), id) != kTargets.end())
    return invalid("cli.new", "\"" + id +
                                  "\" is the name of a target that CMake has itself; put the "
                                  "vendor in front, such as acme-" +
                                  id);
  // Beside the plugins in the hub's folder of them lies the folder of the keys.
  if (id == "keys")
    return invalid("cli.new",
                   "\"keys\" is a folder of the hub's own where plugins lie; put the vendor in "
                   "front, such as acme-keys");
  return ok_status();
}

Status create(const Request& request) {
  if (!is_name(request.name, "-"))
    return invalid("cli.new",
                   "\"" + request.name +
                       "\" is no id of a plugin: lower-case letters, digits and '-', such "
                       "as acme-video");
  RABT_TRY_STATUS(not_taken(request.name));
  RABT_TRY(sdk, sdk_folder(request.sdk));
  const fs::path from = sdk / "template";
  if (request.actions.empty() == request.role.empty())
    return invalid("cli.new",
                   "name either a role, --role video, or the actions, --actions "
                   "create-order,cancel-order");
  const plugin::RoleContract* role = nullptr;
  std::vector<std::string> actions;
  if (request.role.empty()) {
    RABT_TRY(named, actions_of(request.actions));
    actions = std::move(named);
  } else {
    RABT_TRY(found, role_of(request.role));
    role = found;
    RABT_TRY(named, actions_of_role(from / "roles" / role->role));
    actions = std::move(named);
  }
  const fs::path license = from / "licenses" / request.license;
  std::error_code failure;
  if (request.license.find('/') != std::string::npos || !fs::is_regular_file(license, failure))
    return invalid("cli.new", "the licence \"" + request.license +
                                  "\" is none of Apache-2.0, MIT, proprietary");
  for (const char c : request.author) {
    if (static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\')
      return invalid("cli.new", "--author holds a character that does not fit into a manifest");
  }
  const fs::path to = request.folder.empty() ? fs::path(request.name) : fs::path(request.folder);
  if (fs::exists(to, failure) && !(fs::is_directory(to, failure) && fs::is_empty(to, failure)))
    return conflict("cli.new",
                    to.string() + " is there already and not empty; nothing was written");

  const Words words{
      {"@ID@", request.name},
      {"@CLASS@", class_name(request.name)},
      {"@LICENSE@", request.license == "proprietary" ? "LicenseRef-Proprietary" : request.license},
      {"@AUTHOR@", request.author},
      {"@YEAR@", to_iso8601(SystemClock().now()).substr(0, 4)}};
  std::vector<Planned> files;
  RABT_TRY_STATUS(plan(from / "project", words, actions, files));
  if (role == nullptr) {
    RABT_TRY_STATUS(plan(from / "actions", words, actions, files));
  } else {
    RABT_TRY_STATUS(plan(from / "role", words, actions, files));
    RABT_TRY_STATUS(plan(from / "roles" / role->role, words, actions, files));
    add_schemas(*role, files);
  }
  RABT_TRY(license_text, content_of(license));
  files.push_back({"LICENSE", replaced(license_text, words),
                   fs::perms::owner_read | fs::perms::owner_write | fs::perms::group_read |
                       fs::perms::others_read});
  for (const Planned& file : files) RABT_TRY_STATUS(write(to / file.path, file.text, file.mode));
  std::printf("%s: %zu files\n", to.string().c_str(), files.size());
  return ok_status();
}

}  // namespace

int write_project(const Request& request) {
  const Status created = create(request);
  return created.ok() ? 0 : complain(created.error());
}

}  // namespace rabt::scaffold
