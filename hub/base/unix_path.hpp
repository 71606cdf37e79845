#pragma once

#include <string>

#include "hub/base/descriptor.hpp"

namespace rabt {

// The name of a Unix socket in a form that fits the 108 bytes of an address, however deep its
// folder is. The name holds as long as this object lives.
class UnixPath {
 public:
  explicit UnixPath(const std::string& path);
  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  // The folder, when the name goes through it.
  Descriptor folder_;
  std::string name_;
};

}  // namespace rabt
