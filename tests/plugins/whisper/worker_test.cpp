#include <signal.h>

#include <fstream>
#include <future>
#include <thread>

#include "hub/net/http_client.hpp"
#include "hub/plugin/plugin_config.hpp"
#include "hub/plugin/plugin_host.hpp"
#include "tests/consultation/session_house.hpp"
#include "tests/plugins/whisper/puppet.hpp"
#include "tests/recording_logger.hpp"

// The shipped package in its process: its memory, its threads and its calls of the system are those
// of the sandbox.
namespace rabt::consultation::worker_test {
namespace {

using workflow::ActionOutcome;
using workflow::OutcomeKind;

class WhisperWorker : public SessionHouse {
 protected:
  void SetUp() override {
    SessionHouse::SetUp();
    http_ = net::make_curl_client(clock_, log_);
    host_ = plugin::PluginHost::make(
        {*store_, *keys_, *audit_, *http_, *blobs_, clock_, random_, log_});
  }
  void TearDown() override {
    host_.reset();
    http_.reset();
    SessionHouse::TearDown();
  }

  Status load(const std::string& config_text, std::vector<std::string> folders) {
    plugin::PluginConfig config;
    config.id = "whisper";
    config.folder = std::string(std::getenv("RABT_BUILD_DIR")) + "/plugins/whisper";  // NOLINT
    config.tenant = "t1";
    config.config = *Json::parse(config_text);
    config.limits.folders = std::move(folders);
    config.limits.memory = 2ULL << 30U;
    RABT_TRY_STATUS(host_->load(std::move(config)));
    return host_->bind_role("asr", "plugin://whisper");
  }
  std::string recording(std::int64_t ms) {
    auto writer = must(blobs_->create("t1", "audio/wav"));
    EXPECT_TRUE(writer->write(whisper::test::wave(whisper::test::tone(ms))).ok());
    return must(writer->finish()).id;
  }
  std::future<ActionOutcome> hear(const std::string& blob, const std::string& key) {
    plugin::CallRequest call;
    call.tenant = "t1";
    call.instance = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
    call.role = "asr";
    call.action = "asr.transcribe";
    call.version = "1.0.0";
    call.arguments = Json::object({{"blob", blob}, {"language", "ar"}});
    call.idempotency_key = key;
    call.deadline_unix_ms = clock_.now().ms + 3'600'000;
    auto ended = std::make_shared<std::promise<ActionOutcome>>();
    token_ = host_->invoke(
        std::move(call), [ended](ActionOutcome outcome) { ended->set_value(std::move(outcome)); });
    return ended->get_future();
  }
  pid_t worker() const {
    for (const auto& state : host_->plugins()) {
      if (state.worker) return static_cast<pid_t>(state.worker->pid);
    }
    return 0;
  }
  // The lines of /proc of it that begin so, as numbers.
  static std::uint64_t status_of(pid_t pid, const std::string& name) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/status");
    std::string line;
    while (std::getline(file, line)) {
      if (line.starts_with(name + ":")) return std::stoull(line.substr(name.size() + 1));
    }
    return 0;
  }
  // It works on the recording: its processor time, in ticks.
  static std::uint64_t ticks_of(pid_t pid) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
    std::string text;
    std::getline(file, text);
    std::istringstream rest(text.substr(text.rfind(')') + 1));
    std::string field;
    for (int i = 0; i < 12; ++i) rest >> field;
    return field.empty() ? 0 : std::stoull(field);
  }

  std::size_t refusals() const {
    const auto lines = log_.lines();
    return static_cast<std::size_t>(std::count_if(
        lines.begin(), lines.end(),
        [](const std::string& line) { return line.starts_with("plugin.forbidden"); }));
  }

  const whisper::test::Puppet puppet_;
  rabt::test::RecordingLogger log_;
  std::unique_ptr<net::HttpClient> http_;
  std::unique_ptr<plugin::PluginHost> host_;
  std::uint64_t token_ = 0;
};

TEST_F(WhisperWorker, HearsInConstantMemoryWithNothingButItsModel) {
  const Status loaded = load(puppet_.config(), {puppet_.folder});
  ASSERT_TRUE(loaded.ok()) << loaded.error().message;
  const ActionOutcome first = hear(recording(65'000), "one").get();
  ASSERT_EQ(first.kind, OutcomeKind::done) << first.code << " " << first.message;
  const std::uint64_t before = status_of(worker(), "VmHWM");
  const std::size_t refused = refusals();
  const ActionOutcome said = hear(recording(300'000), "two").get();
  ASSERT_EQ(said.kind, OutcomeKind::done) << said.code << " " << said.message;
  EXPECT_EQ(said.output["segments"].item(0).string_or("text", ""), "السلام عليكم");
  EXPECT_EQ(said.output.int_or("durationMs", 0), 300'000);
  // Four minutes more are 8 MB of sound as it is read, and 16 as it is heard.
  EXPECT_LT(status_of(worker(), "VmHWM"), before + 4'000);
  // The sandbox refused no system calls: repeated ones would end the process.
  EXPECT_EQ(refusals(), refused);
  EXPECT_FALSE(log_.has("عليكم"));
}

TEST_F(WhisperWorker, IsKilledInTheMiddleAndHearsAgain) {
  const Status loaded = load(puppet_.config(), {puppet_.folder});
  ASSERT_TRUE(loaded.ok()) << loaded.error().message;
  const std::string blob = recording(300'000);
  auto ended = hear(blob, "one");
  const pid_t pid = worker();
  ASSERT_GT(pid, 0);
  const std::uint64_t idle = ticks_of(pid);
  ASSERT_TRUE(eventually([&] { return ticks_of(pid) > idle + 20; }));
  ASSERT_EQ(::kill(pid, SIGKILL), 0);
  ASSERT_EQ(ended.wait_for(std::chrono::seconds(30)), std::future_status::ready);
  const ActionOutcome outcome = ended.get();
  EXPECT_EQ(outcome.kind, OutcomeKind::transient);
  EXPECT_EQ(outcome.code, "plugin.crashed");
  // The clock of tests stands still, and the next process starts a moment later.
  ASSERT_TRUE(eventually([&] {
    clock_.advance_ms(1'000);
    return worker() > 0 && worker() != pid;
  }));
  auto again = hear(recording(5'000), "two");
  ASSERT_EQ(again.wait_for(std::chrono::seconds(30)), std::future_status::ready);
  EXPECT_EQ(again.get().kind, OutcomeKind::done);
}

// A cancelled call has no waiting caller. The time is measured in processor time of one window.
TEST_F(WhisperWorker, StopsWhenTheCallIsCancelled) {
  const Status loaded = load(puppet_.config(), {puppet_.folder});
  ASSERT_TRUE(loaded.ok()) << loaded.error().message;
  const pid_t pid = worker();
  const std::string short_one = recording(5'000);
  const std::uint64_t idle = ticks_of(pid);
  ASSERT_EQ(hear(short_one, "one").get().kind, OutcomeKind::done);
  const std::uint64_t window = ticks_of(pid) - idle;
  ASSERT_GT(window, 0U);
  auto ended = hear(recording(20 * 60'000), "two");
  const std::uint64_t before = ticks_of(pid);
  ASSERT_TRUE(eventually([&] { return ticks_of(pid) > before + 2 * window; }));
  host_->cancel(token_);
  ASSERT_EQ(ended.wait_for(std::chrono::seconds(30)), std::future_status::ready);
  EXPECT_NE(ended.get().kind, OutcomeKind::done);
  EXPECT_EQ(hear(short_one, "three").get().kind, OutcomeKind::done);
  EXPECT_EQ(worker(), pid);
  // The whole would take sixty.
  EXPECT_LT(ticks_of(pid) - before, 20 * window);
}

TEST_F(WhisperWorker, AModelThatThePluginMayNotReadIsRefusedAtTheStart) {
  const Status loaded = load(puppet_.config(), {});
  ASSERT_FALSE(loaded.ok());
  EXPECT_NE(loaded.error().message.find("`folders`"), std::string::npos) << loaded.error().message;
}

}  // namespace
}  // namespace rabt::consultation::worker_test
