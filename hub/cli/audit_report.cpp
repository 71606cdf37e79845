#include <cstdio>
#include <memory>

#include "hub/args/args.hpp"
#include "hub/base/printable.hpp"
#include "hub/cli/commands.hpp"
#include "hub/cli/hub_client.hpp"
#include "hub/config/config.hpp"

// rabt audit export and report: they ask the running hub, which audits the request first.
namespace rabt::cli {

namespace {

struct ExportOptions {
  std::string config = kDefaultConfig;
  // fhir, fhir-bundle, syslog or jsonl.
  std::string format = "jsonl";
  // A date or a time; empty means no limit.
  std::string from;
  std::string to;
  // KIND:VALUE; empty means everybody.
  std::string patient;
  std::string reason;
};

struct ReportOptions {
  std::string config = kDefaultConfig;
  // KIND:VALUE
  std::string patient;
  // Reports break-glass grants instead of one patient.
  bool break_glass = false;
  // Grants that were reviewed are listed too.
  bool all = false;
  std::string from;
  std::string to;
  std::string reason;
  bool json = false;
};

std::string text_of(const Json& row, std::string_view key) {
  const Json& value = row[key];
  if (value.is_null()) return "-";
  if (value.is_string()) return printable(value.as_string());
  if (!value.is_array()) return value.dump();
  std::string out;
  for (const Json& item : value.as_array()) {
    if (!out.empty()) out += ",";
    out += item.is_string() ? printable(item.as_string()) : item.dump();
  }
  return out.empty() ? "-" : out;
}

void print_access(const Json& row, const char* indent) {
  std::printf("%s%s  %s  %s  by %s from %s", indent, text_of(row, "time").c_str(),
              text_of(row, "act").c_str(), text_of(row, "object").c_str(),
              text_of(row, "actor").c_str(), text_of(row, "client").c_str());
  if (row.find("purpose") != nullptr) std::printf("  for %s", text_of(row, "purpose").c_str());
  if (row.find("grant") != nullptr) std::printf("  grant %s", text_of(row, "grant").c_str());
  if (text_of(row, "result") != "ok") std::printf("  REFUSED %s", text_of(row, "result").c_str());
  std::printf("\n");
  if (row.find("reason") != nullptr)
    std::printf("%s    reason: %s\n", indent, text_of(row, "reason").c_str());
}

void print_patient(const Json& report) {
  std::printf("patient %s, %zu instance%s, made %s\n", text_of(report, "patient").c_str(),
              report["instances"].size(), report["instances"].size() == 1 ? "" : "s",
              text_of(report, "made").c_str());
  std::printf("\nDisclosures to other systems: %zu\n", report["disclosures"].size());
  for (const Json& row : report["disclosures"].as_array()) {
    std::printf("  %s  to %s (%s)  %s  for %s%s  fields %s  outcome %s\n",
                text_of(row, "time").c_str(), text_of(row, "recipient").c_str(),
                text_of(row, "host").c_str(), text_of(row, "capability").c_str(),
                text_of(row, "purpose").c_str(), row.bool_or("routine", false) ? "" : " *",
                text_of(row, "fields").c_str(), text_of(row, "outcome").c_str());
  }
  std::printf(
      "  * not for treatment, payment or operations: part of an accounting under 45 CFR "
      "164.528\n");
  std::printf("\nAccesses: %zu\n", report["accesses"].size());
  for (const Json& row : report["accesses"].as_array()) print_access(row, "  ");
  std::printf("\n%s other entries of the log are about this patient\n",
              text_of(report, "others").c_str());
  if (const std::int64_t left_out = report.int_or("leftOut", 0); left_out > 0)
    std::printf(
        "LEFT OUT: what stands under %lld identifier%s that somebody else has or had, too\n",
        static_cast<long long>(left_out), left_out == 1 ? "" : "s");
  if (!report.bool_or("complete", true))
    std::printf("NOT COMPLETE: there are more entries than one report holds; ask for less time\n");
}

void print_grants(const Json& report) {
  std::printf("%zu grant%s\n", report["grants"].size(), report["grants"].size() == 1 ? "" : "s");
  for (const Json& grant : report["grants"].as_array()) {
    std::printf("\n%s  %s  opened %s by %s, until %s\n  patient %s%s\n  reason: %s\n",
                text_of(grant, "id").c_str(), text_of(grant, "state").c_str(),
                text_of(grant, "opened").c_str(), text_of(grant, "openedBy").c_str(),
                text_of(grant, grant.find("ended") != nullptr ? "ended" : "expires").c_str(),
                text_of(grant, "patient").c_str(),
                grant.find("instance") == nullptr
                    ? ""
                    : (", instance " + text_of(grant, "instance")).c_str(),
                text_of(grant, "reason").c_str());
    for (const Json& row : grant["reads"].as_array()) print_access(row, "    ");
    if (grant.find("reviewed") != nullptr) {
      std::printf("  reviewed %s by %s\n", text_of(grant, "reviewed").c_str(),
                  text_of(grant, "reviewedBy").c_str());
    }
  }
  if (!report.bool_or("complete", true))
    std::printf("NOT COMPLETE: there are more grants than one report holds\n");
}

Json period(const std::string& from, const std::string& to) {
  Json body = Json::object();
  if (!from.empty()) body.set("from", from);
  if (!to.empty()) body.set("to", to);
  return body;
}

// Prints entries of the audit log.
int audit_export(const ExportOptions& options) {
  const auto config = config::load_config(options.config);
  if (!config.ok()) return complain(config.error());
  auto client = HubClient::of(*config);
  if (!client.ok()) return complain(client.error());
  const bool bundle = options.format == "fhir-bundle";
  Json body = period(options.from, options.to);
  body.set("format", bundle ? std::string("fhir") : options.format);
  std::string patient = options.patient;
  if (const Status read = read_patient(patient); !read.ok()) return complain(read.error());
  if (!patient.empty()) body.set("patient", patient);
  bool first = true;
  if (bundle) std::printf("{\"resourceType\":\"Bundle\",\"type\":\"collection\",\"entry\":[");
  for (bool more = true; more;) {
    const auto page = client->post_for_lines("/api/v1/audit/export", body, options.reason);
    if (!page.ok()) return complain(page.error());
    if (!bundle) std::fwrite(page->lines.data(), 1, page->lines.size(), stdout);
    for (std::size_t at = 0; bundle && at < page->lines.size();) {
      const auto end = page->lines.find('\n', at);
      const std::string line = page->lines.substr(at, end - at);
      const auto resource = Json::parse(line);
      if (!resource.ok()) return complain(resource.error());
      std::printf("%s\n{\"fullUrl\":\"https://rabt.health/AuditEvent/%s\",\"resource\":%s}",
                  first ? "" : ",", resource->string_or("id", "").c_str(), line.c_str());
      first = false;
      at = end + 1;
    }
    more = !page->next.empty();
    if (more) body.set("first", std::strtoll(page->next.c_str(), nullptr, 10));
  }
  if (bundle) std::printf("\n]}\n");
  return 0;
}

// Prints who saw what of one patient, or what was read under break-glass grants.
int audit_report(const ReportOptions& options) {
  const auto config = config::load_config(options.config);
  if (!config.ok()) return complain(config.error());
  if (options.patient.empty() != options.break_glass)
    return complain(invalid("cli.report", "give either --patient KIND:VALUE or --break-glass"));
  auto client = HubClient::of(*config);
  if (!client.ok()) return complain(client.error());
  Result<Json> report = Json();
  if (options.break_glass) {
    report = client->get(std::string("/api/v1/break-glass") + (options.all ? "?reviewed=all" : ""),
                         options.reason);
  } else {
    Json body = period(options.from, options.to);
    std::string patient = options.patient;
    if (const Status read = read_patient(patient); !read.ok()) return complain(read.error());
    body.set("patient", patient);
    report = client->post("/api/v1/audit/report", body, options.reason);
  }
  if (!report.ok()) return complain(report.error());
  if (options.json) {
    std::printf("%s\n", report->dump_pretty().c_str());
  } else if (options.break_glass) {
    print_grants(*report);
  } else {
    print_patient(*report);
  }
  return 0;
}

void add_range_options(args::Command& command, std::string& from, std::string& to) {
  command
      .add_option("--from", from,
                  "Start of the range, inclusive: a date, a time with its zone, or 2h or 7d back "
                  "from now")
      ->moment();
  command.add_option("--to", to, "End of the range, exclusive (as --from)")->moment();
}

void add_export_command(args::Command& group, int& code) {
  auto options = std::make_shared<ExportOptions>();
  auto* command = group.add_subcommand(
      "export", "Print entries of the log in a format that other systems read");
  add_config_option(*command, options->config);
  command
      ->add_option("--format", options->format,
                   "fhir (one AuditEvent on each line), fhir-bundle, syslog or jsonl")
      ->one_of({"fhir", "fhir-bundle", "syslog", "jsonl"})
      ->capture_default_str();
  add_range_options(*command, options->from, options->to);
  command->add_option("--patient", options->patient,
                      "Export only the entries of one patient: KIND:VALUE, or - to read this from "
                      "standard input");
  command->add_option("--reason", options->reason, "Reason for the export; the audit log keeps it")
      ->required();
  command->callback([options, &code] { code = audit_export(*options); });
}

}  // namespace

void add_audit_report_commands(args::Command& group, int& code) {
  add_export_command(group, code);
  auto options = std::make_shared<ReportOptions>();
  auto* command = group.add_subcommand(
      "report", "Report accesses to the data of one patient, or accesses under break-glass grants");
  add_config_option(*command, options->config);
  command->add_option("--patient", options->patient,
                      "KIND:VALUE, or - to read this from standard input; KIND is identifier, mrn, "
                      "phone, email, or person with the id of a person");
  command->add_flag("--break-glass", options->break_glass,
                    "Report the break-glass grants that nobody has reviewed");
  command->add_flag("--all", options->all, "With --break-glass: report reviewed grants too");
  add_range_options(*command, options->from, options->to);
  command->add_option("--reason", options->reason, "Reason for the report; the audit log keeps it")
      ->required();
  command->add_flag("--json", options->json, "Print JSON");
  command->callback([options, &code] { code = audit_report(*options); });
}

}  // namespace rabt::cli
