#include <gtest/gtest.h>

#include "harness.hpp"
#include "hub/workflow/run/openapi.hpp"
#include "hub/workflow/run/uri_template.hpp"

// The parts of HTTP and OpenAPI calls that scenarios in tests/workflow/features do not reach.
namespace rabt::workflow::http_call_test {
namespace {

Json answer(int status, Json body, const char* type = "application/json") {
  return Json::object({{"status", status},
                       {"headers", Json::object({{"content-type", type}})},
                       {"body", std::move(body)}});
}

TEST(UriTemplate, ExpandsAsRfc6570SimpleExpansion) {
  // Section 3.2.2, with the variables of section 3.2.1; what needs an array is an error here.
  const Json values = json(
      R"({"var":"value","hello":"Hello World!","half":"50%","empty":"","x":"1024","y":"768","path":"/foo/bar"})");
  for (const auto& [text, expected] : std::vector<std::pair<const char*, const char*>>{
           {"{var}", "value"},
           {"{hello}", "Hello%20World%21"},
           {"{half}", "50%25"},
           {"O{empty}X", "OX"},
           {"O{undef}X", "OX"},
           {"{x,y}", "1024,768"},
           {"{x,hello,y}", "1024,Hello%20World%21,768"},
           {"?{x,empty}", "?1024,"},
           {"?{x,undef}", "?1024"},
           {"?{undef,y}", "?768"},
           {"{path}", "%2Ffoo%2Fbar"},
           {"a b%20c%zz\xc3\xa4", "a%20b%20c%25zz%C3%A4"}}) {
    const Result<std::string> found = expand_uri_template(text, values);
    ASSERT_TRUE(found.ok()) << text;
    EXPECT_EQ(found.value(), expected) << text;
  }
  EXPECT_EQ(expand_uri_template("{n}/{b}/{z}", json(R"({"n":1.50,"b":true,"z":null})")).value(),
            "1.50/true/");
}

TEST(UriTemplate, RefusesDotSegmentsOnlyWhereTheyAreSegments) {
  const Json values = json(R"({"d":"..","one":"."})");
  for (const char* text : {"https://x/{d}", "https://x/{d}/y", "https://x/{one}?q", "/{d}"})
    EXPECT_FALSE(expand_uri_template(text, values).ok()) << text;
  for (const char* text : {"https://x/a{d}", "https://x/{d}b/y", "https://x/?q={d}"})
    EXPECT_TRUE(expand_uri_template(text, values).ok()) << text;
}

// The table "Style Examples" of OpenAPI 3.0.3, "Parameter Object". Its empty label, `.`, is
// refused: as a segment it leads to another path.
TEST(OpenApi, WritesParametersInEveryStyle) {
  struct Case {
    const char* in;
    const char* style;
    bool explode;
    const char* empty;
    const char* text;
    const char* array;
    const char* object;
  };
  const std::vector<Case> cases = {
      {"path", "matrix", false, ";color", ";color=blue", ";color=blue,black,brown",
       ";color=R,100,G,200,B,150"},
      {"path", "matrix", true, ";color", ";color=blue", ";color=blue;color=black;color=brown",
       ";R=100;G=200;B=150"},
      {"path", "label", false, nullptr, ".blue", ".blue,black,brown", ".R,100,G,200,B,150"},
      {"path", "label", true, nullptr, ".blue", ".blue.black.brown", ".R=100.G=200.B=150"},
      {"path", "simple", false, nullptr, "blue", "blue,black,brown", "R,100,G,200,B,150"},
      {"path", "simple", true, nullptr, "blue", "blue,black,brown", "R=100,G=200,B=150"},
      {"query", "form", false, "color=", "color=blue", "color=blue,black,brown",
       "color=R,100,G,200,B,150"},
      {"query", "form", true, "color=", "color=blue", "color=blue&color=black&color=brown",
       "R=100&G=200&B=150"},
      {"query", "spaceDelimited", false, nullptr, nullptr, "color=blue%20black%20brown",
       "color=R%20100%20G%20200%20B%20150"},
      {"query", "pipeDelimited", false, nullptr, nullptr, "color=blue%7Cblack%7Cbrown",
       "color=R%7C100%7CG%7C200%7CB%7C150"},
      {"query", "deepObject", true, nullptr, nullptr, nullptr,
       "color%5BR%5D=100&color%5BG%5D=200&color%5BB%5D=150"},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(std::string(one.in) + ' ' + one.style + (one.explode ? " exploded" : ""));
    const bool path = std::string_view(one.in) == "path";
    const Json document = Json::object(
        {{"openapi", "3.0.3"},
         {"paths",
          Json::object(
              {{path ? "/p/{color}" : "/p",
                Json::object({{"get", Json::object({{"operationId", "o"},
                                                    {"parameters",
                                                     Json::array({Json::object(
                                                         {{"name", "color"},
                                                          {"in", one.in},
                                                          {"required", true},
                                                          {"style", one.style},
                                                          {"explode", one.explode}})})}})}})}})}});
    const auto uri = [&](const Json& value) {
      const Result<HttpRequest> request =
          openapi_request(document, "https://a.example/doc", "o", Json::object({{"color", value}}));
      return request.ok() ? request.value().uri : request.error().message;
    };
    const std::string start = path ? "https://a.example/p/" : "https://a.example/p?";
    const auto check = [&](const char* expected, const Json& value) {
      if (expected == nullptr) return;  // n/a in the table
      EXPECT_EQ(uri(value), start + expected);
    };
    check(one.empty, "");
    check(one.text, "blue");
    check(one.array, json(R"(["blue","black","brown"])"));
    check(one.object, json(R"({"R":100,"G":200,"B":150})"));
    EXPECT_NE(uri(json(R"([[1]])")).find("holds an array or object inside another"),
              std::string::npos);
  }
}

TEST(OpenApi, HostileDocumentsEnd) {
  const auto message = [](const char* document) {
    const Result<HttpRequest> request =
        openapi_request(json(document), "https://a.example/doc", "o", json(R"({"x":1})"));
    return request.ok() ? request.value().uri
                        : request.error().code + ": " + request.error().message;
  };
  EXPECT_EQ(message(R"({"openapi":"3.0.0","paths":{"/":{"$ref":"#/paths/~1"}}})"),
            "configuration: the document's reference `#/paths/~1` leads in a circle");
  EXPECT_EQ(message(R"({"openapi":"3.0.0","paths":{"/":{"$ref":"other.yaml#/a"}}})"),
            "configuration: the document refers to `other.yaml#/a`; only references inside the "
            "document are followed");
  EXPECT_EQ(message(R"({"openapi":"3.0.0","paths":{"/":{"$ref":"#/nowhere"}}})"),
            "configuration: the document's reference `#/nowhere` leads nowhere");
  EXPECT_EQ(message(R"({"openapi":"3.0.0","paths":{"/{x}":{"get":{"operationId":"o"}}}})"),
            "configuration: the path needs `{x}`, but the operation declares no such parameter");
  EXPECT_EQ(
      message(
          R"({"openapi":"3.0.0","servers":[{"url":"ftp://a"}],"paths":{"/":{"get":{"operationId":"o"}}}})"),
      "configuration: the server of the operation is not an http or https URL");
  EXPECT_EQ(
      message(
          R"({"openapi":"3.0.0","servers":[{"url":"https://{v}"}],"paths":{"/":{"get":{"operationId":"o"}}}})"),
      "configuration: the server's variable `v` has no default");
  // A schema that contains itself, through allOf.
  EXPECT_EQ(
      message(
          R"({"openapi":"3.0.0","paths":{"/":{"put":{"operationId":"o","requestBody":{"content":{"application/json":{"schema":{"$ref":"#/s"}}}}}}},"s":{"allOf":[{"$ref":"#/s"}]}})"),
      "https://a.example/");
  EXPECT_EQ(
      message(
          R"({"swagger":"2.0","paths":{"/":{"put":{"operationId":"o","parameters":[{"name":"x","in":"formData","type":"file"}]}}}})"),
      "configuration: the operation takes a file (parameter `x`), which is not supported");
}

TEST(OpenApi, TheServerOfSwaggerPrefersHttps) {
  const auto uri = [](const char* more) {
    Json document =
        json(R"({"swagger":"2.0","basePath":"/v2","paths":{"/p":{"get":{"operationId":"o"}}}})");
    const Json added = json(more);
    for (const auto& [key, value] : added.as_object()) document.set(key, value);
    return openapi_request(document, "http://docs.example:81/a/swagger.json", "o", Json())
        .value()
        .uri;
  };
  EXPECT_EQ(uri(R"({"host":"api.example","schemes":["http","https"]})"),
            "https://api.example/v2/p");
  EXPECT_EQ(uri(R"({"host":"api.example","schemes":["http"]})"), "http://api.example/v2/p");
  EXPECT_EQ(uri(R"({"host":"api.example"})"), "http://api.example/v2/p");
  EXPECT_EQ(uri("{}"), "http://docs.example:81/v2/p");
}

constexpr const char* kSecretive = R"(
use: {secrets: [api]}
do:
  - ask:
      call: http
      with:
        method: post
        endpoint: {uri: 'https://example.org/{id}', authentication: {basic: {use: api}}}
        query: {key: '${ $secrets.api.password }'}
        headers: {X-Key: '${ $secrets.api.password }', X-Auth: '${ $authorization.parameter }'}
        body: {key: '${ $secrets.api.password }'}
        output: response
)";

TEST(Secrets, LeaveOnlyInTheArgumentsOfCalls) {
  const std::string secret = "correct-horse";
  for (const int status : {200, 500}) {
    Execution execution(parsed(kSecretive),
                        json(R"({"api":{"username":"u","password":"correct-horse"}})"));
    std::vector<Effect> all = execution.apply({{1'000}, Start{"I", json(R"({"id":1})")}});
    const auto call = std::get<CallAction>(execution.open().front());
    EXPECT_NE(call.arguments.dump().find(secret), std::string::npos);
    EXPECT_EQ(call.arguments["headers"]["X-Key"], Json(secret));
    for (const Effect& effect : execution.apply(
             {{2'000},
              ActionEnded{call.id, {OutcomeKind::done, answer(status, "x"), "", "", {}, 0}}}))
      all.push_back(effect);
    bool finished = false;
    for (const Effect& effect : all) {
      if (std::holds_alternative<CallAction>(effect)) continue;
      const std::string text = text_of(effect);
      EXPECT_EQ(text.find(secret), std::string::npos) << text;
      EXPECT_EQ(text.find("dTpjb3JyZWN0LWhvcnNl"), std::string::npos) << text;  // as basic
      finished = finished || std::holds_alternative<Finished>(effect);
    }
    EXPECT_TRUE(finished);
    EXPECT_EQ(execution.context().dump().find(secret), std::string::npos);
  }
}

TEST(Secrets, AreNeitherInErrorsOfExpressionsNorOfRequests) {
  for (const char* broken :
       {"body: '${ $secrets.api | tonumber }'", "headers: {X: '${ [$secrets.api] }'}",
        "query: {a: '${ {b: $secrets.api} }'}"}) {
    const std::string body =
        std::string(
            "use: {secrets: [api]}\ndo:\n  - ask:\n      call: http\n      with:\n        "
            "method: get\n        endpoint: https://example.org\n        ") +
        broken + "\n";
    Execution execution(parsed(body), json(R"({"api":"correct-horse"})"));
    bool faulted = false;
    for (const Effect& effect : execution.apply({{1'000}, Start{"I", {}}})) {
      if (const auto* finished = std::get_if<Finished>(&effect)) {
        faulted = finished->status == InstanceStatus::faulted;
        EXPECT_EQ(finished->error.dump().find("correct-horse"), std::string::npos) << broken;
      }
    }
    EXPECT_TRUE(faulted) << broken;
  }
}

TEST(HttpCalls, AnOpenRequestIsTheSameAfterARestart) {
  const char* body = R"(
do:
  - ask:
      call: openapi
      with: {document: {endpoint: 'https://example.org/doc'}, operationId: o}
      output: {as: .n}
)";
  const Json document = json(R"({"openapi":"3.1.0","paths":{"/p":{"get":{"operationId":"o"}}}})");
  Play first(body);
  const CallAction fetch = first.only<CallAction>();
  EXPECT_EQ(fetch.reference, "/do/0/ask/document");
  first.done(fetch, answer(200, document));
  const CallAction call = first.only<CallAction>();
  EXPECT_EQ(call.reference, "/do/0/ask");
  EXPECT_GT(call.id, fetch.id);
  first.done(call, answer(200, json(R"({"n":5})")));
  EXPECT_EQ(first.output(), Json(5));
  // Replay: the same inputs give the same effects, and open() says at each point what is awaited.
  Execution again(parsed(body));
  std::vector<Effect> all;
  for (std::size_t i = 0; i < first.inputs.size(); ++i) {
    for (const Effect& effect : again.apply(first.inputs[i])) all.push_back(effect);
    if (i + 1 < first.inputs.size()) {
      ASSERT_EQ(again.open().size(), 1U);
      EXPECT_EQ(text_of(again.open().front()), text_of(i == 0 ? Effect(fetch) : Effect(call)));
    }
  }
  ASSERT_EQ(all.size(), first.all.size());
  for (std::size_t i = 0; i < all.size(); ++i) EXPECT_EQ(text_of(all[i]), text_of(first.all[i]));
}

TEST(HttpCalls, ADocumentThatIsStillOnItsWayIsCancelledWithItsTask) {
  Play run(R"(
do:
  - ask:
      call: openapi
      with: {document: {endpoint: 'https://example.org/doc'}, operationId: o}
      timeout: {after: PT5S}
)");
  const CallAction fetch = run.only<CallAction>();
  run.fire(run.only<StartTimer>());
  EXPECT_EQ(run.effects<CancelCall>().front().id, fetch.id);
  EXPECT_EQ(run.error()["status"].as_int64(), 408);
  run.done(fetch, answer(200, json(R"({"openapi":"3.1.0"})")));  // late: ignored
}

TEST(HttpCalls, TracesNameTheRequestWithoutData) {
  Play run(
      "do:\n  - a: {call: http, with: {method: get, endpoint: "
      "'https://example.org/patients/{id}?mrn={mrn}'}}\n",
      json(R"({"id":"P1","mrn":"12345"})"));
  const TaskTrace trace = run.effects<TaskTrace>().front();
  EXPECT_EQ(trace.kind, "call");
  EXPECT_EQ(trace.detail, "http GET https://example.org/patients/{id}");
  run.done(run.only<CallAction>(), answer(404, json(R"({"patient":"P1"})")));
  for (const TaskTrace& task_trace : run.effects<TaskTrace>()) {
    EXPECT_EQ(task_trace.detail.find("P1"), std::string::npos) << task_trace.detail;
    EXPECT_EQ(task_trace.detail.find("12345"), std::string::npos) << task_trace.detail;
  }
  EXPECT_EQ(run.error().dump().find("P1"), std::string::npos);
}

TEST(HttpCalls, BytesThatAreNoTextAreBase64Content) {
  const char* body =
      "do:\n  - a: {call: http, with: {method: get, endpoint: https://example.org, output: "
      "content}}\n";
  Play binary(body);
  binary.done(binary.only<CallAction>(), answer(200, json(R"({"base64":"//4B"})"), "image/png"));
  EXPECT_EQ(binary.output(), Json("//4B"));
  // The same shape as JSON is JSON.
  Play object(body);
  object.done(object.only<CallAction>(), answer(200, json(R"({"base64":"//4B"})")));
  EXPECT_EQ(object.output().dump(), R"({"base64":"//4B"})");
}

// The request was carried out: it is not repeated, and no text stands for what could not be read.
TEST(HttpCalls, AnAnswerThatCouldNotBeReadIsAnErrorThatSaysWhy) {
  for (const char* output : {"content", "response"}) {
    Play run(
        "do:\n  - a:\n      try:\n        - ask: {call: http, with: {method: post, endpoint: "
        "https://example.org, output: " +
        std::string(output) + "}}\n      catch: {retry: {limit: {attempt: {count: 3}}}}\n");
    Json unread = answer(200, Json("<html>"));
    unread.set("unread", "it says that it is JSON: not valid JSON at byte 1");
    run.done(run.only<CallAction>(), unread);
    EXPECT_EQ(run.error()["status"].as_int64(), 502);
    EXPECT_TRUE(run.error().string_or("type", "").ends_with("/communication"));
    EXPECT_EQ(run.error().string_or("detail", ""),
              "it says that it is JSON: not valid JSON at byte 1");
    EXPECT_EQ(run.error().dump().find("html"), std::string::npos);
  }
}

TEST(HttpCalls, AnAnswerWithoutAStatusIsAnError) {
  for (const char* output : {"null", "{}", R"({"status":"200"})", R"({"status":99999})", "[]"}) {
    Play run("do:\n  - a: {call: http, with: {method: get, endpoint: https://example.org}}\n");
    run.done(run.only<CallAction>(), json(output));
    EXPECT_EQ(run.error()["status"].as_int64(), 502) << output;
  }
}

TEST(HttpCalls, ArgumentsHaveALimit) {
  Play run(
      "do:\n  - a: {call: http, with: {method: post, endpoint: https://example.org, body: '${ "
      "[range(300000)] }'}}\n");
  EXPECT_EQ(run.error()["title"].as_string(), "the arguments of the call are too large");
}

}  // namespace
}  // namespace rabt::workflow::http_call_test
