#include "hub/consultation/record/speech_recogniser.hpp"

#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <utility>

namespace rabt::consultation {

namespace {

constexpr std::string_view kRole = "asr";
constexpr std::string_view kCapability = "asr.transcribe";
constexpr std::string_view kVersion = "1.0.0";

// Counts a piece of sound while it is heard.
class Turn {
 public:
  explicit Turn(std::atomic<int>& under_way) : under_way_(under_way), place_(++under_way) {}
  ~Turn() { --under_way_; }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  [[nodiscard]] bool is_over(int most) const { return place_ > most; }

 private:
  std::atomic<int>& under_way_;
  const int place_;
};

// Sound in a blob of nobody's, which is gone with this object.
class KeptSound {
 public:
  KeptSound(blob::BlobStore& blobs, std::string tenant)
      : blobs_(blobs), tenant_(std::move(tenant)) {}
  ~KeptSound() {
    writer_.reset();
    if (!id_.empty()) blobs_.discard(tenant_, id_);
  }
  KeptSound(const KeptSound&) = delete;
  KeptSound& operator=(const KeptSound&) = delete;

  // The handle for the plugin.
  Result<std::string> keep(std::string_view sound) {
    RABT_TRY(writer, blobs_.create(tenant_, "application/octet-stream"));
    writer_ = std::move(writer);
    id_ = writer_->id();
    RABT_TRY_STATUS(writer_->write(sound));
    RABT_TRY_STATUS(writer_->finish());
    return id_;
  }

 private:
  blob::BlobStore& blobs_;
  const std::string tenant_;
  std::unique_ptr<blob::BlobWriter> writer_;
  std::string id_;
};

Error not_configured() {
  return unavailable("asr.not_configured",
                     "no plugin of the role asr writes down sound here: send the text of the "
                     "segment, or bind one (docs/transcription.md)");
}

// Statuses of the capability's errors.
Error error_of(const workflow::ActionOutcome& outcome) {
  constexpr std::int64_t kFormat = 415;
  constexpr std::int64_t kLanguage = 422;
  const std::int64_t status =
      outcome.kind == workflow::OutcomeKind::permanent ? outcome.detail.int_or("status", 0) : 0;
  if (status == kFormat)
    return invalid("asr.format",
                   "audio: the plugin of the role asr reads no sound of this kind; "
                   "send WAVE, or WebM or Matroska with Opus");
  if (status == kLanguage)
    return invalid("asr.language", "language: the plugin of the role asr does not know it");
  return unavailable("asr.unavailable",
                     "the plugin of the role asr gave no words: " + outcome.code + "; try again");
}

}  // namespace

Status SpeechRecogniser::is_bound() const {
  const plugin::ActionRunner* const actions = office_.parts().actions;
  if (actions == nullptr || !actions->find(kRole, kCapability, kVersion)) return not_configured();
  return ok_status();
}

Status SpeechRecogniser::note_disclosure(const Caller& caller, const Membership& of) const {
  const RecordParts& parts = office_.parts();
  const auto recipient = parts.actions->recipient(kRole, kCapability, kVersion);
  if (!recipient) return not_configured();
  const audit::Prepared entry = office_.book().entry(
      caller, of, "action.sent",
      Json::object({{"role", kRole},
                    {"task", "segment"},
                    {"recipient", recipient->plugin},
                    {"version", recipient->version},
                    {"host", recipient->hosts.empty() ? "none" : recipient->hosts.front()},
                    {"capability", std::string(kCapability) + ":" + std::string(kVersion)},
                    {"fields", Json::array({Json("blob"), Json("language")})}}));
  return parts.store.write(
      [&](store::Transaction& transaction) { return parts.audit.append(transaction, entry); });
}

Result<Json> SpeechRecogniser::ask(const Membership& of, const std::string& blob,
                                   const std::string& language) {
  const RecordParts& parts = office_.parts();
  plugin::CallRequest request;
  request.tenant = of.tenant;
  request.instance = of.session;
  request.trace = of.trace;
  request.patient = of.patient_pseudonym;
  request.role = std::string(kRole);
  request.action = std::string(kCapability);
  request.version = std::string(kVersion);
  request.arguments = Json::object({{"blob", blob}, {"language", language}});
  request.idempotency_key = blob;
  request.deadline_unix_ms = parts.clock.now().ms + kPatienceMs;
  // The callback may come after the patience is over: it holds the promise.
  const auto answer = std::make_shared<std::promise<workflow::ActionOutcome>>();
  auto waiting = answer->get_future();
  const std::uint64_t token = parts.actions->invoke(
      std::move(request),
      [answer](workflow::ActionOutcome outcome) { answer->set_value(std::move(outcome)); });
  if (waiting.wait_for(std::chrono::milliseconds(kPatienceMs + 1'000)) !=
      std::future_status::ready) {
    parts.actions->cancel(token);
    return unavailable("asr.unavailable",
                       "the plugin of the role asr did not answer in time; send shorter pieces");
  }
  const workflow::ActionOutcome outcome = waiting.get();
  if (outcome.kind != workflow::OutcomeKind::done) return error_of(outcome);
  return outcome.output;
}

Result<SpeechRecogniser::Heard> SpeechRecogniser::hear(const Caller& caller, const Membership& of,
                                                       std::string_view sound,
                                                       const std::string& language) {
  RABT_TRY_STATUS(is_bound());
  const Turn turn(under_way_);
  if (turn.is_over(kMostAtOnce))
    return unavailable("asr.busy", "other sound is being heard at this moment; try again");
  RABT_TRY_STATUS(note_disclosure(caller, of));
  KeptSound kept(office_.parts().blobs, of.tenant);
  RABT_TRY(blob, kept.keep(sound));
  RABT_TRY(said, ask(of, blob, language));
  Heard heard{.text = {}, .language = said.string_or("language", language)};
  std::optional<double> least;
  const Json& segments = said["segments"];
  for (std::size_t i = 0; segments.is_array() && i < segments.size(); ++i) {
    const Json& segment = segments.as_array()[i];
    const std::string text = segment.string_or("text", "");
    if (!text.empty()) heard.text.append(heard.text.empty() ? "" : " ").append(text);
    const Json& sure = segment["confidence"];
    if (!sure.is_number() || (least && *least <= sure.as_double())) continue;
    least = sure.as_double();
    heard.confidence = sure;
  }
  if (heard.text.empty())
    return invalid("asr.silent", "audio: no words were understood in it; nothing is kept");
  if (heard.text.size() > kMostWords)
    return invalid("asr.too_long",
                   "audio: it holds more words than a segment; send shorter pieces");
  return heard;
}

}  // namespace rabt::consultation
