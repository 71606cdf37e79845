#include <gtest/gtest.h>

#include <chrono>

#include "hub/audit/audit_log.hpp"
#include "hub/audit/mac.hpp"
#include "hub/audit/tree.hpp"
#include "hub/crypto/crypto.hpp"
#include "tests/audit/support.hpp"
#include "tests/eventually.hpp"

namespace rabt::audit::audit_test {
namespace {

using Audit = Fixture;

TEST_F(Audit, CanonicalBytesAreSortedCompactJsonWithNumberAndTimeInside) {
  open_log();
  EXPECT_TRUE(store_
                  ->write([&](store::Transaction& transaction) {
                    return log_->append(transaction,
                                        log_->prepare({"acme", "hub", "a.b", "o:1", "ok",
                                                       Json::object({{"z", 1}, {"a", "\n"}})}));
                  })
                  .ok());
  const std::string canonical = ask("SELECT CAST(canonical AS TEXT) FROM audit WHERE seq = 1");
  EXPECT_EQ(
      canonical,
      R"({"act":"a.b","actor":"hub","at_ms":1773000000000,"detail":{"a":"\n","z":1},"n":1,"object":"o:1","result":"ok","stream":1,"tenant":"acme","v":1})");
  EXPECT_EQ(canonical, Json::parse(canonical)->dump_sorted());
  const Prepared full =
      log_->prepare({"t", "a", "b", "o", "r", Json::object(), "p", "TREAT", "c", "q", "s"});
  EXPECT_EQ(full.canonical.substr(full.stream_at), R"(,"tenant":"t","v":1})");
  EXPECT_EQ(
      full.canonical.substr(full.n_at, full.stream_at - full.n_at),
      R"(,"object":"o","patient":"p","purpose":"TREAT","request":"q","result":"r","sealed":"s","stream":)");
  EXPECT_EQ(full.canonical.substr(0, full.n_at),
            R"({"act":"b","actor":"a","at_ms":1773000000000,"client":"c","detail":{},"n":)");
  EXPECT_EQ(log_->prepare({}).canonical, R"({"at_ms":1773000000000,"n":,"stream":,"v":1})");
}

TEST_F(Audit, AnEntryIsAlwaysJsonWhateverBytesItIsMadeOf) {
  open_log();
  Entry odd = entry(1);
  odd.client = "a\xff\x01\"b";
  odd.request = std::string("\xed\xa0\x80", 3);
  EXPECT_TRUE(store_
                  ->write([&](store::Transaction& transaction) {
                    return log_->append(transaction, log_->prepare(odd));
                  })
                  .ok());
  const auto content = Json::parse(ask("SELECT CAST(canonical AS TEXT) FROM audit WHERE seq = 1"));
  ASSERT_TRUE(content.ok());
  EXPECT_EQ(content->string_or("client", ""), "a?\x01\"b");
  EXPECT_EQ(content->string_or("request", ""), "???");
  close_log();
  EXPECT_EQ(problems(), Texts{});
}

TEST_F(Audit, ADetailAtTheLimitStaysAndOnePastItBecomesItsDigest) {
  open_log();
  const auto detail_of = [&](std::size_t size) {
    Entry one = entry(1);
    one.detail = Json::object({{"x", std::string(size - 8, 'y')}});
    const Prepared prepared = log_->prepare(one);
    std::string text = prepared.canonical;
    text.insert(prepared.stream_at, "1").insert(prepared.n_at, "1");
    return (*Json::parse(text))["detail"];
  };
  EXPECT_EQ(detail_of(kMaxDetailBytes)["x"].as_string().size(), kMaxDetailBytes - 8);
  const Json digest = detail_of(kMaxDetailBytes + 1);
  EXPECT_EQ(digest.int_or("bytes", 0), static_cast<std::int64_t>(kMaxDetailBytes + 1));
  EXPECT_EQ(digest.string_or("sha256", "").size(), 64U);
}

TEST_F(Audit, AnEntryLongerThanTwoBytesCanSayFailsItsAct) {
  open_log();
  const auto write = [&](std::size_t size) {
    Entry one = entry(1);
    one.sealed.assign(size, 'A');
    return store_->write([&](store::Transaction& transaction) {
      return log_->append(transaction, log_->prepare(one));
    });
  };
  const std::size_t room = kMaxEntryBytes - log_->prepare(entry(1)).canonical.size() - 2 -
                           std::string_view(R"(,"sealed":"")").size();
  EXPECT_TRUE(write(room).ok());
  const Status refused = write(room + 1);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, "audit.too_large");
  close_log();
  EXPECT_EQ(problems(), Texts{});
  EXPECT_EQ(ask("SELECT count(*) FROM audit"), "1");
}

TEST_F(Audit, MatchesTheWorkedBytesOfTheFormatDocument) {
  const std::string document =
      content(std::string(std::getenv("RABT_SOURCE_DIR") != nullptr ? std::getenv("RABT_SOURCE_DIR")
                                                                    : ".") +
              "/docs/formats/audit_log.md");
  ASSERT_FALSE(document.empty());
  const auto stands = [&](const std::string& bytes) {
    EXPECT_NE(document.find(bytes), std::string::npos) << bytes;
  };
  clock_.set({1'773'000'000'000});
  open_log();
  for (const char* act : {"hub.started", "hub.stopped", "hub.started"}) {
    EXPECT_TRUE(store_
                    ->write([&](store::Transaction& transaction) {
                      return log_->append(transaction,
                                          log_->prepare({"", "node:hub", act, "", "ok", Json()}));
                    })
                    .ok());
  }
  close_log();
  for (const char* seq : {"1", "2", "3"}) {
    const std::string where = std::string(" FROM audit WHERE seq = ") + seq;
    stands(ask("SELECT CAST(canonical AS TEXT)" + where));
    stands(ask("SELECT lower(hex(leaf))" + where));
    stands(ask("SELECT lower(hex(mac))" + where));
  }
  stands(ask("SELECT note FROM audit_checkpoint WHERE number = 1"));
  stands(ask("SELECT note FROM audit_checkpoint WHERE number = 2"));
  stands(ask("SELECT lower(hex(mac)) FROM audit_checkpoint WHERE number = 2"));
  stands(vkey());
  stands(to_hex(Signer(kOrigin, test_seed()).open(content(checkpoint_file()))->root));
}

TEST_F(Audit, NumbersDenselyFromOneAndGoesOnAfterARestart) {
  write_log(3);
  store_.reset();
  open_store();
  write_log(2);
  const auto found = verified({});
  EXPECT_TRUE(found.verified) << found.problems.front();
  EXPECT_EQ(found.entries, 5U);
  EXPECT_EQ(found.size, 5);
  EXPECT_EQ(found.signed_size, 5);
  EXPECT_EQ(found.head.size(), 64U);
  EXPECT_FALSE(found.macs_checked);
}

TEST_F(Audit, AnEmptyLogVerifiesAndItsFirstCheckpointIsOfNoEntries) {
  EXPECT_EQ(problems(), Texts{});
  open_log();
  close_log();
  EXPECT_EQ(problems(), Texts{});
  const auto first = Signer(kOrigin, test_seed()).open(content(checkpoint_file()));
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(first->size, 0);
  EXPECT_EQ(first->root, crypto::sha256(""));
}

TEST_F(Audit, EntriesOfUndoneJobsLeaveNoGapAtAnyPlaceOfATile) {
  open_log();
  int written = 0;
  for (int i = 1; i <= 1'100; ++i) {
    const bool fails = i % 3 == 0 || (i > 330 && i < 350);
    written += fails ? 0 : 1;
    store_->submit(store::Store::Need::required, append(i, fails), [](const Status&) {});
  }
  EXPECT_FALSE(store_->write(append(41, true)).ok());
  EXPECT_TRUE(store_->write(append(42)).ok());
  close_log();
  VerifyOptions options;
  options.mac_key = &mac_key_;
  const auto found = verified(options);
  EXPECT_TRUE(found.verified) << found.problems.front();
  EXPECT_EQ(found.entries, static_cast<std::uint64_t>(written) + 1);
  EXPECT_EQ(ask("SELECT count(*) FROM audit_tile"), std::to_string((written + 1) / 256));
}

TEST_F(Audit, TwoEntriesOfOneActAreUndoneTogether) {
  open_log();
  add(254);
  const auto two = [&](bool fail) {
    return store_->write([&](store::Transaction& transaction) -> Status {
      RABT_TRY_STATUS(log_->append(transaction, log_->prepare(entry(1))));
      RABT_TRY_STATUS(log_->append(transaction, log_->prepare(entry(2))));
      RABT_TRY_STATUS(log_->append(transaction, log_->prepare(entry(3))));
      return fail ? Status(invalid("test.no", "no")) : ok_status();
    });
  };
  EXPECT_FALSE(two(true).ok());
  EXPECT_EQ(ask("SELECT count(*) FROM audit_tile"), "0");
  EXPECT_TRUE(two(false).ok());
  EXPECT_EQ(ask("SELECT count(*) FROM audit_tile"), "1");
  close_log();
  EXPECT_EQ(problems(), Texts{});
}

TEST_F(Audit, TilesOfEveryLevelAreWrittenWhenTheyAreFull) {
  open_log();
  const Prepared prepared = log_->prepare(entry(1));
  constexpr int kEntries = 65'536 + 300;
  EXPECT_TRUE(store_
                  ->write([&](store::Transaction& transaction) -> Status {
                    for (int i = 0; i < kEntries; ++i)
                      RABT_TRY_STATUS(log_->append(transaction, prepared));
                    return ok_status();
                  })
                  .ok());
  EXPECT_EQ(ask("SELECT group_concat(n) FROM (SELECT level || ':' || count(*) AS n FROM audit_tile "
                "GROUP BY level ORDER BY level)"),
            "0:257,1:1");
  close_log();
  EXPECT_EQ(problems(), Texts{});
  write_log(1);
  EXPECT_EQ(problems(), Texts{});
}

TEST_F(Audit, CanBeVerifiedFromTheFileWhileTheHubRuns) {
  open_log();
  add(1);
  const auto found = verify_file(database(), folder_);
  ASSERT_TRUE(found.ok()) << found.error().message;
  EXPECT_TRUE(found->verified) << found->problems.front();
  EXPECT_EQ(found->entries, 1U);
  EXPECT_FALSE(verify_file(folder_ + "/none.db", folder_).ok());
}

// ---- what open finds

TEST_F(Audit, DoesNotOpenOnRowsThatDoNotHoldTogether) {
  write_log(5);
  save();
  for (const char* sql :
       {"UPDATE audit SET canonical = CAST('{}' AS BLOB) WHERE seq = 4",
        "UPDATE audit SET leaf = zeroblob(32) WHERE seq = 4",
        "UPDATE audit SET mac = zeroblob(32) WHERE seq = 4",
        "UPDATE audit SET mac = x'' WHERE seq = 4", "DELETE FROM audit WHERE seq = 4"}) {
    tamper(sql);
    EXPECT_EQ(opens(), "audit.broken") << sql;
    EXPECT_NE(message_.find("entry 4"), std::string::npos) << message_;
    restore();
    EXPECT_EQ(opens(), "ok");
  }
}

TEST_F(Audit, DoesNotOpenOnACutLogAndKeepsTheEvidence) {
  write_log(5);
  const std::string kept = content(checkpoint_file());
  tamper("DELETE FROM audit WHERE seq > 3");
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(opens(), "audit.cut");
    EXPECT_NE(message_.find("ends at entry 3"), std::string::npos) << message_;
    EXPECT_NE(message_.find("names 5 entries"), std::string::npos) << message_;
  }
  EXPECT_EQ(content(checkpoint_file()), kept);
  EXPECT_EQ(problems(), Texts{"entries 4 to 5 are missing"});
}

TEST_F(Audit, NamesAnOlderDatabaseThatWasPutInPlace) {
  write_log(5);
  store_.reset();
  std::filesystem::copy(database(), folder_ + "/older.db");
  open_store();
  write_log(4);
  store_.reset();
  std::filesystem::rename(folder_ + "/older.db", database());
  for (const char* suffix : {"-wal", "-shm"}) std::filesystem::remove(database() + suffix);
  open_store();
  EXPECT_EQ(opens(), "audit.old_database");
  EXPECT_NE(message_.find("ends at entry 5"), std::string::npos) << message_;
  EXPECT_NE(message_.find("names 9 entries"), std::string::npos) << message_;
  const Texts found = problems();
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[1], "entries 6 to 9 are missing");
}

TEST_F(Audit, DoesNotOpenOnAnotherLogOfTheSameLength) {
  write_log(3);
  store_.reset();
  std::filesystem::rename(checkpoint_file(), folder_ + "/kept");
  for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(database() + suffix);
  open_store();
  clock_.advance_ms(1000);
  write_log(4);
  std::filesystem::rename(folder_ + "/kept", checkpoint_file());
  EXPECT_EQ(opens(), "audit.rewritten");
  EXPECT_FALSE(problems().empty());
}

TEST_F(Audit, DoesNotOpenWhenTheCheckpointFileWasRemovedOrDamaged) {
  write_log(3);
  const std::string kept = content(checkpoint_file());
  std::filesystem::remove(checkpoint_file());
  EXPECT_EQ(opens(), "audit.checkpoint_missing");
  EXPECT_EQ(problems(), Texts{"the file audit.checkpoint is missing: whether entries were cut off "
                              "at the end cannot be told"});
  tamper("DELETE FROM audit_checkpoint");
  EXPECT_EQ(opens(), "audit.checkpoint_missing");
  for (std::string text : {std::string(), std::string("x"), kept.substr(0, kept.size() - 1),
                           kept.substr(1), kept + "x", kept + kept}) {
    std::ofstream(checkpoint_file(), std::ios::trunc) << text;
    EXPECT_NE(opens(), "ok") << text;
    EXPECT_FALSE(problems().empty());
  }
  // No name of another log, since nobody signed it.
  std::ofstream(checkpoint_file(), std::ios::trunc) << "junk\n3\nx\n";
  EXPECT_EQ(opens(), "audit.checkpoint_damaged");
}

TEST_F(Audit, ACrashBetweenTheFirstRowAndTheFirstFileIsNoFinding) {
  open_log();
  close_log();
  const std::string first = content(checkpoint_file());
  std::filesystem::remove(checkpoint_file());
  EXPECT_EQ(opens(), "ok");
  EXPECT_EQ(content(checkpoint_file()), first);
  write_log(1);
  std::filesystem::remove(checkpoint_file());
  EXPECT_EQ(opens(), "audit.checkpoint_missing");
}

TEST_F(Audit, DoesNotOpenWhenCheckpointsWereRemovedFromTheTable) {
  write_log_in_parts({3, 3});
  save();
  for (const char* sql :
       {"DELETE FROM audit_checkpoint WHERE number = 3", "DELETE FROM audit_checkpoint",
        "UPDATE audit_checkpoint SET note = (SELECT note FROM audit_checkpoint WHERE number = 2) "
        "WHERE number = 3",
        "UPDATE audit_checkpoint SET size = 7 WHERE number = 3"}) {
    tamper(sql);
    EXPECT_EQ(opens(), "audit.broken") << sql;
    restore();
  }
  EXPECT_EQ(opens(), "ok");
}

TEST_F(Audit, ALogDoesNotGoOnUnderANewNameFromWhatItsKeyDidNotSign) {
  write_log(5);
  // Somebody who cuts the end off, and hides it behind a change of the name.
  std::filesystem::remove(checkpoint_file());
  tamper("DELETE FROM audit WHERE seq > 3");
  EXPECT_EQ(opens(), "audit.checkpoint_missing");
  tamper(
      "UPDATE audit_checkpoint SET size = 3, note = replace(note, 'rabt.example/audit', "
      "'rabt.example/before') WHERE number = (SELECT max(number) FROM audit_checkpoint)");
  EXPECT_EQ(opens(), "audit.broken");
  // The same under a name that is really new.
  auto renamed = options();
  renamed.origin = "rabt.example/other";
  tamper(
      "UPDATE audit_checkpoint SET size = 5, note = replace(note, 'rabt.example/before', "
      "'rabt.example/audit') WHERE number = (SELECT max(number) FROM audit_checkpoint)");
  EXPECT_EQ(opens(std::move(renamed)), "audit.cut");
}

TEST_F(Audit, KeepsItsNameAndGoesOnUnderANewOneWhenTheFileWasMovedAway) {
  write_log(3);
  LogOptions renamed = options();
  renamed.origin = "rabt.example/other";
  EXPECT_EQ(opens(std::move(renamed)), "audit.origin");
  std::filesystem::rename(checkpoint_file(), folder_ + "/moved");
  // Recovery after entries were lost for good: a log of a new origin.
  tamper("DELETE FROM audit WHERE seq > 2; DELETE FROM audit_checkpoint WHERE size > 2");
  LogOptions again = options();
  again.origin = "rabt.example/other";
  open_log(std::move(again));
  add(2);
  close_log();
  VerifyOptions with_key;
  with_key.mac_key = &mac_key_;
  EXPECT_EQ(verified(with_key).problems, Texts{});
  EXPECT_EQ(verified(with_key).entries, 4U);
}

TEST_F(Audit, ACrashBetweenCommitAndCheckpointIsNoFinding) {
  write_log(3);
  const std::string older = content(checkpoint_file());
  write_log(3);
  // As after a crash: the newest row was written, the file not yet; or neither of them.
  std::ofstream(checkpoint_file(), std::ios::trunc) << older;
  EXPECT_EQ(problems(), Texts{});
  save();
  EXPECT_EQ(opens(), "ok");
  EXPECT_NE(content(checkpoint_file()), older) << "the file follows the row";
  std::ofstream(checkpoint_file(), std::ios::trunc) << older;
  tamper("DELETE FROM audit_checkpoint WHERE number = 3");
  EXPECT_EQ(problems(), Texts{});
  EXPECT_EQ(opens(), "ok");
  EXPECT_EQ(problems(), Texts{});
}

// ---- checkpoints

TEST_F(Audit, SignsWhenThereAreEnoughEntriesOrAfterTheInterval) {
  LogOptions fast = options();
  fast.checkpoint_entries = 10;
  open_log(std::move(fast));
  const auto wait_signed = [&](std::int64_t size, int patience_ms) {
    (void)test::eventually([&] { return log_->state().signed_size >= size; },
                           std::chrono::milliseconds(patience_ms));
    return log_->state().signed_size;
  };
  add(9);
  EXPECT_EQ(wait_signed(9, 400), 0) << "too few, too early";
  add(1);
  EXPECT_EQ(wait_signed(10, 5'000), 10);
  close_log();

  LogOptions soon = options();
  soon.checkpoint_interval = std::chrono::milliseconds(300);
  open_log(std::move(soon));
  add(1);
  EXPECT_EQ(log_->state().signed_size, 10);
  EXPECT_EQ(wait_signed(11, 5'000), 11);
  EXPECT_EQ(Signer(kOrigin, test_seed()).open(content(checkpoint_file()))->size, 11);
  close_log();
  EXPECT_EQ(problems(), Texts{});
}

TEST_F(Audit, ALogThatIsRewrittenUnderARunningHubIsFoundBeforeItIsSigned) {
  LogOptions fast = options();
  fast.checkpoint_interval = std::chrono::milliseconds(50);
  open_log(std::move(fast));
  add(3);
  ASSERT_TRUE(test::eventually([&] { return log_->state().signed_size == 3; }));
  tamper("UPDATE audit SET leaf = zeroblob(32) WHERE seq = 2");
  add(1);
  EXPECT_TRUE(test::eventually([&] { return !log_->state().appendable; }));
  const LogState state = log_->state();
  EXPECT_FALSE(state.well());
  EXPECT_EQ(state.code, "audit.rewritten");
  EXPECT_EQ(state.signed_size, 3);
  const Status refused = store_->write(append(1));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, "audit.unavailable");
  EXPECT_EQ(refused.error().kind, ErrorKind::unavailable);
  close_log();
  EXPECT_EQ(ask("SELECT count(*) FROM audit"), "4");
  EXPECT_EQ(ask("SELECT max(size) FROM audit_checkpoint"), "3");
}

TEST_F(Audit, AnAuditWriteThatFailsFailsTheAct) {
  open_log();
  add(1);
  tamper("CREATE TRIGGER no BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'no'); END");
  const Status refused = store_->write([&](store::Transaction& transaction) -> Status {
    static constexpr store::Statement kAct{"CREATE TABLE act (x INTEGER)"};
    RABT_TRY(made, transaction.execute(kAct, {}));
    (void)made;
    return log_->append(transaction, log_->prepare(entry(1)));
  });
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind, ErrorKind::unavailable);
  EXPECT_EQ(refused.error().code, "audit.unavailable");
  EXPECT_EQ(ask("SELECT count(*) FROM sqlite_master WHERE name = 'act'"), "0");
  tamper("DROP TRIGGER no");
  add(1);
  close_log();
  EXPECT_EQ(problems(), Texts{});
}

TEST_F(Audit, ATileThatCannotBeWrittenFailsTheActAndTheNextOneGoesOn) {
  open_log();
  add(255);
  tamper("INSERT INTO audit_tile VALUES (0, 0, x'', x'')");
  EXPECT_EQ(store_->write(append(1)).error().code, "audit.unavailable");
  tamper("DELETE FROM audit_tile");
  add(3);
  close_log();
  EXPECT_EQ(problems(), Texts{});
  EXPECT_EQ(ask("SELECT count(*) FROM audit"), "258");
}

}  // namespace
}  // namespace rabt::audit::audit_test
