#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <set>

#include "hub/audit/export/syslog_sender.hpp"
#include "hub/base/bytes.hpp"
#include "tests/audit/support.hpp"
#include "tests/eventually.hpp"
#include "tests/tls_files.hpp"

// The sender against servers that we did not write: rsyslog, and Python's TLS in a server that
// loses connections.
namespace rabt::audit::syslog_test {
namespace {

using std::chrono::milliseconds;

int free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  EXPECT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), size), 0);
  EXPECT_EQ(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size), 0);
  ::close(fd);
  return ntohs(address.sin_port);
}

class Child {
 public:
  explicit Child(std::vector<std::string> command, const std::string& log) {
    pid_ = ::fork();
    if (pid_ != 0) return;
    std::vector<char*> words;
    words.reserve(command.size() + 1);
    for (std::string& word : command) words.push_back(word.data());
    words.push_back(nullptr);
    if (std::freopen(log.c_str(), "w", stdout) == nullptr) ::_exit(126);
    ::dup2(STDOUT_FILENO, STDERR_FILENO);
    ::execvp(words[0], words.data());
    ::_exit(127);
  }
  ~Child() { stop(); }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  void stop() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }

 private:
  pid_t pid_ = 0;
};

class Syslog : public Fixture {
 protected:
  void SetUp() override {
    if (!test::have_program("openssl")) GTEST_SKIP() << "the openssl command is absent";
    ::signal(SIGPIPE, SIG_IGN);  // as the hub does
    open_log();
    ASSERT_TRUE(test::make_certificates(folder_));
  }
  void TearDown() override {
    sender_.reset();
    close_log();
  }
  void append(int count) {
    for (int i = 0; i < count; ++i) {
      Entry one = entry(++number_);
      one.patient = "00112233445566778899aabbccddeeff";
      const auto prepared = log_->prepare(one);
      ASSERT_TRUE(
          store_->write([&](store::Transaction& tx) { return log_->append(tx, prepared); }).ok());
    }
  }
  SyslogOptions options(int port) {
    SyslogOptions out;
    out.host = "127.0.0.1";
    out.port = port;
    out.tls.ca_file = folder_ + "/ca.pem";
    out.cursor_file = folder_ + "/cursor";
    out.settle_ms = 300;
    out.first_pause_ms = 50;
    out.max_pause_ms = 200;
    return out;
  }
  void start(SyslogOptions options) {
    auto made = SyslogSender::start({*store_, system_, null_logger()}, std::move(options), source_);
    ASSERT_TRUE(made.ok()) << made.error().message;
    sender_ = std::move(*made);
  }
  bool wait_confirmed(std::int64_t seq, int timeout_ms = 20'000) {
    return test::eventually([&] { return sender_->stats().confirmed >= seq; },
                            milliseconds(timeout_ms));
  }
  // The messages that the sink has got, whole.
  std::vector<std::string> received() {
    std::vector<std::string> out;
    std::ifstream file(folder_ + "/got");
    for (std::string line; std::getline(file, line);) {
      const auto bytes = from_base64(line);
      if (bytes) out.emplace_back(as_text(*bytes));
    }
    return out;
  }
  std::vector<std::string> sink(int port, const std::string& cut = {}) {
    const std::string script =
        std::filesystem::path(migrations()).parent_path().parent_path().string() +
        "/tests/audit/tls_sink.py";
    std::vector<std::string> command{"python3",
                                     script,
                                     folder_ + "/server.pem",
                                     folder_ + "/server.key",
                                     std::to_string(port),
                                     folder_ + "/got"};
    if (!cut.empty()) {
      command.push_back(cut);
      command.emplace_back("8");
    }
    return command;
  }
  static std::set<int> sequences(const std::vector<std::string>& messages) {
    std::set<int> out;
    for (const std::string& message : messages) {
      const auto at = message.find("sequenceId=\"");
      if (at != std::string::npos) out.insert(std::stoi(message.substr(at + 12)));
    }
    return out;
  }

  SystemClock system_;
  ExportSource source_{"acme", "rabt.health/audit/acme", "hub.example.sa"};
  std::unique_ptr<SyslogSender> sender_;
  int number_ = 0;
};

TEST_F(Syslog, EveryEntryReachesAServerOverTlsAndTheCursorOutlivesTheProcess) {
  const int port = free_port();
  Child server(sink(port), folder_ + "/sink.log");
  append(450);
  start(options(port));
  ASSERT_TRUE(wait_confirmed(450)) << std::ifstream(folder_ + "/sink.log").rdbuf();
  sender_.reset();
  EXPECT_EQ(received().size(), 450U) << "nothing twice while nothing breaks";
  append(5);
  start(options(port));
  ASSERT_TRUE(wait_confirmed(455));
  const auto messages = received();
  EXPECT_EQ(messages.size(), 455U) << "the second process went on behind the cursor";
  EXPECT_EQ(sequences(messages).size(), 455U);
  EXPECT_TRUE(messages[0].starts_with("<85>1 ")) << messages[0];
}

TEST_F(Syslog, AServerThatTearsConnectionsDownGetsEveryEntryAtLeastOnce) {
  const int port = free_port();
  Child server(sink(port, "30000"), folder_ + "/sink.log");
  append(300);
  start(options(port));
  ASSERT_TRUE(wait_confirmed(300));
  const auto messages = received();
  EXPECT_EQ(sequences(messages).size(), 300U);
  EXPECT_EQ(*sequences(messages).rbegin(), 300);
  EXPECT_GE(sender_->stats().connects, 8U);
  EXPECT_GE(messages.size(), 300U);
}

TEST_F(Syslog, AServerThatIsDownRaisesTheAlarmAndIsServedWhenItComes) {
  const int port = free_port();
  SyslogOptions required = options(port);
  required.high_water = 10;
  required.required = true;
  start(required);
  append(11);
  ASSERT_TRUE(test::eventually([&] { return !sender_->ready().ok(); }));
  EXPECT_EQ(sender_->ready().error().code, "audit.sink_behind");
  EXPECT_TRUE(sender_->stats().behind);
  Child server(sink(port), folder_ + "/sink.log");
  ASSERT_TRUE(wait_confirmed(11));
  EXPECT_TRUE(test::eventually([&] { return sender_->ready().ok(); }));
}

TEST_F(Syslog, AServerWithAnotherAuthorityGetsNothing) {
  const int port = free_port();
  Child server(sink(port), folder_ + "/sink.log");
  ASSERT_EQ(std::system(("cd " + folder_ +
                         " && openssl req -x509 -newkey rsa:2048 -nodes -keyout other.key -out "
                         "other.pem -days 2 -subj /CN=other >/dev/null 2>&1")
                            .c_str()),
            0);
  SyslogOptions wrong = options(port);
  wrong.tls.ca_file = folder_ + "/other.pem";
  append(3);
  start(wrong);
  EXPECT_FALSE(
      test::eventually([&] { return sender_->stats().connects > 0U; }, milliseconds(1500)));
  EXPECT_TRUE(received().empty());
}

TEST_F(Syslog, ACursorThatIsNoCursorIsRefused) {
  std::ofstream(folder_ + "/cursor") << "something else\n";
  const auto made = SyslogSender::start({*store_, system_, null_logger()}, options(1), source_);
  ASSERT_FALSE(made.ok());
  EXPECT_EQ(made.error().code, "audit.cursor");
}

class NoTiles final : public TileSource {
 public:
  Result<std::string> tile(int, std::int64_t, int) const override { return std::string(); }
  Result<std::string> entries(std::int64_t, int) const override { return std::string(); }
};

TEST_F(Syslog, ACheckpointIsKeptWhenTheServerHasIt) {
  const int port = free_port();
  start(options(port));
  const auto anchor = sender_->anchor();
  EXPECT_EQ(anchor->name(), "syslog:127.0.0.1:" + std::to_string(port));
  EXPECT_EQ(anchor->last()->has_value(), false);
  append(2);
  Checkpoint checkpoint;
  checkpoint.origin = "rabt.health/audit/acme";
  checkpoint.size = 2;
  checkpoint.note = "rabt.health/audit/acme\n2\nabc=\n\n- rabt.health/audit/acme AAAA\n";
  Child server(sink(port), folder_ + "/sink.log");
  ASSERT_TRUE(wait_confirmed(2)) << "the server runs";
  const Status kept = anchor->put(checkpoint, NoTiles());
  ASSERT_TRUE(kept.ok()) << kept.error().message;
  const auto messages = received();
  ASSERT_EQ(messages.size(), 3U);
  EXPECT_NE(messages[2].find(" RABT-CHECKPOINT - \xEF\xBB\xBF" + checkpoint.note),
            std::string::npos)
      << messages[2];
  // Without a server the checkpoint is not kept, and that is said.
  server.stop();
}

TEST_F(Syslog, RsyslogTakesTheMessagesOverTls) {
  if (!test::have_program("rsyslogd"))
    GTEST_SKIP() << "rsyslogd is absent (packages rsyslog, rsyslog-openssl)";
  const int port = free_port();
  std::ofstream(folder_ + "/rsyslog.conf")
      << "global(workDirectory=\"" << folder_ << "\" maxMessageSize=\"64k\"\n"
      << "  defaultNetstreamDriver=\"ossl\" defaultNetstreamDriverCAFile=\"" << folder_
      << "/ca.pem\"\n  defaultNetstreamDriverCertFile=\"" << folder_
      << "/server.pem\" defaultNetstreamDriverKeyFile=\"" << folder_ << "/server.key\")\n"
      << "module(load=\"imtcp\" streamDriver.name=\"ossl\" streamDriver.mode=\"1\" "
         "streamDriver.authMode=\"anon\")\n"
      << "input(type=\"imtcp\" port=\"" << port << "\" address=\"127.0.0.1\")\n"
      << "template(name=\"t\" type=\"list\") { property(name=\"pri\") constant(value=\"|\") "
         "property(name=\"hostname\") constant(value=\"|\") property(name=\"app-name\") "
         "constant(value=\"|\") property(name=\"msgid\") constant(value=\"|\") "
         "property(name=\"structured-data\") constant(value=\"|\") property(name=\"msg\") "
         "constant(value=\"\\n\") }\n"
      << "action(type=\"omfile\" file=\"" << folder_ << "/rsyslog.out\" template=\"t\")\n";
  Child server({"rsyslogd", "-n", "-f", folder_ + "/rsyslog.conf", "-i", folder_ + "/rsyslog.pid"},
               folder_ + "/rsyslog.log");
  append(50);
  start(options(port));
  const bool confirmed = wait_confirmed(50);
  if (!confirmed) {
    std::ifstream log(folder_ + "/rsyslog.log");
    const std::string text((std::istreambuf_iterator<char>(log)), {});
    if (text.find("ossl") != std::string::npos)
      GTEST_SKIP() << "rsyslogd has no TLS driver (package rsyslog-openssl): " << text;
    FAIL() << text;
  }
  std::vector<std::string> lines;
  (void)test::eventually([&] {
    lines.clear();
    std::ifstream file(folder_ + "/rsyslog.out");
    for (std::string line; std::getline(file, line);) lines.push_back(line);
    return lines.size() >= 50;
  });
  ASSERT_EQ(lines.size(), 50U);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const std::string start =
        "85|hub.example.sa|rabt|IHE+RFC-3881|[meta sequenceId=\"" + std::to_string(i + 1) + "\"]|";
    EXPECT_TRUE(lines[i].starts_with(start)) << lines[i];
    EXPECT_NE(lines[i].find("<AuditMessage><EventIdentification "), std::string::npos) << lines[i];
    EXPECT_TRUE(lines[i].ends_with("</AuditMessage>")) << lines[i];
  }
}

}  // namespace
}  // namespace rabt::audit::syslog_test
