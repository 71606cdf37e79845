#include "hub/identity/epochs.hpp"

#include "tests/identity/house.hpp"
#include "tests/number_of.hpp"

namespace rabt::identity::epochs_test {
namespace {

using rabt::test::must;
using test::House;

// Symptom: principal_epoch had a row for each link that was ever sent. Cause: nothing removed them.
// Caught by: a row that every node has seen.
TEST(GuestEpochs, GoOnceEveryNodeHasSeenThem) {
  House house;
  store::Store& store = *house.base.store;
  const auto raise = [&](const std::string& tenant, const std::string& subject) {
    must(store.write([&](store::Transaction& transaction) {
      return raise_epoch(transaction, tenant, subject);
    }));
  };
  static constexpr store::Statement kGuests{
      "SELECT COUNT(*) FROM principal_epoch WHERE tenant = 't1' AND subject LIKE 'guest:%'"};
  static constexpr store::Statement kOthers{
      "SELECT COUNT(*) FROM principal_epoch WHERE tenant <> 't1' OR subject NOT LIKE 'guest:%'"};
  for (int i = 0; i < 1'500; ++i) raise("t1", guest_subject(std::to_string(i)));
  raise("t1", person_subject("A"));
  raise("t1", client_subject("c"));
  raise("t2", guest_subject("1"));
  const std::int64_t others = rabt::test::number_of(store, kOthers);
  GuestEpochs guests(store, "t1");
  EXPECT_FALSE(must(guests.remove_old()));
  EXPECT_EQ(rabt::test::number_of(store, kGuests), 1'500) << "nodes may not have seen them";
  raise("t1", guest_subject("7"));
  EXPECT_TRUE(must(guests.remove_old())) << "in chunks";
  EXPECT_FALSE(must(guests.remove_old()));
  EXPECT_EQ(rabt::test::number_of(store, kGuests), 1) << "the one that changed since";
  EXPECT_FALSE(must(guests.remove_old()));
  EXPECT_EQ(rabt::test::number_of(store, kGuests), 0);
  EXPECT_EQ(rabt::test::number_of(store, kOthers), others);
}

}  // namespace
}  // namespace rabt::identity::epochs_test
