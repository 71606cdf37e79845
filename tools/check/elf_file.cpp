#include "tools/check/elf_file.hpp"

#include <elf.h>

#include <cstring>
#include <fstream>
#include <iterator>

namespace rabt::check {

namespace {

constexpr std::size_t kMaxFile = 512U << 20U;  // as the loader's: with debug information
constexpr std::size_t kMaxSymbols = 1U << 20U;

Error broken(const std::string& what) {
  return invalid("check.elf", "the library " + what);
}

// A copy of the T at offset; false when it lies outside of the file.
template <typename T>
bool take(std::string_view bytes, std::uint64_t offset, T& out) {
  if (offset > bytes.size() || bytes.size() - offset < sizeof(T)) return false;
  std::memcpy(&out, bytes.data() + offset, sizeof(T));
  return true;
}

std::string name_at(std::string_view names, std::uint32_t offset) {
  if (offset >= names.size()) return {};
  const std::string_view rest = names.substr(offset);
  return std::string(rest.substr(0, rest.find('\0')));
}

std::string_view part(std::string_view bytes, std::uint64_t offset, std::uint64_t size) {
  if (offset > bytes.size() || bytes.size() - offset < size) return {};
  return bytes.substr(offset, size);
}

}  // namespace

Result<ElfFile> ElfFile::read(const std::string& path) {
  std::ifstream in(path, std::ios::binary | std::ios::ate);
  if (!in) return not_found("check.elf", path + " cannot be opened");
  const auto size = static_cast<std::size_t>(in.tellg());
  if (size > kMaxFile) return broken(path + " is too large to be a plugin; strip it");
  in.seekg(0);
  const std::string bytes((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  return parse(bytes);
}

Result<ElfFile> ElfFile::parse(std::string_view bytes) {
  Elf64_Ehdr header{};
  if (!take(bytes, 0, header) || std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0)
    return broken("is no ELF file");
  if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB)
    return broken("is not built for a 64-bit little-endian machine");
  if (header.e_type != ET_DYN) return broken("is no shared library; build it with -shared");
  ElfFile file;
  file.machine_ = header.e_machine;
  if (header.e_phnum > 0 && header.e_phentsize != sizeof(Elf64_Phdr))
    return broken("has program headers of another size");
  for (std::uint64_t i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr segment{};
    if (!take(bytes, header.e_phoff + i * sizeof segment, segment))
      return broken("has program headers outside of the file");
    file.segments_.push_back({segment.p_type, segment.p_flags});
    if (segment.p_type != PT_DYNAMIC) continue;
    for (std::uint64_t at = 0; at + sizeof(Elf64_Dyn) <= segment.p_filesz;
         at += sizeof(Elf64_Dyn)) {
      Elf64_Dyn entry{};
      if (!take(bytes, segment.p_offset + at, entry))
        return broken("has a dynamic section outside of the file");
      if (entry.d_tag == DT_NULL) break;
      if (entry.d_tag == DT_TEXTREL) file.text_relocations_ = true;
      if (entry.d_tag == DT_BIND_NOW) file.binds_now_ = true;
      if (entry.d_tag == DT_FLAGS) {
        file.text_relocations_ = file.text_relocations_ || (entry.d_un.d_val & DF_TEXTREL) != 0;
        file.binds_now_ = file.binds_now_ || (entry.d_un.d_val & DF_BIND_NOW) != 0;
      }
      if (entry.d_tag == DT_FLAGS_1)
        file.binds_now_ = file.binds_now_ || (entry.d_un.d_val & DF_1_NOW) != 0;
    }
  }
  if (header.e_shnum == 0 || header.e_shentsize != sizeof(Elf64_Shdr))
    return broken("has no section headers; strip it with strip, which leaves them");
  bool found = false;
  for (std::uint64_t i = 0; i < header.e_shnum; ++i) {
    Elf64_Shdr section{};
    if (!take(bytes, header.e_shoff + i * sizeof section, section))
      return broken("has section headers outside of the file");
    if (section.sh_type != SHT_DYNSYM) continue;
    found = true;
    Elf64_Shdr names{};
    if (section.sh_link >= header.e_shnum ||
        !take(bytes, header.e_shoff + section.sh_link * sizeof names, names))
      return broken("has dynamic symbols without names");
    const std::string_view table = part(bytes, section.sh_offset, section.sh_size);
    const std::string_view strings = part(bytes, names.sh_offset, names.sh_size);
    const std::uint64_t count = table.size() / sizeof(Elf64_Sym);
    if (count > kMaxSymbols) return broken("has more dynamic symbols than a plugin can need");
    for (std::uint64_t s = 1; s < count; ++s) {
      Elf64_Sym raw{};
      if (!take(table, s * sizeof raw, raw)) break;
      Symbol symbol;
      symbol.name = name_at(strings, raw.st_name);
      symbol.defined = raw.st_shndx != SHN_UNDEF;
      symbol.data = ELF64_ST_TYPE(raw.st_info) == STT_OBJECT;
      const auto bind = ELF64_ST_BIND(raw.st_info);
      const auto visibility = ELF64_ST_VISIBILITY(raw.st_other);
      symbol.exported = symbol.defined && bind != STB_LOCAL &&
                        (visibility == STV_DEFAULT || visibility == STV_PROTECTED) &&
                        !symbol.name.empty();
      file.symbols_.push_back(std::move(symbol));
    }
  }
  if (!found) return broken("has no dynamic symbols");
  return file;
}

}  // namespace rabt::check
