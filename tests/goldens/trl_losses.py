"""Makes tests/data/loss/trl_losses.txt: values and gradients, in double precision, of TRL's own
`DPOTrainer` and `CPOTrainer` for every loss_type that depends on one pair alone.

Each line: name, log pi(y_w), log pi(y_l), log pi_ref(y_w), log pi_ref(y_l), |y_w|, |y_l|, loss,
d loss / d log pi(y_w), d loss / d log pi(y_l), reward(y_w), reward(y_l). TRL's code runs as it is;
what is made up is the model (it returns the log-probs of the line) and the trainer's settings.

Packages: trl 1.16, torch. Run: python trl_losses.py OUTPUT"""
import sys
from collections import defaultdict
from types import SimpleNamespace

import torch
import trl
from trl.experimental.cpo import CPOTrainer
from trl.trainer.dpo_trainer import DPOTrainer

BETA, EPSILON, GAMMA, TAU = 0.3, 0.1, 0.7, 0.05

DPO = ["sigmoid", "hinge", "ipo", "exo_pair", "nca_pair", "robust", "bco_pair", "sppo_hard", "aot",
       "apo_zero", "apo_down", "discopop", "sigmoid_norm"]
CPO = ["sigmoid", "hinge", "simpo"]


class Accelerator:
    device = torch.device("cpu")

    def gather(self, x):
        return x

    gather_for_metrics = gather


class Model:
    training = True

    def __init__(self, winner, loser, winner_tokens, loser_tokens):
        self.leaves = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in (winner, loser)]
        self.tokens = [winner_tokens, loser_tokens]

    def __call__(self, **inputs):
        length = max(self.tokens)
        # A response's log-prob stands at its first token; the others have probability 1.
        rows = [torch.cat([x.reshape(1), torch.zeros(length - 1, dtype=torch.float64)]) for x in self.leaves]
        zeros = torch.zeros(2, length)
        return SimpleNamespace(log_probs=torch.stack(rows), entropy=zeros, mean_logits=zeros,
                               is_top1=zeros.bool())


def dpo(name, pair):
    policy_w, policy_l, reference_w, reference_l, tokens_w, tokens_l = pair
    model = Model(policy_w, policy_l, tokens_w, tokens_l)
    trainer = DPOTrainer.__new__(DPOTrainer)
    trainer.__dict__.update(
        model=model, accelerator=Accelerator(), beta=BETA, loss_types=[name], loss_weights=[1.0],
        label_smoothing=EPSILON, f_divergence_type="reverse_kl", ld_alpha=None, use_weighting=False,
        aux_loss_enabled=False, precompute_ref_logps=True, _total_train_tokens=0, _tp_size=1,
        args=SimpleNamespace(discopop_tau=TAU), _metrics={"train": defaultdict(list)})
    length = max(tokens_w, tokens_l)
    mask = torch.tensor([[0] + [1] * n + [0] * (length - n) for n in (tokens_w, tokens_l)])
    inputs = dict(input_ids=torch.zeros_like(mask), attention_mask=torch.ones_like(mask), completion_mask=mask,
                  ref_chosen_logps=torch.tensor([reference_w], dtype=torch.float64),
                  ref_rejected_logps=torch.tensor([reference_l], dtype=torch.float64))
    loss = trainer._compute_loss(model, inputs, return_outputs=False)
    metrics = trainer._metrics["train"]
    return loss, model.leaves, metrics["rewards/chosen"][0], metrics["rewards/rejected"][0]


def cpo(name, pair):
    leaves = [torch.tensor([x], dtype=torch.float64, requires_grad=True) for x in pair[:2]]
    trainer = CPOTrainer.__new__(CPOTrainer)
    trainer.__dict__.update(accelerator=Accelerator(), beta=BETA, loss_type=name, alpha=0.0, simpo_gamma=GAMMA,
                            label_smoothing=0.0)
    # CPOTrainer averages the log-probs over tokens for these before it calls cpo_loss.
    average = name in ("ipo", "simpo")
    inputs = [x / n if average else x for x, n in zip(leaves, pair[4:])]
    loss, chosen, rejected = trainer.cpo_loss(*inputs)
    return loss.sum(), leaves, chosen.item(), rejected.item()


def pairs():
    generator = torch.Generator().manual_seed(7)
    for spread in (0.5, 5.0, 40.0):
        for _ in range(6):
            noise = (torch.randn(4, generator=generator, dtype=torch.float64) * spread).tolist()
            tokens = torch.randint(1, 60, (2,), generator=generator).tolist()
            yield (*(-100.0 + x for x in noise), *tokens)
    yield (-80.0, -90.0, -80.0, -90.0, 20, 25)  # policy and reference are the same model
    yield (-1.0, -1000.0, -500.0, -500.0, 3, 40)  # far beyond
    yield (-1000.0, -1.0, -500.0, -500.0, 40, 3)  # far short


def main(path):
    with open(path, "w") as out:
        print(f"# TRL {trl.__version__}: beta {BETA}, epsilon {EPSILON}, gamma {GAMMA}, tau {TAU}", file=out)
        for family, run, names in (("dpo", dpo, DPO), ("cpo", cpo, CPO)):
            for name in names:
                for pair in pairs():
                    loss, leaves, chosen, rejected = run(name, pair)
                    # exp_component of discopop overflows far from the data
                    if not torch.isfinite(loss):
                        continue
                    gradient = torch.autograd.grad(loss, leaves)
                    assert loss.dtype == torch.float64
                    numbers = [*pair, loss.item(), *(g.item() for g in gradient), chosen, rejected]
                    print(f"{family}.{name}", *(f"{x:.17g}" for x in numbers), file=out)


main(sys.argv[1])
