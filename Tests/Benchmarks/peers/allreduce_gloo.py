"""gloo peer of `bench wire`: processes of this host add up a vector of floats.

Rank 0 is the one that is asked; the others follow its count of rounds, sent through gloo too.
"""
import time

import serving

a = serving.options(floats=22_000_000, processes=2)
(torch, dist, multiprocessing) = serving.load(
    "torch", "torch.distributed", "torch.multiprocessing")


def join(rank, port):
    import os

    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port), GLOO_SOCKET_IFNAME="lo")
    torch.set_num_threads(1)
    dist.init_process_group("gloo", rank=rank, world_size=a.processes)


def rounds(vector, count):
    seconds = []
    for _ in range(count):
        dist.barrier()
        begin = time.perf_counter()
        dist.all_reduce(vector)
        seconds.append(time.perf_counter() - begin)
    return seconds


def follow(rank, port):
    join(rank, port)
    vector, count = torch.ones(a.floats), torch.zeros(1, dtype=torch.int64)
    while True:
        try:
            dist.broadcast(count, src=0)
        except RuntimeError:  # rank 0 was ended
            return
        if count.item() == 0:
            break
        rounds(vector.fill_(1), count.item())
    dist.destroy_process_group()


class Leader:
    def __init__(self):
        self.vector = torch.ones(a.floats)

    def timed(self, count):
        dist.broadcast(torch.tensor([count]), src=0)
        return rounds(self.vector.fill_(1), count)


def main():
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    context = multiprocessing.get_context("spawn")
    followers = [context.Process(target=follow, args=(rank, port), daemon=True)
                 for rank in range(1, a.processes)]
    for follower in followers:
        follower.start()
    join(0, port)
    leader = Leader()
    serving.serve(leader, f"gloo of pytorch {torch.__version__}, {a.processes} processes")
    dist.broadcast(torch.tensor([0]), src=0)


if __name__ == "__main__":
    main()
