// Columns of a statement are found by their names while it is compiled.
#include <gtest/gtest.h>

#include "hub/store/store.hpp"

namespace rabt::store::columns_test {
namespace {

constexpr Statement kPlain{"SELECT id, s.number, count(*) AS visits FROM session s WHERE id = $1"};
static_assert(kPlain["id"] == 0);
static_assert(kPlain["number"] == 1);
static_assert(kPlain["visits"] == 2);

// Commas and FROM in parentheses belong to a column.
constexpr Statement kNested{
    "SELECT (SELECT max(e.n) FROM event e WHERE e.of IN (1, 2)) AS last, coalesce(a, b) AS some, c "
    "FROM t"};
static_assert(kNested["last"] == 0);
static_assert(kNested["some"] == 1);
static_assert(kNested["c"] == 2);

constexpr Statement kDistinct{"SELECT DISTINCT type, at_ms FROM event"};
static_assert(kDistinct["at_ms"] == 1);

constexpr Statement kWith{"WITH due AS (SELECT n, at FROM work) SELECT at, n FROM due"};
static_assert(kWith["at"] == 0);

constexpr Statement kReturning{
    "INSERT INTO t (a, b) SELECT a, b FROM s ON CONFLICT DO NOTHING RETURNING n, b"};
static_assert(kReturning["b"] == 1);

TEST(Columns, APlaceIsThatOfTheNameInTheList) {
  const std::string_view name = "number";
  const ColumnList list(kPlain.sql);
  EXPECT_EQ(list.find(name), 1);
}

TEST(Columns, NoNameAndANameTwiceHaveNoPlace) {
  EXPECT_EQ(ColumnList("SELECT a, b FROM t").find("c"), ColumnList::kNone);
  EXPECT_EQ(ColumnList("SELECT a.id, b.id FROM a, b").find("id"), ColumnList::kTwice);
  // A column that is an expression without AS has none.
  EXPECT_EQ(ColumnList("SELECT count(*) FROM t").find("count"), ColumnList::kNone);
}

}  // namespace
}  // namespace rabt::store::columns_test
