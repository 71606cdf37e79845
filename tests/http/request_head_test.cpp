#include "hub/http/request_head.hpp"

#include <gtest/gtest.h>

#include <random>

#include "hub/base/limits.hpp"

namespace rabt::http::request_head_test {
namespace {

constexpr std::uint64_t kMax = 1000;

// As the server reads: scan, then parse. "" when accepted, the code of the refusal, or "more".
std::string judge(std::string_view bytes, RequestHead* out = nullptr) {
  std::size_t scanned = 0;
  const auto scan = scan_head(bytes, scanned);
  if (scan.state == HeadScan::State::more) return "more";
  if (scan.state == HeadScan::State::refused)
    return std::to_string(scan.refusal.status) + " " + scan.refusal.code;
  auto judged = parse_head(bytes.substr(0, scan.size), kMax);
  if (const auto* refusal = std::get_if<Refusal>(&judged))
    return std::to_string(refusal->status) + " " + refusal->code;
  if (out != nullptr) *out = std::get<RequestHead>(judged);
  return "";
}

std::string with(std::string_view header) {
  return "POST /x HTTP/1.1\r\nHost: a\r\n" + std::string(header) + "\r\n\r\n";
}
std::string to(std::string_view target) {
  return "GET " + std::string(target) + " HTTP/1.1\r\nHost: a\r\n\r\n";
}

TEST(RequestHeadTest, ReadsAPlainRequest) {
  RequestHead head;
  ASSERT_EQ(judge("\r\nPOST /hooks/a%20b/?x=1+2&y=%C3%A9&x=&z HTTP/1.1\r\nHost: a:80\r\nX-One:  v "
                  "w \t\r\nx-one: 2\r\nContent-Length: 010\r\n\r\n",
                  &head),
            "");
  EXPECT_EQ(head.method, "POST");
  EXPECT_EQ(head.target, "/hooks/a%20b/?x=1+2&y=%C3%A9&x=&z");
  EXPECT_EQ(head.path, "/hooks/a b/");
  using Pairs = std::vector<std::pair<std::string, std::string>>;
  EXPECT_EQ(head.query, (Pairs{{"x", "1 2"}, {"y", "\xc3\xa9"}, {"x", ""}, {"z", ""}}));
  EXPECT_EQ(head.headers,
            (Pairs{{"host", "a:80"}, {"x-one", "v w"}, {"x-one", "2"}, {"content-length", "010"}}));
  EXPECT_EQ(head.content_length, 10U);
  EXPECT_TRUE(head.keep_alive);
}

TEST(RequestHeadTest, KnowsWhenAConnectionEnds) {
  RequestHead head;
  ASSERT_EQ(judge("GET / HTTP/1.1\r\nHost: a\r\nConnection: x, Close\r\n\r\n", &head), "");
  EXPECT_FALSE(head.keep_alive);
  ASSERT_EQ(judge("GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n", &head), "");
  EXPECT_FALSE(head.keep_alive);
}

TEST(RequestHeadTest, RefusesUnclearMessageLengths) {
  const std::vector<std::pair<std::string, std::string>> table = {
      {"Content-Length: 3\r\nContent-Length: 3", "400 http.duplicate_header"},
      {"Content-Length: 0\r\ncontent-length: 36", "400 http.duplicate_header"},
      {"Content-Length: 3, 3", "400 http.content_length"},
      {"Content-Length: +3", "400 http.content_length"},
      {"Content-Length: -1", "400 http.content_length"},
      {"Content-Length: 0x3", "400 http.content_length"},
      {"Content-Length: 3 3", "400 http.content_length"},
      {"Content-Length:", "400 http.content_length"},
      {"Content-Length: 18446744073709551619", "400 http.content_length"},
      {"Content-Length: 1000000000000000", "400 http.content_length"},
      {"Content-Length: 999999999999999", "413 http.body_too_large"},
      {"Content-Length: 1001", "413 http.body_too_large"},
      {"Content-Length: 1000", ""},
      {"X: y", ""},
      {"Transfer-Encoding: chunked", ""},
      {"Transfer-Encoding: Chunked", ""},
      {"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "400 http.transfer_encoding"},
      {"Transfer-Encoding: chunked, chunked", "400 http.transfer_encoding"},
      {"Content-Length: 3\r\nTransfer-Encoding: chunked", "400 http.transfer_encoding"},
      {"Transfer-Encoding: chunked\r\nContent-Length: 3", "400 http.transfer_encoding"},
      {"Transfer-Encoding: identity", "400 http.transfer_encoding"},
      {"Transfer-Encoding: gzip, chunked", "400 http.transfer_encoding"},
      {"Transfer-Encoding: \x0b"
       "chunked",
       "400 http.header"},
      {"Transfer-Encoding : chunked", "400 http.header"},
      {"Transfer-Encoding\t: chunked\r\nContent-Length: 3", "400 http.header"},
      {" Transfer-Encoding: chunked\r\nContent-Length: 3", "400 http.folded_header"},
      {"Content-Length: 3\r\nX: a\r\n chunked", "400 http.folded_header"},
      {"Content-Length : 3", "400 http.header"},
      {"Content_Length: 3", ""},
  };
  for (const auto& [header, expected] : table) EXPECT_EQ(judge(with(header)), expected) << header;
}

TEST(RequestHeadTest, ABodyInChunksHasNoOtherLengthAndKeepsTheConnection) {
  RequestHead head;
  ASSERT_EQ(judge(with("Transfer-Encoding: chunked"), &head), "");
  EXPECT_TRUE(head.chunked);
  EXPECT_EQ(head.content_length, 0U);
  EXPECT_TRUE(head.keep_alive);
  EXPECT_EQ(judge("PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", &head), "");
  EXPECT_EQ(judge("POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"),
            "400 http.transfer_encoding");
}

// RFC 9112 section 6.3, rule 7.
TEST(RequestHeadTest, APostWithoutALengthHasNoBodyAndIsTheLastRequest) {
  RequestHead head;
  ASSERT_EQ(judge("POST / HTTP/1.1\r\nHost: a\r\n\r\n", &head), "");
  EXPECT_EQ(head.content_length, 0U);
  EXPECT_FALSE(head.keep_alive);
  ASSERT_EQ(judge("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", &head), "");
  EXPECT_TRUE(head.keep_alive);
  EXPECT_EQ(judge("PUT / HTTP/1.1\r\nHost: a\r\n\r\n", &head), "411 http.length_required");
}

TEST(RequestHeadTest, RefusesBadRequestLines) {
  const std::vector<std::pair<std::string, std::string>> table = {
      {"GET / HTTP/9.9", "505 http.version"},
      {"GET / HTTP/2.0", "505 http.version"},
      {"GET / HTTP/1.2", "505 http.version"},
      {"GET / HTTP/1.1 ", "400 http.request_line"},
      {"GET / http/1.1", "400 http.request_line"},
      {"GET / HTTP/1.10", "400 http.request_line"},
      {"GET /", "400 http.request_line"},
      {"GET", "400 http.request_line"},
      {"GET  / HTTP/1.1", "400 http.target"},
      {"GET / x HTTP/1.1", "400 http.target"},
      {"GET\t/ HTTP/1.1", "400 http.request_line"},
      {"G(T / HTTP/1.1", "400 http.request_line"},
      {"get / HTTP/1.1", "501 http.method"},
      {"BREW / HTTP/1.1", "501 http.method"},
      {"CONNECT a:443 HTTP/1.1", "501 http.method"},
      {"TRACE / HTTP/1.1", "501 http.method"},
      {"PRI * HTTP/2.0", "505 http.version"},
      {"GET ftp://a/ HTTP/1.1", "400 http.target"},
      {"GET http:///x HTTP/1.1", "400 http.target"},
      {"GET http://u@a/ HTTP/1.1", "400 http.target"},
      {"GET http://a?x HTTP/1.1", "400 http.target"},
      {"GET http://a/../x HTTP/1.1", "400 http.target"},
      {"GET a:80 HTTP/1.1", "400 http.target"},
      {"GET * HTTP/1.1", "400 http.target"},
      {"OPTIONS *x HTTP/1.1", "400 http.target"},
      {"GET /#x HTTP/1.1", "400 http.target"},
      {"GET /\x7f HTTP/1.1", "400 http.target"},
      {"GET /\xc3\xa9 HTTP/1.1", "400 http.target"}};
  for (const auto& [line, expected] : table)
    EXPECT_EQ(judge(line + "\r\nHost: a\r\n\r\n"), expected) << line;
}

// RFC 9112 section 3.2.2: a proxy's form of the target is that of its path, and its host is the
// host.
TEST(RequestHeadTest, ATargetInAbsoluteFormNamesHostAndPath) {
  RequestHead head;
  for (const auto* target : {"http://b:81/x?y=1", "HTTPS://b:81/x?y=1"}) {
    ASSERT_EQ(judge("GET " + std::string(target) + " HTTP/1.1\r\nHost: a\r\n\r\n", &head), "");
    EXPECT_EQ(head.target, "/x?y=1");
    EXPECT_EQ(head.path, "/x");
    ASSERT_EQ(head.headers.size(), 1U);
    EXPECT_EQ(head.headers[0].second, "b:81");
    head = {};
  }
  ASSERT_EQ(judge("GET http://b HTTP/1.1\r\nHost: a\r\n\r\n", &head), "");
  EXPECT_EQ(head.path, "/");
  EXPECT_EQ(judge("GET http://b/ HTTP/1.1\r\n\r\n"), "400 http.host");
}

TEST(RequestHeadTest, OptionsMayAskAboutTheServerAsAWhole) {
  RequestHead head;
  ASSERT_EQ(judge("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", &head), "");
  EXPECT_EQ(head.path, "*");
}

TEST(RequestHeadTest, RefusesPathsThatTwoReadersCouldReadDifferently) {
  for (const auto* target :
       {"/a/../b", "/..",    "/.",    "/a/.",     "/%2e%2e/b", "/a/%2E", "//a",  "/a//b", "/a%2fb",
        "/a%2Fb",  "/a%5cb", "/a\\b", "/a%00b",   "/a%0ab",    "/a%zz",  "/a%2", "/a%",   "/%ff",
        "/%c0%af", "/a\"b",  "/a<b",  "/a?x=%zz", "/a?x=%00",  "/a?%ff", "/a|b"}) {
    EXPECT_EQ(judge(to(target)), "400 http.target") << target;
  }
  for (const auto* target : {"/", "/a/", "/a.b/..c/...", "/a;p=1/@:!$&'()*+,=~", "/a?x=a/../b&y=|",
                             "/a?", "/a?&&", "/%D9%85"}) {
    EXPECT_EQ(judge(to(target)), "") << target;
  }
}

TEST(RequestHeadTest, RefusesBadHosts) {
  EXPECT_EQ(judge("GET / HTTP/1.1\r\n\r\n"), "400 http.host");
  EXPECT_EQ(judge("GET / HTTP/1.0\r\n\r\n"), "400 http.host");
  EXPECT_EQ(judge("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"), "400 http.duplicate_header");
  for (const auto* host : {"", "a b", "a/b", "user@a", "a,b"})
    EXPECT_EQ(judge("GET / HTTP/1.1\r\nHost: " + std::string(host) + "\r\n\r\n"), "400 http.host")
        << host;
}

TEST(RequestHeadTest, RefusesBadHeaderLines) {
  for (const std::string& line : std::vector<std::string>{
           std::string("X: a\0b", 6), "X: a\x01", "X: a\x7f", "X: \xff", "no colon", ": x",
           "X Y: z", "X\x01: z", "X\xc3\xa9: z", "(X): z"}) {
    EXPECT_EQ(judge("GET / HTTP/1.1\r\nHost: a\r\n" + line + "\r\n\r\n"), "400 http.header")
        << line;
  }
  EXPECT_EQ(judge("GET / HTTP/1.1\r\nHost: a\r\nX: a\tb \xd9\x85\r\n\r\n"), "");
}

TEST(RequestHeadTest, RefusesBareLineEndsWithoutWaiting) {
  EXPECT_EQ(judge("GET / HTTP/1.1\n"), "400 http.bare_line_feed");
  EXPECT_EQ(judge("GET / HTTP/1.1\r\nHost: a\nX"), "400 http.bare_line_feed");
  EXPECT_EQ(judge("GET / HTTP/1.1\r\nHost: a\r\n\n"), "400 http.bare_line_feed");
  EXPECT_EQ(judge("GET / HTTP/1.1\r\nHost: a\r\nX: y\rZ: "), "400 http.bare_carriage_return");
  EXPECT_EQ(judge("GET / HTTP/1.1\r\nHost: a\r\r\n"), "400 http.bare_carriage_return");
  EXPECT_EQ(judge("\n"), "400 http.request_line");
  EXPECT_EQ(judge("\r\n\r\n"), "400 http.request_line");
  EXPECT_EQ(judge("\x16\x03\x01"), "400 http.request_line");  // a TLS client
}

TEST(RequestHeadTest, LimitsHoldAtTheLimitAndOnePastIt) {
  const auto headers = [](int count) {
    std::string text = "GET / HTTP/1.1\r\nHost: a\r\n";
    for (int i = 1; i < count; ++i) text += "X" + std::to_string(i) + ": y\r\n";
    return text + "\r\n";
  };
  EXPECT_EQ(judge(headers(limits::kMaxHeaderCount)), "");
  EXPECT_EQ(judge(headers(limits::kMaxHeaderCount + 1)), "431 http.too_many_headers");
  const auto field = [](std::size_t size) {
    return "GET / HTTP/1.1\r\nHost: a\r\nX:" + std::string(size - 2, 'y') + "\r\n\r\n";
  };
  EXPECT_EQ(judge(field(limits::kMaxHeaderField)), "");
  EXPECT_EQ(judge(field(limits::kMaxHeaderField + 1)), "431 http.header_too_large");
  const auto line = [](std::size_t size) {
    return "GET /" + std::string(size - 14, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n";
  };
  EXPECT_EQ(judge(line(kMaxRequestLine)), "");
  EXPECT_EQ(judge(line(kMaxRequestLine + 1)), "414 http.target_too_long");
  EXPECT_EQ(judge("GET /" + std::string(kMaxRequestLine, 'a')),
            "414 http.target_too_long");  // no end in sight
  const auto head = [](std::size_t size) {
    std::string text = "GET / HTTP/1.1\r\nHost: a\r\n";
    for (int i = 0; i < 6; ++i) text += "X: " + std::string(10'000, 'y') + "\r\n";
    return text + "X:" + std::string(size - text.size() - 6, 'z') + "\r\n\r\n";
  };
  ASSERT_EQ(head(kMaxHead).size(), kMaxHead);
  EXPECT_EQ(judge(head(kMaxHead)), "");
  EXPECT_EQ(judge(head(kMaxHead + 1)), "431 http.head_too_large");
  EXPECT_EQ(judge(head(2 * kMaxHead).substr(0, kMaxHead + 1)), "431 http.head_too_large");
  std::string pairs = "/?";
  for (std::size_t i = 0; i < kMaxQueryPairs; ++i) pairs += "a&";
  EXPECT_EQ(judge(to(pairs)), "");
  EXPECT_EQ(judge(to(pairs + "a")), "400 http.target");
}

TEST(RequestHeadTest, ExpectsOnlyContinue) {
  RequestHead head;
  EXPECT_EQ(judge(with("Content-Length: 3\r\nExpect: 100-Continue"), &head), "");
  EXPECT_TRUE(head.expect_continue);
  EXPECT_EQ(judge(with("Content-Length: 3\r\nExpect: 200-ok")), "417 http.expectation");
}

// However the bytes are cut into pieces, the judgement is the same, and no input makes the
// reader crash.
TEST(RequestHeadTest, JudgementDoesNotDependOnHowBytesArrive) {
  std::mt19937 random(7);
  const std::string good =
      "\r\nPOST /a?x=1 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nX: y\r\n\r\n";
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes = good;
    for (unsigned i = random() % 4; i > 0; --i) {
      const auto at = random() % bytes.size();
      switch (random() % 3) {
        case 0:
          bytes[at] = static_cast<char>(random());
          break;
        case 1:
          bytes.erase(at, 1);
          break;
        default:
          bytes.insert(at, 1, "\r\n: \t\0/%"[random() % 8]);
          break;
      }
    }
    const auto whole = judge(bytes);
    std::size_t scanned = 0;
    std::string pieces = "more";
    for (std::size_t size = 1; size <= bytes.size() && pieces == "more"; ++size) {
      const auto scan = scan_head(std::string_view(bytes).substr(0, size), scanned);
      if (scan.state == HeadScan::State::refused)
        pieces = std::to_string(scan.refusal.status) + " " + scan.refusal.code;
      if (scan.state == HeadScan::State::complete)
        pieces = judge(std::string_view(bytes).substr(0, scan.size));
    }
    ASSERT_EQ(pieces, whole) << bytes;
  }
}

}  // namespace
}  // namespace rabt::http::request_head_test
