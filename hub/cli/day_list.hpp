#pragma once

#include <string>

#include "hub/base/clock.hpp"
#include "hub/base/result.hpp"
#include "hub/config/config.hpp"

// The list of a day, from the hub that runs.
namespace rabt::cli {

struct DayList {
  // 2026-12-01
  std::string date;
  // text, json, html, csv
  std::string format = "text";
  // Language of html and csv: ar, en.
  std::string language = "ar";
  // Id of the doctor. Visits of all if it is empty.
  std::string provider{};
  // Reason for which each patient on it is read.
  std::string reason{};
};
// All visits of the day, whatever the pages that the hub gives. Errors: net.no_answer (no hub
// runs), those of the hub.
[[nodiscard]] Result<std::string> day_list(const config::Config& config, const DayList& asked);

// The day in Riyadh, so many days from now: 2026-12-01.
[[nodiscard]] std::string day_from_now(Timestamp now, int days);

// Removes the lists of days that are over from the folder <to>/visits, and writes those of today
// and tomorrow into it: <day>.html and <day>.csv, mode 0600, each whole. Makes the folder, mode
// 0700. Errors: those of day_list; invalid backup.visits (the folder is no folder, is of somebody
// else, or others may look into it); backup.io, audit.io.
[[nodiscard]] Status write_visits(const config::Config& config, const std::string& to,
                                  Timestamp now);

}  // namespace rabt::cli
