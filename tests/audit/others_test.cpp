#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdio>

#include "hub/audit/anchor.hpp"
#include "hub/audit/export/export.hpp"
#include "hub/audit/proof.hpp"
#include "tests/audit/support.hpp"

// The log as software of others sees it: Go's golang.org/x/mod/sumdb, and the openssl command.
namespace rabt::audit::others_test {
namespace {

struct Answer {
  int status = -1;
  std::string text;
};

Answer run(const std::string& command) {
  Answer answer;
  FILE* pipe = ::popen((command + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return answer;
  char buffer[4096];
  for (std::size_t size = 0; (size = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;)
    answer.text.append(buffer, size);
  const int status = ::pclose(pipe);
  answer.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return answer;
}

std::string source() {
  const char* folder = std::getenv("RABT_SOURCE_DIR");
  return folder != nullptr ? folder : ".";
}

std::string in_quotes(const std::string& text) {
  return "'" + text + "'";
}

class Others : public Fixture {
 protected:
  void SetUp() override {
    std::filesystem::create_directory(anchor_);
    for (const int count : {3, 250, 4, 343}) {  // 600 entries
      LogOptions all = options();
      all.anchors.push_back({make_folder_anchor(anchor_, vkey()), true});
      open_log(std::move(all));
      add(count);
      close_log();
      older_.push_back(folder_ + "/older-" + std::to_string(older_.size()));
      std::filesystem::copy(checkpoint_file(), older_.back());
    }
    older_.pop_back();
  }
  void write(const std::string& path, const std::string& text) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
  }
  std::string exported() {
    std::string lines;
    Query query;
    const auto connection = open_reader();
    for (std::optional<Query> next = query; next;) {
      Page page = read_page(*connection, {}, *next, 256).value();
      for (const Logged& entry : page.entries) lines += to_json_line(entry) + "\n";
      next = page.next;
    }
    return lines;
  }
  const std::string anchor_ = folder_ + "/anchor";
  std::vector<std::string> older_;  // checkpoints before the newest
};

class GoSumdb : public Others {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists("/usr/share/gocode/src/golang.org/x/mod/sumdb/tlog") ||
        run("go version").status != 0) {
      GTEST_SKIP() << "install golang-go and golang-golang-x-mod-dev to run this";
    }
    Others::SetUp();
    const char* build = std::getenv("RABT_BUILD_DIR");
    const std::string cache = build != nullptr ? std::string(build) + "/go-cache" : folder_ + "/go";
    program_ = folder_ + "/audit";
    const Answer built =
        run("env GO111MODULE=off GOFLAGS= GOPATH=/usr/share/gocode GOCACHE=" + in_quotes(cache) +
            " CGO_ENABLED=0 go build -o " + in_quotes(program_) + " " +
            in_quotes(source() + "/tests/go/audit.go"));
    ASSERT_EQ(built.status, 0) << built.text;
  }
  Answer folder() {
    std::string command = program_ + " " + in_quotes(vkey()) + " folder " + in_quotes(anchor_);
    for (const std::string& file : older_) command += " " + in_quotes(file);
    return run(command);
  }
  Answer proof(const std::string& text) {
    write(folder_ + "/proof", text);
    return run(program_ + " " + in_quotes(vkey()) + " proof " + in_quotes(folder_ + "/proof"));
  }
  std::string program_;
};

TEST_F(GoSumdb, VerifiesCheckpointsTilesEntriesAndProofsAndRefusesChangedOnes) {
  const Answer good = folder();
  EXPECT_EQ(good.status, 0) << good.text;
  EXPECT_EQ(good.text, "verified: 600 entries, 3 older checkpoints\n");
  const auto refused = [&](const std::string& path, std::size_t at) {
    const std::string kept = content(path);
    ASSERT_LT(at, kept.size()) << path;
    std::string changed = kept;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    write(path, changed);
    const Answer answer = folder();
    EXPECT_EQ(answer.status, 1) << path << " " << at << " " << answer.text;
    EXPECT_EQ(answer.text.rfind("REFUSED: ", 0), 0U) << answer.text;
    write(path, kept);
  };
  refused(anchor_ + "/checkpoint", 20);
  refused(anchor_ + "/checkpoint", content(anchor_ + "/checkpoint").size() - 10);
  refused(anchor_ + "/tile/0/000", 5);
  refused(anchor_ + "/tile/0/002.p/88", 80);
  refused(anchor_ + "/tile/1/000.p/2", 40);
  refused(anchor_ + "/tile/entries/001", 100);
  refused(anchor_ + "/tile/entries/002.p/88", 1);
  refused(older_[1], 22);
  // A checkpoint of another history, signed by the same key.
  const std::string kept = content(older_[1]);
  write(older_[1], Signer(kOrigin, test_seed()).sign(253, crypto::sha256("other")).note);
  EXPECT_EQ(folder().status, 1);
  write(older_[1], kept);
  EXPECT_EQ(folder().status, 0);

  const auto reader = open_reader();
  for (const std::int64_t seq : {1, 3, 200, 253, 257, 600}) {
    const Answer answer = proof(prove_entry(*reader, seq).value());
    EXPECT_EQ(answer.status, 0) << answer.text;
    EXPECT_EQ(answer.text, "verified: entry " + std::to_string(seq) + " of 600\n");
  }
  std::string text = prove_entry(*reader, 200, 253).value();
  EXPECT_EQ(proof(text).text, "verified: entry 200 of 253\n");
  for (std::size_t at = 30; at < text.size(); at += 41) {
    std::string changed = text;
    changed[at] = changed[at] == 'A' ? 'B' : 'A';
    EXPECT_EQ(proof(changed).status, 1) << at;
  }
  for (const auto& [from, to] : {std::pair{3, 253}, {3, 257}, {253, 600}, {257, 600}}) {
    const std::string grown = prove_consistency(*reader, from, to).value();
    EXPECT_EQ(proof(grown).text, "verified: " + std::to_string(to) + " entries begin with " +
                                     std::to_string(from) + "\n");
    std::string changed = grown;
    changed[40] = changed[40] == 'A' ? 'B' : 'A';
    EXPECT_EQ(proof(changed).status, 1);
  }
}

TEST_F(GoSumdb, ComputesEveryLeafAndTheRootFromTheLinesOfAnExport) {
  write(folder_ + "/export", exported());
  const auto check = [this] {
    return run(program_ + " " + in_quotes(vkey()) + " export " + in_quotes(folder_ + "/export") +
               " " + in_quotes(checkpoint_file()));
  };
  EXPECT_EQ(check().text, "verified: 600 exported entries, 600 of them signed\n");
  std::string changed = exported();
  changed.replace(changed.find("\"at_ms\":1"), 9, "\"at_ms\":2");
  write(folder_ + "/export", changed);
  EXPECT_EQ(check().status, 1);
}

TEST_F(Others, AReaderInPythonComputesEveryLeafAndTheRootFromTheLinesOfAnExport) {
  if (run("python3 -c ''").status != 0) GTEST_SKIP() << "install python3 to run this";
  const auto check = [this](const std::string& lines) {
    write(folder_ + "/export", lines);
    return run("python3 " + in_quotes(source() + "/tests/interop/audit_export.py") + " " +
               in_quotes(folder_ + "/export") + " " + in_quotes(checkpoint_file()));
  };
  const std::string lines = exported();
  EXPECT_EQ(check(lines).text, "holds: 600 entries, 600 of them signed\n");
  for (const char* member : {"\"at_ms\":1", "\"v\":1", "\"n\":5", "\"stream\":1"}) {
    std::string changed = lines;
    const auto at = changed.find(member);
    ASSERT_NE(at, std::string::npos) << member;
    changed[at + std::string(member).size() - 1] = '7';
    EXPECT_EQ(check(changed).status, 1) << member;
  }
  EXPECT_EQ(check(lines.substr(0, lines.rfind('\n', lines.size() - 2) + 1)).status, 1);
}

TEST_F(Others, TheOpensslCommandVerifiesACheckpointAndRefusesAChangedOne) {
  if (run("openssl version").status != 0) GTEST_SKIP() << "install openssl to run this";
  const auto check = [&](const std::string& note, const std::string& key) {
    write(folder_ + "/note", note);
    return run("sh " + in_quotes(source() + "/tests/audit/openssl_verify.sh") + " " +
               in_quotes(folder_ + "/note") + " " + in_quotes(key));
  };
  const std::string note = content(anchor_ + "/checkpoint");
  const Answer good = check(note, content(folder_ + "/" + kVkeyFileName));
  EXPECT_EQ(good.status, 0) << good.text;
  EXPECT_NE(good.text.find("Signature Verified Successfully"), std::string::npos) << good.text;
  std::string changed = note;
  changed.replace(changed.find("\n600\n"), 5, "\n601\n");
  EXPECT_NE(check(changed, vkey()).status, 0);
  EXPECT_NE(check(note, Signer(kOrigin, test_mac_key()).vkey()).status, 0);
}

}  // namespace
}  // namespace rabt::audit::others_test
