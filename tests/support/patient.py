"""A flow that waits, for tests of what ends it."""

import time

from mucode_tasks.engine.suspension import ending_when_suspended
from prefect import flow


@flow
def patient() -> None:
    with ending_when_suspended():
        time.sleep(600)
