"""What the PyTorch peers have in common: a training step, served on request.

The benchmark starts a peer once and then asks over standard input, one request a line:

    run N                  N steps; answers {"seconds": [...]}
    check WEIGHTS IMAGES   loss and gradient norm for given weights and images, no step taken

Each answer is one JSON object on a line of standard output. The peer ends with its input.
"""
import argparse
import json
import os
import signal
import sys
import time

# One process compiles: no pool of helpers that could outlive a peer.
os.environ.setdefault("TORCHINDUCTOR_COMPILE_THREADS", "1")
signal.signal(signal.SIGINT, signal.SIG_DFL)

# Libraries print on standard output, too: answers go where only we write.
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)


def answer(**fields):
    answers.write(json.dumps(fields) + "\n")
    answers.flush()


def fail(text):
    answer(error=text)
    sys.exit(1)


def options(**defaults):
    parser = argparse.ArgumentParser()
    for name, value in defaults.items():
        parser.add_argument(f"--{name}", type=type(value), default=value)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--compile", action="store_true")
    return parser.parse_args()


def load(*modules):
    """Imports modules by name, or tells how to get them."""
    import importlib

    try:
        return [importlib.import_module(name) for name in modules]
    except ImportError as error:
        wanted = " ".join(sorted({name.split(".")[0] for name in modules}))
        fail(f"{sys.executable}: {error}; give --peer another interpreter, or run "
             f"{sys.executable} -m pip install {wanted}")


class Step:
    """Training steps of a network on one batch; the loss is the mean of its squared outputs."""

    def __init__(self, torch, network, optimizer, images, compiled):
        self.torch, self.network, self.optimizer, self.images = torch, network, optimizer, images
        self.forward = torch.compile(network) if compiled else network

    def __call__(self):
        loss = self.forward(self.images).square().mean()
        loss.backward()
        self.optimizer.step()
        self.optimizer.zero_grad()

    def timed(self, count):
        seconds = []
        for _ in range(count):
            begin = time.perf_counter()
            self()
            seconds.append(time.perf_counter() - begin)
        return seconds

    def check(self, weights_path, images_path):
        """Weights as JSON {"tensors": [[name, offset, shape], ...]} beside raw floats."""
        torch = self.torch
        with open(weights_path + ".json") as file:
            index = json.load(file)["tensors"]
        flat = torch.frombuffer(bytearray(open(weights_path, "rb").read()), dtype=torch.float32)
        state = self.network.state_dict()
        left = {name for name, _ in self.network.named_parameters()}
        with torch.no_grad():
            for name, offset, shape in index:
                target = state[name]
                if list(target.shape) != shape:
                    fail(f"{name} is {shape} in Pleiad and {list(target.shape)} in PyTorch")
                target.copy_(flat[offset:offset + target.numel()].view(shape))
                left.discard(name)
        if left:
            fail(f"Pleiad has no {', '.join(sorted(left))}")
        raw = torch.frombuffer(bytearray(open(images_path, "rb").read()), dtype=torch.float32)
        images = raw.view(self.images.shape)
        self.network.zero_grad()
        loss = self.forward(images).square().mean()
        loss.backward()
        squares = sum(p.grad.double().square().sum() for p in self.network.parameters())
        self.network.zero_grad()
        return dict(loss=loss.item(), gradient_norm=squares.sqrt().item())


def serve(step, name, warmup=3):
    step.timed(warmup)
    answer(ready=name)
    for line in sys.stdin:
        words = line.split()
        if words[:1] == ["run"]:
            answer(seconds=step.timed(int(words[1])))
        elif words[:1] == ["check"]:
            answer(**step.check(words[1], words[2]))
        else:
            fail(f"a peer knows run and check, not {line.strip()}")
