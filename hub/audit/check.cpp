#include "hub/audit/check.hpp"

#include <algorithm>
#include <charconv>

#include "hub/base/json.hpp"
#include "hub/base/utf8.hpp"
#include "hub/crypto/signature.hpp"

namespace rabt::audit::check {

namespace {

constexpr std::size_t kMaxNote = 128U << 10U;
constexpr std::size_t kMaxProofHashes = 128;  // two for each level of a tree of 2^63 entries
constexpr std::string_view kEmDash = "\xe2\x80\x94";

Error bad_note(const std::string& why) {
  return corrupt("audit.note", why);
}
Error bad_proof(const std::string& why) {
  return invalid("audit.proof", "this is no proof file: " + why);
}
Error refused(const std::string& why) {
  return corrupt("audit.proof_refused", "the proof does not hold: " + why);
}

std::string prefixed(char prefix, std::string_view a, std::string_view b) {
  std::string bytes(1, prefix);
  bytes.append(a).append(b);
  return bytes;
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

// Decimal, without a sign and leading zeros.
bool to_number(std::string_view text, std::int64_t& out) {
  if (text.empty() || text.size() > 18 || (text.size() > 1 && text.front() == '0')) return false;
  if (text.find_first_not_of("0123456789") != std::string_view::npos) return false;
  return std::from_chars(text.data(), text.data() + text.size(), out).ec == std::errc{};
}

bool to_hash(std::string_view base64, Digest& out) {
  const auto bytes = from_base64(base64);
  if (!bytes || bytes->size() != out.size()) return false;
  std::copy(bytes->begin(), bytes->end(), out.begin());
  return true;
}

std::array<std::uint8_t, 4> key_id(std::string_view name, ByteView key) {
  const Digest digest = crypto::sha256(std::string(name) + "\n\x01" + std::string(as_text(key)));
  return {digest[0], digest[1], digest[2], digest[3]};
}

}  // namespace

Digest leaf_hash(std::string_view entry) {
  return crypto::sha256(prefixed('\x00', entry, {}));
}
Digest node_hash(const Digest& left, const Digest& right) {
  return crypto::sha256(prefixed('\x01', as_text(left), as_text(right)));
}

bool inclusion_holds(const Digest& leaf, std::uint64_t index, std::uint64_t size,
                     const std::vector<Digest>& proof, const Digest& root) {
  if (index >= size) return false;
  std::uint64_t fn = index;
  std::uint64_t sn = size - 1;
  Digest r = leaf;
  for (const Digest& p : proof) {
    if (sn == 0) return false;
    if ((fn & 1U) == 1 || fn == sn) {
      r = node_hash(p, r);
      while ((fn & 1U) == 0 && fn != 0) {
        fn >>= 1U;
        sn >>= 1U;
      }
    } else {
      r = node_hash(r, p);
    }
    fn >>= 1U;
    sn >>= 1U;
  }
  return sn == 0 && r == root;
}

bool consistency_holds(std::uint64_t size1, std::uint64_t size2, const std::vector<Digest>& proof,
                       const Digest& root1, const Digest& root2) {
  if (size1 == 0 || size1 > size2) return false;
  if (size1 == size2) return proof.empty() && root1 == root2;
  std::vector<Digest> path;
  if ((size1 & (size1 - 1)) == 0) path.push_back(root1);
  path.insert(path.end(), proof.begin(), proof.end());
  if (path.empty() || proof.empty()) return false;
  std::uint64_t fn = size1 - 1;
  std::uint64_t sn = size2 - 1;
  while ((fn & 1U) == 1) {
    fn >>= 1U;
    sn >>= 1U;
  }
  Digest fr = path.front();
  Digest sr = path.front();
  for (auto c = path.begin() + 1; c != path.end(); ++c) {
    if (sn == 0) return false;
    if ((fn & 1U) == 1 || fn == sn) {
      fr = node_hash(*c, fr);
      sr = node_hash(*c, sr);
      while ((fn & 1U) == 0 && fn != 0) {
        fn >>= 1U;
        sn >>= 1U;
      }
    } else {
      sr = node_hash(sr, *c);
    }
    fn >>= 1U;
    sn >>= 1U;
  }
  return sn == 0 && fr == root1 && sr == root2;
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
  if (!id || id->size() != key.id.size() || !bytes || bytes->size() != 33 || bytes->front() != 1)
    return bad;
  std::copy(id->begin(), id->end(), key.id.begin());
  key.key.assign(bytes->begin() + 1, bytes->end());
  if (key.id != key_id(key.name, key.key)) return bad;
  return key;
}

Vkey renamed(const Vkey& key, std::string_view name) {
  return {std::string(name), key_id(name, key.key), key.key};
}

Result<Note> open_note(std::string_view text, const Vkey& key) {
  if (text.size() > kMaxNote || !is_utf8(text)) return bad_note("it is no signed note");
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
    const auto name_at = kEmDash.size() + 1;
    const auto space = line.size() > name_at ? line.find(' ', name_at) : std::string_view::npos;
    const auto blob = space == std::string_view::npos ? std::optional<Bytes>()
                                                      : from_base64(line.substr(space + 1));
    if (!line.starts_with(kEmDash) || line[kEmDash.size()] != ' ' || !blob || blob->size() < 5)
      return bad_note("a line of its signatures is malformed");
    if (line.substr(name_at, space - name_at) != key.name ||
        !std::equal(key.id.begin(), key.id.end(), blob->begin())) {
      continue;
    }
    if (!crypto::verify_ed25519(key.key, body, ByteView(*blob).subspan(4)))
      return bad_note("its signature does not hold");
    good = true;
  }
  if (!good) return bad_note("it is not signed by the key of this log");
  const auto lines = lines_of(body);
  Note note;
  if (lines.size() < 3 || !to_number(lines[1], note.size) || !to_hash(lines[2], note.root))
    return bad_note("it is no checkpoint");
  if (lines[0] != key.name) return bad_note("it names another log");
  if (std::any_of(lines.begin() + 3, lines.end(),
                  [](std::string_view line) { return line.empty(); })) {
    return bad_note("it is no checkpoint");
  }
  note.origin = lines[0];
  return note;
}

namespace {

// Base64 lines up to an empty one, which goes too.
Result<std::vector<Digest>> take_hashes(std::string_view& rest) {
  std::vector<Digest> hashes;
  for (;;) {
    const auto end = rest.find('\n');
    if (end == std::string_view::npos) return bad_proof("it ends too early");
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end + 1);
    if (line.empty()) return hashes;
    if (hashes.size() == kMaxProofHashes || !to_hash(line, hashes.emplace_back()))
      return bad_proof("a line of the proof is no hash");
  }
}

// C2SP tlog-proof, with the entry as extra data.
Result<Proved> verify_inclusion(std::string_view rest, const Vkey& key) {
  const auto take = [&rest](std::string_view name) -> std::optional<std::string_view> {
    const auto end = rest.find('\n');
    if (!rest.starts_with(name) || end == std::string_view::npos) return std::nullopt;
    const std::string_view value = rest.substr(name.size(), end - name.size());
    rest.remove_prefix(end + 1);
    return value;
  };
  const auto extra = take("extra ");
  const auto entry = extra ? from_base64(*extra) : std::nullopt;
  if (!entry)
    return bad_proof("it has no line `extra` with the entry, so that there is nothing to prove");
  const auto index_text = take("index ");
  std::int64_t index = 0;
  if (!index_text || !to_number(*index_text, index)) return bad_proof("it has no line `index`");
  RABT_TRY(proof, take_hashes(rest));
  const auto note = open_note(rest, key);
  if (!note.ok()) return refused("its checkpoint: " + note.error().message);
  if (!inclusion_holds(leaf_hash(as_text(*entry)), static_cast<std::uint64_t>(index),
                       static_cast<std::uint64_t>(note->size), proof, note->root)) {
    return refused("this entry is not number " + std::to_string(index + 1) +
                   " of the log that the checkpoint names");
  }
  Proved proved{.entry = std::string(as_text(*entry)), .seq = index + 1};
  const auto content = Json::parse(proved.entry);
  if (!content.ok() || content->int_or("seq", 0) != proved.seq)
    return refused("the entry has another number inside");
  proved.text = "entry " + std::to_string(proved.seq) + " is in the log " + note->origin +
                ", under the checkpoint of " + std::to_string(note->size) + " entries";
  return proved;
}

constexpr std::string_view kInclusion = "c2sp.org/tlog-proof@v1\n";
constexpr std::string_view kConsistency = "rabt.health/consistency-proof@v1\n";

Result<Proved> verify_consistency(std::string_view rest, const Vkey& key) {
  RABT_TRY(proof, take_hashes(rest));
  // Two notes: the text of each ends in an empty line, and so do the first one's signatures.
  auto end = rest.find("\n\n");
  if (end != std::string_view::npos) end = rest.find("\n\n", end + 2);
  if (end == std::string_view::npos) return bad_proof("it does not hold two checkpoints");
  const auto older = open_note(rest.substr(0, end + 1), key);
  const auto newer = open_note(rest.substr(end + 2), key);
  if (!older.ok()) return refused("its older checkpoint: " + older.error().message);
  if (!newer.ok()) return refused("its newer checkpoint: " + newer.error().message);
  if (!consistency_holds(static_cast<std::uint64_t>(older->size),
                         static_cast<std::uint64_t>(newer->size), proof, older->root,
                         newer->root)) {
    return refused("the log of " + std::to_string(newer->size) +
                   " entries does not begin with the one of " + std::to_string(older->size));
  }
  return Proved{.text = "the log " + newer->origin + " of " + std::to_string(newer->size) +
                        " entries begins with all " + std::to_string(older->size) +
                        " entries of the older checkpoint, unchanged"};
}

}  // namespace

Result<Proved> verify_proof(std::string_view file, const Vkey& key) {
  if (file.starts_with(kInclusion)) return verify_inclusion(file.substr(kInclusion.size()), key);
  if (file.starts_with(kConsistency))
    return verify_consistency(file.substr(kConsistency.size()), key);
  return bad_proof("its first line is neither " +
                   std::string(kInclusion.substr(0, kInclusion.size() - 1)) + " nor " +
                   std::string(kConsistency.substr(0, kConsistency.size() - 1)));
}

}  // namespace rabt::audit::check
