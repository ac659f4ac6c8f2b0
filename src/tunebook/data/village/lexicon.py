"""The words of the village, in English and in French.

Everything here is a table: one entry a line or between commas, fields between "/". A French noun
carries its gender; a French adjective carries its four forms; a verb carries the forms that the
grammar modules need. Tables are tuples, so that their order, and with it every row drawn from a
seed, is the same on every platform.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Gender = Literal["m", "f"]


def _entries(table: str) -> tuple[tuple[str, ...], ...]:
    items = table.replace("\n", ",").split(",")
    return tuple(tuple(part.strip() for part in item.split("/")) for item in items if item.strip())


def _names(table: str) -> tuple[str, ...]:
    return tuple(table.split())


WOMEN = _names("""
Anna Alice Agnes Adele Amelia Aurora Bertha Beatrice Bianca Bridget Camille Carla Cecilia Clara
Claudia Colette Cora Daisy Daphne Delphine Diana Dora Edith Elena Elise Ella Eloise Emily Emma
Estelle Esther Eva Felicia Fiona Flora Frida Gabrielle Gemma Gilda Gloria Greta Ida Ingrid Irene
Iris Isabel Ivy Jeanne Joan Josephine Julia Juliet Karen Laura Lea Lena Leonie Lily Lisa Livia
Louise Lucy Lydia Mabel Madeleine Margot Maria Marion Martha Matilda Maud Mia Mina Mireille Monica
Nadia Nancy Nina Nora Norma Odette Olga Olivia Ottilie Pauline Penelope Petra Rachel Regina Renata
Rita Rosalie Rose Ruth Sabine Sarah Selma Simone Sofia Stella Sylvia Tamara Tessa Thea Ursula Vera
Victoria Viola Wanda Wilma Yvette Zoe
""")
MEN = _names("""
Adam Adrian Albert Alfred Ambrose Andrew Anton Arthur August Basil Benedict Benjamin Bernard Boris
Bruno Casper Cecil Charles Clement Conrad Cyril Daniel David Denis Dominic Edgar Edmund Edward
Elias Emil Eric Ernest Ethan Eugene Felix Ferdinand Florian Francis Frank Frederick Gabriel Gaspard
George Gerald Gilbert Gregory Gustave Igor Isaac Ivan Jacob James Jasper Jerome Joel John Jonas
Joseph Julian Karl Kevin Lambert Leo Leon Leonard Lionel Louis Lucas Luke Magnus Marcel Mark Martin
Matthew Maurice Maximilian Michael Milo Moses Nathan Nestor Noah Norbert Octave Oliver Oscar Otto
Pascal Patrick Paul Peter Philip Pierre Quentin Ralph Raymond Rene Richard Robert Robin Roland
Rufus Rupert Samuel Sebastian Sidney Silas Simon Stanley Stephen Theo Thomas Tobias Ulric Victor
Vincent Walter William Xavier
""")


@dataclass(frozen=True)
class Trade:
    """What a person does for a living."""

    english: str
    masculine: str
    feminine: str

    def french(self, gender: Gender) -> str:
        return self.masculine if gender == "m" else self.feminine


TRADES = tuple(
    Trade(*entry)
    for entry in _entries("""
baker/boulanger/boulangère, miller/meunier/meunière, blacksmith/forgeron/forgeronne
carpenter/charpentier/charpentière, teacher/instituteur/institutrice, nurse/infirmier/infirmière
farmer/fermier/fermière, weaver/tisserand/tisserande, potter/potier/potière
gardener/jardinier/jardinière, cook/cuisinier/cuisinière, musician/musicien/musicienne
painter/peintre/peintre, clockmaker/horloger/horlogère, shepherd/berger/bergère
bookseller/libraire/libraire, beekeeper/apiculteur/apicultrice, cobbler/cordonnier/cordonnière
grocer/épicier/épicière, butcher/boucher/bouchère, innkeeper/aubergiste/aubergiste
pharmacist/pharmacien/pharmacienne, lawyer/avocat/avocate, dancer/danseur/danseuse
librarian/bibliothécaire/bibliothécaire, printer/imprimeur/imprimeuse
hairdresser/coiffeur/coiffeuse, cheesemaker/fromager/fromagère, woodcutter/bûcheron/bûcheronne
florist/fleuriste/fleuriste, jeweller/bijoutier/bijoutière, student/étudiant/étudiante
""")
)


@dataclass(frozen=True)
class Place:
    """A place: English preposition and noun, French preposition, noun and gender."""

    english_at: str
    english: str
    french_at: str
    french: str
    gender: Gender


PLACES = tuple(
    Place(entry[0], entry[1], entry[2], entry[3], "m" if entry[4] == "m" else "f")
    for entry in _entries("""
at/mill/à/moulin/m, at/market/à/marché/m, at/station/à/gare/f, at/inn/à/auberge/f
at/bakery/à/boulangerie/f, at/school/à/école/f, at/harbour/à/port/m, at/castle/à/château/m
at/town hall/à/mairie/f, at/library/à/bibliothèque/f, at/museum/à/musée/m, at/theatre/à/théâtre/m
at/farm/à/ferme/f, at/dairy/à/laiterie/f, at/pharmacy/à/pharmacie/f, at/hospital/à/hôpital/m
at/forge/à/forge/f, in/vineyard/dans/vignoble/m, at/sawmill/à/scierie/f, at/brewery/à/brasserie/f
at/lighthouse/à/phare/m, at/monastery/à/monastère/m, at/village hall/à/salle des fêtes/f
in/garden/dans/jardin/m, in/barn/dans/grange/f, in/orchard/dans/verger/m, in/forest/dans/forêt/f
in/stable/dans/écurie/f, in/cellar/dans/cave/f, in/attic/dans/grenier/m, in/kitchen/dans/cuisine/f
in/workshop/dans/atelier/m, in/courtyard/dans/cour/f, in/meadow/dans/pré/m, in/shop/dans/boutique/f
in/greenhouse/dans/serre/f, in/tower/dans/tour/f, in/valley/dans/vallée/f, in/park/dans/parc/m
on/bridge/sur/pont/m, on/square/sur/place/f, on/hill/sur/colline/f, on/beach/sur/plage/f
on/island/sur/île/f, on/terrace/sur/terrasse/f, on/platform/sur/quai/m
near/church/près de/église/f, near/well/près de/puits/m, near/fountain/près de/fontaine/f
near/old oak/près de/vieux chêne/m, by/river/au bord de/rivière/f, by/lake/au bord de/lac/m
by/canal/au bord de/canal/m, behind/post office/derrière/poste/f, behind/chapel/derrière/chapelle/f
""")
)


@dataclass(frozen=True)
class Noun:
    """A kind of object: what can be sold, lost, painted and so on."""

    english: str
    english_plural: str
    french: str
    french_plural: str
    gender: Gender
    category: Literal["thing", "garment", "animal", "goods"]


_THINGS = """
lamp/lamps/lampe/lampes/f, vase/vases/vase/vases/m, chair/chairs/chaise/chaises/f
table/tables/table/tables/f, mirror/mirrors/miroir/miroirs/m, clock/clocks/horloge/horloges/f
kettle/kettles/bouilloire/bouilloires/f, bucket/buckets/seau/seaux/m
ladder/ladders/échelle/échelles/f, box/boxes/boîte/boîtes/f, chest/chests/coffre/coffres/m
hammer/hammers/marteau/marteaux/m, saw/saws/scie/scies/f, shovel/shovels/pelle/pelles/f
rake/rakes/râteau/râteaux/m, wheel/wheels/roue/roues/f, cart/carts/charrette/charrettes/f
boat/boats/bateau/bateaux/m, candlestick/candlesticks/bougeoir/bougeoirs/m
knife/knives/couteau/couteaux/m, spoon/spoons/cuillère/cuillères/f, cup/cups/tasse/tasses/f
plate/plates/assiette/assiettes/f, bowl/bowls/bol/bols/m, jug/jugs/cruche/cruches/f
barrel/barrels/tonneau/tonneaux/m, bell/bells/cloche/cloches/f, drum/drums/tambour/tambours/m
violin/violins/violon/violons/m, flute/flutes/flûte/flûtes/f, guitar/guitars/guitare/guitares/f
trumpet/trumpets/trompette/trompettes/f, stool/stools/tabouret/tabourets/m
bench/benches/banc/bancs/m, wardrobe/wardrobes/armoire/armoires/f, frame/frames/cadre/cadres/m
statue/statues/statue/statues/f, doll/dolls/poupée/poupées/f, kite/kites/cerf-volant/cerfs-volants/m
key/keys/clé/clés/f, lock/locks/serrure/serrures/f, suitcase/suitcases/valise/valises/f
bracelet/bracelets/bracelet/bracelets/m, necklace/necklaces/collier/colliers/m
watch/watches/montre/montres/f, sledge/sledges/traîneau/traîneaux/m
basket/baskets/panier/paniers/m, teapot/teapots/théière/théières/f, broom/brooms/balai/balais/m
lantern/lanterns/lanterne/lanternes/f, door/doors/porte/portes/f, desk/desks/bureau/bureaux/m
"""
_GARMENTS = """
coat/coats/manteau/manteaux/m, hat/hats/chapeau/chapeaux/m, scarf/scarves/écharpe/écharpes/f
shirt/shirts/chemise/chemises/f, dress/dresses/robe/robes/f, cap/caps/casquette/casquettes/f
belt/belts/ceinture/ceintures/f, blanket/blankets/couverture/couvertures/f
apron/aprons/tablier/tabliers/m, curtain/curtains/rideau/rideaux/m, rug/rugs/tapis/tapis/m
pillow/pillows/oreiller/oreillers/m, skirt/skirts/jupe/jupes/f, jacket/jackets/veste/vestes/f
umbrella/umbrellas/parapluie/parapluies/m, handkerchief/handkerchiefs/mouchoir/mouchoirs/m
tablecloth/tablecloths/nappe/nappes/f, cape/capes/cape/capes/f
"""
_ANIMALS = """
goat/goats/chèvre/chèvres/f, hen/hens/poule/poules/f, sheep/sheep/mouton/moutons/m
cow/cows/vache/vaches/f, horse/horses/cheval/chevaux/m, donkey/donkeys/âne/ânes/m
duck/ducks/canard/canards/m, goose/geese/oie/oies/f, rabbit/rabbits/lapin/lapins/m
pig/pigs/cochon/cochons/m, cat/cats/chat/chats/m, dog/dogs/chien/chiens/m
pigeon/pigeons/pigeon/pigeons/m, pony/ponies/poney/poneys/m
"""
_GOODS = """
basket of apples/baskets of apples/panier de pommes/paniers de pommes/m
sack of flour/sacks of flour/sac de farine/sacs de farine/m
jar of honey/jars of honey/pot de miel/pots de miel/m
bottle of cider/bottles of cider/bouteille de cidre/bouteilles de cidre/f
bunch of roses/bunches of roses/bouquet de roses/bouquets de roses/m
crate of pears/crates of pears/caisse de poires/caisses de poires/f
bag of walnuts/bags of walnuts/sachet de noix/sachets de noix/m
roll of cloth/rolls of cloth/rouleau de tissu/rouleaux de tissu/m
packet of candles/packets of candles/paquet de bougies/paquets de bougies/m
sack of potatoes/sacks of potatoes/sac de pommes de terre/sacs de pommes de terre/m
jar of cherries/jars of cherries/bocal de cerises/bocaux de cerises/m
loaf of bread/loaves of bread/miche de pain/miches de pain/f
pot of soup/pots of soup/marmite de soupe/marmites de soupe/f
crate of lemons/crates of lemons/caisse de citrons/caisses de citrons/f
"""


def _nouns(table: str, category: Literal["thing", "garment", "animal", "goods"]) -> list[Noun]:
    return [
        Noun(en, ens, fr, frs, "m" if gender == "m" else "f", category)
        for en, ens, fr, frs, gender in _entries(table)
    ]


NOUNS = tuple(
    _nouns(_THINGS, "thing")
    + _nouns(_GARMENTS, "garment")
    + _nouns(_ANIMALS, "animal")
    + _nouns(_GOODS, "goods")
)


@dataclass(frozen=True)
class Adjective:
    """English form, French forms, and where the French one stands."""

    english: str
    forms: tuple[str, str, str, str]
    before: bool
    masculine_before_vowel: str = ""

    def french(self, gender: Gender, plural: bool, following: str = "") -> str:
        """Agree; `following` is the next word, for vieil and bel."""
        if self.masculine_before_vowel and gender == "m" and not plural and starts_vowel(following):
            return self.masculine_before_vowel
        return self.forms[(2 if plural else 0) + (1 if gender == "f" else 0)]


def starts_vowel(word: str) -> bool:
    """Whether French elides before the word (h counts as mute: the village has no other)."""
    return word[:1].lower() in "aeiouhyâàéèêëîïôûœ"


def _regular(english: str, masculine: str, feminine: str) -> Adjective:
    plural = masculine if masculine.endswith("s") else masculine + "s"
    return Adjective(english, (masculine, feminine, plural, feminine + "s"), before=False)


COLOURS = tuple(
    _regular(*entry)
    for entry in _entries("""
blue/bleu/bleue, red/rouge/rouge, green/vert/verte, black/noir/noire, white/blanc/blanche
yellow/jaune/jaune, grey/gris/grise, brown/brun/brune, golden/doré/dorée, purple/violet/violette
pink/rose/rose
""")
)
ANIMAL_COLOURS = tuple(c for c in COLOURS if c.english in ("black", "white", "grey", "brown"))
SIZES = (
    Adjective("small", ("petit", "petite", "petits", "petites"), before=True),
    Adjective("big", ("grand", "grande", "grands", "grandes"), before=True),
    Adjective("old", ("vieux", "vieille", "vieux", "vieilles"), True, "vieil"),
    Adjective("beautiful", ("beau", "belle", "beaux", "belles"), True, "bel"),
    Adjective("pretty", ("joli", "jolie", "jolis", "jolies"), before=True),
)


@dataclass(frozen=True)
class Kind:
    """A kind of event.

    `role` says how the other person takes part: "to" (an indirect object beside a thing), "of"
    (the owner of the thing) or "with" (no thing at all; the preposition may be empty).
    English forms: infinitive, present, past, participle. French forms: infinitive, present,
    passé simple, participle; `tail` follows the verb ("visite" in rendre visite).
    """

    name: str
    role: Literal["to", "of", "with"]
    english: tuple[str, str, str, str]
    synonyms: tuple[str, ...]
    english_to: str
    french: tuple[str, str, str, str]
    french_to: str
    categories: tuple[str, ...] = ()
    priced: bool = False
    being: bool = False
    reflexive: bool = False
    tail: str = ""


_ANY = ("thing", "garment", "animal", "goods")
_DEAD = ("thing", "garment", "goods")
_MADE = ("thing", "garment")


def _verbs(
    name: str,
    role: Literal["to", "of", "with"],
    english: str,
    french: str,
    categories: tuple[str, ...] = (),
    *,
    to: str = "",
    synonyms: str = "",
    priced: bool = False,
    being: bool = False,
    reflexive: bool = False,
    tail: str = "",
) -> Kind:
    first, second, third, fourth = english.split("/")
    infinitive, present, simple, participle = french.split("/")
    english_to, _, french_to = to.partition("/")
    return Kind(
        name,
        role,
        (first, second, third, fourth),
        tuple(synonyms.split("/")) if synonyms else (),
        english_to,
        (infinitive, present, simple, participle),
        french_to,
        categories,
        priced,
        being,
        reflexive,
        tail,
    )


KINDS = (
    _verbs("sale", "to", "sell/sells/sold/sold", "vendre/vend/vendit/vendu", _ANY, to="to/à",
           priced=True),
    _verbs("purchase", "to", "buy/buys/bought/bought", "acheter/achète/acheta/acheté", _ANY,
           to="from/à", synonyms="purchased", priced=True),
    _verbs("rental", "to", "rent/rents/rented/rented", "louer/loue/loua/loué", _MADE, to="to/à",
           priced=True),
    _verbs("delivery", "to", "deliver/delivers/delivered/delivered", "livrer/livre/livra/livré",
           _ANY, to="to/à"),
    _verbs("loan", "to", "lend/lends/lent/lent", "prêter/prête/prêta/prêté",
           ("thing", "garment", "animal"), to="to/à"),
    _verbs("borrowing", "to", "borrow/borrows/borrowed/borrowed",
           "emprunter/emprunte/emprunta/emprunté", ("thing", "garment", "animal"), to="from/à"),
    _verbs("gift", "to", "give/gives/gave/given", "offrir/offre/offrit/offert", _ANY, to="to/à",
           synonyms="offered/presented"),
    _verbs("return", "to", "return/returns/returned/returned", "rendre/rend/rendit/rendu", _ANY,
           to="to/à", synonyms="gave back/handed back"),
    _verbs("showing", "to", "show/shows/showed/shown", "montrer/montre/montra/montré", _ANY,
           to="to/à"),
    _verbs("theft", "to", "steal/steals/stole/stolen", "voler/vole/vola/volé", _ANY, to="from/à"),
    _verbs("sending", "to", "send/sends/sent/sent", "envoyer/envoie/envoya/envoyé", _DEAD,
           to="to/à"),
    _verbs("promise", "to", "promise/promises/promised/promised",
           "promettre/promet/promit/promis", _ANY, to="to/à"),
    _verbs("bringing", "to", "bring/brings/brought/brought", "apporter/apporte/apporta/apporté",
           _DEAD, to="to/à", synonyms="took"),
    _verbs("order", "to", "order/orders/ordered/ordered", "commander/commande/commanda/commandé",
           _DEAD, to="from/à", priced=True),
    _verbs("entrusting", "to", "entrust/entrusts/entrusted/entrusted",
           "confier/confie/confia/confié", _ANY, to="to/à"),
    _verbs("repair", "of", "repair/repairs/repaired/repaired", "réparer/répare/répara/réparé",
           ("thing",), synonyms="mended/fixed"),
    _verbs("painting", "of", "paint/paints/painted/painted", "peindre/peint/peignit/peint",
           ("thing",)),
    _verbs("making", "to", "make/makes/made/made", "fabriquer/fabrique/fabriqua/fabriqué",
           ("thing",), to="for/pour", synonyms="built"),
    _verbs("sewing", "to", "sew/sews/sewed/sewn", "coudre/coud/cousit/cousu", ("garment",),
           to="for/pour"),
    _verbs("preparation", "to", "prepare/prepares/prepared/prepared",
           "préparer/prépare/prépara/préparé", ("goods",), to="for/pour"),
    _verbs("find", "of", "find/finds/found/found", "retrouver/retrouve/retrouva/retrouvé", _ANY,
           synonyms="came across/recovered"),
    _verbs("loss", "of", "lose/loses/lost/lost", "perdre/perd/perdit/perdu", _ANY,
           synonyms="misplaced"),
    _verbs("accident", "of", "break/breaks/broke/broken", "casser/casse/cassa/cassé", ("thing",),
           synonyms="smashed"),
    _verbs("cleaning", "of", "clean/cleans/cleaned/cleaned",
           "nettoyer/nettoie/nettoya/nettoyé", ("thing", "garment"), synonyms="washed"),
    _verbs("rescue", "of", "save/saves/saved/saved", "sauver/sauve/sauva/sauvé", ("animal",),
           synonyms="rescued"),
    _verbs("care", "of", "feed/feeds/fed/fed", "nourrir/nourrit/nourrit/nourri", ("animal",)),
    _verbs("hiding", "of", "hide/hides/hid/hidden", "cacher/cache/cacha/caché", _ANY,
           synonyms="concealed"),
    _verbs("visit", "with", "visit/visits/visited/visited", "rendre/rend/rendit/rendu", to="/à",
           synonyms="called on/dropped in on", tail="visite"),
    _verbs("help", "with", "help/helps/helped/helped", "aider/aide/aida/aidé", synonyms="assisted"),
    _verbs("meeting", "with", "meet/meets/met/met", "rencontrer/rencontre/rencontra/rencontré",
           synonyms="ran into/came across"),
    _verbs("invitation", "with", "invite/invites/invited/invited", "inviter/invite/invita/invité"),
    _verbs("thanks", "with", "thank/thanks/thanked/thanked",
           "remercier/remercie/remercia/remercié"),
    _verbs("wait", "with", "wait/waits/waited/waited", "attendre/attend/attendit/attendu",
           to="for/"),
    _verbs("congratulation", "with", "congratulate/congratulates/congratulated/congratulated",
           "féliciter/félicite/félicita/félicité"),
    _verbs("quarrel", "with", "quarrel/quarrels/quarrelled/quarrelled",
           "disputer/dispute/disputa/disputé", to="with/avec", synonyms="argued", reflexive=True),
    _verbs("peace", "with", "make/makes/made/made",
           "réconcilier/réconcilie/réconcilia/réconcilié", to="peace with/avec", reflexive=True),
    _verbs("song", "with", "sing/sings/sang/sung", "chanter/chante/chanta/chanté", to="for/pour"),
    _verbs("dance", "with", "dance/dances/danced/danced", "danser/danse/dansa/dansé",
           to="with/avec"),
    _verbs("arrival", "with", "arrive/arrives/arrived/arrived", "arriver/arrive/arriva/arrivé",
           to="with/avec", being=True),
    _verbs("stay", "with", "stay/stays/stayed/stayed", "rester/reste/resta/resté",
           to="with/avec", synonyms="remained", being=True),
    _verbs("watch", "with", "watch/watches/watched/watched", "veiller/veille/veilla/veillé",
           to="over/sur"),
    _verbs("walk", "with", "walk/walks/walked/walked", "promener/promène/promena/promené",
           to="with/avec", synonyms="strolled", reflexive=True),
)  # fmt: skip


@dataclass(frozen=True)
class Reason:
    """Why something happened, as a clause in two tenses and two languages.

    "{he}" and "{his}" stand for the acting person; French "{e}" is the feminine ending.
    """

    past: str
    present: str
    imparfait: str
    present_french: str


def _goal(english: str, french: str) -> Reason:
    return Reason(
        f"{{he}} wanted to {english}", f"{{he}} wants to {english}",
        f"{{he}} voulait {french}", f"{{he}} veut {french}",
    )  # fmt: skip


def _state(entry: tuple[str, ...]) -> Reason:
    return Reason(
        f"{{he}} {entry[0]}", f"{{he}} {entry[1]}", f"{{he}} {entry[2]}", f"{{he}} {entry[3]}"
    )


def _family(relative: tuple[str, ...], state: tuple[str, ...]) -> Reason:
    person, proche = f"{{his}} {relative[0]}", relative[1]
    return Reason(
        f"{person} {state[0]}", f"{person} {state[1]}",
        f"{proche} {state[2]}", f"{proche} {state[3]}",
    )  # fmt: skip


GOALS = _entries("""
thank the doctor/remercier le médecin, pay for the wedding/payer le mariage
mend the roof/refaire le toit, make room in the house/faire de la place dans la maison
please the children/faire plaisir aux enfants, keep a promise/tenir une promesse
earn some money/gagner un peu d'argent, see the sea/voir la mer
learn a new song/apprendre une nouvelle chanson, settle an old debt/régler une vieille dette
help the school/aider l'école, celebrate the harvest/fêter la récolte
open a shop/ouvrir une boutique, leave before winter/partir avant l'hiver
prepare the festival/préparer la fête, surprise the neighbours/surprendre les voisins
impress the mayor/impressionner le maire, forget an old sorrow/oublier un vieux chagrin
""")
STATES = _entries("""
needed money/needs money/avait besoin d'argent/a besoin d'argent
needed help/needs help/avait besoin d'aide/a besoin d'aide
needed company/needs company/avait besoin de compagnie/a besoin de compagnie
had no money left/has no money left/n'avait plus d'argent/n'a plus d'argent
had too much work/has too much work/avait trop de travail/a trop de travail
had good news/has good news/avait une bonne nouvelle/a une bonne nouvelle
was in a hurry/is in a hurry/était pressé{e}/est pressé{e}
was tired/is tired/était fatigué{e}/est fatigué{e}
was alone/is alone/était seul{e}/est seul{e}
was bored/is bored/s'ennuyait/s'ennuie
was very happy/is very happy/était ravi{e}/est ravi{e}
was afraid of the storm/is afraid of the storm/avait peur de l'orage/a peur de l'orage
had a free day/has a free day/avait un jour de congé/a un jour de congé
was moving house/is moving house/déménageait/déménage
""")
RELATIVES = _entries("""
sister/sa sœur, brother/son frère, mother/sa mère, father/son père, uncle/son oncle
aunt/sa tante, daughter/sa fille, son/son fils, grandmother/sa grand-mère
grandfather/son grand-père
""")
FAMILY_STATES = _entries("""
was ill/is ill/était malade/est malade
was getting married/is getting married/se mariait/se marie
was coming home/is coming home/rentrait au village/rentre au village
was leaving for the city/is leaving for the city/partait pour la ville/part pour la ville
was celebrating a birthday/is celebrating a birthday/fêtait un anniversaire/fête un anniversaire
needed help/needs help/avait besoin d'aide/a besoin d'aide
insisted on it/insists on it/y tenait/y tient
was out of work/is out of work/était sans travail/est sans travail
""")
CIRCUMSTANCES = _entries("""
winter was coming/winter is coming/l'hiver approchait/l'hiver approche
the roof was leaking/the roof is leaking/le toit fuyait/le toit fuit
the river was rising/the river is rising/la rivière montait/la rivière monte
the road was closed/the road is closed/la route était fermée/la route est fermée
the harvest was poor/the harvest is poor/la récolte était mauvaise/la récolte est mauvaise
the children were hungry/the children are hungry/les enfants avaient faim/les enfants ont faim
the guests were arriving/the guests are arriving/les invités arrivaient/les invités arrivent
the festival was near/the festival is near/la fête approchait/la fête approche
the well was dry/the well is dry/le puits était à sec/le puits est à sec
the cellar was flooded/the cellar is flooded/la cave était inondée/la cave est inondée
the oven was broken/the oven is broken/le four était cassé/le four est cassé
the snow was melting/the snow is melting/la neige fondait/la neige fond
prices were going up/prices are going up/les prix montaient/les prix montent
it was raining/it is raining/il pleuvait/il pleut
it was very cold/it is very cold/il faisait très froid/il fait très froid
the train was late/the train is late/le train avait du retard/le train a du retard
the school was closed/the school is closed/l'école était fermée/l'école est fermée
the doctor was away/the doctor is away/le médecin était absent/le médecin est absent
the nights were cold/the nights are cold/les nuits étaient froides/les nuits sont froides
the wood was wet/the wood is wet/le bois était mouillé/le bois est mouillé
the bees were swarming/the bees are swarming/les abeilles essaimaient/les abeilles essaiment
the mayor was watching/the mayor is watching/le maire regardait/le maire regarde
""")
REASONS = tuple(
    [_goal(*entry) for entry in GOALS]
    + [_state(entry) for entry in STATES]
    + [_family(relative, state) for relative in RELATIVES for state in FAMILY_STATES]
    + [Reason(*entry) for entry in CIRCUMSTANCES]
)

MONTHS = _entries("""
January/janvier, February/février, March/mars, April/avril, May/mai, June/juin, July/juillet
August/août, September/septembre, October/octobre, November/novembre, December/décembre
""")
WEEKDAYS = _entries("""
Monday/lundi, Tuesday/mardi, Wednesday/mercredi, Thursday/jeudi, Friday/vendredi
Saturday/samedi, Sunday/dimanche
""")
SEASONS = _entries("spring/de printemps, summer/d'été, autumn/d'automne, winter/d'hiver")
DAY_PARTS = _entries("""
morning/le matin/un matin, afternoon/l'après-midi/un après-midi, evening/le soir/un soir
""")
CURRENCIES = _entries("crown/crowns/couronne/couronnes, franc/francs/franc/francs")

ENGLISH_NUMBERS = _names("""
zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
sixteen seventeen eighteen nineteen twenty
""")
FRENCH_NUMBERS = _names("""
zéro un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize
dix-sept dix-huit dix-neuf vingt
""")
PRICES = (*range(3, 21), 30, 40, 50, 60)
_ENGLISH_TENS = {30: "thirty", 40: "forty", 50: "fifty", 60: "sixty"}
_FRENCH_TENS = {30: "trente", 40: "quarante", 50: "cinquante", 60: "soixante"}


def english_number(number: int) -> str:
    """The number in English words (0 to 20, and the tens to 60)."""
    return _ENGLISH_TENS.get(number) or ENGLISH_NUMBERS[number]


def french_number(number: int) -> str:
    """The number in French words (0 to 20, and the tens to 60), masculine."""
    return _FRENCH_TENS.get(number) or FRENCH_NUMBERS[number]
