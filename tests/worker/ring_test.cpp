#include "hub/worker/ring.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace rabt::worker {
namespace {

// Both ends of a ring, and of the socket beside it.
struct Line {
  explicit Line(bool trusting = false) {
    auto made = SharedMemory::make();
    EXPECT_TRUE(made.ok());
    file = std::move(made->file);
    memory = std::move(made->memory);
    auto sockets = make_channel();
    EXPECT_TRUE(sockets.ok());
    here = std::move(sockets->first);
    there = std::move(sockets->second);
    writer = RingWriter(memory->to_hub, memory->to_hub_bytes);
    reader = RingReader(memory->to_hub, memory->to_hub_bytes, there.get(), trusting);
  }
  RingPositions& positions() { return memory->to_hub; }
  // What the reader says to a header of its own making.
  RingReader::Got raw(std::string_view bytes, std::uint64_t written) {
    std::memcpy(memory->to_hub_bytes, bytes.data(), bytes.size());
    positions().written = written;
    Frame frame;
    return reader.next(frame, true);
  }

  Descriptor file;
  SharedMemory memory;
  Descriptor here;
  Descriptor there;
  RingWriter writer;
  RingReader reader;
};

Frame log_of(std::string_view text, std::uint64_t id = 0) {
  return Frame(Type::log, id).add(text);
}

TEST(Ring, GivesFramesInOrderAlsoAcrossItsEnd) {
  Line line;
  std::mt19937 random(7);  // NOLINT: the same every time
  std::uint64_t written = 0;
  std::uint64_t read = 0;
  std::vector<std::string> under_way;
  for (int round = 0; round < 20'000; ++round) {
    const std::size_t size = random() % 2 == 0 ? random() % 100 : random() % kMaxInlineBytes;
    if (line.writer.room(size)) {
      std::string text(size, static_cast<char>('a' + written % 26));
      static_cast<void>(line.writer.put(log_of(text, written++)));
      under_way.push_back(std::move(text));
      if (random() % 3 != 0) continue;
    }
    Frame frame;
    while (!under_way.empty()) {
      ASSERT_EQ(line.reader.next(frame, false), RingReader::Got::frame) << line.reader.why();
      ASSERT_EQ(frame.id, read++);
      ASSERT_EQ(frame.text[0], under_way.front());
      under_way.erase(under_way.begin());
      if (random() % 4 == 0) break;
    }
  }
  EXPECT_GT(read, 5000U);
}

TEST(Ring, HasNoRoomWhenItIsFullAndHasItAgainWhenItIsRead) {
  Line line;
  const std::string text(kMaxInlineBytes, 'x');
  int frames = 0;
  for (; line.writer.room(text.size()); ++frames) static_cast<void>(line.writer.put(log_of(text)));
  EXPECT_EQ(frames, 7) << "512 KiB hold seven frames of 68 KiB";
  Frame frame;
  ASSERT_EQ(line.reader.next(frame, false), RingReader::Got::frame);
  EXPECT_TRUE(line.writer.room(text.size()));
}

TEST(Ring, RingsTheBellOnlyForAReaderThatSleeps) {
  Line line;
  EXPECT_FALSE(line.writer.put(log_of("a")));
  EXPECT_FALSE(line.reader.fall_asleep()) << "there is something to read";
  Frame frame;
  ASSERT_EQ(line.reader.next(frame, false), RingReader::Got::frame);
  ASSERT_TRUE(line.reader.fall_asleep());
  EXPECT_TRUE(line.writer.put(log_of("b")));
  EXPECT_FALSE(line.writer.put(log_of("c"))) << "it has been woken already";
}

TEST(Ring, WakesAReaderThatWaits) {
  Line line(/*trusting=*/true);
  constexpr std::uint64_t kFrames = 2000;
  std::thread writes([&] {
    for (std::uint64_t i = 0; i < kFrames; ++i) {
      while (!line.writer.room(1)) std::this_thread::yield();
      if (line.writer.put(log_of("x", i))) ring_bell(line.here.get());
      if (i % 50 == 0) std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
  });
  Frame frame;
  for (std::uint64_t i = 0; i < kFrames;) {
    const auto got = line.reader.next(frame, false);
    if (got == RingReader::Got::nothing) {
      ASSERT_TRUE(line.reader.wait());
      continue;
    }
    ASSERT_EQ(got, RingReader::Got::frame);
    ASSERT_EQ(frame.id, i++);
  }
  writes.join();
  line.here.reset();
  EXPECT_FALSE(line.reader.wait()) << "the other side is gone";
}

TEST(Ring, KeepsTheOrderOfFramesThatTravelOnTheSocket) {
  const std::string large(kMaxInlineBytes + 1, 'y');
  for (const bool trusting : {false, true}) {
    Line line(trusting);
    const auto announce = [&] { static_cast<void>(line.writer.put(Frame(Type::on_socket, 0))); };
    static_cast<void>(line.writer.put(log_of("a", 1)));
    if (!trusting) announce();
    ASSERT_TRUE(send(line.here.get(), log_of(large, 2)).ok());
    if (trusting) announce();
    static_cast<void>(line.writer.put(log_of("b", 3)));
    Frame frame;
    for (std::uint64_t id = 1; id <= 3; ++id) {
      ASSERT_EQ(line.reader.next(frame, true), RingReader::Got::frame) << line.reader.why();
      EXPECT_EQ(frame.id, id);
      EXPECT_EQ(frame.text[0].size(), id == 2 ? large.size() : 1U);
    }
    EXPECT_EQ(line.reader.next(frame, true), RingReader::Got::nothing);
  }
}

TEST(Ring, WaitsForALargeFrameThatWasAnnouncedAndRefusesOneThatWasNot) {
  Line line;
  Frame frame;
  static_cast<void>(line.writer.put(Frame(Type::on_socket, 0)));
  EXPECT_EQ(line.reader.next(frame, true), RingReader::Got::nothing);
  EXPECT_EQ(line.reader.next(frame, true), RingReader::Got::nothing);
  ASSERT_TRUE(send(line.here.get(), log_of("late", 9)).ok());
  ASSERT_EQ(line.reader.next(frame, true), RingReader::Got::frame);
  EXPECT_EQ(frame.text[0], "late");
  ASSERT_TRUE(send(line.here.get(), log_of("unannounced")).ok());
  EXPECT_EQ(line.reader.next(frame, true), RingReader::Got::wrong);
  EXPECT_STREQ(line.reader.why(), "out of place");
}

TEST(Ring, BelievesNoPositionAndNoLength) {
  std::string head(kHeaderBytes, '\0');
  head[4] = static_cast<char>(Type::log);
  const auto with_size = [&](std::uint32_t size) {
    std::memcpy(head.data(), &size, sizeof size);
    return head;
  };
  EXPECT_EQ(Line().raw(with_size(kHeaderBytes), UINT64_MAX), RingReader::Got::wrong);
  EXPECT_EQ(Line().raw(with_size(kHeaderBytes), kRingBytes + 8), RingReader::Got::wrong);
  EXPECT_EQ(Line().raw(with_size(kHeaderBytes), 8), RingReader::Got::wrong);
  EXPECT_EQ(Line().raw(with_size(0), kHeaderBytes), RingReader::Got::wrong);
  EXPECT_EQ(Line().raw(with_size(UINT32_MAX), kRingBytes), RingReader::Got::wrong);
  EXPECT_EQ(Line().raw(with_size(kMaxPacketBytes + 1), kRingBytes), RingReader::Got::wrong);
  EXPECT_EQ(Line().raw(with_size(kHeaderBytes + 8), kHeaderBytes), RingReader::Got::wrong);
  EXPECT_EQ(Line().raw(with_size(kHeaderBytes), kHeaderBytes), RingReader::Got::frame);
  // A reader that says it has read more than was written leaves the writer no room.
  Line line;
  line.positions().read = 8;
  EXPECT_FALSE(line.writer.room(0));
}

TEST(Ring, LivesThroughRandomBytes) {
  std::mt19937_64 random(11);  // NOLINT: the same every time
  int frames = 0;
  for (int round = 0; round < 300; ++round) {
    Line line;
    for (std::size_t i = 0; i + 8 <= kRingBytes; i += 8) {
      const std::uint64_t bits = random();
      std::memcpy(line.memory->to_hub_bytes + i, &bits, 8);
    }
    // Lengths that look right let more of the bytes be read.
    for (std::size_t i = 0; i < 4096; i += 64) {
      const std::uint32_t size = 48 + static_cast<std::uint32_t>(random() % 3) * 4;
      const std::array<unsigned char, 8> start{static_cast<unsigned char>(size),
                                               0,
                                               0,
                                               0,
                                               static_cast<unsigned char>(random() % 64),
                                               static_cast<unsigned char>(random() % 2),
                                               static_cast<unsigned char>(random() % 8),
                                               0};
      std::memcpy(line.memory->to_hub_bytes + i, start.data(), start.size());
    }
    line.positions().written = random() % 4 == 0 ? random() : random() % kRingBytes;
    Frame frame;
    for (int n = 0; n < 1000; ++n) {
      const auto got = line.reader.next(frame, true);
      if (got != RingReader::Got::frame) break;
      ++frames;
      for (std::size_t i = 0; i < frame.texts; ++i)
        ASSERT_LE(frame.text[i].size(), kMaxInlineBytes);
    }
  }
  EXPECT_GT(frames, 0);
}

TEST(Ring, LiesInMemoryThatNobodyCanMakeSmaller) {
  const Line line;
  EXPECT_NE(::ftruncate(line.file.get(), 4096), 0);
  EXPECT_FALSE(SharedMemory::map(Descriptor(::memfd_create("small", MFD_CLOEXEC))).ok());
}

}  // namespace
}  // namespace rabt::worker
