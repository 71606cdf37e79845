#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "hub/base/clock.hpp"
#include "hub/base/result.hpp"

// Retention periods of classes of data, and the buckets that follow from them. Calendar arithmetic
// in UTC. Pure.
namespace rabt::keys {

// "10 years", "6 months", "7 days": a calendar period. Error invalid keys.retention.
struct Period {
  int years = 0;
  int months = 0;
  int days = 0;
  friend bool operator==(const Period&, const Period&) = default;
};
[[nodiscard]] Result<Period> parse_period(std::string_view text);
[[nodiscard]] std::string to_string(const Period& period);
// The same day of the month, or the last one of a shorter month; days are added after that.
[[nodiscard]] Timestamp after(Timestamp from, const Period& period);

// Period for which a delivery of a webhook is known. Senders repeat for some days; whoever sends a
// backlog again after an outage, or restores a backup, for some weeks.
inline constexpr Period kDeliveryPeriod{.days = 90};
// The least for events of a period: a set of events may wait for its start until the month is over.
[[nodiscard]] Period least_delivery_period(const Period& event);

// Classes of data. All sealed data belongs to one.
inline constexpr std::string_view kConsultation = "consultation";  // journal and start of instances
inline constexpr std::string_view kEvent = "event";                // events, start sets
inline constexpr std::string_view kPlugin = "plugin";              // plugins' key-value stores
inline constexpr std::string_view kRecording = "recording";        // blobs a record has taken over
inline constexpr std::string_view kIncoming = "incoming";         // blobs nobody has taken over yet
inline constexpr std::string_view kPerson = "person";             // people and their credentials
inline constexpr std::string_view kAuditDetail = "audit_detail";  // patients' keys
// No class: "hold/<case>" is the bucket of a legal hold, which no time ends.
inline constexpr std::string_view kHoldPrefix = "hold/";

struct RetentionPolicy {
  // Medical records: 10 years. Events wait a week for their listen. Blobs that nobody takes over go
  // after a day.
  std::map<std::string, Period, std::less<>> classes{
      {std::string(kConsultation), {.years = 10}}, {std::string(kEvent), {.days = 7}},
      {std::string(kPlugin), {.years = 10}},       {std::string(kRecording), {.years = 10}},
      {std::string(kPerson), {.years = 10}},       {std::string(kIncoming), {.days = 2}},
      {std::string(kAuditDetail), {.years = 10}}};
};

// "<class>/<YYYY-MM>", the month in which `expiry` lies: the bucket may be destroyed when the month
// is over, so that nothing goes too early.
[[nodiscard]] std::string bucket_name(std::string_view class_name, Timestamp expiry);
// The next month's bucket of the same class.
[[nodiscard]] std::string bucket_after(std::string_view bucket);
struct BucketMonth {
  std::string class_name;
  Timestamp begins;
  Timestamp ends;  // the first moment after it: the bucket may be destroyed
};
// Error invalid keys.bucket for other texts, and for the bucket of a hold, even if its case looks
// like a month.
[[nodiscard]] Result<BucketMonth> parse_bucket(std::string_view bucket);

}  // namespace rabt::keys
