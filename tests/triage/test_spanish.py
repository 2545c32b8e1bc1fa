"""What Spanish speakers write: a case for each way of saying it, and for each false friend."""

from __future__ import annotations

import pytest

from bot.care.level import Level
from tests.care.test_phrases import reached, rules


@pytest.mark.parametrize(
    ("text", "rule_id"),
    [
        pytest.param("boludo me re quiero matar, ya fue", "SUI-3", id="Plata: the pronoun first"),
        pytest.param("wey neta me dan ganas de aventarme al metro", "SUI-3", id="Mexico: throw oneself"),
        pytest.param("parce yo ya no quiero estar en este mundo", "SUI-3", id="Colombia: this world"),
        pytest.param("causa, ya no le encuentro sentido a seguir vivo", "SUI-3", id="Peru: no sense in it"),
        pytest.param("tía, ojalá me atropelle un autobús mañana", "SUI-3", id="Spain: may a bus"),
        pytest.param("me keria morir anoche, no aguanto", "SUI-3", id="chat spelling"),
        pytest.param("despertar cada mañana es un castigo", "SUI-3", id="waking as punishment"),
        pytest.param("qué envidia me dan los que ya descansan en el panteón", "SUI-3", id="envy of the dead"),
        pytest.param("el día que falte van a estar más tranquilos", "SUI-3", id="they will be better off"),
        pytest.param("lo único que me detiene de matarme es mi hija", "SUI-3", id="only one thing holds"),
        pytest.param("hace meses que no quiero vivir", "SUI-3", id="for months is not past"),
        pytest.param("nunca lo dije, quiero morir", "SUI-3", id="a denial of something else"),
        pytest.param("respiro por costumbre nada más", "SUI-5", id="breathing out of habit"),
        pytest.param("si hubiera un botón para apagarme lo apretaría", "SUI-5", id="a button"),
        pytest.param("a ver si mañana ya no despierto", "SUI-5", id="let us see"),
        pytest.param("el viernes cuando se duerman me cuelgo", "SUI-1", id="time-bound"),
        pytest.param("llevo un mes juntando clonas en una media", "SUI-1", id="means gathered"),
        pytest.param(
            "ya sé con qué, dónde y cuándo lo voy a hacer, tengo fecha para morirme", "SUI-1", id="plan"
        ),
        pytest.param("estoy del otro lado del barandal del puente", "SUI-1", id="place"),
        pytest.param("anoche me amarré un cable al cuello y se rompió", "SUI-1", id="attempt"),
        pytest.param("¿con cuántas pastillas no despierto?", "SUI-8", id="method"),
        pytest.param("grabé un video de despedida para mis nenes", "SUI-2a", id="goodbye video"),
        pytest.param("perdónenme todos, este es mi último mensaje", "SUI-2a", id="sorry and last"),
        pytest.param("me corto cuando mi mamá sale", "SUI-6", id="self-injury as habit"),
        pytest.param("tengo los muslos llenos de rayas", "SUI-6", id="marks"),
        pytest.param("mi compadre está en la azotea y dice que se avienta", "SUI-7", id="someone else, now"),
        pytest.param("si lo veo lo lleno de plomo", "VIO-1", id="threat"),
        pytest.param("una voz en mi cabeza me ordena que salte", "PSY-1", id="command voice"),
        pytest.param("los de la camioneta gris me siguen a todos lados", "PSY-2", id="followed"),
        pytest.param("siento un ladrillo encima del pecho", "MED-1", id="chest"),
        pytest.param("traigo el pulso en 160 y no baja", "MED-2", id="pulse in numbers"),
        pytest.param("la presión me marcó 200 con 115", "BP-2", id="pressure in numbers"),
        pytest.param("se puso rígido todo el cuerpo y con los ojos en blanco", "SEZ-1", id="fit"),
        pytest.param("tengo los labios como globos y ronchas", "ALL-1", id="swelling"),
        pytest.param("tres noches sin dormir y mil ideas, no paro", "MAN-1", id="too high"),
        pytest.param("I'm so cansada of being alive", "SUI-3", id="mixed: tired of living"),
        pytest.param("compré the rope, it's en mi closet", "SUI-1", id="mixed: means"),
        pytest.param("mi hermana is not waking up, help", "SUI-7", id="mixed: someone else"),
    ],
)
def test_each_way_of_saying_it_reaches_its_rule(text: str, rule_id: str) -> None:
    assert rule_id in rules(text)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("no me voy a matar, tranquila", id="denied"),
        pytest.param("cero ideas de morir esta semana", id="none at all"),
        pytest.param("hace ocho años quise morirme, hoy doy gracias", id="past"),
        pytest.param("mi psicóloga preguntó si quería morir y le dije que no", id="asked and denied"),
        pytest.param("me moría de risa con mi cuñado", id="laughing"),
        pytest.param("mato por un cafecito", id="coffee"),
        pytest.param("soñé que me mataban en la guerra", id="nightmare"),
        pytest.param("en la pesadilla me disparaban", id="nightmare told"),
        pytest.param("quiero conocer Japón antes de morirme", id="before I die"),
        pytest.param("adiós a mi jefe, por fin renuncié", id="goodbye to a boss"),
        pytest.param("me despedí de mis compañeros del trabajo", id="goodbye at work"),
        pytest.param("compré cuerda y clavos en la ferretería", id="rope from the shop"),
        pytest.param("compré veneno para las ratas", id="rat poison"),
        pytest.param("me tiré a la alberca vestida", id="pool"),
        pytest.param("se me quemó el arroz otra vez", id="burnt rice"),
        pytest.param("me corté picando cebolla", id="kitchen"),
        pytest.param("no quiero vivir en esta ciudad", id="a place to live"),
        pytest.param("desde que murió mi papá no tengo ganas de celebrar", id="grief"),
        pytest.param("me odio cuando le grito a mis hijos", id="distress without a wish to die"),
        pytest.param("siento que nada me motiva últimamente", id="no drive"),
        pytest.param("estoy feliz de seguir viva", id="glad to be alive"),
        pytest.param("se fue la luz en toda la cuadra", id="power cut"),
        pytest.param("casi me da un infarto con ese penal", id="a penalty kick"),
        pytest.param("las palpitaciones eran por el café, desaparecieron", id="over and explained"),
        pytest.param("la presión en 120 con 80", id="good pressure"),
        pytest.param("hoy es mi último día de clases", id="last day of school"),
        pytest.param("le escribí una carta a mi abuela por su cumpleaños", id="a birthday letter"),
        pytest.param("gracias por todo, nos vemos la próxima semana", id="thanks and see you"),
    ],
)
def test_false_friends_page_nobody(text: str) -> None:
    assert reached(text) < Level.SAME_DAY


def test_ordinary_words_are_not_read_as_slips_of_grave_ones() -> None:
    for text in (
        "quiero contarme un cuento",
        "el santo del pueblo",
        "quiero portarme bien",
        "las plantas crecen mejor",
    ):
        assert reached(text) < Level.SAME_DAY, text
