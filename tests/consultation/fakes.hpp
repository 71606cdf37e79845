#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <set>

#include "hub/audit/verify.hpp"
#include "hub/consultation/acts/memberships.hpp"
#include "hub/consultation/record/records.hpp"
#include "tests/audit_and_keys.hpp"
#include "tests/keyring.hpp"
#include "tests/must.hpp"
#include "tests/store_under_test.hpp"

namespace rabt::consultation::test {

using rabt::test::must;

// Sessions whose facts a test sets: what the records are tested against. Only membership,
// still_open and add_event do something.
class StandInSessions final : public Memberships {
 public:
  // By session, then by person.
  std::map<std::string, std::map<std::string, Membership>> members;
  // Ended since the membership was read.
  std::set<std::string> ended_meanwhile;
  std::vector<std::pair<std::string, Json>> told;
  std::vector<SessionInput> created;
  std::map<Counted, std::uint64_t> counted;

  Answer create(const SessionInput& input) {
    created.push_back(input);
    return Json::object({{"id", "01BX5ZZKBKACTAV9WEVGEMMVRZ"}});
  }
  Result<Membership> membership(const Caller& caller, std::string_view named) override {
    const auto session = members.find(std::string(named));
    if (session == members.end()) return not_found("session.unknown", "there is no such session");
    const auto member = session->second.find(caller.who.person);
    if (member == session->second.end() && caller.system) {
      // The hub itself, which is no participant.
      Membership of = session->second.begin()->second;
      of.participant.clear();
      of.role.clear();
      of.host = of.admitted = of.waiting = false;
      return of;
    }
    if (member == session->second.end())
      return denied("authorisation.denied", "you are nobody in this session");
    return member->second;
  }
  Status still_open(store::Transaction& /*transaction*/, const Membership& seen) override {
    if (!ended_meanwhile.contains(seen.session)) return ok_status();
    return conflict("session.completed", "the session is completed");
  }
  Status add_event(store::Transaction& /*transaction*/, const Membership& /*of*/,
                   std::string_view type, std::string_view /*actor*/, Json data) override {
    told.emplace_back(std::string(type), std::move(data));
    return ok_status();
  }

  void count(Counted what, std::uint64_t by) override { counted[what] += by; }
};

class StandInPeople final : public identity::Directory {
 public:
  std::map<std::string, identity::Person> people;

  Result<std::string> resolve(std::string_view /*tenant*/, const Json& reference) override {
    if (reference.is_string() && people.contains(reference.as_string()))
      return reference.as_string();
    return not_found("person.unknown", "there is no such person");
  }
  Result<identity::Person> find(std::string_view /*tenant*/, std::string_view id) override {
    const auto found = people.find(std::string(id));
    if (found == people.end()) return not_found("person.unknown", "there is no such person");
    return found->second;
  }
  Result<std::vector<identity::Person>> having(std::string_view /*tenant*/,
                                               identity::Roles roles) override {
    std::vector<identity::Person> out;
    for (const auto& [id, person] : people) {
      if (person.roles.has_any(roles)) out.push_back(person);
    }
    return out;
  }
};

// A real store in a folder of its own, and what stands on it.
class RecordHouse : public testing::Test {
 protected:
  RecordHouse() {
    std::string pattern = (std::filesystem::temp_directory_path() / "rabt-records-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) std::abort();
    folder_ = pattern;
    keyring_ = rabt::test::open_keyring(folder_, clock_, random_, {"t1"});
    store_ = database_.open(folder_);
    audit_ = rabt::test::open_audit_log(*store_, clock_, *keyring_, folder_);
    keys_ = rabt::test::open_data_keys(*keyring_, *store_, clock_, random_, ids_);
    blobs_ = must(blob::make_blob_store(folder_ + "/blobs", *store_, *keys_, clock_, random_, ids_,
                                        null_logger()));
    details_ = std::make_unique<access::PatientDetail>(*keys_, *store_, random_);
    grants_ = std::make_unique<access::Grants>(
        access::Grants::Parts{*store_, *audit_, *details_, clock_, ids_, null_logger()}, "t1",
        "boot");
    access_ = std::make_unique<access::AccessControl>(
        access::AccessControl::Parts{
            .store = *store_, .audit = *audit_, .details = *details_, .grants = *grants_},
        "t1", access::ReadPolicy::reason);
    detector_ = must(phi::Detector::make({}));
  }
  ~RecordHouse() override {
    std::error_code ignored;
    audit_.reset();
    store_.reset();
    std::filesystem::remove_all(folder_, ignored);
  }

  // A data key that is committed.
  std::string make_key() {
    const keys::NewDataKey key = must(keys_->make("t1", keys::kConsultation));
    (void)must(store_->write([&](store::Transaction& tx) { return keys::insert(tx, key); }));
    return key.id;
  }
  // The acts in the audit log, oldest first, as their canonical JSON.
  std::vector<Json> entries() {
    static constexpr store::Statement kEntries{"SELECT canonical FROM audit ORDER BY seq"};
    std::vector<Json> out;
    (void)must(store_->read([&](store::Connection& connection) {
      return connection.query(kEntries, {}, [&](const store::Row& row) {
        out.push_back(must(Json::parse(row.blob(0))));
        return true;
      });
    }));
    return out;
  }
  std::int64_t count(std::string_view act) {
    std::int64_t found = 0;
    for (const Json& entry : entries()) found += entry.string_or("act", "") == act ? 1 : 0;
    return found;
  }

  std::string folder_;
  const rabt::test::StoreUnderTest database_;
  FakeClock clock_;
  SystemRandom random_;
  UlidSource ids_{clock_, random_};
  std::unique_ptr<crypto::Keyring> keyring_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<audit::AuditLog> audit_;
  std::unique_ptr<keys::DataKeys> keys_;
  std::unique_ptr<blob::BlobStore> blobs_;
  std::unique_ptr<access::PatientDetail> details_;
  std::unique_ptr<access::Grants> grants_;
  std::unique_ptr<access::AccessControl> access_;
  std::unique_ptr<const phi::Detector> detector_;
};

}  // namespace rabt::consultation::test
