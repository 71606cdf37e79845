#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <map>
#include <memory>
#include <thread>

#include "hub/args/args.hpp"
#include "hub/base/ascii.hpp"
#include "hub/base/clock.hpp"
#include "hub/base/printable.hpp"
#include "hub/base/suggest.hpp"
#include "hub/cli/code_file.hpp"
#include "hub/cli/commands.hpp"
#include "hub/cli/hub_client.hpp"
#include "hub/config/config.hpp"
#include "hub/identity/principal.hpp"
#include "hub/identity/profile.hpp"
#include "hub/mapping/mapping.hpp"
#include "hub/phi/index_value.hpp"

// rabt people import: staff and patients from a list. Each row is checked here and entered by the
// API of the hub that runs, so that the same rules hold as for one who is entered on a page.
namespace rabt::cli {

namespace {

struct ImportOptions {
  std::string config = kDefaultConfig;
  std::string file;
  std::string charset = "UTF-8";
  std::string separator = ",";
  std::string codes;
  bool new_codes = false;
  bool dry_run = false;
  bool json = false;
};

constexpr std::size_t kMostBytes = 16U << 20U;

// Columns that are members of a profile.
constexpr std::array<std::string_view, 15> kTexts{
    "username",     "name",          "nameAr",       "gender",    "birthDate",
    "phone",        "email",         "language",     "specialty", "department",
    "organization", "licenceNumber", "licenceUntil", "mrn",       "saudiHealthId"};
// Columns that become identifiers, by their kind.
constexpr std::array<std::pair<std::string_view, std::string_view>, 3> kIdentifiers{
    {{"nationalId", "national_id"}, {"iqama", "iqama"}, {"passport", "passport"}}};
constexpr std::array<std::string_view, 8> kOthers{
    "roles",        "languages",     "externalSystem",   "externalId",
    "guardianName", "guardianPhone", "guardianRelation", "passportCountry"};

std::vector<std::string_view> known_columns() {
  std::vector<std::string_view> out(kTexts.begin(), kTexts.end());
  for (const auto& [column, kind] : kIdentifiers) out.push_back(column);
  out.insert(out.end(), kOthers.begin(), kOthers.end());
  return out;
}

// Texts of a cell, which spaces, commas or semicolons part.
Json words_of(const std::string& cell) {
  constexpr std::string_view kParts = " ,;";
  Json out = Json::array();
  std::string_view rest = cell;
  while (!rest.empty()) {
    const auto end = std::min(rest.find_first_of(kParts), rest.size());
    if (end > 0) out.push_back(std::string(rest.substr(0, end)));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return out;
}

// One row as the API takes it.
struct Entry {
  std::string path;
  Json body;
};

std::string cell_of(const Json& row, std::string_view column) {
  return std::string(trim(row.string_or(column, ""), " \t"));
}

Json profile_of(const Json& row) {
  Json out = Json::object();
  for (const std::string_view name : kTexts) {
    if (const std::string value = cell_of(row, name); !value.empty()) out.set(name, value);
  }
  Json identifiers = Json::array();
  for (const auto& [column, kind] : kIdentifiers) {
    const std::string value = cell_of(row, column);
    if (value.empty()) continue;
    Json item = Json::object({{"kind", kind}, {"value", value}});
    if (const std::string country = cell_of(row, "passportCountry");
        kind == "passport" && !country.empty())
      item.set("system", country);
    identifiers.push_back(std::move(item));
  }
  if (identifiers.size() > 0) out.set("identifiers", std::move(identifiers));
  const Json system = cell_of(row, "externalSystem");
  if (const std::string value = cell_of(row, "externalId"); !value.empty())
    out.set("externalIds", Json::array({Json::object({{"system", system}, {"value", value}})}));
  if (const std::string name = cell_of(row, "guardianName"); !name.empty())
    out.set("guardians",
            Json::array({Json::object({{"name", name},
                                       {"phone", cell_of(row, "guardianPhone")},
                                       {"relation", cell_of(row, "guardianRelation")}})}));
  if (Json languages = words_of(cell_of(row, "languages")); languages.size() > 0)
    out.set("languages", std::move(languages));
  return out;
}

// A repeat finds a person by one of these alone.
bool is_found_again(const Json& profile) {
  if (profile.find("username") != nullptr || profile.find("mrn") != nullptr ||
      profile.find("externalIds") != nullptr)
    return true;
  const Json& list = profile["identifiers"];
  return list.is_array() &&
         std::any_of(list.as_array().begin(), list.as_array().end(),
                     [](const Json& item) { return item.string_or("kind", "") != "passport"; });
}

// Error: one line a mistake; none quotes a value.
Result<Entry> entry_of(const Json& row) {
  Json profile = profile_of(row);
  const Json roles = words_of(cell_of(row, "roles"));
  RABT_TRY(checked, identity::check_profile(profile));
  RABT_TRY_STATUS(identity::check_identity(checked, SystemClock().now()));
  if (roles.size() == 0)
    return invalid("cli.people", "roles: is empty; patient, doctor, desk and so on");
  identity::Roles of;
  for (const Json& item : roles.as_array()) {
    const auto role = identity::parse_role(item.as_string());
    if (!role)
      return invalid("cli.people",
                     "roles: holds a word that is no role; docs/identity.md has them");
    of.add(*role);
  }
  if (const std::string mrn = checked.string_or("mrn", ""); !mrn.empty())
    RABT_TRY_STATUS(phi::normalise(phi::IndexKind::mrn, mrn));
  if (checked.find("name") == nullptr) return invalid("cli.people", "name: is empty");
  if (!is_found_again(checked))
    return invalid(
        "cli.people",
        "needs one of username, mrn, nationalId, iqama and externalId: by it a person is "
        "found when the list is taken once more");
  const bool account = checked.find("username") != nullptr;
  const bool patient = roles.size() == 1 && of.has(identity::Role::patient);
  if (!account && !patient && !(of.among(identity::kTreats) == of))
    return invalid("cli.people", "username: is needed with these roles");
  Entry out{.path = account   ? "/api/v1/users"
                    : patient ? "/api/v1/patients"
                              : "/api/v1/providers",
            .body = std::move(checked)};
  if (out.path != "/api/v1/patients") out.body.set("roles", roles);
  return out;
}

// A list without a header has a person there: a name that is like no column is not quoted.
Status check_columns(const Json& row) {
  const std::vector<std::string_view> columns = known_columns();
  const std::vector<std::string> names(columns.begin(), columns.end());
  std::size_t number = 0;
  for (const auto& [name, value] : row.as_object()) {
    ++number;
    if (std::find(columns.begin(), columns.end(), std::string_view(name)) != columns.end())
      continue;
    const std::string near = did_you_mean(name, names);
    if (row.size() == 1 && name.find_first_of(";\t|") != std::string::npos)
      return invalid("cli.people",
                     "the first line is one column: --separator names the mark between columns, "
                     "such as --separator ';'");
    return invalid("cli.people", near.empty()
                                     ? "column " + std::to_string(number) +
                                           " of the first line is not known; that line names the "
                                           "columns, which are " +
                                           listed(names)
                                     : "the column `" + name + "` is not known; " + near);
  }
  return ok_status();
}

// A row of a spreadsheet that somebody has emptied.
bool is_empty(const Json& row) {
  return std::all_of(row.as_object().begin(), row.as_object().end(), [](const auto& cell) {
    return cell.second.is_string() && trim(cell.second.as_string()).empty();
  });
}

// Keys by which a person is found, and their names.
std::map<std::string, std::string> keys_of(const Json& profile) {
  std::map<std::string, std::string> out;
  for (const char* name : {"username", "mrn"}) {
    if (const std::string value = profile.string_or(name, ""); !value.empty())
      out[std::string(name) + " " + value] = name;
  }
  for (const char* list : {"identifiers", "externalIds"}) {
    if (!profile[list].is_array()) continue;
    for (const Json& item : profile[list].as_array())
      out[item.dump()] = item.string_or("kind", "externalId");
  }
  return out;
}

class Import {
 public:
  explicit Import(const ImportOptions& options) : options_(options) {}

  Result<int> run() {
    RABT_TRY(text, mapping::read_part(options_.file, kMostBytes));
    if (options_.separator.size() != 1)
      return invalid("cli.people", "--separator must be one character");
    auto read = mapping::read_message({.format = mapping::Format::csv,
                                       .charset = options_.charset,
                                       .separator = options_.separator.front()},
                                      text);
    if (!read.ok()) {
      return invalid(read.error().code, read.error().message +
                                            "; --charset names another character set, such as "
                                            "windows-1256, and --separator another mark between "
                                            "columns");
    }
    const Json rows = *std::move(read);
    if (rows.size() == 0) return invalid("cli.people", "the list has no row below its header");
    RABT_TRY_STATUS(check_columns(rows.item(0)));
    const bool accounts =
        std::any_of(rows.as_array().begin(), rows.as_array().end(),
                    [](const Json& row) { return !cell_of(row, "username").empty(); });
    if (accounts && options_.codes.empty() && !options_.dry_run)
      return invalid("cli.people",
                     "the list has accounts: give --codes FILE, which gets the one-time codes that "
                     "set their passwords");
    if (!options_.dry_run) {
      RABT_TRY(config, config::load_config(options_.config));
      RABT_TRY(hub, HubClient::of(config));
      hub_ = std::make_unique<HubClient>(std::move(hub));
      if (!options_.codes.empty()) {
        RABT_TRY(codes, CodeFile::open(options_.codes, options_.new_codes));
        codes_ = std::move(codes);
      }
    }
    std::size_t number = 1;  // the header
    Status ended = ok_status();
    for (const Json& row : rows.as_array()) {
      ++number;
      if (is_empty(row)) continue;
      ended = take(number, row);
      if (!ended.ok()) break;
    }
    say_sum();
    if (without_ > 0)
      std::fprintf(stderr,
                   "%lld of the accounts have no password yet: --codes FILE --new-codes gives them "
                   "new codes\n",
                   static_cast<long long>(without_));
    RABT_TRY_STATUS(ended);
    return counts_["wrong"] == 0 ? 0 : 1;
  }

 private:
  void say(std::size_t number, const char* state, const std::string& more) {
    ++counts_[state];
    if (options_.json) {
      std::printf("%s\n", Json::object({{"row", static_cast<std::int64_t>(number)},
                                        {"state", state},
                                        {"detail", more}})
                              .dump()
                              .c_str());
    } else if (std::string_view(state) != "good") {
      std::printf("row %zu: %s%s%s\n", number, state, more.empty() ? "" : ": ",
                  printable(more).c_str());
    }
  }
  void say_sum() {
    std::string line;
    for (const auto& [state, count] : counts_)
      line += (line.empty() ? "" : ", ") + std::to_string(count) + " " + state;
    std::fprintf(stderr, "%s%s\n", line.c_str(), options_.dry_run ? "; nothing is entered" : "");
  }

  // Waits as long as the hub asks for.
  template <typename Send>
  static Result<Json> patiently(const Send& send) {
    for (;;) {
      auto answer = send();
      if (answer.ok() || !answer.error().code.starts_with("rate.")) return answer;
      std::this_thread::sleep_for(std::chrono::seconds(1));
    }
  }

  Status take(std::size_t number, const Json& row) {
    const auto entry = entry_of(row);
    if (!entry.ok()) {
      std::string why = entry.error().message;
      std::replace(why.begin(), why.end(), '\n', ';');
      say(number, "wrong", why);
      return ok_status();
    }
    for (const auto& [key, name] : keys_of(entry->body)) {
      const auto [before, is_new] = rows_.try_emplace(key, number);
      if (is_new) continue;
      say(number, "wrong", "has the same " + name + " as row " + std::to_string(before->second));
      return ok_status();
    }
    if (options_.dry_run) {
      say(number, "good", "");
      return ok_status();
    }
    const auto reply = patiently([&] { return hub_->post(entry->path, entry->body); });
    const std::string username = entry->body.string_or("username", "");
    if (reply.ok()) {
      say(number, "entered", reply->string_or("id", ""));
      return keep_code(number, *reply);
    }
    if (reply.error().code != "person.taken") return refused(number, username, reply.error());
    // "another person has this mrn"
    const std::string& why = reply.error().message;
    std::string kind = why.substr(why.rfind(' ') + 1);
    if (kind == "external") kind = "externalId";
    return take_known(number, kind, kind == "username" ? username : "");
  }

  // Somebody whom the hub has. username: empty unless the account is known by it.
  Status take_known(std::size_t number, const std::string& kind, const std::string& username) {
    std::string as_it_is = "by its " + kind + "; left as it is, and not compared";
    if (!username.empty() && waiting_ == nullptr) {
      const auto all = patiently([&] { return hub_->list("/api/v1/users?signIn=none"); });
      if (!all.ok()) return refused(number, username, all.error());
      waiting_ = std::make_unique<std::map<std::string, Json>>();
      for (const Json& item : (*all)["items"].as_array())
        waiting_->emplace(item.string_or("username", ""), item);
    }
    if (username.empty() || !waiting_->contains(username)) {
      say(number, "known", as_it_is);
      return ok_status();
    }
    const Json& account = waiting_->at(username);
    const std::string until = account.string_or("codeUntil", "");
    if (!account.bool_or("active", false)) {
      say(number, "known", as_it_is + "; no password yet, and disabled");
      return ok_status();
    }
    if (options_.new_codes && (until.empty() || !codes_.had(username)))
      return renew(number, as_it_is, account);
    if (!options_.new_codes) ++without_;
    say(number, "known",
        as_it_is + "; no password yet, " +
            (until.empty() ? "and no code" : "and its code is good until " + until));
    return ok_status();
  }

  Status renew(std::size_t number, const std::string& as_it_is, const Json& account) {
    const auto reply = patiently([&] {
      return hub_->patch("/api/v1/users/" + account.string_or("id", ""),
                         Json::object({{"newActivation", true}}), account.int_or("version", 0));
    });
    if (!reply.ok() && reply.error().code == "auth.activated") {
      say(number, "known", as_it_is);
      return ok_status();
    }
    if (!reply.ok()) return refused(number, account.string_or("username", ""), reply.error());
    say(number, "renewed", as_it_is + "; its account has a new code");
    return keep_code(number, *reply);
  }

  Status keep_code(std::size_t number, const Json& reply) {
    const std::string code = reply.string_or("activation", "");
    if (code.empty()) return ok_status();
    const std::string username = reply.string_or("username", "");
    const Status kept = codes_.add(username, code);
    if (kept.ok()) return ok_status();
    return unavailable("cli.file", kept.error().message + "; row " + std::to_string(number) + ", " +
                                       username +
                                       ", is entered and its code is lost: `rabt users reset " +
                                       username + "` gives another one");
  }

  // Names a row that the hub did not take. Stops the import when no hub answers.
  Status refused(std::size_t number, const std::string& username, const Error& error) {
    if (error.code == "net.no_answer") {
      std::string why = "the hub did not answer at row " + std::to_string(number) +
                        (username.empty() ? "" : ", " + username) + ", which may be entered";
      why += username.empty()
                 ? ": take the list again when it runs"
                 : " without a code: when it runs, take the list again with --codes " +
                       options_.codes + " --new-codes, or give one code with `rabt users reset " +
                       username + "`";
      return unavailable(error.code, std::move(why));
    }
    say(number, "wrong", error.message + " [" + error.code + "]");
    return ok_status();
  }

  const ImportOptions& options_;
  std::unique_ptr<HubClient> hub_;
  CodeFile codes_;
  std::map<std::string, std::int64_t> counts_;
  // Accounts that nobody can sign in to yet, by username. Null until one is asked for.
  std::unique_ptr<std::map<std::string, Json>> waiting_;
  // Accounts of the list among them that get no code now.
  std::int64_t without_ = 0;
  // The first row that has a key.
  std::map<std::string, std::size_t> rows_;
};

int import_people(const ImportOptions& options) {
  const auto ran = Import(options).run();
  return ran.ok() ? *ran : complain(ran.error());
}

}  // namespace

void add_people_commands(args::Command& program, int& code) {
  auto* group = program.add_subcommand("people", "Import staff and patients");
  group->require_subcommand();
  auto options = std::make_shared<ImportOptions>();
  auto* one = group->add_subcommand("import", "Enter people from a CSV file, each row one person");
  one->footer(
      "People who are known already stay as they are, so that a list can be imported again. "
      "docs/identity.md names the columns. One-time codes are valid for 24 hours; --new-codes "
      "gives new ones. Exit status 1: some rows are wrong; the others are entered");
  add_config_option(*one, options->config);
  one->add_option("file", options->file, "The CSV file")->required();
  one->add_flag("--dry-run", options->dry_run,
                "Check the rows only: people are neither entered nor looked up");
  auto* codes = one->add_option(
      "--codes", options->codes,
      "New file for the username and one-time code of each account; only its owner may read it");
  one->add_flag("--new-codes", options->new_codes,
                "Also give codes to known accounts of the list that have no password yet; valid "
                "codes in the file of --codes stay. Continues that file")
      ->needs(codes);
  one->add_option("--charset", options->charset, "Character set of the list (default: UTF-8)");
  one->add_option("--separator", options->separator, "Separator of columns (default: a comma)");
  one->add_flag("--json", options->json, "Print a JSON object for each row");
  one->callback([options, &code] { code = import_people(*options); });
}

}  // namespace rabt::cli
