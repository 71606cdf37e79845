#include "tools/check/subject.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>

#include "hub/plugin/package/library.hpp"

namespace rabt::check {

namespace {

namespace fs = std::filesystem;

// Bytes of an example's file: the largest input of an action.
constexpr std::size_t kMaxFileBytes = 16U << 20U;
constexpr std::size_t kMaxFiles = 10'000;

Error bad_example(const std::string& file, const std::string& what) {
  return invalid("check.example", file + ": " + what + " (docs/plugins/checker.md, Examples)");
}

// A text, or JSON to be sent as one.
std::string body_of(const Json& value) {
  if (value.is_null()) return {};
  return value.is_string() ? value.as_string() : value.dump();
}

Status only(const std::string& file, const Json& object, std::string_view what,
            std::initializer_list<std::string_view> known) {
  if (!object.is_object()) return bad_example(file, std::string(what) + " must be an object");
  for (const auto& [key, value] : object.as_object()) {
    if (std::find(known.begin(), known.end(), key) == known.end())
      return bad_example(file, "unknown member \"" + key + "\" in " + std::string(what));
  }
  return ok_status();
}

Result<std::vector<std::pair<std::string, std::string>>> headers_of(const std::string& file,
                                                                    const Json& value) {
  std::vector<std::pair<std::string, std::string>> out;
  if (value.is_null()) return out;
  if (!value.is_object()) return bad_example(file, "headers must be an object");
  for (const auto& [name, text] : value.as_object()) {
    if (!text.is_string()) return bad_example(file, "headers must be texts");
    out.emplace_back(name, text.as_string());
  }
  return out;
}

Result<Example> read_call(const std::string& file, const Json& root) {
  RABT_TRY_STATUS(only(file, root, "the example", {"action", "version", "input", "http", "blobs"}));
  Example out;
  out.action = root.string_or("action", "");
  out.version = root.string_or("version", "");
  if (out.action.empty()) return bad_example(file, "action is missing");
  if (root.find("input") == nullptr) return bad_example(file, "input is missing");
  out.input = root["input"].dump();
  const Json& blobs = root["blobs"];
  if (!blobs.is_null() && !blobs.is_object()) return bad_example(file, "blobs must be an object");
  for (const auto& [handle, text] : blobs.is_object() ? blobs.as_object() : Json::Object{}) {
    if (!text.is_string()) return bad_example(file, "a blob must be a text");
    out.blobs.emplace_back(handle, text.as_string());
  }
  const Json& http = root["http"];
  if (!http.is_null() && !http.is_array()) return bad_example(file, "http must be a list");
  for (const Json& item : http.is_array() ? http.as_array() : Json::Array{}) {
    RABT_TRY_STATUS(
        only(file, item, "an exchange", {"method", "path", "status", "headers", "body"}));
    ExampleExchange exchange;
    exchange.method = item.string_or("method", "");
    exchange.path = item.string_or("path", "");
    exchange.status = static_cast<int>(item.int_or("status", 200));
    RABT_TRY(headers, headers_of(file, item["headers"]));
    exchange.headers = std::move(headers);
    exchange.body = body_of(item["body"]);
    out.http.push_back(std::move(exchange));
  }
  return out;
}

Result<Delivery> read_delivery(const std::string& file, const Json& root) {
  RABT_TRY_STATUS(only(file, root, "the delivery",
                       {"method", "path", "query", "headers", "content_type", "body"}));
  RABT_TRY(headers, headers_of(file, root["headers"]));
  Json list = Json::array();
  for (const auto& [name, text] : headers) list.push_back(Json::array({Json(name), Json(text)}));
  Delivery out;
  out.info = Json::object({{"source", "check"},
                           {"method", root.string_or("method", "POST")},
                           {"path", root.string_or("path", "/hooks/check")},
                           {"query", root["query"].is_array() ? root["query"] : Json::array()},
                           {"headers", list},
                           {"content_type", root.string_or("content_type", "application/json")}})
                 .dump();
  out.body = body_of(root["body"]);
  return out;
}

}  // namespace

Result<std::string> read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return not_found("check.file", path + " cannot be opened");
  std::string text;
  std::array<char, 65536> piece{};
  while (in.read(piece.data(), piece.size()) || in.gcount() > 0) {
    text.append(piece.data(), static_cast<std::size_t>(in.gcount()));
    if (text.size() > kMaxFileBytes * 64) return invalid("check.file", path + " is too large");
  }
  return text;
}

Result<std::vector<std::string>> files_of(const std::string& folder) {
  std::vector<std::string> out;
  std::error_code failure;
  for (fs::recursive_directory_iterator it(folder, failure), end; !failure && it != end;
       it.increment(failure)) {
    if (it->is_symlink(failure)) {
      return invalid("check.file", it->path().string() + " is a link; only files count");
    }
    if (!it->is_regular_file(failure)) continue;
    out.push_back(fs::relative(it->path(), folder).string());
    if (out.size() > kMaxFiles) return invalid("check.file", folder + " holds too many files");
  }
  if (failure) return unavailable("check.file", folder + ": " + failure.message());
  std::sort(out.begin(), out.end());
  return out;
}

Result<Subject> Subject::open(const Settings& settings) {
  Subject out;
  out.settings_ = settings;
  RABT_TRY(files, plugin::PackageFiles::read(settings.path));
  out.files_ = std::move(files);
  RABT_TRY(package, plugin::read_package(out.files_));
  out.package_ = std::move(package);
  out.library_ = plugin::library_path(settings.path);
  RABT_TRY_STATUS(out.read_examples());
  return out;
}

Status Subject::read_examples() {
  const std::string folder =
      settings_.examples.empty() ? settings_.path + "/check" : settings_.examples;
  std::error_code failure;
  if (!fs::is_directory(folder, failure)) {
    if (settings_.examples.empty()) return ok_status();
    return not_found("check.example", folder + " is no folder");
  }
  RABT_TRY(files, files_of(folder));
  for (const std::string& name : files) {
    if (!name.ends_with(".json")) continue;
    const std::string path = folder + "/" + name;
    RABT_TRY(text, read_file(path));
    auto root = Json::parse(text);
    if (!root.ok()) return bad_example(path, root.error().message);
    if (name == "config.json") {
      if (const auto fault = package_.config.check(*root))
        return bad_example(path, fault->instance_path + " " + fault->message);
      config_ = *root;
    } else if (name == "secrets.json") {
      if (!root->is_object()) return bad_example(path, "must be an object");
      for (const auto& [secret, value] : root->as_object()) {
        if (!value.is_string()) return bad_example(path, secret + " must be a text");
        secrets_[secret] = value.as_string();
      }
    } else if (name.ends_with(".call.json")) {
      RABT_TRY(example, read_call(path, *root));
      example.name = name;
      const auto* action =
          plugin::serving_action(package_.actions, example.action, example.version);
      if (action == nullptr)
        return bad_example(path, "the manifest has no action " + example.action);
      example.version = action->spec.version;
      if (const auto fault = action->input.check((*root)["input"]))
        return bad_example(path, "input" + fault->instance_path + " " + fault->message);
      examples_.push_back(std::move(example));
    } else if (name.ends_with(".delivery.json")) {
      RABT_TRY(delivery, read_delivery(path, *root));
      delivery.name = name;
      deliveries_.push_back(std::move(delivery));
    } else {
      return bad_example(
          path, "is named neither config.json, secrets.json, *.call.json nor *.delivery.json");
    }
  }
  return ok_status();
}

}  // namespace rabt::check
