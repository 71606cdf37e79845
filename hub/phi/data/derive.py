#!/usr/bin/env python3
"""Derives the gazetteers of the detector (*.inc beside this file) from public lists; see SOURCES.md.

    derive.py --own     adds what is new in own_names.txt to the lists of names as they are
    derive.py FOLDER    FOLDER holds the unpacked packages that SOURCES.md names

Only words are taken, sorted and folded: what is written is a list of facts, no text of others."""
import ast, glob, json, os, re, subprocess, sys, unicodedata

HERE = os.path.dirname(os.path.abspath(__file__))
CYRILLIC = dict(zip("абвгдезийклмнопрстуфхъыьэіїєґў",
                    ["a", "b", "v", "g", "d", "e", "z", "i", "y", "k", "l", "m", "n", "o", "p", "r", "s", "t", "u", "f", "kh", "", "y", "", "e", "i", "yi", "ye", "g", "u"]))
CYRILLIC.update({"ж": "zh", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "shch", "ю": "yu", "я": "ya", "ё": "yo",
                 "ј": "j", "љ": "lj", "њ": "nj", "ђ": "dj", "ћ": "c", "џ": "dz", "ѓ": "gj", "ќ": "kj", "ѕ": "dz"})
ARABIC = {"أ": "ا", "إ": "ا", "آ": "ا", "ٱ": "ا", "ى": "ي", "ی": "ي", "ة": "ه", "ک": "ك"}
SPECIAL = {"ł": "l", "ø": "o", "đ": "d", "ð": "d", "ß": "ss", "æ": "ae", "œ": "oe", "þ": "th", "ı": "i", "ħ": "h", "ə": "a", "ŋ": "n"}


def fold(word):
    """As hub/phi/lexicon.cpp folds a word of the text: lower case, Latin letters without marks."""
    word = "".join(CYRILLIC.get(c, c) for c in word.lower())
    word = "".join(SPECIAL.get(c, c) for c in word)
    return "".join(c for c in unicodedata.normalize("NFD", word) if not unicodedata.combining(c))


def fold_arabic(word):
    word = re.sub("[\u064b-\u065f\u0670\u0640]", "", unicodedata.normalize("NFC", word))
    return "".join(ARABIC.get(c, c) for c in word)


def js_lists(folder):
    """first and last names of every locale of @faker-js/faker"""
    code = """
const {allFakers} = require(process.argv[1]); const out = {g: [], f: []};
const flat = v => v == null ? [] : Array.isArray(v) ? v : typeof v === 'object' ? Object.values(v).flatMap(flat) : [];
for (const k of Object.keys(allFakers)) { if (["ku_ckb", "dv", "ur"].includes(k)) continue; const p = allFakers[k].rawDefinitions.person || {};
  out.g.push(...flat(p.first_name), ...flat(p.middle_name)); out.f.push(...flat(p.last_name)); }
console.log(JSON.stringify({g: out.g.filter(x => typeof x === 'string'), f: out.f.filter(x => typeof x === 'string')}));"""
    return json.loads(subprocess.check_output(["node", "-e", code, os.path.abspath(folder)]))


def php_lists(folder):
    out = {"g": [], "f": []}
    for path in glob.glob(folder + "/*/Person.php"):
        text = open(path, encoding="utf-8").read()
        for name, body in re.findall(r"\$(\w*(?:[fF]irstName|[lL]astName|middleName)\w*)\s*=\s*(?:array\(|\[)(.*?)(?:\)|\]);", text, re.S):
            if "Format" in name:
                continue
            out["f" if "ast" in name else "g"] += re.findall(r"['\"]([^'\"\n]{2,40})['\"]", body)
    return out


def python_lists(folder):
    out = {"g": [], "f": []}
    for path in glob.glob(folder + "/*/__init__.py"):
        for node in ast.walk(ast.parse(open(path, encoding="utf-8").read())):
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                name = node.targets[0].id
                kind = "g" if "first_name" in name else "f" if "last_name" in name or "surname" in name else None
                if kind and "format" not in name and "prefix" not in name:
                    out[kind] += [n.value for n in ast.walk(node.value) if isinstance(n, ast.Constant) and isinstance(n.value, str)]
    return out


def ruby_lists(folder):
    out = {"g": [], "f": []}
    for path in glob.glob(folder + "/*.yml"):
        kind = None
        for line in open(path, encoding="utf-8"):
            m = re.match(r"\s+(\w*(?:first_name|last_name|surname)\w*):\s*(\[.*)?$", line)
            if m:
                kind = "f" if "last" in m[1] or "sur" in m[1] else "g"
                if m[2]:
                    out[kind] += re.findall(r"[\"']?([^\"',\[\]]+)[\"']?", m[2])
                    kind = None
            elif kind and re.match(r"\s+- ", line):
                out[kind].append(line.strip()[2:].strip("\"' "))
            elif line.strip() and not line.strip().startswith("#"):
                kind = None
    return out


def emit(name, words, what):
    words = sorted(set(words))
    with open(os.path.join(HERE, name), "w", encoding="utf-8") as out:
        out.write(f"// {what} ({len(words)}). Made by derive.py; sources and licences: SOURCES.md.\n")
        line = ""
        for word in words:
            if len(line) + len(word) + 1 > 110:
                out.write(f'"{line}",\n')
                line = ""
            line += (" " if line else "") + word
        out.write(f'"{line}",\n')
    print(name, len(words))


def own_names(given, family, arabic_given, arabic_family):
    for line in open(os.path.join(HERE, "own_names.txt"), encoding="utf-8"):
        m = re.match(r"([gf]) ([\u0600-\u06ff ]*)([a-z ]*)$", line.strip())
        if m:
            word = fold_arabic(m[2].strip())
            if word and " " not in word:
                (arabic_given if m[1] == "g" else arabic_family).add(word)
            (given if m[1] == "g" else family).update(m[3].split())


def emit_names(given, family, arabic_given, arabic_family):
    emit("given_latin.inc", given, "Given names in Latin letters, folded")
    emit("family_latin.inc", family, "Family names in Latin letters, folded")
    emit("given_arabic.inc", arabic_given, "Given names in Arabic letters, folded")
    emit("family_arabic.inc", arabic_family - arabic_given, "Family names in Arabic letters, folded")


def add_own():
    lists = []
    for name in ("given_latin.inc", "family_latin.inc", "given_arabic.inc", "family_arabic.inc"):
        text = open(os.path.join(HERE, name), encoding="utf-8").read()
        lists.append({word for line in re.findall('"([^"]*)"', text) for word in line.split()})
    own_names(*lists)
    emit_names(*lists)


def main(folder):
    given, family, arabic_given, arabic_family = set(), set(), set(), set()
    lists = [js_lists(folder + "/faker-js/package"), php_lists(folder + "/php/usr/share/php/Faker/Provider"),
             python_lists(folder + "/python/usr/lib/python3/dist-packages/faker/providers/person"),
             ruby_lists(glob.glob(folder + "/ruby/usr/share/rubygems-integration/all/gems/faker-*/lib/locales")[0])]
    for sex in ("female", "male"):
        names = json.load(open(f"{folder}/stdlib-{sex}/package/data/names.json"))
        lists.append({"g": names, "f": []})
    particles = {"van", "von", "de", "der", "den", "da", "dos", "del", "della", "di", "la", "le", "bin", "bint", "ibn", "al", "el", "ould", "ten", "ter", "zu", "and", "the", "abu", "san", "st"}
    for one in lists:
        for kind, latin, arabic in (("g", given, arabic_given), ("f", family, arabic_family)):
            for entry in one[kind]:
                entry = entry.strip()
                if re.search("[\u0600-\u06ff]", entry):
                    entry = re.sub(r"\bعبد (?=ال)", "عبد", entry)
                    if re.fullmatch("[\u0621-\u064a\u064b-\u0652\u0670\u067e-\u06cc]{2,14}", entry):
                        arabic.add(fold_arabic(entry))
                    continue
                for part in re.split(r"[ \-‐]", entry):
                    part = fold(part).replace("’", "").replace("'", "")
                    if re.fullmatch(r"[a-z]{2,16}", part) and part not in particles and (len(part) > 2 or kind == "f"):
                        latin.add(part)
    own_names(given, family, arabic_given, arabic_family)

    words = set()
    for english in ("american", "british"):
        for word in open(f"/usr/share/dict/{english}-english", encoding="utf-8"):
            word = word.strip()
            if re.fullmatch(r"[a-z]{2,20}", word):
                words.add(word)

    def derivable(word):  # as hub/phi/lexicon.cpp derives
        for end, adds in (("s", ("",)), ("es", ("", "e")), ("ies", ("y",)), ("ed", ("", "e")), ("ied", ("y",)), ("ing", ("", "e")), ("ly", ("",)), ("ness", ("",)), ("er", ("", "e"))):
            if word.endswith(end) and len(word) - len(end) >= 3:
                if any(word[:len(word) - len(end)] + add in words for add in adds):
                    return True
        return False

    own_words = open(os.path.join(HERE, "own_words.txt"), encoding="utf-8").read()
    own = {w for line in own_words.splitlines() if not line.startswith("#") for w in line.lower().split()}
    arabic_words = open(os.path.join(HERE, "own_arabic_words.txt"), encoding="utf-8").read()
    own |= {fold_arabic(w) for line in arabic_words.splitlines() if not line.startswith("#") for w in line.split()}
    emit("words.inc", {w for w in words if not derivable(w)} | own, "English words that are written in lower case, words of medicine, Arabic words")

    code = """
const cities = require(process.argv[1]);
console.log(JSON.stringify(cities.filter(c => c.population >= 60000 || (c.country === 'SA' && c.population >= 5000)).map(c => c.name)));"""
    places = set()
    for name in json.loads(subprocess.check_output(["node", "-e", code, os.path.abspath(folder + "/cities/package")])):
        name = fold(name).replace("’", "").replace("'", "").replace("-", " ")
        if re.fullmatch(r"[a-z][a-z ]{2,30}", name):
            places.add(name.replace(" ", "_"))
    for line in open(os.path.join(HERE, "own_places.txt"), encoding="utf-8"):
        if not line.startswith("#"):
            for name in line.strip().split(","):
                name = name.strip()
                if name:
                    places.add((fold_arabic(name) if re.search("[\u0600-\u06ff]", name) else fold(name)).replace(" ", "_").replace("-", "_"))
    emit("places.inc", places, "Places: cities of 60,000 and more, towns of Saudi Arabia, countries; a space is written _")
    emit_names(given, family, arabic_given, arabic_family)


if __name__ == "__main__":
    add_own() if sys.argv[1] == "--own" else main(sys.argv[1])
