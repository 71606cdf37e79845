#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <sstream>

#include "hub/workflow/expression.hpp"
#include "tests/workflow/expression_generator.hpp"

// Random programs on random inputs: our results against those of the jq program (1.6). RABT_SEED
// repeats a run, RABT_PAIRS makes it longer.
namespace rabt::workflow::expression_differential_test {
namespace {

constexpr std::size_t kInputs = 5;    // for each program
constexpr std::size_t kPerRun = 100;  // programs in one run of jq

struct Case {
  std::string program;
  std::set<std::string> classes;
  std::vector<Json> inputs;
  std::vector<Json> ours;  // for each input: [{"v": result}, ..., {"e": error}]
};

// Results and the caught error, in order.
std::string wrapped(const std::string& program) {
  return "[try ((" + program + "\n)|{v:.}) catch {e:.}]";
}

bool same(const Json& a, const Json& b) {
  if (a.type() != b.type()) return false;
  if (a.is_array()) {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i) {
      if (!same(a[i], b[i])) return false;
    }
    return true;
  }
  if (a.is_object()) {
    if (a.size() != b.size()) return false;
    for (const auto& [key, member] : a.as_object()) {
      const Json* other = b.find(key);
      if (other == nullptr || !same(member, *other)) return false;
    }
    return true;
  }
  if (a.is_number()) return a.as_double() == b.as_double();
  return a == b;
}

// jq prints 17 digits; where its last digit is not ours, the doubles differ by less than this.
bool nearly(const Json& a, const Json& b) {
  if (a.is_number() && b.is_number()) {
    const double x = a.as_double();
    const double y = b.as_double();
    return x == y || std::fabs(x - y) <= 1e-14 * std::max(std::fabs(x), std::fabs(y));
  }
  if (a.type() != b.type() || a.size() != b.size()) return false;
  if (a.is_array()) {
    for (std::size_t i = 0; i < a.size(); ++i) {
      if (!nearly(a[i], b[i])) return false;
    }
    return true;
  }
  if (a.is_object()) {
    for (const auto& [key, member] : a.as_object()) {
      if (!nearly(member, b[key])) return false;
    }
    return true;
  }
  return a == b;
}

bool starts_with_any(const std::string& text, std::initializer_list<const char*> beginnings) {
  for (const std::string_view beginning : beginnings) {
    if (text.starts_with(beginning)) return true;
  }
  return false;
}

bool has_any(const std::string& text, std::initializer_list<std::string_view> parts) {
  return std::any_of(parts.begin(), parts.end(),
                     [&](std::string_view part) { return text.find(part) != std::string::npos; });
}

bool other_scripts(const Case& c) {
  std::string all = c.program;
  for (const Json& input : c.inputs) input.dump_to(all);
  return std::any_of(all.begin(), all.end(),
                     [](char letter) { return static_cast<unsigned char>(letter) >= 0x80; });
}

class Jq final {
 public:
  Jq()
      : folder_(std::filesystem::temp_directory_path() /
                ("rabt_jq_diff_" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(folder_);
  }
  ~Jq() { std::filesystem::remove_all(folder_); }
  Jq(const Jq&) = delete;
  Jq& operator=(const Jq&) = delete;

  // One line a program, an array with one entry an input. Empty when jq could not do them all.
  std::vector<Json> run(std::span<const Case> cases) {
    Json::Array inputs;
    {
      std::ofstream program(folder_ / "program.jq");
      for (std::size_t i = 0; i < cases.size(); ++i) {
        inputs.emplace_back(Json::Array(cases[i].inputs.begin(), cases[i].inputs.end()));
        program << (i > 0 ? ",\n" : "") << "(.[" << i << "]|[.[]|" << wrapped(cases[i].program)
                << "])";
      }
      std::ofstream(folder_ / "input.json") << Json(inputs).dump();
    }
    const std::string command = "ulimit -c 0; timeout 10 jq -c -f '" +
                                (folder_ / "program.jq").string() + "' '" +
                                (folder_ / "input.json").string() + "' 2>/dev/null";
    FILE* pipe = ::popen(command.c_str(), "r");
    if (pipe == nullptr) return {};
    std::string output;
    std::array<char, 65536> buffer{};
    while (const std::size_t got = std::fread(buffer.data(), 1, buffer.size(), pipe))
      output.append(buffer.data(), got);
    std::vector<Json> lines;
    if (::pclose(pipe) != 0) return lines;
    std::istringstream stream(output);
    std::string line;
    while (std::getline(stream, line)) {
      auto parsed = Json::parse(line, {.max_bytes = 64U << 20U, .max_depth = 1000});
      if (!parsed.ok()) return {};
      lines.push_back(std::move(*parsed));
    }
    if (lines.size() != cases.size()) lines.clear();
    return lines;
  }

 private:
  std::filesystem::path folder_;
};

class Comparison final {
 public:
  std::map<std::string, std::size_t> known;  // differences by class
  std::size_t compared = 0;
  std::size_t wrong = 0;

  void compare(Jq& jq, std::span<const Case> cases) {
    if (cases.empty()) return;
    const std::vector<Json> theirs = jq.run(cases);
    if (theirs.empty()) {
      // One of them stops jq: an endless loop, a failed assertion, a program it does not read.
      if (cases.size() > 1) {
        compare(jq, cases.first(cases.size() / 2));
        compare(jq, cases.subspan(cases.size() / 2));
        return;
      }
      ++known["programs that stop jq"];
      if (std::getenv("RABT_SHOW") != nullptr)
        std::cout << "jq stops: " << cases[0].program << "\n";
      return;
    }
    for (std::size_t i = 0; i < cases.size(); ++i) {
      for (std::size_t k = 0; k < cases[i].inputs.size(); ++k) judge(cases[i], k, theirs[i][k]);
    }
  }

 private:
  void judge(const Case& c, std::size_t at, const Json& theirs) {
    ++compared;
    const Json& ours = c.ours[at];
    if (same(ours, theirs)) return;
    const std::string name = class_of(c, ours, theirs);
    if (!name.empty()) {
      ++known[name];
      return;
    }
    ++wrong;
    if (shown_.insert(c.program).second && shown_.size() <= 40) {
      ADD_FAILURE() << c.program << "\n  input " << c.inputs[at].dump() << "\n  ours  "
                    << ours.dump() << "\n  jq    " << theirs.dump();
    }
  }

  std::set<std::string> shown_;

  static std::string class_of(const Case& c, const Json& ours, const Json& theirs) {
    if (!c.classes.empty()) return *c.classes.begin();
    if (nearly(ours, theirs)) return "last digit";
    const Json& our_last = ours[ours.size() - 1];
    const Json& their_last = theirs[theirs.size() - 1];
    if (c.program.find("@base64d") != std::string::npos &&
        (ours.dump().find("\xef\xbf\xbd") != std::string::npos ||
         c.program.find("@base64 ") != std::string::npos)) {
      return "@base64d of broken UTF-8";
    }
    if (ours.dump().find("e+") != std::string::npos &&
        theirs.dump().find("00000") != std::string::npos) {
      return "texts of large numbers";
    }
    for (const std::string_view day : {"1969-12-31", "[1969,11,31"}) {
      if (ours.dump().find(day) != std::string::npos &&
          theirs.dump().find(day) != std::string::npos)
        return "fractions of seconds before 1970";
    }
    if (theirs.dump().find("-0") != std::string::npos &&
        ours.dump().find("-0") == std::string::npos) {
      return "negated zero";
    }
    const std::string their_error =
        their_last["e"].is_string() ? their_last["e"].as_string() : std::string();
    if (starts_with_any(their_error, {"errror converting number of seconds"}) &&
        our_last["e"].is_string() && our_last["e"].as_string().ends_with(" is out of range")) {
      return "times out of range";
    }
    if (their_error.starts_with("boolean (") &&
        their_error.ends_with("cannot have their containment checked")) {
      return "containment of booleans";
    }
    const bool swallowed = (their_error.empty() || has_any(c.program, {"catch"})) &&
                           c.program.find("mktime") != std::string::npos &&
                           ours.dump().find("-1") != ours.dump().find("-2");
    if (swallowed ||
        starts_with_any(their_error, {"mktime not supported", "invalid gmtime representation"})) {
      return "mktime of -1 and -2";
    }
    static constexpr std::initializer_list<const char*> kWriting = {
        "Out of bounds negative", "A slice of an array", "Cannot update field", "Cannot index"};
    if (ours.size() == theirs.size() && our_last["e"].is_string() &&
        starts_with_any(our_last["e"].as_string(), kWriting) &&
        starts_with_any(their_error, kWriting) && c.program.find('=') != std::string::npos) {
      return "which of two errors";
    }
    if (c.program.find("ind") != std::string::npos && other_scripts(c)) {
      return "index counts characters";
    }
    if (has_any(c.program, {" % ", " %= "}) && has_any(c.program, {"pow", "infinite", "tgamma"})) {
      return "remainders beyond 64 bits";
    }
    if (has_any(c.program, {":]", "[:"}) && has_any(c.program, {"==", "!="}))
      return "slices of one array";
    // The program has looked at the text.
    if (has_any(c.program, {"fromjson", "tonumber"}) && has_any(c.program, {"catch"}))
      return "texts of parse errors";
    if (ours.size() == theirs.size() && our_last["e"].is_string() && their_last["e"].is_string()) {
      if (starts_with_any(their_last["e"].as_string(),
                          {"Invalid numeric literal", "Unfinished", "Expected", "Invalid literal",
                           "Objects must", "Potentially", "Unmatched", "Object keys",
                           "Invalid escape", "Separator"})) {
        return "texts of parse errors";
      }
    }
    return "";
  }
};

bool jq_is_there() {
  return std::system("jq --version 2> /dev/null | grep -q 'jq-1\\.6'") == 0;
}

void agree_on_random_programs(std::uint64_t seed, std::size_t pairs) {
  if (const char* const given = std::getenv("RABT_SEED"); given != nullptr)
    seed = std::strtoull(given, nullptr, 10);
  if (const char* const wanted = std::getenv("RABT_PAIRS"); wanted != nullptr)
    pairs = std::strtoull(wanted, nullptr, 10);
  std::cout << "RABT_SEED=" << seed << " RABT_PAIRS=" << pairs << "\n";

  ExpressionGenerator generator(seed);
  // Small, so that jq gets nothing that runs long either.
  const ExpressionBudget budget{.steps = 20'000, .depth = 200, .bytes = 1U << 19U};
  Jq jq;
  Comparison comparison;
  std::vector<Case> batch;
  std::size_t refused = 0;
  std::size_t spent = 0;
  while (comparison.compared + batch.size() * kInputs < pairs) {
    auto made = generator.program();
    Case c{.program = made.text, .classes = {}, .inputs = {}, .ours = {}};
    const auto plain = Expression::compile(c.program, {});
    const auto compiled = Expression::compile(wrapped(c.program), {});
    ASSERT_EQ(plain.expression.has_value(), compiled.expression.has_value()) << c.program;
    if (!compiled.expression) {
      ASSERT_LT(++refused, pairs) << c.program << ": " << compiled.fault.message;
      if (std::getenv("RABT_SHOW") != nullptr)
        std::cout << "refused: " << c.program << ": " << compiled.fault.message << "\n";
      continue;
    }
    bool fits = true;
    for (std::size_t i = 0; fits && i < kInputs; ++i) {
      const std::string text = generator.input(made);
      auto input = Json::parse(text);
      ASSERT_TRUE(input.ok()) << text;
      const auto results = compiled.expression->one(*input, {}, budget);
      fits = results.ok();
      if (!fits) {
        ASSERT_EQ(results.error().code, "expression.budget") << c.program << " on " << text;
        break;
      }
      // The same without what is put around it: the two ways through the evaluator agree.
      const auto bare = plain.expression->all(*input, {}, budget);
      const Json& last = (*results)[results->size() - 1];
      ASSERT_EQ(bare.ok(), results->size() == 0 || last.find("e") == nullptr) << c.program;
      if (bare.ok()) {
        ASSERT_EQ(bare->size(), results->size()) << c.program;
        for (std::size_t r = 0; r < bare->size(); ++r)
          ASSERT_EQ((*bare)[r].dump(), (*results)[r]["v"].dump()) << c.program;
      }
      c.inputs.push_back(std::move(*input));
      c.ours.push_back(*results);
    }
    c.classes = made.classes;
    if (!fits) {
      ASSERT_LT(++spent, pairs);
      continue;
    }
    batch.push_back(std::move(c));
    if (batch.size() < kPerRun) continue;
    comparison.compare(jq, batch);
    batch.clear();
  }
  comparison.compare(jq, batch);
  std::cout << comparison.compared << " pairs compared; " << refused << " programs refused, "
            << spent << " over the budget; known differences:\n";
  std::ifstream file(std::string(std::getenv("RABT_SOURCE_DIR")) + "/docs/expressions.md");
  const std::string page((std::istreambuf_iterator<char>(file)), {});
  for (const auto& [name, count] : comparison.known) {
    std::cout << "  " << count << " " << name << "\n";
    EXPECT_NE(page.find("**" + name + "**"), std::string::npos)
        << name << " is no difference that docs/expressions.md names";
  }
  EXPECT_EQ(comparison.wrong, 0U) << "RABT_SEED=" << seed << " repeats it";
}

// The same programs in each run.
TEST(ExpressionDifferential, AgreesWithJqOnRandomPrograms) {
  if (!jq_is_there()) GTEST_SKIP() << "the jq program, version 1.6, is not installed";
  agree_on_random_programs(20261123, 5'000);
}

// Other programs in each run.
TEST(SlowExpressionDifferential, AgreesWithJqOnNewPrograms) {
  if (!jq_is_there()) GTEST_SKIP() << "the jq program, version 1.6, is not installed";
  const auto now = std::chrono::system_clock::now().time_since_epoch().count();
  agree_on_random_programs(static_cast<std::uint64_t>(now), 100'000);
}

}  // namespace
}  // namespace rabt::workflow::expression_differential_test
