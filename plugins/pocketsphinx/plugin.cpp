#include "rabt/plugin.hpp"

#include "model.hpp"
#include "recogniser.hpp"
#include "transcriber.hpp"

// Speech to text behind the role `asr`, on this machine: nothing that was said leaves it.
namespace rabt::pocketsphinx {

class Plugin final : public asr::Transcriber {
 public:
  Plugin(sdk::Host host, std::string_view config)
      : Transcriber(host, std::make_unique<Recogniser>(checked(read_settings(config)))) {}

 private:
  static Settings checked(Settings settings) {
    check_model(settings);
    return settings;
  }
};

}  // namespace rabt::pocketsphinx

RABT_PLUGIN(rabt::pocketsphinx::Plugin, "pocketsphinx", "1.0.0");
