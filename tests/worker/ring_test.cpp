#include "hub/worker/ring.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "hub/worker/loan.hpp"

namespace rabt::worker::ring_test {
namespace {

// Both ends of a ring, and of the socket beside it.
struct Line {
  explicit Line(const Borrowed* borrowed = nullptr) {
    auto made = SharedMemory::make();
    EXPECT_TRUE(made.ok());
    file = std::move(made->file);
    memory = std::move(made->memory);
    auto sockets = make_channel();
    EXPECT_TRUE(sockets.ok());
    here = std::move(sockets->first);
    there = std::move(sockets->second);
    writer = RingWriter(memory->to_hub, memory->to_hub_bytes);
    reader = RingReader(memory->to_hub, memory->to_hub_bytes, there.get(), borrowed);
  }
  RingPositions& positions() { return memory->to_hub; }
  // Result of the reader for raw bytes with a header of the test's.
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
  Line line;
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

// A writer can be held up between what it writes and the look whether the reader sleeps. The reader
// may have read the frame and sleep again when that look comes: then the bell rings for nothing.
TEST(Ring, ABellForNothingLeavesTheReaderAwakeForTheNextFrame) {
  Line line;
  std::thread reads([&] {
    ASSERT_TRUE(line.reader.wait());
    Frame frame;
    ASSERT_EQ(line.reader.next(frame, false), RingReader::Got::frame);
  });
  const auto sleeps = [&] {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (line.positions().asleep.load() == 0 && std::chrono::steady_clock::now() < until)
      std::this_thread::yield();
    return line.positions().asleep.load() != 0;
  };
  EXPECT_TRUE(sleeps());
  line.positions().asleep.exchange(0);
  ring_bell(line.here.get());
  EXPECT_TRUE(sleeps()) << "nobody rings for a frame that comes now";
  EXPECT_TRUE(line.writer.put(log_of("x")));
  ring_bell(line.here.get());
  reads.join();
}

// Writes a frame whose texts follow it, and reads whenever the ring is full.
void pour(Line& line, const Frame& frame, Frame& got) {
  static_cast<void>(line.writer.put_head(frame));
  std::string_view texts[kMaxTexts + 1];
  for (std::size_t i = 0; i < frame.texts; ++i) texts[i] = frame.text[i];
  texts[frame.texts] = RingWriter::padding(texts_of(frame));
  for (std::string_view& text : texts) {
    while (!text.empty()) {
      const std::size_t before = text.size();
      static_cast<void>(line.writer.pour(text));
      if (text.size() == before) {
        ASSERT_EQ(line.reader.next(got, false), RingReader::Got::nothing) << line.reader.why();
      }
    }
  }
}

TEST(Ring, KeepsTheOrderOfFramesWhoseTextsAreLargerThanTheRing) {
  Line line;
  std::uint64_t id = 0;
  for (const std::size_t size :
       {kMaxInlineBytes + 1, kRingBytes - 64, kRingBytes, std::size_t{3} << 20U, kMaxFrameBytes}) {
    std::string text(size, 'y');
    for (std::size_t i = 0; i < size; i += 997) text[i] = static_cast<char>('a' + i % 26);
    const std::string_view parts = text;
    Frame got;
    static_cast<void>(line.writer.put(log_of("before", id)));
    ASSERT_EQ(line.reader.next(got, false), RingReader::Got::frame);
    EXPECT_EQ(got.id, id++);
    pour(line, log_of(parts.substr(0, 5), id).add(parts.substr(5)), got);
    ASSERT_EQ(line.reader.next(got, false), RingReader::Got::frame) << line.reader.why();
    EXPECT_EQ(got.id, id++);
    EXPECT_TRUE(got.text[0] == parts.substr(0, 5) && got.text[1] == parts.substr(5)) << size;
    EXPECT_EQ(line.reader.next(got, true), RingReader::Got::nothing);
  }
}

TEST(Ring, GivesFramesWhoseTextsTheHubLends) {
  auto loans = Loans::make(1);
  ASSERT_TRUE(loans.ok());
  const auto borrowed = Borrowed::map(loans->readable());
  ASSERT_TRUE(borrowed.ok());
  Line line(&*borrowed);
  const std::string text(kMaxInlineBytes + 1, 'l');
  ASSERT_TRUE(loans->lend(0, log_of(text)));
  static_cast<void>(line.writer.put_lent(log_of(text, 3), 0));
  static_cast<void>(line.writer.put(log_of("after")));
  Frame frame;
  ASSERT_EQ(line.reader.next(frame, false), RingReader::Got::frame) << line.reader.why();
  EXPECT_TRUE(line.reader.lent());
  EXPECT_TRUE(frame.text[0] == text);
  ASSERT_EQ(line.reader.next(frame, false), RingReader::Got::frame);
  EXPECT_FALSE(line.reader.lent());
  static_cast<void>(line.writer.put_head(log_of(text)));
  EXPECT_EQ(line.reader.next(frame, false), RingReader::Got::wrong) << "the hub pours nothing";
  Line of_process;
  static_cast<void>(of_process.writer.put_lent(log_of(text), 0));
  EXPECT_EQ(of_process.reader.next(frame, false), RingReader::Got::wrong);
  EXPECT_STREQ(of_process.reader.why(), "texts that nobody lent");
}

TEST(Ring, ReadsBellsOfItsSocketAndNothingElse) {
  Line line;
  Frame frame;
  ring_bell(line.here.get());
  EXPECT_EQ(line.reader.next(frame, true), RingReader::Got::nothing);
  ASSERT_TRUE(send(line.here.get(), log_of("a")).ok());
  EXPECT_EQ(line.reader.next(frame, true), RingReader::Got::wrong);
  EXPECT_STREQ(line.reader.why(), "out of place");
  line.here.reset();
  EXPECT_EQ(line.reader.next(frame, true), RingReader::Got::closed);
}

// Symptom: a plugin that rang without writing anything kept a thread of the hub busy for good.
// Cause: bells were read and forgotten. An honest writer rings at most once for what it wrote.
TEST(Ring, ARingerWithoutFramesIsRefusedAndOneWithFramesNever) {
  Line line;
  Frame frame;
  for (std::uint64_t i = 0; i < 3 * RingReader::kSpareBells; ++i) {
    static_cast<void>(line.reader.fall_asleep());
    ASSERT_TRUE(line.writer.put(log_of("x", i)));
    ring_bell(line.here.get());
    line.reader.wake_up();
    ASSERT_EQ(line.reader.next(frame, true), RingReader::Got::frame);
    ASSERT_EQ(line.reader.next(frame, true), RingReader::Got::nothing);
  }
  EXPECT_FALSE(line.reader.flooded());
  // A writer that waits for room rings again and again; what it waits for is something to read.
  for (std::uint64_t i = 0; i < 3 * RingReader::kSpareBells; ++i) {
    ASSERT_TRUE(line.writer.room(1));
    static_cast<void>(line.writer.put(log_of("x", i)));
    for (int bells = 0; bells < 5; ++bells) ring_bell(line.here.get());
    ASSERT_EQ(line.reader.next(frame, true), RingReader::Got::frame);
    ASSERT_EQ(line.reader.next(frame, true), RingReader::Got::nothing);
  }
  EXPECT_FALSE(line.reader.flooded());
  std::uint64_t rung = 0;
  auto got = RingReader::Got::nothing;
  for (; got == RingReader::Got::nothing && rung < 2 * RingReader::kSpareBells; ++rung) {
    ring_bell(line.here.get());
    got = line.reader.next(frame, true);
  }
  EXPECT_EQ(got, RingReader::Got::wrong);
  EXPECT_EQ(rung, RingReader::kSpareBells + 1);
  EXPECT_STREQ(line.reader.why(), "bells for nothing");
  EXPECT_TRUE(line.reader.flooded());
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
                                               static_cast<unsigned char>(random() % 3),
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
      for (std::size_t i = 0; i < frame.texts; ++i) ASSERT_LE(frame.text[i].size(), kMaxFrameBytes);
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
}  // namespace rabt::worker::ring_test
