"""Golden cases computed by zuko."""

import torch
from torch import nn
from zuko.distributions import DiagNormal
from zuko.flows.autoregressive import MaskedAutoregressiveTransform
from zuko.flows.coupling import GeneralCouplingTransform
from zuko.lazy import Flow, UnconditionalDistribution, UnconditionalTransform
from zuko.nn import Linear
from zuko.transforms import (
    BoundedBernsteinTransform,
    MonotonicAffineTransform,
    MonotonicRQSTransform,
    PermutationTransform,
)

from common import draws, exported, fill, pairs, points, record


def named(prefix, network):
    """The linear layers of an (un)masked perceptron, under our names."""
    layers = [layer for layer in network if isinstance(layer, (Linear, nn.Linear))]
    middle = [f"{i}.0" for i in range(1, len(layers) - 1)]
    return dict(zip([f"{prefix}.{n}" for n in ("first", *middle, "last")], layers, strict=True))


def flow_case(description, features, transforms, layers, seed, context=None):
    """A whole flow over a standard normal base, at fixed points and latents."""
    base = UnconditionalDistribution(
        DiagNormal, torch.zeros(features), torch.ones(features), buffer=True
    )
    x, z = points(f"{seed}/x", features, 3.0), points(f"{seed}/z", features, 2.0)
    c = None if context is None else draws(f"{seed}/c", len(x), context, 1.5)
    more = {} if c is None else {"context": c}
    with torch.no_grad():
        flow = Flow(transforms, base)(c)
        map_ = flow.transform
        forward = pairs(x, *map_.call_and_ladj(x))
        inverse = pairs(z, *map_.inv.call_and_ladj(z))
        more["log_prob"] = flow.log_prob(x)
    return record(description, ("zuko",), exported(layers), forward, inverse, **more)


def coupling_affine(context):
    """Two affine couplings of three features, the first half fixed, then the second."""
    masks = [[True, False, False], [False, True, True]]
    activation = nn.Tanh if context else nn.ReLU
    transforms, layers = [], {}
    for i, mask in enumerate(masks):
        coupling = GeneralCouplingTransform(
            3, context, mask=torch.tensor(mask), hidden_features=(8, 6), activation=activation
        )
        transforms.append(coupling)
        layers |= named(i, coupling.hyper)
    seed = f"coupling-affine/{context}"
    fill(layers, seed, 1.0)
    description = "RealNVP: two affine couplings, fixed features {0} then {1, 2}, "
    description += f"{context} context features" if context else "no context"
    return flow_case(description, 3, transforms, layers, seed, context or None)


def maf(context):
    """Two masked autoregressive affine maps of four features, reversed in between."""
    activation = nn.SiLU if context else nn.ReLU
    reverse = torch.arange(3, -1, -1)
    transforms, layers = [], {}
    for i in (0, 2):
        layer = MaskedAutoregressiveTransform(
            4, context, hidden_features=(7, 10), activation=activation
        )
        transforms.append(layer)
        layers |= named(i, layer.hyper)
    transforms.insert(1, UnconditionalTransform(PermutationTransform, reverse, buffer=True))
    seed = f"maf/{context}"
    fill(layers, seed, 1.0)
    description = "MAF: two masked autoregressive affine maps, features reversed between, "
    description += f"{context} context features" if context else "no context"
    return flow_case(description, 4, transforms, layers, seed, context or None)


def affine():
    """The bounded affine map, with moderate and with absurd parameters."""
    raw = {
        "shift": torch.tensor([[0.0], [1.5], [-20.0], [3.25], [0.5]]),
        "scale": torch.tensor([[0.0], [0.75], [-4.0], [1000.0], [-1000.0]]),
    }
    x = torch.tensor([[-1000.0, -7.0, -0.5, 0.0, 1e-6, 2.0, 6.0]]).repeat(5, 1)
    return univariate_case("Affine map with bounded log-scale", MonotonicAffineTransform, raw, x, x)


def spline():
    """The rational-quadratic spline at knots, inside bins and in the tails."""
    sizes = {"widths": 5, "heights": 5, "derivatives": 4}
    raw = {name: draws(f"zuko/{name}", 6, n, 2.5) for name, n in sizes.items()}

    def build(*raw):
        return MonotonicRQSTransform(*raw, bound=3.0)

    knots = build(*raw.values())
    inner = draws("zuko/x", 6, 8, 3.0)
    far = torch.tensor([[-1000.0, -3.5, 3.5, 50.0]]).repeat(6, 1)
    x = torch.cat([knots.horizontal, inner, far], 1)
    y = torch.cat([knots.vertical, inner, far], 1)
    return univariate_case("Rational-quadratic spline on ±3, 5 bins", build, raw, x, y)


def bernstein():
    """Bernstein polynomials that join the identity at ±3, at points inside.

    The peer's inverse is found by bisection; the images and points of its forward map are taken instead. Outside
    its bounds it is the identity but for 6e-6.
    """
    theta = draws("zuko/theta", 5, 6, 1.5)
    x = torch.cat([draws("zuko/bernstein", 5, 9, 0.9), torch.tensor([[-2.99, 0.0, 2.9]]).repeat(5, 1)], 1)
    x = x.clamp(-2.99, 2.99)
    maps = [BoundedBernsteinTransform(row, bound=3.0) for row in theta]
    images, log_slopes = zip(*(m.call_and_ladj(v) for m, v in zip(maps, x, strict=True)))
    y, log_slope, x = torch.cat(images)[:, None], torch.cat(log_slopes), x.reshape(-1, 1)
    inverse = pairs(y, x, -log_slope)
    description = "Bernstein polynomial of degree 10 on ±3"
    return record(description, ("zuko",), {"theta": theta}, pairs(x, y, log_slope), inverse)


def univariate_case(description, build, raw, x, y):
    """A map of the line: each row of raw parameters with its row of points.

    Points are listed as one column, those of the first row of parameters first.
    """
    maps = [build(*row) for row in zip(*raw.values(), strict=True)]

    def apply(maps, rows):
        images, log_slopes = zip(*(m.call_and_ladj(v) for m, v in zip(maps, rows, strict=True)))
        column = torch.cat(images)[:, None]
        return pairs(rows.reshape(-1, 1), column, torch.cat(log_slopes))

    inverse = apply([m.inv for m in maps], y)
    return record(description, ("zuko",), raw, apply(maps, x), inverse)


CASES = {
    "zuko_affine": affine,
    "zuko_spline": spline,
    "zuko_bernstein": bernstein,
    "zuko_coupling_affine": lambda: coupling_affine(0),
    "zuko_coupling_affine_context": lambda: coupling_affine(2),
    "zuko_maf": lambda: maf(0),
    "zuko_maf_context": lambda: maf(2),
}
