"""Start a Label Studio and give it users."""

from __future__ import annotations

import os
import re
import secrets
import socket
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from backend.demo.kept import Login
from backend.errors import AtlasError
from backend.running.supervisor import Supervisor

BOOT_SECONDS = 240
"""The first boot creates the database: 25 s on a quick machine."""


@dataclass(frozen=True)
class User:
    """Somebody who can log in, with a client that acts as them."""

    login: Login
    http: httpx.Client

    @property
    def email(self) -> str:
        return self.login.email

    @property
    def password(self) -> str:
        return self.login.password


@dataclass(frozen=True)
class LabelStudioServer:
    """A running Label Studio and its administrator. A context manager that closes everybody's clients."""

    url: str
    admin: User
    directory: Path
    members: list[User] = field(default_factory=list)

    def __enter__(self) -> LabelStudioServer:
        return self

    def __exit__(self, *error: object) -> None:
        for user in (self.admin, *self.members):
            user.http.close()

    def access_token(self) -> str:
        """A personal access token of the administrator's, as a person would make one for a backend."""
        answer = self.admin.http.post("/api/token/")
        answer.raise_for_status()
        token: str = answer.json()["token"]
        return token

    def sign_up(self, name: str) -> User:
        """One more user, through the form a person would use. Every user sees every project."""
        email, password = f"{name}@example.com", secrets.token_urlsafe(12)
        with httpx.Client(base_url=self.url, timeout=60, trust_env=False) as browser:
            page = browser.get("/user/signup/")
            found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
            if found is None:
                raise AtlasError(f"the sign-up page of Label Studio at {self.url} is not as expected")
            form = {"email": email, "password": password, "allow_newsletters": "false"}
            answer = browser.post(
                "/user/signup/",
                data={**form, "csrfmiddlewaretoken": found.group(1)},
                headers={"Referer": f"{self.url}/user/signup/"},
            )
            if not answer.is_redirect:  # the form comes back, with what it did not like
                raise AtlasError(f"Label Studio at {self.url} did not accept the new user {email}")
            token = browser.get("/api/current-user/token")
            token.raise_for_status()
        return self.user(Login(email, password, token.json()["token"]))

    def user(self, login: Login) -> User:
        """Somebody who has signed up before."""
        self.members.append(User(login, _client(self.url, login.token)))
        return self.members[-1]


def start_label_studio(
    supervisor: Supervisor,
    program: Path,
    directory: Path,
    port: int | None = None,
    admin: Login | None = None,
    **more_env: str,
) -> LabelStudioServer:
    """Start it on a free port with its data in `directory`, which should be empty unless `admin` is given.

    admin: the administrator that the data there know; more_env: environment variables of Label Studio's,
    stronger than those chosen here.
    Raises ProcessDied when it does not come up.
    """
    directory.mkdir(parents=True, exist_ok=True)
    port = free_port() if port is None else port  # where one is taken, Label Studio silently uses another
    url = f"http://localhost:{port}"
    admin = admin or Login("admin@example.com", secrets.token_urlsafe(12), secrets.token_hex(20))
    env = {**_environment(directory, url, admin), **more_env}
    command = [str(program), "start", "--port", str(port), "--no-browser", "--internal-host", "127.0.0.1"]
    log = directory / "label-studio.log"
    supervisor.start("Label Studio", command, env, log=log, ready=lambda: _is_up(url), timeout=BOOT_SECONDS)
    return LabelStudioServer(url, User(admin, _client(url, admin.token)), directory)


def _environment(directory: Path, url: str, admin: Login) -> dict[str, str]:
    """Of Label Studio's process."""
    kept = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR")
    return {
        **{name: os.environ[name] for name in kept if name in os.environ},
        "LABEL_STUDIO_BASE_DATA_DIR": str(directory),
        "LABEL_STUDIO_HOST": url,
        "LABEL_STUDIO_USERNAME": admin.email,
        "LABEL_STUDIO_PASSWORD": admin.password,
        "LABEL_STUDIO_USER_TOKEN": admin.token,
        "LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN": "true",
        # Label Studio refuses backends and webhooks on private addresses unless told otherwise.
        "USE_DEFAULT_BANNED_SUBNETS": "false",
        # Without these it looks for the internet at every start.
        "COLLECT_ANALYTICS": "False",
        "LATEST_VERSION_CHECK": "False",
        "SENTRY_DSN": "",
        "FRONTEND_SENTRY_DSN": "",
    }


def free_port(preferred: int = 8080) -> int:
    """The preferred port if nobody listens there, else one that is free now."""
    for port in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            number: int = probe.getsockname()[1]
            return number
    raise AtlasError("no free port on this machine")


def _client(url: str, token: str) -> httpx.Client:
    """Past any proxy that HTTP_PROXY names, as every client of this machine's own servers."""
    header = {"Authorization": f"Token {token}"}
    return httpx.Client(base_url=url, headers=header, timeout=120, trust_env=False)


def _is_up(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health", timeout=5, trust_env=False).json().get("status") == "UP"
    except (httpx.HTTPError, ValueError):
        return False
