"""Leads in the states that tests begin with."""

import itertools
from datetime import timedelta

from django.utils import timezone

from crm.core.pools.models import Pool
from leads import actions
from leads.models import Lead

numbers = itertools.count(1)


def default_pool(tenant) -> Pool:
    return Pool.objects.of(tenant).get(is_default=True)


def contact() -> dict:
    n = next(numbers)
    return {
        "name": f"苏州精工机械{n:05}有限公司", "contact_name": "张伟", "phone": f"138{n:08}",
        "email": f"buyer{n}@firm{n}.example", "wechat": f"wx{n}", "needs": "五轴加工中心两台",
    }  # fmt: skip


def in_pool(by, pool=None, **values) -> Lead:
    """A lead that lies in a pool (default: the company's first)."""
    return actions.create_lead(by=by, pool=pool or default_pool(by.tenant_id), **{**contact(), **values})


def held(owner, days_ago: float = 0, **values) -> Lead:
    """A lead in `owner`'s hands since `days_ago`."""
    at = timezone.now() - timedelta(days=days_ago) if days_ago else None
    return actions.create_lead(by=owner, owner=owner, at=at, **{**contact(), **values})
