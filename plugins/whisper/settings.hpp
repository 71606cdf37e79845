#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace rabt::whisper {

// Settings and model of the operator.
struct Settings {
  // Languages that may be recognised: "ar", "en".
  std::vector<std::string> languages;
  // The model finds the language of each window.
  bool detect = false;
  int threads = 2;
  // A file of one folder.
  std::string folder;
  std::string file;
  std::string sha256;

  [[nodiscard]] std::string path() const { return folder + "/" + file; }
};
// Throws sdk::Refusal asr.config.
[[nodiscard]] Settings read_settings(std::string_view json);

}  // namespace rabt::whisper
