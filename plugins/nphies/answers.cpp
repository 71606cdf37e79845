#include "answers.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <optional>

#include "money.hpp"

namespace rabt::nphies {
namespace {

// GE codes that a later, identical attempt may not meet again: payer or gateway unreachable, timed
// out, internal failure.
constexpr std::array<std::string_view, 8> kTransientCodes = {
    "GE-00012", "GE-00014", "GE-00015", "GE-00016", "GE-00017", "GE-00022", "GE-00024", "GE-00025"};
// Certificate not read, sender not the certificate's owner, account blocked.
constexpr std::array<std::string_view, 4> kCredentialCodes = {"GE-00019", "GE-00020", "GE-00029",
                                                              "GE-00030"};

template <std::size_t N>
bool holds(const std::array<std::string_view, N>& codes, std::string_view code) {
  return std::find(codes.begin(), codes.end(), code) != codes.end();
}

std::string extension_code(const Json& resource, std::string_view name) {
  const std::string url = std::string(kProfile) + std::string(name);
  for (const Json& extension : array_at(resource, "extension")) {
    if (text_at(extension, "url") != url) continue;
    return text_at(extension, "valueCodeableConcept/coding/0/code");
  }
  return {};
}

void add_finding(std::vector<Finding>& out, const Json& concept_json,
                 const std::string& expression) {
  for (const Json& coding : array_at(concept_json, "coding")) {
    if (out.size() >= kMaxListed) return;
    Finding finding{text_at(coding, "code"), text_at(coding, "display"), expression};
    for (const Json& extension : array_at(coding, "extension")) {
      if (text_at(extension, "url").ends_with("extension-error-expression")) {
        finding.expression = text_at(extension, "valueString");
      }
    }
    if (!finding.code.empty()) out.push_back(std::move(finding));
  }
}

std::vector<Finding> findings_of(const Json& resource) {
  std::vector<Finding> out;
  static const Json kNothing = Json::object();
  for (const Json& issue : array_at(resource, "issue")) {
    const Json* details = find(issue, "details");
    add_finding(out, details == nullptr ? kNothing : *details, text_at(issue, "expression/0"));
  }
  for (const Json& error : array_at(resource, "error")) {
    const Json* code = find(error, "code");
    add_finding(out, code == nullptr ? kNothing : *code, "");
  }
  // Tasks: output of type error. The code system's name varies between senders, so only the code
  // counts.
  for (const Json& output : array_at(resource, "output")) {
    const Json* code = find(output, "valueCodeableConcept");
    if (text_at(output, "type/coding/0/code") == "error" && code != nullptr)
      add_finding(out, *code, "");
  }
  return out;
}

bool is_resource(const Json& value, std::string_view type) {
  return text_at(value, "resourceType") == type;
}

std::optional<std::int64_t> halalas_at(const Json& root, std::string_view path) {
  const Json* value = find(root, path);
  if (value == nullptr) return std::nullopt;
  return halalas_from(number_text(*value));
}

std::string sum_name(std::string code) {
  // "copay" and "coPay" both occur.
  std::transform(code.begin(), code.end(), code.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  static const std::map<std::string, std::string, std::less<>> kNames = {
      {"submitted", "submittedHalalas"},
      {"eligible", "eligibleHalalas"},
      {"benefit", "benefitHalalas"},
      {"copay", "patientShareHalalas"},
      {"patientshare", "patientShareHalalas"},
      {"deductible", "deductibleHalalas"},
      {"tax", "taxHalalas"},
      {"rejected", "rejectedHalalas"},
      {"discount", "discountHalalas"}};
  const auto found = kNames.find(code);
  return found == kNames.end() ? std::string() : found->second;
}

// {category, amount} entries into named sums. One list may hold "copay" and "patientShare" for the
// same money: the last wins within a list, lists add up.
void add_sums(const Json& entries, std::map<std::string, std::int64_t>& sums) {
  std::map<std::string, std::int64_t> here;
  for (const Json& entry : entries) {
    const std::string name = sum_name(text_at(entry, "category/coding/0/code"));
    const auto amount = halalas_at(entry, "amount/value");
    if (!name.empty() && amount) here[name] = *amount;
  }
  for (const auto& [name, amount] : here) {
    std::int64_t& sum = sums[name];
    if (__builtin_add_overflow(sum, amount, &sum)) sum = 0;
  }
}

Json totals(const Json& facts, const Json* response) {
  std::map<std::string, std::int64_t> sums;
  for (const char* name : {"submittedHalalas", "patientShareHalalas", "taxHalalas"}) {
    const Json* value = find(facts, name);
    if (value != nullptr && value->is_number_integer()) sums[name] = value->get<std::int64_t>();
  }
  if (response != nullptr) {
    std::map<std::string, std::int64_t> answered;
    add_sums(array_at(*response, "total"), answered);
    if (answered.empty()) {
      std::size_t looked = 0;
      for (const Json& item : array_at(*response, "item")) {
        if (++looked > kMaxListed) break;
        add_sums(array_at(item, "adjudication"), answered);
      }
    }
    for (const auto& [name, amount] : answered) sums[name] = amount;
  }
  Json out = Json::object();
  for (const auto& [name, amount] : sums) out[name] = amount;
  return out;
}

Json rejection_reasons(const Json& response) {
  Json out = Json::array();
  for (const Json& item : array_at(response, "item")) {
    for (const Json& part : array_at(item, "adjudication")) {
      const std::string code = text_at(part, "reason/coding/0/code");
      if (code.empty() || out.size() >= kMaxListed) continue;
      const Json* sequence = find(item, "itemSequence");
      Json reason = Json::object();
      reason["code"] = code;
      if (sequence != nullptr && sequence->is_number_integer()) reason["item"] = *sequence;
      out.push_back(std::move(reason));
    }
  }
  return out;
}

Json benefits_of(const Json& insurance) {
  Json out = Json::array();
  for (const Json& item : array_at(insurance, "item")) {
    if (out.size() >= kMaxListed) break;
    Json benefit = Json::object();
    benefit["category"] = text_at(item, "category/coding/0/code");
    benefit["name"] = text_at(item, "category/coding/0/display");
    if (text_at(benefit, "name").empty()) benefit["name"] = text_at(item, "name");
    benefit["network"] = text_at(item, "network/coding/0/code");
    benefit["term"] = text_at(item, "term/coding/0/code");
    for (const Json& limit : array_at(item, "benefit")) {
      benefit["type"] = text_at(limit, "type/coding/0/code");
      const auto allowed = halalas_at(limit, "allowedMoney/value");
      const auto used = halalas_at(limit, "usedMoney/value");
      if (allowed) benefit["allowedHalalas"] = *allowed;
      if (used) benefit["usedHalalas"] = *used;
      for (const auto& [from, to] : {std::pair{"allowedUnsignedInt", "allowedCount"},
                                     std::pair{"usedUnsignedInt", "usedCount"}}) {
        const Json* count = find(limit, from);
        if (count != nullptr && count->is_number_integer()) benefit[to] = *count;
      }
      break;  // one limit per benefit is what payers send; the first stands for it
    }
    out.push_back(without_empty(benefit));
  }
  return out;
}

}  // namespace

Json to_json(const std::vector<Finding>& findings) {
  Json out = Json::array();
  for (const Finding& finding : findings) {
    Json entry = Json::object();
    entry["code"] = finding.code;
    entry["display"] = finding.display;
    entry["expression"] = finding.expression;
    out.push_back(without_empty(entry));
  }
  return out;
}

Verdict judge(const std::vector<Finding>& findings) {
  if (findings.empty()) return Verdict::none;
  bool all_transient = true;
  for (const Finding& finding : findings) {
    if (holds(kCredentialCodes, finding.code)) return Verdict::credential;
    all_transient = all_transient && holds(kTransientCodes, finding.code);
  }
  return all_transient ? Verdict::transient : Verdict::business;
}

std::string codes_text(const std::vector<Finding>& findings) {
  std::string out;
  std::size_t listed = 0;
  for (const Finding& finding : findings) {
    // Rule ids and payer codes; a longer digit run could be an identity number that a payer put in
    // the wrong place.
    const bool rule = finding.code.size() == 8 && finding.code[2] == '-' &&
                      finding.code.find_first_not_of("0123456789", 3) == std::string::npos;
    const bool payer_code = finding.code.size() <= 6 &&
                            finding.code.find_first_not_of("0123456789") == std::string::npos;
    if (!rule && !payer_code) continue;
    if (++listed > 10) break;
    if (!out.empty()) out += ", ";
    out += finding.code;
  }
  return out;
}

Message read_message(const Json& root) {
  Message out;
  if (is_resource(root, "OperationOutcome")) {
    out.focus = &root;
    out.findings = findings_of(root);
    out.fatal = true;
    return out;
  }
  if (!is_resource(root, "Bundle")) return out;
  out.bundle_id = text_at(root, "id");
  const Json& entries = array_at(root, "entry");
  const Json* header = find(root, "entry/0/resource");
  if (header == nullptr || !is_resource(*header, "MessageHeader")) return out;
  out.event = text_at(*header, "eventCoding/code");
  out.response_to = text_at(*header, "response/identifier");
  const std::string code = text_at(*header, "response/code");
  out.fatal = code == "fatal-error" || code == "transient-error";
  for (const Json& tag : array_at(*header, "meta/tag")) {
    out.more_queued = out.more_queued || text_at(tag, "code") == "queued-messages";
  }
  const std::string focus_url = text_at(*header, "focus/0/reference");
  const Json* first = nullptr;
  for (const Json& entry : entries) {
    const Json* content = find(entry, "resource");
    if (content == nullptr || content == header) continue;
    if (is_resource(*content, "Bundle")) {
      out.nested.push_back(content);  // as many as the answer's size allows: none may be lost
      continue;
    }
    if (first == nullptr) first = content;
    if (!focus_url.empty() && text_at(entry, "fullUrl") == focus_url) out.focus = content;
  }
  if (out.focus == nullptr) out.focus = first;
  if (out.focus != nullptr) out.findings = findings_of(*out.focus);
  return out;
}

std::vector<Identifier> claims_of(const Message& message) {
  std::vector<Identifier> out;
  const auto add = [&out](Identifier identifier) {
    if (identifier.value.empty() || out.size() >= kMaxListed) return;
    if (std::find(out.begin(), out.end(), identifier) == out.end())
      out.push_back(std::move(identifier));
  };
  if (message.focus == nullptr) return out;
  const Json& focus = *message.focus;
  if (is_resource(focus, "ClaimResponse")) add(identifier_at(focus, "request/identifier"));
  if (is_resource(focus, "Task")) add(identifier_at(focus, "focus/identifier"));
  for (const Json& about : array_at(focus, "about")) add(identifier_at(about, "identifier"));
  if (is_resource(focus, "PaymentReconciliation")) {
    for (const Json& detail : array_at(focus, "detail"))
      add(identifier_at(detail, "request/identifier"));
  }
  return out;
}

Json claim_output(const Identifier& claim, const Json& facts, const Message* answer) {
  const Json* response =
      answer != nullptr && answer->focus != nullptr && is_resource(*answer->focus, "ClaimResponse")
          ? answer->focus
          : nullptr;
  std::string outcome = response == nullptr ? "queued" : text_at(*response, "outcome");
  if (outcome != "complete" && outcome != "partial" && outcome != "error") outcome = "queued";
  const std::string adjudication =
      response == nullptr ? std::string()
                          : extension_code(*response, "extension-adjudication-outcome");
  Json out = Json::object();
  out["claim"] = to_json(claim);
  out["outcome"] = outcome;
  const bool decided =
      adjudication == "approved" || adjudication == "rejected" || adjudication == "partial";
  out["adjudication"] = decided && outcome != "queued" ? Json(adjudication) : Json();
  out["totals"] = totals(facts, response);
  out["errors"] = answer == nullptr ? Json::array() : to_json(answer->findings);
  out["final"] = outcome != "queued" && adjudication != "pended";
  out["reasons"] = response == nullptr ? Json::array() : rejection_reasons(*response);
  out["absenceReasons"] = array_at(facts, "absenceReasons");
  out["shortened"] = array_at(facts, "shortened");
  if (response != nullptr) {
    const Identifier identifier = identifier_at(*response, "identifier/0");
    if (!identifier.value.empty()) out["response"] = to_json(identifier);
    const std::string disposition = text_at(*response, "disposition");
    if (!disposition.empty()) out["disposition"] = disposition;
  }
  return out;
}

Json eligibility_output(const Message& answer) {
  static const Json kNothing = Json::object();
  const Json& response = answer.focus == nullptr ? kNothing : *answer.focus;
  const std::string said = text_at(response, "outcome");
  bool in_force = false;
  Json benefits = Json::array();
  std::string not_in_force;
  for (const Json& insurance : array_at(response, "insurance")) {
    const Json* flag = find(insurance, "inforce");
    if (flag != nullptr && flag->is_boolean() && flag->get<bool>()) in_force = true;
    if (not_in_force.empty())
      not_in_force = extension_code(insurance, "extension-notInForceReason");
    if (not_in_force.empty())
      not_in_force = extension_code(insurance, "extension-not-in-force-reason");
    for (Json& benefit : benefits_of(insurance)) {
      if (benefits.size() < kMaxListed) benefits.push_back(std::move(benefit));
    }
  }
  const std::string site = extension_code(response, "extension-siteEligibility");
  const bool failed = said == "error" || (said != "complete" && said != "partial");
  Json out = Json::object();
  out["outcome"] = failed                                             ? "error"
                   : in_force && (site.empty() || site == "eligible") ? "eligible"
                                                                      : "not-eligible";
  const Identifier reference = identifier_at(response, "identifier/0");
  if (!reference.value.empty()) out["eligibilityReference"] = to_json(reference);
  out["inforce"] = in_force;
  if (!site.empty()) out["siteEligibility"] = site;
  if (!not_in_force.empty()) out["notInForceReason"] = not_in_force;
  out["benefits"] = std::move(benefits);
  out["errors"] = to_json(answer.findings);
  return out;
}

TaskState task_state(const Message& answer) {
  TaskState out;
  if (answer.focus == nullptr || !is_resource(*answer.focus, "Task")) return out;
  const Json& task = *answer.focus;
  out.status = text_at(task, "status");
  out.reason = text_at(task, "statusReason/coding/0/code");
  for (const Json& output : array_at(task, "output")) {
    if (text_at(output, "type/coding/0/code") != "status") continue;
    out.output = text_at(output, "valueCode");
    if (out.output.empty()) out.output = text_at(output, "valueCodeableConcept/coding/0/code");
    if (out.output.empty()) out.output = text_at(output, "valueString");
  }
  return out;
}

}  // namespace rabt::nphies
