#include <gtest/gtest.h>

#include "shell.hpp"

// The program itself: `rabt expr`, from the shell.
namespace rabt::cli::expr_test {
namespace {

TEST(Expr, EvaluatesEachValueOfTheInput) {
  const Ran all = run(R"(echo '{"a":1}{"a":[2]} "x"3 null' | rabt expr '.a? // .')");
  EXPECT_EQ(all.code, 0) << all.err;
  EXPECT_EQ(all.out, "1\n[2]\n\"x\"\n3\nnull\n");
  EXPECT_EQ(run("echo '[1,2]' > f; rabt expr '.[]' --input f").out, "1\n2\n");
  EXPECT_EQ(run("rabt expr '.' < /dev/null").out, "");
  EXPECT_EQ(run("rabt expr --null-input '[., 1]' < /dev/null").out, "[null,1]\n");
}

TEST(Expr, TakesVariablesAndExpressionsThatStartWithAMinus) {
  EXPECT_EQ(run(R"(rabt expr -n '$a + $b.c' --arg a=1 --arg 'b={"c":41}')").out, "42\n");
  EXPECT_EQ(run("rabt expr -n '-(3)'").out, "-3\n");
  EXPECT_EQ(run("rabt expr -n -- '-1'").out, "-1\n");
  EXPECT_EQ(run("rabt expr -n '$a' --arg a=x").code, 2);
  EXPECT_NE(run("rabt expr -n '.' --unknown").code, 0);
}

TEST(Expr, PrintsTextsRawOnRequest) {
  EXPECT_EQ(run(R"(rabt expr -n '"a\"b", 1')").out, "\"a\\\"b\"\n1\n");
  EXPECT_EQ(run(R"(rabt expr -n --raw '"a\"b", 1')").out, "a\"b\n1\n");
}

TEST(Expr, ShowsWhereAnExpressionIsWrong) {
  const Ran syntax = run("rabt expr -n '.a |\n  (1 + '");
  EXPECT_EQ(syntax.code, 5);
  EXPECT_EQ(syntax.out, "");
  EXPECT_EQ(syntax.err,
            "expression:2:8: expected an expression, found the end [expression.syntax]\n"
            "    (1 + \n"
            "         ^\n");
  // The column counts characters, not bytes.
  EXPECT_EQ(run("rabt expr -n '\"مرحبا\" | lenght'").err.substr(0, 17), "expression:1:11: ");
}

TEST(Expr, PrintsWhatCameBeforeAnErrorAndGoesOnWithTheNextValue) {
  const Ran failed = run(R"(echo '1 {"a":2}' | rabt expr '"first", .a')");
  EXPECT_EQ(failed.code, 5);
  EXPECT_EQ(failed.out, "\"first\"\n\"first\"\n2\n");
  EXPECT_EQ(failed.err,
            "expression:1:10: Cannot index number with string [expression.runtime]\n"
            "  \"first\", .a\n"
            "           ^\n");
  EXPECT_EQ(run("rabt expr -n 'last(repeat(1))'").code, 5);
}

TEST(Expr, RefusesInputThatIsNoJson) {
  const Ran broken = run("echo '1 {\"a\"' | rabt expr .");
  EXPECT_EQ(broken.code, 2);
  EXPECT_EQ(broken.out, "1\n");
  EXPECT_NE(broken.err.find("value 2 of the input"), std::string::npos) << broken.err;
  EXPECT_EQ(run("rabt expr . --input missing.json").err,
            "missing.json: cannot be read: No such file or directory\n");
  const Ran folder = run("rabt expr . --input .");
  EXPECT_EQ(folder.code, 2);
  EXPECT_EQ(folder.err, ".: cannot be read: Is a directory\n");
  EXPECT_EQ(run("rabt expr < /dev/null").code, 2);
}

}  // namespace
}  // namespace rabt::cli::expr_test
