#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "hub/access/decide.hpp"
#include "hub/api/patients.hpp"
#include "hub/audit/audit_log.hpp"
#include "hub/consultation/sessions/invitations.hpp"
#include "hub/identity/approvals.hpp"
#include "hub/identity/merges.hpp"
#include "hub/identity/person_pairs.hpp"
#include "hub/identity/person_store.hpp"
#include "hub/store/store.hpp"

namespace rabt::api {

// Patients and providers: the records of people that treatment needs.
struct PersonRecords {
  identity::People& people;
  store::Store& store;
  audit::AuditLog& audit;
  const Clock& clock;
  Patients patients;
  identity::Merges& merges;
  identity::PersonPairs& pairs;
  identity::Approvals& approvals;
  consultation::SessionInvitations& links;
  // privacy.treats_before_hours
  std::int64_t treats_before_ms = 0;

  [[nodiscard]] Result<http::Response> list_patients(const Call& call) const;
  [[nodiscard]] Result<http::Response> create_patient(const Call& call) const;
  [[nodiscard]] Result<http::Response> search_patients(const Call& call) const;
  [[nodiscard]] Result<http::Response> get_patient(const Call& call) const;
  [[nodiscard]] Result<http::Response> change_patient(const Call& call) const;
  // Merges two records of one patient, and parts them again.
  [[nodiscard]] Result<http::Response> merge_patient(const Call& call) const;
  [[nodiscard]] Result<http::Response> unmerge_patient(const Call& call) const;
  // Pairs of records that may be one patient, and the decision that one of them is not.
  [[nodiscard]] Result<http::Response> list_pairs(const Call& call) const;
  [[nodiscard]] Result<http::Response> keep_apart(const Call& call) const;
  // Ok if the caller may change the patient of the path.
  [[nodiscard]] Status may_change_patient(const Call& call) const;

  [[nodiscard]] Result<http::Response> create_provider(const Call& call) const;
  [[nodiscard]] Result<http::Response> get_provider(const Call& call) const;
  [[nodiscard]] Result<http::Response> change_provider(const Call& call) const;

 private:
  // The person of the path, who has one of the roles. Error not_found person.unknown.
  [[nodiscard]] Result<identity::Person> of_path(const Call& call, identity::Roles roles) const;
  // The record, with the record that it was merged into, and those that were merged into it.
  [[nodiscard]] Result<Json> patient_json(const identity::Person& person) const;
  // One side of a pair; nothing when it is no record of a patient any more, or cannot be read.
  [[nodiscard]] Result<std::optional<identity::Person>> side(const std::string& id) const;
  // The same for the answer. The reading is noted.
  [[nodiscard]] Result<Json> side_json(const Call& call, const identity::Person& person) const;
  // Relation of the caller to a patient, for the rules of access.
  [[nodiscard]] Result<access::Facts> facts_about(const Call& call,
                                                  const identity::Person& patient) const;
  // Notes the reading in the audit log before the answer. at_once: the caller needs no reason.
  [[nodiscard]] Status admit(const Call& call, bool at_once, std::string_view act,
                             std::string_view object, const std::string& pseudonym) const;
  // list: the path under which the person is found.
  [[nodiscard]] Result<http::Response> create(const Call& call, const identity::NewPerson& wanted,
                                              const std::string& list) const;
  // sees: the caller gets the whole record back.
  [[nodiscard]] Result<http::Response> change(const Call& call, const identity::Person& person,
                                              std::string_view act, bool sees) const;
};

}  // namespace rabt::api
