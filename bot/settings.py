"""Settings from the environment (AFTERCARE_...) and one TOML file. Every problem is named at once."""

from __future__ import annotations

import base64
import binascii
import difflib
import os
import re
import stat
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from bot.calendars import Subscription, line_problems, read_subscriptions

PREFIX = "AFTERCARE_"
FILE_VARIABLE = "AFTERCARE_SETTINGS"
DEFAULT_FILE = Path("aftercare.toml")
ELSEWHERE = {FILE_VARIABLE, "AFTERCARE_CRASH_AT"}
"""Variables of ours that are not settings of the program."""

TOKEN = re.compile(r"\d{3,}:[A-Za-z0-9_-]{8,}")
KEY_BYTES = 32
LOOPBACK = ("127.0.0.1", "localhost", "::1")


class SettingsError(Exception):
    """The settings cannot be used. Carries one line a problem; no line holds a secret."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__(f"{len(problems)} problems in the settings")
        self.problems = tuple(problems)


def _listed(value: Any) -> Any:
    """A list may be written in one variable, its entries parted by commas or spaces."""
    return re.split(r"[,\s]+", value.strip()) if isinstance(value, str) and value.strip() else value or []


def _lines(value: Any) -> Any:
    """A list whose entries hold spaces may be written in one variable, parted by ; or line breaks."""
    return (
        [each.strip() for each in re.split(r"[;\n]", value) if each.strip()]
        if isinstance(value, str)
        else value
    )


def _pairs(value: Any) -> Any:
    """A table may be written in one variable: a=b; c=d."""
    if not isinstance(value, str):
        return value
    parted = (line.partition("=") for line in _lines(value))
    return {key.strip(): meaning.strip() for key, _, meaning in parted}


Secrets = Annotated[tuple[SecretStr, ...], NoDecode, BeforeValidator(_listed)]
SecretLines = Annotated[tuple[SecretStr, ...], NoDecode, BeforeValidator(_lines)]
Pairs = Annotated[dict[str, str], NoDecode, BeforeValidator(_pairs)]


class Settings(BaseSettings):
    """Everything that differs from one installation to the next."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        env_ignore_empty=True,
        validate_default=False,
    )

    token: SecretStr | None = Field(
        None, description="The bot's token, as BotFather gave it. `aftercare run` needs it."
    )
    alert_token: SecretStr | None = Field(
        None,
        description="A second bot's token, for pages alone: trouble with check-ins then cannot delay them.",
    )
    api_url: str = Field(
        "https://api.telegram.org",
        description="Where the Bot API is; a server of your own, or the sandbox, is a http:// address.",
    )
    database_url: str = Field(
        "sqlite:///aftercare.db",
        repr=False,
        description="sqlite:///FILE, or postgresql+psycopg://USER:PASSWORD@HOST/NAME.",
    )
    key_file: Path | None = Field(
        None,
        description="A file of master keys, one a line (32 bytes, as base64 or hex), readable by its owner "
        "alone. The first seals, all of them open.",
    )
    master_keys: Secrets = Field(
        (), description="The master keys themselves, where no file can be had; commas between several."
    )
    prompts_dir: Path | None = Field(
        None, description="The content folder; without it PROMPTS_DIR, then the content that came along."
    )
    shadow_dir: Path | None = Field(
        None, description="A second content folder whose rules record what they find and page nobody."
    )
    http_host: str = Field(
        "127.0.0.1",
        description="Where /healthz, /readyz, /metrics and the webhook listen; loopback unless set.",
    )
    http_port: int = Field(8080, ge=0, le=65535, description="The port for them; 0 takes any free one.")
    webhook_url: str | None = Field(
        None, description="The public https:// address of this process: a webhook instead of polling."
    )
    webhook_secret: SecretStr | None = Field(
        None, description="What Telegram must send along: 16 to 256 of A-Z, a-z, 0-9, _ and -."
    )
    dead_man_url: SecretStr | None = Field(
        None, description="Pinged by `aftercare watch` each minute while all is well; its silence alarms."
    )
    outside_recipients: Secrets = Field(
        (),
        description="Who is told when the database itself is gone: addresses as Apprise writes them, kept "
        "here because the database cannot be asked.",
    )
    rota_calendars: SecretLines = Field(
        (),
        description="Calendars read into the rota every few minutes, each `SITE TIER ADDRESS` (tier 1 first, "
        "2 backup, 3 lead; an https:// address or a file); `;` between several in the variable.",
    )
    rota_aliases: Pairs = Field(
        {},
        repr=False,
        description="Who a calendar means where it does not hold the name on the invite: a table of e-mail "
        "address or title to name, in the variable `amara@clinic.example=Amara Osei; ...`.",
    )
    clock_file: Path | None = Field(
        None, description="For the sandbox and tests: a file holding the seconds to add to the clock."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="What is logged.")
    log_format: Literal["text", "json"] = Field("text", description="One line an event, as text or JSON.")
    poll_seconds: int = Field(
        25,
        ge=1,
        le=50,
        description="How long one question for updates waits; by webhook, between two looks at it.",
    )
    read_seconds: float = Field(10.0, ge=1, le=60, description="How long a silent Bot API is waited for.")
    sends_per_second: float = Field(
        25.0, gt=0, le=1000, description="Messages a second that are no pages; Telegram allows about 30."
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """`load_settings` reads the sources, so that it can go on when one value is wrong."""
        return (init_settings,)

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every value that must never be seen, for the log's redaction."""
        single = (self.token, self.alert_token, self.webhook_secret, self.dead_man_url)
        whole = (*single, *self.master_keys, *self.outside_recipients)
        addresses = (each.source for each in self.calendars if each.is_address)
        return (*(each.get_secret_value() for each in whole if each), *addresses)

    @property
    def calendars(self) -> tuple[Subscription, ...]:
        """The calendars the rota is read from."""
        return read_subscriptions(self._calendar_lines, self.rota_aliases)

    @property
    def _calendar_lines(self) -> tuple[str, ...]:
        return tuple(each.get_secret_value() for each in self.rota_calendars)

    @property
    def keys(self) -> tuple[bytes, ...]:
        """The master keys, those of the file first."""
        return tuple(_decode_key(text) for _, text in self._key_texts())

    def _key_texts(self) -> Iterator[tuple[str, str]]:
        """Yield where each key stands, and its text."""
        if self.key_file is not None:
            for number, line in enumerate(self.key_file.read_text().splitlines(), start=1):
                if text := line.partition("#")[0].strip():
                    yield f"{self.key_file}:{number}", text
        for number, key in enumerate(self.master_keys, start=1):
            yield f"master_keys: key {number}", key.get_secret_value()

    def problems(self) -> Iterator[str]:
        """Yield what is wrong although every single value has the right type."""
        yield from self._token_problems()
        yield from self._key_problems()
        yield from self._address_problems()
        yield from (f"rota_calendars: {each}" for each in line_problems(self._calendar_lines))

    def _token_problems(self) -> Iterator[str]:
        given = {"token": self.token, "alert_token": self.alert_token}
        for name, token in given.items():
            text = token.get_secret_value() if token else None
            if text is None:
                continue
            if re.search(r"\s", text):
                yield f"{name}: holds a space or line break; copy it again, as one word"
            elif not TOKEN.fullmatch(text):
                yield f"{name}: is no bot token; it looks like 123456789:AA... (BotFather: /token)"
        if self.token and self.alert_token == self.token:
            yield "alert_token: is the same as token; make a second bot with BotFather, or leave it out"

    def _key_problems(self) -> Iterator[str]:
        try:
            found = list(self._key_texts())
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not text"
            yield f"key_file: {self.key_file} cannot be read: {reason}"
            return
        if self.key_file is not None and (problem := _open_to_others(self.key_file)):
            yield f"key_file: {problem}"
        if not found:
            yield "key_file or master_keys: there is no master key; make one with: aftercare init"
        for place, text in found:
            try:
                length = len(_decode_key(text))
            except ValueError:
                yield f"{place}: is neither base64 nor hex"
                continue
            if length != KEY_BYTES:
                yield f"{place}: is {length} bytes; a key is {KEY_BYTES}"

    def _address_problems(self) -> Iterator[str]:
        api = urlsplit(self.api_url)
        if api.scheme not in ("http", "https") or not api.hostname:
            yield "api_url: is no http:// or https:// address"
        if not self.database_url.startswith(("sqlite:///", "postgresql+psycopg://")):
            yield "database_url: must begin with sqlite:/// or postgresql+psycopg://"
        if self.prompts_dir is not None and not self.prompts_dir.is_dir():
            yield f"prompts_dir: {self.prompts_dir} is no folder"
        if self.shadow_dir is not None and not self.shadow_dir.is_dir():
            yield f"shadow_dir: {self.shadow_dir} is no folder"
        if self.webhook_url and not self.webhook_url.startswith(("https://", "http://127.0.0.1")):
            yield "webhook_url: must be an https:// address; Telegram calls no other"
        if self.webhook_url and not self.webhook_secret:
            yield "webhook_secret: is missing; without it anybody could send replies to the webhook"
        if self.webhook_secret and not re.fullmatch(
            r"[A-Za-z0-9_-]{16,256}", self.webhook_secret.get_secret_value()
        ):
            yield "webhook_secret: must be 16 to 256 of A-Z, a-z, 0-9, _ and -"


def load_settings(file: Path | None = None, *, needs_token: bool = True) -> Settings:
    """Return the settings of the environment and of the TOML file, the environment winning.

    `needs_token` is false for commands that only use the database.

    Raises:
        SettingsError: with one line for everything that is wrong.
    """
    problems = list(_unknown_variables(os.environ))
    values = _read_file(file, problems)
    problems += [f"{name}: is no setting{_nearest(name)}" for name in values.keys() - Settings.model_fields]
    given = {name: value for name, value in values.items() if name in Settings.model_fields}
    settings = _validated(given | EnvSettingsSource(Settings)(), problems)
    if needs_token and settings.token is None and not any(each.startswith("token:") for each in problems):
        problems.append(f"token: is missing; set {PREFIX}TOKEN, or token in {DEFAULT_FILE}")
    problems += settings.problems()
    if problems:
        raise SettingsError(list(dict.fromkeys(problems)))
    return settings


def _validated(values: dict[str, Any], problems: list[str]) -> Settings:
    """Return the settings; values of a wrong type are named and left out, so that the rest is checked too."""
    try:
        return Settings(**values)
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_input=False)
    problems += [f"{each['loc'][0]}: {each['msg']}" for each in wrong]
    names = {each["loc"][0] for each in wrong}
    return Settings(**{name: value for name, value in values.items() if name not in names})


def _read_file(file: Path | None, problems: list[str]) -> dict[str, Any]:
    variable = os.environ.get(FILE_VARIABLE)
    named = file or (Path(variable) if variable else None)
    path = named or DEFAULT_FILE
    if named is None and not path.exists():
        return {}
    try:
        values = tomllib.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        problems.append(f"{path}: cannot be read: {error.strerror}")
        return {}
    except UnicodeDecodeError:
        problems.append(f"{path}: is not UTF-8; save it as UTF-8")
        return {}
    except tomllib.TOMLDecodeError as error:
        # The parser's text names line and column; it quotes single characters at most.
        problems.append(f"{path}: is not TOML: {error}")
        return {}
    if values.keys() & {"token", "alert_token", "master_keys", "webhook_secret", "rota_calendars"} and (
        problem := _open_to_others(path)
    ):
        problems.append(problem)
    return values


def _unknown_variables(environment: Mapping[str, str]) -> Iterator[str]:
    known = {f"{PREFIX}{name}".upper() for name in Settings.model_fields} | ELSEWHERE
    for name in sorted(environment):
        if name.upper().startswith(PREFIX) and name.upper() not in known:
            yield f"{name}: is no setting{_nearest(name.removeprefix(PREFIX).lower())}"


def _nearest(name: str) -> str:
    near = difflib.get_close_matches(name, Settings.model_fields, n=1)
    return f"; did you mean {near[0]}?" if near else ""


def _open_to_others(path: Path) -> str:
    mode = path.stat().st_mode
    if mode & (stat.S_IROTH | stat.S_IWOTH):
        return (
            f"{path} holds secrets and everybody may read it (mode {mode & 0o777:03o}); run: chmod 600 {path}"
        )
    return ""


def _decode_key(text: str) -> bytes:
    if re.fullmatch(r"[0-9a-fA-F]+", text) and len(text) % 2 == 0 and len(text) >= KEY_BYTES * 2 - 8:
        return bytes.fromhex(text)
    padded = text.replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return base64.b64decode(padded + "=" * (-len(padded) % 4), validate=True)
    except binascii.Error as error:
        raise ValueError("not base64") from error


def settings_table() -> str:
    """Return every setting as a table in Markdown, for the README."""
    rows = ["| Setting | Default | Meaning |", "|---|---|---|"]
    for name, each in Settings.model_fields.items():
        rows.append(f"| `{name}` | {_default_text(each.default)} | {each.description} |")
    return "\n".join(rows)


def _default_text(default: Any) -> str:
    return "" if default in (None, (), {}) else f"`{default}`"
