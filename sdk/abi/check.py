#!/usr/bin/env python3
"""The promise of the ABI, checked. SPDX-License-Identifier: Apache-2.0

  check.py headers           headers and abi.yaml say the same; every function has exactly one lane tag; lifecycles are sound
  check.py layout [CC...]    compiles the structs and compares offsets and sizes with layout.json (default: gcc and clang)
  check.py layout --write    writes layout.json anew: only after new fields at the end
  check.py released [FOLDER] every release under released/ (or FOLDER) is a prefix of the headers: same fields, types, offsets,
                             constants, lanes; nothing removed, moved or given another type
  check.py tables [--write]  the tables of docs/plugins/services.md are those of abi.yaml

Exits with 1 after one line for each fault.
"""
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import yaml

HERE = pathlib.Path(__file__).resolve().parent
LANES = ("control-lane", "call-lane", "any-thread", "inside-callback")
STATES = ("draft", "stable", "deprecated")
PAGE = HERE.parent.parent / "docs/plugins/services.md"
faults = []


def fault(text):
    faults.append(text)


def words(text):
    return re.sub(r"\s*([*(),])\s*", r"\1", re.sub(r"\s+", " ", text)).strip()


class Headers:
    """What the headers under a folder declare: structs, callbacks (function types) and constants."""

    def __init__(self, include):
        self.structs, self.callbacks, self.constants, self.includes = {}, {}, {}, []
        for path in sorted(include.glob("rabt/**/*.h")):
            name = str(path.relative_to(include))
            self.includes.append(name)
            self.read(name, path.read_text())

    def lane_of(self, where, comment):
        found = re.findall(r"\[([a-z-]+)\]", comment)
        known = [word for word in found if word in LANES]
        if len(known) != 1:
            fault(f"{where}: has {len(known)} lane tags; write exactly one of {', '.join(LANES)} into the comment above it")
        elif not comment.startswith("[" + known[0] + "]"):
            fault(f"{where}: its comment must begin with [{known[0]}]")
        return known[0] if known else None

    def read(self, header, text):
        for name, value in re.findall(r"^#define (RABT_[A-Z0-9_]+) (.+?)(?:\s*/\*.*)?$", text, re.M):
            self.constants[name] = {"header": header, "value": value.strip()}
        # The comment above a declaration belongs to it; others are dropped.
        body = re.sub(r"^#.*?(?<!\\)$", "", re.sub(r"\\\n", " ", text), flags=re.M)
        for match in re.finditer(r"(/\*(?:(?!\*/).)*\*/)?\s*typedef (\w[\w ]*\*?)\s*\(\*(\w+)\)\(([^;]*)\);", body, re.S):
            where = f"{header}: {match[3]}"
            lane = self.lane_of(where, comment_text(match[1]))
            self.callbacks[match[3]] = {"header": header, "type": words(f"{match[2]}({match[4]})"), "lane": lane}
        for match in re.finditer(r"typedef struct (\w+) \{(.*?)\n\} (\w+);", body, re.S):
            self.structs[match[1]] = {"header": header, "fields": self.fields(header, match[1], match[2])}

    def fields(self, header, struct, text):
        out, comment = [], ""
        for part in re.finditer(r"/\*.*?\*/|[^;/]+;", text, re.S):
            piece = part[0].strip()
            if piece.startswith("/*"):
                comment = piece
                continue
            function = re.match(r"(\w[\w ]*\*?)\s*\(\*(\w+)\)\((.*)\);", piece, re.S)
            if function:
                where = f"{header}: {struct}.{function[2]}"
                lane = self.lane_of(where, comment_text(comment))
                out.append({"name": function[2], "type": words(f"{function[1]}({function[3]})"), "lane": lane})
            else:
                field = re.match(r"(.*?)(\w+);", piece, re.S)
                out.append({"name": field[2], "type": words(field[1])})
            comment = ""
        return out


def comment_text(comment):
    return words(re.sub(r"^\s*\*", " ", (comment or "").removeprefix("/*").removesuffix("*/"), flags=re.M)).strip()


def load(folder):
    return yaml.safe_load((folder / "abi.yaml").read_text())


def check_lifecycle(where, lifecycle, minor):
    if not lifecycle:
        return fault(f"{where}: has no lifecycle; write [[stable, \"1.{minor}\", <date>]]")
    last = (-1, "", "")
    for entry in lifecycle:
        state, version, date = entry[0], str(entry[1]), str(entry[2])
        if state not in STATES:
            return fault(f"{where}: {state} is no state; there are {', '.join(STATES)}, and nothing is ever removed")
        if not re.fullmatch(r"1\.\d+", version) or int(version[2:]) > minor:
            return fault(f"{where}: {version} is no version up to 1.{minor}")
        if not re.fullmatch(r"\d{4}-\d\d-\d\d", date):
            return fault(f"{where}: {date} is no date")
        now = (STATES.index(state), version, date)
        if now[0] <= last[0] or now[2] < last[2]:
            return fault(f"{where}: a lifecycle goes draft, stable, deprecated, and forward in time")
        last = now


def check_headers():
    headers, spec = Headers(HERE.parent / "include"), load(HERE)
    minor = int(headers.constants["RABT_ABI_MINOR"]["value"])
    if spec["abi"] != f"1.{minor}":
        fault(f"abi.yaml: says abi: {spec['abi']}, abi.h says 1.{minor}")
    for kind, real in (("structs", headers.structs), ("callbacks", headers.callbacks), ("constants", headers.constants)):
        for name in real:
            if name not in spec[kind]:
                fault(f"{real[name]['header']}: {name} is missing from abi.yaml, {kind}")
        for name, said in spec[kind].items():
            if name not in real:
                fault(f"abi.yaml: {kind}: {name} is in no header; nothing is ever removed")
                continue
            check_lifecycle(f"abi.yaml: {name}", said.get("lifecycle"), minor)
            for key in ("header", "type", "lane", "value"):
                if key in real[name] and str(said.get(key)) != str(real[name][key]):
                    fault(f"abi.yaml: {name}: {key} is {said.get(key)}, the header says {real[name][key]}")
    for name, real in headers.structs.items():
        said = spec["structs"].get(name, {}).get("fields", [])
        if [field["name"] for field in said] != [field["name"] for field in real["fields"]]:
            fault(f"abi.yaml: {name}: lists {[f['name'] for f in said]}, the header has {[f['name'] for f in real['fields']]}")
            continue
        for field, other in zip(said, real["fields"]):
            check_lifecycle(f"abi.yaml: {name}.{field['name']}", field.get("lifecycle"), minor)
            for key in ("type", "lane"):
                if field.get(key) != other.get(key):
                    fault(f"abi.yaml: {name}.{field['name']}: {key} is {field.get(key)}, the header says {other.get(key)}")
        if name != "rabt_bytes" and real["fields"][0]["name"] != "size" and name != "rabt_entry":
            fault(f"{real['header']}: {name} does not start with its size")
    for kind, folder in (("services", "service"), ("extensions", "extension")):
        said = {entry["header"]: entry for entry in spec[kind]}
        for header in headers.includes:
            if header.startswith(f"rabt/{folder}/") and header not in said:
                fault(f"{header}: is missing from abi.yaml, {kind}")
        for header, entry in said.items():
            check_lifecycle(f"abi.yaml: {entry['id']}", entry.get("lifecycle"), minor)
            if f'"{entry["id"]}"' not in [c["value"] for c in headers.constants.values() if c["header"] == header]:
                fault(f"{header}: defines no \"{entry['id']}\"")
            if headers.structs.get(entry["struct"], {}).get("header") != header:
                fault(f"{header}: declares no {entry['struct']}")
    functions = sum("lane" in f for s in headers.structs.values() for f in s["fields"]) + len(headers.callbacks)
    return f"headers: good ({len(headers.structs)} structs, {functions} functions, {len(headers.constants)} constants)"


def measured(include, structs, compiler, language="c"):
    """Offsets and sizes, as the compiler lays the structs out."""
    lines = ["#include <stdio.h>", '#include "rabt/abi.h"'] + [
        f'#include "{header}"' for header in sorted({entry["header"] for entry in structs.values()})]
    lines += ["int main(void) {", 'printf("{");']
    for at, (name, entry) in enumerate(structs.items()):
        comma = "," if at else ""
        lines.append(f'printf("{comma}\\"{name}\\": {{\\"size\\": %zu, \\"fields\\": {{", sizeof({name}));')
        for number, field in enumerate(entry["fields"]):
            comma = "," if number else ""
            lines.append(f'printf("{comma}\\"{field["name"]}\\": [%zu, %zu]", offsetof({name}, {field["name"]}), '
                         f'sizeof((({name}*)0)->{field["name"]}));')
        lines.append('printf("}}");')
    lines += ['printf("}");', "return 0;", "}"]
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder) / "layout.c"
        source.write_text("\n".join(lines))
        subprocess.run([compiler, "-x", language, f"-I{include}", str(source), "-o", f"{folder}/layout"], check=True)
        return json.loads(subprocess.run([f"{folder}/layout"], check=True, capture_output=True).stdout)


def check_layout(arguments):
    include = HERE.parent / "include"
    structs = Headers(include).structs
    golden = HERE / "layout.json"
    if "--write" in arguments:
        layout = measured(include, structs, "gcc")
        lines = [json.dumps(name) + ": {\"size\": " + str(entry["size"]) + ", \"fields\": {\n" + ",\n".join(
            f"    {json.dumps(field)}: {json.dumps(place)}" for field, place in entry["fields"].items()) + "}}"
            for name, entry in layout.items()]
        golden.write_text("{\n  " + ",\n  ".join(lines) + "\n}\n")
        return "layout.json: written"
    used = []
    for compiler in arguments or ("gcc", "clang"):
        if shutil.which(compiler) is None:
            print(f"{compiler} is not installed: not compared")
            continue
        for language in ("c", "c++"):
            layout = measured(include, structs, compiler, language)
            used.append(f"{compiler} {language}")
            expected = json.loads(golden.read_text())
            for name in sorted(set(layout) | set(expected)):
                if layout.get(name) != expected.get(name):
                    fault(f"{name}: {compiler} lays it out as {layout.get(name)}, layout.json says {expected.get(name)}")
    if not used:
        fault("no compiler was found")
    return f"layout: good ({', '.join(used)})"


def check_released(arguments):
    folder = pathlib.Path(arguments[0]) if arguments else HERE / "released"
    releases = sorted(path for path in folder.iterdir() if (path / "include").is_dir())
    if not releases:
        fault(f"{folder}: holds no release")
    new = Headers(HERE.parent / "include")
    layout = measured(HERE.parent / "include", new.structs, "gcc")
    for release in releases:
        old = Headers(release / "include")
        was = measured(release / "include", old.structs, "gcc")
        for name, entry in old.structs.items():
            now = new.structs.get(name)
            if now is None:
                fault(f"{release.name}: {name} was released and is gone")
                continue
            for at, field in enumerate(entry["fields"]):
                if at >= len(now["fields"]) or now["fields"][at] != field:
                    have = now["fields"][at] if at < len(now["fields"]) else "nothing"
                    fault(f"{release.name}: {name}: field {at} was {field}, now there is {have}; new fields come at the end")
                    break
                if layout[name]["fields"][field["name"]] != was[name]["fields"][field["name"]]:
                    fault(f"{release.name}: {name}.{field['name']} has moved")
        for name, entry in old.callbacks.items():
            if new.callbacks.get(name, {}).get("type") != entry["type"] or new.callbacks[name]["lane"] != entry["lane"]:
                fault(f"{release.name}: the callback {name} was {entry['type']} [{entry['lane']}] and is another")
        for name, entry in old.constants.items():
            if name == "RABT_ABI_MINOR":
                continue
            if new.constants.get(name, {}).get("value") != entry["value"]:
                fault(f"{release.name}: {name} was {entry['value']}, now it is {new.constants.get(name, {}).get('value')}")
    return f"released: good ({', '.join(release.name for release in releases)})"


def table(spec, kind):
    lines = ["| id | header | what it gives | state |", "|---|---|---|---|"]
    for entry in spec[kind]:
        state = ", ".join(f"{step[0]} since {step[1]}" for step in entry["lifecycle"][-1:])
        lines.append(f"| `{entry['id']}` | `{entry['header']}` | {entry['summary']} | {state} |")
    return "\n".join(lines)


def check_tables(arguments):
    spec, text = load(HERE), PAGE.read_text()
    for kind in ("services", "extensions"):
        begin, end = f"<!-- abi.yaml: {kind} -->\n", f"\n<!-- end: {kind} -->"
        if begin not in text or end not in text:
            fault(f"{PAGE.name}: lacks the marks of the table of {kind}")
            continue
        before, rest = text.split(begin, 1)
        old, after = rest.split(end, 1)
        if "--write" in arguments:
            text = before + begin + table(spec, kind) + end + after
        elif old != table(spec, kind):
            fault(f"{PAGE.name}: the table of {kind} is not that of abi.yaml; run sdk/abi/check.py tables --write")
    if "--write" in arguments:
        PAGE.write_text(text)
    return "tables: good"


def main():
    commands = {"headers": lambda _: check_headers(), "layout": check_layout, "released": check_released,
                "tables": check_tables}
    if len(sys.argv) < 2 or sys.argv[1] not in commands:
        sys.exit(__doc__)
    done = commands[sys.argv[1]](sys.argv[2:])
    for text in faults:
        print(text)
    if not faults:
        print(done)
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
