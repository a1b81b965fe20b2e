"""Django's settings, made from config.Config. Nothing here reads the environment."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from csp.constants import NONCE, NONE, SELF
from django.utils.translation import gettext_lazy as _

from closeknit.web import config as _config

CONFIG = _config.load()
HERE = Path(__file__).parent

SECRET_KEY = _config.secret_key(CONFIG)
# Never on: Django's own debug pages show forms, cookies and variables.
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1", "localhost", "[::1]"] if CONFIG.is_loopback else [CONFIG.hostname]
CSRF_TRUSTED_ORIGINS = [CONFIG.origin] if CONFIG.is_https else []

CK_DEMO = CONFIG.demo
CK_STYLE_PAGE = CONFIG.debug
CK_OPEN_SIGN_UP = CONFIG.is_loopback
CK_ABSOLUTE_SECONDS = 12 * 3600
CK_REMEMBER_SECONDS = 14 * 86400
DEMO_HOSTS = ("demo.localhost", "ana.demo.localhost", "jonas.demo.localhost", "cleo.demo.localhost")
if CK_DEMO:
    ALLOWED_HOSTS += DEMO_HOSTS

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "closeknit.web.sealed",
    "closeknit.web.members",
    "closeknit.web.bonds",
    "closeknit.web.coach",
    "closeknit.web.moments",
    "closeknit.web.dialogues",
    "closeknit.web.reflect",
    "closeknit.web.care",
    "closeknit.web.taking",
    "closeknit.web.look",
]

# From outside in. Headers first, so that every answer has them, errors too; the keys right after the session's member.
MIDDLEWARE = [
    "closeknit.web.headers.HeadersMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "closeknit.web.trouble.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "closeknit.web.members.middleware.KeyringMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]
if CK_DEMO:
    # Before the keys: it signs the sample members in, each on a host of their own.
    MIDDLEWARE.insert(
        MIDDLEWARE.index("closeknit.web.members.middleware.KeyringMiddleware"), "closeknit.web.demo.hosts.DemoHosts"
    )
ROOT_URLCONF = "closeknit.web.urls"
WSGI_APPLICATION = None
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [HERE / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "csp.context_processors.nonce",
                "closeknit.web.frame.frame",
            ],
        },
    }
]

if CONFIG.database_url:
    _url = urlsplit(CONFIG.database_url)
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": _url.path.lstrip("/"),
            "USER": unquote(_url.username or ""),
            "PASSWORD": unquote(_url.password or ""),
            "HOST": unquote(_url.hostname or ""),
            "PORT": str(_url.port or ""),
            # Threads come and go with requests; a pool keeps their number of connections flat.
            # Nobody waits longer than a few seconds for a database that is away, and a pool that gives up early on
            # reconnecting tries anew with the next request, instead of sleeping ever longer after the database is back.
            "OPTIONS": {
                "connect_timeout": 3,
                "pool": {"min_size": 1, "max_size": CONFIG.threads + 10, "timeout": 3, "reconnect_timeout": 3},
            },
            # A connection that died in the pool is noticed there, not by the first reader after a restart.
            "CONN_HEALTH_CHECKS": True,
        }
    }
else:
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": CONFIG.data / _config.DATABASE_FILE,
            # Opening costs as much as a few queries, and with the last connection that closes SQLite moves the whole log
            # into the file: a page's thread keeps its own for a few seconds.
            "CONN_MAX_AGE": 3,
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "timeout": 10,
                # FULL: an acknowledged answer survives a power cut. secure_delete: what was withdrawn is overwritten.
                "init_command": (
                    "PRAGMA journal_mode=WAL;PRAGMA synchronous=FULL;PRAGMA secure_delete=ON;PRAGMA temp_store=MEMORY;"
                ),
            },
            "TEST": {"NAME": CONFIG.data / "test.sqlite3"},
        }
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# -- members ----------------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "members.Member"
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
PASSWORD_HASHERS = ["closeknit.web.members.hashers.PassphraseHasher"]
LOGIN_URL = "sign-in"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "closeknit.web.members.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
# Counted per process in a cache there; ours are counted in the database, for each account and address.
ACCOUNT_RATE_LIMITS = False

# Second ways to sign in: allauth's rows, codes and passkeys; its pages are not in the urls, ours are.
MFA_ADAPTER = "closeknit.web.members.adapter.FactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes", "webauthn"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_WEBAUTHN_USER_VERIFICATION = "required"
MFA_RECOVERY_CODE_DIGITS = 10

# -- cookies ----------------------------------------------------------------------------------------------------------
SESSION_ENGINE = "closeknit.web.sessions"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = CONFIG.is_https
SESSION_COOKIE_NAME = "__Host-ck-session" if CONFIG.is_https else "ck-session"
CSRF_COOKIE_NAME = "__Host-ck-csrf" if CONFIG.is_https else "ck-csrf"
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = CK_REMEMBER_SECONDS
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
CSRF_FAILURE_VIEW = "closeknit.web.errors.csrf_failure"
CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}

# -- bodies -----------------------------------------------------------------------------------------------------------
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 200
# A file that is brought stays in memory, whatever its size: in the clear it must not lie on the disk. The shell holds
# every body to a limit, one page's to this one.
FILE_UPLOAD_MAX_MEMORY_SIZE = 64 * 1024 * 1024
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.MemoryFileUploadHandler"]

# -- headers ----------------------------------------------------------------------------------------------------------
SECURE_CONTENT_TYPE_NOSNIFF = True
_FRAMES = [f"http://{name}:{CONFIG.port}" for name in DEMO_HOSTS] if CK_DEMO else []
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-src": _FRAMES or [NONE],
        "frame-ancestors": _FRAMES or [NONE],
        "require-trusted-types-for": ["'script'"],
        "trusted-types": ["default"],
    }
}

# -- languages and time -----------------------------------------------------------------------------------------------
USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = True
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English"))]
LOCALE_PATHS = [HERE / "locale"]

# -- static files: hashed names, kept for ever by browsers ---------------------------------------------------------------
STATIC_URL = "/static/"
STATICFILES_DIRS = [HERE / "static"]
STATIC_ROOT = CONFIG.data / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
WHITENOISE_MAX_AGE = 365 * 86400

# -- what is written down when things go wrong: type, place, ids ----------------------------------------------------------
DEFAULT_EXCEPTION_REPORTER = "closeknit.web.reporter.Reporter"
DEFAULT_EXCEPTION_REPORTER_FILTER = "closeknit.web.reporter.ReporterFilter"
LOGGING_CONFIG = None
EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
ADMINS: list[tuple[str, str]] = []
SILENCED_SYSTEM_CHECKS = ["account.W001"]
