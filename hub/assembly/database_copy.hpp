#pragma once

#include <vector>

#include "hub/base/log.hpp"
#include "hub/base/result.hpp"
#include "hub/config/config.hpp"
#include "hub/store/transfer.hpp"

namespace rabt::assembly {

// Brings all rows of the database that `from` names to the one that `to` names, which no hub has
// used; recordings, keys and logs stay in the data folder, which both configurations name. No hub
// runs meanwhile. A new file of the data folder is `rabt.db.copying` until it is whole, and the old
// one is `rabt.db.copied` afterwards: no hub takes either. A copy that was cut at any point is made
// or ended by the next one. Errors: config.copy (the configurations do not fit), store.locked (a
// hub runs), conflict store.used (the other database holds something else), store.transfer, those
// of open_database.
[[nodiscard]] Result<std::vector<store::TransferredTable>> copy_database(const config::Config& from,
                                                                         const config::Config& to,
                                                                         Logger& log);

}  // namespace rabt::assembly
