#include "hub/repair/job.hpp"

#include <algorithm>

#include "hub/base/bytes.hpp"
#include "hub/crypto/crypto.hpp"

namespace rabt::repair {

namespace {

constexpr std::array<std::string_view, 5> kJobStates{"previewed", "running", "waiting", "done",
                                                     "stopped"};
constexpr std::array<std::string_view, kItemStates> kItemNames{
    "open", "acted", "well", "failed", "goes_on", "moved", "refused"};

}  // namespace

std::string_view to_string(JobState state) {
  return kJobStates.at(static_cast<std::size_t>(state));
}

std::string_view to_string(ItemState state) {
  return kItemNames.at(static_cast<std::size_t>(state));
}

std::optional<ItemState> item_state(std::string_view text) {
  const auto found = std::find(kItemNames.begin(), kItemNames.end(), text);
  if (found == kItemNames.end()) return std::nullopt;
  return static_cast<ItemState>(found - kItemNames.begin());
}

std::string digest_of(std::string_view verb, const Json& answer, std::string_view version,
                      const std::vector<Item>& items) {
  std::string text = "rabt-repair/1\n" + std::string(verb) + "\n" + answer.dump_sorted() + "\n";
  if (!version.empty()) text += "version " + std::string(version) + "\n";
  for (const Item& item : items) {
    text += item.object + " " + std::to_string(item.mark.turns) + " " +
            std::to_string(item.mark.updated.ms) + " " + std::to_string(item.call) + "\n";
  }
  return to_hex(as_bytes(as_text(crypto::sha256(text))));
}

}  // namespace rabt::repair
