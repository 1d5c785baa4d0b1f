"""HostConfig.StorageOpt and --storage-opt where no limit can be kept. test_project_quota.py is about the effect."""

import pytest

from harness import quota
from harness.image import IMAGE

REFUSAL = "--storage-opt is supported only for overlay over xfs with 'pquota'"
without_quota = pytest.mark.skipif(quota.is_there(), reason="/tmp has project quotas")


@without_quota
def test_refused(api, cli):
    answer = api.create("true", host={"StorageOpt": {"size": "1g"}}, expect=400)
    assert answer.message.startswith(REFUSAL)
    assert REFUSAL in cli("create", "--storage-opt", "size=1g", IMAGE, "true", code=1).err
    assert REFUSAL in cli("run", "--storage-opt", "size=1g", IMAGE, "true", code=125).err
    assert api.get("/containers/json", all=1).json() == []
    api.create("true", host={"StorageOpt": {"size": "0"}})  # no limit


@without_quota
@pytest.mark.gantry_only("it is gantryd's")
def test_a_default_that_cannot_be_kept(own_daemon):
    daemon = own_daemon(start=False, flags=["--storage-opt", "overlay2.size=1g"])
    daemon.spawn()
    assert daemon.process.wait(60) == 1
    assert "storage option overlay2.size not supported" in daemon.tail()
