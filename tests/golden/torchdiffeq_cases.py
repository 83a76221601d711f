"""Golden cases of continuous flows, computed by torchdiffeq, and by zuko's CNF."""

import math

import torch
from torch import nn
from torchdiffeq import odeint
from zuko.flows import CNF
from zuko.nn import Linear

from common import draws, exported, fill, pairs, record

FEATURES = 3
TOLERANCE = 1e-12
# Of a diffusion, and those at which its scores are kept.
LEVELS = (0.02, 5.0)
SCORED = (0.02, 0.3, 5.0)


def field_case(context):
    """A network of (x, c, t), its trace by one backward pass for each feature."""
    sizes = [FEATURES + context + 1, 8, 7, FEATURES]
    linear = [nn.Linear(a, b) for a, b in zip(sizes, sizes[1:], strict=False)]
    network = nn.Sequential(linear[0], nn.Tanh(), linear[1], nn.Tanh(), linear[2])
    layers = named(network)
    seed = f"field/{context}"
    fill(layers, seed, 2.0)
    x, z, c = inputs(seed, context)

    def velocity(t, x):
        return network(torch.cat([x, *([] if c is None else [c]), t.expand(len(x), 1)], 1))

    forward, inverse = solved(velocity, x, (0.0, 1.0)), solved(velocity, z, (1.0, 0.0))
    description = "Continuous flow: tanh network of (x, c, t), dopri5 at 1e-12, exact trace, "
    description += f"{context} context features"
    return case(description, ("torchdiffeq",), layers, forward, inverse, c)


def diffusion_case():
    """The probability flow of a variance-exploding diffusion, in the coordinates of the data.

    The network F of (y, c, t) has y = x cos a / cos a0 with tan a = s, the noise level, and t = ln(s/s0) / ln(s1/s0);
    it says that the noise in x is e = cos a0 (y sin a + F cos a), so that dx/ds = e.
    """
    low, high = LEVELS
    sizes = [FEATURES + 1, 8, 7, FEATURES]
    linear = [nn.Linear(a, b) for a, b in zip(sizes, sizes[1:], strict=False)]
    network = nn.Sequential(linear[0], nn.Tanh(), linear[1], nn.Tanh(), linear[2])
    layers = named(network)
    fill(layers, "diffusion", 2.0)
    x, z, _ = inputs("diffusion", 0)

    def noise(level, x):
        angle, start = torch.atan(torch.as_tensor(level)), math.atan(low)
        time = torch.log(torch.as_tensor(level) / low) / math.log(high / low)
        y = x * torch.cos(angle) / math.cos(start)
        output = network(torch.cat([y, time.expand(len(x), 1)], 1))
        return math.cos(start) * (torch.sin(angle) * y + torch.cos(angle) * output)

    # At the largest level points are brought to unit variance.
    scale = math.cos(math.atan(high)) / math.cos(math.atan(low))
    up, down = solved(noise, x, (low, high)), solved(noise, z / scale, (high, low))
    moved = FEATURES * math.log(scale)
    forward = pairs(x, scale * up["to"], up["log_det"] + moved)
    inverse = pairs(z, down["to"], down["log_det"] - moved)
    scores = torch.cat([-noise(level, x) / level for level in SCORED]).detach()
    description = "Probability flow of a diffusion over noise levels 0.02 to 5, tanh network, dopri5 at "
    description += "1e-12, exact trace; scores of the points at levels 0.02, 0.3 and 5"
    return case(description, ("torchdiffeq",), layers, forward, inverse, None, scores=scores)


def cnf_case(context):
    """zuko's own continuous flow: inputs are (cos kπt, sin kπt, x, c)."""
    flow = CNF(
        FEATURES,
        context,
        freqs=2,
        atol=TOLERANCE,
        rtol=TOLERANCE,
        exact=True,
        hidden_features=(8, 7),
        activation=nn.Tanh,
    )
    layers = named(flow.transform.ode)
    seed = f"cnf/{context}"
    fill(layers, seed, 2.0)
    flow.eval().requires_grad_(False)
    x, z, c = inputs(seed, context)
    with torch.no_grad():
        map_ = flow(c).transform
        forward = pairs(x, *map_.call_and_ladj(x))
        inverse = pairs(z, *map_.inv.call_and_ladj(z))
    description = f"CNF of 2 frequencies, atol = rtol = 1e-12, {context} context features"
    return case(description, ("zuko",), layers, forward, inverse, c)


def named(network):
    """The linear layers of a perceptron, under our names."""
    layers = [layer for layer in network if isinstance(layer, (Linear, nn.Linear))]
    return dict(zip(["field.first", "field.1", "field.last"], layers, strict=True))


def inputs(seed, context):
    """Twelve points, twelve latents, and the context of each."""
    x, z = draws(f"{seed}/x", 12, FEATURES, 2.5), draws(f"{seed}/z", 12, FEATURES, 2.0)
    return x, z, draws(f"{seed}/c", 12, context, 1.5) if context else None


def solved(velocity, start, span):
    """Points at the end of a span of time and the integral of the divergence."""

    def slope(t, state):
        with torch.enable_grad():
            x = state[0].detach().requires_grad_()
            v = velocity(t, x)
            slopes = [torch.autograd.grad(v_i.sum(), x, retain_graph=True)[0] for v_i in v.T]
        trace = sum(slope[:, i] for i, slope in enumerate(slopes))
        return v.detach(), trace.detach()

    state = (start, torch.zeros(len(start)))
    times = torch.tensor(span)
    end, log_det = odeint(slope, state, times, rtol=TOLERANCE, atol=TOLERANCE, method="dopri5")
    return pairs(start, end[-1], log_det[-1])


def case(description, peers, layers, forward, inverse, context, **more):
    """The record, with log-probabilities over a standard normal."""
    constant = 0.5 * FEATURES * math.log(2.0 * math.pi)
    log_prob = forward["log_det"] - 0.5 * (forward["to"] ** 2).sum(1) - constant
    more |= {} if context is None else {"context": context}
    weights = exported(layers)
    return record(description, peers, weights, forward, inverse, **more, log_prob=log_prob)


CASES = {
    "torchdiffeq_field": lambda: field_case(0),
    "torchdiffeq_field_context": lambda: field_case(2),
    "torchdiffeq_diffusion": diffusion_case,
    "zuko_cnf": lambda: cnf_case(0),
    "zuko_cnf_context": lambda: cnf_case(2),
}
