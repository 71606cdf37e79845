#include "hub/webhooks/book.hpp"

#include <algorithm>

#include "hub/keys/retention.hpp"

namespace rabt::webhooks {

namespace {

constexpr std::string_view kTable = "webhook";
constexpr std::string_view kField = "secrets";

const Configured* find_named(const std::vector<Configured>& all, std::string_view name) {
  const auto found = std::find_if(all.begin(), all.end(), [&](const Configured& configured) {
    return configured.name == name;
  });
  return found == all.end() ? nullptr : &*found;
}

}  // namespace

Book::Book(Parts parts, std::vector<Configured> configured)
    : parts_(std::move(parts)), configured_(std::move(configured)) {}

// Writes a webhook of the configuration, unless it is as it was.
Status Book::put(store::Transaction& transaction, const Configured& configured,
                 const Endpoint* before) const {
  const std::int64_t now = parts_.clock.now().ms;
  if (before == nullptr) {
    return insert_endpoint(transaction, parts_.tenant,
                           {.id = parts_.ids.next().text(),
                            .name = configured.name,
                            .configured = true,
                            .url = configured.url,
                            .wants = configured.wants,
                            .created_ms = now,
                            .updated_ms = now});
  }
  // One that is gone begins anew when the operator gives it another address.
  const bool moved = before->url != configured.url;
  const bool back = before->state == "removed" || (moved && before->state == "gone");
  if (!moved && !back && before->wants == configured.wants) return ok_status();
  Endpoint after = *before;
  after.url = configured.url;
  after.wants = configured.wants;
  if (back) after.state = "active";
  after.version += 1;
  after.updated_ms = now;
  return update_endpoint(transaction, parts_.tenant, after);
}

Status Book::open() {
  RABT_TRY(rows, read_endpoints(parts_.store, parts_.tenant));
  const auto named = [&](const std::string& name) -> const Endpoint* {
    const auto found = std::find_if(
        rows.begin(), rows.end(), [&](const Endpoint& endpoint) { return endpoint.name == name; });
    return found == rows.end() ? nullptr : &*found;
  };
  for (const Configured& one : configured_) {
    const Endpoint* const before = named(one.name);
    if (before == nullptr || before->configured) continue;
    return conflict("webhook.name_taken", "the webhook " + one.name +
                                              " of the configuration has the name of one that was "
                                              "made over the API; rename one of the two");
  }
  RABT_TRY_STATUS(parts_.store.write([&](store::Transaction& transaction) -> Status {
    for (const Configured& configured : configured_)
      RABT_TRY_STATUS(put(transaction, configured, named(configured.name)));
    for (const Endpoint& row : rows) {
      if (!row.configured || row.state == "removed" || find_named(configured_, row.name) != nullptr)
        continue;
      Endpoint after = row;
      after.state = "removed";
      after.version += 1;
      after.updated_ms = parts_.clock.now().ms;
      RABT_TRY_STATUS(update_endpoint(transaction, parts_.tenant, after));
    }
    return ok_status();
  }));
  return reload();
}

Status Book::reload() {
  RABT_TRY(rows, read_endpoints(parts_.store, parts_.tenant));
  auto list = std::make_shared<List>();
  for (Endpoint& row : rows) {
    if (row.configured) {
      const Configured* const from = find_named(configured_, row.name);
      if (from != nullptr) {
        row.secrets = from->secrets;
        row.routes = from->routes;
      }
    }
    list->push_back(std::make_shared<const Endpoint>(std::move(row)));
  }
  const Lock lock(mutex_);
  all_ = std::move(list);
  return ok_status();
}

std::shared_ptr<const Book::List> Book::all() const {
  const Lock lock(mutex_);
  return all_;
}

std::shared_ptr<const Endpoint> Book::find(std::string_view id) const {
  for (const auto& one : *all()) {
    if (one->id == id) return one;
  }
  return nullptr;
}

Result<std::vector<KeptSecret>> Book::kept(const Endpoint& endpoint) const {
  std::vector<KeptSecret> out;
  if (endpoint.sealed.empty()) return out;
  RABT_TRY(key, parts_.keys.open(parts_.tenant, endpoint.data_key));
  RABT_TRY(
      plain,
      key->open({.tenant = parts_.tenant, .table = kTable, .row = endpoint.id, .field = kField},
                endpoint.sealed));
  RABT_TRY(list, Json::parse(plain));
  for (const Json& item : list.as_array())
    out.push_back({.text = item.string_or("secret", ""), .until_ms = item["until"].as_int64()});
  return out;
}

Result<std::vector<SigningSecret>> Book::secrets(const Endpoint& endpoint) const {
  RABT_TRY(all, kept(endpoint));
  const std::int64_t now = parts_.clock.now().ms;
  std::vector<SigningSecret> out;
  for (const KeptSecret& kept_secret : all) {
    if (kept_secret.until_ms && *kept_secret.until_ms <= now) continue;
    RABT_TRY(secret, SigningSecret::parse(kept_secret.text));
    out.push_back(std::move(secret));
  }
  return out;
}

Status Book::seal(Endpoint& endpoint, const std::vector<KeptSecret>& secrets) const {
  Json list = Json::array();
  for (const KeptSecret& secret : secrets) {
    Json kept = Json::object({{"secret", secret.text}});
    if (secret.until_ms) kept.set("until", *secret.until_ms);
    list.push_back(std::move(kept));
  }
  RABT_TRY(key, parts_.keys.shared(parts_.tenant, keys::kPerson));
  endpoint.sealed =
      key->seal({.tenant = parts_.tenant, .table = kTable, .row = endpoint.id, .field = kField},
                list.dump(), parts_.random);
  endpoint.data_key = key->id();
  return ok_status();
}

}  // namespace rabt::webhooks
