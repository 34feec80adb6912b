"""--help is the program's manual: every command says what it does, with an example; every option says
what it is; the page docs/tool.md and the shell's completion name them all.

    check_help.py PROGRAM
"""

import re

from tool import TESTS, check, done, run

COLUMN = 34  # where descriptions stand, on the option's line or on the next
PAGE = (TESTS.parent / "docs" / "tool.md").read_text(encoding="utf-8")


def commands():
    listed = run("--help").stdout.partition("Subcommands:")[2].partition("\n\n")[0]
    return re.findall(r"^  ([a-z-]+) +(\S.*)$", listed, re.MULTILINE)


def options(text):
    """The long names of all options, with their descriptions."""
    found = {}
    lines = text.splitlines()
    for line, following in zip(lines, lines[1:] + [""]):
        name = re.match(r"  (?:-\w,)?(--[a-z-]+)", line)
        if not name:
            continue
        text = line[COLUMN:] if len(line) > COLUMN and line[COLUMN - 1] == " " else following[COLUMN:]
        found[name[1]] = text.strip()
    return found


def check_command(name, summary, script):
    text = run(name, "--help").stdout
    about, _, rest = text.partition("\nUsage:")
    check(about.startswith(summary) and len(about) > len(summary) + 40,
          f"{name}: says what it does, beyond its summary")
    check("Example:\n  " in rest and f"prefopt {name}" in rest.partition("Example:")[2],
          f"{name}: has an example")
    found = options(text)
    bare = [option for option, words in found.items() if len(words) < 5]
    check(len(found) >= 3 and not bare, f"{name}: {len(found)} options say what they are {bare}")
    listed = re.search(rf"^    {name}\) options='([^']*)' ;;$", script, re.MULTILINE)
    known = set(listed[1].split()) if listed else set()
    check(set(found) == known, f"{name}: completion knows them {set(found) ^ known}")
    check(f"\n| `{name}` |" in PAGE, f"{name}: in the table of docs/tool.md")


def main():
    listed = commands()
    script = run("completion").stdout
    check(len(listed) >= 12, f"--help lists {len(listed)} commands")
    for name, summary in listed:
        check_command(name, summary, script)
    rows = re.findall(r"^\| `([a-z-]+)` \|", PAGE, re.MULTILINE)
    check(sorted(rows) == sorted(name for name, _ in listed),
          "docs/tool.md has no command that is not there")
    done()


if __name__ == "__main__":
    main()
