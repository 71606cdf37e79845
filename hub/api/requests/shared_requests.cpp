#include "hub/api/requests/shared_requests.hpp"

#include <string>
#include <string_view>
#include <utility>

#include "hub/consultation/line/samples.hpp"
#include "hub/consultation/request/settings.hpp"
#include "hub/identity/people.hpp"

namespace rabt::api {

using consultation::Asked;
using consultation::BeginDocument;
using consultation::DescribedDocument;
using consultation::Fields;
using consultation::GiveFeedback;
using consultation::kMostPlannedMinutes;
using consultation::kWindowSeconds;
using consultation::Level;
using consultation::ListFeedback;
using consultation::MeasuredLine;
using consultation::parse_level;
using consultation::PlanFollowUp;
using consultation::ReadQuality;
using consultation::ReportQuality;
using consultation::ReviewDetection;
using consultation::SendMessage;
using consultation::SetQualityLevel;
using consultation::ShareDocument;

namespace {

constexpr std::size_t kMaxSamples = 100;
constexpr std::int64_t kMaxFollowUpDays = 730;

MeasuredLine read_sample(Fields& all, const Json& json, std::size_t at) {
  Fields fields(json, all.mistakes(), "samples[" + std::to_string(at) + "].");
  fields.only({"at", "windowSeconds", "direction", "lossPercent", "jitterMs", "rttMs", "kbps",
               "width", "height", "fps", "availableKbps"});
  MeasuredLine sample;
  sample.at = fields.time("at");
  (void)fields.integer("windowSeconds", kWindowSeconds, kWindowSeconds);
  sample.direction = fields.word("direction", {"up", "down"}, "down");
  for (const char* name : {"lossPercent", "jitterMs", "rttMs"}) {
    if (!fields.has(name)) fields.wrong(name, "it is needed");
  }
  sample.loss_percent = fields.number("lossPercent", 0, 100).value_or(0);
  sample.jitter_ms = fields.number("jitterMs", 0, 60'000).value_or(0);
  sample.rtt_ms = fields.number("rttMs", 0, 60'000).value_or(0);
  sample.kbps = fields.number("kbps", 0, 1'000'000);
  sample.available_kbps = fields.number("availableKbps", 0, 10'000'000);
  (void)fields.integer("width", 0, 16'384);
  (void)fields.integer("height", 0, 16'384);
  (void)fields.number("fps", 0, 1'000);
  for (const char* name : {"lossPercent", "jitterMs", "rttMs", "kbps", "width", "height", "fps"}) {
    if (!json[name].is_null()) sample.written.set(name, json[name]);
  }
  return sample;
}

}  // namespace

Asked<ReadQuality> read_quality_of(const Ask& ask) {
  return ReadQuality{.session = ask.session};
}

Asked<ReportQuality> report_quality_of(const Ask& ask) {
  Fields fields(ask.body);
  fields.only({"samples"});
  const Json& given = ask.body["samples"];
  ReportQuality request{.session = ask.session, .samples = {}};
  if (!given.is_array() || given.size() == 0 || given.size() > kMaxSamples) {
    fields.wrong("samples", "it must list 1 to 100 samples");
  } else {
    for (std::size_t i = 0; i < given.size(); ++i)
      request.samples.push_back(read_sample(fields, given.item(i), i));
  }
  RABT_TRY_STATUS(fields.done());
  return request;
}

std::optional<Level> level_in(Fields& fields, std::string_view name, std::string_view fallback) {
  const auto level = parse_level(fields.word(name, {"low", "standard", "high", "hd"}, fallback));
  if (!level && fields.good()) fields.wrong(name, "it is needed");
  return level;
}

std::optional<std::string> participant_in(Fields& fields, std::string_view name) {
  const std::string named = fields.text(name, 36);
  auto participant = identity::ulid_of(named);
  if (!named.empty() && !participant) fields.wrong(name, "it must be the id of a participant");
  return participant;
}

Asked<SetQualityLevel> set_quality_level_of(const Ask& ask) {
  Fields fields(ask.body);
  fields.only({"participant", "level"});
  const auto level = level_in(fields, "level");
  auto participant = participant_in(fields, "participant");
  RABT_TRY_STATUS(fields.done());
  return SetQualityLevel{
      .session = ask.session, .participant = std::move(participant), .level = *level};
}

Asked<ListFeedback> list_feedback_of(const Ask& ask) {
  return ListFeedback{.session = ask.session};
}

std::int64_t rating_in(Fields& fields, std::string_view name) {
  const std::int64_t rating = fields.stars(name).value_or(0);
  if (!fields.has(name)) fields.wrong(name, "it is needed");
  return rating;
}

Asked<GiveFeedback> give_feedback_of(const Ask& ask) {
  Fields fields(ask.body);
  fields.only({"rating", "connectionRating", "comments"});
  GiveFeedback request{.session = ask.session};
  request.rating = rating_in(fields, "rating");
  request.connection_rating = fields.stars("connectionRating");
  request.comments = fields.text("comments");
  RABT_TRY_STATUS(fields.done());
  return request;
}

Asked<PlanFollowUp> plan_follow_up_of(const Ask& ask) {
  PlanFollowUp request{.session = ask.session};
  Fields fields(ask.body, request.mistakes);
  fields.only({"at", "afterDays", "plannedMinutes", "reason", "book"});
  request.at = fields.time("at", ask.caller.naive_offset_minutes);
  request.after_days = fields.integer("afterDays", 1, kMaxFollowUpDays);
  if (fields.has("at") == fields.has("afterDays"))
    fields.wrong("at", "name either `at` or `afterDays`");
  request.before_time = request.mistakes.count();
  request.planned_minutes =
      fields.integer("plannedMinutes", 5, kMostPlannedMinutes).value_or(request.planned_minutes);
  request.reason = fields.text("reason");
  request.book = fields.boolean("book").value_or(false);
  return request;
}

Asked<ReviewDetection> review_detection_of(const Ask& ask) {
  Fields fields(ask.body);
  fields.only({"event", "verdict"});
  ReviewDetection request{.session = ask.session};
  request.event = fields.integer("event", 1, INT64_MAX).value_or(0);
  if (!fields.has("event")) fields.wrong("event", "it is needed");
  request.verdict = fields.word("verdict", {"correct", "false_positive"});
  if (!fields.has("verdict")) fields.wrong("verdict", "it is needed");
  RABT_TRY_STATUS(fields.done());
  return request;
}

Asked<SendMessage> send_message_of(const Ask& ask) {
  Fields fields(ask.body);
  fields.only({"text", "clientId", "to"});
  SendMessage request{.session = ask.session, .text = fields.needed_text("text")};
  request.client = fields.text("clientId", 128);
  request.to = fields.text("to", 36);
  RABT_TRY_STATUS(fields.done());
  return request;
}

Asked<DescribedDocument> described_document_of(const Ask& ask) {
  Fields fields(ask.body);
  fields.only({"documentType", "title", "contentType", "shownTo"});
  return described_document_in(fields, ask.session);
}

Asked<ShareDocument> share_document_of(const Ask& ask) {
  Fields fields(ask.body);
  fields.only({"documentType", "title", "contentType", "data", "shownTo"});
  return shared_document_in(fields, ask.session);
}

Asked<BeginDocument> begin_document_of(const Ask& ask) {
  return BeginDocument{.session = ask.session};
}

}  // namespace rabt::api
