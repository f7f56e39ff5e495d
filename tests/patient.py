"""A flow that waits, for tests of what ends it."""

import time

from prefect import flow

from tasks.suspending import ending_when_suspended


@flow
def patient() -> None:
    with ending_when_suspended():
        time.sleep(600)
