#include "hub/plugin/services/services.hpp"

namespace rabt::plugin {

void Instance::fill_services() {
  Services::fill_log(*this);
  Services::fill_http(*this);
  Services::fill_secrets(*this);
  Services::fill_kv(*this);
  Services::fill_clock(*this);
  Services::fill_metrics(*this);
  Services::fill_trace(*this);
  Services::fill_blob(*this);
  Services::fill_thread_check(*this);
}

const void* Instance::get_service(void* self, const char* id) noexcept {
  const auto& instance = *static_cast<const Instance*>(self);
  const Manifest& manifest = instance.setup_.package.manifest;
  const std::string_view name = id == nullptr ? std::string_view{} : std::string_view(id);
  if ((name == RABT_BLOB && !manifest.blob) || (name == RABT_SECRETS && !manifest.secrets_raw))
    return nullptr;
  return instance.offered_.find(name);
}

}  // namespace rabt::plugin
