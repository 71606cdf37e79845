#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "hub/audit/reader.hpp"
#include "hub/repair/runner.hpp"
#include "tests/engine/rig.hpp"
#include "tests/must.hpp"

// Jobs of many acts over the rig of the engine. The runner turns when the test says so.
namespace rabt::repair {

using test::must;

inline constexpr const char* kClaim =
    "document: {dsl: '1.0.3', namespace: test, name: claim, version: '1.0.0', metadata: {rabt: "
    "{patient: {phone: '${ .phone }'}}}}\n"
    "schedule: {on: {one: {with: {type: test.claim.v1}}}}\ninput: {from: '${ .[0].data }'}\ndo:\n"
    "  - book: {call: 'do-native:1.0.0@script', with: {n: '${ .n }'}}\n"
    "  - claim: {call: 'do-key:1.0.0@script', with: {n: '${ .n }'}}\n";

class Rig {
 public:
  Rig() { open(); }
  // The hub ends as by a kill, and starts over the same data.
  void restart() {
    runner_.reset();
    repairs_.reset();
    details_.reset();
    engine.crash();
    engine.start();
    open();
  }
  // Claims that the dead payer left faulted, each of a person of its own.
  std::vector<std::string> faulted(int count) {
    payer_down();
    std::vector<std::string> ids;
    for (int i = 0; i < count; ++i) {
      engine.clock().advance_ms(1);
      ids.push_back(claim(phone_of(number_)));
      ++number_;
    }
    for (const std::string& id : ids) {
      if (engine.wait_status(id, "faulted") != "faulted") std::abort();
    }
    engine.settle();
    return ids;
  }
  std::string claim(const std::string& phone) {
    return engine.send("test.claim.v1", Json::object({{"n", number_}, {"phone", phone}})).at(0);
  }
  [[nodiscard]] static std::string phone_of(int number) {
    return "05012" + std::to_string(10'000 + number);
  }
  void payer_down() {
    engine.script().on("do-key", [](engine::ScriptedService::Call call) {
      call.done(engine::failed(workflow::OutcomeKind::permanent, "payer.away"));
    });
  }
  void payer_up() {
    engine.script().on("do-key", [](engine::ScriptedService::Call call) {
      call.done(engine::done(call.arguments));
    });
  }
  [[nodiscard]] Result<Job> preview(const std::string& verb, std::vector<std::string> states = {},
                                    Json answer = {}, std::string version = {}) {
    Wanted wanted{.verb = verb, .answer = std::move(answer), .version = std::move(version)};
    wanted.filter.states = std::move(states);
    return repairs_->preview(caller, wanted);
  }
  [[nodiscard]] Result<Job> run(const Job& job, std::int64_t first = 0, bool goes_on = false) {
    return repairs_->run(caller, job.id,
                         {.digest = job.digest,
                          .reason = "the payer is back",
                          .every_ms = 1'000,
                          .first = first,
                          .goes_on = goes_on});
  }
  // One second passes.
  void second() {
    engine.clock().advance_ms(1'000);
    (void)runner_->turn();
    engine.engine().drain(5'000);
  }
  // Seconds pass until the job runs no longer.
  Job end_of(const std::string& id, int most = 1'000) {
    for (int i = 0; i < most && job(id).state == JobState::running; ++i) second();
    return job(id);
  }
  [[nodiscard]] Job job(const std::string& id) const { return must(repairs_->rows().job(id)); }
  [[nodiscard]] Counts counts(const std::string& id) const {
    return must(repairs_->rows().counts(id));
  }
  // Number of entries of this act in the audit log, by object.
  [[nodiscard]] std::map<std::string, int> acts(const std::string& act) {
    std::map<std::string, int> out;
    must(audit::read_each(engine.audit(), {.tenant = "t1", .act = act},
                          [&](const audit::Logged& logged) {
                            ++out[logged.entry.object];
                            return true;
                          }));
    return out;
  }
  [[nodiscard]] Repairs& repairs() { return *repairs_; }
  [[nodiscard]] Runner& runner() { return *runner_; }

  engine::Rig engine;
  identity::Caller caller{.who = {.kind = identity::Kind::local, .id = "1000"}};

 private:
  void open() {
    if (!deployed_) {
      for (const char* action : {"do-native", "do-none"}) {
        engine.script().on(action, [](engine::ScriptedService::Call call) {
          call.done(engine::done(call.arguments));
        });
      }
      engine.deploy(kClaim);
      deployed_ = true;
    }
    details_ = std::make_unique<access::PatientDetail>(engine.keys(), engine.store(), random_);
    repairs_ = std::make_unique<Repairs>(Repairs::Parts{engine.engine(), engine.store(),
                                                        engine.keys(), engine.audit(), *details_,
                                                        engine.clock(), random_, ids_, "t1"});
    runner_ =
        std::make_unique<Runner>(Runner::Parts{engine.engine(), engine.store(), engine.keys(),
                                               engine.audit(), engine.clock(), null_logger(), "t1"},
                                 repairs_->rows());
  }

  SystemRandom random_;
  UlidSource ids_{engine.clock(), random_};
  std::unique_ptr<access::PatientDetail> details_;
  std::unique_ptr<Repairs> repairs_;
  std::unique_ptr<Runner> runner_;
  bool deployed_ = false;
  int number_ = 0;
};

}  // namespace rabt::repair
