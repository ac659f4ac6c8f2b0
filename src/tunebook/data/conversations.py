"""Whole conversations -> one row for each reply: all turns before it, and the reply.

Who replies is read from the messages; where they do not say it, it is assumed, and said.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tunebook.data.literals import read_literal
from tunebook.data.values import WrongType, described, message_text, with_small_keys

ROLE_KEYS = ("role", "from", "speaker", "author", "sender", "name", "participant", "speaker_id")
ASSISTANT_ROLES = {"assistant", "gpt", "chatgpt", "bot", "chatbot", "model", "agent", "ai"}
USER_ROLES = {"user", "human", "customer", "client", "prompter", "usr", "caller", "seeker"}
OTHER_ROLES = {"system", "developer", "tool", "function", "observation", "environment"}


@dataclass(frozen=True)
class Reply:
    """One reply and all turns before it."""

    history: list[str]
    response: str


@dataclass(frozen=True)
class Conversation:
    """Turns, oldest first, and which of them are replies.

    `assumed` says in words who was taken to reply, None where the messages name an assistant;
    `has_speakers`: whether they name anyone.
    """

    turns: list[str]
    is_reply: list[bool]
    assumed: str | None = None
    has_speakers: bool = True

    def replies(self) -> list[Reply]:
        """Every reply that answers something; else what is there, for it to be counted as empty."""
        at = [i for i, replies in enumerate(self.is_reply) if replies]
        found = [Reply(self.turns[:i], self.turns[i]) for i in at if i > 0]
        return found or [Reply([], self.turns[0]) if at else Reply(self.turns, "")]

    def to_answer(self) -> list[str]:
        """The turns that a reply is wanted for: without a last one that is a reply already."""
        has_reply = self.has_speakers and any(self.is_reply[-1:])
        return self.turns[:-1] if has_reply else self.turns


def read_conversation(value: Any) -> Conversation:
    """A list of messages or texts. Raises WrongType."""
    messages = _messages(value)
    turns = [message_text(message) for message in messages]
    roles = [role_of(message) for message in messages]
    replies, assumed = _who_replies(roles)
    kept = [i for i, turn in enumerate(turns) if turn and not turn.isspace()]
    turns, replies = [turns[i] for i in kept], [replies[i] for i in kept]
    return Conversation(turns, replies, assumed, any(roles))


def _messages(value: Any) -> list[Any]:
    if isinstance(value, str):
        value = read_literal(value)
    if isinstance(value, Mapping) and value and all(isinstance(v, list) for v in value.values()):
        return [
            dict(zip(value, items, strict=False)) for items in zip(*value.values(), strict=False)
        ]
    if value is None or value == "":
        return []
    if not isinstance(value, list | tuple):
        raise WrongType(f"a list of messages is expected, not {described(value)}")
    return list(value)


def role_of(message: Any) -> str:
    """Who speaks, in small letters; nothing where the message does not say it."""
    if not isinstance(message, Mapping):
        return ""
    message = with_small_keys(message)
    given = next((message[key] for key in ROLE_KEYS if message.get(key) not in (None, "")), "")
    return role_of(given) if isinstance(given, Mapping) else str(given).strip().lower()


def _who_replies(roles: list[str]) -> tuple[list[bool], str | None]:
    if not any(roles):
        return [i % 2 == 1 for i in range(len(roles))], (
            "no message names its speaker: every second turn is taken as a reply"
        )
    names = list(dict.fromkeys(role for role in roles if role))
    replying, assumed = _replying(names)
    return [role in replying for role in roles], assumed


def _replying(names: list[str]) -> tuple[set[str], str | None]:
    """Which of the speakers, in order of their first turn, reply."""
    if known := ASSISTANT_ROLES & set(names):
        return known, None
    others = [name for name in names if name not in USER_ROLES | OTHER_ROLES]
    if USER_ROLES & set(names):
        # In task-oriented dialogues the system talks to the user; as a prompt it comes first.
        others = others or [name for name in names[1:] if name == "system"]
        return set(others), _taken("those of", others) if others else None
    return set(others[1:2]), _taken("those of who speaks second,", others[1:2])


def _taken(words: str, names: list[str]) -> str:
    named = " and ".join(name[:40] for name in names[:3]) or "nobody"
    return f"no message is by an assistant: the replies are {words} {named}"
