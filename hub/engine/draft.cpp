#include "hub/engine/draft.hpp"

#include <algorithm>
#include <set>

#include "hub/base/semver.hpp"
#include "hub/workflow/explain/endpoints.hpp"

namespace rabt::engine {

using workflow::Definition;

namespace {

std::string full_name(const Definition& definition) {
  return definition.name_space() + "/" + definition.name();
}

std::string text_at(const workflow::YamlNode& document, std::string_view key) {
  const workflow::YamlEntry* found = document.find(key);
  return found != nullptr && found->value->is_text() ? found->value->text() : std::string();
}

}  // namespace

Json to_json(const Finding& finding) {
  return Json::object({{"file", finding.file},
                       {"line", finding.line},
                       {"column", finding.column},
                       {"code", finding.code},
                       {"message", finding.message}});
}

std::string to_text(const Finding& finding) {
  return finding.file + ":" + std::to_string(finding.line) + ":" + std::to_string(finding.column) +
         ": error: " + finding.message + " [" + finding.code + "]";
}

Error error_of(const std::vector<Finding>& errors) {
  std::string message;
  for (const Finding& finding : errors)
    message.append(message.empty() ? "" : "\n").append(to_text(finding));
  return {errors.front().kind, errors.front().code, std::move(message)};
}

std::vector<Finding> check_needs(const WorkflowFile& file, const std::set<std::string>& secrets,
                                 const net::AllowList& hosts) {
  std::vector<Finding> errors;
  const workflow::YamlOutcome yaml = workflow::parse_yaml(file.yaml);
  if (yaml.root == nullptr) return errors;
  for (const workflow::Literal& secret : workflow::declared_secrets(*yaml.root)) {
    if (secrets.contains(secret.text)) continue;
    errors.push_back(
        {.file = file.name,
         .code = "engine.secret",
         .message = "the secret `" + secret.text +
                    "` is not configured (add to the configuration: workflow_secrets: {" +
                    secret.text + ": {file: PATH}})",
         .line = secret.line,
         .column = secret.column,
         .kind = ErrorKind::invalid});
  }
  for (const workflow::Literal& endpoint : workflow::literal_origins(*yaml.root)) {
    if (hosts.check(endpoint.text + "/").ok()) continue;
    errors.push_back({.file = file.name,
                      .code = "engine.host",
                      .message = endpoint.text +
                                 " is not allowed (add to the configuration: http: {allow: ['" +
                                 endpoint.text + "']})",
                      .line = endpoint.line,
                      .column = endpoint.column,
                      .kind = ErrorKind::invalid});
  }
  return errors;
}

namespace {

void add_needs(const WorkflowFile& file, const Engine::Options& options,
               std::vector<Finding>& errors) {
  std::set<std::string> secrets;
  for (const auto& [name, secret] : options.secrets) secrets.insert(name);
  for (Finding& need : check_needs(file, secrets, *options.http.allow))
    errors.push_back(std::move(need));
}

Finding stands_twice(const WorkflowFile& file, const Definition& definition,
                     const WorkflowFile& other) {
  return {.file = file.name,
          .code = "engine.duplicate",
          .message = full_name(definition) + " " + definition.version() + " is in " + other.name +
                     " as well (leave one of them out)",
          .line = 1,
          .column = 1,
          .kind = ErrorKind::invalid};
}

bool is_same(const Definition& a, const Definition& b) {
  return same_name(a, b) && a.version() == b.version();
}

}  // namespace

ReadFile read_file(const WorkflowFile& file, const workflow::ActionCatalog& actions) {
  const auto parsed = workflow::parse_definition(file.yaml, &actions);
  ReadFile out{.definition = parsed.definition, .errors = {}, .warnings = {}};
  for (const auto& found : parsed.diagnostics) {
    std::string message = found.message;
    if (!found.suggestion.empty()) message += " (" + found.suggestion + ")";
    (found.severity == workflow::Severity::error ? out.errors : out.warnings)
        .push_back({file.name, found.code, std::move(message), found.line, found.column});
  }
  return out;
}

std::vector<Finding> check_files(const std::vector<WorkflowFile>& files,
                                 const workflow::ActionCatalog& actions,
                                 const Engine::Options& options) {
  std::vector<Finding> errors;
  std::vector<std::pair<const WorkflowFile*, std::shared_ptr<const Definition>>> good;
  for (const WorkflowFile& file : files) {
    ReadFile read = read_file(file, actions);
    errors.insert(errors.end(), read.errors.begin(), read.errors.end());
    if (read.definition == nullptr) continue;
    for (const auto& [other, definition] : good) {
      if (is_same(*definition, *read.definition))
        errors.push_back(stands_twice(file, *read.definition, *other));
    }
    add_needs(file, options, errors);
    good.emplace_back(&file, std::move(read.definition));
  }
  return errors;
}

Engine::Impl::Draft::Wrong Engine::Impl::Draft::wrong_of(const WorkflowFile& file) {
  Wrong out{file.name, "", "", ""};
  const workflow::YamlOutcome yaml = workflow::parse_yaml(file.yaml);
  const workflow::YamlEntry* document =
      yaml.root == nullptr ? nullptr : yaml.root->find("document");
  if (document == nullptr) return out;
  out.name_space = text_at(*document->value, "namespace");
  out.name = text_at(*document->value, "name");
  out.version = text_at(*document->value, "version");
  return out;
}

const Engine::Impl::Draft::Wrong* Engine::Impl::Draft::wrong_file(std::string_view name_space,
                                                                  std::string_view name,
                                                                  std::string_view version) const {
  const auto found = std::find_if(wrong.begin(), wrong.end(), [&](const Wrong& one) {
    if (one.name.empty()) return true;
    return one.name == name && one.name_space == name_space &&
           (version == "latest" || one.version == version);
  });
  return found == wrong.end() ? nullptr : &*found;
}

void Engine::Impl::Draft::bind_children(Item& item, const std::vector<DeployedDefinition>& all) {
  for (const Definition::Child& child : item.definition->children()) {
    if (std::any_of(item.children.begin(), item.children.end(), [&](const Bound& bound) {
          return bound.wanted->name_space == child.name_space && bound.wanted->name == child.name &&
                 bound.wanted->version == child.version;
        }))
      continue;  // two tasks start the same
    Bound bound{.wanted = &child};
    const bool latest = child.version == "latest";
    for (std::size_t i = 0; i < items.size(); ++i) {
      const Item& other = items[i];
      if (other.definition->name() != child.name ||
          other.definition->name_space() != child.name_space ||
          (latest ? !other.becomes_active : other.definition->version() != child.version)) {
        continue;
      }
      bound.file = i;
      bound.stored = other.stored;
      bound.version = other.definition->version();
    }
    for (const DeployedDefinition& definition : all) {
      if (!bound.version.empty()) break;
      const bool goes = std::any_of(removed.begin(), removed.end(),
                                    [&](const auto& gone) { return gone.id == definition.id; });
      if (definition.definition->name() == child.name &&
          definition.definition->name_space() == child.name_space &&
          (latest ? definition.active && !goes
                  : definition.definition->version() == child.version)) {
        bound.stored = definition.id;
        bound.version = definition.definition->version();
      }
    }
    if (bound.version.empty()) {
      if (const Wrong* broken = wrong_file(child.name_space, child.name, child.version)) {
        errors.push_back({.file = item.file->name,
                          .code = "engine.child",
                          .message = "run.workflow starts " + child.name_space + "/" + child.name +
                                     " " + child.version + ", which is not deployed, and " +
                                     broken->file + " has errors (mend that file first)",
                          .line = child.line,
                          .column = 1,
                          .kind = ErrorKind::invalid});
        continue;
      }
      errors.push_back(
          {.file = item.file->name,
           .code = "engine.child",
           .message =
               "run.workflow starts " + child.name_space + "/" + child.name + " " + child.version +
               ", which is neither deployed nor among these files (apply its file together with "
               "this one)",
           .line = child.line,
           .column = 1,
           .kind = ErrorKind::invalid});
      continue;
    }
    item.children.push_back(std::move(bound));
  }
}

Engine::Impl::Draft Engine::Impl::make_draft(const std::vector<WorkflowFile>& files, bool prune) {
  Draft draft;
  const auto all = definitions.all();
  for (const WorkflowFile& file : files) {
    ReadFile read = read_file(file, context.parts.actions);
    draft.errors.insert(draft.errors.end(), read.errors.begin(), read.errors.end());
    draft.warnings.insert(draft.warnings.end(), read.warnings.begin(), read.warnings.end());
    if (read.definition == nullptr) {
      draft.wrong.push_back(Draft::wrong_of(file));
      continue;
    }
    Draft::Item item{.file = &file,
                     .definition = std::move(read.definition),
                     .sha256 = to_hex(crypto::sha256(file.yaml))};
    const Definition& definition = *item.definition;
    for (const Draft::Item& other : draft.items) {
      if (is_same(*other.definition, definition))
        draft.errors.push_back(stands_twice(file, definition, *other.file));
    }
    for (const DeployedDefinition& one : *all) {
      if (!same_name(*one.definition, definition)) continue;
      if (one.active) item.before = one.definition;
      if (one.definition->version() != definition.version()) continue;
      item.stored = one.id;
      if (one.sha256 == item.sha256) continue;
      item.same_version = one.definition;
      draft.errors.push_back({.file = file.name,
                              .code = "engine.version_taken",
                              .message = "workflow " + definition.name() + " " +
                                         definition.version() +
                                         " is deployed with other content (raise document.version)",
                              .line = 1,
                              .column = 1,
                              .kind = ErrorKind::conflict});
    }
    draft.items.push_back(std::move(item));
  }

  std::set<std::string> name_spaces;
  for (Draft::Item& item : draft.items) {
    name_spaces.insert(item.definition->name_space());
    item.becomes_active =
        std::none_of(draft.items.begin(), draft.items.end(), [&](const Draft::Item& other) {
          return same_name(*other.definition, *item.definition) &&
                 compare_semver(other.definition->version(), item.definition->version()) > 0;
        });
    const bool active =
        item.before != nullptr && item.before->version() == item.definition->version();
    if (item.same_version != nullptr) {
      item.change = "refused";
    } else if (item.stored != 0) {
      item.change = active || !item.becomes_active ? "unchanged" : "activated";
    } else if (!item.becomes_active) {
      item.change = "stored";
    } else {
      item.change = item.before == nullptr ? "new" : "new-version";
    }
  }
  for (const DeployedDefinition& deployed_definition : *all) {
    if (!prune || !deployed_definition.active ||
        !name_spaces.contains(deployed_definition.definition->name_space()))
      continue;
    if (std::none_of(draft.items.begin(), draft.items.end(),
                     [&](const Draft::Item& item) {
                       return same_name(*item.definition, *deployed_definition.definition);
                     }) &&
        draft.wrong_file(deployed_definition.definition->name_space(),
                         deployed_definition.definition->name(), "latest") == nullptr) {
      draft.removed.push_back(deployed_definition);
    }
  }
  for (Draft::Item& item : draft.items) {
    add_needs(*item.file, context.options, draft.errors);
    // A stored definition was bound when it was stored.
    if (item.stored == 0) draft.bind_children(item, *all);
  }
  return draft;
}

}  // namespace rabt::engine
