#include "tools/check/cases.hpp"

#include <memory>

#include "hub/base/json_pointer.hpp"
#include "rabt/abi.h"
#include "tools/check/schema_generate.hpp"

namespace rabt::check {

namespace {

bool fits(const ExampleExchange& exchange, const Request& request) {
  return (exchange.method.empty() || exchange.method == request.method) &&
         (exchange.path.empty() || request.url.find(exchange.path) != std::string::npos);
}

// Fills in the parts of the example's answer that quote the request: ${request:/pointer} is the
// text, or the JSON value, at that place in the request's body, and empty when there is none.
std::string quoted(std::string body, const Request& request) {
  constexpr std::string_view kBegin = "${request:";
  if (body.find(kBegin) == std::string::npos) return body;
  const auto asked = Json::parse(request.body);
  for (std::size_t at = 0; (at = body.find(kBegin, at)) != std::string::npos;) {
    const std::size_t end = body.find('}', at);
    if (end == std::string::npos) break;
    const std::string pointer = body.substr(at + kBegin.size(), end - at - kBegin.size());
    const Json* const found = asked.ok() ? at_pointer(*asked, pointer) : nullptr;
    std::string text;
    if (found != nullptr && found->is_string()) {
      append_json_string(text, found->as_string());
      text = text.substr(1, text.size() - 2);  // it stands inside a text
    } else if (found != nullptr) {
      text = found->dump();
    }
    body.replace(at, end + 1 - at, text);
    at += text.size();
  }
  return body;
}

Answer answer_of(const ExampleExchange& exchange, const Request& request) {
  Answer out;
  out.status = exchange.status;
  out.body = quoted(exchange.body, request);
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
    return answer_of((*exchanges)[last], request);
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
