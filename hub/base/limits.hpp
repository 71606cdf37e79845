#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

// Every limit of the hub, with its reason. Sizes in bytes.
namespace rabt::limits {

// HTTP edge
inline constexpr std::size_t kMaxRequestBody =
    10U << 20U;  // a NPHIES message may carry 10 MB of attachments
inline constexpr std::size_t kMaxHeaderField = 16U << 10U;  // Poco's field limit; bearer tokens fit
inline constexpr int kMaxHeaderCount = 100;
inline constexpr int kMaxHttpConnections = 256;  // each costs a thread while it is served
inline constexpr std::chrono::seconds kWebhookTolerance{
    300};  // Standard Webhooks 1.0.0, reference libraries

// Events
inline constexpr std::size_t kMaxEventBytes = 1U << 20U;  // larger content travels as a blob
inline constexpr int kMaxEventsPerDelivery = 256;         // events that one webhook body may become
inline constexpr std::chrono::hours kEventRetention{
    24 * 7};  // early events wait this long for their listen

// JSON Schema
inline constexpr std::uint64_t kSchemaSteps =
    5'000'000;  // of one check: a schema against a value is one; a FHIR message of 10 MB takes some
                // 2 million, and all of them less than a second

// Workflow
inline constexpr std::size_t kMaxWorkflowBytes = 1U << 20U;
inline constexpr std::size_t kMaxWorkflowDepth = 64;
inline constexpr std::size_t kMaxWorkflowTasks = 2000;
inline constexpr std::size_t kMaxContextBytes = 256U << 10U;  // $context of one instance
inline constexpr std::uint64_t kMaxTaskStartsPerTurn =
    10'000;  // a turn that starts more is an endless loop
inline constexpr std::uint64_t kMaxTurnsPerInstance = 100'000;
inline constexpr std::uint64_t kMaxLoopIterations = 10'000;
inline constexpr std::size_t kMaxForkBranches = 64;
inline constexpr int kMaxWorkflowNesting =
    16;  // workflows that start workflows; a chain that is longer calls itself without end
inline constexpr std::uint64_t kExpressionSteps = 1'000'000;  // evaluation steps of one expression
inline constexpr std::size_t kExpressionDepth = 256;          // nested evaluation
inline constexpr std::size_t kExpressionBytes = 16U << 20U;   // values built by one evaluation

inline constexpr std::size_t kMaxLiveInstances =
    8192;  // in memory, for each worker; some 20 KB each

// Actions
inline constexpr std::size_t kMaxActionBytes =
    1U << 20U;  // arguments or result; larger content is a blob
inline constexpr std::chrono::milliseconds kDefaultActionTimeout{60'000};
inline constexpr std::chrono::milliseconds kActionGrace{
    500};  // after the deadline, before the hub ends the call: it has ended within a second
inline constexpr int kMaxResends =
    8;  // of one action whose outcome stayed ambiguous and that is safe to repeat
inline constexpr std::chrono::milliseconds kMaxResendDelay{30'000};  // between two of them
// How long to wait after that many sendings: 0.4 s, doubling.
constexpr std::int64_t resend_delay_ms(int sends) {
  const std::int64_t delay = 200LL << (sends < 8 ? sends : 8);
  return delay < kMaxResendDelay.count() ? delay : kMaxResendDelay.count();
}

// Outbound HTTP
inline constexpr std::size_t kMaxHttpResponse = 12U
                                                << 20U;  // in memory; larger bodies go to a blob
inline constexpr std::size_t kMaxHttpInFlight = 4096;
inline constexpr std::chrono::milliseconds kHttpConnectTimeout{5'000};
inline constexpr int kMaxRedirects = 5;  // of one call of a workflow; more is a loop
inline constexpr std::size_t kMaxCachedTokens =
    1024;  // access tokens of workflows' calls; beyond, the oldest are fetched again

// Recordings
inline constexpr std::uint64_t kMaxBlobBytes = 64ULL << 30U;  // one recording
inline constexpr std::chrono::hours kOrphanBlobAge{
    24};  // a blob nobody took over is removed after this

// Store
inline constexpr std::size_t kMaxCommitJobs =
    512;  // jobs in one transaction: bounds the loss on a failed commit
inline constexpr std::size_t kMaxQueuedJobs = 65'536;  // beyond this, intake answers 503

// Plugin key-value service
inline constexpr std::size_t kMaxKvKey = 256;
inline constexpr std::size_t kMaxKvValue =
    12U << 20U;  // a whole poll answer is kept before it is parsed

}  // namespace rabt::limits
