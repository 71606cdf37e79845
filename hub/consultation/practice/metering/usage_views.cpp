#include "hub/consultation/practice/metering/usage_views.hpp"

#include <utility>

#include "hub/consultation/practice/metering/metering.hpp"

namespace rabt::consultation {

Json to_json(const UsageView& usage) {
  Json alerts = Json::array();
  for (const UsageView::Alert& alert : usage.alerts) {
    alerts.push_back(Json::object({{"threshold", alert.threshold},
                                   {"attendeeMinutes", alert.attendee_minutes},
                                   {"at", to_iso8601(alert.at)}}));
  }
  return Json::object({{"year", usage.year},
                       {"month", usage.month},
                       {"timeZone", usage.time_zone},
                       {"attendeeMinutes", usage.attendee_minutes},
                       {"attendeeSeconds", usage.attendee_seconds},
                       {"adjustmentSeconds", usage.adjustment_seconds},
                       {"limit", usage.limit},
                       {"remaining", usage.remaining},
                       {"percentage", Json::number(percent_text(usage.per_mille))},
                       {"sessions", usage.sessions},
                       {"activeSessions", usage.active_sessions},
                       {"alerts", std::move(alerts)}});
}

Json to_json(const UsageBySessionView& usage) {
  Json items = Json::array();
  for (const UsageBySessionView::Session& item : usage.items) {
    items.push_back(Json::object({{"session", item.session},
                                  {"number", item.number},
                                  {"participants", item.participants},
                                  {"attendeeSeconds", item.attendee_seconds},
                                  {"attendeeMinutes", item.attendee_minutes}}));
  }
  return Json::object({{"year", usage.year},
                       {"month", usage.month},
                       {"timeZone", usage.time_zone},
                       {"items", std::move(items)}});
}

}  // namespace rabt::consultation
