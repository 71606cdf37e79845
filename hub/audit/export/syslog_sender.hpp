#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "hub/audit/anchor.hpp"
#include "hub/audit/export/export.hpp"
#include "hub/base/clock.hpp"
#include "hub/base/log.hpp"
#include "hub/base/result.hpp"
#include "hub/net/http_client.hpp"
#include "hub/store/store.hpp"

// The audit log to a syslog server over TLS (RFC 5425), entry after entry, as it grows.
namespace rabt::audit {

struct SyslogOptions {
  std::string host;
  int port = 6514;  // RFC 5425 section 4.1
  net::TlsOptions tls;
  // File with the number of the last confirmed entry; replaced whole. It lies in the data folder,
  // apart from the database: restoring the database does not restore this number.
  std::string cursor_file;
  // Beyond this many entries, or an oldest one of this age, the server counts as behind.
  std::int64_t high_water = 10'000;
  std::int64_t high_age_ms = 5LL * 60 * 1000;
  // required: while the server is behind, ready() refuses. Best effort: it only warns.
  bool required = false;
  // Time that a connection must live after its last byte was acknowledged, until the data counts
  // as received. Syslog has no answers: a server that dies within this time gets the data again.
  std::int64_t settle_ms = 2'000;
  std::int64_t first_pause_ms = 1'000;  // before the second attempt to connect; doubles
  std::int64_t max_pause_ms = 60'000;
};

// Sends every entry at least once, in order; after a broken connection it goes on behind the last
// confirmed one, so that the server may see some twice (the same leaf and number). Durable is
// the number of the last confirmed entry, written at most once a second. Internally synchronised;
// one thread.
class SyslogSender {
 public:
  struct Parts {
    store::Store& store;
    const Clock& clock;
    Logger& log;
  };
  // Reads the cursor and starts. Error audit.cursor (the file cannot be read or is no cursor).
  [[nodiscard]] static Result<std::unique_ptr<SyslogSender>> start(Parts parts,
                                                                   SyslogOptions options,
                                                                   ExportSource source);
  ~SyslogSender();  // stops; what is not confirmed is sent again after the next start
  SyslogSender(const SyslogSender&) = delete;
  SyslogSender& operator=(const SyslogSender&) = delete;

  // "syslog:host:port".
  [[nodiscard]] const std::string& name() const;
  // Ok if acts may go on. Error unavailable audit.sink_behind.
  [[nodiscard]] Status ready() const;
  // The server as an anchor of checkpoints: the note is a message of its own, after the entries
  // that were there. ok: it was confirmed, as entries are. It cannot be read back: last() is empty.
  // The sender outlives it.
  [[nodiscard]] std::unique_ptr<Anchor> anchor();

  struct Stats {
    bool connected = false;
    bool behind = false;
    std::uint64_t sent = 0;  // messages, repeats included
    std::uint64_t connects = 0;
    std::int64_t confirmed = 0;  // number of the last confirmed entry
    std::int64_t waiting = 0;    // entries that are not confirmed
  };
  [[nodiscard]] Stats stats() const;

  struct State;

 private:
  explicit SyslogSender(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace rabt::audit
