#include "hub/cli/config_import.hpp"

#include <algorithm>
#include <span>

#include "hub/base/ascii.hpp"
#include "hub/base/number.hpp"
#include "hub/base/plugin_address.hpp"
#include "hub/base/uri.hpp"

namespace rabt::cli {

namespace {

// Form in which the value of a variable is written.
enum class As : std::uint8_t {
  text,
  number,
  flag,
  // a number of minutes, as a span of time: 30m
  minutes,
  // {env: NAME}
  environment,
  // [{env: NAME}]
  environments,
  // origins apart by commas, or a list of them as JSON
  origins,
  // not at all
  nothing
};

struct Variable {
  std::string_view name;
  As as;
  // Key that the variable sets, members apart by dots; or why the variable is ignored.
  std::string_view to;
};

constexpr std::string_view kDatabase = "the hub keeps its own database";
constexpr std::string_view kRedis = "the hub needs no Redis";
constexpr std::string_view kNode = "the hub has one way to run";
constexpr std::string_view kKeys = "the hub makes its keys itself and keeps them in its keyring";

constexpr Variable kTwilio[] = {
    {"TWILIO_ACCOUNT_SID", As::text, "plugin.twilio.config.account_sid"},
    {"TWILIO_API_KEY", As::environment, "plugin.twilio.config.api_key_sid"},
    {"TWILIO_API_SECRET", As::environment, "plugin.twilio.secrets.api_key_secret"},
    {"TWILIO_AUTH_TOKEN", As::environments, "sources.twilio.secrets"},
    {"TWILIO_VIDEO_SERVICE_SID", As::nothing, "Twilio Video has no services"},
    {"VIDEO_SERVICE_SID", As::nothing, "Twilio Video has no services"},
    {"TWILIO_RECORDING_ENABLED", As::flag, "video.auto_record"},
};
constexpr Variable kKiorex[] = {
    {"PORT", As::number, "doors.kiorex.listen"},
    {"CORS_ORIGIN", As::origins, "doors.kiorex.cors"},
    {"JWT_SECRET", As::environment, "identity.issuers.kiorex.secret"},
    {"JWT_EXPIRES_IN", As::text, "identity.issuers.kiorex.max_lifetime"},
    {"NODE_ENV", As::nothing, kNode},
    {"DB_HOST", As::nothing, kDatabase},
    {"DB_PORT", As::nothing, kDatabase},
    {"DB_USERNAME", As::nothing, kDatabase},
    {"DB_PASSWORD", As::nothing, kDatabase},
    {"DB_DATABASE", As::nothing, kDatabase},
    {"REDIS_HOST", As::nothing, kRedis},
    {"REDIS_PORT", As::nothing, kRedis},
    {"REDIS_PASSWORD", As::nothing, kRedis},
};
constexpr Variable kEmr[] = {
    {"SECRET_KEY", As::environment, "identity.issuers.emr.secret"},
    {"JWT_SECRET", As::environment, "identity.issuers.emr.secret"},
    {"DATABASE_URL", As::nothing, kDatabase},
    {"DEBUG", As::nothing, kNode},
};
constexpr Variable kPulseone[] = {
    {"PORT", As::number, "doors.pulseone.listen"},
    {"CORS_ORIGINS", As::origins, "doors.pulseone.cors"},
    {"JWT_SECRET_KEY", As::environment, "identity.issuers.pulseone.secret"},
    {"AWS_ACCESS_KEY_ID", As::text, "plugin.chime.config.access_key_id"},
    {"AWS_SECRET_ACCESS_KEY", As::environment, "plugin.chime.secrets.secret_access_key"},
    {"AWS_REGION", As::text, "plugin.chime.config.region"},
    {"JWT_ALGORITHM", As::nothing, "the hub takes HS256 with a shared secret, and nothing else"},
    {"DATABASE_URL", As::nothing, kDatabase},
    {"RABBITMQ_URL", As::text, "bus.url"},
    {"RABBITMQ_HOST", As::text, "bus.host"},
    {"RABBITMQ_PORT", As::number, "bus.port"},
    {"RABBITMQ_USER", As::text, "bus.user"},
    {"RABBITMQ_USERNAME", As::text, "bus.user"},
    {"RABBITMQ_PASSWORD", As::environment, "bus.password"},
    {"RABBITMQ_VHOST", As::text, "bus.vhost"},
    {"RABBITMQ_EXCHANGE", As::text, "bus.exchange"},
};
constexpr Variable kClinicvault[] = {
    {"PORT", As::number, "doors.clinicvault.listen"},
    {"SECRET_KEY", As::nothing, kKeys},
    {"ENCRYPTION_KEY", As::nothing, kKeys},
    {"DATABASE_URL", As::nothing, kDatabase},
    {"ALGORITHM", As::nothing, kKeys},
    {"ACCESS_TOKEN_EXPIRE_MINUTES", As::minutes, "identity.sessions.absolute"},
};
constexpr Variable kBrainsait[] = {
    {"HIPAA_TWILIO_ACCOUNT_SID", As::text, "plugin.twilio.config.account_sid"},
    {"HIPAA_TWILIO_API_KEY", As::environment, "plugin.twilio.config.api_key_sid"},
    {"HIPAA_TWILIO_API_SECRET", As::environment, "plugin.twilio.secrets.api_key_secret"},
    {"HIPAA_TWILIO_AUTH_TOKEN", As::environments, "sources.twilio.secrets"},
    {"HIPAA_VIDEO_ENABLED", As::flag, "video.enabled"},
    {"HIPAA_VIDEO_RECORDING_ENABLED", As::flag, "video.recording_enabled"},
    {"HIPAA_VIDEO_AUTO_RECORD", As::flag, "video.auto_record"},
    {"HIPAA_VIDEO_ENCRYPTION_REQUIRED", As::flag, "video.encryption_required"},
    {"HIPAA_VIDEO_WAITING_ROOM_ENABLED", As::flag, "video.waiting_room"},
    {"HIPAA_VIDEO_SCREEN_SHARING_ENABLED", As::flag, "video.screen_sharing"},
    {"HIPAA_VIDEO_CHAT_ENABLED", As::flag, "video.chat"},
    {"HIPAA_VIDEO_MAX_PARTICIPANTS", As::number, "video.max_participants"},
    {"HIPAA_VIDEO_RECORDING_RETENTION_DAYS", As::number, "video.recording_retention_days"},
};

std::span<const Variable> variables_of(std::string_view system) {
  if (system == "kiorex") return kKiorex;
  if (system == "emr") return kEmr;
  if (system == "pulseone") return kPulseone;
  if (system == "clinicvault") return kClinicvault;
  return kBrainsait;
}

const Variable* find(std::span<const Variable> table, std::string_view name) {
  const auto found = std::find_if(table.begin(), table.end(), [name](const Variable& variable) {
    return variable.name == name;
  });
  return found == table.end() ? nullptr : &*found;
}

void set_at(Json& config, std::string_view path, Json value) {
  const auto dot = path.find('.');
  if (dot == std::string_view::npos) {
    config.set(path, std::move(value));
    return;
  }
  Json inner = config[path.substr(0, dot)];
  set_at(inner, path.substr(dot + 1), std::move(value));
  config.set(path.substr(0, dot), std::move(inner));
}

std::optional<bool> flag_of(std::string_view text) {
  const std::string word = lower(text);
  if (word == "true" || word == "1" || word == "yes" || word == "on") return true;
  if (word == "false" || word == "0" || word == "no" || word == "off") return false;
  return std::nullopt;
}

// Texts apart by commas, or a list of texts as JSON.
Json texts_of(std::string_view text) {
  if (auto list = Json::parse(text); list.ok() && list->is_array()) return *std::move(list);
  Json out = Json::array();
  while (!text.empty()) {
    const auto comma = text.find(',');
    if (const std::string_view word = trim(text.substr(0, comma)); !word.empty())
      out.push_back(word);
    text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
  }
  return out;
}

Result<Json> value_of(const Variable& variable, const std::string& text) {
  const auto wrong = [&](std::string_view what) {
    return invalid("config.import", std::string(variable.name) + " must be " + std::string(what));
  };
  switch (variable.as) {
    case As::number: {
      const auto number = read_number<std::int64_t>(text);
      if (!number) return wrong("a whole number");
      return Json(*number);
    }
    case As::flag: {
      const auto flag = flag_of(text);
      if (!flag) return wrong("true or false");
      return Json(*flag);
    }
    case As::minutes: {
      constexpr std::int64_t kDay = 24LL * 60;
      const auto number = read_number<std::int64_t>(text);
      if (!number || *number < 1 || *number > kDay)
        return wrong("a number of minutes from 1 to " + std::to_string(kDay));
      return Json(std::to_string(*number) + "m");
    }
    case As::origins:
      return texts_of(text);
    case As::environment:
      return Json::object({{"env", variable.name}});
    case As::environments:
      return Json::array({Json::object({{"env", variable.name}})});
    default:
      return Json(text);
  }
}

// Completes an issuer with the form of this system's tokens, beside their secret.
void complete_issuer(std::string_view system, Json& config) {
  Json issuer = config["identity"]["issuers"][system];
  if (!issuer.is_object()) return;
  Json whole =
      Json::object({{"kind", "shared-secret"}, {"issuer", "absent"}, {"audience", "absent"}});
  if (system == "kiorex") whole.set("role_map", Json::object({{"provider", "doctor"}}));
  if (system == "pulseone")
    whole.set("role_map", Json::object({{"DOCTOR", "doctor"}, {"PATIENT", "patient"}}));
  if (system == "emr") whole.set("subject_numbers", true);
  for (const auto& [name, value] : issuer.as_object()) whole.set(name, value);
  set_at(config, "identity.issuers." + std::string(system), std::move(whole));
}

// Sets the video provider of the old system for sessions of the hub.
void complete_video(std::string_view system, Json& config) {
  if (config["plugin"]["chime"].is_object()) {
    set_at(config, "roles.video", plugin_address("chime"));
    const Json region = config["plugin"]["chime"]["config"]["region"];
    if (region.is_string()) set_at(config, "plugin.chime.config.media_region", region);
  }
  if (!config["plugin"]["twilio"].is_object()) return;
  set_at(config, "roles.video", plugin_address("twilio"));
  set_at(config, "plugin.twilio.config.callback_url",
         config["server"].string_or("public_url", "") + "/hooks/twilio");
  // BrainSAIT records unless it is told not to.
  if (system == "brainsait" && config["video"]["auto_record"].is_null())
    set_at(config, "video.auto_record", true);
}

void complete_twilio_source(Json& config) {
  const Json source = config["sources"]["twilio"];
  if (!source.is_object()) return;
  Json whole = Json::object({{"scheme", "twilio"}, {"plugin", "twilio"}});
  whole.set("secrets", source["secrets"]);
  set_at(config, "sources.twilio", std::move(whole));
}

// amqp://user:password@host:port/vhost, without the password. Returns false when it is none.
bool read_bus_url(std::string_view url, Json& bus, bool& has_password) {
  const auto scheme = url.find("://");
  if (scheme == std::string_view::npos) return false;
  const std::string_view name = url.substr(0, scheme);
  if (name != "amqp" && name != "amqps") return false;
  url.remove_prefix(scheme + 3);
  const auto slash = url.find('/');
  std::string_view place = url.substr(0, slash);
  if (const auto at = place.rfind('@'); at != std::string_view::npos) {
    const std::string_view who = place.substr(0, at);
    const auto colon = who.find(':');
    has_password = colon != std::string_view::npos;
    if (colon == 0 || who.empty()) return false;
    bus.set("user", percent_decode(who.substr(0, colon)));
    place.remove_prefix(at + 1);
  }
  if (place.empty()) return false;
  bus.set("hosts", Json::array({place}));
  if (name == "amqp") bus.set("tls", false);
  const std::string_view rest =
      slash == std::string_view::npos ? std::string_view() : url.substr(slash + 1);
  const std::string vhost = percent_decode(rest.substr(0, rest.find('?')));
  if (!vhost.empty()) bus.set("vhost", vhost);
  return true;
}

// Settings that the plugin of a provider needs and that are missing.
std::vector<std::string> missing_in(const Json& config) {
  constexpr std::string_view kNeeded[][3] = {
      {"twilio", "config", "account_sid"},       {"twilio", "config", "api_key_sid"},
      {"twilio", "secrets", "api_key_secret"},   {"chime", "config", "access_key_id"},
      {"chime", "secrets", "secret_access_key"}, {"chime", "config", "region"},
  };
  std::vector<std::string> out;
  for (const auto& [plugin, part, name] : kNeeded) {
    const Json& all = config["plugin"][plugin];
    if (!all.is_object() || !all[part][name].is_null()) continue;
    std::string path = "plugin.";
    out.push_back(path.append(plugin).append(".").append(part).append(".").append(name));
  }
  return out;
}

// RabbitMQ, by its URL or by what that is made of.
Status complete_bus(ImportedConfig& out) {
  const Json given = out.config["bus"];
  if (!given.is_object()) return ok_status();
  Json whole = Json::object();
  bool has_password = false;
  if (given["url"].is_string()) {
    if (!read_bus_url(given["url"].as_string(), whole, has_password)) {
      return invalid("config.import",
                     "RABBITMQ_URL must be amqp://user:password@host:port/vhost, or amqps://...");
    }
    if (has_password && given["password"].is_null()) {
      out.ignored.emplace_back(
          "RABBITMQ_URL",
          "its password is not copied; put it into RABBITMQ_PASSWORD, which the hub "
          "reads when it starts");
    }
  } else if (given["host"].is_string()) {
    const Json& port = given["port"];
    whole.set("hosts", Json::array({given["host"].as_string() +
                                    (port.is_null() ? "" : ":" + port.number_text())}));
    whole.set("tls", false);
  }
  for (const char* member : {"user", "vhost", "exchange", "password"}) {
    if (!given[member].is_null()) whole.set(member, given[member]);
  }
  if (whole["password"].is_null())
    whole.set("password", Json::object({{"env", "RABBITMQ_PASSWORD"}}));
  set_at(out.config, "bus", std::move(whole));
  return ok_status();
}

std::string scalar(const Json& value) {
  if (!value.is_string()) return value.dump();
  std::string out = "'";
  for (const char c : value.as_string()) out += c == '\'' ? std::string("''") : std::string(1, c);
  return out + "'";
}

void write_yaml(const Json& value, const std::string& indent, std::string& out) {
  for (const auto& [name, member] : value.as_object()) {
    out += indent + name + ":";
    if (member.is_object()) {
      out += "\n";
      write_yaml(member, indent + "  ", out);
    } else if (member.is_array()) {
      out += " [";
      for (std::size_t i = 0; i < member.size(); ++i) {
        const Json& item = member[i];
        if (i > 0) out += ", ";
        out += item.is_object() ? "{env: " + item.string_or("env", "") + "}" : scalar(item);
      }
      out += "]\n";
    } else {
      out += " " + scalar(member) + "\n";
    }
  }
}

}  // namespace

std::vector<std::pair<std::string, std::string>> read_env(std::string_view text) {
  std::vector<std::pair<std::string, std::string>> out;
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    line = trim(line);
    constexpr std::string_view kExport = "export ";
    if (line.starts_with(kExport)) line = trim(line.substr(kExport.size()));
    const auto equals = line.find('=');
    if (line.starts_with('#') || equals == std::string_view::npos) continue;
    std::string_view value = trim(line.substr(equals + 1));
    const bool quoted = value.size() > 1 && (value[0] == '"' || value[0] == '\'') &&
                        value.find(value[0], 1) != std::string_view::npos;
    if (quoted) {
      value = value.substr(1, value.find(value[0], 1) - 1);
    } else if (const auto comment = value.find(" #"); comment != std::string_view::npos) {
      value = trim(value.substr(0, comment));
    }
    out.emplace_back(trim(line.substr(0, equals)), value);
  }
  return out;
}

Result<ImportedConfig> import_config(
    std::string_view system, const std::vector<std::pair<std::string, std::string>>& variables,
    Json base) {
  ImportedConfig out{.config = std::move(base)};
  for (const auto& [name, value] : variables) {
    const Variable* variable = find(variables_of(system), name);
    if (variable == nullptr && system != "brainsait") variable = find(kTwilio, name);
    if (variable == nullptr) {
      out.ignored.emplace_back(name, "the hub does not know it");
      continue;
    }
    if (variable->as == As::nothing) {
      out.ignored.emplace_back(name, variable->to);
      continue;
    }
    RABT_TRY(taken, value_of(*variable, value));
    if (variable->as == As::origins && taken == Json::array({"*"})) {
      out.ignored.emplace_back(name, "the hub takes no *: list the origins of your pages in " +
                                         std::string(variable->to));
      continue;
    }
    set_at(out.config, variable->to, std::move(taken));
  }
  complete_issuer(system, out.config);
  complete_video(system, out.config);
  complete_twilio_source(out.config);
  RABT_TRY_STATUS(complete_bus(out));
  out.missing = missing_in(out.config);
  return out;
}

std::string to_yaml(const Json& value) {
  std::string out;
  write_yaml(value, "", out);
  return out;
}

}  // namespace rabt::cli
