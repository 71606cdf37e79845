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
  if (name == RABT_LOG) return &instance.log_;
  if (name == RABT_HTTP) return &instance.http_;
  if (name == RABT_SIGN) return &instance.sign_;
  if (name == RABT_KV) return &instance.kv_;
  if (name == RABT_CLOCK) return &instance.clock_;
  if (name == RABT_METRICS) return &instance.metrics_;
  if (name == RABT_TRACE) return &instance.trace_;
  if (name == RABT_THREAD_CHECK) return &instance.thread_check_;
  if (name == RABT_BLOB && manifest.blob) return &instance.blob_;
  if (name == RABT_SECRETS && manifest.secrets_raw) return &instance.secrets_;
  return nullptr;
}

}  // namespace rabt::plugin
