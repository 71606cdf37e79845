#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "chart.hpp"
#include "rabt/task.hpp"
#include "record.hpp"
#include "settings.hpp"

// The chart of a visit in a record system that speaks HL7 v2: written, corrected, taken back. The
// record system cannot be asked what it has, so the hub's store keeps what it has acknowledged.
namespace rabt::hl7v2 {

// The outcome of a call that cannot use the hub's store. sent: a message may have arrived.
[[nodiscard]] sdk::Outcome no_store(bool sent = false);

class ChartWriter : public sdk::TaskPlugin {
 public:
  ChartWriter(sdk::Host host, Settings settings)
      : TaskPlugin(host), settings_(std::move(settings)) {}

 protected:
  // repeated: an attempt before this one may have arrived.
  struct Sent {
    sdk::Outcome outcome;
    sdk::HttpResult answer;
  };
  sdk::Task<Sent> send(const sdk::Call& call, std::string message, std::string control_id,
                       bool repeated);

  // Keeps the visit of an encounter that was filed, for what its clinicians wrote. output: of
  // write-encounter. Returns nothing when it is durable.
  sdk::Task<std::optional<sdk::Outcome>> remember_visit(const Json& input, const Json& output);

  // Sends of the chart what the record system has not acknowledged yet. What it refuses is left
  // out and named; the note says it as text.
  sdk::Task<sdk::Outcome> write_record(const sdk::Call& call, const Json& input);

  [[nodiscard]] const Settings& settings() const { return settings_; }
  // Throws sdk::Refusal without an address.
  void need_url() const;

 private:
  // Chart of one visit in the hub's store.
  struct Book {
    std::string key;
    std::int64_t version = 0;
    // {n: messages so far, parts: {NAME: {has, document, open: {id, text, charset, says,
    // document}}}}. open: the message that may have been sent and is not acknowledged.
    Json data;
  };
  // Results for the entries of a chart.
  struct Report {
    std::size_t written = 0;
    Json refused = Json::array();
    std::optional<sdk::Outcome> last;

    void refuse(const std::string& of, const sdk::Outcome& outcome);
  };
  // Why a part is not settled.
  struct Unsettled {
    sdk::Outcome outcome;
    // The record system has answered: other parts may go on.
    bool answered = false;
  };

  sdk::Task<std::optional<sdk::Outcome>> open_book(Book& book, std::string consultation);
  // sent: a message may have arrived since the last one.
  sdk::Task<std::optional<sdk::Outcome>> save(Book& book, bool sent);
  // Sends the open message of a part and writes down its outcome.
  struct Delivered {
    std::optional<Unsettled> unsettled;
    std::optional<sdk::Outcome> refused;
    Place place;
  };
  sdk::Task<Delivered> deliver(const sdk::Call& call, Book& book, Json& part, bool repeated);
  // Composes the message of a part and keeps it as the open one.
  Composed draft(const sdk::Call& call, Book& book, const Part& wanted, const Json& visit,
                 bool plain);
  sdk::Task<std::optional<Unsettled>> settle(const sdk::Call& call, Book& book, Part wanted,
                                             const Json& visit, Report& report);

  const Settings settings_;
};

}  // namespace rabt::hl7v2
