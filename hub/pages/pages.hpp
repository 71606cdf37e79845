#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "hub/http/server.hpp"
#include "hub/pages/bundle.hpp"

// The pages of the hub: HTML shells, and the files that they load. No shell holds data of a person;
// the scripts ask /api/v1 for it.
namespace rabt::pages {

// Immutable.
class Pages {
 public:
  struct Options {
    // Addresses besides the hub that a call connects to: sources of Content-Security-Policy, such
    // as wss://janus.example.sa.
    std::vector<std::string> call_sources{};
    // Phone number for patients, and the hospital's name by language: in every shell, so that a
    // page shows them also while the hub is gone. May be empty.
    std::string phone{};
    std::map<std::string, std::string> hospital{};
    // Issuers for the sign-in, in the order of their buttons.
    struct Issuer {
      std::string name;
      // Name of the issuer on its button, by language; `name` where that is empty.
      std::map<std::string, std::string> display;
    };
    std::vector<Issuer> issuers{};
  };
  explicit Pages(const Bundle& bundle) : Pages(bundle, Options()) {}
  Pages(const Bundle& bundle, Options options);
  // The answer to a request for a page or one of its files. Nothing for paths that belong to no
  // page. Never reads a file.
  [[nodiscard]] std::optional<http::Response> answer(const http::Request& request) const;

  // Redirects a browser that opens an address of a page of a system that Rabt replaces. Nothing for
  // programs, which do not accept text/html, and in a hub without pages.
  [[nodiscard]] std::optional<http::Response> moved(const http::Request& request) const;

 private:
  [[nodiscard]] http::Response asset(const http::Request& request, std::string_view name) const;
  [[nodiscard]] http::Response shell(const http::Request& request, std::string_view entry) const;

  const Bundle& bundle_;
  const Options options_;
};

// The weight of a media type in Accept (RFC 9110 section 12.5.1): 0 where it is not named. Ranges
// such as */* name none.
[[nodiscard]] double weight_of(const http::Request& request, std::string_view type);

// True if a browser asks for a page, and not a program for an answer of the API.
[[nodiscard]] bool wants_page(const http::Request& request);

// The language of a request: its cookie `rabt-lang`, else Accept-Language, else Arabic.
[[nodiscard]] std::string_view language_of(const http::Request& request);

}  // namespace rabt::pages
