#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace rabt::whisper {

// What the operator brings and says.
struct Settings {
  // What may be listened for: "ar", "en".
  std::vector<std::string> languages;
  // The model finds out of each window which of them is spoken.
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
