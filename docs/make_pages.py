"""Write what the docs take from data and code: pages of protocols, tables of these, of figures, data sets and models.

`python docs/make_pages.py` rewrites them; with `--check` it writes nothing, names what is stale and exits with 1.
What people wrote around what is marked, in docs/metrics.md, protocols.md, datasets.md and models.md, is kept.
"""

import re
import sys
from pathlib import Path

import torch

from topobench import load_model, registry
from topobench.cards import load_card, load_protocol, load_recipe, shipped
from topobench.metrics import FIGURES
from topobench.metrics.clustering import IGNORED, LOG_BASE
from topobench.metrics.rows import SCORING_SEED
from topobench.registry import PARTITION

DOCS = Path(__file__).parent
START, END = "<!-- made by docs/make_pages.py -->", "<!-- end of what is made -->"
PLACES = {  # sampling -> where Betti errors are counted, size of a patch, how many patches
    "random": ("random patches, drawn with replacement, the same for every method", "; a smaller image whole", ""),
    "grid": ("a grid of tiles", "; the rest at the right and lower border is a tile too", "all of the grid"),
    "whole": ("the whole image", "none", "none"),
}
FORMS = {  # what is left of a figure's name -> what is compared
    "": "components of the phase", "_filled": "the same, filled", "_regions": "components of the background",
    "_structure": "components of the structure", "_raw_mask": "raw masks",
}  # fmt: skip


def pages():
    """Return the text of every page that is made, or partly made, by its path."""
    protocols = [load_protocol(name) for name in shipped("protocols")]
    made = {DOCS / "protocols" / f"{protocol.name}.md": page(protocol) for protocol in protocols}
    parts = {
        "metrics.md": all_figures(), "protocols.md": index(protocols), "datasets.md": all_datasets(),
        "models.md": f"{all_models()}\n\n### Recipes\n\n{all_recipes()}",
    }  # fmt: skip
    for path, rows in ((DOCS / name, rows) for name, rows in parts.items()):
        text = path.read_text(encoding="utf-8")
        made[path] = f"{text[: text.index(START)]}{START}\n\n{rows}\n\n{text[text.index(END) :]}"
    return made


def page(protocol):
    """Return the page of a protocol."""
    figures = [
        [f"[`{figure.name}`](../metrics.md#{figure.name}) {figure.arrow}", figure.unit, prose(figure.meaning)]
        for figure in map(FIGURES.__getitem__, protocol.figures)
    ]
    parts = [
        f"# {protocol.name}\n\n{START[:-4]} from protocols/{protocol.name}.toml; edit that -->",
        f"Version {protocol.version}: {prose(protocol.title)}.\n\n{prose(protocol.description)}".strip(),
        f"## What it measures\n\n{prose(protocol.measures)}\n\nSource: {prose(protocol.source)}",
        f"## Choices\n\n{table(['choice', 'value'], choices(protocol))}",
        f"## Figures\n\nThe best of ↓ is 0, that of ↑ is 1.\n\n{table(['figure', 'unit', 'meaning'], figures)}",
        "## What the source leaves open, and what is fixed here",
        *(f"**{prose(choice.question)}**\n\n{prose(choice.fixed)}" for choice in protocol.open),
        f"## Scoring\n\n```sh\ntopobench score --predictions MAPS --truth MASKS --protocol {protocol.name}\n```",
        f'`topobench.metrics.score(likelihood, truth, protocol="{protocol.name}")` scores one image. '
        "All protocols: [protocols.md](../protocols.md). All figures: [metrics.md](../metrics.md).",
    ]
    return "\n\n".join(parts) + "\n"


def choices(protocol):
    """Return the rows of the table of choices."""
    where, size, count = PLACES[protocol.sampling]
    labels = labels_of(protocol)
    return [
        ["where Betti errors without `_whole` are counted", where],
        ["patch size", f"{protocol.patch_size}x{protocol.patch_size} pixels{size}" if protocol.patch_size else size],
        ["patches an image", protocol.patches or count],
        ["frame", "a ring of structure outside each patch and image" if protocol.frame else "none"],
        ["dimensions that are summed", " + ".join(f"b{dimension}" for dimension in protocol.dimensions)],
        ["phase", labels and (protocol.phase or "the card's, or `--phase`; `regions` where neither says")],
        ["connectivity of the structure", protocol.connectivity or "the card's, or `--connectivity`; else 8"],
        ["threshold", f"likelihood >= {protocol.threshold}"],
        ["Rand and VOI of", labels],
        ["log base", labels and f"{LOG_BASE} (bits)"],
        ["ignored labels", labels and prose(IGNORED)],
        ["seed of the patches", SCORING_SEED if protocol.sampling == "random" else "none is needed"],
        ["shown in tables", ", ".join(f"`{name}`" for name in protocol.columns)],
        ["ranked by", f"`{protocol.ranked_by}`"],
    ]


def labels_of(protocol):
    """Return what Rand and VOI compare under a protocol, in words; an empty text where it has neither."""
    found = [re.match("|".join(PARTITION), name) for name in protocol.figures]
    forms = {match.string[match.end() :] for match in found if match}
    return "; ".join(FORMS[form] for form in sorted(forms, key=list(FORMS).index))


def index(protocols):
    """Return the table of all protocols."""
    rows = []
    for protocol in protocols:
        size = protocol.patch_size
        betti = [
            f"{protocol.patches or 'grid of'} {size}x{size} patches" if size else "whole image",
            *(["whole image"] if size and "betti_error_whole" in protocol.figures else []),
            "framed" if protocol.frame else "no frame",
            " + ".join(f"b{dimension}" for dimension in protocol.dimensions),
            f"{protocol.connectivity}-connected" if protocol.connectivity else "the card's connectivity",
        ]
        ranked = f"`{protocol.ranked_by}` {FIGURES[protocol.ranked_by].arrow}"
        link = f"[{protocol.name}](protocols/{protocol.name}.md)"
        rows.append([link, protocol.version, ", ".join(betti), labels_of(protocol), ranked])
    return table(["protocol", "version", "Betti numbers", "Rand and VOI of", "ranked by"], rows)


def all_figures():
    """Return the table of all figures, each with an anchor of its name."""
    rows = [
        [f'<a id="{name}"></a>`{name}`', figure.better, figure.unit, prose(figure.meaning), prose(figure.source)]
        for name, figure in FIGURES.items()
    ]
    return table(["figure", "better", "unit", "meaning", "source"], rows)


def all_models():
    """Return the table of all models as their options stand by default, for grey images."""
    with torch.device("meta"):  # shapes without memory, and without weights to be downloaded
        models = {name: load_model(name, 1, **untrained(name)) for name in sorted(registry.BUILTINS["models"])}
    rows = [
        [
            f"[`{name}`](#{name})", f"{sum(weights.numel() for weights in model.parameters()):,}", model.reach,
            f"`{weights}`" if (weights := getattr(model, "pretrained_weights", "")) else "",
            getattr(model, "output_weights", None) and len(model.output_weights),
        ]
        for name, model in models.items()
    ]  # fmt: skip
    return table(["model", "parameters", "reach (pixels)", "pretrained weights", "outputs in training"], rows)


def untrained(name):
    """Return the options with which a model needs no download."""
    return {"pretrained": False} if hasattr(registry.load("models", name), "pretrained_weights") else {}


def all_recipes():
    """Return the table of all recipes."""
    rows = []
    for recipe in map(load_recipe, shipped("recipes")):
        terms = " + ".join(
            f"{term.weight:g} `{term.name}`" + (" (later)" if term.start else "") for term in recipe.loss
        )
        figures = ", ".join(dict.fromkeys(entry.source.partition(",")[0] for entry in recipe.published))
        model = f"[`{recipe.model.name}`](#{recipe.model.name})"
        source = prose(recipe.source, code=False)
        rows.append([f"`{recipe.name}`", model, terms, f"{recipe.learning_rate:g}", source, figures])
    return table(["recipe", "model", "loss", "learning rate", "source", "figures published by"], rows)


def all_datasets():
    """Return the table of all cards, and a section for each."""
    cards = [load_card(name) for name in shipped("datasets")]
    whole = [card for card in cards if ":" not in card.name]
    rows = [
        [
            f"[{card.name}](#{re.sub(r'[^a-z0-9-]', '', card.name)})", card.count, shapes_of(card), card.channels,
            structure_of(card), card.phase, folds_of(card), "yes" if card.redistributable else "no", how_got(card),
        ]
        for card in whole
    ]  # fmt: skip
    heads = ["name", "images", "pixels", "channels", "structure", "phase", "folds", "may be passed on", "to get it"]
    return "\n\n".join([table(heads, rows), *(dataset_section(card, cards) for card in whole)])


def dataset_section(card, cards):
    """Return what is to be known of a data set, as Markdown."""
    others = [one for one in cards if one.name.startswith(f"{card.name}:")]
    variants = [f"- `{one.name}`: {prose(one.title, code=False)}" for one in others]
    size = f"{card.pixel_size[0]:g} x {card.pixel_size[1]:g} {card.pixel_unit}" if card.pixel_size else ""
    about = {
        "Licence": card.licence, "Citation": card.citation, "Pixel": size, "Not valid": validity_of(card),
        "One unit": units_of(card), "Getting it": getting(card),
    }  # fmt: skip
    lines = [f"- *{word}*: {prose(text, code=False)}" for word, text in about.items() if text]
    home = f" ([home page]({card.homepage}))" if card.homepage else ""
    what = f"{prose(card.title, code=False)}{home}. {prose(card.description, code=False)}"
    parts = [f"### {card.name}", what, "\n".join(lines)]
    return "\n\n".join([*parts, *(["Variants:\n\n" + "\n".join(variants)] if variants else [])])


def how_got(card):
    """Return in a word how one gets a data set."""
    if card.downloads:
        return "fetch"
    return "by hand" if card.labels else "made"


def getting(card):
    """Return how one gets a data set, in words."""
    return f"`topobench data fetch {card.name}`. By hand: {card.access.strip()}" if card.downloads else card.access


def shapes_of(card):
    """Return height and width of the images, in words."""
    return " or ".join(f"{height} x {width}" for height, width in card.shapes)


def structure_of(card):
    """Return the rule by which labels become structure, in words."""
    if card.labels is None:
        return "exact, made by code"
    values = ", ".join(map(str, card.labels.structure))
    if card.labels.rule == "values":
        return f"label {values}"
    if card.labels.rule == "threshold":
        return f"label above {card.labels.above:g}"
    return f"between different ids, {card.labels.thickness} px" + (f"; and id {values}" if values else "")


def folds_of(card):
    """Return how a card splits its images, in words."""
    if card.folds.rule == "parts":
        return "official split"
    return f"{card.folds.number}, {card.folds.rule}"


def validity_of(card):
    """Return which pixels are not valid, in words."""
    if card.validity is None:
        return ""
    if card.validity.rule == "mask":
        return "what lies outside the field of view, for which there is a mask beside each image"
    return f"pieces of at least {card.validity.smallest} pixels of the colour {list(card.validity.colour)}"


def units_of(card):
    """Return which images depend on each other, in words."""
    if card.units.block:
        return f"{card.units.block} neighbouring sections"
    return f"images in whose names `{card.units.pattern}` finds the same" if card.units.pattern else ""


def table(heads, rows):
    """Return a Markdown table; a pipe in a cell does not break it."""
    cells = [["-" if cell in ("", None) else str(cell).replace("|", r"\|") for cell in line] for line in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in [heads, ["---"] * len(heads), *cells])


def prose(text, code=True):
    """Return plain text as Markdown on one line: names as code unless told not to, DOIs and arXiv numbers as links."""
    parts = re.split(r"(`[^`]*`)", " ".join(text.split()))  # every second one is code already
    for place in range(0, len(parts), 2):
        found = parts[place].replace("<", "&lt;")
        if code:
            found = re.sub(r"[\w*]*_[\w*]+|\btopobench\.[\w.]*\w", r"`\g<0>`", found)
        found = re.sub(r"\barXiv:(\d+\.\d+)", r"[arXiv:\1](https://arxiv.org/abs/\1)", found)
        parts[place] = re.sub(r"\bdoi:(10\.[^\s,;)]+\w)", r"[doi:\1](https://doi.org/\1)", found)
    return "".join(parts)


def main(check):
    """Write the pages, or only compare them; return the exit code."""
    made = pages()
    stray = set((DOCS / "protocols").glob("*.md")) - set(made)
    stale = [path for path, text in made.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    for path in sorted([*stale, *stray]):
        if check:
            print(f"{path.relative_to(DOCS.parent)} is stale; run python docs/make_pages.py", file=sys.stderr)
        elif path in stray:
            path.unlink()
        else:
            path.write_text(made[path], encoding="utf-8")
    return int(check and bool(stale or stray))


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv[1:]))
