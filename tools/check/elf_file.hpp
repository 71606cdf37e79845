#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "hub/base/result.hpp"

namespace rabt::check {

// Facts that a 64-bit little-endian ELF shared library gives of itself (System V ABI, gABI chapters
// 4 and 5), read without running any of it. Immutable.
class ElfFile {
 public:
  struct Symbol {
    std::string name;
    bool defined = false;
    bool data = false;      // STT_OBJECT
    bool exported = false;  // defined, global or weak or unique, default or protected visibility
  };
  struct Segment {
    std::uint32_t type = 0;
    std::uint32_t flags = 0;
  };

  // Error code: check.elf. Every offset is checked against the file's size.
  static Result<ElfFile> read(const std::string& path);
  static Result<ElfFile> parse(std::string_view bytes);

  [[nodiscard]] std::uint16_t machine() const { return machine_; }
  [[nodiscard]] const std::vector<Segment>& segments() const { return segments_; }
  [[nodiscard]] const std::vector<Symbol>& symbols() const { return symbols_; }  // dynamic ones
  [[nodiscard]] bool binds_now() const { return binds_now_; }
  [[nodiscard]] bool text_relocations() const { return text_relocations_; }

 private:
  std::uint16_t machine_ = 0;
  std::vector<Segment> segments_;
  std::vector<Symbol> symbols_;
  bool binds_now_ = false;
  bool text_relocations_ = false;
};

}  // namespace rabt::check
