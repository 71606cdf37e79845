#include "tools/check/tests.hpp"

#include <algorithm>
#include <array>

#include "hub/base/check.hpp"
#include "tools/check/groups.hpp"
#include "tools/check/session.hpp"

namespace rabt::check {

namespace {

constexpr std::array kTests{
    TestInfo{TestId::manifest_schema, Group::package, "manifest-schema",
             "manifest.yaml has every key it needs, none that it may not have, and each value is "
             "of its kind.",
             ""},
    TestInfo{TestId::schemas_compile, Group::package, "schemas-compile",
             "Every file under schemas/ is a JSON Schema 2020-12 that the hub takes and that some "
             "value fits.",
             ""},
    TestInfo{TestId::sums_complete, Group::package, "sums-complete",
             "SHA256SUMS names every file of the package, and each file is the one it names.", ""},
    TestInfo{TestId::signature, Group::package, "signature",
             "SHA256SUMS.minisig is a signature of SHA256SUMS, by the given key when one is given.",
             ""},
    TestInfo{TestId::platform_matches_elf, Group::package, "platform-matches-elf",
             "Each library is built for the machine that its folder under bin/ names, and one is "
             "there for this machine.",
             ""},
    TestInfo{TestId::semver_bump, Group::package, "semver-bump",
             "Versions rise as much as the schemas changed since the release given with "
             "--previous.",
             ""},
    TestInfo{TestId::exports_only_entry, Group::binary, "exports-only-entry",
             "The library exports the data symbol rabt_plugin_entry and nothing else.", ""},
    TestInfo{TestId::loads_rtld_now, Group::binary, "loads-rtld-now",
             "The library can be mapped with every symbol bound at once.", ""},
    TestInfo{TestId::no_forbidden_imports, Group::binary, "no-forbidden-imports",
             "The library imports no function that starts programs, opens connections, takes "
             "signals or ends the process.",
             ""},
    TestInfo{TestId::no_text_relocations, Group::binary, "no-text-relocations",
             "The library's code is never written to when it is loaded.", ""},
    TestInfo{TestId::relro_now_nx, Group::binary, "relro-now-nx",
             "Relocated data become read-only, symbols are bound at load, and no memory is both "
             "writable and executable.",
             ""},
    TestInfo{TestId::scan_under_100ms, Group::binary, "scan-under-100ms",
             "Mapping the library and reading its entry takes less than 100 ms.", ""},
    TestInfo{TestId::entry_equals_manifest, Group::binary, "entry-equals-manifest",
             "The entry's ABI, id, version and digest are those of manifest.yaml.", ""},
    TestInfo{TestId::create_destroy_100x, Group::lifecycle, "create-destroy-100x",
             "A hundred instances, or as many as 30 seconds hold, come and go without growth of "
             "memory, descriptors or threads.",
             ""},
    TestInfo{TestId::create_bad_config_says_why, Group::lifecycle, "create-bad-config-says-why",
             "create with a configuration that is wrong does no harm; when it refuses, it says why "
             "exactly once.",
             ""},
    TestInfo{TestId::two_instances_independent, Group::lifecycle, "two-instances-independent",
             "Two instances use only their own host, and the second works on when the first is "
             "gone.",
             ""},
    TestInfo{TestId::destroy_with_no_calls, Group::lifecycle, "destroy-with-no-calls",
             "An instance that was never called can be destroyed at once.", ""},
    TestInfo{TestId::host_without_optional_services, Group::lifecycle,
             "host-without-optional-services",
             "On a host that offers no service, create refuses with words or calls still end.", ""},
    TestInfo{TestId::complete_exactly_once, Group::contract, "complete-exactly-once",
             "Each accepted call is completed, and only once, whatever the outside system does.",
             "A1"},
    TestInfo{TestId::refuse_means_no_complete, Group::contract, "refuse-means-no-complete",
             "A call that invoke refused starts nothing and is never completed.", "A2"},
    TestInfo{TestId::no_late_use_of_bytes, Group::contract, "no-late-use-of-bytes",
             "The plugin reads neither the bytes of a call after its complete nor those of a "
             "callback after its return.",
             "A3"},
    TestInfo{TestId::no_late_complete, Group::contract, "no-late-complete",
             "No call is completed for the second time later: not by a timer, a thread or an "
             "answer that comes late.",
             "A4"},
    TestInfo{TestId::cancel_still_completes, Group::contract, "cancel-still-completes",
             "A cancelled call still completes.", "A5"},
    TestInfo{TestId::same_key_same_request, Group::contract, "same-key-same-request",
             "After an answer that got lost, the second attempt on the same instance is "
             "recognisable as a repeat, or looks before it acts.",
             "A6"},
    TestInfo{TestId::quiet_after_destroy, Group::contract, "quiet-after-destroy",
             "destroy does not wait for callbacks that never come, and afterwards the plugin is "
             "silent.",
             "A7"},
    TestInfo{TestId::outcome_kinds_legal, Group::contract, "outcome-kinds-legal",
             "Each outcome has a kind that exists and fits what was sent, a code when it failed, "
             "and JSON where JSON belongs.",
             "A8"},
    TestInfo{TestId::unknown_action, Group::contract, "unknown-action",
             "An action that the manifest does not have ends as permanent or is refused; one that "
             "it has is not always answered like that.",
             ""},
    TestInfo{TestId::deadline_respected, Group::contract, "deadline-respected",
             "A call ends by its deadline and half a second, also when the outside system never "
             "answers.",
             ""},
    TestInfo{TestId::output_matches_schema, Group::contract, "output-matches-schema",
             "The output of a call that succeeded fits the action's output schema.", ""},
    TestInfo{TestId::lane_discipline, Group::contract, "lane-discipline",
             "No function holds the lane for more than 50 ms, unless the manifest says blocking: "
             "true.",
             ""},
    TestInfo{TestId::migrate_answers_once, Group::contract, "migrate-answers-once",
             "migrate gives a configuration that fits the manifest or says why not, once, and the "
             "same for the same.",
             ""},
    TestInfo{TestId::same_key_same_effect, Group::behaviour, "same-key-same-effect",
             "The same holds when the plugin was started anew in between, with nothing but its "
             "stored values.",
             "A6"},
    TestInfo{TestId::client_error_is_permanent, Group::behaviour, "4xx-is-permanent",
             "HTTP 400, 403 and 422 end a call as permanent.", ""},
    TestInfo{TestId::too_many_has_retry_after, Group::behaviour, "429-has-retry-after",
             "HTTP 429 ends a call as transient, not before the time that Retry-After names.", ""},
    TestInfo{TestId::timeout_after_send_is_ambiguous, Group::behaviour,
             "timeout-after-send-is-ambiguous",
             "A request with effect whose answer is lost is not sent again blindly, and the call "
             "ends as ambiguous, unless repeating it is safe.",
             "A8"},
    TestInfo{TestId::connect_refused_is_transient, Group::behaviour, "connect-refused-is-transient",
             "A request of which not a byte left ends a call as transient.", "A8"},
    TestInfo{TestId::no_phi_in_message, Group::privacy, "no-phi-in-message",
             "No patient data of the input stand in the code or message of an outcome.", ""},
    TestInfo{TestId::no_phi_in_log, Group::privacy, "no-phi-in-log",
             "No patient data of the input stand in a log entry.", ""},
    TestInfo{TestId::no_phi_in_metrics, Group::privacy, "no-phi-in-metrics",
             "No patient data of the input stand in a metric or a span.", ""},
    TestInfo{TestId::input_fuzz, Group::fuzz, "input-fuzz",
             "Calls with generated inputs, valid and nearly valid, end as the contract says.", ""},
    TestInfo{TestId::http_response_fuzz, Group::fuzz, "http-response-fuzz",
             "Calls end as the contract says whatever the outside system answers.", ""},
    TestInfo{TestId::webhook_fuzz, Group::fuzz, "webhook-fuzz",
             "Whatever is delivered, normalise answers exactly once, with events of the manifest "
             "or an error.",
             ""},
};

}  // namespace

std::span<const TestInfo> all_tests() {
  return kTests;
}

const TestInfo& info_of(TestId id) {
  const auto found =
      std::find_if(kTests.begin(), kTests.end(), [id](const TestInfo& t) { return t.id == id; });
  RABT_CHECK(found != kTests.end());
  return *found;
}

const TestInfo* find_test(std::string_view name) {
  const auto found = std::find_if(kTests.begin(), kTests.end(),
                                  [name](const TestInfo& t) { return t.name == name; });
  return found == kTests.end() ? nullptr : &*found;
}

std::string_view to_string(Group group) {
  switch (group) {
    case Group::package:
      return "package";
    case Group::binary:
      return "binary";
    case Group::lifecycle:
      return "lifecycle";
    case Group::contract:
      return "contract";
    case Group::behaviour:
      return "behaviour";
    case Group::privacy:
      return "privacy";
    case Group::fuzz:
      return "fuzz";
  }
  return "";
}

std::string_view to_string(TestStatus status) {
  switch (status) {
    case TestStatus::passed:
      return "passed";
    case TestStatus::failed:
      return "failed";
    case TestStatus::crashed:
      return "crashed";
    case TestStatus::warning:
      return "warning";
    case TestStatus::skipped:
      return "skipped";
  }
  return "";
}

std::optional<TestStatus> status_named(std::string_view name) {
  for (const TestStatus status : {TestStatus::passed, TestStatus::failed, TestStatus::crashed,
                                  TestStatus::warning, TestStatus::skipped}) {
    if (to_string(status) == name) return status;
  }
  return std::nullopt;
}

Verdict run_test(TestId id, const Settings& settings) {
  auto subject = Subject::open(settings);
  // A fault of the manifest is reported by one test alone; the others need a valid manifest.
  if (!subject.ok()) {
    return id == TestId::manifest_schema ? failed(subject.error().message)
                                         : skipped("manifest-schema failed");
  }
  const Group group = info_of(id).group;
  // That there is no instance is one test's to say, too.
  if (group != Group::package && group != Group::binary && id != TestId::create_destroy_100x &&
      id != TestId::create_bad_config_says_why) {
    if (const auto config = config_of(*subject); !config.ok())
      return skipped("there is no instance: see create-destroy-100x");
  }
  switch (group) {
    case Group::package:
      return package_test(id, *subject);
    case Group::binary:
      return binary_test(id, *subject);
    case Group::lifecycle:
      return lifecycle_test(id, *subject);
    case Group::contract:
      return contract_test(id, *subject);
    case Group::behaviour:
      return behaviour_test(id, *subject);
    case Group::privacy:
      return privacy_test(id, *subject);
    case Group::fuzz:
      return fuzz_test(id, *subject);
  }
  return failed("no such test");
}

}  // namespace rabt::check
