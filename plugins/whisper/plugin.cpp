#include "rabt/plugin.hpp"

#include "recogniser.hpp"
#include "settings.hpp"
#include "transcriber.hpp"

// Speech to text in many languages behind the role `asr`, on this machine: nothing that was said
// leaves it.
namespace rabt::whisper {

class Plugin final : public asr::Transcriber {
 public:
  Plugin(sdk::Host host, std::string_view config)
      : Transcriber(host, std::make_unique<Recogniser>(read_settings(config))) {}
};

}  // namespace rabt::whisper

RABT_PLUGIN(rabt::whisper::Plugin, "whisper", "1.0.0");
