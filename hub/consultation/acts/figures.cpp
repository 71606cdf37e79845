#include "hub/consultation/acts/figures.hpp"

#include <algorithm>
#include <locale>
#include <sstream>

#include "hub/consultation/session/decide.hpp"

namespace rabt::consultation {

namespace {

// As few digits as tell the number apart from others.
std::string number(double value) {
  std::ostringstream out;
  out.imbue(std::locale::classic());
  out << value;
  return out.str();
}

}  // namespace

void Histogram::add(double value) {
  for (std::size_t i = 0; i < bounds_.size(); ++i) {
    if (value <= bounds_[i]) ++counts_[i];
  }
  ++all_;
  sum_ += value;
}

void Histogram::write(MetricsWriter& out, std::string_view name, std::string_view help) const {
  const std::string of(name);
  std::string text = "# HELP " + of + " " + std::string(help) + "\n# TYPE " + of + " histogram\n";
  for (std::size_t i = 0; i < bounds_.size(); ++i)
    text += of + "_bucket{le=\"" + number(bounds_[i]) + "\"} " + std::to_string(counts_[i]) + "\n";
  text += of + "_bucket{le=\"+Inf\"} " + std::to_string(all_) + "\n" + of + "_sum " + number(sum_) +
          "\n" + of + "_count " + std::to_string(all_) + "\n";
  out.text(text);
}

void SessionFigures::changed(const Session& before, const Change& change, std::int64_t now_ms) {
  const Session& session = change.after;
  const Lock lock(mutex_);
  for (const SessionEvent& event : change.events) {
    if (event.type == "participant-joined" && session.started_ms)
      join_.add(static_cast<double>(std::max<std::int64_t>(0, now_ms - *session.started_ms)) /
                1'000);
    if (event.type != "participant-admitted") continue;
    const Participant* participant = before.participant(event.data.string_or("participant", ""));
    if (participant != nullptr && participant->admission == Admission::waiting && participant->here)
      waiting_.add(static_cast<double>(std::max<std::int64_t>(0, now_ms - participant->since_ms)) /
                   1'000);
  }
}

void SessionFigures::happened(std::string_view type, const Json& data) {
  const Lock lock(mutex_);
  if (type == "completed") {
    duration_.add(static_cast<double>(data.int_or("durationSeconds", 0)));
    if (data["qualityScore"].is_number()) quality_.add(data["qualityScore"].as_double());
  } else if (type == "quality-changed") {
    ++levels_[{data.string_or("from", ""), data.string_or("to", "")}];
  } else if (type == "phi-detected" && data["kinds"].is_array()) {
    for (const Json& kind : data["kinds"].as_array())
      ++phi_[{kind.as_string(), data.string_or("action", "")}];
  } else if (type == "phi-reviewed") {
    ++reviewed_[{data.string_or("verdict", ""), ""}];
  } else if (type.starts_with("recording-")) {
    ++recordings_[{std::string(type.substr(type.find('-') + 1)), ""}];
  } else if (type == "transcript-added") {
    ++segments_[{data.string_or("source", ""), ""}];
  } else if (type == "transcript-ready") {
    segments_[{"asr", ""}] += static_cast<std::uint64_t>(data.int_or("segments", 0));
  }
}

void SessionFigures::count(Counted what, std::uint64_t by) {
  const Lock lock(mutex_);
  counted_[what] += by;
}

void SessionFigures::sealed(double seconds) {
  const Lock lock(mutex_);
  seal_.add(std::max(0.0, seconds));
}

void SessionFigures::copy(std::string_view status) {
  const Lock lock(mutex_);
  ++copies_[{std::string(status), ""}];
}

void SessionFigures::write(MetricsWriter& out) const {
  const Lock lock(mutex_);
  duration_.write(out, "rabt_session_duration_seconds", "How long sessions took that completed.");
  quality_.write(out, "rabt_session_quality_score", "Quality scores of sessions that completed.");
  join_.write(out, "rabt_session_join_seconds",
              "From the beginning of a session until a participant was in the call.");
  waiting_.write(out, "rabt_waiting_room_seconds", "How long people waited to be admitted.");
  out.counters("rabt_quality_changes_total", "Changes of the level of video, by level.");
  for (const auto& [levels, count] : levels_)
    out.sample("rabt_quality_changes_total", {{"from", levels.first}, {"to", levels.second}},
               count);
  out.counters("rabt_phi_detected_total", "Patient data found in chat and documents.");
  for (const auto& [found, count] : phi_)
    out.sample("rabt_phi_detected_total", {{"kind", found.first}, {"action", found.second}}, count);
  out.counters("rabt_phi_reviewed_total", "Findings of patient data that somebody judged.");
  for (const auto& [verdict, count] : reviewed_)
    out.sample("rabt_phi_reviewed_total", {{"verdict", verdict.first}}, count);
  const auto counted = [this](Counted what) RABT_REQUIRES(mutex_) {
    const auto found = counted_.find(what);
    return found == counted_.end() ? std::uint64_t{0} : found->second;
  };
  out.counters("rabt_session_bandwidth_bytes_total", "Bytes of media, as lines were reported.");
  out.sample("rabt_session_bandwidth_bytes_total", {{"direction", "up"}},
             counted(Counted::bytes_up));
  out.sample("rabt_session_bandwidth_bytes_total", {{"direction", "down"}},
             counted(Counted::bytes_down));
  out.counter("rabt_recording_reads_total",
              "Times that the content of a recording was given out; a viewing is one.",
              counted(Counted::recording_reads));
  seal_.write(out, "rabt_recording_seal_seconds",
              "From the request for a recording until it was sealed in the store.");
  out.counters("rabt_recordings_total", "Recordings that came into a state.");
  for (const auto& [status, count] : recordings_)
    out.sample("rabt_recordings_total", {{"status", status.first}}, count);
  out.counters("rabt_recording_copies_total",
               "Answers of providers that were asked to delete their copy of a recording.");
  for (const auto& [status, count] : copies_)
    out.sample("rabt_recording_copies_total", {{"status", status.first}}, count);
  out.counters("rabt_transcript_segments_total", "Segments of transcripts.");
  for (const auto& [source, count] : segments_)
    out.sample("rabt_transcript_segments_total", {{"source", source.first}}, count);
}

}  // namespace rabt::consultation
