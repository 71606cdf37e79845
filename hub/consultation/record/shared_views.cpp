#include "hub/consultation/record/shared_views.hpp"

#include "hub/consultation/acts/answers.hpp"

namespace rabt::consultation {

namespace {

Json level_json(const Ladder& ladder) {
  const Frame frame = frame_of(ladder.level);
  return Json::object({{"level", to_string(ladder.level)},
                       {"width", frame.width},
                       {"height", frame.height},
                       {"maxKbps", frame.kbps},
                       {"audioOnly", ladder.audio_only}});
}

Json line_json(const LineSummary& line) {
  Json item = level_json(line.ladder);
  item.set("participant", line.participant);
  item.set("samples", line.samples);
  if (line.samples == 0) return item;
  item.set("score", line.score);
  item.set("grade", grade_of(line.score));
  item.set("lossPercent", line.loss_percent);
  item.set("jitterMs", line.jitter_ms);
  item.set("rttMs", line.rtt_ms);
  return item;
}

Json recent_json(const RecentSample& sample) {
  Json item = sample.figures;
  item.set("participant", sample.participant);
  item.set("at", to_iso8601({sample.at_ms}));
  item.set("direction", sample.direction);
  return item;
}

// Unset when the document has no such text.
std::optional<std::string> text_in(const Json& document, std::string_view name) {
  const Json& text = document[name];
  return text.is_string() ? std::optional(text.as_string()) : std::nullopt;
}

// A time that the document always has.
Timestamp time_in(const Json& document, std::string_view name) {
  const auto time = parse_iso8601(document.string_or(name, ""));
  return time.ok() ? *time : Timestamp{};
}

Screened screened_in(const Json& document) {
  return {.kinds = texts_in(document["phi"]), .masked = document.bool_or("masked", false)};
}

// Documents that were shared before there was the mark are judged by their type.
bool is_unscreened(const Json& document) {
  if (document["unscreened"].is_bool()) return document["unscreened"].as_bool();
  const std::string type = document.string_or("documentType", "");
  return type != "TEXT" && type != "PDF";
}

}  // namespace

std::vector<std::string> texts_in(const Json& list) {
  std::vector<std::string> out;
  if (!list.is_array()) return out;
  for (const Json& item : list.as_array()) out.push_back(item.is_string() ? item.as_string() : "");
  return out;
}

Json list_of_texts(const std::vector<std::string>& texts) {
  return {Json::Array(texts.begin(), texts.end())};
}

Json to_json(const QualityView& view) {
  Json participants = Json::array();
  for (const LineSummary& line : view.participants) participants.push_back(line_json(line));
  Json recent = Json::array();
  for (const RecentSample& sample : view.recent) recent.push_back(recent_json(sample));
  return Json::object({{"session", view.session},
                       {"score", view.score ? Json(*view.score) : Json()},
                       {"grade", view.score ? Json(grade_of(*view.score)) : Json()},
                       {"level", view.level ? Json(to_string(*view.level)) : Json()},
                       {"participants", std::move(participants)},
                       {"recent", std::move(recent)}});
}

Json to_json(const QualityReportedView& view) {
  Json out = level_json(view.ladder);
  out.set("accepted", view.accepted);
  return out;
}

Json to_json(const QualityLevelView& view) {
  return Json::object({{"level", to_string(view.level)},
                       {"width", view.frame.width},
                       {"height", view.frame.height},
                       {"maxKbps", view.frame.kbps},
                       {"applied", view.applied}});
}

FeedbackView feedback_view(const Record& record) {
  const Json& document = record.document;
  return {.head = head_view(record),
          .rating = document.int_or("rating", 0),
          .connection_rating = document["connectionRating"].as_int64(),
          .comments = text_in(document, "comments"),
          .by = author_in(document["author"]),
          .participant = record.author};
}

Json to_json(const FeedbackView& view) {
  Json out = to_json(view.head);
  out.set("rating", view.rating);
  if (view.connection_rating) out.set("connectionRating", *view.connection_rating);
  if (view.comments) out.set("comments", *view.comments);
  out.set("by", text_or_null(view.by.id()));
  out.set("participant", view.participant);
  out.set("role", view.by.role);
  out.set("at", to_iso8601(view.head.updated));
  return out;
}

FollowUpView follow_up_view(const Record& record) {
  const Json& document = record.document;
  return {.head = head_view(record),
          .due = time_in(document, "dueAt"),
          .planned_minutes = document.int_or("plannedMinutes", 0),
          .reason = document.string_or("reason", ""),
          .booked_session = document.string_or("bookedSession", ""),
          .created_by = author_in(document["author"]),
          .status = record.state};
}

Json to_json(const FollowUpView& view) {
  Json out = to_json(view.head);
  out.set("dueAt", to_iso8601(view.due));
  out.set("plannedMinutes", view.planned_minutes);
  if (!view.reason.empty()) out.set("reason", view.reason);
  if (!view.booked_session.empty()) out.set("bookedSession", view.booked_session);
  out.set("createdBy", text_or_null(view.created_by.id()));
  out.set("status", view.status);
  return out;
}

Json to_json(const DetectionReviewView& view) {
  return Json::object(
      {{"event", view.event}, {"kinds", list_of_texts(view.kinds)}, {"verdict", view.verdict}});
}

MessageView message_view(const Record& record) {
  const Json& document = record.document;
  return {.head = head_view(record),
          .phi = screened_in(document),
          .text = document.string_or("text", ""),
          .client = document.string_or("clientId", ""),
          .to = document.string_or("to", ""),
          .audience = document.string_or("audience", ""),
          .author = author_in(document["author"]),
          .from = record.author};
}

Json to_json(const MessageView& view) {
  Json out = to_json(view.head);
  out.set("phi", list_of_texts(view.phi.kinds));
  out.set("masked", view.phi.masked);
  out.set("text", view.text);
  if (!view.client.empty()) out.set("clientId", view.client);
  if (!view.to.empty()) out.set("to", view.to);
  if (!view.audience.empty()) out.set("audience", view.audience);
  out.set("from", view.from);
  out.set("person", text_or_null(view.author.person));
  out.set("role", view.author.role);
  out.set("sentAt", to_iso8601(view.head.created));
  return out;
}

bool is_withheld(const Record& record) {
  if (!is_unscreened(record.document)) return false;
  // Somebody who treats the patient decides by sharing it, and says in shownTo with whom.
  const std::string role = author_in(record.document["author"]).role;
  return role != "doctor" && role != "specialist" && role != "nurse";
}

DocumentView document_view(const Record& record) {
  const Json& document = record.document;
  return {.head = head_view(record),
          .phi = screened_in(document),
          .type = document.string_or("documentType", ""),
          .title = document.string_or("title", ""),
          .content_type = document.string_or("contentType", ""),
          .shown_to = texts_in(document["shownTo"]),
          .bytes = document.int_or("bytes", 0),
          .sha256 = document.string_or("sha256", ""),
          .shared_by = author_in(document["author"]),
          .unscreened = is_unscreened(document),
          .withheld = is_withheld(record)};
}

Json to_json(const DocumentView& view) {
  Json out = to_json(view.head);
  out.set("phi", list_of_texts(view.phi.kinds));
  out.set("masked", view.phi.masked);
  out.set("documentType", view.type);
  if (!view.title.empty()) out.set("title", view.title);
  out.set("contentType", view.content_type);
  out.set("bytes", view.bytes);
  out.set("sha256", view.sha256);
  out.set("shownTo", list_of_texts(view.shown_to));
  out.set("unscreened", view.unscreened);
  out.set("withheld", view.withheld);
  out.set("sharedBy", text_or_null(view.shared_by.id()));
  return out;
}

}  // namespace rabt::consultation
