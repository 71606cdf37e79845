#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "client.hpp"
#include "rabt/json_nlohmann.hpp"
#include "rabt/task.hpp"

// Transcription of a room by the engine that Twilio uses. Confined to the call lane.
namespace rabt::twilio {

using sdk::Call;
using sdk::Host;
using sdk::Kind;
using sdk::Task;
using sdk::TaskPlugin;
using sdk::text_of;

// Pages of one listing. A room holds at most 50 participants and a few tracks each.
inline constexpr int kMaxPages = 20;

inline Outcome unreadable() {
  return Outcome::fail(Kind::ambiguous, "twilio.unreadable", "Twilio's answer could not be read");
}
// True for the id of a transcription. The id becomes part of an address.
inline bool is_ttid(std::string_view id) {
  return !id.empty() && id.size() <= 100 && std::all_of(id.begin(), id.end(), [](char c) {
    return c == '_' || c == '-' || sdk::is_digit(c) || (c >= 'a' && c <= 'z') ||
           (c >= 'A' && c <= 'Z');
  });
}

class Transcriptions : public TaskPlugin {
 protected:
  Transcriptions(Host host, Settings settings) : TaskPlugin(host), settings_(std::move(settings)) {}

  [[nodiscard]] std::string url(const std::string& path) const {
    return settings_.base_url + "/v1" + path;
  }

  // Follows next_page_url until the list ends. Fills items; returns the outcome of the page that
  // failed, if one did.
  Task<Outcome> list(const Call& call, std::string first, std::string key, Json& items) {
    std::string next = std::move(first);
    for (int page = 0; !next.empty() && page < kMaxPages; ++page) {
      const HttpResult answer = co_await http(call, get_request(settings_, next));
      if (!succeeded(answer)) co_return failure(answer);
      const auto body = object_of(answer);
      if (!body || !body->contains(key) || !body->at(key).is_array()) co_return unreadable();
      for (const Json& item : body->at(key)) {
        if (!item.is_object()) co_return unreadable();
        items.push_back(item);
      }
      const Json meta = body->value("meta", Json::object());
      next = meta.is_object() ? text_of(meta, "next_page_url") : std::string();
    }
    co_return Outcome::done("{}");
  }

  // The one of a room, which has at most one; null when it has none.
  Task<Outcome> find_transcription(const Call& call, std::string sid, Json& transcription) {
    Json found = Json::array();
    const Outcome listed =
        co_await list(call, url("/Rooms/" + sid + "/Transcriptions"), "transcriptions", found);
    if (listed.kind != Kind::done) co_return listed;
    if (found.empty()) co_return listed;
    const std::string status = text_of(found.front(), "status");
    if (!is_ttid(text_of(found.front(), "ttid")) ||
        (status != "started" && status != "stopped" && status != "failed"))
      co_return unreadable();
    transcription = found.front();
    co_return listed;
  }
  static Outcome transcribing(const std::string& sid, bool on) {
    return Outcome::done(Json{{"sessionId", sid}, {"transcribing", on}}.dump());
  }
  // A room that is over hears nothing, and that is no failure.
  Task<Outcome> set_transcription(const Call& call, std::string sid, std::string path, Form form) {
    const HttpResult answer =
        co_await http(call, post_request(settings_, url("/Rooms/" + sid + path), form));
    const auto body = object_of(answer);
    if (succeeded(answer) && !body) co_return unreadable();
    if (succeeded(answer)) co_return transcribing(sid, text_of(*body, "status") == "started");
    if (!answer.answered() || answer.status >= 500 || answer.status == 429 || answer.status == 401)
      co_return failure(answer);
    const HttpResult seen = co_await http(call, get_request(settings_, url("/Rooms/" + sid)));
    const auto room = object_of(seen);
    if (!succeeded(seen) || !room || text_of(*room, "status") != "completed")
      co_return failure(answer);
    co_return transcribing(sid, false);
  }
  // The same again changes nothing. Twilio begins none anew that has failed.
  Task<Outcome> start_transcription(const Call& call, std::string sid, std::string language) {
    const auto& languages = settings_.transcription_languages;
    const auto code =
        std::find_if(languages.begin(), languages.end(), [&](const std::string& text) {
          return text == language || text.starts_with(language + "-");
        });
    if (code == languages.end())
      co_return sdk::fail(Kind::permanent, "twilio.language",
                          "transcription_languages names none for the language of this session",
                          Json{{"status", 422}});
    Json transcription;
    const Outcome found = co_await find_transcription(call, sid, transcription);
    if (found.kind != Kind::done) co_return found;
    Form form = transcription_form(settings_, *code);
    if (transcription.is_null())
      co_return co_await set_transcription(call, sid, "/Transcriptions", std::move(form));
    if (text_of(transcription, "status") == "failed") co_return transcribing(sid, false);
    form.emplace_back("Status", "started");
    co_return co_await set_transcription(
        call, sid, "/Transcriptions/" + text_of(transcription, "ttid"), std::move(form));
  }
  Task<Outcome> stop_transcription(const Call& call, std::string sid) {
    Json transcription;
    const Outcome found = co_await find_transcription(call, sid, transcription);
    if (found.kind != Kind::done) co_return found;
    if (!transcription.is_object() || text_of(transcription, "status") != "started")
      co_return transcribing(sid, false);
    Form form{{"Status", "stopped"}};
    co_return co_await set_transcription(
        call, sid, "/Transcriptions/" + text_of(transcription, "ttid"), std::move(form));
  }

  const Settings settings_;
};

}  // namespace rabt::twilio
