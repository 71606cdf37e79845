#pragma once

// HTTP exchanges as a test sees them, and files of recorded ones. SPDX-License-Identifier:
// Apache-2.0
//
// A cassette is a JSON file:
//   {"cassette": 1, "exchanges": [
//     {"request": {"method": "GET", "url": "https://...", "headers": [["Accept", "text/plain"],
//                  ["Authorization", {"secret": "api_token", "prefix": "Bearer "}]], "body": ""},
//      "answer": {"sent": "yes", "status": 200, "headers": [["content-type", "text/plain"]],
//                 "body": "hello", "error": ""}}]}
// A request names secrets and never holds one; headers of an answer that carry credentials are not
// recorded. Bodies are UTF-8.

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rabt/services.h"
#include "rabt/testing/json.hpp"

namespace rabt::sdk::testing {

// Answer of the outside system.
struct Answer {
  std::uint32_t sent = RABT_SENT_YES;
  int status = 200;
  std::string body = {};
  std::string headers = "[]";  // JSON: [["name","value"],...]
  std::string error = {};
  std::string error_message = {};
};
// Something left, and no answer came.
inline Answer lost() {
  return {.sent = RABT_SENT_MAYBE, .status = 0, .error = "timeout"};
}
// Nothing left.
inline Answer unreachable() {
  return {.sent = RABT_SENT_NO, .status = 0, .error = "connect"};
}

// Request of the plugin.
struct Request {
  Json head;         // as the plugin described it
  std::string text;  // the same, as it came
  std::string body;
  rabt_call_id call = 0;

  [[nodiscard]] std::string method() const {
    return head["method"].is_null() ? "GET" : head["method"].text();
  }
  [[nodiscard]] std::string url() const { return head["url"].text(); }
  // The header's value, "" when there is none. A secret shows as its name in braces:
  // "Bearer {api_token}", "Basic {user:auth_token}".
  [[nodiscard]] std::string header(std::string_view name) const {
    for (const Json& pair : head["headers"].items()) {
      if (pair[0].text() != name) continue;
      const Json& value = pair[1];
      if (value.is_string()) return value.text();
      const std::string user = value["basic_user"].text();
      return user.empty() ? value["prefix"].text() + "{" + value["secret"].text() + "}"
                          : "Basic {" + user + ":" + value["secret"].text() + "}";
    }
    return {};
  }
};

using Outside = std::function<Answer(const Request&)>;

class Cassette {
 public:
  struct Exchange {
    std::string method;
    std::string url;
    std::string headers;  // JSON, secrets by name
    std::string body;
    Answer answer;
  };

  // Reads a file. problem() says why it is empty when it cannot be read.
  static Cassette load(const std::string& path) {
    Cassette out;
    std::ifstream file(path, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    const auto json = Json::parse(text);
    if (!file || !json || (*json)["cassette"].text() != "1") {
      out.problem_ = path + " is no cassette";
      return out;
    }
    for (const Json& item : (*json)["exchanges"].items()) {
      const Json& request = item["request"];
      const Json& answer = item["answer"];
      Exchange exchange;
      exchange.method = request["method"].text();
      exchange.url = request["url"].text();
      exchange.headers = write(request["headers"]);
      exchange.body = request["body"].text();
      const std::string& sent = answer["sent"].text();
      exchange.answer.sent = sent == "no"      ? RABT_SENT_NO
                             : sent == "maybe" ? RABT_SENT_MAYBE
                                               : RABT_SENT_YES;
      exchange.answer.status = static_cast<int>(answer["status"].number());
      exchange.answer.headers = write(answer["headers"]);
      exchange.answer.body = answer["body"].text();
      exchange.answer.error = answer["error"].text();
      out.exchanges_.push_back(std::move(exchange));
    }
    return out;
  }

  [[nodiscard]] const std::vector<Exchange>& exchanges() const { return exchanges_; }
  [[nodiscard]] const std::string& problem() const { return problem_; }

  // Answers from the cassette, in its order; a request that is not the next one has no answer, and
  // is told to wrong.
  [[nodiscard]] Outside player(std::function<void(const std::string&)> wrong) const {
    return [tape = exchanges_, wrong = std::move(wrong),
            at = std::size_t{0}](const Request& request) mutable {
      if (at == tape.size()) {
        wrong("a request after the end of the cassette: " + request.method() + " " + request.url());
        return unreachable();
      }
      const Exchange& next = tape[at];
      if (request.method() != next.method || request.url() != next.url ||
          request.body != next.body || write(request.head["headers"]) != next.headers) {
        wrong("exchange " + std::to_string(at + 1) + " of the cassette is " + next.method + " " +
              next.url + ", the plugin asks " + request.method() + " " + request.url() +
              " (or its headers or body differ)");
        return unreachable();
      }
      return tape[at++].answer;
    };
  }
  // Passes requests on and keeps what comes. The cassette must outlive what is returned.
  [[nodiscard]] Outside recorder(Outside outside) {
    return [this, outside = std::move(outside)](const Request& request) {
      Answer answer = outside(request);
      add(request, answer);
      return answer;
    };
  }
  // secrets: values that must not stand in the file; they become "[secret]".
  void add(const Request& request, const Answer& answer,
           const std::vector<std::string>& secrets = {}) {
    Exchange exchange{request.method(), request.url(), write(request.head["headers"]), request.body,
                      answer};
    const auto hidden = Json::parse(answer.headers);
    std::string headers = "[";
    for (const Json& pair : hidden ? hidden->items() : std::vector<Json>{}) {
      static const std::vector<std::string> kCredentials{"set-cookie", "authorization",
                                                         "www-authenticate", "proxy-authenticate",
                                                         "authentication-info"};
      if (std::find(kCredentials.begin(), kCredentials.end(), pair[0].text()) != kCredentials.end())
        continue;
      if (headers.size() > 1) headers.push_back(',');
      headers += write(pair);
    }
    exchange.answer.headers = headers + "]";
    for (std::string* text :
         {&exchange.url, &exchange.headers, &exchange.body, &exchange.answer.headers,
          &exchange.answer.body, &exchange.answer.error_message}) {
      for (const std::string& secret : secrets) hide(*text, secret);
    }
    exchanges_.push_back(std::move(exchange));
  }
  [[nodiscard]] std::string text() const {
    std::string out = "{\"cassette\": 1, \"exchanges\": [";
    for (const Exchange& exchange : exchanges_) {
      if (&exchange != exchanges_.data()) out.push_back(',');
      out += "\n  {\"request\": {\"method\": ";
      append_json(out, exchange.method);
      out += ", \"url\": ";
      append_json(out, exchange.url);
      out += ",\n    \"headers\": " + exchange.headers + ", \"body\": ";
      append_json(out, exchange.body);
      out += "},\n   \"answer\": {\"sent\": ";
      append_json(out, exchange.answer.sent == RABT_SENT_NO      ? "no"
                       : exchange.answer.sent == RABT_SENT_MAYBE ? "maybe"
                                                                 : "yes");
      out += ", \"status\": " + std::to_string(exchange.answer.status) +
             ", \"headers\": " + exchange.answer.headers + ",\n    \"body\": ";
      append_json(out, exchange.answer.body);
      out += ", \"error\": ";
      append_json(out, exchange.answer.error);
      out += "}}";
    }
    return out + "\n]}\n";
  }
  [[nodiscard]] bool save(const std::string& path) const {
    std::ofstream file(path, std::ios::binary);
    file << text();
    return static_cast<bool>(file.flush());
  }

  // A value in one spelling.
  static std::string write(const Json& value) {
    std::string out;
    switch (value.type()) {
      case Json::Type::null:
        return "null";
      case Json::Type::boolean:
      case Json::Type::number:
        return value.text();
      case Json::Type::string:
        append_json(out, value.text());
        return out;
      case Json::Type::array:
        for (const Json& item : value.items()) out += (out.empty() ? "" : ",") + write(item);
        return "[" + out + "]";
      case Json::Type::object:
        for (const auto& [key, member] : value.members()) {
          if (!out.empty()) out.push_back(',');
          append_json(out, key);
          out += ":" + write(member);
        }
        return "{" + out + "}";
    }
    return out;
  }

 private:
  static void hide(std::string& text, const std::string& secret) {
    if (secret.empty()) return;
    for (auto at = text.find(secret); at != std::string::npos; at = text.find(secret, at))
      text.replace(at, secret.size(), "[secret]");
  }
  std::vector<Exchange> exchanges_;
  std::string problem_;
};

}  // namespace rabt::sdk::testing
