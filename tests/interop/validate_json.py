#!/usr/bin/env python3
"""validate_json.py FOLDER SCHEMA FILE: whether FILE is valid by FOLDER/SCHEMA (python3-jsonschema).

Other schemas of the folder are known by their $id. Exit status 0: valid; 1: not, each fault on a line.
"""
import json
import pathlib
import sys
import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # RefResolver: what Debian's release has
    import jsonschema

    folder, name, path = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    known = {}
    for file in folder.glob("*.schema.json"):
        schema = json.loads(file.read_text())
        known[schema["$id"]] = schema
    schema = json.loads((folder / name).read_text())
    validator = jsonschema.Draft7Validator(
        schema,
        resolver=jsonschema.RefResolver(schema["$id"], schema, store=known),
        format_checker=jsonschema.FormatChecker(),
    )
    faults = list(validator.iter_errors(json.loads(pathlib.Path(path).read_text())))
for fault in faults:
    print("/".join(map(str, fault.absolute_path)) + ": " + fault.message[:300])
sys.exit(1 if faults else 0)
