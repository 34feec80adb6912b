"""Tokens that transformers' generate samples a second, at temperature 1 from all tokens, no token
ending a response. In bf16 the weights are, too. Prints one JSON line.

Packages: torch, transformers. Run: python generate.py --model FOLDER"""
import torch
from transformers import AutoModelForCausalLM, GenerationConfig

from side_by_side import options, random_tokens, report, seconds

how = options("The rate at which transformers samples", batch=32, prompt=5, new=32, repeats=5)
dtype = torch.bfloat16 if how.dtype == "bf16" else torch.float32
model = AutoModelForCausalLM.from_pretrained(how.model, dtype=dtype, attn_implementation="sdpa").eval()
# In place of the checkpoint's own, which may name tokens that end a response.
model.generation_config = GenerationConfig(do_sample=True, temperature=1.0, top_k=0, top_p=1.0,
                                           pad_token_id=0, max_new_tokens=how.new)
prompts = random_tokens(how.batch, how.prompt)
mask = torch.ones_like(prompts)
torch.manual_seed(0)


@torch.inference_mode()
def sample():
    length = model.generate(input_ids=prompts, attention_mask=mask).shape[1]
    if length != how.prompt + how.new:
        raise SystemExit(f"generate: {length - how.prompt} tokens were sampled, not {how.new}")


median = seconds(sample, how.repeats)
report("transformers", how, median_s=median, tokens_per_s=how.batch * how.new / median)
