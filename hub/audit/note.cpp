#include "hub/audit/note.hpp"

#include <algorithm>
#include <charconv>
#include <vector>

#include "hub/audit/tree.hpp"
#include "hub/base/utf8.hpp"

namespace rabt::audit {

namespace {

// An em dash and a space begin a signature.
constexpr std::string_view kDash = "\xe2\x80\x94 ";
constexpr char kEd25519 = 0x01;

Error bad_note(const std::string& why) {
  return corrupt("audit.note", why);
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const auto end = text.find('\n');
    lines.push_back(text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return lines;
}

std::string key_id(std::string_view name, ByteView key) {
  std::string named = std::string(name) + '\n' + kEd25519;
  named.append(as_text(key));
  return std::string(as_text(crypto::sha256(named)).substr(0, 4));
}

}  // namespace

bool to_count(std::string_view text, std::int64_t& out) {
  if (text.empty() || text.size() > 18 || (text.size() > 1 && text.front() == '0')) return false;
  if (text.find_first_not_of("0123456789") != std::string_view::npos) return false;
  return std::from_chars(text.data(), text.data() + text.size(), out).ec == std::errc{};
}

bool to_hash(std::string_view base64, crypto::Digest& out) {
  const auto bytes = from_base64(base64);
  return bytes && to_digest(as_text(*bytes), out);
}

std::string_view origin_of(std::string_view note) {
  const auto end = note.find('\n');
  return end == std::string_view::npos ? std::string_view{} : note.substr(0, end);
}

Result<Vkey> parse_vkey(std::string_view text) {
  const Error bad = invalid("audit.vkey",
                            "not a verifier key; it looks like NAME+12345678+BASE64 and stands in "
                            "the file audit.vkey of the data folder");
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.remove_suffix(1);
  const auto first = text.find('+');
  const auto second = first == std::string_view::npos ? first : text.find('+', first + 1);
  if (second == std::string_view::npos || first == 0) return bad;
  Vkey key{.name = std::string(text.substr(0, first))};
  const auto id = from_hex(text.substr(first + 1, second - first - 1));
  const auto bytes = from_base64(text.substr(second + 1));
  if (!id || id->size() != 4 || !bytes || bytes->size() != 33 || bytes->front() != 1) return bad;
  key.id = as_text(*id);
  key.key.assign(bytes->begin() + 1, bytes->end());
  if (key.id != key_id(key.name, key.key)) return bad;
  return key;
}

Vkey renamed(const Vkey& key, std::string_view name) {
  return {std::string(name), key_id(name, key.key), key.key};
}

Result<Checkpoint> open_note(std::string_view text, const Vkey& key) {
  if (text.size() > kMaxNoteBytes || !is_utf8(text)) return bad_note("it is no signed note");
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 && c != '\n') return bad_note("it is no signed note");
  }
  const auto split = text.rfind("\n\n");
  if (split == std::string_view::npos || text.back() != '\n')
    return bad_note("it is no signed note");
  const std::string_view body = text.substr(0, split + 1);
  bool good = false;
  for (std::string_view line : lines_of(text.substr(split + 2))) {
    // "— name base64"
    const auto name_at = kDash.size();
    const auto space = line.size() > name_at ? line.find(' ', name_at) : std::string_view::npos;
    const auto blob = space == std::string_view::npos ? std::optional<Bytes>()
                                                      : from_base64(line.substr(space + 1));
    if (!line.starts_with(kDash) || !blob || blob->size() < 5)
      return bad_note("a line of its signatures is malformed");
    if (line.substr(name_at, space - name_at) != key.name || !as_text(*blob).starts_with(key.id)) {
      continue;
    }
    if (!crypto::verify_ed25519(key.key, body, ByteView(*blob).subspan(4)))
      return bad_note("its signature does not hold");
    good = true;
  }
  if (!good) return bad_note("it is not signed by the key of this log");
  const auto lines = lines_of(body);
  Checkpoint note{.origin = key.name, .note = std::string(text)};
  if (lines.size() < 3 || !to_count(lines[1], note.size) || !to_hash(lines[2], note.root))
    return bad_note("it is no checkpoint");
  if (lines[0] != key.name) return bad_note("it names another log");
  if (std::any_of(lines.begin() + 3, lines.end(),
                  [](std::string_view line) { return line.empty(); })) {
    return bad_note("it is no checkpoint");
  }
  return note;
}

std::optional<Checkpoint> unverified_note(std::string_view text) {
  const auto lines = lines_of(text);
  Checkpoint note{.note = std::string(text)};
  if (lines.size() < 3 || !to_count(lines[1], note.size) || !to_hash(lines[2], note.root))
    return std::nullopt;
  note.origin = lines[0];
  return note;
}

// ---- Signer

Signer::Signer(std::string origin, const SecretBytes& seed) : key_(seed) {
  const ByteView public_key = key_.public_key();
  own_ = {std::move(origin), {}, Bytes(public_key.begin(), public_key.end())};
  own_.id = key_id(own_.name, own_.key);
}

std::string Signer::vkey() const {
  std::string key(1, kEd25519);
  key.append(as_text(own_.key));
  return own_.name + '+' + to_hex(as_bytes(own_.id)) + '+' + to_base64(as_bytes(key));
}

Checkpoint Signer::sign(std::int64_t size, const crypto::Digest& root) const {
  const std::string text = own_.name + '\n' + std::to_string(size) + '\n' + to_base64(root) + '\n';
  const crypto::Signature signature = key_.sign(text);
  std::string line = own_.id;
  line.append(as_text(signature));
  return {own_.name, size, root,
          text + '\n' + std::string(kDash) + own_.name + ' ' + to_base64(as_bytes(line)) + '\n'};
}

Result<Checkpoint> Signer::open_as(const std::string& origin, std::string_view note) const {
  auto opened = open_note(note, origin == own_.name ? own_ : renamed(own_, origin));
  if (opened.ok()) return opened;
  return corrupt("audit.note", "not a checkpoint of this log: " + opened.error().message);
}

}  // namespace rabt::audit
