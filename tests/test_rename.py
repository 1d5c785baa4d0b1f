"""rename: one name at every moment, also for a daemon that dies."""

import threading
import time

import pytest


def rename(api, container, name, expect=204):
    return api.post(f"/containers/{container}/rename", expect=expect, name=name)


def test_rename(api):
    container = api.waiting(name="old")
    rename(api, "old", "new")
    assert api.inspect("new")["Id"] == container
    assert api.inspect("new")["Name"] == "/new"
    assert api.inspect(container)["State"]["Running"]
    api.get("/containers/old/json", expect=404)
    assert api.get("/containers/json").json()[0]["Names"] == ["/new"]
    api.create("true", name="old")


def test_rename_with_a_slash(api):
    container = api.create("true", name="old")
    rename(api, container, "/new")
    assert api.inspect(container)["Name"] == "/new"


def test_event(api):
    container = api.create("true", name="old")
    since = f"{time.time():.9f}"
    rename(api, "old", "new")
    events = api.get("/events", since=since, until=f"{time.time() + 0.01:.9f}", filters={"event": ["rename"]})
    (event,) = events.json_lines()
    assert event["Actor"]["ID"] == container
    assert event["Actor"]["Attributes"]["oldName"] == "/old"
    assert event["Actor"]["Attributes"]["name"] == "new"


@pytest.mark.parametrize(
    "name,status,text",
    [
        ("", 400, "Neither old nor new names may be empty"),
        ("-bad", 400, "Error when allocating new name: Invalid container name (-bad), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed"),
        ("a/b", 400, "Invalid container name"),
        ("x", 400, "Invalid container name"),
        ("a b", 400, "Invalid container name"),
        ("mine", 400, "Renaming a container with the same name as its current name"),
        ("/mine", 400, "Renaming a container with the same name as its current name"),
        ("other", 409, 'Conflict. The container name "/other" is already in use by container'),
    ],
)  # fmt: skip
def test_refused(api, name, status, text):
    container = api.create("true", name="mine")
    api.create("true", name="other")
    answer = rename(api, "mine", name, expect=(400, 409, 500))
    assert text in answer.message
    assert answer.status == status or api.daemon.is_docker
    assert api.inspect(container)["Name"] == "/mine"
    assert api.inspect("other")["Id"] != container


def test_no_such_container(api):
    assert "No such container: nosuch" in rename(api, "nosuch", "x1", expect=404).message
    api.get("/containers/x1/json", expect=404)


def test_the_network_knows_the_new_name(api):
    container = api.waiting(name="old")
    rename(api, container, "new")
    assert api.get("/networks/bridge").json()["Containers"][container]["Name"] == "new"


def test_who_joined_it_stays_joined(api):
    container = api.waiting(name="old")
    joined = api.create("/bin/probe", "wait", host={"NetworkMode": "container:old"})
    rename(api, container, "new")
    api.start(joined)
    assert api.inspect(joined)["HostConfig"]["NetworkMode"] == f"container:{container}"


def test_races_for_a_name(api):
    made = [api.create("true") for _ in range(8)]
    answers = []

    def work(container):
        answers.append(rename(api, container, "contested", expect=(204, 409)).status)

    threads = [threading.Thread(target=work, args=(container,)) for container in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [204] + [409] * 7
    assert api.inspect("contested")["Id"] in made


@pytest.mark.gantry_only("a daemon of the test's own")
def test_survives_the_daemon(own_daemon):
    daemon = own_daemon()
    container = daemon.api.waiting(name="old")
    rename(daemon.api, "old", "new")
    daemon.kill()
    daemon.start()
    assert daemon.api.inspect("new")["Id"] == container
    assert daemon.api.get("/networks/bridge").json()["Containers"][container]["Name"] == "new"
    daemon.api.get("/containers/old/json", expect=404)
    daemon.api.remove(container)


def test_command_line(cli, api):
    api.create("true", name="old")
    api.create("true", name="other")
    assert cli.out("rename", "old", "new") == ""
    failed = cli("container", "rename", "new", "other", code=1)
    assert "is already in use by container" in failed.err
    assert cli.out("ps", "-a", "--format", "{{.Names}}").split() == ["other", "new"]
