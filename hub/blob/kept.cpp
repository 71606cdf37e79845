#include "hub/blob/kept.hpp"

namespace rabt::blob {

namespace {
constexpr store::Statement kKept{
    "SELECT id FROM blob WHERE id > $1 AND finished = 1 AND owner <> '' ORDER BY id"};
}  // namespace

Status each_kept(store::Connection& connection, const std::function<void(std::string id)>& each) {
  return connection.query(kKept, {std::string_view()}, [&each](const store::Row& row) {
    each(std::string(row.text(0)));
    return true;
  });
}

}  // namespace rabt::blob
