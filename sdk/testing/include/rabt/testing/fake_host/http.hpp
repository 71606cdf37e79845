#pragma once

// rabt.http/1. Included by fake_host.hpp. SPDX-License-Identifier: Apache-2.0

#include "rabt/testing/fake_host.hpp"

namespace rabt::sdk::testing {

inline std::uint64_t FakeHost::http_start(void* self, rabt_call_id call, rabt_bytes head,
                                          rabt_bytes body, void* context, rabt_http_done done) {
  FakeHost& host = of(self);
  Request request;
  request.text = host.taken(head, "a request");
  request.body = host.taken(body, "a request's body");
  request.call = call;
  const auto parsed = Json::parse(request.text);
  if (parsed) request.head = *parsed;
  const std::size_t effect = host.look_for_repeat(request);
  std::uint64_t number = 0;
  bool open = true;
  bool full = false;
  {
    const Lock lock(host.mutex_);
    open = call == 0 || host.open_.contains(call);
    full = host.flights_.size() >= kMaxRequests;
    number = ++host.next_flight_;
    if (!full) host.flights_[number] = false;
    host.http_calls_[number] = call;
    host.requests.push_back(request);
    host.trace.emplace_back("send");
  }
  host.later([&host, context, done, request, number, open, full, effect] {
    bool cancelled = false;
    {
      const Lock lock(host.mutex_);
      cancelled = host.flights_[number];
      host.flights_.erase(number);
      host.http_calls_.erase(number);
    }
    Answer answer = full ? Answer{.sent = RABT_SENT_NO,
                                  .status = 0,
                                  .error = "overload",
                                  .error_message = "too many requests are open"}
                         : host.judge(request, open, cancelled);
    host.happened(effect, answer);
    const bool stored = answer.error.empty() && answer.status >= 200 && answer.status < 300 &&
                        request.head["blob"].is_object();
    Lent lent;
    rabt_http_result result{};
    result.size = sizeof result;
    result.sent = answer.sent;
    result.status = answer.status;
    result.headers_json = lent(answer.headers);
    result.error_code = lent(answer.error);
    result.error_message = lent(answer.error_message);
    if (stored) {
      const std::string handle = host.new_handle();
      result.blob = lent(handle);
      result.blob_bytes = answer.body.size();
      result.blob_sha256 = lent(hex(sha256(answer.body)));
      host.blobs[handle] = {request.head["blob"]["content_type"].text(), answer.body};
      host.own_blobs_.insert(handle);
    } else {
      result.body = lent(answer.body);
    }
    done(context, &result);
    lent.take_back();
  });
  return number;
}

inline std::size_t FakeHost::look_for_repeat(const Request& request) {
  Effect effect;
  {
    const Lock lock(mutex_);
    const auto call = open_.find(request.call);
    if (call == open_.end() || call->second.step.key.empty() || !has_effect(request)) return 0;
    effect = {call->second.step, call->second.raw.attempt, request, false};
  }
  bool met = false;
  bool recognised = false;
  {
    const Lock lock(mutex_);
    for (const Effect& one : effects_) {
      if (one.step != effect.step || one.attempt >= effect.attempt || !one.may_have_happened ||
          one.request.method() != request.method() || one.request.url() != request.url())
        continue;
      met = true;
      recognised = recognised || is_recognisable(one.request, request, effect.step.key,
                                                 effect.step.input + config_);
    }
    effects_.push_back(effect);
  }
  if (met && !recognised)
    violate("A6", "attempt " + std::to_string(effect.attempt) + " of " + effect.step.action +
                      " sends " + request.method() + " " + request.url() +
                      " again, and nothing in it tells the outside system that it is a repeat");
  const Lock lock(mutex_);
  return effects_.size();
}

inline Answer FakeHost::judge(const Request& request, bool open, bool cancelled) {
  const auto refused = [](const char* code, const char* why) {
    return Answer{.sent = RABT_SENT_NO, .status = 0, .error = code, .error_message = why};
  };
  if (!open || cancelled) return refused("cancelled", "the call is not open any more");
  if (!request.head.is_object() || !request.head["url"].is_string())
    return refused("not_allowed", "the request description is no JSON object with a url");
  static const std::set<std::string> kRequest{"method",    "url",       "headers", "timeout_ms",
                                              "max_bytes", "body_blob", "blob"};
  static const std::set<std::string> kMail{"url", "mail", "timeout_ms"};
  const Json& mail = request.head["mail"];
  for (const auto& [key, value] : request.head.members()) {
    if (!(mail.is_null() ? kRequest : kMail).contains(key))
      return refused("not_allowed", "an unknown member");
  }
  if (!mail["secret"].is_null() && !secrets.empty() && !secrets.contains(mail["secret"].text()))
    return refused("no_secret", "the secret is not configured");
  for (const Json& pair : request.head["headers"].items()) {
    if (!pair[1].is_object() || secrets.empty()) continue;
    if (!secrets.contains(pair[1]["secret"].text()))
      return refused("no_secret", "the secret is not configured");
  }
  const Json& handle = request.head["body_blob"];
  if (handle.is_null()) return outside(request);
  if (!request.body.empty() || !may_see(request.call, handle.text()))
    return refused("blob", "body_blob names no blob that this plugin reaches");
  Request whole = request;
  whole.body = blobs[handle.text()].content;
  return outside(whole);
}

inline void FakeHost::http_cancel(void* self, std::uint64_t number) {
  FakeHost& host = of(self);
  const Lock lock(host.mutex_);
  if (const auto found = host.flights_.find(number); found != host.flights_.end())
    found->second = true;
}

}  // namespace rabt::sdk::testing
