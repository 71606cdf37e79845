#include <gtest/gtest.h>
#include <sys/resource.h>

#include <chrono>

#include "hub/workflow/expression.hpp"

// Programs that want all time or all memory.
namespace rabt::workflow::expression_hostile_test {
namespace {

// Of the processor. At -O2 each takes below a second; builds without it and with sanitizers are
// slower.
constexpr std::chrono::seconds kTime{10};
constexpr long kMemory = 512L << 10;  // KB above what the process had

struct Hostile {
  std::string_view program;
  bool must_stop;  // else it may also give a result or another error
};

constexpr Hostile kHostile[] = {
    {"[range(1e9)]", true},
    {"[range(0; 1e300; 1)]", true},
    {"[limit(1e9; repeat(1))]", true},
    {"[repeat(.)]", true},
    {"def f: f; f", true},
    {"def f: f | f; f", true},
    {"def f: (f, f); f", true},
    {"def f(x): x | f(x | x); f(.)", true},
    {"def f($a): f($a + 1); f(0)", true},
    {"[recurse]  | [recurse([.])]", true},
    {"[while(true; . + 1)] | length", true},
    {"\"x\" * 1e9", true},
    {"\"x\" * 1e300", true},
    {"[range(100)] | map(\"x\" * 1e6) | add", true},
    {"reduce range(64) as $i (\"ab\"; . + .)", true},
    {"reduce range(64) as $i ([0]; . + .)", true},
    {"reduce range(64) as $i ([0]; [., .]) | tojson", true},
    {"reduce range(64) as $i ([0]; [., .]) | @json, @text, @html", true},
    {"reduce range(64) as $i ([0]; [., .]) | flatten", true},
    {"reduce range(64) as $i ([0]; [., .]) | [paths]", true},
    {"reduce range(64) as $i ([0]; [., .]) | [leaf_paths]", true},
    {"reduce range(64) as $i ([0]; [., .]) | walk(.)", true},
    {"reduce range(64) as $i ([0]; [., .]) | [.., ..] | length", true},
    {"reduce range(64) as $i ([0]; [., .]) | . == ([[.]] | .[0][0] | [.[0], .[0]])", false},
    {"reduce range(64) as $i ({}; {a: ., b: .}) | del(..)", true},
    {"reduce range(64) as $i ({}; {a: ., b: .}) * reduce range(64) as $i ({}; {a: ., b: .})", true},
    {"reduce range(64) as $i ({}; {a: ., b: .}) | [., .] | unique_by(.)", true},
    {"reduce range(64) as $i ({}; {a: ., b: .}) | try error(.) catch (. | tojson)", true},
    {"reduce range(64) as $i ({}; {a: ., b: .}) | try (. + 1) catch .", false},
    {"reduce range(64) as $i ({}; {a: ., b: .}) | .[.]", false},
    {"reduce range(1e6) as $i (0; [.])", true},
    {"reduce range(1e6) as $i ({}; {a: .})", true},
    {"[range(2000)] | combinations", false},
    {"[range(30) | [0, 1]] | [combinations]", true},
    {"[range(1000)] | [combinations(3)] | length", true},
    {"[range(100000)] | map([range(100000)])", true},
    {"[range(30000)] | . - .", true},
    {"[range(30000)] | [.[] as $x | .[] as $y | $x * $y] | length", true},
    {"[range(2000)] | . as $a | indices($a, [0]) | length", false},
    {"[range(100000)] | tojson | fromjson | tojson | length", false},
    {"\"a\" * 100000 | test(\"(a*)*b\")", false},
    {"\"a\" * 20000 | [match(\"a*?b|a\"; \"g\")] | length", false},
    {"\"a\" * 5000 | gsub(\"\"; \"b\" * 5000)", true},
    {"\"a\" * 5000 | [gsub(\"a\"; \"b\", \"c\")] | length", true},
    {"test(\"(((((((((a{1,99}){1,99}){1,99}){1,99}){1,99}){1,99}){1,99}){1,99}){1,99})\" + .)",
     false},
    {"\"x\" | test(\"x\" * 1e5)", false},
    {"[range(100000)] | map(tostring) | join(\",\") | split(\",\") | length", false},
    {"[range(60000) | -1, 1e300, nan, infinite, 55296] | implode | length", false},
    {"\"x\" * 1e6 | explode | implode | length", false},
    {"1e300, -1e300, nan, infinite | try todate catch \"no\"", false},
    {"[1e300, 1e300, 1e300, 1e300, 1e300, 1e300, 1e300, 1e300] | mktime", false},
    {"[2e5, 1e8, 1e8, 1e8, 1e8, 1e8, 9e8, 9e8] | strftime(\"%c %j %U %G-%V\")", false},
    {"0 | strftime(\"%c\" * 1e5)", false},
    {"\"1\" * 1e5 | try strptime(\"%s\") catch \"no\"", false},
    {"\"x\" * 1e6 | ltrimstr(\"x\", \"xx\") | length", false},
    {"[range(100000)] | @sh, @csv, @tsv | length", false},
    {"\"'\" * 1e6 | @sh, @html, @uri, @base64, @base32 | length", false},
    {".[1e8] = 1", true},
    {".[-1e300] = 1", false},
    {"[range(1000)] | .[range(1000)] = [range(1000)]", false},
    {"setpath([range(1e5)]; 1)", true},
    {"[range(1e5)] | delpaths([paths])", false},
    {"reduce range(1e5) as $i ({}; .[$i | tostring] = $i) | del(.[]) | length", false},
    {"[limit(100000; repeat({a: 1}))] | group_by(.a) | length", false},
    {"[range(100000)] | sort_by(-.) | unique_by(. % 7) | length", false},
    {"tojson | until(false; tojson)", true},
    {"def f: try f catch f; f", true},
    {"label $a | def f: label $b | f, break $b; f", true},
    {"[foreach range(1e9) as $x (0; . + $x)]", true},
    {"\"a,b\\n\" + (\",\\n\" * 1e5) | from_csv | length", false},
    {"(\"n\" * 200) + (\"\\n1\" * 1e6) | from_csv | length", true},
    {"\"a\\n\\\"\" + (\"\\\"\\\"\" * 1e5) | from_csv", false},
    {"[range(100000) | {a: ., b: \"x\"}] | to_csv | length", false},
    {"reduce range(64) as $i ([0]; [., .]) | to_csv", true},
    {"\"MSH|^~\\\\&|\" + (\"^\" * 1e6) | from_hl7 | length", false},
    {"\"MSH|^~\\\\&|\" + (\"a&\" * 5e5) | from_hl7 | length", true},
    {"\"MSH|^~\\\\&|A\\rPID|1\" + (\"~a\" * 4e5) | from_hl7 | length", true},
    {"{MSH: {\"3\": [range(100000) | {\"100.100\": 1}]}} | to_hl7 | length", false},
    {"reduce range(64) as $i ({}; {a: ., b: .}) | to_hl7", true},
    {"[range(1000) as [$a, $b] ?// $a | $a] | length", false},
    {"any(range(1e9); false), all(range(1e9); true)", true},
    {"first(range(1e9) | select(. < 0))", true},
    {"input_line_number_is_no_name?", false},
    {"[splits(\"\")]", false},
    {"[range(50)] | transpose?, ([range(3000) | [range(3000)]] | transpose | length)", true},
    {"reduce range(1000) as $i (.; . as [$a, {b: $c}] ?// {a: $c} ?// $c | [$c])", false},
    {"fromstream(def r: [[0], 1], r; r)", true},
    {"[tostream] | [., .] | [tostream | tostream | tostream] | length", false},
    {"[range(300)] | getpath([range(300)]?)", false},
    {"ltrimstr(range(1e9))", true},
    {"bsearch(range(1e9))", true},
    {"ldexp(1; 1e308), scalb(1; -1e308), scalbln(nan; nan), drem(1; 0), pow(0; -1e308)", false},
};

std::chrono::microseconds processor_time(const rusage& used) {
  return std::chrono::seconds(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
         std::chrono::microseconds(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
}

TEST(ExpressionHostile, EndsInTimeAndMemory) {
  for (const Hostile& h : kHostile) {
    const auto compiled = Expression::compile(h.program, {});
    if (!compiled.expression) {
      EXPECT_FALSE(h.must_stop) << h.program << ": " << compiled.fault.message;
      continue;
    }
    rusage before{};
    ::getrusage(RUSAGE_SELF, &before);
    const auto results = compiled.expression->all(Json(), {}, default_expression_budget());
    rusage after{};
    ::getrusage(RUSAGE_SELF, &after);
    const auto took = processor_time(after) - processor_time(before);
    EXPECT_LT(took, kTime) << h.program;
    EXPECT_LT(after.ru_maxrss - before.ru_maxrss, kMemory) << h.program;
    if (std::getenv("RABT_SHOW") != nullptr) {
      std::printf(
          "%6.0f ms %7ld KB %s  %.*s\n", std::chrono::duration<double, std::milli>(took).count(),
          after.ru_maxrss - before.ru_maxrss, results.ok() ? "ok" : results.error().code.c_str(),
          static_cast<int>(h.program.size()), h.program.data());
    }
    if (h.must_stop) {
      ASSERT_FALSE(results.ok()) << h.program;
      EXPECT_EQ(results.error().code, "expression.budget")
          << h.program << ": " << results.error().message;
    }
  }
}

// The depth of what is written, not of what is computed.
TEST(ExpressionHostile, LongAndDeepTextsEndInAFault) {
  const auto repeated = [](std::string_view piece, std::size_t times) {
    std::string text;
    for (std::size_t i = 0; i < times; ++i) text += piece;
    return text;
  };
  for (const std::string_view piece :
       {"1+",        "1-",  ".a|", ".a//",       "1 as $x|",      "def f:1;",
        "[",         "{a:", "(",   "if 1 then ", "try ",          "-",
        "\"\\(",     ".[",  "..|", "f(",         "@base64 \"\\(", "reduce . as $x (",
        "label $x|", "?//"}) {
    const auto start = std::chrono::steady_clock::now();
    const auto outcome = Expression::compile(repeated(piece, 200'000 / piece.size()), {});
    EXPECT_FALSE(outcome.expression.has_value()) << piece;
    EXPECT_LT(std::chrono::steady_clock::now() - start, kTime) << piece;
  }
}

}  // namespace
}  // namespace rabt::workflow::expression_hostile_test
