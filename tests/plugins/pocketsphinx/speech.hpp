#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

// Sentences that a synthetic voice says, and Debian's English model.
namespace rabt::pocketsphinx::test {

inline constexpr const char* kSentence = "the patient has fever and a headache";
inline constexpr const char* kModelFolder = "/usr/share/pocketsphinx/model/en-us";
// Of Debian's pocketsphinx-en-us 0.8+5prealpha+1-15.
inline constexpr const char* kModelSha256 =
    "e0695be3aa950eb9f857feb4a2a469273438d1cf0cdbf573768c08dcb44f4b38";

inline std::string config(const std::string& sha256 = kModelSha256) {
  return std::string(R"({"language":"en-US","model":{"folder":")") + kModelFolder +
         R"(","acoustic":"en-us","dictionary":"cmudict-en-us.dict",)" +
         R"("language_model":"en-us.lm.bin","sha256":")" + sha256 + R"("}})";
}

// A WAVE file of 16 kHz.
inline std::string spoken(const std::string& text) {
  std::string folder = (std::filesystem::temp_directory_path() / "rabt-speech-XXXXXX").string();
  EXPECT_NE(::mkdtemp(folder.data()), nullptr);
  const std::string command = "flite -voice rms -t '" + text + "' -o " + folder + "/said.wav";
  EXPECT_EQ(std::system(command.c_str()), 0) << "Debian's flite is needed";  // NOLINT
  std::ifstream file(folder + "/said.wav", std::ios::binary);
  std::string content((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  EXPECT_TRUE(content.starts_with("RIFF"));
  std::error_code ignored;
  std::filesystem::remove_all(folder, ignored);
  return content;
}

}  // namespace rabt::pocketsphinx::test
