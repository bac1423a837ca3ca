"""Every setting, read from the environment in one place. Nothing is read at import."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from backend.addresses import host_in_url
from backend.checked_settings import DEFAULT_REDIS_URL
from backend.controls.weights import parse_weights
from backend.errors import NotConfigured
from backend.foreign_settings import ForeignSettings


class Settings(ForeignSettings):
    """Environment variables have the fields' names in upper case: `label_studio_url` is LABEL_STUDIO_URL."""

    # A value that is refused may be a secret, put into the wrong variable or mistyped.
    # Compose hands on as empty what its .env leaves out: that is as good as unset.
    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", hide_input_in_errors=True, env_ignore_empty=True
    )

    label_studio_url: str = Field(
        "http://localhost:8080", description="Where this backend reaches Label Studio."
    )
    label_studio_api_key: SecretStr | None = Field(
        None, description="Personal access token (or legacy token) of a Label Studio user. Needed to train."
    )
    label_studio_timeout: float = Field(
        300,
        gt=0,
        description="Seconds that one call of Label Studio may take, up to the last byte of its answer.",
    )
    label_studio_host: str = Field(
        "",
        description="What Label Studio calls itself, its own LABEL_STUDIO_HOST, where that is not "
        "LABEL_STUDIO_URL: images whose addresses begin with it are fetched at LABEL_STUDIO_URL.",
    )
    content_hosts: str = Field(
        "",
        description="Servers, beside Label Studio and the buckets behind it, that workers may fetch images "
        "from: `host` or `host:port`, separated by commas, private ones too; with a `*`, public ones alone.",
    )
    content_max_mb: float = Field(32, gt=0, description="MB of one image's file.")
    content_timeout: float = Field(30, gt=0, description="Seconds that fetching one image may take.")
    redis_password: SecretStr | None = Field(
        None,
        description="Password of the Redis at REDIS_URL, of any characters, where that holds none.",
    )
    redis_url: str = Field(
        DEFAULT_REDIS_URL,
        validate_default=True,
        description="Redis for the job queue. `up` starts its own when this is unset.",
    )
    data_dir: Path = Field(
        Path("~/.local/share/label-studio-atlas"),
        description="Where models and local copies of tasks are kept.",
    )
    model_store: str = Field(
        "",
        description="Object store for the models of several machines, such as s3://bucket/models; "
        "empty: in DATA_DIR.",
    )
    cache_dir: Path = Field(
        Path("~/.cache/label-studio-atlas"), description="Where the demo installs Label Studio."
    )
    host: str = Field("127.0.0.1", description="Address the web server listens on; 0.0.0.0 for all.")
    port: int = Field(9090, ge=0, le=65535, description="Port the web server listens on.")
    backend_url: str | None = Field(
        None, description="Where Label Studio reaches this backend; `connect` takes it unless told another."
    )
    basic_auth_user: str | None = Field(
        None, description="With BASIC_AUTH_PASS: what Label Studio must send to everything but `/health`."
    )
    basic_auth_pass: SecretStr | None = Field(
        None, validate_default=True, description="The password that goes with BASIC_AUTH_USER."
    )
    webhook_secret: SecretStr | None = Field(
        None,
        description="No longer needed: `connect` gives each project's webhook a secret of its own. Webhooks "
        "that carry this one, as releases before registered it, are let in until `connect` replaces them.",
    )
    web_workers: int = Field(
        1, ge=1, description="Web server processes. Each loads its own copy of the models."
    )
    web_threads: int = Field(
        16, ge=1, description="Threads per web server process; three in four are for predictions."
    )
    predict_threads: int = Field(
        2, ge=1, description="Requests for predictions computed at once, per web server process."
    )
    max_body_mb: int = Field(
        64, ge=1, description="MB of a request; Label Studio tells of 5,000 new tasks at once."
    )
    max_tasks: int = Field(20_000, ge=1, description="Tasks that one request may ask predictions for.")
    max_text_chars: int = Field(1_000_000, ge=1, description="Characters of a text, and of a label config.")
    max_projects: int = Field(
        10_000,
        ge=1,
        description="Projects that Label Studio has or requests name; more are refused until some go.",
    )
    model_cache_mb: int = Field(
        512, ge=1, description="MB of loaded models per web server process; the least recently used go."
    )
    strategy: str = Field(
        "auto", description="Query strategy that orders the queue: a name or a composition."
    )
    audit_share: float = Field(
        0.05,
        ge=0,
        le=1,
        description="Share of what is served that is drawn at random from what waits and carries no guess, "
        "so that accuracy and F1 (of marked parts and wrapped backends the agreement with annotators) can be "
        "estimated honestly; 0: none, and no estimate.",
    )
    goal_accuracy: float = Field(
        0,
        ge=0,
        lt=1,
        description="Accuracy to reach: each retrain says how many labels that is expected to take; "
        "0: no goal.",
    )
    target_domain: str = Field(
        "all",
        description="Which of the tasks that wait representative strategies go by, and estimated accuracy is "
        "about: `all`, the newest import (`newest`, of 20 tasks or more), or those with a value of a field "
        "(`source=forum`).",
    )
    encoder: str = Field(
        "auto",
        description="Text encoder: `lsa`, `use`, `minilm`, one of another package, a hub's model, a "
        "folder, or several side by side: `use+lsa`. `auto` begins with `use+lsa` where its weights are "
        "installed, else with `lsa`, and lets a project's labels decide.",
    )
    encode_within: float = Field(
        30,
        ge=0,
        description="Seconds that a retrain encodes texts itself; what takes longer is encoded in pieces "
        "by idle workers, and the order grows with it.",
    )
    image_encoder: str = Field(
        "lite0",
        description="Image encoder: `lite0`, a network of ImageNet's, a hub's model such as "
        "`facebook/dinov2-small`, or a folder.",
    )
    fine_tune: Literal["auto", "heads", "last", "all"] = Field(
        "auto",
        description="Layers that are trained on a project's labels: heads (those on top of the encoder), "
        "last (also the encoder's last ones, in a job of its own) or all; auto: last where spans are marked, "
        "else heads.",
    )
    fine_tune_within: int = Field(
        1800, gt=0, description="Seconds that adapting an encoder's layers may take; longer is not begun."
    )
    rank_on: Literal["frozen", "adapted"] = Field(
        "frozen",
        description="Vectors that the queue is ranked on: frozen, the encoder's as it is, or adapted, of "
        "answers about whole contents: those of the layers that FINE_TUNE adapted, once held-out items call "
        "them better.",
    )
    queue_control: str | None = Field(
        None, description="Name of the control that orders the queue, where a label config has several."
    )
    control_weights: str = Field(
        "",
        description="Controls that order the queue together, each with its weight: `sentiment=2,topic=1` "
        "gives two of three places to what sentiment would ask next. Empty: one orders it, the first or that "
        "of QUEUE_CONTROL.",
    )
    retrain_every: int = Field(5, ge=1, description="New annotations that start a retrain.")
    retrain_within: float = Field(
        30, ge=0, description="Seconds after which a retrain starts even for fewer new annotations."
    )
    retrain_pause: float = Field(
        5, ge=0, description="Seconds of rest between the end of one retrain and the start of the next."
    )
    queue_head: int = Field(
        200, ge=1, description="Tasks at the head of the queue published to Label Studio."
    )
    queue_clusters: int = Field(
        0,
        ge=0,
        le=100,
        description="Clusters of the published tasks that Label Studio takes in turn for each annotator; "
        "0: none. They cost it one call per task, 18 times as long as publishing them.",
    )
    show_guess_from: float = Field(
        0.8,
        ge=0,
        le=1,
        description="How likely right a guess must be for annotators to find it ticked; 0: every guess.",
    )
    blind: bool = Field(
        False, description="Keep the order but show annotators no pre-annotation, so as not to bias them."
    )
    reconcile_every: float = Field(
        300, ge=1, description="Seconds between looks at Label Studio for changes that no webhook told of."
    )
    clear_after: float = Field(
        20,
        ge=0,
        description="Seconds without an annotation in any project after which old predictions are deleted.",
    )
    keep_versions: int = Field(5, ge=2, description="Model versions kept on disk per project.")
    folds: int = Field(
        10, ge=2, description="Folds of the cross-validation that gives verdicts on labelled tasks."
    )
    seed: int = Field(0, ge=0, description="Seed of everything random, at most 4,294,967,295.")
    device: str = Field(
        "cpu",
        description="Where workers encode and train: cpu, cuda, cuda:1, mps, or auto, the first there is of "
        "cuda, mps and cpu. Not run on a GPU yet.",
    )
    torch_threads: int = Field(
        1, ge=0, description="CPU threads of the worker's torch; 1 is quickest up to some thousand labels."
    )
    job_timeout: int = Field(900, gt=0, description="Seconds a retrain may take before it is stopped.")
    retry_after: int = Field(
        5, ge=1, description="Seconds until a failed job is tried again; then 6 and 24 times as long."
    )
    set_aside_for: int = Field(
        600, ge=1, description="Seconds a project whose retrains fail is left alone; 6 times more each time."
    )
    worker_lost_after: int = Field(
        60, ge=3, description="Seconds of silence after which a worker is taken for dead and its job redone."
    )
    log_level: str = Field("INFO", description="DEBUG, INFO, WARNING or ERROR.")
    log_format: Literal["plain", "json"] = Field("plain", description="Log lines for people, or as JSON.")
    prometheus_multiproc_dir: Path | None = Field(
        None, description="Where the web server's processes count requests; unset: a folder in DATA_DIR."
    )

    @property
    def api_key(self) -> str:
        """The API key in clear. Raises NotConfigured, saying where to get one, when there is none."""
        if self.label_studio_api_key is None:
            raise NotConfigured(
                "LABEL_STUDIO_API_KEY is not set. Make a personal access token in Label Studio "
                "(user icon > Account & Settings > Personal Access Token), "
                "set LABEL_STUDIO_API_KEY to it and restart label-studio-atlas."
            )
        return self.label_studio_api_key.get_secret_value()

    @property
    def weights(self) -> dict[str, float]:
        """Of CONTROL_WEIGHTS, by the control's name."""
        return parse_weights(self.control_weights)

    @property
    def queue_controls(self) -> tuple[str, ...]:
        """Names of controls that are to come first, where a label config has them."""
        return tuple(filter(None, (self.queue_control, *self.weights)))

    @property
    def bind(self) -> str:
        """Where the web server listens, as gunicorn wants it."""
        return f"{host_in_url(self.host)}:{self.port}"

    @property
    def own_url(self) -> str:
        """Where the web server answers on this machine."""
        everywhere = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}
        host = host_in_url(self.host)
        return f"http://{everywhere.get(host, host)}:{self.port}"

    @property
    def basic_auth(self) -> tuple[str, str] | None:
        """User and password that Label Studio sends along a connection, None when it need not."""
        if self.basic_auth_user is None or self.basic_auth_pass is None:
            return None
        return self.basic_auth_user, self.basic_auth_pass.get_secret_value()

    @property
    def basic_authorization(self) -> str | None:
        """`basic_auth` as an Authorization header."""
        if self.basic_auth is None:
            return None
        return "Basic " + b64encode(":".join(self.basic_auth).encode()).decode()
