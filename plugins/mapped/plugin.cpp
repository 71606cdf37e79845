#include <openssl/evp.h>

#include <array>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

#include "hub/mapping/mapping.hpp"
#include "rabt/json_nlohmann.hpp"
#include "rabt/task.hpp"

// Deliveries of any system as events, by a mapping file. The hub reads the file, checks it, and
// gives it to the plugin as its configuration.
namespace rabt::mapped {

using sdk::Call;
using sdk::Delivery;
using sdk::Events;
using sdk::Host;
using sdk::Outcome;
using sdk::Refusal;
using sdk::Task;
using sdk::TaskPlugin;

namespace {

std::string sha256_hex(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  if (EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr) != 1)
    throw std::runtime_error("no digest");
  static constexpr std::string_view kHex = "0123456789abcdef";
  std::string out;
  for (unsigned i = 0; i < size; ++i) {
    out.push_back(kHex[digest.at(i) >> 4U]);
    out.push_back(kHex[digest.at(i) & 0xfU]);
  }
  return out;
}

std::shared_ptr<const mapping::Mapping> read(std::string_view config) {
  const auto parsed = rabt::Json::parse(config);
  if (!parsed.ok()) throw std::runtime_error("the configuration is no JSON");
  const auto files = mapping::from_json(*parsed);
  if (!files.ok()) throw std::runtime_error(files.error().message);
  auto made = mapping::load(*files);
  if (!made.ok()) throw std::runtime_error(made.error().message);
  return *std::move(made);
}

}  // namespace

class MappedPlugin final : public TaskPlugin {
 public:
  MappedPlugin(Host host, std::string_view config) : TaskPlugin(host), mapping_(read(config)) {}

  Events normalise(const Delivery& delivery) {
    const auto info = rabt::Json::parse(delivery.info);
    if (!info.ok()) throw Refusal("mapped.delivery", "the delivery is not described");
    mapping::Taken taken = mapping_->take({.body = delivery.body,
                                           .digest = sha256_hex(delivery.body),
                                           .source = info->string_or("source", ""),
                                           .now_seconds = host().now_unix_ms() / 1000});
    rabt::Json out = rabt::Json::object({{"events", std::move(taken.events)},
                                         {"id", std::move(taken.id)},
                                         {"answers", std::move(taken.answers)}});
    if (!taken.refused.empty()) out.set("refused", rabt::Json(std::move(taken.refused)));
    return {.json = out.dump(), .error = {}};
  }

 protected:
  Task<Outcome> run(Call) override {
    throw Refusal("mapped.unknown_action", "mapped has no actions");
    co_return Outcome::done("{}");
  }

 private:
  const std::shared_ptr<const mapping::Mapping> mapping_;
};

}  // namespace rabt::mapped

RABT_PLUGIN(rabt::mapped::MappedPlugin, "mapped", "1.0.0");
