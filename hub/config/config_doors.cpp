
#include "hub/base/number.hpp"
#include "hub/config/config_reader.hpp"

// The section `doors`: the compatibility APIs, and the listener of metrics.
namespace rabt::config {

namespace {

// "+03:00" -> 180. Names of zones that change their offset in the year are not taken: a time
// without a zone would be two times in one night of autumn.
std::optional<int> offset_of(std::string_view zone) {
  constexpr int kRiyadh = 180;
  if (zone == "UTC") return 0;
  if (zone == "Asia/Riyadh") return kRiyadh;
  if (zone.size() != 6 || (zone[0] != '+' && zone[0] != '-') || zone[3] != ':') return std::nullopt;
  const auto hours = read_number<unsigned>(zone.substr(1, 2));
  const auto minutes = read_number<unsigned>(zone.substr(4));
  if (!hours || !minutes || *hours > 14 || *minutes > 59) return std::nullopt;
  const int offset = static_cast<int>(*hours * 60 + *minutes);
  return zone[0] == '-' ? -offset : offset;
}

void read_door(Reader& reader, const YamlNode& node, DoorEntry& out) {
  reader.only(node, {"enabled", "listen", "rate", "cors", "naive_time_zone", "second_factor"});
  std::string factor = "required";
  reader.choice(node, "second_factor", {"required", "exempt"}, factor);
  out.second_factor_exempt = factor == "exempt";
  reader.flag(node, "enabled", out.enabled);
  int port = -1;
  reader.integer(node, "listen", 0, 65535, port);
  if (port >= 0) out.listen = port;
  reader.integer(node, "rate", 0, 100'000, out.rate);
  reader.origins(node, "cors", out.cors);
  std::string zone;
  reader.text(node, "naive_time_zone", zone);
  if (zone.empty()) return;
  if (const auto offset = offset_of(zone)) {
    out.naive_offset_minutes = *offset;
  } else {
    reader.mistake(node.line, node.column,
                   "`naive_time_zone` must be UTC, Asia/Riyadh or an offset such as +03:00");
  }
}

}  // namespace

void read_doors(Reader& reader, const YamlNode& root, Config& config) {
  const YamlNode* doors = reader.section(root, "doors");
  if (doors == nullptr) return;
  reader.only(*doors, {"kiorex", "emr", "pulseone", "clinicvault", "metrics"});
  for (const YamlEntry& entry : doors->entries) {
    if (!reader.mapping(*entry.value, "`doors." + entry.key + "`")) continue;
    // A listener for who collects figures and nothing else: it has no other settings.
    if (entry.key == "metrics") {
      reader.only(*entry.value, {"listen"});
      if (entry.value->find("listen") == nullptr)
        reader.mistake(entry.line, entry.column, "`doors.metrics` needs `listen`, a port");
    }
    read_door(reader, *entry.value, config.doors[entry.key]);
    const YamlEntry* const factor = entry.value->find("second_factor");
    if (factor != nullptr && entry.key != "clinicvault") {
      reader.mistake(factor->line, factor->column,
                     "`second_factor` is a setting of `doors.clinicvault`: users of `" + entry.key +
                         "` sign in elsewhere");
    }
  }
}

}  // namespace rabt::config
