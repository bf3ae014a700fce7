#!/usr/bin/env python3
"""A run on N cores, played through: where the driver, the commit or one large file becomes the limit (docs/scale.md).

    bench/scale/simulate.py [--gb GB] [--sizes shop|even|skewed] [--cores 1,10,100,1000] [--seed N] [--splits on|off]

Tasks are files, or ranges of files above `chunk_size_mb`, scheduled largest first as the driver does. A task takes its
bytes divided by a core's rate, times what a straggler costs; an attempt may fail and start again; with --race on a task
that takes more than three times the median is started a second time where a core is idle. What the driver does alone
comes before and after. Every rate is in RATES, with where it was measured; --set NAME=VALUE changes one. The same seed,
the same figures.
"""
import argparse
import heapq
import random
import statistics

GB, MB = 1e9, 1e6
RATES = {
    "work_mb_s": 262.0,       # a core reads, checks and encodes, of decoded bytes: 1.6 GB in 6.1 s of processor time (docs/performance.md)
    "hash_mb_s": 2300.0,      # the driver hashes its inputs, two at a time; of stored bytes (docs/performance.md)
    "stored_share": 0.4,      # stored bytes of a decoded one: logs at 0.17, CSV at 1 (the sample shop)
    "start_s": 0.15,          # a worker's start and its first task's open, a core (0.08 s of it processor time)
    "result_s": 0.0003,       # the driver takes a result, some 20 KB of JSON: an estimate
    "link_s": 0.00046,        # the driver links a part, syncs folders, commits: 0.055 s of processor time for 119 parts (300 MB shop)
    "part_mb": 40.0,          # Parquet of a task's part, at most a task's decoded bytes / 4
    "keys_m_s": 48.0,         # millions of keys a second in the driver's merge: 1.1 M in 0.023 s of processor time (300 MB shop)
    "row_bytes": 410.0,       # of a decoded log line
    "model_core_mb_s": 75.0,  # models on Spark, of decoded bytes a core: an estimate, half of the 150 that DuckDB reaches (1.6 GB in 10.7 s)
    "model_start_s": 8.0,     # planning, shuffles and Delta's commits of the models: an estimate
    "add_bytes": 900.0,       # a part's line in the log
    "log_mb_s": 60.0,         # the driver writes and replays logs
    "fail": 0.001,            # an attempt that is lost with its machine
    "straggler": 0.02,        # of the attempts, those on a slow machine
    "slow": 4.0,              # times as long they take, on average
}
CHUNK = 500 * MB


def files(total, kind, dice):
    """Sizes of the day's files, in bytes."""
    if kind == "even":
        return [256 * MB] * max(1, round(total / (256 * MB)))
    sizes, left = [], total
    while left > 0:
        # The shop's: hourly members of logs, a few large CSV files. Skewed: a tail without a variance.
        size = dice.lognormvariate(18.2, 0.9) if kind == "shop" else 20 * MB * dice.paretovariate(1.1)
        sizes.append(min(size, left))
        left -= sizes[-1]
    return sizes


def split(sizes, on):
    if not on:
        return sizes
    parts = ((size, max(1, round(size / CHUNK))) for size in sizes)
    return [size / count for size, count in parts for _ in range(count)]


def schedule(tasks, cores, race, r, dice):
    """(seconds until the last task is done, seconds of work that all cores did)."""
    median = statistics.median(tasks) / (r["work_mb_s"] * MB) + r["start_s"]
    free = [0.0] * min(cores, len(tasks))
    heapq.heapify(free)
    end = busy = 0.0
    for size in sorted(tasks, reverse=True):
        plain = size / (r["work_mb_s"] * MB) + r["start_s"]
        took = plain
        if dice.random() < r["straggler"]:
            took *= 1 + dice.expovariate(1 / (r["slow"] - 1))
        while dice.random() < r["fail"]:
            took += plain * dice.random()  # lost half-way: it starts again
        begin = heapq.heappop(free)
        if race and took > 3 * max(plain, median) and cores > len(free) // 2:
            busy += 3 * plain  # the second attempt begins when the first is overdue
            took = min(took, 3 * max(plain, median) + plain)
        heapq.heappush(free, begin + took)
        end, busy = max(end, begin + took), busy + took
    return end, busy


def play(total, kind, cores, splits, race, r, seed):
    dice = random.Random(seed)
    tasks = split(files(total, kind, dice), splits)
    parts = sum(max(1, round(size / 4 / (r["part_mb"] * MB))) for size in tasks)
    work, busy = schedule(tasks, cores, race, r, dice)
    keys = total / r["row_bytes"] / 1e6 / r["keys_m_s"]
    log = parts * r["add_bytes"]
    stages = {
        "hash": total * r["stored_share"] / (r["hash_mb_s"] * MB),
        "tasks": work,
        "results": len(tasks) * r["result_s"],
        "keys": keys,
        "models": r["model_start_s"] + total / (r["model_core_mb_s"] * MB) / cores,
        "commit": parts * r["link_s"] + 2 * log / (r["log_mb_s"] * MB),
    }
    return {"tasks": len(tasks), "parts": parts, "log_mb": log / MB, "stages": stages, "all": sum(stages.values()), "busy": busy}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gb", default="50,1000,10000", help="decoded bytes of a day, in GB")
    parser.add_argument("--sizes", choices=("shop", "even", "skewed"), default="shop")
    parser.add_argument("--cores", default="1,10,100,1000")
    parser.add_argument("--splits", choices=("on", "off"), default="on", help="large plain files are cut into ranges")
    parser.add_argument("--race", choices=("on", "off"), default="on", help="spark.speculation")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    options = parser.parse_args()
    rates = dict(RATES)
    for setting in options.set:
        name, value = setting.split("=", 1)
        if name not in rates:
            parser.error(f"there is no rate {name}; there are {', '.join(rates)}")
        rates[name] = float(value)
    names = ("hash", "tasks", "results", "keys", "models", "commit")
    print(f"{'GB':>7} {'cores':>6} {'tasks':>7} {'parts':>7} {'log MB':>7} " + " ".join(f"{name:>9}" for name in names) + f" {'all s':>9}  limit")
    for gb in map(float, options.gb.split(",")):
        for cores in map(int, options.cores.split(",")):
            made = play(gb * GB, options.sizes, cores, options.splits == "on", options.race == "on", rates, options.seed)
            stages = made["stages"]
            print(f"{gb:>7.0f} {cores:>6} {made['tasks']:>7} {made['parts']:>7} {made['log_mb']:>7.1f} "
                  + " ".join(f"{stages[name]:>9.1f}" for name in names) + f" {made['all']:>9.1f}  {max(stages, key=stages.get)}")


if __name__ == "__main__":
    main()
