"""The editor of a flow without scripts: each button sends the whole form, and only “save” keeps anything."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from crm.core.people.models import Member, Team
from crm.core.people.roles import Role
from crm.core.web.forms import MemberForm, ScopedChoiceField, ScopedMultipleChoiceField
from crm.core.web.numbers import is_whole

from .flows import KINDS, MODES, MOST_NODES
from .forms import colleagues
from .levels import FLAGS, several

ROLES = [(role.value, role.label) for role in Role if role != Role.PARTNER]
MONEY: dict[str, Any] = {"max_digits": 18, "decimal_places": 2, "min_value": Decimal(0), "required": False}
MATCHES = [("all", _("All of these")), ("any", _("One of these is enough"))]


class FlowForm(MemberForm):
    """What a flow is called, who gets a copy of each request, and the version the editor saw."""

    number = forms.IntegerField(widget=forms.HiddenInput)
    order = forms.CharField(widget=forms.HiddenInput)
    name = forms.CharField(max_length=100, label=_("name"))
    cc = ScopedMultipleChoiceField(Member, required=False, label=_("copies to"))

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["cc"].queryset = colleagues(self.fields["cc"].queryset)


class StepForm(MemberForm):
    """One node, as `levels` describes it; discounts are entered in percent."""

    key = forms.CharField(widget=forms.HiddenInput, required=False, max_length=40)
    name = forms.CharField(max_length=100, label=_("step"))
    mode = forms.ChoiceField(choices=list(MODES.items()), label=_("several people"))
    kind = forms.ChoiceField(choices=list(KINDS.items()), label=_("who decides"))
    level = forms.IntegerField(min_value=1, max_value=5, required=False, label=_("levels above the submitter"))
    role = forms.MultipleChoiceField(choices=ROLES, required=False, label=_("role"))
    people = ScopedMultipleChoiceField(Member, required=False, label=_("people"))
    units = ScopedMultipleChoiceField(Team, required=False, label=_("teams"))
    min_amount = forms.DecimalField(**MONEY, label=_("amount from"))
    max_amount = forms.DecimalField(**MONEY, label=_("amount below"))
    min_discount = forms.DecimalField(
        min_value=0, max_value=100, decimal_places=2, required=False, label=_("discount from, %")
    )
    below_floor = forms.BooleanField(required=False, label=_("a price below the floor"))
    nonstandard = forms.BooleanField(required=False, label=_("terms that are not standard"))
    money = forms.BooleanField(required=False, label=_("money is paid out or given up"))
    team = ScopedMultipleChoiceField(Team, required=False, label=_("of the teams"))
    match = forms.ChoiceField(choices=MATCHES, required=False, label=_("conditions"))

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["people"].queryset = colleagues(self.fields["people"].queryset)

    @classmethod
    def start(cls, node: Mapping[str, Any]) -> dict[str, Any]:
        """The initial values of a stored node."""
        assignee, when = node.get("assignee") or {}, node.get("when") or {}
        kind, value = assignee.get("kind"), assignee.get("value")
        discount = when.get("min_discount")
        return {
            "key": node.get("key"), "name": node.get("name"), "mode": node.get("mode"), "kind": kind,
            "level": value if kind == "manager" else 1, "role": several(value) if kind == "role" else [],
            "people": several(value) if kind == "member" else [], "units": several(value) if kind == "unit" else [],
            "min_amount": when.get("min_amount"), "max_amount": when.get("max_amount"),
            "min_discount": discount and (Decimal(discount) * 100).normalize(),
            "team": several(when.get("team")), "match": when.get("match", "all"),
            **{flag: when.get(flag, False) for flag in FLAGS},
        }  # fmt: skip

    @property
    def has_conditions(self) -> bool:
        names = ("min_amount", "max_amount", "min_discount", "team", *FLAGS)
        return any(self[name].value() not in (None, "", [], False) for name in names)

    @property
    def node(self) -> dict[str, Any]:
        """The node as `flows.clean_nodes` takes it."""
        given = self.cleaned_data
        picked = {"role": given["role"], "member": given["people"], "unit": given["units"]}
        discount = given["min_discount"]
        when = {name: given[name] for name in ("min_amount", "max_amount", "match", *FLAGS)}
        when |= {"min_discount": None if discount is None else discount / 100, "team": list(given["team"])}
        kind = given["kind"]
        assignee = {"kind": kind, "value": list(picked[kind]) if kind in picked else given["level"]}
        return {"key": given["key"], "name": given["name"], "mode": given["mode"], "assignee": assignee, "when": when}


class TryForm(MemberForm):
    """“An amount of X would go to …”."""

    amount = forms.DecimalField(**MONEY, label=_("amount"))
    submitter = ScopedChoiceField(Member, narrow=colleagues, required=False, label=_("submitted by"))
    discount = forms.DecimalField(min_value=0, max_value=100, decimal_places=2, required=False, label=_("discount, %"))
    below_floor = forms.BooleanField(required=False, label=_("a price below the floor"))
    nonstandard = forms.BooleanField(required=False, label=_("terms that are not standard"))
    money = forms.BooleanField(required=False, label=_("money is paid out or given up"))
    team = ScopedChoiceField(Team, required=False, label=_("team"))

    @property
    def facts(self) -> dict[str, Any]:
        given, discount = self.cleaned_data, self.cleaned_data["discount"]
        return {
            "amount": given["amount"], "discount": None if discount is None else discount / 100,
            "team_id": given["team"].pk if given["team"] else None, **{flag: given[flag] for flag in FLAGS},
        }  # fmt: skip


class Editor:
    """The forms of one flow: as stored, or as sent and then rearranged by the button pressed."""

    def __init__(self, flow, member, data=None):
        self.member, self.data, self.flow = member, data, flow
        self.do = (data.get("do") or "save") if data is not None else ""
        self.places = self._sent_order() if data is not None else list(range(len(flow.nodes)))
        self._rearrange()
        self.checks = self.do in ("save", "try")
        self.steps = [self._step(place) for place in self.places]
        self.header, self.trial = self._header(), self._trial()

    def _sent_order(self) -> list[int]:
        given = (self.data.get("order") or "").split(",")
        places = [int(text) for text in given if is_whole(text) and len(text) < 4]
        return list(dict.fromkeys(places))[:MOST_NODES]

    def _rearrange(self) -> None:
        what, _colon, which = self.do.partition(":")
        if what == "add" and len(self.places) < MOST_NODES:
            self.places.append(max(self.places, default=-1) + 1)
        if not is_whole(which) or int(which) not in self.places:
            return
        at = self.places.index(int(which))
        if what == "remove":
            self.places.pop(at)
        elif what == "up" and at:
            self.places.insert(at - 1, self.places.pop(at))
        elif what == "down":
            self.places.insert(at + 1, self.places.pop(at))

    def _step(self, place: int) -> StepForm:
        prefix = f"n{place}"
        if self.checks:
            return StepForm(self.data, member=self.member, prefix=prefix)
        if self.data is None:
            return StepForm(member=self.member, prefix=prefix, initial=StepForm.start(self.flow.nodes[place]))
        return StepForm(member=self.member, prefix=prefix, initial=_as_sent(StepForm, self.member, self.data, prefix))

    def _header(self) -> FlowForm:
        order = ",".join(map(str, self.places))
        if self.checks:
            return FlowForm(self.data, member=self.member)
        initial = {"name": self.flow.name, "cc": self.flow.cc, "number": self.flow.number}
        if self.data is not None:
            initial = _as_sent(FlowForm, self.member, self.data, None)
        return FlowForm(member=self.member, initial={**initial, "order": order})

    def _trial(self) -> TryForm:
        if self.do == "try":
            return TryForm(self.data, member=self.member, prefix="try")
        return TryForm(member=self.member, prefix="try")

    def is_valid(self) -> bool:
        """Every form is checked, so that all faults show at once."""
        forms_ = [self.header, *self.steps, *([self.trial] if self.do == "try" else [])]
        return not [form for form in forms_ if not form.is_valid()]

    @property
    def nodes(self) -> list[dict[str, Any]]:
        return [step.node for step in self.steps]


def _as_sent(form_class, member, data, prefix) -> dict[str, Any]:
    """What was typed, unchecked, so that rearranging steps loses nothing and complains of nothing."""
    form = form_class(member=member, prefix=prefix)
    return {
        name: field.widget.value_from_datadict(data, {}, form.add_prefix(name)) for name, field in form.fields.items()
    }
