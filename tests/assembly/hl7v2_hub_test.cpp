#include <gtest/gtest.h>
#include <stdlib.h>

#include <condition_variable>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <future>
#include <mutex>
#include <set>

#include "hub/assembly/hub.hpp"
#include "hub/crypto/tls_server.hpp"
#include "hub/http/mllp.hpp"
#include "hub/net/http_client.hpp"
#include "hub/phi/policy.hpp"
#include "tests/hl7_field.hpp"
#include "tests/identity/line_program.hpp"
#include "tests/mllp_peer.hpp"
#include "tests/net/loopback.hpp"
#include "tests/npm.hpp"
#include "tests/recording_logger.hpp"
#include "tests/tls_files.hpp"

// A hub between two systems that speak HL7 v2 only: one books, the other keeps the record.
namespace rabt::assembly::hl7v2_hub_test {
namespace {

namespace fs = std::filesystem;
using test::field;
using test::MllpPeer;

// The encounter of a booking, as short as it can be.
const std::string kEncounter = R"(
document: {dsl: '1.0.3', namespace: test, name: filing, version: '1.0.0', metadata: {rabt: {dataClass: patient, businessKey: '${ .appointment.key }'}}}
schedule: {on: {one: {with: {type: org.rabt.appointment.booked.v1, data: '${ .modality == "video" }'}}}}
input: {from: '${ .[0].data }'}
do:
  - keep:
      set: {visit: '${ $workflow.id }', booking: '${ . }'}
      export: {as: '${ $output }'}
  - encounter:
      call: ehr.encounter.write:1.0.0@ehr
      with:
        consultation: ${ $context.visit }
        appointment: ${ $context.booking.appointment }
        patient: ${ $context.booking.patient }
        practitioner: ${ $context.booking.practitioner }
        start: ${ $context.booking.appointment.start }
        end: ${ $context.booking.appointment.end }
)";
// The encounter, and its recordings.
const std::string kFiling =
    kEncounter + R"(      export: {as: '${ $context + { encounter: $output } }'}
  - document:
      call: ehr.document.write:1.0.0@ehr
      with:
        consultation: ${ $context.visit }
        patient: ${ $context.booking.patient }
        encounter: ${ $context.encounter }
        recordings: [{id: R1}]
)";

// The encounter, and what the clinicians wrote.
const std::string kCharting = kEncounter + R"(  - chart:
      call: ehr.record.write:1.0.0@ehr
      with:
        consultation: ${ $context.visit }
        patient: ${ $context.booking.patient }
        diagnoses: [{code: G43.9, display: 'Migraine | left ^ right', type: principal}, {code: I10, type: secondary}]
        vitals: {pulse: 84, temperatureCel: 36.8}
        notes: {assessment: 'صداع | نصفي & دوار'}
)";

// All people are fictional. key: of the appointment and of the message.
std::string booking(const std::string& key, const std::string& more = "||") {
  return "MSH|^~\\&|HIS|RIYADH|RABT|HUB|20260310083000+0300||SIU^S12^SIU_S12|" + key +
         "|P|2.5.1|||" + more +
         "||UNICODE UTF-8\r"
         "SCH||" +
         key +
         "^HIS|||||CHECKUP^Video visit|VIRTUAL|20|MIN|^^20^20260310090000||||||||||||||Booked\r"
         "PID|1||MRN001^^^CLINIC^MR~1000000008^^^KSA^NI||Canaryfamily^Sami^^^^^L||19850412|M\r"
         "PV1|1|V|||||||||||||||||V-7\r"
         "AIP|1|A|N-P-00001^Subaie^Noura^^^Dr.\r";
}

class Hl7Hub : public ::testing::Test {
 protected:
  void SetUp() override {
    std::signal(SIGPIPE, SIG_IGN);
    std::string pattern = (fs::temp_directory_path() / "rabt-hl7-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    std::ofstream(folder_ / "filing.yaml") << kFiling;
    std::ofstream(folder_ / "token") << "a-token-of-the-hospital";
    fs::permissions(folder_ / "token", fs::perms::owner_read | fs::perms::owner_write);
  }
  void TearDown() override {
    hub_.reset();
    record_.reset();
    fs::remove_all(folder_);
  }
  void start(int port) { start("mllp://127.0.0.1:" + std::to_string(port), {}); }
  // YAML that follows what the plugin, the source of MLLP and the server have.
  struct More {
    std::string plugin{};
    std::string listen{};
    std::string server{};
  };
  // url: where the record system listens.
  void start(const std::string& url, const More& more) {
    const char* build = std::getenv("RABT_BUILD_DIR");  // NOLINT(concurrency-mt-unsafe)
    ASSERT_NE(build, nullptr);
    // Only this plugin, as the folder of a developer has it.
    fs::create_directories(folder_ / "plugins");
    fs::create_directory_symlink(std::string(build) + "/plugins/hl7v2", folder_ / "plugins/hl7v2");
    std::ofstream(folder_ / "rabt.yaml")
        << "tenant: t1\nserver: {port: 0" << more.server
        << "}\ndata: data\nplugins: plugins\nmigrations: " << RABT_MIGRATIONS
        << "\nworkflows: [filing.yaml]\nroles: {ehr: 'plugin://hl7v2'}\n"
        << "plugin: {hl7v2: {config: {url: '" << url << "'}" << more.plugin << "}}\n"
        << "sources:\n  line: {scheme: mllp, plugin: hl7v2, listen: {port: 0" << more.listen
        << "}}\n"
        << "  his: {scheme: static-token, secrets: [{file: token}], plugin: hl7v2}\n";
    const auto config = config::load_config((folder_ / "rabt.yaml").string());
    ASSERT_TRUE(config.ok()) << config.error().message;
    auto hub = Hub::start(*config, clock_, log_, phi::strict_policy(), {.dev = true});
    ASSERT_TRUE(hub.ok()) << hub.error().code << ": " << hub.error().message;
    hub_ = *std::move(hub);
  }
  // A record system by hand that answers with this code of MSA-1 and keeps what it took.
  void start_record() {
    record_ = std::make_unique<net::Loopback>([this](int fd) {
      MllpPeer peer(fd, nullptr);
      const std::string message = peer.receive();
      std::string code;
      {
        const std::scoped_lock lock(mutex_);
        taken_.push_back(message);
        code = losing_-- > 0 ? "" : "AA";
        changed_.notify_all();
      }
      if (code.empty()) return;  // the answer is lost
      (void)peer.send(test::mllp_frame("MSH|^~\\&|HIS|||RABT|20260310||ACK|1|P|2.5.1\rMSA|" + code +
                                       "|" + field(message, "MSH", 10) + "\r"));
      (void)peer.receive();
    });
  }
  std::vector<std::string> taken(std::size_t count) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, std::chrono::seconds(30), [&] {
      return taken_.size() >= count;
    })) << taken_.size();
    return taken_;
  }
  // Output of `rabt` with these arguments, beside the running hub.
  std::string rabt(const std::string& arguments) {
    const char* build = std::getenv("RABT_BUILD_DIR");  // NOLINT(concurrency-mt-unsafe)
    const fs::path out = folder_ / "said";
    (void)std::system(("cd '" + folder_.string() + "' && '" + (build == nullptr ? "" : build) +
                       "/bin/rabt' " + arguments + " -c rabt.yaml > '" + out.string() + "' 2>&1")
                          .c_str());
    std::ifstream file(out);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  // The port of the source's listener; the log names it.
  int mllp_port() {
    for (const std::string& line : log_.lines()) {
      if (line.starts_with("hub.mllp ")) return std::stoi(line.substr(line.find("port=") + 5));
    }
    ADD_FAILURE() << "no listener";
    return 0;
  }
  // A message over HTTP, with the token of the hospital.
  net::Response post(const std::string& body, const std::string& source = "his") {
    const auto client = net::make_curl_client(clock_, null_logger());
    net::Request request{.method = "POST", .url = hub_->url() + "/hooks/" + source};
    request.headers = {{"Authorization", "Bearer a-token-of-the-hospital"},
                       {"Content-Type", "x-application/hl7-v2+er7"}};
    request.body = body;
    request.tls = tls_;
    std::promise<net::Response> done;
    client->start(std::move(request),
                  std::make_shared<const net::AllowList>(net::AllowList::anything()),
                  [&](net::Response response) { done.set_value(std::move(response)); });
    return done.get_future().get();
  }

  SystemClock clock_;
  test::RecordingLogger log_;
  fs::path folder_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> taken_;
  int losing_ = 0;
  std::unique_ptr<net::Loopback> record_;
  std::unique_ptr<Hub> hub_;
  // TLS options that check the hub's certificate; null without TLS.
  std::shared_ptr<const net::TlsOptions> tls_;
};

TEST_F(Hl7Hub, K79ABookingByMllpEndsAsARecordAtAReceiverOfMllp) {
  start_record();
  start(record_->port());
  MllpPeer his(mllp_port());
  const std::string answer = his.ask(booking("A-1"));
  EXPECT_EQ(field(answer, "MSA", 1), "AA") << answer;
  EXPECT_EQ(field(answer, "MSA", 2), "A-1");
  EXPECT_EQ(field(answer, "MSH", 5), "HIS");
  const std::vector<std::string> filed = taken(2);
  ASSERT_EQ(filed.size(), 2U);
  EXPECT_EQ(field(filed[0], "MSH", 9), "ADT^A04^ADT_A01");
  EXPECT_EQ(field(filed[0], "PID", 3), "MRN001^^^CLINIC^MR~1000000008^^^KSA^NI");
  EXPECT_EQ(field(filed[0], "PV1", 19), "V-7");
  EXPECT_EQ(field(filed[1], "MSH", 9), "MDM^T02^MDM_T02");
  EXPECT_EQ(field(filed[1], "PV1", 19), "V-7");
  EXPECT_EQ(field(filed[1], "OBX", 5), "urn:rabt:recording:R1");
  EXPECT_FALSE(log_.has("anaryfamily"));
}

TEST_F(Hl7Hub, K79EachMessageOfALineIsAnsweredAndARepeatStartsNothing) {
  start_record();
  start(record_->port());
  MllpPeer his(mllp_port());
  ASSERT_TRUE(his.send(test::mllp_frame(booking("A-1")) + test::mllp_frame("hello") +
                       test::mllp_frame(booking("A-2", "AL|NE")) +
                       test::mllp_frame(booking("A-1"))));
  EXPECT_EQ(field(his.receive(), "MSA", 1), "AA");
  const std::string refused = his.receive();
  EXPECT_EQ(field(refused, "MSA", 1), "AE") << refused;
  EXPECT_EQ(field(refused, "ERR", 3), "100^Segment sequence error^HL70357");
  EXPECT_EQ(field(his.receive(), "MSA", 1), "CA");
  EXPECT_EQ(field(his.receive(), "MSA", 1), "AA");
  std::string other = booking("A-1");
  other.replace(other.find("Sami"), 4, "Saad");
  const std::string conflict = his.ask(other);
  EXPECT_EQ(field(conflict, "MSA", 1), "AR") << conflict;
  EXPECT_EQ(field(conflict, "ERR", 2), "MSH^1^10");
  // Each line names the request, and the message where that names nobody.
  EXPECT_TRUE(log_.has("hook.not_taken source=line code=engine.delivery_conflict"));
  EXPECT_TRUE(log_.has(" control:A-1 remote=127.0.0.1"));
  EXPECT_FALSE(log_.has("request_id= "));
  EXPECT_NE(rabt("deliveries show 2").find(" control:A-1"), std::string::npos);
  EXPECT_EQ(taken(4).size(), 4U);
}

TEST_F(Hl7Hub, K79AnAnswerThatIsLostRepeatsTheSameMessage) {
  losing_ = 1;
  start_record();
  start(record_->port());
  EXPECT_EQ(field(MllpPeer(mllp_port()).ask(booking("A-1")), "MSA", 1), "AA");
  const std::vector<std::string> filed = taken(3);
  EXPECT_EQ(field(filed[0], "MSH", 10), field(filed[1], "MSH", 10));
  EXPECT_EQ(field(filed[1], "MSH", 9), "ADT^A04^ADT_A01");
  EXPECT_EQ(field(filed[2], "MSH", 9), "MDM^T02^MDM_T02");
}

TEST_F(Hl7Hub, K79TheSameMessageMayComeOverHttp) {
  start_record();
  start(record_->port());
  const net::Response taken_one = post(booking("A-1"));
  EXPECT_EQ(taken_one.status, 202) << taken_one.body;
  EXPECT_EQ(taken_one.header("content-type"), "application/hl7-v2; charset=utf-8");
  EXPECT_EQ(field(taken_one.body, "MSA", 1), "AA");
  const net::Response again = post(booking("A-1"));
  EXPECT_EQ(again.header("x-rabt-repeated"), "true");
  EXPECT_EQ(field(again.body, "MSA", 1), "AA");
  const net::Response refused = post("hello");
  EXPECT_EQ(refused.status, 422);
  EXPECT_EQ(field(refused.body, "MSA", 1), "AE");
  const std::string text = rabt("deliveries show 1");
  EXPECT_NE(text.find("source      his\n"), std::string::npos) << text;
  EXPECT_NE(text.find("outcome     unreadable\n"), std::string::npos) << text;
  EXPECT_NE(text.find("--body --reason TEXT"), std::string::npos) << text;
  EXPECT_NE(rabt("deliveries show 99").find("cli.delivery"), std::string::npos);
  EXPECT_EQ(post(booking("A-2"), "line").status, 404) << "it sends over MLLP only";
  EXPECT_EQ(taken(2).size(), 2U);
}

// A certificate of an authority that both ends know, and what the configuration says of it.
class Hl7OverTls : public Hl7Hub {
 protected:
  void SetUp() override {
    Hl7Hub::SetUp();
    ASSERT_TRUE(test::make_certificates(folder_.string()));
  }
  [[nodiscard]] std::string file(const char* name) const { return (folder_ / name).string(); }
  void start_tls(int port) {
    tls_ = std::make_shared<const net::TlsOptions>(net::TlsOptions{file("ca.pem"), "", ""});
    start("mllps://127.0.0.1:" + std::to_string(port),
          {.plugin = ", tls: {ca: '" + file("ca.pem") + "', client_cert: '" + file("server.pem") +
                     "', client_key: '" + file("server.key") + "'}",
           .listen = ", ca: '" + file("ca.pem") + "'",
           .server =
               ", tls: {cert: '" + file("server.pem") + "', key: '" + file("server.key") + "'}"});
  }
};

TEST_F(Hl7OverTls, K79ARecordGoesToAReceiverThatAsksForACertificate) {
  auto tls = crypto::TlsServer::open({.certificates = file("server.pem"),
                                      .key = file("server.key"),
                                      .client_authorities = file("ca.pem")},
                                     clock_);
  ASSERT_TRUE(tls.ok()) << tls.error().message;
  const auto receiver = http::MllpListener::start(
      {.port = 0, .tls = *std::move(tls)},
      [this](const std::string& message, const std::string& /*address*/) {
        const std::scoped_lock lock(mutex_);
        taken_.push_back(message);
        changed_.notify_all();
        return "MSH|^~\\&|HIS|||RABT|20260310||ACK|1|P|2.5.1\rMSA|AA|" + field(message, "MSH", 10) +
               "\r";
      },
      log_);
  ASSERT_TRUE(receiver.ok()) << receiver.error().message;
  start_tls((*receiver)->port());
  // The listener for bookings takes none without TLS.
  EXPECT_NE(field(MllpPeer(mllp_port()).ask(booking("A-1")), "MSA", 1), "AA");
  EXPECT_EQ(post(booking("A-2")).status, 202);
  const std::vector<std::string> filed = taken(2);
  ASSERT_EQ(filed.size(), 2U);
  EXPECT_EQ(field(filed[0], "MSH", 9), "ADT^A04^ADT_A01");
  EXPECT_EQ(field(filed[1], "MSH", 9), "MDM^T02^MDM_T02");
}

// Software of others on both sides: node-hl7-client books, node-hl7-server keeps the record.
class SlowHl7Peers : public Hl7OverTls {
 protected:
  void SetUp() override {
    Hl7OverTls::SetUp();
    const std::string packages = test::npm_folder("hl7");
    ASSERT_NE(packages, "");
    const char* source = std::getenv("RABT_SOURCE_DIR");  // NOLINT(concurrency-mt-unsafe)
    ASSERT_NE(source, nullptr);
    script_ = packages + "/hl7_peer.mjs";
    fs::copy_file(fs::path(source) / "tests/assembly/hl7_peer.mjs", script_,
                  fs::copy_options::overwrite_existing);
  }
  // Two bookings and a message that nobody understands, over a connection each way.
  void exchange(identity::test::LineProgram& peer, const Json& tls) {
    Json to = Json::object({{"port", mllp_port()}});
    if (!tls.is_null()) to.set("tls", tls);
    const auto send = [&](const std::string& text) {
      Json message = to;
      message.set("text", text);
      return peer.ask("send", message);
    };
    for (const char* id : {"A-1", "A-2"}) {
      const Json answer = send(booking(id));
      EXPECT_EQ(answer["code"], Json("AA")) << answer.dump();
      EXPECT_EQ(answer["control"], Json(id));
      EXPECT_EQ(answer["type"], Json("ACK"));
    }
    std::string strange = booking("A-3");
    strange.replace(strange.find("SIU^S12^SIU_S12"), 15, "SIU^S99^SIU_S12");
    const Json refused = send(strange);
    EXPECT_EQ(refused["code"], Json("AR")) << refused.dump();
    EXPECT_EQ(refused["error"], Json("201"));
    EXPECT_EQ(send(booking("A-1"))["code"], Json("AA")) << "a repeat is acknowledged again";

    const Json filed = peer.ask("taken", Json(4));
    ASSERT_EQ(filed.size(), 4U) << filed.dump();
    std::multiset<std::string> types;
    std::set<std::string> controls;
    for (const Json& item : filed.as_array()) {
      types.insert(item.string_or("type", ""));
      controls.insert(item.string_or("control", ""));
      EXPECT_EQ(item["family"], Json("Canaryfamily"));
      EXPECT_EQ(item["visit"], Json("V-7"));
      EXPECT_EQ(item["text"],
                Json(item.string_or("type", "").starts_with("MDM") ? "urn:rabt:recording:R1" : ""));
    }
    EXPECT_EQ(types, (std::multiset<std::string>{"ADT^A04^ADT_A01", "ADT^A04^ADT_A01",
                                                 "MDM^T02^MDM_T02", "MDM^T02^MDM_T02"}));
    EXPECT_EQ(controls.size(), 4U);
  }
  std::string script_;
};

TEST_F(SlowHl7Peers, K79TheHubWorksBetweenThem) {
  identity::test::LineProgram peer(script_, "");
  const Json listens = peer.ask("listen", Json::object());
  start(static_cast<int>(listens.int_or("port", 0)));
  exchange(peer, {});
}

TEST_F(SlowHl7Peers, K79AChartIsReadBySoftwareOfOthers) {
  std::ofstream(folder_ / "filing.yaml") << kCharting;
  identity::test::LineProgram peer(script_, "");
  const Json listens = peer.ask("listen", Json::object());
  start(static_cast<int>(listens.int_or("port", 0)));
  const Json message = Json::object({{"port", mllp_port()}, {"text", booking("A-1")}});
  EXPECT_EQ(peer.ask("send", message)["code"], Json("AA"));
  const Json filed = peer.ask("taken", Json(4));
  ASSERT_EQ(filed.size(), 4U) << filed.dump();
  EXPECT_EQ(filed[1]["type"], Json("ADT^A08^ADT_A01"));
  EXPECT_EQ(filed[1]["entries"].dump(), R"([["G43.9",""],["I10",""]])");
  EXPECT_EQ(filed[2]["type"], Json("ORU^R01^ORU_R01"));
  EXPECT_EQ(filed[2]["entries"].dump(), R"([["8867-4","84"],["8310-5","36.8"]])");
  EXPECT_EQ(filed[3]["type"], Json("MDM^T02^MDM_T02"));
  ASSERT_EQ(filed[3]["entries"].size(), 3U) << filed[3].dump();
  EXPECT_EQ(filed[3]["entries"][0][0], Json("51848-0"));
  const std::string text = filed[3]["entries"][0].item(1).as_string();
  EXPECT_TRUE(text.starts_with("Assessment · التقييم")) << text;
  EXPECT_NE(text.find("صداع | نصفي & دوار"), std::string::npos) << text;
  for (const Json& item : filed.as_array()) EXPECT_EQ(item["visit"], Json("V-7"));
}

TEST_F(SlowHl7Peers, K79TheHubWorksBetweenThemOverTls) {
  identity::test::LineProgram peer(script_, "");
  const Json own = Json::object({{"cert", file("server.pem")}, {"key", file("server.key")}});
  const Json listens = peer.ask("listen", Json::object({{"tls", own}}));
  start_tls(static_cast<int>(listens.int_or("port", 0)));
  Json tls = own;
  tls.set("ca", file("ca.pem"));
  exchange(peer, tls);
}

}  // namespace
}  // namespace rabt::assembly::hl7v2_hub_test
