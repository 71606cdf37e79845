#include "hub/cli/config_reader.hpp"
#include "hub/phi/detector.hpp"

// The key `phi` of the configuration: what only this tenant's numbers look like (docs/phi.md).
namespace rabt::cli {

void read_phi(Reader& reader, const YamlNode& root, Config& config) {
  const YamlEntry* phi = root.find("phi");
  if (phi == nullptr || !reader.mapping(*phi->value, "`phi`")) return;
  reader.only(*phi->value, {"mrn_patterns"});
  reader.texts(*phi->value, "mrn_patterns", config.mrn_patterns);
  const auto detector = phi::Detector::make({.mrn_patterns = config.mrn_patterns});
  if (!detector.ok()) reader.mistake(phi->line, phi->column, detector.error().message);
}

}  // namespace rabt::cli
