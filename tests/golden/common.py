"""What the golden cases share: reproducible numbers, the record of a case, the layout of a file.

Weights and inputs come from Python's own generator, whose uniform numbers are the same in every
version, and are rounded so that the files stay small and hold them exactly.
"""

import json
import platform
import random
from importlib.metadata import version

import torch

torch.set_default_dtype(torch.float64)


def draws(seed, rows, columns, bound):
    """Rounded uniform numbers in ±bound, [rows, columns]."""
    rng = random.Random(seed)
    return torch.tensor(
        [[round(rng.uniform(-bound, bound), 4) for _ in range(columns)] for _ in range(rows)]
    )


def fill(named_layers, seed, last_bound):
    """Gives each layer weights uniform in ±2/√inputs, the last in ±last_bound/√inputs."""
    for i, (name, layer) in enumerate(named_layers.items()):
        outputs, inputs = layer.weight.shape
        bound = (last_bound if name.endswith("last") else 2.0) / inputs**0.5
        with torch.no_grad():
            layer.weight.copy_(draws(f"{seed}/{i}/weight", outputs, inputs, bound))
            layer.bias.copy_(draws(f"{seed}/{i}/bias", 1, outputs, last_bound / 2)[0])


def exported(named_layers):
    """The weights as the peer holds them, [outputs, inputs], under our names."""
    weights = {}
    for name, layer in named_layers.items():
        weights[f"{name}.weight"] = layer.weight.detach()
        weights[f"{name}.bias"] = layer.bias.detach()[None, :]
    return weights


def points(seed, features, bound):
    """Rows in the middle, on ±bound in every feature or in one, and far out."""
    middle = draws(seed, 14, features, 1.2 * bound)
    one = torch.zeros(1, features)
    one[0, -1] = 1.0
    sign = torch.tensor([(-1.0) ** i for i in range(features)])[None, :]
    edges = [0.0 * one, bound + 0.0 * one, -bound + 0.0 * one, bound * sign, bound * one]
    far = [-50.0 * one, 50.0 * sign, 1000.0 * sign.roll(1, 1)]
    return torch.cat([middle, *edges, *far])


def pairs(source, image, log_det):
    """Points, their images and the log-determinants of one direction."""
    return {"from": source, "to": image, "log_det": log_det}


def record(description, peers, weights, forward, inverse, **more):
    """One file: where it is from, and the numbers."""
    used = {name: version(name) for name in ("torch", *peers)}
    return {
        "description": description,
        "versions": {"python": platform.python_version(), **used},
        "weights": weights,
        **more,
        "forward": forward,
        "inverse": inverse,
    }


def write(path, case):
    """Writes a case as JSON, one row of numbers a line."""
    path.write_text(_layout(case, "") + "\n", encoding="utf-8")


def _layout(value, indent):
    if isinstance(value, torch.Tensor):
        value = value.detach().tolist()
    inner = indent + " "
    if isinstance(value, dict):
        items = [f"{inner}{json.dumps(k)}: {_layout(v, inner)}" for k, v in value.items()]
        return "{\n" + ",\n".join(items) + "\n" + indent + "}"
    if isinstance(value, list) and value and isinstance(value[0], list):
        return "[\n" + ",\n".join(inner + _layout(row, inner) for row in value) + "\n" + indent + "]"
    return json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
