#pragma once

#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <deque>
#include <filesystem>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "hub/store/open.hpp"
#include "tests/eventually.hpp"

// Debian's PostgreSQL in a temporary folder, on a socket of its own; it ends with the process.
namespace rabt::test {

// Not thread-safe.
class PostgresServer {
 public:
  static constexpr const char* kPrograms = "/usr/lib/postgresql/15/bin/";

  // settings: more lines of postgresql.conf. With a port the server listens on 127.0.0.1, too.
  explicit PostgresServer(const std::string& settings = {}, int port = 0)
      : port_(port == 0 ? 5432 : port) {
    std::string name = (std::filesystem::temp_directory_path() / "rabt-pg-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
    folder_ = name;
    // The server does not run as root.
    if (::geteuid() == 0) {
      const passwd* nobody = ::getpwnam("nobody");
      if (nobody == nullptr || ::chown(folder_.c_str(), nobody->pw_uid, nobody->pw_gid) != 0)
        throw std::runtime_error("the folder cannot be given to nobody");
    }
    run({program("initdb"), "-D", data(), "-A", "scram-sha-256", "--pwfile", password_file(), "-E",
         "UTF8", "--no-locale", "-U", "rabt", "--no-instructions"});
    // Databases of hundreds of tests are not vacuumed.
    std::ofstream(data() + "/postgresql.conf", std::ios::app)
        << "listen_addresses = '" << (port == 0 ? "" : "127.0.0.1") << "'\nport = " << port_
        << "\nunix_socket_directories = '" << folder_
        << "'\nmax_connections = 200\nshared_buffers = 32MB\n"
        << "autovacuum = off\n"
        << settings << "\n";
    start();
  }
  PostgresServer(const PostgresServer&) = delete;
  PostgresServer& operator=(const PostgresServer&) = delete;
  ~PostgresServer() {
    stop(SIGQUIT);
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  // The folder of its socket, which stands for a host.
  [[nodiscard]] std::string host() const { return folder_; }
  [[nodiscard]] const std::string& user() const { return user_; }
  [[nodiscard]] const std::string& password() const { return password_; }
  [[nodiscard]] pid_t pid() const { return pid_; }
  // Starts another program as the server's user; its output goes to the log of the server.
  [[nodiscard]] pid_t start_beside(std::vector<std::string> arguments) const {
    return spawn(std::move(arguments), folder_ + "/log");
  }

  // SIGQUIT ends it as a crash does, SIGINT after the connections.
  void stop(int signal) {
    if (pid_ <= 0) return;
    ::kill(pid_, signal);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }
  void start() {
    pid_ = spawn({program("postgres"), "-D", data()}, folder_ + "/log");
    const std::string looks = psql("postgres") + " -c 'SELECT 1' >/dev/null 2>&1";
    if (eventually([&] { return std::system(looks.c_str()) == 0; })) return;
    throw std::runtime_error("PostgreSQL did not start; see " + folder_ + "/log");
  }

  // Runs SQL as the superuser; returns what it answers, one row a line.
  std::string sql(const std::string& database, const std::string& text) const {
    const std::string file = folder_ + "/sql-" + std::to_string(++files());
    std::ofstream(file) << text;
    const std::string command = psql(database) + " -v ON_ERROR_STOP=1 -f '" + file + "' 2>&1";
    FILE* answer = ::popen(command.c_str(), "r");
    std::string out;
    char buffer[4096];
    while (const std::size_t got = std::fread(buffer, 1, sizeof buffer, answer))
      out.append(buffer, got);
    const int code = ::pclose(answer);
    std::filesystem::remove(file);
    if (code != 0) throw std::runtime_error("psql: " + out);
    return out;
  }
  // A new database: empty, or with what is in another one, to which nobody is connected.
  std::string create(const std::string& like = "template1") const {
    const std::string name = "t" + std::to_string(++files());
    sql("postgres", "CREATE DATABASE " + name + " TEMPLATE " + like);
    return name;
  }
  void drop(const std::string& database) const {
    sql("postgres", "DROP DATABASE IF EXISTS " + database + " WITH (FORCE)");
  }
  // Drops it when many more have been let go, or with the server: each drop is a checkpoint, and
  // takes longer than most tests.
  void let_go(const std::string& database) {
    constexpr std::size_t kKept = 256;
    let_go_.push_back(database);
    if (let_go_.size() <= kKept) return;
    drop(let_go_.front());
    let_go_.pop_front();
  }

 private:
  static std::atomic<int>& files() {
    static std::atomic<int> count{0};
    return count;
  }
  static std::string program(const char* name) { return std::string(kPrograms) + name; }
  [[nodiscard]] std::string data() const { return folder_ + "/data"; }
  [[nodiscard]] std::string password_file() const {
    const std::string file = folder_ + "/password";
    std::ofstream(file) << password_ << "\n";
    return file;
  }
  [[nodiscard]] std::string psql(const std::string& database) const {
    return "PGPASSWORD=" + password_ + " " + program("psql") + " -X -q -A -t -h '" + folder_ +
           "' -p " + std::to_string(port_) + " -U " + user_ + " -d " + database;
  }
  static pid_t spawn(std::vector<std::string> arguments, const std::string& log) {
    const std::vector<std::string> drop = {"/usr/bin/setpriv", "--reuid=nobody", "--regid=nogroup",
                                           "--clear-groups",   "--pdeathsig",    "QUIT"};
    if (::geteuid() == 0) arguments.insert(arguments.begin(), drop.begin(), drop.end());
    std::vector<char*> words;
    for (std::string& word : arguments) words.push_back(word.data());
    words.push_back(nullptr);
    const pid_t child = ::fork();
    if (child == 0) {
      const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
      ::dup2(out, 1);
      ::dup2(out, 2);
      if (::chdir("/") == 0) ::execv(words[0], words.data());
      ::_exit(127);
    }
    return child;
  }
  void run(std::vector<std::string> arguments) const {
    int state = 0;
    ::waitpid(spawn(std::move(arguments), folder_ + "/log"), &state, 0);
    if (state != 0) throw std::runtime_error("initdb failed; see " + folder_ + "/log");
  }

  std::string folder_;
  std::deque<std::string> let_go_;
  const int port_;
  pid_t pid_ = -1;
  const std::string user_ = "rabt";
  const std::string password_ = "pass-4711";
};

// The server of this test program; started when it is first asked for.
inline PostgresServer& postgres_server() {
  static PostgresServer server;
  return server;
}

// As the superuser of that server, without migrations.
inline store::PostgresOptions postgres_options(const std::string& database) {
  store::PostgresOptions options;
  options.host = postgres_server().host();
  options.database = database;
  options.user = postgres_server().user();
  options.password = std::make_shared<SecretBytes>(postgres_server().password());
  return options;
}

// True if the tests are to run on PostgreSQL.
inline bool on_postgres() {
  const char* store = ::getenv("RABT_TEST_STORE");
  return store != nullptr && std::string(store) == "postgres";
}

}  // namespace rabt::test
