"""Makes tests/data/tools/: a tiny random Llama with a tokenizer, and what transformers makes of
texts with it: ids, log-probs of responses, greedy continuations. Needs torch, transformers and
tokenizers.

    python tests/goldens/tools.py
"""

import json
import pathlib
import shutil

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, LlamaForCausalLM

TESTS = pathlib.Path(__file__).parent.parent
DATA = TESTS / "data" / "tools"

TEXTS = ["", "The film is good.", " two  spaces\n\nand lines\t", "naïve café, 日本語, Ω 🙂 e\u0301",
         "the end<|end|>of it", "12345 67", "\u0000\u001f control", "ends in a space "]
ROWS = [("The film is", " good."), ("The film is", " bad, and so is the cast."), ("The f", "ilm"),
        ("日本", "語 🙂"), ("<|end|>", "The plot"), ("The film is ", ""), ("a" * 20, "b" * 20)]


def make_model(folder):
    torch.manual_seed(5)
    config = LlamaConfig(vocab_size=301, hidden_size=16, intermediate_size=32, num_hidden_layers=2,
                         num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=64,
                         tie_word_embeddings=True, bos_token_id=0, eos_token_id=0)
    model = LlamaForCausalLM(config)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter.normal_(0, 0.3)
    model.save_pretrained(folder)
    shutil.copy(TESTS / "data" / "text" / "small" / "tokenizer.json", folder)
    (folder / "tokenizer_config.json").write_text(json.dumps({"eos_token": "<|end|>"}) + "\n")


def main():
    folder = DATA / "model"
    make_model(folder)
    model = AutoModelForCausalLM.from_pretrained(folder).double().eval()
    from transformers import PreTrainedTokenizerFast
    tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(folder / "tokenizer.json"))

    def ids(text):
        return tokenizer(text, add_special_tokens=False)["input_ids"]

    rows = []
    for prompt, response in ROWS:
        before, after = ids(prompt), ids(response) + [0]
        with torch.no_grad():
            logits = model(torch.tensor([before + after])).logits[0, len(before) - 1:-1]
        picked = torch.log_softmax(logits, -1).gather(1, torch.tensor(after)[:, None])[:, 0]
        greedy = model.generate(torch.tensor([before]), max_new_tokens=12, do_sample=False,
                                eos_token_id=0, pad_token_id=0)[0, len(before):].tolist()
        if 0 in greedy:
            greedy = greedy[:greedy.index(0) + 1]
        rows.append({"prompt": prompt, "response": response, "prompt_ids": before, "ids": after,
                     "token_logprobs": [round(x, 6) for x in picked.tolist()], "greedy": greedy})
    expected = {"texts": [{"text": text, "ids": ids(text)} for text in TEXTS], "rows": rows}
    (DATA / "expected.json").write_text(json.dumps(expected) + "\n")


main()
