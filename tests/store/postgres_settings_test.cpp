// Connections to PostgreSQL, and servers that are refused.
#include <arpa/inet.h>
#include <signal.h>
#include <sys/socket.h>

#include <thread>

#include "hub/store/postgres/link.hpp"
#include "hub/store/postgres/session.hpp"
#include "tests/eventually.hpp"
#include "tests/must.hpp"
#include "tests/store/support.hpp"

namespace rabt::store::test::postgres_settings_test {
namespace {

using postgres::Session;
using rabt::test::eventually;
using rabt::test::must;
using rabt::test::postgres_options;
using rabt::test::postgres_server;
using rabt::test::PostgresServer;

TEST(PostgresConnection, AnErrorNamesTheDatabaseAndNeverThePassword) {
  const Folder folder;
  for (const char* password : {"wrong-4711", "it's = 'quoted' \\ host=elsewhere", "host=evil"}) {
    PostgresOptions options = folder.postgres();
    options.password = std::make_shared<SecretBytes>(std::string_view(password));
    const Error error = refused(open_postgres(options, null_logger()));
    EXPECT_EQ(error.code, "store.open");
    EXPECT_NE(error.message.find(folder.database()), std::string::npos) << error.message;
    EXPECT_EQ(error.message.find(password), std::string::npos) << error.message;
    EXPECT_NE(error.message.find("authentication failed"), std::string::npos) << error.message;
  }
  PostgresOptions options = folder.postgres();
  options.host = "127.0.0.1";
  options.port = 1;
  const Error error = refused(open_postgres(options, null_logger()));
  EXPECT_EQ(error.code, "store.open");
  EXPECT_EQ(error.message.find(postgres_server().password()), std::string::npos);
}

TEST(PostgresConnection, VerifiesTheServerElsewhereUnlessToldOtherwise) {
  PostgresOptions options;
  options.host = "db.example";
  EXPECT_NE(postgres::connection_text(options).find("sslmode='verify-full'"), std::string::npos);
  EXPECT_NE(postgres::connection_text(options).find("sslrootcert='/etc/ssl/"), std::string::npos);
  options.host = "127.0.0.1";
  EXPECT_NE(postgres::connection_text(options).find("sslmode='prefer'"), std::string::npos);
  options.sslmode = "require";
  EXPECT_NE(postgres::connection_text(options).find("sslmode='require'"), std::string::npos);
}

// A socket on a free port of 127.0.0.1.
int bound_socket(int& port) {
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  EXPECT_EQ(::bind(socket, reinterpret_cast<sockaddr*>(&address), length), 0);
  EXPECT_EQ(::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &length), 0);
  port = ntohs(address.sin_port);
  return socket;
}

TEST(PostgresConnection, IsEncryptedAndTheServersNameAndAuthorityAreVerified) {
  int port = 0;
  ::close(bound_socket(port));
  const PostgresServer server({}, port);
  const auto certificate = [&](const std::string& file, const std::string& name) {
    const pid_t made = server.start_beside(
        {"/usr/bin/openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-days", "2", "-subj", "/CN=test", "-addext", "subjectAltName=DNS:" + name,
         "-keyout", server.host() + "/" + file + ".key", "-out", server.host() + "/" + file});
    EXPECT_EQ(wait_for(made), 0);
    return server.host() + "/" + file;
  };
  const auto serve = [&](const std::string& file) {
    for (const std::string& set : {"ssl_cert_file = '" + file + "'",
                                   "ssl_key_file = '" + file + ".key'", std::string("ssl = on")})
      server.sql("postgres", "ALTER SYSTEM SET " + set);
    server.sql("postgres", "SELECT pg_reload_conf()");
    // The server shows the file to a new session when it has read it.
    EXPECT_TRUE(eventually([&] {
      return server.sql("postgres", "SHOW ssl_cert_file").find(file) != std::string::npos;
    }));
  };
  PostgresOptions options;
  options.host = "localhost";
  options.port = port;
  options.database = "postgres";
  options.user = server.user();
  options.password = std::make_shared<SecretBytes>(server.password());
  options.sslmode = "verify-full";
  const std::string good = certificate("good.pem", "localhost");
  const std::string other = certificate("other.pem", "db.example");
  serve(good);
  options.ca = good;
  const auto encrypted = Session::open(options, Session::Use::reads);
  ASSERT_TRUE(encrypted.ok()) << encrypted.error().message;
  EXPECT_EQ(must((*encrypted)->ask("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")),
            "t");
  // An authority that has not signed the certificate.
  options.ca = other;
  EXPECT_EQ(refused(open_postgres(options, null_logger())).code, "store.open");
  options.ca.clear();
  EXPECT_EQ(refused(open_postgres(options, null_logger())).code, "store.open");
  // A certificate of another host.
  serve(other);
  options.ca = other;
  const Error error = refused(open_postgres(options, null_logger()));
  EXPECT_EQ(error.code, "store.open");
  EXPECT_NE(error.message.find("does not match host name"), std::string::npos) << error.message;
}

TEST(PostgresSettings, AServerThatMayLoseWhatItAcknowledgedIsRefused) {
  const PostgresServer server("fsync = off");
  PostgresOptions options;
  options.host = server.host();
  options.database = "postgres";
  options.user = server.user();
  options.password = std::make_shared<SecretBytes>(server.password());
  const Error error = refused(open_postgres(options, null_logger()));
  EXPECT_EQ(error.code, "store.durability");
  EXPECT_NE(error.message.find("fsync"), std::string::npos);
}

TEST(PostgresSettings, ARoleThatSwitchesSynchronousCommitOffIsOverruled) {
  const Folder folder;
  postgres_server().sql("postgres",
                        "ALTER DATABASE " + folder.database() + " SET synchronous_commit = off");
  const auto store = folder.open();
  std::string value;
  EXPECT_TRUE(store
                  ->write([&](Transaction& transaction) {
                    static constexpr Statement kShow{"SHOW synchronous_commit"};
                    return transaction.query(
                        kShow, {}, [&](const Row& row) { return value = row.text(0), true; });
                  })
                  .ok());
  EXPECT_EQ(value, "on");
}

// Greets one client as a server of version 14 does. Debian 12 has version 15 alone.
void greet_as_version_14(int listening) {
  const int client = ::accept(listening, nullptr, nullptr);
  const auto receive = [&](char* to, std::size_t size) {
    return ::recv(client, to, size, MSG_WAITALL) == static_cast<ssize_t>(size);
  };
  // Requests for encryption come before the start of the session, and are declined.
  constexpr std::uint32_t kProtocol3 = 196608;
  for (std::uint32_t head[2]; receive(reinterpret_cast<char*>(head), sizeof head);) {
    if (ntohl(head[1]) == kProtocol3) {
      std::string rest(ntohl(head[0]) - sizeof head, '\0');
      receive(rest.data(), rest.size());
      break;
    }
    EXPECT_EQ(::send(client, "N", 1, 0), 1);
  }
  std::string out;
  const auto message = [&](char type, const std::string& body) {
    const std::uint32_t size = htonl(static_cast<std::uint32_t>(body.size() + 4));
    out += type + std::string(reinterpret_cast<const char*>(&size), sizeof size) + body;
  };
  message('R', std::string(4, '\0'));
  for (const auto& [name, value] : {std::pair<std::string, std::string>{"server_version", "14.9"},
                                    {"client_encoding", "UTF8"},
                                    {"in_hot_standby", "off"},
                                    {"default_transaction_read_only", "off"},
                                    {"standard_conforming_strings", "on"}})
    message('S', name + '\0' + value + '\0');
  message('Z', "I");
  EXPECT_EQ(::send(client, out.data(), out.size(), 0), static_cast<ssize_t>(out.size()));
  char ignored = 0;
  while (::recv(client, &ignored, 1, 0) > 0) {
  }
  ::close(client);
}

TEST(PostgresSettings, AnOldServerIsRefused) {
  int port = 0;
  const int listening = bound_socket(port);
  ASSERT_EQ(::listen(listening, 1), 0);
  std::thread server([&] { greet_as_version_14(listening); });
  PostgresOptions options;
  options.host = "127.0.0.1";
  options.port = port;
  options.database = "rabt";
  options.user = "rabt";
  const Error error = refused(open_postgres(options, null_logger()));
  EXPECT_EQ(error.code, "store.settings");
  EXPECT_NE(error.message.find("PostgreSQL 14; the hub needs 15"), std::string::npos)
      << error.message;
  server.join();
  ::close(listening);
}

TEST(PostgresSettings, ADatabaseOfAnotherEncodingIsRefused) {
  postgres_server().sql("postgres",
                        "DROP DATABASE IF EXISTS latin; CREATE DATABASE latin ENCODING 'LATIN1' "
                        "TEMPLATE template0");
  const Error error = refused(open_postgres(postgres_options("latin"), null_logger()));
  EXPECT_EQ(error.code, "store.settings");
  EXPECT_NE(error.message.find("UTF8"), std::string::npos);
}

// A pooler gives one connection to many clients: prepared statements, settings and locks of a
// session would belong to another hub.
TEST(PostgresSettings, APoolerInBetweenIsRefused) {
  const char* const program = "/usr/sbin/pgbouncer";
  if (::access(program, X_OK) != 0) GTEST_SKIP() << "pgbouncer is not installed";
  const Folder folder;
  const std::string at = postgres_server().host();
  for (const char* mode : {"session", "transaction"}) {
    std::ofstream(at + "/users") << "\"" << postgres_server().user() << "\" \""
                                 << postgres_server().password() << "\"\n";
    std::ofstream(at + "/pooler.ini")
        << "[databases]\n* = host=" << at
        << "\n[pgbouncer]\nlisten_addr =\nunix_socket_dir = " << at
        << "\nlisten_port = 6432\nauth_type = trust\nauth_file = " << at
        << "/users\npool_mode = " << mode << "\n";
    const pid_t pooler = postgres_server().start_beside({program, at + "/pooler.ini"});
    PostgresOptions options = folder.postgres();
    options.port = 6432;
    Error error;
    EXPECT_TRUE(eventually([&] {
      error = refused(open_postgres(options, null_logger()));
      return error.code != "store.open";
    }));
    EXPECT_EQ(error.code, "store.pooler") << mode << ": " << error.message;
    ::kill(pooler, SIGTERM);
    ::waitpid(pooler, nullptr, 0);
  }
}

}  // namespace
}  // namespace rabt::store::test::postgres_settings_test
