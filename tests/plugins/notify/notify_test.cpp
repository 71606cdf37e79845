#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <string>
#include <vector>

#include "tests/plugins/test_host.hpp"

namespace rabt::notify::notify_test {
namespace {

using Json = nlohmann::json;
using sdk::Kind;
using sdk::Outcome;
using testing::Answer;
using testing::lost;
using testing::Request;
using testing::TestHost;
using testing::unreachable;

constexpr const char* kConfig = R"({"sms_url": "https://sms.example.sa/", "sms_sender": "CLINIC",
        "email_url": "https://mail.example.sa", "email_from": "clinic@example.sa"})";
constexpr const char* kTaken =
    R"({"success": true, "errorCode": "ER-00", "data": {"MessageID": 3200017, "Status": "Queued"}})";

Json sms() {
  return Json{{"to", "+966500000001"},
              {"text", "موعدك بعد عشر دقائق"},
              {"reference", "visit-1"},
              {"language", "ar"}};
}
Json email() {
  return Json{{"to", "someone@example.org"},
              {"subject", "Your visit"},
              {"text", "It starts soon"},
              {"reference", "visit-1"}};
}

class Notify : public ::testing::Test {
 protected:
  Notify() {
    host_.secrets["sms_token"] = "t";
    host_.secrets["email_token"] = "t";
    host_.outside = [this](const Request& request) {
      asked_.push_back(request);
      return answer_;
    };
  }
  Outcome send_sms(const std::string& key = "key-1") { return host_.call("send-sms", sms(), key); }
  Outcome send_email(const std::string& key = "key-1") {
    return host_.call("send-email", email(), key);
  }
  // "no", "unknown", or "yes" and the output.
  std::string effect(const std::string& key = "key-1") {
    const Json item = Json::parse(host_.probe("send-sms", sms().dump(), key).output);
    return item.at("effect").get<std::string>() +
           (item.contains("output") ? " " + item.at("output").dump() : std::string());
  }

  // Messages that were given to a gateway.
  long sends() const {
    return std::count_if(asked_.begin(), asked_.end(), [](const Request& request) {
      return request.url().ends_with("/messages") || request.url().ends_with("/email");
    });
  }
  // The gateway's answer to a question, with one message or none.
  static Answer found(const std::string& message) {
    return {.status = 200,
            .body = R"({"success": true, "errorCode": "ER-00", "data": {"messages": [)" + message +
                    "]}}"};
  }

  TestHost host_{kConfig};
  Answer answer_{.status = 200, .body = kTaken};
  std::vector<Request> asked_;
};

TEST_F(Notify, AnSmsIsSentAsTheGatewayTakesIt) {
  const Outcome outcome = send_sms();
  EXPECT_EQ(outcome.kind, Kind::done) << outcome.code;
  EXPECT_EQ(outcome.output, R"({"messageId":"3200017","status":"accepted"})");
  ASSERT_EQ(asked_.size(), 1U);
  EXPECT_EQ(asked_[0].method() + ' ' + asked_[0].url(),
            "POST https://sms.example.sa/rest/SMS/messages");
  EXPECT_EQ(asked_[0].header("Authorization"), "Bearer {sms_token}");
  EXPECT_EQ(Json::parse(asked_[0].body), (Json{{"SenderID", "CLINIC"},
                                               {"Recipient", "966500000001"},
                                               {"Body", "موعدك بعد عشر دقائق"},
                                               {"CorrelationID", "key-1"}}));
}

TEST_F(Notify, AnEmailIsSentAsTheGatewayTakesIt) {
  answer_.body = R"({"MessageID": "b7bc2f4a", "ErrorCode": 0, "Message": "OK"})";
  const Outcome outcome = send_email();
  EXPECT_EQ(outcome.output, R"({"messageId":"b7bc2f4a","status":"accepted"})");
  ASSERT_EQ(asked_.size(), 1U);
  EXPECT_EQ(asked_[0].url(), "https://mail.example.sa/email");
  EXPECT_EQ(asked_[0].header("X-Postmark-Server-Token"), "{email_token}");
  const Json body = Json::parse(asked_[0].body);
  EXPECT_EQ(body.at("From"), "clinic@example.sa");
  EXPECT_EQ(body.at("To"), "someone@example.org");
  EXPECT_EQ(body.at("TextBody"), "It starts soon");
  EXPECT_FALSE(body.contains("HtmlBody"));
}

TEST_F(Notify, ARepeatOfACallSendsNothing) {
  const Outcome first = send_sms();
  const Outcome again = send_sms();
  EXPECT_EQ(again.kind, Kind::done);
  EXPECT_EQ(again.output, first.output);
  EXPECT_EQ(asked_.size(), 1U);
  EXPECT_EQ(effect(), "yes " + first.output);
  EXPECT_EQ(effect("key-2"), "no");
  EXPECT_EQ(send_sms("key-2").kind, Kind::done);
  EXPECT_EQ(asked_.size(), 2U);
}

TEST_F(Notify, AMessageWhoseAnswerWasLostIsNotSentAgain) {
  answer_ = lost();
  EXPECT_EQ(send_sms().kind, Kind::ambiguous);
  EXPECT_EQ(effect(), "unknown");
  answer_ = {.status = 200, .body = kTaken};
  const Outcome again = send_sms();
  EXPECT_EQ(again.kind, Kind::ambiguous);
  EXPECT_EQ(again.code, "notify.not_known");
  EXPECT_EQ(sends(), 1);
}

TEST_F(Notify, AMessageWhoseAnswerWasLostIsFoundByItsKey) {
  answer_ = lost();
  EXPECT_EQ(send_sms().kind, Kind::ambiguous);
  answer_ = found(R"({"MessageID": 3200017, "CorrelationID": "key-2", "Status": "Sent"})");
  EXPECT_EQ(effect(), "unknown") << "another message";
  EXPECT_EQ(asked_.back().url(),
            "https://sms.example.sa/rest/SMS/Messages/GetMessagesDetails?CorrelationID=key-1");
  answer_ = found("");
  EXPECT_EQ(effect(), "unknown") << "the gateway knows nothing of it yet";
  answer_ = found(
      R"({"MessageID": 3200017, "CorrelationID": "key-1", "Status": "Sent", "DLR": "Delivered",
          "MessageBody": "موعدك", "Recipient": "966500000001"})");
  const std::string yes = R"(yes {"messageId":"3200017","status":"delivered"})";
  EXPECT_EQ(effect(), yes);
  answer_ = lost();
  EXPECT_EQ(effect(), yes) << "it is remembered";
  EXPECT_EQ(send_sms().output, R"({"messageId":"3200017","status":"delivered"})");
  EXPECT_EQ(sends(), 1);
}

TEST_F(Notify, AGatewayIsAskedWhatBecameOfAMessage) {
  const auto ask = [this](const char* id) {
    return host_.call("get-message", Json{{"messageId", id}});
  };
  const auto says = [](const char* status) {
    return std::string(R"({"messageId":"3200017","status":")") + status + "\"}";
  };
  struct Word {
    const char* status;
    const char* dlr;
    const char* ours;
  };
  for (const Word& word : {Word{"Queued", "Queued", "accepted"}, Word{"Sent", "Enroute", "sent"},
                           Word{"Sent", "Unknown", "sent"}, Word{"Sent", "Delivered", "delivered"},
                           Word{"Sent", "Undeliverable", "failed"},
                           Word{"Sent", "EXPIRED", "failed"}, Word{"Rejected", "", "failed"}}) {
    answer_ =
        found(Json{{"MessageID", 3200017}, {"Status", word.status}, {"DLR", word.dlr}}.dump());
    EXPECT_EQ(ask("3200017").output, says(word.ours)) << word.dlr;
  }
  EXPECT_EQ(asked_.back().method() + ' ' + asked_.back().url(),
            "POST https://sms.example.sa/rest/SMS/Messages/GetMessagesDetails?MessageID=3200017");
  EXPECT_EQ(asked_.back().header("Authorization"), "Bearer {sms_token}");
  for (const Answer& none : {found(""), found(R"({"MessageID": 3200018, "Status": "Sent"})"),
                             Answer{.status = 432}, Answer{.status = 404}}) {
    answer_ = none;
    const Outcome outcome = ask("3200017");
    EXPECT_EQ(outcome.kind, Kind::permanent);
    EXPECT_EQ(Json::parse(outcome.detail).at("status"), 404);
  }
  for (const Answer& later :
       {lost(), unreachable(), Answer{.status = 503}, Answer{.status = 500}}) {
    answer_ = later;
    EXPECT_EQ(ask("3200017").kind, Kind::transient);
  }
}

TEST_F(Notify, AnEmailGatewayIsAskedWhatBecameOfAMessage) {
  const auto ask = [this] { return host_.call("get-message", Json{{"messageId", "b7bc-4a"}}); };
  answer_.body = R"({"MessageID": "b7bc-4a", "Status": "Sent", "MessageEvents": []})";
  EXPECT_EQ(ask().output, R"({"messageId":"b7bc-4a","status":"sent"})");
  EXPECT_EQ(asked_.back().method() + ' ' + asked_.back().url(),
            "GET https://mail.example.sa/messages/outbound/b7bc-4a/details");
  EXPECT_EQ(asked_.back().header("X-Postmark-Server-Token"), "{email_token}");
  answer_.body = R"({"MessageID": "b7bc-4a", "Status": "Sent", "To": ["someone@example.org"],
                     "MessageEvents": [{"Type": "Transient"}, {"Type": "Bounced"}]})";
  EXPECT_EQ(ask().output, R"({"messageId":"b7bc-4a","status":"failed"})");
  answer_.body = R"({"MessageID": "b7bc-4a", "MessageEvents": [{"Type": "Delivered"}]})";
  EXPECT_EQ(ask().output, R"({"messageId":"b7bc-4a","status":"delivered"})");
  answer_ = {.status = 422, .body = R"({"ErrorCode": 701, "Message": "not found"})"};
  EXPECT_EQ(ask().code, "notify.unknown_message");
}

TEST_F(Notify, ADeliveryReportBecomesAnEventWithoutTheNumber) {
  const auto [delivered, no_error] =
      host_.deliver("MessageID=3200017&DLR=Delivered&Recipient=966500000001");
  EXPECT_EQ(no_error, "");
  ASSERT_EQ(delivered.size(), 1U);
  EXPECT_EQ(delivered[0].at("type"), "org.rabt.notify.message-delivered.v1");
  EXPECT_EQ(delivered[0].at("data"), (Json{{"messageId", "3200017"}}));
  EXPECT_EQ(delivered.dump().find("966500000001"), std::string::npos);
  const auto type = [this](const char* body) {
    const auto [events, error] = host_.deliver(body);
    if (!error.empty()) return std::string("refused");
    return events.empty() ? std::string() : events[0].at("type").get<std::string>();
  };
  const std::string failed = "org.rabt.notify.message-failed.v1";
  EXPECT_EQ(type(R"({"MessageID": 3200017, "DLR": "Undeliverable"})"), failed);
  EXPECT_EQ(type(R"({"MessageID": "3200017", "DLR": "Rejected"})"), failed);
  EXPECT_EQ(type(R"({"MessageID": 3200017, "DLR": "Enroute"})"), "");
  EXPECT_EQ(type(R"({"RecordType": "Delivery", "MessageID": "b7bc-4a"})"),
            "org.rabt.notify.message-delivered.v1");
  EXPECT_EQ(type(R"({"RecordType": "Bounce", "Type": "HardBounce", "MessageID": "b7bc-4a"})"),
            failed);
  EXPECT_EQ(type(R"({"RecordType": "Bounce", "Type": "AutoResponder", "MessageID": "b7bc-4a"})"),
            "");
  EXPECT_EQ(type(R"({"RecordType": "Open", "MessageID": "b7bc-4a"})"), "");
  for (const char* no :
       {"", "hello", "{}", "[]", "7", R"({"MessageID": 3200017})", R"({"DLR": "Delivered"})"})
    EXPECT_EQ(type(no), "refused") << no;
}

TEST_F(Notify, WhatWasNotSentMayBeSentAgain) {
  for (const Answer& none : {unreachable(), Answer{.status = 429},
                             Answer{.status = 503, .headers = R"([["retry-after","7"]])"}}) {
    answer_ = none;
    const Outcome outcome = send_sms();
    EXPECT_EQ(outcome.kind, Kind::transient) << outcome.code;
    EXPECT_EQ(outcome.retry_after_ms, none.status == 503 ? 7000 : none.status == 429 ? 1000 : 0);
    EXPECT_EQ(effect(), "no");
  }
  answer_ = {.status = 200, .body = kTaken};
  EXPECT_EQ(send_sms().kind, Kind::done);
}

TEST_F(Notify, RefusalsArePermanentAndCarryTheGatewaysCode) {
  answer_.body = R"({"success": false, "errorCode": "ER-06", "message": "966500000001 is wrong"})";
  Outcome outcome = send_sms();
  EXPECT_EQ(outcome.kind, Kind::permanent);
  EXPECT_EQ(outcome.message, "the SMS gateway refused the message, error ER-06");
  EXPECT_EQ(Json::parse(outcome.detail), (Json{{"status", 422}, {"code", "ER-06"}}));
  EXPECT_EQ(effect(), "no");
  answer_ = {.status = 401, .body = "who are you"};
  outcome = send_sms();
  EXPECT_EQ(outcome.kind, Kind::permanent);
  EXPECT_EQ(outcome.message,
            "the SMS gateway answered 401; it did not take the token or user that the plugin has: "
            "look at the secrets of plugin.notify");
  answer_ = {.status = 401, .body = R"({"success": false, "errorCode": "ER-01"})"};
  outcome = send_sms();
  EXPECT_EQ(outcome.message,
            "the SMS gateway refused the message, error ER-01; it did not take the token or user "
            "that the plugin has: look at the secrets of plugin.notify");
  answer_ = {.status = 422, .body = R"({"ErrorCode": 406, "Message": "someone@example.org ..."})"};
  outcome = send_email();
  EXPECT_EQ(outcome.kind, Kind::permanent);
  EXPECT_EQ(outcome.message, "the e-mail gateway refused the message, error email-406");
  EXPECT_EQ(Json::parse(outcome.detail).at("status"), 403);
}

TEST_F(Notify, AnAnswerThatCannotBeReadMayBeASentMessage) {
  for (const Answer& odd : {Answer{.status = 500}, Answer{.status = 200, .body = "OK"},
                            Answer{.status = 200, .body = R"({"success": true, "data": {}})"},
                            Answer{.status = 200, .body = R"({"data": {"MessageID": [1]}})"}}) {
    const std::string key = "key-" + std::to_string(asked_.size());
    answer_ = odd;
    EXPECT_EQ(send_sms(key).kind, Kind::ambiguous) << odd.body;
    EXPECT_EQ(send_email("e-" + key).kind, Kind::ambiguous) << odd.body;
  }
}

TEST_F(Notify, NothingIsSentThatCouldNotBeRemembered) {
  host_.fail_from = 0;
  const Outcome outcome = send_sms();
  EXPECT_EQ(outcome.kind, Kind::transient);
  EXPECT_EQ(outcome.code, "notify.store");
  EXPECT_TRUE(asked_.empty());
}

// The message left, and only its record could not be written: a repeat must not send it again.
TEST_F(Notify, AMessageWhoseRecordIsIncompleteIsNotSentAgain) {
  host_.fail_from = 2;  // after the look and the note that it begins
  EXPECT_EQ(send_sms().kind, Kind::done);
  host_.fail_from = -1;
  EXPECT_EQ(send_sms().kind, Kind::ambiguous);
  EXPECT_EQ(asked_.size(), 1U);
}

TEST(NotifyConfig, EmailIsRefusedWithoutItsGateway) {
  TestHost host(
      R"({"sms_url": "https://sms.example.sa", "sms_sender": "CLINIC", "sms_user": "app"})");
  host.secrets["sms_token"] = "t";
  std::string seen;
  host.outside = [&](const Request& request) {
    seen = request.header("Authorization");
    return Answer{.status = 200, .body = kTaken};
  };
  const Outcome outcome = host.call("send-email", email());
  EXPECT_EQ(outcome.kind, Kind::permanent);
  EXPECT_EQ(outcome.code, "notify.no_email");
  EXPECT_EQ(host.call("send-sms", sms()).kind, Kind::done);
  EXPECT_EQ(seen, "Basic {app:sms_token}");
}

constexpr const char* kRelay = R"({"sms_url": "https://sms.example.sa", "sms_sender": "CLINIC",
        "email_url": "smtp://relay.example.sa:25", "email_user": "clinic",
        "email_from": "عيادة النور <clinic@example.sa>"})";

// Python's reader of mails: {headers, text, html, defects, longest}.
Json read_by_python(const std::string& message) {
  char name[] = "/tmp/rabt-mail-XXXXXX";
  const int file = ::mkstemp(name);
  EXPECT_EQ(::write(file, message.data(), message.size()), static_cast<ssize_t>(message.size()));
  ::close(file);
  const std::string command =
      "/usr/bin/python3 -c \"import email,email.policy,json,sys\n"
      "raw=open(sys.argv[1],'rb').read()\n"
      "m=email.message_from_bytes(raw,policy=email.policy.default)\n"
      "h=m.get_body(preferencelist=('html',))\n"
      "print(json.dumps(dict(headers=[[k,str(v)] for k,v in m.items()],"
      "text=m.get_body(preferencelist=('plain',)).get_content(),"
      "html=h.get_content() if h else None,"
      "defects=[str(d) for p in m.walk() for d in p.defects]"
      "+[str(d) for v in m.values() for d in v.defects],"
      "longest=max(len(l) for l in "
      "raw.split(b'\\r\\n')),bare=raw.replace(b'\\r\\n',b'').count(b'\\n'))))\" " +
      std::string(name);
  std::FILE* pipe = ::popen(command.c_str(), "r");
  std::string out;
  std::array<char, 4096> piece{};
  while (const std::size_t got = std::fread(piece.data(), 1, piece.size(), pipe))
    out.append(piece.data(), got);
  EXPECT_EQ(::pclose(pipe), 0) << out;
  ::unlink(name);
  return Json::parse(out, nullptr, false);
}
std::string header_of(const Json& mail, const std::string& name) {
  std::string all;
  for (const Json& pair : mail.at("headers"))
    if (pair.at(0) == name) all += (all.empty() ? "" : " | ") + pair.at(1).get<std::string>();
  return all;
}

TEST(NotifyRelay, AMailIsReadByOthersAsItWasMeant) {
  TestHost host(kRelay);
  host.secrets["sms_token"] = "t";
  host.secrets["email_token"] = "t";
  Request seen;
  host.outside = [&](const Request& request) {
    seen = request;
    return Answer{.status = 250, .body = "250 2.0.0 Ok: queued as 4ABC"};
  };
  const std::string subject =
      R"(موعدك مع الطبيب غدًا في تمام الساعة العاشرة صباحًا 🩺 لا تنس بطاقة التأمين)";
  Json input = email();
  input["subject"] = subject;
  input["text"] = "موعدك غدًا\n.سطر يبدأ بنقطة\n";
  input["html"] = "<p dir=\"rtl\">موعدك غدًا</p>";
  input["language"] = "ar";
  const Outcome outcome = host.call("send-email", input, "key-1");
  ASSERT_EQ(outcome.kind, Kind::done) << outcome.code;
  EXPECT_EQ(outcome.output, R"({"messageId":"6b65792d31@example.sa","status":"accepted"})");
  EXPECT_EQ(seen.url(), "smtp://relay.example.sa:25");
  EXPECT_EQ(seen.head["mail"]["from"].text(), "clinic@example.sa");
  EXPECT_EQ(seen.head["mail"]["to"].text(), "someone@example.org");
  EXPECT_EQ(seen.head["mail"]["secret"].text(), "email_token");

  const Json mail = read_by_python(seen.body);
  EXPECT_EQ(mail.at("defects"), Json::array());
  EXPECT_LE(mail.at("longest"), 76);
  EXPECT_EQ(mail.at("bare"), 0) << "a line without CR";
  EXPECT_EQ(header_of(mail, "Subject"), subject);
  EXPECT_EQ(header_of(mail, "From"), "عيادة النور <clinic@example.sa>");
  EXPECT_EQ(header_of(mail, "To"), "someone@example.org");
  EXPECT_EQ(header_of(mail, "Message-ID"), "<6b65792d31@example.sa>");
  EXPECT_EQ(header_of(mail, "Content-Language"), "ar");
  EXPECT_FALSE(header_of(mail, "Date").empty());
  EXPECT_EQ(mail.at("text"), input["text"]);
  EXPECT_EQ(mail.at("html"), input["html"]);
}

TEST(NotifyRelay, NoInputAddsAHeader) {
  TestHost host(kRelay);
  host.secrets["email_token"] = "t";
  Request seen;
  host.outside = [&](const Request& request) {
    seen = request;
    return Answer{.status = 250, .body = "250 ok"};
  };
  for (const std::string evil :
       {"a\r\nBcc: all@example.org", "a\nBcc: all@example.org", "=?x?=\r\n\r\nbody"}) {
    Json input = email();
    input["subject"] = evil;
    input["text"] = "--b=6b65792d31\r\nContent-Type: text/html\r\n\r\n.\r\n";
    ASSERT_EQ(host.call("send-email", input, "key-" + evil).kind, Kind::done);
    const Json mail = read_by_python(seen.body);
    EXPECT_EQ(header_of(mail, "Bcc"), "") << evil;
    EXPECT_EQ(mail.at("text"), input["text"]);
    EXPECT_TRUE(mail.at("html").is_null());
  }
}

TEST(NotifyRelay, RepliesOfTheRelayDecide) {
  TestHost host(kRelay);
  host.secrets["email_token"] = "t";
  Answer answer;
  host.outside = [&](const Request&) { return answer; };
  const auto send = [&](Answer given) {
    answer = std::move(given);
    static int key = 0;
    return host.call("send-email", email(), "key-" + std::to_string(++key));
  };
  Outcome outcome = send({.status = 451, .body = "451 4.7.1 greylisted someone@example.org"});
  EXPECT_EQ(outcome.kind, Kind::transient);
  EXPECT_EQ(outcome.message, "the mail relay answered 451, smtp-4-7-1");
  outcome = send({.status = 550, .body = "550 5.1.1 <someone@example.org> is unknown"});
  EXPECT_EQ(outcome.kind, Kind::permanent);
  EXPECT_EQ(outcome.code, "notify.refused");
  EXPECT_EQ(Json::parse(outcome.detail), (Json{{"status", 550}, {"code", "smtp-5-1-1"}}));
  outcome = send({.status = 554, .body = "554 no"});
  EXPECT_EQ(Json::parse(outcome.detail).at("code"), "smtp-554");
  EXPECT_EQ(send(lost()).kind, Kind::ambiguous);
  EXPECT_EQ(send(unreachable()).kind, Kind::transient);
  EXPECT_EQ(host.call("get-message", Json{{"messageId", "6b65792d31@example.sa"}}).code,
            "notify.unknown_message");
}

}  // namespace
}  // namespace rabt::notify::notify_test
