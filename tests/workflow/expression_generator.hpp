#pragma once

#include <random>
#include <set>
#include <string>
#include <string_view>
#include <vector>

// Programs and inputs made from a seed, for the comparison with jq. The grammar stays inside what
// ends and what both sides define; what is known to differ is made on purpose only, under the name
// of its class (docs/expressions.md, "Differences").
namespace rabt::workflow {

class ExpressionGenerator final {
 public:
  explicit ExpressionGenerator(std::uint64_t seed) : random_(seed) {}

  struct Program {
    std::string text;
    std::set<std::string> classes;  // of differences that it may show
  };

  Program program() {
    classes_.clear();
    variables_.clear();
    functions_.clear();
    known_ = chance(8);
    Program made;
    made.text = expression(2 + below(3));
    made.classes = classes_;
    return made;
  }

  // Adds to the classes of the program it is for.
  std::string input(Program& program) {
    classes_.clear();
    std::string text = value(3);
    program.classes.insert(classes_.begin(), classes_.end());
    return text;
  }

 private:
  std::size_t below(std::size_t end) { return static_cast<std::size_t>(random_() % end); }
  bool chance(std::size_t one_in) { return below(one_in) == 0; }
  template <std::size_t N>
  std::string pick(const char* const (&from)[N]) {
    return from[below(N)];
  }

  // ---- JSON

  std::string number() {
    if (known_ && chance(4)) {
      static constexpr const char* kOdd[] = {
          "9007199254740993",     "1.10", "100000000000000000000",
          "-9223372036854775807", "1e3",  "0.10"};
      classes_.insert("digits of numbers");
      return pick(kOdd);
    }
    static constexpr const char* kNumbers[] = {"0",  "1",   "2",    "3",   "-1",  "-2",  "10",
                                               "42", "0.5", "-1.5", "2.5", "100", "255", "1000000"};
    return pick(kNumbers);
  }
  std::string word() {
    static constexpr const char* kWords[] = {"\"a\"",
                                             "\"b\"",
                                             "\"ab\"",
                                             "\"abc\"",
                                             "\"a b\"",
                                             "\"a,b\"",
                                             "\"A1b2\"",
                                             "\"12\"",
                                             "\"1.5\"",
                                             "\"\"",
                                             "\"é\"",
                                             "\"aéb\"",
                                             "\"x-1 y-22\"",
                                             "\"𝄞a\"",
                                             "\"[1,2]\"",
                                             "\"<&>\"",
                                             "\"it's\"",
                                             "\"aab\"",
                                             "\"{\\\"a\\\":1}\"",
                                             "\"2015-03-05T23:51:47Z\"",
                                             "\"  a\"",
                                             "\"a\\tb\\n\"",
                                             "\"YWJj\"",
                                             "\"true\"",
                                             "\"مرحبا\""};
    return pick(kWords);
  }
  std::string scalar() {
    switch (below(8)) {
      case 0:
        return "null";
      case 1:
        return chance(2) ? "true" : "false";
      case 2:
      case 3:
      case 4:
        return number();
      default:
        return word();
    }
  }
  std::string value(std::size_t depth) {
    if (depth == 0 || chance(5)) return scalar();
    std::string out;
    const std::size_t count = below(4);
    if (chance(2)) {
      const bool alike = chance(2);
      for (std::size_t i = 0; i < count; ++i) {
        if (i > 0) out += ",";
        out += alike ? number() : value(depth - 1);
      }
      return "[" + out + "]";
    }
    static constexpr const char* kKeys[] = {"a", "b", "c", "key", "value"};
    std::set<std::string> used;
    for (std::size_t i = 0; i < count + 1; ++i) {
      const std::string key = pick(kKeys);
      if (!used.insert(key).second) continue;
      if (!out.empty()) out += ",";
      out += "\"" + key + "\":" + value(depth - 1);
    }
    return "{" + out + "}";
  }

  // ---- expressions

  std::string variable() { return "$" + variables_[below(variables_.size())]; }
  // Makes a body in which the names are variables.
  template <typename F>
  std::string with(const std::vector<std::string>& names, F body) {
    const std::size_t before = variables_.size();
    variables_.insert(variables_.end(), names.begin(), names.end());
    std::string text = body();
    variables_.resize(before);
    return text;
  }

  std::string leaf() {
    switch (below(12)) {
      case 0:
      case 1:
        return ".";
      case 2:
      case 3:
        return path(0);
      case 4:
        return scalar();
      case 5:
        return number();
      case 6:
        return chance(2) ? "[]" : "{}";
      case 7:
        return variables_.empty() ? "." : variable();
      case 8:
        return functions_.empty() ? ".a" : functions_[below(functions_.size())];
      case 9:
        return "empty";
      case 10:
        return value(2);
      default:
        return word();
    }
  }

  // Stands somewhere in its input.
  std::string path(std::size_t depth) {
    static constexpr const char* kSteps[] = {".a",     ".b",    ".c",       ".a.b",  ".[0]",
                                             ".[1]",   ".[-1]", ".[]",      ".[1:]", ".[:2]",
                                             ".[-2:]", ".b[0]", ".[\"a\"]", ".a[]",  ".[0:1]"};
    if (depth == 0) return pick(kSteps);
    const std::size_t d = depth - 1;
    switch (below(14)) {
      case 0:
        return "(" + path(d) + "|" + path(d) + ")";
      case 1:
        return "(" + path(d) + "," + path(d) + ")";
      case 2:
        return "(if " + expression(d) + " then " + path(d) + " else " + path(d) + " end)";
      case 3:
        return "(" + path(d) + "|select(" + expression(d) + "))";
      case 4:
        return "first(" + path(d) + ")";
      case 5:
        return "getpath([\"a\"," + number() + "])";
      case 6:
        return "..";
      case 7:
        return "(" + path(d) + "//" + path(d) + ")";
      case 8:
        return "limit(2;" + path(d) + ")";
      case 9:
        return "(.[]|" + path(d) + ")";
      case 10:
        return "recurse(if type==\"array\" then .[] else empty end)";
      case 11:
        return "(" + expression(d) + " as $x|" + with({"x"}, [&] { return path(d); }) + ")";
      default:
        return path(0);
    }
  }

  // jq 1.6 also catches what fails behind a `try` body; inside [ ] nothing stands behind it.
  std::string closed(const std::string& body) { return "[(" + body + ")?]"; }

  std::string condition(std::size_t d) {
    static constexpr const char* kTests[] = {". == null",
                                             "type == \"number\"",
                                             "type == \"string\"",
                                             ". > 1",
                                             "length > 1",
                                             ". != \"a\"",
                                             "type == \"array\"",
                                             "(type == \"object\")",
                                             ". == 0",
                                             "(.|tostring|length < 4)"};
    return chance(2) ? pick(kTests) : expression(d);
  }

  std::string pattern(std::vector<std::string>& names, std::size_t d) {
    const auto name = [&] {
      names.push_back("v" + std::to_string(names.size()));
      return "$" + names.back();
    };
    switch (d == 0 ? 0 : below(5)) {
      case 1:
        return "[" + name() + "," + pattern(names, d - 1) + "]";
      case 2:
        return "{a:" + pattern(names, d - 1) + "}";
      case 3: {
        const std::string first = name();
        return "{" + first + ",\"b\":" + pattern(names, d - 1) + "}";
      }
      case 4:
        return "{(\"a\",\"b\"):" + name() + "}";
      default:
        return name();
    }
  }

  std::string key() {
    static constexpr const char* kKeys[] = {
        "a", "b", "\"c\"", "(\"a\",\"b\")", "\"k\\(1,2)\"", "(.a|tostring)", "@base64 \"x\""};
    return pick(kKeys);
  }

  std::string regex() {
    static constexpr const char* kPatterns[] = {"\"a+\"",
                                                "\"[a-z]+\"",
                                                "\"(?<x>[a-z])(?<n>[0-9])?\"",
                                                "\"b|c\"",
                                                "\"^a\"",
                                                "\"[0-9]+\"",
                                                "\"(a)(b)?\"",
                                                "\" \"",
                                                "\"é\"",
                                                "\"(?<y>[0-9])\"",
                                                "\",\"",
                                                "\"[^a]\"",
                                                "\"A\"",
                                                "\"\\\\s\"",
                                                "\"a.\"",
                                                "\"(?<p>a)|(?<q>b)\""};
    return pick(kPatterns);
  }

  std::string unary() {
    static constexpr const char* kFunctions[] = {"length",
                                                 "utf8bytelength",
                                                 "not",
                                                 "keys",
                                                 "keys_unsorted",
                                                 "add",
                                                 "any",
                                                 "all",
                                                 "flatten",
                                                 "type",
                                                 "tostring",
                                                 "tonumber",
                                                 "tojson",
                                                 "floor",
                                                 "ceil",
                                                 "round",
                                                 "sqrt",
                                                 "fabs",
                                                 "sort",
                                                 "unique",
                                                 "min",
                                                 "max",
                                                 "reverse",
                                                 "bsearch(1)",
                                                 "transpose",
                                                 "to_entries",
                                                 "explode",
                                                 "ascii_downcase",
                                                 "ascii_upcase",
                                                 "paths",
                                                 "leaf_paths",
                                                 "tostream",
                                                 "first",
                                                 "last",
                                                 "values",
                                                 "nulls",
                                                 "strings",
                                                 "numbers",
                                                 "arrays",
                                                 "objects",
                                                 "scalars",
                                                 "iterables",
                                                 "booleans",
                                                 "recurse",
                                                 "todate",
                                                 "gmtime",
                                                 "isnan",
                                                 "isinfinite",
                                                 "isnormal",
                                                 "combinations",
                                                 "exp2",
                                                 "trunc",
                                                 "logb",
                                                 "significand",
                                                 "frexp",
                                                 "modf",
                                                 "cbrt",
                                                 "exp10",
                                                 "log2",
                                                 "(gmtime|mktime)",
                                                 "(explode|implode)",
                                                 "(objects|to_entries|from_entries)",
                                                 "(tojson|fromjson)",
                                                 "fromjson",
                                                 "fromdate",
                                                 "(gmtime|todate)",
                                                 "ascii_downcase",
                                                 "@text",
                                                 "@json",
                                                 "@csv",
                                                 "@tsv",
                                                 "@html",
                                                 "@uri",
                                                 "@sh",
                                                 "@base64",
                                                 "@base64d",
                                                 "env_is_no_name",
                                                 "isfinite",
                                                 "error",
                                                 "infinite",
                                                 "nan",
                                                 "lgamma",
                                                 "tgamma",
                                                 "rint",
                                                 "nearbyint",
                                                 "tanh",
                                                 "asinh",
                                                 "finites",
                                                 "normals",
                                                 "recurse_down",
                                                 "mktime",
                                                 "[splits(\", *\")]"};
    std::string name = pick(kFunctions);
    if (name == "env_is_no_name" || (name == "error" && !chance(4))) name = "length";
    if (name == "reverse" && known_) classes_.insert("reverse of texts");
    if (name == "reverse" && !known_) name = "(if type==\"string\" then . else reverse end)";
    if (name == "exp2" || name == "exp10") {
      if (known_) classes_.insert({"last digit", "texts of large numbers"});
      if (!known_) name = "log2";
    }
    if (name == "bsearch(1)") name = "(if type==\"array\" then . else bsearch(1) end)";
    if (name == "error") name = "(if . == null then . else error end)";
    if (name == "nan" || name == "infinite") name = chance(3) ? name : "-1";
    return name;
  }

  std::string call(std::size_t d) {
    const std::string e = expression(d);
    const std::string k = word();
    switch (below(66)) {
      case 0:
        return "map(" + e + ")";
      case 1:
        return "select(" + condition(d) + ")";
      case 2:
        return "sort_by(" + e + ")";
      case 3:
        return "group_by(" + e + ")";
      case 4:
        return "unique_by(" + e + ")";
      case 5:
        return "min_by(" + e + ")";
      case 6:
        return "max_by(" + e + ")";
      case 7:
        return "any(" + decision(d, e) + ")";
      case 8:
        return "all(" + decision(d, e) + ")";
      case 9:
        return "first(" + e + ")";
      case 10:
        return "last(" + e + ")";
      case 11:
        return "limit(" + std::string(chance(2) ? "1" : "3") + ";" + e + ")";
      case 12:
        return "nth(" + std::string(chance(2) ? "0" : "2") + ";" + e + ")";
      case 13:
        return "range(" + std::string(chance(2) ? "3" : "0,2") + ")";
      case 14:
        return "range(0;5;" + std::string(chance(2) ? "2" : "1.5,-1") + ")";
      case 15:
        return "has(" + (chance(2) ? k : number()) + ")";
      case 16:
        return "contains(" + e + ")";
      case 17:
        return "inside(" + e + ")";
      case 18:
        return "split(" + k + ")";
      case 19:
        return "join(" + k + ")";
      case 20:
        return "ltrimstr(" + e + ")";
      case 21:
        return "rtrimstr(" + e + ")";
      case 22:
        return "startswith(" + k + ")";
      case 23:
        return "endswith(" + e + ")";
      case 24:
        return "test(" + regex() + ")";
      case 25:
        return "[match(" + regex() + ";\"g\")]";
      case 26:
        return "match(" + regex() + ")";
      case 27:
        return "capture(" + regex() + ")";
      case 28:
        return "[scan(" + regex() + ")]";
      case 29:
        return "sub(" + regex() + ";\"<\\(.x)>\")";
      case 30:
        return "gsub(" + repeated(regex()) + ";" + k + ")";
      case 31:
        return "[splits(" + regex() + ")]";
      case 32:
        return "split(" + regex() + ";\"g\")";
      case 33:
        return "test(" + regex() + ";\"i\",\"x\")";
      case 34:
        return "indices(" + filled() + ")";
      case 35:
        return "index(" + filled() + ")";
      case 36:
        return "rindex(" + filled() + ")";
      case 37:
        return "flatten(" + std::string(chance(3) ? "-1" : "1") + ")";
      case 38:
        return "getpath([\"a\"," + number() + "])";
      case 39:
        return "setpath([" + k + "];" + e + ")";
      case 40:
        return "delpaths([path(" + path(d) + ")])";
      case 41:
        return "del(" + path(d) + ")";
      case 42:
        return "[path(" + path(d) + ")]";
      case 43:
        return "[paths(" + condition(0) + ")]";
      case 44:
        return "fromstream(tostream)";
      case 45:
        return "[1|truncate_stream(" + value(2) + "|tostream)]";
      case 46:
        return "walk(if type==\"number\" then .+1 else . end)";
      case 47:
        return "[limit(20;combinations(" + std::string(chance(2) ? "1" : "2") + "))]";
      case 48:
        return "(arrays|sort|bsearch(" + scalar() + "))";
      case 49:
        return "(objects|with_entries(.value|=" + one(d) + "))";
      case 50:
        return "IN(" + e + ")";
      case 51:
        return "INDEX(" + e + ")";
      case 52:
        return "recurse(if type==\"number\" and .<3 then .+1 else empty end)";
      case 53:
        return "[while(type==\"number\" and .<5;.+1)]";
      case 54:
        return "until(type!=\"number\" or .>5;.+2)";
      case 55:
        return "strftime(\"%Y-%m-%d %H:%M:%S %j %a %b %e %Z\")";
      case 56:
        return "(" + k + "|strptime(\"%Y-%m-%dT%H:%M:%SZ\"))";
      case 57:
        return "in(" + value(2) + ")";
      case 58:
        return "map_values(" + one(d) + ")";
      case 59:
        return "isempty(" + e + ")";
      case 60:
        return "pow(" + number() + ";" + number() + ")";
      case 61:
        return "fmin(" + number() + ";" + number() + "),fmod(" + number() + ";3),ldexp(" +
               number() + ";2),scalb(1;" + number() + "),drem(" + number() + ";3)";
      case 62:
        return "any(" + std::string(known_ ? path(d) : ".,1") + ";" + decision(d, "length>1") + ")";
      case 63:
        return "all(" + std::string(known_ ? path(d) : "1,.") + ";" + decision(d, ".!=1") + ")";
      case 64:
        return "(" + k + "|test(" + regex() + "))";
      default:
        return "JOIN({\"a\":1,\"1\":2};tostring)";
    }
  }

  // For gsub: jq 1.6 begins anew after each match.
  std::string repeated(const std::string& regex) {
    if (!regex.starts_with("\"^")) return regex;
    if (!known_) return "\"a\"";
    classes_.insert("gsub at the beginning");
    return regex;
  }

  // For any and all: jq 1.6 may evaluate one result more than it needs.
  std::string decision(std::size_t d, const std::string& several) {
    if (!known_) return one(d);
    classes_.insert("any and all end at once");
    return several;
  }

  // Searched value, never an empty text: jq 1.6 does not end for one.
  std::string filled() {
    static constexpr const char* kSought[] = {"\"a\"", "\"ab\"", "\",\"", "1",
                                              "[1]",   "[1,2]",  "null",  "\"é\""};
    return pick(kSought);
  }

  // One result where the input allows it.
  static constexpr const char* kSeveral = "(.,1)";
  std::string one(std::size_t d) {
    static constexpr const char* kSingle[] = {"1",   "\"n\"",  "null",  "tostring",
                                              "[.]", "length", "{v:.}", "(.+1)",
                                              ".",   "type",   "not",   "(.,1|[.])"};
    std::string single = pick(kSingle);
    if (single == "(.,1|[.])") return known_ ? kSeveral : "[.,1]";
    if (d > 0 && chance(3)) return "[" + expression(d - 1) + "]";
    return single;
  }

  std::string expression(std::size_t depth) {
    if (depth == 0) return leaf();
    const std::size_t d = depth - 1;
    static constexpr const char* kOperators[] = {
        "+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">="};
    static constexpr const char* kUpdates[] = {"+=", "-=", "*=", "/=", "%=", "//=", "="};
    static constexpr const char* kFormats[] = {"@text", "@json", "@csv",    "@tsv",    "@html",
                                               "@uri",  "@sh",   "@base64", "@base64d"};
    switch (below(34)) {
      case 0:
      case 1:
      case 2:
        return "(" + expression(d) + "|" + expression(d) + ")";
      case 3:
        return "(" + expression(d) + "," + expression(d) + ")";
      case 4:
      case 5:
      case 6:
        return "(" + expression(d) + " " + pick(kOperators) + " " + expression(d) + ")";
      case 7:
        return "(" + expression(d) + (chance(2) ? " and " : " or ") + expression(d) + ")";
      case 8:
        return "(" + expression(d) + "//" + expression(d) + ")";
      case 9:
        return "(if " + condition(d) + " then " + expression(d) + " else " + expression(d) +
               " end)";
      case 10:
        return "[try (" + expression(d) + ") catch (" + expression(d) + ")]";
      case 11:
        return closed(expression(d));
      case 12: {
        std::vector<std::string> names;
        const std::string p = pattern(names, 1);
        const std::string start = one(d);
        if (start == kSeveral) classes_.insert("reduce and foreach with several starts");
        return "(reduce (" + path(d) + ") as " + p + " (" + start + ";" +
               with(names, [&] { return one(d); }) + "))";
      }
      case 13: {
        std::vector<std::string> names;
        const std::string p = pattern(names, 1);
        std::string start = one(0);
        if (known_) {
          classes_.insert("reduce and foreach with several starts");
          start = expression(0);
        }
        return "(foreach (" + expression(d) + ") as " + p + " (" + start + ";" +
               with(names, [&] { return one(d) + ";[.," + variable() + "]"; }) + "))";
      }
      case 14:
        return "[label $out|(" + expression(d) + "|if " + condition(0) +
               " then .,break $out else . end)]";
      case 15:
      case 16: {
        std::vector<std::string> names;
        const std::string p = pattern(names, 2);
        return "(" + expression(d) + " as " + p + "|" + with(names, [&] { return expression(d); }) +
               ")";
      }
      case 17:
        return "[" + path(d) + " as [$x] ?// {a:$x} ?// $x|" +
               with({"x"}, [&] { return "[$x," + one(d) + "]"; }) + "]";
      case 18: {
        functions_.emplace_back("f(" + scalar() + ";" + leaf() + ")");
        std::string rest = expression(d);
        functions_.pop_back();
        const std::string body = with({"p"}, [&] { return expression(d); });
        return "(def f($p;g): " + body + "|g; " + rest + ")";
      }
      case 19:
      case 20:
        return "[" + expression(d) + "]";
      case 21:
      case 22: {
        std::string members = key() + ":(" + expression(d) + ")";
        if (chance(2)) members += "," + key() + ":(" + expression(d) + ")";
        if (chance(3) && !variables_.empty()) members += "," + variable();
        return "{" + members + "}";
      }
      case 23:
        return "\"<\\(" + expression(d) + ")-\\(" + expression(0) + ")>\"";
      case 24:
        return pick(kFormats) + " \"v=\\(" + expression(d) + ")\"";
      case 25:
      case 26:
        return "(" + path(d) + " |= " + one(d) + ")";
      case 27:
        return "(" + path(d) + " " + pick(kUpdates) + " " + expression(d) + ")";
      case 28:
        if (!known_) return "(-(" + expression(d) + "|if .==0 then 1 else . end))";
        classes_.insert("negated zero");
        return "(-(" + expression(d) + "))";
      case 29:
      case 30:
        return "(" + expression(d) + "|" + unary() + ")";
      case 31:
        return unary();
      case 32:
        return path(depth);
      default:
        return "(" + expression(d > 0 ? d - 1 : 0) + "|" + call(d) + ")";
    }
  }

  std::mt19937_64 random_;
  std::vector<std::string> variables_;
  std::vector<std::string> functions_;
  std::set<std::string> classes_;
  bool known_ = false;  // may make what is known to differ
};

}  // namespace rabt::workflow
