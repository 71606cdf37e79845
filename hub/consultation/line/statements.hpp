#pragma once

#include "hub/store/store.hpp"

// SQL of the tables quality_summary, quality_sample.
namespace rabt::consultation::sql::line {

using store::Statement;

inline constexpr Statement kSummary{
    "SELECT samples, mos_sum, loss_sum, jitter_sum, rtt_sum, bytes_up, bytes_down, seconds, ladder "
    "FROM quality_summary WHERE tenant = $1 AND session = $2 AND participant = $3"};
inline constexpr Statement kSummaries{
    "SELECT participant, samples, mos_sum, loss_sum, jitter_sum, rtt_sum, ladder FROM "
    "quality_summary WHERE tenant = $1 AND session = $2 ORDER BY participant"};
inline constexpr Statement kInsertSummary{
    "INSERT INTO quality_summary (tenant, session, participant, samples, mos_sum, loss_sum, "
    "jitter_sum, rtt_sum, bytes_up, bytes_down, seconds, ladder, updated_ms) VALUES ($1, $2, $3, "
    "0, 0, 0, 0, 0, 0, 0, 0, $4, $5) ON CONFLICT DO NOTHING"};
inline constexpr Statement kAddToSummary{
    "UPDATE quality_summary SET samples = samples + $1, mos_sum = mos_sum + $2, loss_sum = "
    "loss_sum + $3, jitter_sum = jitter_sum + $4, rtt_sum = rtt_sum + $5, bytes_up = bytes_up + "
    "$6, bytes_down = bytes_down + $7, seconds = seconds + $8, ladder = $9, updated_ms = $10 WHERE "
    "tenant = $11 AND session = $12 AND participant = $13"};
inline constexpr Statement kSamplesOf{
    "SELECT samples, mos_sum FROM quality_summary WHERE tenant = $1 AND session = $2 AND samples > "
    "0"};

inline constexpr Statement kInsertSample{
    "INSERT INTO quality_sample (tenant, session, participant, at_ms, direction, figures) VALUES "
    "($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING"};
inline constexpr Statement kNewestSamples{
    "SELECT participant, at_ms, direction, figures FROM quality_sample WHERE tenant = $1 AND "
    "session = $2 ORDER BY at_ms DESC LIMIT $3"};
inline constexpr Statement kSweepSamples{"DELETE FROM quality_sample WHERE at_ms < $1"};

}  // namespace rabt::consultation::sql::line
