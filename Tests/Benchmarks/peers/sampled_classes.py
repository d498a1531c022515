"""PyTorch peer of `bench table`: the sampled classification of PartialFC with MLCD's loss.

A table of class centers on one machine. Each step draws part of its rows with all positives among
them, takes the loss over cosines with the drawn rows, and moves those rows by SGD with momentum.
"""
import time

import serving

a = serving.options(centers=1_000_000, dim=512, batch=256, positives=8, rate=0.1, scale=64.0)
torch, functional = serving.load("torch", "torch.nn.functional")
torch.set_num_threads(a.threads)
torch.manual_seed(0)


class Table:
    """Rows and their momentum."""

    def __init__(self):
        self.rows = torch.randn(a.centers, a.dim).mul_(0.01)
        self.momentum = torch.zeros_like(self.rows)
        self.wanted = int(a.rate * a.centers)

    def draw(self, labels):
        """The drawn rows, ascending: keys at random, those of positives above all others."""
        keys = torch.rand(a.centers)
        keys[torch.unique(labels)] = 2
        return torch.topk(keys, self.wanted, sorted=False).indices.sort().values

    def step(self, z, labels):
        drawn = self.draw(labels)
        own = torch.searchsorted(drawn, labels)
        rows = self.rows[drawn].requires_grad_()
        cosines = functional.normalize(z) @ functional.normalize(rows).t()
        logits = cosines.clamp(-1, 1) * a.scale
        # log(1 + sum of exponentials): positives against 1, and all other drawn rows against 1.
        pulled = functional.softplus((-logits.gather(1, own)).logsumexp(1))
        is_own = torch.zeros_like(logits, dtype=torch.bool).scatter_(1, own, True)
        pushed = functional.softplus(logits.masked_fill(is_own, -torch.inf).logsumexp(1))
        (pulled + pushed).mean().backward()
        with torch.no_grad():
            momentum = self.momentum[drawn].mul_(0.9).add_(rows.grad)
            self.momentum[drawn] = momentum
            self.rows[drawn] = rows.detach().sub_(momentum, alpha=0.1)

    def timed(self, count):
        seconds = []
        for _ in range(count):
            z = torch.randn(a.batch, a.dim, requires_grad=True)
            labels = torch.randint(a.centers, (a.batch, a.positives))
            begin = time.perf_counter()
            self.step(z, labels)
            seconds.append(time.perf_counter() - begin)
        return seconds


serving.serve(Table(), f"pytorch {torch.__version__}", warmup=1)
