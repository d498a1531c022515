"""faiss peer of `bench kmeans`: k-means on the same vectors from the same first centers.

Beside `run N`, N iterations of Lloyd, it knows `labels Q`: the Q nearest centers of every vector, with the seconds
that took and the mean similarity of the nearest one. It runs with its libraries' own defaults, as their users have it.
"""
import os
import sys
import time

# The benchmark's own processes compute with one thread and one kernel family of OpenBLAS.
for name in ("OPENBLAS_CORETYPE", "OPENBLAS_NUM_THREADS"):
    os.environ.pop(name, None)

import serving

a = serving.options(vectors="", start="")
faiss, numpy = serving.load("faiss", "numpy")
faiss.omp_set_num_threads(a.threads)
vectors = numpy.load(a.vectors)
centers = numpy.load(a.start)


def iterate():
    """One iteration; faiss takes the last centers as its first ones."""
    global centers
    means = faiss.Kmeans(
        vectors.shape[1], len(centers), niter=1, spherical=True, seed=0, min_points_per_centroid=1,
        max_points_per_centroid=2 ** 31 - 1)
    begin = time.perf_counter()
    means.train(vectors, init_centroids=centers)
    seconds = time.perf_counter() - begin
    centers = means.centroids
    return seconds


def labels(count):
    index = faiss.IndexFlatIP(vectors.shape[1])
    begin = time.perf_counter()
    index.add(centers)
    similarity, _ = index.search(vectors, count)
    seconds = time.perf_counter() - begin
    return dict(seconds=seconds, similarity=float(similarity[:, 0].mean(dtype=numpy.float64)))


serving.answer(ready=f"faiss {faiss.__version__}")
for line in sys.stdin:
    word, count = line.split()
    if word == "run":
        serving.answer(seconds=[iterate() for _ in range(int(count))])
    elif word == "labels":
        serving.answer(**labels(int(count)))
    else:
        serving.fail(f"this peer knows run and labels, not {line.strip()}")
