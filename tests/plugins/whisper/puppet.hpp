#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <numbers>
#include <string>
#include <utility>
#include <vector>

#include "model_files.hpp"

// A model of whisper.cpp that is no model: it has the tensors of one, and says the same sentences
// of every window, whatever it hears. All that whisper.cpp does is done; only the words are ours.
namespace rabt::whisper::test {

// From the file's format: multilingual, of 99 languages.
inline constexpr int kVocabulary = 51'865;
inline constexpr int kEnd = 50'257;
inline constexpr int kFirstTime = 50'364;
inline constexpr int kArabic = 50'259 + 13;
inline constexpr int time_token(double seconds) {
  return kFirstTime + static_cast<int>(seconds * 50 + 0.5);
}
// Words by their numbers.
inline const std::vector<std::string> kWords{" ", " السلام", " عليكم", " صداع", " fever"};
// Tokens that the model says for a window that is long enough.
inline const std::vector<int> kSays{
    time_token(0), 1, 2, time_token(4), time_token(6), 3, 4, time_token(20), time_token(20), kEnd};

class PuppetFile {
 public:
  PuppetFile() {
    number(0x67676d6c);
    for (const int one :
         {kVocabulary, kHears, kState, 1, kLayers, 448, kState, 1, kLayers, kBands, 0})
      number(one);
    number(kBands);
    number(kFrequencies);
    for (int i = 0; i < kBands * kFrequencies; ++i) real(i % 7 == 0 ? 0.1F : 0.0F);
    number(static_cast<std::int32_t>(kWords.size()));
    for (const std::string& word : kWords) {
      number(static_cast<std::int32_t>(word.size()));
      bytes_ += word;
    }
    encoder();
    decoder();
  }
  [[nodiscard]] const std::string& bytes() const { return bytes_; }

 private:
  static constexpr int kLayers = 4;
  static constexpr int kState = 64;
  static constexpr int kHears = 1'500;
  static constexpr int kBands = 80;
  static constexpr int kFrequencies = 201;

  void raw(const void* from, std::size_t size) {
    bytes_.append(static_cast<const char*>(from), size);
  }
  void number(std::int32_t value) { raw(&value, sizeof value); }
  void real(float value) { raw(&value, sizeof value); }

  // Its values follow, of 32 bit.
  std::size_t head(const std::string& name, const std::vector<int>& sizes) {
    number(static_cast<std::int32_t>(sizes.size()));
    number(static_cast<std::int32_t>(name.size()));
    number(0);
    std::size_t count = 1;
    for (const int size : sizes) {
      number(size);
      count *= static_cast<std::size_t>(size);
    }
    bytes_ += name;
    return count;
  }
  void same(const std::string& name, const std::vector<int>& sizes, float value = 0) {
    for (std::size_t i = head(name, sizes); i > 0; --i) real(value);
  }
  void norm(const std::string& name) {
    same(name + ".weight", {kState}, 1);
    same(name + ".bias", {kState});
  }
  void attention(const std::string& block, const std::string& name) {
    norm(block + name + "_ln");
    for (const char* part : {".query", ".key", ".value", ".out"}) {
      same(block + name + part + ".weight", {kState, kState});
      if (std::string(part) != ".key") same(block + name + part + ".bias", {kState});
    }
  }
  void layer(const std::string& block, bool crosses) {
    attention(block, "attn");
    if (crosses) attention(block, "cross_attn");
    norm(block + "mlp_ln");
    same(block + "mlp.0.weight", {kState, 4 * kState});
    same(block + "mlp.0.bias", {4 * kState});
    same(block + "mlp.2.weight", {4 * kState, kState});
    same(block + "mlp.2.bias", {kState});
  }
  void encoder() {
    same("encoder.positional_embedding", {kState, kHears});
    same("encoder.conv1.weight", {3, kBands, kState});
    same("encoder.conv1.bias", {1, kState});
    same("encoder.conv2.weight", {3, kState, kState});
    same("encoder.conv2.bias", {1, kState});
    norm("encoder.ln_post");
    for (int i = 0; i < kLayers; ++i) layer("encoder.blocks." + std::to_string(i) + ".", false);
  }
  // A place points at the token that comes next, and what was said before hardly matters.
  void decoder() {
    constexpr int kPrompt = 2;
    constexpr int kLanguage = 50;
    std::vector<float> places(static_cast<std::size_t>(448 * kState));
    std::vector<float> tokens(static_cast<std::size_t>(kVocabulary) * kState);
    const auto point = [&](std::size_t place, int token, std::size_t way) {
      places.at(place * kState + way) = 50;
      tokens.at(static_cast<std::size_t>(token) * kState + way) = 8;
    };
    point(0, kArabic, kLanguage);
    for (std::size_t i = 0; i < kSays.size(); ++i) point(kPrompt + i, kSays[i], i + 1);
    (void)head("decoder.positional_embedding", {kState, 448});
    raw(places.data(), places.size() * sizeof(float));
    (void)head("decoder.token_embedding.weight", {kState, kVocabulary});
    raw(tokens.data(), tokens.size() * sizeof(float));
    norm("decoder.ln");
    for (int i = 0; i < kLayers; ++i) layer("decoder.blocks." + std::to_string(i) + ".", true);
  }

  std::string bytes_;
};

// A folder with the model in it, for as long as it lives.
class Puppet {
 public:
  Puppet() {
    EXPECT_NE(::mkdtemp(folder.data()), nullptr);
    std::filesystem::permissions(folder, std::filesystem::perms(0755));
    const std::string path = folder + "/puppet.bin";
    std::ofstream(path, std::ios::binary) << PuppetFile().bytes();
    sha256 = asr::digest_of_file(path);
  }
  ~Puppet() {
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
  }
  Puppet(const Puppet&) = delete;
  Puppet& operator=(const Puppet&) = delete;

  [[nodiscard]] std::string config(const std::string& more = {}) const {
    return R"({"languages":["ar","en"],"threads":1,"model":{"folder":")" + folder +
           R"(","file":"puppet.bin","sha256":")" + sha256 + "\"}" + more + "}";
  }

  std::string folder = (std::filesystem::temp_directory_path() / "rabt-puppet-XXXXXX").string();
  std::string sha256;
};

// A tone.
inline std::vector<std::int16_t> tone(std::int64_t ms) {
  std::vector<std::int16_t> samples(static_cast<std::size_t>(ms) * 16);
  for (std::size_t i = 0; i < samples.size(); ++i)
    samples[i] = static_cast<std::int16_t>(
        8000 * std::sin(2 * std::numbers::pi * 440 * static_cast<double>(i) / 16'000));
  return samples;
}
// The same as a WAVE file of 16 kHz.
inline std::string wave(const std::vector<std::int16_t>& samples) {
  const auto little = [](std::uint64_t value, int bytes) {
    std::string out;
    for (int i = 0; i < bytes; ++i) out.push_back(static_cast<char>(value >> (8 * i)));
    return out;
  };
  std::string out = "RIFF" + little(0, 4) + "WAVEfmt " + little(16, 4) + little(1, 2) +
                    little(1, 2) + little(16'000, 4) + little(32'000, 4) + little(2, 2) +
                    little(16, 2) + "data" + little(samples.size() * 2, 4);
  out.append(reinterpret_cast<const char*>(samples.data()), samples.size() * 2);  // NOLINT
  return out;
}

}  // namespace rabt::whisper::test
