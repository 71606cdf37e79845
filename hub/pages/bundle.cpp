#include "hub/pages/bundle.hpp"

#include "hub/base/check.hpp"
#include "hub/base/json.hpp"

// bytes.S
extern "C" {
extern const char rabt_pages_begin[];
extern const char rabt_pages_end[];
}

namespace rabt::pages {

namespace {

constexpr std::string_view kMagic = "rabt pages 1\n";

Error broken(std::string_view why) {
  return corrupt("pages.bundle", "the pages in this program cannot be read: " + std::string(why) +
                                     "; build them again (console/README.md)");
}

}  // namespace

Result<Bundle> Bundle::read(std::string_view bytes) {
  Bundle bundle;
  if (bytes.empty()) return bundle;
  if (!bytes.starts_with(kMagic)) return broken("other version");
  bytes.remove_prefix(kMagic.size());
  const std::size_t line = bytes.find('\n');
  if (line == std::string_view::npos) return broken("no index");
  RABT_TRY(index, Json::parse(bytes.substr(0, line)));
  const std::string_view data = bytes.substr(line + 1);
  const auto part = [&](const Json& at) -> std::string_view {
    const auto begin = static_cast<std::size_t>(at[0].as_int64().value_or(0));
    const auto length = static_cast<std::size_t>(at[1].as_int64().value_or(0));
    if (begin > data.size() || length > data.size() - begin) return {};
    return data.substr(begin, length);
  };
  if (!index["files"].is_object() || !index["entries"].is_object() || !index["preload"].is_object())
    return broken("no index");
  for (const auto& [name, file] : index["files"].as_object()) {
    Asset asset{.type = file.string_or("type", ""),
                .etag = "\"" + file.string_or("hash", "") + "\"",
                .plain = part(file["plain"]),
                .gzip = file["gzip"].is_array() ? part(file["gzip"]) : std::string_view()};
    if (asset.plain.empty()) return broken("a file reaches beyond its end");
    bundle.assets_.emplace(name, std::move(asset));
  }
  for (const auto& [source, name] : index["entries"].as_object())
    bundle.entries_.emplace(source, name.as_string());
  for (const auto& [source, names] : index["preload"].as_object()) {
    for (const Json& name : names.as_array())
      bundle.loads_[std::string(source)].push_back(name.as_string());
  }
  return bundle;
}

const Bundle& Bundle::embedded() {
  static const Bundle bundle = [] {
    auto read = Bundle::read(
        {rabt_pages_begin, static_cast<std::size_t>(rabt_pages_end - rabt_pages_begin)});
    RABT_CHECK(read.ok());
    return *std::move(read);
  }();
  return bundle;
}

const Asset* Bundle::find(std::string_view name) const {
  const auto at = assets_.find(name);
  return at == assets_.end() ? nullptr : &at->second;
}

std::string_view Bundle::made_of(std::string_view source) const {
  const auto at = entries_.find(source);
  return at == entries_.end() ? std::string_view() : std::string_view(at->second);
}

const std::vector<std::string>& Bundle::loaded_with(std::string_view source) const {
  static const std::vector<std::string> none;
  const auto at = loads_.find(source);
  return at == loads_.end() ? none : at->second;
}

}  // namespace rabt::pages
