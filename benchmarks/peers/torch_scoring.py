"""The time of the log-probs of responses to one prompt in torch, nothing else: one padded batch,
whose every row has the prompt again, SDPA, the head at the rows that predict a response alone, no
gradients. In bf16 the weights are, too. Prints one JSON line.

Packages: torch, transformers. Run: python torch_scoring.py --model FOLDER"""
import torch
import torch.nn.functional as F
from transformers import AutoModelForCausalLM

from side_by_side import options, random_tokens, report, seconds

how = options("The time of log-probs in torch", prompt=400, responses=16, response=40, repeats=5)
dtype = torch.bfloat16 if how.dtype == "bf16" else torch.float32
model = AutoModelForCausalLM.from_pretrained(how.model, dtype=dtype, attn_implementation="sdpa").eval()
head = model.get_output_embeddings().weight
rows = random_tokens(how.responses, how.prompt + how.response)
rows[1:, :how.prompt] = rows[0, :how.prompt]


@torch.inference_mode()
def log_probs():
    hidden = model.base_model(input_ids=rows[:, :-1], use_cache=False).last_hidden_state
    logits = F.linear(hidden[:, how.prompt - 1:], head)
    nats = F.cross_entropy(logits.flatten(0, 1).float(), rows[:, how.prompt:].flatten(), reduction="none")
    return -nats.view(how.responses, how.response).sum(1)


median = seconds(log_probs, how.repeats)
report("torch", how, median_s=median, tokens_per_s=how.responses * how.response / median)
