"""Counting what one caller does in a minute, for addresses that anybody may open."""

import hashlib
import logging

from django.core.cache import cache
from django.http import HttpRequest
from rest_framework.throttling import BaseThrottle

log = logging.getLogger(__name__)
MINUTE = 60


def too_many(request: HttpRequest, what: str, most: int) -> bool:
    """Count one more `what` of the caller; True when it is more than `most` within a minute.

    A cache that is down lets everybody through: a customer's answer must not depend on it.
    """
    caller = BaseThrottle().get_ident(request)
    key = f"throttle:{what}:{hashlib.sha256(caller.encode()).hexdigest()[:32]}"
    try:
        cache.add(key, 0, MINUTE)
        return cache.incr(key) > most
    except Exception as error:
        log.warning("nothing is counted, the cache does not answer: %s", error)
        return False
