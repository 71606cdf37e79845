#include "hub/api/browser.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace rabt::api::browser_test {
namespace {

using Headers = std::vector<std::pair<std::string, std::string>>;

http::Request made(std::string method, Headers headers) {
  http::Request request;
  request.method = std::move(method);
  request.headers = std::move(headers);
  if (const auto length = request.header("content-length"); !length.empty())
    request.length = std::stoull(std::string(length));
  return request;
}

TEST(Browser, Trap56ACookieThatStandsTwiceProvesNothing) {
  const auto read = [](Headers headers) {
    return cookie(made("GET", std::move(headers)), kSessionCookie);
  };
  EXPECT_EQ(read({{"cookie", "a=b; __Host-rabt=x; c=d"}}).value(), "x");
  EXPECT_EQ(read({{"cookie", "a=b"}}).value(), std::nullopt);
  EXPECT_EQ(read({{"cookie", "X__Host-rabt=x; __Host-rabt2=y; __host-rabt=z"}}).value(),
            std::nullopt);
  EXPECT_EQ(read({}).value(), std::nullopt);
  EXPECT_FALSE(read({{"cookie", "__Host-rabt=x; __Host-rabt=y"}}).ok()) << "shadowed";
  EXPECT_FALSE(read({{"cookie", "__Host-rabt=x"}, {"cookie", "a=b"}}).ok()) << "two headers";
  EXPECT_FALSE(read({{"cookie", "a=b"}, {"cookie", "__Host-rabt=x"}}).ok());
}

TEST(Browser, ACookieOfAVisitIsForItsSession) {
  const std::string mother = "01BX5ZZKBKACTAV9WEVGEMMVRZ";
  const std::string son = "01BX5ZZKBKACTAV9WEVGEMMVS0";
  const std::string both =
      "__Host-rabt-visit-" + mother + "=m; __Host-rabt-visit-" + son + "=s; other=x";
  const auto shown = [&](const std::string& path, const std::string& cookies) {
    http::Request request = made("GET", {{"cookie", cookies}});
    request.path = path;
    return visit_of(request).secret;
  };
  EXPECT_EQ(shown("/api/v1/sessions/" + mother, both), "m");
  EXPECT_EQ(shown("/api/v1/sessions/" + son + "/join", both), "s");
  EXPECT_EQ(shown("/api/v1/stream", both), "m");
  http::Request named = made("GET", {{"cookie", both}, {"x-rabt-visit", son}});
  named.path = "/api/v1/documents/01BX5ZZKBKACTAV9WEVGEMMVS1";
  EXPECT_EQ(visit_of(named).secret, "s") << "the page says which visit it shows";
  named.path = "/api/v1/sessions/" + mother;
  EXPECT_EQ(visit_of(named).secret, "m") << "the path decides";
  EXPECT_EQ(shown("/api/v1/sessions/7", both), "") << "a number names no cookie";
  EXPECT_EQ(shown("/video/sessions/" + son, both), "") << "other systems know no guests";
  EXPECT_EQ(shown("/api/v1/sessions/" + son,
                  "__Host-rabt-visit-" + son + "=s; __Host-rabt-visit-" + son + "=t"),
            "")
      << "two proofs of one visit";
  const std::string set = visit_cookie({.session = son, .secret = "s"});
  for (const char* part : {"__Host-rabt-visit-", "Secure", "HttpOnly", "SameSite=Strict", "Path=/"})
    EXPECT_NE(set.find(part), std::string::npos) << part;
  EXPECT_EQ(set.find("Domain"), std::string::npos);
}

TEST(Browser, Trap57OnlyAPageOfTheHubActsWithItsCookie) {
  const std::string own = "https://hub.example";
  const std::pair<std::string, std::string> json{"content-type", "application/json"};
  struct Row {
    Headers headers;
    bool passes;
  };
  const std::vector<Row> rows{
      {{{"sec-fetch-site", "same-origin"}, json}, true},
      {{{"sec-fetch-site", "same-origin"}, {"origin", "https://evil.example"}, json}, true},
      {{{"sec-fetch-site", "same-site"}, {"origin", own}, json}, false},
      {{{"sec-fetch-site", "cross-site"}, {"origin", own}, json}, false},
      {{{"sec-fetch-site", "none"}, {"origin", own}, json}, false},
      {{{"sec-fetch-site", "same-origin"}, {"sec-fetch-site", "cross-site"}, json}, false},
      {{{"origin", own}, json}, true},
      {{{"origin", own}, {"content-type", "application/json; charset=utf-8"}}, true},
      {{{"origin", own}, {"origin", own}, json}, false},
      {{{"origin", "null"}, json}, false},
      {{{"origin", "https://hub.example:443"}, json}, false},
      {{{"origin", "https://HUB.example"}, json}, false},
      {{{"origin", "http://hub.example"}, json}, false},
      {{{"origin", "https://hub.example.evil"}, json}, false},
      {{{"origin", "https://a.hub.example"}, json}, false},
      {{json}, false},
      {{{"referer", own + "/x"}, json}, false},
      {{{"sec-fetch-site", "same-origin"}}, true},
      {{{"sec-fetch-site", "same-origin"}, {"content-length", "2"}}, false},
      {{{"sec-fetch-site", "same-origin"}, {"content-type", "text/plain"}}, false},
      {{{"sec-fetch-site", "same-origin"}, {"content-type", "application/x-www-form-urlencoded"}},
       false},
      {{{"sec-fetch-site", "same-origin"}, {"content-type", "multipart/form-data; boundary=x"}},
       false},
  };
  for (const char* method : {"POST", "PUT", "PATCH", "DELETE", "FROB"}) {
    for (std::size_t i = 0; i < rows.size(); ++i)
      EXPECT_EQ(check_browser(made(method, rows[i].headers), own).ok(), rows[i].passes)
          << method << " " << i;
  }
  EXPECT_TRUE(check_browser(made("GET", {{"sec-fetch-site", "cross-site"}}), own).ok());
  EXPECT_FALSE(check_browser(made("POST", {{"origin", ""}, json}), "").ok());
}

TEST(Browser, Trap65AForeignPageOpensNoWebSocketWithTheCookie) {
  const auto opens = [](Headers headers) {
    headers.emplace_back("upgrade", "websocket");
    return check_browser(made("GET", std::move(headers)), "https://hub.example").ok();
  };
  EXPECT_TRUE(opens({{"origin", "https://hub.example"}}));
  EXPECT_FALSE(opens({}));
  EXPECT_FALSE(opens({{"origin", "null"}}));
  EXPECT_FALSE(opens({{"origin", "https://evil.example"}}));
  EXPECT_FALSE(opens({{"sec-fetch-site", "same-origin"}}));
}

TEST(Browser, Trap37WhoSignsInIsSentToAPathOfTheHubOnly) {
  for (const char* good : {"/", "/console", "/console?a=b#c", "/a//b"})
    EXPECT_TRUE(is_own_path(good)) << good;
  for (const char* bad :
       {"", "console", "//evil.example", "/\\evil.example", "\\\\evil", "https://evil.example",
        "https://hub.example@evil.example", "/a\\b", "/a b", "/a\tb", "/a\r\nSet-Cookie: x",
        "/\x7f", "javascript:alert(1)", "/ä"})
    EXPECT_FALSE(is_own_path(bad)) << bad;
  EXPECT_FALSE(is_own_path("/" + std::string(2'000, 'a')));
}

TEST(Browser, TheCookieIsForThisHostOverTlsAndHiddenFromScripts) {
  EXPECT_EQ(set_cookie(kSessionCookie, "v"),
            "__Host-rabt=v; Path=/; Secure; HttpOnly; SameSite=Lax");
  EXPECT_EQ(origin_of("https://hub.example:8443/rabt"), "https://hub.example:8443");
  EXPECT_EQ(origin_of("https://hub.example"), "https://hub.example");
  EXPECT_EQ(origin_of("hub.example"), "");
}

}  // namespace
}  // namespace rabt::api::browser_test
