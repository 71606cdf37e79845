#include "tests/clinic/week_model.hpp"

#include <algorithm>
#include <array>
#include <limits>

namespace rabt::clinic::week {

namespace {

struct Range {
  int least = 0;
  int most = 0;
};
constexpr int kMany = std::numeric_limits<int>::max();

// The hospital's last message for a time, and the minute until which it held.
struct Word {
  int at = 0;
  int until = 0;
  int start = 0;
};

class Model {
 public:
  explicit Model(const Visit& visit) : visit_(visit) {
    const int end = visit.off_at().value_or(visit.last().minute);
    words_.push_back({visit.booked_at, end, visit.first.minute});
    for (const auto& [at, slot] : visit.moves) {
      words_.back().until = at;
      words_.push_back({at, end, slot.minute});
    }
  }

  [[nodiscard]] std::string outcome() const {
    if (visit_.off_at()) return "cancelled";
    return visit_.comes == Comes::never ? "no_show" : "held";
  }
  // The payer is asked for the money of a visit that was held, and that he covers, or that the
  // desk has claimed all the same.
  [[nodiscard]] bool is_claimed() const {
    return visit_.is_held() && (visit_.payer == Payer::insured || visit_.desk == DeskSays::go_on);
  }
  [[nodiscard]] bool is_billed() const { return visit_.is_held() && !is_claimed(); }

  // The record system hears what became of a visit that it has planned.
  [[nodiscard]] std::string appointment() const {
    if (visit_.kind != Kind::booked) return "";
    const std::string text = outcome();
    if (text == "held") return "fulfilled";
    return text == "no_show" ? "noshow" : "cancelled";
  }

  [[nodiscard]] std::map<std::string, Range> chart() const {
    if (!visit_.is_held()) return {};
    // Two diagnoses, four or more signs, one prescription and one note; recordings of what the
    // hospital booked.
    const int recordings = visit_.kind == Kind::booked ? 1 : 0;
    return {{"Encounter", {1, 1}},          {"Condition", {2, 2}},
            {"Observation", {4, kMany}},    {"MedicationRequest", {1, 1}},
            {"Composition", {1, 1}},        {"DocumentReference", {recordings, kMany}},
            {"Encounter.diagnosis", {2, 2}}};
  }

  // To whoever has a telephone in the records.
  [[nodiscard]] std::map<std::string, Range> messages() const {
    std::map<std::string, Range> out;
    if (!visit_.answered) out["call_997"] = {1, 1};
    // Whoever stands at the desk, or calls for help, knows when it is.
    if (visit_.kind != Kind::booked || !has_phone()) return out;
    const auto add = [&out](const std::string& text, int least, int most) {
      out[text].least += least;
      out[text].most += most;
    };
    // A message about time or place is sent once more where nobody knows whether it arrived.
    const auto once = [&](const char* kind, int start, bool must = true) {
      add(std::string(kind) + " " + local_time(start), must ? 1 : 0, 2);
    };
    if (visit_.overtaken()) {
      once("booked", visit_.first.minute, false);
      once("cancelled", visit_.first.minute, false);
      return out;
    }
    for (std::size_t i = 0; i < words_.size(); ++i) {
      const Word& word = words_[i];
      const bool same_time = i > 0 && words_[i - 1].start == word.start;
      once(i == 0 ? "booked" : same_time ? "other_doctor" : "moved", word.start);
      const int day_before = word.start - kDay;
      // At most one reminder an hour.
      if (word.at < day_before && day_before < word.until)
        once("reminder", word.start, word.at + kHour < day_before);
      if (word.start - 15 < word.until) once("reminder", word.start);
    }
    const int start = visit_.last().minute;
    const std::string is = outcome();
    // Two changes of the doctor at one time may be told once.
    if (visit_.given) {
      const bool told = words_.size() > 1 && words_[words_.size() - 2].start == start;
      once("other_doctor", start, !told);
    }
    if (is == "cancelled") once("cancelled", start);
    if (visit_.desk == DeskSays::refuse) add("call_us", 1, 1);
    if (is == "no_show") add("missed " + local_time(start), 1, 1);
    // The doctor was there, and the patient was not.
    if (is != "cancelled" && visit_.comes != Comes::in_time) add("doctor_waits", 1, 1);
    return out;
  }

  // True if the task must be there; false if it may.
  [[nodiscard]] std::map<std::string, bool> tasks() const {
    std::map<std::string, bool> out;
    if (!visit_.answered) out["emergency.unanswered"] = true;
    // The desk calls patients whom no message reaches.
    if (visit_.record == Record::none) out["patient.not-told"] = !visit_.overtaken();
    if (visit_.record == Record::child_alone) out["patient.no-guardian"] = !visit_.overtaken();
    // Asked before the visit, or after it where the payer was away before.
    if (visit_.payer == Payer::not_eligible)
      out["coverage.not-eligible"] = visit_.is_held() || !kPayerAway.has(visit_.booked_at);
    // The arrival of some messages is unknown: the task may be there or not.
    if (has_phone()) out["patient.not-told"] = false;
    return out;
  }

  [[nodiscard]] std::string start() const {
    return visit_.kind == Kind::emergency ? "none" : local_time(visit_.last().minute);
  }
  // The first doctor does not answer; the second one does.
  [[nodiscard]] std::map<std::string, Range> rung() const {
    if (visit_.kind != Kind::emergency || !visit_.answered) return {};
    return {{doctor(visit_.first.doctor), {1, 1}}, {doctor(visit_.doctor), {1, 1}}};
  }
  [[nodiscard]] std::string record() const {
    if (visit_.merge == Merge::none) return "";
    return visit_.merge == Merge::right ? "joined" : "own";
  }
  // When the register knows the end.
  [[nodiscard]] int ended_at() const {
    if (const auto off = visit_.off_at()) return std::max(*off, visit_.booked_at);
    return visit_.last().minute + (visit_.kind == Kind::emergency ? kAnswered : 0) + kTalk +
           (visit_.comes == Comes::late ? kLate : 0);
  }

 private:
  [[nodiscard]] bool has_phone() const {
    return visit_.record == Record::adult || visit_.record == Record::child;
  }

  const Visit& visit_;
  std::vector<Word> words_;
};

// The script of a visit, for the reader of a difference.
std::string described(const Visit& visit) {
  constexpr std::array kPayers{"insured", "self-pay", "not eligible"};
  constexpr std::array kDesk{"", ", desk: self-pay", ", desk: go-on", ", desk: refuse"};
  constexpr std::array kComes{"", ", late", ", never comes"};
  constexpr std::array kRecords{"", ", child", ", child without guardian", ", first time"};
  const auto word = [](const auto& words, auto place) {
    return std::string(words[static_cast<std::size_t>(place)]);
  };
  constexpr std::array kKinds{"", ", walk-in", ", emergency"};
  constexpr std::array kMerges{"", ", merged", ", merged by mistake"};
  std::string out = word(kPayers, visit.payer) + word(kDesk, visit.desk) +
                    word(kComes, visit.comes) + word(kRecords, visit.record) +
                    word(kKinds, visit.kind) + (visit.answered ? "" : " without an answer") +
                    ", booked " + local_time(visit.booked_at) + " for " +
                    local_time(visit.first.minute);
  for (const auto& [at, slot] : visit.moves)
    out += ", moved " + local_time(at) + " to " + local_time(slot.minute);
  if (visit.cancelled_at) out += ", cancelled " + local_time(*visit.cancelled_at);
  if (visit.given) out += ", its doctor is ill";
  if (visit.merge != Merge::none)
    out += word(kMerges, visit.merge) + " " + local_time(visit.merged_at);
  return out;
}

class Comparison {
 public:
  Comparison(const Plan& plan, const Seen& seen) : plan_(plan) {
    for (const Visit& visit : plan.visits)
      of_visit(visit, seen.visits[static_cast<std::size_t>(visit.number)]);
    of_figures(seen.figures);
  }
  [[nodiscard]] std::vector<std::string> found() && { return std::move(found_); }

 private:
  void say(const std::string& what) {
    found_.push_back("seed " + std::to_string(plan_.seed) + where_ + ": " + what);
  }
  void same(const std::string& name, const std::string& text, const std::string& must) {
    if (text != must) say(name + " " + text + ", not " + must);
  }
  void within(const std::string& name, int is, Range must) {
    if (is >= must.least && is <= must.most) return;
    say(name + " " + std::to_string(is) + ", not " + std::to_string(must.least) +
        (must.least == must.most ? ""
         : must.most == kMany    ? " or more"
                                 : " to " + std::to_string(must.most)));
  }
  void all_within(const std::string& name, const std::map<std::string, int>& is,
                  const std::map<std::string, Range>& must) {
    for (const auto& [key, range] : must) {
      const auto found = is.find(key);
      within(name + " `" + key + "`", found == is.end() ? 0 : found->second, range);
    }
    for (const auto& [key, count] : is) {
      if (!must.contains(key)) within(name + " `" + key + "`", count, {0, 0});
    }
  }

  void of_visit(const Visit& visit, const Books& books) {
    where_ = " visit " + std::to_string(visit.number) + " (" + described(visit) + ")";
    const Model model(visit);
    if (!visit.overtaken() || books.sessions > 0) {
      within("sessions", books.sessions, {1, 1});
      same("outcome", books.outcome, model.outcome());
      same("start", books.start, model.start());
      same("appointment", books.appointment, model.appointment());
      within("doctor", books.doctor, {visit.doctor, visit.doctor});
    }
    all_within("messages to ring", books.rung, model.rung());
    same("record", books.record, model.record());
    within("claims", books.claims, model.is_claimed() ? Range{1, 1} : Range{0, 0});
    within("bills", books.bills, model.is_billed() ? Range{1, 1} : Range{0, 0});
    all_within("chart", books.chart, model.chart());
    all_within("messages", books.messages, model.messages());
    within("messages to another telephone", books.strays, {0, 0});
    const auto tasks = model.tasks();
    for (const auto& [title, must] : tasks) {
      if (must && !books.tasks.contains(title)) say("task `" + title + "` missing");
    }
    for (const std::string& title : books.tasks) {
      if (!tasks.contains(title)) say("task `" + title + "` that nobody needs");
    }
  }

  // The last report leaves with the last visit that was held: what ended about then or later may be
  // missing from it.
  void of_figures(const Figures& figures) {
    where_ = " figures";
    int last = 0;
    Range held;
    for (const Visit& visit : plan_.visits) {
      if (!visit.is_held()) continue;
      ++held.least;
      last = std::max(last, Model(visit).ended_at());
    }
    held.most = held.least;
    Range no_shows;
    Range cancelled;
    for (const Visit& visit : plan_.visits) {
      const Model model(visit);
      const std::string outcome = model.outcome();
      // An emergency that nobody answers was no visit.
      if (outcome == "held" || !visit.answered) continue;
      Range& range = outcome == "no_show" ? no_shows : cancelled;
      ++range.most;
      if (model.ended_at() + kHour < last && !visit.overtaken()) ++range.least;
    }
    within("visits", figures.visits, held);
    within("no-shows", figures.no_shows, no_shows);
    within("cancelled", figures.cancelled, cancelled);
  }

  const Plan& plan_;
  std::string where_;
  std::vector<std::string> found_;
};

}  // namespace

std::string doctor(int number) {
  return "doctor " + std::to_string(number);
}

Seen perfect(const Plan& plan) {
  Seen out;
  for (const Visit& visit : plan.visits) {
    const Model model(visit);
    Books& books = out.visits.emplace_back();
    books.outcome = model.outcome();
    books.start = model.start();
    books.appointment = model.appointment();
    books.doctor = visit.doctor;
    for (const auto& [who, range] : model.rung()) books.rung[who] = range.least;
    books.record = model.record();
    books.sessions = 1;
    books.claims = model.is_claimed() ? 1 : 0;
    books.bills = model.is_billed() ? 1 : 0;
    for (const auto& [type, range] : model.chart()) books.chart[type] = range.least;
    for (const auto& [text, range] : model.messages()) {
      if (range.least > 0) books.messages[text] = range.least;
    }
    for (const auto& [title, must] : model.tasks()) {
      if (must) books.tasks.insert(title);
    }
    if (books.outcome == "held") ++out.figures.visits;
    if (books.outcome == "no_show") ++out.figures.no_shows;
    if (books.outcome == "cancelled" && visit.answered) ++out.figures.cancelled;
  }
  return out;
}

std::vector<std::string> differences(const Plan& plan, const Seen& seen) {
  return Comparison(plan, seen).found();
}

}  // namespace rabt::clinic::week
