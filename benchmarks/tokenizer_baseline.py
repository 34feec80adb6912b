"""The baseline of tokenizer_benchmark: Hugging Face `tokenizers` on one thread, in MB/s, as JSON.

Needs the package tokenizers. Reads the same as the benchmark does: the folder $PREFOPT_TOKENIZER
(with tokenizer.json) and the lines of the file $PREFOPT_TEXT (plain, or .xz).
Run: PREFOPT_TOKENIZER=... PREFOPT_TEXT=... python benchmarks/tokenizer_baseline.py
"""

import json
import lzma
import os
import time

os.environ["TOKENIZERS_PARALLELISM"] = "false"

from tokenizers import Tokenizer  # noqa: E402  (after the setting that it reads)

tokenizer = Tokenizer.from_file(os.path.join(os.environ["PREFOPT_TOKENIZER"], "tokenizer.json"))
path = os.environ["PREFOPT_TEXT"]
with (lzma.open if path.endswith(".xz") else open)(path, "rb") as file:
    texts = [line.decode() for line in file.read().split(b"\n")]
size = sum(len(text.encode()) for text in texts)
start = time.process_time()
ids = [tokenizer.encode(text, add_special_tokens=False).ids for text in texts]
encoding = time.process_time() - start
start = time.process_time()
for each in ids:
    tokenizer.decode(each, skip_special_tokens=False)
decoding = time.process_time() - start
print(json.dumps({"peer": "tokenizers", "encode_mb_per_s": round(size / encoding / 1e6, 2),
                  "decode_mb_per_s": round(size / decoding / 1e6, 2)}))
