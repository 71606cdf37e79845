#include <algorithm>
#include <set>

#include "tools/check/cases.hpp"
#include "tools/check/groups.hpp"
#include "tools/check/schema_generate.hpp"

namespace rabt::check {

namespace {

constexpr std::string_view kCanary = "Zq9Kanary";
constexpr int kGenerated = 6;
// A shorter text may stand in a sentence by itself, and so may one that the schema names ("female"
// of an enum).
constexpr std::size_t kShortestTold = 6;
bool can_be_told(const std::string& text, const std::string& schema) {
  return text.size() >= kShortestTold && schema.find(text) == std::string::npos;
}

struct Marked {
  Case test;
  std::set<std::string> texts;  // that must not come out
};

void collect(const Json& value, const std::set<std::string>& names, const std::string& schema,
             bool inside, std::set<std::string>& out) {
  if (value.is_object()) {
    for (const auto& [name, member] : value.as_object())
      collect(member, names, schema, inside || names.count(name) > 0, out);
  } else if (value.is_array()) {
    for (const Json& item : value.as_array()) collect(item, names, schema, inside, out);
  } else if (inside && value.is_string() && can_be_told(value.as_string(), schema)) {
    out.insert(value.as_string());
  }
}

std::vector<Marked> marked_cases(const Subject& subject) {
  std::vector<Marked> out;
  for (Case& test : cases_of(subject, 0)) {  // the examples
    const auto input = Json::parse(test.wish.input);
    if (!input.ok() || test.action->marked.empty()) continue;
    Marked one{std::move(test), {}};
    collect(*input, one.test.action->marked, one.test.action->spec.input_schema.dump(), false,
            one.texts);
    if (!one.texts.empty()) out.push_back(std::move(one));
  }
  for (const plugin::CompiledAction& action : subject.package().actions) {
    if (action.marked.empty() || action.spec.input_schema.is_null()) continue;
    SchemaGenerator generator(action.spec.input_schema, subject.settings().seed);
    generator.set_canary(std::string(kCanary));
    const std::string schema = action.spec.input_schema.dump();
    for (int i = 0; i < kGenerated; ++i) {
      const auto value =
          generator.valid(i == 0 ? SchemaGenerator::Size::largest : SchemaGenerator::Size::any);
      if (!value) break;
      Marked marked;
      for (const MarkedText& mark : generator.marked()) {
        if (can_be_told(mark.text, schema)) marked.texts.insert(mark.text);
      }
      if (marked.texts.empty()) continue;
      marked.test.name = "generated";
      marked.test.action = &action;
      marked.test.wish.action = action.spec.name;
      marked.test.wish.version = action.spec.version;
      marked.test.wish.input = value->dump();
      out.push_back(std::move(marked));
    }
  }
  return out;
}

// The outside system quotes what it was sent, as error messages of real ones do.
World quoting(int status) {
  return [status](const Request& request) {
    return status_answer(
        status,
        Json::object({{"message", "cannot process: " + request.body},
                      {"error", request.url},
                      {"issue", Json::array({Json::object({{"diagnostics", request.body}})})}})
            .dump());
  };
}

// True if one of the texts occurs; the text itself is never shown.
bool tells(const std::string& where, const std::set<std::string>& texts) {
  return std::any_of(texts.begin(), texts.end(), [&](const std::string& text) {
    if (where.find(text) != std::string::npos) return true;
    std::string escaped;
    append_json_string(escaped, text);
    return where.find(escaped.substr(1, escaped.size() - 2)) != std::string::npos;
  });
}

Verdict look(const Subject& subject,
             const std::function<std::string(const Session&, const CallRecord&,
                                             const std::set<std::string>&)>& find) {
  const std::vector<Marked> cases = marked_cases(subject);
  if (cases.empty()) return skipped("no input schema marks a text with x-phi: true");
  for (const Marked& marked : cases) {
    const std::vector<std::pair<const char*, World>> worlds{
        {"answers as expected", marked.test.world()},
        {"answers 400 and quotes the request", quoting(400)},
        {"answers 500 and quotes the request", quoting(500)},
        {"answers 200 and quotes the request", quoting(200)},
        {"gives no answer", [](const Request&) { return lost_answer(); }},
        {"refuses connections", [](const Request&) { return refused_connection(); }}};
    for (const auto& [name, world] : worlds) {
      auto session = Session::start(subject, {.world = world});
      if (!session.ok()) return failed(session.error().message);
      const CallRecord& record = (*session)->call(marked.test.wish);
      const std::string where = find(**session, record, marked.texts);
      if (!where.empty())
        return failed(marked.test.label() + ", the outside system " + name +
                      ": a text that the input schema marks with x-phi stands in " + where +
                      "; put what varies into detail");
    }
  }
  return passed(std::to_string(cases.size()) + " calls with marked texts");
}

}  // namespace

Verdict privacy_test(TestId id, const Subject& subject) {
  return look(
      subject,
      [id](const Session& session, const CallRecord& record,
           const std::set<std::string>& texts) -> std::string {
        if (id == TestId::no_phi_in_message) {
          for (const OutcomeCopy& outcome : record.outcomes) {
            if (tells(outcome.message, texts))
              return "the outcome's message (" + outcome.code + ")";
            if (tells(outcome.code, texts)) return "the outcome's code";
          }
          return {};
        }
        for (const std::string& line :
             id == TestId::no_phi_in_log ? session.logged() : session.measured()) {
          if (tells(line, texts))
            return (id == TestId::no_phi_in_log ? "the log entry " : "the metric or span ") +
                   line.substr(0, line.find(' '));
        }
        return {};
      });
}

}  // namespace rabt::check
