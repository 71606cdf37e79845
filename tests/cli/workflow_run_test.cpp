#include <gtest/gtest.h>

#include <chrono>
#include <sstream>

#include "hub/base/json.hpp"
#include "shell.hpp"
#include "tests/engine/loopback_http.hpp"

// `rabt workflow run`, from the shell.
namespace rabt::cli::workflow_run_test {
namespace {

// A file in the folder where the lines run.
std::string file(const std::string& name, const std::string& text) {
  return "cat > " + name + " <<'END_OF_FILE'\n" + text + "\nEND_OF_FILE\n";
}
std::string workflow(const std::string& body, const std::string& name = "w") {
  return file(name + ".yaml", "document: {dsl: '1.0.3', namespace: test, name: " + name +
                                  ", version: '1.0.0'}\n" + body);
}

// Standard output, which must hold one JSON value and nothing else.
Json only_value(const Ran& ran) {
  const auto value = Json::parse(ran.out);
  EXPECT_TRUE(value.ok()) << "standard output: " << ran.out << "\nstandard error: " << ran.err;
  return value.ok() ? *value : Json();
}
// Of a run that completes and says nothing else.
std::string output(const Ran& ran) {
  EXPECT_EQ(ran.code, 0) << ran.out << ran.err;
  EXPECT_EQ(ran.err, "");
  return only_value(ran).dump();
}
// Of a run that faults.
std::string error(const Ran& ran) {
  EXPECT_EQ(ran.code, 3) << ran.out << ran.err;
  EXPECT_EQ(ran.err, "");
  const Json value = only_value(ran);
  const std::string type = value.string_or("type", "");
  return type.substr(type.rfind('/') + 1) + ' ' + value["status"].dump() + ' ' +
         value.string_or("instance", "");
}
bool says(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

const char* const kEcho = "do: [{a: {set: {got: '${ . }'}}}]";

std::string event(const std::string& type, const std::string& data, const std::string& id) {
  return R"({"specversion":"1.0","id":")" + id + R"(","source":"/test","type":")" + type +
         R"(","data":)" + data + "}";
}

// ---- input

TEST(WorkflowRun, InputIsJsonOrYamlFromAFileOrStandardInput) {
  const std::string w = workflow(kEcho);
  EXPECT_EQ(output(run(w + R"(echo '{"x":1.50}' > i; rabt workflow run w.yaml --input i)")),
            R"({"got":{"x":1.50}})");
  EXPECT_EQ(output(run(w + "printf 'x:\\n  - موعد\\n' > i; rabt workflow run w.yaml --input i")),
            R"({"got":{"x":["موعد"]}})");
  EXPECT_EQ(output(run(w + "echo '[1]' | rabt workflow run w.yaml --input -")), R"({"got":[1]})");
  EXPECT_EQ(output(run(w + "rabt workflow run w.yaml")), R"({"got":null})");
}

TEST(WorkflowRun, WhatCannotBeReadIs2WithAMessageAndNoOutput) {
  const std::string w = workflow(kEcho);
  const auto wrong = [&](const std::string& lines) {
    const Ran ran = run(w + lines);
    EXPECT_EQ(ran.code, 2) << lines;
    EXPECT_EQ(ran.out, "") << lines;
    return ran.err;
  };
  EXPECT_TRUE(says(wrong("rabt workflow run none.yaml"), "none.yaml: cannot be read"));
  EXPECT_TRUE(says(wrong("rabt workflow run w.yaml --input none"), "none: cannot be read"));
  EXPECT_TRUE(says(wrong("echo '{\"a\": [1,' > i; rabt workflow run w.yaml --input i"), "i:"));
  EXPECT_TRUE(says(wrong("echo '[1' | rabt workflow run w.yaml --input -"), "standard input:1:"));
  EXPECT_TRUE(
      says(wrong("echo 'do: [{a: {sat: {}}}]' >> w.yaml; rabt workflow run w.yaml"), "w.yaml:3:"));
  EXPECT_TRUE(says(wrong("sed -i s/set/sat/ w.yaml; rabt workflow run w.yaml"),
                   "(did you mean `set`?) [workflow.unknown_key]"));
  EXPECT_TRUE(says(wrong("rabt workflow run w.yaml --event none"), "none: cannot be read"));
  EXPECT_TRUE(says(wrong("printf '\\n{\"id\":1}\\n' > e; rabt workflow run w.yaml --event e"),
                   "e:2: error: a CloudEvent needs the text `specversion`"));
  EXPECT_TRUE(says(wrong("rabt workflow run w.yaml --workflow none"), "none: cannot be read"));
  EXPECT_TRUE(says(wrong("rabt workflow run w.yaml --secret a"), "write NAME=VALUE"));
  EXPECT_TRUE(says(wrong("rabt workflow run w.yaml --secret a=NOT_THERE_"), "no NOT_THERE_"));
  EXPECT_TRUE(says(wrong("rabt workflow run w.yaml --map x.org=nonsense"), "--map"));
  EXPECT_TRUE(says(wrong("rabt workflow run w.yaml --reply payer=w.yaml"), "ROLE/ACTION=FILE"));
}

TEST(WorkflowRun, AnInputAgainstItsSchemaFaults) {
  const std::string w = workflow(
      "input: {schema: {document: {type: object, required: [x], properties: {x: {type: "
      "integer}}}}}\n"
      "do: [{a: {set: '${ .x }'}}]");
  EXPECT_EQ(output(run(w + "echo '{x: 1}' | rabt workflow run w.yaml --input -")), "1");
  EXPECT_EQ(error(run(w + "echo '{x: y}' | rabt workflow run w.yaml --input -")),
            "validation 400 /");
  EXPECT_EQ(error(run(w + "rabt workflow run w.yaml")), "validation 400 /");
}

// ---- events and time

TEST(WorkflowRun, AWorkflowThatEventsStartRunsWithAPlainInputToo) {
  const std::string w = workflow(
      "schedule: {on: {one: {with: {type: a.b.c}}}}\n"
      "do: [{a: {set: '${ .[0].data }'}}]");
  EXPECT_EQ(output(run(w + "echo '[{data: 5}]' | rabt workflow run w.yaml --input -")), "5");
  EXPECT_EQ(
      output(run(w + file("e", event("a.b.c", "6", "1")) + "rabt workflow run w.yaml --event e")),
      "6");
  const Ran none = run(w + "rabt workflow run w.yaml");
  EXPECT_EQ(none.code, 2);
  EXPECT_TRUE(says(none.err, "an event starts this workflow")) << none.err;
  const Ran other =
      run(w + file("e", event("a.b.d", "6", "1")) + "rabt workflow run w.yaml --event e");
  EXPECT_EQ(other.code, 2);
  EXPECT_TRUE(says(other.err, "schedule.on")) << other.err;
}

TEST(WorkflowRun, AllEventsOfASetStartOneInstance) {
  const std::string w = workflow(
      "schedule: {on: {all: [{with: {type: a}}, {with: {type: b}}]}}\n"
      "do: [{a: {set: '${ map(.data) }'}}]");
  const std::string late = R"({"after":"P2D","event":)" + event("a", "1", "2") + "}";
  EXPECT_EQ(output(run(w + file("e", event("b", "2", "1") + "\n" + late) +
                       "rabt workflow run w.yaml --event e")),
            "[1,2]");
  EXPECT_EQ(run(w + file("e", event("b", "2", "1")) + "rabt workflow run w.yaml --event e").code,
            2);
}

TEST(WorkflowRun, AScheduledWorkflowRunsOnce) {
  EXPECT_EQ(output(run(workflow("schedule: {every: PT5M}\ndo: [{a: {set: {x: 1}}}]") +
                       "rabt workflow run w.yaml")),
            R"({"x":1})");
}

TEST(WorkflowRun, AnEventFromAnotherBranchIsHeardAndDaysPassAtOnce) {
  const Ran ran = run(workflow(R"(
do:
  - both:
      fork:
        branches:
          - hears: {listen: {to: {one: {with: {type: a.b.c}}}}}
          - says:
              do:
                - later: {wait: {days: 3}}
                - now: {emit: {event: {with: {type: a.b.c, data: {n: '${ .n }'}}}}}
)") + "echo '{n: 7}' | rabt workflow run w.yaml --input -");
  EXPECT_EQ(ran.code, 0) << ran.err;
  const Json out = only_value(ran);
  EXPECT_EQ(out[0].dump(), R"([{"n":7}])");
  EXPECT_EQ(out[1]["type"], Json("a.b.c"));
  EXPECT_EQ(out[1]["data"].dump(), R"({"n":7})");
}

TEST(WorkflowRun, ATimeoutOfTheWorkflowFaults) {
  EXPECT_EQ(error(run(workflow("timeout: {after: PT1H}\ndo: [{a: {wait: PT2H}}]") +
                      "rabt workflow run w.yaml")),
            "timeout 408 /");
}

TEST(WorkflowRun, WhatWaitsForEverIs4AndSaysForWhat) {
  const Ran ran = run(workflow("do: [{a: {listen: {to: {one: {with: {type: a.b.c}}}}}}]") +
                      "rabt workflow run w.yaml");
  EXPECT_EQ(ran.code, 4);
  EXPECT_EQ(ran.out, "");
  EXPECT_TRUE(says(ran.err, "the event a.b.c")) << ran.err;
  const Ran years = run(workflow("do: [{a: {wait: {days: 36500}}}]") + "rabt workflow run w.yaml");
  EXPECT_EQ(years.code, 4);
  EXPECT_EQ(years.out, "");
  const Ran loop =
      run(workflow("do: [{a: {wait: {seconds: 1}, then: a}}]") + "rabt workflow run w.yaml");
  EXPECT_EQ(loop.code, 4);
  EXPECT_EQ(loop.out, "");
}

TEST(WorkflowRun, RealTimeIsWaitedFor) {
  const auto before = std::chrono::steady_clock::now();
  EXPECT_EQ(output(run(workflow("do: [{a: {set: {x: 1}}}, {b: {wait: {milliseconds: 700}}}]") +
                       "rabt workflow run w.yaml --real-time")),
            R"({"x":1})");
  EXPECT_GE(std::chrono::steady_clock::now() - before, std::chrono::milliseconds(700));
}

// ---- calls

TEST(WorkflowRun, AReplyAnswersEveryCallOfAnAction) {
  EXPECT_EQ(output(run(workflow("do:\n  - a: {call: check:1.0.0@payer}\n"
                                "  - b: {call: check:1.0.0@payer, output: {as: '${ .ok }'}}") +
                       "echo 'ok: true' > r; rabt workflow run w.yaml --reply payer/check=r")),
            "true");
}

TEST(WorkflowRun, ACallWithoutAReplyIsAnErrorThatACatchTakes) {
  const Ran faulted =
      run(workflow("do: [{a: {call: check:1.0.0@payer}}]") + "rabt workflow run w.yaml");
  EXPECT_EQ(error(faulted), "communication 422 /do/0/a");
  EXPECT_TRUE(says(faulted.out, "--reply payer/check=FILE")) << faulted.out;
  EXPECT_EQ(output(run(workflow(R"(
do:
  - a:
      try: [{b: {call: check:1.0.0@payer}}]
      catch:
        errors: {with: {type: https://open-workflow-specification.org/spec/1.0.0/errors/communication}}
        as: e
        do: [{c: {set: '${ $e.status }'}}]
)") + "rabt workflow run w.yaml")),
            "422");
}

TEST(WorkflowRun, AnErrorThatTheWorkflowRaisesIsTheOnlyOutput) {
  const Ran ran = run(workflow("do: [{a: {raise: {error: {type: https://example.org/no, status: "
                               "418, title: No, detail: '${ .why }'}}}}]") +
                      "echo 'why: tea' | rabt workflow run w.yaml --input -");
  EXPECT_EQ(error(ran), "no 418 /do/0/a");
  EXPECT_EQ(only_value(ran)["detail"], Json("tea"));
}

TEST(WorkflowRun, ChildrenAreGivenAndAnUnknownOneIsNamed) {
  const std::string parent = workflow(
      "do: [{a: {run: {workflow: {namespace: test, name: child, version: '1.0.0', input: {n: "
      "2}}}}}]");
  EXPECT_EQ(output(run(parent + workflow("do: [{a: {set: '${ .n + 1 }'}}]", "child") +
                       "rabt workflow run w.yaml --workflow child.yaml")),
            "3");
  EXPECT_EQ(error(run(parent +
                      workflow("do: [{a: {raise: {error: {type: x:y, status: 409}}}}]", "child") +
                      "rabt workflow run w.yaml --workflow child.yaml")),
            "x:y 409 /do/0/a");
  const Ran unknown = run(parent + "rabt workflow run w.yaml");
  EXPECT_EQ(error(unknown), "configuration 400 /do/0/a");
  EXPECT_TRUE(says(unknown.out, "test/child 1.0.0")) << unknown.out;
  EXPECT_TRUE(says(unknown.out, "--workflow")) << unknown.out;
  // The parent does not await this child, so the child's error would be lost.
  const std::string aside = workflow(
      "do:\n  - a: {run: {await: false, workflow: {namespace: test, name: child, version: "
      "latest}}}\n"
      "  - b: {set: {x: 1}}");
  const Ran lost = run(aside + "rabt workflow run w.yaml");
  EXPECT_EQ(lost.code, 2);
  EXPECT_EQ(lost.out, "");
  EXPECT_TRUE(says(lost.err, "test/child latest, which /do/0/a starts")) << lost.err;
  EXPECT_EQ(output(run(aside + workflow("do: [{a: {wait: P1D}}]", "child") +
                       "rabt workflow run w.yaml --workflow child.yaml")),
            R"({"x":1})");
}

// ---- HTTP

using engine::LoopbackHttp;
using engine::LoopbackRequest;
using engine::LoopbackResponse;

const std::string kGet =
    "do: [{a: {call: http, with: {method: get, endpoint: 'https://api.example.org/pets/{id}'}}}]";

TEST(WorkflowRun, HttpReachesNothingUnlessItIsAllowed) {
  LoopbackHttp server([](const LoopbackRequest&) { return LoopbackResponse{}; });
  const Ran ran = run(workflow("do: [{a: {call: http, with: {method: get, endpoint: '" +
                               server.origin() + "/x'}}}]") +
                      "rabt workflow run w.yaml");
  EXPECT_EQ(error(ran), "communication 422 /do/0/a");
  EXPECT_TRUE(says(ran.out, "--allow-network")) << ran.out;
  EXPECT_TRUE(server.requests().empty());
}

TEST(WorkflowRun, WithAllowNetworkRequestsGoWhereTheFileSays) {
  LoopbackHttp server([](const LoopbackRequest& request) {
    return LoopbackResponse{.headers = {{"Content-Type", "application/json"}},
                            .body = "{\"at\":\"" + request.target + "\"}"};
  });
  EXPECT_EQ(output(run(workflow("do: [{a: {call: http, with: {method: get, endpoint: '" +
                                server.origin() + "/x/{id}'}}}]") +
                       "echo 'id: 4' | rabt workflow run w.yaml --allow-network --input -")),
            R"({"at":"/x/4"})");
}

TEST(WorkflowRun, AHostIsMappedToAStandIn) {
  LoopbackHttp server([](const LoopbackRequest& request) {
    if (request.target != "/pets/1") return LoopbackResponse{.status = 404};
    return LoopbackResponse{.headers = {{"Content-Type", "application/json"}},
                            .body = R"({"name":"Milou"})"};
  });
  const std::string w =
      workflow(kGet) +
      "rabt workflow run w.yaml --input - --map API.example.org=" + server.origin() + " <<< ";
  EXPECT_EQ(output(run(w + "'id: 1'")), R"({"name":"Milou"})");
  EXPECT_EQ(error(run(w + "'id: 2'")), "communication 404 /do/0/a");
  ASSERT_EQ(server.requests().size(), 2U);
  EXPECT_EQ(server.requests()[0].method, "GET");
}

TEST(WorkflowRun, AnOpenapiDocumentAndItsOperationComeFromTheStandIn) {
  LoopbackHttp server([](const LoopbackRequest& request) {
    LoopbackResponse response{.headers = {{"Content-Type", "application/json"}}};
    if (request.target == "/v2/swagger.json") {
      response.body =
          R"({"swagger":"2.0","host":"api.example.org","basePath":"/v2","schemes":["https"],"paths":)"
          R"({"/pets/{id}":{"get":{"operationId":"getPet","parameters":[{"name":"id","in":"path",)"
          R"("required":true,"type":"integer"}],"responses":{"200":{"description":"a pet"}}}}}})";
    } else if (request.target == "/v2/pets/7") {
      response.body = R"({"name":"Milou"})";
    } else {
      response.status = 404;
    }
    return response;
  });
  EXPECT_EQ(output(run(
                workflow("do:\n"
                         "  - a:\n"
                         "      call: openapi\n"
                         "      with:\n"
                         "        document: {endpoint: 'https://api.example.org/v2/swagger.json'}\n"
                         "        operationId: getPet\n"
                         "        parameters: {id: '${ .id }'}") +
                "echo 'id: 7' | rabt workflow run w.yaml --input - --map api.example.org=" +
                server.origin())),
            R"({"name":"Milou"})");
}

TEST(WorkflowRun, AStandInThatIsNotThereIsACommunicationError) {
  int port = 0;
  {
    LoopbackHttp gone([](const LoopbackRequest&) { return LoopbackResponse{}; });
    port = gone.port();
  }
  EXPECT_EQ(error(run(workflow(kGet) +
                      "rabt workflow run w.yaml --map api.example.org=http://127.0.0.1:" +
                      std::to_string(port))),
            "communication 503 /do/0/a");
}

TEST(WorkflowRun, ASecretComesFromTheEnvironmentAndIsAskedFor) {
  LoopbackHttp server([](const LoopbackRequest&) { return LoopbackResponse{.body = "in"}; });
  const std::string w = workflow(
      "use: {secrets: [door]}\n"
      "do:\n"
      "  - a:\n"
      "      call: http\n"
      "      with:\n"
      "        method: get\n"
      "        endpoint: {uri: 'https://api.example.org/', authentication: {basic: {use: door}}}");
  const std::string line = "rabt workflow run w.yaml --map api.example.org=" + server.origin();
  EXPECT_EQ(output(run(w + R"(export DOOR='{"username":"u","password":"p"}'
)" + line + " --secret door=DOOR")),
            "\"in\"");
  ASSERT_EQ(server.requests().size(), 1U);
  EXPECT_EQ(server.requests()[0].header("authorization"), "Basic dTpw");
  const Ran missing = run(w + line);
  EXPECT_EQ(missing.code, 2);
  EXPECT_EQ(missing.out, "");
  EXPECT_TRUE(says(missing.err, "give --secret door=ENVVAR")) << missing.err;
}

// ---- trace

TEST(WorkflowRun, TheTraceIsOneLifecycleEventALineAndNothingElse) {
  const Ran ran = run(workflow("do: [{a: {set: {x: 1}}}, {b: {wait: PT1H}}]") +
                      "rabt workflow run w.yaml --trace");
  EXPECT_EQ(ran.code, 0);
  EXPECT_EQ(only_value(ran).dump(), R"({"x":1})");
  std::string types;
  std::istringstream lines(ran.err);
  for (std::string line; std::getline(lines, line);) {
    const auto one = Json::parse(line);
    ASSERT_TRUE(one.ok()) << line;
    EXPECT_EQ((*one)["specversion"], Json("1.0"));
    const std::string type = one->string_or("type", "");
    constexpr std::string_view kPrefix = "io.serverlessworkflow.";
    ASSERT_TRUE(type.starts_with(kPrefix)) << line;
    types += type.substr(kPrefix.size()) + ' ' + (*one)["data"].string_or("task", "") + '\n';
  }
  EXPECT_EQ(types,
            "workflow.started.v1 \n"
            "task.created.v1 /do/0/a\n"
            "task.started.v1 /do/0/a\n"
            "task.completed.v1 /do/0/a\n"
            "task.created.v1 /do/1/b\n"
            "task.started.v1 /do/1/b\n"
            "task.completed.v1 /do/1/b\n"
            "workflow.completed.v1 \n");
}

}  // namespace
}  // namespace rabt::cli::workflow_run_test
