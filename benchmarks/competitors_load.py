"""Child of benchmarks/load.py, run by the competitors' own environment: dlt loads a file of records into DuckDB.

Argument: folder for its state. For each line on standard input, the name of a gzip NDJSON file, it makes a pipeline
with dlt's own settings, loads the file, and prints the seconds and the rows of the table as JSON.
"""

import gzip
import itertools
import json
import os
import sys
import time
from pathlib import Path

os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
os.environ["RUNTIME__LOG_LEVEL"] = "ERROR"
PAGE = 1_000


def load(file, folder):
    """One load in an empty place; returns (seconds, rows)."""
    import dlt
    import duckdb
    import orjson

    @dlt.resource(name="worker_traces")
    def records():
        with gzip.open(file, "rb") as lines:
            while page := list(itertools.islice(lines, PAGE)):
                yield [orjson.loads(line) for line in page]

    database = folder / "dlt.duckdb"
    started = time.perf_counter()
    pipeline = dlt.pipeline(
        "load", pipelines_dir=str(folder), destination=dlt.destinations.duckdb(str(database)), dataset_name="raw"
    )
    pipeline.run(records())
    seconds = time.perf_counter() - started
    with duckdb.connect(str(database)) as connection:
        return seconds, connection.execute("select count(*) from raw.worker_traces").fetchone()[0]


def main(folder):
    """Load the file that each line names."""
    for number, line in enumerate(sys.stdin):
        place = Path(folder) / f"dlt{number}"
        place.mkdir()
        print(json.dumps(load(line.strip(), place)), flush=True)


main(*sys.argv[1:])
