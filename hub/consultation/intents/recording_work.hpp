#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "hub/consultation/acts/acts.hpp"
#include "hub/consultation/intents/intent.hpp"
#include "hub/consultation/recording/said.hpp"
#include "hub/workflow/execution.hpp"

namespace rabt::consultation {

// The way of recordings from the provider into the hub: list, fetch, deletion of the provider's
// copy, and those that nothing moves any more. Caller synchronises.
class RecordingWork {
 public:
  // Writes into the transcript what the provider wrote down of a recording, as
  // Transcripts::add_said.
  using KeepSaid = std::function<Status(const Caller&, const AddSaid&)>;
  explicit RecordingWork(Acts& acts) : acts_(acts) {}
  // Before the first call.
  void keep_said(KeepSaid keep) { keep_said_ = std::move(keep); }

  // Answer of video.recording.list.
  [[nodiscard]] Result<Verdict> collected(const Intent& intent, const Json& output);
  // Answer of video.recording.fetch: seals the file, and asks for the deletion of the provider's.
  [[nodiscard]] Result<Verdict> fetched(const Intent& intent, const Json& output);
  // Any outcome of video.recording.delete. The provider is asked until it has deleted its copy,
  // whatever it answers: what it refuses today is often mended by its operator. When it never does,
  // the recording says so.
  [[nodiscard]] Result<Verdict> deleted(const Intent& intent,
                                        const workflow::ActionOutcome& outcome);
  // Recordings of a session whose list never came, and which no file will settle.
  [[nodiscard]] std::vector<std::string> without_list(const Intent& intent) const;

  // Settles recordings of ended sessions for which no intent is open: of intents that were skipped,
  // and of those that an earlier version of the hub closed. True if it settled any.
  bool settle_stranded();
  // The end of a collect or a fetch: the next search is due at once.
  void search_again() { stranded_ms_ = 0; }

  // The provider told that a recording broke off. Twilio tells it of one track: the others are
  // stopped, so that people are told what happens.
  [[nodiscard]] Status broke(std::string_view session, std::string_view sid, Timestamp at);
  // The provider told of a file. Files are collected when the session ends; one that comes after
  // all that the provider listed then is collected once more.
  [[nodiscard]] Status came(std::string_view session, std::string_view sid);

 private:
  // Keeps what the provider wrote down while it recorded, where somebody asked it to and everybody
  // who took part consents. An error is one that a repeat may mend.
  [[nodiscard]] Status said_in(const Session& session, std::string_view recording,
                               const Json& said);
  [[nodiscard]] Status settle_without_file(std::string_view session, std::string_view recording,
                                           std::string_view code);

  Acts& acts_;
  KeepSaid keep_said_;
  // Time of the next search for recordings that nothing moves.
  std::int64_t stranded_ms_ = 0;
};

}  // namespace rabt::consultation
