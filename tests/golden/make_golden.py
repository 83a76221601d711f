"""Computes the golden values: weights, points and what peer libraries make of them, in f64.

Run in this folder, see README.md; writes one JSON file a case and prints the versions used.
"""

from pathlib import Path

import torch

import nflows_cases
import torchdiffeq_cases
import zuko_cases
from common import write

HERE = Path(__file__).resolve().parent


def main():
    torch.set_num_threads(1)
    cases = zuko_cases.CASES | nflows_cases.CASES | torchdiffeq_cases.CASES
    for name, case in cases.items():
        result = case()
        path = HERE / f"{name}.json"
        write(path, result)
        print(f"{path.name}: {path.stat().st_size} bytes, {result['versions']}")


if __name__ == "__main__":
    main()
