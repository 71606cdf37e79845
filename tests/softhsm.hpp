#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace rabt::test {

// A token of SoftHSM2 (Debian package softhsm2) in a folder of its own: label rabt-test, PIN 1234.
// One for the process: the library reads its configuration once.
class SoftHsm {
 public:
  static constexpr const char* kMissing = "softhsm2 is not installed";
  static SoftHsm& shared() {
    static SoftHsm hsm;
    return hsm;
  }
  SoftHsm(const SoftHsm&) = delete;
  SoftHsm& operator=(const SoftHsm&) = delete;
  ~SoftHsm() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  [[nodiscard]] bool ready() const { return ready_; }
  [[nodiscard]] std::string module() const { return kModule; }
  // id: hex. key: 32 bytes.
  [[nodiscard]] bool import_aes(const std::string& label, const std::string& id,
                                std::string_view key) const {
    const std::string file = folder_ + "/import";
    std::ofstream(file, std::ios::binary) << key;
    return run("softhsm2-util --import " + file + " --aes --token rabt-test --label " + label +
               " --id " + id + " --pin 1234");
  }

 private:
  static constexpr const char* kModule = "/usr/lib/softhsm/libsofthsm2.so";

  SoftHsm() {
    if (!std::filesystem::exists(kModule) || !run("command -v softhsm2-util")) return;
    folder_ = (std::filesystem::temp_directory_path() / "rabt-softhsm-XXXXXX").string();
    if (::mkdtemp(folder_.data()) == nullptr) return;
    std::filesystem::create_directory(folder_ + "/tokens");
    std::ofstream(folder_ + "/softhsm2.conf")
        << "directories.tokendir = " << folder_ << "/tokens\nlog.level = ERROR\n";
    ::setenv("SOFTHSM2_CONF", (folder_ + "/softhsm2.conf").c_str(), 1);
    ready_ = run("softhsm2-util --init-token --free --label rabt-test --so-pin 5678 --pin 1234");
  }
  static bool run(const std::string& command) {
    return std::system((command + " >/dev/null 2>&1").c_str()) == 0;
  }

  std::string folder_;
  bool ready_ = false;
};

}  // namespace rabt::test
