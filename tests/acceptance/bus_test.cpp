#include <algorithm>

#include "hub/base/random.hpp"
#include "tests/acceptance/hospital.hpp"
#include "tests/amqp_queue.hpp"
#include "tests/eventually.hpp"
#include "tools/demo/rabbitmq.hpp"

// Calls of PulseOne that need a RabbitMQ of their own.
namespace rabt::acceptance::bus_test {
namespace {

using test::AmqpMessage;
using test::AmqpQueue;

constexpr const char* kSessions = "/api/video/sessions";
constexpr const char* kCompleted = "appointment.consultation.completed";

// A hospital whose hub tells a broker what happens.
struct Rabbit {
  Rabbit() {
    SystemRandom random;
    const Status started = server.start(folder / "rabbitmq", random);
    EXPECT_TRUE(started.ok()) << started.error().message;
    hospital = std::make_unique<Hospital>(HospitalOptions{.more = server.hub_configuration()});
    const Status ready = server.wait();
    EXPECT_TRUE(ready.ok()) << ready.error().message;
  }
  static Rabbit& get() {
    static Rabbit rabbit;
    return rabbit;
  }
  e2e::Folder folder;
  demo::RabbitServer server;
  std::unique_ptr<Hospital> hospital;
};

Hospital& h() {
  return *Rabbit::get().hospital;
}

std::string bus_health() {
  return h().call("-", "GET", "/health", {}, {{"Accept", "application/json"}}).text("rabbitmq");
}
// Troubles in the `detail` of PulseOne's /health.
Json detail(const std::string& who) {
  return h().call(who, "GET", "/health", {}, {{"Accept", "application/json"}})["detail"];
}
// The hub sees it after a moment.
bool becomes(const std::string& word) {
  return test::eventually([&] { return bus_health() == word; }, std::chrono::minutes(2));
}

std::string made(const Json& appointment = {}) {
  Json body = Json::object({{"booking_type", "DIRECT_DOCTOR"},
                            {"doctor_id", h().uuid("D")},
                            {"patient_id", h().uuid("P")},
                            {"chief_complaint", "Zephyrine fever"}});
  if (!appointment.is_null()) body.set("appointment_id", appointment);
  const Answer answer = h().post("P", kSessions, body);
  RABT_EXPECT_STATUS(answer, 201);
  return answer.text("session_id");
}
void act(std::string_view who, const std::string& session, const std::string& what) {
  RABT_EXPECT_STATUS(h().post(who, std::string(kSessions) + "/" + session + "/" + what), 200);
}
std::string held(const Json& appointment = {}) {
  const std::string session = made(appointment);
  act("D", session, "join");
  act("P", session, "join");
  act("D", session, "end");
  return session;
}
// Joins, and enters the room of the stand-in, which tells the hub.
void enter(std::string_view who, const std::string& session) {
  const Answer joined =
      h().post(who, std::string(kSessions) + "/" + session + "/join", Json::object());
  RABT_EXPECT_STATUS(joined, 200);
  const std::string room = h().get("D", "/api/v1/sessions/" + session).text("roomSid");
  (void)h().site.control(
      "POST", "/control/twilio/join",
      Json::object({{"room", room}, {"token", joined["attendee"]["JoinToken"]}}).dump());
}

// The messages about one session, each once, until one has this key.
std::vector<AmqpMessage> until(AmqpQueue& queue, const std::string& session, std::string_view key) {
  std::vector<AmqpMessage> out;
  while (true) {
    std::vector<AmqpMessage> next = queue.take(1);
    if (next.empty()) {
      ADD_FAILURE() << "no " << key;
      return out;
    }
    const bool known = std::any_of(out.begin(), out.end(), [&](const AmqpMessage& message) {
      return message.id == next.front().id;
    });
    if (known || next.front().body["session_id"] != Json(session)) continue;
    out.push_back(std::move(next.front()));
    if (out.back().key == key) return out;
  }
}
std::vector<std::string> keys(const std::vector<AmqpMessage>& messages) {
  std::vector<std::string> out;
  for (const AmqpMessage& message : messages) {
    // The order in which participants hang up depends on the stand-in.
    if (message.key != "video.session.user_left") out.push_back(message.key);
  }
  return out;
}
// Keys of a session in which two people joined and nobody came as far as the provider's room.
const std::vector<std::string> kTold{"video.session.created", "video.session.user_joined",
                                     "video.session.user_joined", "video.session.started",
                                     "video.session.ended"};
std::ptrdiff_t count(const std::vector<AmqpMessage>& messages, std::string_view key) {
  return std::count_if(messages.begin(), messages.end(),
                       [&](const AmqpMessage& message) { return message.key == key; });
}

TEST(PulseoneBus, P19TellsASessionInOrder) {
  ASSERT_TRUE(becomes("healthy"));
  AmqpQueue queue(Rabbit::get().server, "p19", "video.#");
  ASSERT_TRUE(queue.good());
  const std::string session = made();
  enter("D", session);
  enter("P", session);
  std::vector<AmqpMessage> all;
  while (count(all, "video.session.user_joined") < 2 && !testing::Test::HasFailure()) {
    for (AmqpMessage& one : until(queue, session, "video.session.user_joined"))
      all.push_back(std::move(one));
  }
  act("D", session, "end");
  for (AmqpMessage& amqp_message : until(queue, session, "video.session.ended"))
    all.push_back(std::move(amqp_message));
  ASSERT_FALSE(all.empty());
  EXPECT_EQ(all.front().key, "video.session.created");
  EXPECT_EQ(all.back().key, "video.session.ended");
  EXPECT_EQ(count(all, "video.session.created"), 1);
  EXPECT_EQ(count(all, "video.session.user_joined"), 2);
  EXPECT_EQ(count(all, "video.session.started"), 1);
  for (const AmqpMessage& message : all) {
    EXPECT_TRUE(message.persistent);
    EXPECT_EQ(message.content_type, "application/json");
    EXPECT_GT(message.timestamp, 1'600'000'000);
    EXPECT_FALSE(message.id.empty());
    EXPECT_EQ(message.body["event_type"], Json(message.key));
    EXPECT_EQ(message.body["session_id"], Json(session));
    EXPECT_EQ(message.body["doctor_id"], Json(h().uuid("D")));
    EXPECT_EQ(message.body["patient_id"], Json(h().uuid("P")));
    EXPECT_EQ(message.body["appointment_id"], Json());
    EXPECT_EQ(message.body["booking_type"], Json("DIRECT_DOCTOR"));
    EXPECT_TRUE(message.body["timestamp"].is_string());
    EXPECT_TRUE(message.body["data"].is_object());
    EXPECT_EQ(message.text.find("Zephyrine"), std::string::npos) << "no word of the complaint";
  }
  EXPECT_EQ(all.front().body["status"], Json("SCHEDULED"));
  EXPECT_EQ(all.back().body["status"], Json("COMPLETED"));
}

TEST(PulseoneBus, AMessageBelongsToTheTraceOfWhoCausedIt) {
  ASSERT_TRUE(becomes("healthy"));
  AmqpQueue queue(Rabbit::get().server, "trace", "video.#");
  ASSERT_TRUE(queue.good());
  const std::string trace = "4bf92f3577b34da6a3ce929d0e0e4736";
  const Answer answer = h().call("P", "POST", kSessions,
                                 Json::object({{"booking_type", "DIRECT_DOCTOR"},
                                               {"doctor_id", h().uuid("D")},
                                               {"patient_id", h().uuid("P")},
                                               {"chief_complaint", "Zephyrine fever"}}),
                                 {{"traceparent", "00-" + trace + "-00f067aa0ba902b7-01"}});
  RABT_EXPECT_STATUS(answer, 201);
  const std::string session = answer.text("session_id");
  act("D", session, "join");
  act("P", session, "join");
  act("D", session, "end");
  for (const AmqpMessage& message : until(queue, session, "video.session.ended")) {
    const bool of_trace = message.traceparent.starts_with("00-" + trace + "-");
    EXPECT_EQ(of_trace, message.key == "video.session.created")
        << message.key << " " << message.traceparent;
    EXPECT_EQ(message.traceparent.find("00f067aa0ba902b7"), std::string::npos);
    EXPECT_EQ(message.text.find(trace), std::string::npos);
  }
}

TEST(PulseoneBus, P20TellsTheAppointmentsServiceOfItsSessionsAlone) {
  ASSERT_TRUE(becomes("healthy"));
  AmqpQueue queue(Rabbit::get().server, "p20", "#");
  ASSERT_TRUE(queue.good());
  const std::string without = held();
  const std::string with = held("appt-20");
  std::vector<AmqpMessage> all;
  while (count(all, kCompleted) == 0) {
    std::vector<AmqpMessage> next = queue.take(1);
    ASSERT_FALSE(next.empty());
    all.push_back(std::move(next.front()));
  }
  std::vector<AmqpMessage> completed;
  std::copy_if(all.begin(), all.end(), std::back_inserter(completed),
               [](const AmqpMessage& message) { return message.key == kCompleted; });
  ASSERT_EQ(completed.size(), 1U);
  EXPECT_EQ(completed[0].body["session_id"], Json(with));
  EXPECT_EQ(completed[0].body["appointment_id"], Json("appt-20"));
  EXPECT_EQ(completed[0].body["status"], Json("COMPLETED"));
  EXPECT_TRUE(completed[0].body["data"]["durationMinutes"].is_number());
  EXPECT_NE(without, with);
}

TEST(PulseoneBus, WhatAQueueRefusesComesWhenThereIsRoom) {
  ASSERT_TRUE(becomes("healthy"));
  AmqpQueue queue(Rabbit::get().server, "small", "video.session.cancelled", 1);
  ASSERT_TRUE(queue.good());
  const Json reason = Json::object({{"cancellation_reason", "later"}});
  const auto cancelled = [&] {
    const std::string session = made("appt-21");
    RABT_EXPECT_STATUS(h().post("P", std::string(kSessions) + "/" + session + "/cancel", reason),
                       200);
    return session;
  };
  const auto failed = [] {
    const Json list = h().get("AD", "/api/v1/webhooks").json["items"];
    const std::string path = "/api/v1/webhooks/" + list[0].string_or("id", "");
    const Json open = h().get("AD", path + "/deliveries?state=open").json["items"];
    return open.size() == 1 ? open[0].string_or("code", "") : std::string();
  };
  const std::string first = cancelled();
  const std::string second = cancelled();
  EXPECT_TRUE(test::eventually([&] { return !failed().empty(); }, std::chrono::minutes(2)));
  EXPECT_EQ(failed(), "bus.refused");
  const std::vector<AmqpMessage> one = queue.take(1);
  const std::vector<AmqpMessage> other = queue.take(1);
  ASSERT_EQ(one.size(), 1U);
  ASSERT_EQ(other.size(), 1U);
  std::vector<Json> sessions{one[0].body["session_id"], other[0].body["session_id"]};
  EXPECT_TRUE(std::find(sessions.begin(), sessions.end(), Json(first)) != sessions.end());
  EXPECT_TRUE(std::find(sessions.begin(), sessions.end(), Json(second)) != sessions.end());
  EXPECT_EQ(other[0].body["data"]["reschedulable"], Json(true));
}

TEST(PulseoneBus, P37HoldsSessionsWithoutTheBrokerAndTellsItLater) {
  ASSERT_TRUE(becomes("healthy"));
  demo::RabbitServer& server = Rabbit::get().server;
  std::string first;
  {
    const AmqpQueue queue(server, "p37", "video.#");
    ASSERT_TRUE(queue.good());
    // It takes what comes from now on, and dies before it says so.
    server.freeze();
    first = held();
  }
  server.kill();
  ASSERT_TRUE(becomes("unhealthy"));
  EXPECT_EQ(h().get("-", "/health").status, 200) << "the hub itself is well";
  // Only administrators read the cause, on both paths.
  EXPECT_EQ(detail("AD").string_or("rabbitmq", "").substr(0, 4), "bus.") << detail("AD").dump();
  EXPECT_EQ(h().get("AD", "/health")["detail"], detail("AD"));
  for (const char* who : {"-", "P", "D"}) EXPECT_TRUE(detail(who).is_null()) << who;
  const std::string second = held();
  ASSERT_TRUE(server.restart().ok());
  ASSERT_TRUE(server.wait().ok());
  ASSERT_TRUE(becomes("healthy"));
  EXPECT_TRUE(detail("AD").is_null()) << detail("AD").dump();
  AmqpQueue queue(server, "p37", "video.#");
  ASSERT_TRUE(queue.good());
  // Some may come twice, those whose confirmation was lost.
  std::vector<AmqpMessage> all;
  const auto of = [&](const std::string& session) {
    std::vector<std::string> ids;
    std::vector<AmqpMessage> out;
    for (const AmqpMessage& message : all) {
      const bool known = std::find(ids.begin(), ids.end(), message.id) != ids.end();
      if (known || message.body["session_id"] != Json(session)) continue;
      ids.push_back(message.id);
      out.push_back(message);
    }
    return keys(out);
  };
  while (of(first).size() < kTold.size() || of(second).size() < kTold.size()) {
    std::vector<AmqpMessage> next = queue.take(1);
    ASSERT_FALSE(next.empty()) << "after " << all.size();
    all.push_back(std::move(next.front()));
  }
  EXPECT_EQ(of(first), kTold);
  EXPECT_EQ(of(second), kTold);
}

}  // namespace
}  // namespace rabt::acceptance::bus_test
