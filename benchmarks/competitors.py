"""Child of benchmarks/solana_decode.py, run by the competitors' own environment: decodes and prints its timings.

Arguments: name, IDL file, file with one base64 payload a line, passes over them. Prints the decoded events of one pass
as JSON, then for each line on standard input the seconds of one run.
"""

import base64
import json
import sys
import time
from pathlib import Path


def anchorpy(idl, tokens):
    """anchorpy's event coder, from bytes."""
    from anchorpy import Idl
    from anchorpy.coder.event import EventCoder

    coder = EventCoder(Idl.from_json(idl))
    payloads = [base64.b64decode(token) for token in tokens]

    def decode():
        return [(event.name, dict(vars(event.data))) for event in map(coder.parse, payloads)]

    def run():
        for payload in payloads:
            coder.parse(payload)

    return decode, run


def solana_anchor_events(idl, tokens):
    """The Rust binding, from log lines: it takes nothing else."""
    from solana_anchor_events import EventDecoder

    decoder = EventDecoder(idl)
    logs = [[f"Program data: {token}"] for token in tokens]

    def decode():
        return [decoder.parse_logs(lines)[0] for lines in logs]

    def run():
        for lines in logs:
            decoder.parse_logs(lines)

    return decode, run


def main(name, idl, payloads, passes):
    """Announce what is decoded, then time a run for each line that comes."""
    make = {"anchorpy": anchorpy, "solana-anchor-events": solana_anchor_events}[name]
    decode, run = make(Path(idl).read_text(), Path(payloads).read_text().split())
    print(json.dumps(decode(), default=str), flush=True)
    for _ in sys.stdin:
        started = time.perf_counter()
        for _ in range(int(passes)):
            run()
        print(time.perf_counter() - started, flush=True)


main(*sys.argv[1:])
