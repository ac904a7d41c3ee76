"""Names of countries, in the languages in which addresses come, to ISO 3166-1 alpha-2 codes."""

import re
import unicodedata
from functools import cache

LANGUAGES = (
    *("en", "de", "fr", "es", "it", "pt", "nl", "da", "sv", "nb", "fi", "pl", "cs", "hu", "ro"),
    *("tr", "el", "sk", "sl", "hr", "sr", "sr_Latn", "bs", "mk", "sq", "bg", "et", "lv", "lt"),
    *("is", "ga", "mt", "lb", "ca", "ru", "uk", "be", "ka", "hy", "az", "kk", "ky", "uz", "mn"),
    *("ar", "fa", "he", "hi", "bn", "ur", "ne", "si", "ta", "th", "vi", "id", "ms", "km", "lo"),
    *("my", "ja", "ko", "zh", "zh_Hant", "sw", "am", "fil", "eu", "gl", "fo", "kl"),
)
"""Official languages of countries. The first that knows a name decides."""
OTHER_NAMES = {
    "AE": "الإمارات|UAE|Emirates|U.A.E.",
    "AL": "Shqipëria|Shqiperia",
    "BA": "Bosnia|BiH|Bosna i Hercegovina|Republika Bosna i Hercegovina",
    "BG": "Republika Bulgaria|Република България",
    "BY": "Byelorussia|Belorussia|Белоруссия|Республика Беларусь",
    "CD": "DR Congo|DRC|RDC|Zaire|Democratic Republic of Congo",
    "CG": "Congo|Congo Republic|Congo Brazzaville",
    "CH": "Helvetia|Swiss Confederation|Confoederatio Helvetica",
    "CI": "Ivory Coast|Cote d Ivoire",
    "CN": "PRC|PR China|P.R. China|Mainland China|People's Republic of China|中华人民共和国|中國"
    "|中国大陆",
    "CV": "Cape Verde",
    "CZ": "Czech Republic|Česká republika|ČR|Czechia|Česko",
    "DE": "BRD|Bundesrepublik Deutschland",
    "DO": "Rep. Dom.|Dominican Rep.|Rep. Dominicana",
    "EE": "Eesti Vabariik",
    "EG": "جمهورية مصر العربية|Arab Republic of Egypt",
    "ES": "Reino de España|Espana",
    "FK": "Islas Malvinas|Falklands",
    "FR": "France métropolitaine|Republique Francaise",
    "GB": "England|Great Britain|Britain|Northern Ireland|Scotland|Wales|Cymru|G.B.|U.K."
    "|United Kingdom of Great Britain and Northern Ireland|Inglaterra|Angleterre|Großbritannien",
    "GR": "Hellas|Hellenic Republic|Elláda|Ellada|Ελλάς",
    "HK": "Hong Kong|HKSAR|Hong Kong SAR|香港|香港特別行政區|香港特别行政区",
    "HR": "Republika Hrvatska|Croatia Hrvatska",
    "HU": "Magyar Köztársaság",
    "IN": "Bharat|Hindustan",
    "IE": "Republic of Ireland|Eire|Irish Republic",
    "IR": "Islamic Republic of Iran|Persia",
    "JO": "المملكة الأردنية الهاشمية|Hashemite Kingdom of Jordan",
    "JP": "日本国|Nippon|Nihon",
    "KG": "Kyrgyz Republic|Kirghizia|Kirgizia|Киргизия",
    "KN": "St Kitts|St Kitts Nevis",
    "KP": "DPRK",
    "KR": "Korea|Republic of Korea|ROK|S. Korea|한국|대한민국|Korea South",
    "LA": "Lao PDR|Lao People's Democratic Republic",
    "LB": "الجمهورية اللبنانية",
    "LK": "Ceylon",
    "LT": "Lietuvos Respublika",
    "LV": "Latvijas Republika",
    "MA": "المملكة المغربية",
    "MD": "Republic of Moldova|Republica Moldova|Moldavia",
    "ME": "Republika Crna Gora",
    "MK": "Macedonia|FYROM|Republic of Macedonia|Former Yugoslav Republic of Macedonia|Македонија",
    "MM": "Burma|Myanmar",
    "MO": "Macao|Macau|澳門|澳门|Macao SAR",
    "NL": "Holland|Nederlanden|Hollande|Holanda",
    "OM": "سلطنة عمان|Sultanate of Oman",
    "PS": "Palestine|State of Palestine|West Bank|Gaza Strip|فلسطين",
    "QA": "دولة قطر|State of Qatar",
    "RO": "România",
    "RS": "Republika Srbija|Република Србија",
    "RU": "Russian Federation|Российская Федерация|РФ|Rossiya",
    "SA": "السعودية|KSA|Kingdom of Saudi Arabia|Saudi",
    "SI": "Republika Slovenija",
    "SK": "Slovak Republic|Slovenská republika",
    "SY": "Syrian Arab Republic|الجمهورية العربية السورية",
    "SZ": "Swaziland",
    "TL": "East Timor",
    "TN": "الجمهورية التونسية",
    "TR": "Turkey|Türkiye Cumhuriyeti",
    "TW": "ROC|R.O.C.|Taiwan R.O.C.|中華民國|台灣|臺灣|Taiwan ROC",
    "TZ": "United Republic of Tanzania",
    "UA": "Ukraina",
    "US": "America|United States of America|EE.UU.|EEUU|Estados Unidos de América|Etats-Unis"
    "|Vereinigte Staaten von Amerika|États-Unis d'Amérique",
    "VA": "Vatican|Holy See|Vatican City State|Città del Vaticano|Stato della Città del Vaticano",
    "VI": "US Virgin Islands|Virgin Islands US|USVI|Virgin Islands",
    "VG": "BVI",
    "VN": "Viet Nam",
    "YE": "الجمهورية اليمنية",
    "ZA": "RSA|Suid-Afrika|Republic of South Africa",
}
"""Old, official, short and colloquial names that CLDR does not have, by code."""
TERRITORIES = {
    "AU": "CC CX HM NF",
    "CN": "HK MO TW",
    "DK": "FO GL",
    "FI": "AX",
    "FR": "BL GF GP MF MQ NC PF PM RE WF YT",
    "GB": "AI BM FK GG GI GS IM IO JE KY MS PN SH TC VG",
    "NL": "AW BQ CW SX",
    "NO": "SJ",
    "NZ": "CK NU TK",
    "US": "AS GU MP PR UM VI",
}
"""What has a code of its own and may be written under its state: `Guadeloupe, France`."""
OF_A_STATE = re.compile(
    r"^(?:(?:federal |islamic |democratic |united |co operative )*"
    r"(?:republic|kingdom|state|commonwealth|union|principality|grand duchy)\b(?: of)?"
    r"|furstentum|konigreich|koninkrijk|(?:royaume|principaute|reino|principado) (?:de|du|d)"
    r"|republi(?:ca|k|ka|que)\b(?: de| del| di| of| da| do| du)?(?: la| el)?|repubblica(?: di"
    r"| del)?"
    r"|ประเทศ|جمهورية|دولة|مملكة|المملكة|سلطنة|республика|република) ?"
)
"""What stands before a name in full: Republic of, Kingdom of."""
NO_NAMES = ("EU", "EZ", "UN", "QO", "ZZ", "XA", "XB")


def code_of_country(name: str) -> str | None:
    """The code of a country's name or of its ISO code, or None."""
    plain, codes = plain_name(name), _codes()
    code = codes.get(plain)
    if code is None and (bare := OF_A_STATE.sub("", plain)) != plain and len(bare) > 2:
        code = codes.get(bare)
    return code


def has_territory(state: str, code: str) -> bool:
    """Whether a code is that of a territory that may be written under its state."""
    return code in TERRITORIES.get(state, "").split()


@cache
def _codes() -> dict[str, str]:
    from babel import Locale
    from babel.core import get_global

    codes = {
        plain_name(name): code for code, names in OTHER_NAMES.items() for name in names.split("|")
    }
    for language in LANGUAGES:
        for code, name in Locale.parse(language).territories.items():
            if re.fullmatch("[A-Z]{2}", code) and code not in NO_NAMES:
                codes.setdefault(plain_name(name), code)
                codes.setdefault(code.casefold(), code)
    for alias, meant in get_global("territory_aliases").items():
        if alias.isalpha() and len(meant) == 1:  # GBR, UK; not what fell apart since
            codes.setdefault(alias.casefold(), meant[0])
    return codes


def plain_name(name: str) -> str:
    """Without case, accents, punctuation and articles; `&` is `and`, `Saint` is `St`."""
    letters = unicodedata.normalize("NFKD", name.casefold().replace("&", " and ").replace("ı", "i"))
    words = re.sub(r"[^\w\s]|_", " ", "".join(c for c in letters if not unicodedata.combining(c)))
    plain = " ".join(word for word in words.split() if word != "the")
    plain = re.sub(r"\bsaint\b", "st", plain)
    return re.sub(r"\b([a-z]) (?=[a-z]\b)", r"\1", plain)  # u s a
