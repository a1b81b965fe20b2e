"""The files in deploy/ agree with the program, with each other, and with what they promise in their comments."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from closeknit.web import asgi, config, doctor
from closeknit.web.config import Config
from tests.deploy import readers
from tests.deploy.readers import DEPLOY, text
from tests.services import ROOT

#: What both proxies let through: more than the largest copy that a member may bring.
LARGEST_BODY_MB = 66
SITE = "closeknit.example"
SETTINGS = {f"CLOSEKNIT_{name.upper()}" for name in Config.model_fields}
SETTINGS |= {f"CLOSEKNIT_{name.upper()}_FILE" for name in config.SECRET_FILES} | {"CLOSEKNIT_CONFIG"}
GUIDE = (ROOT / "docs" / "hosting.md").read_text("utf-8")


def files() -> list[Path]:
    return sorted(file for file in DEPLOY.iterdir() if file.is_file())


def assignments(source: str) -> dict[str, str]:
    """NAME=value lines."""
    return dict(line.split("=", 1) for line in source.splitlines() if line and not line.startswith("#"))


def safe(values: dict[str, str], data: Path) -> Config:
    """These settings as the program reads them; they must be safe together, and the proxy believed."""
    names = {name.removeprefix("CLOSEKNIT_").lower(): value for name, value in values.items()}
    made = Config(**{**names, "data": data})
    assert config.problems(made) == []
    assert doctor.proxy(made)[:2] == ("proxy", "ok")
    return made


@pytest.mark.parametrize("file", files(), ids=lambda file: file.name)
def test_every_setting_that_is_named_exists(file):
    named = set(re.findall(r"CLOSEKNIT_[A-Z_]+", file.read_text("utf-8")))
    assert named <= SETTINGS, named - SETTINGS


def test_the_guide_names_every_file_and_only_what_exists():
    for file in files():
        assert f"deploy/{file.name}" in GUIDE, file.name
    for name in re.findall(r"deploy/([\w.-]*\w)", GUIDE):
        assert (DEPLOY / name).exists() or name == ".env", name
    named = set(re.findall(r"CLOSEKNIT_[A-Z_]*[A-Z]", GUIDE))
    assert named and named <= SETTINGS, named - SETTINGS


@pytest.mark.parametrize("name", ["closeknit", "closeknit-in-container"])
def test_scripts_are_shell_and_may_be_run(name):
    assert (DEPLOY / name).stat().st_mode & 0o111
    subprocess.run(["sh", "-n", str(DEPLOY / name)], check=True)
    assert text(name).startswith("#!/bin/sh\n") and 'closeknit.cli "$@"' in text(name)


# -- the container ----------------------------------------------------------------------------------------------------


def instructions(name: str) -> list[str]:
    return [rest for word, rest in readers.containerfile(text("Containerfile")) if word == name]


def container_settings() -> dict[str, str]:
    return {
        name: value
        for line in instructions("ENV")
        for name, value in (pair.split("=", 1) for pair in shlex.split(line))
        if name.startswith("CLOSEKNIT_")
    }


def test_the_container_runs_as_nobody_in_particular():
    words = [word for word, _rest in readers.containerfile(text("Containerfile"))]
    assert instructions("USER") == ["closeknit"] and words.index("USER") < words.index("ENTRYPOINT")
    last_stage = len(words) - words[::-1].index("FROM")
    assert "USER" in words[last_stage:] and "ADD" not in words
    assert any("useradd" in line and "nologin" in line for line in instructions("RUN"))
    assert container_settings()["CLOSEKNIT_DATA"] == instructions("VOLUME")[0] == instructions("WORKDIR")[-1]
    assert container_settings()["CLOSEKNIT_PORT"] == instructions("EXPOSE")[0]


def test_the_container_is_built_from_the_lock_alone():
    installs = [line for line in instructions("RUN") if "install " in line and "pip" in line]
    assert installs and all("--require-hashes" in line and "requirements.lock" in line for line in installs)
    source = text("Containerfile")
    assert not re.search(r"index-url|find-links|trusted-host|pypi|https://", source)
    assert all(re.fullmatch(r"docker\.io/library/python:3\.1[1-9]-slim-\w+( AS \w+)?", one) for one in instructions("FROM"))


def test_the_container_gets_only_what_it_needs():
    ignore = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    assert "*" in ignore
    welcome = {line[1:] for line in ignore if line.startswith("!")}
    copied = {
        source
        for line in instructions("COPY")
        if "--from" not in line
        for source in [word for word in line.split() if not word.startswith("--")][:-1]
    }
    assert copied == welcome and all((ROOT / source).exists() for source in copied)


# -- compose ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def compose() -> dict:
    return yaml.safe_load(text("compose.yaml"))


def filled(value: str, given: dict[str, str]) -> str:
    """Compose's ${NAME}, ${NAME:-default} and ${NAME:?complaint}."""

    def one(match: re.Match[str]) -> str:
        name, kind, rest = match.group(1), match.group(2), match.group(3)
        if given.get(name):
            return given[name]
        assert kind != ":?", rest
        return rest or ""

    return re.sub(r"\$\{(\w+)(:[-?])?([^}]*)\}", one, value)


def test_compose_is_closed_and_agrees_with_the_container(compose):
    app = compose["services"]["app"]
    assert app["read_only"] is True and app["cap_drop"] == ["ALL"] and "ports" not in app
    assert app["security_opt"] == ["no-new-privileges:true"] and "user" not in app
    assert (DEPLOY / app["build"]["context"]).resolve() == ROOT
    assert (ROOT / app["build"]["dockerfile"]).name == "Containerfile"
    inside = container_settings()
    assert app["volumes"] == [f"data:{inside['CLOSEKNIT_DATA']}"] and app["expose"] == [inside["CLOSEKNIT_PORT"]]
    assert compose["services"]["caddy"]["environment"]["UPSTREAM"] == f"app:{inside['CLOSEKNIT_PORT']}"
    open_ports = {name: one.get("ports") for name, one in compose["services"].items() if one.get("ports")}
    assert list(open_ports) == ["caddy"]
    assert all("network_mode" not in one and "privileged" not in one for one in compose["services"].values())
    health = instructions("HEALTHCHECK")[0].split("CMD ", 1)[1]
    assert app["healthcheck"]["test"][1:] == yaml.safe_load(health) and "/healthz" in health
    assert inside["CLOSEKNIT_PORT"] in health


def test_compose_names_only_volumes_networks_and_images_that_are_there(compose):
    for name, service in compose["services"].items():
        assert re.fullmatch(r"(docker\.io/library|localhost)/\w+:[\w.]+", service["image"]), name
        assert set(service["networks"]) <= set(compose["networks"])
        for volume in service["volumes"]:
            source = volume.split(":")[0]
            assert source in compose["volumes"] or (DEPLOY / source).is_file(), volume
        assert set(service.get("depends_on", [])) <= set(compose["services"])
    assert compose["services"]["database"]["networks"] == ["back"] and compose["networks"]["back"]["internal"] is True
    assert compose["services"]["database"]["profiles"] == ["postgres"]
    assert "database" not in compose["services"]["app"].get("depends_on", [])
    # pg_dump refuses a server that is newer than itself.
    client = re.search(r"postgresql-client-(\d+)", " ".join(instructions("RUN"))).group(1)
    assert compose["services"]["database"]["image"] == f"docker.io/library/postgres:{client}"


@pytest.mark.parametrize("with_postgres", [False, True])
def test_compose_gives_the_program_settings_that_are_safe(compose, tmp_path, with_postgres):
    given = assignments(text("compose.env"))
    if with_postgres:
        commented = re.search(r"(?m)^#(CLOSEKNIT_DATABASE_URL)=(.*)$", text("compose.env"))
        given[commented.group(1)] = commented.group(2)
    app = compose["services"]["app"]
    values = container_settings() | {name: filled(value, given) for name, value in app["environment"].items()}
    made = safe(values, tmp_path)
    assert made.origin == f"https://{SITE}" and not made.is_loopback
    (subnet,) = compose["networks"]["front"]["ipam"]["config"]
    assert made.trusted_proxies == subnet["subnet"]
    assert bool(made.database_url) is with_postgres
    if with_postgres:
        database = compose["services"]["database"]["environment"]
        assert made.database_url.startswith(f"postgres://{database['POSTGRES_USER']}:")
        assert made.database_url.endswith(f"@database/{database['POSTGRES_DB']}")
    known = set(given) | {"CLOSEKNIT_DATABASE_URL"}
    assert set(re.findall(r"\$\{(\w+)", text("compose.yaml"))) <= known


# -- systemd ----------------------------------------------------------------------------------------------------------

UNITS = ("closeknit.service", "closeknit-backup.service", "closeknit-backup.timer")
KNOWN = {
    "Unit": {"Description", "After"},
    "Install": {"WantedBy"},
    "Timer": {"OnCalendar", "RandomizedDelaySec", "Persistent"},
    "Service": set(
        """Type User Group Environment ExecStart Restart RestartSec TimeoutStopSec StateDirectory StateDirectoryMode
        ReadWritePaths WorkingDirectory UMask LimitCORE Nice IOSchedulingClass NoNewPrivileges ProtectSystem ProtectHome
        PrivateTmp PrivateDevices PrivateUsers DevicePolicy ProtectClock ProtectControlGroups ProtectHostname
        ProtectKernelLogs ProtectKernelModules ProtectKernelTunables ProtectProc ProcSubset RestrictNamespaces
        RestrictRealtime RestrictSUIDSGID RestrictAddressFamilies LockPersonality MemoryDenyWriteExecute
        CapabilityBoundingSet RemoveIPC SystemCallArchitectures SystemCallFilter SystemCallErrorNumber IPAddressDeny
        IPAddressAllow""".split()
    ),
}
#: A name that may come more than once; every other one would silently win over the earlier.
LISTS = {"SystemCallFilter"}
HARDENED = {
    "NoNewPrivileges": "yes",
    "ProtectSystem": "strict",
    "ProtectHome": "yes",
    "PrivateTmp": "yes",
    "PrivateDevices": "yes",
    "MemoryDenyWriteExecute": "yes",
    "RestrictNamespaces": "yes",
    "CapabilityBoundingSet": "",
    "IPAddressDeny": "any",
    "IPAddressAllow": "localhost",
    "LimitCORE": "0",
    "UMask": "0077",
    "StateDirectoryMode": "0700",
    "User": "closeknit",
}


@pytest.mark.parametrize("name", UNITS)
def test_units_hold_only_directives_that_exist(name):
    for section, lines in readers.unit(text(name)).items():
        names = [one for one, _value in lines]
        assert set(names) <= KNOWN[section], set(names) - KNOWN[section]
        assert not [one for one in names if names.count(one) > 1 and one not in LISTS]


def test_systemd_itself_agrees(tmp_path):
    """Where systemd is: it reads each unit, the interpreter's place put right for this machine."""
    tool = shutil.which("systemd-analyze") or "true"
    for name in UNITS:
        source = text(name).replace("/opt/closeknit/.venv/bin/python", sys.executable)
        assert name.endswith(".timer") or sys.executable in source
        (tmp_path / name).write_text(source)
    for name in UNITS:
        command = [tool, "verify", "--man=no", "--recursive-errors=no", str(tmp_path / name)]
        told = subprocess.run(command, capture_output=True, text=True, check=False)
        assert told.returncode == 0 and not re.search(rf"{name}:\d+:", told.stderr), told.stderr


@pytest.mark.parametrize("name", ["closeknit.service", "closeknit-backup.service"])
def test_services_are_shut_in_and_use_the_same_settings(name):
    service = dict(readers.unit(text(name))["Service"])
    assert {key: service[key] for key in HARDENED} == HARDENED
    assert service["Environment"] == "CLOSEKNIT_CONFIG=/etc/closeknit/closeknit.env"
    data = assignments(text("closeknit.env"))["CLOSEKNIT_DATA"]
    assert service["ReadWritePaths"] == service["WorkingDirectory"] == data == f"/var/lib/{service['StateDirectory']}"
    assert service["ExecStart"].endswith(" serve" if name == "closeknit.service" else " backup --check")
    assert service["Environment"].removeprefix("CLOSEKNIT_CONFIG=") in text("closeknit")
    assert service["ExecStart"].split()[0] in text("closeknit") and f"-u {service['User']} " in text("closeknit")


def test_the_timer_starts_the_backup_and_catches_up():
    timer = dict(readers.unit(text("closeknit-backup.timer"))["Timer"])
    assert timer["Persistent"] == "yes" and re.fullmatch(r"\*-\*-\* \d\d:\d\d", timer["OnCalendar"])
    assert (DEPLOY / "closeknit-backup.service").exists()


def test_the_service_s_settings_are_safe_and_read_as_the_program_reads_them(tmp_path):
    whole = Config(_env_file=DEPLOY / "closeknit.env")
    assert whole.origin == f"https://{SITE}" and whole.host == "127.0.0.1"
    safe(assignments(text("closeknit.env")), tmp_path)


# -- proxies ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def nginx() -> readers.Directive:
    return readers.nginx(text("nginx.conf"))


def test_nginx_passes_streams_on_as_they_come_and_keeps_nothing_on_disk(nginx):
    plain, tls = nginx.all("server")
    live = tls.one("location", "=", "/live/")
    assert live.one("proxy_buffering").args == ("off",) and live.one("proxy_read_timeout").args == ("1h",)
    assert tls.one("gzip").args == tls.one("proxy_request_buffering").args == ("off",)
    assert tls.one("proxy_max_temp_file_size").args == ("0",)
    assert tls.one("proxy_http_version").args == ("1.1",)
    assert not [one for one in nginx.walk() if one.name in {"proxy_cache", "proxy_store", "proxy_ignore_headers"}]
    assert all("http2" in one.args and "ssl" in one.args for one in tls.all("listen"))
    assert tls.one("client_max_body_size").args == (f"{LARGEST_BODY_MB}m",)
    assert asgi.BODIES.size < asgi.COPIES.size < LARGEST_BODY_MB * 1024**2
    assert plain.one("location", "/").one("return").args == ("301", f"https://{SITE}$request_uri")


def test_nginx_tells_the_program_who_asks_and_nothing_that_the_visitor_made_up(nginx):
    _plain, tls = nginx.all("server")
    headers = {one.args[0]: one.args[1] for one in tls.all("proxy_set_header")}
    assert headers == {
        "Connection": "",
        "Host": "$host",
        "X-Forwarded-For": "$remote_addr",
        "X-Forwarded-Proto": "$scheme",
    }
    # A header set inside a location would silently undo all of these there.
    inner = [one for place in tls.all("location") for one in place.walk()]
    assert not [one for one in inner if one.name in {"proxy_set_header", "add_header"}]
    upstream = nginx.one("upstream", "closeknit").one("server").args[0]
    values = assignments(text("closeknit.env"))
    assert upstream == f"{values['CLOSEKNIT_HOST']}:{values['CLOSEKNIT_PORT']}"
    assert {place.one("proxy_pass").args[0] for place in tls.all("location")} == {"http://closeknit"}


def test_nginx_s_log_names_no_address_no_path_and_no_query(nginx):
    written = " ".join(nginx.one("log_format", "closeknit").args[1:])
    allowed = {"$time_iso8601", "$request_method", "$closeknit_part", "$status", "$request_time"}
    assert set(re.findall(r"\$\w+", written)) == allowed
    parts = {one.args[0] for one in nginx.one("map", "$uri", "$closeknit_part").block}
    assert parts == {"page", "static", "live", "healthz"}
    plain, tls = nginx.all("server")
    assert plain.one("access_log").args == ("off",) and tls.one("access_log").args[1:] == ("closeknit",)
    assert tls.one("error_log").args[1:] == ("crit",)
    assert tls.one("add_header").args == ("Strict-Transport-Security", "max-age=15768000", "always")


@pytest.mark.parametrize("broken", ["server { listen 80; ", "server { listen 80 }", "listen 80; }", "listen 80"])
def test_the_nginx_reader_is_strict(broken):
    with pytest.raises(ValueError):
        readers.nginx(broken)


def test_caddy_streams_forgets_and_insists_on_tls():
    root = readers.caddy(text("Caddyfile"))
    options, site = root.block
    assert options.name == "" and options.one("admin").args == ("off",)
    assert options.one("log", "default").one("exclude").args == ("http.log.error",)
    assert site.name == "{$SITE_NAME}"
    names = [one.name for one in site.walk()]
    assert "log" not in names and "encode" not in names and "trusted_proxies" not in names
    assert site.one("header").args == ("Strict-Transport-Security", "max-age=15768000")
    assert site.one("request_body").one("max_size").args == (f"{LARGEST_BODY_MB}MB",)
    assert site.one("@live").args == ("path", "/live/")
    live = site.one("handle", "@live").one("reverse_proxy")
    assert live.one("flush_interval").args == ("-1",)
    values = assignments(text("closeknit.env"))
    upstream = f"{{$UPSTREAM:{values['CLOSEKNIT_HOST']}:{values['CLOSEKNIT_PORT']}}}"
    assert [one.args[0] for one in site.walk() if one.name == "reverse_proxy"] == [upstream, upstream]
    given = set(yaml.safe_load(text("compose.yaml"))["services"]["caddy"]["environment"])
    assert set(re.findall(r"\{\$(\w+)", text("Caddyfile"))) == given


@pytest.mark.parametrize("broken", ["a {\n\tb\n", "a {\n\tb\n}\n}", "a {\n\tb {\n\tc\n\t}\n}"])
def test_the_caddy_reader_is_strict(broken):
    with pytest.raises(ValueError):
        readers.caddy(broken)


# -- the guide --------------------------------------------------------------------------------------------------------


def test_the_guide_s_commands_exist():
    from closeknit.cli import main

    used = set(re.findall(r"(?:^|app |sudo |`)closeknit ([a-z]+)", GUIDE, re.MULTILINE))
    assert {"doctor", "invite", "host", "serve", "backup"} <= used <= set(main.commands)


def test_the_steps_of_a_restore_name_what_the_files_here_make(compose):
    """Folder, user and units of the service; volume and entry of the container."""
    steps = (ROOT / "docs" / "backup.md").read_text()
    unit = (ROOT / "deploy" / "closeknit.service").read_text()
    assert "StateDirectory=closeknit\n" in unit and "User=closeknit\n" in unit
    assert "-o closeknit -g closeknit /var/lib/closeknit " in steps
    assert f"volume rm {compose['name']}_data" in steps and "data:/data" in compose["services"]["app"]["volumes"]
    assert 'ENTRYPOINT ["closeknit"]' in (ROOT / "deploy" / "Containerfile").read_text()
    assert "app restore /safe/FILE" in steps


def test_the_guide_s_links_lead_somewhere():
    anchors = {
        re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in re.findall(r"(?m)^#+ (.+)$", GUIDE)
    }
    # docs/backup.md comes with the command of that name.
    for target in set(re.findall(r"\]\(([^)]+)\)", GUIDE)) - {"backup.md"}:
        file, _, anchor = target.partition("#")
        assert (ROOT / "docs" / file).exists(), target
        assert file or anchor in anchors, target
