#pragma once

#include <memory>
#include <string>

#include "hub/base/result.hpp"
#include "hub/mapping/mapping.hpp"

// Mapping files of sources, as the configuration names them.
namespace rabt::assembly {

struct MappedSource {
  mapping::SourceFiles files;
  std::shared_ptr<const mapping::Mapping> mapping;
};
// Reads and checks the mapping file of an entry. Errors: mapping.io, mapping.file; the message
// names the entry, and file, line and column of each mistake.
[[nodiscard]] Result<MappedSource> read_mapped_source(const std::string& entry,
                                                      const std::string& path);
// Text that the operator wrote: reasons of refusals may quote it.
[[nodiscard]] std::string words_of(const mapping::SourceFiles& files);

}  // namespace rabt::assembly
