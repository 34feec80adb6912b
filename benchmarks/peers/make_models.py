"""Makes the two models that the benchmarks beside other libraries run, as folders in Hugging Face's
format that prefopt reads too:

    OUT/gpt2-124m      GPT-2 124M with random weights of a fixed seed
    OUT/smollm2-135m   SmolLM2-135M-Instruct, dequantized, of the file that scripts/fetch_models fetches

Both have SmolLM2's tokenizer, all of whose ids GPT-2 knows. A folder that is there is left alone.

Packages: torch, transformers, gguf. Run: python make_models.py OUT"""
import argparse
import pathlib
import shutil
import subprocess
import tempfile

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GPT2Config, GPT2LMHeadModel

GGUF = "SmolLM2-135M-Instruct.Q4_1.gguf"


def save(out, name, tokenizer, make_model):
    """The folder appears whole or not at all."""
    if (out / name).exists():
        return
    out.mkdir(parents=True, exist_ok=True)
    work = pathlib.Path(tempfile.mkdtemp(prefix=f".{name}.", dir=out))
    try:
        make_model().save_pretrained(work)
        tokenizer.save_pretrained(work)
        work.chmod(0o755)
        work.rename(out / name)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def random_gpt2():
    torch.manual_seed(0)
    return GPT2LMHeadModel(GPT2Config())


def smollm2(folder):
    model = AutoModelForCausalLM.from_pretrained(folder, gguf_file=GGUF, dtype=torch.float32)
    # Its weights are plain by now; without these, it would not be saved.
    del model.config.quantization_config
    model.is_quantized = False
    model.hf_quantizer = None
    return model


parser = argparse.ArgumentParser(description=__doc__,
                                 formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("out", type=pathlib.Path, metavar="OUT")
out = parser.parse_args().out
fetch = pathlib.Path(__file__).resolve().parents[2] / "scripts" / "fetch_models"
cache = subprocess.run([fetch], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
words = AutoTokenizer.from_pretrained(cache, gguf_file=GGUF)
save(out, "gpt2-124m", words, random_gpt2)
save(out, "smollm2-135m", words, lambda: smollm2(cache))
