#include "hub/consultation/recording/bind.hpp"

#include <algorithm>

namespace rabt::consultation {

namespace {

// Providers tell whole seconds, and clocks differ: a track may seem older than its stretch.
constexpr std::int64_t kEarlyMs = 1'500;

// A track that the provider lists.
struct Track {
  const Json* listed = nullptr;
  // Why there is nothing to fetch. A code.
  std::string problem;
  std::optional<std::int64_t> started_ms;
};

// Those whose beginning the provider tells first, by time. The others keep their order.
std::vector<Track> tracks_of(const Json& output) {
  std::vector<Track> tracks;
  const auto take = [&](const Json& list, bool failed) {
    if (!list.is_array()) return;
    for (const Json& item : list.as_array()) {
      if (item.string_or("recordingId", "").empty()) continue;
      Track track{.listed = &item, .problem = {}, .started_ms = {}};
      if (failed) track.problem = item.string_or("code", "video.recording_failed");
      if (const auto at = parse_iso8601(item.string_or("startedAt", "")); at.ok())
        track.started_ms = at->ms;
      tracks.push_back(std::move(track));
    }
  };
  take(output["recordings"], false);
  take(output["failed"], true);
  const auto rest = std::stable_partition(
      tracks.begin(), tracks.end(), [](const Track& one) { return one.started_ms.has_value(); });
  std::stable_sort(tracks.begin(), rest,
                   [](const Track& a, const Track& b) { return *a.started_ms < *b.started_ms; });
  return tracks;
}

// The stretch in which something began that was recorded: the nearest, and of those that are as
// near the latest. recordings: oldest first.
const KeptRecording* stretch_at(const std::vector<KeptRecording>& recordings,
                                const Session& session, std::int64_t at_ms) {
  const KeptRecording* found = nullptr;
  std::int64_t nearest = 0;
  for (const KeptRecording& recording : recordings) {
    const std::int64_t from = recording.started_ms - kEarlyMs;
    const std::int64_t to = recording.stopped_ms.value_or(session.ended_ms.value_or(at_ms));
    const std::int64_t away = std::max({from - at_ms, at_ms - to, std::int64_t{0}});
    if (found == nullptr || away < nearest ||
        (away == nearest && recording.started_ms >= found->started_ms)) {
      found = &recording;
      nearest = away;
    }
  }
  return found;
}

// Finds the recording of each track.
class Binding {
 public:
  Binding(const SessionParts& parts, const Session& session, const keys::Lease& lease,
          std::vector<KeptRecording> recordings)
      : parts_(parts), session_(session), lease_(lease), known_(std::move(recordings)) {
    for (const KeptRecording& recording : known_) {
      if (recording.sid.empty() && recording.status != "merged") free_.push_back(&recording);
    }
  }

  Status bind(const Track& track) {
    BoundRecording bound;
    bound.sid = track.listed->string_or("recordingId", "");
    bound.kind = track.listed->string_or("kind", "");
    bound.bytes = std::max<std::int64_t>(0, track.listed->int_or("bytes", 0));
    bound.problem = track.problem;
    const auto found =
        std::find_if(known_.begin(), known_.end(),
                     [&](const KeptRecording& recording) { return recording.sid == bound.sid; });
    if (found != known_.end()) {
      bound.id = found->id;
      // The fetch of one that is processed is under way.
      const bool lost = !bound.problem.empty();
      bound.settled = found->status == "ready" || found->status == "deleted" ||
                      found->status == (lost ? "failed" : "processing");
    } else {
      RABT_TRY_STATUS(choose(track, bound));
    }
    if (bound.kind == "composition" && bound.problem.empty()) holds_all_ = bound.id;
    out_.push_back(std::move(bound));
    return ok_status();
  }

  // Recordings that stand in the file of another, or were asked for and never made.
  Status rest() {
    for (const KeptRecording* const one : free_) {
      if (one->status == "failed") continue;
      if (holds_all_.empty()) {
        out_.push_back({.id = one->id, .problem = "video.not_recorded"});
        continue;
      }
      BoundRecording merged{.id = one->id, .settled = true, .merged = true};
      KeptRecording of;
      of.id = merged.id;
      of.merged_into = holds_all_;
      RABT_TRY(sealed, seal_recording(parts_, session_, of));
      merged.sealed = std::move(sealed);
      out_.push_back(std::move(merged));
    }
    return ok_status();
  }

  std::vector<BoundRecording> take() { return std::move(out_); }

 private:
  // The first track of a stretch is the recording that was asked for; each other one has its own.
  Status choose(const Track& track, BoundRecording& bound) {
    const KeptRecording* like = known_.empty() ? nullptr : &known_.front();
    if (track.started_ms) {
      like = stretch_at(known_, session_, *track.started_ms);
    } else if (!free_.empty()) {
      like = free_.front();
    }
    const auto asked = std::find(free_.begin(), free_.end(), like);
    bound.fresh = asked == free_.end();
    bound.bind = true;
    bound.id = bound.fresh ? parts_.ids.next().text() : like->id;
    if (!bound.fresh) free_.erase(asked);
    bound.purpose = like != nullptr ? like->purpose : "care";
    bound.started_ms = like != nullptr ? like->started_ms : session_.started_ms.value_or(0);
    bound.stopped_ms = like != nullptr && like->stopped_ms ? like->stopped_ms : session_.ended_ms;
    bound.index = lease_.blind_index("session.recording", bound.sid);
    KeptRecording of;
    of.id = bound.id;
    of.sid = bound.sid;
    RABT_TRY(sealed, seal_recording(parts_, session_, of));
    bound.sealed = std::move(sealed);
    return ok_status();
  }

  const SessionParts& parts_;
  const Session& session_;
  const keys::Lease& lease_;
  const std::vector<KeptRecording> known_;
  // Those that were asked for and have no track yet.
  std::vector<const KeptRecording*> free_;
  // The recording whose file holds everything.
  std::string holds_all_;
  std::vector<BoundRecording> out_;
};

}  // namespace

Result<std::vector<BoundRecording>> bind_recordings(const SessionParts& parts,
                                                    const Session& session, const Json& output,
                                                    bool last) {
  RABT_TRY(recordings, recordings_of(parts, session));
  RABT_TRY(lease, parts.keys.lease(session.tenant));
  Binding binding(parts, session, lease, std::move(recordings));
  for (const Track& track : tracks_of(output)) RABT_TRY_STATUS(binding.bind(track));
  if (last) RABT_TRY_STATUS(binding.rest());
  return binding.take();
}

}  // namespace rabt::consultation
