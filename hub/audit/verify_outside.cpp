#include "hub/audit/verify_walk.hpp"

#include <algorithm>

#include "hub/audit/files.hpp"
#include "hub/audit/mac.hpp"
#include "hub/audit/statements.hpp"

namespace rabt::audit {

// The first pass: what the places outside the database say of the log, and the table of
// checkpoints.

Status Walk::read_outside() {
  RABT_TRY(file, read_file(data_folder_ + "/audit.checkpoint", kMaxFileBytes));
  file_ = std::move(file);
  std::string vkey = options_.vkey;
  if (vkey.empty()) {
    RABT_TRY(text, read_file(data_folder_ + "/audit.vkey", kMaxFileBytes));
    if (text) vkey = *text;
  }
  if (!vkey.empty()) {
    auto key = parse_vkey(vkey);
    if (!key.ok() && !options_.vkey.empty()) return std::move(key).error();
    if (key.ok()) key_ = std::move(*key);
    if (!key_) problem("the file audit.vkey is damaged: signatures cannot be checked");
  }
  for (const std::string& path : options_.folders) RABT_TRY_STATUS(read_folder(path));
  for (const std::string& note : options_.notes) read_note(note);
  return ok_status();
}

void Walk::read_note(const std::string& note) {
  if (!key_) return;
  const std::string_view origin = origin_of(note);
  const auto opened = open_note(note, origin == key_->name ? *key_ : renamed(*key_, origin));
  if (!opened.ok()) {
    problem("a checkpoint that was kept elsewhere: " + opened.error().message);
    return;
  }
  claims_.push_back({opened->size, opened->root,
                     "a checkpoint that was kept elsewhere, at " + std::to_string(opened->size)});
  published_.emplace_back(note, claims_.back());
}

Status Walk::read_folder(const std::string& path) {
  RABT_TRY(text, read_file(path + "/checkpoint", kMaxFileBytes));
  Folder folder{.path = path};
  if (!text) {
    absent(folder.name() + "its checkpoint is missing: the log cannot be compared with it");
    return ok_status();
  }
  if (!key_) return ok_status();
  const auto note = open_note(*text, *key_);
  if (!note.ok()) {
    problem(folder.name() + "its checkpoint: " + note.error().message);
    return ok_status();
  }
  folder.size = note->size;
  claims_.push_back(
      {note->size, note->root, folder.name() + "checkpoint at " + std::to_string(note->size)});
  published_.emplace_back(*text, claims_.back());
  folders_.push_back(std::move(folder));
  return ok_status();
}

// ---- the table of checkpoints

Status Walk::read_checkpoints() {
  std::int64_t next = 1;
  std::int64_t size = -1;
  std::vector<std::string> notes;
  RABT_TRY_STATUS(read_([&](store::Connection& connection) {
    return connection.query(sql::kCheckpoints, {}, [&](const store::Row& row) {
      checkpoint(row, next, size);
      notes.emplace_back(row.text(sql::kCheckpoints["note"]));
      return true;
    });
  }));
  rows_of_checkpoints_ = notes.size();
  const auto in_database = [&](const std::string& note) {
    return std::find(notes.begin(), notes.end(), note) != notes.end();
  };
  if (file_ && key_) {
    const auto note = open_note(*file_, *key_);
    if (!note.ok()) {
      problem("the file audit.checkpoint is damaged: " + note.error().message +
              "; whether entries were cut off at the end cannot be told");
    } else {
      const std::string where = "checkpoint at " + std::to_string(note->size);
      if (!in_database(*file_)) {
        problem(where + ": the file audit.checkpoint holds it, the database does not");
      }
      claims_.push_back({note->size, note->root, where});
    }
  }
  for (const auto& [note, claim] : published_) {
    if (!in_database(note)) problem(claim.where + ": the database does not hold it");
  }
  return ok_status();
}

void Walk::checkpoint(const store::Row& row, std::int64_t& next, std::int64_t& size) {
  const std::int64_t number = row.integer(sql::kCheckpoints["number"]);
  const std::string note_text(row.text(sql::kCheckpoints["note"]));
  const std::string where =
      "checkpoint at " + std::to_string(row.integer(sql::kCheckpoints["size"])) + ": ";
  if (number != next) {
    problem(number > next && number - next > 1
                ? "checkpoints number " + std::to_string(next) + " to " +
                      std::to_string(number - 1) + " are missing"
            : number > next ? "checkpoint number " + std::to_string(next) + " is missing"
                            : where + "numbers start at 1, this one was inserted");
  }
  if (number >= next) next = number + 1;
  if (options_.mac_key != nullptr) {
    const Digest mac = checkpoint_mac(options_.mac_key->expose(), number, note_text);
    if (row.blob(sql::kCheckpoints["mac"]) != as_text(mac))
      problem(where + "its MAC does not follow from its number and note");
  }
  if (!key_) return;
  // The log may have had another name; its key is the same.
  const std::string origin = note_text.substr(0, note_text.find('\n'));
  const auto note = open_note(note_text, origin == key_->name ? *key_ : renamed(*key_, origin));
  if (!note.ok()) {
    problem(where + note.error().message);
    return;
  }
  if (note->size != row.integer(sql::kCheckpoints["size"])) {
    problem(where + "its size column is not the size of its note, " + std::to_string(note->size));
  }
  if (note->size < size || (note->size == size && origin == last_origin_))
    problem(where + "it stands behind one of " + std::to_string(size) + " entries");
  if (number == 1 && note->size != 0)
    problem(where + "the first one of a log is of 0 entries; those before this one are missing");
  size = std::max(size, note->size);
  last_origin_ = origin;
  claims_.push_back({note->size, note->root, "checkpoint at " + std::to_string(note->size)});
}

}  // namespace rabt::audit
