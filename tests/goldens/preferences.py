"""Makes tests/data/data/extract_prompt.jsonl: what TRL takes for the prompt of pairs without one.

Needs the package trl (1.16.0 made the file). Run: python tests/goldens/preferences.py

The packed lines.txt.* beside it were made by the programs themselves:
    printf 'one\\ntwo\\nthree\\n' | gzip -n > lines.txt.gz      (and xz, zstd)
"""

import json
from pathlib import Path

from trl.data_utils import extract_prompt

PAIRS = [
    ("The film was great.", "The film was dull."),
    ("The film was great.", "The film isn't."),
    ("Why? Because.", "Why? Because"),
    ("Why? ", "Why? no"),
    ("a  b", "a  c"),
    ("x y z", "x y  z"),
    ("caf\u00e9 noir", "caf\u00e8 noir"),
    ("\u6620\u753b\u306f\u826f\u3044", "\u6620\u753b\u306f\u60aa\u3044"),
    ("ok \U0001f600!", "ok \U0001f601!"),
    ("same", "same"),
    ("line\nbreak one", "line\nbreak two"),
    ("tab\tone", "tab\ttwo"),
]

out = Path(__file__).resolve().parents[1] / "data/data/extract_prompt.jsonl"
with open(out, "w", encoding="utf-8") as file:
    for chosen, rejected in PAIRS:
        row = {"from_chosen": chosen, "from_rejected": rejected}
        row |= extract_prompt({"chosen": chosen, "rejected": rejected})
        file.write(json.dumps(row) + "\n")
