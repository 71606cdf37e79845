#include "hub/api/cursors.hpp"

#include <algorithm>

#include "hub/base/bytes.hpp"
#include "hub/base/number.hpp"

namespace rabt::api {

namespace {

constexpr std::int64_t kLifeMs = 24LL * 3600 * 1000;
constexpr std::size_t kMaxCursor = 1024;

Error wrong() {
  return invalid("cursor.invalid",
                 "the cursor is unknown or has expired; read the list from its first page");
}

void add(std::string& out, std::string_view part) {
  out.append(std::to_string(part.size())).append(":").append(part);
}

std::string tag_of(const keys::Lease& lease, const identity::Principal& who, std::string_view list,
                   std::string_view said) {
  std::string text;
  add(text, who.tenant);
  add(text, who.actor());
  add(text, list);
  add(text, said);
  return lease.blind_index("cursor/1", text);
}

}  // namespace

Result<std::string> Cursors::seal(const identity::Principal& who, std::string_view list,
                                  std::string_view place) const {
  RABT_TRY(lease, keys_.lease(who.tenant));
  const std::string said = std::to_string(clock_.now().ms + kLifeMs) + "." + std::string(place);
  const std::string whole = tag_of(lease, who, list, said) + said;
  return to_hex(as_bytes(whole));
}

Result<std::string> Cursors::open(const identity::Principal& who, std::string_view list,
                                  std::string_view cursor) const {
  if (cursor.empty()) return std::string();
  if (cursor.size() > kMaxCursor) return wrong();
  const auto bytes = from_hex(cursor);
  if (!bytes) return wrong();
  const std::string_view whole = as_text(*bytes);
  RABT_TRY(lease, keys_.lease(who.tenant));
  const std::size_t length = tag_of(lease, who, list, "").size();
  if (whole.size() <= length) return wrong();
  const std::string_view said = whole.substr(length);
  const std::string tag = tag_of(lease, who, list, said);
  if (!constant_time_equal(as_bytes(tag), as_bytes(whole.substr(0, length)))) return wrong();
  const auto dot = said.find('.');
  if (dot == std::string_view::npos) return wrong();
  const auto until = read_number<std::int64_t>(said.substr(0, dot));
  if (!until || *until <= clock_.now().ms) return wrong();
  return std::string(said.substr(dot + 1));
}

std::string list_of(std::string_view pattern, const http::Request& request) {
  auto query = request.query;
  std::erase_if(query,
                [](const auto& one) { return one.first == "cursor" || one.first == "limit"; });
  std::sort(query.begin(), query.end());
  std::string out;
  add(out, pattern);
  // Two sessions have lists of one pattern.
  add(out, request.path);
  for (const auto& [name, value] : query) {
    add(out, name);
    add(out, value);
  }
  return out;
}

}  // namespace rabt::api
