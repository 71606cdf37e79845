#include "hub/blob/kept.hpp"

#include "hub/blob/statements.hpp"

namespace rabt::blob {

Status each_kept(store::Connection& connection, const std::function<void(std::string id)>& each) {
  return connection.query(sql::kKept, {std::string_view()}, [&each](const store::Row& row) {
    each(std::string(row.text(sql::kKept["id"])));
    return true;
  });
}

}  // namespace rabt::blob
