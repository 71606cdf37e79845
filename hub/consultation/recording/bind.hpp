#pragma once

#include <vector>

#include "hub/consultation/recording/rows.hpp"

// The way from the tracks of a provider to the recordings of a session.
namespace rabt::consultation {

// output: {recordings: [{recordingId, kind, startedAt?, bytes?}], failed?: [{recordingId, kind,
// startedAt?, code?}]} of list-recordings. A track belongs to the stretch in which it began; one
// whose beginning the provider does not tell, to the oldest stretch that has none. One of kind
// composition holds all that was recorded in the room, however often somebody stopped and began
// anew. last: no other room of the session is still to be asked about, so what has no track was not
// recorded. Not inside a job.
[[nodiscard]] Result<std::vector<BoundRecording>> bind_recordings(const SessionParts& parts,
                                                                  const Session& session,
                                                                  const Json& output, bool last);
}  // namespace rabt::consultation
