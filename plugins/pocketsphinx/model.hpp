#pragma once

#include <array>
#include <string>
#include <string_view>

namespace rabt::pocketsphinx {

// Models of the operator: files of one folder.
struct Settings {
  // BCP 47: "en-US"
  std::string language;
  std::string folder;
  // Below the folder.
  std::string acoustic;
  std::string dictionary;
  std::string language_model;
  std::string sha256;

  [[nodiscard]] std::string path(std::string_view file) const {
    return folder + "/" + std::string(file);
  }
  // True if the model is of the language that is asked for: "en" and "en-US" are one.
  [[nodiscard]] bool speaks(std::string_view asked) const;
};
// Throws sdk::Refusal asr.config.
[[nodiscard]] Settings read_settings(std::string_view json);

// Files of an acoustic model.
inline constexpr std::array<std::string_view, 7> kAcousticFiles{
    "feat.params", "mdef", "means", "noisedict", "sendump", "transition_matrices", "variances"};

// The digest of the files as sha256sum makes it: of the lines "<digest>  <path>\n", one a file, in
// the order dictionary, language model, kAcousticFiles. Throws sdk::Refusal asr.model when a file
// cannot be read.
[[nodiscard]] std::string digest_of(const Settings& settings);
// Throws sdk::Refusal asr.model unless the files are those that the operator meant.
void check_model(const Settings& settings);

}  // namespace rabt::pocketsphinx
