"""Settings of every environment; what differs comes from environment variables.

`CRM_ENV` is `local` (make run), `test` or `production`; production refuses to
start with a default secret (see `crm.core.tenancy.checks` and docs/deploy.md).
"""

from pathlib import Path

import environ
from csp.constants import NONE, SELF
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
RUN_DIR = Path(env("RUN_DIR", default=str(BASE_DIR / ".run"))).resolve()

CRM_ENV = env("CRM_ENV", default="local")
DEBUG = env.bool("DEBUG", default=False)
LOCAL_SECRET = "local-only-secret-of-a-machine-that-serves-nobody-else"
SECRET_KEY = env("SECRET_KEY", default=LOCAL_SECRET)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]", "testserver"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
SITE_URL = env("SITE_URL", default=f"http://localhost:{env('PORT', default='8000')}")

# The floor first, in order of dependence; nothing below imports what stands above it.
INSTALLED_APPS = [
    "crm.core.tenancy",
    "crm.core.people",
    "crm.core.events",
    "crm.core.company",
    "crm.core.activities",
    "crm.core.catalog",
    "crm.core.entities",
    "crm.core.identity",
    "crm.core.pools",
    "crm.core.approvals",
    "crm.core.notifications",
    "crm.core.web",
    "crm.core.imports",
    "accounts.apps.AccountsConfig",
    "opportunities.apps.OpportunitiesConfig",
    "contracts.apps.ContractsConfig",
    "receivables.apps.ReceivablesConfig",
    "leads.apps.LeadsConfig",
    "crm.home",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.usersessions",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_htmx",
    "django_cotton.apps.SimpleAppConfig",
    "template_partials.apps.SimpleAppConfig",
    "django.forms",
    "csp",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "crm.core.web.middleware.RequestIdMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django_permissions_policy.PermissionsPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "crm.core.company.middleware.SessionActivityMiddleware",
    "crm.core.company.middleware.LanguageMiddleware",
    "crm.core.company.middleware.CompanyMiddleware",
    "crm.core.web.middleware.RefusalMiddleware",
]

ROOT_URLCONF = "crm.urls"
WSGI_APPLICATION = "crm.wsgi.application"
# Cotton and partials each replace the loaders of the other when left to configure themselves.
TEMPLATE_LOADERS = [
    (
        "template_partials.loader.Loader",
        [
            (
                "django.template.loaders.cached.Loader",
                [
                    "django_cotton.cotton_loader.Loader",
                    "django.template.loaders.filesystem.Loader",
                    "django.template.loaders.app_directories.Loader",
                ],
            )
        ],
    )
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "crm.core.web.context.page",
            ],
            "builtins": [
                "django_cotton.templatetags.cotton",
                "template_partials.templatetags.partials",
                "crm.core.web.templatetags.crm",
            ],
            "loaders": TEMPLATE_LOADERS,
        },
    }
]
COTTON_DIR = "components"
FORM_RENDERER = "crm.core.web.rendering.FormRenderer"

# Two roles: crm_app serves and owns nothing, crm_owner migrates (tenancy.md 1.6).
DATABASE_BACKEND = "crm.core.tenancy.backend"
DATABASES = {
    "default": env.db("DATABASE_URL", default="postgres://crm_app:app@127.0.0.1:5432/crm"),
    "owner": env.db("DATABASE_OWNER_URL", default="postgres://crm_owner:owner@127.0.0.1:5432/crm"),
}
for _alias in DATABASES.values():
    _alias.update(
        ENGINE=DATABASE_BACKEND,
        CONN_MAX_AGE=60,
        CONN_HEALTH_CHECKS=True,
        OPTIONS={"connect_timeout": 5},
    )
DATABASES["default"]["ATOMIC_REQUESTS"] = True
DATABASES["default"]["OPTIONS"]["options"] = env(
    "DATABASE_APP_OPTIONS",
    default="-c statement_timeout=15s -c idle_in_transaction_session_timeout=30s -c lock_timeout=5s",
)
DATABASES["default"]["TEST"] = {"MIRROR": "owner"}
DATABASES["owner"]["TEST"] = {"DEPENDENCIES": [], "NAME": env("CRM_TEST_DATABASE", default=None)}
DATABASE_ROUTERS = ["crm.core.tenancy.router.OwnerMigrates"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env("REDIS_URL", default="redis://127.0.0.1:6379")
if CRM_ENV == "test":
    CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
else:
    CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": f"{REDIS_URL}/1"}}

AUTH_USER_MODEL = "people.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 8}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]
PASSWORD_HASHERS = (
    ["django.contrib.auth.hashers.MD5PasswordHasher"]
    if CRM_ENV == "test"
    else ["django.contrib.auth.hashers.ScryptPasswordHasher", "django.contrib.auth.hashers.PBKDF2PasswordHasher"]
)
ACCOUNT_ADAPTER = "crm.core.company.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_SIGNUP_FORM_CLASS = "crm.core.company.forms.SignupForm"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "optional"
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = True
ACCOUNT_RATE_LIMITS = {} if CRM_ENV == "test" else {"login_failed": "10/m/ip,5/5m/key"}
USERSESSIONS_TRACK_ACTIVITY = True
LOGIN_URL = reverse_lazy("account_login")
LOGIN_REDIRECT_URL = "/"

SESSION_COOKIE_AGE = 14 * 24 * 3600
CSRF_FAILURE_VIEW = "crm.core.web.failures.csrf_failure"
SECURE = CRM_ENV == "production"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE
SESSION_COOKIE_NAME = "__Host-sessionid" if SECURE else "sessionid"
CSRF_COOKIE_NAME = "__Host-csrftoken" if SECURE else "csrftoken"
SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=SECURE)
SECURE_HSTS_SECONDS = 31536000 if SECURE else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = SECURE
if env.bool("BEHIND_TLS_PROXY", default=False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:", "blob:"],
        "connect-src": [SELF],
        "frame-ancestors": [NONE],
        "form-action": [SELF],
        "base-uri": [SELF],
        "object-src": [NONE],
    }
}
PERMISSIONS_POLICY = {"geolocation": "self", "camera": "self", "microphone": "self", "payment": []}

# Tests compare English sentences; those of the Chinese pages ask for them.
LANGUAGE_CODE = "en" if CRM_ENV == "test" else "zh-hans"
LANGUAGES = [("zh-hans", _("Chinese")), ("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "UTC"
USE_TZ = True
USE_THOUSAND_SEPARATOR = False

STATIC_URL = "/static/"
STATIC_ROOT = env("STATIC_ROOT", default=str(RUN_DIR / "static"))
STATICFILES_DIRS = [BASE_DIR / "static"]
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "crm.core.web.static.VendorFinder",
]
VENDOR_DIR = BASE_DIR / "frontend" / "vendor"
STORAGES = {
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": env("MEDIA_ROOT", default=str(RUN_DIR / "files"))},
    },
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if CRM_ENV == "test" or DEBUG
        else "crm.core.web.static.ManifestStorage"
    },
}
WHITENOISE_USE_FINDERS = CRM_ENV == "test"
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2000
FILE_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024

DEFAULT_FROM_EMAIL = env("DEFAULT_FROM_EMAIL", default="Leadline <no-reply@localhost>")
EMAIL_FILE_PATH = str(RUN_DIR / "mail")
EMAIL_CONFIG = env.email_url("EMAIL_URL", default="filemail://")
EMAIL_BACKEND = EMAIL_CONFIG["EMAIL_BACKEND"]
EMAIL_HOST = EMAIL_CONFIG.get("EMAIL_HOST", "")
EMAIL_PORT = EMAIL_CONFIG.get("EMAIL_PORT") or 25
EMAIL_HOST_USER = EMAIL_CONFIG.get("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = EMAIL_CONFIG.get("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS = EMAIL_CONFIG.get("EMAIL_USE_TLS", False)
EMAIL_TIMEOUT = 10

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["crm.core.web.rest.MemberAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["crm.core.web.rest.IsMember"],
    "DEFAULT_PAGINATION_CLASS": "crm.core.web.rest.CursorPages",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser", "rest_framework.parsers.MultiPartParser"],
    "EXCEPTION_HANDLER": "crm.core.web.api.explain",
    "PAGE_SIZE": 50,
    "COERCE_DECIMAL_TO_STRING": True,
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
    # How many proxies of ours add the caller's address; without one, what a caller says of himself is not believed.
    "NUM_PROXIES": env.int("TRUSTED_PROXIES", default=int(env.bool("BEHIND_TLS_PROXY", default=False))),
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Leadline",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SCHEMA_PATH_PREFIX": r"/[^/]+/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    # Several records have a status; of some, more than one component shows it.
    "ENUM_NAME_OVERRIDES": {
        "LeadStatusEnum": "leads.models.Lead.Status",
        "QuoteStatusEnum": "contracts.models.Quote.Status",
        "ApprovalStatusEnum": "crm.core.approvals.models.Instance.Status",
        "ApprovalTaskStatusEnum": "crm.core.approvals.models.ApprovalTask.Status",
        "ApprovalTaskKindEnum": "crm.core.approvals.models.ApprovalTask.Kind",
        "ContractKindEnum": "contracts.models.Contract.Kind",
        "ContractStatusEnum": "contracts.models.Contract.Status",
        "ChangeKindEnum": "contracts.models.ChangeOrder.Kind",
        "ChangeStatusEnum": "contracts.models.ChangeOrder.Status",
        "OrderStatusEnum": "contracts.models.Order.Status",
        "BatchStatusEnum": "contracts.models.Batch.Status",
        "RenewalRiskEnum": "contracts.models.Renewal.Risk",
        "RenewalLossEnum": "contracts.models.Renewal.Loss",
        "ReceivableKindEnum": "receivables.models.Receivable.Kind",
        "ReceivableStateEnum": "receivables.states.State",
        "PlanModeEnum": "receivables.models.Plan.Mode",
        "PlanStatusEnum": "receivables.models.Plan.Status",
        "InvoiceKindEnum": "receivables.models.invoices.Kind",
        "InvoiceRequestStatusEnum": "receivables.models.InvoiceRequest.Status",
        "RedConfirmationEnum": "receivables.models.invoices.Confirmation",
        "RefundStatusEnum": "receivables.models.Refund.Status",
        "WriteOffStatusEnum": "receivables.models.WriteOff.Status",
        "PeriodStatusEnum": "receivables.models.Period.Status",
    },
}

# Redis only wakes the workers; the outbox rows in the database are the queue (reliability.md 3.3).
CELERY_BROKER_URL = f"{REDIS_URL}/0"
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_TIME_LIMIT = 600
CELERY_TASK_SOFT_TIME_LIMIT = 570
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 900,
    "unacked_restore_interval": 10,
    "socket_timeout": 10,
    "socket_connect_timeout": 3,
    "socket_keepalive": True,
    "health_check_interval": 25,
}
CELERY_TIMEZONE = "UTC"
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_SEND_TASK_EVENTS = False

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name} {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env("LOG_LEVEL", default="WARNING" if CRM_ENV == "test" else "INFO")},
}
TEST_RUNNER = "django.test.runner.DiscoverRunner"
