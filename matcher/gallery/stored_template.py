"""A stored template, decoded."""

from __future__ import annotations

from matcher.errors import StoreCorruptError, TemplateError
from matcher.gallery.records import StoredSample
from matcher.template.modality import Template, decode, modality_of


def unreadable(error: TemplateError, subject_id: str | None = None) -> StoreCorruptError:
    """Return what a stored template means that is wrong, of a subject where that is known."""
    whose = "" if subject_id is None else f" of subject {subject_id!r}"
    return StoreCorruptError(
        f"A stored template{whose} cannot be read ({error.reason}).", hint="Restore the store from a backup."
    )


def template_of(sample: StoredSample) -> Template:
    """Return a stored template.

    Raises
    ------
    StoreCorruptError
        If it cannot be read, or is of another modality than its row says.
    """
    try:
        template = decode(sample.template)
    except TemplateError as error:
        raise unreadable(error, sample.subject_id) from error
    if modality_of(template) is not sample.modality:
        raise StoreCorruptError(
            f"A stored template of subject {sample.subject_id!r} is of another modality than its row.",
            hint="Restore the store from a backup.",
        )
    return template
