#include "hub/phi/arabic_names.hpp"
#include "hub/phi/latin_names.hpp"

namespace rabt::phi {

namespace {

// For each token, whether it belongs to the name of a place, of one word or of several; a word that
// is also a name stays open.
std::vector<bool> find_places(const std::vector<Token>& tokens) {
  const auto hyphen = [&](std::size_t i) {
    return i < tokens.size() && tokens[i].kind == Token::Kind::sign && tokens[i].folded == "-";
  };
  std::vector<bool> places(tokens.size(), false);
  std::string joined;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if ((tokens[i].lists & kPlace) != 0) places[i] = true;
    if ((tokens[i].lists & kPlaceStart) == 0) continue;
    joined.assign(tokens[i].folded);
    std::size_t k = i;
    for (int words = 1; words < 4; ++words) {
      ++k;
      if (hyphen(k)) ++k;
      if (k >= tokens.size() ||
          (tokens[k].kind != Token::Kind::latin && tokens[k].kind != Token::Kind::arabic))
        break;
      joined.append("_").append(tokens[k].folded);
      if (is_place(joined))
        for (std::size_t w = i; w <= k; ++w) places[w] = true;
    }
  }
  return places;
}

}  // namespace

void find_names(const Text& text, Candidates& out) {
  const std::vector<Token>& tokens = text.tokens();
  const std::vector<bool> places = find_places(tokens);
  const bool no_capitals = std::none_of(tokens.begin(), tokens.end(), [](const Token& token) {
    return token.kind == Token::Kind::latin && token.upper;
  });
  const NameWords words(tokens, places);
  LatinNames latin(words, no_capitals, out);
  ArabicNames arabic(words, out);
  for (std::size_t i = 0; i < tokens.size();) {
    if (tokens[i].kind == Token::Kind::latin) {
      i = latin.read(i);
    } else if (tokens[i].kind == Token::Kind::arabic) {
      i = arabic.read(i);
    } else {
      ++i;
    }
  }
}

}  // namespace rabt::phi
