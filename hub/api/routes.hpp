#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "hub/access/decide.hpp"
#include "hub/base/limits.hpp"
#include "hub/base/result.hpp"
#include "hub/http/server.hpp"
#include "hub/identity/principal.hpp"

// The table of everything that the hub answers. docs/openapi.yaml describes the same operations;
// tests/api/table_test.cpp compares.
namespace rabt::store {
class Transaction;
}  // namespace rabt::store

namespace rabt::api {

class Body;
class Cursors;
struct Resources;

inline constexpr std::size_t kMaxPathParameters = 3;
// Values of the pattern's {parameters} in the path, in order.
using PathParameters = std::array<std::string_view, kMaxPathParameters>;

// A request on its way to its handler.
struct Call {
  const http::Request& request;
  PathParameters path{};
  // Caller. Anonymous on a route that is open, unless the request shows a credential that holds.
  identity::Caller caller{};
  // The pattern of the route that the request took; its {names} say what `path` holds.
  std::string_view pattern{};
  // Maker of cursors. Null where no list is asked for.
  const Cursors* cursors = nullptr;
  // Keeps the answer for a repeat of the call. An act that is one commit calls it in that commit.
  // Unset unless the call names an Idempotency-Key.
  std::function<Status(store::Transaction&, const http::Response&)> once{};
  // Name of the call that a repeat has, too. Empty without an Idempotency-Key.
  std::string repeat{};
  // The body that has arrived, as JSON. Null before, and where nobody keeps what is read.
  const Body* body = nullptr;
};

// An error becomes a problem document.
using Handler = Result<http::Response> (*)(Resources& resources, const Call& call);

// Ok if the hub takes in the body of this call; the body is still empty.
using Check = Status (*)(Resources& resources, const Call& call);

// A body that its resource takes piece by piece. Destroyed before finish() when the body breaks off
// or is refused.
class Upload {
 public:
  virtual ~Upload() = default;
  // The next bytes, cut anywhere.
  virtual Status take(std::string_view piece) = 0;
  // The body has arrived whole.
  virtual Result<http::Response> finish(const Call& call) = 0;
};

// Opens the upload that takes the body. If it returns null, the handler takes the body whole.
using OpenUpload = Result<std::unique_ptr<Upload>> (*)(Resources& resources, const Call& call);

// Callers that may call a route at all. The service of a record decides whether a caller may see
// or change that record.
struct Permission {
  enum class To : std::uint8_t { everybody, guests, signed_in, roles, local };
  To to = To::roles;
  // Roles: a caller with any of them may call the route.
  identity::Roles roles{};
  // Roles of which the caller needs one besides. Empty if nothing more is needed.
  identity::Roles besides{};

  [[nodiscard]] constexpr bool allows(const identity::Principal& who) const {
    if (to == To::everybody) return true;
    if (who.kind == identity::Kind::anonymous) return false;
    if (to == To::guests) return true;
    if (who.kind == identity::Kind::guest) return false;
    if (to == To::local) return who.kind == identity::Kind::local;
    if (to == To::signed_in) return true;
    return who.roles.has_any(roles) && (besides.empty() || who.roles.has_any(besides));
  }
};
inline constexpr Permission kOpen{.to = Permission::To::everybody};
// Users of this machine, over the hub's Unix socket. For everybody else there is no such path.
inline constexpr Permission kLocal{.to = Permission::To::local};
inline constexpr Permission kSignedIn{.to = Permission::To::signed_in};
// Also those who came by the link of an invitation, in their own session.
inline constexpr Permission kAlsoGuests{.to = Permission::To::guests};
constexpr Permission only(std::initializer_list<identity::Role> roles) {
  return {.to = Permission::To::roles, .roles = identity::Roles(roles)};
}

// Which of the limits of server.rates a request counts for.
enum class RateClass : std::uint8_t {
  by_method,
  sign_in,
  registration,
  rare,
  connect,
  // Ways to let somebody in: a ticket, a join, a token of the video provider. Counts for a person
  // and a guest; a client asks for many people, and is counted by method.
  enter,
  hook,
  // By the code of an invitation: whoever is nobody has a limit of his address, and a person that
  // of `enter`.
  invitation
};

// The JSON of a request, unless its route says more: documents and workflows do.
inline constexpr std::uint64_t kMaxJsonBody = 1U << 20U;
// Members and items of that JSON. The values made of them take some 100 bytes each.
inline constexpr std::size_t kMaxJsonValues = 20'000;
// So many times its length may be made of a body of JSON: the texts of its values, and copies.
inline constexpr std::uint64_t kMadeOfJson = 4;

// Limits and needs of an operation, and of every path of a compatibility API that translates it.
struct RouteOptions {
  // Null when the permission alone decides.
  Check check = nullptr;
  RateClass rate = RateClass::by_method;
  // A repeat after a crash is safe: the act is one commit, which holds the answer, too, or done
  // twice it has one effect. Before any other act it is written that it begins.
  bool repeatable = false;
  // The answer is good for a short time only: none is kept for an Idempotency-Key, and a repeat
  // does the act again.
  bool fleeting = false;
  // A person has shown two factors a short time ago.
  bool strong = false;
  // Open also to who has to enrol a second factor before anything else.
  bool enrolling = false;
  // Right that the act needs where the permission does not decide: on the session or the record in
  // the path, else on anything. A caller without it learns nothing about the form of the body.
  std::optional<access::Right> right{};
  // The largest body that the handler gets.
  std::uint64_t max_body = kMaxJsonBody;
  // Lane of the threads that answer the request.
  http::Lane lane = http::Lane::handler;
  // Null when every body is taken whole.
  OpenUpload upload = nullptr;
  // The largest body that is taken piece by piece.
  std::uint64_t max_upload = 0;
};
// A password, a code, a token.
inline constexpr std::uint64_t kMaxSignInBody = 64U << 10U;
constexpr RouteOptions asks_for(access::Right right) {
  return {.right = right};
}
// The same for an act that may be repeated after a crash.
constexpr RouteOptions repeats(access::Right right) {
  return {.repeatable = true, .right = right};
}
inline constexpr RouteOptions kRepeats{.repeatable = true};
inline constexpr RouteOptions kRare{.rate = RateClass::rare};
inline constexpr RouteOptions kStrong{.strong = true};
inline constexpr RouteOptions kEnrolling{.enrolling = true};
inline constexpr RouteOptions kRareAndStrong{.rate = RateClass::rare, .strong = true};
inline constexpr RouteOptions kSignIn{
    .rate = RateClass::sign_in, .max_body = kMaxSignInBody, .lane = http::Lane::sign_in};
// Somebody makes an account for himself.
inline constexpr RouteOptions kRegister{
    .rate = RateClass::registration, .max_body = kMaxSignInBody, .lane = http::Lane::sign_in};
// Sign-in at an issuer, which the request waits for.
inline constexpr RouteOptions kAtIssuer{
    .rate = RateClass::sign_in, .max_body = kMaxSignInBody, .lane = http::Lane::outside};
// By the code of an invitation, which strangers have.
inline constexpr RouteOptions kByCode{
    .rate = RateClass::invitation, .max_body = kMaxSignInBody, .lane = http::Lane::link};
// A password is hashed.
inline constexpr RouteOptions kHashing{.max_body = kMaxSignInBody, .lane = http::Lane::sign_in};
// The act waits for the video provider.
constexpr RouteOptions enters(access::Right right) {
  return {.rate = RateClass::enter, .repeatable = true, .right = right, .lane = http::Lane::room};
}
inline constexpr RouteOptions kPlans{.rate = RateClass::rare, .max_body = limits::kMaxRequestBody};
// Journals are read, and run in memory.
inline constexpr RouteOptions kReplays{.rate = RateClass::rare,
                                       .strong = true,
                                       .max_body = limits::kMaxRequestBody,
                                       .lane = http::Lane::heavy};

struct Route {
  std::string_view method;
  // Segments are words or {parameters}.
  std::string_view pattern;
  // The operationId of the OpenAPI document.
  std::string_view operation;
  Handler handler;
  Permission permission;
  RouteOptions options{};
};
[[nodiscard]] std::span<const Route> routes();

// Values of the pattern's parameters in the path. Nothing when the path does not fit.
[[nodiscard]] std::optional<PathParameters> match(std::string_view pattern, std::string_view path);

struct Found {
  // Null when no route of the path has the method.
  const Route* route = nullptr;
  PathParameters path{};
  // The methods that the path answers to, such as "GET, POST". Empty when there is no such path.
  std::string allowed;
};
// The route of a request. A pattern of words wins over one with parameters, as OpenAPI asks; only
// {name} takes the words, too, since a person may have chosen one for a name. Below /api/v1/ a
// slash at the end of the path does not matter.
[[nodiscard]] Found find_route(std::string_view method, std::string_view path);

}  // namespace rabt::api
