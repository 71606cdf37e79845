#include "hub/audit/verify.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <random>

#include "hub/audit/mac.hpp"
#include "hub/audit/tree.hpp"
#include "tests/audit/support.hpp"

namespace rabt::audit::verify_test {
namespace {

class AuditVerify : public Fixture {
 protected:
  // Problems after a change of the database, which is then restored.
  Texts after(const std::string& sql) {
    tamper(sql);
    Texts found = problems();
    restore();
    EXPECT_EQ(problems(), Texts{}) << sql;
    return found;
  }
  static bool any(const Texts& texts, const std::string& part) {
    return std::any_of(texts.begin(), texts.end(), [&](const std::string& text) {
      return text.find(part) != std::string::npos;
    });
  }
};

TEST_F(AuditVerify, FindsALookUpRowThatWouldHideEntriesFromReports) {
  write_log(600);
  save();
  const std::string tile = "tile 0/1 (entries 257 to 512): ";
  EXPECT_EQ(after("DELETE FROM audit_find WHERE tile = 1"),
            Texts{tile + "its look-up row is missing"});
  for (const char* set :
       {"from_ms = from_ms + 1", "to_ms = to_ms - 1", "keys = x''", "keys = substr(keys, 5)",
        "keys = substr(keys, 1, 1019) || x'00'", "keys = keys || x'00000000'"}) {
    EXPECT_EQ(after(std::string("UPDATE audit_find SET ") + set + " WHERE tile = 1"),
              Texts{tile + "its look-up row is not that of its entries"})
        << set;
  }
  for (const char* number : {"-1", "2"}) {
    EXPECT_EQ(after(std::string("INSERT INTO audit_find VALUES (") + number + ", 0, 1, x'', x'')"),
              Texts{std::string("look-up row of tile 0/") + number +
                    ": the log has not the entries for it"});
  }
}

TEST_F(AuditVerify, NamesTheEntryOfWhichAnyColumnWasChanged) {
  write_log(20);
  save();
  const auto changed = [&](const std::string& set) {
    return after("UPDATE audit SET " + set + " WHERE seq = 17");
  };
  const std::string content = "entry 17: its content does not match its hash";
  const std::string mac =
      "entry 17: its MAC does not follow from its content and the entry before it";
  EXPECT_EQ(changed("at_ms = at_ms + 1"),
            Texts{"entry 17: its at_ms column is not the time of its content"});
  for (const char* column : {"tenant", "act", "object", "patient"}) {
    EXPECT_EQ(changed(std::string(column) + " = 'x'"),
              Texts{std::string("entry 17: its ") + column + " column is not the " + column +
                    " of its content"});
  }
  for (const char* set : {"n = n + 1", "stream = 2"}) {
    EXPECT_EQ(changed(set), Texts{"entry 17: its content is that of number 17 of stream 1"});
  }
  EXPECT_EQ(changed("canonical = CAST(replace(CAST(canonical AS TEXT), 'instance:17', "
                    "'instance:18') AS BLOB)")
                .front(),
            content);
  EXPECT_EQ(changed("canonical = x''").front(), content);
  EXPECT_EQ(changed("leaf = zeroblob(32)").front(), content);
  EXPECT_EQ(changed("leaf = x''").front(), content);
  EXPECT_EQ(changed("mac = zeroblob(32)"), Texts{mac});
  EXPECT_EQ(changed("mac = x'00'"), Texts{mac});
  // Content and hash together, as a better informed person would.
  const std::string forged =
      R"({"act":"test.act","actor":"hub","at_ms":1773000000017,"n":17,"object":"instance:17","stream":1,"tenant":"acme","v":1})";
  const Texts found = changed("canonical = CAST('" + forged + "' AS BLOB), leaf = x'" +
                              to_hex(leaf_hash(forged)) + "'");
  EXPECT_EQ(found.front(), mac);
  EXPECT_TRUE(any(found, "entries 1 to 20: not those that were signed"));
}

TEST_F(AuditVerify, FindsEverySingleChangedByteOfAnEntry) {
  write_log(3);
  save();
  for (const char* column : {"canonical", "leaf", "mac"}) {
    const std::string bytes =
        ask(std::string("SELECT hex(") + column + ") FROM audit WHERE seq = 2");
    for (std::size_t at = 1; at < bytes.size(); at += 14) {
      std::string changed = bytes;
      changed[at] = changed[at] == '0' ? '1' : '0';
      tamper(std::string("UPDATE audit SET ") + column + " = x'" + changed + "' WHERE seq = 2");
      const auto found = problems();
      ASSERT_FALSE(found.empty()) << column << " byte " << at / 2;
      EXPECT_EQ(found.front().rfind("entry 2: ", 0), 0U) << found.front();
      restore();
    }
  }
}

TEST_F(AuditVerify, NamesRemovedEntriesWhereverTheyWere) {
  write_log(300);
  save();
  const auto without = [&](const std::string& where) {
    return after("DELETE FROM audit WHERE " + where);
  };
  EXPECT_EQ(without("seq = 1"), Texts{"entry 1 is missing"});
  EXPECT_EQ(without("seq = 17"), Texts{"entry 17 is missing"});
  EXPECT_EQ(without("seq BETWEEN 18 AND 20"), Texts{"entries 18 to 20 are missing"});
  EXPECT_EQ(without("seq = 256"), Texts{"entry 256 is missing"});
  EXPECT_EQ(without("seq = 300"), Texts{"entry 300 is missing"});
  EXPECT_EQ(without("seq > 258"), Texts{"entries 259 to 300 are missing"});
  EXPECT_EQ(without("seq IN (5, 9)"), (Texts{"entry 5 is missing", "entry 9 is missing"}));
  const Texts all = without("1");
  EXPECT_TRUE(any(all, "entries 1 to 300 are missing")) << testing::PrintToString(all);
  EXPECT_TRUE(any(without("seq BETWEEN 1 AND 290"), "entries 1 to 290 are missing"));
}

TEST_F(AuditVerify, NamesSwappedInsertedAndRenumberedEntries) {
  write_log(12);
  save();
  const auto swapped = after(
      "UPDATE audit SET seq = -1 WHERE seq = 5; UPDATE audit SET seq = 5 WHERE seq = 9; UPDATE "
      "audit SET seq = 9 WHERE seq = -1");
  EXPECT_EQ(swapped.front(), "entry 5: it is number 9 of stream 1, where number 5 belongs");
  EXPECT_TRUE(any(swapped, "entry 9: it is number 5 of stream 1, where number 9 belongs"));
  const std::string copy = "INSERT INTO audit SELECT ";
  const std::string rest =
      ", stream, n, at_ms, tenant, act, object, patient, canonical, leaf, mac FROM audit ";
  EXPECT_EQ(after(copy + "13" + rest + "WHERE seq = 7").front(),
            "entry 13: it is number 7 of stream 1, where number 13 belongs");
  EXPECT_EQ(after(copy + "0" + rest + "WHERE seq = 7"),
            Texts{"entry 0: numbers start at 1, this entry was inserted"});
  EXPECT_EQ(after(copy + "-9000000000" + rest + "WHERE seq = 7").size(), 1U);
  const Texts far = after(copy + "9000000000000000000" + rest + "WHERE seq = 7");
  EXPECT_TRUE(any(far, "entries 13 to 8999999999999999999 are missing"))
      << testing::PrintToString(far);
  EXPECT_TRUE(any(far, "entry 9000000000000000000: "));
  // A row put in the middle, the later ones moved up.
  const auto inserted = after(
      "UPDATE audit SET seq = -seq WHERE seq > 6; UPDATE audit SET seq = 1 - seq WHERE seq < 0; " +
      copy + "7" + rest + "WHERE seq = 3");
  EXPECT_EQ(inserted.front(), "entry 7: it is number 3 of stream 1, where number 7 belongs");
  // A row removed, the later ones moved down.
  const auto removed = after(
      "DELETE FROM audit WHERE seq = 6; UPDATE audit SET seq = -seq WHERE seq > 6; UPDATE audit "
      "SET seq = -seq - 1 WHERE seq < 0");
  EXPECT_EQ(removed.front(), "entry 6: it is number 7 of stream 1, where number 6 belongs");
  EXPECT_EQ(removed.back(), "entry 12 is missing");
}

TEST_F(AuditVerify, NamesTilesThatWereChangedRemovedOrAdded) {
  write_log(600);
  save();
  const auto tile = [&](const std::string& set, const std::string& where) {
    return after("UPDATE audit_tile SET " + set + " WHERE " + where);
  };
  const std::string second = "level = 0 AND number = 1";
  EXPECT_TRUE(any(tile("root = zeroblob(32)", second), "tile 0/1 (entries 257 to 512)"));
  EXPECT_TRUE(any(tile("hashes = zeroblob(8192)", second), "tile 0/1 (entries 257 to 512)"));
  EXPECT_TRUE(any(tile("hashes = x''", second), "tile 0/1 (entries 257 to 512)"));
  const Texts moved = tile("number = 900", second);
  EXPECT_TRUE(any(moved, "tile 0/1 (entries 257 to 512): it is missing"));
  EXPECT_TRUE(any(moved, "tile 0/900: the log has not the entries for it"));
  EXPECT_TRUE(any(tile("level = 9", second), "tile 9/1: the log has not"));
  EXPECT_EQ(after("DELETE FROM audit_tile WHERE number = 0"),
            Texts{"tile 0/0 (entries 1 to 256): it is missing"});
  // A tile that fits itself: its hashes and its root were made anew.
  const auto hashes = from_hex(ask("SELECT hex(hashes) FROM audit_tile WHERE " + second));
  std::vector<Digest> forged(256);
  for (std::size_t i = 0; i < forged.size(); ++i)
    std::copy_n(hashes->begin() + static_cast<std::ptrdiff_t>(i) * 32, 32, forged[i].begin());
  forged[7] = crypto::sha256("forged");
  std::string bytes;
  for (const Digest& hash : forged) bytes += to_hex(hash);
  const Texts found =
      tile("hashes = x'" + bytes + "', root = x'" + to_hex(fold(forged)) + "'", second);
  EXPECT_TRUE(any(found, "tile 0/1 (entries 257 to 512): its hash of entry 264 is another"))
      << testing::PrintToString(found);
}

TEST_F(AuditVerify, NamesTilesOfTheLevelsAbove) {
  open_log();
  const Prepared prepared = log_->prepare(entry(1));
  ASSERT_TRUE(store_
                  ->write([&](store::Transaction& transaction) -> Status {
                    for (int i = 0; i < 65'536 + 10; ++i)
                      RABT_TRY_STATUS(log_->append(transaction, prepared));
                    return ok_status();
                  })
                  .ok());
  close_log();
  tamper("UPDATE audit_tile SET hashes = zeroblob(8192) WHERE level = 1");
  EXPECT_EQ(problems(), Texts{"tile 1/0 (entries 1 to 65536): its root does not follow from its "
                              "hashes"});
  tamper("DELETE FROM audit_tile WHERE level = 1");
  EXPECT_EQ(problems(), Texts{"tile 1/0 (entries 1 to 65536): it is missing"});
}

TEST_F(AuditVerify, NamesCheckpointsThatWereChangedRemovedOrAdded) {
  write_log_in_parts({5, 5, 5});  // numbers 1 to 4: of 0, 5, 10, 15 entries
  save();
  const auto changed = [&](const std::string& set, int number = 3) {
    return after("UPDATE audit_checkpoint SET " + set +
                 " WHERE number = " + std::to_string(number));
  };
  EXPECT_TRUE(any(changed("size = 11"), "checkpoint at 11: its size column"));
  EXPECT_TRUE(any(changed("mac = x''"), "checkpoint at 10: its MAC"));
  EXPECT_TRUE(any(changed("note = replace(note, '10', '11')"),
                  "checkpoint at 10: its signature does not hold"));
  EXPECT_TRUE(any(changed("note = ''"), "checkpoint at 10: "));
  EXPECT_TRUE(any(changed("number = 9"), "checkpoint number 3 is missing"));
  EXPECT_TRUE(any(after("DELETE FROM audit_checkpoint WHERE number = 1"),
                  "checkpoint number 1 is missing"));
  EXPECT_TRUE(any(after("DELETE FROM audit_checkpoint WHERE number = 3"),
                  "checkpoint number 3 is missing"));
  EXPECT_TRUE(any(after("DELETE FROM audit_checkpoint WHERE number = 4"),
                  "checkpoint at 15: the file audit.checkpoint holds it"));
  EXPECT_TRUE(any(after("DELETE FROM audit_checkpoint"), "the file audit.checkpoint holds it"));
  EXPECT_TRUE(any(after("UPDATE audit_checkpoint SET number = -1 WHERE number = 2; UPDATE "
                        "audit_checkpoint SET number = 2 WHERE number = 3; UPDATE audit_checkpoint "
                        "SET number = 3 WHERE number = -1"),
                  "checkpoint at 5: it stands behind one of 10 entries"));
  // Removed, and the later ones moved down: only the MAC knows.
  EXPECT_TRUE(
      any(after("DELETE FROM audit_checkpoint WHERE number = 2; UPDATE audit_checkpoint SET "
                "number = number - 1 WHERE number > 2"),
          "checkpoint at 10: its MAC"));
  // Signed with the right key over another tree: a second history.
  const Checkpoint forged = Signer(kOrigin, test_seed()).sign(12, crypto::sha256("x"));
  tamper("INSERT INTO audit_checkpoint VALUES (5, 12, '" + forged.note + "', x'" +
         to_hex(checkpoint_mac(mac_key_.expose(), 5, forged.note)) + "')");
  const Texts found = problems();
  EXPECT_TRUE(any(found, "checkpoint at 12: it stands behind one of 15"));
  EXPECT_TRUE(any(found, "entries 11 to 12: not those that were signed (checkpoint at 12"));
}

TEST_F(AuditVerify, SaysSoWhenTheVerifierKeyIsMissingOrAnother) {
  write_log(5);
  const std::string key_file = folder_ + "/" + kVkeyFileName;
  VerifyOptions trusted;
  trusted.vkey = vkey();
  EXPECT_EQ(verified(trusted).problems, Texts{});
  trusted.vkey = Signer(kOrigin, test_mac_key()).vkey();
  EXPECT_TRUE(any(verified(trusted).problems, "checkpoint at 5: it is not signed by the key"));
  trusted.vkey = "nonsense";
  EXPECT_EQ(verify(*store_, folder_, trusted).error().code, "audit.vkey");
  // Somebody signed all anew and put the own key beside it: a key from elsewhere shows it.
  std::ofstream(key_file, std::ios::trunc) << Signer(kOrigin, test_mac_key()).vkey();
  EXPECT_FALSE(problems().empty());
  std::ofstream(key_file, std::ios::trunc) << "x";
  EXPECT_EQ(problems().front(), "the file audit.vkey is damaged: signatures cannot be checked");
  std::filesystem::remove(key_file);
  EXPECT_TRUE(any(problems(), "signatures were not checked"));
}

TEST_F(AuditVerify, ARangeReadsFewRowsAndStillProvesThem) {
  write_log_in_parts({300, 700, 900, 1100});
  save();
  const auto range = [&](std::int64_t first, std::int64_t last) {
    VerifyOptions options;
    options.mac_key = &mac_key_;
    options.first = first;
    options.last = last;
    return verified(options);
  };
  const Verification verification = range(600, 601);
  EXPECT_TRUE(verification.verified) << verification.problems.front();
  EXPECT_LT(verification.entries, 800U) << "the tile of the range, and the last one";
  EXPECT_EQ(verification.signed_size, 3'000);
  EXPECT_EQ(verification.head, range(1, 3'000).head);
  EXPECT_TRUE(range(1, 1).verified);
  EXPECT_TRUE(range(3'000, 3'000).verified);
  EXPECT_TRUE(range(9'000, 9'999).verified);
  tamper("UPDATE audit SET canonical = x'7b7d' WHERE seq = 900");
  EXPECT_TRUE(range(600, 601).verified) << "not in the range";
  EXPECT_FALSE(range(890, 910).verified);
  restore();
  tamper("DELETE FROM audit WHERE seq = 512");
  EXPECT_TRUE(any(range(500, 511).problems, "entry 512 is missing"));
  restore();
  // Row and tile rewritten alike: the root of the checkpoint does not come out.
  tamper("UPDATE audit_tile SET root = zeroblob(32) WHERE level = 0 AND number = 5");
  EXPECT_FALSE(range(1, 10).verified) << "the other tiles count as well";
}

TEST_F(AuditVerify, LimitsTheNumberOfProblems) {
  write_log(300);
  tamper("UPDATE audit SET mac = zeroblob(32)");
  const auto found = problems();
  EXPECT_EQ(found.size(), kMaxProblems + 1);
  EXPECT_NE(found.back().find("more problems"), std::string::npos);
}

// ---- a thousand tamperings

// Tampering by an attacker who can write the database and the folder, but has no keyring.
class Tampering : public AuditVerify {
 protected:
  static constexpr int kEntries = 700;

  int pick(int low, int high) { return std::uniform_int_distribution<int>(low, high)(random_); }
  std::string number(int value) { return std::to_string(value); }

  // The numbers in a problem: "entries 18 to 20 are missing" reaches from 18 to 20.
  static std::vector<std::pair<long, long>> places(const std::string& text, const char* letter,
                                                   const char* many) {
    std::vector<std::pair<long, long>> found;
    for (std::size_t at = 0; at < text.size(); ++at) {
      long first = 0;
      long last = 0;
      int used = 0;
      if (std::sscanf(text.c_str() + at, (std::string(many) + " %ld to %ld%n").c_str(), &first,
                      &last, &used) == 2) {
        found.emplace_back(first, last);
      } else if (std::sscanf(text.c_str() + at, (std::string(letter) + " %ld%n").c_str(), &first,
                             &used) == 1) {
        found.emplace_back(first, first);
      }
    }
    return found;
  }
  static bool located(const Texts& texts, const char* letter, const char* many, long place) {
    for (const std::string& text : texts) {
      for (const auto& [first, last] : places(text, letter, many)) {
        if (first <= place && place <= last) return true;
      }
    }
    return false;
  }

  // Everything from `seq` on made anew, as consistent as it can be without the keyring: contents,
  // hashes, tiles of every level. The MACs stay as they were.
  void rewrite_from(int seq) {
    ASSERT_TRUE(store_
                    ->write([&](store::Transaction& transaction) -> Status {
                      static constexpr store::Statement kAll{
                          "SELECT seq, canonical FROM audit ORDER BY seq"};
                      static constexpr store::Statement kSet{
                          "UPDATE audit SET canonical = $2, leaf = $3, object = $4 WHERE seq = $1"};
                      static constexpr store::Statement kNoTiles{"DELETE FROM audit_tile"};
                      std::vector<std::pair<std::int64_t, std::string>> rows;
                      RABT_TRY_STATUS(transaction.query(kAll, {}, [&](const store::Row& row) {
                        rows.emplace_back(row.integer(0), row.blob(1));
                        return true;
                      }));
                      RABT_TRY(dropped, transaction.execute(kNoTiles, {}));
                      (void)dropped;
                      Frontier frontier;
                      for (auto& [at, canonical] : rows) {
                        if (at >= seq) {
                          const auto old = canonical.find("instance:");
                          canonical.replace(old, 8, "forgery!");
                          const Digest leaf = leaf_hash(canonical);
                          const std::string object =
                              Json::parse(canonical)->string_or("object", "");
                          RABT_TRY(set, transaction.execute(kSet, {at, store::Blob{canonical},
                                                                   store::Blob{as_text(leaf)},
                                                                   std::string_view(object)}));
                          (void)set;
                        }
                        RABT_TRY_STATUS(frontier.push(transaction, leaf_hash(canonical)));
                      }
                      return ok_status();
                    })
                    .ok());
  }

  // Whether a reader that shares nothing with the hub finds the log whole.
  bool holds_for_others() {
    const char* source = std::getenv("RABT_SOURCE_DIR");
    const std::string command = "python3 '" + std::string(source != nullptr ? source : ".") +
                                "/tests/interop/audit_database.py' '" + database() + "' " +
                                to_hex(mac_key_.expose()) + " '" + checkpoint_file() + "' >'" +
                                folder_ + "/others' 2>&1";
    const int status = std::system(command.c_str());
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) <= 1) << content(folder_ + "/others");
    const std::string said = content(folder_ + "/others");
    EXPECT_EQ(said.find("Traceback"), std::string::npos) << said;
    return status == 0;
  }

  std::mt19937 random_;
};

TEST_F(Tampering, AThousandAreAllFoundAndLocated) {
  const char* seed_text = std::getenv("RABT_SEED");
  const char* runs_text = std::getenv("RABT_TAMPERINGS");
  const unsigned seed =
      seed_text != nullptr ? static_cast<unsigned>(std::stoul(seed_text)) : 20261121;
  const int runs = runs_text != nullptr ? std::stoi(runs_text) : 1'000;
  random_.seed(seed);
  write_log_in_parts({100, 1, 155, 30, 200, 14, 200});  // 700 entries, 8 checkpoints
  save();
  // An older copy, for the tampering that puts it back.
  const std::string older =
      "DELETE FROM audit WHERE seq > 286; DELETE FROM audit_tile WHERE level = 0 AND number > 0; "
      "DELETE FROM audit_checkpoint WHERE size > 286";
  ASSERT_EQ(ask("SELECT count(*) FROM audit_checkpoint WHERE size = 286"), "1");
  std::map<std::string, int> kinds;
  const bool foreign = std::system("python3 -c '' 2>/dev/null") == 0;
  EXPECT_TRUE(!foreign || holds_for_others());
  for (int run = 0; run < runs; ++run) {
    const int seq = pick(1, kEntries);
    const int other = seq == kEntries ? 1 : pick(seq + 1, kEntries);
    std::string kind;
    std::string sql;
    const char* letter = "entry";
    const char* many = "entries";
    long place = seq;
    const bool with_key =
        pick(0, 3) != 0;         // one in four is checked by somebody without the keyring
    bool only_with_key = false;  // what only the MAC chain shows
    const auto flip = [&](const std::string& table, const std::string& column,
                          const std::string& where) {
      std::string bytes = ask("SELECT hex(" + column + ") FROM " + table + " WHERE " + where);
      const auto at = static_cast<std::size_t>(pick(0, static_cast<int>(bytes.size()) - 1));
      char digit = bytes[at];
      while (digit == bytes[at]) digit = "0123456789ABCDEF"[pick(0, 15)];
      bytes[at] = digit;
      return "UPDATE " + table + " SET " + column + " = x'" + bytes + "' WHERE " + where;
    };
    const std::string at = "seq = " + number(seq);
    switch (pick(0, 18)) {
      case 0:
        kind = "edit content";
        sql = flip("audit", "canonical", at);
        break;
      case 1:
        kind = "edit leaf hash";
        sql = flip("audit", "leaf", at);
        break;
      case 2:
        kind = "edit MAC";
        sql = flip("audit", "mac", at);
        only_with_key = true;
        break;
      case 3: {
        kind = "edit column";
        const char* columns[] = {"tenant", "act", "object", "patient"};
        sql = std::string("UPDATE audit SET ") + columns[pick(0, 3)] + " = 'other' WHERE " + at;
        break;
      }
      case 4:
        kind = "edit time";
        sql = "UPDATE audit SET at_ms = at_ms + " + number(pick(1, 100'000)) + " WHERE " + at;
        break;
      case 5: {
        kind = "edit content and hash";
        std::string canonical = ask("SELECT CAST(canonical AS TEXT) FROM audit WHERE " + at);
        canonical.replace(canonical.find("\"ok\""), 4, "\"no\"");
        sql = "UPDATE audit SET canonical = CAST('" + canonical + "' AS BLOB), leaf = x'" +
              to_hex(leaf_hash(canonical)) + "' WHERE " + at;
        break;
      }
      case 6:
        kind = "delete";
        sql = "DELETE FROM audit WHERE " + at;
        break;
      case 7:
        kind = "delete a run";
        sql = "DELETE FROM audit WHERE seq BETWEEN " + number(seq) + " AND " +
              number(std::min(seq + pick(1, 300), kEntries));
        break;
      case 8:
        kind = "delete and close the gap";
        sql = "DELETE FROM audit WHERE " + at + "; UPDATE audit SET seq = -seq WHERE seq > " +
              number(seq) + "; UPDATE audit SET seq = -seq - 1 WHERE seq < 0";
        break;
      case 9:
        kind = "insert";
        sql = "UPDATE audit SET seq = -seq WHERE seq >= " + number(seq) +
              "; UPDATE audit SET seq = 1 - seq WHERE seq < 0; INSERT INTO audit SELECT " +
              number(seq) +
              ", stream, n, at_ms, tenant, act, object, patient, canonical, leaf, mac FROM saved "
              "WHERE seq = " +
              number(other);
        break;
      case 10:
        kind = "reorder";
        sql = "UPDATE audit SET seq = -1 WHERE seq = " + number(seq) +
              "; UPDATE audit SET seq = " + number(seq) + " WHERE seq = " + number(other) +
              "; UPDATE audit SET seq = " + number(other) + " WHERE seq = -1";
        break;
      case 11:
        kind = "cut";
        sql = "DELETE FROM audit WHERE seq >= " + number(seq);
        break;
      case 12:
        kind = "cut with tiles and checkpoints";
        sql = "DELETE FROM audit WHERE seq >= " + number(seq) +
              "; DELETE FROM audit_tile WHERE (number + 1) * 256 >= " + number(seq) +
              "; DELETE FROM audit_find WHERE (tile + 1) * 256 >= " + number(seq) +
              "; DELETE FROM audit_checkpoint WHERE size >= " + number(seq);
        break;
      case 13:
        kind = "older copy";
        sql = older;
        place = 287;
        break;
      case 14: {
        kind = "swap tenants";
        std::string canonical = ask("SELECT CAST(canonical AS TEXT) FROM audit WHERE " + at);
        canonical.replace(canonical.find("\"acme\""), 6, "\"emca\"");
        sql = "UPDATE audit SET tenant = 'emca', canonical = CAST('" + canonical +
              "' AS BLOB), leaf = x'" + to_hex(leaf_hash(canonical)) + "' WHERE " + at;
        break;
      }
      case 15: {
        kind = "edit tile";
        const int tile = pick(0, 1);
        sql = flip("audit_tile", pick(0, 4) == 0 ? "root" : "hashes",
                   "level = 0 AND number = " + number(tile));
        letter = "tile 0/";
        many = "(entries";
        place = tile * 256 + 1;
        break;
      }
      case 16: {
        kind = "edit checkpoint";
        const int row = pick(1, 8);
        const std::string size =
            ask("SELECT size FROM audit_checkpoint WHERE number = " + number(row));
        place = std::stol(size);
        letter = "checkpoint at";
        many = "checkpoint at";
        if (pick(0, 1) == 0) {
          const auto text =
              ask("SELECT hex(note) FROM audit_checkpoint WHERE number = " + number(row));
          auto note = from_hex(text).value();
          const auto byte = static_cast<std::size_t>(pick(0, static_cast<int>(note.size()) - 1));
          note[byte] = static_cast<std::uint8_t>(note[byte] ^ 1U);
          sql = "UPDATE audit_checkpoint SET note = CAST(x'" + to_hex(note) +
                "' AS TEXT) WHERE number = " + number(row);
        } else {
          sql = "DELETE FROM audit_checkpoint WHERE number = " + number(row);
          place = row == 8 ? place : row;
          if (row != 8) letter = many = "checkpoint number";
        }
        break;
      }
      case 17: {
        kind = "edit look-up row";
        const int tile = pick(0, 1);
        const std::string of = "tile = " + number(tile);
        const char* columns[] = {"from_ms", "to_ms"};
        sql = pick(0, 1) == 0 ? flip("audit_find", "keys", of)
                              : std::string("UPDATE audit_find SET ") + columns[pick(0, 1)] +
                                    " = 0 WHERE " + of;
        letter = "tile 0/";
        many = "(entries";
        place = tile * 256 + 1;
        break;
      }
      default:
        kind = "rewrite a suffix";
        break;
    }
    if (kind == "rewrite a suffix") {
      rewrite_from(seq);
    } else {
      tamper("BEGIN; " + sql + "; COMMIT");
    }
    const bool keyed = with_key || only_with_key;
    const Texts found = keyed ? problems() : problems_without_key();
    ++kinds[kind];
    if (kinds[kind] == 1 && foreign) {
      EXPECT_FALSE(holds_for_others()) << "not found by the reader in Python: " << kind;
    }
    ASSERT_FALSE(found.empty()) << "not found: " << kind << " at " << place << ", run " << run
                                << ", seed " << seed;
    Texts exact = found;
    // With the keyring an entry is named itself, not only the checkpoints between which it lies.
    if (keyed && letter == std::string("entry")) {
      std::erase_if(exact, [](const std::string& text) {
        return text.find("not those that were signed") != std::string::npos;
      });
    }
    ASSERT_TRUE(located(exact, letter, many, place))
        << "not located: " << kind << " at " << place << ", run " << run << ", seed " << seed
        << (keyed ? "" : ", without the keyring") << "\n"
        << testing::PrintToString(found);
    restore();
  }
  EXPECT_EQ(problems(), Texts{});
  std::printf("%d tamperings, all found and located (seed %u):", runs, seed);
  for (const auto& [kind, count] : kinds) std::printf(" %s %d,", kind.c_str(), count);
  std::printf("\n");
}

}  // namespace
}  // namespace rabt::audit::verify_test
