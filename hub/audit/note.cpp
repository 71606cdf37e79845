#include "hub/audit/note.hpp"

#include <algorithm>
#include <charconv>

#include "hub/base/utf8.hpp"

namespace rabt::audit {

namespace {

constexpr std::string_view kDash = "\xe2\x80\x94 ";  // an em dash and a space begin a signature
constexpr char kEd25519 = 0x01;

Error no_note(const char* why) {
  return corrupt("audit.note", std::string("not a checkpoint of this log: ") + why);
}

// Up to the next newline, which goes too; false when there is none.
bool take_line(std::string_view& rest, std::string_view& line) {
  const auto end = rest.find('\n');
  if (end == std::string_view::npos) return false;
  line = rest.substr(0, end);
  rest.remove_prefix(end + 1);
  return true;
}

}  // namespace

std::string_view origin_of(std::string_view note) {
  const auto end = note.find('\n');
  return end == std::string_view::npos ? std::string_view{} : note.substr(0, end);
}

Signer::Signer(std::string origin, const SecretBytes& seed)
    : origin_(std::move(origin)), key_(seed), id_(id_as(origin_)) {}

std::string Signer::id_as(const std::string& origin) const {
  std::string named = origin + '\n' + kEd25519;
  named.append(as_text(key_.public_key()));
  return std::string(as_text(crypto::sha256(named)).substr(0, 4));
}

std::string Signer::vkey() const {
  std::string key(1, kEd25519);
  key.append(as_text(key_.public_key()));
  return origin_ + '+' + to_hex(as_bytes(id_)) + '+' + to_base64(as_bytes(key));
}

Checkpoint Signer::sign(std::int64_t size, const crypto::Digest& root) const {
  const std::string text = origin_ + '\n' + std::to_string(size) + '\n' + to_base64(root) + '\n';
  const crypto::Signature signature = key_.sign(text);
  std::string line = id_;
  line.append(as_text(signature));
  return {origin_, size, root,
          text + '\n' + std::string(kDash) + origin_ + ' ' + to_base64(as_bytes(line)) + '\n'};
}

Result<Checkpoint> Signer::open_as(const std::string& origin, std::string_view note) const {
  if (note.size() > kMaxNoteBytes) return no_note("it is too long");
  if (!is_utf8(note) || std::any_of(note.begin(), note.end(), [](char c) {
        return static_cast<unsigned char>(c) < 0x20 && c != '\n';
      })) {
    return no_note("it is no text");
  }
  const auto blank = note.rfind("\n\n");
  if (blank == std::string_view::npos) return no_note("it has no signature");
  const std::string_view text = note.substr(0, blank + 1);
  std::string_view rest = note.substr(blank + 2);
  bool verified = false;
  const std::string id = origin == origin_ ? id_ : id_as(origin);
  for (std::string_view line; take_line(rest, line);) {
    if (!line.starts_with(kDash)) return no_note("a line of its signatures is none");
    line.remove_prefix(kDash.size());
    const auto space = line.find(' ');
    if (space == std::string_view::npos) return no_note("a line of its signatures is none");
    const auto bytes = from_base64(line.substr(space + 1));
    if (!bytes || bytes->size() < 5) return no_note("a line of its signatures is none");
    if (line.substr(0, space) != origin || as_text(*bytes).substr(0, 4) != id) continue;
    if (!crypto::verify_ed25519(key_.public_key(), text, ByteView(*bytes).subspan(4)))
      return no_note("its signature does not hold");
    verified = true;
  }
  if (!rest.empty()) return no_note("it does not end in a newline");
  if (!verified) return no_note("this log's key has not signed it");

  rest = text;
  Checkpoint checkpoint{.origin = origin, .note = std::string(note)};
  std::string_view line;
  if (!take_line(rest, line) || line != origin) return no_note("it names another log");
  if (!take_line(rest, line)) return no_note("it has no size");
  const auto [end, error] =
      std::from_chars(line.data(), line.data() + line.size(), checkpoint.size);
  if (error != std::errc{} || end != line.data() + line.size() ||
      std::to_string(checkpoint.size) != line || checkpoint.size < 0) {
    return no_note("its size is no number");
  }
  if (!take_line(rest, line)) return no_note("it has no root");
  const auto root = from_base64(line);
  if (!root || root->size() != checkpoint.root.size()) return no_note("its root is no hash");
  std::copy(root->begin(), root->end(), checkpoint.root.begin());
  return checkpoint;
}

}  // namespace rabt::audit
