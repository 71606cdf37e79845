#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/clinic/week_plan.hpp"

// Books that a week must leave in every system: a second, simple model beside the hub's workflows.
// It knows the script and the rules of the hospital, but not how the hub applies them. Pure.
namespace rabt::clinic::week {

// Expected entries of one visit.
struct Books {
  // held, cancelled, no_show; "none" without a session.
  std::string outcome = "none";
  // Local time of the session; "none" without one.
  std::string start;
  // Number of the doctor who holds it; -1 for nobody.
  int doctor = -1;
  int sessions = 0;
  int claims = 0;
  // Bills of the cashier.
  int bills = 0;
  // Resources of the record system, by type.
  std::map<std::string, int> chart;
  // Status of the Appointment in the record system.
  std::string appointment;
  // Number of messages to the record's telephone, by text: "booked 2026-03-08 10:00".
  std::map<std::string, int> messages;
  // Messages that came to another telephone.
  int strays = 0;
  // Titles of the tasks.
  std::set<std::string> tasks;
  // Number of messages to each doctor who was rung: "doctor 7".
  std::map<std::string, int> rung;
  // Of a patient with two records, the one that lists the visit: own, joined, or both as "wrong".
  std::string record;
};
// The ministry's figures of the month.
struct Figures {
  int visits = 0;
  int no_shows = 0;
  int cancelled = 0;
};
struct Seen {
  std::vector<Books> visits;
  Figures figures;
};

// "doctor 7".
[[nodiscard]] std::string doctor(int number);
// Books in which everything is as the model says.
[[nodiscard]] Seen perfect(const Plan& plan);
// Everything that is not as the model says: "seed 1 visit 7: claims 2, not 1". No patient data.
[[nodiscard]] std::vector<std::string> differences(const Plan& plan, const Seen& seen);

}  // namespace rabt::clinic::week
