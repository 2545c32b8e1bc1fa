"""What patients write, and which rule hears it: a case for each kind of miss and of false alarm."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.care.level import Level
from bot.care.phrases import PhraseBook
from bot.content.phrases import load_phrases
from bot.content.source import Problem, read_folder

PROMPTS = Path(__file__).resolve().parents[2] / "prompts"


def _load() -> tuple[PhraseBook, list[Problem]]:
    problems: list[Problem] = []
    return load_phrases(read_folder(PROMPTS, "rules/phrases", problems), problems), problems


BOOK, PROBLEMS = _load()


def reached(text: str) -> int:
    return max((finding.level for finding in BOOK.judge(text)), default=0)


def rules(text: str) -> set[str]:
    return {finding.rule_id for finding in BOOK.judge(text) if finding.level >= Level.SAME_DAY}


def test_every_phrase_keeps_its_own_cases():
    assert PROBLEMS == []


@pytest.mark.parametrize(
    ("text", "rule_id", "level"),
    [
        pytest.param("im gonna hang myself when the kids are in bed", "SUI-1", Level.EMERGENCY, id="plan"),
        pytest.param("the noose is tied in the garage", "SUI-1", Level.EMERGENCY, id="means"),
        pytest.param("doing it once my wife leaves for work", "SUI-1", Level.EMERGENCY, id="time-bound it"),
        pytest.param(
            "swallowed everything last night but i woke up, tried to overdose again",
            "SUI-1",
            Level.EMERGENCY,
            id="attempt",
        ),
        pytest.param("this is goodbye, be kind to each other", "SUI-2a", Level.EMERGENCY, id="goodbye"),
        pytest.param(
            "gave away my guitar to the boy next door", "SUI-2b", Level.URGENT, id="one implicit cue"
        ),
        pytest.param(
            "gave away my records and my passwords are in the drawer",
            "SUI-2a",
            Level.EMERGENCY,
            id="two implicit cues count more",
        ),
        pytest.param("wish i just wouldn't wake up", "SUI-3", Level.URGENT, id="not wake"),
        pytest.param("so done with being alive", "SUI-3", Level.URGENT, id="done with living"),
        pytest.param("my boys would be better off without me", "SUI-3", Level.URGENT, id="burden"),
        pytest.param("can't find a reason to stay alive", "SUI-3", Level.URGENT, id="no reason"),
        pytest.param(
            "how many of these pills would be lethal", "SUI-8", Level.EMERGENCY, id="method question"
        ),
        pytest.param("cut my thigh again in the bath", "SUI-6", Level.URGENT, id="self-injury"),
        pytest.param(
            "my cousin says she is going to kill herself tonight",
            "SUI-7",
            Level.URGENT,
            id="someone else, now",
        ),
        pytest.param("im going to stab my boss tomorrow", "VIO-1", Level.EMERGENCY, id="threat to a person"),
        pytest.param(
            "I keep having thoughts about hurting someone", "VIO-2", Level.URGENT, id="violent thoughts"
        ),
        pytest.param("the voices tell me to burn the house", "PSY-1", Level.EMERGENCY, id="command voices"),
        pytest.param("the tv keeps sending me messages", "PSY-2", Level.URGENT, id="signs"),
        pytest.param("crushing pain in my chest", "MED-1", Level.EMERGENCY, id="chest pain"),
        pytest.param("I can't catch my breath lying here", "MED-1", Level.EMERGENCY, id="breath"),
        pytest.param(
            "dr my chest is feeling so tight since 2 days", "MED-1", Level.EMERGENCY, id="chest, plainly"
        ),
        pytest.param(
            "started in 2021, now pressure in my chest", "MED-1", Level.EMERGENCY, id="a year lowers nothing"
        ),
        pytest.param(
            "bit anxious, heart keeps skipping and everything goes dark",
            "MED-1",
            Level.URGENT,
            id="a failing heart, whatever the nerves",
        ),
        pytest.param("my throat began to close after the tablet", "ALL-1", Level.EMERGENCY, id="throat"),
        pytest.param("the new pills made my brother paranoid", "PSY-2", Level.URGENT, id="mind on medicine"),
        pytest.param("I can't get my aunt to wake up", "SED-1", Level.URGENT, id="cannot be woken"),
        pytest.param("rash all over, they rushed me to hospital", "MED-3", Level.SAME_DAY, id="to hospital"),
        pytest.param("my wife says I had a seizure", "SEZ-1", Level.EMERGENCY, id="seizure"),
        pytest.param("my throat is closing up", "ALL-1", Level.EMERGENCY, id="airway"),
        pytest.param("took a whole bottle of tylenol", "OD-1", Level.EMERGENCY, id="overdose"),
        pytest.param(
            "had two glasses of wine after the infusion", "SUB-2", Level.URGENT, id="alcohol on the dose day"
        ),
        pytest.param("i'm driving home right now", "DRV-1", Level.URGENT, id="driving"),
        pytest.param("there's blood in my pee", "URO-1", Level.URGENT, id="bladder"),
        pytest.param("my husband is choking me", "DV-1", Level.EMERGENCY, id="hurt at home now"),
        pytest.param("the guide touched me during the session", "BND-1", Level.URGENT, id="boundary"),
        pytest.param("I think I'm pregnant, maybe i am pregnant", "PREG-1", Level.SAME_DAY, id="pregnant"),
        pytest.param("I can't do this anymore", "SUI-5", Level.SAME_DAY, id="ambiguous asks"),
        pytest.param("please don't come looking for me", "SUI-5", Level.SAME_DAY, id="not to be sought"),
        pytest.param(
            "why couldn't they just leave me to die", "SUI-5", Level.SAME_DAY, id="regrets a rescue"
        ),
        pytest.param(
            "there are cards for my girls for when they turn eighteen",
            "SUI-5",
            Level.SAME_DAY,
            id="letters for later years",
        ),
        pytest.param(
            "my sister is the only thing between me and the river", "SUI-5", Level.SAME_DAY, id="one tie left"
        ),
        pytest.param(
            "tell me how to hurt myself where it won't show",
            "SUI-6",
            Level.URGENT,
            id="a request is not hearsay",
        ),
        pytest.param(
            "going to drive off the cliff after work", "SUI-1", Level.EMERGENCY, id="work is no excuse"
        ),
        pytest.param(
            "our grandson got into the heart pills", "SUI-7", Level.SAME_DAY, id="a child and pills"
        ),
    ],
)
def test_english_words_reach_their_rule(text, rule_id, level):
    found = {finding.rule_id: finding.level for finding in BOOK.judge(text)}
    assert found.get(rule_id) == level, found


@pytest.mark.parametrize(
    ("text", "rule_id"),
    [
        pytest.param("esta noche me mato", "SUI-1", id="plan"),
        pytest.param("ya cargué la escopeta", "SUI-1", id="means"),
        pytest.param("les dejé una carta a todos", "SUI-2a", id="letter"),
        pytest.param("no quiero seguir viviendo", "SUI-3", id="not live is never softened"),
        pytest.param("ojalá me muera mientras duermo", "SUI-3", id="wish"),
        pytest.param("mis hijos estarían mejor sin mí", "SUI-3", id="burden"),
        pytest.param("cuántas pastillas son una dosis letal", "SUI-8", id="method"),
        pytest.param("me corté las piernas otra vez", "SUI-6", id="self-injury"),
        pytest.param("mi primo dice que se va a matar", "SUI-7", id="someone else"),
        pytest.param("lo voy a matar cuando llegue", "VIO-1", id="threat"),
        pytest.param("las voces me ordenan que salte", "PSY-1", id="command voices"),
        pytest.param("ya no puedo, I want to be dead", "SUI-3", id="both languages in one"),
        pytest.param("me duele el pecho y no puedo respirar", "MED-1", id="chest and breath"),
        pytest.param("me desmayé en el baño", "MED-1", id="faint"),
        pytest.param("tomé clonazepam con cerveza después de la sesión", "SUB-2", id="co-use"),
        pytest.param("voy manejando a casa", "DRV-1", id="driving"),
        pytest.param("mi esposo me pega", "DV-2", id="hurt at home"),
        pytest.param("hay sangre en mi orina", "URO-1", id="bladder"),
        pytest.param("tengo las escleras y la piel amarillas", "ALL-1", id="yellow skin"),
        pytest.param("la nariz me sangra hace una hora y no para", "GI-1", id="bleeding that does not stop"),
        pytest.param("fiebre altísima y los músculos tiesos", "ALL-1", id="fever and stiffness"),
        pytest.param("estoy pensando kitarme la vida", "SUI-3", id="chat spelling"),
        pytest.param("hoy más que nunca quiero morirme", "SUI-3", id="more than ever denies nothing"),
        pytest.param(
            "no tengo a nadie, quiero desaparecer de este mundo", "SUI-3", id="having nobody denies nothing"
        ),
        pytest.param("sin ganas de nada quiero morirme", "SUI-3", id="a lack denies nothing"),
        pytest.param("no me mato porque me da miedo", "SUI-3", id="a reason for not dying"),
        pytest.param("me dijeron cosas feas me quiero matar", "SUI-3", id="after what others said"),
        pytest.param("quiero matarme hace años", "SUI-3", id="for years is no past"),
        pytest.param("me quiero morir jajaja", "SUI-3", id="laughter does not silence"),
        pytest.param("quiero borrar mi existencia", "SUI-3", id="existence erased"),
        pytest.param("que nunca más me dejen despertar", "SUI-3", id="not let wake"),
        pytest.param("cada vez menos ganas de existir", "SUI-3", id="less and less"),
        pytest.param("mamá, llévame contigo", "SUI-5", id="called to the dead"),
    ],
)
def test_spanish_words_reach_their_rule(text, rule_id):
    assert rule_id in rules(text), BOOK.judge(text)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("me quiero morir jajaja", id="laughter"),
        pytest.param("me quiero matar, se me quemó el arroz", id="a mishap"),
        pytest.param("me quiero morir qué lindo cachorro", id="admiration"),
        pytest.param("quiero morir en tus ojos", id="love song"),
        pytest.param("preferiría morirme antes que volver a usar corbata", id="rather dead than in a tie"),
        pytest.param("ese ministro debería estar muerto", id="somebody else"),
        pytest.param("te voy a matar si me spoileas la final", id="a friend scolded"),
        pytest.param("mi abuela me va a matar cuando se entere de la multa", id="a scolding to come"),
        pytest.param("adiós mundo, me voy a dormir temprano", id="goodbye for an evening"),
        pytest.param("me estoy ahogando en tareas", id="drowning in work"),
    ],
)
def test_spanish_sayings_are_never_urgent(text):
    assert reached(text) < Level.URGENT, BOOK.judge(text)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("quiero dormir sin despertarme con pesadillas", id="broken sleep"),
        pytest.param("en la infusión sentí que me moría y volví a nacer", id="dying in the session"),
        pytest.param("tengo un nudo en la garganta", id="a lump in the throat"),
        pytest.param("quiero cortarme el pelo cortito", id="hair"),
        pytest.param("me despido hasta mañana", id="until tomorrow"),
        pytest.param("la vida me está pegando fuerte", id="life hits"),
        pytest.param("el suicidio es una causa de muerte evitable", id="an opinion"),
        pytest.param("hoy termina mi carrera, por fin", id="something else ends"),
        pytest.param("no quiero vivir más en este barrio", id="a place to live"),
        pytest.param("sin música la vida no tiene sentido", id="music"),
        pytest.param("ya no me siento una carga", id="no longer a burden"),
        pytest.param("estoy en la ventana viendo la lluvia", id="at the window"),
        pytest.param("palpitaciones leves al subir escaleras", id="slight palpitations"),
        pytest.param("un domingo de sobredosis de siesta", id="too many sweets"),
    ],
)
def test_harmless_spanish_pages_nobody(text):
    assert reached(text) < Level.SAME_DAY, BOOK.judge(text)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("no thoughts of killing myself this week", id="denied"),
        pytest.param("my daughter keeps cutting class", id="cutting class"),
        pytest.param("I'm not going to hurt myself", id="denied intent"),
        pytest.param("not suicidal any more", id="no longer"),
        pytest.param("used to cut myself, ten years free", id="past"),
        pytest.param("someone online told me to go kill myself", id="said by others"),
        pytest.param("my aunt died by suicide in 1999", id="others' deaths"),
        pytest.param("which number is the suicide hotline?", id="helpline"),
        pytest.param("my knees are killing me", id="body idiom"),
        pytest.param("dead tired after the shift", id="idiom"),
        pytest.param("my phone died again", id="things die too"),
        pytest.param("want to see the sea before I die", id="before I die"),
        pytest.param("cut the tablet in half as told", id="medicine words"),
        pytest.param("forgot my pills this morning", id="missed pills"),
        pytest.param("took a deep breath by the lake", id="breath"),
        pytest.param("that's the hill I'd die on", id="hill"),
        pytest.param("no quiero morir", id="es denied"),
        pytest.param("no me quiero matar", id="es denied with pronoun"),
        pytest.param("me muero de hambre", id="es idiom"),
        pytest.param("me muero de risa con mi prima", id="es laughing"),
        pytest.param("me corté el pelo", id="es hair"),
        pytest.param("the nurse asked about thoughts of suicide and I said no", id="asked and answered no"),
        pytest.param("never once have I thought of ending my life", id="never once"),
        pytest.param("jumping off the diving board for charity on sunday", id="a leap for sport"),
        pytest.param("I set the camera to film in low light", id="a camera is no spy"),
        pytest.param("is now a good time to go over the bill?", id="a good time to go"),
        pytest.param("friday is the day we get the keys", id="the day of something"),
        pytest.param("how can I burn off the pudding?", id="how to burn"),
        pytest.param("I saw my brother on the bus", id="somebody seen"),
        pytest.param("see you again soon", id="see you"),
        pytest.param("he took her to the dentist", id="took her"),
        pytest.param(
            "i think she will respond to my emails later, they will not respond today", id="no reply"
        ),
        pytest.param("sat in the car park for an hour before the exam", id="car park"),
        pytest.param("worried I am going to end up alone forever", id="alone"),
        pytest.param("slept well, thanks for asking", id="fine"),
        pytest.param("dormí bien, gracias", id="es fine"),
        pytest.param("7", id="a number"),
        "gasp! he proposed",
        "blackout in our street again",
        "the old roof collapsed under the snow",
        "mum had a fit about the muddy carpet",
        "a fitfully funny, long-winded play",
        "handing out flyers, passing out leaflets",
        "fainted once at school, giving blood",
        "is chest pain a common side effect?",
    ],
)
def test_harmless_words_page_nobody(text):
    assert reached(text) < Level.SAME_DAY, BOOK.judge(text)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("if this lecture goes on one more hour I'm going to end it all", id="one more and"),
        pytest.param("goodbye cruel world, I have to go to the gym", id="cruel world"),
        pytest.param("this cough makes me want to die", id="makes me want to"),
        pytest.param("my dissertation asks why anyone would commit suicide", id="a dissertation"),
        pytest.param("does the leaflet for volunteers say how to ask: are you suicidal?", id="volunteers"),
        pytest.param("I'll murder my brother, he finished the cereal", id="siblings"),
        pytest.param("I just want it to be over", id="what is it"),
        pytest.param("I'd sooner stab myself with a fork than watch the sequel", id="sooner than"),
    ],
)
def test_what_may_be_a_joke_or_a_lesson_asks_and_pages_nobody(text):
    assert reached(text) == Level.SAME_DAY, BOOK.judge(text)


def test_one_word_decides_between_wanting_to_die_and_not():
    assert reached("quiero morir") >= Level.URGENT
    assert reached("no quiero morir") < Level.SAME_DAY
    assert reached("no quiero vivir") >= Level.URGENT


def test_lowered_findings_keep_their_rule():
    findings = BOOK.judge("no thoughts of killing myself today")
    assert findings
    assert all(finding.level == Level.WATCH for finding in findings)


def test_a_plan_beats_the_denial_beside_it():
    findings = BOOK.judge("I'm not going to kill myself. The rope is tied in my closet though")
    assert findings[0].level == Level.EMERGENCY


def test_homework_beside_a_plan_softens_nothing():
    assert reached("going to kill myself tonight, never mind the homework") == Level.EMERGENCY
    assert reached("the noose is tied, this episode won't pass") == Level.EMERGENCY


def test_laughter_lowers_but_does_not_silence():
    assert reached("i want to die haha") == Level.SAME_DAY


def test_the_most_urgent_finding_comes_first_and_all_are_listed():
    findings = BOOK.judge("I want to die. going to hang myself tonight. also chest pain")
    assert [finding.level for finding in findings] == sorted((f.level for f in findings), reverse=True)
    assert {"SUI-1", "SUI-3", "MED-1"} <= {finding.rule_id for finding in findings}


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("I WANT TO DIE", id="capitals"),
        pytest.param("ｉ ｗａｎｔ ｔｏ ｄｉｅ", id="full width"),
        pytest.param("i want to d\u200bi\u200be", id="zero-width"),
        pytest.param("і wаnt tо dіе", id="Cyrillic look-alikes"),
        pytest.param("i w4nt to d1e", id="digits"),
        pytest.param("i want to dieeeee", id="repeats"),
        pytest.param("i want to d i e", id="spaced"),
        pytest.param("i want to d.i.e", id="dotted"),
        pytest.param("iwanttodie", id="no spaces"),
        pytest.param("i\u00a0want\u00a0to\u00a0die", id="no-break space"),
        pytest.param("I WANT TO DİE", id="dotted capital I"),
        pytest.param("𝓲 𝔀𝓪𝓷𝓽 𝓽𝓸 𝓭𝓲𝓮", id="styled letters"),
        pytest.param("i want to kil mysef", id="typos"),
        pytest.param("I don&#39;t want to live", id="left-over entity"),
        pytest.param("I don\\u2019t want to live", id="left-over escape"),
        pytest.param("I donâ€™t want to live", id="wrongly decoded apostrophe"),
        pytest.param("3, but I want to die", id="in reply to a number question"),
        pytest.param("kiero morir", id="chat Spanish"),
    ],
)
def test_disguised_words_are_heard(text):
    assert reached(text) >= Level.URGENT, BOOK.judge(text)


def test_the_words_reported_are_those_the_patient_wrote():
    text = "ok. I really WANT tο dіe now, sorry"
    words = [word for finding in BOOK.judge(text) for word in finding.words]
    assert words
    assert all(word in text for word in words)
    assert any("WANT tο dіe" in word for word in words)


@pytest.mark.parametrize(
    ("text", "rule_id"),
    [
        pytest.param("я больше не хочу жить", "UNK-1", id="Russian"),
        pytest.param("je ne veux plus vivre avec tout ça", "UNK-1", id="French"),
        pytest.param("eu não quero mais viver com isso", "UNK-1", id="Portuguese"),
        pytest.param("我不想活了", "UNK-1", id="Chinese"),
        pytest.param("ayoko na, gusto ko na mamatay po", "UNK-1", id="Tagalog"),
    ],
)
def test_another_language_is_never_passed_over_in_silence(text, rule_id):
    assert rule_id in {finding.rule_id for finding in BOOK.judge(text)}


@pytest.mark.parametrize(
    "text", ["", "   \n\t", "👍", "🌻🌻🌻", "42", "7/10", "\x00", "\ud800", "...!!??", "ok", "gracias"]
)
def test_nothing_said_finds_nothing(text):
    assert BOOK.judge(text) == ()


def test_emoji_of_means_ask():
    assert reached("💊💊🔫") >= Level.SAME_DAY
    assert reached("🌹💀😂") < Level.SAME_DAY


def test_the_direct_question_is_asked_when_words_are_ambiguous():
    (finding,) = [each for each in BOOK.judge("I'm done with it all") if each.rule_id == "SUI-5"]
    assert finding.asks
    assert finding.told == "M1b"


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("Yes", "yes"),
        ("sí.", "yes"),
        ("no", "no"),
        ("Not really sure", ""),
        ("not sure", "unsure"),
        ("no sé", "unsure"),
        ("banana", ""),
    ],
)
def test_typed_answers_to_the_direct_question(text, answer):
    assert BOOK.reads_as(text) == answer


@given(st.text(max_size=300))
def test_any_text_is_judged_and_its_words_are_its_own(text):
    for finding in BOOK.judge(text):
        assert all(word in text for word in finding.words)


@given(
    st.lists(
        st.sampled_from(["want", "to", "die", "I", "'", "\u200b", "don’t", "💊", "\ud800", "k i l l", "."]),
        max_size=30,
    )
)
def test_any_jumble_of_telling_pieces_is_judged(pieces):
    text = " ".join(pieces)
    assert BOOK.judge(text) == BOOK.judge(text)


def test_another_run_of_the_program_reads_a_slip_the_same():
    """Python orders sets differently in every run; a word that may be two others must not follow it."""
    told = {_levels_in_a_new_run(seed) for seed in ("1", "2")}
    assert told == {str([reached(text) for text in SLIPS])}


SLIPS = ("ffeell suiicidal", "i wnat to dei", "qiero morri", "thinkking of hangging myslef")


def _levels_in_a_new_run(seed: str) -> str:
    code = f"from tests.care.test_phrases import reached; print([reached(text) for text in {SLIPS!r}])"
    run = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONHASHSEED": seed},
        cwd=PROMPTS.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    return run.stdout.strip()
