#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
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
#include "hub/worker/loan.hpp"

namespace rabt::worker::frame_test {
namespace {

struct Pair {
  Pair() {
    auto made = make_channel();
    EXPECT_TRUE(made.ok());
    here = std::move(made->first);
    there = std::move(made->second);
  }
  // Result of the receiver for raw bytes, with a descriptor or without.
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

TEST(Frames, TravelInTheirPacketUpToTheLimitAndInPiecesBeyond) {
  for (const std::size_t size : {kMaxInlineBytes - 1, kMaxInlineBytes, kMaxInlineBytes + 1,
                                 2 * kMaxInlineBytes, std::size_t{12} << 20U}) {
    Pair pair;
    std::string text(size - 1, 'x');
    text.back() = 'y';
    const Frame frame = Frame(Type::log, 0).add("a").add(text);
    std::thread sends([&] {
      EXPECT_TRUE((size > kMaxInlineBytes ? send_in_pieces(pair.here.get(), frame)
                                          : send(pair.here.get(), frame))
                      .ok())
          << size;
      EXPECT_TRUE(send(pair.here.get(), Frame(Type::log, 9)).ok());
    });
    EXPECT_EQ(pair.receiver.receive(pair.there.get(), true, pair.frame), Receiver::Got::frame)
        << size << ": " << pair.why();
    EXPECT_EQ(pair.frame.text[0], "a");
    EXPECT_EQ(pair.frame.text[1], text);
    EXPECT_EQ(pair.receiver.receive(pair.there.get(), true, pair.frame), Receiver::Got::frame);
    EXPECT_EQ(pair.frame.id, 9U) << "nothing of the pieces is left";
    sends.join();
  }
}

TEST(Frames, WhosePiecesHaveNotAllComeAreWaitedFor) {
  Pair pair;
  std::string head = packet(Frame(Type::log, 7).add("x"));
  head.pop_back();
  head[5] = 2;
  set32(head, 0, static_cast<std::uint32_t>(head.size()));
  set32(head, kHeaderBytes, kMaxInlineBytes + 3);
  const std::string full(kMaxInlineBytes, 'f');
  const auto put = [&pair](const std::string& bytes) {
    EXPECT_EQ(::send(pair.here.get(), bytes.data(), bytes.size(), 0),
              static_cast<ssize_t>(bytes.size()));
  };
  put(head);
  EXPECT_EQ(pair.receiver.receive(pair.there.get(), false, pair.frame), Receiver::Got::nothing);
  put(full);
  EXPECT_EQ(pair.receiver.receive(pair.there.get(), false, pair.frame), Receiver::Got::nothing);
  put("end");
  ASSERT_EQ(pair.receiver.receive(pair.there.get(), false, pair.frame), Receiver::Got::frame);
  EXPECT_EQ(pair.frame.text[0], full + "end");
  put(head);
  put("too small");
  EXPECT_EQ(pair.receiver.receive(pair.there.get(), false, pair.frame), Receiver::Got::wrong);
  EXPECT_EQ(pair.why(), "a piece of another size");
}

TEST(Frames, OverTheLimitAreNotSent) {
  Pair pair;
  const std::string text(kMaxFrameBytes, 'x');
  EXPECT_EQ(send(pair.here.get(), Frame(Type::log, 0).add(text)).error().code, "worker.too_large");
  EXPECT_EQ(send_in_pieces(pair.here.get(), Frame(Type::log, 0).add("a").add(text)).error().code,
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
  refused("unknown flags", [](std::string& b) { b[5] = 3; });
  refused("unknown flags", [](std::string& b) { b[7] = 1; });
  refused("more texts than a frame has", [](std::string& b) { b[6] = 7; });
  refused("texts over the limit", [](std::string& b) { set32(b, kHeaderBytes, 0x80000000U); });
  refused("texts over the limit", [](std::string& b) { set32(b, kHeaderBytes, 0xffffffffU); });
  refused("texts that do not fill the packet", [](std::string& b) { set32(b, kHeaderBytes, 4); });
  refused("texts that do not fill the packet", [](std::string& b) { set32(b, kHeaderBytes, 6); });
  for (const char flag : {'\1', '\2'}) {
    refused("texts outside of the packet without need", [&](std::string& b) { b[5] = flag; });
    refused("texts outside of the packet without need", [&](std::string& b) {
      b[5] = flag;
      b.resize(kHeaderBytes + 8);
      set32(b, 0, static_cast<std::uint32_t>(b.size()));
    });
  }
  Pair pair;
  const std::string large(kMaxPacketBytes + 1, 'x');
  EXPECT_EQ(pair.raw(large), Receiver::Got::wrong);
  EXPECT_EQ(pair.why(), "a packet over the limit");
  Pair empty;
  EXPECT_EQ(empty.raw(""), Receiver::Got::closed) << "nobody sends an empty packet";
}

// The head of a frame with one text of a MiB that lies elsewhere.
std::string head_with(char flag, char place) {
  std::string bytes = packet(Frame(Type::log, 7).add("x"));
  bytes.pop_back();
  bytes[5] = flag;
  bytes[7] = place;
  set32(bytes, 0, static_cast<std::uint32_t>(bytes.size()));
  set32(bytes, kHeaderBytes, 1U << 20U);
  return bytes;
}

TEST(Frames, WhoseTextsAreLentAreReadWhereTheHubWroteThem) {
  auto loans = Loans::make(2);
  ASSERT_TRUE(loans.ok());
  const auto borrowed = Borrowed::map(loans->readable());
  ASSERT_TRUE(borrowed.ok());
  const std::string text(kMaxFrameBytes - 1, 'l');
  const Frame frame = Frame(Type::kv_done, 5).add("a").add(text);
  Pair pair;
  Receiver process(&*borrowed);
  for (const std::size_t place : {1U, 0U, 1U}) {
    ASSERT_TRUE(loans->lend(place, frame));
    ASSERT_TRUE(send_lent(pair.here.get(), frame, place).ok());
    Frame got;
    ASSERT_EQ(process.receive(pair.there.get(), true, got), Receiver::Got::frame) << process.why();
    EXPECT_EQ(got.text[0], "a");
    EXPECT_TRUE(got.text[1] == text);
    loans->take_back(place);
    EXPECT_EQ(got.text[1].find_first_not_of('\0'), std::string_view::npos)
        << "what is taken back is gone for whoever kept it";
  }
}

TEST(Frames, WhoseTextsNobodyLentAreRefused) {
  Pair pair;
  EXPECT_EQ(pair.raw(head_with(1, 0)), Receiver::Got::wrong) << "a process lends nothing";
  EXPECT_EQ(pair.why(), "texts that nobody lent");
  auto loans = Loans::make(1);
  ASSERT_TRUE(loans.ok());
  const auto borrowed = Borrowed::map(loans->readable());
  ASSERT_TRUE(borrowed.ok());
  const auto said = [&borrowed](const std::string& bytes) {
    Pair between;
    EXPECT_EQ(::send(between.here.get(), bytes.data(), bytes.size(), 0),
              static_cast<ssize_t>(bytes.size()));
    Receiver process(&*borrowed);
    Frame got;
    return process.receive(between.there.get(), true, got) == Receiver::Got::frame
               ? std::string("taken")
               : process.why();
  };
  EXPECT_EQ(said(head_with(1, 0)), "taken");
  EXPECT_EQ(said(head_with(1, 1)), "texts that nobody lent") << "there is no such place";
  EXPECT_EQ(said(head_with(2, 0)), "texts in pieces out of place") << "the hub sends no pieces";
  EXPECT_EQ(said(head_with(2, 1)), "unknown flags");
}

// Blocks of memory that a file takes.
std::int64_t taken(const Descriptor& file) {
  struct stat about {};
  EXPECT_EQ(::fstat(file.get(), &about), 0);
  return about.st_blocks;
}

TEST(Loans, TakeMemoryWhileTheyLendAndCannotBeWrittenByTheOtherSide) {
  auto loans = Loans::make(3);
  ASSERT_TRUE(loans.ok());
  EXPECT_EQ(taken(loans->readable()), 0);
  const std::string text(1U << 20U, 'x');
  ASSERT_TRUE(loans->lend(2, Frame(Type::log, 0).add(text)));
  EXPECT_GE(taken(loans->readable()), 2048);
  loans->take_back(2);
  EXPECT_EQ(taken(loans->readable()), 0);
  EXPECT_LT(::write(loans->readable().get(), "x", 1), 0);
  EXPECT_NE(::ftruncate(loans->readable().get(), 1), 0);
  EXPECT_EQ(::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, loans->readable().get(), 0),
            MAP_FAILED);
  void* const at = ::mmap(nullptr, 4096, PROT_READ, MAP_SHARED, loans->readable().get(), 0);
  ASSERT_NE(at, MAP_FAILED);
  EXPECT_NE(::mprotect(at, 4096, PROT_READ | PROT_WRITE), 0);
  ::munmap(at, 4096);
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

TEST(Frames, WhoseDescriptorFindsNoFreeNumberAreNotTheSendersFault) {
  Pair pair;
  ASSERT_TRUE(send(pair.here.get(), Frame(Type::ready, 0), 0).ok());
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
    bool good = ::setrlimit(RLIMIT_NOFILE, &few) == 0;
    if (::geteuid() == 0) good = ::setresuid(65534, 65534, 65534) == 0 && good;
    pair.there.reset();
    for (int i = 0; i < kMany && good; ++i)
      good = send(pair.here.get(), Frame(Type::ready, static_cast<std::uint64_t>(i)), 0).ok();
    ::_exit(good ? 0 : 1);
  }
  pair.here.reset();
  // The child gets ahead of its reader.
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
}  // namespace rabt::worker::frame_test
