#include <gtest/gtest.h>

#include <fstream>
#include <set>

#include "hub/api/compat/door.hpp"
#include "hub/api/routes.hpp"

// The matrices of tests/acceptance, which a running hub is asked by, leave nothing out.
namespace rabt::api::rights_rows_test {
namespace {

// The first cell of each row, without the variant of its body.
std::set<std::string> rows_of(const std::string& name) {
  const char* root = std::getenv("RABT_SOURCE_DIR");  // NOLINT(concurrency-mt-unsafe)
  std::ifstream file(std::string(root != nullptr ? root : ".") + "/tests/acceptance/" + name);
  std::set<std::string> out;
  std::string line;
  std::getline(file, line);
  while (std::getline(file, line)) {
    const std::string cell = line.substr(0, line.find(','));
    if (!cell.empty()) out.insert(cell.substr(0, cell.find(':')));
  }
  return out;
}

TEST(RightsRows, EveryOperationHasARow) {
  std::set<std::string> operations;
  for (const Route& route : routes()) {
    // Of the hub's own pages and its description nobody is asked who he is.
    if (!route.operation.empty()) operations.emplace(route.operation);
  }
  EXPECT_EQ(rows_of("rights.csv"), operations);
}

TEST(RightsRows, EveryPathOfEveryDoorHasARow) {
  std::set<std::string> paths;
  for (const compat::Door* door :
       {&compat::kiorex(), &compat::emr(), &compat::pulseone(), &compat::clinicvault()}) {
    for (const compat::DoorRoute& route : door->routes)
      paths.insert(std::string(route.method) + " " + std::string(route.pattern));
  }
  EXPECT_EQ(rows_of("rights_doors.csv"), paths);
}

}  // namespace
}  // namespace rabt::api::rights_rows_test
