#include "hub/phi/arabic_names.hpp"

namespace rabt::phi {

ArabicNames::ArabicName ArabicNames::arabic_name(std::size_t i) const {
  ArabicName name;
  if (i >= tokens_.size() || tokens_[i].kind != Kind::arabic) return name;
  const Token& token = tokens_[i];
  name.lists = token.lists & (kGiven | kFamily);
  name.warm = (token.cues & kWarm) != 0;
  if (name.lists == 0 && token.cues == 0 && token.folded.size() > 6) {
    const std::string_view first = token.folded.substr(0, 2);
    if (first == "و" || first == "ل" || first == "ب" || first == "ف" || first == "ك") {
      const std::string_view rest = token.folded.substr(2);
      name.lists = lists_of(rest) & (kGiven | kFamily);
      name.warm = (cues_of(rest) & kWarm) != 0;
      if (name.lists != 0) name.skip = 2;
    }
  }
  // The family of Zayd: al-Zayd
  if (name.lists == 0 && token.cues == 0 && token.lists == 0 && token.folded.starts_with("ال") &&
      token.folded.size() >= 10 && (lists_of(token.folded.substr(4)) & kGiven) != 0)
    name = {kFamily, 0, true};
  // Abdul and one of the ninety-nine, written as one
  if (name.lists == 0 && token.folded.starts_with("عبدال") && token.folded.size() > 14)
    name.lists = kGiven;
  if (has(i, kFunction | kStop)) name.lists = 0;
  if (name.lists != 0 && (token.lists & kWord) != 0) name.warm = true;
  return name;
}

bool ArabicNames::nisba(std::string_view word) {
  return word.size() >= 10 && word.starts_with("ال") && word.ends_with("ي");
}

bool ArabicNames::common_arabic(std::size_t i) const {
  static constexpr auto kCommon = std::to_array<std::string_view>(
      {"الطبي",   "الصحي",   "الرئيسي",  "الحالي",    "التالي",     "الماضي",  "السعودي", "العربي",
       "الوطني",  "المدني",  "البريدي",  "الشخصي",    "العائلي",    "الاساسي", "النهائي", "الداخلي",
       "الخارجي", "الجراحي", "القلبي",   "الرقمي",    "الالكتروني", "الهاتفي", "الدوري",  "اليومي",
       "السريري", "المخبري", "الشعاعي",  "العلاجي",   "الدوائي",    "النفسي",  "العصبي",  "الهضمي",
       "التنفسي", "الكلوي",  "السكري",   "الاستشاري", "الاخصائي",   "الجامعي", "المركزي", "التخصصي",
       "الملكي",  "العسكري", "الحكومي",  "الاهلي",    "الدولي",     "العام",   "الثاني",  "الاولي",
       "التامين", "الذي",    "التي",     "الهجري",    "الميلادي",   "الجنوبي", "الشمالي", "الشرقي",
       "الغربي",  "الفوري",  "الطارئ",   "المبدئي",   "الايراني",   "المصري",  "الهندي",  "البلدي",
       "الرسمي",  "المالي",  "القانوني", "الوعي",     "المشي",      "الوريدي", "الفموي",  "العضلي",
       "الجلدي",  "السني",   "البولي",   "المعوي",    "المعدي",     "الوراثي", "المناعي"});
  return std::find(kCommon.begin(), kCommon.end(), tokens_[i].folded) != kCommon.end();
}

bool ArabicNames::arabic_stop(std::size_t i) const {
  if (has(i, kStop)) return true;
  return has(i, kOrganisation | kDistrict | kMonth | kPhoneCue | kNationalCue | kMrnCue | kDateCue |
                    kZipCue | kAddressCue | kAgeCue | kOrderCue | kMeasure | kPassportCue |
                    kCardCue | kIbanCue) &&
         arabic_name(i).lists == 0;
}

ArabicNames::ArabicCue ArabicNames::arabic_cue(std::size_t i) const {
  ArabicCue cue;
  std::size_t k = i;
  bool stop = false;
  while (k > 0 && tokens_[k - 1].kind == Kind::sign &&
         std::string_view("\":'(*./=-_>").find(tokens_[k - 1].folded) != std::string_view::npos) {
    cue.colon = cue.colon || tokens_[k - 1].folded == ":" || tokens_[k - 1].folded == "=";
    stop = stop || tokens_[k - 1].folded == ".";
    --k;
  }
  if (k == 0) return cue;
  const Token& word = tokens_[k - 1];
  if (word.kind == Kind::latin) {
    cue.strong = (word.cues & kNameCue) != 0 && cue.colon;
    cue.title = (word.cues & kTitle) != 0;
    return cue;
  }
  if (word.kind != Kind::arabic) return cue;
  const std::size_t letters = word.folded.size() / 2;
  const bool slash = k < i && (sign(k, ".") || sign(k, "/"));
  // A single letter is a title only with its point or slash.
  if ((word.cues & kTitle) != 0 && (letters > 1 || slash)) cue.title = true;
  if (stop && !cue.title) return {};
  static constexpr auto kSpoken = std::to_array<std::string_view>(
      {"كلمت",   "كلمني", "كلمتني", "بلغت",  "بلغني", "ابلغت",  "ابلغني", "ابلغنا",
       "سالت",   "قابلت", "قابلني", "شفت",   "زرت",   "حولت",   "حولني",  "حولتني",
       "رافقت",  "اخبرت", "اخبرني", "بلغوا", "كلموا", "اسالوا", "راجعنا", "زارنا",
       "زارتنا", "عاينت", "كشفت",   "اتصل",  "اتصلت", "اتصلوا", "احجز",   "احجزي",
       "احجزوا", "قل",    "قولي",   "قولوا", "ارسل",  "ارسلت",  "ارسلوا"});
  cue.speech = k == i && std::find(kSpoken.begin(), kSpoken.end(), word.folded) != kSpoken.end();
  if ((word.cues & kNameCue) != 0) cue.strong = true;
  if (k >= 2 && tokens_[k - 1].kind == Kind::arabic &&
      (folded(k - 1) == "هو" || folded(k - 1) == "هي" || folded(k - 1) == "الكامل" ||
       folded(k - 1) == "الثلاثي" || folded(k - 1) == "الرباعي") &&
      has(k - 2, kNameCue))
    cue.strong = true;
  // The name of the patient: strong, with a colon certain
  if (cue.strong && cue.colon) cue.title = true;
  if (word.folded == "اسمي" || word.folded == "اسمه" || word.folded == "اسمها" ||
      word.folded == "باسم")
    cue.title = true;
  if (word.folded == "السلام" || word.folded == "السيره") cue = {};
  return cue;
}

bool ArabicNames::with_allah(std::size_t i) const {
  return has(i, kAllah) && folded(i + 1) == "الله" &&
         (i == 0 || (folded(i - 1) != "ان" && folded(i - 1) != "ما"));
}

bool ArabicNames::pious(std::size_t i) const {
  return (has(i, kWarm) || in(i, kWord)) && with_allah(i);
}

bool ArabicNames::arabic_after(std::size_t last) const {
  static constexpr auto kAfter = std::to_array<std::string_view>(
      {"موعدك", "موعدكم", "نذكرك", "نذكركم", "نود",   "يعاني", "تعاني", "يشكو",   "تشكو",   "قال",
       "قالت",  "حضر",    "حضرت",  "راجع",   "راجعت", "اتصل",  "اتصلت", "طلب",    "طلبت",   "يشتكي",
       "تشتكي", "افاد",   "افادت", "ذكر",    "ذكرت",  "يسكن",  "تسكن",  "يتناول", "تتناول", "يبلغ",
       "تبلغ",  "يقول",   "تقول",  "يرد",    "ترد",   "رد",    "ردت",   "يبي",    "تبي",    "يبغي",
       "تبغي",  "يريد",   "تريد",  "يطلب",   "تطلب",  "يسال",  "تسال",  "جاء",    "جاءت",   "جا",
       "جت",    "راح",    "راحت",  "عنده",   "عندها", "دخل",   "دخلت",  "وصل",    "وصلت",   "رفض",
       "رفضت",  "وافق",   "وافقت", "وقع",    "وقعت",  "عمره",  "عمرها", "مواليد", "بلغ",    "بلغت",
       "احتاج", "احتاجت", "كلمني", "كلمتني", "كتب",   "كتبت",  "انتظر", "ينتظر",  "تنتظر",  "حجز",
       "حجزت",  "تعب",    "تعبت",  "طاح",    "طاحت"});
  const std::size_t n = last + 1 + (folded(last + 1) == "ما" || folded(last + 1) == "لم" ? 1U : 0U);
  return std::find(kAfter.begin(), kAfter.end(), folded(n)) != kAfter.end();
}

bool ArabicNames::links(std::string_view w) const {
  return w == "بن" || w == "بنت" || w == "ابن";
}

bool ArabicNames::may_name(std::size_t i) const {
  return i < tokens_.size() && tokens_[i].kind == Kind::arabic && tokens_[i].folded.size() >= 6 &&
         tokens_[i].cues == 0 && (tokens_[i].lists & kWord) == 0 && !places_[i] &&
         !common_arabic(i);
}

bool ArabicNames::closes(std::size_t i) const {
  return i >= tokens_.size() || tokens_[i].kind != Kind::arabic || has(i, kStop);
}

bool ArabicNames::placed_alone(std::size_t i) const {
  return placed(i) && (tokens_[i].lists & (kGiven | kFamily)) == 0;
}

bool ArabicNames::arabic_stop_word(std::size_t i) const {
  return has(i, kFunction) || (has(i, kNameCue | kTitle) && !in(i, kGiven)) ||
         (arabic_name(i).warm && arabic_stop(i));
}

std::size_t ArabicNames::skip_chain(std::size_t i) const {
  while (i < tokens_.size() && tokens_[i].kind == Kind::arabic &&
         (arabic_name(i).lists != 0 || has(i, kParticle)))
    ++i;
  return i;
}

ArabicNames::Opening ArabicNames::opening(std::size_t i) const {
  const Token& token = tokens_[i];
  Opening opening{.name = arabic_name(i), .cue = arabic_cue(i)};
  const ArabicCue& cue = opening.cue;
  // Abd and what follows, Abu and what follows, are one name.
  const bool compound = (token.folded == "عبد" || token.folded == "ابو" || token.folded == "ابي" ||
                         token.folded == "ام" || token.folded == "ال") &&
                        i + 1 < tokens_.size() && tokens_[i + 1].kind == Kind::arabic;
  const bool abd =
      (compound && token.folded == "عبد" && folded(i + 1).starts_with("ال")) || with_allah(i);
  const bool kunya =
      compound && !abd && token.folded != "عبد" &&
      (arabic_name(i + 1).lists != 0 || ((cue.title || cue.strong) && may_name(i + 1)));
  opening.compound = abd || kunya;
  opening.abd = abd;
  opening.linked = may_name(i) && i + 2 < tokens_.size() && links(folded(i + 1)) &&
                   arabic_name(i + 2).lists != 0;
  const bool followed = may_name(i) && i + 1 < tokens_.size() &&
                        tokens_[i + 1].kind == Kind::arabic && !has(i + 1, kStop) &&
                        (arabic_name(i + 1).lists != 0 ||
                         (nisba(folded(i + 1)) && !common_arabic(i + 1)) || with_allah(i + 1)) &&
                        arabic_name(i + 1).skip == 0;
  opening.unlisted =
      opening.linked || (cue.strong && followed) ||
      (cue.title && !arabic_stop(i) && !has(i, kTitle | kNameCue | kFunction | kFiller) &&
       !placed(i) && token.folded.size() >= 6);
  return opening;
}

bool ArabicNames::opens(std::size_t i, const Opening& opening) const {
  const auto& [name, cue, compound, abd, linked, unlisted] = opening;
  const std::string_view word = tokens_[i].folded;
  if (name.lists == 0 && !compound && !unlisted) return false;
  // The doctor on duty: , Doctor, very happy
  if (name.lists == 0 && !compound && !linked && word.starts_with("ال") && !nisba(word) &&
      (sign(i + 1, ":") || sign(i + 1, "/")))
    return false;
  if (name.warm && (folded(i + 1) == "جدا" || folded(i + 1) == "للغايه")) return false;
  // "in the name of" is also Basem
  if (has(i, kNameCue) && !abd &&
      (arabic_name(i + 1).lists != 0 || with_allah(i + 1) || folded(i + 1) == "عبد"))
    return false;
  if (has(i, kStop) && !compound) return false;
  return !placed(i) || cue.title || cue.strong || (name.lists & kGiven) != 0;
}

std::size_t ArabicNames::read(std::size_t i) {
  const Opening opening = this->opening(i);
  if (!opens(i, opening)) return i + 1;
  const ArabicCue& cue = opening.cue;
  if (i > 0 && has(i - 1, kOrganisation) && tokens_[i - 1].kind == Kind::arabic && !cue.title)
    return skip_chain(i);
  if (has(i, kTitle | kOrganisation) && !cue.title && !cue.strong) return i + 1;
  if (has(i, kNameCue) && (opening.name.lists & kGiven) == 0) return i + 1;

  const Chain chain = follow(i, opening);
  if (const double score = weigh(chain, opening); score >= 0.3) {
    const std::uint32_t skip = opening.abd ? 0 : opening.name.skip;
    out_.push_back({Class::name, tokens_[i].begin + skip, tokens_[chain.last].end, score});
  }
  return chain.last + 1;
}

void ArabicNames::Chain::count(std::size_t at, const ArabicName& name) {
  if (name.lists == 0)
    ++unknown;
  else if (name.warm)
    ++warm;
  else
    ++strong;
  if ((name.lists & kFamily) != 0 && at > first) ++families;
}

ArabicNames::Chain ArabicNames::follow(std::size_t i, const Opening& opening) const {
  Chain chain{.first = i, .last = i};
  if (opening.compound) {
    chain.last = i + 1;
    ++chain.strong;
  } else {
    chain.count(i, opening.name);
  }
  std::size_t k = chain.last + 1;
  while (k < tokens_.size() && chain.parts < kLongestName && tokens_[k].kind == Kind::arabic &&
         tokens_[k].space) {
    if (!take_link(k, chain) && !take_part(k, opening.cue, chain)) break;
    k = chain.last + 1;
    ++chain.parts;
  }
  return chain;
}

bool ArabicNames::take_link(std::size_t k, Chain& chain) const {
  const std::string_view w = folded(k);
  if ((w == "بن" || w == "بنت" || w == "ابن" || w == "ال" || w == "ابو" || w == "ابي" ||
       w == "عبد") &&
      k + 1 < tokens_.size() && tokens_[k + 1].kind == Kind::arabic &&
      (arabic_name(k + 1).lists != 0 || w == "عبد" ||
       (!arabic_stop(k + 1) && (w == "بن" || w == "بنت" || w == "ال")))) {
    ++chain.links;
    if (w == "عبد" || w == "ابو") ++chain.strong;
    // bin abd al-...: the compound after a link
    if ((w == "بن" || w == "ابن" || w == "بنت") && folded(k + 1) == "عبد" && k + 2 < tokens_.size())
      ++k;
    chain.last = k + 1;
    if (with_allah(k + 1)) {
      ++chain.strong;
      ++chain.last;
    } else if (arabic_name(k + 1).lists != 0) {
      chain.count(k + 1, arabic_name(k + 1));
    }
    return true;
  }
  if (with_allah(k)) {
    ++chain.strong;
    chain.last = k + 1;
    return true;
  }
  return false;
}

bool ArabicNames::take_part(std::size_t k, const ArabicCue& cue, Chain& chain) const {
  const std::string_view w = folded(k);
  const bool cued = cue.title || cue.strong;
  // Abd al-Hamid al-Sayyid: a title that is the last name
  if (w == "السيد" && chain.strong > 0 && closes(k + 1)) {
    ++chain.families;
    chain.last = k;
    return true;
  }
  // Salim, the witness: Ali
  if (w == "الله" ||
      (w.starts_with("ال") && !nisba(w) && sign(k + 1, ":") && arabic_name(k + 2).lists != 0))
    return false;
  const ArabicName name = arabic_name(k);
  if (name.skip != 0 && (name.lists & kFamily) == 0) return false;
  if (name.lists != 0 && !arabic_stop_word(k)) {
    if (name.skip != 0) return false;
    chain.count(k, name);
  } else if (nisba(w) && !common_arabic(k) && !arabic_stop(k) && !placed_alone(k)) {
    ++chain.families;
  } else {
    if (!may_name(k) || chain.unknown >= 2 || !(cued || chain.strong > 0)) return false;
    const bool between = chain.known() > 0 && stands_between(k);
    if (!between && !may_close(k, cue, chain)) return false;
    ++chain.unknown;
    if (!between) ++chain.families;
  }
  chain.last = k;
  return true;
}

bool ArabicNames::stands_between(std::size_t k) const {
  return (arabic_name(k + 1).lists != 0 || (k + 1 < tokens_.size() && nisba(folded(k + 1)) &&
                                            !common_arabic(k + 1) && !has(k + 1, kStop))) &&
         arabic_name(k + 1).skip == 0 && tokens_[k + 1].space;
}

bool ArabicNames::may_close(std::size_t k, const ArabicCue& cue, const Chain& chain) const {
  const std::string_view w = folded(k);
  return ((closes(k + 1) && (cue.title || cue.strong || chain.parts >= 2)) || w.starts_with("ال") ||
          w.starts_with("با")) &&
         (chain.known() > 0 || (cue.title && chain.parts == 1 && closes(k + 1))) &&
         !w.starts_with("ي") && !w.starts_with("ت") && !w.starts_with("و") &&
         !w.starts_with(
             "ب"
             "ال") &&
         !w.starts_with("لل");
}

bool ArabicNames::in_row(std::size_t i) const {
  return i >= 2 && (sign(i - 1, "،") || sign(i - 1, ",")) && !out_.empty() &&
         out_.back().kind == Class::name && out_.back().score >= 0.5 &&
         out_.back().end == tokens_[i - 2].end;
}

double ArabicNames::weigh(const Chain& chain, const Opening& opening) const {
  const auto& [name, cue, compound, abd, linked, unlisted] = opening;
  const std::size_t i = chain.first;
  const std::size_t parts = chain.parts;
  const std::size_t names = chain.known();
  const bool cued = cue.title || cue.strong;
  double score = 0;
  if (cue.title)
    score = names > 0 ? 0.93 : 0.62;
  else if (cue.strong)
    score = chain.strong > 0 || parts > 1 ? 0.88 : names > 0 ? 0.62 : 0;
  else if (chain.links > 0)
    score = names > 0 ? 0.88 : 0.4;
  else if (parts >= 3)
    score = chain.strong > 0 ? 0.88 : 0.6;
  else if (parts == 2 && chain.families > 0 && names > 0 && arabic_after(chain.last))
    score = 0.8;
  else if (parts == 2)
    score = chain.strong > 0 ? 0.8 : chain.families > 0 ? 0.6 : 0.4;
  else
    score = chain.strong > 0 ? ((name.lists & kGiven) != 0 || compound ? 0.55 : 0.5) : 0.25;
  if (parts == 1 && (name.lists & kGiven) == 0 && !compound && !cued) score = std::min(score, 0.4);
  if (!cued && names > 0 && cue.speech) score += parts == 1 ? 0.12 : 0.2;
  // The witness: Ali Hasan
  if (!cued && names >= 2 && parts >= 2 && cue.colon) score = std::max(score, 0.6);
  if (parts == 1 && pious(i) && !cued) score = std::min(score, 0.4);
  if (parts == 1 && !cued && arabic_after(chain.last)) score += name.warm ? 0.27 : 0.2;
  if (parts == 1 && placed(i) && !cue.title) score -= 0.3;
  if (parts == 1 && name.skip != 0 && !cued) {
    // And Sara: beside another name
    const bool beside = i > 0 && !out_.empty() && out_.back().kind == Class::name &&
                        out_.back().end == tokens_[i - 1].end && out_.back().score >= 0.45;
    score += beside ? 0.05 : -0.08;
  }
  if (parts == 1 && tokens_[i].folded.size() <= 6 && !cued && !compound) score -= 0.15;
  // Sara, Mona, Huda: a given name in a row of names, whatever else the word means
  if (!cued && (name.lists & kGiven) != 0 && !placed(i) && in_row(i)) score = std::max(score, 0.6);
  if (chain.unknown > 0 && !cue.title) score -= 0.1;
  return score;
}

}  // namespace rabt::phi
