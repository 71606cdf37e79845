#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cctype>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "hub/base/bytes.hpp"
#include "hub/worker/frame.hpp"

namespace rabt::worker {
namespace {

struct Pair {
  Pair() {
    auto made = make_channel();
    EXPECT_TRUE(made.ok());
    here = std::move(made->first);
    there = std::move(made->second);
  }
  // What the receiver says to raw bytes, with a descriptor or without.
  Receiver::Got raw(std::string_view bytes, int descriptor = -1) {
    iovec piece{const_cast<char*>(bytes.data()), bytes.size()};
    msghdr message{};
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    if (descriptor >= 0) {
      message.msg_control = control;
      message.msg_controllen = sizeof control;
      cmsghdr* const with = CMSG_FIRSTHDR(&message);
      with->cmsg_level = SOL_SOCKET;
      with->cmsg_type = SCM_RIGHTS;
      with->cmsg_len = CMSG_LEN(sizeof(int));
      std::memcpy(CMSG_DATA(with), &descriptor, sizeof descriptor);
    }
    EXPECT_EQ(::sendmsg(here.get(), &message, 0), static_cast<ssize_t>(bytes.size()));
    return receiver.receive(there.get(), true, frame);
  }
  std::string why() { return receiver.why(); }

  Descriptor here;
  Descriptor there;
  Receiver receiver;
  Frame frame;
};

// The bytes of a frame, as they lie in the packet.
std::string packet(const Frame& frame) {
  Pair pair;
  EXPECT_TRUE(send(pair.here.get(), frame).ok());
  std::string bytes(kMaxPacketBytes, '\0');
  const ssize_t got = ::recv(pair.there.get(), bytes.data(), bytes.size(), 0);
  bytes.resize(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  return bytes;
}
void set32(std::string& bytes, std::size_t at, std::uint32_t value) {
  std::memcpy(bytes.data() + at, &value, 4);
}
int memory(std::size_t size, bool sealed) {
  const int file = ::memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  EXPECT_EQ(::ftruncate(file, static_cast<off_t>(size)), 0);
  if (sealed) {
    EXPECT_EQ(::fcntl(file, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE),
              0);
  }
  return file;
}

TEST(Frames, CarryTextsAndNumbers) {
  Pair pair;
  ASSERT_TRUE(send(pair.here.get(),
                   Frame(Type::complete, 42, {1, 2, 3, UINT64_MAX}).add("one").add("").add("three"))
                  .ok());
  ASSERT_EQ(pair.receiver.receive(pair.there.get(), true, pair.frame), Receiver::Got::frame);
  EXPECT_EQ(pair.frame.type, Type::complete);
  EXPECT_EQ(pair.frame.id, 42U);
  EXPECT_EQ(pair.frame.n, (std::array<std::uint64_t, kNumbers>{1, 2, 3, UINT64_MAX}));
  ASSERT_EQ(pair.frame.texts, 3);
  EXPECT_EQ(pair.frame.text[0], "one");
  EXPECT_EQ(pair.frame.text[1], "");
  EXPECT_EQ(pair.frame.text[2], "three");
  EXPECT_EQ(pair.receiver.receive(pair.there.get(), false, pair.frame), Receiver::Got::nothing);
  pair.here.reset();
  EXPECT_EQ(pair.receiver.receive(pair.there.get(), true, pair.frame), Receiver::Got::closed);
}

TEST(Frames, TravelInTheirPacketUpToTheLimitAndInASealedMemoryFileBeyond) {
  for (const std::size_t size :
       {kMaxInlineBytes - 1, kMaxInlineBytes, kMaxInlineBytes + 1, std::size_t{12} << 20U}) {
    Pair pair;
    std::string text(size - 1, 'x');
    text.back() = 'y';
    ASSERT_TRUE(send(pair.here.get(), Frame(Type::log, 0).add("a").add(text)).ok()) << size;
    ASSERT_EQ(pair.receiver.receive(pair.there.get(), true, pair.frame), Receiver::Got::frame)
        << size << ": " << pair.why();
    EXPECT_EQ(pair.frame.text[0], "a");
    EXPECT_EQ(pair.frame.text[1], text);
  }
}

TEST(Frames, OverTheLimitAreNotSent) {
  Pair pair;
  const std::string text(kMaxFrameBytes, 'x');
  ASSERT_TRUE(send(pair.here.get(), Frame(Type::log, 0).add(text)).ok());
  ASSERT_EQ(pair.receiver.receive(pair.there.get(), true, pair.frame), Receiver::Got::frame);
  EXPECT_EQ(send(pair.here.get(), Frame(Type::log, 0).add("a").add(text)).error().code,
            "worker.too_large");
  EXPECT_EQ(pair.receiver.receive(pair.there.get(), false, pair.frame), Receiver::Got::nothing);
}

TEST(Frames, WithoutAReaderAreRefusedOrWaitedFor) {
  Pair pair;
  const std::string text(60'000, 'x');
  Status sent = ok_status();
  int room = 0;
  for (; sent.ok() && room < 1000; ++room)
    sent = send(pair.here.get(), Frame(Type::log, 0).add(text), -1, false);
  ASSERT_FALSE(sent.ok());
  EXPECT_EQ(sent.error().code, "worker.full");
  pair.there.reset();
  EXPECT_EQ(send(pair.here.get(), Frame(Type::log, 0)).error().code, "worker.closed");
}

TEST(Frames, OfSeveralThreadsDoNotMix) {
  Pair pair;
  constexpr int kThreads = 4;
  constexpr int kEach = 200;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&pair, t] {
      const std::string text(static_cast<std::size_t>(t + 1) * 1000, static_cast<char>('a' + t));
      for (int i = 0; i < kEach; ++i)
        EXPECT_TRUE(send(pair.here.get(), Frame(Type::log, 0).add(text)).ok());
    });
  }
  for (int i = 0; i < kThreads * kEach; ++i) {
    ASSERT_EQ(pair.receiver.receive(pair.there.get(), true, pair.frame), Receiver::Got::frame);
    const std::string_view text = pair.frame.text[0];
    ASSERT_FALSE(text.empty());
    EXPECT_EQ(text, std::string(static_cast<std::size_t>(text[0] - 'a' + 1) * 1000, text[0]));
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(Frames, ThatLieAreRefusedBeforeAnythingIsAllocated) {
  const std::string good = packet(Frame(Type::log, 7).add("event").add("{}"));
  const auto refused = [&good](const char* why, const std::function<void(std::string&)>& change) {
    Pair pair;
    std::string bytes = good;
    change(bytes);
    EXPECT_EQ(pair.raw(bytes), Receiver::Got::wrong) << why;
    EXPECT_EQ(pair.why(), why);
  };
  refused("a packet shorter than a header", [](std::string& b) { b.resize(kHeaderBytes - 1); });
  refused("a length that is not the packet's", [](std::string& b) { b.pop_back(); });
  refused("a length that is not the packet's", [](std::string& b) { b += 'x'; });
  refused("a length that is not the packet's", [](std::string& b) { set32(b, 0, 0x80000000U); });
  refused("an unknown type", [](std::string& b) { b[4] = 0x7f; });
  refused("an unknown type", [](std::string& b) { b[4] = 0; });
  refused("unknown flags", [](std::string& b) { b[5] = 2; });
  refused("unknown flags", [](std::string& b) { b[7] = 1; });
  refused("more texts than a frame has", [](std::string& b) { b[6] = 7; });
  refused("texts over the limit", [](std::string& b) { set32(b, kHeaderBytes, 0x80000000U); });
  refused("texts over the limit", [](std::string& b) { set32(b, kHeaderBytes, 0xffffffffU); });
  refused("texts that do not fill the packet", [](std::string& b) { set32(b, kHeaderBytes, 4); });
  refused("texts that do not fill the packet", [](std::string& b) { set32(b, kHeaderBytes, 6); });
  refused("a memory file without need", [](std::string& b) { b[5] = 1; });
  Pair pair;
  const std::string large(kMaxPacketBytes + 1, 'x');
  EXPECT_EQ(pair.raw(large), Receiver::Got::wrong);
  EXPECT_EQ(pair.why(), "a packet over the limit");
  Pair empty;
  EXPECT_EQ(empty.raw(""), Receiver::Got::closed) << "nobody sends an empty packet";
}

TEST(Frames, TakeAMemoryFileOnlyWhenNobodyCanChangeIt) {
  constexpr std::size_t kSize = 1U << 20U;
  std::string bytes = packet(Frame(Type::log, 7).add("x"));
  bytes.pop_back();
  bytes[5] = 1;
  set32(bytes, 0, static_cast<std::uint32_t>(bytes.size()));
  set32(bytes, kHeaderBytes, kSize);
  const auto said = [&bytes](int file) {
    Pair pair;
    const auto got = pair.raw(bytes, file);
    if (file >= 0) ::close(file);
    return got == Receiver::Got::frame ? std::string("taken") : pair.why();
  };
  EXPECT_EQ(said(memory(kSize, true)), "taken");
  EXPECT_EQ(said(memory(kSize, false)), "a memory file that is not sealed");
  EXPECT_EQ(said(memory(kSize - 1, true)), "a memory file of another size");
  EXPECT_EQ(said(memory(kSize + 1, true)), "a memory file of another size");
  EXPECT_EQ(said(-1), "a memory file that did not come");
  EXPECT_EQ(said(::open("/dev/null", O_RDONLY | O_CLOEXEC)), "a memory file that is not sealed");
}

// Descriptors of this process.
std::size_t descriptors() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}
// A packet with copies of descriptor 0.
void send_with(int socket, std::string_view bytes, std::size_t copies) {
  iovec piece{const_cast<char*>(bytes.data()), bytes.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(8 * sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = CMSG_SPACE(copies * sizeof(int));
  cmsghdr* const with = CMSG_FIRSTHDR(&message);
  with->cmsg_level = SOL_SOCKET;
  with->cmsg_type = SCM_RIGHTS;
  with->cmsg_len = CMSG_LEN(copies * sizeof(int));  // all are number 0: the control is zeros
  ASSERT_EQ(::sendmsg(socket, &message, 0), static_cast<ssize_t>(bytes.size()));
}

TEST(Frames, WithDescriptorsThatTheyHaveNoUseForAreRefusedAndLeaveNoneBehind) {
  const std::string log = packet(Frame(Type::log, 7).add("event").add("{}"));
  const std::string ready = packet(Frame(Type::ready, 0));
  const auto said = [](const std::string& bytes, std::size_t copies) {
    Pair pair;
    send_with(pair.here.get(), bytes, copies);
    const std::size_t before = descriptors();
    const auto got = pair.receiver.receive(pair.there.get(), true, pair.frame);
    if (got == Receiver::Got::frame) return std::string("taken");
    EXPECT_EQ(descriptors(), before) << copies;
    EXPECT_FALSE(pair.receiver.starved());
    return pair.why();
  };
  for (const std::size_t copies : {2U, 3U, 8U}) {
    EXPECT_EQ(said(log, copies), "more descriptors than one") << copies;
    EXPECT_EQ(said(ready, copies), "more descriptors than one") << copies;
  }
  EXPECT_EQ(said(log, 1), "a descriptor out of place");
  EXPECT_EQ(said(ready, 1), "taken");
}

TEST(Frames, WhoseMemoryFileFindsNoFreeDescriptorAreNotTheSendersFault) {
  Pair pair;
  const std::string large(kMaxInlineBytes + 1, 'x');
  ASSERT_TRUE(send(pair.here.get(), Frame(Type::log, 0).add(large)).ok());
  rlimit usual{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &usual), 0);
  const rlimit none{0, usual.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  const auto got = pair.receiver.receive(pair.there.get(), true, pair.frame);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &usual), 0);
  EXPECT_EQ(got, Receiver::Got::wrong);
  EXPECT_TRUE(pair.receiver.starved()) << pair.why();
}

// The worked bytes of docs/formats/worker_frames.md.
TEST(Frames, AreWhatTheDocumentSays) {
  const char* const source = std::getenv("RABT_SOURCE_DIR");
  if (source == nullptr) GTEST_SKIP() << "RABT_SOURCE_DIR is not set";
  std::ifstream file(std::string(source) + "/docs/formats/worker_frames.md");
  const std::string document((std::istreambuf_iterator<char>(file)), {});
  const std::string bytes = packet(
      Frame(Type::complete, 0x10000000001, {0, 0, 1, 0}).add(R"({"n":4})").add("").add("").add(""));
  const std::size_t block = document.find("```hex\n");
  ASSERT_NE(block, std::string::npos);
  std::string found;
  for (const char c : document.substr(block + 7, document.find("```", block + 7) - block - 7)) {
    if (std::isxdigit(static_cast<unsigned char>(c)) != 0) found += c;
  }
  EXPECT_EQ(found, to_hex(as_bytes(bytes)));
}

// The kernel counts descriptors on their way for all processes of a user (unix(7), ETOOMANYREFS):
// one plugin's backlog must not end another.
TEST(Frames, ASenderWaitsWhileTooManyDescriptorsOfItsUserAreUnderWay) {
  constexpr int kMany = 100;
  Pair pair;
  const pid_t child = ::fork();
  if (child == 0) {
    const rlimit few{16, 16};
    const std::string large(kMaxInlineBytes + 1, 'x');
    bool good = ::setrlimit(RLIMIT_NOFILE, &few) == 0;
    if (::geteuid() == 0) good = ::setresuid(65534, 65534, 65534) == 0 && good;
    pair.there.reset();
    for (int i = 0; i < kMany && good; ++i)
      good = send(pair.here.get(), Frame(Type::log, static_cast<std::uint64_t>(i)).add(large)).ok();
    ::_exit(good ? 0 : 1);
  }
  pair.here.reset();
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  int read = 0;
  while (pair.receiver.receive(pair.there.get(), true, pair.frame) == Receiver::Got::frame) {
    EXPECT_EQ(pair.frame.id, static_cast<std::uint64_t>(read));
    ++read;
  }
  EXPECT_EQ(read, kMany);
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace rabt::worker
