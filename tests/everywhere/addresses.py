"""Every address of a company, as data: what the tests of all URLs walk over."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RoutePattern

FOREIGN_ID = 900_001
# Words in addresses that name no row.
WORDS = {
    "tenant": "acme", "object": "leads", "kind": "csv", "verb": "accept", "subject_type": "leads.lead",
    "month": "2024-01", "what": "planned",
}  # fmt: skip
# What they may be where not every word is an answer; a verb that asks for something, so that nothing happens yet.
NAMED = {
    "home:board_rows": {"what": "signed"}, "activities:task": {"verb": "complete"},
    "accounts:collaborators": {"verb": "add"}, "opportunities:act": {"verb": "lose"},
    "approvals:request": {"verb": "copy"}, "approvals:task": {"verb": "transfer"},
    "approvals:panel": {"subject_type": "contracts.contract"},
    "approvals:start_flow": {"subject_type": "contracts.contract"}, "contracts:change_act": {"verb": "submit"},
    "contracts:act": {"verb": "transfer"}, "quotes:act": {"verb": "decline"}, "orders:act_batch": {"verb": "ship"},
    "orders:act": {"verb": "cancel"}, "orders:renew": {"verb": "assess"}, "receivables:plan_act": {"verb": "confirm"},
    "desk:decide_payer": {"verb": "approve"}, "closing:period_act": {"verb": "request-reopen"},
    "dunning:act": {"verb": "promise"},
}  # fmt: skip


@dataclass(frozen=True)
class Address:
    name: str
    route: str
    params: tuple[str, ...]
    methods: tuple[str, ...]

    @property
    def takes_id(self) -> bool:
        return any(param not in WORDS for param in self.params)

    @property
    def is_api(self) -> bool:
        return "api/v1/" in self.route


def company_addresses() -> list[Address]:
    """Every pattern below a company's slug; format suffixes of the router are left out."""
    found = {}
    for name, route, pattern in _walk(get_resolver().url_patterns, "", ""):
        if "tenant" in route and "format" not in route and "drf_format" not in route:
            found[route] = Address(name, route, _params(route), _methods(pattern))
    return list(found.values())


def _walk(patterns, route: str, namespace: str) -> Iterator[tuple[str, str, URLPattern]]:
    for entry in patterns:
        here = route + _text(entry.pattern)
        if isinstance(entry, URLResolver):
            inner = ":".join(filter(None, [namespace, entry.namespace]))
            yield from _walk(entry.url_patterns, here, inner)
        else:
            yield ":".join(filter(None, [namespace, entry.name])), here, entry


def _text(pattern) -> str:
    """A route in one notation: <name> for every parameter."""
    if isinstance(pattern, RoutePattern):
        return re.sub(r"<(?:\w+:)?(\w+)>", r"<\1>", str(pattern))
    text = str(pattern).removeprefix("^").removesuffix("$").replace("\\Z", "").replace("\\.", ".")
    return re.sub(r"\(\?P<(\w+)>(?:[^()]|\([^()]*\))*\)", r"<\1>", text)


def _params(route: str) -> tuple[str, ...]:
    return tuple(re.findall(r"<(\w+)>", route))


def _methods(pattern: URLPattern) -> tuple[str, ...]:
    actions = getattr(pattern.callback, "actions", None)
    return tuple(actions) if actions else ("get", "post")


def url(address: Address, **values) -> str:
    """The address with its parameters filled in; ids default to one that only Globex has."""
    path, values = "/" + address.route.removeprefix("/"), {**WORDS, **NAMED.get(address.name, {}), **values}
    for param in address.params:
        path = path.replace(f"<{param}>", str(values.get(param, FOREIGN_ID)))
    return path
