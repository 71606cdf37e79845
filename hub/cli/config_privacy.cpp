#include "hub/cli/config_reader.hpp"
#include "hub/phi/patient_gate.hpp"

// The key `privacy` of the configuration.
namespace rabt::cli {

void read_privacy(Reader& reader, const YamlNode& root, Config& config) {
  const YamlEntry* privacy = root.find("privacy");
  if (privacy == nullptr || !reader.mapping(*privacy->value, "`privacy`")) return;
  reader.only(*privacy->value, {"patient_data", "purposes"});
  std::string policy = "reason";
  reader.text(*privacy->value, "patient_data", policy);
  config.privacy.break_glass = policy == "break_glass";
  if (policy != "reason" && policy != "break_glass") {
    const YamlEntry* entry = privacy->value->find("patient_data");
    reader.mistake(entry->line, entry->column, "`patient_data` must be reason or break_glass");
  }
  const YamlEntry* purposes = privacy->value->find("purposes");
  if (purposes == nullptr || !reader.mapping(*purposes->value, "`purposes`")) return;
  for (const YamlEntry& entry : purposes->value->entries) {
    std::string& code = config.privacy.purposes[entry.key];
    reader.text(*purposes->value, entry.key, code);
    if (!code.empty() && !phi::is_purpose(code)) {
      reader.mistake(entry.line, entry.column,
                     "`" + code +
                         "` is no code of HL7 v3 PurposeOfUse, such as TREAT, HPAYMT, HOPERAT or "
                         "PUBHLTH");
    }
  }
}

}  // namespace rabt::cli
