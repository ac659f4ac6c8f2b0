"""Whole conversations: each reply of the assistant is a row, whoever the messages call so."""

from __future__ import annotations

from typing import Any

import pytest
from loading_examples import Loaded, loaded, write_lines

from tunebook.data.conversations import read_conversation
from tunebook.predicting.fields import turns_to_answer

BOTH = {"history": "messages", "response": "messages"}


def talk(*turns: tuple[str, str], role: str = "role", text: str = "content") -> dict[str, Any]:
    return {"messages": [{role: who, text: said} for who, said in turns]}


def read(rows: list[Any], **settings: Any) -> Loaded:
    """The rows as train; other splits have one short talk each."""
    other = {split: write_lines(f"{split}.jsonl", [talk(("user", split), ("assistant", "ok"))])
             for split in ("validation", "test")}  # fmt: skip
    train = write_lines("talks.jsonl", rows)
    return loaded("dialogue", train=train, **other, fields=BOTH, **settings)


def pairs(found: Loaded, split: str = "train") -> list[tuple[list[str], str]]:
    return [(row["history"], row["response"]) for row in found.rows(split)]


def test_every_reply_is_a_row_with_all_turns_before_it() -> None:
    found = read([talk(("user", "q1"), ("assistant", "a1"), ("user", "q2"), ("assistant", "a2"))])
    assert pairs(found) == [(["q1"], "a1"), (["q1", "a1", "q2"], "a2")]
    assert [row["id"] for row in found.rows()] == ["train-1", "train-2"]


def test_ids_of_conversations_are_told_apart_by_reply() -> None:
    long = talk(("user", "q1"), ("assistant", "a1"), ("user", "q2"), ("assistant", "a2"))
    found = read([{"id": "x", **long}, {"id": "y", **talk(("user", "q"), ("assistant", "a"))}])
    assert [row["id"] for row in found.rows()] == ["x-1", "x-2", "y"]


def test_words_of_the_user_are_never_the_answer() -> None:
    found = read([talk(("user", "Hi."), ("assistant", "Ended."), ("user", "Bye."))])
    assert pairs(found) == [(["Hi."], "Ended.")]


def test_a_greeting_without_history_is_no_row() -> None:
    found = read([talk(("assistant", "Welcome!"), ("user", "Hi."), ("assistant", "Hello."))])
    assert pairs(found) == [(["Welcome!", "Hi."], "Hello.")]
    assert not found.heard("skipped")


def test_a_conversation_without_a_reply_is_skipped_and_counted() -> None:
    rows = [talk(("user", "q"), ("assistant", "a")), talk(("assistant", "Nobody asked.")),
            talk(("user", "Nobody answered."))]  # fmt: skip
    found = read(rows, max_skipped_share=0.9)
    assert len(found.rows()) == 1
    line = "2 of 3 rows skipped: history is empty (1), response is empty (1)"
    assert found.heard(line)


@pytest.mark.parametrize(("role", "text"), [
    ("from", "value"), ("speaker", "text"), ("author", "content"), ("name", "message"),
    ("sender", "utterance"), ("Speaker", "Text"), ("participant", "text"),
])  # fmt: skip
def test_speakers_are_found_under_any_key(role: str, text: str) -> None:
    row = talk(("user", "q"), ("assistant", "a"), ("user", "Bye."), role=role, text=text)
    found = read([row])
    assert pairs(found) == [(["q"], "a")]
    assert not found.heard("no message")


@pytest.mark.parametrize(("names", "replies"), [
    (["human", "gpt", "human"], ["t1"]),
    (["USER", "SYSTEM", "USER", "SYSTEM"], ["t1", "t3"]),
    (["system", "user", "wizard"], ["t2"]),
    (["Support", "customer", "Support"], ["t2"]),
    (["Anna", "Ben", "Anna", "Ben"], ["t1", "t3"]),
    (["user", "tool", "user"], [""]),
    (["", "", ""], ["t1"]),
    (["0", "1", "0"], ["t1"]),
])  # fmt: skip
def test_who_replies_is_read_from_the_names(names: list[str], replies: list[str]) -> None:
    messages = [{"role": name, "content": f"t{i}"} for i, name in enumerate(names)]
    assert [reply.response for reply in read_conversation(messages).replies()] == replies


@pytest.mark.parametrize(("messages", "words"), [
    (["Hi.", "Hello.", "Bye."], "every second turn is taken as a reply"),
    ([{"speaker": "Anna", "text": "Hi."}, {"speaker": "Ben", "text": "Ho."}], "second, ben"),
    ([{"speaker": "USER", "text": "Hi."}, {"speaker": "SYSTEM", "text": "Ho."}], "of system"),
])  # fmt: skip
def test_what_is_assumed_about_who_replies_is_said_once(messages: list[Any], words: str) -> None:
    found = read([{"messages": messages}, {"messages": [*messages, *messages]}])
    assert found.rows()[0]["history"] == ["Hi."]
    assert sum("data.train: messages: no message" in line for line in found.said) == 1
    assert found.heard(words)


def test_conversations_in_a_cell_are_read(tmp_path: Any) -> None:
    cell = "[{'role': 'user', 'content': 'q'}, {'role': 'assistant', 'content': \"it's\"}]"
    assert read_conversation(cell).replies()[0].response == "it's"
    columns = {"speaker": ["user", "bot"], "utterance": ["q", "a"]}
    assert read_conversation(columns).replies()[0].response == "a"


def test_a_conversation_stays_in_one_split() -> None:
    rows = [talk(*((who, f"{who} {i} {n}") for n in range(4) for who in ("user", "assistant")))
            for i in range(30)]  # fmt: skip
    found = loaded("dialogue", train=write_lines("talks.jsonl", rows), fields=BOTH)
    of_split = [{row["history"][0] for row in found.rows(split)}
                for split in ("train", "validation", "test")]  # fmt: skip
    assert [len(found.rows(split)) for split in ("train", "validation", "test")] == [96, 12, 12]
    assert len(set.union(*of_split)) == sum(map(len, of_split)) == 30
    assert found.heard("the rows of a conversation stay together")


def test_turns_to_answer_leave_out_a_reply_that_is_there() -> None:
    talks = talk(("USER", "q"), ("SYSTEM", "a"), role="speaker")["messages"]
    assert turns_to_answer(talks) == ["q"]
    assert turns_to_answer(talks[:1]) == ["q"]
    assert turns_to_answer(["q", "a"]) == ["q", "a"]
    assert turns_to_answer("q\na") == ["q", "a"]
