#include "model.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <memory>
#include <vector>

#include "rabt/json_nlohmann.hpp"

namespace rabt::pocketsphinx {

namespace {

using Json = nlohmann::json;
using sdk::Refusal;
using sdk::text_of;

constexpr std::size_t kPiece = 64U << 10U;

class Sha256 {
 public:
  Sha256() : context_(EVP_MD_CTX_new(), &EVP_MD_CTX_free) {
    if (context_ == nullptr || EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) != 1)
      throw std::bad_alloc();
  }
  void take(std::string_view bytes) {
    if (EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) != 1) throw std::bad_alloc();
  }
  [[nodiscard]] std::string hex() {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::array<unsigned char, 32> bytes{};
    if (EVP_DigestFinal_ex(context_.get(), bytes.data(), nullptr) != 1) throw std::bad_alloc();
    std::string out;
    for (const unsigned char byte : bytes) {
      out.push_back(kDigits[byte >> 4U]);
      out.push_back(kDigits[byte & 15U]);
    }
    return out;
  }

 private:
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
};

std::string digest_of_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  Sha256 digest;
  std::vector<char> piece(kPiece);
  while (file.good()) {
    file.read(piece.data(), static_cast<std::streamsize>(piece.size()));
    digest.take({piece.data(), static_cast<std::size_t>(file.gcount())});
  }
  if (!file.eof())
    throw Refusal("asr.model",
                  "a file of the model cannot be read; `folders` of this plugin must name its "
                  "folder");
  return digest.hex();
}

// Within the folder: no way up, and none from the root.
bool is_below(std::string_view path) {
  return !path.empty() && path.front() != '/' && path.find("..") == std::string_view::npos;
}

std::string_view primary(std::string_view language) {
  return language.substr(0, language.find('-'));
}

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
