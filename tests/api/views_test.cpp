#include "hub/api/views.hpp"

#include <gtest/gtest.h>

#include "hub/audit/reader.hpp"
#include "tests/api/rig.hpp"
#include "tests/eventually.hpp"

// Viewings: a player that sends no header plays one recording, for whoever asked.
namespace rabt::api::views_test {
namespace {

using http::Request;
using http::Response;
using Headers = std::vector<std::pair<std::string, std::string>>;

constexpr std::string_view kPassword = "three canaries by the sea";
constexpr const char* kHere = "203.0.113.7";

class ViewsApi : public testing::Test {
 protected:
  Response ask(std::string method, const std::string& target, Headers headers = {},
               const std::string& body = {}, const std::string& remote = kHere) {
    Request made = request(std::move(method), target, body);
    made.headers = std::move(headers);
    made.remote = remote;
    return api_.handle(made);
  }
  // Request that a <video> element sends.
  Response play(const std::string& url, const std::string& remote = kHere) {
    return ask("GET", url, {{"range", "bytes=10-19"}}, {}, remote);
  }
  Response play(const std::string& url, std::pair<std::string, std::string> proof) {
    return ask("GET", url, {{"range", "bytes=10-19"}, std::move(proof)});
  }
  static std::pair<std::string, std::string> bearer(std::string_view token) {
    return {"authorization", "Bearer " + std::string(token)};
  }
  static std::string path_of(const std::string& recording) {
    return "/api/v1/recordings/" + recording + "/views";
  }
  Response begin(const std::string& recording, std::pair<std::string, std::string> proof,
                 Headers more = {}) {
    more.push_back(std::move(proof));
    more.emplace_back("x-rabt-reason", "follow-up");
    return ask("POST", path_of(recording), std::move(more));
  }
  std::string url_of(const std::string& recording, std::pair<std::string, std::string> proof,
                     Headers more = {}) {
    const Response begun = begin(recording, std::move(proof), std::move(more));
    EXPECT_EQ(begun.status, 201) << begun.body;
    return json(begun).string_or("url", "");
  }
  std::string store(const std::string& content) {
    return api_.store_recording(api_.ids.next().text(), content, "video/webm");
  }
  // Makes the account of a nurse who works at the front desk, too: one who reads for a reason,
  // without a grant. The id of the person.
  std::string nurse(const std::string& username) {
    const Response response =
        api_.api("POST", "users",
                 R"({"username": ")" + username + R"(", "roles": ["nurse", "desk"], "name": "N"})");
    EXPECT_EQ(response.status, 201) << response.body;
    const Response active = ask("POST", "/api/v1/auth/activate", {},
                                Json::object({{"username", username},
                                              {"password", kPassword},
                                              {"code", json(response)["activation"]}})
                                    .dump());
    EXPECT_EQ(active.status, 204) << active.body;
    return json(response).string_or("id", "");
  }
  std::string sign_in(const std::string& username) {
    const Response in = ask("POST", "/api/v1/auth/login", {},
                            Json::object({{"username", username}, {"password", kPassword}}).dump());
    EXPECT_EQ(in.status, 200) << in.body;
    return json(in).string_or("accessToken", "");
  }
  // Signs in as a page does. The cookie.
  std::string sign_in_page(const std::string& username) {
    const Response in = ask(
        "POST", "/api/v1/auth/login", kPage,
        Json::object({{"username", username}, {"password", kPassword}, {"cookie", true}}).dump());
    EXPECT_EQ(in.status, 200) << in.body;
    const std::string set = header(in, "Set-Cookie");
    return set.substr(0, set.find(';'));
  }
  std::vector<audit::Logged> entries(const std::string& act) {
    audit::Query query;
    query.act = act;
    return must(audit::read_page(api_.hub.audit(), query, 1000)).entries;
  }
  static std::string content_of(const Response& response) {
    std::string out;
    EXPECT_TRUE(response.stream);
    if (!response.stream) return out;
    EXPECT_TRUE(response
                    .stream([&out](std::string_view piece) {
                      out.append(piece);
                      return ok_status();
                    })
                    .ok());
    return out;
  }

  const Headers kPage{{"sec-fetch-site", "same-origin"}, {"content-type", "application/json"}};
  ApiRig api_;
};

TEST_F(ViewsApi, ARecordingPlaysByRangesWithoutAHeaderAndWithOneEntry) {
  std::string content(300'000, 'v');
  content.replace(10, 10, "0123456789");
  const std::string id = store(content);
  const std::string person = nurse("layla");
  const std::string token = sign_in("layla");
  EXPECT_EQ(code(ask("POST", path_of(id), {bearer(token)})), "phi.reason");
  EXPECT_EQ(ask("POST", path_of(id)).status, 401);
  EXPECT_TRUE(entries("recording.read").empty()) << "nothing was read yet";

  const Response begun = begin(id, bearer(token));
  ASSERT_EQ(begun.status, 201) << begun.body;
  const Json item = json(begun);
  const std::string url = item.string_or("url", "");
  ASSERT_TRUE(url.starts_with(path_of(id) + "/")) << url;
  EXPECT_EQ(url.find(token), std::string::npos) << "the token stands in no address";
  EXPECT_EQ(item.int_or("expiresIn", 0), 60);
  EXPECT_EQ(item.int_or("playsFor", 0), 4 * 3'600) << "the length is unknown";
  EXPECT_EQ(item.string_or("contentType", ""), "video/webm");

  const Response part = play(url);
  ASSERT_EQ(part.status, 206) << part.body;
  EXPECT_EQ(header(part, "Content-Range"), "bytes 10-19/300000");
  EXPECT_EQ(content_of(part), "0123456789");
  EXPECT_EQ(ask("GET", url, {{"range", "bytes=300000-"}}).status, 416);
  const Response whole = ask("GET", url);
  EXPECT_EQ(whole.status, 200);
  EXPECT_EQ(content_of(whole), content);
  EXPECT_EQ(ask("GET", url, {{"if-none-match", header(whole, "ETag")}}).status, 304);
  EXPECT_EQ(play(url, bearer(token)).status, 206) << "who asked may show himself, too";

  const auto read = entries("recording.read");
  ASSERT_EQ(read.size(), 1U) << "one entry for the viewing";
  EXPECT_EQ(read[0].entry.actor, "person:" + person);
  EXPECT_EQ(read[0].entry.object, "recording:" + id);
  EXPECT_EQ(read[0].entry.client, kHere);
  EXPECT_TRUE(read[0].entry.detail.bool_or("view", false));
  EXPECT_EQ(must(api_.details.open("t1", read[0].entry.patient, read[0].entry.sealed))
                .string_or("reason", ""),
            "follow-up");
  EXPECT_TRUE(entries("access.refused").empty());
}

TEST_F(ViewsApi, ATicketStartsWithinAMinuteAndGoesOnForTheRecording) {
  EXPECT_EQ(Views::lasting(600), 600'000 + Views::kPausesMs);
  EXPECT_EQ(Views::lasting(std::nullopt), Views::kUnknownMs);
  EXPECT_EQ(Views::lasting(1'000'000'000), Views::kLongestMs + Views::kPausesMs);
  const std::string id = store("moving pictures of a visit");
  const std::string late = url_of(id, bearer(kToken));
  const std::string good = url_of(id, bearer(kToken));
  api_.hub.clock().advance_ms(Views::kStartMs - 1);
  EXPECT_EQ(play(good).status, 206);
  api_.hub.clock().advance_ms(1);
  EXPECT_EQ(play(late).status, 401) << "its minute is over";
  EXPECT_EQ(code(play(late, bearer(kToken))), "view.unknown");
  EXPECT_EQ(play(good).status, 206);
  api_.hub.clock().advance_ms(Views::kUnknownMs - 2);
  EXPECT_EQ(play(good).status, 206) << "it began, and goes on";
  api_.hub.clock().advance_ms(1);
  EXPECT_EQ(play(good).status, 401);
}

TEST_F(ViewsApi, ATicketIsForOneRecordingAndForWhoAsked) {
  const std::string id = store("moving pictures of a visit");
  const std::string other = store("moving pictures of another");
  nurse("layla");
  nurse("omar");
  const std::string layla = sign_in("layla");
  const std::string omar = sign_in("omar");
  const std::string url = url_of(id, bearer(layla));
  const std::string ticket = url.substr(url.rfind('/') + 1);

  const Response foreign = play(url, bearer(omar));
  EXPECT_EQ(foreign.status, 403) << foreign.body;
  EXPECT_EQ(code(foreign), "view.other");
  EXPECT_EQ(foreign.body.find(ticket), std::string::npos);
  EXPECT_EQ(play(url, bearer(kToken)).status, 403);
  EXPECT_EQ(code(play(url, bearer(sign_in("layla")))), "view.other") << "another sign-in";
  const auto refused = entries("access.refused");
  ASSERT_EQ(refused.size(), 3U);
  for (const auto& one : refused) {
    EXPECT_EQ(one.entry.object, "recording:" + id);
    EXPECT_EQ(one.entry.result, "view.other");
  }

  EXPECT_EQ(play(path_of(other) + "/" + ticket).status, 401);
  EXPECT_EQ(code(play(path_of(other) + "/" + ticket, bearer(layla))), "view.unknown");
  EXPECT_EQ(play(path_of(id) + "/nonsense").status, 401);
  EXPECT_EQ(ask("GET", "/api/v1/recordings/" + id + "/content").status, 401);
  EXPECT_NE(ask("POST", url, {}, "{}").status / 100, 2);
  EXPECT_EQ(play(url).status, 206) << "the refusals ended nothing";
}

// The address of a ticket may stand in the log of a proxy.
TEST_F(ViewsApi, AViewingGoesOnAtTheAddressWhereItBegan) {
  const std::string id = store("moving pictures of a visit");
  const std::string url = url_of(id, bearer(kToken));
  EXPECT_EQ(play(url, "2001:db8:1:2::1").status, 206) << "a server asked, a player begins";
  EXPECT_EQ(play(url, "2001:db8:1:2::99").status, 206) << "of one subscriber";
  EXPECT_EQ(play(url, "198.51.100.9").status, 401);
  EXPECT_TRUE(entries("access.refused").empty()) << "a stranger writes in nobody's name";
  EXPECT_EQ(play(url, "2001:db8:1:2::1").status, 206);
}

TEST_F(ViewsApi, AViewingEndsWithTheSignInAlsoWhileItPlays) {
  const std::string id = store(std::string(300'000, 'v'));
  nurse("layla");
  const std::string token = sign_in("layla");
  const std::string url = url_of(id, bearer(token));
  const Response playing = ask("GET", url);
  ASSERT_EQ(playing.status, 200);
  EXPECT_EQ(content_of(playing).size(), 300'000U);
  EXPECT_EQ(ask("POST", "/api/v1/auth/logout", {bearer(token)}, "{}").status, 204);
  EXPECT_EQ(play(url).status, 401);
  EXPECT_EQ(play(url, bearer(token)).status, 401);
  const auto goes_on = [&] {
    return playing.stream([](std::string_view /*piece*/) { return ok_status(); }).ok();
  };
  EXPECT_TRUE(test::eventually([&] { return !goes_on(); }, std::chrono::seconds(10)));
  EXPECT_EQ(code(play(url, bearer(sign_in("layla")))), "view.other");
}

TEST_F(ViewsApi, WhatCannotBeOpenedIsRefusedBeforeAnythingIsNoted) {
  const std::string id = store("moving pictures of a visit");
  std::string bucket;
  static constexpr store::Statement kBucket{
      "SELECT k.bucket FROM data_key k JOIN blob b ON b.data_key = k.id WHERE b.id = $1"};
  must(api_.hub.store().read([&](store::Connection& connection) {
    return connection.query(kBucket, {api_.last_blob()}, [&](const store::Row& row) {
      bucket = std::string(row.text(0));
      return true;
    });
  }));
  must(api_.hub.keyring().destroy_bucket("t1", bucket, "test"));
  api_.hub.keys().forget();
  const Response begun = begin(id, bearer(kToken));
  EXPECT_EQ(begun.status, 410) << begun.body;
  EXPECT_EQ(code(begun), "recording.expired");
  EXPECT_TRUE(entries("recording.read").empty());
  EXPECT_EQ(entries("recording.refused").size(), 1U);
}

TEST_F(ViewsApi, NothingPlaysWhileTheAuditLogDoesNotReachWhomItMust) {
  const std::string url = url_of(store("moving pictures of a visit"), bearer(kToken));
  EXPECT_EQ(play(url).status, 206);
  api_.senders_ready = unavailable("audit.sink_behind", "one server is behind");
  EXPECT_EQ(code(play(url)), "audit.sink_behind");
  api_.senders_ready = ok_status();
  EXPECT_EQ(play(url).status, 206);
}

TEST_F(ViewsApi, AClientWithNetworksPlaysWithinThem) {
  const std::string id = store(std::string(300'000, 'v'));
  const identity::Caller administrator{.who = {.kind = identity::Kind::client,
                                               .tenant = "t1",
                                               .id = "one",
                                               .roles = identity::Roles{identity::Role::admin}}};
  identity::ClientChange wanted;
  wanted.roles = identity::Roles{identity::Role::integration};
  wanted.addresses = std::vector<std::string>{"203.0.113.0/24"};
  must(api_.clients->create(administrator, "viewer", wanted));
  const std::string key =
      must(api_.clients->add_key(administrator, "viewer", 24LL * 3'600'000)).text;
  const std::string url = url_of(id, bearer(key));
  EXPECT_EQ(play(url, "198.51.100.9").status, 401) << "the key proves nothing there";
  const Response playing = ask("GET", url);
  ASSERT_EQ(playing.status, 200) << playing.body;
  const auto breaks = [&] {
    return !playing.stream([](std::string_view /*piece*/) { return ok_status(); }).ok();
  };
  EXPECT_FALSE(test::eventually(breaks, std::chrono::seconds(1))) << "the watch has looked";
  must(api_.clients->revoke_key(administrator, "viewer",
                                must(api_.clients->keys("viewer")).front().id));
  EXPECT_TRUE(test::eventually(breaks, std::chrono::seconds(10)));
}

TEST_F(ViewsApi, ATicketOfAPageNeedsItsCookie) {
  const std::string id = store("moving pictures of a visit");
  nurse("layla");
  nurse("omar");
  const std::string cookie = sign_in_page("layla");
  EXPECT_EQ(code(begin(id, {"cookie", cookie})), "csrf.refused") << "another site asks";
  const std::string url = url_of(id, {"cookie", cookie}, {{"sec-fetch-site", "same-origin"}});
  EXPECT_EQ(play(url).status, 401) << "the address alone opens nothing";
  EXPECT_EQ(play(url, {"cookie", sign_in_page("omar")}).status, 403);
  EXPECT_EQ(play(url, bearer(sign_in("layla"))).status, 403);
  EXPECT_EQ(play(url, {"cookie", cookie}).status, 206);
  EXPECT_EQ(ask("GET", url, {{"cookie", cookie}}, {}, "198.51.100.9").status, 200)
      << "a telephone changes its network";
  EXPECT_EQ(entries("recording.read").size(), 1U);
}

TEST_F(ViewsApi, AViewingOfAPageGoesOnAfterAStepUp) {
  const std::string id = store(std::string(300'000, 'v'));
  nurse("layla");
  const std::string cookie = sign_in_page("layla");
  const std::string url = url_of(id, {"cookie", cookie}, {{"sec-fetch-site", "same-origin"}});
  Headers proof = kPage;
  proof.emplace_back("cookie", cookie);
  const Response renewed =
      ask("POST", "/api/v1/auth/step-up", proof, Json::object({{"password", kPassword}}).dump());
  ASSERT_EQ(renewed.status, 200) << renewed.body;
  const std::string set = header(renewed, "Set-Cookie");
  const std::string fresh = set.substr(0, set.find(';'));
  ASSERT_NE(fresh, cookie);
  const Response playing = ask("GET", url, {{"cookie", fresh}});
  ASSERT_EQ(playing.status, 200) << playing.body;
  EXPECT_FALSE(test::eventually(
      [&] { return !playing.stream([](std::string_view /*piece*/) { return ok_status(); }).ok(); },
      std::chrono::seconds(1)))
      << "the watch has looked";
}

TEST_F(ViewsApi, OfTooManyTicketsTheOldestThatWasNotBegunEnds) {
  const std::string id = store("moving pictures of a visit");
  nurse("layla");
  const std::string token = sign_in("layla");
  const std::string plays = url_of(id, bearer(token));
  EXPECT_EQ(play(plays).status, 206);
  const std::string first = url_of(id, bearer(token));
  const std::string second = url_of(id, bearer(token));
  for (std::size_t i = 0; i < Views::kMostOfOne - 2; ++i) (void)url_of(id, bearer(token));
  EXPECT_EQ(play(plays).status, 206) << "it was begun";
  EXPECT_EQ(play(first).status, 401);
  EXPECT_EQ(play(second).status, 206);
}

TEST_F(ViewsApi, AClientHasMoreTicketsThanOnePersonAndNobodyShutsOutOthers) {
  const std::string id = store("moving pictures of a visit");
  const std::string of_client = url_of(id, bearer(kToken));
  for (std::size_t i = 0; i < Views::kMostOfOne; ++i) (void)url_of(id, bearer(kToken));
  EXPECT_EQ(play(of_client).status, 206);

  identity::Watch& watch = api_.watch();
  Views views(api_.hub.clock(), api_.random, watch);
  const auto make = [&](const std::string& owner) {
    return views.make({.recording = id,
                       .shown = {},
                       .owner = owner,
                       .session = {},
                       .of_system = true,
                       .reason = {},
                       .lasts_ms = 1});
  };
  const auto good = [&](const std::string& ticket) {
    return views.shown(request("GET", path_of(id) + "/" + ticket), kHere).has_value();
  };
  std::vector<std::string> all;
  for (std::size_t i = 0; i < Views::kMost; ++i)
    all.push_back(make("client:" + std::to_string(i / Views::kMostOfSystem)));
  const std::string late = make("person:late");
  const std::string later = make("person:later");
  EXPECT_TRUE(good(late) && good(later));
  std::size_t left = 0;
  for (const std::string& text : all) left += good(text) ? 1 : 0;
  EXPECT_EQ(left, Views::kMost - 2);
}

TEST_F(ViewsApi, AKeyOfARepeatKeepsNoTicketThatIsOver) {
  const std::string id = store("moving pictures of a visit");
  const Headers named{{"idempotency-key", "one"}};
  const std::string first = url_of(id, bearer(kToken), named);
  api_.hub.clock().advance_ms(Views::kStartMs);
  const Response again = begin(id, bearer(kToken), named);
  ASSERT_EQ(again.status, 201) << again.body;
  EXPECT_EQ(header(again, "Idempotency-Replayed"), "");
  EXPECT_EQ(play(first).status, 401);
  EXPECT_EQ(play(json(again).string_or("url", "")).status, 206) << "a ticket that is good";
  EXPECT_EQ(entries("recording.read").size(), 2U);
}

}  // namespace
}  // namespace rabt::api::views_test
