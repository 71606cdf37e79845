#include "model_files.hpp"

#include <openssl/evp.h>

#include <array>
#include <fstream>
#include <vector>

#include "rabt/plugin.hpp"

namespace rabt::asr {

using sdk::Refusal;

void Sha256::Free::operator()(evp_md_ctx_st* context) const {
  EVP_MD_CTX_free(context);
}

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  if (context_ == nullptr || EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) != 1)
    throw std::bad_alloc();
}

void Sha256::take(std::string_view bytes) {
  if (EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) != 1) throw std::bad_alloc();
}

std::string Sha256::hex() {
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

std::string digest_of_file(const std::string& path) {
  constexpr std::size_t kPiece = 64U << 10U;
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

bool is_below(std::string_view path) {
  return !path.empty() && path.front() != '/' && path.find("..") == std::string_view::npos;
}

std::string_view primary(std::string_view language) {
  return language.substr(0, language.find('-'));
}

}  // namespace rabt::asr
