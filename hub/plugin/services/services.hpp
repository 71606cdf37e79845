#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "hub/plugin/instance.hpp"
#include "hub/worker/abi_bytes.hpp"

// The functions behind the service structs of rabt/services.h, one file for each service. Each is
// called by plugin code from any thread, so each ends in noexcept, goes through the instance's gate
// before it touches a part of the hub, and answers on the lane.
namespace rabt::plugin {

using worker::bytes;
using worker::view;

struct Services {
  static Instance& of(void* self) { return *static_cast<Instance*>(self); }
  static PluginHost::Parts& parts(Instance& self) { return self.setup_.parts; }
  static std::string_view id(const Instance& self) { return self.setup_.package.manifest.id; }

  struct Log;
  struct Http;
  struct Secrets;
  struct Kv;
  struct Clock;
  struct Metrics;
  struct Trace;
  struct Blob;
  struct ThreadCheck;

  static void fill_log(Instance& self);
  static void fill_http(Instance& self);
  static void fill_secrets(Instance& self);
  static void fill_kv(Instance& self);
  static void fill_clock(Instance& self);
  static void fill_metrics(Instance& self);
  static void fill_trace(Instance& self);
  static void fill_blob(Instance& self);
  static void fill_thread_check(Instance& self);

  // An event name as it may be logged: "plugin.<name>" with the words of the package alone.
  [[nodiscard]] static std::string event_name(const Instance& self, const char* given);
  // Fields of a plugin as they may be logged. They point into texts.
  static void log_fields(Instance& self, rabt_bytes fields_json, std::vector<LogField>& out,
                         std::vector<std::string>& texts);
};

// A text for a log field or an error: at most 256 bytes of whole characters.
[[nodiscard]] std::string_view cut(std::string_view text);

}  // namespace rabt::plugin
