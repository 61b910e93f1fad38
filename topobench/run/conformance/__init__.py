"""The conformance suite of recipes: can one be kept as text, trained, stopped and resumed, and does it predict?

`check_recipe` makes what a recipe names, trains it for three steps on images as small as can be, and holds what it
says to what there is. A recipe that passes may still be a bad method; it will not fail after hours for a reason that
could be known before. Model and losses have suites of their own, which ask more of each.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import tomli_w
import torch
from torch import nn

from topobench.cards import Budget, Published, Recipe, load_recipe, names, shipped_protocol
from topobench.cards.schema import Choice
from topobench.conformance import Outcome, Rule, ask, hold
from topobench.data.fetch import WEIGHTS
from topobench.data.fetch.weights import find_weights
from topobench.data.hints import weights_command
from topobench.losses import build_loss
from topobench.metrics import FIGURES
from topobench.registry import names as registered
from topobench.registry import nearest
from topobench.run.batches import TrainingSet
from topobench.run.checkpoint import Checkpoints
from topobench.run.device import Device
from topobench.run.evaluate import model_predictor, try_model
from topobench.run.train import Trainer, recipe_loss, recipe_model
from topobench.run.watcher import Step
from topobench.run.weights import weights_of
from topobench.types import Report, Sample

__all__ = ["RULES", "check_recipe"]

STEPS, BATCH, CROP = 3, 2, 40
SEED = 0
SHAPES = ((65, 65), (33, 50), (1, 1))  # (height, width) that no pool divides without a remainder
NOT_STATED = "not stated"  # the data set of figures whose source does not name it


@dataclass
class Subject:
    """A recipe under test, and how its training on a tiny set ended.

    Attributes
    ----------
    recipe : Recipe
    folder : Path
        Where its checkpoints go.
    faulty : list of str
        The rules of which it failed cases that others build on.
    """

    recipe: Recipe
    folder: Path
    faulty: list[str] = field(default_factory=list)

    @cached_property
    def budget(self) -> Budget:
        """Three steps, of crops as small as the patches of its losses allow."""
        patches = [getattr(loss, "patch_size", None) for loss in recipe_loss(self.recipe).losses]
        wanted = max([CROP, *(size for size in patches if isinstance(size, int))])
        return Budget(steps=STEPS, batch=BATCH, crop=min(wanted, self.recipe.budget.crop))

    def begun(self, name: str) -> Trainer:
        """Return the training kept under a name, as far as it has come."""
        data = TrainingSet.of(_samples(self.budget.crop))
        checkpoints = Checkpoints(self.folder / name, "0" * 64)
        return Trainer(self.recipe, self.budget, SEED, Device("cpu", "float32", 1), data, checkpoints)

    def trained(self, name: str, stop: int = STEPS) -> Trainer:
        """Return it once it has ended, or so many more steps are taken."""
        taken: list[Step] = []
        trainer = self.begun(name)
        trainer.run(taken.append, lambda: len(taken) == stop)
        return trainer

    @cached_property
    def straight(self) -> Trainer:
        """The training of three steps in one go."""
        self.faulty.append("trains")
        found = self.trained("straight")
        self.faulty.remove("trains")
        return found


def check_recipe(recipe: Recipe, rules: Sequence[Rule[Subject]] | None = None) -> Report:
    """Hold a recipe to the rules of the suite, on the CPU.

    Parameters
    ----------
    recipe : Recipe
        With whatever model and losses it names.
    rules : sequence of Rule, or None
        Which of `RULES`; None: all of them.

    Returns
    -------
    Report
        A check for each rule and case. What model and losses raise is a failed check, not an error.

    Notes
    -----
    Takes some 2 seconds for a U-Net. Nothing is downloaded: a recipe whose weights are not in the cache is held to what
    needs none. Threads, torch's random numbers and its choice of algorithms are left as they were.
    """
    with tempfile.TemporaryDirectory() as folder, _torch_left_as_it_was():
        return hold(Subject(recipe, Path(folder)), recipe.name, RULES if rules is None else rules)


@contextmanager
def _torch_left_as_it_was() -> Iterator[None]:
    threads, deterministic = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    cudnn = torch.backends.cudnn.deterministic
    try:
        with torch.random.fork_rng(devices=[]):
            yield
    finally:
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(deterministic)
        torch.backends.cudnn.deterministic = cudnn


def _samples(crop: int) -> list[Sample]:
    """Return three images, a little larger than a crop, of dark lines on a noisy ground; one is not valid all over."""
    random, found = np.random.default_rng(SEED), []
    for index in range(3):
        truth = np.zeros((crop + 8, crop + 12), bool)
        truth[crop // 4 + index :: crop // 2 + 1] = truth[:, crop // 3 + index :: crop // 2] = True
        image = (0.7 - 0.4 * truth + 0.1 * random.standard_normal(truth.shape)).clip(0, 1)
        valid = np.ones_like(truth)
        valid[:, : crop // 4] = index > 0
        found.append(Sample(str(index), image[None].astype(np.float32), truth, None if index else valid, str(index)))
    return found


def _text(subject: Subject) -> Iterator[Outcome]:
    yield ask("TOML", _comes_back, subject.recipe, _through_toml)
    yield ask("JSON", _comes_back, subject.recipe, _through_json)


def _comes_back(recipe: Recipe, through: Any) -> str | None:
    found = through(recipe)
    before, now = (each.model_dump(by_alias=True) for each in (recipe, found))
    changed = [key for key in before if before[key] != now.get(key)]
    if not changed and found.identity() == recipe.identity():
        return None
    key = changed[0] if changed else "the identity"
    return (
        f"written and read again, {key} is {now.get(key)!r} and no longer {before.get(key)!r}; options must be what a "
        "TOML file holds: text, numbers, booleans, lists and tables, and no None or tuple."
    )


def _through_toml(recipe: Recipe) -> Recipe:
    table = recipe.model_dump(mode="json", by_alias=True, exclude_none=True)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{recipe.name}.toml"
        path.write_text(tomli_w.dumps(table), encoding="utf-8")
        return load_recipe(str(path))


def _through_json(recipe: Recipe) -> Recipe:
    return Recipe.model_validate_json(recipe.model_dump_json(by_alias=True), strict=True)


def _noted(subject: Subject, rule: str, outcome: Outcome) -> Outcome:
    """Return an outcome, after it was noted that a rule failed on which others build."""
    if outcome[1] == "failed":
        subject.faulty.append(rule)
    return outcome


def _model(subject: Subject) -> Iterator[Outcome]:
    choice = subject.recipe.model
    for channels, case in ((1, "1 channel"), (3, "3 channels")):
        if absent := _absent("models", choice):
            yield case, "not claimed", absent
        else:
            yield _noted(subject, "model", ask(case, _is_model, subject, channels))


def _is_model(subject: Subject, channels: int) -> str | None:
    if reason := _unknown_weights("models", subject.recipe.model):
        return reason
    try_model(recipe_model(subject.recipe, channels, SEED), "cpu", channels, CROP)
    return None


def _losses(subject: Subject) -> Iterator[Outcome]:
    terms = subject.recipe.loss
    absent = [reason for term in terms if (reason := _absent("losses", term))]
    for term in terms:
        if reason := _absent("losses", term):
            yield term.name, "not claimed", reason
        else:
            yield _noted(subject, "losses", ask(term.name, _is_loss, term))
    if absent or "losses" in subject.faulty:
        yield "together", "not claimed", "not all of them can be made here."
    else:
        yield _noted(subject, "losses", ask("together", _are_a_loss, subject))


def _is_loss(term: Choice) -> str | None:
    if reason := _unknown_weights("losses", term):
        return reason
    build_loss(term.name, term.options)
    return None


def _are_a_loss(subject: Subject) -> str | None:
    recipe_loss(subject.recipe)  # which asks whether one of them trains alone, from the first step on
    return None


def _absent(kind: str, choice: Choice) -> str:
    """Return why a part cannot be made here: the weights that it wants are not in the cache; else an empty text."""
    name = weights_of(kind, choice)
    if name not in WEIGHTS or find_weights(name):
        return ""
    return f"the weights {name!r}, which {choice.name!r} wants, are not here: `{weights_command('fetch', name)}`."


def _unknown_weights(kind: str, choice: Choice) -> str | None:
    name = weights_of(kind, choice)
    if not name or name in WEIGHTS:
        return None
    return (
        f"{choice.name!r} has pretrained_weights {name!r}; topobench gets {', '.join(WEIGHTS)} alone, and what gets "
        "its own weights names none."
    )


def _unable(subject: Subject) -> str:
    """Return why the recipe cannot be trained here, where that was said already; else an empty text."""
    recipe = subject.recipe
    absent = [_absent("models", recipe.model), *(_absent("losses", term) for term in recipe.loss)]
    if reason := next(filter(None, absent), ""):
        return reason
    return f"it cannot be trained, as the rule {subject.faulty[0]!r} says." if subject.faulty else ""


def _trains(subject: Subject) -> Iterator[Outcome]:
    if reason := _unable(subject):
        yield "three steps", "not claimed", reason
        return
    yield ask("three steps", _moves, subject)
    if "trains" in subject.faulty:
        return
    loss = subject.straight.loss
    for name, module in zip(loss.names, loss.losses, strict=True):
        yield ask(f"{name} at full weight", _finite, subject, module)


def _moves(subject: Subject) -> str | None:
    before, now = (dict(each.model.named_parameters()) for each in (subject.begun("nothing"), subject.straight))
    if any(not torch.equal(now[name], weights) for name, weights in before.items()):
        return None
    return (
        f"after {STEPS} steps no weight has moved: no gradient reaches the model, or its learning_rate, "
        f"{subject.recipe.learning_rate:g}, is too small for float32."
    )


def _finite(subject: Subject, loss: nn.Module) -> str | None:
    """Compute a term for the trained model, also one that joins later in a run than the steps that were taken."""
    trainer = subject.straight
    batch = trainer.data.batch(subject.budget, SEED, 0)
    with torch.inference_mode():
        found = trainer.model.eval()(batch.images)
    logits = found.clone().requires_grad_()
    value = loss(logits, batch.target)
    if value.requires_grad:  # else it is a constant here, as of a patch in which nothing is wrong
        value.backward()
    if not math.isfinite(float(value.detach())):
        return f"it is {float(value.detach())} for a batch {tuple(logits.shape)} of the trained model."
    wrong = 0 if logits.grad is None else int((~torch.isfinite(logits.grad)).sum())
    return f"its gradient is NaN or infinite at {wrong} of {logits.numel()} logits." if wrong else None


def _resumed(subject: Subject) -> Iterator[Outcome]:
    case = f"after 1 of {STEPS} steps"
    if reason := _unable(subject):
        yield case, "not claimed", reason
    else:
        yield ask(case, _ends_equal, subject)


def _ends_equal(subject: Subject) -> str | None:
    wanted = _end(subject.straight)
    subject.trained("stopped", 1)
    if not (wrong := _difference(_end(subject.trained("stopped")), wanted)):
        return None
    if again := _difference(_end(subject.trained("again")), wanted):
        return (
            f"two trainings of one seed end with another {again}: the model or a loss draws at random by something "
            "else than torch's own generator (which is seeded at each step) or reseed(seed), or keeps something "
            "outside of itself."
        )
    return (
        f"stopped and resumed, it ends with another {wrong} than in one go: what model and losses keep from step to "
        "step must be in their state_dict() (torch.nn.Module.register_buffer)."
    )


def _end(trainer: Trainer) -> dict[str, Any]:
    """Return what a training has come to; times are no part of it."""
    return {
        "weight": trainer.model.state_dict(), "loss": trainer.loss.state_dict(),
        "optimiser": trainer.optimiser.state_dict(), "curve": trainer.report(),
    }  # fmt: skip


def _difference(one: dict[str, Any], other: dict[str, Any]) -> str:
    """Return which part of two ends differs, by its path; an empty text where they are equal bit for bit."""
    return next(_differences(one, other, ""), "")


def _differences(one: Any, other: Any, path: str) -> Iterator[str]:
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        for key in one:
            yield from _differences(one[key], other[key], f"{path} {key}".strip())
    elif isinstance(one, list | tuple) and isinstance(other, list | tuple) and len(one) == len(other):
        for place, (each, its) in enumerate(zip(one, other, strict=True)):
            yield from _differences(each, its, f"{path} {place}")
    elif isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor):
        if one.dtype != other.dtype or not torch.equal(one, other):
            yield path
    elif one != other:
        yield path


def _predicts(subject: Subject) -> Iterator[Outcome]:
    for height, width in SHAPES:
        case = f"{height}x{width}"
        if reason := _unable(subject):
            yield case, "not claimed", reason
        else:
            yield ask(case, _is_likelihood, subject, (height, width))


def _is_likelihood(subject: Subject, shape: tuple[int, int]) -> str | None:
    image = np.random.default_rng(SEED).random((1, *shape), dtype=np.float32)
    predict = model_predictor(subject.straight.scored_model(), "cpu")
    found: Any = predict(Sample("image", image, np.zeros(shape, bool)))
    if found.shape != shape or found.dtype != np.float32:
        return f"the likelihood is {found.dtype} {found.shape}; it must be float32 {shape}."
    if wrong := int((~np.isfinite(found)).sum()):
        return f"the likelihood is NaN or infinite at {wrong} of {found.size} pixels."
    return None if ((found >= 0) & (found <= 1)).all() else "the likelihood does not lie in [0, 1]."


def _published(subject: Subject) -> Iterator[Outcome]:
    if not subject.recipe.published:
        yield "figures", "not claimed", "the recipe has no published figures."
    for number, entry in enumerate(subject.recipe.published):
        yield ask(f"{number}: {entry.dataset}", _is_known, entry)


def _is_known(entry: Published) -> str | None:
    if empty := [key for key in ("source", "table", "row") if not getattr(entry, key).strip()]:
        return f"{empty[0]!r} is empty; it must say where the figures stand."
    datasets = names("datasets")
    if entry.dataset not in (*datasets, NOT_STATED):
        hint = nearest(entry.dataset, datasets)
        return f"no data set is named {entry.dataset!r}{hint}; where the source names none, write {NOT_STATED!r}."
    if entry.protocol and not shipped_protocol(entry.protocol):
        known = names("protocols")
        return (
            f"no protocol is named {entry.protocol!r}{nearest(entry.protocol, known)}. Known: {', '.join(known)}; "
            "leave the key out where it is not known by which they were measured."
        )
    return next(filter(None, (_is_figure(*each) for each in entry.figures.items())), None)


def _is_figure(name: str, value: float | tuple[float, float]) -> str | None:
    known = sorted({*FIGURES, *registered("metrics")})
    if name not in known:
        return f"no figure is named {name!r}{nearest(name, known)}; `topobench list metrics` has all."
    low, high = value if isinstance(value, tuple) else (value, value)
    least, most = FIGURES[name].range
    if least <= low <= high <= most:
        return None
    return f"{name} is {value}; its values lie in [{least:g}, {most:g}] (a share, not percent), the lower end first."


RULES: tuple[Rule[Subject], ...] = (
    Rule("text and back", "as TOML or JSON, and read again, it is the same recipe of the same identity", _text),
    Rule("model", "its model is made with its options, for grey and for colour, and gives a logit a pixel", _model),
    Rule("losses", "its losses are made, and one of them trains alone from the first step on", _losses),
    Rule("trains", "three steps give finite losses and move the weights; each term is finite at full weight", _trains),
    Rule("resumed", "stopped after a step and resumed, it ends bit for bit as in one go", _resumed),
    Rule("predicts", "its prediction is a likelihood for each pixel of any size", _predicts),
    Rule("published", "published figures are of names, data sets and protocols that there are", _published),
)
