"""Names of code: each maps to ``"module:object"`` and is imported only when somebody asks for it.

Built-ins stand in one table below; the others are plugins (topobench/plugins). A built-in wins over a plugin of the
same name, listing imports nobody's code, and a plugin that does not load costs only the one who uses it.
"""

from __future__ import annotations

import difflib
import importlib
import inspect
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import topobench
from topobench.errors import ArgumentError, TopobenchError, UnknownNameError, in_words
from topobench.plugins import Plugin, broken, find, load_plugin, plugins_of

__all__ = [
    "BUILTINS",
    "OURS",
    "PARTITION",
    "build",
    "check",
    "load",
    "names",
    "nearest",
    "origin_of",
    "plugin_of",
    "singular",
    "subject",
    "unknown_name",
]

Made = TypeVar("Made")

OURS = f"topobench {topobench.__version__}"  # where what is built in comes from

# The Rand family and VOI: six figures of two partitions, which come in several forms (metrics/figures.py).
PARTITION = ("arand_f", "arand_error", "ari", "voi_split", "voi_merge", "voi")

BUILTINS: dict[str, dict[str, str]] = {
    "adapters": {
        "hdf5_volume": "topobench.data.hdf5_volume:Hdf5Volume",
        "matlab_masks": "topobench.data.matlab_masks:MatlabMasks",
        "paired_folders": "topobench.data.paired_folders:PairedFolders",
        "synthetic": "topobench.data.synthetic:Synthetic",
        "tiff_stack": "topobench.data.tiff_stack:TiffStack",
    },
    "models": {
        "base": "topobench.models.cnn:BaseCNN",
        "dive": "topobench.models.dive:DIVE",
        "enhanced": "topobench.models.cnn:EnhancedCNN",
        "mosinska": "topobench.models.mosinska:MosinskaNet",
        "unet": "topobench.models.unet:UNet",
        "vgg19": "topobench.models.vgg:VGG19",
    },
    "losses": {
        "betti-matching": "topobench.losses.betti_matching:BettiMatchingLoss",
        "cbdice": "topobench.losses.cbdice:CenterlineBoundaryDiceLoss",
        "cldice": "topobench.losses.cldice:SoftClDiceLoss",
        "cross-entropy": "topobench.losses.cross_entropy:CrossEntropyLoss",
        "dice": "topobench.losses.dice:DiceLoss",
        "homotopy-warping": "topobench.losses.homotopy_warping:HomotopyWarpingLoss",
        "malis": "topobench.losses.malis:MalisLoss",
        "mosinska": "topobench.losses.mosinska:MosinskaLoss",
        "skeleton-recall": "topobench.losses.skeleton_recall:SkeletonRecallLoss",
        "topograph": "topobench.losses.topograph:TopographLoss",
        "topological": "topobench.losses.topological:TopologicalLoss",
        "topoloss-2021": "topobench.losses.topoloss_2021:TopoLoss2021",
        "wasserstein": "topobench.losses.topological:WassersteinLoss",
    },
    "metrics": {
        **dict.fromkeys(("accuracy", "dice"), "topobench.metrics.overlap:pixel_overlap"),
        **dict.fromkeys(("betti_error", "betti0_error", "betti1_error"), "topobench.metrics.betti:betti_errors"),
        **dict.fromkeys(
            ("betti_error_whole", "betti0_error_whole", "betti1_error_whole", "euler_error"),
            "topobench.metrics.betti:whole_betti_errors",
        ),
        **dict.fromkeys(
            ("betti_matching_error", "betti0_matching_error", "betti1_matching_error"),
            "topobench.metrics.matching:betti_matching_errors",
        ),
        **dict.fromkeys(("diu_error", "diu0_error", "diu1_error"), "topobench.metrics.matching:diu_errors"),
        "cldice": "topobench.metrics.centreline:centreline_dice",
        "hd95": "topobench.metrics.distance:hausdorff_95",
        **dict.fromkeys(PARTITION, "topobench.metrics.clustering:plain"),
        "arand_error_cremi": "topobench.metrics.clustering:cremi",
        **{f"{name}_filled": "topobench.metrics.clustering:filled" for name in PARTITION},
        **{f"{name}_all": "topobench.metrics.clustering:nothing_ignored" for name in PARTITION},
        **{f"{name}_regions": "topobench.metrics.clustering:of_regions" for name in PARTITION},
        **{f"{name}_structure": "topobench.metrics.clustering:of_structure" for name in PARTITION},
        **{f"{name}_raw_mask": "topobench.metrics.clustering:of_raw_masks" for name in PARTITION if name != "ari"},
        "truth_isolated_pixels": "topobench.metrics.truth:artefacts",
        "truth_pinholes": "topobench.metrics.truth:artefacts",
    },
    "backends": {
        "numba": "topobench.topology.native:numba_pairs",
        "gudhi": "topobench.topology.peers:gudhi_pairs",
        "cripser": "topobench.topology.peers:cripser_pairs",
    },
    "nulls": {
        "null-background": "topobench.run.nulls:Background",
        "null-largest": "topobench.run.nulls:LargestComponent",
        "null-structure": "topobench.run.nulls:Structure",
        "null-threshold": "topobench.run.nulls:RawThreshold",
    },
}


def names(kind: str) -> list[str]:
    """Return all names of a kind (``models``, ``losses``, ``adapters`` ...), sorted; imports no code."""
    return sorted({*BUILTINS[kind], *(plugin.name for plugin in plugins_of(kind))})


def load(kind: str, name: str) -> Any:
    """Return the object of that name; UnknownNameError says what there is, ArgumentError what does not load."""
    if name in BUILTINS[kind]:
        module, _, attribute = BUILTINS[kind][name].partition(":")
        return getattr(importlib.import_module(module), attribute)
    if plugin := find(kind, name):
        return load_plugin(plugin)
    raise unknown_name(kind, name, names(kind))


def plugin_of(kind: str, name: str) -> Plugin | None:
    """Return the plugin of that name; None for a built-in, and for what there is not."""
    return None if name in BUILTINS[kind] else find(kind, name)


def origin_of(kind: str, name: str) -> str:
    """Return from which distribution and version a name comes, or from which file; imports no code."""
    plugin = plugin_of(kind, name)
    return plugin.origin if plugin else OURS


def subject(kind: str, name: str) -> str:
    """Return what errors call a thing: ``model 'unet'``, and of a plugin whose it is."""
    plugin = plugin_of(kind, name)
    return f"{singular(kind)} {name!r}" + (f" ({plugin.value}, from {plugin.origin})" if plugin else "")


def build(kind: str, name: str, options: Mapping[str, Any], wanted: type[Made], **given: Any) -> Made:
    """Call the object of that name with `given` and a recipe's `options`, and return what it makes.

    ArgumentError names a wrong option, what the object raises (whatever it is, but Ctrl-C), and what is not `wanted`.
    """
    maker = load(kind, name)
    _check_options(kind, name, maker, options, given)
    try:
        made = maker(**given, **options)
    except (TopobenchError, KeyboardInterrupt):
        raise
    except BaseException as error:  # an option of a wrong type, or whatever a plugin does
        reason = in_words(error)
        whose = subject(kind, name)
        advice = "" if _takes(maker, {**given, **options}) else " It must be a class or function that makes one."
        raise ArgumentError(f"{whose} cannot be made with the options {dict(options)}: {reason}.{advice}") from error
    if not isinstance(made, wanted):
        words = f"{wanted.__module__.partition('.')[0]} {wanted.__name__}"  # torch Module
        raise ArgumentError(f"{subject(kind, name)} makes a {type(made).__name__}; it must make a {words}.")
    return made


def _takes(maker: Any, arguments: Mapping[str, Any]) -> bool:
    """Return whether something can be called with arguments: a loss cannot that stands where its maker should."""
    try:
        inspect.signature(maker).bind(**arguments)
    except TypeError:
        return False
    except ValueError:  # of compiled code, which need not say
        return True
    return True


def check(kind: str, name: str, options: Mapping[str, Any], given: Iterable[str] = ()) -> None:
    """Raise as `build` would for a name or an option that there is not; make nothing.

    A plugin that does not load is no fault here: whoever uses it will be told.
    """
    try:
        maker = load(kind, name)
    except ArgumentError:
        return
    _check_options(kind, name, maker, options, given)


def _check_options(kind: str, name: str, maker: Any, options: Mapping[str, Any], given: Iterable[str]) -> None:
    """Raise ArgumentError for an option that a maker does not take."""
    if not callable(maker):
        raise ArgumentError(f"{subject(kind, name)} is a {type(maker).__name__}; it must be a class, or a function.")
    try:
        parameters = inspect.signature(maker).parameters
    except ValueError:  # of compiled code, which need not say: its call will
        return
    accepted = [key for key in parameters if key not in given]
    takes_any = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
    if lacking := [key for key in given if key not in parameters and not takes_any]:
        raise ArgumentError(
            f"{subject(kind, name)} takes no {', '.join(lacking)}, which topobench gives it by that name; it takes "
            f"{', '.join(accepted) or 'nothing'}."
        )
    for key in options:
        if key not in accepted and not takes_any:
            raise ArgumentError(
                f"{subject(kind, name)} has no option {key!r}{nearest(key, accepted)}; "
                f"it takes {', '.join(accepted) or 'none'}."
            )


def unknown_name(kind: str, name: str, known: Iterable[str]) -> UnknownNameError:
    """Return the error for a name that is not among the known ones; it says what there is."""
    known, unread = sorted(known), "".join(f" And {sentence}" for sentence in broken())
    return UnknownNameError(
        f"no {singular(kind)} is named {name!r}{nearest(name, known)}. Known: {', '.join(known) or 'none'}.{unread}"
    )


def nearest(name: str, known: Iterable[str]) -> str:
    """Return `` (did you mean 'x'?)`` for the known name nearest to `name`, or an empty text."""
    lower = {str(one).lower(): one for one in known}
    found = difflib.get_close_matches(str(name).lower(), list(lower), n=1)
    return f" (did you mean {lower[found[0]]!r}?)" if found else ""


def singular(kind: str) -> str:
    """Return the word for one of a kind: ``losses`` -> ``loss``, ``datasets`` -> ``data set``."""
    words = {
        "losses": "loss", "datasets": "data set", "backends": "back end", "nulls": "null row",
        "anything": "card, recipe, suite, model or other thing",
    }  # fmt: skip
    return words.get(kind, kind[:-1])
