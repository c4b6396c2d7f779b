"""Properties are about results: how long one example takes on a busy machine proves nothing."""

from hypothesis import settings

settings.register_profile("steady", deadline=None)
settings.load_profile("steady")
