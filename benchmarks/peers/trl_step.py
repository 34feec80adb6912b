"""The time of one step of TRL's DPOTrainer, with the settings that are quickest on a processor:
the reference's log-probs computed before, fused AdamW, no checkpointing of activations, no dropout.
Prints one JSON line.

Packages: torch, transformers, trl, datasets. Run: python trl_step.py --model FOLDER"""
import random
import re
import statistics
import tempfile
import time

import torch
from datasets import Dataset
from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback
from trl import DPOConfig, DPOTrainer

from side_by_side import options, report

how = options("The time of one step of TRL's DPOTrainer",
              prompt=5, response=64, pairs=8, accumulate=1, repeats=5)
if how.pairs % how.accumulate:
    raise SystemExit("trl_step: --pairs must be a multiple of --accumulate")

# TRL takes text: words of one token each, behind a space, give as many tokens as we like.
tokenizer = AutoTokenizer.from_pretrained(how.model)
words = sorted(word for word in tokenizer.get_vocab() if re.fullmatch("Ġ[a-z]{2,}", word))
random.seed(0)


def text(count):
    return "".join(random.choices(words, k=count)).replace("Ġ", " ")


# Of a response, the last token is the end token, which TRL adds.
pairs = Dataset.from_list([{"prompt": text(how.prompt), "chosen": text(how.response - 1),
                            "rejected": text(how.response - 1)} for _ in range(how.pairs)])


class Clock(TrainerCallback):
    times = []

    def on_step_begin(self, *_, **__):
        self.began = time.perf_counter()

    def on_step_end(self, *_, **__):
        self.times.append(time.perf_counter() - self.began)


with tempfile.TemporaryDirectory() as folder:
    trainer = DPOTrainer(
        model=AutoModelForCausalLM.from_pretrained(how.model, dtype=torch.float32,
                                                   attn_implementation="sdpa"),
        args=DPOConfig(
            output_dir=folder, use_cpu=True, bf16=how.dtype == "bf16", beta=0.1, learning_rate=5e-7,
            lr_scheduler_type="constant", max_grad_norm=1.0, optim="adamw_torch_fused",
            per_device_train_batch_size=how.pairs // how.accumulate,
            gradient_accumulation_steps=how.accumulate,
            max_steps=how.repeats + 1, max_length=None, precompute_ref_log_probs=True,
            gradient_checkpointing=False, disable_dropout=True, dataloader_pin_memory=False,
            logging_first_step=True, report_to="none", save_strategy="no", disable_tqdm=True),
        train_dataset=pairs, processing_class=tokenizer, callbacks=[Clock()])
    for row in trainer.train_dataset:
        found = [len(row[f"{part}_ids"]) for part in ("prompt", "chosen", "rejected")]
        if found != [how.prompt, how.response, how.response]:
            raise SystemExit(f"trl_step: a pair has {found} tokens, "
                             f"not {how.prompt} and twice {how.response}")
    trainer.train()
median = statistics.median(Clock.times[1:])  # the first takes memory
report("trl", how, first_loss=trainer.state.log_history[0]["loss"], median_s=median,
       pairs_per_s=how.pairs / median, tokens_per_s=2 * how.pairs * how.response / median)
