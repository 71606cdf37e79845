#include <set>
#include <sstream>

#include "hub/assembly/database.hpp"
#include "hub/store/store.hpp"
#include "tests/assembly/whole_hub.hpp"
#include "tests/must.hpp"

// The queries of SECURITY.md for what older hubs let in, run as the page has them. The first of
// them: tests/consultation/let_in_test.cpp.
namespace rabt::assembly::older_hubs_test {
namespace {

using test::must;

// SQL of the page, in its order, each without its last semicolon.
std::vector<std::string> queries_of_security() {
  const char* root = std::getenv("RABT_SOURCE_DIR");  // NOLINT(concurrency-mt-unsafe)
  std::ifstream page(std::string(root != nullptr ? root : ".") + "/SECURITY.md");
  std::vector<std::string> out;
  bool inside = false;
  for (std::string line; std::getline(page, line);) {
    const auto begin = line.find_first_not_of(' ');
    const std::string text = begin == std::string::npos ? "" : line.substr(begin);
    if (text == "```sql") {
      out.emplace_back();
      inside = true;
    } else if (text == "```") {
      if (inside) out.back().erase(out.back().find_last_of(';'));
      inside = false;
    } else if (inside) {
      out.back() += line + "\n";
    }
  }
  return out;
}

class OlderHub : public WholeHub {
 protected:
  // Rows of a query in the database of a hub that has ended: columns with spaces between them.
  std::set<std::string> rows(const std::string& query, int columns) {
    const auto reader = must(open_database_reader(config_));
    std::set<std::string> out;
    const Status read = reader->query({query.c_str()}, {}, [&](const store::Row& row) {
      std::string line(row.text(0));
      for (int i = 1; i < columns; ++i) line.append(" ").append(row.text(i));
      out.insert(line);
      return true;
    });
    EXPECT_TRUE(read.ok()) << query << "\n" << (read.ok() ? "" : read.error().message);
    return out;
  }
};

TEST_F(OlderHub, TheQueryOfSecurityListsAdministratorsByAnIssuersWordUntilTheirNextToken) {
  config_.identity.second_person.acts.clear();
  const std::vector<std::string> queries = queries_of_security();
  ASSERT_EQ(queries.size(), 2U) << "each query of SECURITY.md has a test";
  identity::Roles& granted = config_.identity.issuers.front().options.may_grant;
  const identity::Roles usual = granted;
  granted = identity::Roles{identity::Role::admin, identity::Role::doctor};
  start();
  const std::string admin = enter("root", "admin");
  const std::string number =
      std::to_string(call("root", "GET", "/api/v1/me").json.int_or("number", 0));
  enter("layla", "doctor");
  const Answer account = call("operator", "POST", "/api/v1/users",
                              Json::object({{"username", "boss"},
                                            {"roles", Json::array({"admin"})},
                                            {"name", "An account of the hub"}}));
  EXPECT_EQ(account.status, 201) << account.json.dump();
  hub_.reset();
  EXPECT_EQ(rows(queries[1], 3), std::set<std::string>{number + " " + admin + " app"});
  EXPECT_EQ(rows(queries[0], 5), std::set<std::string>{}) << "nobody had a session";

  granted = usual;
  start();
  EXPECT_EQ(rows(queries[1], 3).size(), 1U) << "the hub alone changes nobody's roles";
  enter("root", "admin");
  hub_.reset();
  EXPECT_EQ(rows(queries[1], 3), std::set<std::string>{});
}

}  // namespace
}  // namespace rabt::assembly::older_hubs_test
