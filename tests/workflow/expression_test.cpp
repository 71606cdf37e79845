#include "hub/workflow/expression.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>
#include <thread>
#include <vector>

#include "tests/workflow/expression_oracle_cases.hpp"

namespace rabt::workflow::expression_test {
namespace {

Json parse(std::string_view text) {
  auto parsed = Json::parse(text);
  EXPECT_TRUE(parsed.ok()) << text;
  return parsed.ok() ? *parsed : Json();
}

Expression compile(std::string_view text, std::vector<std::string_view> variables = {}) {
  auto outcome = Expression::compile(text, variables);
  EXPECT_TRUE(outcome.expression.has_value()) << text << ": " << outcome.fault.message;
  if (!outcome.expression) return *Expression::compile("null", {}).expression;
  return *outcome.expression;
}

ExpressionFault fault_of(std::string_view text, std::vector<std::string_view> variables = {}) {
  auto outcome = Expression::compile(text, variables);
  EXPECT_FALSE(outcome.expression.has_value()) << text.substr(0, 80);
  return outcome.fault;
}

// The results as the text of one array, or "error <code>".
std::string results(std::string_view program, std::string_view input = "null",
                    const ExpressionBudget& budget = default_expression_budget()) {
  const auto values = compile(program).all(parse(input), {}, budget);
  if (!values.ok()) return "error " + values.error().code;
  return Json(Json::Array(values->begin(), values->end())).dump();
}

Error error_of(std::string_view program, std::string_view input = "null") {
  const auto values = compile(program).all(parse(input), {}, default_expression_budget());
  EXPECT_FALSE(values.ok()) << program;
  return values.ok() ? Error{} : values.error();
}

// ---- against jq ----

TEST(Expression, GivesTheResultsThatJqGives) {
  ASSERT_GE(std::size(oracle::kCases), 300U);
  for (const oracle::Case& c : oracle::kCases) {
    const auto values = compile(c.program).all(parse(c.input), {}, default_expression_budget());
    if (c.results == "error") {
      EXPECT_FALSE(values.ok()) << c.program;
      continue;
    }
    ASSERT_TRUE(values.ok()) << c.program << ": " << values.error().message;
    EXPECT_EQ(Json(Json::Array(values->begin(), values->end())), parse(c.results))
        << c.program << " gave " << Json(Json::Array(values->begin(), values->end())).dump();
  }
}

TEST(Expression, JqItselfGivesTheCommittedResults) {
  if (std::system("jq --version > /dev/null 2>&1") != 0)
    GTEST_SKIP() << "the jq program is not installed";
  // Debian's jq before 1.6-2.1+deb12u2 aborts where implode gets something else than a number.
  const bool aborts = std::system("jq -n 'try ([{}] | implode) catch 0' > /dev/null 2>&1") != 0;
  std::vector<oracle::Case> cases;
  for (const auto& one : oracle::kCases) {
    const bool refused = one.results == "error" || one.results == R"(["bad"])";
    if (!(aborts && refused && one.program.find("implode") != std::string::npos))
      cases.push_back(one);
  }
  // jq needs about 30 ms to start, so many programs travel in one.
  const auto folder =
      std::filesystem::temp_directory_path() / ("rabt_jq_" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  const std::size_t count = cases.size();
  constexpr std::size_t kBatch = 100;
  std::size_t compared = 0;
  for (std::size_t begin = 0; begin < count; begin += kBatch) {
    const std::size_t end = std::min(count, begin + kBatch);
    Json::Array inputs;
    {
      std::ofstream program(folder / "program.jq");
      for (std::size_t i = begin; i < end; ++i) {
        inputs.push_back(parse(cases[i].input));
        if (i > begin) program << ",\n";
        program << "(.[" << i - begin << "] | try [(" << cases[i].program
                << "\n)] catch \"error\")";
      }
      std::ofstream(folder / "input.json") << Json(inputs).dump();
    }
    const std::string command = "jq -c -f '" + (folder / "program.jq").string() + "' '" +
                                (folder / "input.json").string() + "'";
    FILE* pipe = ::popen(command.c_str(), "r");
    ASSERT_NE(pipe, nullptr);
    std::string output;
    std::array<char, 4096> buffer{};
    while (const std::size_t got = std::fread(buffer.data(), 1, buffer.size(), pipe))
      output.append(buffer.data(), got);
    EXPECT_EQ(::pclose(pipe), 0);
    std::istringstream lines(output);
    std::string line;
    for (std::size_t i = begin; i < end; ++i, ++compared) {
      ASSERT_TRUE(std::getline(lines, line)) << "jq gave no result for " << cases[i].program;
      const oracle::Case& c = cases[i];
      const Json expected = c.results == "error" ? Json("error") : parse(c.results);
      EXPECT_EQ(parse(line), expected) << c.program << " gave " << line;
    }
  }
  std::filesystem::remove_all(folder);
  EXPECT_EQ(compared, count);
}

struct Difference {
  std::string_view program;
  std::string_view input;
  std::string_view ours;
  std::string_view why;
};

// docs/expressions.md, "Differences from jq 1.6", names each.
constexpr Difference kDifferences[] = {
    {"limit(0; 1, 2)", "null", "[]", "1.6 still gives one; 1.7 does not"},
    {"[limit(3; repeat(. * 2))]", "1", "[[1,2,4]]",
     "repeat starts with its input, as the manual says"},
    {".[] |= empty", "[1,2,3,4]", "[[]]", "1.6 skips every other item"},
    {"[path(last(.a, .b))]", "null", R"([[["b"]]])", "last(f) is a path, as in 1.7"},
    {R"("abc" | capture("(?<x>z)?"))", "null", R"([{"x":null}])",
     "1.6 loses the captures of empty matches"},
    {R"("ab" | gsub(""; "x"))", "null", R"(["xaxb"])", "1.6 does not end"},
    {R"("ab\n" | test("b$"))", "null", "[false]", "RE2: $ is the very end"},
    {R"("a b" | indices(""))", "null", "[null]", "1.6 does not end"},
    {".[:2] == .[1:]", "[1,2,3]", "[false]", "1.6 compares their lengths alone"},
    {R"("aab" | gsub("^a"; "x"))", "null", R"(["xab"])", "1.6 begins anew after each match"},
    {"tostring", "1.10", R"(["1.10"])", "digits are kept"},
    {". + 0", "9007199254740993", "[9007199254740993]", "64-bit integers are exact"},
    {"1e100 % 10, -1e100 % 10, 10 % 1e100", "null", "[7,-7,10]",
     "C leaves it undefined; 1.7 clamps"},
    {"100000000000000000000 | tostring", "null", R"(["100000000000000000000"])", "digits are kept"},
    {"from_entries", R"([{"key":1,"value":2}])", R"([{"1":2}])",
     "1.6 refuses number keys; 1.7 does not"},
    {R"(try ("nan" | tonumber) catch "no")", "null", R"(["no"])", "only JSON numbers are numbers"},
    {R"(try ("+5" | tonumber) catch "no")", "null", R"(["no"])", "only JSON numbers are numbers"},
    {"try error(null) catch [.]", "null", "[[null]]", "1.6 takes error(null) for empty"},
    {"try path(null) catch \"no\"", "null", R"(["no"])", "a literal stands nowhere"},
    {R"("a\u0000b" | contains("b"))", "null", "[true]", "1.6 stops at NUL"},
    {R"("10:20" | strptime("%H:%M"))", "null", "[[1900,0,0,10,20,0,0,0]]",
     "no weekday without a date"},
    {R"(("2026-03-10T09:00:00+03:00", "2026-03-10T09:00:00+03", "2026-03-10T01:30:00-0430",
         "2026-03-10T06:00:00Z") | strptime("%FT%T%z") | todate)",
     "null",
     R"(["2026-03-10T06:00:00Z","2026-03-10T06:00:00Z","2026-03-10T06:00:00Z","2026-03-10T06:00:00Z"])",
     "an offset counts"},
    {R"(["31/04/2031", "29/02/2031", "29/02/2032", "31/12/2031"][] | try (strptime("%d/%m/%Y") | mktime) catch .)",
     "null",
     R"(["strptime/1: the month has no such day","strptime/1: the month has no such day",1961625600,1956441600])",
     "days that no month has"},
    {R"(try ("2031 366" | strptime("%Y %j")) catch .)", "null",
     R"(["strptime/1: the year has no such day"])", "a day that no year has"},
    {R"("2026-01-01 01:00 +0300" | strptime("%Y-%m-%d %H:%M %z"))", "null",
     "[[2025,11,31,22,0,0,3,364]]", "an offset may change day and year"},
    {R"("1773126000 +0300" | strptime("%s %z") | mktime)", "null", "[1773126000]",
     "seconds are in UTC"},
    {R"(try ("10:20+0300" | strptime("%H:%M%z")) catch .)", "null",
     R"(["strptime/1: an offset needs a date"])", "no date to shift"},
    {R"(try ("2026-03-10 09:00 AST" | strptime("%F %R %Z")) catch .)", "null",
     R"(["strptime/1: %Z knows UTC, GMT, UT and Z; write an offset, for %z"])",
     "a zone's name is not read over"},
    {".a? // 1, [.[]?//2]", "null", "[1,[2]]", "1.6 does not read `?//` outside patterns"},
    {"if . then 1 end", "false", "[false]", "else is optional, as in 1.7"},
    {"abs, toarray, ([3] | toarray)", "-3", "[3,[-3],[3]]", "from 1.7"},
    {"pick(.a, .b[1])", R"({"a":1,"b":[2,3],"c":4})", R"([{"a":1,"b":[null,3]}])", "from 1.7"},
    {"have_decnum, have_literal_numbers", "null", "[false,true]", "from 1.7"},
    {"trim, ltrim, rtrim", R"("  a ")", R"(["a","a ","  a"])", "from 1.7"},
    {"isvalid(error), isvalid(1)", "null", "[false,true]", "from later versions"},
    {"65 | ascii", "null", R"(["A"])", "from later versions"},
    {"{$__loc__}", "null", R"([{"__loc__":{"file":"<top-level>","line":1}}])", "from 1.7"},
    {".a.[0]", R"({"a":[5]})", "[5]", "from 1.7"},
};

TEST(Expression, DiffersFromJqOnlyWhereTheDocumentsSay) {
  for (const Difference& d : kDifferences)
    EXPECT_EQ(results(d.program, d.input), d.ours) << d.program << ": " << d.why;
}

// ---- compile errors ----

TEST(ExpressionFault, NamesTheOffsetAndWhatWasExpected) {
  const auto fault = fault_of(".a | (1 + ");
  EXPECT_EQ(fault.code, "expression.syntax");
  EXPECT_EQ(fault.offset, 10U);
  EXPECT_EQ(fault_of("{a: 1 + 2}").offset, 6U);
  EXPECT_NE(fault_of("{a: 1 + 2}").message.find("parentheses"), std::string::npos);
  for (const char* text :
       {"",         "   ",         ".a |", "[1",       "{a",   "\"abc",          "\"\\q\"",
        "\"\\(1\"", "1 2",         ".[",   ".a as $x", "if 1", "reduce . as $x", "def f",
        "def f: 1", "1 == 2 == 3", "a b",  ")",        "try",  ". as [] | 1",    "@",
        "break",    "label x | 1", "$",    "{1:2}",    "{,}",  "{a,}",           ".a = 1 = 2",
        "\xff"}) {
    const auto outcome = Expression::compile(text, {});
    EXPECT_FALSE(outcome.expression.has_value()) << text;
    EXPECT_FALSE(outcome.fault.message.empty()) << text;
  }
}

TEST(ExpressionFault, SuggestsNearNames) {
  const auto variable = fault_of("$contxt.id", {"context", "input"});
  EXPECT_EQ(variable.code, "expression.unknown_variable");
  EXPECT_NE(variable.message.find("did you mean $context?"), std::string::npos) << variable.message;
  const auto function = fault_of(".a | lenght");
  EXPECT_EQ(function.code, "expression.unknown_function");
  EXPECT_EQ(function.offset, 5U);
  EXPECT_NE(function.message.find("did you mean length?"), std::string::npos) << function.message;
  EXPECT_NE(fault_of("map").message.find("another number of arguments"), std::string::npos);
  EXPECT_EQ(fault_of("break $out").code, "expression.unknown_variable");
}

TEST(ExpressionFault, ForbidsWhatCannotBeReplayedAndSaysWhy) {
  for (const char* text :
       {"env", "$ENV", "$ENV.HOME", "now", "input", "inputs", "import \"a\" as a; .",
        "include \"a\"; .", "debug", "stderr", "halt", "halt_error", "input_filename",
        "get_search_list", "localtime", "strflocaltime(\"%Y\")", "[.[] | now]"}) {
    const auto fault = fault_of(text);
    EXPECT_EQ(fault.code, "expression.forbidden") << text;
    EXPECT_NE(fault.message.find("not available: "), std::string::npos) << text;
  }
  EXPECT_EQ(results("def now: 7; now"), "[7]");  // a name of one's own is fine
}

TEST(ExpressionFault, FindsBadRegularExpressionsAtCompileTime) {
  EXPECT_NE(fault_of("test(\"(\")").message.find("parentheses"), std::string::npos);
  EXPECT_NE(fault_of("gsub(\"(?=x)\"; \"\")").message.find("RE2"), std::string::npos);
  EXPECT_NE(fault_of("test(\"a\"; \"q\")").message.find("flags"), std::string::npos);
}

TEST(ExpressionFault, DeepNestingIsASyntaxErrorAndNoCrash) {
  const auto repeat = [](std::string_view piece, std::size_t times) {
    std::string text;
    for (std::size_t i = 0; i < times; ++i) text += piece;
    return text;
  };
  for (const char* piece :
       {"(", "[", "{a:", "-", "\"\\(", "if ", "try ", "1 as $x | ", "label $x | ", ". as [", "1//",
        "def f: ", "reduce ", "if 1 then 1 elif "}) {
    EXPECT_EQ(fault_of(repeat(piece, 10'000) + "1").code, "expression.syntax") << piece;
  }
  EXPECT_EQ(results(repeat("(", 90) + "1" + repeat(")", 90)), "[1]");
  EXPECT_EQ(results(repeat(".|", 10'000) + "."), "[null]");
  EXPECT_EQ(results("[" + repeat("1,", 10'000) + "1] | length"), "[10001]");
}

// ---- variables ----

TEST(Expression, ReadsVariablesByPositionAndReportsTheUsedOnes) {
  const auto expression = compile("$context.a + $input.b", {"secrets", "context", "task", "input"});
  EXPECT_EQ(expression.used_variables(), (std::vector<std::size_t>{1, 3}));
  EXPECT_EQ(expression.text(), "$context.a + $input.b");
  const std::vector<Json> values = {Json(), parse(R"({"a":1})"), Json(), parse(R"({"b":2})")};
  EXPECT_EQ(expression.one(Json(), values, default_expression_budget())->dump(), "3");
}

TEST(Expression, CompiledByUseItGetsTheValuesOfTheUsedVariablesAlone) {
  const std::vector<std::string_view> names = {"secrets", "context", "task", "input"};
  const auto made =
      Expression::compile_used("def f: $input.b; ($context.a as $c | $c + f) * $input.b", names);
  ASSERT_TRUE(made.expression.has_value()) << made.fault.message;
  EXPECT_EQ(made.expression->used_variables(), (std::vector<std::size_t>{1, 3}));
  const std::vector<Json> values = {parse(R"({"a":1})"), parse(R"({"b":2})")};
  EXPECT_EQ(made.expression->one(Json(), values, default_expression_budget())->dump(), "6");
  EXPECT_EQ(Expression::compile_used("$contxt", names).fault.code, "expression.unknown_variable");
}

TEST(Expression, ALocalNameHidesAGivenOne) {
  const std::vector<Json> values = {Json(1)};
  EXPECT_EQ(compile("2 as $x | $x", {"x"}).one(Json(), values, default_expression_budget())->dump(),
            "2");
  EXPECT_TRUE(compile("2 as $x | $x", {"x"}).used_variables().empty());
}

TEST(Expression, KnowsItsLine) {
  EXPECT_EQ(results("$__loc__"), R"([{"file":"<top-level>","line":1}])");
  EXPECT_EQ(results(".,\n$__loc__.line"), "[null,2]");
}

TEST(Expression, OneGivesNullForNothingAndRefusesSeveral) {
  const auto budget = default_expression_budget();
  EXPECT_TRUE(compile("empty").one(Json(1), {}, budget)->is_null());
  EXPECT_TRUE(compile(".a?").one(Json(1), {}, budget)->is_null());
  EXPECT_EQ(compile("1, 2").one(Json(), {}, budget).error().code, "expression.several_results");
  // It does not go on to find out how many there are.
  EXPECT_EQ(compile("repeat(1)").one(Json(), {}, budget).error().code,
            "expression.several_results");
}

TEST(Expression, TruthyIsAllButNullAndFalse) {
  EXPECT_FALSE(truthy(Json()));
  EXPECT_FALSE(truthy(Json(false)));
  for (const Json& value : {Json(true), Json(0), Json(""), Json(Json::Array{}), Json::object()})
    EXPECT_TRUE(truthy(value));
}

// ---- values ----

TEST(Expression, KeepsTheDigitsOfUntouchedNumbers) {
  EXPECT_EQ(results(".price, [.price], {p: .price}, (.price | tojson)", R"({"price":10.10})"),
            R"([10.10,[10.10],{"p":10.10},"10.10"])");
  EXPECT_EQ(results(". , . + 1", "9223372036854775806"),
            "[9223372036854775806,9223372036854775807]");
  EXPECT_EQ(results(". + 1 == 9223372036854775808", "9223372036854775807"),
            "[true]");  // leaves int64 as a double
  EXPECT_EQ(results(". * 3, . - 1, . / 3, -.", "3002399751580331"),
            "[9007199254740993,3002399751580330,1000799917193443.6,-3002399751580331]");
  EXPECT_EQ(results("10.50, .5, 5., 007, 1e3"), "[10.50,0.5,5.0,7,1e3]");
}

TEST(Expression, ResultsAreFiniteJson) {
  EXPECT_EQ(results("nan, infinite, [-infinite, {a: nan}]"),
            "[null,1.7976931348623157e+308,[-1.7976931348623157e+308,{\"a\":null}]]");
  EXPECT_EQ(results("[nan] | sort | .[0] | isnan"), "[true]");
}

TEST(Expression, PlainPathsShareTheInput) {
  const Json input = parse(R"({"a":{"b":[1,2,3]}})");
  const auto found = compile(".a.b").one(input, {}, default_expression_budget());
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(&found->as_array(), &input["a"]["b"].as_array());
}

TEST(Expression, NeverChangesItsInput) {
  const Json input = parse(R"({"a":[1,{"b":2}],"c":{"d":3}})");
  const std::string before = input.dump();
  for (const char* program :
       {".a[1].b = 9", ".c.d |= empty", "del(.a[0])", ".a += [1]",
        "reduce range(5) as $i (.; .c.d += $i)", "with_entries(.value |= tostring)",
        ". * {c: {d: {e: 1}}}", ".a | sort | reverse", "add?"}) {
    ASSERT_TRUE(compile(program).all(input, {}, default_expression_budget()).ok()) << program;
    EXPECT_EQ(input.dump(), before) << program;
  }
}

TEST(Expression, ClosuresSeeTheVariablesOfTheirPlace) {
  EXPECT_EQ(results("def f(g): g | g; [10 | f(. as $x | (1, 2) | . + $x)]"), "[[12,13,13,14]]");
  EXPECT_EQ(results("def f(g): def h: 5 as $x | g; h; 1 as $x | f($x)"), "[1]");
  EXPECT_EQ(results("def f($a; g): [$a, g]; 3 as $a | f(1; $a)"), "[[1,3]]");
}

TEST(Expression, TailCallsRunLong) {
  EXPECT_EQ(results("def f: if . >= 50000 then . else . + 1 | f end; 0 | f"), "[50000]");
  EXPECT_EQ(results("[recurse(if . < 20000 then . + 1 else empty end)] | length", "1"), "[20000]");
  EXPECT_EQ(results("last(limit(50000; repeat(. )))", "7"), "[7]");
  EXPECT_EQ(results("until(. >= 30000; . + 1)", "0"), "[30000]");
}

// ---- errors ----

TEST(ExpressionError, NamesTypesAndPlaceButNoValues) {
  constexpr std::string_view kSecret = "Zaphod-1234";
  const std::string input = "{\"name\":\"" + std::string(kSecret) + "\",\"n\":98765,\"o\":{\"" +
                            std::string(kSecret) + "\":1}}";
  for (const char* program : {".name.x",
                              ".name + 1",
                              ".name | tonumber",
                              ".name | error",
                              "error(.name)",
                              "error({v: .name})",
                              ".name[0]",
                              ".name | fromjson",
                              ".n | .[]",
                              ".o - .n",
                              ".name | test(\"a\") | .[0]",
                              "\"a\" | test(\"(\" + $__loc__.file)",
                              ".[.n]",
                              "{(.n | tostring): 1}[.o]",
                              ".name | strptime(\"%Y\")",
                              "[.o] | join(\",\")",
                              "[.o] | @csv",
                              "[.o] | implode",
                              ".o | tonumber",
                              ".name | has(0)",
                              ".o | contains(.name?, 1)",
                              "setpath([.n]; 1)",
                              "delpaths([[.n]])",
                              "-.name",
                              ".name * {}",
                              ".o / .n",
                              ".o % .name",
                              ".name | @base64d",
                              "[.name] | implode",
                              ".o | keys | .[.x]",
                              "try error(.name) catch error(.)",
                              ".o as [$a] | $a",
                              ".name | sort",
                              "range(.name)",
                              ".name | ltrimstr(1) | .a",
                              "def f: error(.name); f",
                              "path(.name | tostring)",
                              ".name |= error",
                              ".n | splits(\"x\")"}) {
    const Error error = error_of(program, input);
    EXPECT_EQ(error.kind, ErrorKind::invalid) << program;
    EXPECT_EQ(error.code, "expression.runtime") << program;
    EXPECT_FALSE(error.message.empty()) << program;
    EXPECT_EQ(error.message.find(kSecret), std::string::npos) << program << ": " << error.message;
    EXPECT_EQ(error.message.find("98765"), std::string::npos) << program << ": " << error.message;
  }
  EXPECT_EQ(error_of(".a | .b", R"({"a":1})").message,
            "Cannot index number with string (at byte 5 of the expression)");
}

TEST(ExpressionError, ATextWrittenInTheExpressionIsShown) {
  EXPECT_EQ(error_of("if .a then 1 else error(\"no coverage\") end").message,
            "error: no coverage (at byte 18 of the expression)");
}

TEST(ExpressionError, TryCatchesTheBodyButNotWhatFollows) {
  EXPECT_EQ(results("[.[] | try error(\"x\") catch .]", "[1,2]"), R"([["x","x"]])");
  EXPECT_EQ(results("(1, 2 | try . catch 0) | error"), "error expression.runtime");
  EXPECT_EQ(results("[.[] | .a?]", R"([{"a":1},5,{"a":2}])"), "[[1,2]]");
  EXPECT_EQ(results("try error({code: 7}) catch .code"), "[7]");
  EXPECT_EQ(results("[label $out | 1, (try break $out catch 5), 2]"), "[[1]]");
}

// ---- budgets ----

TEST(ExpressionBudget, StepsEndAtTheLimit) {
  ExpressionBudget budget = default_expression_budget();
  // Finds the exact need of this program, then takes one away.
  std::uint64_t need = 1;
  for (; need < 10'000; ++need) {
    budget.steps = need;
    if (results("[range(100)] | length", "null", budget) == "[100]") break;
  }
  ASSERT_GT(need, 100U);
  ASSERT_LT(need, 10'000U);
  budget.steps = need - 1;
  EXPECT_EQ(results("[range(100)] | length", "null", budget), "error expression.budget");
}

TEST(ExpressionBudget, DepthEndsAtTheLimit) {
  ExpressionBudget budget = default_expression_budget();
  const std::string program = "def f: if . == 0 then 0 else 1 + (. - 1 | f) end; f";
  std::size_t need = 1;
  for (; need < 256; ++need) {
    budget.depth = need;
    if (results(program, "20", budget) == "[20]") break;
  }
  ASSERT_GE(need, 20U);
  ASSERT_LT(need, 256U);
  budget.depth = need - 1;
  EXPECT_EQ(results(program, "20", budget), "error expression.budget");
}

TEST(ExpressionBudget, BytesEndAtTheLimit) {
  ExpressionBudget budget = default_expression_budget();
  budget.bytes = 1000 + sizeof(Json);  // the text and its place among the results
  EXPECT_EQ(results("\"x\" * 1000 | length", "null", budget), "[1000]");
  EXPECT_EQ(results("\"x\" * 1001 | length, 1", "null", budget), "error expression.budget");
  budget.bytes = 10 * sizeof(Json) + sizeof(Json);
  EXPECT_EQ(results("[range(10)] | length", "null", budget), "[10]");
  EXPECT_EQ(results("[range(11)] | length", "null", budget), "error expression.budget");
}

TEST(ExpressionBudget, NothingRunsForEverOrGrowsWithoutEnd) {
  for (const char* program : {"def f: f; f",
                              "def f: f, 1; f",
                              "def f: [f]; f",
                              "def f(g): f(g | g); f(.)",
                              "last(repeat(1))",
                              "until(false; .)",
                              "[range(1e12)]",
                              "range(0; 1; 1e-300)",
                              "\"x\" * 1e15",
                              "reduce range(100) as $i (\"a\"; . + .)",
                              "reduce range(100) as $i ([1]; . + .)",
                              "reduce range(100) as $i ({a: 1}; {a: ., b: .}) | tojson",
                              "reduce range(1000000) as $i (null; [.])",
                              "reduce range(1000000) as $i (null; {a: .})",
                              "reduce range(100000) as $i (null; .a |= {b: .})",
                              "setpath([range(300) | 0]; 1)",
                              ".[1e7] = 1",
                              "[range(1000)] | [., ., ., ., .] | combinations",
                              "[limit(100000; repeat(\"a\" * 1000))]",
                              "def r: {a: r}; r",
                              "[range(100000)] as $a | [range(100000)] - $a",
                              "reduce range(5000) as $i (null; setpath([range(250) | \"a\"]; .))",
                              "label $x | repeat(1) | select(false)"}) {
    EXPECT_EQ(results(program), "error expression.budget") << program;
  }
}

TEST(ExpressionBudget, SharedPartsCountEachTimeTheyAreRead) {
  // 2^60 numbers in 60 small objects.
  const std::string bomb = "reduce range(60) as $i (1; {a: ., b: .})";
  for (const std::string tail : {"", " | tojson", " | tostring", " | \"\\(.)\"", " | @base64",
                                 " | . as $x | . == ([$x, 1] | .[0])", " | [., .] | sort",
                                 " | [., .] | unique", " | [..] | length", " | [paths] | length",
                                 " | walk(.)", " | [tostream] | length", " | contains(.)"}) {
    const auto result = compile(bomb + tail).all(Json(), {}, default_expression_budget());
    EXPECT_FALSE(result.ok()) << tail;
  }
  EXPECT_EQ(results(bomb + " | .a.b.a | keys"), R"([["a","b"]])");
}

TEST(ExpressionBudget, TryDoesNotCatchIt) {
  EXPECT_EQ(results("try last(repeat(1)) catch 1"), "error expression.budget");
  EXPECT_EQ(results("[(def f: f; f)?, 1]"), "error expression.budget");
  EXPECT_EQ(results("(def f: [f]; f) // 1"), "error expression.budget");
}

TEST(ExpressionBudget, GrowingInPlaceIsChargedOnce) {
  EXPECT_EQ(results("reduce range(20000) as $i ([]; . + [$i]) | length"), "[20000]");
  EXPECT_EQ(results("reduce range(10000) as $i ({}; .[\"k\\($i % 500)\"] += 1) | length"), "[500]");
  EXPECT_EQ(results("reduce range(5000) as $i ({list: []}; .list += [$i]) | .list | length"),
            "[5000]");
}

// ---- threads, speed ----

TEST(Expression, OneExpressionServesManyThreads) {
  const auto expression = compile(
      "[.items[] | select(.n > 1) | \"\\(.n)-\\($who)\" | gsub(\"(?<d>\\\\d)\"; \"<\\(.d)>\")]",
      {"who"});
  const Json input = parse(R"({"items":[{"n":1},{"n":2},{"n":3}]})");
  std::vector<std::thread> threads;
  std::atomic<int> wrong = 0;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      const std::vector<Json> values = {Json("t" + std::string(static_cast<std::size_t>(t), 'x'))};
      const std::string expected =
          "[\"<2>-" + values[0].as_string() + "\",\"<3>-" + values[0].as_string() + "\"]";
      for (int i = 0; i < 200; ++i) {
        const auto result = expression.one(input, values, default_expression_budget());
        if (!result.ok() || result->dump() != expected) ++wrong;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST(Expression, PrintsHowLongCommonExpressionsTake) {
  const Json input =
      parse(R"({"a":{"b":{"c":1}},"list":[{"role":"x"},{"role":"patient","id":7}]})");
  const std::vector<Json> values = {parse(R"({"a":{"b":"x"}})")};
  for (const char* program : {".a.b.c", "$context.a.b == \"x\"", "$context + {s: .a.b.c}",
                              "[.list[] | select(.role == \"patient\") | .id]"}) {
    const auto expression = compile(program, {"context"});
    const auto budget = default_expression_budget();
    constexpr int kRounds = 20'000;
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < kRounds; ++i) ASSERT_TRUE(expression.one(input, values, budget).ok());
    const auto took = std::chrono::steady_clock::now() - start;
    std::cout << program << ": "
              << std::chrono::duration<double, std::micro>(took).count() / kRounds << " us\n";
  }
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < 1000; ++i)
    compile("$context.a | map(select(.b == 1)) | sort_by(.c)", {"context"});
  std::cout << "compile: "
            << std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start)
                       .count() /
                   1000
            << " us\n";
}

}  // namespace
}  // namespace rabt::workflow::expression_test
