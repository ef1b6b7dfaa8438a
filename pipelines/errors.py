"""Everything that can be wrong with the material, as one tree.

    BeitieError
    ├── MaterialError            something the user gave us
    │   ├── UnreadableImage      the bytes are not a picture we can take
    │   ├── MetadataError        the description of a work is wrong
    │   ├── FontError            a font cannot be used
    │   │   └── MissingGlyph     the font has no outline for the character
    │   └── RightsError          what may not be mixed would be mixed
    ├── TableError               a table is missing, half written or of another schema
    ├── StoreError               a picture is missing from the store or differs from its name
    ├── ServiceError             a server (Label Studio) is down, slow or refuses
    └── ModelError               a checkpoint, recipe or release cannot be used

Every message says what was found, what was expected, which item, and what to do next. A stage
does not raise for one bad item among many: it returns it as a rejection with the ``reason``
named here, so that nothing disappears.
"""

from __future__ import annotations


class BeitieError(Exception):
    """Root of the tree: catch it in the outermost shell, print it, exit non-zero."""


class MaterialError(BeitieError):
    """Something the user gave us cannot be used as it is.

    Attributes:
        reason: Short snake_case code, stored in the rejection record and counted in reports.
    """

    def __init__(self, message: str, *, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


class UnreadableImage(MaterialError):
    """The bytes are truncated, mislabelled, empty, too large, or no picture at all."""


class MetadataError(MaterialError):
    """A sidecar file or flag is missing, unknown or contradicts what is already stored."""


class FontError(MaterialError):
    """A font is missing, broken, or not what the registry says it is."""


class MissingGlyph(FontError):
    """The font claims a character but draws nothing for it, or does not have it."""


class RightsError(MaterialError):
    """The rights of two records do not allow what was asked of them."""


class TableError(BeitieError):
    """A table is missing, half written, or was written under another schema."""


class StoreError(BeitieError):
    """The store lacks a picture, or a picture no longer matches the hash in its key."""


class ServiceError(BeitieError):
    """A server that we depend on is down, slow, or answered with an error."""


class ModelError(BeitieError):
    """A checkpoint, recipe or release is missing, incomplete or of another version."""
