#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>

#include "hub/store/sqlite/connection.hpp"
#include "hub/store/sqlite/sync_thread.hpp"

namespace rabt::store::sqlite {

// Copies the write-ahead log into the database when it has grown, in two steps, so that the writer
// hardly waits for it. A reader is shown the log as it is, and a thread copies that and makes it
// durable; the log goes on meanwhile. Then the writer copies the rest, which is little, and the log
// begins anew. A crash loses nothing: until then the log is whole.
//
// The SQLite of Debian 12 can damage a database when a log begins anew while another connection
// copies it (sqlite.org/wal.html#walresetbug). Here the reader keeps it from that as long as the
// thread copies: the log has something to copy when the reader begins, so that the reader needs it.
// Confined to who writes.
class LogCopier {
 public:
  // reader and copier: more connections to the database of the writer's, for reading and for
  // writing. failed: what is in the database is not known any more; ends the process.
  LogCopier(Database& writer, std::unique_ptr<Database> reader, std::unique_ptr<Database> copier,
            std::function<void()> failed);

  // There is a step to make.
  [[nodiscard]] bool due() const;
  // Makes it, between two transactions. False on trouble: the writer's connection says which.
  [[nodiscard]] bool step();
  // Time of the next try of a step that found no room on the disk; unset if the last one found
  // some. Room that comes is the database's first, so that the log grows no further.
  [[nodiscard]] std::optional<std::chrono::steady_clock::time_point> starves_until() const {
    return starves_until_;
  }

 private:
  [[nodiscard]] bool show();
  void show_no_more();
  void copy();
  [[nodiscard]] bool copy_rest();

  Database& writer_;
  // Null when it does not work: then all is copied at once.
  std::unique_ptr<Database> reader_;
  // Confined to the thread that copies.
  const std::unique_ptr<Database> copier_;
  const std::function<void()> failed_;
  bool copies_ = false;
  // The log is to be copied when it has so many pages.
  int due_pages_;
  std::optional<std::chrono::steady_clock::time_point> starves_until_;
  // Last: its thread uses the others.
  SyncThread copying_;
};

}  // namespace rabt::store::sqlite
