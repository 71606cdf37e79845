#pragma once

#include <memory>

#include "hub/access/access_control.hpp"
#include "hub/consultation/practice/practice.hpp"
#include "hub/consultation/workflow/session_actions.hpp"
#include "tests/consultation/asked_practice.hpp"
#include "tests/consultation/asked_records.hpp"
#include "tests/consultation/session_house.hpp"

namespace rabt::consultation {

// The house with its records, its practice, and hub://session on all of them.
class ServiceHouse : public SessionHouse {
 protected:
  void SetUp() override {
    SessionHouse::SetUp();
    furnish();
  }
  void furnish() {
    detector_ = must(phi::Detector::make({}));
    details_ = std::make_unique<access::PatientDetail>(*keys_, *store_, random_);
    grants_ = std::make_unique<access::Grants>(
        access::Grants::Parts{*store_, *audit_, *details_, clock_, ids_, null_logger()}, "t1",
        "boot");
    access_ = std::make_unique<access::AccessControl>(
        access::AccessControl::Parts{
            .store = *store_, .audit = *audit_, .details = *details_, .grants = *grants_},
        "t1", access::ReadPolicy::reason);
    records_.make({.store = *store_,
                   .audit = *audit_,
                   .blobs = *blobs_,
                   .keys = *keys_,
                   .access = *access_,
                   .detector = *detector_,
                   .people = people_,
                   .sessions = sessions_->acts,
                   .book =
                       [this](const Caller& caller, const SessionInput& input) {
                         return sessions_->creation.create(caller, input);
                       },
                   .clock = clock_,
                   .random = random_,
                   .ids = ids_,
                   .video = settings_});
    practice_ = std::make_unique<AskedPractice>(PracticeParts{.store = *store_,
                                                              .audit = *audit_,
                                                              .keys = *keys_,
                                                              .people = people_,
                                                              .records = *records_,
                                                              .clock = clock_,
                                                              .random = random_,
                                                              .ids = ids_,
                                                              .tenant = "t1",
                                                              .video = settings_,
                                                              .settings = {}});
    service_ = make_session_actions(*sessions_, *records_, practice_->itself());
  }
  void TearDown() override {
    clear();
    SessionHouse::TearDown();
  }
  void clear() {
    // Its thread asks the practice, where a test surrounds the sessions with it.
    if (sessions_ != nullptr) sessions_->stop();
    service_.reset();
    practice_.reset();
    records_.reset();
    access_.reset();
    grants_.reset();
    details_.reset();
  }
  // As after a crash of the hub: what is not in the store is gone.
  void begin_again() {
    clear();
    close();
    open();
    furnish();
  }

  std::unique_ptr<const phi::Detector> detector_;
  std::unique_ptr<access::PatientDetail> details_;
  std::unique_ptr<access::Grants> grants_;
  std::unique_ptr<access::AccessControl> access_;
  AskedRecords records_;
  std::unique_ptr<AskedPractice> practice_;
  std::shared_ptr<plugin::HubService> service_;
};

}  // namespace rabt::consultation
