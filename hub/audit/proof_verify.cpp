#include <algorithm>

#include "hub/audit/note.hpp"
#include "hub/audit/proof.hpp"
#include "hub/audit/tree.hpp"

namespace rabt::audit {

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

namespace {

// Two for each level of a tree of 2^63 entries.
constexpr std::size_t kMaxProofHashes = 128;

Error bad_proof(const std::string& why) {
  return invalid("audit.proof", "this is no proof file: " + why);
}
Error refused(const std::string& why) {
  return corrupt("audit.proof_refused", "the proof does not hold: " + why);
}

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
  if (!index_text || !to_count(*index_text, index)) return bad_proof("it has no line `index`");
  RABT_TRY(proof, take_hashes(rest));
  const auto note = open_note(rest, key);
  if (!note.ok()) return refused("its checkpoint: " + note.error().message);
  if (!inclusion_holds(leaf_hash(as_text(*entry)), static_cast<std::uint64_t>(index),
                       static_cast<std::uint64_t>(note->size), proof, note->root)) {
    return refused("this entry is not number " + std::to_string(index + 1) +
                   " of the log that the checkpoint names");
  }
  Proved proved{.entry = std::string(as_text(*entry)), .seq = index + 1};
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

}  // namespace rabt::audit
