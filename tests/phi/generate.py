#!/usr/bin/env python3
"""Writes own_set.json: Arabic and English texts of a Saudi hub with every span known. The same seed writes the same bytes.

    generate.py > own_set.json

Everything is made up. Names are drawn from lists of this file, which were written without looking at the detector's word lists; some
are in those, many are not. Identifiers are valid by their checksum unless a text is about invalid ones. Hard negatives (lab values, doses, ICD
codes, orders, versions, hospitals, words that are also names) carry no span."""
import base64, json, random, urllib.parse

R = random.Random(20261121)
pick = R.choice

EN_GIVEN = """Ahmed Mohammed Khalid Abdulrahman Faisal Turki Nasser Yousef Sultan Bandar Majed Saud Fahad Rayan Mishari Ziyad Anas Hatim Sattam Nawaf
Sara Noura Fatimah Maha Reem Lama Hessa Aljohara Ghada Abeer Haifa Latifah Munirah Shahad Raghad Wejdan Arwa Tahani Dalal Najla
John Mary Robert Patricia Grace Michael Angela Thomas Jennifer Christopher Maria Rosalinda Jocelyn Marites Rajesh Priya Suresh Anitha Imran Bilal
Emily Oliver Sophie William Charlotte Daniel Hannah Lucas Isabella Mateusz Agnieszka Svetlana Dmitri Chukwuemeka Oluwaseun Wanjiru Thandiwe Hyun Mei Yuki""".split()
EN_FAMILY = """Al-Ghamdi Alqahtani Al-Otaibi Al Harbi Al-Shehri Alzahrani Al-Dossari Al Mutairi Al-Anazi Alshammari Al-Juhani Al-Rashidi Al-Malki Bakhashwain Al-Sulaiti
Kattan Bawazeer Al-Khathlan Al-Muhaidib Banaja Smith Johnson Fernandez Dela-Cruz Santos Reyes Patel Nair Varghese Khan Hussain Chaudhry O'Brien MacDonald Kowalski Ivanova Okafor
Adeyemi Mbeki Nakamura Schneider Rossi Lindqvist Haddad Khoury Nassar Abdelrahman ElSayed Mansour Benali Castillo Villanueva Kurien Thomas Pillai Siddiqui""".replace("Al Harbi", "Al~Harbi").replace("Al Mutairi", "Al~Mutairi").split()
EN_FAMILY = [f.replace("~", " ") for f in EN_FAMILY]
AR_MALE = """محمد أحمد خالد عبدالرحمن عبد_الله فيصل تركي ناصر يوسف سلطان بندر ماجد سعود فهد ريان مشاري زياد أنس حاتم سطام نواف عبدالعزيز إبراهيم سلمان عبدالإله صالح حسن علي عمر
رائد هتان وليد عبد_العزيز سعيد مهند ضيف_الله عطا_الله مشعل معاذ براء تميم قصي لؤي أيهم جهاد نضال كرم طلق شجاع غرم_الله هليل""".split()
AR_FEMALE = """سارة نورة فاطمة مها ريم لمى حصة الجوهرة غادة عبير هيفاء لطيفة منيرة شهد رغد وجدان أروى تهاني دلال نجلاء خديجة عائشة مريم أمل هدى إيمان منى بدور وسمية
فوزية سحر عهود رهف لجين جمانة بيان ترف غلا مشاعل""".split()
AR_FAMILY = """الغامدي القحطاني العتيبي الحربي الشهري الزهراني الدوسري المطيري العنزي الشمري الجهني الرشيدي المالكي بخشوين الخثلان المهيدب باناجة قطان باوزير العسيري السبيعي البلوي
الثبيتي الحازمي الأحمري الكثيري الجحدلي المحمادي الوقداني الصيخان البراهيم الخزيم العجلان الفواز الرميان الحسين المصري حداد خوري نصار بن_سعيد آل_مبارك الخضيري الفقيه الأنصاري السلمي الهذلي
العمودي باعشن الصاعدي المرزوقي البيشي الكناني الحميدان المزيد القرني الأسمري الودعاني الزيد الطيار الرحيلي""".split()
AR_GIVEN = AR_MALE + AR_FEMALE
EN_CITY = "Riyadh Jeddah Dammam Makkah Madinah Tabuk Abha Khobar Hail Jazan Najran Taif Buraydah".split()
AR_CITY = "الرياض جدة الدمام مكة المدينة_المنورة تبوك أبها الخبر حائل جازان نجران الطائف بريدة".split()
EN_STREET = ["King Fahd Road", "Prince Sultan Street", "Olaya Street", "Tahlia Street", "Al Madinah Road", "Imam Saud Road", "King Abdulaziz Road", "Palestine Street", "Abi Bakr As Siddiq Road", "Al Urubah Road"]
EN_DISTRICT = ["Al Olaya", "Al Malaz", "Al Nakheel", "An Narjis", "Al Yasmin", "Ar Rawdah", "As Salamah", "Al Hamra"]
AR_STREET = ["شارع الملك فهد", "شارع الأمير سلطان", "شارع العليا", "طريق المدينة", "طريق الملك عبدالعزيز", "شارع فلسطين", "شارع التحلية", "شارع الستين"]
AR_DISTRICT = ["حي العليا", "حي الملز", "حي النخيل", "حي النرجس", "حي الياسمين", "حي الروضة", "حي السلامة", "حي الحمراء", "حي الصفا"]
EN_MONTHS = "January February March April May June July August September October November December".split()
AR_MONTHS = "يناير فبراير مارس أبريل مايو يونيو يوليو أغسطس سبتمبر أكتوبر نوفمبر ديسمبر".split()
HIJRI = ["محرم", "صفر", "ربيع الأول", "ربيع الثاني", "جمادى الأولى", "جمادى الآخرة", "رجب", "شعبان", "رمضان", "شوال", "ذو القعدة", "ذو الحجة"]
HIJRI_EN = ["Muharram", "Safar", "Rabi al-Awwal", "Rajab", "Sha'ban", "Ramadan", "Shawwal", "Dhu al-Hijjah"]
DIGITS = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")
DRUGS = ["Metformin", "Amlodipine", "Augmentin", "Lantus", "Lipitor", "Panadol", "Ventolin", "Concor", "Plavix", "Keppra"]
AR_DRUGS = ["ميتفورمين", "أملوديبين", "أوجمنتين", "بنادول", "لانتوس", "كونكور", "أسبرين"]
HOSPITALS = ["King Fahd Medical City", "Prince Sultan Military Medical City", "King Faisal Specialist Hospital", "King Khalid University Hospital", "Dr. Sulaiman Al Habib Hospital"][:4]
AR_HOSPITALS = ["مدينة الملك فهد الطبية", "مستشفى الملك فيصل التخصصي", "مستشفى الملك خالد الجامعي", "مستشفى الأمير سلطان", "مستشفى الملك عبدالعزيز"]


def luhn_close(body):
    total = 0
    for i, c in enumerate(reversed(body)):
        v = int(c) * (2 if i % 2 == 0 else 1)
        total += v - 9 if v > 9 else v
    return body + str(-total % 10)


def digits(n):
    return "".join(pick("0123456789") for _ in range(n))


def arabic(text, chance=0.5):
    return text.translate(DIGITS) if R.random() < chance else text


def national(first="1"):
    return luhn_close(first + digits(8))


def iban(country="SA"):
    length = {"SA": 24, "AE": 23, "GB": 22, "DE": 22, "JO": 30}[country]
    bank = {"SA": pick(["80", "10", "05", "20"]), "AE": "033", "GB": "NWBK", "DE": "3704", "JO": "CBJO"}[country]
    body = bank + digits(length - 4 - len(bank))
    check = 98 - int("".join(str(int(c, 36)) for c in body + country + "00")) % 97
    text = f"{country}{check:02d}{body}"
    return " ".join(text[i:i + 4] for i in range(0, length, 4)) if R.random() < 0.4 else text


def mobile():
    n = pick(["50", "53", "54", "55", "56", "58", "59"]) + digits(7)
    return pick([f"0{n}", f"0{n[:2]} {n[2:5]} {n[5:]}", f"+966{n}", f"+966 {n[:2]} {n[2:5]} {n[5:]}", f"00966{n}", f"966{n}", f"0{n[:2]}-{n[2:5]}-{n[5:]}"])


def landline():
    n = pick(["11", "12", "13", "14", "16", "17"])
    rest = pick(["2", "4", "6"]) + digits(6)
    n = {"11": "11", "12": "12", "13": "13", "14": "14", "16": "16", "17": "17"}[n]
    rest = {"11": "4", "12": "6", "13": "8", "14": "8", "16": "3", "17": "2"}[n] + digits(6)
    return pick([f"0{n}{rest}", f"0{n} {rest[:3]} {rest[3:]}", f"+966 {n} {rest[:3]} {rest[3:]}", f"+966{n}{rest}"])


def foreign():
    return pick(["+971 50 " + pick("23456789") + digits(2) + " " + digits(4), "+20 10" + pick("0123456789") + " " + pick("123456789") + digits(2) + " " + digits(4), "+44 7911 " + pick("123") + digits(5), "+1 212-555-0" + digits(3),
                 "+91 98" + digits(3) + " " + digits(5), "+63 917 " + pick("123456789") + digits(2) + " " + digits(4), "+962 79 " + pick("123456789") + digits(2) + " " + digits(4)])


def card():
    brand = pick(["4", "51", "52", "5588", "4464"])
    number = luhn_close(brand + digits(15 - len(brand)))
    return pick([number, " ".join(number[i:i + 4] for i in range(0, 16, 4)), "-".join(number[i:i + 4] for i in range(0, 16, 4))])


def email(name=None):
    user = (name or pick(EN_GIVEN) + pick([".", "_", ""]) + pick(EN_FAMILY)).lower().replace(" ", "").replace("'", "")
    return user + pick(["", digits(2)]) + "@" + pick(["gmail.com", "hotmail.com", "outlook.sa", "moh.gov.sa", "example.org", "kfmc.med.sa", "mail.example.co.uk"])


def date_en():
    y, m, d = R.randint(1935, 2026), R.randint(1, 12), R.randint(1, 28)
    month = EN_MONTHS[m - 1]
    suffix = "st" if d in (1, 21) else "nd" if d in (2, 22) else "rd" if d in (3, 23) else "th"
    hy, hm = R.randint(1360, 1448), pick(HIJRI_EN)
    return pick([f"{y}-{m:02d}-{d:02d}", f"{d:02d}/{m:02d}/{y}", f"{d}/{m}/{y}", f"{d} {month} {y}", f"{month} {d}, {y}", f"{d}{suffix} {month} {y}", f"{d}-{month[:3]}-{y}", f"{d:02d}.{m:02d}.{y}",
                 f"{month[:3]} {d}, {y}", f"{d} {month[:3]} {y}", f"{d} {hm} {hy}", f"{d:02d}/{m:02d}/{hy}", f"{y}/{m:02d}/{d:02d}", f"{d}{suffix} of {month}", f"{month} {d}"])


def date_ar():
    y, m, d = R.randint(1935, 2026), R.randint(1, 12), R.randint(1, 28)
    hy = R.randint(1360, 1448)
    return pick([arabic(f"{d:02d}/{m:02d}/{y}"), arabic(f"{y}/{m:02d}/{d:02d}"), arabic(f"{d} {AR_MONTHS[m - 1]} {y}"), arabic(f"{d} {HIJRI[m - 1]} {hy}"), arabic(f"{d:02d}/{m:02d}/{hy}"), arabic(f"{d}-{m}-{y}"),
                 arabic(f"{d} {HIJRI[m - 1]}"), arabic(f"{d} من {HIJRI[m - 1]} {hy}"), arabic(f"{hy}/{m:02d}/{d:02d}"), arabic(f"{d} {AR_MONTHS[m - 1]}")])


def name_en(parts=None):
    parts = parts or pick([2, 2, 2, 3])
    given = [pick(EN_GIVEN) for _ in range(parts - 1)]
    if parts == 3 and R.random() < 0.4:
        given[1] = pick(["bin", "A.", "M."]) + (" " + given[1] if given[1] and R.random() < 0.5 else "")
        if given[1] in ("bin",):
            given[1] = "bin " + pick(EN_GIVEN)
    return " ".join(given) + " " + pick(EN_FAMILY)


def name_ar(parts=None):
    parts = parts or pick([2, 2, 3, 3, 4])
    first = pick(AR_GIVEN)
    middle = [pick(AR_MALE) for _ in range(parts - 2)]
    link = pick(["", "", "", "بنت " if first in AR_FEMALE else "بن "]) if middle else ""
    words = [first] + ([link + middle[0]] + middle[1:] if middle else []) + [pick(AR_FAMILY)]
    return " ".join(words).replace("_", " ")


def short_address():
    return pick("RMEAJQ") + "".join(pick("ABCDEFGHJKLMNPRSTUVWXYZ") for _ in range(3)) + digits(4)


def address_en():
    return pick([lambda: f"{R.randint(2000, 9999)} {pick(EN_STREET)}, {pick(EN_DISTRICT)}, {pick(EN_CITY)} {R.randint(11000, 34999)}-{R.randint(2000, 9999)}", lambda: f"{R.randint(1, 300)} {pick(EN_STREET)}, {pick(EN_CITY)}",
                 lambda: f"P.O. Box {R.randint(100, 99999)}, {pick(EN_CITY)} {R.randint(11000, 34999)}", lambda: f"Building {R.randint(1, 90)}, {pick(EN_STREET)}, {pick(EN_CITY)}", lambda: f"{R.randint(1, 99)} {pick(['Baker', 'Church', 'Maple', 'High', 'Oak'])} {pick(['Street', 'Road', 'Avenue', 'Lane'])}"])()


def address_ar():
    return arabic(pick([lambda: f"{pick(AR_STREET)}، {pick(AR_DISTRICT)}، {pick(AR_CITY)}", lambda: f"{pick(AR_DISTRICT)}، {pick(AR_STREET)}، مبنى {R.randint(1, 9999)}", lambda: f"{pick(AR_CITY)} - {pick(AR_DISTRICT)} - {pick(AR_STREET)}",
                        lambda: f"ص.ب {R.randint(100, 99999)} {pick(AR_CITY)} {R.randint(11000, 34999)}", lambda: f"{pick(AR_STREET)} مبنى {R.randint(10, 9999)} شقة {R.randint(1, 40)}"])().replace("_", " "), 0.2)


def mrn():
    return pick([digits(6), digits(8), "MRN-" + digits(6), "KF" + digits(7), digits(3) + "-" + digits(5)])


def age_en():
    return str(R.randint(90, 108))


MAKE = {"NAME": ("name", name_en), "NAMEAR": ("name", name_ar), "GIVEN": ("name", lambda: pick(EN_GIVEN)), "FAMILY": ("name", lambda: pick(EN_FAMILY)), "GIVENAR": ("name", lambda: pick(AR_GIVEN).replace("_", " ")),
        "FAMILYAR": ("name", lambda: pick(AR_FAMILY).replace("_", " ")), "NID": ("national-id", national), "IQAMA": ("iqama", lambda: national("2")), "NIDAR": ("national-id", lambda: arabic(national())),
        "IQAMAAR": ("iqama", lambda: arabic(national("2"))), "MOBILE": ("phone", mobile), "MOBILEAR": ("phone", lambda: arabic(mobile(), 0.4)), "LANDLINE": ("phone", landline), "FOREIGN": ("phone", foreign), "EMAIL": ("email", email),
        "IBAN": ("iban", iban), "IBANX": ("iban", lambda: iban(pick(["AE", "GB", "DE", "JO"]))), "CARD": ("card", card), "DATE": ("date", date_en), "DATEAR": ("date", date_ar), "ADDRESS": ("address", address_en),
        "ADDRESSAR": ("address", address_ar), "SHORT": ("address", short_address), "MRN": ("mrn", mrn), "PASSPORT": ("passport", lambda: pick("ABCKLMNPRZ") + digits(pick([7, 8]))), "AGE": ("age", age_en), "AGEAR": ("age", lambda: arabic(age_en())),
        "IP": ("ip", lambda: f"{R.randint(11, 223)}.{R.randint(0, 255)}.{R.randint(0, 255)}.{R.randint(1, 254)}"), "MAC": ("ip", lambda: ":".join(f"{R.randint(0, 255):02x}" for _ in range(6))),
        "URL": ("url", lambda: f"https://portal.example.sa/patients/{digits(7)}" + pick(["", "?tab=labs"])), "HL7DATE": ("date", lambda: f"{R.randint(1935, 2020)}{R.randint(1, 12):02d}{R.randint(1, 28):02d}"),
        "LOGTIME": ("date", lambda: f"2026-{R.randint(1, 12):02d}-{R.randint(1, 28):02d}T{R.randint(0, 23):02d}:{R.randint(0, 59):02d}:{R.randint(0, 59):02d}Z"), "ISO": ("date", lambda: f"{R.randint(1990, 2026)}-{R.randint(1, 12):02d}-{R.randint(1, 28):02d}"), "CITY": ("address", lambda: pick(EN_CITY)), "CITYAR": ("address", lambda: pick(AR_CITY).replace("_", " ")),
        # not patient data
        "DRUG": (None, lambda: pick(DRUGS)), "DRUGAR": (None, lambda: pick(AR_DRUGS)), "HOSPITAL": (None, lambda: pick(HOSPITALS)), "HOSPITALAR": (None, lambda: pick(AR_HOSPITALS)), "N": (None, lambda: str(R.randint(2, 80))),
        "ORDER": (None, lambda: pick(["ORD-" + digits(8), "INV" + digits(9), digits(9)])), "TIME": (None, lambda: f"{R.randint(8, 20):02d}:{pick(['00', '15', '30', '45'])}"), "ICD": (None, lambda: pick(["E11.9", "I10", "J45.901", "N18.3", "Z79.4", "M54.5"])),
        "VERSION": (None, lambda: f"{R.randint(1, 9)}.{R.randint(0, 20)}.{R.randint(0, 99)}")}

EN = """Patient {NAME} (MRN {MRN}), national ID {NID}, was admitted on {DATE} with chest pain. BP 145/92, HR 88, SpO2 97%.
{NAME} is a {N} year old male with type 2 diabetes on {DRUG} 500 mg twice daily. Seen by Dr. {FAMILY} on {DATE}.
Pt is a {AGE} year old female, HbA1c 7.8%, creatinine 88 umol/L. Daughter {NAME} can be reached at {MOBILE}.
Discharge summary for Mrs. {NAME}, DOB {DATE}, iqama {IQAMA}. Follow up with Dr. {NAME} in 2 weeks.
Dear Mr. {FAMILY}, your appointment at {HOSPITAL} is confirmed for {DATE} at {TIME}. Call {LANDLINE} to change it.
Reminder: {GIVEN}, your video visit starts at {TIME} on {DATE}. Join: {URL}
Please contact {NAME} on {MOBILE} or {EMAIL} regarding the lab results.
Referral letter. Name: {NAME}. Address: {ADDRESS}. Phone: {MOBILE}. Diagnosis: essential hypertension ({ICD}).
Transfer the refund of SAR 350 to IBAN {IBAN}, account holder {NAME}.
Payment by card {CARD} failed; the patient asked to use {IBANX} instead.
My name is {NAME} and I was born on {DATE}. I live at {ADDRESS}.
Emergency contact: {NAME}, brother, {FOREIGN}.
Passport No: {PASSPORT}, nationality Indian, name {NAME}, mobile {MOBILE}.
The national address short code is {SHORT}.
{NAME} called from {MOBILE} asking about {DRUG} 10 mg; advised to continue.
Mother of the patient, {NAME}, signed the consent on {DATE}.
Spoke with {NAME} (wife). She reports that he takes {DRUG} 20 mg at night.
Iqama no. {IQAMA} expires on {DATE}; insurance member {NAME}.
Login from {IP} for user {EMAIL} at {TIME}.
Device {MAC} was assigned to patient {NAME}.
Please send the report to {EMAIL} and cc {EMAIL}.
Nurse {NAME} gave the first dose at {TIME}. No adverse reaction.
ID {NID} and {IQAMA} belong to the same family file.
Hi {GIVEN}, thanks for the call. I will speak to {GIVEN} tomorrow.
Dr {NAME} reviewed the MRI of {NAME} and recommended surgery.
Follow-up of {NAME}: wound clean, sutures out on {DATE}. Grandfather died at {AGE} years old.
Patient ID: {MRN}. DOB: {DATE}. Sex: F. Phone: {LANDLINE}.
She moved from {CITY} and now lives at {ADDRESS}.
Consultant: {NAME}, {HOSPITAL}. Patient file number {MRN}.
File no. {MRN} - {NAME} - {DATE} - no show.
[chat] agent: May I have your full name? user: {NAME}
[chat] user: my number is {MOBILE} and my id is {NID}
Kindly update the mobile of {NAME} to {MOBILE} and the e-mail to {EMAIL}.
On examination {FAMILY} was alert and oriented. {FAMILY} denies fever.
Interpreter {NAME} attended. Patient aged {AGE}, frail, lives with son {GIVEN}.
Lab result for {NAME}: Hb 11.2 g/dL, WBC 6.7, platelets 230. Collected {DATE}.
Vaccination record of {NAME}, born {DATE}, dose 2 given by {NAME}.
Case discussed with {NAME} and {NAME}; plan agreed.
Family of {NAME} requested transfer to {CITY}.
Complaint received from {NAME} ({EMAIL}, {MOBILE}) about waiting times.""".split("\n")
EN_NEGATIVE = """Order {ORDER} was shipped with tracking number {ORDER}.
BP 120/80, HR 72, temp 36.8, RR 18, weight 82.5 kg, height 175 cm, BMI 26.9.
{DRUG} 500 mg 1x2, {DRUG} 10 mg once daily, {DRUG} 5 mg PRN for 14 days.
Version {VERSION} of the gateway was installed; build 20.4.118 failed 3 of 250 tests.
WBC 6.5 x10^9/L, Hb 13.4 g/dL, Na 138 mmol/L, K 4.1 mmol/L, eGFR 92 mL/min.
ICD-10 {ICD} and {ICD}; CPT 99213; LOINC 4548-4; SNOMED 44054006.
Parkinson's disease, Crohn's disease and Hodgkin lymphoma were excluded.
{HOSPITAL} opened a new Emergency Department; capacity 250 beds.
Invoice {ORDER} for SAR 12,500.00 is due in 30 days.
The Glasgow Coma Scale was 15/15 and the Apgar score 9 at 5 minutes.
I will mark the page and bill them in May; hope grows, the rose is red.
Error 503 after 30000 ms, retry 3 of 8, request 7f3a9c, thread 140213.
Lot number 2231456, serial SN-88121, expiry in 12 months, price 45.50.
Take two tablets at {TIME} and {TIME} with food. Do not drive.
Clinic hours 08:00-16:00. Room 12, floor 3. Parking is free for 2 hours.
Ratio 3:1, p = 0.04, 95% CI 1.2-3.4, n = 1500, 90 patients in the arm.
He is 45 years old, smokes 20 cigarettes a day, and walks 30 minutes.
In 3 days, in two weeks, tomorrow at noon, or next month.
Ventolin inhaler 100 mcg, two puffs every 4-6 hours as needed.
Dose: 0.5-1 mg/kg/day divided q8h; max 4 g/24h; run at 75 mL/h.
The Ministry of Health circular number 45 applies to private hospitals.
Chest X-Ray normal. CT Brain without contrast: no acute infarct. ECG sinus rhythm.
She felt joy and faith; the young man will summer in the north.
Queue length 128, p99 12.5 ms, 4096 connections, uptime 86400 s.
Call bell within reach. Fall risk: Morse score 45. Braden 18.
Diet: Low Salt. Activity: Bed Rest. Code Status: Full Code. Allergies: Penicillin.""".split("\n")
AR = """المريض {NAMEAR} رقم الملف {MRN} هوية رقم {NIDAR} أدخل بتاريخ {DATEAR} بسبب ألم في الصدر.
المريضة {NAMEAR} تبلغ من العمر {AGEAR} سنة وتعاني من ارتفاع ضغط الدم.
عزيزي {NAMEAR}، موعدك في {HOSPITALAR} يوم {DATEAR} الساعة {TIME}. للتعديل اتصل على {LANDLINE}.
اسمي {NAMEAR} ورقم جوالي {MOBILEAR} وأريد حجز موعد.
يرجى التواصل مع {NAMEAR} على الجوال {MOBILEAR} بخصوص نتائج التحاليل.
د. {NAMEAR} راجع الحالة بتاريخ {DATEAR} ووصف {DRUGAR} 500 ملغ مرتين يوميا.
العنوان: {ADDRESSAR}
يسكن في {ADDRESSAR} وجواله {MOBILEAR}.
رقم الإقامة {IQAMAAR} باسم {NAMEAR}.
تحويل المبلغ إلى الآيبان {IBAN} باسم {NAMEAR}.
الاسم: {NAMEAR}، تاريخ الميلاد: {DATEAR}، الجنس: ذكر، الهاتف: {MOBILEAR}.
والدة الطفل {NAMEAR} وقعت على الموافقة بتاريخ {DATEAR}.
السيد {NAMEAR}، تم قبول مطالبتكم رقم 4471 وسيتم التواصل معكم.
العنوان المختصر {SHORT} في مدينة {CITYAR}.
جواز السفر رقم {PASSPORT} للمقيم {NAMEAR}.
حضر {NAMEAR} إلى العيادة وذكر أن ابنه {GIVENAR} يعاني من حرارة منذ ثلاثة أيام.
الدكتورة {NAMEAR} استشارية القلب في {HOSPITALAR}.
راجع المريض {NAMEAR} قسم الطوارئ، الضغط 140/90 والحرارة 38.5.
تم إرسال التقرير إلى {EMAIL} بناء على طلب {NAMEAR}.
أنا {NAMEAR} من {CITYAR} وأحتاج استشارة عن {DRUGAR}.
المستفيد: {NAMEAR} - رقم الهوية: {NIDAR} - الجوال: {MOBILEAR}
توفي والد المريض عن عمر {AGEAR} عاما.
اسم المريض: {NAMEAR}
الطبيب المعالج: د. {NAMEAR}
الممرضة {NAMEAR} أعطت الجرعة الأولى الساعة {TIME}.
نتيجة تحليل {NAMEAR}: الهيموجلوبين 11.2 والسكر التراكمي 7.8.
طلبت {NAMEAR} تغيير موعدها إلى {DATEAR}.
اتصلت زوجة المريض {NAMEAR} من الرقم {MOBILEAR}.
هويتي {NIDAR} وجوالي {MOBILEAR} وبريدي {EMAIL}
أم {GIVENAR} تسأل عن موعد ابنتها يوم {DATEAR}.
يعيش مع ابنه {NAMEAR} وعمره {AGEAR} سنة.
الأستاذ {NAMEAR} المحترم، نفيدكم بوصول بطاقة التأمين.
بطاقة رقم {CARD} مرفوضة، يرجى المحاولة مرة أخرى.
مرحبا {GIVENAR}، كيف حالك اليوم؟
محول من الدكتور {NAMEAR} لعمل أشعة رنين.""".split("\n")
AR_NEGATIVE = """الضغط 120/80 والنبض 72 والحرارة 36.8 والوزن 82.5 كجم.
{DRUGAR} 500 ملغ مرتين يوميا لمدة 14 يوما بعد الأكل.
رقم الطلب {ORDER} قيد الشحن ويصل خلال 3 أيام.
الفاتورة رقم {ORDER} بمبلغ 12500 ريال مستحقة خلال 30 يوما.
نتمنى لكم السلامة والشفاء العاجل وكل عام وأنتم بخير.
حالة المريض مستقرة والوعي كامل والأمل كبير بإذن الله.
{HOSPITALAR} يعلن عن افتتاح عيادة جديدة للأطفال.
السكر التراكمي 7.8% والكرياتينين 88 والهيموجلوبين 13.4.
يرجى الحضور قبل الموعد بربع ساعة وإحضار التقارير السابقة.
لا يوجد نزيف والقلب سليم والبطن لين وحركة الأمعاء طبيعية.
جرعة الأطفال 15 ملغ لكل كيلوجرام كل 6 ساعات عند اللزوم.
الإصدار {VERSION} من التطبيق متوفر الآن مع تحسينات في الأداء.
كان سعيدا بالنتيجة وشكر الفريق الطبي على حسن المعاملة.
تناول الدواء في الصباح ثم في المساء مع كأس ماء.
عدد المراجعين 95 والحالات الحرجة 12 والأسرة المتاحة 250.
مواعيد العيادة من الأحد إلى الخميس من الساعة 8 صباحا.
تم رفع القضية إلى الإدارة المختصة للنظر في الأمر.
منذ 95 يوما وهو يتبع الحمية ويمارس المشي 30 دقيقة.
الدعم الفني متاح على مدار الساعة، رمز التحقق 482913.""".split("\n")
MIXED = """Pt {NAMEAR} / {NAME}, MRN {MRN}, جوال {MOBILEAR}, DOB {DATE}.
Name (Arabic): {NAMEAR} - Name (English): {NAME} - Iqama: {IQAMA}
المريض {NAMEAR} on {DRUG} 500 mg BID, seen by Dr. {NAME}.
Consultation note: المريضة {NAMEAR} complained of headache since {DATE}.
{{"patientName": "{NAME}", "nationalId": "{NID}", "mobile": "{MOBILE}", "dob": "{ISO}", "status": "active"}}
{{"name": "{NAMEAR}", "email": "{EMAIL}", "iban": "{IBAN}", "amount": 350.75, "orderId": "ORD-5531"}}
{{"patient":{{"firstName":"{GIVEN}","lastName":"{FAMILY}","mrn":"{MRN}","phone":"{MOBILE}"}},"code":"4548-4","value":6.9}}
PID|1||{MRN}^^^KFMC^MR||{HL7NAME}||{HL7DATE}|M|||{HL7ADDRESS}||{HL7PHONE}
NK1|1|{HL7NAME}|SPO|{HL7ADDRESS}|{HL7PHONE}
{LOGTIME} INFO deliver sms to={MOBILE} template=reminder attempt=2 took=131ms
{LOGTIME} WARN lookup failed for identifier {NID} from {IP}: timeout after 3000 ms
level=error msg="cannot notify patient" name="{NAME}" phone={MOBILE} code=21610
GET /api/v1/search?name={URLNAME}&phone={URLPHONE} HTTP/1.1
SMS: {GIVENAR} موعدك {DATEAR} {TIME} King Fahd Medical City. Ref 88123
user: السلام عليكم، أنا {NAMEAR} وأبغى أغير الموعد. agent: Sure, please confirm your ID. user: {NIDAR}""".split("\n")
MIXED_NEGATIVE = """OBX|1|NM|718-7^Hemoglobin^LN||13.4|g/dL|12.0-16.0|N|||F
MSH|^~\\&|RABT|HUB|EHR|HOSP|{{}}||ADT^A01|MSG00001|P|2.5.1
{{"resourceType": "Observation", "status": "final", "code": "718-7", "value": 13.4, "unit": "g/dL"}}
level=info msg="turn done" instance=01J9Z7K3 took=12.5ms retries=0 worker=2
قراءة BP 130/85 و HR 77 و SpO2 98% الوضع stable.
نتيجة CBC: WBC 6.7, Hb 12.9, PLT 245 ضمن الطبيعي.""".split("\n")


def fill(template):
    """The text and its spans, in characters."""
    text, spans, at = "", [], 0
    while at < len(template):
        if template[at:at + 2] in ("{{", "}}"):
            text += template[at]
            at += 2
        elif template[at] == "{":
            end = template.index("}", at)
            slot = template[at + 1:end]
            at = end + 1
            if slot == "HL7NAME":
                value = pick(EN_FAMILY) + "^" + pick(EN_GIVEN)
                kind = "name"
            elif slot == "HL7ADDRESS":
                value, kind = f"{R.randint(1, 300)} {pick(EN_STREET)}^^{pick(EN_CITY)}^^{R.randint(11000, 34999)}^SA", "address"
            elif slot == "HL7PHONE":
                value, kind = "05" + pick("034568") + digits(7), "phone"
            elif slot == "URLNAME":
                value, kind = urllib.parse.quote(name_ar(2)), "name"
            elif slot == "URLPHONE":
                value, kind = "%2B9665" + pick("034568") + digits(7), "phone"
            else:
                kind, make = MAKE[slot]
                value = make()
            if kind:
                spans.append({"entity_type": kind, "start_position": len(text), "end_position": len(text) + len(value)})
            text += value
        else:
            text += template[at]
            at += 1
    return text, spans


def dress(text, spans):
    """Sometimes as phones and old systems write it: bidi marks, tatweel, harakat, no-break spaces. Spans move along."""
    if R.random() > 0.12:
        return text, spans
    out, moved = "", [dict(s) for s in spans]
    starts = {s["start_position"] for s in spans}
    ends = {s["end_position"] for s in spans}
    where = {}
    for i, c in enumerate(text):
        before = "\u200f" if i in starts and R.random() < 0.5 else ""
        out += before if i in starts else ""
        where[i] = len(out)
        out += "\u00a0" if c == " " and R.random() < 0.05 else c
        if "\u0628" <= c <= "\u064a" and i + 1 not in ends and i + 1 < len(text) and "\u0621" <= text[i + 1] <= "\u064a" and c not in "دذرزوا" and R.random() < 0.06:
            out += "\u0640"
        elif "\u0628" <= c <= "\u064a" and i + 1 not in ends and R.random() < 0.06:
            out += pick("\u064e\u064f\u0650\u0652")
        if i + 1 not in where:
            where[i + 1] = len(out)
    for s in moved:
        s["start_position"], s["end_position"] = where[s["start_position"]], where[s["end_position"] - 1] + 1
    return out, moved


def main():
    samples = []
    for language, positive, negative, rounds in (("en", EN, EN_NEGATIVE, 7), ("ar", AR, AR_NEGATIVE, 8), ("mixed", MIXED, MIXED_NEGATIVE, 8)):
        for i in range(rounds):
            for template in positive + (negative if i < 2 else []):
                text, spans = dress(*fill(template))
                samples.append({"full_text": text, "language": language, "spans": spans})
    for _ in range(20):
        body = f'{{"name": "{name_en()}", "phone": "{mobile()}"}}'
        token = base64.b64encode(body.encode()).decode()
        samples.append({"full_text": f"payload={token} size=88", "language": "mixed", "spans": []})
        # the whole token is one finding, of the surest class inside
        samples[-1]["spans"].append({"entity_type": "phone", "start_position": 8, "end_position": 8 + len(token)})
        escaped = json.dumps({"patientName": name_ar(3)})
        start = escaped.index(': "') + 3
        samples.append({"full_text": escaped, "language": "mixed", "spans": [{"entity_type": "name", "start_position": start, "end_position": len(escaped) - 2}]})
    R.shuffle(samples)
    print("[\n" + ",\n".join(json.dumps(s, ensure_ascii=False) for s in samples) + "\n]")


main()
