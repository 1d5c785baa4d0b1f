"""AppArmor, where the kernel has it: `make test-vm`. test_security_options.py has the refusals of one
that has not."""

import subprocess

import pytest

from harness import wait
from harness.image import IMAGE


def enabled():
    try:
        with open("/sys/module/apparmor/parameters/enabled", encoding="ascii") as file:
            return file.read().startswith("Y")
    except OSError:
        return False


if not enabled():
    pytest.skip("needs a kernel with AppArmor: make test-vm", allow_module_level=True)

# Everything but a write to one file.
PROFILE = "profile gantry-test { file, capability, network, signal, ptrace, deny /etc/secret w, }\n"
CURRENT = "cat /proc/self/attr/current"


def own_profile(api, host=None):
    return api.shell(CURRENT, host=host or {}).strip()


def option(*words, **host):
    return dict(host, SecurityOpt=list(words))


@pytest.fixture(scope="module")
def profile():
    subprocess.run(["apparmor_parser", "--replace", "--skip-cache"], input=PROFILE, text=True, check=True)
    yield "gantry-test"
    subprocess.run(["apparmor_parser", "--remove"], input=PROFILE, text=True, check=True)


def test_everybody_is_confined(api):
    assert own_profile(api) == "docker-default (enforce)"
    container = api.waiting()
    assert api.inspect(container)["AppArmorProfile"] == "docker-default"
    assert api.exec(container, "cat", "/proc/self/attr/current")[1].strip() == "docker-default (enforce)"
    assert "name=apparmor" in api.get("/info").json()["SecurityOptions"]
    # The engine's signals reach it, and its own each other.
    assert api.shell("sleep 100 & kill $! && wait $!; echo $?").strip() == "143"
    api.post(f"/containers/{container}/stop", t=60)
    assert api.state(container)["Status"] == "exited"


def test_who_is_not(api):
    assert own_profile(api, {"Privileged": True}) == "unconfined"
    assert own_profile(api, option("apparmor=unconfined")) == "unconfined"
    assert own_profile(api, option("apparmor:unconfined")) == "unconfined"
    container = api.waiting()
    assert api.exec(container, "cat", "/proc/self/attr/current", Privileged=True)[1].strip() == "unconfined"
    container = api.create("true", host={"Privileged": True})
    assert api.inspect(container)["AppArmorProfile"] == "unconfined"


def test_what_the_default_takes(api):
    mount = "mount -t tmpfs x /tmp 2>&1 && echo mounted || echo refused"
    assert "refused" in api.shell(mount, host={"CapAdd": ["SYS_ADMIN"]})
    assert "mounted" in api.shell(mount, host=option("apparmor=unconfined", CapAdd=["SYS_ADMIN"]))
    write = "cat /proc/sys/vm/swappiness > /proc/sys/vm/swappiness && echo written || echo refused"
    assert "refused" in api.shell(write, host=option("systempaths=unconfined"))
    assert "written" in api.shell(write, host=option("systempaths=unconfined", "apparmor=unconfined"))
    # And what it leaves.
    assert api.shell("echo 77 > /proc/sys/kernel/shm_rmid_forced; echo 1 > /proc/self/oom_score_adj && echo fine").strip().endswith("fine")


def test_a_named_profile(api, profile):
    write = "echo x > /etc/secret && echo written || echo refused"
    host = option(f"apparmor={profile}")
    assert "refused" in api.shell(write, host=host)
    assert "written" in api.shell(write)
    # Asked for, it holds privileged ones, too.
    assert own_profile(api, dict(host, Privileged=True)) == "gantry-test (enforce)"
    container = api.waiting(host=host)
    assert api.inspect(container)["AppArmorProfile"] == profile
    assert api.exec(container, "sh", "-c", write)[1].strip() == "refused"


def test_no_new_privileges(api):
    assert own_profile(api, option("no-new-privileges")) == "docker-default (enforce)"


def test_an_unknown_profile(api):
    container = api.create("true", host=option("apparmor=gantry-no-such"))
    answer = api.start(container, expect=(400, 500))
    assert 'unable to apply apparmor profile: the profile "gantry-no-such" is not loaded' in answer.message
    assert api.state(container)["Status"] == "created"


def test_by_flag(cli, profile):
    run = lambda *words: cli.out("run", "--rm", *words, IMAGE, "cat", "/proc/self/attr/current")
    assert run("--security-opt", f"apparmor={profile}") == "gantry-test (enforce)"
    assert run() == "docker-default (enforce)"
    result = cli("run", "--rm", "--security-opt", "apparmor=gantry-no-such", IMAGE, "true", code=125)
    assert "is not loaded" in result.err


def test_it_is_loaded_again(api):
    """Upgrades of the distribution unload what they do not know."""
    with open("/sys/kernel/security/apparmor/.remove", "w", encoding="ascii") as file:
        file.write("docker-default\0")
    assert own_profile(api) == "docker-default (enforce)"
    container = api.waiting()
    wait.until(lambda: api.state(container)["Status"] == "running", "it runs")
