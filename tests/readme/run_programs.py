"""Compiles and runs the programs that Markdown pages show, as they stand there.

    run_programs.py COMPILER INCLUDE_FOLDER PAGE...

A program is a ```cpp block with a `main`; it sees the standard library and prefopt's light headers.
The ```text block right after it, if there is one, is what it must print.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

PROGRAM = re.compile(r"^```cpp\n(.*?)^```\n(?:\s*^```text\n(.*?)^```)?", re.M | re.S)


def run(compiler, include, page, number, source, expected):
    with tempfile.TemporaryDirectory() as folder:
        file, program = Path(folder) / f"{page.stem}_{number}.cpp", Path(folder) / "program"
        file.write_text(source)
        flags = ["-std=c++20", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror"]
        subprocess.run([compiler, *flags, f"-I{include}", file, "-o", program], check=True)
        printed = subprocess.run([program], check=True, capture_output=True, text=True).stdout
    print(f"{page.name}, program {number}:\n{printed}", end="")
    if expected is not None and printed.strip() != expected.strip():
        print(f"... but the page says:\n{expected}")
        return False
    return True


def main(compiler, include, *pages):
    right, programs = True, 0
    for page in map(Path, pages):
        for source, expected in PROGRAM.findall(page.read_text() + "\n"):
            if "int main(" in source:
                programs += 1
                right &= run(compiler, include, page, programs, source, expected or None)
    if programs == 0:
        print("no program was found")
    return 0 if right and programs > 0 else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
