#include "hub/consultation/sessions/day_paper.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <utility>

#include "hub/base/printable.hpp"
#include "hub/consultation/session/hijri.hpp"

namespace rabt::consultation {

namespace {

constexpr std::size_t kDate = std::string_view("2026-12-01").size();
constexpr std::size_t kClock = std::string_view("09:00").size();

// A text in both languages.
struct Words {
  std::string_view name;
  std::string_view en;
  std::string_view ar;
};

constexpr Words kTitle{"", "Visits of the day", "مواعيد اليوم"};
constexpr Words kKeep{
    "",
    "Confidential: names and telephones of patients. Keep it at the desk, and "
    "shred it after the day.",
    "سرّي: فيها بيانات المرضى وأرقام هواتفهم. احفظها عند الاستقبال وأتلفها بعد انتهاء اليوم."};
constexpr Words kHint{
    "",
    "These are video visits. While the system is away nobody can join: call each patient before "
    "the time of the visit, agree on a telephone call or another time, and enter it when the "
    "system is back.",
    "هذه مواعيد عن بُعد. لا يمكن لأحد الانضمام أثناء توقف النظام: اتصل بكل مريض قبل وقت موعده، "
    "واتفق معه على مكالمة هاتفية أو وقت آخر، وأدخل ذلك عندما يعود النظام."};
constexpr Words kNone{"", "No visits on this day.", "لا توجد مواعيد في هذا اليوم."};
constexpr Words kMade{"", "As of", "حتى"};
constexpr Words kCount{"", "Visits", "المواعيد"};
constexpr Words kHijri{"", "AH", "هـ"};
constexpr Words kMinutes{"", "min", "دقيقة"};
constexpr Words kGuardian{"", "guardian", "ولي الأمر"};
constexpr Words kMoved{"", "Moved", "تغيّر وقته"};
constexpr Words kNotTold{"", "Not told yet", "لم يُبلَّغ بعد"};
constexpr Words kByMail{"", "by e-mail", "بالبريد الإلكتروني"};
constexpr Words kNoPhone{"", "No telephone", "لا يوجد رقم هاتف"};

// Heads of the table, in the order of its columns.
constexpr std::array kColumns{
    Words{"", "Date", "التاريخ"},
    Words{"", "Hijri date", "التاريخ الهجري"},
    Words{"", "Time", "الوقت"},
    Words{"", "Minutes", "المدة بالدقائق"},
    Words{"", "State", "الحالة"},
    Words{"", "Moved", "تغيّر وقته"},
    Words{"", "Patient", "المريض"},
    Words{"", "Patient in Arabic", "المريض بالعربية"},
    Words{"", "File number", "رقم الملف الطبي"},
    Words{"", "Telephone", "الهاتف"},
    Words{"", "Guardian", "ولي الأمر"},
    Words{"", "Language", "اللغة"},
    Words{"", "Doctor", "الطبيب"},
    Words{"", "Doctor in Arabic", "الطبيب بالعربية"},
    Words{"", "Clinic", "العيادة"},
    Words{"", "Clinic in Arabic", "العيادة بالعربية"},
    Words{"", "Last message", "آخر رسالة"},
    Words{"", "Its outcome", "نتيجتها"},
    Words{"", "Sent at", "وقت إرسالها"},
    Words{"", "Link", "الرابط"},
    Words{"", "Visit", "الموعد"},
};
// The same of the page.
constexpr std::array kHeads{
    Words{"", "Time", "الوقت"},       Words{"", "Patient", "المريض"},
    Words{"", "Telephone", "الهاتف"}, Words{"", "Language", "اللغة"},
    Words{"", "Doctor", "الطبيب"},    Words{"", "Last message", "آخر رسالة"},
    Words{"", "Visit", "الموعد"},
};
constexpr std::array kStates{
    Words{"requested", "Requested", "بانتظار الرد"},     Words{"scheduled", "Scheduled", "مجدولة"},
    Words{"waiting", "Waiting", "في الانتظار"},          Words{"active", "In progress", "جارية"},
    Words{"completed", "Completed", "مكتملة"},           Words{"cancelled", "Cancelled", "ملغاة"},
    Words{"no_show", "Did not attend", "لم يتم الحضور"}, Words{"failed", "Failed", "تعذّرت"},
};
constexpr std::array kMessages{
    Words{"booked", "Booking", "تأكيد الموعد"},
    Words{"moved", "New time", "الوقت الجديد"},
    Words{"cancelled", "Cancellation", "إلغاء الموعد"},
    Words{"day_before", "Reminder of the day before", "التذكير قبل يوم"},
    Words{"soon", "Reminder shortly before", "التذكير قبل قليل"},
    Words{"doctor_waits", "The doctor waits", "الطبيب في الانتظار"},
    Words{"missed", "Missed visit", "فات الموعد"},
    Words{"not_held", "Visit not held", "لم تتم الاستشارة"},
    Words{"call_997", "Call 997", "اتصل على 997"},
    Words{"follow_up", "Follow-up booked", "موعد المتابعة"},
    Words{"call_us", "Please call us", "يرجى الاتصال بنا"},
    Words{"other_doctor", "Another doctor", "طبيب آخر"},
    Words{"in_person", "In person, not by video", "حضوريًا لا عن بُعد"},
};
constexpr std::array kOutcomes{
    Words{"sent", "sent", "أُرسلت"},
    Words{"delivered", "delivered", "وصلت"},
    Words{"undelivered", "NOT delivered", "لم تصل"},
    Words{"declined", "not sent: wants no reminders", "لم تُرسل: لا يرغب في التذكير"},
    Words{"no_phone", "NOT sent: no telephone", "لم تُرسل: لا يوجد رقم هاتف"},
    Words{"no_guardian", "NOT sent: no guardian", "لم تُرسل: لا يوجد ولي أمر"},
    Words{"no_link", "NOT sent: no link", "لم تُرسل: لا يوجد رابط"},
    Words{"failed", "NOT sent", "لم تُرسل"},
    Words{"unknown", "unknown", "غير معروفة"},
};
constexpr std::array kLinks{
    Words{"pending", "Has a link, not opened", "لديه رابط لم يُفتح"},
    Words{"accepted", "Has opened the link", "فتح الرابط"},
    Words{"declined", "Has declined the link", "رفض الرابط"},
    Words{"revoked", "Link was taken back", "سُحب الرابط"},
    Words{"expired", "Link has ended", "انتهى الرابط"},
};
constexpr std::array kLanguages{
    Words{"ar", "Arabic", "العربية"},
    Words{"en", "English", "الإنجليزية"},
};
constexpr std::array kWeekdays{
    Words{"", "Sunday", "الأحد"},     Words{"", "Monday", "الاثنين"},
    Words{"", "Tuesday", "الثلاثاء"}, Words{"", "Wednesday", "الأربعاء"},
    Words{"", "Thursday", "الخميس"},  Words{"", "Friday", "الجمعة"},
    Words{"", "Saturday", "السبت"},
};

// A text of the list may be a formula of a spreadsheet; the wide forms are taken for one, too.
constexpr std::array<std::string_view, 8> kFormula{"=", "+", "-", "@", "＝", "＋", "－", "＠"};

constexpr std::string_view kStyle =
    "@page{size:A4 landscape;margin:10mm}"
    "body{font:10pt/1.35 'Noto Sans Arabic','Noto Sans',Tahoma,Arial,sans-serif;margin:1rem;"
    "color:#000;background:#fff}"
    "h1{font-size:15pt;margin:0}p{margin:.2em 0}.day{font-size:12pt;font-weight:bold}"
    ".keep{border:1px solid #000;padding:.3em .6em;font-weight:bold}"
    "table{width:100%;border-collapse:collapse;margin-top:.6em}"
    "th,td{border:1px solid #777;padding:.25em .4em;text-align:start;vertical-align:top}"
    "thead{display:table-header-group}tr{break-inside:avoid}"
    "tbody th{font-weight:bold}small{display:block;color:#333}"
    ".off th,.off td{color:#555;text-decoration:line-through}"
    ".off .state,.state{font-weight:bold;text-decoration:none}"
    "@media print{body{margin:0}}";

class Writer {
 public:
  Writer(const DayListView& list, std::string_view language)
      : english_(language == "en"), list_(list) {
    // The zone's distance at the beginning of the day.
    const auto midnight = parse_iso8601(list.date + "T00:00:00Z");
    if (midnight.ok()) ahead_ms_ = midnight->ms - list.begins.ms;
  }

  [[nodiscard]] std::string_view in(const Words& words) const {
    return english_ ? words.en : words.ar;
  }
  // A word of the hub; one that the list does not know stays as it is.
  template <std::size_t count>
  [[nodiscard]] std::string in(const std::array<Words, count>& all, std::string_view name) const {
    const auto found = std::find_if(all.begin(), all.end(),
                                    [&](const Words& words) { return words.name == name; });
    return found == all.end() ? std::string(name) : std::string(in(*found));
  }
  [[nodiscard]] std::string local(std::int64_t ms) const { return to_iso8601({ms + ahead_ms_}); }
  [[nodiscard]] std::string clock(std::int64_t ms) const {
    return local(ms).substr(kDate + 1, kClock);
  }
  // "2026-12-01 09:00"
  [[nodiscard]] std::string moment(std::int64_t ms) const {
    return local(ms).substr(0, kDate) + " " + clock(ms);
  }
  [[nodiscard]] std::string hijri() const { return hijri_date({list_.begins.ms + kDayMs / 2}); }
  [[nodiscard]] std::string_view weekday() const {
    // 1970-01-01 was a Thursday.
    const std::int64_t days = (list_.begins.ms + ahead_ms_) / kDayMs;
    return in(kWeekdays[static_cast<std::size_t>((days % 7 + 7 + 4) % 7)]);
  }
  [[nodiscard]] bool english() const { return english_; }

 private:
  const bool english_;
  const DayListView& list_;
  std::int64_t ahead_ms_ = 0;
};

// Text of a record, without characters that hide or turn round the text beside it.
std::string text_of(const Json& value) {
  return value.is_string() ? tidy_line(value.as_string()) : std::string();
}

std::string phone_of(const ListedVisit::Patient& patient) {
  return text_of(patient.guardian.is_object() ? patient.guardian["phone"] : patient.phone);
}

bool is_off(SessionStatus status) {
  return status == SessionStatus::cancelled || status == SessionStatus::no_show ||
         status == SessionStatus::failed;
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

// Text in an order of its own, whatever stands beside it.
std::string apart(std::string_view text) {
  return "<bdi>" + escaped(text) + "</bdi>";
}
std::string left_to_right(std::string_view text) {
  return "<bdi dir=\"ltr\">" + escaped(text) + "</bdi>";
}
std::string small(const std::string& html) {
  return html.empty() ? std::string() : "<small>" + html + "</small>";
}

// Both names, that of the page's language first.
std::string names_of(const Json& latin, const Json& arabic, bool english) {
  std::string first = text_of(english ? latin : arabic);
  std::string second = text_of(english ? arabic : latin);
  if (first.empty()) first.swap(second);
  if (first.empty()) return "—";
  return apart(first) + (second.empty() || second == first ? "" : small(apart(second)));
}

std::string patient_cell(const Writer& words, const ListedVisit& visit) {
  if (!visit.patient) return "—";
  const std::string mrn = text_of(visit.patient->mrn);
  return names_of(visit.patient->name, visit.patient->name_ar, words.english()) +
         small(mrn.empty() ? "" : left_to_right(mrn));
}

std::string phone_cell(const Writer& words, const ListedVisit& visit) {
  if (!visit.patient) return "—";
  const std::string phone = phone_of(*visit.patient);
  std::string out = phone.empty() ? std::string(words.in(kNoPhone)) : left_to_right(phone);
  if (visit.patient->guardian.is_object())
    out += small(std::string(words.in(kGuardian)) + ": " +
                 apart(text_of(visit.patient->guardian["name"])));
  return out;
}

std::string doctor_cell(const Writer& words, const ListedVisit& visit) {
  std::string out =
      visit.doctor ? names_of(visit.doctor->name, visit.doctor->name_ar, words.english()) : "—";
  if (!visit.clinic) return out;
  const std::string clinic =
      text_of(words.english() || visit.clinic->name_ar.is_null() ? visit.clinic->name
                                                                 : visit.clinic->name_ar);
  return out + small(clinic.empty() ? "" : apart(clinic));
}

std::string outcome_of(const Writer& words, const ListedVisit::Told& notice) {
  const std::string outcome = words.in(kOutcomes, notice.outcome);
  return notice.channel == "mail" ? outcome + " " + std::string(words.in(kByMail)) : outcome;
}

std::string message_cell(const Writer& words, const ListedVisit& visit) {
  std::string out(visit.patient ? words.in(kNotTold) : "—");
  if (visit.told) {
    out = escaped(words.in(kMessages, visit.told->kind)) + ": " +
          escaped(outcome_of(words, *visit.told)) +
          small(left_to_right(words.moment(visit.told->at_ms)));
  }
  return out + small(visit.link.empty() ? "" : escaped(words.in(kLinks, visit.link)));
}

std::string row_of(const Writer& words, const ListedVisit& visit) {
  const auto cell = [](const std::string& html) { return "<td>" + html + "</td>"; };
  std::string out = is_off(visit.status) ? "<tr class=\"off\">" : "<tr>";
  const std::string clock = visit.start_ms ? words.clock(*visit.start_ms) : "—";
  out += cell("<strong>" + left_to_right(clock) + "</strong>" +
              small(std::to_string(visit.planned_minutes) + " " + std::string(words.in(kMinutes))));
  out += "<th scope=\"row\">" + patient_cell(words, visit) + "</th>";
  out += cell(phone_cell(words, visit));
  out += cell(apart(words.in(kLanguages, tidy_line(visit.language))));
  out += cell(doctor_cell(words, visit));
  out += cell(message_cell(words, visit));
  std::string state = words.in(kStates, to_string(visit.status));
  if (visit.moved) state += small(std::string(words.in(kMoved)));
  out += "<td class=\"state\">" + state + small(left_to_right(std::to_string(visit.number)));
  return out + "</td></tr>\n";
}

bool begins_formula(std::string_view text) {
  return std::any_of(kFormula.begin(), kFormula.end(),
                     [&](std::string_view word) { return text.starts_with(word); });
}

// A cell of the table. Where a spreadsheet parts cells at semicolons, as in Arabic, a cell begins
// behind each, whatever the quotes around it.
std::string cell_of(std::string_view text) {
  std::string out = "\"";
  bool begins = true;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (begins && begins_formula(text.substr(at))) out += '\'';
    if (c == '"') out += '"';
    out += c;
    begins = c == ';' || (begins && (c == ' ' || c == '"'));
  }
  return out + '"';
}

std::string line_of(std::initializer_list<std::string> cells) {
  std::string out;
  for (const std::string& cell : cells) out += (out.empty() ? "" : ",") + cell_of(cell);
  return out + "\r\n";
}

std::string line_of(const Writer& words, const DayListView& list, const ListedVisit& visit) {
  const ListedVisit::Patient nobody{};
  const ListedVisit::Patient& patient = visit.patient ? *visit.patient : nobody;
  const ListedVisit::Named none{};
  const ListedVisit::Named& doctor = visit.doctor ? *visit.doctor : none;
  const ListedVisit::Named& clinic = visit.clinic ? *visit.clinic : none;
  const auto& notice = visit.told;
  return line_of({list.date,
                  words.hijri(),
                  visit.start_ms ? words.clock(*visit.start_ms) : "",
                  std::to_string(visit.planned_minutes),
                  words.in(kStates, to_string(visit.status)),
                  visit.moved ? std::string(words.in(kMoved)) : "",
                  text_of(patient.name),
                  text_of(patient.name_ar),
                  text_of(patient.mrn),
                  phone_of(patient),
                  text_of(patient.guardian["name"]),
                  words.in(kLanguages, tidy_line(visit.language)),
                  text_of(doctor.name),
                  text_of(doctor.name_ar),
                  text_of(clinic.name),
                  text_of(clinic.name_ar),
                  notice ? words.in(kMessages, notice->kind) : "",
                  notice ? outcome_of(words, *notice) : "",
                  notice ? words.moment(notice->at_ms) : "",
                  visit.link.empty() ? "" : words.in(kLinks, visit.link),
                  std::to_string(visit.number)});
}

}  // namespace

std::string day_page(const DayListView& list, const House& house, std::string_view language,
                     Timestamp print_time) {
  const Writer words(list, language);
  const bool english = words.english();
  std::string out = english ? "<!doctype html>\n<html lang=\"en\" dir=\"ltr\">"
                            : "<!doctype html>\n<html lang=\"ar\" dir=\"rtl\">";
  out +=
      "<head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
      "'unsafe-inline'\">";
  out.append("<title>").append(words.in(kTitle)).append(" ").append(list.date);
  out.append("</title><style>").append(kStyle).append("</style></head>\n<body>");
  out.append("<h1>").append(words.in(kTitle)).append("</h1>");
  const auto name = house.name.find(english ? "en" : "ar");
  if (name != house.name.end() && !name->second.empty())
    out += "<p>" + apart(tidy_line(name->second)) + "</p>";
  out.append("<p class=\"day\">").append(words.weekday()).append(" ");
  out += left_to_right(list.date);
  if (const std::string hijri = words.hijri(); !hijri.empty())
    out += " · " + left_to_right(hijri) + " " + std::string(words.in(kHijri));
  out.append("</p><p>").append(words.in(kCount)).append(": ");
  out += left_to_right(std::to_string(list.visits.size())) + " · ";
  out.append(words.in(kMade)).append(" ").append(left_to_right(words.moment(print_time.ms)));
  out.append("</p><p class=\"keep\">").append(words.in(kKeep)).append("</p><p>");
  out.append(words.in(kHint)).append("</p>\n");
  if (list.visits.empty())
    return out.append("<p>").append(words.in(kNone)).append("</p></body></html>\n");
  out += "<table><thead><tr>";
  for (const Words& head : kHeads)
    out.append("<th scope=\"col\">").append(words.in(head)).append("</th>");
  out += "</tr></thead>\n<tbody>";
  for (const ListedVisit& visit : list.visits) out += row_of(words, visit);
  return out + "</tbody></table></body></html>\n";
}

std::string day_table(const DayListView& list, std::string_view language) {
  const Writer words(list, language);
  std::string out = "\xEF\xBB\xBF";
  std::string heads;
  for (const Words& head : kColumns) heads += (heads.empty() ? "" : ",") + cell_of(words.in(head));
  out += heads + "\r\n";
  for (const ListedVisit& visit : list.visits) out += line_of(words, list, visit);
  return out;
}

}  // namespace rabt::consultation
