"""Captions that name what is both seen and heard, by a chat model under the prompt of figure 9 (paper B.1)."""

from __future__ import annotations

import hashlib
import json
import os
import urllib.error
import urllib.request
from collections.abc import Callable
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace
from pathlib import Path
from typing import Any
from typing import Final
from typing import Protocol

from sounddesk.domain.errors import EngineError
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import OnProgress
from sounddesk.engine.tasks import StageReporter
from sounddesk.resources_folder import resource
from sounddesk.storage.own_file import append_text
from sounddesk.storage.text_formats import MAX_TEXT_BYTES
from sounddesk.storage.text_formats import FieldError
from sounddesk.storage.text_formats import parse_json
from sounddesk.training.clips.clip_manifest import ClipSource

PROMPT_RESOURCE: Final = "prompts/caption_rephrasing.txt"
_TIMEOUT_S: Final = 120.0


class ChatError(EngineError):
    """A chat model that cannot be asked; the message names it and the remedy."""


class ChatModel(Protocol):
    """Answers a system and a user message.

    Attributes:
        name: of model and place; answers of another name are not taken from the cache.
    """

    @property
    def name(self) -> str: ...

    def ask(self, system: str, user: str) -> str: ...


@dataclass(frozen=True, kw_only=True)
class EndpointChat:
    """Any server that speaks OpenAI's chat completions, e.g. one of llama.cpp or vLLM.

    Attributes:
        url: up to and with '/v1'.
        key_variable: environment variable that holds the key, where one is needed.
    """

    url: str
    model: str
    key_variable: str | None = None

    @property
    def name(self) -> str:
        return f"{self.url}#{self.model}"

    def ask(self, system: str, user: str) -> str:
        messages = [{"role": "system", "content": system}, {"role": "user", "content": user}]
        body = json.dumps({"model": self.model, "messages": messages, "temperature": 0}).encode()
        headers = {"Content-Type": "application/json"}
        if self.key_variable is not None:
            headers["Authorization"] = f"Bearer {os.environ.get(self.key_variable, '')}"
        request = urllib.request.Request(f"{self.url.rstrip('/')}/chat/completions", data=body, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as response:
                answer: str = parse_json(response.read(MAX_TEXT_BYTES + 1))["choices"][0]["message"]["content"]
        except (urllib.error.URLError, TimeoutError, ValueError, KeyError, IndexError, TypeError) as error:
            raise ChatError(
                f"{self.url} gave no answer ({error}): is the server running, and {self.model!r} known?"
            ) from error
        return answer


class LocalChat:
    """A chat model in a transformers folder, greedy."""

    def __init__(self, folder: Path, *, max_new_tokens: int = 120) -> None:
        from transformers import AutoModelForCausalLM
        from transformers import AutoTokenizer

        try:
            self._tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True)
            self._model: Any = AutoModelForCausalLM.from_pretrained(folder, local_files_only=True, use_safetensors=True)
        except (OSError, ValueError) as error:
            raise ChatError(f"{folder} holds no chat model that can be loaded: {error}") from error
        self._max_new_tokens = max_new_tokens
        self.name = f"{folder}"

    def ask(self, system: str, user: str) -> str:
        messages = [{"role": "system", "content": system}, {"role": "user", "content": user}]
        tokens = self._tokenizer.apply_chat_template(
            messages, add_generation_prompt=True, return_tensors="pt", return_dict=True
        )
        made = self._model.generate(**tokens, max_new_tokens=self._max_new_tokens, do_sample=False)
        answer: str = self._tokenizer.decode(made[0, tokens["input_ids"].shape[1] :], skip_special_tokens=True)
        return answer


def prompt_of(clip: ClipSource, template: str | None = None) -> tuple[str, str]:
    """System and user message for a clip; its three sources go where figure 9 has them."""
    text = template if template is not None else resource(PROMPT_RESOURCE).read_text(encoding="utf-8")
    system, _, user = text.removeprefix("# system\n").partition("\n# user\n")
    values = {
        "{enclap_caption}": clip.audio_caption or clip.caption,
        "{audio_label}": ", ".join(clip.labels),
        "{frame_caption}": " and then ".join(clip.frame_captions),
    }
    for placeholder, value in values.items():
        system, user = system.replace(placeholder, value), user.replace(placeholder, value)
    return system.strip(), user.strip()


@dataclass(frozen=True, kw_only=True)
class RephrasingPlan:
    """What a rephrasing would ask: of each clip the messages, and how many answers are there already."""

    prompts: tuple[tuple[str, str, str], ...]
    cached: int


class CaptionCache:
    """Answers by prompt and model, appended one by one: a stop costs at most the one in hand."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._answers: dict[str, str] = {}
        for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else []:
            try:
                row = parse_json(line)
                self._answers[row["key"]] = row["caption"]
            except (FieldError, KeyError):
                continue  # cut off by a kill

    def get(self, key: str) -> str | None:
        return self._answers.get(key)

    def add(self, key: str, caption: str) -> None:
        self._answers[key] = caption
        self._path.parent.mkdir(parents=True, exist_ok=True)
        # A line that a kill cut short must not swallow this one.
        torn = self._path.is_file() and self._path.stat().st_size > 0 and not self._path.read_bytes().endswith(b"\n")
        with append_text(self._path) as file:
            file.write(("\n" if torn else "") + json.dumps({"key": key, "caption": caption}, ensure_ascii=False) + "\n")


def plan_rephrasing(clips: Sequence[ClipSource], *, model_name: str, cache: CaptionCache) -> RephrasingPlan:
    """The dry run: nothing is asked."""
    prompts = [(clip.id, *prompt_of(clip)) for clip in clips]
    cached = sum(cache.get(_key(model_name, system, user)) is not None for _, system, user in prompts)
    return RephrasingPlan(prompts=tuple(prompts), cached=cached)


def rephrase(
    clips: Sequence[ClipSource],
    *,
    model: ChatModel,
    cache: CaptionCache,
    progress: OnProgress | None = None,
    cancel: CancelToken | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> list[ClipSource]:
    """The clips with new captions; a clip whose answer is empty keeps its own and is told of.

    Raises:
        ChatError: the model cannot be asked; what was answered is kept.
        Cancelled: through `cancel`.
    """
    reporter = StageReporter(stage="rephrase", total=len(clips), on_progress=progress, cancel=cancel)
    made = []
    for index, clip in enumerate(clips):
        system, user = prompt_of(clip)
        key = _key(model.name, system, user)
        answer = cache.get(key)
        if answer is None:
            answer = " ".join(model.ask(system, user).split()).strip("\"'“” ")
            cache.add(key, answer)
        if not answer:
            tell(f"{clip.id}: the chat model said nothing; its caption stays")
        made.append(replace(clip, caption=answer) if answer else clip)
        reporter.step(index + 1)
    return made


def _key(model_name: str, system: str, user: str) -> str:
    return hashlib.sha256("\0".join((model_name, system, user)).encode()).hexdigest()
