#pragma once

#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/clinic/clinic.hpp"
#include "tests/clinic/week_model.hpp"
#include "tests/clinic/week_plan.hpp"

// Plays the script of a week at a hub in virtual time, and reads everybody's books at its end.
namespace rabt::clinic {

// The resource of this type in a bundle; the bundle where it has none.
[[nodiscard]] sandbox::Json& part(sandbox::Json& bundle, const std::string& type);

class PlayedWeek : public Clinic {
 protected:
  PlayedWeek();
  // The hub starts with the first play().
  void SetUp() override {}
  void configure(std::string& yaml) override;
  void furnish(sandbox::Json& options) override;

  // Changes the text of a shipped workflow before the hub starts; its copy is deployed.
  void change_workflow(const std::string& name, const std::string& from, const std::string& to);
  // Plays the whole script. A failure names seed and visit.
  void play(const week::Plan& plan);
  // Current state of every system's books.
  [[nodiscard]] week::Seen look();
  // Differences that the checker found from hour to hour, and acts that failed.
  [[nodiscard]] const std::vector<std::string>& unexplained() const { return unexplained_; }

  // Instances that have not ended, and the hub's log: for the reader of a difference.
  [[nodiscard]] std::vector<std::string> unfinished();
  [[nodiscard]] std::vector<std::string> logged();

  // The gateway of text messages loses the answers to so many of them.
  double lost_answers_ = 0.05;
  bool payer_goes_away_ = true;
  bool ehr_goes_away_ = true;

 private:
  enum class Step : std::uint8_t { wait, admit, meet, doctor, start, treat, talk, end, done };
  struct Live {
    const week::Visit* script = nullptr;
    // Of the hospital, without times.
    sandbox::Json bundle;
    int version = 0;
    std::string instance;
    int accepted_at = 0;
    std::string session;
    std::string doctor;
    std::string patient;
    // The record that is joined with the patient's, or was, by mistake.
    std::string other;
    // A guest's cookie in the place of an account.
    std::string cookie;
    std::string phone;
    std::string key;
    Step step = Step::wait;
    bool doctor_came = false;
  };
  struct Act {
    int minute = 0;
    std::function<void()> run;
  };

  // Before the hub starts, and with it.
  void write_texts();
  void write_workflows();
  void prepare(const week::Plan& plan);
  void enter_people();
  void enter_staff();
  void enter_patient(Live& live);
  // The UUID of the account. A failed expectation otherwise.
  Json enter(const std::string& role, Json profile);
  void schedule();
  void schedule_booked(Live& live);
  void schedule_emergency(Live& live);
  // They have talked enough.
  void schedule_end(Live& live, int minute);
  void at(int minute, std::function<void()> run) { acts_.push_back({minute, std::move(run)}); }
  // The hospital's systems.
  void tell(Live& live, const week::Slot& slot, const char* status);
  void fail_all(const char* stand_in, const char* rules);
  void reopen();
  // The desk.
  void decide(Live& live, const std::string& kind, const char* answer);
  // False if no task is about it.
  bool decide_in(const Json& tasks, Live& live, const char* answer);
  void decide_late();
  void give_away();
  void take_in(Live& live);
  void merge(Live& live);
  void separate(Live& live);
  // Emergencies.
  void call_for_help(Live& live);
  void answer_call(Live& live);
  void give_up(Live& live);
  void set_presence(Live& live, const char* status);
  // The people.
  void begin(Live& live);
  void go_on_all(Step until);
  Result<bool> go_on(Live& live);
  Status find_session(Live& live);
  Status open_link(Live& live);
  Status enter_room(Live& live, bool doctor);
  Status admit(Live& live);
  Status see_both(Live& live);
  Status treat(Live& live);
  Result<Json> as(const std::string& who, const char* role, const std::string& method,
                  const std::string& path, const Json& body = {}, const std::string& key = {});
  Result<Json> as_patient(Live& live, const std::string& method, const std::string& path,
                          const Json& body);
  Result<Json> ask(const std::string& method, const std::string& path, const Json& body = {});
  Result<Json> control(const std::string& path, const std::string& method, const Json& body);
  // All that is due has happened.
  void settle();
  std::int64_t due_outside();
  void check_hour(int minute);
  void collect_messages();
  void read_sessions(week::Seen& seen);
  // Number of the visit of a session; -1 for none.
  [[nodiscard]] int number_of(const Json& session) const;
  void read_records(week::Seen& seen);
  [[nodiscard]] bool lists(const std::string& patient, const std::string& session);
  void read_tasks(week::Seen& seen);
  void read_bills(week::Seen& seen);
  void read_claims(week::Seen& seen);
  void read_chart(week::Seen& seen);
  void read_figures(week::Seen& seen);
  // Numbers of the visits whose consultations a text names.
  [[nodiscard]] std::set<int> named_in(const std::string& text) const;
  void wrong(const Live& live, const std::string& what);

  week::Plan plan_;
  std::deque<Live> visits_;
  std::vector<std::string> doctors_;
  // By ULID.
  std::map<std::string, int> number_of_doctor_;
  std::string desk_;
  std::vector<Act> acts_;
  std::map<std::string, int> of_phone_;
  // Visit and number of the doctor who is rung for it, by his telephone.
  std::map<std::string, std::pair<int, int>> of_rung_;
  std::map<std::string, int> of_key_;
  std::map<std::string, int> of_instance_;
  // Those who are on their way into a room.
  std::vector<Live*> moving_;
  std::vector<std::map<std::string, int>> messages_;
  std::vector<int> strays_;
  std::vector<std::map<std::string, int>> rung_;
  std::vector<std::string> unexplained_;
  std::map<std::string, std::vector<std::pair<std::string, std::string>>> changes_;
  std::set<std::string> not_active_;
};

}  // namespace rabt::clinic
