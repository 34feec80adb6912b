"""Relative links and pictures of the repository's Markdown pages lead to files that exist.

    check_links.py REPOSITORY
"""

import re
import sys
from pathlib import Path

LINK = re.compile(r"\]\(([^)\s]+)\)|<img[^>]*\ssrc=\"([^\"]+)\"")


def dead_links(repository):
    pages = [*repository.glob("*.md"), *(repository / "docs").rglob("*.md")]
    for page in sorted(pages):
        for number, line in enumerate(page.read_text().splitlines(), 1):
            for found in LINK.finditer(line):
                link = (found[1] or found[2]).split("#")[0]
                if link and "://" not in link and not (page.parent / link).exists():
                    yield f"{page.relative_to(repository)}:{number}: {link} does not exist"


if __name__ == "__main__":
    dead = list(dead_links(Path(sys.argv[1])))
    print("\n".join(dead) or "every link leads somewhere")
    sys.exit(1 if dead else 0)
