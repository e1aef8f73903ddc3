"""versitygw takes minutes to build: its tests run by `make test-versitygw` alone."""

import os

import pytest

pytest.register_assert_rewrite("s3_judge", "s3_probe")

collect_ignore = [] if os.environ.get("VERSITYGW") else ["test_versitygw.py"]
