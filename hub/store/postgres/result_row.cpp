#include "hub/store/postgres/result_row.hpp"

#include <libpq-fe.h>

#include <bit>
#include <charconv>

namespace rabt::store::postgres {

namespace {

// Types of pg_type.dat, which never change.
constexpr Oid kBool = 16;
constexpr Oid kInt8 = 20;
constexpr Oid kInt2 = 21;
constexpr Oid kInt4 = 23;
constexpr Oid kOid = 26;
constexpr Oid kFloat8 = 701;
constexpr Oid kNumeric = 1700;

std::uint64_t unsigned_of(std::string_view bytes) {
  std::uint64_t value = 0;
  for (const char byte : bytes) value = value << 8U | static_cast<std::uint8_t>(byte);
  return value;
}

std::int64_t signed_of(std::string_view bytes) {
  const std::uint64_t value = unsigned_of(bytes);
  if (bytes.size() == 2) return static_cast<std::int16_t>(value);
  if (bytes.size() == 4) return static_cast<std::int32_t>(value);
  return static_cast<std::int64_t>(value);
}

// The whole part of a numeric: digits of base 10,000, the first worth 10,000 ^ weight.
std::int64_t whole_of(std::string_view bytes) {
  constexpr std::size_t kHead = 8;
  if (bytes.size() < kHead) return 0;
  const auto digits = signed_of(bytes.substr(0, 2));
  const auto weight = signed_of(bytes.substr(2, 2));
  const bool negative = unsigned_of(bytes.substr(4, 2)) == 0x4000;
  std::int64_t value = 0;
  for (std::int64_t i = 0; i <= weight; ++i) {
    const auto at = kHead + static_cast<std::size_t>(i) * 2;
    value = value * 10'000 + (i < digits ? signed_of(bytes.substr(at, 2)) : 0);
  }
  return negative ? -value : value;
}

bool is_number(Oid type) {
  return type == kBool || type == kInt8 || type == kInt2 || type == kInt4 || type == kOid ||
         type == kFloat8 || type == kNumeric;
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
  switch (PQftype(result_, column)) {
    case kBool:
    case kInt8:
    case kInt2:
    case kInt4:
    case kOid:
      return bytes.size() == 1 ? static_cast<std::int64_t>(bytes[0] != 0) : signed_of(bytes);
    case kNumeric:
      return whole_of(bytes);
    case kFloat8:
      return static_cast<std::int64_t>(std::bit_cast<double>(unsigned_of(bytes)));
    default: {
      std::int64_t value = 0;
      std::from_chars(bytes.data(), bytes.data() + bytes.size(), value);
      return value;
    }
  }
}

std::string_view ResultRow::text(int column) const {
  if (is_null(column)) return {};
  if (is_number(PQftype(result_, column)))
    return made_.emplace_back(std::to_string(integer(column)));
  return blob(column);
}

}  // namespace rabt::store::postgres
