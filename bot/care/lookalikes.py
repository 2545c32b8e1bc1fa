"""Letters of other alphabets that look like Latin ones, and digits and signs written for letters."""

from __future__ import annotations

# Each pair is the look-alike and the Latin letter it passes for.
_CYRILLIC = "аa вb сc ԁd еe ғf ɡg һh іi їi јj кk ӏl мm пn оo рp ԛq гr ѕs тt ѵv шw ԝw хx уy уy нh зz"
_CYRILLIC_CAPITALS = "Аa Вb Сc Еe Нh Іi Їi Јj Кk Мm Оo Рp Ѕs Тt Хx Уy Зz Ԛq Ԝw Ѵv"
_GREEK = "αa βb ϲc δd εe ηn ιi κk νv οo ρp σo ςs τt υu χx γy ωw ϳj μu"
_GREEK_CAPITALS = "Αa Βb Εe Ζz Ηh Ιi Κk Μm Νn Οo Ρp Τt Υy Χx Ϲc"
_LATIN = "ıi ɑa ɐa ʙb ᴀa ᴄc ᴅd ᴇe ꜰf ɢg ʜh ɪi ᴊj ᴋk ʟl ᴍm ɴn ᴏo ᴘp ʀr ꜱs ᴛt ᴜu ᴠv ᴡw"
_LATIN_MORE = "ʏy ᴢz øo đd łl ħh ŧt ɨi ʋv ɩi ɾr ɲn ŋn ɵo ɛe əe ƙk ƅb ɗd ƒf ɉj ƿp ʂs ƭt ѡw"
_OTHERS = "օo սu հh ոn յj ⅼl ⅰi ⅽc ⅾd ⅿm ꓲi ꓳo ꓢs ∂d ℓl ∑e"


def _pairs(*runs: str) -> dict[str, str]:
    return {pair[0]: pair[1] for run in runs for pair in run.split() if len(pair) == 2}


LOOK_ALIKES = _pairs(_CYRILLIC, _CYRILLIC_CAPITALS, _GREEK, _GREEK_CAPITALS, _LATIN, _LATIN_MORE, _OTHERS)

# What a digit or sign inside a word may stand for; the first reading is tried first.
LETTERS_FOR = {
    "0": "o",
    "1": "il",
    "2": "z",
    "3": "e",
    "4": "a",
    "5": "s",
    "6": "gb",
    "7": "t",
    "8": "b",
    "9": "g",
    "@": "a",
    "$": "s",
    "!": "i",
    "|": "il",
    "+": "t",
    "€": "e",
    "£": "l",
}
