#include "hub/audit/proof.hpp"

#include <gtest/gtest.h>

#include <cstdio>

#include "hub/audit/tree.hpp"
#include "tests/audit/support.hpp"
#include "tests/vector_files.hpp"

namespace rabt::audit::proof_test {
namespace {

// ---- third-party vectors: proofs of RFC 6962 trees, good and bad (transparency-dev/merkle)

// Roots and leaf hashes of some vectors have not 32 bytes. They are compared as what they are.
Digest digest_of(const Json& base64) {
  const auto bytes = from_base64(base64.is_string() ? base64.as_string() : "");
  Digest out{};
  if (bytes && bytes->size() == out.size()) {
    std::copy(bytes->begin(), bytes->end(), out.begin());
    return out;
  }
  return crypto::sha256("not 32 bytes: " + (base64.is_string() ? base64.as_string() : ""));
}

struct Proof {
  std::vector<Digest> hashes;
  bool sound = true;  // every hash has 32 bytes
};
Proof proof_of(const Json& item) {
  Proof proof;
  if (!item["proof"].is_array()) return proof;
  for (const Json& hash : item["proof"].as_array()) {
    const auto bytes = from_base64(hash.as_string());
    proof.sound = proof.sound && bytes && bytes->size() == 32;
    proof.hashes.push_back(digest_of(hash));
  }
  return proof;
}

std::uint64_t number_of(const Json& item, const char* name) {
  return std::stoull(item[name].number_text());
}

TEST(MerkleVectors, VerifierAgreesWithEveryProofOfTheFolder) {
  const char* data = std::getenv("RABT_CONFORMANCE_DATA");
  if (data == nullptr) GTEST_SKIP() << "set RABT_CONFORMANCE_DATA to run third-party vectors";
  int inclusion = 0;
  int consistency = 0;
  int good = 0;
  test::VectorFiles files(std::string(data) + "/vectors/merkle");
  for (const auto& file : files.all()) {
    if (file.extension() != ".json") continue;
    const auto one = Json::parse(content(file));
    ASSERT_TRUE(one.ok()) << file;
    const Proof proof = proof_of(*one);
    bool holds = false;
    if (one->find("leafIdx") != nullptr && one->find("treeSize") != nullptr) {
      ++inclusion;
      const Json& leaf = (*one)["leafHash"];
      holds = proof.sound && leaf.is_string() && from_base64(leaf.as_string())->size() == 32 &&
              inclusion_holds(digest_of(leaf), number_of(*one, "leafIdx"),
                              number_of(*one, "treeSize"), proof.hashes, digest_of((*one)["root"]));
    } else if (one->find("size1") != nullptr && one->find("size2") != nullptr) {
      ++consistency;
      holds = proof.sound &&
              consistency_holds(number_of(*one, "size1"), number_of(*one, "size2"), proof.hashes,
                                digest_of((*one)["root1"]), digest_of((*one)["root2"]));
    } else {
      ADD_FAILURE() << file << " is of a kind that this test does not know";
      continue;
    }
    files.judged(file);
    good += holds ? 1 : 0;
    EXPECT_EQ(holds, !one->bool_or("wantErr", false)) << file << ": " << one->string_or("desc", "");
  }
  std::printf("merkle: %d inclusion and %d consistency proofs agree, %d of them good\n", inclusion,
              consistency, good);
  EXPECT_GT(inclusion, 0);
  EXPECT_GT(consistency, 0);
}

// The leaves of these vectors are those of the tests of Certificate Transparency.
class Leaves : public Fixture {
 protected:
  void SetUp() override {
    const std::vector<std::string> leaves = {"",
                                             "00",
                                             "10",
                                             "2021",
                                             "3031",
                                             "40414243",
                                             "5051525354555657",
                                             "606162636465666768696a6b6c6d6e6f"};
    ASSERT_TRUE(
        store_
            ->write([&](store::Transaction& transaction) -> Status {
              Frontier frontier;
              std::int64_t seq = 0;
              for (const std::string& leaf : leaves) {
                static constexpr store::Statement kRow{
                    "INSERT INTO audit (seq, stream, n, at_ms, tenant, act, object, patient, "
                    "canonical, leaf, mac) VALUES ($1, 1, $1, 0, '', '', '', '', x'', $2, x'')"};
                const Digest hash = leaf_hash(as_text(*from_hex(leaf)));
                RABT_TRY(rows, transaction.execute(kRow, {++seq, store::Blob{as_text(hash)}}));
                (void)rows;
                RABT_TRY_STATUS(frontier.push(transaction, hash));
              }
              root_ = frontier.root();
              return ok_status();
            })
            .ok());
  }
  Digest root_{};
};

TEST_F(Leaves, OurProofsAreThoseOfTheVectors) {
  EXPECT_EQ(to_hex(root_), "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328");
  const char* data = std::getenv("RABT_CONFORMANCE_DATA");
  if (data == nullptr) GTEST_SKIP() << "set RABT_CONFORMANCE_DATA to run third-party vectors";
  int compared = 0;
  for (const auto& file :
       std::filesystem::recursive_directory_iterator(std::string(data) + "/vectors/merkle")) {
    if (file.path().filename() != "happy-path.json") continue;
    const auto one = Json::parse(content(file.path()));
    ASSERT_TRUE(one.ok());
    const bool inclusion = one->find("leafIdx") != nullptr;
    const std::int64_t size = one->int_or(inclusion ? "treeSize" : "size2", 0);
    if (size < 1 || size > 8) continue;
    ASSERT_TRUE(
        store_
            ->read([&](store::Connection& connection) -> Status {
              TreeView view(connection, size);
              EXPECT_EQ(view.root().value(), digest_of((*one)[inclusion ? "root" : "root2"]))
                  << file.path();
              const auto proof = inclusion ? view.inclusion(one->int_or("leafIdx", 0))
                                           : view.consistency(one->int_or("size1", 1));
              EXPECT_TRUE(proof.ok());
              EXPECT_EQ(*proof, proof_of(*one).hashes) << file.path();
              ++compared;
              return ok_status();
            })
            .ok());
  }
  EXPECT_GT(compared, 3);
}

// ---- proofs of our own logs

class Proofs : public Fixture {
 protected:
  void SetUp() override {
    write_log_in_parts({1, 1, 5, 120, 129, 1, 3, 252, 88});
    reader_ = open_reader();
    key_ = parse_vkey(vkey()).value();
  }
  std::string entry_proof(std::int64_t seq, std::int64_t size = 0) {
    const auto proof = prove_entry(*reader_, seq, size);
    EXPECT_TRUE(proof.ok()) << proof.error().message;
    return proof.ok() ? *proof : std::string();
  }
  std::unique_ptr<store::Connection> reader_;
  Vkey key_;
  const std::vector<std::int64_t> sizes_ = {1, 2, 7, 127, 256, 257, 260, 512, 600};
};

TEST_F(Proofs, EveryEntryIsProvenForEveryCheckpointThatCoversIt) {
  for (const std::int64_t size : sizes_) {
    for (std::int64_t seq = 1; seq <= size; seq += size > 100 ? 37 : 1) {
      const auto proved = verify_proof(entry_proof(seq, size), key_);
      ASSERT_TRUE(proved.ok()) << proved.error().message << " " << seq << " of " << size;
      EXPECT_EQ(proved->seq, seq);
      EXPECT_EQ(Json::parse(proved->entry)->int_or("n", 0), seq);
      EXPECT_NE(proved->text.find(std::to_string(size) + " entries"), std::string::npos);
    }
  }
}

TEST_F(Proofs, EveryPairOfCheckpointsIsConsistent) {
  for (const std::int64_t from : sizes_) {
    for (const std::int64_t to : sizes_) {
      const auto proof = prove_consistency(*reader_, from, to);
      if (to < from) {
        EXPECT_EQ(proof.error().code, "audit.sizes");
        continue;
      }
      ASSERT_TRUE(proof.ok()) << proof.error().message;
      const auto proved = verify_proof(*proof, key_);
      EXPECT_TRUE(proved.ok()) << from << " " << to << " " << proved.error().message;
    }
  }
}

TEST_F(Proofs, WhatWasNotSignedCannotBeProven) {
  EXPECT_EQ(prove_entry(*reader_, 601).error().code, "audit.entry");
  EXPECT_EQ(prove_entry(*reader_, 0).error().code, "audit.entry");
  EXPECT_EQ(prove_entry(*reader_, 300, 256).error().code, "audit.not_signed");
  const auto unsigned_size = prove_entry(*reader_, 3, 100);
  EXPECT_EQ(unsigned_size.error().code, "audit.not_signed");
  EXPECT_NE(unsigned_size.error().message.find("the next is of 127"), std::string::npos);
  EXPECT_EQ(prove_consistency(*reader_, 0, 7).error().code, "audit.sizes");
  EXPECT_EQ(prove_consistency(*reader_, 3, 7).error().code, "audit.not_signed");
}

TEST_F(Proofs, AChangedProofIsRefusedWhateverByteWasChanged) {
  const std::vector<std::string> files = {entry_proof(200, 260),
                                          prove_consistency(*reader_, 127, 260).value()};
  for (const std::string& file : files) {
    ASSERT_TRUE(verify_proof(file, key_).ok());
    for (std::size_t at = 0; at < file.size(); ++at) {
      std::string changed = file;
      changed[at] = changed[at] == 'A' ? 'B' : 'A';
      EXPECT_FALSE(verify_proof(changed, key_).ok()) << at << "\n" << changed;
      EXPECT_FALSE(verify_proof(file.substr(0, at), key_).ok()) << at;
    }
    EXPECT_FALSE(verify_proof(file + "A", key_).ok());
    EXPECT_FALSE(verify_proof(file + file, key_).ok());
    const auto other = parse_vkey(Signer(kOrigin, test_mac_key()).vkey());
    EXPECT_FALSE(verify_proof(file, *other).ok()) << "another key of the same name";
    EXPECT_FALSE(verify_proof(file, renamed(key_, "rabt.example/other")).ok());
  }
}

TEST_F(Proofs, ATrueEntryUnderAnotherNumberIsRefused) {
  std::string file = entry_proof(200, 260);
  const auto at = file.find("index 199");
  file.replace(at, 9, "index 198");
  EXPECT_EQ(verify_proof(file, key_).error().code, "audit.proof_refused");
}

TEST(Vkey, ReadsWhatIsAKeyAndNothingElse) {
  // The example of C2SP signed-note.
  const std::string example =
      "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
  ASSERT_TRUE(parse_vkey(example).ok());
  EXPECT_TRUE(parse_vkey(example + "\n").ok());
  for (std::size_t at = 0; at < example.size(); ++at) {
    std::string changed = example;
    changed[at] = changed[at] == 'b' ? 'c' : 'b';
    EXPECT_FALSE(parse_vkey(changed).ok()) << changed;
    EXPECT_FALSE(parse_vkey(example.substr(0, at)).ok());
  }
}

TEST(Note, ReadsSignaturesOfOthersPastAndWantsItsOwn) {
  const Signer ours(kOrigin, test_seed());
  const Signer witness("witness.example/w", test_mac_key());
  const Vkey key = parse_vkey(ours.vkey()).value();
  const Checkpoint checkpoint = ours.sign(7, crypto::sha256("x"));
  const std::string text = checkpoint.note.substr(0, checkpoint.note.find("\n\n") + 2);
  const std::string ours_line = checkpoint.note.substr(text.size());
  const std::string other_line = "\xe2\x80\x94 witness.example/w " + to_base64(Bytes(72, 7)) + "\n";
  for (const std::string& note :
       {checkpoint.note, checkpoint.note + other_line, text + other_line + ours_line}) {
    EXPECT_TRUE(ours.open(note).ok());
    EXPECT_TRUE(open_note(note, key).ok());
  }
  for (const std::string& note :
       {text, text + other_line, checkpoint.note + "x", text + ours_line.substr(0, 20),
        std::string("x") + checkpoint.note, text + "- " + ours_line.substr(4),
        checkpoint.note + "\n",
        // The right name and key id over another text.
        ours.sign(8, crypto::sha256("x")).note.substr(0, text.size()) + ours_line}) {
    EXPECT_FALSE(ours.open(note).ok()) << note;
    EXPECT_FALSE(open_note(note, key).ok()) << note;
  }
  const Checkpoint extended = ours.sign(7, crypto::sha256("x"));
  EXPECT_EQ(ours.open(extended.note).value(), extended);
}

}  // namespace
}  // namespace rabt::audit::proof_test
