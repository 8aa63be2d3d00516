"""File names after the Universal Category System: CatID_FXName_CreatorID_SourceID.

The CatIDs are those of the public UCS list (universalcategorysystem.com, version 8); which of them fits a name is a
small table of our own, for the things that the starter bundle knows and their nearest kin.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise
from typing import Final

# Where nothing in a name is known; UCS keeps 'MISC' for it.
UNKNOWN_CAT_ID: Final = "OBJMisc"
AMBIENCE_CAT_ID: Final = "AMBMisc"
# The list asks for short names: longer ones are cut off in search windows.
MAX_FX_NAME: Final = 25
MAX_ID: Final = 16

_WORDS_OF_CAT_ID: Final[dict[str, str]] = {
    "ANMLDog": "dog puppy hound",
    "ANMLCat": "cat kitten",
    "ANMLFarm": "cow bull ox calf donkey sheep lamb goat pig",
    "ANMLHors": "horse pony zebra",
    "ANMLWcat": "lion tiger leopard panther",
    "ANMLWild": "elephant bear wolf fox camel deer moose hippopotamus hippo koala kangaroo rhino",
    "ANMLPrim": "monkey gorilla chimpanzee ape",
    "ANMLRdnt": "mouse rat rabbit squirrel hare",
    "ANMLBat": "bat",
    "ANMLAqua": "dolphin whale seal walrus fish",
    "ANMLAmph": "frog toad",
    "ANMLInsc": "bee mosquito cricket fly wasp insect",
    "ANMLRept": "snake lizard crocodile",
    "BIRDFowl": "hen rooster chicken duck goose turkey peacock",
    "BIRDCrow": "crow raven",
    "BIRDPrey": "owl eagle hawk falcon",
    "BIRDSea": "seagull gull penguin",
    "BIRDSong": "songbird sparrow bird robin",
    "BIRDTrop": "parrot parakeet",
    "BIRDWade": "flamingo heron stork crane",
    "VOXBaby": "baby infant",
    "VOXLaff": "laughing laugh laughter",
    "VOXMale": "man boy male",
    "VOXFem": "woman girl female",
    "VOXScrm": "screaming scream",
    "CREAEthr": "ghost spirit",
    "ROBTMisc": "robot android",
    "SCIShip": "saucer spaceship ufo",
    "HMNSneez": "sneezing sneeze",
    "HMNHart": "heart heartbeat",
    "CRWDApls": "clapping applause",
    "CRWDMisc": "crowd people",
    "FEETHmn": "shoe footsteps boots",
    "VEHCar": "car automobile taxi",
    "VEHTruck": "truck van lorry",
    "VEHBus": "bus coach",
    "VEHFarm": "tractor harvester",
    "VEHSirn": "siren ambulance police",
    "VEHMoto": "motorcycle motorbike scooter",
    "VEHBike": "bicycle bike",
    "TRNSteam": "locomotive",
    "TRNMisc": "train railway",
    "TRNTram": "tram streetcar",
    "AEROJet": "airplane aeroplane jet plane",
    "AEROProp": "propeller",
    "AEROHeli": "helicopter",
    "AERORckt": "rocket",
    "BOATShip": "ship ferry",
    "BOATSail": "sailboat yacht",
    "BOATMotr": "boat motorboat",
    "TOOLHand": "hammer saw axe pickaxe scissors",
    "METLImpt": "anvil",
    "DOORMisc": "door",
    "DOORGate": "gate",
    "COMTelph": "telephone phone",
    "COMCam": "camera",
    "COMAv": "record gramophone turntable projector",
    "CMPTKey": "keyboard",
    "BELLMisc": "bell",
    "BELLGong": "gong",
    "MACHAppl": "vacuum kettle washing dishwasher fridge",
    "MACHFan": "fan",
    "MACHMech": "windmill",
    "MACHInd": "factory",
    "FOODCook": "frying cooking pan",
    "WATRPlmb": "toilet shower tap",
    "GLASMisc": "glass bottle",
    "OBJCoin": "coins coin money",
    "OBJUmbr": "umbrella",
    "TOYMisc": "toy balloon",
    "CLOCKTick": "clock watch",
    "WEAPBow": "bow arrow",
    "WEAPSwrd": "sword",
    "GUNMisc": "gun pistol rifle",
    "EXPLReal": "explosion bomb",
    "NATDVolc": "volcano",
    "FIREBurn": "fire campfire flame bonfire",
    "RAIN": "rain",
    "THUN": "thunder lightning",
    "STORM": "storm",
    "WIND": "wind",
    "WATRSurf": "waves surf",
    "WATRFlow": "river stream brook",
    "WATRFoun": "fountain",
    "WATRDrip": "drop drip",
    "WATRBubl": "bubbles",
    "WATRFall": "waterfall",
    "WATRMisc": "water",
    "AMBSea": "sea beach ocean",
    "AMBForst": "forest woods",
    "AMBUrbn": "city",
    "AMBTraf": "street traffic road",
    "AMBMrkt": "market",
    "AMBFarm": "farm",
    "VEGETree": "tree",
    "VEGEGras": "grass",
    "MUSCInst": "piano accordion organ",
    "MUSCStr": "violin cello guitar banjo harp",
    "MUSCWind": "flute saxophone clarinet",
    "MUSCBrass": "trumpet trombone tuba",
    "MUSCPerc": "drum drums cymbal maracas tambourine xylophone",
}
_CAT_ID_OF_WORD: Final = {word: cat_id for cat_id, words in _WORDS_OF_CAT_ID.items() for word in words.split()}
# Two words that mean something else than either.
_CAT_ID_OF_PHRASE: Final[dict[str, str]] = {
    "fire truck": "VEHSirn",
    "fire engine": "VEHSirn",
    "steam train": "TRNSteam",
    "sailing ship": "BOATSail",
    "propeller plane": "AEROProp",
    "sea lion": "ANMLAqua",
    "sea waves": "WATRSurf",
    "water drop": "WATRDrip",
    "rubber duck": "TOYMisc",
    "french horn": "MUSCBrass",
    "alarm clock": "ALRMClok",
    "church bell": "BELLLrg",
    "guinea pig": "ANMLRdnt",
}


def suggest_cat_id(name: str, *, kind: str = "object") -> str:
    """The CatID for an object's name; its last known word decides, as the noun stands last in English.

    Args:
        kind: 'ambience' falls back to ambiences.
    """
    words = _words(name)
    for first, second in pairwise(words):
        found = _CAT_ID_OF_PHRASE.get(f"{first} {second}")
        if found is not None:
            return found
    for word in reversed(words):
        found = _CAT_ID_OF_WORD.get(word) or _CAT_ID_OF_WORD.get(word.removesuffix("s"))
        if found is not None:
            return found
    return AMBIENCE_CAT_ID if kind == "ambience" else UNKNOWN_CAT_ID


# What the category means, the part of a CatID in capitals.
_CATEGORIES: Final[dict[str, str]] = {
    "AERO": "aircraft", "ALRM": "alarm", "AMB": "ambience", "ANML": "animal", "BELL": "bell", "BIRD": "bird",
    "BOAT": "boat", "CLOCK": "clock", "CLOTH": "cloth", "CMPT": "computer", "COM": "communication", "CREA": "creature",
    "CRWD": "crowd", "DOOR": "door", "EXPL": "explosion", "FEET": "footsteps", "FIRE": "fire", "FOOD": "food",
    "GLAS": "glass", "GUN": "gun", "HMN": "human", "MACH": "machine", "METL": "metal", "MUSC": "music",
    "NATD": "natural disaster", "OBJ": "object", "RAIN": "rain", "ROBT": "robot", "SCI": "science fiction",
    "STORM": "storm", "THUN": "thunder", "TOOL": "tool", "TOY": "toy", "TRN": "train", "VEGE": "vegetation",
    "VEH": "vehicle", "VOX": "voice", "WATR": "water", "WEAP": "weapon", "WIND": "wind",
}  # fmt: skip


def words_of_cat_id(cat_id: str) -> str:
    """A CatID in words, for searching; '' for one that is not known.

    Example:
        >>> words_of_cat_id("ANMLDog")
        'animal dog'
    """
    category = max((each for each in _CATEGORIES if cat_id.startswith(each)), key=len, default="")
    known = _WORDS_OF_CAT_ID.get(cat_id, "").partition(" ")[0]
    return " ".join(dict.fromkeys(each for each in (_CATEGORIES.get(category, ""), known) if each))


def ucs_name(*, name: str, kind: str = "object", take: int | None = None, creator_id: str, source_id: str) -> str:
    """The four fields, joined by '_', which stands nowhere else.

    The FX name is the object's name in CamelCase, with the take's number where given; blank ids become 'SDSK' and
    'NONE', as the list asks for something in every field.

    Example:
        >>> ucs_name(name="old dog", take=2, creator_id="jane", source_id="")
        'ANMLDog_OldDogTake02_Jane_NONE'
    """
    number = "" if take is None else f"Take{take:02d}"
    fx_name = _camel(name)[: MAX_FX_NAME - len(number)] + number
    return "_".join(
        (
            suggest_cat_id(name, kind=kind),
            fx_name or "Sound",
            _camel(creator_id)[:MAX_ID] or "SDSK",
            _camel(source_id)[:MAX_ID] or "NONE",
        )
    )


def _words(name: str) -> list[str]:
    return re.findall(r"[^\W\d_]+", unicodedata.normalize("NFC", name).casefold())


def _camel(name: str) -> str:
    """Letters and digits only, each word with a capital; capitals within words stay."""
    words = re.findall(r"[^\W_]+", unicodedata.normalize("NFC", name))
    return "".join(word[0].upper() + word[1:] for word in words)
