"""What an adapter is: the protocol that a plugin of the group ``topobench.adapters`` keeps."""

from __future__ import annotations

from typing import Protocol

from topobench.types import Member, Sample

__all__ = ["Adapter"]


class Adapter(Protocol):
    """A reader of one disk layout: its files to samples. `topobench.data.conformance` asks what stands here.

    Parameters
    ----------
    card : topobench.cards.Card
        Whose key `adapter` names it.
    folder : Path
        Where the files lie; it may be empty, or not be there.
    **layout
        The keys of the card's ``[layout]``, by name, checked by the annotations of ``__init__`` before it is made: a
        key that it does not take, lacks or finds of another type is a CardError that names it. A table is annotated
        with a subclass of `topobench.cards.Strict`, several of one kind with ``tuple[Table, ...]``; an adapter with
        ``**options`` is given all further keys as they are, and checks them itself. What does not fit together in a
        card raises `topobench.errors.CardError`.

    Attributes
    ----------
    members : tuple of topobench.types.Member
        The images that can be read, in the card's order; those that are missing are not among them. Ids are texts, not
        empty, each of one image alone; the unit is never empty: that of an image which depends on no other is its id.
        The part is that of the official split, or empty. `topobench.data.samples.member_of` makes them as the card's
        ``[units]`` says.
    api_version : int, of the class, optional
        Of this contract: 1, which it also is without.

    Notes
    -----
    When it is made, it may look which files there are, and reads none. It can be pickled, for runs go to several
    processes: whoever holds open files leaves them out (``__getstate__``) and opens them anew.
    """

    members: tuple[Member, ...]

    def missing(self) -> list[str]:
        """Return what the card names and is not there: files, or how many images of how many; empty if all is."""
        ...

    def faults(self) -> list[str]:
        """Return what there is and does not fit: images without label, sizes that differ; reads headers at most.

        Each is part of a sentence, with the path and without a full stop. Of a folder without files there are none.
        """
        ...

    def read(self, image_id: str) -> Sample:
        """Return one sample, of an id that is among the members.

        The image is float32 (C, H, W) in [0, 1]: levels as stored over the largest that their type can hold, not
        standardised, with the card's number of channels. The truth is bool (H, W), True where there is structure. The
        validity is bool (H, W) with at least one pixel True, or None where all of them are. Id and unit are those of
        the member, and (H, W), in pixels, is one of the card's shapes where it lists any.

        Each call gives the same values, in whatever order images are asked for, in arrays that are the caller's own.
        DataError, with the path, where a file is not what the card says.
        """
        ...

    def data_hash(self) -> str:
        """Return a sha256 (64 hexadecimal digits) that changes whenever any sample would, and only then.

        Of the bytes of the files, not of times or paths: run ids hold it, on whatever machine.
        """
        ...
