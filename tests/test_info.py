"""GET /info."""


def test_info_has_what_clients_read(api):
    info = api.get("/info").json()
    assert info["OSType"] == "linux"
    assert info["Architecture"] == "x86_64"
    assert info["Swarm"]["LocalNodeState"] == "inactive"
    assert info["IndexServerAddress"] == "https://index.docker.io/v1/"
    assert info["RegistryConfig"] is not None
    assert {"Volume", "Network", "Log"} <= set(info["Plugins"])
    assert "json-file" in info["Plugins"]["Log"]
    assert info["NCPU"] >= 1 and info["MemTotal"] > 1 << 20
    assert info["CgroupVersion"] in ("1", "2")
    assert any("seccomp" in option for option in info["SecurityOptions"])
    assert info["DockerRootDir"] == api.daemon.data_root
    assert info["Warnings"] is None or isinstance(info["Warnings"], list)


def test_info_counts_containers_and_images(api):
    before = api.get("/info").json()
    api.waiting()
    api.create("true")
    after = api.get("/info").json()
    assert after["Containers"] == before["Containers"] + 2
    assert after["ContainersRunning"] == before["ContainersRunning"] + 1
    assert after["ContainersStopped"] == before["ContainersStopped"] + 1
    assert after["ContainersPaused"] == 0
    assert after["Images"] == 1
