import os

import pytest

from cluster.session import connect, require_memory, require_packages
from ray_app.errors import ClusterError


def test_require_packages_missing_names_package_and_install_command():
    with pytest.raises(ClusterError, match=r"no_such_thing is not installed; run `pip install 'semray\[gpu\]'`"):
        require_packages("json", "no_such_thing", extra="gpu")


def test_require_memory_too_little_names_both_sizes_and_remedy():
    with pytest.raises(ClusterError, match=r"training needs 1024\.0 GiB .* are available on .*; close"):
        require_memory(1024 * 1024**3, "training")
    require_memory(1, "nothing")


def test_connect_dead_address_names_it(monkeypatch):
    monkeypatch.setitem(os.environ, "RAY_ADDRESS", "127.0.0.1:1")
    with pytest.raises(ClusterError, match=r"cannot reach Ray at 127\.0\.0\.1:1"), connect():
        pass
