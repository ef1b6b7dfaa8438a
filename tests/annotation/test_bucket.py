"""Pictures in a bucket: against a server that speaks S3 on a real socket (moto's)."""

from __future__ import annotations

import logging
import shutil

import numpy as np
import pytest

from annotation import interface
from annotation.bucket import ImageBucket
from annotation.client import connect
from annotation.images import make_derivative
from annotation.push import push
from annotation.server import LabelStudioServer, ServerParams
from assets.resources import Project, SettingsError, read_settings
from pipelines.errors import ServiceError
from pipelines.geometry import Box
from pipelines.imaging.codec import decode_picture, encode_png
from tests.annotation.conftest import DATABASE
from tests.annotation.examples import a_batch

moto = pytest.importorskip("moto.server", reason="moto is not installed: no S3 to test against")
pytest.importorskip("s3fs", reason="s3fs is not installed: `pip install 'beitie[s3]'`")


@pytest.fixture(scope="module")
def endpoint():
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


def a_bucket(endpoint, url):
    return ImageBucket.of(
        url,
        endpoint_url=endpoint,
        region="us-east-1",
        access_key="testing",
        secret_key="testing",
    )


@pytest.fixture
def bucket(endpoint, request):
    name = f"pictures-{abs(hash(request.node.name)) % 10**8}"
    found = a_bucket(endpoint, f"s3://{name}/beitie/shown")
    found.filesystem.call_s3("create_bucket", Bucket=name)
    return found


def test_a_picture_is_put_once_and_found_by_the_next_push(bucket, store):
    bucket.prepare()
    key = store.put(encode_png(np.zeros((40, 20), np.uint8)), ".png")
    made = make_derivative(store, key, Box(0, 0, 20, 30), images=bucket, max_side_px=15)
    assert made.url.startswith(f"s3://{bucket.bucket}/beitie/shown/")
    assert (made.width, made.height) == (10, 15)
    stored = bucket.filesystem.cat_file(made.url)
    assert decode_picture(stored).shape[:2] == (15, 10)
    again = a_bucket(bucket.endpoint_url, f"s3://{bucket.bucket}/beitie/shown")
    assert again.has(made.url.rsplit("/", 1)[1])
    assert not again.has("ab-other.jpg")
    assert "testing" not in repr(again).replace("access_key='testing'", "")


def test_a_bucket_that_is_not_there_says_what_to_do(endpoint):
    with pytest.raises(ServiceError, match="bucket nowhere cannot be written.*AWS_ENDPOINT_URL"):
        a_bucket(endpoint, "s3://nowhere/x").prepare()


def test_the_environment_names_the_bucket(tmp_path, endpoint):
    environment = {
        "BEITIE_HOME": str(tmp_path),
        "BEITIE_IMAGES": "s3://pictures/of/beitie/",
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "a secret",
    }
    settings = read_settings(environment)
    assert "a secret" not in repr(settings)
    images = Project(settings).images
    assert images.url_of("abc.jpg") == "s3://pictures/of/beitie/ab/abc.jpg"
    with pytest.raises(SettingsError, match="expected s3://bucket/prefix"):
        read_settings(environment | {"BEITIE_IMAGES": "/somewhere"})


@pytest.fixture
def beside_a_bucket(server, tmp_path):
    """A server of its own that may reach this machine's network, on a copy of the database."""
    folder = tmp_path / "label-studio"
    folder.mkdir()
    for name in (DATABASE, "secrets.json"):
        shutil.copy2(server.data_dir / name, folder / name)
    params = ServerParams(reaches_own_network=True)
    with LabelStudioServer(folder, venv=server.venv, params=params) as running:
        yield running


@pytest.mark.slow
@pytest.mark.label_studio
def test_label_studio_passes_pictures_on_from_the_bucket(bucket, tables, store, beside_a_bucket):
    client = connect(beside_a_bucket.url, beside_a_bucket.token)
    batch = a_batch(tables, store, name="in-a-bucket")
    for _ in range(2):  # the second push finds the storage, the tasks and the pictures
        done = push(tables, store, batch.name, client, images=bucket, code_version="test")
    assert (done.tasks_created, done.tasks_found, done.page_tasks_created) == (0, 2, 0)
    task = next(iter(client.tasks(done.project_id)))
    url = str(task.data[interface.IMAGE])
    assert url.startswith("s3://"), "what lies in the task never expires"
    data, media_type = client.fetch(bucket.address_for(task.task_id, url))
    assert media_type == "image/jpeg"
    assert data == bucket.filesystem.cat_file(url)
    with pytest.raises(ServiceError):
        client.fetch(bucket.address_for(task.task_id, "s3://another/picture.jpg"))


@pytest.mark.slow
@pytest.mark.label_studio
def test_a_server_that_may_not_reach_the_bucket_is_explained(bucket, tables, store, real):
    batch = a_batch(tables, store, name="out-of-reach")
    with pytest.raises(ServiceError):
        push(tables, store, batch.name, real, images=bucket, code_version="test")
