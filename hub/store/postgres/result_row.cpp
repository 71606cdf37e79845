#include "hub/store/postgres/result_row.hpp"

#include <libpq-fe.h>

#include <charconv>

namespace rabt::store::postgres {

namespace {

// Types of pg_type.dat, which never change.
constexpr Oid kBool = 16;
constexpr Oid kInt8 = 20;
constexpr Oid kInt2 = 21;
constexpr Oid kInt4 = 23;

std::int64_t signed_of(std::string_view bytes) {
  std::uint64_t value = 0;
  for (const char byte : bytes) value = value << 8U | static_cast<std::uint8_t>(byte);
  if (bytes.size() == 2) return static_cast<std::int16_t>(value);
  if (bytes.size() == 4) return static_cast<std::int32_t>(value);
  return static_cast<std::int64_t>(value);
}

bool is_number(Oid type) {
  return type == kBool || type == kInt8 || type == kInt2 || type == kInt4;
}

}  // namespace

ResultRow::ResultRow(PGresult* result)
    : result_(result), rows_(result == nullptr ? 0 : PQntuples(result)) {}

bool ResultRow::next() {
  made_.clear();
  return ++row_ < rows_;
}

bool ResultRow::is_null(int column) const {
  return PQgetisnull(result_, row_, column) != 0;
}

std::string_view ResultRow::blob(int column) const {
  return {PQgetvalue(result_, row_, column),
          static_cast<std::size_t>(PQgetlength(result_, row_, column))};
}

std::int64_t ResultRow::integer(int column) const {
  const std::string_view bytes = blob(column);
  if (is_null(column)) return 0;
  if (is_number(PQftype(result_, column)))
    return bytes.size() == 1 ? static_cast<std::int64_t>(bytes[0] != 0) : signed_of(bytes);
  std::int64_t value = 0;
  std::from_chars(bytes.data(), bytes.data() + bytes.size(), value);
  return value;
}

std::string_view ResultRow::text(int column) const {
  if (is_null(column)) return {};
  if (is_number(PQftype(result_, column)))
    return made_.emplace_back(std::to_string(integer(column)));
  return blob(column);
}

}  // namespace rabt::store::postgres
