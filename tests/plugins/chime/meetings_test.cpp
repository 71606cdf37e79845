#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "client.hpp"
#include "rabt/json_nlohmann.hpp"
#include "tests/plugins/test_host.hpp"

namespace rabt::chime::meetings_test {
namespace {

using sdk::Kind;
using sdk::text_of;
using testing::Answer;
using testing::lost;
using testing::Request;
using testing::TestHost;

constexpr const char* kConfig =
    R"({"access_key_id": "AKIDEXAMPLEEXAMPLE", "region": "eu-central-1",
        "media_region": "eu-west-1", "bucket": "visits", "prefix": "chime",
        "transcription_languages": ["en-US"],
        "sns_topic_arn": "arn:aws:sns:eu-central-1:111122223333:chime"})";
constexpr const char* kMeetings = "https://meetings-chime.eu-central-1.amazonaws.com";
constexpr const char* kPipelines = "https://media-pipelines-chime.eu-central-1.amazonaws.com";
constexpr const char* kBucket = "https://s3.eu-central-1.amazonaws.com/visits";

std::string guid(int n) {
  std::string tail = std::to_string(n);
  return "0b1c2d3e-0000-4000-8000-" + std::string(12 - tail.size(), '0') + tail;
}

Answer json(int status, const Json& body) {
  return {.status = status, .body = body.dump()};
}
Answer error(int status, const std::string& name) {
  return {.status = status,
          .body = Json{{"Code", name}, {"Message", "who is 1234567890"}}.dump(),
          .headers = R"([["x-amzn-errortype",")" + name + R"(:http://internal.amazon.com/"]])"};
}

// Meetings as Amazon keeps them, with pipelines and a bucket.
class Amazon {
 public:
  Answer operator()(const Request& request) {
    const std::string url = request.url();
    asked.push_back(request.method() + " " + url);
    if (fault) return *std::exchange(fault, std::nullopt);
    if (url.starts_with(kBucket)) return bucket(request, url.substr(std::string(kBucket).size()));
    const Json body = request.body.empty() ? Json::object() : Json::parse(request.body);
    if (url.starts_with(kPipelines))
      return pipelines(request.method(), url.substr(std::string(kPipelines).size()), body);
    return meetings(request.method(), url.substr(std::string(kMeetings).size()), body);
  }

  std::vector<std::string> asked;
  std::optional<Answer> fault;
  std::map<std::string, std::string> by_token;
  std::set<std::string> open;
  Json last;
  std::map<std::string, std::string> attendees;  // external user to id
  std::map<std::string, Json> allowed;           // by external user
  std::map<std::string, std::string> objects;
  std::set<std::string> running;
  int next = 1;

 private:
  Answer meetings(const std::string& method, const std::string& path, const Json& body) {
    if (path == "/meetings") {
      last = body;
      auto [at, fresh] = by_token.emplace(text_of(body, "ClientRequestToken"), "");
      if (fresh) {
        at->second = guid(next++);
        open.insert(at->second);
      }
      return json(200, meeting(at->second));
    }
    const std::string id = path.substr(10, 36);
    if (!open.contains(id)) return error(404, "NotFoundException");
    const std::string rest = path.substr(46);
    if (rest.empty() && method == "DELETE") {
      open.erase(id);
      return {.status = 204};
    }
    if (rest.empty()) return json(200, meeting(id));
    if (rest == "/attendees") {
      last = body;
      const std::string user = text_of(body, "ExternalUserId");
      // Whoever is invited again keeps what he may do.
      if (!attendees.contains(user)) {
        attendees[user] = guid(next++);
        allowed[user] = body["Capabilities"];
      }
      return json(200, {{"Attendee",
                         {{"AttendeeId", attendees[user]},
                          {"ExternalUserId", user},
                          {"JoinToken", "token-of-" + user},
                          {"Capabilities", allowed[user]}}}});
    }
    if (rest.starts_with("/attendees?")) {
      Json list = Json::array();
      for (const auto& [user, attendee] : attendees)
        list.push_back({{"ExternalUserId", user}, {"AttendeeId", attendee}});
      return json(200, {{"Attendees", list}});
    }
    std::erase_if(attendees, [&](const auto& one) { return rest.ends_with(one.second); });
    return {.status = 204};
  }
  Answer pipelines(const std::string& method, const std::string& path, const Json& body) {
    if (method == "POST") {
      last = body;
      const std::string id = guid(next++);
      running.insert(id);
      const bool capture = path == "/sdk-media-capture-pipelines";
      const Json about{{"MediaPipelineId", id}, {"MediaPipelineArn", "arn:aws:chime:pipe/" + id}};
      return json(201, {{capture ? "MediaCapturePipeline" : "MediaConcatenationPipeline", about}});
    }
    const std::string id = path.substr(path.rfind('/') + 1);
    if (!running.contains(id)) return error(404, "NotFoundException");
    if (method == "DELETE") {
      running.erase(id);
      return {.status = 204};
    }
    return json(
        200,
        {{"MediaPipeline",
          {{"MediaConcatenationPipeline", {{"MediaPipelineId", id}, {"Status", "InProgress"}}}}}});
  }
  Answer bucket(const Request& request, const std::string& rest) {
    if (rest.starts_with("?list-type=2")) {
      std::string xml = "<?xml version=\"1.0\"?><ListBucketResult>";
      for (const auto& [key, content] : objects)
        xml += "<Contents><Key>" + key + "</Key><Size>" + std::to_string(content.size()) +
               "</Size></Contents>";
      return {.status = 200, .body = xml + "</ListBucketResult>"};
    }
    const auto found = objects.find(rest.substr(1));
    if (found == objects.end())
      return {.status = 404, .body = "<Error><Code>NoSuchKey</Code></Error>"};
    if (request.method() == "DELETE") {
      objects.erase(found);
      return {.status = 204};
    }
    return {.status = 200, .body = truncated ? found->second.substr(1) : found->second};
  }
  static Json meeting(const std::string& id) {
    return {{"Meeting",
             {{"MeetingId", id},
              {"MediaRegion", "eu-west-3"},
              {"MeetingArn", "arn:aws:chime:eu-central-1:111122223333:meeting/" + id},
              {"MediaPlacement", {{"AudioHostUrl", "audio.example"}}}}}};
  }

 public:
  bool truncated = false;
};

class ChimeMeeting : public ::testing::Test {
 protected:
  ChimeMeeting() : host(kConfig) {
    host.secrets["secret_access_key"] = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
    host.outside = [&](const Request& request) { return amazon(request); };
  }
  Json done(const std::string& action, const Json& input, const std::string& key = "visit-1-abc") {
    const sdk::Outcome outcome = host.call(action, input, key);
    EXPECT_EQ(outcome.kind, Kind::done) << action << " " << outcome.code << " " << outcome.message;
    return outcome.kind == Kind::done ? Json::parse(outcome.output) : Json();
  }
  std::string opened(const std::string& key = "visit-1-abc") {
    return text_of(done("create-session", Json::parse(R"({"reference": "visit-1-abc",
                            "participants": [{"role": "patient", "identity": "patient"}]})"),
                        key),
                   "sessionId");
  }

  Amazon amazon;
  TestHost host;
};

TEST_F(ChimeMeeting, IsMadeOnceForOneKey) {
  const std::string first = opened();
  EXPECT_EQ(text_of(amazon.last, "ClientRequestToken"), "visit-1-abc");
  EXPECT_EQ(text_of(amazon.last, "ExternalMeetingId"), "visit-1-abc");
  EXPECT_EQ(text_of(amazon.last, "MediaRegion"), "eu-west-1");
  EXPECT_EQ(text_of(amazon.last["NotificationsConfiguration"], "SnsTopicArn"),
            "arn:aws:sns:eu-central-1:111122223333:chime");
  EXPECT_EQ(opened(), first);
  EXPECT_EQ(amazon.open.size(), 1U);
}

TEST_F(ChimeMeeting, ThatHasEndedIsOpenedAgainUnderTheSameName) {
  const std::string first = opened();
  done("end-session", {{"sessionId", first}});
  const std::string second = opened();
  EXPECT_NE(second, first);
  EXPECT_EQ(text_of(amazon.last, "ExternalMeetingId"), "visit-1-abc");
  EXPECT_EQ(opened(), second);
}

TEST_F(ChimeMeeting, SaysInWhichRegionItIsHeld) {
  const Json item = done("create-session", Json::parse(R"({"reference": "visit-1-abc",
                            "participants": [{"role": "patient", "identity": "patient"}]})"),
                         "visit-1-abc");
  EXPECT_EQ(item["region"], "eu-west-3") << "as Amazon says, not as was asked";
}

TEST_F(ChimeMeeting, AKeyThatIsNoTokenBecomesItsDigest) {
  opened("t1/instance/01ABC/3");
  EXPECT_EQ(text_of(amazon.last, "ClientRequestToken"), request_token("t1/instance/01ABC/3"));
  EXPECT_EQ(text_of(amazon.last, "ClientRequestToken").size(), 64U);
}

TEST_F(ChimeMeeting, RequestsAreSigned) {
  opened();
  EXPECT_EQ(host.requests.size(), 2U);
  for (const Request& request : host.requests) {
    const std::string value = request.header("Authorization");
    EXPECT_TRUE(value.starts_with("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLEEXAMPLE/")) << value;
    EXPECT_NE(value.find("/eu-central-1/chime/aws4_request, "
                         "SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature="),
              std::string::npos)
        << value;
  }
}

TEST_F(ChimeMeeting, TheTokenComesWithWhatTheClientTakes) {
  const std::string id = opened();
  const Json token = done("issue-token", {{"sessionId", id}, {"identity", "patient"}});
  EXPECT_EQ(text_of(token, "token"), "token-of-patient");
  EXPECT_EQ(text_of(token["meeting"], "MeetingId"), id);
  EXPECT_EQ(text_of(token["meeting"]["MediaPlacement"], "AudioHostUrl"), "audio.example");
  EXPECT_EQ(text_of(token["attendee"], "ExternalUserId"), "patient");
  EXPECT_EQ(text_of(token["attendee"]["Capabilities"], "Audio"), "SendReceive");
}

TEST_F(ChimeMeeting, WhoMayOnlyReceiveSendsNothing) {
  const std::string id = opened();
  done("issue-token", {{"sessionId", id}, {"identity", "guest-1"}, {"receiveOnly", true}});
  for (const char* const what : {"Audio", "Video", "Content"})
    EXPECT_EQ(text_of(amazon.last["Capabilities"], what), "Receive");
}

// Permission that the account needs for a request, by its name in IAM.
std::string permission(const std::string& asked) {
  const std::string method = asked.substr(0, asked.find(' '));
  const std::string path = asked.substr(asked.find(kMeetings) + std::string(kMeetings).size());
  const std::string rest = path.size() > 46 ? path.substr(46) : "";
  const bool one = rest.starts_with("/attendees/");
  if (path == "/meetings") return method == "POST" ? "CreateMeeting" : "ListMeetings";
  if (rest.empty()) return method == "DELETE" ? "DeleteMeeting" : "GetMeeting";
  if (rest == "/transcription?operation=start") return "StartMeetingTranscription";
  if (rest == "/transcription?operation=stop") return "StopMeetingTranscription";
  if (rest == "/attendees" && method == "POST") return "CreateAttendee";
  if (rest.starts_with("/attendees?")) return "ListAttendees";
  if (one && method == "DELETE") return "DeleteAttendee";
  return one && method == "GET" ? "GetAttendee" : asked;
}

TEST_F(ChimeMeeting, P33AVisitThatIsNotRecordedNeedsNoOtherPermissions) {
  Json config = Json::parse(kConfig);
  config["transcription_languages"] = {"en-US"};
  TestHost visit(config.dump());
  visit.secrets = host.secrets;
  visit.outside = [&](const Request& request) { return amazon(request); };
  const auto act = [&](const std::string& action, const Json& input) {
    const sdk::Outcome outcome = visit.call(action, input);
    EXPECT_EQ(outcome.kind, Kind::done) << action << " " << outcome.code << " " << outcome.message;
    return outcome.kind == Kind::done ? Json::parse(outcome.output) : Json();
  };
  const std::string id = text_of(act("create-session", Json::parse(R"({"reference": "visit-1-abc",
                  "participants": [{"role": "patient", "identity": "patient"}]})")),
                                 "sessionId");
  const Json guest{{"sessionId", id}, {"identity", "guest-1"}};
  Json observer = guest;
  observer["receiveOnly"] = true;
  act("issue-token", {{"sessionId", id}, {"identity", "patient"}});
  const std::string before = text_of(act("issue-token", observer)["attendee"], "AttendeeId");
  // He becomes one of those who speak: what he had until then opens nothing.
  const Json after = act("issue-token", guest)["attendee"];
  EXPECT_EQ(text_of(after["Capabilities"], "Audio"), "SendReceive");
  EXPECT_NE(text_of(after, "AttendeeId"), before);
  EXPECT_EQ(amazon.attendees.at("guest-1"), text_of(after, "AttendeeId"));
  act("start-transcription", {{"sessionId", id}, {"language", "en"}});
  act("stop-transcription", {{"sessionId", id}});
  act("get-session", {{"sessionId", id}});
  act("remove-participant", guest);
  act("end-session", {{"sessionId", id}});
  const std::set<std::string> granted{"CreateMeeting",
                                      "GetMeeting",
                                      "DeleteMeeting",
                                      "CreateAttendee",
                                      "ListAttendees",
                                      "DeleteAttendee",
                                      "StartMeetingTranscription",
                                      "StopMeetingTranscription"};
  std::set<std::string> needed;
  for (const std::string& text : amazon.asked) {
    if (text.find(kMeetings) != std::string::npos) {
      needed.insert(permission(text));
    } else {
      // Objects of the bucket that may hold pieces of a recording.
      EXPECT_NE(text.find(kBucket), std::string::npos) << text;
    }
  }
  EXPECT_EQ(needed, granted);
}

TEST_F(ChimeMeeting, WhoIsRemovedLosesTheAttendee) {
  const std::string id = opened();
  done("issue-token", {{"sessionId", id}, {"identity", "guest-1"}});
  const Json arguments{{"sessionId", id}, {"identity", "guest-1"}};
  EXPECT_EQ(done("remove-participant", arguments)["removed"], true);
  EXPECT_TRUE(amazon.attendees.empty());
  EXPECT_EQ(done("remove-participant", arguments)["removed"], false);
}

TEST_F(ChimeMeeting, WhatIsOverIsOver) {
  const std::string id = opened();
  EXPECT_EQ(text_of(done("get-session", {{"sessionId", id}}), "status"), "in-progress");
  EXPECT_EQ(text_of(done("end-session", {{"sessionId", id}}), "status"), "completed");
  EXPECT_EQ(text_of(done("end-session", {{"sessionId", id}}), "status"), "completed");
  EXPECT_EQ(text_of(done("get-session", {{"sessionId", id}}), "status"), "completed");
  const sdk::Outcome token = host.call("issue-token", {{"sessionId", id}, {"identity", "patient"}});
  EXPECT_EQ(token.kind, Kind::permanent);
  EXPECT_EQ(token.code, "chime.NotFoundException");
  EXPECT_EQ(token.message.find("1234567890"), std::string::npos);
  EXPECT_EQ(done("start-recording", {{"sessionId", id}})["recording"], false);
}

TEST_F(ChimeMeeting, ARecordingIsPutTogetherFetchedAndDeletedWithItsPieces) {
  const std::string id = opened();
  const Json session{{"sessionId", id}};
  EXPECT_EQ(done("start-recording", session)["recording"], true);
  EXPECT_TRUE(text_of(amazon.last, "SinkArn").starts_with("arn:aws:s3:::visits/chime/" + id + "/"));
  const std::string prefix = text_of(amazon.last, "SinkArn").substr(20) + "/";
  EXPECT_EQ(done("start-recording", session)["recording"], true);
  EXPECT_EQ(amazon.running.size(), 1U);
  EXPECT_EQ(done("list-recordings", session)["ready"], false);
  done("stop-recording", session);
  const std::string concat = *amazon.running.begin();
  EXPECT_EQ(done("list-recordings", session)["ready"], false);

  amazon.running.clear();
  amazon.objects[prefix + "composited-video/" + concat + ".mp4"] = "a whole picture";
  amazon.objects[prefix + "audio/" + concat + ".mp4"] = "sound";
  amazon.objects[prefix + "audio/0001.mp4"] = "a piece";
  amazon.objects["chime/of-another/video.mp4"] = "not ours";
  const Json listed = done("list-recordings", session);
  EXPECT_EQ(listed["ready"], true);
  ASSERT_EQ(listed["recordings"].size(), 1U);
  EXPECT_EQ(listed["recordings"][0]["kind"], "combined");
  EXPECT_EQ(listed["recordings"][0]["bytes"], 15);
  const Json recording{{"recordingId", listed["recordings"][0]["recordingId"]}};

  amazon.truncated = true;
  const sdk::Outcome cut = host.call("fetch-recording", recording);
  EXPECT_EQ(cut.kind, Kind::transient);
  EXPECT_EQ(cut.code, "chime.truncated");
  amazon.truncated = false;
  const Json fetched = done("fetch-recording", recording);
  EXPECT_EQ(fetched["bytes"], 15);
  EXPECT_FALSE(fetched.contains("said"));

  // The transcript of the same time comes with the recording.
  amazon.objects[prefix + "transcription-messages/2026-03-10-06-00-05-000.txt"] =
      R"({"transcript":{"results":[{"resultId":"r1","isPartial":false,"alternatives":[{"items":[
         {"type":"pronunciation","startTimeMs":1620118800000,"endTimeMs":1620118800200,
          "attendee":{"attendeeId":"1","externalUserId":".p"},"content":"hello"}]}]}]}})";
  std::erase(amazon.objects[prefix + "transcription-messages/2026-03-10-06-00-05-000.txt"], '\n');
  amazon.objects["chime/of-another/transcription-messages/1.txt"] = "not ours";
  const Json said = done("fetch-recording", recording)["said"];
  ASSERT_EQ(said.size(), 1U);
  EXPECT_EQ(said[0]["identity"], "p");
  EXPECT_EQ(said[0]["text"], "hello");
  amazon.objects.erase("chime/of-another/transcription-messages/1.txt");

  EXPECT_EQ(done("delete-recording", recording)["deleted"], true);
  EXPECT_EQ(amazon.objects.size(), 1U);
  EXPECT_EQ(done("delete-recording", recording)["deleted"], true);
  EXPECT_EQ(host.call("fetch-recording", recording).kind, Kind::permanent);
}

TEST_F(ChimeMeeting, ARecordingOfAMeetingThatEndedByItselfIsPutTogetherToo) {
  const std::string id = opened();
  done("start-recording", {{"sessionId", id}});
  amazon.open.clear();
  EXPECT_EQ(done("list-recordings", {{"sessionId", id}})["ready"], false);
  amazon.running.clear();
  const Json listed = done("list-recordings", {{"sessionId", id}});
  EXPECT_EQ(listed["ready"], true);
  EXPECT_EQ(listed["failed"].size(), 1U);
}

TEST_F(ChimeMeeting, ErrorsAreOfTheRightKind) {
  struct Expected {
    Answer answer;
    Kind kind;
    const char* code;
  };
  const std::vector<Expected> all{
      {error(429, "ThrottlingException"), Kind::transient, "chime.ThrottlingException"},
      {error(400, "ThrottledClientException"), Kind::transient, "chime.ThrottledClientException"},
      {error(400, "LimitExceededException"), Kind::permanent, "chime.LimitExceededException"},
      {error(403, "ForbiddenException"), Kind::permanent, "chime.ForbiddenException"},
      {error(409, "ConflictException"), Kind::transient, "chime.ConflictException"},
      {error(422, "UnprocessableEntityException"), Kind::permanent,
       "chime.UnprocessableEntityException"},
      {error(500, "ServiceFailureException"), Kind::transient, "chime.ServiceFailureException"},
      {lost(), Kind::transient, "chime.no_answer.timeout"}};
  for (const Expected& expected : all) {
    amazon.fault = expected.answer;
    const sdk::Outcome outcome = host.call("get-session", {{"sessionId", guid(9)}});
    EXPECT_EQ(outcome.kind, expected.kind) << expected.code;
    EXPECT_EQ(outcome.code, expected.code);
  }
  amazon.fault = json(503, {{"Code", "ServiceUnavailableException"}, {"RetryAfterSeconds", "7"}});
  EXPECT_EQ(host.call("get-session", {{"sessionId", guid(9)}}).retry_after_ms, 7000);
}

// The forms are those of Amazon: rest-json with the name in a header or as __type, S3 as XML.
TEST_F(ChimeMeeting, ARefusalIsNamedByItsErrorAndNotByItsStatus) {
  struct Expected {
    int status;
    const char* name;
    const char* says;
    const char* reason;
  };
  const std::vector<Expected> all{
      {403, "UnrecognizedClientException", "The security token included in the request is invalid.",
       "credentials"},
      {403, "InvalidSignatureException",
       "The request signature we calculated does not match the signature you provided.",
       "credentials"},
      {403, "InvalidSignatureException",
       "Signature expired: 20260310T060000Z is now earlier than 20260310T061500Z", "clock"},
      {403, "InvalidSignatureException", "Credential should be scoped to a valid region.",
       "region"},
      {403, "ExpiredTokenException", "The security token included in the request is expired",
       "credentials"},
      {401, "UnauthorizedClientException", "The client is not currently authorized.",
       "credentials"},
      {403, "AccessDeniedException",
       "User: arn:aws:iam::111122223333:user/hub is not authorized to perform: chime:CreateMeeting",
       "permission"},
      {403, "ForbiddenException", "AWS authorization failed", "permission"},
      {403, "ForbiddenException", "Subscription check failed", "account"},
      {403, "OptInRequired", "The AWS Access Key Id needs a subscription for the service",
       "region"},
      {400, "ResourceLimitExceededException", "The resource limit was exceeded.", "quota"},
      {403, "SomethingNewException", "", ""}};
  const auto refused = [&](const Answer& answer) {
    amazon.fault = answer;
    const sdk::Outcome outcome = host.call("get-session", {{"sessionId", guid(9)}});
    EXPECT_EQ(outcome.kind, Kind::permanent) << outcome.code;
    EXPECT_EQ(outcome.message.find("111122223333"), std::string::npos) << outcome.message;
    return text_of(Json::parse(outcome.detail), "reason");
  };
  for (const Expected& expected : all) {
    const std::string name = expected.name;
    EXPECT_EQ(refused({.status = expected.status,
                       .body = Json{{"Message", expected.says}}.dump(),
                       .headers = R"([["x-amzn-errortype",")" + name +
                                  R"(:http://internal.amazon.com/"]])"}),
              expected.reason)
        << name;
    EXPECT_EQ(refused(json(expected.status, {{"__type", "com.amazon.coral.service#" + name},
                                             {"message", expected.says}})),
              expected.reason)
        << name;
  }
  const auto storage = [&](int status, const std::string& name) {
    return refused({.status = status,
                    .body = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>" + name +
                            "</Code><Message>no</Message><RequestId>1</RequestId></Error>"});
  };
  EXPECT_EQ(storage(403, "InvalidAccessKeyId"), "credentials");
  EXPECT_EQ(storage(403, "SignatureDoesNotMatch"), "credentials");
  EXPECT_EQ(storage(403, "AccessDenied"), "permission");
  EXPECT_EQ(storage(403, "RequestTimeTooSkewed"), "clock");
  EXPECT_EQ(storage(400, "AuthorizationHeaderMalformed"), "region");
  EXPECT_EQ(storage(400, "ExpiredToken"), "credentials");
}

TEST(ChimeConfig, ARegionWithoutPipelinesRecordsNothing) {
  TestHost host(
      R"({"access_key_id": "AKIDEXAMPLEEXAMPLE", "region": "il-central-1",
          "media_region": "eu-west-1", "bucket": "visits"})");
  EXPECT_FALSE(host.started());
}

Json notification(const Json& detail) {
  const Json inner{{"version", "0"}, {"source", "aws.chime"}, {"detail", detail}};
  return {{"Type", "Notification"}, {"Message", inner.dump()}};
}
Json attendee(const std::string& what, const std::string& user, const std::string& id) {
  return {
      {"eventType", "chime:" + what},       {"timestamp", 1773122400123}, {"meetingId", guid(1)},
      {"externalMeetingId", "visit-1-abc"}, {"attendeeId", id},           {"externalUserId", user}};
}

TEST_F(ChimeMeeting, NotificationsBecomeEvents) {
  const auto [events, problem] =
      host.deliver(notification(attendee("AttendeeDropped", "patient", guid(2))).dump());
  EXPECT_EQ(problem, "");
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0]["type"], "org.rabt.session.participant-left.v1");
  EXPECT_EQ(events[0]["data"]["reason"], "dropped");
  EXPECT_EQ(events[0]["data"]["identity"], "patient");
  EXPECT_EQ(events[0]["data"]["at"], "2026-03-10T06:00:00.123Z");
  EXPECT_EQ(events[0]["data"]["reference"], "visit-1-abc");
}

TEST_F(ChimeMeeting, EventBridgeBringsTheSameWithoutAnEnvelope) {
  const Json detail = attendee("AttendeeJoined", "patient", guid(2));
  const Json bare{{"version", "0"},
                  {"id", guid(3)},
                  {"detail-type", "Chime Meeting State Change"},
                  {"source", "aws.chime"},
                  {"detail", detail}};
  const auto [events, problem] = host.deliver(bare.dump());
  EXPECT_EQ(problem, "");
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0]["type"], "org.rabt.session.participant-joined.v1");
  // Whoever hears of it both ways takes it for one.
  EXPECT_EQ(events, host.deliver(notification(detail).dump()).first);
}

TEST_F(ChimeMeeting, NewsOfATranscriptionBecomeEventsWithoutWhatAmazonSaysOfIt) {
  std::set<std::string> ids;
  for (const auto& [what, type] :
       {std::pair{"Started", "started"}, std::pair{"Interrupted", "interrupted"},
        std::pair{"Resumed", "resumed"}, std::pair{"Stopped", "stopped"},
        std::pair{"Failed", "failed"}}) {
    for (const std::int64_t at : {1773122400123, 1773122401123}) {
      const auto [events, problem] =
          host.deliver(notification({{"eventType", std::string("chime:Transcription") + what},
                                     {"timestamp", at},
                                     {"meetingId", guid(1)},
                                     {"externalMeetingId", "visit-1-abc"},
                                     {"message", "Internal server error"},
                                     {"transcriptionConfiguration", "{...}"}})
                           .dump());
      EXPECT_EQ(problem, "");
      ASSERT_EQ(events.size(), 1U);
      EXPECT_EQ(events[0]["type"], std::string("org.rabt.session.transcription-") + type + ".v1");
      EXPECT_EQ(events[0]["data"]["sessionId"], guid(1));
      EXPECT_EQ(events[0].dump().find("Internal"), std::string::npos);
      ids.insert(events[0]["id"].get<std::string>());
    }
  }
  // It may be interrupted more than once.
  EXPECT_EQ(ids.size(), 10U);
}

TEST_F(ChimeMeeting, PipelinesAndScreensAreNobody) {
  for (const Json& detail : {attendee("AttendeeLeft", "aws:MediaPipeline-4ae1f", guid(2)),
                             attendee("AttendeeJoined", "patient", guid(2) + "#content"),
                             attendee("AttendeeAuthorized", "patient", guid(2))}) {
    const auto [events, problem] = host.deliver(notification(detail).dump());
    EXPECT_EQ(problem, "");
    EXPECT_EQ(events, Json::array());
  }
}

TEST_F(ChimeMeeting, WhatIsNoNotificationIsRefused) {
  for (const char* const body : {"", "[]", "{\"Type\":\"Notification\",\"Message\":\"hello\"}",
                                 "{\"source\":\"aws.chime\"}"})
    EXPECT_NE(host.deliver(body).second, "") << body;
}

}  // namespace
}  // namespace rabt::chime::meetings_test
