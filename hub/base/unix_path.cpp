#include "hub/base/unix_path.hpp"

#include <fcntl.h>
#include <sys/un.h>

namespace rabt {

UnixPath::UnixPath(const std::string& path) : name_(path) {
  const auto slash = path.rfind('/');
  if (path.size() < sizeof(sockaddr_un::sun_path) || slash == std::string::npos) return;
  folder_ = Descriptor(::open(path.substr(0, slash).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (folder_.open()) name_ = "/proc/self/fd/" + std::to_string(folder_.get()) + path.substr(slash);
}

}  // namespace rabt
