"""Makes tests/data/text/classifiers/: tokens that Hugging Face gives for classifiers' texts, special
tokens included.

Needs the packages transformers and tokenizers, and the folder of real data with tokenizers/ and
sentiment/ in $PREFOPT_DATA. Run: PREFOPT_DATA=... python tests/goldens/classifier_tokenizers.py
[reviews]; the argument has reviews.txt made again too, which takes minutes.

nasty.json    texts (in hexadecimal UTF-8) with their ids under the real vocabularies of BERT and
              RoBERTa, and what BERT's ids decode to
wordpiece/    a tokenizer.json trained on a few lines here; ids.json: its ids under several settings
              of the normalizer
roberta/      a small tokenizer.json with a space before texts and a <mask> that takes spaces
unicode.json  ranges of code points that BertNormalizer drops, that lose their accents wholly
              (marks), that BertPreTokenizer cuts off (punctuation)
reviews.txt   one line for tokenizer and split: number of reviews, of tokens, and a hash, see fnv
"""

import json
import lzma
import os
import random
import sys
import tempfile
from pathlib import Path

from tokenizers import (AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers,
                        processors, trainers)
from transformers import BertTokenizerFast, RobertaTokenizerFast

DATA = Path(os.environ["PREFOPT_DATA"])
OUT = Path(__file__).resolve().parents[1] / "data/text/classifiers"
LINES = ["The film was good, and the acting was fine.", "the film was bad; it's played out",
         "playing players play: caf\u00e9 na\u00efve \u4f60\u597d", "I saw it 12 times!"]


def bert():
    return BertTokenizerFast(str(DATA / "tokenizers/bert-base-uncased-vocab.txt"))._tokenizer


def roberta():
    with tempfile.TemporaryDirectory() as folder:
        for name, source in [("vocab.json", "roberta-base-vocab.json"),
                             ("merges.txt", "gpt2-vocab.bpe")]:
            (Path(folder) / name).write_bytes((DATA / "tokenizers" / source).read_bytes())
        return RobertaTokenizerFast(folder + "/vocab.json", folder + "/merges.txt")._tokenizer


def nasty():
    texts = ["", " ", "\n", "\t\t x", "a  b   c", "x \u00a0\u3000 y\u2028z\x85w", "\x00a\x01b\x7fc\ufffdd",
             "\u200bzero\u200dwidth\ufeff \u00adsoft", "don't DON'T we'll 's 't '", "it\u2019s \u201cquoted\u201d \u2014 \u2026",
             "$100 5% a^b `x` <br /><br />|~", "3.14e-10 1,000,000 \u00bd\u00b2\u2167\u0663\u0e52",
             "Caf\u00e9 CAF\u00c9 cafe\u0301 \u1e9b\u0323 \u0e01\u0e33 \u0928\u092e\u0938\u094d\u0924\u0947",
             "\u0130stanbul \u0131 stra\u00dfe \ufb01ne \u03a3\u03a3\u03c2 \u01c5 \u1e9e", "\u4f60\u597d\uff0c\u4e16\u754c\u3002ab\u4e00cd \u3053\u3093\u306b\u3061\u306f \uc548\ub155\ud558\uc138\uc694",
             "\U00020000\U0002a700\uf900\U0002f800 \u3400", "\U0001f600\U0001f468\u200d\U0001f469 \U0001d4d7 \U0001f1e9\U0001f1ea",
             "[CLS] [SEP] [MASK] [PAD] [UNK] [cls] [ SEP ]", "a[MASK]b  [MASK]  c", "<s> </s> <mask> <pad> <unk> < mask >",
             "a <mask> b", "a\t\n<mask>\u3000b<mask><mask>", "https://a.b/c?d=e&f=%20 foo_bar #tag @user",
             "##ing ## #ing", "x" * 100, "x" * 101, "a" + "\u00e9" * 99, "\u00e9" * 101, "unaffable", "!" * 300,
             "\u4e00" * 200, "q\u0308" * 60, "\u0301\u0301 \u0301a", "\u1100\u1161\u11a8 \uac01", "\ud55c\u0301"]
    rng = random.Random(2)
    pieces = [" ", "  ", "\n", "a", "The", "'s", "'", "1", "23", ".", "!?", "\u00c9", "e\u0301", "\u4f60", "\U0001f600", "\u00a0",
              "[SEP]", "<mask>", "</s>", "\u0663", "\u200d", "-", "ing", " of", "\u00df", "\x01", "##"]
    return texts + ["".join(rng.choices(pieces, k=rng.randint(1, 30))) for _ in range(200)]


def write_rows(path, rows):
    path.write_text("[\n" + ",\n".join(json.dumps(r, separators=(",", ":")) for r in rows) + "\n]\n")


def small_wordpiece():
    folder = OUT / "wordpiece"
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=20))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    # Twice, so that pieces for lower and upper case, with accents and without, are there.
    tokenizer.train_from_iterator(LINES + [l.lower() for l in LINES] + ["cafe naive", "##ing"], trainers.WordPieceTrainer(
        vocab_size=150, special_tokens=special, show_progress=False))
    tokenizer.add_special_tokens([AddedToken("<here>", special=True, lstrip=True, rstrip=True)])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    tokenizer.save(str(folder / "tokenizer.json"))
    texts = nasty()[:60] + LINES + ["film <here>  was", "a <here>b"]
    rows = []
    for settings in [dict(lowercase=False), dict(lowercase=True), dict(lowercase=True, strip_accents=False),
                     dict(lowercase=False, strip_accents=True, handle_chinese_chars=False),
                     dict(lowercase=True, clean_text=False), None]:
        tokenizer.normalizer = normalizers.BertNormalizer(**settings) if settings is not None else None
        if settings is None:
            tokenizer = Tokenizer.from_str(json.dumps(json.loads(tokenizer.to_str()) | {"normalizer": None}))
        rows.append({"normalizer": json.loads(tokenizer.to_str())["normalizer"],
                     "texts": [[t.encode().hex(), tokenizer.encode(t).ids] for t in texts]})
    write_rows(folder / "ids.json", rows)


def small_roberta():
    folder = OUT / "roberta"
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(LINES, trainers.BpeTrainer(
        vocab_size=300, special_tokens=["<s>", "<pad>", "</s>", "<unk>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    tokenizer.add_special_tokens([AddedToken("<mask>", special=True, lstrip=True)])
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    texts = nasty()[:80] + LINES
    (folder / "ids.json").write_text(json.dumps([[t.encode().hex(), tokenizer.encode(t).ids] for t in texts],
                                                separators=(",", ":")) + "\n")


def ranges(chosen):
    found = []
    for c in range(1, 0x110000):
        if 0xD800 <= c <= 0xDFFF or not chosen(chr(c)):
            continue
        if found and found[-1][1] == c - 1:
            found[-1][1] = c
        else:
            found.append([c, c])
    return found


def unicode_tables():
    clean = normalizers.BertNormalizer(clean_text=True, handle_chinese_chars=False, strip_accents=False, lowercase=False)
    strip = normalizers.BertNormalizer(clean_text=False, handle_chinese_chars=False, strip_accents=True, lowercase=False)
    words = pre_tokenizers.BertPreTokenizer()
    (OUT / "unicode.json").write_text(json.dumps({
        "dropped": ranges(lambda c: clean.normalize_str("a" + c) == "a"),
        "marks": ranges(lambda c: strip.normalize_str("a" + c) == "a"),
        "punctuation": ranges(lambda c: len(words.pre_tokenize_str("a" + c)) == 2),
    }, separators=(",", ":")) + "\n")


def fnv(ids):
    state = 0xCBF29CE484222325
    for value in ids:
        state = ((state ^ value) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return state


def reviews(tokenizers):
    with open(OUT / "reviews.txt", "w") as out:
        for split in ("train", "test"):
            with lzma.open(DATA / f"sentiment/imdb_{split}_25000.tsv.xz", "rt", encoding="utf-8", newline="\n") as file:
                texts = [line.rstrip("\n").split("\t")[4] for line in file][1:]
            for name, tokenizer in tokenizers.items():
                ids = [tokenizer.encode(text).ids for text in texts]
                hashed = fnv([fnv(each) for each in ids])
                out.write(f"{name} {split} {len(texts)} {sum(map(len, ids))} {hashed:016x}\n")


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    tokenizers = {"bert": bert(), "roberta": roberta()}
    rows = []
    for text in nasty():
        ids = {name: tokenizer.encode(text).ids for name, tokenizer in tokenizers.items()}
        decoded = tokenizers["bert"].decode(ids["bert"], skip_special_tokens=True)
        rows.append({"text": text.encode().hex()} | ids | {"decoded": decoded.encode().hex()})
    write_rows(OUT / "nasty.json", rows)
    small_wordpiece()
    small_roberta()
    unicode_tables()
    if "reviews" in sys.argv[1:]:
        reviews(tokenizers)


main()
