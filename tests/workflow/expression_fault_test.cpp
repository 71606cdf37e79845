#include <gtest/gtest.h>

#include "hub/workflow/expression.hpp"

// Programs with one mistake each: where it is said to be, and what is said about it.
namespace rabt::workflow::expression_fault_test {
namespace {

struct Mistake {
  std::string_view program;
  std::string_view code;
  std::size_t offset;
  std::string_view says;  // the beginning of the message
};

// clang-format off
constexpr Mistake kMistakes[] = {
    {R"~(.a +)~", "expression.syntax", 4,
     R"~(expected an expression, found the end)~"},
    {R"~(.a | (1 + )~", "expression.syntax", 10,
     R"~(expected an expression, found the end)~"},
    {R"~([1, 2)~", "expression.syntax", 0,
     R"~(the `[` that starts here has no `]`)~"},
    {R"~({a: 1)~", "expression.syntax", 0,
     R"~(the `{` that starts here has no `}`)~"},
    {R"~({"a": 1, "b")~", "expression.syntax", 0,
     R"~(the `{` that starts here has no `}`)~"},
    {R"~(.a[1)~", "expression.syntax", 2,
     R"~(the `[` that starts here has no `]`)~"},
    {R"~(.a["x")~", "expression.syntax", 2,
     R"~(the `[` that starts here has no `]`)~"},
    {R"~("abc)~", "expression.syntax", 0,
     R"~(the text that starts here has no closing quote)~"},
    {R"~("abc \(1)~", "expression.syntax", 6,
     R"~(the `(` that starts here has no `)`)~"},
    {R"~("abc \(1 "def")~", "expression.syntax", 9,
     R"~(expected `)` to close the interpolation, found a text)~"},
    {R"~("a\qb")~", "expression.syntax", 2,
     R"~(an escape that JSON texts do not have)~"},
    {R"~("a\u12")~", "expression.syntax", 2,
     R"~(an escape that JSON texts do not have)~"},
    {R"~((1, (2, 3))~", "expression.syntax", 0,
     R"~(the `(` that starts here has no `)`)~"},
    {R"~(if . then 1)~", "expression.syntax", 0,
     R"~(the `if` that starts here has no `end`)~"},
    {R"~(if . then 1 else 2)~", "expression.syntax", 0,
     R"~(the `if` that starts here has no `end`)~"},
    {R"~(if .a 1 end)~", "expression.syntax", 6,
     R"~(expected `then` after the condition, found `1`)~"},
    {R"~(reduce .[] as $x)~", "expression.syntax", 16,
     R"~(expected `(` after the pattern, found the end)~"},
    {R"~(reduce .[] as $x (0)~", "expression.syntax", 19,
     R"~(expected `;` after the start value, found the end)~"},
    {R"~(reduce .[] as $x (0; . + $x)~", "expression.syntax", 17,
     R"~(the `(` that starts here has no `)`)~"},
    {R"~(foreach .[] as $x (0; 1; 2)~", "expression.syntax", 18,
     R"~(the `(` that starts here has no `)`)~"},
    {R"~(def f: 1)~", "expression.syntax", 8,
     R"~(expected `;` after the function's body, found the end)~"},
    {R"~(def f(: 1; f)~", "expression.syntax", 6,
     R"~(expected a parameter name, found `:`)~"},
    {R"~(def f: 1; )~", "expression.syntax", 10,
     R"~(expected an expression, found the end)~"},
    {R"~(def 1: 2; 3)~", "expression.syntax", 4,
     R"~(expected the name of the function after `def`, found `1`)~"},
    {R"~(try)~", "expression.syntax", 3,
     R"~(expected an expression, found the end)~"},
    {R"~(label out | 1)~", "expression.syntax", 6,
     R"~(expected $name after `label`, found `out`)~"},
    {R"~(break $out)~", "expression.unknown_variable", 6,
     R"~(there is no label $out around this break)~"},
    {R"~($contxt.a)~", "expression.unknown_variable", 0,
     R"~($contxt is not defined here)~"},
    {R"~(.a | lenght)~", "expression.unknown_function", 5,
     R"~(there is no function lenght/0; did you mean length?)~"},
    {R"~(map(.a)~", "expression.syntax", 3,
     R"~(the `(` that starts here has no `)`)~"},
    {R"~(.a as $x)~", "expression.syntax", 8,
     R"~(expected `|` after the pattern, found the end)~"},
    {R"~(.a as [$x | 1)~", "expression.syntax", 10,
     R"~(expected `]` after the pattern, found `|`)~"},
    {R"~(.a as {x: } | 1)~", "expression.syntax", 10,
     R"~(expected $name, [ or { as a pattern, found `}`)~"},
    {R"~(1 == 2 == 3)~", "expression.syntax", 7,
     R"~(`==` cannot follow another operator of its kind; use parenth)~"},
    {R"~(.a = 1 = 2)~", "expression.syntax", 7,
     R"~(`=` cannot follow another operator of its kind; use parenthe)~"},
    {R"~({a: 1 + 2})~", "expression.syntax", 6,
     R"~(the value of a key is one term; put parentheses around `+` a)~"},
    {R"~({1: 2})~", "expression.syntax", 1,
     R"~(expected a key; number keys need quotes, found `1`)~"},
    {R"~({(1): 2})~", "expression.syntax", 1,
     R"~(an object's key must be a text)~"},
    {R"~({,})~", "expression.syntax", 1,
     R"~(expected a key or `}`, found `,`)~"},
    {R"~({a,})~", "expression.syntax", 3,
     R"~(expected a key after `,`, found `}`)~"},
    {R"~(@base65)~", "expression.unknown_function", 0,
     R"~(@base65 is not a format; there are @text @json @csv @tsv @html )~"},
    {R"~(@base64 "a\(1")~", "expression.syntax", 13,
     R"~(expected `)` to close the interpolation, found a text)~"},
    {R"~(test("("))~", "expression.syntax", 5,
     R"~(the regular expression has unbalanced parentheses)~"},
    {R"~(test("a"; "q"))~", "expression.syntax", 5,
     R"~(the flags of a regular expression are letters of g i x s n p)~"},
    {R"~(1 / 0)~", "expression.syntax", 2,
     R"~(division by zero)~"},
    {R"~())~", "expression.syntax", 0,
     R"~(expected an expression, found `)`)~"},
    {R"~(])~", "expression.syntax", 0,
     R"~(expected an expression, found `]`)~"},
    {R"~(.a })~", "expression.syntax", 3,
     R"~(expected the end of the expression, found `}`)~"},
    {R"~(.. 1)~", "expression.syntax", 3,
     R"~(expected the end of the expression, found `1`)~"},
    {R"~(.[1:2:3])~", "expression.syntax", 5,
     R"~(expected `]` after the slice, found `:`)~"},
    {R"~(.[:])~", "expression.syntax", 3,
     R"~(expected a number before or after `:`, found `]`)~"},
    {R"~(.a ! .b)~", "expression.syntax", 3,
     R"~(a character that has no meaning in expressions)~"},
    {R"~(a b)~", "expression.unknown_function", 0,
     R"~(there is no function a/0)~"},
    {R"~(now)~", "expression.forbidden", 0,
     R"~(now is not available: it reads the clock or the time zone, s)~"},
    {R"~($ENV.HOME)~", "expression.forbidden", 0,
     R"~($ENV is not available: it would show the process environment)~"},
    {R"~(import "a" as a; .)~", "expression.forbidden", 0,
     R"~(import is not available: expressions have no modules; write )~"},
    {R"~(map)~", "expression.unknown_function", 0,
     R"~(there is no function map/0; it takes another number of argum)~"},
    {R"~(. as $x | $y)~", "expression.unknown_variable", 10,
     R"~($y is not defined here; did you mean $x?)~"},
    {R"~(sub("a"))~", "expression.unknown_function", 0,
     R"~(there is no function sub/1; it takes another number of argum)~"},
    {R"~(1 as $x |)~", "expression.syntax", 9,
     R"~(expected an expression, found the end)~"},
    {R"~(% 2)~", "expression.syntax", 0,
     R"~(expected an expression, found `%`)~"},
    {R"~(.a,)~", "expression.syntax", 3,
     R"~(expected an expression, found the end)~"},
    {R"~(not not)~", "expression.syntax", 4,
     R"~(expected the end of the expression, found `not`)~"},
};
// clang-format on

TEST(ExpressionExtra, FunctionsOfAnotherLanguageAreFoundBesideTheOwnOnes) {
  auto extra = std::make_shared<ExtraFunctions>();
  extra->push_back(
      {"map", 2, [](const Json& input, std::span<const Json> arguments) -> Result<Json> {
         if (arguments[1].is_null()) return invalid("x", "there is no such code");
         return Json::array({input, arguments[0], arguments[1]});
       }});
  const auto result = [&](std::string_view text) {
    const auto made = Expression::compile(text, {}, extra);
    if (!made.expression) return made.fault.message;
    const auto all = made.expression->all(Json(7), {}, default_expression_budget());
    if (!all.ok()) return all.error().message;
    std::string out;
    for (const Json& item : *all) out += (out.empty() ? "" : " ") + item.dump();
    return out;
  };
  EXPECT_EQ(result("map(\"a\"; 1)"), R"([7,"a",1])");
  EXPECT_EQ(result("map(\"a\", \"b\"; 1)"), R"([7,"a",1] [7,"b",1])");
  EXPECT_EQ(result("[1] | map(. + 1)"), "[2]");
  EXPECT_EQ(result("map(\"a\"; null)"), "there is no such code (at byte 0 of the expression)");
  EXPECT_EQ(result("try map(\"a\"; null) catch \"caught\""), "\"caught\"");
  EXPECT_NE(result("mapp(\"a\"; 1)").find("did you mean map?"), std::string::npos);
  EXPECT_FALSE(Expression::compile("map(\"a\"; 1)", {}).expression.has_value());
}

TEST(ExpressionFault, PointsAtTheMistake) {
  ASSERT_GE(std::size(kMistakes), 40U);
  for (const Mistake& m : kMistakes) {
    const auto outcome = Expression::compile(m.program, {});
    ASSERT_FALSE(outcome.expression.has_value()) << m.program;
    EXPECT_EQ(outcome.fault.code, m.code) << m.program;
    EXPECT_EQ(outcome.fault.offset, m.offset) << m.program << ": " << outcome.fault.message;
    EXPECT_TRUE(outcome.fault.message.starts_with(m.says))
        << m.program << ": " << outcome.fault.message;
  }
}

TEST(ExpressionFault, CountsBytesOverLinesAndOtherScripts) {
  const std::string_view program = "# \u0645\u0631\u062d\u0628\u0627\n.a |\n  \"\u0645\" + ) ";
  const auto outcome = Expression::compile(program, {});
  ASSERT_FALSE(outcome.expression.has_value());
  EXPECT_EQ(outcome.fault.offset, program.find(')'));
}

TEST(ExpressionFault, AnEvaluationNamesItsPlaceAsWell) {
  const auto outcome = Expression::compile("1, (.a | .b)", {});
  ASSERT_TRUE(outcome.expression.has_value());
  std::vector<Json> results;
  const auto fault = outcome.expression->each(Json::object({{"a", 5}}), {},
                                              default_expression_budget(), [&](const Json& result) {
                                                results.push_back(result);
                                                return true;
                                              });
  ASSERT_TRUE(fault.has_value());
  EXPECT_EQ(results.size(), 1U);  // what came before the error stays
  EXPECT_EQ(fault->code, "expression.runtime");
  EXPECT_EQ(fault->offset, 9U);
  EXPECT_EQ(fault->message, "Cannot index number with string");
}

TEST(ExpressionFault, AReceiverThatHasEnoughEndsTheEvaluation) {
  const auto outcome = Expression::compile("repeat(1)", {});
  ASSERT_TRUE(outcome.expression.has_value());
  int seen = 0;
  EXPECT_FALSE(
      outcome.expression
          ->each(Json(), {}, default_expression_budget(), [&](const Json&) { return ++seen < 3; })
          .has_value());
  EXPECT_EQ(seen, 3);
}

}  // namespace
}  // namespace rabt::workflow::expression_fault_test
