#include "hub/http/content_coding.hpp"

#include <Poco/DeflatingStream.h>
#include <gtest/gtest.h>

#include <sstream>

#include "hub/base/bytes.hpp"
#include "tests/must.hpp"

namespace rabt::http::content_coding_test {
namespace {

std::string bytes_of(std::string_view hex) {
  const auto bytes = from_hex(hex);
  return bytes ? std::string(as_text(*bytes)) : std::string();
}

// {"n":1} as Python's gzip and zlib write it.
const std::string kGzip = "1f8b0800000000000203ab56ca53b232ac05007e3b4bd407000000";
const std::string kZlib = "789cab56ca53b232ac0500086b0216";
constexpr std::size_t kMost = 100'000;

TEST(ContentCoding, GzipAndDeflateAreUnpackedInAnyCase) {
  for (const char* coding : {"gzip", "GZip", "x-gzip"}) {
    EXPECT_TRUE(is_unpacked(coding));
    EXPECT_EQ(test::must(unpacked(bytes_of(kGzip), coding, kMost)), R"({"n":1})") << coding;
  }
  EXPECT_TRUE(is_unpacked("deflate"));
  EXPECT_EQ(test::must(unpacked(bytes_of(kZlib), "Deflate", kMost)), R"({"n":1})");
  for (const char* coding : {"", "br", "identity", "gzip, gzip", "gzip,identity", "compress"})
    EXPECT_FALSE(is_unpacked(coding)) << coding;
}

TEST(ContentCoding, WhatIsBrokenCutOffOrGoesOnIsRefused) {
  for (const auto& [coding, hex] : {std::pair("gzip", kGzip), std::pair("deflate", kZlib)}) {
    const std::string whole = bytes_of(hex);
    for (std::size_t size = 0; size < whole.size(); ++size) {
      const auto cut = unpacked(whole.substr(0, size), coding, kMost);
      ASSERT_FALSE(cut.ok()) << coding << " " << size;
      EXPECT_EQ(cut.error().code, "http.coded_body");
    }
    for (const std::string& more : {std::string("x"), std::string(1, '\0'), whole})
      EXPECT_FALSE(unpacked(whole + more, coding, kMost).ok()) << coding;
    for (std::size_t at = whole.size() - 4; at < whole.size(); ++at) {
      std::string other = whole;
      other[at] = static_cast<char>(other[at] ^ 1);
      EXPECT_FALSE(unpacked(other, coding, kMost).ok()) << coding << " " << at;
    }
  }
  // Raw DEFLATE, and the other's format.
  EXPECT_FALSE(unpacked(bytes_of(kZlib).substr(2), "deflate", kMost).ok());
  EXPECT_FALSE(unpacked(bytes_of(kZlib), "gzip", kMost).ok());
}

TEST(ContentCoding, NoMoreIsUnpackedThanIsTaken) {
  for (const auto type :
       {Poco::DeflatingStreamBuf::STREAM_GZIP, Poco::DeflatingStreamBuf::STREAM_ZLIB}) {
    const char* coding = type == Poco::DeflatingStreamBuf::STREAM_GZIP ? "gzip" : "deflate";
    for (const std::size_t size : {kMost, kMost + 1, std::size_t{64} << 20U}) {
      std::ostringstream out;
      Poco::DeflatingOutputStream packing(out, type);
      packing << std::string(size, 'a');
      packing.close();
      const auto opened = unpacked(out.str(), coding, kMost);
      EXPECT_EQ(opened.ok(), size <= kMost) << coding << " " << size;
      if (opened.ok()) {
        EXPECT_EQ(opened->size(), size);
      } else {
        EXPECT_EQ(opened.error().code, "http.body_too_large");
      }
    }
  }
}

}  // namespace
}  // namespace rabt::http::content_coding_test
