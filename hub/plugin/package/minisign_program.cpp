#include "hub/plugin/package/minisign_program.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

extern char** environ;  // NOLINT

namespace rabt::plugin {

namespace {

constexpr const char* kProgram = "minisign";

Error missing() {
  return unavailable("plugin.minisign_missing",
                     "the program minisign is not installed; it makes keys and signs: install the "
                     "Debian package minisign");
}

// A folder for our user alone; goes with this object.
class PrivateFolder {
 public:
  PrivateFolder() {
    std::error_code failure;
    path_ = (std::filesystem::temp_directory_path(failure) / "rabt-sign-XXXXXX").string();
    if (failure || ::mkdtemp(path_.data()) == nullptr) path_.clear();
  }
  PrivateFolder(const PrivateFolder&) = delete;
  PrivateFolder& operator=(const PrivateFolder&) = delete;
  ~PrivateFolder() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] bool there() const { return !path_.empty(); }
  [[nodiscard]] std::string file(const char* name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace

Status run_minisign(const std::vector<std::string>& arguments) {
  std::vector<char*> argv{const_cast<char*>(kProgram)};  // NOLINT
  for (const std::string& argument : arguments)
    argv.push_back(const_cast<char*>(argument.c_str()));  // NOLINT
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  pid_t pid = -1;
  const int failure = ::posix_spawnp(&pid, kProgram, &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failure == ENOENT) return missing();
  if (failure != 0) {
    return unavailable("plugin.minisign_missing",
                       std::string("minisign cannot be started: ") + std::strerror(failure));
  }
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return ok_status();
  // Status of posix_spawnp in some C libraries when the program is missing.
  if (WIFEXITED(status) && WEXITSTATUS(status) == 127) return missing();
  return denied("plugin.minisign", "minisign has failed; it says why above");
}

Status make_key_pair(const std::string& secret_file, const std::string& public_file,
                     bool with_password) {
  std::vector<std::string> arguments{"-G", "-s", secret_file, "-p", public_file};
  if (!with_password) arguments.emplace_back("-W");
  Status result = run_minisign(arguments);
  if (!result.ok()) {
    static_cast<void>(::unlink(secret_file.c_str()));
    static_cast<void>(::unlink(public_file.c_str()));
  }
  return result;
}

Sign sign_with(std::string secret_file) {
  return [secret_file = std::move(secret_file)](
             std::string_view content, const std::string& untrusted_comment,
             const std::string& trusted_comment) -> Result<std::string> {
    const PrivateFolder folder;
    const std::string file = folder.file("content");
    const std::string signature_file = folder.file("signature");
    if (folder.there()) std::ofstream(file, std::ios::binary) << content;
    std::error_code failure;
    if (!folder.there() || std::filesystem::file_size(file, failure) != content.size() || failure)
      return unavailable("plugin.minisign", "the folder for temporary files cannot be used");
    RABT_TRY_STATUS(run_minisign({"-S", "-s", secret_file, "-m", file, "-x", signature_file, "-c",
                                  untrusted_comment, "-t", trusted_comment}));
    std::ifstream in(signature_file, std::ios::binary);
    std::string signature{std::istreambuf_iterator<char>(in), {}};
    if (!in || signature.empty())
      return unavailable("plugin.minisign", "minisign wrote no signature");
    return signature;
  };
}

}  // namespace rabt::plugin
