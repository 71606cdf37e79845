#include "sigv4.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include "rabt/text.hpp"

namespace rabt::chime::sigv4_test {
namespace {

namespace fs = std::filesystem;

std::string text_of_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(in)), {});
  std::erase(text, '\r');
  return text;
}

// A .req file: request line, headers of which some are folded, and a body behind an empty line.
struct Case {
  SigningRequest request;
  std::string folder;
};

Case read_case(const fs::path& file) {
  const std::string text = text_of_file(file);
  const auto blank = text.find("\n\n");
  std::string head = text.substr(0, blank);
  const std::string body = blank == std::string::npos ? "" : text.substr(blank + 2);
  Case out;
  out.folder = file.parent_path().filename();
  const auto line_end = head.find('\n');
  const std::string line = head.substr(0, line_end);
  const auto first = line.find(' ');
  out.request.method = line.substr(0, first);
  out.request.target = line.substr(first + 1, line.rfind(' ') - first - 1);
  out.request.payload_hash = hex(sha256(body));
  std::string rest = line_end == std::string::npos ? "" : head.substr(line_end + 1);
  while (!rest.empty()) {
    const auto end = rest.find('\n');
    const std::string word = rest.substr(0, end);
    rest = end == std::string::npos ? "" : rest.substr(end + 1);
    if (word.empty()) continue;
    if (word.front() == ' ' || word.front() == '\t') {
      out.request.headers.back().value += "\n" + word;
      continue;
    }
    const auto colon = word.find(':');
    out.request.headers.push_back({word.substr(0, colon), word.substr(colon + 1)});
    if (word.starts_with("X-Amz-Date:")) out.request.time = word.substr(colon + 1);
  }
  return out;
}

std::vector<fs::path> cases() {
  std::vector<fs::path> out;
  const char* const data = std::getenv("RABT_CONFORMANCE_DATA");
  if (data == nullptr) return out;
  for (const auto& entry : fs::recursive_directory_iterator(fs::path(data) / "sigv4")) {
    if (entry.path().extension() == ".req") out.push_back(entry.path());
  }
  return out;
}

constexpr std::string_view kToken = "x-amz-security-token";
bool has(const SigningRequest& request, std::string_view name) {
  return std::any_of(request.headers.begin(), request.headers.end(),
                     [&](const SignedHeader& header) { return sdk::lower(header.name) == name; });
}

TEST(SigV4, GivesWhatEveryVectorSays) {
  const auto all = cases();
  if (all.empty()) GTEST_SKIP() << "RABT_CONFORMANCE_DATA is not set";
  EXPECT_GE(all.size(), 30U);
  const SigningKey key{.access_key_id = "AKIDEXAMPLE",
                       .secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
                       .region = "us-east-1",
                       .service = "service"};
  for (const fs::path& file : all) {
    Case one = read_case(file);
    const auto expected = [&](const char* extension) {
      fs::path path = file;
      return text_of_file(path.replace_extension(extension));
    };
    // The token of temporary credentials is no part of such a request before it is signed.
    if (expected(".authz").find(kToken) != std::string::npos && !has(one.request, kToken)) {
      fs::path sent = file;
      for (const SignedHeader& header : read_case(sent.replace_extension(".sreq")).request.headers)
        if (sdk::lower(header.name) == kToken) one.request.headers.push_back(header);
    }
    EXPECT_EQ(canonical_request(one.request, key.service), expected(".creq")) << one.folder;
    EXPECT_EQ(string_to_sign(one.request, key), expected(".sts")) << one.folder;
    EXPECT_EQ(authorization(one.request, key), expected(".authz")) << one.folder;
  }
}

// RFC 4231, test cases 1 and 6.
TEST(SigV4, HmacFollowsTheStandard) {
  EXPECT_EQ(hex(hmac_sha256(std::string(20, '\x0b'), "Hi There")),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(hex(hmac_sha256(std::string(131, '\xaa'),
                            "Test Using Larger Than Block-Size Key - Hash Key First")),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(SigV4, ThePathOfAnObjectIsNotNormalised) {
  const SigningRequest request{.method = "GET",
                               .target = "/bucket//a%20b/../c",
                               .headers = {{"host", "s3.eu-central-1.amazonaws.com"}},
                               .payload_hash = hex(sha256("")),
                               .time = "20150830T123600Z"};
  EXPECT_TRUE(canonical_request(request, "s3").starts_with("GET\n/bucket//a%20b/../c\n"));
  EXPECT_TRUE(canonical_request(request, "chime").starts_with("GET\n/bucket/c\n"));
}

}  // namespace
}  // namespace rabt::chime::sigv4_test
