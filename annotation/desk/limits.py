"""How much the desk takes and for how long: every number that guards it.

Keeps out: the limits of decoding a picture (``pipelines.imaging.codec``).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from pipelines.imaging.codec import CodecParams


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits of the desk.

    Attributes:
        max_file_bytes: Of one upload.
        max_chunk_bytes: Of one request that carries a part of a file.
        max_form_bytes: Of any other request.
        max_files_per_delivery: Files that travel under one description.
        max_path_characters: Of a file's name with its folders.
        quota_bytes: What one user may bring in all, unless the user has a quota of their own.
        spare_disk_bytes: What must stay free on the disk.
        session_hours: After which one signs in again.
        min_password_characters: Of a new password.
        max_password_characters: Longer ones only keep the server busy.
        failures_per_name: Wrong passwords for one name from one address within the window.
        failures_per_address: Wrong passwords from one address within the window.
        failure_window_minutes: How long a wrong password is remembered.
        thumbnail_px: Longest side of a thumbnail.
        page_px: Longest side of a page under its transcription.
        codec: Limits of decoding.
    """

    max_file_bytes: int = 512 << 20
    max_chunk_bytes: int = 4 << 20
    max_form_bytes: int = 64 << 10
    max_files_per_delivery: int = 5000
    max_path_characters: int = 400
    quota_bytes: int = 50 << 30
    spare_disk_bytes: int = 1 << 30
    session_hours: int = 12
    min_password_characters: int = 10
    max_password_characters: int = 256
    failures_per_name: int = 5
    failures_per_address: int = 30
    failure_window_minutes: int = 15
    thumbnail_px: int = 260
    page_px: int = 2200
    codec: CodecParams = field(default_factory=CodecParams)
