#include "hub/cli/complain.hpp"

#include <cstdio>

#include "hub/base/printable.hpp"

namespace rabt::cli {

int complain(const Error& error) {
  std::fprintf(stderr, "%s [%s]\n", printable_lines(error.message).c_str(), error.code.c_str());
  return error.kind == ErrorKind::invalid ? 2 : 1;
}

}  // namespace rabt::cli
