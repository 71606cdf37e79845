#include "tools/check/no_network.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

namespace rabt::check::no_network_test {
namespace {

// A server on this machine, and a process that tries to reach it.
class NoNetwork : public ::testing::Test {
 protected:
  void SetUp() override {
    server_ = ::socket(AF_INET, SOCK_STREAM, 0);
    address_.sin_family = AF_INET;
    address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address_;
    ASSERT_EQ(::bind(server_, reinterpret_cast<sockaddr*>(&address_), size), 0);
    ASSERT_EQ(::listen(server_, 1), 0);
    ASSERT_EQ(::getsockname(server_, reinterpret_cast<sockaddr*>(&address_), &size), 0);
  }
  void TearDown() override { ::close(server_); }
  [[nodiscard]] bool reaches() const {
    const int client = ::socket(AF_INET, SOCK_STREAM, 0);
    return client >= 0 &&
           ::connect(client, reinterpret_cast<const sockaddr*>(&address_), sizeof address_) == 0;
  }
  // Exit code of `code` in a process of its own.
  template <typename Code>
  int in_child(Code code) {
    const pid_t child = ::fork();
    if (child == 0) {
      ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
      ::_exit(code());
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  int server_ = -1;
  sockaddr_in address_{};
};

TEST_F(NoNetwork, AServerOnThisMachineIsOutOfReach) {
  EXPECT_EQ(in_child([&] { return reaches() ? 0 : 1; }), 0) << "before it was taken away";
  EXPECT_EQ(in_child([&] { return take_network_away() && !reaches() ? 0 : 1; }), 0);
}

TEST_F(NoNetwork, WithoutANamespaceNoSocketIsMadeButAUnixSocket) {
  EXPECT_EQ(in_child([&] {
              if (!refuse_sockets()) return 1;
              for (const int domain : {AF_INET, AF_INET6, AF_NETLINK, AF_PACKET, AF_VSOCK}) {
                if (::socket(domain, SOCK_DGRAM, 0) >= 0 || errno != EPERM) return 2;
              }
              if (reaches()) return 3;
              int pair[2];
              if (::socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0) return 4;
              return ::socket(AF_UNIX, SOCK_STREAM, 0) >= 0 ? 0 : 5;
            }),
            0);
}

// The system refuses namespaces, as in many containers.
TEST_F(NoNetwork, IsTakenAwayWhereNamespacesAreRefused) {
  if (::getuid() != 0) GTEST_SKIP() << "changing the root folder needs root";
  EXPECT_EQ(in_child([&] {
              // user_namespaces(7): EPERM in a process whose root folder is another.
              if (::chroot("/usr") != 0 || ::chdir("/") != 0) return 1;
              return take_network_away() && !reaches() ? 0 : 2;
            }),
            0);
}

}  // namespace
}  // namespace rabt::check::no_network_test
