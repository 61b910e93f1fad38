"""Models and losses that want weights from the network, made without: their option says that nobody trained them."""

from topobench import registry


def untrained(kind, name):
    """The options with which a model or loss needs no download: none, unless its class names pretrained weights."""
    return {"pretrained": False} if hasattr(registry.load(kind, name), "pretrained_weights") else {}
