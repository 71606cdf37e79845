#include "hub/check/cases.hpp"

#include <memory>

#include "hub/base/schema_generate.hpp"
#include "rabt/abi.h"

namespace rabt::check {

namespace {

bool fits(const ExampleExchange& exchange, const Request& request) {
  return (exchange.method.empty() || exchange.method == request.method) &&
         (exchange.path.empty() || request.url.find(exchange.path) != std::string::npos);
}

Answer answer_of(const ExampleExchange& exchange) {
  Answer out;
  out.status = exchange.status;
  out.body = exchange.body;
  if (!exchange.headers.empty()) out.headers = exchange.headers;
  return out;
}

}  // namespace

World Case::world() const {
  if (example == nullptr || example->http.empty()) return [](const Request&) { return Answer{}; };
  // Each exchange is used once; the last that fits is repeated when there are more requests.
  auto used = std::make_shared<std::vector<bool>>(example->http.size(), false);
  return [used, exchanges = &example->http](const Request& request) {
    std::size_t last = exchanges->size();
    for (std::size_t i = 0; i < exchanges->size(); ++i) {
      if (!fits((*exchanges)[i], request)) continue;
      last = i;
      if (!(*used)[i]) break;
    }
    if (last == exchanges->size())
      return status_answer(404, R"({"message":"the example has no answer to this"})");
    (*used)[last] = true;
    return answer_of((*exchanges)[last]);
  };
}

std::string Case::label() const {
  return wish.action + " " + wish.version + " (" + name + ")";
}

std::vector<Case> cases_of(const Subject& subject, int generated) {
  std::vector<Case> out;
  for (const plugin::CompiledAction& action : subject.package().actions) {
    const auto add = [&](std::string name, std::string input, const Example* example) {
      Case one;
      one.name = std::move(name);
      one.action = &action;
      one.example = example;
      one.wish.action = action.spec.name;
      one.wish.version = action.spec.version;
      one.wish.input = std::move(input);
      one.wish.time_ms = action.spec.timeout_ms > 0 ? action.spec.timeout_ms : 60'000;
      out.push_back(std::move(one));
    };
    for (const Example& example : subject.examples()) {
      if (example.action == action.spec.name && example.version == action.spec.version)
        add(example.name, example.input, &example);
    }
    const Json schema = action.spec.input_schema.is_null() ? Json::object({{"type", "object"}})
                                                           : action.spec.input_schema;
    SchemaGenerator generator(schema, subject.settings().seed);
    for (int i = 0; i < generated; ++i) {
      const auto value = generator.valid(i == 0   ? SchemaGenerator::Size::largest
                                         : i == 1 ? SchemaGenerator::Size::smallest
                                                  : SchemaGenerator::Size::any);
      if (!value) break;
      add("generated", value->dump(), nullptr);
    }
  }
  return out;
}

std::string contract_fault(const Case& test, const CallRecord& record,
                           const std::vector<std::string>& violations) {
  if (!violations.empty()) return violations.front();
  if (!record.accepted()) {
    if (!record.outcomes.empty())
      return "A2: invoke refused the call (" + std::to_string(record.invoke_result) +
             ") and complete() followed";
    if (!record.requests.empty())
      return "A2: invoke refused the call (" + std::to_string(record.invoke_result) +
             ") and had started a request";
    return {};
  }
  if (record.outcomes.empty()) return "A1: the call was accepted and never completed";
  if (record.outcomes.size() > 1)
    return "A1: complete() came " + std::to_string(record.outcomes.size()) + " times";
  const OutcomeCopy& outcome = record.outcomes.front();
  if (outcome.kind > RABT_CANCELLED)
    return "A8: the outcome's kind " + std::to_string(outcome.kind) + " does not exist";
  if (outcome.retry_after_ms < 0) return "the outcome's retry_after_ms is negative";
  if (!outcome.detail.empty()) {
    const auto detail = Json::parse(outcome.detail);
    if (!detail.ok() || !detail->is_object()) return "the outcome's detail is no JSON object";
  }
  if (outcome.kind != RABT_DONE) {
    if (outcome.code.empty())
      return "an outcome that is " + std::string(kind_name(outcome.kind)) + " needs a code";
    return {};
  }
  const auto output = Json::parse(outcome.output);
  if (!output.ok()) return "the output is no JSON: " + output.error().message;
  if (const auto fault = test.action->output.check(*output))
    return "the output does not fit the action's schema: " +
           (fault->instance_path.empty() ? "it" : fault->instance_path) + " " + fault->message;
  return {};
}

World with_fault(World world, std::size_t k, Answer instead) {
  auto count = std::make_shared<std::size_t>(0);
  return [count, k, world = std::move(world), instead = std::move(instead)](const Request& r) {
    const std::size_t number = (*count)++;
    Answer usual = world(r);
    return number == k ? instead : usual;
  };
}

}  // namespace rabt::check
