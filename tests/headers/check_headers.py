"""Rules for the headers that no compiler enforces. Prints what breaks them; exits 1 if anything does.

1. Order: a header of include/prefopt/<folder>/ includes only its own folder and earlier ones.
2. Light: odpo.hpp, dpo.hpp, slic.hpp and all they include need the standard library alone.
3. Contents: prefopt.hpp includes every header of the folders once, in the folders' order, each with
   a phrase that says what it holds.
4. Tests: include/prefopt/<folder>/x.hpp has tests/<folder>/x_test.cpp, which includes it first (so
   that it is compiled alone); every such test has its header.
"""

import re
import sys
from pathlib import Path

FOLDERS = "core data text offset loss backend model sample score pair train eval".split()
LIGHT = "odpo.hpp dpo.hpp slic.hpp".split()

# Headers without a test of their own, and why.
WITHOUT_TEST = {}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"](.*)$')


def includes(file):
    """(line number, included name, what follows on the line) of each include; quoted ones as '"name'."""
    for number, line in enumerate(file.read_text().splitlines(), 1):
        found = INCLUDE.match(line)
        if found:
            quote = '"' if found[1] == '"' else ""
            yield number, quote + found[2], found[3].strip()


def headers(root):
    """The headers in folders, as 'folder/x.hpp'."""
    top = root / "include/prefopt"
    return sorted(str(file.relative_to(top)) for file in top.rglob("*.hpp") if file.parent != top)


def check_order(root):
    for header in headers(root):
        file = root / "include/prefopt" / header
        where = f"include/prefopt/{header}"
        folder = header.split("/")[0]
        if folder not in FOLDERS:
            yield f"{where}: {folder} is not one of the folders {' '.join(FOLDERS)}"
            continue
        if "#pragma once" not in file.read_text():
            yield f"{where}: has no #pragma once"
        for number, name, _ in includes(file):
            if name.startswith('"'):
                yield f'{where}:{number}: write #include <prefopt/...>, not {name}"'
            elif name.startswith("prefopt/"):
                other = name.split("/")[1]
                if not (root / "include" / name).is_file():
                    yield f"{where}:{number}: {name} does not exist"
                elif other not in FOLDERS:
                    yield f"{where}:{number}: includes {name}, which is on top of all folders"
                elif FOLDERS.index(other) > FOLDERS.index(folder):
                    yield f"{where}:{number}: {folder} comes before {other}, yet includes {name}"


def check_light(root):
    for top in LIGHT:
        seen, rest = set(), [f"prefopt/{top}"]
        while rest:
            header = rest.pop()
            file = root / "include" / header
            if header in seen:
                continue
            seen.add(header)
            if not file.is_file():
                yield f"include/{header} does not exist"
                continue
            for number, name, _ in includes(file):
                if name.startswith("prefopt/"):
                    rest.append(name)
                elif not re.fullmatch(r"[a-z_0-9]+", name):
                    yield (f"include/{header}:{number}: includes <{name}>, yet {top} needs it and "
                           "must need the standard library alone")


def check_contents(root):
    table = root / "include/prefopt/prefopt.hpp"
    if not table.is_file():
        yield "include/prefopt/prefopt.hpp does not exist"
        return
    listed, latest = [], 0
    for number, name, phrase in includes(table):
        where = f"include/prefopt/prefopt.hpp:{number}"
        if not name.startswith("prefopt/") or name.split("/")[1] not in FOLDERS:
            yield f"{where}: {name} is not a header of a folder"
            continue
        name = name[len("prefopt/"):]
        if name in listed:
            yield f"{where}: {name} stands twice"
        listed.append(name)
        if not re.fullmatch(r"// \S.*", phrase):
            yield f"{where}: say in a comment on the line what {name} holds"
        index = FOLDERS.index(name.split("/")[0])
        if index < latest:
            yield f"{where}: {name} stands after {FOLDERS[latest]}, not in the folders' order"
        latest = max(latest, index)
    for header in headers(root):
        if header not in listed:
            yield f"include/prefopt/prefopt.hpp: lacks {header}"


def check_tests(root, without_test):
    known = headers(root)
    for header in known:
        test = root / "tests" / header.replace(".hpp", "_test.cpp")
        if header in without_test:
            if test.is_file():
                yield f"tests/headers/check_headers.py: {header} has a test now, drop its exception"
        elif not test.is_file():
            yield f"include/prefopt/{header}: has no {test.relative_to(root)}"
        else:
            first = next((name for _, name, _ in includes(test)), "nothing")
            if first != f"prefopt/{header}":
                yield f"{test.relative_to(root)}: includes {first} first, not prefopt/{header}"
    for header in without_test:
        if header not in known:
            yield f"tests/headers/check_headers.py: {header}, an exception, does not exist"
    for folder in FOLDERS:
        for test in sorted((root / "tests" / folder).rglob("*_test.cpp")):
            header = str(test.relative_to(root / "tests")).replace("_test.cpp", ".hpp")
            if header not in known:
                yield f"{test.relative_to(root)}: there is no include/prefopt/{header}"


def check(root, without_test=WITHOUT_TEST):
    return [*check_order(root), *check_light(root), *check_contents(root),
            *check_tests(root, without_test)]


if __name__ == "__main__":
    repository = Path(__file__).resolve().parents[2]
    broken = check(repository)
    print("\n".join(broken) or f"{len(headers(repository))} headers keep the rules")
    sys.exit(1 if broken else 0)
