"""Each loss, forward and backward, on a batch of eight maps of 128 x 128."""

import numpy as np
import torch

import topobench
from benchmarks.inputs import likelihoods, truths
from topobench.registry import load


class Losses:
    """Time and memory of one training step's loss."""

    params = (topobench.list_names("losses"),)
    param_names = ("loss",)

    def setup(self, loss):
        """Make logits and target, and compile what there is to compile."""
        torch.manual_seed(0)
        # Features that nobody trained cost as much as ImageNet's, and are not downloaded.
        untrained = {"pretrained": False} if hasattr(load("losses", loss), "pretrained_weights") else {}
        self.loss = topobench.load_loss(loss, **untrained)
        maps = likelihoods(8, 128).astype(np.float64)
        self.logits = torch.from_numpy(np.log(maps / (1 - maps)).astype(np.float32))[:, None].requires_grad_()
        self.target = torch.from_numpy(truths(8, 128).astype(np.float32))[:, None]
        self.time_batch(loss)

    def time_batch(self, loss):
        """Time forward and backward."""
        self.logits.grad = None
        self.loss(self.logits, self.target).backward()

    def peakmem_batch(self, loss):
        """Watch the memory of the process."""
        self.time_batch(loss)
