#pragma once

#include <vector>

#include "hub/base/log.hpp"
#include "hub/base/result.hpp"
#include "hub/config/config.hpp"
#include "hub/store/transfer.hpp"

namespace rabt::assembly {

// Brings all rows of the database that `from` names to the one that `to` names, which no hub has
// used; recordings, keys and logs stay in the data folder, which both configurations name. Neither
// database may be open. The file of a data folder is `rabt.db.copied` afterwards, so that no hub
// takes it by mistake. Errors: config.copy (the configurations do not fit), store.locked (a hub
// runs), conflict store.used (the other database holds something), store.transfer, those of
// open_database.
[[nodiscard]] Result<std::vector<store::TransferredTable>> copy_database(const config::Config& from,
                                                                         const config::Config& to,
                                                                         Logger& log);

}  // namespace rabt::assembly
