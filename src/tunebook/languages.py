"""Languages: the codes that stand for the same one, and its English name (ISO 639)."""

from __future__ import annotations

TABLE = """
Afar: aa aar; Abkhazian: ab abk; Avestan: ae ave; Afrikaans: af afr; Akan: ak aka;
Amharic: am amh; Aragonese: an arg; Arabic: ar ara arb; Assamese: as asm; Avaric: av ava;
Aymara: ay aym ayr; Azerbaijani: az aze azj; Bashkir: ba bak; Belarusian: be bel;
Bulgarian: bg bul; Bislama: bi bis; Bambara: bm bam; Bengali: bn ben; Tibetan: bo bod;
Breton: br bre; Bosnian: bs bos; Catalan: ca cat; Chechen: ce che; Chamorro: ch cha;
Corsican: co cos; Cree: cr cre; Czech: cs ces; Church Slavonic: cu chu; Chuvash: cv chv;
Welsh: cy cym; Danish: da dan; German: de deu; Dhivehi: dv div; Dzongkha: dz dzo; Ewe: ee ewe;
Greek: el ell; English: en eng; Esperanto: eo epo; Spanish: es spa; Estonian: et est ekk;
Basque: eu eus; Persian: fa fas pes; Fulah: ff ful fuv; Finnish: fi fin; Fijian: fj fij;
Faroese: fo fao; French: fr fra; Western Frisian: fy fry; Irish: ga gle; Scottish Gaelic: gd gla;
Galician: gl glg; Guarani: gn grn gug; Gujarati: gu guj; Manx: gv glv; Hausa: ha hau;
Hebrew: he heb iw; Hindi: hi hin; Hiri Motu: ho hmo; Croatian: hr hrv; Haitian Creole: ht hat;
Hungarian: hu hun; Armenian: hy hye; Herero: hz her; Interlingua: ia ina; Indonesian: id ind;
Interlingue: ie ile; Igbo: ig ibo; Nuosu: ii iii; Inupiaq: ik ipk; Ido: io ido; Icelandic: is isl;
Italian: it ita; Inuktitut: iu iku; Japanese: ja jpn; Javanese: jv jav jw; Georgian: ka kat;
Kongo: kg kon; Kikuyu: ki kik; Kuanyama: kj kua; Kazakh: kk kaz; Greenlandic: kl kal;
Khmer: km khm; Kannada: kn kan; Korean: ko kor; Kanuri: kr kau knc; Kashmiri: ks kas;
Kurdish: ku kur kmr; Komi: kv kom; Cornish: kw cor; Kyrgyz: ky kir; Latin: la lat;
Luxembourgish: lb ltz; Luganda: lg lug; Limburgish: li lim; Lingala: ln lin; Lao: lo lao;
Lithuanian: lt lit; Luba-Katanga: lu lub; Latvian: lv lav lvs; Malagasy: mg mlg plt;
Marshallese: mh mah; Maori: mi mri; Macedonian: mk mkd; Malayalam: ml mal; Mongolian: mn mon khk;
Marathi: mr mar; Malay: ms msa zsm; Maltese: mt mlt; Burmese: my mya; Nauru: na nau;
Norwegian Bokmål: nb nob; North Ndebele: nd nde; Nepali: ne nep npi; Ndonga: ng ndo; Dutch: nl nld;
Norwegian Nynorsk: nn nno; Norwegian: no nor nob nb; South Ndebele: nr nbl; Navajo: nv nav;
Chichewa: ny nya; Occitan: oc oci; Ojibwa: oj oji; Oromo: om orm gaz; Odia: or ori ory;
Ossetian: os oss; Punjabi: pa pan; Pali: pi pli; Polish: pl pol; Pashto: ps pus pbt;
Portuguese: pt por; Quechua: qu que quy; Romansh: rm roh; Rundi: rn run; Romanian: ro ron;
Russian: ru rus; Kinyarwanda: rw kin; Sanskrit: sa san; Sardinian: sc srd; Sindhi: sd snd;
Northern Sami: se sme; Sango: sg sag; Serbo-Croatian: sh hbs; Sinhala: si sin; Slovak: sk slk;
Slovenian: sl slv; Samoan: sm smo; Shona: sn sna; Somali: so som; Albanian: sq sqi als;
Serbian: sr srp; Swati: ss ssw; Southern Sotho: st sot; Sundanese: su sun; Swedish: sv swe;
Swahili: sw swa swh; Tamil: ta tam; Telugu: te tel; Tajik: tg tgk; Thai: th tha; Tigrinya: ti tir;
Turkmen: tk tuk; Tagalog: tl tgl fil; Tswana: tn tsn; Tongan: to ton; Turkish: tr tur;
Tsonga: ts tso; Tatar: tt tat; Twi: tw twi; Tahitian: ty tah; Uyghur: ug uig; Ukrainian: uk ukr;
Urdu: ur urd; Uzbek: uz uzb uzn; Venda: ve ven; Vietnamese: vi vie; Volapük: vo vol;
Walloon: wa wln; Wolof: wo wol; Xhosa: xh xho; Yiddish: yi yid ydd; Yoruba: yo yor; Zhuang: za zha;
Chinese: zh zho cmn; Zulu: zu zul
"""
"""Name, code of ISO 639-1, code of ISO 639-3, and codes of the main language where that one stands
for several."""

_ENTRIES = [entry.replace("\n", " ").split(": ") for entry in TABLE.strip().split(";")]
NAMES = {code: name.strip() for name, codes in reversed(_ENTRIES) for code in codes.split()}
_ALIKE = {code: tuple(codes.split()) for _, codes in reversed(_ENTRIES) for code in codes.split()}


def primary(code: str) -> str:
    """The language of a code without script and country: "zh" of "zh-CN" and "ZH_hans"."""
    return code.replace("_", "-").split("-")[0].lower()


def name_of(code: str) -> str | None:
    """The English name of a language; None for one that is in no ISO 639-1."""
    return NAMES.get(primary(code))


def alike(code: str) -> tuple[str, ...]:
    """All codes for the language of `code`, shortest first: ("de", "deu")."""
    return _ALIKE.get(primary(code), (primary(code),))
