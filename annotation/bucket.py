"""Pictures for Label Studio's browser in an S3 bucket, for servers that share no folder with us.

Task data names a picture as ``s3://bucket/prefix/...``, and Label Studio fetches it with a storage
entry of its own and passes it on (*proxy mode*). The other way, addresses signed in advance, was
not taken: they stand in the task and expire while somebody works, the bucket must answer
browsers from elsewhere (CORS), and everyone who has the address sees the picture. The price is
that pictures run through Label Studio's process, and that it keeps a key to the bucket.

Keeps out: what is cut (``annotation.images``), and folders, which are the default
(``annotation.images.ImageFolder``).
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import fsspec

from annotation.label_studio import LabelStudio
from pipelines.errors import ServiceError

MARKER = "beitie.txt"
"""Shows that the bucket can be written; Label Studio refuses a prefix under which nothing is."""


@dataclass(frozen=True, kw_only=True)
class ImageBucket:
    """A prefix of a bucket that Label Studio may read.

    ``endpoint_url`` names a server other than Amazon's; without ``access_key`` this process and
    Label Studio each use what their own environment gives them.
    """

    bucket: str
    prefix: str
    endpoint_url: str = ""
    region: str = ""
    access_key: str = ""
    secret_key: str = field(default="", repr=False)

    @staticmethod
    def of(
        url: str, *, endpoint_url: str, region: str, access_key: str, secret_key: str
    ) -> ImageBucket:
        """From ``s3://bucket/prefix``."""
        bucket, _, prefix = url.removeprefix("s3://").partition("/")
        return ImageBucket(
            bucket=bucket,
            prefix=prefix.strip("/"),
            endpoint_url=endpoint_url,
            region=region,
            access_key=access_key,
            secret_key=secret_key,
        )

    @cached_property
    def filesystem(self) -> Any:
        """The bucket as files.

        Raises:
            ServiceError: If what speaks to S3 is not installed.
        """
        options: dict[str, Any] = {"client_kwargs": {}}
        if self.access_key:
            options |= {"key": self.access_key, "secret": self.secret_key}
        if self.endpoint_url:
            options["endpoint_url"] = self.endpoint_url
        if self.region:
            options["client_kwargs"]["region_name"] = self.region
        try:
            return fsspec.filesystem("s3", **options)
        except ImportError:
            raise ServiceError(
                f"Pictures are to lie in s3://{self.bucket}, but nothing here speaks to S3. "
                f"Install `beitie[s3]`, or unset BEITIE_IMAGES."
            ) from None

    @cached_property
    def _there(self) -> set[str]:
        """What the bucket holds, asked once: a question a picture would be thousands."""
        return set(self.filesystem.find("/".join(filter(None, (self.bucket, self.prefix)))))

    def prepare(self) -> None:
        """See that the bucket can be written.

        Raises:
            ServiceError: If it cannot.
        """
        self._write(MARKER, b"Pictures that Label Studio shows. Beitie makes them anew.\n")

    def has(self, name: str) -> bool:
        """Whether a picture is there."""
        return f"{self.bucket}/{self._key(name)}" in self._there

    def put(self, name: str, data: bytes) -> None:
        """Write a picture, whole or not at all."""
        self._write(f"{name[:2]}/{name}", data)
        self._there.add(f"{self.bucket}/{self._key(name)}")

    def url_of(self, name: str) -> str:
        """The address of a picture as it stands in a task."""
        return f"s3://{self.bucket}/{self._key(name)}"

    def let_read(self, client: LabelStudio, project_id: int) -> None:
        """Let a project's browser pages read the pictures."""
        client.serve_bucket(
            project_id,
            {
                "bucket": self.bucket,
                "prefix": self.prefix,
                "s3endpoint": self.endpoint_url or None,
                "region_name": self.region or None,
                "aws_access_key_id": self.access_key or None,
                "aws_secret_access_key": self.secret_key or None,
            },
        )

    def address_for(self, task_id: int, url: str) -> str:
        """Where the browser that opened a task gets a picture of it."""
        named = base64.urlsafe_b64encode(url.encode()).decode()
        return f"/tasks/{task_id}/resolve/?fileuri={named}"

    @property
    def advice(self) -> str:
        """What Label Studio needs to serve the pictures."""
        where = self.endpoint_url or "Amazon S3"
        return (
            f"It must reach the bucket {self.bucket} at {where} with the key it was given, and may "
            f"refuse addresses on its own network (SSRF_PROTECTION_ENABLED)."
        )

    def _key(self, name: str) -> str:
        return "/".join(filter(None, (self.prefix, name[:2], name)))

    def _write(self, name: str, data: bytes) -> None:
        path = "/".join(filter(None, (self.bucket, self.prefix, name)))
        try:
            # One request puts a whole object or none.
            self.filesystem.pipe_file(path, data)
        except (OSError, ValueError) as error:
            raise ServiceError(
                f"The bucket {self.bucket} cannot be written ({error}). Make it, and see to "
                f"AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_ENDPOINT_URL."
            ) from error
