"""The public sets are read as their authors describe them, names are dropped, and what is broken is said."""

from __future__ import annotations

import json

import pytest

from closeknit.coach.training import sets


def write(path, *lines: str) -> None:
    path.write_text("\n".join(lines) + "\n", "utf-8")


def test_text_that_was_taken_apart_is_joined():
    assert sets.joined("Trust me , some people do n't ( like you ) , and they 'll gon na win .") == (
        "Trust me, some people don't (like you), and they'll gonna win."
    )
    assert sets.joined("It ’s what we ’re for !") == "It’s what we’re for!"
    assert sets.joined("plain  words\tonly") == "plain words only"


EPITOME = "sp_id,rp_id,seeker_post,response_post,level,rationales"


@pytest.fixture
def epitome(tmp_path):
    for name in sets.EMPATHY.values():
        write(
            tmp_path / name,
            EPITOME,
            'a,1,"I lost  my job!","So sorry.  That must hurt, so sorry.",2,"So sorry.|so sorry."',
            'b,2,"I LOST my job","Have you slept?",0,"never counted"',
        )
    return tmp_path


def test_empathy_has_three_levels_and_the_words_that_show_them(epitome):
    first, second = sets.epitome(epitome)
    assert first.text == "So sorry. That must hurt, so sorry." and first.reply_to == "I lost my job!"
    assert first.targets == dict.fromkeys(sets.EMPATHY, 2.0)
    assert [first.text[a:b] for a, b in first.spans["exploration"]] == ["So sorry.", "so sorry."]
    assert second.targets["interpretation"] == 0 and second.spans["interpretation"] == ()
    assert first.group == second.group == "i lost my job", "the same post but for its marks must not be split"


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ([EPITOME, 'z,1,"p","r",1,""', 'b,2,"p","r",1,""'], "another pair"),
        ([EPITOME, 'a,1,"p","r",1,""'], "pairs"),
        ([EPITOME, 'a,1,"p","r",3,""', 'b,2,"p","r",1,""'], "none of"),
        ([EPITOME, 'a,1,"p","r",much,""', 'b,2,"p","r",1,""'], "no number"),
        (["sp_id,rp_id,seeker_post,response_post,level", "a,1,p,r,1"], "rationales"),
        ([EPITOME, "a,1,p"], "cut short"),
    ],
)
def test_a_broken_empathy_file_is_said(epitome, lines, says):
    write(epitome / "interpretations.csv", *lines)
    with pytest.raises(sets.SetError, match=says):
        sets.epitome(epitome)


def test_disclosure_and_support_come_without_names(tmp_path):
    columns = "sentenceid,author,nchar,full_text,id,Emotional_disclosure,Information_disclosure,Support,Info_support"
    columns += ",Emo_support"
    write(tmp_path / "labeled_training_set.csv", columns, "1,secret-name,9,I<U+0092>m sobbing <U+2764>,t9,1,0,0,0,1")
    (one,) = sets.offmychest(tmp_path)
    assert one.text == "I’m sobbing ❤" and one.group == "t9" and "secret-name" not in repr(one)
    assert one.targets == {
        "emotional_disclosure": 1,
        "informational_disclosure": 0,
        "emotional_support": 1,
        "informational_support": 0,
    }


def test_advice_is_grouped_by_the_post(tmp_path):
    write(
        tmp_path / "needadvice_dev.tsv",
        "ID\tMajority_label\tDS_Label\tSentence\tFlair",
        'p1-3.1-1\t0\t1\tYou could " call " them .\tCareer',
        "p1-4-0\t1\t0\tI did n't .\tCareer",
    )
    first, second = sets.advice(tmp_path, "needadvice", "dev")
    assert (first.group, second.group) == ("p1", "p1") and first.targets == {"advice": 1} and second.text == "I didn't."
    assert second.targets == {"advice": 0}, "the label of the paper counts, not the majority's"


def test_emotions_may_be_several(tmp_path):
    write(tmp_path / "labels.txt", *[f"e{number}" for number in range(28)])
    write(tmp_path / "dev.tsv", 'He said "yes\t3,27\tc1')
    (one,) = sets.emotions(tmp_path, "dev")
    assert [name for name, value in one.targets.items() if value] == ["emotion:e3", "emotion:e27"]
    write(tmp_path / "dev.tsv", "text\t28\tc1")
    with pytest.raises(sets.SetError, match=r"dev.tsv:1"):
        sets.emotions(tmp_path, "dev")
    write(tmp_path / "dev.tsv", "text without a label")
    with pytest.raises(sets.SetError, match="1 cells instead of 3"):
        sets.emotions(tmp_path, "dev")
    write(tmp_path / "labels.txt", "joy")
    with pytest.raises(sets.SetError, match="28"):
        sets.emotions(tmp_path, "dev")


def test_intimacy_is_a_score(tmp_path):
    write(tmp_path / "final_val.txt", "What do you hide?\t0.5", "When is lunch?\t-0.75")
    assert [one.targets["intimacy"] for one in sets.intimacy(tmp_path, "val")] == [0.5, -0.75]
    write(tmp_path / "final_val.txt", "What do you hide?\t5")
    with pytest.raises(sets.SetError, match="outside"):
        sets.intimacy(tmp_path, "val")


def test_requests_are_the_outer_quarters_without_raters(tmp_path):
    rows = [f"Wikipedia,{n},Request number {n}?,1,RATER{n},{n / 10}" for n in range(9)]
    write(tmp_path / "wikipedia.annotated.csv", "Community,Id,Request,Score1,TurkId1,Normalized Score", *rows)
    every = sets.politeness(tmp_path, "wikipedia")
    assert len(every) == 9 and "RATER" not in repr(every)
    outer = sets.quarters(every)
    assert {(one.text, one.targets["polite"]) for one in outer} == {
        ("Request number 0?", 0),
        ("Request number 1?", 0),
        ("Request number 7?", 1),
        ("Request number 8?", 1),
    }


def test_turns_answer_the_turn_before_and_nothing_about_people_is_read(tmp_path):
    dialogue = {
        "dialogue_id": 4,
        "participant_info": {"demographics": {"age": 43}},
        "annotations": [["I need water", "self-need"], ["Why so much?", "elicit-pref, small-talk"]],
    }
    (tmp_path / "casino_valid.json").write_text(json.dumps([dialogue, {"dialogue_id": 5, "annotations": []}]), "utf-8")
    first, second = sets.needs(tmp_path, "valid")
    assert first.targets == {"self_need": 1, "asks_need": 0} and first.reply_to is None and first.group == "4"
    assert second.targets == {"self_need": 0, "asks_need": 1} and second.reply_to == "I need water"
    (tmp_path / "casino_valid.json").write_text(json.dumps([{"dialogue_id": 4, "annotations": [["one"]]}]), "utf-8")
    with pytest.raises(sets.SetError, match="no pair"):
        sets.needs(tmp_path, "valid")
