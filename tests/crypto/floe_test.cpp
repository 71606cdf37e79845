#include "hub/crypto/floe.hpp"

#include <algorithm>
#include <cstdio>

#include "hub/crypto/primitives.hpp"
#include "tests/crypto/support.hpp"
#include "tests/vector_files.hpp"

// FLOE against the known answers of its reference implementations, and against everything that
// somebody without the key can do to them.
namespace rabt::crypto::floe::floe_test {
namespace {

const Bytes kKey(32, 0);
constexpr std::string_view kAad = "This is AAD";

struct KnownAnswer {
  std::string name;
  Parameters parameters;
  std::string sealed;
  std::string plain;

  [[nodiscard]] std::vector<std::string> segments() const {
    std::vector<std::string> out;
    for (std::size_t at = kHeaderBytes; at < sealed.size(); at += parameters.segment_bytes)
      out.push_back(sealed.substr(at, parameters.segment_bytes));
    return out;
  }
};

std::string hex_file(const std::filesystem::path& path) {
  std::string text = test::read_file(path);
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  const auto bytes = from_hex(text);
  EXPECT_TRUE(bytes.has_value()) << path;
  return bytes ? std::string(as_text(*bytes)) : std::string();
}

// Every pair <name>_ct.txt, <name>_pt.txt of the folder, in hex. The parameters stand in the
// header, except the rotation mask: the reference's rotation vectors are made with -4, two bits.
std::vector<KnownAnswer> known_answers() {
  std::vector<KnownAnswer> out;
  if (test::conformance_data().empty()) return out;
  constexpr std::string_view kEnd = "_ct.txt";
  test::VectorFiles files(test::conformance_data() / "vectors" / "floe");
  for (const auto& path : files.all()) {
    const std::string file = path.filename().string();
    if (!file.ends_with(kEnd)) continue;
    KnownAnswer answer;
    answer.name = file.substr(0, file.size() - kEnd.size());
    const auto plain = path.parent_path() / (answer.name + "_pt.txt");
    if (!std::filesystem::exists(plain)) {
      ADD_FAILURE() << file << " has no " << plain.filename();
      continue;
    }
    answer.sealed = hex_file(path);
    answer.plain = hex_file(plain);
    files.judged(path);
    files.judged(plain);
    if (answer.sealed.size() < kHeaderBytes) {
      ADD_FAILURE() << file << " is no FLOE message";
      continue;
    }
    std::uint32_t size = 0;
    for (const std::uint8_t byte : as_bytes(answer.sealed).subspan(2, 4)) size = size << 8U | byte;
    answer.parameters = {size, answer.name.find("rotation") != std::string::npos ? 2U : 20U};
    out.push_back(std::move(answer));
  }
  std::sort(out.begin(), out.end(),
            [](const KnownAnswer& a, const KnownAnswer& b) { return a.name < b.name; });
  return out;
}

SealedSource source_of(const std::string& sealed) {
  return [&sealed](std::uint64_t offset, std::span<std::uint8_t> out) -> Result<ByteView> {
    if (offset > sealed.size() || out.size() > sealed.size() - offset)
      return corrupt("test.source", "read past the end");
    return as_bytes(sealed).subspan(static_cast<std::size_t>(offset), out.size());
  };
}

// The same, but copied to where the reader wants it.
SealedSource copying_source_of(const std::string& sealed) {
  return [source = source_of(sealed)](std::uint64_t offset,
                                      std::span<std::uint8_t> out) -> Result<ByteView> {
    auto view = source(offset, out);
    if (view.ok()) std::copy(view->begin(), view->end(), out.begin());
    return view.ok() ? Result<ByteView>(ByteView(out)) : view;
  };
}

// Content that a reader returns; nothing on failure. `released` gets the bytes in any case.
std::optional<std::string> read_all(Parameters parameters, const std::string& sealed,
                                    std::string& released) {
  auto reader = Reader::open(parameters, kKey, kAad, sealed.size(), copying_source_of(sealed));
  if (!reader.ok()) return std::nullopt;
  const Status status = reader->read(0, reader->plain_bytes(), [&released](std::string_view piece) {
    released.append(piece);
    return ok_status();
  });
  return status.ok() ? std::optional(released) : std::nullopt;
}

// Neither way of opening takes it, and what the reader released first was right.
::testing::AssertionResult refused(const KnownAnswer& answer, const std::string& sealed) {
  if (sealed == answer.sealed) return ::testing::AssertionFailure() << "nothing was changed";
  if (open(answer.parameters, kKey, kAad, sealed))
    return ::testing::AssertionFailure() << "it opens in memory";
  std::string released;
  if (read_all(answer.parameters, sealed, released))
    return ::testing::AssertionFailure() << "a reader opens it";
  if (released != answer.plain.substr(0, released.size()))
    return ::testing::AssertionFailure() << "a reader released what was never sealed there";
  return ::testing::AssertionSuccess();
}

class FloeKnownAnswers : public ::testing::Test {
 protected:
  void SetUp() override {
    if (test::conformance_data().empty())
      GTEST_SKIP() << "set RABT_CONFORMANCE_DATA to run third-party vectors";
    answers_ = known_answers();
    ASSERT_FALSE(answers_.empty());
  }
  std::vector<KnownAnswer> answers_;
};

TEST_F(FloeKnownAnswers, OpenWholeAndByRanges) {
  for (const KnownAnswer& answer : answers_) {
    SCOPED_TRACE(answer.name);
    EXPECT_TRUE(open(answer.parameters, kKey, kAad, answer.sealed) == answer.plain);
    auto reader =
        Reader::open(answer.parameters, kKey, kAad, answer.sealed.size(), source_of(answer.sealed));
    ASSERT_TRUE(reader.ok());
    ASSERT_EQ(reader->plain_bytes(), answer.plain.size());
    const std::uint64_t size = answer.plain.size();
    const std::uint64_t step = std::max<std::uint64_t>(1, size / 13);
    for (std::uint64_t from = 0; from <= size; from += step) {
      for (std::uint64_t length = 0; length <= size - from; length += step) {
        std::string got;
        ASSERT_TRUE(reader
                        ->read(from, length,
                               [&got](std::string_view piece) {
                                 got.append(piece);
                                 return ok_status();
                               })
                        .ok());
        ASSERT_TRUE(got == answer.plain.substr(static_cast<std::size_t>(from),
                                               static_cast<std::size_t>(length)));
      }
    }
    EXPECT_EQ(reader->read(size, 1, [](std::string_view) { return ok_status(); }).error().code,
              "crypto.range");
    std::printf("%s: segments of %u bytes, %zu of them, opened\n", answer.name.c_str(),
                answer.parameters.segment_bytes, answer.segments().size());
  }
}

// Gives out the IVs of a known answer.
class Replay final : public Random {
 public:
  explicit Replay(const KnownAnswer& answer) {
    ivs_.push_back(answer.sealed.substr(10, 32));
    for (const std::string& segment : answer.segments()) ivs_.push_back(segment.substr(4, 12));
  }
  void fill(std::span<std::uint8_t> out) override {
    ASSERT_LT(next_, ivs_.size());
    ASSERT_EQ(out.size(), ivs_[next_].size());
    std::copy(ivs_[next_].begin(), ivs_[next_].end(), out.begin());
    ++next_;
  }

 private:
  std::vector<std::string> ivs_;
  std::size_t next_ = 0;
};

TEST_F(FloeKnownAnswers, AreWhatSealingGivesUnderTheSameIvs) {
  for (const KnownAnswer& answer : answers_) {
    SCOPED_TRACE(answer.name);
    const auto segments = answer.segments();
    const std::size_t whole = answer.parameters.plain_segment();
    Replay random(answer);
    Message message = Message::begin(answer.parameters, kKey, kAad, random);
    EXPECT_EQ(as_text(message.header()), answer.sealed.substr(0, kHeaderBytes));
    for (std::size_t i = 0; i < segments.size(); ++i) {
      Bytes out(segments[i].size());
      ASSERT_TRUE(message.seal_segment(
          i, i + 1 == segments.size(),
          as_bytes(answer.plain).subspan(i * whole, segments[i].size() - kSegmentOverhead), random,
          out));
      ASSERT_TRUE(as_text(out) == segments[i]) << i;
    }
    if (answer.plain.size() > 0 && segments.back().size() == kSegmentOverhead)
      continue;  // an empty last segment behind others: read, never written
    for (const std::size_t piece :
         {std::size_t{1}, whole - 1, whole, whole + 1, answer.plain.size()}) {
      if (piece == 1 && answer.plain.size() > 100'000) continue;
      Replay again(answer);
      Writer writer(answer.parameters, kKey, kAad, again);
      std::string out;
      const auto sink = [&out](ByteView sealed) {
        out.append(as_text(sealed));
        return ok_status();
      };
      for (std::size_t at = 0; at < answer.plain.size(); at += piece)
        ASSERT_TRUE(writer.write(as_bytes(answer.plain.substr(at, piece)), sink).ok());
      ASSERT_TRUE(writer.finish(sink).ok());
      EXPECT_TRUE(out == answer.sealed) << "in pieces of " << piece;
      EXPECT_EQ(writer.plain_bytes(), answer.plain.size());
    }
    Replay last(answer);
    std::string out;
    seal(answer.parameters, kKey, kAad, answer.plain, last, out);
    EXPECT_TRUE(out == answer.sealed);
  }
}

TEST_F(FloeKnownAnswers, WithAChangedByteAreRefused) {
  int changes = 0;
  for (const KnownAnswer& answer : answers_) {
    SCOPED_TRACE(answer.name);
    const auto flip = [&](std::size_t at, int mask) {
      std::string changed = answer.sealed;
      changed[at] = static_cast<char>(changed[at] ^ mask);
      EXPECT_TRUE(refused(answer, changed)) << "byte " << at << " mask " << mask;
      ++changes;
    };
    const bool large = answer.sealed.size() > 100'000;
    for (std::size_t at = 0; at < kHeaderBytes; ++at) {
      for (const int mask : {0x01, 0x80, 0xff}) {
        if (!large || mask == 0x01) flip(at, mask);
      }
    }
    std::size_t start = kHeaderBytes;
    for (const std::string& segment : answer.segments()) {
      const std::size_t size = segment.size();
      for (const std::size_t at : {std::size_t{0}, std::size_t{3}, std::size_t{4}, std::size_t{15},
                                   16 + (size - 32) / 2, size - 16, size - 1}) {
        flip(start + at, 0x01);
      }
      start += size;
    }
  }
  std::printf("%d changes in %zu known answers, all refused\n", changes, answers_.size());
}

TEST_F(FloeKnownAnswers, WithSegmentsMissingMovedDoubledOrCutAreRefused) {
  int changes = 0;
  for (const KnownAnswer& answer : answers_) {
    SCOPED_TRACE(answer.name);
    const auto segments = answer.segments();
    const auto check = [&](const std::vector<std::string>& list, const char* what, std::size_t i,
                           std::size_t k = 0) {
      std::string changed = answer.sealed.substr(0, kHeaderBytes);
      for (const std::string& segment : list) changed += segment;
      EXPECT_TRUE(refused(answer, changed)) << what << " " << i << " " << k;
      ++changes;
    };
    for (std::size_t i = 0; i < segments.size(); ++i) {
      auto list = segments;
      list.erase(list.begin() + static_cast<std::ptrdiff_t>(i));
      check(list, "dropped", i);
      list = segments;
      list.insert(list.begin() + static_cast<std::ptrdiff_t>(i), segments[i]);
      check(list, "doubled", i);
      for (std::size_t k = i + 1; k < segments.size(); ++k) {
        list = segments;
        std::swap(list[i], list[k]);
        check(list, "swapped", i, k);
        list = segments;
        list[k] = segments[i];
        check(list, "copied over", i, k);
      }
    }
    std::size_t edge = 0;
    std::vector<std::size_t> edges{0, 10, 42, kHeaderBytes};
    for (edge = kHeaderBytes; edge < answer.sealed.size(); edge += answer.parameters.segment_bytes)
      edges.push_back(edge);
    edges.push_back(answer.sealed.size());
    for (const std::size_t at : edges) {
      for (const std::ptrdiff_t by : {-33, -32, -31, -1, 0, 1, 31, 32, 33}) {
        const auto size = static_cast<std::ptrdiff_t>(at) + by;
        if (size < 0 || size >= static_cast<std::ptrdiff_t>(answer.sealed.size())) continue;
        EXPECT_TRUE(refused(answer, answer.sealed.substr(0, static_cast<std::size_t>(size))))
            << "cut to " << size;
        ++changes;
      }
    }
    for (const std::size_t more : {std::size_t{1}, std::size_t{31}, std::size_t{32},
                                   std::size_t{answer.parameters.segment_bytes}}) {
      EXPECT_TRUE(refused(answer, answer.sealed + std::string(more, '\0')));
      ++changes;
    }
    EXPECT_TRUE(refused(answer, answer.sealed + answer.sealed));
  }
  std::printf("%d changes in %zu known answers, all refused\n", changes, answers_.size());
}

TEST_F(FloeKnownAnswers, UnderAnotherKeyAadOrMessageAreRefused) {
  for (const KnownAnswer& answer : answers_) {
    SCOPED_TRACE(answer.name);
    Bytes key = kKey;
    key[31] = 1;
    EXPECT_FALSE(open(answer.parameters, key, kAad, answer.sealed).has_value());
    for (const std::string_view aad :
         {std::string_view(), std::string_view("This is AA"), std::string_view("This is AAD ")}) {
      EXPECT_FALSE(open(answer.parameters, kKey, aad, answer.sealed).has_value());
    }
    // A segment at the same place of another message of the same parameters.
    for (const KnownAnswer& other : answers_) {
      if (other.name == answer.name ||
          other.parameters.segment_bytes != answer.parameters.segment_bytes) {
        continue;
      }
      EXPECT_TRUE(refused(
          answer, answer.sealed.substr(0, kHeaderBytes) + other.sealed.substr(kHeaderBytes)));
    }
  }
}

TEST(Floe, ASegmentOfARefusedMessageLeavesNoPlaintext) {
  FakeRandom random;
  constexpr Parameters kSmall{64};
  Message message = Message::begin(kSmall, kKey, kAad, random);
  const std::string plain(32, 'p');
  Bytes sealed(64);
  ASSERT_TRUE(message.seal_segment(0, false, as_bytes(plain), random, sealed));
  Bytes out(32, 0xaa);
  const Bytes zero(32, 0);
  EXPECT_FALSE(message.open_segment(1, false, sealed, out));
  EXPECT_EQ(out, zero);
  out.assign(32, 0xaa);
  EXPECT_FALSE(message.open_segment(0, true, sealed, out));
  EXPECT_EQ(out, zero);
  sealed[40] ^= 1;
  out.assign(32, 0xaa);
  EXPECT_FALSE(message.open_segment(0, false, sealed, out));
  EXPECT_EQ(out, zero);
  // In place, where the ciphertext was.
  EXPECT_FALSE(message.open_segment(0, false, sealed, std::span(sealed).subspan(16, 32)));
  EXPECT_EQ(Bytes(sealed.begin() + 16, sealed.begin() + 48), zero);
}

TEST(Floe, PositionsEndAt2ToThe40Segments) {
  FakeRandom random;
  constexpr Parameters kSmall{64};
  Message message = Message::begin(kSmall, kKey, kAad, random);
  const Bytes plain(32, 'p');
  Bytes sealed(64);
  Bytes out(32);
  EXPECT_TRUE(message.seal_segment(kMaxSegments - 1, true, plain, random, sealed));
  EXPECT_TRUE(message.open_segment(kMaxSegments - 1, true, sealed, out));
  EXPECT_TRUE(message.seal_segment(kMaxSegments - 2, false, plain, random, sealed));
  EXPECT_FALSE(message.seal_segment(kMaxSegments - 1, false, plain, random, sealed));
  EXPECT_FALSE(message.seal_segment(kMaxSegments, true, plain, random, sealed));
}

TEST(Floe, AWriterWhoseSinkFailedSealsNothingMore) {
  FakeRandom random;
  constexpr Parameters kSmall{64};
  Writer writer(kSmall, kKey, kAad, random);
  int calls = 0;
  const auto broken = [&calls](ByteView) -> Status {
    ++calls;
    return unavailable("test.full", "no room");
  };
  EXPECT_EQ(writer.write(as_bytes(std::string(100, 'p')), broken).error().code, "test.full");
  EXPECT_EQ(calls, 1);
  const auto good = [](ByteView) { return ok_status(); };
  EXPECT_EQ(writer.write(as_bytes(std::string(1, 'p')), good).error().code, "crypto.sealer");
  EXPECT_EQ(writer.finish(good).error().code, "crypto.sealer");
}

TEST(FloeDeath, AnAadPastItsLimitIsAMistakeOfTheCaller) {
  FakeRandom random;
  const std::string aad(kMaxAad, 'a');
  std::string sealed;
  seal(k4K, kKey, aad, "x", random, sealed);
  EXPECT_EQ(open(k4K, kKey, aad, sealed), "x");
  EXPECT_FALSE(open(k4K, kKey, aad + "a", sealed).has_value());
  EXPECT_DEATH(seal(k4K, kKey, aad + "a", "x", random, sealed), "RABT_CHECK");
}

}  // namespace
}  // namespace rabt::crypto::floe::floe_test
