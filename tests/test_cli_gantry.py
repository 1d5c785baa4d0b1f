"""What the gantry command line has of its own, and where it must match docker letter for letter."""

import re
import shutil
import subprocess

import pytest

from harness import cli as clis
from harness.image import IMAGE


@pytest.fixture
def docker(daemon):
    client = clis.Cli("docker", daemon)
    if client.missing():
        pytest.skip(client.missing())
    return client


@pytest.fixture
def world(gantry):
    """A few containers to print."""
    gantry.out("run", "-d", "--name", "web", "--label", "tier=front", "-p", "18500:80", IMAGE, "/bin/probe", "wait")
    gantry("run", "--name", "job", IMAGE, "sh", "-c", "echo out; exit 3")
    gantry.out("create", "--name", "idle", "--expose", "99", IMAGE, "sh", "-c", "a rather long command line")


# Both clients print these of the same daemon; the output must not differ in a byte.
SAME = [
    ["ps", "-a", "--format", "{{.ID}} {{.Names}} {{.Image}} {{.Command}} {{.Ports}} {{.Labels}} {{.State}} {{.Networks}} {{.Mounts}} {{.LocalVolumes}}"],
    ["ps", "-a", "--no-trunc", "--format", "table {{.ID}}\t{{.Names}}\t{{.Command}}"],
    ["ps", "-aq"],
    ["ps", "-a", "--format", "{{json .}}", "--filter", "name=idle"],
    ["ps", "-a", "--format", "{{upper .Names}} {{truncate .ID 4}} {{.Label \"tier\"}}"],
    ["images"],
    ["images", "--digests"],
    ["images", "-q", "--no-trunc"],
    ["images", "--format", "{{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{.Size}}"],
    ["images", "--format", "{{json .Repository}} {{json .Digest}} {{.VirtualSize}} {{.CreatedAt}} {{.CreatedSince}}"],
    ["history", IMAGE],
    ["history", "--no-trunc", "--format", "{{.CreatedBy}} {{.Size}}", IMAGE],
    ["inspect", "web"],
    ["inspect", "--size", "-f", "{{.SizeRootFs}}", "web"],
    ["inspect", "-f", "{{json .HostConfig}}", "web"],
    ["inspect", "-f", "{{range $k, $v := .Config.Labels}}{{$k}}={{$v}};{{end}}", "web"],
    ["inspect", "-f", "{{with .State}}{{.Status}}{{end}} {{if eq .Name \"/web\"}}yes{{else}}no{{end}}", "web"],
    ["inspect", "-f", "{{(index (index .NetworkSettings.Ports \"80/tcp\") 0).HostPort}}", "web"],
    ["inspect", "-f", "{{printf \"%s %d %q\" .Name .State.ExitCode .Path}}", "job"],
    ["inspect", "-f", "{{join .Args \"+\"}} {{split .Name \"/\"}} {{println .Driver}}", "idle"],
    ["inspect", "--format", "json", "job"],
    ["inspect", IMAGE],
    ["logs", "job"],
    ["logs", "-t", "job"],
    ["version", "--format", "{{.Server.Version}} {{.Server.APIVersion}} {{.Server.Os}}/{{.Server.Arch}}"],
    ["info", "--format", "{{.Containers}} {{.ContainersRunning}} {{.Driver}} {{.CgroupDriver}} {{.Name}}"],
    ["container", "ls", "-a", "--format", "{{.Names}}"],
    ["image", "ls", "-q"],
    ["container", "inspect", "-f", "{{.Name}}", "web"],
    ["image", "inspect", "-f", "{{.RepoTags}}", IMAGE],
    ["system", "df"],
    ["system", "df", "-v"],
    ["system", "df", "--format", "{{.Type}} {{.TotalCount}} {{.Active}} {{.Size}} {{.Reclaimable}}"],
    ["system", "df", "--format", "json"],
    ["system", "df", "-v", "--format", "{{range .Images}}{{.Repository}} {{.UniqueSize}}{{end}}"],
    ["system", "df", "-v", "--format", "{{json .Containers}} {{json .Volumes}} {{json .Images}}"],
    ["system", "df", "-v", "--format", "json"],
    ["image", "prune", "-f"],
    ["port", "web"],
    ["port", "web", "80"],
    ["port", "web", "80/tcp"],
    ["top", "web"],
    ["top", "web", "-o", "pid,ppid,comm"],
    ["stats", "-a", "--no-stream", "--format", "{{.Name}} {{.PIDs}} {{.MemPerc}}", "idle"],
    ["stats", "-a", "--no-stream", "--format", "table {{.Container}}\t{{.ID}}\t{{.CPUPerc}}\t{{.MemUsage}}\t{{.NetIO}}\t{{.BlockIO}}", "idle", "job"],
]  # fmt: skip

# The same, for what goes wrong: exit code and text.
SAME_FAILURES = [
    ["inspect", "nosuch"],
    ["inspect", "-f", "{{.NoSuch}}", "web"],
    ["inspect", "-f", "{{", "web"],
    ["ps", "--format", "{{.NoSuch}}"],
    ["ps", "--filter", "nosuch=1"],
    ["ps", "extra"],
    ["rm", "web"],
    ["rm", "nosuch"],
    ["rmi", IMAGE],
    ["rmi", "nosuch"],
    ["kill", "job"],
    ["kill", "-s", "NOSUCH", "web"],
    ["start", "nosuch"],
    ["stop", "nosuch"],
    ["wait", "nosuch"],
    ["logs", "nosuch"],
    ["exec", "job", "true"],
    ["exec", "nosuch", "true"],
    ["attach", "job"],
    ["tag", "nosuch", "x"],
    ["tag", IMAGE, "UPPER"],
    ["run", "--name", "web", IMAGE, "true"],
    ["run", "--rm", "--pull=never", "nosuch"],
    ["run", "--rm", "-p", "x", IMAGE],
    ["run", "--rm", "-v", "a:b:c:d", IMAGE],
    ["run", "--rm", "-m", "x", IMAGE],
    ["run", "--rm", "--mount", "type=x", IMAGE],
    ["run", "--rm", "--ulimit", "x", IMAGE],
    ["run", "--rm", "--env-file", "/nosuch", IMAGE],
    ["run", "-d", "--rm", "--restart", "always", IMAGE],
    ["run", "--rm", "--nosuch", IMAGE],
    ["run", "--rm", IMAGE, "nosuch"],
    ["create", "--name", "-x", IMAGE],
    ["load", "-i", "/nosuch"],
    ["save", "nosuch", "-o", "/tmp/nosuch.tar"],
    ["port", "nosuch"],
    ["port", "web", "81"],
    ["port", "web", "x"],
    ["port", "web", "99999"],
    ["port", "web", "+80"],
    ["port", "web", "/tcp"],
    ["top", "job"],
    ["top", "nosuch"],
    ["top", "web", "-o", "comm"],
    ["stats", "--no-stream", "nosuch"],
    ["pause", "job"],
    ["unpause", "web"],
    ["rename", "web", "job"],
    ["rename", "web", "-x"],
    ["rename", "web", ""],
    ["rename", " ", "other"],
    ["rename", "nosuch", "other"],
    ["container", "prune", "-f", "--filter", "nosuch=1"],
    ["image", "prune", "-f", "--filter", "until=x"],
    ["nosuch"],
    ["rm"],
    ["exec", "web"],
]  # fmt: skip


def ageless(text):
    """TEXT without the ages that change while the second client prints, and the columns they widen."""
    if " second" not in text:
        return text
    return re.sub(r"  +", "  ", re.sub(r"(Less than a|\d+) seconds?( ago)?", "AGE", text))


def differences(arguments):
    return " ".join(arguments)[:70]


@pytest.mark.parametrize("arguments", SAME, ids=differences)
def test_prints_what_docker_prints(docker, gantry, world, arguments):
    theirs, ours = docker(*arguments, code=0), gantry(*arguments, code=0)
    assert (ageless(ours.out), ours.err) == (ageless(theirs.out), theirs.err)


@pytest.mark.parametrize("arguments", SAME_FAILURES, ids=differences)
def test_fails_as_docker_fails(docker, gantry, world, arguments):
    theirs, ours = docker(*arguments), gantry(*arguments)
    own_name = theirs.err.replace("docker: ", "gantry: ").replace("'docker ", "'gantry ")
    assert ours.code == theirs.code, ours
    assert ours.out == theirs.out
    assert ours.err in (theirs.err, own_name.replace("docker ", "gantry "), own_name)


HELP = ["run", "create", "start", "exec", "ps", "inspect", "logs", "attach", "stop", "kill", "restart", "wait", "rm", "update", "events", "images", "load", "save", "import", "tag", "rmi", "info", "version", "pause", "unpause", "rename", "port", "top", "stats"]


def described_flags(text):
    """The flags of a help text, each with what it says of them."""
    return dict(re.findall(r"^ {2}(?:-\w, | {4})(--\S+)((?:.|\n(?! {2}(?:-\w, | {4}--)))*)", text, re.M))


@pytest.mark.parametrize("command", HELP)
def test_help_has_dockers_layout(docker, gantry, command):
    ours, theirs = gantry.out(command, "--help"), docker.out(command, "--help")
    assert ours.splitlines()[0] == theirs.splitlines()[0].replace("docker", "gantry")
    assert [line for line in ours.splitlines() if line in ("Options:", "Aliases:")] == [
        line for line in theirs.splitlines() if line in ("Options:", "Aliases:")
    ]
    flags, known = described_flags(ours), set(described_flags(theirs))
    own = {name for name, described in flags.items() if described.rstrip().endswith("(Gantry)")}
    assert not own & known and bool(known) == ("Options:" in theirs)
    flags = set(flags)
    assert flags <= known | own | {"--help", "--tree"}, f"flags that docker does not have: {flags - known}"


def test_called_as_docker(gantry, tmp_path):
    link = tmp_path / "docker"
    link.symlink_to(gantry.program)
    done = subprocess.run([str(link), "ps"], env=gantry.environment(), capture_output=True, text=True, check=True)
    assert done.stdout.startswith("CONTAINER ID")


def test_starts_without_any_home(gantry):
    done = subprocess.run([gantry.program, "version"], env={"DOCKER_HOST": gantry.daemon.url}, capture_output=True, check=False)
    assert done.returncode == 0


def test_output_to_a_closed_pipe(gantry, world):
    shell = shutil.which("sh")
    done = subprocess.run([shell, "-c", f"{gantry.program} inspect web idle job web web | head -n 1"], env=gantry.environment(), capture_output=True, text=True, timeout=20, check=False)
    assert done.stdout == "[\n"
