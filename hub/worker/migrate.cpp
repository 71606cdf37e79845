#include "hub/worker/migrate.hpp"

#include "hub/worker/abi_bytes.hpp"
#include "rabt/extension/migrate.h"

namespace rabt::worker {

namespace {

constexpr std::size_t kMaxWords = 1024;  // what operators read of an error

}  // namespace

Migration run_migrate(const rabt_entry* entry, const std::string& from_version,
                      std::string_view config) {
  Migration out;
  try {
    const rabt_migrate* extension = nullptr;
    if (RABT_CAN(rabt_entry, entry, get_extension))
      extension = static_cast<const rabt_migrate*>(entry->get_extension(RABT_MIGRATE));
    if (!RABT_CAN(rabt_migrate, extension, migrate)) return out;
    const std::int32_t result = extension->migrate(
        extension->self, from_version.c_str(), bytes(config), &out,
        [](void* context, rabt_bytes text) {
          auto& to = *static_cast<Migration*>(context);
          ++to.config_calls;
          to.config = view(text).substr(0, kMaxConfigBytes + 1);
        },
        [](void* context, rabt_bytes text) {
          auto& to = *static_cast<Migration*>(context);
          ++to.error_calls;
          to.error = view(text).substr(0, kMaxWords);
        });
    out.end = result == 0 ? Migration::End::migrated : Migration::End::refused;
  } catch (...) {
    out.end = Migration::End::threw;
  }
  return out;
}

std::string migration_fault(const Migration& migration) {
  switch (migration.end) {
    case Migration::End::absent:
      return "the library does not offer rabt.migrate/1";
    case Migration::End::lost:
      return migration.error;
    case Migration::End::threw:
      return "migrate threw an exception across the C line";
    case Migration::End::refused:
      if (migration.config_calls != 0)
        return "migrate returned non-zero and gave a configuration all the same";
      if (migration.error_calls != 1)
        return "migrate returned non-zero and said why " + std::to_string(migration.error_calls) +
               " times, not once";
      return migration.error.empty() ? "it gave no reason" : migration.error;
    case Migration::End::migrated:
      break;
  }
  if (migration.config_calls != 1)
    return "migrate returned 0 and gave a configuration " + std::to_string(migration.config_calls) +
           " times, not once";
  if (migration.error_calls != 0) return "migrate returned 0 and gave an error all the same";
  if (migration.config.size() > kMaxConfigBytes)
    return "migrate gave a configuration of more than " + std::to_string(kMaxConfigBytes) +
           " bytes";
  return {};
}

}  // namespace rabt::worker
