#include "hub/plugin/package/manifest.hpp"

#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "hub/base/semver.hpp"
#include "tests/fuzz/input.hpp"

namespace {

// read_package reads a folder: one for this process, removed at its end.
class Folder {
 public:
  Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "rabt-fuzz-XXXXXX").string();
    rabt::fuzz::require(::mkdtemp(pattern.data()) != nullptr, "a temporary folder can be made");
    path_ = pattern;
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace rabt;
  static const Folder folder;
  {
    std::ofstream out(folder.path() + "/manifest.yaml", std::ios::binary | std::ios::trunc);
    out << fuzz::text(data, size);
  }
  const auto package = plugin::read_package(folder.path());
  if (!package.ok()) {
    fuzz::require(package.error().code.starts_with("plugin.manifest"), "a refusal has its code");
    return 0;
  }
  fuzz::require(!package->manifest.id.empty() && is_semver(package->manifest.version),
                "a plugin has id and version");
  fuzz::require(package->manifest.concurrency >= 1, "a lane has a thread");
  fuzz::require(package->actions.size() == package->manifest.actions.size(),
                "every action is compiled");
  const Json value = Json::object({{"a", 1}});
  (void)package->config.check(value);
  for (const auto& action : package->actions) {
    fuzz::require(action.spec.timeout_ms > 0, "an action has a time limit");
    (void)action.input.check(value);
  }
  return 0;
}
