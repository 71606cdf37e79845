#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "hub/base/result.hpp"
#include "hub/crypto/crypto.hpp"

// Anchors keep checkpoints of the audit log where whoever can write the database cannot reach.
namespace rabt::audit {

// State of a log at one moment: docs/formats/audit_log.md, after C2SP tlog-checkpoint.
struct Checkpoint {
  std::string origin;
  // Number of entries, and the root of the tree over them.
  std::int64_t size = 0;
  crypto::Digest root{};
  // The signed note, ready to be stored or sent: UTF-8, ends in a newline.
  std::string note;
  friend bool operator==(const Checkpoint&, const Checkpoint&) = default;
};

// The log's tiles and entries at least up to the size of the checkpoint that is put. Any thread may
// call. Fails with unavailable audit.closing when the log is being closed.
class TileSource {
 public:
  virtual ~TileSource() = default;
  // The hashes of a tile (C2SP tlog-tiles), 32 bytes each; width 256 is a full tile.
  [[nodiscard]] virtual Result<std::string> tile(int level, std::int64_t number,
                                                 int width) const = 0;
  // An entry bundle: each entry after its length in two bytes, big-endian.
  [[nodiscard]] virtual Result<std::string> entries(std::int64_t number, int width) const = 0;
};

// One place outside the database. Called from one thread of its own, so that it may be slow; it
// should still give up after some seconds. While it fails it is tried again, with pauses of 1 to 60
// seconds, always with the newest checkpoint: an anchor may skip checkpoints.
class Anchor {
 public:
  virtual ~Anchor() = default;
  // For log lines, metrics and /health: "folder:/mnt/worm/audit". No secrets.
  [[nodiscard]] virtual const std::string& name() const = 0;
  // The newest note that is kept there, as it stands there; empty when there is none, or when the
  // place cannot be read back. The log checks it: signature, and that this database still has the
  // tree that it names.
  [[nodiscard]] virtual Result<std::optional<std::string>> last() = 0;
  // True if last() gives back what was put: then an empty place is one that was emptied.
  [[nodiscard]] virtual bool readable() const { return true; }
  // Compares a part of what is kept with the log, another part each time. `kept` is what last()
  // gave and is of this log. Error corrupt audit.anchor_damaged says what differs.
  [[nodiscard]] virtual Status compare(const Checkpoint& /*kept*/, const TileSource& /*tiles*/) {
    return ok_status();
  }
  // ok: the checkpoint is kept there as durably as the place can. Called in rising order of sizes;
  // repeated after a failure.
  [[nodiscard]] virtual Status put(const Checkpoint& checkpoint, const TileSource& tiles) = 0;
};

struct AnchorEntry {
  std::unique_ptr<Anchor> anchor;
  // If true, /health fails while the anchor does not answer, no checkpoint is signed until the
  // anchor's last one has been read after the start, and every act is refused once the anchor was
  // found emptied, cut or changed. If false, there are warnings only. Acts never wait for an
  // anchor.
  bool required = false;
};

// A folder in the layout of C2SP tlog-tiles (checkpoint, tile/<L>/<N>[.p/<W>],
// tile/entries/<N>[.p/<W>]), and the verifier key as `vkey`: any static web server can serve it.
// Every file is replaced whole and synced; `checkpoint` comes last, so that what it names is there.
// Partial tiles go when the full one is there. The folder must exist: a disk that is not mounted is
// an error, not a new folder on the wrong disk. Files get mode 0640, folders 0750. Errors
// unavailable audit.anchor_io.
[[nodiscard]] std::unique_ptr<Anchor> make_folder_anchor(std::string folder, std::string vkey);

}  // namespace rabt::audit
