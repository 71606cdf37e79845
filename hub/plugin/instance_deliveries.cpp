#include "hub/plugin/instance.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <future>
#include <utility>

#include "hub/base/limits.hpp"
#include "hub/plugin/instance_parts.hpp"
#include "hub/worker/abi_bytes.hpp"

// Deliveries of webhooks: what the plugin makes of one, checked.
namespace rabt::plugin {

namespace {

using worker::bytes;
using worker::view;

constexpr std::chrono::seconds kNormaliseTimeout{20};  // the sender of a webhook gives up before

// The most bytes of an answer that a plugin gives for a sender.
constexpr std::size_t kMaxAnswer = 65'536;

// Checks the members of an object besides the events: rabt/extension/webhook.h.
Status check_answers(const Json& object, const std::string& name) {
  const auto wrong = [&name](const std::string& what) {
    return invalid("plugin.delivery", name + ": " + what);
  };
  for (const auto& [key, value] : object.as_object()) {
    if (key == "events" || key == "answers") continue;
    if (key != "id" && key != "refused") return wrong("the object has a member of another name");
    if (!value.is_string() || value.as_string().empty() || value.as_string().size() > 1024)
      return wrong("needs a text of 1 to 1024 bytes as \"" + key + "\"");
  }
  static constexpr std::array<std::string_view, 5> kAnswers{"content_type", "accepted", "refused",
                                                            "conflict", "failed"};
  const Json& answers = object["answers"];
  if (!answers.is_object()) return wrong("the object needs \"answers\"");
  for (const auto& [key, value] : answers.as_object()) {
    if (std::find(kAnswers.begin(), kAnswers.end(), key) == kAnswers.end() || !value.is_string() ||
        value.as_string().size() > kMaxAnswer)
      return wrong("an answer has an unknown name, is no text or is too long");
  }
  const std::string type = answers.string_or("content_type", "");
  const auto in_header = [](char c) { return c >= 0x20 && c < 0x7f; };
  if (type.empty() || !std::all_of(type.begin(), type.end(), in_header))
    return wrong("the answers need a \"content_type\"");
  return ok_status();
}

}  // namespace

// Input of a delivery for the plugin, and the plugin's answer.
struct Instance::Delivery {
  std::string info;
  std::string body;
  std::string events;
  std::string error;
  int events_calls = 0;
  int error_calls = 0;
  std::int32_t result = 0;
  bool ran = false;
  bool returned = false;
};

bool Instance::read_on_lane(const std::shared_ptr<Delivery>& work) {
  // The delivery's place on the lane: open until it has been read there, or was dropped.
  struct Turn {
    Instance& self;
    std::promise<void> over{};
    explicit Turn(Instance& instance) : self(instance) {}
    ~Turn() {
      over.set_value();
      const Lock lock(self.mutex_);
      --self.undelivered_;
      if (self.closing_) self.idle_.notify_all();
    }
  };
  auto turn = std::make_shared<Turn>(*this);
  auto future = turn->over.get_future();
  lane_.post([this, work, turn = std::move(turn)] {
    work->ran = true;
    work->returned = guarded("normalise", [&] {
      work->result = webhook_->normalise(
          webhook_->self, bytes(work->info), bytes(work->body), work.get(),
          [](void* context, rabt_bytes text) {
            auto& to = *static_cast<Delivery*>(context);
            ++to.events_calls;
            to.events = view(text);
          },
          [](void* context, rabt_bytes text) {
            auto& to = *static_cast<Delivery*>(context);
            ++to.error_calls;
            to.error = operator_text(view(text));
          });
    });
  });
  return future.wait_for(kNormaliseTimeout) == std::future_status::ready;
}

Result<Json> Instance::events_of(const Delivery& work) {
  const std::string& name = setup_.package.manifest.id;
  if (!work.ran) return unavailable("plugin.shutdown", "the plugin " + name + " is stopping");
  if (!work.returned)
    return invalid("plugin.delivery", name + ": the plugin failed on this delivery");
  if (work.result == WorkerPlugin::kLost || work.result == WorkerPlugin::kNotGiven) {
    if (setup_.worker != nullptr && setup_.worker->quarantined()) {
      return unavailable("plugin.quarantined",
                         "the plugin " + name +
                             " could not read the delivery: its process is not started again by "
                             "itself; look into the log, then rabt plugin release");
    }
    return unavailable("plugin.crashed",
                       "the plugin " + name + " could not read the delivery: its process ended");
  }
  if (work.result != 0) {
    return invalid(
        "plugin.delivery",
        name + ": " + (work.error.empty() ? "the delivery was refused" : masked(work.error)));
  }
  if (work.events_calls != 1) {
    violation("webhook", "returned 0 without giving events exactly once");
    return invalid("plugin.delivery", name + ": the plugin gave no events");
  }
  auto parsed = Json::parse(work.events);
  if (!parsed.ok()) {
    violation("webhook", "gave events that are no JSON");
    return invalid("plugin.delivery", name + ": the events are no JSON: " + parsed.error().message);
  }
  Json given = std::move(parsed).value();
  const bool answers = given.is_object();
  if (answers) {
    if (const Status shape = check_answers(given, name); !shape.ok()) {
      violation("webhook", "gave answers of a wrong shape");
      return shape.error();
    }
  }
  if (const Status shape = check_events(answers ? given["events"] : given); !shape.ok()) {
    violation("webhook", "gave events of a wrong shape");
    if (!answers) return shape.error();
    // The sender waits for an answer that it can read.
    given.set("events", Json::array());
    given.set("refused", shape.error().message);
  } else if (given.find("refused") != nullptr) {
    given.set("refused", name + ": " + masked(operator_text(given["refused"].as_string())));
  }
  if (!answers) return with_codes(given);
  given.set("events", with_codes(given["events"]));
  return given;
}

Json Instance::with_codes(const Json& events) const {
  Json out = Json::array();
  for (const Json& event : events.as_array()) {
    Json item = event;
    const CompiledEvent& declared = setup_.package.events.at(event.string_or("type", ""));
    Json codes = declared.coded.read(event["data"], setup_.package.words);
    if (!codes.is_null()) item.set("codes", std::move(codes));
    out.push_back(std::move(item));
  }
  return out;
}

Result<Json> Instance::normalise(const Json& delivery, std::string_view body) {
  const std::string& name = setup_.package.manifest.id;
  if (webhook_ == nullptr) {
    return invalid("plugin.no_webhook", "the plugin " + name +
                                            " does not read webhooks (it offers no " RABT_WEBHOOK
                                            ")");
  }
  auto work = std::make_shared<Delivery>();
  work->info = delivery.dump();
  work->body = body;
  if (!setup_.package.phi_names.empty()) given_marked_ = true;  // nobody knows what it holds
  {
    const Lock lock(mutex_);
    if (closing_) return unavailable("plugin.shutdown", "the plugin " + name + " is stopping");
    ++undelivered_;
  }
  if (!read_on_lane(work)) {
    if (setup_.worker != nullptr) {
      // Only what holds a lane so long hangs; a lane that waits for its turn may have come later.
      for (const WorkerPlugin::Busy& busy : setup_.worker->busy()) {
        if (std::chrono::steady_clock::now() - busy.since >= kNormaliseTimeout)
          setup_.worker->kill("hang");
      }
    }
    return unavailable("plugin.delivery_timeout",
                       "the plugin " + name + " did not read the delivery in time");
  }
  return events_of(*work);
}

Status Instance::check_events(const Json& events) const {
  const std::string& name = setup_.package.manifest.id;
  const auto wrong = [&name](std::size_t at, const std::string& what) {
    return invalid("plugin.delivery", name + ": event " + std::to_string(at + 1) + " " + what);
  };
  if (!events.is_array())
    return invalid("plugin.delivery", name + ": the events are no JSON array");
  if (events.size() > static_cast<std::size_t>(limits::kMaxEventsPerDelivery)) {
    return invalid("plugin.delivery", name + ": more than " +
                                          std::to_string(limits::kMaxEventsPerDelivery) +
                                          " events in one delivery");
  }
  static const std::vector<std::string> kMembers{"type", "source", "subject", "time", "id", "data"};
  for (std::size_t i = 0; i < events.size(); ++i) {
    const Json& event = events[i];
    if (!event.is_object()) return wrong(i, "is no object");
    for (const auto& [key, value] : event.as_object()) {
      if (std::find(kMembers.begin(), kMembers.end(), key) == kMembers.end()) {
        return wrong(i, "has a member other than type, source, subject, time, id, data");
      }
      if (key == "data") continue;
      if (!value.is_string() || value.as_string().empty() || value.as_string().size() > 1024) {
        return wrong(i, "needs a text of 1 to 1024 bytes as \"" + key + "\"");
      }
    }
    for (const char* key : {"type", "source", "id"}) {
      if (!event[key].is_string()) return wrong(i, "lacks \"" + std::string(key) + "\"");
    }
    if (event["time"].is_string() && !parse_iso8601(event["time"].as_string()).ok()) {
      return wrong(i, "has a \"time\" that is no RFC 3339 time");
    }
    const auto declared = setup_.package.events.find(event["type"].as_string());
    if (declared == setup_.package.events.end())
      return wrong(i, "has a type that the manifest does not list under events");
    if (const auto fault = declared->second.data.check(event["data"])) {
      return wrong(i, "(" + declared->first + ") does not fit its schema: " + at_path(*fault));
    }
    if (event.dump().size() > limits::kMaxEventBytes) {
      return wrong(i, "is larger than " + std::to_string(limits::kMaxEventBytes) + " bytes");
    }
  }
  return ok_status();
}

}  // namespace rabt::plugin
