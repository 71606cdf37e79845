#include <gtest/gtest.h>

#include <algorithm>

#include "hub/identity/accounts.hpp"
#include "hub/identity/cbor.hpp"
#include "hub/identity/webauthn.hpp"
#include "tests/identity/house.hpp"
#include "tests/identity/soft_authenticator.hpp"

// Passkeys, against an authenticator that says wrong things.
namespace rabt::identity::passkeys_test {
namespace {

using test::cbor_bytes;
using test::cbor_map;
using test::cbor_number;
using test::cbor_text;
using test::House;
using test::must;
using test::SoftAuthenticator;
using test::Wrongs;

constexpr std::string_view kPassword = "three canaries by the sea";

class PasskeysTest : public testing::Test {
 protected:
  Person add(const std::string& username) {
    return must(
        house_.accounts.add(house_.administrator(), {.username = username,
                                                     .password = std::string(kPassword),
                                                     .profile = Json::object({{"name", "N"}}),
                                                     .roles = {Role::patient}}));
  }
  Caller signed_in(const std::string& username) {
    const SignedIn in = must(house_.accounts.login(
        {.username = username, .password = std::string(kPassword), .client = "192.0.2.1"}));
    return as(in);
  }
  Caller as(const SignedIn& in) {
    Caller caller{.client = "192.0.2.1"};
    caller.who = must(house_.accounts.session(in.token));
    return caller;
  }
  Passkey enrol(const Caller& who, SoftAuthenticator& device, const std::string& name = "phone") {
    const Ceremony begun = must(house_.accounts.begin_passkey(who));
    return must(house_.accounts.add_passkey(
        who, {.handle = begun.handle, .credential = device.create(begun.options)}, name));
  }
  // ok, or the code of the error.
  std::string registered(const Caller& who, SoftAuthenticator& device, const Wrongs& wrongs) {
    const Ceremony begun = must(house_.accounts.begin_passkey(who));
    const auto made = house_.accounts.add_passkey(
        who, {.handle = begun.handle, .credential = device.create(begun.options, wrongs)}, "x");
    return made.ok() ? "ok" : made.error().code + " " + made.error().message;
  }
  Result<SignedIn> sign_in(SoftAuthenticator& device, const Wrongs& wrongs = {}) {
    const Ceremony begun = must(house_.accounts.begin_sign_in());
    return house_.accounts.sign_in(
        {.client = "192.0.2.1"},
        {.handle = begun.handle, .credential = device.get(begun.options, wrongs)});
  }
  std::string code(SoftAuthenticator& device, const Wrongs& wrongs = {}) {
    // The throttle has tests of its own.
    house_.base.clock.advance_ms(15LL * 60 * 1000);
    const auto in = sign_in(device, wrongs);
    return in.ok() ? "ok" : in.error().code;
  }
  std::size_t acts(const std::string& act) {
    const auto all = house_.base.acts();
    return static_cast<std::size_t>(std::count(all.begin(), all.end(), act));
  }

  House house_;
};

TEST_F(PasskeysTest, EveryKindOfKeyIsEnrolledAndSignsInWithoutAName) {
  using Kind = SoftAuthenticator::Kind;
  for (const Kind kind : {Kind::es256, Kind::eddsa, Kind::rs256}) {
    const std::string name = "user-" + std::to_string(static_cast<int>(kind));
    const Person person = add(name);
    SoftAuthenticator device(kind, "credential of " + name);
    const Caller who = signed_in(name);
    const Ceremony begun = must(house_.accounts.begin_passkey(who));
    EXPECT_EQ(begun.options["rp"]["id"], Json("hub.example"));
    EXPECT_EQ(begun.options["attestation"], Json("none"));
    EXPECT_EQ(begun.options["authenticatorSelection"]["userVerification"], Json("required"));
    EXPECT_EQ(begun.options["authenticatorSelection"]["residentKey"], Json("required"));
    const Passkey passkey = must(house_.accounts.add_passkey(
        who, {.handle = begun.handle, .credential = device.create(begun.options)}, "هاتفي"));
    EXPECT_EQ(passkey.name, "هاتفي");
    const SignedIn in = must(sign_in(device));
    EXPECT_EQ(in.person.id, person.id);
    const Principal again = must(house_.accounts.session(in.token));
    EXPECT_TRUE(house_.accounts.check_strong(again).ok());
    EXPECT_GT(must(house_.accounts.passkeys(person.id)).at(0).used_ms, 0);
    // The password alone is one factor of two.
    EXPECT_EQ(
        house_.accounts.login({.username = name, .password = std::string(kPassword)}).error().code,
        "auth.passkey_required");
  }
}

TEST_F(PasskeysTest, APersonHasSeveralNamesThemAndRemovesThem) {
  const Person person = add("layla");
  SoftAuthenticator phone(SoftAuthenticator::Kind::es256, "phone");
  SoftAuthenticator key(SoftAuthenticator::Kind::eddsa, "key");
  const Caller first = signed_in("layla");
  const Passkey passkey = enrol(first, phone);
  // The first one makes more of a session than a password does.
  EXPECT_EQ(house_.accounts.begin_passkey(first).error().code, "auth.step_up");
  const Caller strong = as(must(sign_in(phone)));
  const Ceremony begun = must(house_.accounts.begin_passkey(strong));
  EXPECT_EQ(begun.options["excludeCredentials"].size(), 1U);
  const Passkey two = must(house_.accounts.add_passkey(
      strong, {.handle = begun.handle, .credential = key.create(begun.options)}, "key"));
  EXPECT_EQ(must(house_.accounts.rename_passkey(strong, two.id, "my key")).name, "my key");
  EXPECT_EQ(house_.accounts.rename_passkey(strong, two.id, "").error().code, "api.invalid");
  EXPECT_EQ(house_.accounts.rename_passkey(strong, two.id, "a\nb").error().code, "api.invalid");
  EXPECT_EQ(house_.accounts.rename_passkey(strong, two.id, std::string(81, 'x')).error().code,
            "api.invalid");
  const auto all = must(house_.accounts.passkeys(person.id));
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[1].name, "my key");
  EXPECT_EQ(must(house_.accounts.factors(person.id)).passkeys, 2);
  // Another one of his sessions ends with a change of factors; his own stays.
  const SignedIn other = must(sign_in(key));
  ASSERT_TRUE(house_.accounts.remove_passkey(strong, passkey.id).ok());
  EXPECT_FALSE(house_.accounts.session(other.token).ok());
  EXPECT_EQ(code(phone), "auth.failed");
  EXPECT_EQ(code(key), "ok");
  EXPECT_EQ(house_.accounts.remove_passkey(strong, passkey.id).error().code, "auth.step_up")
      << "it has become late";
  EXPECT_EQ(house_.accounts.rename_passkey(strong, "01ARZ3NDEKTSV4RRFFQ69G5FAV", "x").error().code,
            "auth.passkey_absent");
  // An administrator helps a person who lost all passkeys.
  ASSERT_TRUE(house_.accounts.reset_factor(house_.administrator(), person.id).ok());
  EXPECT_EQ(must(house_.accounts.passkeys(person.id)).size(), 0U);
}

TEST_F(PasskeysTest, Trap34AnAnswerIsForItsOwnPageHostAndChallenge) {
  add("layla");
  SoftAuthenticator device;
  enrol(signed_in("layla"), device);
  const std::vector<std::pair<const char*, Wrongs>> rows{
      {"another origin", {.origin = "https://evil.example"}},
      {"a longer origin", {.origin = "https://hub.example.evil"}},
      {"another port", {.origin = "https://hub.example:8443"}},
      {"another scheme", {.origin = "http://hub.example"}},
      {"another case", {.origin = "https://HUB.example"}},
      {"rpIdHash of another host", {.host = "evil.example"}},
      {"another ceremony's challenge",
       {.challenge = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}},
      {"a challenge with padding", {.challenge = "AAAA="}},
      {"a registration", {.type = "webauthn.create"}},
      {"crossOrigin", {.cross_origin = Json(true)}},
      {"crossOrigin as text", {.cross_origin = Json("false")}},
      {"topOrigin", {.top_origin = "https://hub.example"}},
      {"UV missing", {.flags_off = 0x04}},
      {"UP missing", {.flags_off = 0x01}},
      {"backed up and not eligible", {.flags_on = 0x10}},
      {"eligible, which it was not", {.flags_on = 0x08}},
      {"a new credential", {.flags_on = 0x40}},
      {"extensions that are not there", {.flags_on = 0x80}},
      {"something behind", {.behind = "x"}},
      {"extensions that are no map", {.flags_on = 0x80, .behind = cbor_number(1)}},
  };
  for (const auto& [what, wrongs] : rows) EXPECT_EQ(code(device, wrongs), "auth.failed") << what;
  EXPECT_EQ(code(device, {.flags_on = 0x80, .behind = cbor_map({})}), "ok");
  EXPECT_EQ(code(device), "ok");
}

TEST_F(PasskeysTest, Trap34ACeremonyIsAnsweredOnceInTimeAndForWhatItWasBegun) {
  add("layla");
  SoftAuthenticator device;
  const Caller who = signed_in("layla");
  enrol(who, device);
  const auto answer = [&](const Ceremony& begun) {
    const auto in = house_.accounts.sign_in(
        {}, {.handle = begun.handle, .credential = device.get(begun.options)});
    return in.ok() ? std::string("ok") : in.error().code;
  };
  Ceremony begun = must(house_.accounts.begin_sign_in());
  EXPECT_EQ(answer(begun), "ok");
  EXPECT_EQ(answer(begun), "auth.failed") << "once";
  begun = must(house_.accounts.begin_sign_in());
  house_.base.clock.advance_ms(kCeremonyMs);
  EXPECT_EQ(answer(begun), "auth.failed") << "late";
  begun = must(house_.accounts.begin_sign_in());
  device.counts = false;
  Wrongs wrong{.host = "evil.example"};
  EXPECT_FALSE(
      house_.accounts
          .sign_in({}, {.handle = begun.handle, .credential = device.get(begun.options, wrong)})
          .ok());
  device.counts = true;
  EXPECT_EQ(answer(begun), "auth.failed") << "a wrong answer was an answer";
  const Caller strong = as(must(sign_in(device)));
  EXPECT_EQ(answer(must(house_.accounts.begin_step_up(strong))), "auth.failed") << "for step-up";
  Ceremony registration = must(house_.accounts.begin_passkey(strong));
  registration.options.set("rpId", "hub.example");
  EXPECT_EQ(answer(registration), "auth.failed") << "for a registration";
  // Another person's session does not answer it, either.
  add("noura");
  const Caller other = signed_in("noura");
  SoftAuthenticator fresh(SoftAuthenticator::Kind::es256, "another");
  registration = must(house_.accounts.begin_passkey(strong));
  const auto stolen = house_.accounts.add_passkey(
      other, {.handle = registration.handle, .credential = fresh.create(registration.options)},
      "x");
  EXPECT_EQ(stolen.error().code, "auth.failed");
}

TEST_F(PasskeysTest, Trap34AnotherPersonsPasskeyIsNobodys) {
  const Person layla = add("layla");
  const Person noura = add("noura");
  SoftAuthenticator hers;
  enrol(signed_in("layla"), hers);
  EXPECT_EQ(code(hers, {.user = noura.id}), "auth.failed");
  EXPECT_EQ(code(hers, {.user = "nobody"}), "auth.failed");
  // The same id by another key.
  SoftAuthenticator copy;
  const Caller other = signed_in("noura");
  EXPECT_TRUE(registered(other, copy, {}).starts_with("auth.passkey_taken"));
  EXPECT_EQ(must(house_.accounts.passkeys(noura.id)).size(), 0U);
  EXPECT_EQ(code(copy, {.user = layla.id}), "auth.failed") << "another key";
  PersonChange change;
  change.active = false;
  must(house_.people.change(house_.administrator(), layla.id, change));
  EXPECT_EQ(code(hers), "auth.failed") << "trap 28: who was disabled";
}

TEST_F(PasskeysTest, Trap34ACountThatGoesBackIsACopy) {
  add("layla");
  SoftAuthenticator device;
  enrol(signed_in("layla"), device);
  EXPECT_EQ(code(device), "ok");
  EXPECT_EQ(code(device), "ok");
  device.counts = false;
  EXPECT_EQ(code(device), "auth.failed") << "the same count";
  device.count = 1;
  EXPECT_EQ(code(device), "auth.failed");
  device.count = 0;
  EXPECT_EQ(code(device), "auth.failed") << "to zero, too";
  EXPECT_EQ(acts("user.passkey_copied auth.failed"), 3U);
  device.count = 3;
  EXPECT_EQ(code(device), "ok");
  // An authenticator that does not count says zero for ever.
  add("noura");
  SoftAuthenticator still(SoftAuthenticator::Kind::es256, "still");
  still.counts = false;
  enrol(signed_in("noura"), still);
  EXPECT_EQ(code(still), "ok");
  EXPECT_EQ(code(still), "ok");
  // A passkey on several devices may be counted by each; that is written down.
  add("sara");
  SoftAuthenticator moved(SoftAuthenticator::Kind::es256, "moved");
  moved.backup = true;
  moved.count = 7;
  const Passkey passkey = enrol(signed_in("sara"), moved);
  EXPECT_TRUE(passkey.backup_eligible && passkey.backed_up);
  moved.count = 3;
  EXPECT_EQ(code(moved), "ok");
  EXPECT_EQ(acts("user.passkey_copied ok"), 1U);
  EXPECT_EQ(house_.accounts.passkey_counts_back(), 4U);
}

TEST_F(PasskeysTest, Trap34ARegistrationIsJudgedAsStrictly) {
  add("layla");
  SoftAuthenticator device;
  const std::string key = device.cose_key();
  const auto n = [](std::int64_t label) { return cbor_number(label); };
  const std::string point(32, 'x');
  const std::string tail(16 + 2 + 12, '\0');
  const std::vector<std::pair<const char*, Wrongs>> rows{
      {"another origin", {.origin = "https://evil.example"}},
      {"rpIdHash", {.host = "evil.example"}},
      {"challenge", {.challenge = "AAAA"}},
      {"an assertion", {.type = "webauthn.get"}},
      {"crossOrigin", {.cross_origin = Json(true)}},
      {"UV missing", {.flags_off = 0x04}},
      {"UP missing", {.flags_off = 0x01}},
      {"no credential", {.flags_off = 0x40}},
      {"something behind", {.behind = "x"}},
      {"no key", {.key = cbor_map({})}},
      {"truncated key", {.key = key.substr(0, key.size() - 1)}},
      {"alg none", {.key = cbor_map({{n(1), n(2)}, {n(3), n(0)}})}},
      {"alg missing", {.key = cbor_map({{n(1), n(2)}, {n(-1), n(1)}, {n(-2), cbor_bytes(point)}})}},
      {"alg of HMAC", {.key = cbor_map({{n(1), n(4)}, {n(3), n(5)}})}},
      {"alg of another kind of key",
       {.key = cbor_map({{n(1), n(2)}, {n(3), n(-8)}, {n(-1), n(6)}, {n(-2), cbor_bytes(point)}})}},
      {"a point beside the curve",
       {.key = cbor_map({{n(1), n(2)},
                         {n(3), n(-7)},
                         {n(-1), n(1)},
                         {n(-2), cbor_bytes(point)},
                         {n(-3), cbor_bytes(point)}})}},
      {"a key that names its algorithm twice", {.key = cbor_map({{n(3), n(-7)}, {n(3), n(-8)}})}},
      {"a short RSA key",
       {.key = cbor_map({{n(1), n(3)},
                         {n(3), n(-257)},
                         {n(-1), cbor_bytes(std::string(128, '\xff'))},
                         {n(-2), cbor_bytes(std::string("\x01\x00\x01", 3))}})}},
      {"an attestation that is not asked for", {.format = "fido-u2f"}},
      {"none, and something", {.statement = cbor_map({{cbor_text("x"), n(1)}})}},
      {"packed without a signature", {.format = "packed", .statement = cbor_map({})}},
      {"packed, signed by another",
       {.format = "packed",
        .statement = cbor_map({{cbor_text("alg"), n(-7)}, {cbor_text("sig"), cbor_bytes("x")}})}},
      {"no CBOR", {.object = "\xff\xff"}},
      {"an array", {.object = "\x80"}},
      {"nothing behind the map", {.object = "\xa1"}},
  };
  for (const auto& [what, wrongs] : rows) {
    const Caller who = signed_in("layla");
    const std::string came = registered(who, device, wrongs);
    EXPECT_TRUE(came.starts_with("auth.passkey ") || came.starts_with("auth.cbor "))
        << what << ": " << came;
  }
  EXPECT_EQ(registered(signed_in("layla"), device, {.format = "packed"}), "ok")
      << "signed by the new key itself";
}

TEST_F(PasskeysTest, StepUpByAPasskeyGivesTheSessionAnotherToken) {
  add("layla");
  SoftAuthenticator device;
  enrol(signed_in("layla"), device);
  const SignedIn in = must(sign_in(device));
  house_.base.clock.advance_ms(6LL * 60 * 1000);
  const Caller late = as(in);
  EXPECT_EQ(house_.accounts.check_strong(late.who).error().code, "auth.step_up");
  const Ceremony begun = must(house_.accounts.begin_step_up(late));
  EXPECT_EQ(begun.options["allowCredentials"].size(), 1U);
  const SignedIn again = must(house_.accounts.step_up(
      late, {.passkey = PasskeyAnswer{begun.handle, device.get(begun.options)}}));
  EXPECT_FALSE(house_.accounts.session(in.token).ok()) << "the old token";
  const Principal who = must(house_.accounts.session(again.token));
  EXPECT_EQ(who.session, late.who.session);
  EXPECT_TRUE(house_.accounts.check_strong(who).ok());
  EXPECT_EQ(house_.accounts.step_up(as(again), {.password = std::string(kPassword)}).error().code,
            "auth.failed")
      << "a password is not enough for who has more";
}

TEST(Cbor, TakesWhatAuthenticatorsWriteAndNothingElse) {
  const auto read = [](std::string text) {
    ByteView in = as_bytes(text);
    const auto out = read_cbor(in);
    return !out.ok() ? out.error().code : in.empty() ? "ok" : "more";
  };
  EXPECT_EQ(read(cbor_map({{cbor_number(1), cbor_text("x")}, {cbor_text("1"), cbor_bytes("y")}})),
            "ok");
  EXPECT_EQ(read(cbor_number(1) + "x"), "more");
  for (const auto& [what, text] : std::vector<std::pair<const char*, std::string>>{
           {"nothing", ""},
           {"half a head", "\x19\x01"},
           {"half a text", "\x63xy"},
           {"half a map", cbor_map({{cbor_number(1), cbor_number(1)}}).substr(0, 2)},
           {"a key twice",
            cbor_map({{cbor_number(1), cbor_number(1)}, {cbor_number(1), cbor_number(2)}})},
           {"a text twice",
            cbor_map({{cbor_text("a"), cbor_number(1)}, {cbor_text("a"), cbor_number(2)}})},
           {"bytes as a key", cbor_map({{cbor_bytes("a"), cbor_number(1)}})},
           {"five levels", "\x81\x81\x81\x81\x01"},
           {"no length", "\x9f\x01\xff"},
           {"bytes in pieces", "\x5f\x41x\xff"},
           {"a tag", "\xc0\x61x"},
           {"a float", std::string("\xf9\x00\x00", 3)},
           {"undefined", "\xf7"},
           {"a number beyond 63 bits", "\x1b\xff\xff\xff\xff\xff\xff\xff\xff"},
           {"two milliards of items", std::string("\x9a\x7f\xff\xff\xff", 5)},
           {"a text of 2^60 bytes", std::string("\x7b\x10\x00\x00\x00\x00\x00\x00\x00", 9)}}) {
    EXPECT_EQ(read(text), "auth.cbor") << what;
  }
  EXPECT_EQ(read("\x81\x81\x81\x01"), "ok");
}

// Symptom: a hub without an address of its own answered with 503, and clients tried again. Cause:
// the error had the kind of what passes by itself.
TEST_F(PasskeysTest, AHubThatDoesNotKnowItsAddressSaysSoAsAConflict) {
  Accounts without({house_.people, *house_.base.store, *house_.base.keys, *house_.base.keyring,
                    *house_.base.audit, house_.base.clock, house_.base.random, house_.base.ids},
                   "t1", {.memory_kib = 64, .time = 1});
  const auto refused = without.begin_sign_in();
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, "auth.passkeys_off");
  EXPECT_EQ(error_policy(refused.error().kind).http_status, 409);
}

}  // namespace
}  // namespace rabt::identity::passkeys_test
