#include "settings.hpp"

#include "model_files.hpp"
#include "rabt/json_nlohmann.hpp"

namespace rabt::whisper {

using Json = nlohmann::json;
using sdk::Refusal;
using sdk::text_of;

Settings read_settings(std::string_view json) {
  const Json config = Json::parse(json, nullptr, false);
  if (!config.is_object()) throw Refusal("asr.config", "the configuration must be an object");
  const Json& model = sdk::member_of(config, "model");
  Settings settings{.languages = {},
                    .folder = text_of(model, "folder"),
                    .file = text_of(model, "file"),
                    .sha256 = text_of(model, "sha256")};
  for (const Json& item : sdk::list_of(config, "languages")) {
    if (item.is_string()) settings.languages.push_back(item.get<std::string>());
  }
  if (const auto found = config.find("detect"); found != config.end() && found->is_boolean())
    settings.detect = found->get<bool>();
  if (const auto found = config.find("threads");
      found != config.end() && found->is_number_integer())
    settings.threads = found->get<int>();
  while (settings.folder.ends_with('/')) settings.folder.pop_back();
  if (settings.languages.empty() || settings.folder.empty() || settings.sha256.size() != 64)
    throw Refusal("asr.config", "languages, and folder, file and sha256 of the model are needed");
  if (!asr::is_below(settings.file))
    throw Refusal("asr.config", "the file of the model lies in its folder");
  if (settings.threads < 1 || settings.threads > 32)
    throw Refusal("asr.config", "threads are 1 to 32");
  return settings;
}

}  // namespace rabt::whisper
