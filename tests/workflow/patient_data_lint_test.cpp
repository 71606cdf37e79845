#include <gtest/gtest.h>

#include <algorithm>

#include "hub/workflow/lint/phi_paths.hpp"
#include "lint_catalog.hpp"

// workflow.patient_data_leaves: what the linter sees of the way of marked data, and what not.
namespace rabt::workflow::patient_data_lint_test {
namespace {

// The event and the answer mark a patient's name; one host may get patient data.
class Marks final : public ActionCatalog {
 public:
  [[nodiscard]] std::vector<std::string> roles() const override { return {"ehr"}; }
  [[nodiscard]] std::vector<std::string> actions(std::string_view /*role*/) const override {
    return {"read"};
  }
  [[nodiscard]] std::optional<ActionInfo> find(std::string_view /*role*/, std::string_view action,
                                               std::string_view version) const override {
    return ActionInfo{.name = std::string(action),
                      .version = std::string(version),
                      .idempotency = "native",
                      .output_schema = json(kMarked),
                      .title = {}};
  }
  [[nodiscard]] std::vector<EventInfo> events() const override {
    return {{"org.rabt.booked.v1", json(kMarked)}, {"org.rabt.ended.v1", {}}};
  }
  [[nodiscard]] bool takes_patient_data(std::string_view url) const override {
    return url.starts_with("https://ehr.example/");
  }

 private:
  static constexpr std::string_view kMarked =
      R"({"properties": {"patient": {"properties": {"name": {"x-phi": true}, "city": {}}},
                         "people": {"items": {"properties": {"name": {"x-phi": true}}}}}})";
};

std::size_t warnings(const std::string& rest, const ActionCatalog* catalog) {
  const ParsedDefinition parsed = parse_definition(
      "document: {dsl: '1.0.3', namespace: test, name: sample, version: '1.0.0'}\n" + rest,
      catalog);
  EXPECT_NE(parsed.definition, nullptr) << rest << all_text(parsed.diagnostics);
  return static_cast<std::size_t>(
      std::count_if(parsed.diagnostics.begin(), parsed.diagnostics.end(),
                    [](const auto& one) { return one.code == "workflow.patient_data_leaves"; }));
}

// Started by the marked event; `tasks` come before a task that emits what is given.
std::size_t emitted(const std::string& expression, const std::string& tasks = {}) {
  const Marks catalog;
  return warnings(
      "schedule: {on: {one: {with: {type: org.rabt.booked.v1}}}}\n"
      "input: {from: '${ .[0].data }'}\n"
      "do:\n" +
          tasks + "  - told: {emit: {event: {with: {type: a.b.v1, data: {x: '${ " + expression +
          " }'}}}}}\n",
      &catalog);
}

TEST(PatientDataLint, FollowsEveryPlainPath) {
  for (const char* leaks : {".patient.name",
                            ".patient",
                            ".",
                            ".people[0].name",
                            ".people[] | .name",
                            ".[\"patient\"]",
                            "$workflow.input[0].data.patient.name",
                            "$input.patient.name",
                            ".patient | .name",
                            "{a: .patient} | .a.name",
                            "[.patient] | .[0].name",
                            ".patient as $p | $p.name",
                            "if .patient.city then .patient.name else null end",
                            ".other // .patient.name",
                            "\"to \\(.patient.name)\"",
                            ".patient.name + \"!\"",
                            ".people | map(.name)",
                            "[.people[] | select(.city) | {name}]",
                            ".patient | tojson",
                            "[..]",
                            "to_entries",
                            "reduce .people[] as $p (\"\"; . + $p.name)",
                            "def f: .patient.name; f",
                            "try error(.patient.name) catch .",
                            ".patient[]",
                            ".patient[$workflow.id]",
                            "(if .x then {patient: 1} else . end) | .patient.name",
                            "{patient: 1} + . | .patient.name",
                            ".x = .patient.name | .x",
                            "@base64 \"\\(.patient.name)\"",
                            "{(.patient.name): 1}",
                            "getpath([\"patient\", \"name\"])",
                            "[limit(1; .people[])] | first | .name",
                            ".patient as $p | .city as $q | $p.name",
                            ".city as $p | .patient as $p | $p.name",
                            "label $out | .patient as $p | def f: 1; f as $q | $p.name",
                            ".patient.name as $n | def f: $n; 1 as $n | f",
                            ".people as [$one] | $one.name",
                            "1 as $q | . as {patient: {name: $p}} ?// [$p] | $p",
                            "foreach .people[] as $p (0; .; $p.name)"}) {
    EXPECT_EQ(emitted(leaks), 1U) << leaks;
  }
  for (const char* harmless :
       {".patient.city",
        ".people[0].city",
        ".practitioner",
        ".people | length",
        ".patient.name == null",
        ".patient | has(\"name\")",
        "[.people[] | {city}]",
        ". + {patient: null, people: []} | .patient",
        "{city: .patient.city} | .",
        ".patient.name = null | .patient.name",
        ".people | map(.city)",
        "\"x\"",
        "$workflow.id",
        ".people[] | select(.name == \"x\") | .city",
        "reduce .people[] as $p (0; . + $p.n)",
        ".patient.name as $p | .city as $q | $q",
        ".patient.name as $p | .city as $p | $p",
        ".city as $c | (.patient.name as $p | 1) as $q | [$q, $c]",
        ".city as $q | [.people[] as $p | $p.city] | [., $q]",
        "label $out | .patient.name as $p | def f: 1; .city as $q | [$q, 1]"}) {
    EXPECT_EQ(emitted(harmless), 0U) << harmless;
  }
}

TEST(PatientDataLint, FollowsDataThroughTasks) {
  for (const char* tasks :
       {"  - a: {set: {x: '${ .patient.name }'}}\n",
        "  - a: {set: {y: '${ .patient }'}, output: {as: '${ {x: .y.name} }'}}\n",
        "  - a: {set: {x: '${ .patient.name }'}, then: told}\n  - b: {set: {x: 1}}\n",
        "  - a:\n      switch: [{one: {when: '${ .p }', then: told}}, {two: {then: b}}]\n"
        "      input: {from: '${ {x: .patient.name} }'}\n  - b: {set: {x: 1}}\n",
        "  - a: {do: [{b: {set: {x: '${ .patient.name }'}}}]}\n",
        "  - a: {try: [{b: {set: {x: '${ .patient.name }'}}}], catch: {}}\n",
        "  - a: {fork: {compete: true, branches: [{b: {set: {x: '${ .patient.name }'}}}]}}\n",
        "  - a: {call: 'read:1.0.0@ehr', output: {as: '${ {x: .people[0].name} }'}}\n"}) {
    EXPECT_EQ(emitted(".x", tasks), 1U) << tasks;
  }
  EXPECT_EQ(emitted("$context.kept.name",
                    "  - a: {set: {y: '${ .patient }'}, export: {as: "
                    "'${ $context + {kept: .y} }'}}\n  - b: {set: {z: 1}}\n"),
            1U);
  EXPECT_EQ(emitted("$context.kept.city",
                    "  - a: {set: {y: '${ .patient }'}, export: {as: "
                    "'${ $context + {kept: .y} }'}}\n  - b: {set: {z: 1}}\n"),
            0U);
  // Members marked by the task's own schema are marked from there on.
  EXPECT_EQ(emitted(".who",
                    "  - a: {set: {who: '${ .practitioner }'}, output: {schema: {document: "
                    "{properties: {who: {x-phi: true}}}}}}\n"),
            1U);
}

TEST(PatientDataLint, SeesFunctionsLoopsListensAndExtensions) {
  const Marks catalog;
  const std::string start =
      "schedule: {on: {one: {with: {type: org.rabt.booked.v1}}}}\ninput: {from: '${ .[0].data "
      "}'}\n";
  const std::string emit = "{emit: {event: {with: {type: a.b.v1, data: {x: '${ EXPR }'}}}}}";
  const auto told = [&](const std::string& expression) {
    std::string out = emit;
    return out.replace(out.find("EXPR"), 4, expression);
  };
  EXPECT_EQ(warnings(start + "use: {functions: {f: " + told(".who.name") +
                         "}}\ndo:\n  - a: {call: f, with: {who: '${ .patient }'}}\n",
                     &catalog),
            1U);
  EXPECT_EQ(warnings(start + "do:\n  - a: {for: {each: one, in: '${ .people }'}, do: [{b: " +
                         told("$one.name") + "}]}\n",
                     &catalog),
            1U);
  EXPECT_EQ(warnings(start +
                         "do:\n  - a:\n      listen: {to: {one: {with: {type: "
                         "org.rabt.booked.v1}}}}\n      timeout: {after: PT1M}\n  - b: " +
                         told(".[0].patient.name") + "\n",
                     &catalog),
            1U);
  EXPECT_EQ(warnings(start + "use: {extensions: [{log: {extend: set, after: [{b: " +
                         told("$task.input.patient.name") + "}]}}]}\ndo:\n  - a: {set: {x: 1}}\n",
                     &catalog),
            1U);
  EXPECT_EQ(warnings(start +
                         "do:\n  - a: {set: {who: '${ .patient }'}}\n  - b:\n      for: {each: "
                         "i, in: '${ [1, 2] }'}\n      do:\n        - c: " +
                         told(".who.name") + "\n",
                     &catalog),
            1U);
}

TEST(PatientDataLint, ADeclaredHostAndADeclaredEventAreNoLeak) {
  const Marks catalog;
  const auto call = [&](const std::string& with, const ActionCatalog* action_catalog) {
    return warnings(
        "input: {schema: {document: {properties: {name: {x-phi: true}}}}}\ndo:\n  - a: {call: "
        "http, with: {method: post, " +
            with + "}}\n",
        action_catalog);
  };
  const std::string body = "body: {n: '${ .name }'}";
  EXPECT_EQ(call("endpoint: 'https://ehr.example/Patient', " + body, &catalog), 0U);
  EXPECT_EQ(call("endpoint: 'https://ehr.example/Patient/{name}', " + body, &catalog), 0U);
  EXPECT_EQ(call("endpoint: 'https://ehr.example/Patient', " + body, nullptr), 1U)
      << "without a configuration no host is declared";
  EXPECT_EQ(call("endpoint: 'https://sms.example/send', " + body, &catalog), 1U);
  EXPECT_EQ(call("endpoint: '${ .where }', " + body, &catalog), 1U) << "nobody knows the host";
  EXPECT_EQ(call("endpoint: 'https://sms.example/{name}'", &catalog), 1U);
  EXPECT_EQ(call("endpoint: 'https://sms.example/a', query: {q: '${ .name }'}", &catalog), 1U);
  EXPECT_EQ(call("endpoint: 'https://sms.example/a', headers: {X-N: '${ .name }'}", &catalog), 1U);
  EXPECT_EQ(call("endpoint: 'https://sms.example/a', body: '${ . }'", &catalog), 1U);
  EXPECT_EQ(call("endpoint: 'https://sms.example/a', body: {n: 1}", &catalog), 0U);
  for (const char* read : {".name | from_csv | .[0].x", ".name | from_hl7 | .PID",
                           "[{n: .name}] | to_csv", "{MSH: {\"3\": .name}} | to_hl7"}) {
    EXPECT_EQ(call("endpoint: 'https://sms.example/a', body: {n: '${ " + std::string(read) + " }'}",
                   &catalog),
              1U)
        << read << " gives data of the class that it gets";
  }

  const std::string input = "input: {schema: {document: {properties: {name: {x-phi: true}}}}}\n";
  EXPECT_EQ(warnings(input + "do:\n  - a: {emit: {event: {with: {type: a.b.v1, subject: '${ .name "
                             "}', data: '${ . }'}}}, metadata: {rabt: {dataClass: patient}}}\n",
                     nullptr),
            1U)
      << "the subject is never meant";
  EXPECT_EQ(warnings(input + "do:\n  - a: {raise: {error: {type: https://x.example/e, status: 400, "
                             "detail: '${ .name }'}}, metadata: {rabt: {dataClass: patient}}}\n",
                     nullptr),
            1U);
}

TEST(PatientDataLint, AFileThatGrowsWithoutEndIsLintedInBoundedTime) {
  std::string tasks = "input: {schema: {document: {properties: {name: {x-phi: true}}}}}\ndo:\n";
  for (int i = 0; i < 60; ++i) {
    tasks += "  - t" + std::to_string(i) +
             ": {set: {a: '${ . }', b: '${ {x: ., y: .a, z: $context} }'}, export: {as: '${ "
             "$context + {k" +
             std::to_string(i) + ": .} }'}}\n";
  }
  tasks += "  - back: {if: '${ .never }', set: {x: '${ . }'}, then: t0}\n";
  tasks += "  - told: {emit: {event: {with: {type: a.b.v1, data: '${ .a.b.x.name }'}}}}\n";
  EXPECT_EQ(warnings(tasks, nullptr), 1U);
}

TEST(PhiPaths, GivesMarkedPlacesAndNeverTooFew) {
  const auto paths = [](std::string_view schema) {
    std::string out;
    for (const std::string& path : phi_paths(json(schema)))
      out += (out.empty() ? "" : " ") + (path.empty() ? "(all)" : path);
    return out;
  };
  EXPECT_EQ(paths(R"({"properties": {"a": {"x-phi": true}, "b": {}}})"), "a");
  EXPECT_EQ(paths(R"({"x-phi": true})"), "(all)");
  EXPECT_EQ(paths(R"({"properties": {"l": {"items": {"properties": {"n": {"x-phi": true}}}}}})"),
            "l.[].n");
  EXPECT_EQ(paths(R"({"properties": {"p": {"$ref": "#/$defs/p"}},
                      "$defs": {"p": {"properties": {"n": {"x-phi": true}}}}})"),
            "p.n");
  EXPECT_EQ(paths(R"({"if": {}, "then": {"properties": {"n": {"x-phi": true}}}})"), "n");
  EXPECT_EQ(paths(R"({"properties": {"m": {"additionalProperties": {"x-phi": true}}}})"), "m");
  EXPECT_EQ(paths(R"({"properties": {"m": {"patternProperties": {"^x": {"x-phi": true}}}}})"), "m");
  EXPECT_EQ(paths(R"({"properties": {"m": {"$ref": "#anchor"}, "k": {}},
                      "$defs": {"p": {"$anchor": "anchor", "x-phi": true}}})"),
            "m")
      << "what cannot be followed counts as marked";
  EXPECT_EQ(paths(R"({"$defs": {"p": {"properties": {"n": {"x-phi": true},
                                                   "next": {"$ref": "#/$defs/p"}}}},
                      "properties": {"p": {"$ref": "#/$defs/p"}}})"),
            "p.n p.next");
  EXPECT_EQ(paths(R"({"properties": {"a": {"x-phi": false}}})"), "");
}

}  // namespace
}  // namespace rabt::workflow::patient_data_lint_test
