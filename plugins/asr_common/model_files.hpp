#pragma once

#include <memory>
#include <string>
#include <string_view>

struct evp_md_ctx_st;

// The files of a model that the operator brings, and how they are known to be those.
namespace rabt::asr {

class Sha256 {
 public:
  Sha256();
  void take(std::string_view bytes);
  // Once, at the end.
  [[nodiscard]] std::string hex();

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

// In hex. Throws sdk::Refusal asr.model when the file cannot be read.
[[nodiscard]] std::string digest_of_file(const std::string& path);

// True if a path stays within the folder that it is added to.
[[nodiscard]] bool is_below(std::string_view path);

// "ar" of "ar-SA".
[[nodiscard]] std::string_view primary(std::string_view language);

}  // namespace rabt::asr
