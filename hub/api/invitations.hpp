#pragma once

#include <memory>
#include <string>

#include "hub/api/rates.hpp"
#include "hub/api/routes.hpp"
#include "hub/base/clock.hpp"

namespace rabt::consultation {
class Sessions;
}  // namespace rabt::consultation

namespace rabt::api {

// Invitations by their code: what a page shows, and the door that a link opens.
struct Invitations {
  // Null where the hub has no sessions; there are no such paths then.
  consultation::Sessions* sessions = nullptr;
  const Clock* clock = nullptr;
  // The hub's own, "https://hub.example.sa". Empty when nobody said.
  std::string origin;
  // Requests by the code that they show.
  std::shared_ptr<Rates> codes = std::make_shared<Rates>();

  // POST /api/v1/invitations/preview: who invites, and when. Spends nothing.
  [[nodiscard]] Result<http::Response> preview(const Call& call) const;
  // POST /api/v1/invitations/accept: whoever is signed in takes part under his account; anybody
  // else gets a cookie that opens this one session, as a page of the hub alone may ask for.
  [[nodiscard]] Result<http::Response> accept(const Call& call) const;
  // POST /api/v1/invitations/code: the code of a second proof, as a page of the hub alone may ask.
  [[nodiscard]] Result<http::Response> send_code(const Call& call) const;
  // POST /api/v1/invitations/identity: asks the person of the record in the app of an identity
  // provider, as a page of the hub alone may ask.
  [[nodiscard]] Result<http::Response> ask_app(const Call& call) const;

 private:
  [[nodiscard]] Status count(const Call& call) const;
};

}  // namespace rabt::api
