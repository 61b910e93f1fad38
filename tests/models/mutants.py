"""Models of somebody: sound ones, and mutants, each with the rules that it must fail and what their reasons say."""

import random
import sys

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from topobench.errors import ArgumentError

__all__ = ["GOOD", "MUTANTS", "Net", "NoiseOfNumpy"]


class Net(nn.Module):
    """Two layers between which a mutant does something; keeps every rule as it is."""

    reach = 2

    def __init__(self, in_channels):
        super().__init__()
        self.first = nn.Conv2d(in_channels, 6, 3, padding=1)
        self.last = nn.Conv2d(6, 1, 3, padding=1)

    def between(self, features):
        return functional.relu(features)

    def forward(self, image):
        return self.last(self.between(self.first(image)))


class Plain(Net):
    pass


class NormsABatchOfOnePixel(Net):
    """In training batch norm takes no single value, which nobody asks for."""

    def __init__(self, in_channels):
        super().__init__(in_channels)
        self.norm = nn.BatchNorm2d(6)

    def between(self, features):
        return functional.relu(self.norm(features))


class Drops(Net):
    """A parameter that dropout spares in half of all steps gets its gradient in another."""

    def __init__(self, in_channels):
        super().__init__(in_channels)
        self.gain = nn.Parameter(torch.ones(1))

    def between(self, features):
        kept = torch.rand(1, device=features.device) < (0.3 if self.training else 2)
        return functional.relu(torch.where(kept, self.gain * features, features))


class ZeroHead(Net):
    """Nothing reaches the first layer in the first step."""

    def __init__(self, in_channels):
        super().__init__(in_channels)
        nn.init.zeros_(self.last.weight)


class Refines(Net):
    output_weights = (0.25, 0.75)

    def forward(self, image):
        logits = super().forward(image)
        return (logits / 2, logits) if self.training else logits


class SureOfStructure(Net):
    """All its first logits lie in [0, 1]."""

    def __init__(self, in_channels):
        super().__init__(in_channels)
        nn.init.normal_(self.last.weight, std=1e-3)
        nn.init.constant_(self.last.bias, 0.5)


GOOD = SureOfStructure, Plain, NormsABatchOfOnePixel, Drops, ZeroHead, Refines


class OnlyGrey(Net):
    def __init__(self, in_channels):
        if in_channels == 2:
            raise ArgumentError("in_channels is 2; it must be 1 or 3.")
        super().__init__(in_channels)


class DrawsWeightsFromNumpy(Net):
    def __init__(self, in_channels):
        super().__init__(in_channels)
        drawn = np.random.normal(0, 0.2, self.last.weight.shape)  # noqa: NPY002
        self.last.weight.data = torch.tensor(drawn, dtype=torch.float32)


class TwoClasses(Net):
    def forward(self, image):
        logits = super().forward(image)
        return torch.cat([-logits, logits], 1)


class WithoutChannel(Net):
    def forward(self, image):
        return super().forward(image)[:, 0]


class Squashes(Net):
    def forward(self, image):
        return torch.sigmoid(super().forward(image))


class WantsEven(Net):
    """Halves and doubles, and adds what was there before, as U-Nets do."""

    reach = None

    def between(self, features):
        return features + functional.interpolate(functional.max_pool2d(features, 2), scale_factor=2)


class CropsToSixteen(Net):
    reach = None

    def forward(self, image):
        height, width = (max(16, side - side % 16) for side in image.shape[2:])
        return super().forward(image[..., :height, :width])


class DividesByDeviation(Net):
    reach = None

    def forward(self, image):
        return super().forward(image / image.std((1, 2, 3), keepdim=True, correction=0))


class LooksAtTheBatch(Net):
    reach = None

    def between(self, features):
        return functional.relu(features - features.mean((0, 2, 3), keepdim=True))


class NormsTheMean(Net):
    """Batch norm of one value an image, as in a pyramid of pools."""

    reach = None

    def __init__(self, in_channels):
        super().__init__(in_channels)
        self.norm = nn.BatchNorm2d(6)

    def between(self, features):
        return functional.relu(features + self.norm(features.mean((2, 3), keepdim=True)))


class DropsInEvaluation(Net):
    def between(self, features):
        return functional.dropout(functional.relu(features), 0.2)


class Counts(Net):
    def __init__(self, in_channels):
        super().__init__(in_channels)
        self.register_buffer("calls", torch.zeros(1))

    def between(self, features):
        self.calls += 1
        return functional.relu(features)


class Unweighted(Net):
    def forward(self, image):
        logits = super().forward(image)
        return (logits, logits) if self.training else logits


class WronglyWeighted(Unweighted):
    output_weights = (0.5, 0.6)


class Lists(Unweighted):
    output_weights = (0.5, 0.5)

    def forward(self, image):
        found = super().forward(image)
        return list(found) if self.training else found


class ListsUnweighted(Lists):
    output_weights = None


class NoiseOfNumpy(Net):
    def between(self, features):
        if self.training:
            noise = np.random.normal(0, 0.01, features.shape)  # noqa: NPY002
            features = features + torch.tensor(noise, dtype=torch.float32)
        return functional.relu(features)


class NoiseOfPython(Net):
    def between(self, features):
        return functional.relu(features * (random.uniform(0.99, 1) if self.training else 1))


class Climbs(Net):
    """Its logits are right, and their gradient has the wrong sign."""

    def forward(self, image):
        logits = super().forward(image)
        return 2 * logits.detach() - logits


class Constant(Net):
    def forward(self, image):
        return 0 * super().forward(image)


class HasNoSlope(Net):
    """Finite, but for the gradient of what is not chosen."""

    reach = None

    def between(self, features):
        return torch.where(features > 0, features.sqrt(), 0)


class Detached(Net):
    reach = None

    @torch.no_grad()
    def forward(self, image):
        return super().forward(image)


class HasSpare(Net):
    def __init__(self, in_channels):
        super().__init__(in_channels)
        self.spare = nn.Conv2d(6, 6, 1)


class ListOfLayers(Net):
    def __init__(self, in_channels):
        super().__init__(in_channels)
        self.layers = [nn.Conv2d(6, 6, 1)]

    def between(self, features):
        return functional.relu(self.layers[0](features))


class TensorOfItsOwn(Net):
    def __init__(self, in_channels):
        super().__init__(in_channels)
        self.directions = torch.randn(6, 6, 1, 1)

    def between(self, features):
        return functional.relu(functional.conv2d(features, self.directions))


class StatisticsOfItsOwn(Net):
    """Makes nothing at random, but keeps what training found outside of the state."""

    def __init__(self, in_channels):
        super().__init__(in_channels)
        self.mean = torch.zeros(6, 1, 1)

    def between(self, features):
        if self.training:
            self.mean = 0.9 * self.mean + 0.1 * features.detach().mean((0, 2, 3))[:, None, None]
            return functional.relu(features)
        return functional.relu(features - self.mean)


class InfiniteBuffer(Net):
    def __init__(self, in_channels):
        super().__init__(in_channels)
        self.register_buffer("mask", torch.tensor([-torch.inf]))


class KeepsText(Net):
    def get_extra_state(self):
        return {"written": "by me"}

    def set_extra_state(self, state):
        pass


class LayerMadeLate(Net):
    def between(self, features):
        if not hasattr(self, "late"):
            self.late = nn.Conv2d(6, 6, 1)
        return functional.relu(self.late(features))


class LayerMadeInTraining(Net):
    def between(self, features):
        if self.training and not hasattr(self, "late"):
            self.late = nn.Conv2d(6, 6, 1)
        return functional.relu(self.late(features) if self.training else features)


class SaysTooLittle(Net):
    reach = 1


class SaysHalves(Net):
    reach = 1.5


class NeedsRows(Net):
    def between(self, features):
        return functional.relu(features).view(len(features), -1).view_as(features)


class Half(Net):
    """Overflows where precision is mixed, as a power of features may."""

    def between(self, features):
        features = functional.relu(features)
        return features / 0 if features.dtype == torch.bfloat16 else features


class Overwrites(Net):
    def forward(self, image):
        return super().forward(image.mul_(2))


class OverwritesInTraining(Net):
    def forward(self, image):
        return super().forward(image.mul_(2) if self.training else image)


class HasNothing(Net):
    def __init__(self, in_channels):
        super().__init__(in_channels)
        self.layers = [self._modules.pop("first"), self._modules.pop("last")]

    def forward(self, image):
        return self.layers[1](self.layers[0](image))


class Lazy(Net):
    def __init__(self, in_channels):
        super().__init__(in_channels)
        self.first = nn.LazyConv2d(6, 3, padding=1)


class Leaves(Net):
    def __init__(self, in_channels):
        sys.exit(0)


class LeavesInForward(Net):
    def forward(self, image):
        sys.exit(0)


class KeepsOfEvaluation(Net):
    """Makes a table once, which is then one of inference mode."""

    def between(self, features):
        if getattr(self, "table", None) is None or self.table.shape != features.shape:
            self.table = torch.ones_like(features) * 2
        return functional.relu(features) * self.table


class NoGradientInEvaluation(Net):
    def forward(self, image):
        with torch.set_grad_enabled(self.training):
            return super().forward(image)


MUTANTS = {  # rule -> case -> what its reason has
    OnlyGrey: {"is made": {"2 channels": "raises ArgumentError: in_channels is 2; it must be 1 or 3."}},
    HasNothing: {"is made": {"1 channel": "it has no parameters that can be trained; keep each layer in an attribute"}},
    Lazy: {"is made": {"1 channel": "first.weight, first.bias has no shape before the first call"}},
    Leaves: {"is made": {"1 channel": "raises SystemExit: 0"}},
    LeavesInForward: {"gives logits": {"64x64": "raises SystemExit: 0"}},
    DrawsWeightsFromNumpy: {
        "weights follow the seed": {"made twice": "it differs in last.weight; draw first weights from torch's global"},
    },
    TwoClasses: {
        "gives logits": {"64x64": "gives (2, 2, 64, 64) for images (2, 1, 64, 64); it must give (2, 1, 64, 64): a "}
    },
    WithoutChannel: {"gives logits": {"64x64": "it must give (2, 1, 64, 64): unsqueeze(1) gives them their channel."}},
    Squashes: {"gives logits": {"not likelihoods": "lies in [0, 1], however large its weights are, as after a"}},
    WantsEven: {
        "any image": dict.fromkeys(
            ("1x1", "1x40", "40x1", "2x3", "33x50", "65x65", "127x70"), "; pad the image to a size that it takes, and"
        )
    },
    CropsToSixteen: {
        "any image": {
            "33x50": "(2, 1, 32, 48) for images (2, 1, 33, 50); it must give (2, 1, 33, 50): pad the image and crop",
            **dict.fromkeys(("1x40", "40x1", "65x65", "127x70"), "or interpolate them to its size"),
        },
    },
    DividesByDeviation: {
        "any image": {"1x1": "2 of 2 logits are not finite", "flat": "4608 of 4608 logits are not finite"},
    },
    LooksAtTheBatch: {"any batch": {"three in evaluation": "in evaluation take no mean or norm over the batch"}},
    NormsTheMean: {"any batch": {"one in training": "Expected more than 1 value per channel"}},
    DropsInEvaluation: {
        "evaluation repeats": {"under other seeds": "functional.dropout wants training=self.training"},
        "any batch": {"three in evaluation": "differ by up to"},
        "channels last": {"evaluation": "the logits differ by up to"},  # masks lie otherwise
    },
    Counts: {"evaluation repeats": {"state": "evaluation changes calls; change it where self.training alone."}},
    Unweighted: {"outputs in training": {"32x32": "gives a tuple of 2 and has no output_weights"}},
    ListsUnweighted: {"outputs in training": {"32x32": "a list of 2; several outputs must be a tuple, with output_w"}},
    WronglyWeighted: {"outputs in training": {"32x32": "output_weights are (0.5, 0.6), of sum 1.1; it must be 1"}},
    Lists: {"outputs in training": {"32x32": "one list and has 2 output_weights; it must give a tuple"}},
    KeepsOfEvaluation: {"outputs in training": {"32x32": "Inference tensors cannot be saved for backward"}},
    NoiseOfNumpy: {"training repeats": {"one seed of torch": "draw from torch's global generator, not numpy's"}},
    NoiseOfPython: {"training repeats": {"one seed of torch": "not numpy's, python's or one of its own"}},
    Climbs: {"trains three steps": {"cross entropy falls": "3 steps of Adam (1e-3) take the cross entropy from"}},
    Detached: {"outputs in training": {"32x32": "in training no gradient leads back from its logits"}},
    Constant: {
        "trains three steps": {"cross entropy falls": "from 0.693147 to 0.693147", "weights move": "no parameter is"},
        "gradient everywhere": {"parameters": "4 of 4 parameters: first.weight, first.bias, last.weight and 1 more"},
    },
    HasNoSlope: {
        "trains three steps": {"finite": "at step 1 the gradient of first.weight is not finite."},
        "mixed precision": {"cpu": "within autocast to bfloat16 the gradient of first.weight is not finite."},
    },
    HasSpare: {
        "gradient everywhere": {"parameters": "reaches 2 of 6 parameters: spare.weight, spare.bias; use them, leave"}
    },
    ListOfLayers: {"state saves and loads": {"loaded into another": "several layers in an nn.ModuleList, tensors by"}},
    TensorOfItsOwn: {"state saves and loads": {"loaded into another": "tensors by register_buffer"}},
    StatisticsOfItsOwn: {
        "state saves and loads": {"loaded into another": "tensors by register_buffer"},
        "cpu = cuda": {"tensors of its own": "a tensor that it makes is still on the cpu"},
    },
    InfiniteBuffer: {"state saves and loads": {"values": "mask in its state_dict is not finite, which no run"}},
    KeepsText: {"state saves and loads": {"values": "_extra_state in its state_dict is a dict; checkpoints hold"}},
    LayerMadeLate: {
        "gives logits": {"64x64": "its first call makes late.weight, late.bias, which the optimiser does not"},
    },
    LayerMadeInTraining: {
        "state saves and loads": {"loaded into another": 'Unexpected key(s) in state_dict: "late.weight", "late.bias"'},
    },
    SaysTooLittle: {
        "looks no further": dict.fromkeys(
            ("along rows", "along columns"), "input pixel 2 pixels away, and its reach is 1; say at least 2."
        )
    },
    SaysHalves: {"looks no further": {"reach": "its reach is 1.5; it must be a whole number of pixels, from 0"}},
    NoGradientInEvaluation: {
        "looks no further": dict.fromkeys(("along rows", "along columns"), "leave no_grad to others")
    },
    NeedsRows: {"channels last": dict.fromkeys(("evaluation", "training"), "Use .reshape(...) instead")},
    Half: {"mixed precision": {"cpu": "within autocast to bfloat16 2048 of 2048 logits are not finite"}},
    Overwrites: {"input untouched": dict.fromkeys(("evaluation", "training"), "it writes to the images")},
    OverwritesInTraining: {"input untouched": {"training": "it writes to the images"}},
}  # fmt: skip
