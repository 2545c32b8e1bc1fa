"""Questionnaires from outside: FHIR R4 in, our TOML out, and back.

A folder of its own rather than part of `bot.content`: it needs a FHIR library that takes half a second to
import, which neither the bot nor the check of the content should wait for.
"""

from bot.questionnaire.exporting import export_questionnaire
from bot.questionnaire.importing import Imported, import_file, import_questionnaire

__all__ = ["Imported", "export_questionnaire", "import_file", "import_questionnaire"]
