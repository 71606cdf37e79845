#include <chrono>

#include "rabt/services.h"
#include "tools/check/cases.hpp"
#include "tools/check/child_verdict.hpp"
#include "tools/check/groups.hpp"
#include "tools/check/schema_generate.hpp"

namespace rabt::check {

namespace {

// Bytes of an answer's or a delivery's body: enough to overflow buffers.
constexpr std::size_t kMaxBody = 1U << 16U;

// The seed of case i: case 0 has the run's own seed, so that the seed of a case that failed, given
// with --fuzz 0, is that case.
std::uint64_t seed_of(std::uint64_t seed, std::uint64_t i) {
  return i == 0 ? seed : SeededSequence(seed + i * 0x9e3779b97f4a7c15ULL).next();
}

std::string garbage(SeededSequence& random) {
  std::string out;
  const std::size_t size = random.below(200);
  for (std::size_t i = 0; i < size; ++i) out.push_back(static_cast<char>(random.next()));
  return out;
}

// A text that is near to what it was: bytes changed, cut, repeated, or something else altogether.
std::string mutated(std::string text, SeededSequence& random) {
  const std::uint64_t rounds = 1 + random.below(4);
  for (std::uint64_t round = 0; round < rounds; ++round) {
    const std::size_t at = text.empty() ? 0 : static_cast<std::size_t>(random.below(text.size()));
    switch (random.below(12)) {
      case 0:
        if (!text.empty()) text[at] = static_cast<char>(random.next());
        break;
      case 1:
        text.resize(at);
        break;
      case 2:
        text.insert(at, text.substr(0, 4096));
        break;
      case 3:
        if (!text.empty()) text.erase(at, 1 + random.below(16));
        break;
      case 4: {
        constexpr std::array<std::string_view, 14> kPieces{
            "null", "{}", "[]", "-1", "1e999", "99999999999999999999", "\"\"", "true", "\\u0000",
            "\xff", "]",  "}",  ",",  "\""};
        text.insert(at, kPieces[static_cast<std::size_t>(random.below(kPieces.size()))]);
        break;
      }
      case 5: {
        // Another value for a member: up to the next comma or bracket.
        const auto colon = text.find(':', at);
        if (colon == std::string::npos) break;
        const auto end = text.find_first_of(",}]", colon);
        if (end == std::string::npos) break;
        constexpr std::array<std::string_view, 9> kValues{"null", "-1",    "1e308", "\"\"",    "[]",
                                                          "{}",   "false", "\"x\"", "[[[[]]]]"};
        text.replace(colon + 1, end - colon - 1,
                     kValues[static_cast<std::size_t>(random.below(kValues.size()))]);
        break;
      }
      case 6:
        text = garbage(random);
        break;
      case 7:
        text = std::string(1 + random.below(2000), '[');
        break;
      case 8:
        text = SchemaGenerator(Json(true), random.next()).valid().value_or(Json()).dump();
        break;
      default:
        break;
    }
    if (text.size() > kMaxBody) text.resize(kMaxBody);
  }
  return text;
}

Answer any_answer(SeededSequence& random, Answer usual) {
  switch (random.below(8)) {
    case 0:
      return refused_connection();
    case 1:
      return lost_answer();
    case 2:
    case 3: {
      constexpr std::array<int, 18> kStatuses{100, 101, 204, 206, 301, 302, 304, 400, 401,
                                              404, 409, 410, 429, 500, 502, 503, 599, 999};
      usual.status = kStatuses[static_cast<std::size_t>(random.below(kStatuses.size()))];
      [[fallthrough]];
    }
    default:
      usual.body = mutated(std::move(usual.body), random);
  }
  if (random.chance(20)) {
    constexpr std::array<std::string_view, 6> kNames{
        "retry-after", "content-type", "location", "etag", "x-request-id", "content-length"};
    constexpr std::array<std::string_view, 6> kValues{
        "", "-1", "99999999999999999999", "\"", "text/html", "Wed, 21 Oct 2099 07:28:00 GMT"};
    usual.headers.emplace_back(kNames[static_cast<std::size_t>(random.below(kNames.size()))],
                               kValues[static_cast<std::size_t>(random.below(kValues.size()))]);
  }
  return usual;
}

// Runs one case after the other until the time is over; one says what is wrong with its case.
Verdict cases_for(const Subject& subject, std::string_view test,
                  const std::function<std::string(std::uint64_t seed)>& one) {
  const Settings& settings = subject.settings();
  const auto end =
      std::chrono::steady_clock::now() + std::chrono::duration<double>(settings.fuzz_seconds);
  std::uint64_t i = settings.first_case;
  do {
    if (i - settings.first_case >= settings.process_cases) {
      Verdict out = passed();
      out.next_case = i;
      return out;
    }
    const std::uint64_t seed = seed_of(settings.seed, i++);
    note_case(seed);
    const std::string fault = one(seed);
    if (!fault.empty())
      return failed(fault + "; again: --only '^" + std::string(test) + "$' --fuzz 0 --seed " +
                    std::to_string(seed));
  } while (std::chrono::steady_clock::now() < end);
  return passed(std::to_string(i) + " cases from seed " + std::to_string(settings.seed));
}

std::string one_input(const Subject& subject, const std::vector<Case>& cases, std::uint64_t seed) {
  SeededSequence random(seed);
  Case test = cases[static_cast<std::size_t>(random.below(cases.size()))];
  const Json& schema = test.action->spec.input_schema;
  SchemaGenerator generator(schema.is_null() ? Json(true) : schema, random.next());
  const bool near = random.chance(30);
  const auto value = near ? generator.near_valid() : generator.valid();
  if (value) test.wish.input = value->dump();
  const std::uint64_t weather = random.below(4);
  World world = test.world();
  if (weather == 1) world = [](const Request&) { return refused_connection(); };
  if (weather == 2) world = [](const Request&) { return lost_answer(); };
  if (weather == 3) world = [](const Request&) { return status_answer(500); };
  auto session = Session::start(subject, {.world = world, .chance = random.next()});
  if (!session.ok()) return session.error().message;
  const CallRecord& record = (*session)->call(test.wish);
  const std::string fault = contract_fault(test, record, (*session)->violations());
  return fault.empty() ? ""
                       : test.label() + (near ? ", an input that is nearly valid: " : ": ") + fault;
}

std::string one_answer(const Subject& subject, const std::vector<Case>& cases, std::uint64_t seed) {
  SeededSequence random(seed);
  const Case& test = cases[static_cast<std::size_t>(random.below(cases.size()))];
  auto state = std::make_shared<SeededSequence>(random.next());
  World usual = test.world();
  World world = [state, usual](const Request& request) {
    Answer answer = usual(request);
    return state->chance(40) ? answer : any_answer(*state, std::move(answer));
  };
  auto session = Session::start(subject, {.world = world, .chance = random.next()});
  if (!session.ok()) return session.error().message;
  const CallRecord& record = (*session)->call(test.wish);
  const std::string fault = contract_fault(test, record, (*session)->violations());
  return fault.empty() ? "" : test.label() + ": " + fault;
}

struct Normalised {
  int events = 0;
  int errors = 0;
  std::string json;
  std::string error;
};

std::string one_delivery(const Subject& subject, Session& session, const rabt_webhook& webhook,
                         std::uint64_t seed) {
  SeededSequence random(seed);
  Delivery delivery;
  delivery.info =
      R"({"source":"check","method":"POST","path":"/hooks/check","query":[],"headers":[],"content_type":"application/json"})";
  delivery.body = "{}";
  const auto& given = subject.deliveries();
  if (!given.empty()) delivery = given[static_cast<std::size_t>(random.below(given.size()))];
  if (given.empty() && random.chance(50))
    delivery.body = SchemaGenerator(Json(true), random.next()).valid().value_or(Json()).dump();
  if (random.chance(85)) delivery.body = mutated(std::move(delivery.body), random);
  GuardedBytes info(delivery.info);
  GuardedBytes body(delivery.body);
  Normalised out;
  std::int32_t result = 0;
  const auto raw = [](const GuardedBytes& bytes) {
    return rabt_bytes{reinterpret_cast<const std::uint8_t*>(bytes.view().data()),
                      bytes.view().size()};
  };
  session.on_lane("normalise", [&] {
    result = webhook.normalise(
        webhook.self, raw(info), raw(body), &out,
        [](void* context, rabt_bytes text) {
          auto& to = *static_cast<Normalised*>(context);
          ++to.events;
          to.json.assign(reinterpret_cast<const char*>(text.ptr), text.len);
        },
        [](void* context, rabt_bytes text) {
          auto& to = *static_cast<Normalised*>(context);
          ++to.errors;
          to.error.assign(reinterpret_cast<const char*>(text.ptr), text.len);
        });
  });
  info.guard("the plugin read a delivery after normalise had returned");
  body.guard("the plugin read a delivery after normalise had returned");
  if (result != 0) {
    if (out.errors != 1 || out.events != 0 || out.error.empty())
      return "normalise refused a delivery and did not call error exactly once with a text";
    return {};
  }
  if (out.events != 1 || out.errors != 0)
    return "normalise returned 0 and did not call events exactly once";
  const auto parsed = Json::parse(out.json);
  if (!parsed.ok()) return "normalise gave no JSON";
  const bool answers = parsed->is_object();
  const Json& events = answers ? (*parsed)["events"] : *parsed;
  if (!events.is_array()) return "normalise gave no JSON array of events";
  if (answers && (*parsed)["answers"].string_or("content_type", "").empty())
    return "normalise gave answers without a content_type";
  for (const Json& event : events.as_array()) {
    const std::string type = event.string_or("type", "");
    const auto& types = subject.manifest().events;
    if (std::none_of(types.begin(), types.end(), [&](const auto& one) { return one.type == type; }))
      return "normalise gave an event of a type that the manifest does not have";
    if (event.string_or("source", "").empty() || event.string_or("id", "").empty())
      return "normalise gave an event without source or id";
    const auto declared = subject.package().events.find(type);
    if (declared == subject.package().events.end()) continue;
    if (const auto fault = declared->second.data.check(event["data"]))
      return "the data of an event " + type + " do not fit its schema: " + fault->instance_path +
             " " + fault->message;
  }
  return {};
}

}  // namespace

Verdict fuzz_test(TestId id, const Subject& subject) {
  const std::string_view name = info_of(id).name;
  if (id == TestId::webhook_fuzz) {
    auto session = Session::start(subject, {});
    if (!session.ok()) return failed(session.error().message);
    const auto* webhook = static_cast<const rabt_webhook*>((*session)->extension(RABT_WEBHOOK));
    if (!RABT_CAN(rabt_webhook, webhook, normalise)) {
      return subject.manifest().events.empty()
                 ? skipped("the plugin takes no deliveries")
                 : failed("the manifest has events and the plugin has no rabt.webhook/1");
    }
    return cases_for(subject, name, [&](std::uint64_t seed) {
      return one_delivery(subject, **session, *webhook, seed);
    });
  }
  const std::vector<Case> cases = cases_of(subject, id == TestId::input_fuzz ? 1 : 4);
  if (cases.empty()) return skipped("the manifest has no actions");
  return cases_for(subject, name, [&](std::uint64_t seed) {
    return id == TestId::input_fuzz ? one_input(subject, cases, seed)
                                    : one_answer(subject, cases, seed);
  });
}

}  // namespace rabt::check
