#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

// Every limit of the hub, with its reason. Sizes are in bytes.
namespace rabt::limits {

// ---- HTTP edge

// A NPHIES message may carry 10 MB of attachments.
inline constexpr std::size_t kMaxRequestBody = 10U << 20U;
// Poco's own limit of a header field; bearer tokens fit.
inline constexpr std::size_t kMaxHeaderField = 16U << 10U;
inline constexpr int kMaxHeaderCount = 100;
// The tolerance of the reference libraries of Standard Webhooks 1.0.0.
inline constexpr std::chrono::seconds kWebhookTolerance{300};

// ---- Events

// Larger content travels as a blob.
inline constexpr std::size_t kMaxEventBytes = 1U << 20U;
// The events that one webhook body may become.
inline constexpr int kMaxEventsPerDelivery = 256;
// An event that comes before its listen waits this long.
inline constexpr std::chrono::hours kEventRetention{24 * 7};

// ---- JSON Schema

// Steps of one check of a value against a schema. A FHIR message of 10 MB takes some 2 million;
// all steps together take less than a second.
inline constexpr std::uint64_t kSchemaSteps = 5'000'000;

// ---- Workflow

inline constexpr std::size_t kMaxWorkflowBytes = 1U << 20U;
inline constexpr std::size_t kMaxWorkflowDepth = 64;
inline constexpr std::size_t kMaxWorkflowTasks = 2000;
// The $context of one instance.
inline constexpr std::size_t kMaxContextBytes = 256U << 10U;
// A turn that starts more tasks is an endless loop.
inline constexpr std::uint64_t kMaxTaskStartsPerTurn = 10'000;
inline constexpr std::uint64_t kMaxTurnsPerInstance = 100'000;
inline constexpr std::uint64_t kMaxLoopIterations = 10'000;
inline constexpr std::size_t kMaxForkBranches = 64;
// Workflows that start workflows: a longer chain calls itself without end.
inline constexpr int kMaxWorkflowNesting = 16;
// Evaluation steps, nesting, and bytes of the values built, in one evaluation of an expression.
inline constexpr std::uint64_t kExpressionSteps = 1'000'000;
inline constexpr std::size_t kExpressionDepth = 256;
inline constexpr std::size_t kExpressionBytes = 16U << 20U;
// Instances that one worker keeps in memory; an instance takes some 20 KB.
inline constexpr std::size_t kMaxLiveInstances = 8192;

// ---- Actions

// Arguments or result; larger content is a blob.
inline constexpr std::size_t kMaxActionBytes = 1U << 20U;
inline constexpr std::chrono::milliseconds kDefaultActionTimeout{60'000};
// The hub waits this long after the deadline before it ends the call, which has then ended within
// a second.
inline constexpr std::chrono::milliseconds kActionGrace{500};
// Number of repeats of an action whose outcome stayed ambiguous and that is safe to repeat, and the
// longest wait between two sendings.
inline constexpr int kMaxResends = 8;
inline constexpr std::chrono::milliseconds kMaxResendDelay{30'000};
// Wait after `sends` sendings, in milliseconds: 0.4 s after the first, doubling.
constexpr std::int64_t resend_delay_ms(int sends) {
  const std::int64_t delay = 200LL << (sends < 8 ? sends : 8);
  return delay < kMaxResendDelay.count() ? delay : kMaxResendDelay.count();
}

// ---- Outbound HTTP

// A response that is held in memory; larger bodies go to a blob.
inline constexpr std::size_t kMaxHttpResponse = 12U << 20U;
inline constexpr std::size_t kMaxHttpInFlight = 4096;
inline constexpr std::chrono::milliseconds kHttpConnectTimeout{5'000};
// Redirects of one call of a workflow: a longer chain is a loop.
inline constexpr int kMaxRedirects = 5;
// Access tokens kept for the calls of workflows; beyond, the oldest are fetched again.
inline constexpr std::size_t kMaxCachedTokens = 1024;

// ---- Recordings

// One recording.
inline constexpr std::uint64_t kMaxBlobBytes = 64ULL << 30U;
// A blob that nobody has taken over after this time is removed.
inline constexpr std::chrono::hours kOrphanBlobAge{24};

// ---- Sessions

// A session is one document that each act writes anew: what people add to it has an end.
inline constexpr std::size_t kMaxSessionConsents = 200;
// Share of one person, so that nobody uses up the places of others.
inline constexpr std::size_t kMaxConsentsOfOne = 40;
// Each time that a link is sent anew counts.
inline constexpr std::int64_t kMaxSessionInvitations = 100;
// Whoever was ever let take part; 15 do at once.
inline constexpr std::size_t kMaxSessionPeople = 100;
// Emergencies that begin now which a patient opens himself within an hour, and one clinician within
// a day: each rings for doctors, and may be called off at once.
inline constexpr std::int64_t kMaxEmergenciesOfPatient = 10;
inline constexpr std::int64_t kMaxEmergenciesOfStaff = 60;
// Confirmations of who the patient is.
inline constexpr std::int64_t kMaxIdentifications = 20;
// Parts of one person who is neither host nor clinician; of one who waits.
inline constexpr std::int64_t kMaxSessionMessages = 10'000;
inline constexpr std::int64_t kMaxMessagesOfOne = 2'500;
inline constexpr std::int64_t kMaxMessagesOfWaiting = 100;
// Ten days of one reading a minute and more.
inline constexpr std::int64_t kMaxSessionVitals = 20'000;
// They may all be of one person's device.
inline constexpr std::int64_t kMaxVitalsOfOne = 15'000;
// Segments of the transcript: a day of sentences, and more.
inline constexpr std::int64_t kMaxSessionSegments = 20'000;
inline constexpr std::int64_t kMaxSegmentsOfOne = 5'000;
inline constexpr std::int64_t kMaxSessionNotes = 200;
inline constexpr std::size_t kMaxNoteAddenda = 100;
inline constexpr std::int64_t kMaxSessionPrescriptions = 100;
inline constexpr std::size_t kMaxDispensings = 100;
// Plans of follow-ups; sessions that were booked at once are bounded as sessions.
inline constexpr std::int64_t kMaxSessionFollowUps = 50;
// A page of a list of a session; it has at least one item.
inline constexpr std::int64_t kMaxPageItems = 1'000;
inline constexpr std::size_t kMaxPageBytes = 1U << 20U;
// Messages to the patient of one visit in 24 hours that it was moved.
inline constexpr std::int64_t kMaxMovesTold = 20;
// Reports of one gateway that came before its answer. An answer takes seconds; the reports of
// messages that workflows sent stay here for a day, too.
inline constexpr std::int64_t kMaxEarlyReports = 1'000;

// ---- Messages

// Messages to one number or address of what a person asked for himself: codes of links, and news of
// visits that a patient booked under his own account, which anybody may open for any number. Calls
// of 997 have as many beside them. A family with one telephone finds room.
inline constexpr std::int64_t kMaxAskedInHour = 10;
inline constexpr std::int64_t kMaxAskedInDay = 30;
// News of visits that the hospital booked, to patients and staff. No busy doctor has as many.
inline constexpr std::int64_t kMaxVisitNewsInDay = 200;
// Between two messages to one number that tasks wait, however many tasks are made.
inline constexpr std::int64_t kTaskNewsApartMs = 15 * 60'000;

// ---- Store

// Jobs in one transaction: bounds the loss when a commit fails.
inline constexpr std::size_t kMaxCommitJobs = 512;
// Beyond this, intake answers 503.
inline constexpr std::size_t kMaxQueuedJobs = 65'536;

// ---- Key-value service of plugins

inline constexpr std::size_t kMaxKvKey = 256;
// A whole poll answer is kept before it is parsed.
inline constexpr std::size_t kMaxKvValue = 12U << 20U;

}  // namespace rabt::limits
