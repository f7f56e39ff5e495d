"""An S3 server on this machine, and the environment of those who use it."""

from contextlib import contextmanager

import boto3
import pytest
import s3fs
from moto.server import ThreadedMotoServer

BUCKET = "runs"


@contextmanager
def running_s3():
    """Yields what a user of the server sets in the environment; the bucket `runs` is there, empty."""
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    environment = {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    try:
        boto3.client(
            "s3",
            endpoint_url=environment["AWS_ENDPOINT_URL"],
            aws_access_key_id="test",
            aws_secret_access_key="test",
            region_name="us-east-1",
        ).create_bucket(Bucket=BUCKET)
        s3fs.S3FileSystem.clear_instance_cache()
        yield environment
    finally:
        server.stop()
        s3fs.S3FileSystem.clear_instance_cache()


@contextmanager
def s3_files():
    """Yields the file system of such a server, which this process has in its environment meanwhile."""
    with running_s3() as environment, pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        yield s3fs.S3FileSystem(skip_instance_cache=True)
