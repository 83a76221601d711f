"""Golden cases computed by nflows."""

import torch
from nflows.distributions.normal import StandardNormal
from nflows.flows import Flow
from nflows.nn.nets import ResidualNet
from nflows.transforms import (
    CompositeTransform,
    LULinear,
    MaskedPiecewiseRationalQuadraticAutoregressiveTransform,
    Permutation,
    PiecewiseRationalQuadraticCouplingTransform,
    ReversePermutation,
)
from nflows.transforms.autoregressive import AutoregressiveTransform
from nflows.transforms.made import MADE
from nflows.transforms.splines import unconstrained_rational_quadratic_spline as spline_of
from torch import nn
from zuko.transforms import MonotonicAffineTransform

from common import draws, exported, fill, pairs, points, record

BINS, BOUND = 5, 3.0


def named(prefix, network):
    """The linear layers of a (masked, residual) network, under our names."""
    layers = {f"{prefix}.first": network.initial_layer}
    for i, block in enumerate(network.blocks, 1):
        inner = block.linear_layers if hasattr(block, "linear_layers") else [block.linear]
        layers |= {f"{prefix}.{i}.{j}": layer for j, layer in enumerate(inner)}
    final = network.final_layer
    layers[f"{prefix}.last"] = final[-1] if isinstance(final, nn.Sequential) else final
    return layers


def with_last_activation(network):
    """nflows goes from the last residual block straight to the last layer; we activate first."""
    network.final_layer = nn.Sequential(nn.ReLU(), network.final_layer)
    return network


def flow_case(description, features, transforms, weights, seed, peers=("nflows",)):
    """A whole flow over a standard normal base, at fixed points and latents."""
    map_ = CompositeTransform(transforms)
    x, z = points(f"{seed}/x", features, BOUND), points(f"{seed}/z", features, BOUND)
    with torch.no_grad():
        forward, inverse = pairs(x, *map_(x)), pairs(z, *map_.inverse(z))
        log_prob = Flow(map_, StandardNormal([features])).log_prob(x)
    return record(description, peers, weights, forward, inverse, log_prob=log_prob)


class ResidualMaf(AutoregressiveTransform):
    """nflows' residual MADE with zuko's affine map, whose bound on the scale is ours."""

    def __init__(self, features):
        made = MADE(features, hidden_features=9, num_blocks=2, output_multiplier=2)
        super().__init__(with_last_activation(made))

    def _map(self, params, like):
        shift, scale = params.view(*like.shape, 2).unbind(-1)
        return MonotonicAffineTransform(shift, scale)

    def _elementwise_forward(self, inputs, autoregressive_params):
        image, log_slope = self._map(autoregressive_params, inputs).call_and_ladj(inputs)
        return image, log_slope.sum(-1)

    def _elementwise_inverse(self, inputs, autoregressive_params):
        image, log_slope = self._map(autoregressive_params, inputs).inv.call_and_ladj(inputs)
        return image, log_slope.sum(-1)


def maf_residual():
    """Two masked autoregressive affine maps over residual masked networks."""
    first, second = ResidualMaf(4), ResidualMaf(4)
    layers = named(0, first.autoregressive_net) | named(2, second.autoregressive_net)
    fill(layers, "maf-residual", 0.7)
    description = "MAF with residual networks, features reversed between, no context"
    transforms = [first, ReversePermutation(4), second]
    return flow_case(
        description, 4, transforms, exported(layers), "maf-residual", ("nflows", "zuko")
    )


def spline_autoregressive():
    """Three masked autoregressive splines, reversed in between."""
    transforms, layers = [], {}
    for i in (0, 2, 4):
        layer = MaskedPiecewiseRationalQuadraticAutoregressiveTransform(
            3, 6, num_bins=BINS, tails="linear", tail_bound=BOUND, num_blocks=1,
            use_residual_blocks=False,
        )
        transforms += [layer, ReversePermutation(3)]
        layers |= named(i, layer.autoregressive_net)
    fill(layers, "nsf-ar", 1.5)
    description = "Three masked autoregressive splines on ±3, 5 bins, features reversed between"
    return flow_case(description, 3, transforms[:-1], exported(layers), "nsf-ar")


def spline_coupling():
    """Two spline couplings with residual networks; a linear map and a permutation between."""
    def net(inputs, outputs):
        return with_last_activation(ResidualNet(inputs, outputs, hidden_features=6, num_blocks=1))

    first, second = (
        PiecewiseRationalQuadraticCouplingTransform(
            mask, net, num_bins=BINS, tails="linear", tail_bound=BOUND
        )
        for mask in ([0, 1, 1], [1, 0, 0])
    )
    layers = named(0, first.transform_net) | named(3, second.transform_net)
    fill(layers, "nsf", 2.0)
    linear, order = LULinear(3), torch.tensor([1, 2, 0])
    with torch.no_grad():
        for name, parameter in linear.named_parameters():
            parameter.copy_(draws(f"nsf/lu/{name}", 1, 3, 0.8)[0])
    lower, upper = (t.detach() for t in linear._create_lower_upper())
    weights = exported(layers) | {
        "1.lower": lower.tril(-1),
        "1.upper": upper.triu(1),
        "1.unconstrained_diagonal": linear.unconstrained_upper_diag.detach()[None, :],
        "1.shift": linear.bias.detach()[None, :],
        "2.order": order[None, :],
        "2.back": order.argsort()[None, :],
    }
    description = "Spline couplings on ±3, 5 bins, fixed features {0} then {1, 2}, "
    description += "with LU-linear map and permutation between"
    transforms = [first, linear, Permutation(order), second]
    return flow_case(description, 3, transforms, weights, "nsf")


def spline(name, sets, bound):
    """Splines with raw parameters in ±bound, at knots, inside bins and in the tails."""
    sizes = {"widths": BINS, "heights": BINS, "derivatives": BINS - 1}
    raw = {key: draws(f"{name}/{key}", sets, n, bound) for key, n in sizes.items()}
    inner = draws(f"{name}/x", sets, 8, BOUND)
    far = torch.tensor([[-1000.0, -3.5, -3.0, 3.0, 3.5, 50.0]]).repeat(sets, 1)

    def at(lengths):
        share = 1e-3 + (1 - 1e-3 * BINS) * lengths.softmax(-1)
        return torch.cat([BOUND * (2 * share.cumsum(-1)[:, :-1] - 1), inner, far], 1)

    def apply(rows, inverse):
        each = [value.repeat_interleave(rows.shape[1], 0) for value in raw.values()]
        flat = rows.reshape(-1)
        image, log_slope = spline_of(flat, *each, inverse=inverse, tail_bound=BOUND)
        return pairs(flat[:, None], image[:, None], log_slope)

    forward, inverse = apply(at(raw["widths"]), False), apply(at(raw["heights"]), True)
    description = f"Rational-quadratic spline on ±3, 5 bins, raw parameters in ±{bound}"
    return record(description, ("nflows",), raw, forward, inverse)


CASES = {
    "nflows_spline": lambda: spline("nflows", 6, 2.5),
    "nflows_spline_steep": lambda: spline("nflows-steep", 4, 10.0),
    "nflows_spline_coupling": spline_coupling,
    "nflows_spline_autoregressive": spline_autoregressive,
    "nflows_maf_residual": maf_residual,
}
