"""The time of one DPO step in torch, written by hand to be quick: SDPA, the head at the rows that
predict a response alone, the reference's log-probs computed before, fused AdamW, all texts of one
length, so that nothing is padded. bf16 is autocast's. Prints one JSON line.

Packages: torch, transformers. Run: python torch_step.py --model FOLDER"""
import torch
import torch.nn.functional as F
from transformers import AutoModelForCausalLM

from side_by_side import options, random_tokens, report, seconds

BETA = 0.1
how = options("The time of one DPO step in torch",
              prompt=5, response=64, pairs=8, accumulate=1, repeats=5)
if how.pairs % how.accumulate:
    raise SystemExit("torch_step: --pairs must be a multiple of --accumulate")

model = AutoModelForCausalLM.from_pretrained(how.model, dtype=torch.float32, attn_implementation="sdpa")
model.eval()  # no dropout
head = model.get_output_embeddings().weight
optimizer = torch.optim.AdamW(model.parameters(), lr=5e-7, weight_decay=0, fused=True)

# A pair is two rows with one prompt; a part of the step has its winners first, then its losers.
texts = random_tokens(2, how.pairs, how.prompt + how.response)
texts[1, :, :how.prompt] = texts[0, :, :how.prompt]
parts = [part.flatten(0, 1) for part in texts.chunk(how.accumulate, dim=1)]


def log_probs(rows):
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=how.dtype == "bf16"):
        hidden = model.base_model(input_ids=rows[:, :-1], use_cache=False).last_hidden_state
        logits = F.linear(hidden[:, how.prompt - 1:], head)
    nats = F.cross_entropy(logits.flatten(0, 1).float(), rows[:, how.prompt:].flatten(), reduction="none")
    return -nats.view(2, -1, how.response).sum(2)


with torch.no_grad():
    references = [log_probs(rows) for rows in parts]
losses = []


def step():
    total = 0.0
    for rows, reference in zip(parts, references):
        winner, loser = log_probs(rows) - reference
        loss = -F.logsigmoid(BETA * (winner - loser)).sum() / how.pairs
        loss.backward()
        total += loss.item()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad()
    losses.append(total)


median = seconds(step, how.repeats)
report("torch", how, first_loss=losses[0], median_s=median, pairs_per_s=how.pairs / median,
       tokens_per_s=2 * how.pairs * how.response / median)
