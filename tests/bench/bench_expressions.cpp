// ./dev bench expressions: our evaluator beside libjq 1.6, from the hub's Json to the hub's Json.
// For jq that is a structural conversion there and back, without text. Variables travel to jq
// inside its input, because it binds others when it compiles. Prints; asserts that the results are
// the same.
extern "C" {  // the headers are plain C
#include <jq.h>
#include <jv.h>
}

#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <iostream>

#include "hub/workflow/expression.hpp"

namespace {

using namespace rabt;
using Clock_ = std::chrono::steady_clock;

jv to_jv(const Json& value) {
  switch (value.type()) {
    case Json::Type::null:
      return jv_null();
    case Json::Type::boolean:
      return jv_bool(value.as_bool() ? 1 : 0);
    case Json::Type::number:
      return jv_number(value.as_double());
    case Json::Type::string:
      return jv_string_sized(value.as_string().data(), static_cast<int>(value.as_string().size()));
    case Json::Type::array: {
      jv array = jv_array_sized(static_cast<int>(value.size()));
      for (const Json& item : value.as_array()) array = jv_array_append(array, to_jv(item));
      return array;
    }
    case Json::Type::object: {
      jv object = jv_object();
      for (const auto& [key, member] : value.as_object()) {
        object = jv_object_set(object, jv_string_sized(key.data(), static_cast<int>(key.size())),
                               to_jv(member));
      }
      return object;
    }
  }
  return jv_null();
}

// Takes over the value, as jv functions do.
Json from_jv(jv value) {
  Json node;
  switch (jv_get_kind(value)) {
    case JV_KIND_TRUE:
      node = Json(true);
      break;
    case JV_KIND_FALSE:
      node = Json(false);
      break;
    case JV_KIND_NUMBER: {
      const double number = jv_number_value(value);
      node = number == std::trunc(number) && std::fabs(number) < 9e15
                 ? Json(static_cast<std::int64_t>(number))
                 : Json(number);
      break;
    }
    case JV_KIND_STRING:
      node = Json(std::string(jv_string_value(value),
                              static_cast<std::size_t>(jv_string_length_bytes(jv_copy(value)))));
      break;
    case JV_KIND_ARRAY: {
      Json::Array items;
      jv_array_foreach(value, i, item) items.push_back(from_jv(item));
      node = Json(std::move(items));
      break;
    }
    case JV_KIND_OBJECT: {
      JsonObject object;
      jv_object_foreach(value, key, member) {
        object.append_new(std::string(jv_string_value(key)), from_jv(member));
        jv_free(key);
      }
      node = Json(std::move(object));
      break;
    }
    default:
      break;
  }
  jv_free(value);
  return node;
}

class Jq final {
 public:
  explicit Jq(const std::string& program) : state_(jq_init()) {
    if (jq_compile(state_, program.c_str()) == 0) {
      std::cerr << "jq does not compile " << program << "\n";
      std::exit(1);
    }
  }
  ~Jq() { jq_teardown(&state_); }
  Jq(const Jq&) = delete;
  Jq& operator=(const Jq&) = delete;

  Json one(const Json& input) {
    jq_start(state_, to_jv(input), 0);
    jv result = jq_next(state_);
    if (jv_is_valid(result) == 0) {
      std::cerr << "jq gives no result\n";
      std::exit(1);
    }
    return from_jv(result);
  }

 private:
  jq_state* state_;
};

struct Sample {
  const char* name;
  const char* text;
};

// The shapes of workflows/consultation.yaml, and what authors write beside them.
constexpr Sample kSamples[] = {
    {"path", ".appointment.key"},
    {"variable path", "$context.appointment.startEpoch"},
    {"whole variable", "$context"},
    {"comparison", ".status == \"completed\""},
    {"conditions", "$context.status == 408 or $context.status == 425 or $context.status >= 500"},
    {"alternative", ".missing.value // $context.reference // \"none\""},
    {"add a member", "$context + {eligibility: .claim}"},
    {"append", "$context + {undo: ($context.undo + [{action: \"end\", id: .sessionId}])}"},
    {"members", "{id: .id, patient: $context.patient, start: .claim.start, n: 3}"},
    {"interpolation", "\"PT\\([0, ($context.appointment.startEpoch - 900)] | max | floor)S\""},
    {"roles", "([.participants[].role] | unique) == [\"patient\", \"practitioner\"]"},
    {"select", "[.items[] | select(.kind == \"video\") | .id]"},
    {"map sum", ".items | map(.amount) | add"},
    {"sort", ".items | sort_by(.amount) | .[0].id"},
    {"group", ".items | group_by(.kind) | map({kind: .[0].kind, n: length})"},
    {"reduce", "reduce .items[] as $i ({}; .[$i.kind] += $i.amount)"},
    {"entries", ".patient | with_entries(select(.value != null))"},
    {"update", ".items |= map(.amount *= 2)"},
    {"test", "[.items[] | select(.id | test(\"^item-[0-9]*5$\"))] | length"},
    {"replace", ".sessionId | gsub(\"[^a-z0-9]\"; \"-\")"},
    {"date", "$context.appointment.startEpoch | todate"},
    {"any", "any(.items[]; .amount > 90)"},
};

Json document(std::size_t items) {
  Json list{Json::Array{}};
  for (std::size_t i = 0; i < items; ++i) {
    list.push_back(Json::object({{"id", "item-" + std::to_string(i)},
                                 {"kind", i % 3 == 0 ? "video" : "audio"},
                                 {"amount", static_cast<std::int64_t>(i % 97)},
                                 {"note", "recorded in the second room"}}));
  }
  const Json patient =
      Json::object({{"name", "عبدالله بن سعد"}, {"id", "1000000001"}, {"x", nullptr}});
  return Json::object(
      {{"id", "01M7YJZDHKYXFKBBS9MA1HJMZC"},
       {"status", "completed"},
       {"sessionId", "RM_12 34.56"},
       {"appointment", Json::object({{"key", "apt-17"}, {"startEpoch", 1'773'000'000}})},
       {"patient", patient},
       {"undo", Json::array({Json::object({{"action", "a"}, {"id", "b"}})})},
       {"claim", Json::object({{"start", "2026-03-05T10:00:00Z"}, {"amount", 150}})},
       {"participants", Json::array({Json::object({{"role", "patient"}}),
                                     Json::object({{"role", "practitioner"}})})},
       {"items", list}});
}

// Microseconds a call; measures at least the given time.
template <typename F>
double microseconds(double seconds, F call) {
  std::size_t calls = 0;
  const auto start = Clock_::now();
  double took = 0;
  do {
    call();
    ++calls;
    took = std::chrono::duration<double>(Clock_::now() - start).count();
  } while (took < seconds);
  return took * 1e6 / static_cast<double>(calls);
}

}  // namespace

int main() {
  const std::vector<std::string_view> names = {"context"};
  const auto budget = workflow::default_expression_budget();
  const Json small = document(4);
  const Json large = document(200);
  std::printf(
      "inputs: %zu and %zu bytes of JSON; microseconds, and how many times faster we are\n\n",
      small.dump().size(), large.dump().size());
  std::printf("%-15s %9s %9s %7s | %8s %8s %6s | %8s %8s %6s\n", "", "compile", "jq", "times",
              "small", "jq", "times", "20 kB", "jq", "times");
  double sum_compile = 0;
  double sum_small = 0;
  double sum_large = 0;
  for (const Sample& sample : kSamples) {
    const std::string text(sample.text);
    // jq pays for $context only where it is used.
    const bool variable = text.find("$context") != std::string::npos;
    const std::string jq_text =
        variable ? ". as $e | $e.v as $context | $e.i | (" + text + ")" : text;
    const auto jq_input = [&](const Json& input) {
      return variable ? Json::object({{"i", input}, {"v", small}}) : input;
    };
    const double our_compile =
        microseconds(0.1, [&] { (void)workflow::Expression::compile(text, names); });
    const double jq_compile_time = microseconds(0.1, [&] { Jq compiled(jq_text); });
    const auto ours = workflow::Expression::compile(text, names);
    const std::vector<Json> values = {small};
    Jq jq(jq_text);
    double times[2] = {};
    double spent[2][2] = {};
    for (int i = 0; i < 2; ++i) {
      const Json& input = i == 0 ? small : large;
      const Json wrapped = jq_input(input);
      const auto result = ours.expression->one(input, values, budget);
      if (!result.ok() || *result != jq.one(wrapped)) {
        std::cerr << "the results differ: " << text << "\n";
        return 1;
      }
      spent[i][0] =
          microseconds(0.1, [&] { (void)ours.expression->one(input, values, budget).ok(); });
      spent[i][1] = microseconds(0.1, [&] { (void)jq.one(wrapped); });
      times[i] = spent[i][1] / spent[i][0];
    }
    std::printf("%-15s %9.1f %9.0f %7.0f | %8.2f %8.2f %6.1f | %8.2f %8.2f %6.1f\n", sample.name,
                our_compile, jq_compile_time, jq_compile_time / our_compile, spent[0][0],
                spent[0][1], times[0], spent[1][0], spent[1][1], times[1]);
    sum_compile += std::log(jq_compile_time / our_compile);
    sum_small += std::log(times[0]);
    sum_large += std::log(times[1]);
  }
  const auto count = static_cast<double>(std::size(kSamples));
  std::printf(
      "\ngeometric mean  compile %.0f times; evaluation %.1f times small, %.1f times 20 kB, %.1f "
      "all\n",
      std::exp(sum_compile / count), std::exp(sum_small / count), std::exp(sum_large / count),
      std::exp((sum_small + sum_large) / (2 * count)));
  return 0;
}
