"""METR's hierarchical bootstrap in NumPy and scikit-learn, for time and results beside the Rust code.

Written for this benchmark after the algorithm of METR/eval-analysis-public (src/horizon/wrangle/bootstrap.py): the same draws in
the same order, the same solver (LogisticRegression, C = 1/lambda, defaults). It keeps arrays where METR keeps data frames, so that it is
somewhat faster than METR's own code.

usage: horizon_reference.py RUNS.jsonl RESAMPLES
prints: one line "resample<TAB>alias<TAB>p50" per fit, then the time
"""

import json
import sys
import time
import warnings

import numpy as np
import sklearn
from sklearn.linear_model import LogisticRegression

LAMBDA = 1e-5


def weights(family, task, agent):
    out = np.zeros(len(task))
    for name in np.unique(agent):
        rows = np.flatnonzero(agent == name)
        _, at, runs = np.unique(task[rows], return_inverse=True, return_counts=True)
        pairs = np.unique(np.stack([family[rows], task[rows]]), axis=1)
        names, tasks = np.unique(pairs[0], return_counts=True)
        size = dict(zip(names, tasks))
        w = 1 / runs[at] / np.sqrt([size[f] for f in family[rows]])
        out[rows] = w / w.sum()
    return out


def level(values, groups, rng):
    drawn = []
    for rows in groups:
        names, at = np.unique(values[rows], return_inverse=True)
        drawn += [rows[at == pick] for pick in rng.choice(len(names), size=len(names), replace=True)]
    return drawn


def runs(key, rows, rng):
    _, at, counts = np.unique(key[rows], return_inverse=True, return_counts=True)
    uniform = rng.random(len(rows))
    starts = np.cumsum(counts) - counts
    drawn = []
    for group, (start, count) in enumerate(zip(starts, counts)):
        drawn.append(rows[at == group][(uniform[start : start + count] * count).astype(np.int64)])
    return np.concatenate(drawn)


def main():
    rows = [json.loads(line) for line in open(sys.argv[1])]
    column = lambda name: np.array([row[name] for row in rows])
    family, task, agent = column("task_family"), column("task_id"), column("alias")
    x, y = np.log2(column("human_minutes")), column("score_binarized")
    w = weights(family, task, agent)
    key = np.char.add(np.char.add(task, "|||"), agent)
    count = int(sys.argv[2])
    before = time.process_time()
    for number in range(count):
        rng = np.random.default_rng(42 + number)
        families = level(family, [np.arange(len(rows))], rng)
        drawn = runs(key, np.concatenate(level(task, families, rng)), rng)
        for name in np.unique(agent):
            mine = drawn[agent[drawn] == name]
            p50 = float("nan")
            if len(np.unique(y[mine])) > 1:
                fit = LogisticRegression(C=1 / LAMBDA).fit(x[mine].reshape(-1, 1), y[mine], sample_weight=w[mine])
                p50 = np.exp2(-fit.intercept_[0] / fit.coef_[0][0])
            print(number, name, p50, sep="\t")
    seconds = (time.process_time() - before) * 1000 / count
    versions = f"Python {sys.version.split()[0]}, NumPy {np.__version__}, scikit-learn {sklearn.__version__}"
    print(f"reference ({versions}): {seconds:.1f} CPU s per 1,000 resamples ({count} timed)")


warnings.filterwarnings("ignore")
main()
