#include "hub/cli/day_list.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <system_error>
#include <vector>

#include "hub/assembly/backup_files.hpp"
#include "hub/audit/files.hpp"
#include "hub/base/json.hpp"
#include "hub/base/printable.hpp"
#include "hub/base/riyadh.hpp"
#include "hub/base/uri.hpp"
#include "hub/cli/hub_client.hpp"

namespace rabt::cli {

namespace {

namespace fs = std::filesystem;

// The hub answers with a whole day, and writes an audit entry for each visit before.
constexpr std::int64_t kWholeDayMs = 120'000;
constexpr std::size_t kDate = std::string_view("2026-12-01").size();
constexpr std::size_t kClock = std::string_view("09:00").size();

std::string local(std::int64_t ms) {
  return to_iso8601({ms + kRiyadhMs});
}

// Both names of somebody, the Latin one first.
std::string names_of(const Json& item) {
  const std::string name = item.string_or("name", "");
  const std::string arabic = item.string_or("nameAr", "");
  if (name.empty() || arabic.empty() || name == arabic) return name.empty() ? arabic : name;
  return name + " / " + arabic;
}

std::string or_dash(const std::string& text) {
  return text.empty() ? "-" : text;
}

std::string line_of(const Json& visit) {
  const auto start = parse_iso8601(visit.string_or("scheduledStart", ""));
  const Json& patient = visit["patient"];
  const Json& guardian = patient["guardian"];
  const Json& notices = visit["told"];
  std::string phone = patient.string_or("phone", "-");
  if (guardian.is_object())
    phone = guardian.string_or("phone", "-") + " (" + guardian.string_or("name", "") + ")";
  std::string out = start.ok() ? local(start->ms).substr(kDate + 1, kClock) : "  -  ";
  out += "  " + std::to_string(visit.int_or("plannedMinutes", 0)) + " min";
  for (const std::string& cell :
       {or_dash(names_of(patient)), or_dash(patient.string_or("mrn", "")), phone,
        or_dash(visit.string_or("language", "")), or_dash(names_of(visit["doctor"])),
        or_dash(names_of(visit["clinic"])), "no. " + std::to_string(visit.int_or("number", 0)),
        visit.string_or("status", "")})
    out += "  " + cell;
  if (visit.bool_or("moved", false)) out += ", moved";
  if (notices.is_object())
    out += "  " + notices.string_or("kind", "") + ": " + notices.string_or("outcome", "");
  return out + "\n";
}

std::string path_of(const DayList& asked) {
  std::string path = "/api/v1/day-list?date=" + percent_encode(asked.date);
  if (!asked.provider.empty()) path += "&provider=" + percent_encode(asked.provider);
  return path;
}

// {date, visits} from all pages.
Result<Json> all_visits(HubClient& hub, const DayList& asked) {
  RABT_TRY(all, hub.list(path_of(asked), asked.reason));
  return Json::object({{"date", asked.date}, {"visits", all["items"]}});
}

// Ok if the hub's user alone looks into the folder.
Status check_folder(const std::string& folder) {
  struct stat found {};
  if (::lstat(folder.c_str(), &found) != 0) return assembly::backup_error("look at " + folder);
  const std::string name = printable(folder);
  if (!S_ISDIR(found.st_mode))
    return invalid("backup.visits", name +
                                        " is no folder: move it away, so that the lists of "
                                        "visits get a folder of their own");
  if (found.st_uid != ::geteuid())
    return invalid("backup.visits", name +
                                        " belongs to another user, who could read the lists of "
                                        "visits: give it to the hub's user");
  if ((found.st_mode & 0077U) != 0)
    return invalid("backup.visits", "others may look into " + name +
                                        ", which holds names and telephones of patients: chmod "
                                        "700 " +
                                        name);
  return ok_status();
}

// True for the name of a list: 2026-12-01.html; and of one that was not written to its end.
bool is_list(const std::string& name) {
  std::string ending = name.size() > kDate ? name.substr(kDate) : "";
  if (ending.ends_with(".tmp")) ending.resize(ending.size() - std::string_view(".tmp").size());
  return (ending == ".html" || ending == ".csv") &&
         parse_iso8601(name.substr(0, kDate) + "T00:00:00Z").ok();
}

Status remove_older(const std::string& folder, const std::string& today) {
  std::vector<fs::path> old;
  const auto take = [&](const fs::directory_entry& at) {
    const std::string name = at.path().filename().string();
    if (is_list(name) && name.substr(0, kDate) < today) old.push_back(at.path());
    return ok_status();
  };
  RABT_TRY(failure, assembly::each_entry(folder, assembly::Depth::one, take));
  for (const fs::path& one : old) {
    if (!failure) fs::remove(one, failure);
  }
  if (!failure) return audit::sync_folder(folder);
  errno = failure.value();
  return assembly::backup_error("remove old lists of visits from " + folder);
}

}  // namespace

std::string day_from_now(Timestamp now, int days) {
  return local(now.ms + days * kDayMs).substr(0, kDate);
}

Result<std::string> day_list(const config::Config& config, const DayList& asked) {
  RABT_TRY(hub, HubClient::of(config));
  if (asked.format == "html" || asked.format == "csv")
    return hub.text(path_of(asked) + "&format=" + asked.format + "&lang=" + asked.language,
                    asked.reason, kWholeDayMs);
  RABT_TRY(list, all_visits(hub, asked));
  if (asked.format == "json") return list.dump_pretty() + "\n";
  std::string out = asked.date + ", times of Riyadh, as of " +
                    local(SystemClock().now().ms).substr(0, kDate + 1 + kClock) +
                    ". Names and telephones of patients: keep it locked, and shred it.\n";
  for (const Json& item : list["visits"].as_array()) out += line_of(item);
  return out;
}

Status write_visits(const config::Config& config, const std::string& to, Timestamp now) {
  const std::string folder = to + "/visits";
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
    return assembly::backup_error("make " + folder);
  RABT_TRY_STATUS(check_folder(folder));
  // First, so that none stays while no hub runs.
  RABT_TRY_STATUS(remove_older(folder, day_from_now(now, 0)));
  for (const int days : {0, 1}) {
    for (const char* const format : {"html", "csv"}) {
      const DayList asked{.date = day_from_now(now, days),
                          .format = format,
                          .reason = "list of visits beside the backup, for hours without the hub"};
      RABT_TRY(list, day_list(config, asked));
      RABT_TRY_STATUS(
          audit::replace_file(folder + "/" + asked.date + "." + asked.format, list, 0600));
    }
  }
  return ok_status();
}

}  // namespace rabt::cli
