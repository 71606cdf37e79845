#include <algorithm>

#include "tests/clinic/week.hpp"

// Reads everybody's books at the end of a week.
namespace rabt::clinic {

using week::Books;
using week::Seen;

namespace {

// "booked 2026-03-08 10:00" of a text.
std::string heading(const std::string& text) {
  const auto space = text.find(' ');
  const std::string kind = text.substr(0, space);
  const auto colon = text.find(':');
  const bool timed = kind != "doctor_waits" && kind != "call_us" && space != std::string::npos &&
                     colon != std::string::npos && colon >= 2;
  if (!timed) return kind;
  return kind + " " + text.substr(space + 1, 10) + " " + text.substr(colon - 2, 5);
}

std::string local_minute(const std::string& iso) {
  const auto at = parse_iso8601(iso);
  if (!at.ok()) return "none";
  return week::local_time(static_cast<int>((at->ms - week::unix_ms(0)) / 60'000));
}

}  // namespace

void PlayedWeek::collect_messages() {
  const auto sent = control("/control/sms/messages", "POST", Json::object());
  ASSERT_TRUE(sent.ok()) << sent.error().message;
  for (const Json& item : (*sent)["messages"].as_array()) {
    const std::string phone = "+" + item.string_or("recipient", "");
    if (const auto rung = of_rung_.find(phone); rung != of_rung_.end()) {
      const auto& [number, doctor] = rung->second;
      ++rung_[static_cast<std::size_t>(number)][week::doctor(doctor)];
      continue;
    }
    const auto found = of_phone_.find(phone);
    if (found == of_phone_.end()) {
      ADD_FAILURE() << "seed " << plan_.seed << ": a message to a telephone of nobody";
      continue;
    }
    const auto number = static_cast<std::size_t>(found->second);
    if (visits_[number].phone != phone) {
      ++strays_[number];
    } else {
      ++messages_[number][heading(item.string_or("text", ""))];
    }
  }
  (void)desks_[0].http.send("POST", outside_->url("control") + "/control/sms/reset",
                            {{"Content-Type", "application/json"}}, "{}");
}

std::set<int> PlayedWeek::named_in(const std::string& text) const {
  std::set<int> out;
  std::size_t run = 0;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    const bool in = i < text.size() &&
                    ((text[i] >= '0' && text[i] <= '9') || (text[i] >= 'A' && text[i] <= 'Z') ||
                     (text[i] >= 'a' && text[i] <= 'z'));
    if (in) {
      ++run;
      continue;
    }
    if (run == 26) {
      const auto found = of_instance_.find(text.substr(i - run, run));
      if (found != of_instance_.end()) out.insert(found->second);
    }
    run = 0;
  }
  return out;
}

int PlayedWeek::number_of(const Json& session) const {
  const Json& appointment = session["appointment"];
  const auto found = of_key_.find(appointment.is_string() ? appointment.as_string()
                                                          : appointment.string_or("value", ""));
  if (found != of_key_.end()) return found->second;
  const std::string id = session.string_or("id", "");
  for (const Live& visit : visits_) {
    if (visit.script->kind != week::Kind::booked && visit.session == id)
      return visit.script->number;
  }
  return -1;
}

void PlayedWeek::read_sessions(Seen& seen) {
  std::string next = "/sessions?limit=100";
  while (!next.empty()) {
    const auto page = ask("GET", next);
    ASSERT_TRUE(page.ok()) << page.error().message;
    for (const Json& row : (*page)["items"].as_array()) {
      const auto whole = ask("GET", "/sessions/" + row.string_or("id", ""));
      ASSERT_TRUE(whole.ok()) << whole.error().message;
      const int number = number_of(*whole);
      if (number < 0) {
        ADD_FAILURE() << "seed " << plan_.seed << ": a session of no visit";
        continue;
      }
      Books& books = seen.visits[static_cast<std::size_t>(number)];
      ++books.sessions;
      const std::string status = whole->string_or("status", "");
      books.outcome = status == "completed" ? "held" : status;
      books.start = local_minute(whole->string_or("scheduledStart", ""));
      const auto doctor = number_of_doctor_.find(whole->string_or("provider", ""));
      if (doctor != number_of_doctor_.end()) books.doctor = doctor->second;
      // Of a visit that no booking began, the workflow that followed it is the consultation.
      if (const std::string consultation = whole->string_or("consultation", "");
          !consultation.empty())
        of_instance_[consultation] = number;
      visits_[static_cast<std::size_t>(number)].session = row.string_or("id", "");
    }
    next = page->string_or("next", "");
    if (next.starts_with("/api/v1")) next.erase(0, 7);
  }
}

bool PlayedWeek::lists(const std::string& patient, const std::string& session) {
  const auto page = ask("GET", "/sessions?limit=100&patient=" + patient);
  EXPECT_TRUE(page.ok()) << (page.ok() ? "" : page.error().message);
  if (!page.ok()) return false;
  const auto& items = (*page)["items"].as_array();
  return std::any_of(items.begin(), items.end(),
                     [&](const Json& item) { return item.string_or("id", "") == session; });
}

void PlayedWeek::read_records(Seen& seen) {
  for (const Live& visit : visits_) {
    if (visit.script->merge == week::Merge::none) continue;
    const bool own = lists(visit.patient, visit.session);
    const bool right = visit.script->merge == week::Merge::right;
    std::string& record = seen.visits[static_cast<std::size_t>(visit.script->number)].record;
    record = !own ? "none" : right ? "joined" : lists(visit.other, visit.session) ? "wrong" : "own";
  }
}

void PlayedWeek::read_tasks(Seen& seen) {
  std::map<std::string, int> of_session;
  for (const Live& visit : visits_) of_session[visit.session] = visit.script->number;
  for (const char* state : {"open", "claimed", "done", "cancelled"}) {
    std::string next = "/tasks?limit=100&state=" + std::string(state);
    while (!next.empty()) {
      const auto page = as(desk_, "desk", "GET", next);
      ASSERT_TRUE(page.ok()) << page.error().message;
      for (const Json& task : (*page)["items"].as_array()) {
        const auto found = of_session.find(task["object"].string_or("id", ""));
        if (found == of_session.end()) {
          ADD_FAILURE() << "seed " << plan_.seed << ": a task of no visit "
                        << task.string_or("title", "") << " " << task["object"].dump();
          continue;
        }
        seen.visits[static_cast<std::size_t>(found->second)].tasks.insert(
            task.string_or("title", ""));
      }
      next = page->string_or("next", "");
      if (next.starts_with("/api/v1")) next.erase(0, 7);
    }
  }
}

void PlayedWeek::read_bills(Seen& seen) {
  std::optional<std::string> before;
  for (;;) {
    const auto page = hub_->engine().instances({.workflow = "cashier"}, 100, before);
    ASSERT_TRUE(page.ok()) << page.error().message;
    for (const auto& one : *page) {
      before = one.id;
      const auto bill = ask("GET", "/instances/" + one.id + "?data=true");
      ASSERT_TRUE(bill.ok()) << bill.error().message;
      const Json& output = (*bill)["output"];
      const auto found = of_instance_.find(output.string_or("consultation", ""));
      if (found == of_instance_.end()) {
        ADD_FAILURE() << "seed " << plan_.seed << ": a bill of no visit";
        continue;
      }
      EXPECT_GE(output.int_or("minutes", 0), week::kTalk)
          << "seed " << plan_.seed << " visit " << found->second;
      ++seen.visits[static_cast<std::size_t>(found->second)].bills;
    }
    if (page->size() < 100) return;
  }
}

void PlayedWeek::read_claims(Seen& seen) {
  const auto answer =
      desks_[0].http.send("POST", outside_->url("control") + "/control/nphies/claims",
                          {{"Content-Type", "application/json"}}, "{}");
  ASSERT_TRUE(answer.ok()) << answer.error().message;
  const sandbox::Json body = sandbox::Json::parse(answer->body);
  for (const sandbox::Json& claim : body["claims"]) {
    const auto named = named_in(claim.dump());
    if (named.size() != 1)
      ADD_FAILURE() << "seed " << plan_.seed << ": a claim of " << named.size() << " visits";
    for (const int number : named) ++seen.visits[static_cast<std::size_t>(number)].claims;
  }
}

void PlayedWeek::read_chart(Seen& seen) {
  std::map<std::string, int> of_encounter;
  for (const std::string type : {"Encounter", "Condition", "Observation", "MedicationRequest",
                                 "Composition", "DocumentReference", "Appointment"}) {
    for (int from = 0;; from += 100) {
      const auto answer = desks_[0].http.send(
          "GET",
          outside_->url("fhir") + "/fhir/" + type + "?_count=100&_offset=" + std::to_string(from),
          {{"Authorization", "Bearer sandbox-fhir-token"}});
      ASSERT_TRUE(answer.ok()) << answer.error().message;
      ASSERT_EQ(answer->status, 200) << type;
      const sandbox::Json body = sandbox::Json::parse(answer->body);
      const std::size_t count = body.contains("entry") ? body["entry"].size() : 0;
      for (std::size_t i = 0; i < count; ++i) {
        const sandbox::Json& item = body["entry"][i]["resource"];
        if (type == "Appointment") {
          const auto found = of_key_.find(item["identifier"][0]["value"].get<std::string>());
          if (found != of_key_.end())
            seen.visits[static_cast<std::size_t>(found->second)].appointment = item["status"];
          continue;
        }
        std::set<int> named = named_in(item.dump());
        const sandbox::Json encounter = item.contains("encounter") ? item["encounter"]
                                        : item.contains("context") ? item["context"]["encounter"][0]
                                                                   : sandbox::Json::object();
        if (named.empty() && encounter.contains("reference")) {
          const auto found = of_encounter.find(encounter["reference"].get<std::string>());
          if (found != of_encounter.end()) named.insert(found->second);
        }
        if (named.size() != 1) {
          ADD_FAILURE() << "seed " << plan_.seed << ": a " << type << " of " << named.size()
                        << " visits";
          continue;
        }
        auto& chart = seen.visits[static_cast<std::size_t>(*named.begin())].chart;
        ++chart[type];
        if (type != "Encounter") continue;
        of_encounter["Encounter/" + item["id"].get<std::string>()] = *named.begin();
        if (item.contains("diagnosis"))
          chart["Encounter.diagnosis"] = static_cast<int>(item["diagnosis"].size());
      }
      if (count < 100) break;
    }
  }
}

void PlayedWeek::read_figures(Seen& seen) {
  const auto reported =
      desks_[0].http.json("GET",
                          outside_->url("dhis2") +
                              "/api/dataValueSets?dataSet=TH_MONTHLY&period=202603&orgUnit=PR-FHIR",
                          {{"Authorization", "ApiToken " + std::string(demo::kDemoMohToken)}});
  ASSERT_TRUE(reported.ok()) << reported.error().message;
  for (const Json& item : (*reported)["dataValues"].as_array()) {
    const std::string name = item.string_or("dataElement", "");
    const int value = std::atoi(item.string_or("value", "0").c_str());
    if (name == "TH_VISITS") seen.figures.visits = value;
    if (name == "TH_NO_SHOWS") seen.figures.no_shows = value;
    if (name == "TH_CANCELLED") seen.figures.cancelled = value;
  }
}

Seen PlayedWeek::look() {
  Seen seen;
  seen.visits.resize(plan_.visits.size());
  collect_messages();
  read_sessions(seen);
  read_records(seen);
  read_tasks(seen);
  read_bills(seen);
  read_claims(seen);
  read_chart(seen);
  read_figures(seen);
  for (std::size_t i = 0; i < seen.visits.size(); ++i) {
    seen.visits[i].messages = messages_[i];
    seen.visits[i].strays = strays_[i];
    seen.visits[i].rung = rung_[i];
  }
  return seen;
}

}  // namespace rabt::clinic
