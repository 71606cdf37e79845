#include "model.hpp"

#include <vector>

#include "model_files.hpp"
#include "rabt/json_nlohmann.hpp"

namespace rabt::pocketsphinx {

namespace {

using asr::digest_of_file;
using asr::is_below;
using asr::primary;
using asr::Sha256;
using Json = nlohmann::json;
using sdk::Refusal;
using sdk::text_of;

}  // namespace

bool Settings::speaks(std::string_view asked) const {
  const bool whole =
      asked.find('-') != std::string_view::npos && language.find('-') != std::string::npos;
  return whole ? asked == language : primary(asked) == primary(language);
}

Settings read_settings(std::string_view json) {
  const Json config = Json::parse(json, nullptr, false);
  if (!config.is_object()) throw Refusal("asr.config", "the configuration must be an object");
  const Json& model = sdk::member_of(config, "model");
  Settings settings{.language = text_of(config, "language"),
                    .folder = text_of(model, "folder"),
                    .acoustic = text_of(model, "acoustic"),
                    .dictionary = text_of(model, "dictionary"),
                    .language_model = text_of(model, "language_model"),
                    .sha256 = text_of(model, "sha256")};
  while (settings.folder.ends_with('/')) settings.folder.pop_back();
  if (settings.language.empty() || settings.folder.empty() || settings.sha256.size() != 64)
    throw Refusal("asr.config", "language, and folder and sha256 of the model are needed");
  for (const std::string& file :
       {settings.acoustic, settings.dictionary, settings.language_model}) {
    if (!is_below(file)) throw Refusal("asr.config", "the files of the model lie in its folder");
  }
  return settings;
}

std::string digest_of(const Settings& settings) {
  std::vector<std::string> files{settings.dictionary, settings.language_model};
  for (const std::string_view file : kAcousticFiles)
    files.push_back(settings.acoustic + "/" + std::string(file));
  Sha256 all;
  for (const std::string& file : files)
    all.take(digest_of_file(settings.path(file)) + "  " + file + "\n");
  return all.hex();
}

void check_model(const Settings& settings) {
  if (digest_of(settings) != settings.sha256)
    throw Refusal("asr.model", "the model is not the one whose sha256 is configured");
}

}  // namespace rabt::pocketsphinx
