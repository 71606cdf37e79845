#include "hub/pages/pages.hpp"

#include <gtest/gtest.h>

namespace rabt::pages::pages_test {
namespace {

// A bundle of one script, one style and one font, as console/embed.mjs writes it.
constexpr std::string_view kBytes =
    "rabt pages 1\n"
    R"({"files":{"main-A.js":{"type":"text/javascript; charset=utf-8","hash":"aa","plain":[0,6],"gzip":[6,4]},)"
    R"("part-B.js":{"type":"text/javascript; charset=utf-8","hash":"bb","plain":[0,6]},)"
    R"("ar-C.js":{"type":"text/javascript; charset=utf-8","hash":"cc","plain":[0,6]}},)"
    R"("entries":{"src/clinic/main.tsx":"main-A.js","src/call/main.tsx":"call-D.js","src/ops/main.tsx":"ops-E.js",)"
    R"("src/styles/main.css":"main-F.css","src/styles/console.css":"console-G.css",)"
    R"("strings/ar.json":"ar-C.js","strings/console.ar.json":"words-H.js"},)"
    R"("preload":{"src/clinic/main.tsx":["part-B.js"]}})"
    "\nscriptGZIP";

const Bundle& bundle() {
  static const Bundle made = *Bundle::read(kBytes);
  return made;
}

http::Request asks(std::string path, std::vector<std::pair<std::string, std::string>> headers = {},
                   std::string method = "GET") {
  http::Request request;
  request.method = std::move(method);
  request.path = std::move(path);
  request.headers = std::move(headers);
  return request;
}

std::string header(const http::Response& response, std::string_view name) {
  for (const auto& [key, value] : response.headers) {
    if (key == name) return value;
  }
  return {};
}

TEST(Pages, ShellsOfTheClinicAreHtmlThatNobodyKeeps) {
  const Pages pages(bundle());
  for (const char* path :
       {"/", "/login", "/bootstrap", "/activate", "/clinic", "/clinic/sessions/1", "/i"}) {
    const auto response = pages.answer(asks(path));
    ASSERT_TRUE(response) << path;
    EXPECT_EQ(response->status, 200) << path;
    EXPECT_EQ(header(*response, "Content-Type"), "text/html; charset=utf-8");
    EXPECT_EQ(header(*response, "Cache-Control"), "no-store");
    EXPECT_EQ(header(*response, "Cross-Origin-Opener-Policy"), "same-origin");
    EXPECT_EQ(header(*response, "Permissions-Policy"),
              "camera=(), microphone=(), display-capture=()");
    EXPECT_EQ(
        header(*response, "Content-Security-Policy"),
        "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src "
        "'self' data: blob:; "
        "manifest-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'; "
        "object-src 'none'; "
        "require-trusted-types-for 'script'; connect-src 'self'; media-src 'self'; trusted-types "
        "'none'");
    EXPECT_NE(response->body.find("<script type=\"module\" src=\"/assets/main-A.js\">"),
              std::string::npos);
    EXPECT_NE(response->body.find("<link rel=\"modulepreload\" href=\"/assets/part-B.js\">"),
              std::string::npos);
    EXPECT_EQ(response->body.find("style="), std::string::npos);
  }
}

TEST(Pages, TheFirstOfThemLeadsToTheDescriptionsOfTheApis) {
  const Pages pages(bundle());
  EXPECT_EQ(header(*pages.answer(asks("/")), "Link"), "</api/docs>; rel=\"service-doc\"");
  EXPECT_EQ(header(*pages.answer(asks("/clinic")), "Link"), "");
}

TEST(Pages, OfACallMayUseCameraAndTheServersOfItsProvider) {
  const Pages pages(bundle(), {.call_sources = {"wss://janus.example.sa"}});
  const auto call = pages.answer(asks("/call/01K"));
  ASSERT_TRUE(call);
  EXPECT_NE(header(*call, "Permissions-Policy")
                .find("camera=(self), microphone=(self), display-capture=(self)"),
            std::string::npos);
  EXPECT_NE(
      header(*call, "Content-Security-Policy").find("connect-src 'self' wss://janus.example.sa;"),
      std::string::npos);
  EXPECT_NE(header(*call, "Content-Security-Policy").find("trusted-types 'none'"),
            std::string::npos);
  // No provider's client gets more than its servers.
  for (const char* more : {"unsafe", "worker-src", "trusted-types default"})
    EXPECT_EQ(header(*call, "Content-Security-Policy").find(more), std::string::npos) << more;
  const auto clinic = pages.answer(asks("/clinic"));
  EXPECT_EQ(header(*clinic, "Content-Security-Policy").find("janus"), std::string::npos);
}

TEST(Pages, SayWhomAPatientCallsAlsoWhileTheHubIsGone) {
  const Pages pages(bundle(), {.phone = "+966 11 234 5678",
                               .hospital = {{"ar", "مستشفى"}, {"en", "\"Care\" <&> Co"}}});
  for (const char* path : {"/", "/call/01K", "/i"}) {
    const auto shell = pages.answer(asks(path));
    ASSERT_TRUE(shell) << path;
    EXPECT_NE(shell->body.find("<meta name=\"rabt-phone\" content=\"+966 11 234 5678\">"),
              std::string::npos);
    EXPECT_NE(shell->body.find("<meta name=\"rabt-hospital-ar\" content=\"مستشفى\">"),
              std::string::npos);
    EXPECT_NE(shell->body.find("content=\"&quot;Care&quot; &lt;&amp;&gt; Co\">"),
              std::string::npos);
  }
  EXPECT_EQ(Pages(bundle()).answer(asks("/"))->body.find("rabt-phone"), std::string::npos);
}

TEST(Pages, NameTheIssuersAtWhichOneMaySignIn) {
  const Pages pages(
      bundle(), {.issuers = {{"hospital", {{"ar", "دخول"}, {"en", "\"Sign\" in"}}}, {"x", {}}}});
  const auto shell = pages.answer(asks("/login"));
  ASSERT_TRUE(shell);
  EXPECT_NE(shell->body.find("<meta name=\"rabt-issuer\" content=\"hospital\" data-ar=\"دخول\" "
                             "data-en=\"&quot;Sign&quot; in\">\n"
                             "<meta name=\"rabt-issuer\" content=\"x\">\n"),
            std::string::npos)
      << shell->body;
  EXPECT_EQ(Pages(bundle()).answer(asks("/login"))->body.find("rabt-issuer"), std::string::npos);
}

TEST(Pages, OfTheConsoleHaveTheirOwnScriptStyleAndTexts) {
  const Pages pages(bundle());
  for (const char* path : {"/console", "/console/instances", "/console/instances/01K/graph"}) {
    const auto console = pages.answer(asks(path));
    ASSERT_TRUE(console) << path;
    for (const char* part : {"<script type=\"module\" src=\"/assets/ops-E.js\">",
                             "<link rel=\"stylesheet\" href=\"/assets/main-F.css\">",
                             "<link rel=\"stylesheet\" href=\"/assets/console-G.css\">",
                             "<link rel=\"modulepreload\" href=\"/assets/ar-C.js\">",
                             "<link rel=\"modulepreload\" href=\"/assets/words-H.js\">"})
      EXPECT_NE(console->body.find(part), std::string::npos) << path << " " << part;
    EXPECT_EQ(header(*console, "Permissions-Policy"),
              "camera=(), microphone=(), display-capture=()");
    EXPECT_EQ(header(*console, "Cache-Control"), "no-store");
  }
  const auto clinic = pages.answer(asks("/clinic"));
  EXPECT_EQ(clinic->body.find("console-G.css"), std::string::npos);
  EXPECT_EQ(clinic->body.find("words-H.js"), std::string::npos);
  for (const char* path : {"/consoles", "/consolex/instances"})
    EXPECT_FALSE(pages.answer(asks(path))) << path;
}

TEST(Pages, SpeakTheLanguageThatWasChosenOrThatTheBrowserAsksFor) {
  const Pages pages(bundle());
  struct Row {
    const char* cookie;
    const char* accepts;
    const char* wanted;
  };
  for (const Row& row : {Row{"", "", "lang=\"ar\" dir=\"rtl\""},
                         Row{"", "en-GB,en;q=0.9", "lang=\"en\" dir=\"ltr\""},
                         Row{"", "fr, en;q=0.5, ar-SA;q=0.8", "lang=\"ar\" dir=\"rtl\""},
                         Row{"rabt-lang=en", "ar", "lang=\"en\" dir=\"ltr\""},
                         Row{"a=b; rabt-lang=ar", "en", "lang=\"ar\" dir=\"rtl\""},
                         Row{"rabt-lang=\"><script>", "en", "lang=\"en\" dir=\"ltr\""}}) {
    const auto response =
        pages.answer(asks("/", {{"cookie", row.cookie}, {"accept-language", row.accepts}}));
    EXPECT_NE(response->body.find(std::string("<html ") + row.wanted), std::string::npos)
        << row.cookie << " " << row.accepts;
  }
  const auto arabic = pages.answer(asks("/"));
  EXPECT_NE(arabic->body.find("href=\"/assets/ar-C.js\""), std::string::npos)
      << "its texts are loaded at once";
  const auto dark = pages.answer(asks("/", {{"cookie", "rabt-theme=dark"}}));
  EXPECT_NE(dark->body.find("data-theme=\"dark\""), std::string::npos);
  const auto odd = pages.answer(asks("/", {{"cookie", "rabt-theme=x\"y"}}));
  EXPECT_EQ(odd->body.find("data-theme"), std::string::npos);
}

TEST(Pages, FilesAreKeptForAYearAndComePackedToWhoTakesThat) {
  const Pages pages(bundle());
  const auto plain = pages.answer(asks("/assets/main-A.js"));
  EXPECT_EQ(plain->body, "script");
  EXPECT_EQ(header(*plain, "Content-Encoding"), "");
  EXPECT_EQ(header(*plain, "Cache-Control"), "public, max-age=31536000, immutable");
  EXPECT_EQ(header(*plain, "ETag"), "\"aa\"");
  EXPECT_EQ(header(*plain, "Vary"), "Accept-Encoding");
  const auto packed =
      pages.answer(asks("/assets/main-A.js", {{"accept-encoding", "br, gzip;q=0.8"}}));
  EXPECT_EQ(packed->body, "GZIP");
  EXPECT_EQ(header(*packed, "Content-Encoding"), "gzip");
  EXPECT_EQ(pages.answer(asks("/assets/main-A.js", {{"accept-encoding", "gzip;q=0"}}))->body,
            "script");
  EXPECT_EQ(pages.answer(asks("/assets/part-B.js", {{"accept-encoding", "gzip"}}))->body, "script");
  const auto same = pages.answer(asks("/assets/main-A.js", {{"if-none-match", "W/\"x\", \"aa\""}}));
  EXPECT_EQ(same->status, 304);
  EXPECT_TRUE(same->body.empty());
}

TEST(Pages, AnswerNothingElse) {
  const Pages pages(bundle());
  for (const char* path :
       {"/assets/", "/assets/nothing.js", "/assets/../rabt.yaml", "/assets/main-A.js/"}) {
    const auto response = pages.answer(asks(path));
    ASSERT_TRUE(response) << path;
    EXPECT_EQ(response->status, 404) << path;
  }
  for (const char* path :
       {"/api/v1/me", "/health", "/clinics", "/calls/1", "/call", "/loginx", "/i/x", "/assets"})
    EXPECT_FALSE(pages.answer(asks(path))) << path;
  const auto posted = pages.answer(asks("/login", {}, "POST"));
  EXPECT_EQ(posted->status, 405);
  EXPECT_EQ(header(*posted, "Allow"), "GET, HEAD");
}

TEST(Pages, TakeTheAddressesOfFormerSystemsForBrowsersAlone) {
  const Pages pages(bundle());
  const std::vector<std::pair<std::string, std::string>> browser{
      {"accept", "text/html,application/xhtml+xml,*/*;q=0.8"}};
  struct Row {
    const char* path;
    const char* wanted;
  };
  for (const Row& row : {Row{"/dashboard", "/clinic"}, Row{"/telemedicine", "/clinic/sessions"},
                         Row{"/visits/17/telemedicine", "/clinic/sessions?visit=17"}}) {
    const auto response = pages.moved(asks(row.path, browser));
    ASSERT_TRUE(response) << row.path;
    EXPECT_EQ(response->status, 303);
    EXPECT_EQ(header(*response, "Location"), row.wanted);
    EXPECT_FALSE(pages.moved(asks(row.path, {{"accept", "application/json"}}))) << row.path;
    EXPECT_FALSE(pages.moved(asks(row.path, {{"accept", "*/*"}}))) << row.path;
    EXPECT_FALSE(pages.moved(asks(row.path, browser, "POST"))) << row.path;
  }
  for (const char* path : {"/visits/telemedicine", "/visits//telemedicine",
                           "/visits/a&b=c/telemedicine", "/dashboards"})
    EXPECT_FALSE(pages.moved(asks(path, browser))) << path;
  const Bundle none;
  EXPECT_FALSE(Pages(none).moved(asks("/dashboard", browser)));
}

TEST(Pages, OfAHubThatWasBuiltWithoutNodeSayHowToHaveThem) {
  const Bundle none = *Bundle::read("");
  const Pages pages(none);
  const auto root = pages.answer(asks("/"));
  EXPECT_EQ(root->status, 200);
  EXPECT_EQ(header(*root, "Content-Type"), "text/plain; charset=utf-8");
  EXPECT_NE(root->body.find("npm ci"), std::string::npos);
  EXPECT_NE(root->body.find("/api/docs"), std::string::npos);
  EXPECT_EQ(pages.answer(asks("/clinic"))->status, 404);
}

TEST(Bundle, ThatIsDamagedIsRefused) {
  for (std::string bytes :
       {std::string("rabt pages 2\n{}\n"), std::string("rabt pages 1\nno line"),
        std::string("rabt pages 1\n{}\n"), std::string("rabt pages 1\n[]\n"),
        std::string(
            "rabt pages "
            "1\n{\"files\":{\"a\":{\"plain\":[0,9]}},\"entries\":{},\"preload\":{}}\nshort")})
    EXPECT_FALSE(Bundle::read(bytes).ok()) << bytes;
}

TEST(Bundle, InThisProgramCanBeRead) {
  const Bundle& own = Bundle::embedded();
  if (own.empty()) GTEST_SKIP() << "this build has no pages";
  for (const char* source :
       {"src/clinic/main.tsx", "src/call/main.tsx", "src/ops/main.tsx", "src/styles/main.css",
        "src/styles/console.css", "src/styles/icon.svg", "strings/ar.json", "strings/en.json",
        "strings/console.ar.json", "strings/console.en.json"}) {
    const std::string_view name = own.made_of(source);
    ASSERT_FALSE(name.empty()) << source;
    EXPECT_NE(own.find(name), nullptr) << source;
  }
}

}  // namespace
}  // namespace rabt::pages::pages_test
