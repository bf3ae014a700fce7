"""Random baselines with their median and MAD by Python's statistics, for tests/unit/quality/test_anomaly.c:

    python3 tests/tools/make_anomalies.py > tests/data/quality/anomalies.txt

A line: n, n values, the median, the MAD."""
import random
import statistics

random.seed(20250718)
for case in range(300):
    n = random.choice((1, 2, 3, 4, 5, 7, 8, 13, 29, 30))
    kind = case % 5
    values = [{0: lambda: random.gauss(1e4, 300), 1: lambda: float(random.randrange(3)), 2: lambda: 0.0,
               3: lambda: random.choice((5.0, 5.0, 5.0, 1e12)), 4: lambda: random.uniform(-1, 1) * 10 ** random.randrange(-6, 7)}[kind]()
              for _ in range(n)]
    median = statistics.median(values)
    mad = statistics.median(abs(value - median) for value in values)
    print(n, *map(repr, values), repr(float(median)), repr(float(mad)))
