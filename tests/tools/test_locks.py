"""The committed locks: whole, hashed, and free of the machine they were made on."""

import re

import pytest

from tools.machine import ROOT

PIN = re.compile(r"^([a-z0-9._-]+)==(\S+)", re.M)


def read(name):
    with open(f"{ROOT}/requirements/{name}") as handle:
        return handle.read()


def pins(name):
    return dict(PIN.findall(read(f"{name}.lock")))


def test_the_develop_lock_contains_the_runtime_lock():
    runtime, develop = pins("runtime"), pins("develop")
    assert len(runtime) > 40
    assert {name: develop.get(name) for name in runtime} == runtime


@pytest.mark.parametrize("name", ["runtime", "develop"])
def test_every_pin_has_hashes_and_no_lock_names_an_index(name):
    text = read(f"{name}.lock")
    assert "://" not in text and "--index-url" not in text
    for block in re.split(r"\n(?=[a-z0-9])", text):
        assert "--hash=sha256:" in block, block.splitlines()[0]


@pytest.mark.parametrize("name", ["runtime", "develop"])
def test_every_wish_is_locked(name):
    wishes = re.findall(r"^([A-Za-z0-9][\w-]*)", read(f"{name}.in"), re.M)
    missing = [wish for wish in wishes if wish.lower().replace("_", "-") not in pins(name)]
    assert missing == []
