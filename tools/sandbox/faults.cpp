#include "tools/sandbox/faults.hpp"

#include <Poco/Exception.h>
#include <Poco/RegularExpression.h>

#include <algorithm>
#include <optional>
#include <random>
#include <set>
#include <stdexcept>

#include "hub/base/mutex.hpp"

namespace rabt::sandbox {
namespace {

const std::set<std::string>& request_faults() {
  static const std::set<std::string> kNames = {"latency", "status", "drop-reply", "reset",
                                               "truncate"};
  return kNames;
}

const std::set<std::string>& callback_faults() {
  static const std::set<std::string> kNames = {"duplicate-callback", "drop-callback",
                                               "delay-callback"};
  return kNames;
}

struct Rule {
  Json source;
  std::string method;
  std::unique_ptr<Poco::RegularExpression> path;
  std::unique_ptr<Poco::RegularExpression> body;
  std::optional<std::uint64_t> times;
  std::uint64_t skip = 0;
  double probability = 1.0;
  std::string fault;
  std::uint32_t ms = 0;
  int status = 503;
  std::uint32_t retry_after = 0;
  std::uint64_t matched = 0;
  std::uint64_t fired = 0;
};

bool found(Poco::RegularExpression* expression, const std::string& text) {
  if (expression == nullptr) return true;
  try {
    Poco::RegularExpression::Match match;
    return expression->match(text, 0, match) > 0;
  } catch (const Poco::Exception&) {
    return false;  // the expression gave up on this text (its own recursion limit)
  }
}

// Reads one rule; throws std::invalid_argument with what is wrong.
Rule read_rule(const Json& source) {
  if (!source.is_object()) throw std::invalid_argument("a rule is a JSON object");
  static const std::set<std::string> kFields = {"match",   "times", "skip",   "probability",
                                                "fault",   "ms",    "status", "retry_after",
                                                "matched", "fired"};
  for (const auto& [name, value] : source.items()) {
    if (!kFields.contains(name)) throw std::invalid_argument("unknown field '" + name + "'");
  }
  const auto number = [&source](const char* name, std::uint64_t fallback, std::uint64_t most) {
    if (!source.contains(name)) return fallback;
    const Json& value = source[name];
    if (!value.is_number_unsigned() || value.get<std::uint64_t>() > most) {
      throw std::invalid_argument(std::string("'") + name + "' must be a whole number from 0 to " +
                                  std::to_string(most));
    }
    return value.get<std::uint64_t>();
  };
  constexpr std::uint64_t kMany = 1'000'000'000;
  Rule rule;
  rule.source = source;
  rule.source.erase("matched");
  rule.source.erase("fired");
  if (!source.contains("fault") || !source["fault"].is_string()) {
    throw std::invalid_argument("'fault' is missing");
  }
  rule.fault = source["fault"].get<std::string>();
  if (!request_faults().contains(rule.fault) && !callback_faults().contains(rule.fault)) {
    throw std::invalid_argument(
        "'fault' must be latency, status, drop-reply, reset, truncate, duplicate-callback, "
        "drop-callback or delay-callback");
  }
  if (source.contains("times")) rule.times = number("times", 0, kMany);
  rule.skip = number("skip", 0, kMany);
  rule.ms = static_cast<std::uint32_t>(number("ms", 0, FaultRules::kMaxLatencyMs));
  rule.status = static_cast<int>(number("status", 503, 599));
  if (rule.status < 400) throw std::invalid_argument("'status' must be from 400 to 599");
  rule.retry_after = static_cast<std::uint32_t>(number("retry_after", 0, 86'400));
  if (source.contains("probability")) {
    const Json& value = source["probability"];
    if (!value.is_number() || value.get<double>() < 0 || value.get<double>() > 1) {
      throw std::invalid_argument("'probability' must be a number from 0 to 1");
    }
    rule.probability = value.get<double>();
  }
  if (!source.contains("match")) return rule;
  const Json& match = source["match"];
  if (!match.is_object()) throw std::invalid_argument("'match' must be a JSON object");
  for (const auto& [name, value] : match.items()) {
    if (!value.is_string()) throw std::invalid_argument("'match." + name + "' must be a string");
    const auto text = value.get<std::string>();
    try {
      if (name == "method") {
        rule.method = text;
      } else if (name == "path") {
        rule.path = std::make_unique<Poco::RegularExpression>(text);
      } else if (name == "body") {
        rule.body = std::make_unique<Poco::RegularExpression>(text);
      } else {
        throw std::invalid_argument("'match' knows method, path and body, not '" + name + "'");
      }
    } catch (const Poco::Exception& error) {
      throw std::invalid_argument("'match." + name +
                                  "' is not a regular expression: " + error.message());
    }
  }
  return rule;
}

}  // namespace

struct FaultRules::State {
  mutable Mutex mutex;
  std::vector<Rule> rules;
  std::mt19937_64 random;

  explicit State(std::uint64_t seed) : random(seed) {}

  bool fires(Rule& rule, const std::string& method, const std::string& path,
             const std::string& body) {
    if (!rule.method.empty() && rule.method != method) return false;
    if (!found(rule.path.get(), path) || !found(rule.body.get(), body)) return false;
    ++rule.matched;
    if (rule.matched <= rule.skip) return false;
    if (rule.times && rule.fired >= *rule.times) return false;
    if (rule.probability < 1.0 &&
        std::uniform_real_distribution<double>(0, 1)(random) >= rule.probability) {
      return false;
    }
    ++rule.fired;
    return true;
  }
};

FaultRules::FaultRules(std::uint64_t seed) : state_(std::make_unique<State>(seed)) {}
FaultRules::~FaultRules() = default;

std::string FaultRules::replace(const Json& rules) {
  if (!rules.is_array()) return "fault rules are a JSON list";
  if (rules.size() > kMaxRules) return "at most " + std::to_string(kMaxRules) + " rules";
  std::vector<Rule> read;
  for (std::size_t i = 0; i < rules.size(); ++i) {
    try {
      read.push_back(read_rule(rules[i]));
    } catch (const std::invalid_argument& error) {
      return "rule " + std::to_string(i) + ": " + error.what();
    }
  }
  const Lock lock(state_->mutex);
  state_->rules = std::move(read);
  return {};
}

Json FaultRules::list() const {
  const Lock lock(state_->mutex);
  Json out = Json::array();
  for (const Rule& rule : state_->rules) {
    Json shown = rule.source;
    shown["matched"] = rule.matched;
    shown["fired"] = rule.fired;
    out.push_back(std::move(shown));
  }
  return out;
}

RequestFault FaultRules::for_request(const Request& request) {
  const Lock lock(state_->mutex);
  RequestFault out;
  if (state_->rules.empty()) return out;
  const std::string body = request.body.substr(0, kMaxMatchedBody);
  for (Rule& rule : state_->rules) {
    if (!request_faults().contains(rule.fault)) continue;
    if (!state_->fires(rule, request.method, request.path, body)) continue;
    if (rule.fault == "latency") {
      out.latency_ms = std::min(out.latency_ms + rule.ms, kMaxLatencyMs);
      continue;
    }
    out.status = rule.status;
    out.retry_after_s = rule.retry_after;
    out.latency_ms = std::min(out.latency_ms + rule.ms, kMaxLatencyMs);
    if (rule.fault == "status") out.kind = RequestFault::Kind::status;
    if (rule.fault == "reset") out.kind = RequestFault::Kind::reset;
    if (rule.fault == "drop-reply") out.kind = RequestFault::Kind::drop_reply;
    if (rule.fault == "truncate") out.kind = RequestFault::Kind::truncate;
    return out;
  }
  return out;
}

CallbackFault FaultRules::for_callback(const std::string& url, const std::string& body) {
  const Lock lock(state_->mutex);
  CallbackFault out;
  if (state_->rules.empty()) return out;
  const std::string start = body.substr(0, kMaxMatchedBody);
  for (Rule& rule : state_->rules) {
    if (!callback_faults().contains(rule.fault)) continue;
    if (!state_->fires(rule, "POST", url, start)) continue;
    out.delay_ms = rule.ms;
    if (rule.fault == "duplicate-callback") out.copies = 2;
    if (rule.fault == "drop-callback") out.copies = 0;
    return out;
  }
  return out;
}

}  // namespace rabt::sandbox
