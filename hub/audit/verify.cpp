#include "hub/audit/verify.hpp"

#include <algorithm>

#include "hub/audit/verify_walk.hpp"
#include "hub/store/open.hpp"

namespace rabt::audit {

Hash to_hash(std::string_view bytes) {
  Digest out{};
  if (!to_digest(bytes, out)) return std::nullopt;
  return out;
}

std::string span_text(std::int64_t first, std::int64_t last) {
  if (first == last) return "entry " + std::to_string(first);
  return "entries " + std::to_string(first) + " to " + std::to_string(last);
}

std::string tile_text(int level, std::int64_t number) {
  std::int64_t width = kTileWidth;
  for (int i = 0; i < level; ++i) width *= kTileWidth;
  return "tile " + std::to_string(level) + "/" + std::to_string(number) + " (" +
         span_text(number * width + 1, (number + 1) * width) + "): ";
}

std::string missing_text(std::int64_t first, std::int64_t last) {
  return span_text(first, last) + (first == last ? " is missing" : " are missing");
}

Result<Verification> Walk::run() {
  RABT_TRY_STATUS(read_outside());
  RABT_TRY_STATUS(read_checkpoints());
  RABT_TRY_STATUS(measure());
  RABT_TRY_STATUS(walk_rows());
  RABT_TRY_STATUS(upper_levels());
  return finish();
}

Verification Walk::finish() {
  std::int64_t named = 0;
  for (const Claim& claim : claims_) named = std::max(named, claim.size);
  if (named > end_) problem(missing_text(end_ + 1, named));
  if (failed_ > 1)
    problem("and " + std::to_string(failed_ - 1) + " later checkpoints do not hold either");
  if (dropped_ > 0)
    result_.problems.push_back("and " + std::to_string(dropped_) + " more problems");
  result_.verified = result_.problems.empty();
  result_.size = end_;
  if (tree_) result_.head = to_hex(tree_->root());
  return std::move(result_);
}

void Walk::problem(std::string text) {
  if (result_.problems.size() < kMaxProblems) {
    result_.problems.push_back(std::move(text));
  } else {
    ++dropped_;
  }
}

void Walk::absent(std::string text) {
  if (result_.problems.size() < kMaxProblems) ++result_.absent;
  problem(std::move(text));
}

Result<Verification> verify(store::Store& store, const std::string& data_folder,
                            const VerifyOptions& options) {
  return Walk([&store](const auto& function) { return store.read(function); }, data_folder, options)
      .run();
}

Result<Verification> verify(store::Connection& connection, const std::string& data_folder,
                            const VerifyOptions& options) {
  return Walk([&connection](const auto& function) { return function(connection); }, data_folder,
              options)
      .run();
}

Result<Verification> verify_file(const std::string& database, const std::string& data_folder,
                                 const VerifyOptions& options) {
  RABT_TRY(connection, store::open_reader(store::SqliteOptions{.path = database}));
  return verify(*connection, data_folder, options);
}

}  // namespace rabt::audit
